"""Sums, means, products, extremes and spreads along axes; averages and correlations."""

import hypothesis.extra.numpy as hnp
import numpy as np
from hypothesis import strategies as st

from domains.samples import FLIP, WIDE, axes, between, calls, distinct, flat, one, signed
from minigrad.derivatives import reductions, statistics

KEEPDIMS = {"keepdims": st.booleans()}
DDOF = st.sampled_from([{}, {"ddof": 1}, {"ddof": 0.5}, {"correction": 1}])
FEW = st.sampled_from([{}, {"ddof": 0.5}, {"correction": 0.5}])  # two numbers, or one


# ---- numbers -------------------------------------------------------------------------------------
def with_nan(numbers):
    """At most one NaN along each axis, which is at most three long; none at the first entry."""

    def draw(rng, shape):
        x = np.asarray(numbers(rng, shape))
        return np.where(diagonal(shape) & (rng.uniform(size=shape) < 0.7), np.nan, x)

    return draw


def diagonal(shape):
    return np.sum(np.indices(shape), axis=0) % 3 == 2


def nan_anywhere(rng, shape):
    return np.where(rng.uniform(size=shape) < 0.3, np.nan, rng.uniform(-2, 2, shape))


# ---- options -------------------------------------------------------------------------------------
def mask(draw, shape, axis, least):
    """Which entries to choose: at least so many for each result."""
    chosen = draw(hnp.arrays(bool, shape[draw(st.integers(0, len(shape))) :]))
    counts = np.sum(np.broadcast_to(chosen, shape), axis=axis)
    return chosen if np.all(counts >= least) else chosen | True


def mask_of_numbers(draw, shape, axis, least):
    """Leave out entries that may be NaN, and no others."""
    return draw(hnp.arrays(bool, shape)) | ~diagonal(shape)


def reducing(
    function,
    numbers=WIDE,
    min_side=0,
    min_dims=0,
    min_axes=0,
    least=0,
    initial=(),
    mask=mask,
    **more,
):
    """The axis by place or by name, keepdims, and now and then where= and initial=."""

    def options(draw, shape):
        axis = draw(axes(len(shape), min_axes))
        keywords = {k: draw(values) for k, values in (KEEPDIMS | more).items()}
        keywords |= keywords.pop("degrees", {})
        if initial and draw(FLIP):
            keywords["initial"] = draw(st.sampled_from(initial))
        if draw(FLIP) and least is not None:
            keywords["where"] = mask(draw, shape, axis, least)
            if initial:
                keywords.setdefault("initial", initial[0])
        return ((axis,), keywords) if draw(FLIP) else ((), keywords | {"axis": axis})

    return calls(function, numbers, shapes=one(min_dims, min_side), options=options)


EXTREME = {"initial": (-9.0, 0.05, 9.0)}  # below all entries, between them, above


def spreads(function, numbers, degrees=DDOF, mask=mask):
    """With a mean of its own, or one that is given: an operand, or a constant."""
    own = reducing(function, numbers, 2, 1, 1, least=2, mask=mask, degrees=degrees)
    return st.one_of(own, own, about_calls(function, numbers, degrees, mask))


@st.composite
def about_calls(draw, function, numbers, degrees, mask):
    (shape,) = draw(one(1, 2))
    axis = draw(axes(len(shape), 1))
    options = {"axis": axis, "keepdims": draw(FLIP), **draw(degrees)}
    if draw(FLIP):
        options["where"] = mask(draw, shape, axis, 2)
    kept = np.sum(np.zeros(shape), axis=axis, keepdims=True).shape
    given = np.random.default_rng(0).uniform(4, 5, kept)

    def about(x, mean=given):
        return function(x, mean=mean, **options)

    if draw(FLIP):
        return draw(calls(about, numbers, shapes=st.just([shape])))
    both = st.just([shape, kept])
    return draw(calls(about, numbers, between(4, 5), shapes=both, constant=False))


# ---- averages ------------------------------------------------------------------------------------
@st.composite
def average_calls(draw):
    """Without weights; with weights like the entries; with weights of the axes alone."""
    (shape,) = draw(one(0, 1))
    returned, keepdims = draw(FLIP), draw(FLIP)
    axis = draw(axes(len(shape)))
    weights = [None, shape]
    if axis is not None and axis != ():
        named = np.atleast_1d(axis) % len(shape)
        weights.append(tuple(shape[i] for i in named))
    w = draw(st.sampled_from(weights))

    def average(x, *w):
        y = np.average(x, axis, *w, returned=returned, keepdims=keepdims)
        return flat(y) if returned else y

    shapes = [shape] if w is None else [shape, w]
    return draw(calls(average, *(WIDE, between(0.5, 2))[: len(shapes)], shapes=st.just(shapes)))


@st.composite
def correlation_calls(draw, function, weighted):
    """Observations in rows or columns, a second set of them, and weights."""
    n, rowvar = draw(st.integers(3, 4)), draw(FLIP)
    variables = draw(st.lists(st.sampled_from([(), (1,), (2,), (3,)]), min_size=1, max_size=2))
    rowvar = rowvar or (1,) in variables  # NumPy's versions differ for a single column
    shapes = [(*k, n) if rowvar or not k else (n, *k) for k in variables]
    if not weighted:
        return draw(
            calls(lambda *xs: function(*xs, rowvar=rowvar), distinct, shapes=st.just(shapes))
        )
    options = draw(st.sampled_from([{}, {"bias": True}, {"ddof": 0}, {"ddof": 2}]))
    if draw(FLIP):
        options = options | {"fweights": draw(hnp.arrays(int, n, elements=st.integers(1, 3)))}
    if draw(FLIP):
        return draw(
            calls(
                lambda w, *xs: function(*xs, rowvar=rowvar, aweights=w, **options),
                *(between(0.5, 1.5), *[distinct] * len(shapes)),
                shapes=st.just([(n,), *shapes]),
            )
        )
    return draw(
        calls(lambda *xs: function(*xs, rowvar=rowvar, **options), distinct, shapes=st.just(shapes))
    )


# ---- what the rules are made of ------------------------------------------------------------------
@st.composite
def kept_calls(draw):
    (shape,) = draw(one())
    chosen = draw(hnp.arrays(bool, shape))
    fewer = shape[draw(st.integers(0, len(shape))) :]
    return draw(calls(lambda g: reductions.kept(g, chosen), WIDE, shapes=st.just([fewer])))


@st.composite
def chosen_calls(draw):
    """What is not chosen is a constant."""
    (shape,) = draw(one())
    chosen = mask(draw, shape, None, 0)

    def call(x):
        y = reductions.chosen(x, chosen)
        return y * chosen

    return draw(calls(call, WIDE, shapes=st.just([shape])))


def moment_calls(function):
    def options(draw, shape):
        axis = draw(axes(len(shape), 1))
        ddof, keepdims = draw(st.sampled_from([0, 1, 0.5])), draw(FLIP)
        return (axis, None, ddof, keepdims, True), {}

    return calls(function, signed(0.5, 2), shapes=one(1, 2), options=options)


DOMAINS = {
    np.sum: reducing(np.sum, initial=(0.5,)),
    np.mean: reducing(np.mean, min_side=1, least=1),
    np.prod: reducing(np.prod, initial=(-1.5,)),
    np.max: reducing(np.max, distinct, min_side=1, **EXTREME),
    np.min: reducing(np.min, distinct, min_side=1, **EXTREME),
    np.amax: reducing(np.amax, distinct, min_side=1, **EXTREME),
    np.amin: reducing(np.amin, distinct, min_side=1, **EXTREME),
    np.ptp: reducing(np.ptp, distinct, min_side=1, least=None),
    np.var: spreads(np.var, distinct),
    np.std: spreads(np.std, distinct),
    np.average: average_calls(),
    np.cov: correlation_calls(np.cov, weighted=True),
    np.corrcoef: correlation_calls(np.corrcoef, weighted=False),
    # what passes over NaN
    np.nansum: reducing(np.nansum, nan_anywhere, initial=(0.5,)),
    np.nanprod: reducing(np.nanprod, nan_anywhere, initial=(-1.5,)),
    np.nanmean: reducing(np.nanmean, with_nan(WIDE), 2, 1, 1, mask=mask_of_numbers),
    np.nanmax: reducing(np.nanmax, with_nan(distinct), 2, 1, 1, **EXTREME),
    np.nanmin: reducing(np.nanmin, with_nan(distinct), 2, 1, 1, **EXTREME),
    np.nanvar: spreads(np.nanvar, with_nan(distinct), FEW, mask_of_numbers),
    np.nanstd: spreads(np.nanstd, with_nan(distinct), FEW, mask_of_numbers),
    # what the rules are made of
    reductions._others_in_row: calls(reductions._others_in_row, WIDE, shapes=one(1, 1)),
    reductions.kept: kept_calls(),
    reductions.chosen: chosen_calls(),
    statistics._mean_square: moment_calls(statistics._mean_square),
    statistics._root_mean_square: moment_calls(statistics._root_mean_square),
    statistics._in_bounds: calls(statistics._in_bounds, between(-0.9, 0.9), shapes=one()),
}
