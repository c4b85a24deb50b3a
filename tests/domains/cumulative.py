"""Running sums and products, differences, and samples of functions."""

import numpy as np
from hypothesis import strategies as st

from domains.reductions import nan_anywhere
from domains.samples import FLIP, SIDES, WIDE, axes, between, calls, flat, near, one, signed
from minigrad.derivatives import cumulative

JUMPS = near(-5, 0, 5)  # differences that are not near half a period, 2π or 6


def along_one(draw, shape):
    """One axis, or all flattened; by place or by name."""
    axis = draw(axes(len(shape), one_only=True))
    return ((axis, None), {}) if draw(FLIP) else ((), {"axis": axis})


def with_zeros(rng, shape):
    """Numbers of which some are exactly zero: a product is a polynomial, smooth there too."""
    return np.where(rng.uniform(size=shape) < 0.3, 0.0, signed(0.3, 1.5)(rng, shape))


def from_array_api(draw, shape):
    axis = draw(st.integers(-len(shape), len(shape) - 1)) if shape else 0
    some = [{}, {"include_initial": True}]
    return (), draw(st.sampled_from(some)) | (
        {} if len(shape) == 1 and axis == 0 else {"axis": axis}
    )


def array_api():
    """The functions that NumPy has since 2.1."""
    pairs = [("cumulative_sum", WIDE), ("cumulative_prod", with_zeros)]
    return {
        getattr(np, name): calls(getattr(np, name), numbers, shapes=one(1), options=from_array_api)
        for name, numbers in pairs
        if hasattr(np, name)
    }


# ---- differences ---------------------------------------------------------------------------------
@st.composite
def diff_calls(draw):
    """Orders up to more than the length, with numbers or arrays before and after."""
    (shape,) = draw(one(1))
    axis = draw(st.integers(-len(shape), len(shape) - 1))
    n = draw(st.integers(0, 4))
    ends = draw(st.lists(st.sampled_from(["prepend", "append"]), unique=True, max_size=2))

    def end():
        side = list(shape)
        side[axis] = draw(SIDES[0])
        return draw(st.sampled_from([(), tuple(side)]))

    def diff(x, *others):
        y = np.diff(x, n, axis, **dict(zip(ends, others, strict=True)))
        return y * 1.0 if n == 0 else y

    return draw(calls(diff, WIDE, shapes=st.just([shape, *[end() for _ in ends]]), constant=n > 0))


@st.composite
def ediff1d_calls(draw, constant=True):
    ends = draw(st.lists(st.sampled_from(["to_end", "to_begin"]), unique=True, max_size=2))
    shapes = [draw(one(0))[0], *[draw(one(0, max_dims=2))[0] for _ in ends]]

    def ediff1d(x, *others):
        return np.ediff1d(x, **dict(zip(ends, others, strict=True)))

    return draw(calls(ediff1d, WIDE, shapes=st.just(shapes), constant=constant))


# ---- samples of functions ------------------------------------------------------------------------
def places(rng, shape):
    """Increasing, not evenly."""
    return np.cumsum(rng.uniform(0.4, 1, shape), axis=-1)


@st.composite
def trapezoid_calls(draw):
    """Evenly, with a width; at places of their own, on one axis or all over."""
    (shape,) = draw(one(1))
    axis = draw(st.integers(-len(shape), len(shape) - 1))
    kind = draw(st.sampled_from(["plain", "dx", "x along", "x everywhere"]))
    if kind == "plain":
        return draw(calls(lambda y: np.trapezoid(y, axis=axis), WIDE, shapes=st.just([shape])))
    if kind == "dx":
        return draw(
            calls(
                lambda y, dx: np.trapezoid(y, dx=dx, axis=axis),
                *(WIDE, between(0.5, 1)),
                shapes=st.just([shape, ()]),
            )
        )
    x = (shape[axis],) if kind == "x along" else shape
    return draw(
        calls(lambda y, x: np.trapezoid(y, x, axis=axis), WIDE, places, shapes=st.just([shape, x]))
    )


@st.composite
def gradient_calls(draw):
    """All axes or some; one spacing for all, one for each, or the places of the samples."""
    edge_order = draw(st.sampled_from([1, 2]))
    sides = st.sampled_from([2, 3, 4] if edge_order == 1 else [3, 4])
    shape = tuple(draw(st.lists(sides, min_size=1, max_size=2)))
    all_axes = tuple(range(len(shape)))
    axis = draw(st.sampled_from([None, 0, -1, all_axes, tuple(i - len(shape) for i in all_axes)]))
    named = range(len(shape)) if axis is None else np.atleast_1d(axis)
    kind = draw(st.sampled_from(["unit", "one", "each", "places", "places", "places", "even"]))

    def gradient(f, *h):
        y = np.gradient(f, *h, axis=axis, edge_order=edge_order)
        return flat(y) if isinstance(y, tuple) else y

    if kind == "even":  # NumPy takes a short cut
        h = [np.arange(shape[i]) * 0.5 for i in named]
        return draw(calls(lambda f: gradient(f, *h), WIDE, shapes=st.just([shape])))
    spacings = {"unit": [], "one": [()], "each": [()] * len(named)}
    h = spacings.get(kind, [(shape[i],) if draw(st.integers(0, 3)) else () for i in named])
    numbers = [places if s else between(0.5, 1) for s in h]
    return draw(calls(gradient, WIDE, *numbers, shapes=st.just([shape, *h])))


def unwrapped(draw, shape):
    axis = draw(st.integers(-len(shape), len(shape) - 1))
    options = [{}, {"period": 6.0}, {"discont": 4.0}]
    return (), {"axis": axis, **draw(st.sampled_from(options))}


DOMAINS = {
    np.cumsum: calls(np.cumsum, WIDE, shapes=one(), options=along_one),
    np.cumprod: calls(np.cumprod, with_zeros, shapes=one(), options=along_one),
    np.nancumsum: calls(np.nancumsum, nan_anywhere, shapes=one(), options=along_one),
    np.nancumprod: calls(np.nancumprod, nan_anywhere, shapes=one(), options=along_one),
    **array_api(),
    cumulative.recurrence: calls(
        cumulative.recurrence, WIDE, with_zeros, shapes=one(1).map(lambda s: s * 2), floats=False
    ),
    np.diff: diff_calls(),
    np.ediff1d: ediff1d_calls(),
    np.gradient: gradient_calls(),
    np.trapezoid: trapezoid_calls(),
    np.unwrap: calls(np.unwrap, JUMPS, shapes=one(1), options=unwrapped),
}
