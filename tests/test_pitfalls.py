"""One test, at least, for each row of shared/research/pitfalls.md that concerns the engine."""

import numpy as np
import oracle
import pytest
from domains import DOMAINS
from hypothesis import given
from hypothesis import strategies as st

from minigrad import Tensor, gradients, primitive
from minigrad import functions as fn
from minigrad.graph import write
from minigrad.kinds import called


def slope(f, at, v=None):
    """Differentiate f at a point: its pullback, of ones or of v."""
    x = Tensor(at)
    y = f(x)
    return gradients(y, x, np.ones(y.shape) if v is None else v).tolist()


def slopes(f, *at):
    """Differentiate f by each argument."""
    xs = [Tensor(a) for a in at]
    y = f(*xs)
    return [g.tolist() for g in gradients(y, xs, np.ones(y.shape))]


def jvp(f, x, v):
    """Differentiate along v, by two VJPs."""
    x = Tensor(x)
    y = f(x)
    seed = Tensor(np.zeros(y.shape))
    g = gradients(y, x, seed, create_graph=True)
    return gradients(np.sum(g * np.asarray(v)), seed).tolist()


# ---- ties in max/amax/min/median -----------------------------------------------------------------
@pytest.mark.parametrize("extreme", [np.max, np.amax, np.min, np.amin])
def test_ties_of_an_extreme_share_the_gradient_evenly(extreme):
    assert slope(extreme, [2.0, 2.0]) == [0.5, 0.5]
    other = 1.0 if extreme in (np.max, np.amax) else 5.0
    assert slope(extreme, [3.0, other, 3.0, 3.0]) == [1 / 3, 0.0, 1 / 3, 1 / 3]


@pytest.mark.parametrize("extreme", [np.max, np.min])
@given(tied=st.integers(1, 4), keepdims=st.booleans(), g=st.integers(-5, 5))
def test_what_an_extreme_hands_out_sums_to_what_came_in(extreme, tied, keepdims, g):
    x = np.array([[7.0] * tied + [1.0, 13.0]] * 2)
    x[0] = 7.0
    grad = slope(lambda x: extreme(x, axis=1, keepdims=keepdims) * g, x)
    np.testing.assert_allclose(np.sum(grad, axis=1), [g, g])


def test_the_gradient_of_an_extreme_that_is_nan_goes_to_the_nan():
    for extreme in (np.max, np.min):
        assert slope(extreme, [1.0, np.nan, 2.0]) == [0.0, 1.0, 0.0]
        assert slope(extreme, [np.nan, np.nan]) == [0.5, 0.5]


# ---- maximum(a, b) at a tie ----------------------------------------------------------------------
@pytest.mark.parametrize("extreme", [np.maximum, np.minimum])
def test_a_tie_of_two_gives_half_to_each(extreme):
    assert slopes(extreme, 2.0, 2.0) == [0.5, 0.5]
    assert slopes(extreme, [2.0, 3.0], 2.0) in ([[0.5, 1.0], 0.5], [[0.5, 0.0], 1.5])
    assert slope(lambda x: extreme(x, x), 2.0) == 1.0


@pytest.mark.parametrize(("extreme", "larger"), [(np.fmax, 3.0), (np.fmin, 1.0)])
def test_fmax_and_fmin_pass_over_nan_and_share_ties(extreme, larger):
    assert slopes(extreme, 2.0, 2.0) == [0.5, 0.5]
    assert slopes(extreme, np.nan, 2.0) == [0.0, 1.0]
    assert slopes(extreme, 2.0, np.nan) == [1.0, 0.0]
    assert slopes(extreme, larger, 2.0) == [1.0, 0.0]


# ---- relu at 0 -----------------------------------------------------------------------------------
def test_relu_at_zero_has_derivative_zero():
    assert slope(fn.relu, [-1.0, 0.0, -0.0, 1e-300, 2.0]) == [0.0, 0.0, 0.0, 1.0, 1.0]


def test_leaky_relu_and_elu_at_zero_take_the_slope_of_the_left():
    assert slope(fn.leaky_relu, 0.0) == 0.01
    assert slope(lambda x: fn.leaky_relu(x, slope=0.3), [0.0, -1.0, 1.0]) == [0.3, 0.3, 1.0]
    assert slope(lambda x: fn.elu(x, alpha=0.5), [0.0, 1.0]) == [0.5, 1.0]


@pytest.mark.parametrize(
    "f", [fn.relu, fn.leaky_relu, fn.elu, fn.sigmoid, fn.tanh, fn.softplus, fn.silu, fn.gelu]
)
def test_nan_stays_nan(f):
    assert np.isnan(f(np.array([np.nan, 1.0]))).tolist() == [True, False]
    assert np.isnan(f(Tensor([np.nan, 1.0])).data).tolist() == [True, False]


# ---- abs(0); clip at the bound -------------------------------------------------------------------
def test_absolute_at_zero_has_derivative_zero():
    assert slope(np.abs, [0.0, -0.0, -2.0, 2.0]) == [0.0, 0.0, -1.0, 1.0]
    assert slope(np.fabs, [0.0, -2.0]) == [0.0, -1.0]


def test_copysign_turns_with_the_sign_bit_and_is_flat_at_zero():
    assert slope(lambda x: np.copysign(x, -0.0), [2.0, -2.0, 0.0]) == [-1.0, 1.0, 0.0]
    assert slope(lambda x: np.copysign(x, 5.0), [2.0, -2.0, 0.0]) == [1.0, -1.0, 0.0]


def test_clip_has_derivative_one_on_the_closed_interval():
    assert slope(lambda x: np.clip(x, 0, 1), [-0.1, 0.0, 0.5, 1.0, 1.1]) == [0, 1, 1, 1, 0]
    assert slope(lambda x: np.clip(x, None, 1), [-9.0, 1.0, 2.0]) == [1, 1, 0]
    assert slope(lambda x: np.clip(x, 0, None), [-9.0, 0.0, 2.0]) == [0, 1, 1]


def test_clip_hands_out_the_whole_gradient_once():
    for x, low, high in ((0.0, 0.0, 1.0), (1.0, 0.0, 1.0), (-3.0, 0.0, 1.0), (3.0, 0.0, 1.0)):
        assert sum(slopes(np.clip, x, low, high)) == 1.0


def test_clip_with_crossed_bounds_is_the_upper_bound():
    for x in (0.0, 1.0, 1.5, 2.0, 3.0):
        assert slopes(np.clip, x, 2.0, 1.0) == [0.0, 0.0, 1.0]


# ---- sqrt(0), norm(0), hypot(0,0), std of a constant ---------------------------------------------
def test_the_derivative_of_a_root_at_zero_is_honestly_infinite():
    assert slope(np.sqrt, 0.0) == np.inf
    assert slope(np.cbrt, 0.0) == np.inf


def test_hypot_at_the_origin_has_derivative_zero():
    assert slopes(np.hypot, 0.0, 0.0) == [0.0, 0.0]
    assert slopes(np.hypot, 3.0, -4.0) == pytest.approx([0.6, -0.8])


@given(
    c=st.floats(-1e6, 1e6),
    n=st.sampled_from([1, 2, 3, 7, 1000]),
    dtype=st.sampled_from([np.float32, np.float64]),
)
def test_the_standard_deviation_of_a_constant_has_derivative_zero(c, n, dtype):
    x = np.full((2, n), c, dtype)
    assert slope(lambda x: np.std(x, axis=1), x) == [[0.0] * n] * 2
    assert slope(np.std, x) == [[0.0] * n] * 2
    assert slope(np.var, x) == [[0.0] * n] * 2


def test_one_row_may_be_constant_and_another_not():
    x = np.array([[0.1, 0.1, 0.1], [1.0, 2.0, 3.0]])
    first, second = slope(lambda x: np.std(x, axis=1), x)
    assert first == [0.0, 0.0, 0.0]
    assert second == pytest.approx(slope(np.std, x[1]))


@pytest.mark.parametrize("f", [np.mean, np.var, np.std, np.max, np.sum, np.prod])
def test_an_empty_batch_has_empty_gradients(f):
    assert slope(lambda x: f(x, axis=1), np.ones((0, 3))) == []


@pytest.mark.parametrize("f", [np.mean, np.var, np.std])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # NumPy's, for the mean of nothing
def test_the_mean_of_nothing_has_a_gradient_of_nothing(f):
    assert slope(lambda x: f(x, axis=1), np.ones((3, 0))) == [[], [], []]
    assert slope(f, []) == []


@pytest.mark.parametrize("f", [np.sum, np.prod, np.max, np.min])
@pytest.mark.parametrize("axis", [0, -1])
def test_numpy_lets_a_scalar_be_reduced_along_axis_0(f, axis):
    assert slope(lambda x: f(x, axis=axis), 3.0) == 1.0


@given(shift=st.floats(-100, 100))
def test_a_small_standard_deviation_is_no_constant(shift):
    x = np.array([-1e-9, 1e-9, 3e-9]) + shift
    centred = x - x.mean()
    spread = np.sqrt(np.mean(centred**2))
    np.testing.assert_allclose(slope(np.std, x), centred / (3 * spread), atol=1e-5)


def test_arctan2_at_the_origin_has_derivative_zero():
    assert slopes(np.arctan2, 0.0, 0.0) == [0.0, 0.0]


FAR = [("f2", 300), ("f2", 1e-4), ("f4", 1e-25), ("f8", 1e200)]


@pytest.mark.parametrize(("dtype", "size"), FAR)
def test_the_slopes_of_arctan2_do_not_mind_squares_that_overflow(dtype, size):
    a, b = Tensor(np.array(size, dtype)), Tensor(np.array(2 * size, dtype))
    found = gradients(np.arctan2(a, b), [a, b])
    np.testing.assert_allclose([float(g) * size for g in found], [0.4, -0.2], rtol=2e-3)
    assert gradients(np.arctan2(a, float(2 * size)), a) == found[0]  # a number has squares too


# ---- x**0 at 0; 0**y; (−2)**y --------------------------------------------------------------------
@pytest.mark.parametrize("power", [np.power, np.float_power])
def test_a_power_of_zero_or_less_is_constant_in_its_exponent(power):
    assert slope(lambda y: power(0.0, y), [0.0, 1.0, 2.5]) == [0.0, 0.0, 0.0]
    assert slope(lambda y: power(-2.0, y), [2.0, 3.0]) == [0.0, 0.0]
    assert slopes(power, 0.0, 0.0) == [0.0, 0.0]
    assert slope(lambda x: power(x, 2), [0.0, -2.0]) == [0.0, -4.0]


def test_powers_at_their_edges():
    assert slope(lambda x: x**0, [0.0, 2.0, -2.0]) == [0.0, 0.0, 0.0]
    assert slope(lambda x: x**1, [0.0, -2.0]) == [1.0, 1.0]
    assert slope(lambda x: x**2, [0.0, -2.0]) == [0.0, -4.0]
    assert slope(lambda x: x**3.0, -2.0) == 12.0
    assert slope(lambda x: x**0.5, 0.0) == np.inf


def test_the_second_derivative_of_low_powers_at_zero():
    for n, expected in ((0, 0.0), (1, 0.0), (2, 2.0), (3, 0.0)):
        x = Tensor(0.0)
        g = gradients(x**n, x, create_graph=True)
        assert gradients(g, x) == expected


# ---- prod with zeros -----------------------------------------------------------------------------
def test_a_product_with_zeros_differentiates_without_division():
    assert slope(np.prod, [0.0, 2.0, 3.0]) == [6.0, 0.0, 0.0]
    assert slope(np.prod, [0.0, 0.0, 3.0]) == [0.0, 0.0, 0.0]
    assert slope(lambda x: np.prod(x, axis=0), [[0.0, 2.0], [5.0, 0.0]]) == [[5.0, 0.0], [0.0, 2.0]]


@pytest.mark.parametrize("x", [[0.0, 2.0, 3.0], [0.0, 0.0, 3.0], [0.0, 0.0, 0.0], [5.0, 2.0, 3.0]])
def test_the_hessian_of_a_product_with_zeros(x):
    t = Tensor(x)
    g = gradients(np.prod(t), t, create_graph=True)
    a, b, c = x
    expected = [[0, c, b], [c, 0, a], [b, a, 0]]
    assert [gradients(g[i], t).tolist() for i in range(3)] == expected


def test_the_third_derivative_of_a_product_with_zeros():
    t = Tensor([0.0, 0.0, 0.0])
    y = np.prod(t)
    for i in range(3):
        y = gradients(y, t, create_graph=True)[i]
    assert y.item() == 1.0


def test_products_of_nothing_have_gradients_of_nothing():
    assert slope(lambda x: np.prod(x, axis=1), np.ones((2, 0))) == [[], []]
    assert slope(lambda x: np.prod(x, axis=1), np.ones((0, 2))) == []
    assert slope(np.prod, []) == []


# ---- `where` with a bad untaken branch -----------------------------------------------------------
BAD_BRANCHES = {
    "log": lambda x: np.where(x > 0, np.log(np.where(x > 0, x, 0.0)), 7.0),
    "sqrt": lambda x: np.where(x > 0, np.sqrt(x * (x > 0)), 7.0),
    "divide": lambda x: np.where(x > 0, 1.0 / (x * (x > 0)), 7.0),
    "divide by the variable": lambda x: np.where(x > 0, x / (x * (x > 0)), 7.0),
    "reciprocal": lambda x: np.where(x > 0, np.reciprocal(x * (x > 0)), 7.0),
    "power": lambda x: np.where(x > 0, (x * (x > 0)) ** -1.5, 7.0),
    "root by power": lambda x: np.where(x > 0, (x * (x > 0)) ** 0.5, 7.0),
    "exp": lambda x: np.where(x > 0, np.exp(np.where(x > 0, x, 1e4)), 7.0),
    "overflowing exp": lambda x: np.where(x > 0, np.exp(-1000 * x), 7.0),
    "cosh": lambda x: np.where(x > 0, np.cosh(x - 1000 * (x <= 0)), 7.0),
    "square of inf": lambda x: np.where(x > 0, np.square(x / (x > 0)), 7.0),
    "log10": lambda x: np.where(x > 0, np.log10(x * (x > 0)), 7.0),
    "log1p": lambda x: np.where(x > 0, np.log1p(np.where(x > 0, x, -1.0)), 7.0),
    "cbrt": lambda x: np.where(x > 0, np.cbrt(x * (x > 0)), 7.0),
    "arcsin": lambda x: np.where(x > 0, np.arcsin(np.where(x > 0, x / 2, 1.0)), 7.0),
    "arccos": lambda x: np.where(x > 0, np.arccos(np.where(x > 0, x / 2, 1.0)), 7.0),
    "arccosh": lambda x: np.where(x > 0, np.arccosh(x * (x > 0) + 1), 7.0),
    "arctanh": lambda x: np.where(x > 0, np.arctanh(np.where(x > 0, x / 2, 1.0)), 7.0),
    "negative log": lambda x: np.where(x > 0, np.log(x), 7.0),
    "negative sqrt": lambda x: np.where(x > 0, np.sqrt(x), 7.0),
    "negative power": lambda x: np.where(x > 0, np.power(x, 0.3), 7.0),
    "x to the x": lambda x: np.where(x > 0, x**x, 7.0),
    "float power x": lambda x: np.where(x > 0, np.float_power(x, x), 7.0),
    "x log x": lambda x: np.where(x > 0, x * np.log(x * (x > 0)), 7.0),
    "times inf": lambda x: np.where(x > 0, x * np.where(x.data > 0, 2.0, np.inf), 7.0),
    "prod": lambda x: np.where(x > 0, np.prod(np.stack([x] + [x / (x > 0)] * 2, 1), axis=1), 7.0),
    "var": lambda x: np.where(x > 0, np.var(np.stack([x, x / (x > 0)], 1), axis=1) + x, 7.0),
    "hypot": lambda x: np.where(x > 0, np.hypot(x / (x > 0), 1.0), 7.0),
    "deep": lambda x: np.where(x > 0, np.exp(np.sin(np.log(x * (x > 0)) ** 2)), 7.0),
    "maximum": lambda x: np.maximum(np.where(x > 0, np.log(x * (x > 0)), -50.0), -40.0),
    "clip": lambda x: np.clip(np.log(x * (x > 0)), -5.0, 5.0),
}


@pytest.mark.parametrize("name", BAD_BRANCHES)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # the forward pass computes both branches
def test_zero_times_infinity_does_not_leak_out_of_an_untaken_branch(name):
    f = BAD_BRANCHES[name]
    bad, good = [-1.0, 0.0], [0.5, 0.8]
    alone = slope(f, good)
    assert np.all(np.isfinite(alone))
    assert slope(f, bad + good) == [0.0, 0.0, *alone]


@pytest.mark.parametrize("name", BAD_BRANCHES)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_forward_mode_does_not_leak_out_of_an_untaken_branch(name):
    f = BAD_BRANCHES[name]
    expected = slope(f, [0.5, 0.8])
    along = jvp(f, [-1.0, 0.0, 0.5, 0.8], [1.0, 1.0, 1.0, 1.0])
    np.testing.assert_allclose(along, [0.0, 0.0, *expected])


@pytest.mark.parametrize("name", BAD_BRANCHES)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_second_order_does_not_leak_out_of_an_untaken_branch(name):
    f = BAD_BRANCHES[name]

    def curvature(at):
        x = Tensor(at)
        return gradients(
            gradients(np.sum(f(x)), x, create_graph=True), x, np.ones(len(at))
        ).tolist()

    np.testing.assert_allclose(curvature([-1.0, 0.0, 0.5, 0.8]), [0, 0, *curvature([0.5, 0.8])])


NOT_TAKEN = {
    "a mask": lambda x: np.exp(x)[x.data < 10],
    "an index": lambda x: np.exp(x)[0],
    "a slice": lambda x: np.exp(x)[:1],
    "a part": lambda x: np.split(np.exp(x), 2)[0],
    "the smallest": lambda x: np.min(np.exp(x)),
    "the largest": lambda x: np.max(-np.exp(x)),
    "the smaller of two": lambda x: np.minimum(np.exp(x), 5.0),
    "overwritten": lambda x: np.exp(x).at[1].set(0.0),
    "below the ramp": lambda x: fn.relu(2 - np.exp(x)),
    "clipped": lambda x: np.clip(np.exp(x), None, 5.0),
    "an interior row": lambda x: np.sum(np.square(x * np.exp(x))[[0, 0]]),
}


@pytest.mark.parametrize("name", NOT_TAKEN)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_an_entry_that_is_not_taken_does_not_leak_either(name):
    grad = slope(NOT_TAKEN[name], [0.0, 1000.0])
    assert np.isfinite(grad[0])
    assert grad[1] == 0.0


HIDING = [np.square, np.prod, np.var, np.std, np.abs, lambda x: x**2, lambda x: np.hypot(x, 1.0)]


@pytest.mark.parametrize("f", HIDING)
def test_a_nan_from_above_is_not_hidden_by_a_zero_below(f):
    assert np.all(np.isnan(slope(f, [0.0, 0.0, 0.0], f(np.zeros(3)) * np.nan)))


SINGULAR = {
    "log of 0": (np.log, 0.0),
    "log2 of 0": (np.log2, 0.0),
    "log10 of 0": (np.log10, 0.0),
    "log1p of -1": (np.log1p, -1.0),
    "log of a NaN": (np.log, np.nan),
    "sqrt of 0": (np.sqrt, 0.0),
    "sqrt of a negative": (np.sqrt, -1.0),
    "cbrt of 0": (np.cbrt, 0.0),
    "1 / 0": (lambda x: 1.0 / x, 0.0),
    "0 / 0": (lambda x: x / x, 0.0),
    "NaN / NaN": (lambda x: x / x, np.nan),
    "reciprocal of 0": (np.reciprocal, 0.0),
    "reciprocal of a NaN": (np.reciprocal, np.nan),
    "0 ** -1.5": (lambda x: x**-1.5, 0.0),
    "0 ** 0.5": (lambda x: x**0.5, 0.0),
    "NaN ** 3": (lambda x: x**3, np.nan),
    "float_power of 0": (lambda x: np.float_power(x, -1.5), 0.0),
    "float_power of a NaN": (lambda x: np.float_power(x, 3.0), np.nan),
    "float_power by n": (lambda n: np.float_power(0.0, n), -1.0),
    "0 ** n": (lambda n: np.power(0.0, n), -1.0),
    "arcsin of 1": (np.arcsin, 1.0),
    "arccos of -1": (np.arccos, -1.0),
    "arccosh of 1": (lambda x: np.arccosh(x + 1), 0.0),
    "arctanh of 1": (np.arctanh, 1.0),
    "hypot of infinities": (lambda x: np.hypot(x, x), np.inf),
    "hypot of a NaN": (lambda x: np.hypot(x, 1.0), np.nan),
}


@pytest.mark.parametrize("name", SINGULAR)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_zero_cotangent_wins_over_any_slope(name):
    f, bad = SINGULAR[name]
    x = Tensor([bad, 0.5])
    first = gradients(f(x), x, np.array([0.0, 1.0]), create_graph=True)
    assert first.tolist() == [0.0, slope(f, 0.5)]
    second = gradients(gradients(np.sum(f(x)), x, create_graph=True), x, np.array([0.0, 1.0]))
    assert second[0] == 0.0
    assert np.isfinite(second[1])


SMOOTH = {np.sinc, np.i0, fn.relu, fn.leaky_relu, fn.elu, fn.gelu, fn.silu, fn.sigmoid, fn.softplus}
UFUNCS = {f for f in DOMAINS if isinstance(f, np.ufunc) and f.nout == 1 and not f.signature}
HARD = [0.0, -0.0, 0.5, 1.0, -1.0, 2.0, -2.0, 1e-100]  # zeros, ends of domains, places of poles


@pytest.mark.parametrize("f", sorted(SMOOTH | UFUNCS - {np.ldexp}, key=called), ids=called)
def test_a_zero_cotangent_wins_over_any_slope_at_any_place(f):
    xs = [Tensor(x.ravel()) for x in np.meshgrid(*[HARD] * getattr(f, "nin", 1))]
    with np.errstate(all="ignore"):
        v = Tensor(np.zeros(f(*xs).shape))
        first = gradients(f(*xs), xs, v, create_graph=True)
        second = [gradients(g, [*xs, v], np.zeros(g.shape)) for g in first]
    for g in (*(g.data for g in first), *(g for many in second for g in many)):
        assert not np.any(g)


def test_an_infinite_slope_that_is_taken_stays_infinite():
    assert slope(lambda x: np.where(x >= 0, np.sqrt(x), 0.0), 0.0) == np.inf
    assert jvp(lambda x: np.where(x >= 0, np.sqrt(x), 0.0), 0.0, 1.0) == np.inf


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_nan_among_the_weights_is_no_crash():
    x, W = Tensor(np.ones((2, 3))), Tensor(np.ones((3, 4)))
    W = Tensor(np.where(np.arange(12).reshape(3, 4) == 0, np.nan, W.data))
    for f in (fn.relu, lambda h: np.maximum(h, 0.0), lambda h: np.where(h > 0, h, 0.0)):
        dx, dW = gradients(np.sum(f(x @ W)), [x, W])
        assert dx.shape == (2, 3)
        assert dW.shape == (3, 4)


# ---- `where`, `broadcast_to` with scalars or leading axes ----------------------------------------
def test_where_with_scalars_and_leading_axes():
    condition = np.array([[True], [False]])
    assert slopes(lambda a, b: np.where(condition, a, b), 1.0, np.ones((3, 1, 2))) == [
        6.0,
        [[[1.0, 1.0]]] * 3,
    ]
    assert slope(lambda x: np.broadcast_to(x, (4, 2, 3)), np.ones((2, 1))) == [[12.0], [12.0]]
    assert slope(lambda x: np.broadcast_to(x, (4, 0)), 1.0) == 0.0


# ---- softmax, log 0: stable at ±1e4 --------------------------------------------------------------
@pytest.mark.parametrize("f", [fn.relu, fn.sigmoid, fn.tanh, fn.softplus, fn.silu, fn.gelu, fn.elu])
def test_activations_and_their_derivatives_are_finite_and_right_far_out(f):
    x = np.array([-1e4, -800.0, 800.0, 1e4])
    assert np.all(np.isfinite(f(x)))
    expected = {fn.sigmoid: [0, 0], fn.tanh: [0, 0]}.get(f, [0, 1])
    np.testing.assert_allclose(slope(f, x), np.repeat(expected, 2), atol=1e-12)


def test_softmax_cross_entropy_is_exact_where_the_textbook_formula_is_not():
    assert fn.softmax_cross_entropy(np.array([[1e4, 0.0]]), np.array([0])) == 0.0
    assert fn.softmax_cross_entropy(np.array([[1e4, 0.0]]), np.array([1])) == 1e4
    x = np.array([[1e4, 0.0], [0.0, 1e4]])
    assert slope(lambda x: fn.softmax_cross_entropy(x, np.array([0, 0])), x) == [
        [0, 0],
        [-0.5, 0.5],
    ]


def test_binary_cross_entropy_is_exact_far_out():
    x, t = np.array([1e4, -1e4, 1e4]), np.array([1.0, 0.0, 0.0])
    assert fn.binary_cross_entropy_with_logits(x, t) == pytest.approx(1e4 / 3, rel=1e-15)
    grad = slope(lambda x: fn.binary_cross_entropy_with_logits(x, t), x)
    np.testing.assert_allclose(grad, [0.0, 0.0, 1 / 3])


def test_logsumexp_of_large_and_infinite_numbers():
    assert fn.logsumexp(np.array([1e4, 1e4])) == pytest.approx(1e4 + np.log(2), rel=1e-15)
    assert slope(fn.logsumexp, [1e4, 1e4]) == pytest.approx([0.5, 0.5], abs=1e-11)
    assert slope(fn.logsumexp, [-np.inf, 0.0]) == [0.0, 1.0]
    assert fn.logsumexp(np.array([[-np.inf, 0.0], [np.inf, 0.0]]), axis=1).tolist() == [0.0, np.inf]
    assert slope(fn.log_softmax, [1e4, 0.0], np.array([1.0, 0.0])) == [0.0, 0.0]


@pytest.mark.parametrize("x", [1e200, -1e200, 1e4])
def test_slopes_far_out_are_right_and_silent(x):
    assert slope(np.arctan, x) == pytest.approx(1 / x / x, rel=1e-7, abs=0)
    assert slope(np.arcsinh, x) == pytest.approx(1 / abs(x), rel=1e-7, abs=0)
    assert slope(np.tanh, x) == 0.0
    assert slope(lambda x: np.logaddexp(x, 0.0), x) == (x > 0)


@pytest.mark.parametrize("f", [np.logaddexp, np.logaddexp2])
def test_logaddexp_of_infinities(f):
    assert slopes(f, -np.inf, 0.0) == [0.0, 1.0]
    assert slopes(f, np.inf, 0.0) == [1.0, 0.0]
    assert slopes(f, 0.0, np.inf) == [0.0, 1.0]
    assert slopes(f, 0.0, -np.inf) == [1.0, 0.0]


# ---- integer inputs ------------------------------------------------------------------------------
def test_integers_in_lists_are_numbers_and_differentiate_exactly():
    assert slope(lambda x: np.sum(x**2), [3, 4]) == [6.0, 8.0]
    with pytest.raises(TypeError, match="astype"):
        Tensor(np.array([3, 4]))


# ---- repeated fancy indices ----------------------------------------------------------------------
@pytest.mark.parametrize(
    ("index", "expected"),
    [
        ([0, 0, 2], [2, 0, 1]),
        ([-1, 2, -3], [1, 0, 2]),
        (np.array([[0, 1], [1, 1]]), [1, 3, 0]),
        (np.array([True, False, True]), [1, 0, 1]),
        ([True, False, True], [1, 0, 1]),
        ([], [0, 0, 0]),
        (np.array([], int), [0, 0, 0]),
        (np.array(1), [0, 1, 0]),
        (np.uint8([2, 2]), [0, 0, 2]),
        (True, [1, 1, 1]),
        (False, [0, 0, 0]),
        ((), [1, 1, 1]),
        (None, [1, 1, 1]),
        (..., [1, 1, 1]),
        (slice(None, None, -2), [1, 0, 1]),
        (np.int64(-1), [0, 0, 1]),
    ],
)
def test_an_entry_that_is_taken_twice_gets_both_gradients(index, expected):
    assert slope(lambda x: x[index], [1.0, 2.0, 3.0]) == expected


def test_repeated_indices_along_several_axes():
    x = np.arange(6.0).reshape(2, 3)
    assert slope(lambda x: x[[0, 0], [1, 1]], x) == [[0, 2, 0], [0, 0, 0]]
    assert slope(lambda x: x[:, [0, 0]], x) == [[2, 0, 0], [2, 0, 0]]
    assert slope(lambda x: x[np.ix_([1, 1], [0, 2])], x) == [[0, 0, 0], [2, 0, 2]]
    assert slope(lambda x: x[1, [0, 0]], x) == [[0, 0, 0], [2, 0, 0]]


# ---- aliased gradients; array changed after it was recorded; backward twice
def test_weight_decay_added_in_place_reaches_one_gradient_only():
    a, b = Tensor([1.0, 1.0]), Tensor([2.0, 2.0])
    np.sum(a + b).backward()
    a.grad += 0.1 * a.data
    assert a.grad.tolist() == [1.1, 1.1]
    assert b.grad.tolist() == [1.0, 1.0]


def test_a_changed_parameter_is_an_error_that_names_it():
    W = Tensor([1.0], name="W1")
    y = np.sum(W * W)
    write(W, [2.0])
    with pytest.raises(RuntimeError, match="W1"):
        y.backward()


def test_backward_twice_adds_up_in_leaves_alone():
    x = Tensor(2.0)
    y = x * x * x
    y.backward()
    y.backward()
    assert x.grad == 24.0


# ---- softmax ignores nothing: the cotangent scales -----------------------------------------------
def test_a_loss_minds_its_cotangent():
    x, t = np.array([[1.0, 2.0]]), np.array([0])
    once = slope(lambda x: fn.softmax_cross_entropy(x, t), x)
    thrice = slope(lambda x: fn.softmax_cross_entropy(x, t), x, np.array(3.0))
    np.testing.assert_allclose(thrice, 3 * np.array(once))


# ---- labels of shape (N, 1) ----------------------------------------------------------------------
@pytest.mark.parametrize(
    ("t", "error"),
    [
        (np.array([[0], [1]]), ValueError),
        (np.array([0, 3]), ValueError),
        (np.array([0, -1]), ValueError),
        (np.array([0.0, 1.0]), TypeError),
        (np.array([True, False]), TypeError),
        (np.array([0, 1, 2]), ValueError),
        (np.array(0), ValueError),
        (np.zeros((2, 4)), ValueError),
    ],
)
def test_labels_that_do_not_fit_are_refused(t, error):
    with pytest.raises(error):
        fn.softmax_cross_entropy(np.zeros((2, 3)), t)
    with pytest.raises(error):
        fn.softmax_cross_entropy(Tensor(np.zeros((2, 3))), t)


def test_labels_in_a_list_are_labels():
    x = np.array([[1.0, 2.0], [3.0, 5.0]])
    for lists in ([0, 1], [[0, 1], [1, 0]]):
        arrays = np.array(lists)
        assert fn.softmax_cross_entropy(x, lists) == fn.softmax_cross_entropy(x, arrays)
        a, b = Tensor(x), Tensor(x)
        as_list = gradients(fn.softmax_cross_entropy(a, lists), a)
        as_array = gradients(fn.softmax_cross_entropy(b, arrays), b)
        assert np.array_equal(as_list, as_array)


def test_one_row_of_scores_has_one_label():
    x = np.array([1.0, 2.0, 0.5])
    row = slope(lambda x: fn.softmax_cross_entropy(x, np.array([1])), x[None])
    assert [slope(lambda x: fn.softmax_cross_entropy(x, 1), x)] == row
    assert [slope(lambda x: fn.softmax_cross_entropy(x, np.array(1)), x)] == row


def test_labels_that_change_later_do_not_change_the_gradient():
    x, t = Tensor(np.zeros((2, 3))), np.array([0, 1])
    loss = fn.softmax_cross_entropy(x, t)
    before = gradients(loss, x)
    t[:] = 2
    np.testing.assert_array_equal(gradients(loss, x), before)


# ---- the book's relu writes into the caller's dout -----------------------------------------------
def test_no_backward_writes_into_the_cotangent():
    x, dout = Tensor([-1.0, 2.0]), np.array([5.0, 7.0])
    dout.flags.writeable = False
    assert gradients(fn.relu(x), x, dout).tolist() == [0.0, 7.0]


# ---- norms that numpy computes by a rounded mean -------------------------------------------------
def test_crossing_zero_is_no_tie():
    x = np.array([1e-300, -1e-300])
    assert slope(np.max, x) == [1.0, 0.0]
    assert slope(np.abs, x) == [1.0, -1.0]


def test_a_primitive_of_ones_own_is_safe_behind_where():
    log = primitive(lambda g, y, x: g / x)(lambda x: np.log(np.maximum(x, 1e-300)))
    assert np.isfinite(slope(lambda x: np.where(x > 0, log(x), 0.0), [1.0, 2.0])).all()


def test_the_oracle_knows_its_own_error():
    for f, df in ((np.exp, np.exp), (np.sin, np.cos), (np.tanh, lambda x: 1 - np.tanh(x) ** 2)):
        x = np.linspace(-1, 1, 7)
        np.testing.assert_allclose(oracle.along(f, [x], [np.ones(7)]), df(x), rtol=1e-10)
        np.testing.assert_allclose(oracle.complex_along(f, [x], [np.ones(7)]), df(x), rtol=1e-14)
