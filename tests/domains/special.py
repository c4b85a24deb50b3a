"""Interpolation, bins and pieces, special functions, polynomials."""

import hypothesis.extra.numpy as hnp
import numpy as np
from hypothesis import strategies as st

from domains.samples import (
    EVEN,
    SEED,
    WIDE,
    axes,
    between,
    calls,
    elementwise_calls,
    near,
    one,
    several,
)
from minigrad.derivatives import special

HALVES = near(-1.5, 0.5, 1.5, 2.5, 4.5)  # between the points, and beyond them


# ---- interpolation, bins, pieces -----------------------------------------------------------------
def points(rng, shape):
    """Near 0, 1, 2 …"""
    return np.arange(*shape) + rng.uniform(-0.1, 0.1, shape)


@st.composite
def interp_calls(draw):
    """Constant beyond the points, or with values for left and right, or on a circle."""
    n, (shape,) = draw(st.integers(1, 4)), draw(one())
    shapes = [shape, (n,), (n,)]
    kind = draw(st.sampled_from(["plain", "ends", "left", "period"]))
    if kind == "period":
        rounds = np.random.default_rng(draw(SEED)).integers(-1, 2, n) * 6.0
        order = draw(st.permutations(range(n)))

        def circle(x, xp, fp):
            return np.interp(x, (xp + rounds)[order], fp, period=draw_period)

        draw_period = draw(st.sampled_from([6.0, -6.0]))
        return draw(calls(circle, HALVES, points, WIDE, shapes=st.just(shapes)))
    ends = {"plain": [], "ends": [(), ()], "left": [()]}[kind]

    def interp(x, xp, fp, *ends):
        return np.interp(x, xp, fp, *ends)

    numbers = (HALVES, points, WIDE, *[WIDE] * len(ends))
    return draw(calls(interp, *numbers, shapes=st.just(shapes + ends), constant=not ends))


@st.composite
def bincount_calls(draw):
    n = draw(st.integers(0, 6))
    x = draw(hnp.arrays(int, n, elements=st.integers(0, 3)))
    most = draw(st.integers(0, 6))
    return draw(
        calls(
            lambda w: np.bincount(x, w, minlength=most), WIDE, shapes=st.just([(n,)]), floats=False
        )
    )


PIECES = [
    lambda x: np.piecewise(x, [x < -1, x > 1], [np.sin, lambda x: x**3, 3.0]),
    lambda x: np.piecewise(x, [x < 1, x > -1], [np.sin, np.square]),
    lambda x: np.piecewise(x, [x > 1], [lambda x, c: c * x, lambda x, c: x**2], c=2.0),
    lambda x: np.piecewise(x, x > 1 if np.size(x) and np.ndim(x) == 1 else [x > 1], [np.exp, 1.0]),
]
ROWS = [
    lambda r: np.sum(r**2),
    lambda r: r * np.sum(r),
    lambda r: r[:, None] * r[None, :],
    lambda r: r[:0] * 2,
]


def on_rows(draw, shape):
    return (draw(st.integers(-len(shape), len(shape) - 1)),), {}


def over_axes(draw, shape):
    axis = draw(axes(len(shape)).filter(lambda axis: axis is not None))
    return (axis,), {}


# ---- special functions ---------------------------------------------------------------------------
def not_finite(rng, shape):
    bad = rng.choice([np.nan, np.inf, -np.inf], shape)
    return np.where(rng.uniform(size=shape) < 0.4, bad, rng.uniform(-2, 2, shape))


def replaced(draw, shape):
    some = [{}, {"nan": 5.0}, {"posinf": 1.0, "neginf": -1.0}, {"copy": True}]
    return (), draw(st.sampled_from(some))


def exponents(draw, shape):
    return (draw(hnp.arrays(int, shape, elements=st.integers(-3, 3))),), {}


def orders(least):
    return lambda draw, shape: ((draw(st.integers(least, 4)),), {})


@st.composite
def heaviside_calls(draw):
    shape, values = draw(several(2))
    x = np.random.default_rng(draw(SEED)).choice([-1.0, 0.0, 2.0], shape)
    return draw(calls(lambda v: np.heaviside(x, v), WIDE, shapes=st.just([values])))


# ---- polynomials ---------------------------------------------------------------------------------
@st.composite
def polyval_calls(draw):
    (shape,), n = draw(one()), draw(st.integers(0, 4))
    return draw(calls(np.polyval, WIDE, between(-1.5, 1.5), shapes=st.just([(n,), shape])))


def derived(draw, shape):
    return (draw(st.integers(0, 3)),), {}


@st.composite
def polyint_calls(draw):
    n, m = draw(st.integers(0, 4)), draw(st.integers(0, 3))
    k = draw(st.sampled_from([None, (), (1,), (m,)] if m else [None]))
    if k is None:
        return draw(calls(lambda p: np.polyint(p, m), WIDE, shapes=st.just([(n,)])))
    both = st.just([(n,), k])
    return draw(calls(lambda p, k: np.polyint(p, m, k), WIDE, WIDE, shapes=both, constant=False))


LENGTHS = st.lists(st.sampled_from([(), (1,), (2,), (4,)]), min_size=2, max_size=2)


DOMAINS = {
    np.interp: interp_calls(),
    np.bincount: bincount_calls(),
    np.piecewise: st.sampled_from(PIECES).flatmap(lambda f: elementwise_calls(f, EVEN)),
    np.apply_along_axis: st.sampled_from(ROWS).flatmap(
        lambda f: calls(
            lambda x, axis: np.apply_along_axis(f, axis, x), WIDE, shapes=one(1, 1), options=on_rows
        )
    ),
    np.apply_over_axes: st.sampled_from([np.sum, np.cumsum]).flatmap(
        lambda f: calls(
            lambda x, axis: np.apply_over_axes(f, x, axis), WIDE, shapes=one(1), options=over_axes
        )
    ),
    np.sinc: elementwise_calls(np.sinc, WIDE),
    special.sinc_derivative: calls(special.sinc_derivative, WIDE, shapes=one(), options=orders(1)),
    np.i0: elementwise_calls(np.i0, WIDE),
    special.bessel_i: calls(special.bessel_i, WIDE, shapes=one(), options=orders(0)),
    np.nan_to_num: calls(np.nan_to_num, not_finite, shapes=one(), options=replaced),
    np.ldexp: calls(np.ldexp, WIDE, shapes=one(), options=exponents),
    np.frexp: elementwise_calls(lambda x: np.frexp(x)[0], near(-3, -0.75, 0.75, 1.5)),
    np.heaviside: heaviside_calls(),
    np.polyval: polyval_calls(),
    np.polyder: calls(np.polyder, WIDE, shapes=one(1, max_dims=1), options=derived),
    np.polyint: polyint_calls(),
    np.polyadd: calls(np.polyadd, WIDE, shapes=LENGTHS, floats=False),
    np.polymul: calls(np.polymul, WIDE, shapes=LENGTHS, floats=False),
    np.polysub: calls(np.polysub, WIDE, shapes=LENGTHS, floats=False),
}
