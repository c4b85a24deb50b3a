"""Interpolation and special functions at their hard points; what is constant, what is refused."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_pitfalls import jvp, slope, slopes

from minigrad import Tensor, gradients
from minigrad.derivatives import special


def derivatives(f, at, orders):
    """The derivatives of a function of one number, from order 0 on."""
    x = Tensor(at)
    found = [f(x)]
    for _ in range(orders):
        found.append(gradients(found[-1], x, create_graph=True))
    return [y.item() for y in found]


# ---- sinc, i0 ------------------------------------------------------------------------------------
def test_sinc_at_zero_has_all_its_derivatives():
    expected = [(-1) ** (n // 2) * np.pi**n / (n + 1) * (n % 2 == 0) for n in range(9)]
    np.testing.assert_allclose(derivatives(np.sinc, 0.0, 8), expected, rtol=1e-14)


@given(x=st.floats(-9, 9), n=st.integers(1, 6))
def test_derivatives_of_sinc_are_integrals_over_the_unit_interval(x, n):
    t, w = np.polynomial.legendre.leggauss(60)
    t = (t + 1) / 2
    integral = np.sum(w / 2 * (np.pi * t) ** n * np.cos(np.pi * t * x + n * np.pi / 2))
    assert special.sinc_derivative(x, n) == pytest.approx(integral, rel=1e-11, abs=1e-11 * 3**n)


@pytest.mark.parametrize("x", [1e-12, 1e-6, -1e-4])
def test_derivatives_of_sinc_near_zero_lose_no_digits(x):
    _, first, second, third = derivatives(np.sinc, x, 3)
    square = (np.pi * x) ** 2
    assert first == pytest.approx(-(np.pi**2) * x / 3 * (1 - square / 10), rel=1e-12)
    assert second == pytest.approx(-(np.pi**2) / 3 * (1 - 3 * square / 10), rel=1e-12)
    assert third == pytest.approx(np.pi**4 * x / 5 * (1 - 5 * square / 42), rel=1e-12)


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_derivatives_of_sinc_do_not_jump_where_the_formula_changes(n):
    edge = (n + 1) / np.pi
    left, right = special.sinc_derivative(edge * np.array([1 - 1e-13, 1 + 1e-13]), n)
    assert left == pytest.approx(right, rel=1e-10)
    assert special.sinc_derivative(-edge, n) == pytest.approx((-1) ** n * left, rel=1e-10)


def test_i0_at_zero_has_all_its_derivatives():
    expected = [math.comb(n, n // 2) / 2**n * (n % 2 == 0) for n in range(9)]
    np.testing.assert_allclose(derivatives(np.i0, 0.0, 8), expected, rtol=1e-14)


@pytest.mark.parametrize("x", [-30.0, -1e-8, 0.3, 5.0, 8.0, 50.0, 700.0])
def test_derivatives_of_i0_are_integrals_over_the_circle(x):
    angle = np.pi * (np.arange(400) + 0.5) / 400
    for n, y in enumerate(derivatives(np.i0, x, 4)):
        weights = np.exp(x * np.cos(angle) - abs(x)) * np.cos(angle) ** n
        assert y == pytest.approx(np.mean(weights) * np.exp(abs(x)), rel=1e-12)


# ---- interpolation -------------------------------------------------------------------------------
XP, FP = np.array([0.0, 1.0, 3.0]), np.array([1.0, 5.0, 2.0])


def test_interp_at_a_point_has_the_slope_on_the_right_and_at_the_last_on_the_left():
    x = [-1.0, 0.0, 0.5, 1.0, 2.0, 3.0, 4.0, np.nan, np.inf, -np.inf]
    expected = [0.0, 4.0, 4.0, -1.5, -1.5, -1.5, 0.0, 0.0, 0.0, 0.0]
    assert slope(lambda x: np.interp(x, XP, FP), x) == expected


def test_interp_hands_the_whole_gradient_to_the_points():
    x = np.array([-1.0, 0.0, 0.25, 1.0, 3.0, 4.0])
    assert slope(lambda fp: np.interp(x, XP, fp), FP) == [2.75, 1.25, 2.0]
    assert slope(lambda fp: np.interp(np.array([np.nan, np.inf]), XP, fp), FP) == [0.0, 0.0, 1.0]


def test_interp_with_one_point_or_with_two_at_one_place():
    x = np.array([-1.0, 0.0, 1.0])
    assert slopes(lambda x, fp: np.interp(x, [0.0], fp), x, [7.0]) == [[0.0, 0.0, 0.0], [3.0]]
    xp = [0.0, 1.0, 1.0]
    dx, dfp = slopes(lambda x, fp: np.interp(x, xp, fp), [0.5, 1.0, 2.0], [1.0, 2.0, 5.0])
    assert dx == [1.0, 0.0, 0.0]
    assert dfp == [0.5, 0.5, 2.0]


def test_moving_a_point_sideways_moves_its_pieces():
    dxp, dfp = slopes(lambda xp, fp: np.interp(0.25, xp, fp), XP, FP)
    assert dxp == [-3.0, -1.0, 0.0]
    assert dfp == [0.75, 0.25, 0.0]


def test_beyond_the_points_are_the_values_that_were_asked_for():
    x = np.array([-1.0, 0.5, 4.0, 5.0])
    left, right = slopes(lambda a, b: np.interp(Tensor(x), XP, FP, a, b), 0.0, 0.0)
    assert (left, right) == (1.0, 2.0)


# ---- steps, bins and pieces ----------------------------------------------------------------------
def test_the_step_is_constant_but_for_its_value_at_zero():
    assert slope(lambda v: np.heaviside([-1.0, 0.0, 0.0, 1.0], v), 0.5) == 2.0
    assert type(np.heaviside(Tensor([1.0]), 0.5)) is np.ndarray
    y = np.heaviside(Tensor([0.0, 2.0]), Tensor(0.5))
    assert y.tolist() == [0.5, 1.0]


def test_a_bin_hands_its_gradient_to_each_of_its_weights():
    v = np.array([1.0, 10.0, 100.0])
    assert slope(lambda w: np.bincount([0, 2, 2, 0], w), [1.0, 2.0, 3.0, 4.0], v) == [
        1,
        100,
        100,
        1,
    ]
    with pytest.raises(TypeError, match=r"x\.data\.astype"):
        np.bincount(Tensor([0.0, 1.0]))


def test_pieces_do_not_leak_into_each_other():
    def f(x):
        return np.piecewise(x, [x > 0], [lambda x: np.log(x) * np.sqrt(x), 7.0])

    alone = slope(f, [0.5, 0.8])
    assert slope(f, [-1.0, 0.0, 0.5, 0.8]) == pytest.approx([0.0, 0.0, *alone])
    assert jvp(f, [-1.0, 0.0, 0.5, 0.8], np.ones(4)) == pytest.approx([0.0, 0.0, *alone])


def test_what_is_not_finite_is_replaced_by_constants():
    x = [1.0, np.nan, np.inf, -np.inf]
    assert slope(np.nan_to_num, x) == [1.0, 0.0, 0.0, 0.0]
    assert slope(lambda x: np.nan_to_num(x, nan=3.0, posinf=5.0), x) == [1.0, 0.0, 0.0, 0.0]


def test_mantissas_have_the_slope_of_their_power_of_two():
    mantissa, exponent = np.frexp(Tensor([3.0, 0.3, 0.0]))
    assert type(exponent) is np.ndarray
    assert slope(lambda x: np.frexp(x)[0], [3.0, 0.3, 0.0]) == [0.25, 2.0, 1.0]
    assert mantissa.tolist() == [0.75, 0.6, 0.0]


def test_differences_of_too_few_are_nothing():
    assert slope(lambda x: np.diff(x, 3), [1.0, 2.0]) == [0.0, 0.0]
    assert slope(np.ediff1d, [1.0]) == [0.0]
    assert slope(lambda x: np.sum(np.trapezoid(x)), [1.0]) == [0.0]


def test_angles_are_unwrapped_by_constants():
    assert slope(np.unwrap, [0.0, 6.0, 0.5, -6.0], np.arange(4.0)) == [0.0, 1.0, 2.0, 3.0]


@pytest.mark.parametrize("edge_order", [1, 2])
def test_places_that_happen_to_be_even_are_still_operands(edge_order):
    f, x = np.array([1.0, 3.0, 2.0, 7.0]), np.arange(4.0)
    even = slope(lambda x: np.gradient(Tensor(f), x, edge_order=edge_order), x)
    near = x + np.array([0, 1e-9, 0, 0])
    np.testing.assert_allclose(
        even, slope(lambda x: np.gradient(Tensor(f), x, edge_order=edge_order), near), atol=1e-6
    )


# ---- constants and refusals ----------------------------------------------------------------------
X = np.array([[3.0, 1.0], [2.0, 2.5]])
CONSTANT = {
    "argpartition": lambda x: np.argpartition(x, 1),
    "lexsort": lambda x: np.lexsort((x[0], x[1])) if isinstance(x, Tensor) else np.lexsort(x),
    "digitize": lambda x: np.digitize(x, [1.5, 2.2]),
    "searchsorted": lambda x: np.searchsorted([1.5, 2.2], x),
    "argwhere": lambda x: np.argwhere(x > 2),
    "nanargmax": lambda x: np.nanargmax(x, axis=1),
    "nanargmin": lambda x: np.nanargmin(x),
    "isin": lambda x: np.isin(x, [1.0, 2.5]),
    "array_equiv": lambda x: np.array_equiv(x, x),
    "spacing": np.spacing,
    "heaviside": lambda x: np.heaviside(x, 0.5),
    "full_like": lambda x: np.full_like(x, 2.5),
    "full_like in another form": lambda x: np.full_like(x, 2.5, int, order="F", shape=(2,)),
}


@pytest.mark.parametrize("name", CONSTANT)
def test_what_is_constant_is_a_plain_array(name):
    y = CONSTANT[name](Tensor(X))
    assert not isinstance(y, Tensor)
    assert np.array_equal(y, CONSTANT[name](X))
    assert np.result_type(y) == np.result_type(CONSTANT[name](X))


REFUSED = {
    "a median in place": (lambda x: np.median(x, overwrite_input=True), "overwrite_input="),
    "a quantile in place": (lambda x: np.quantile(x, 0.5, None, None, True), "overwrite_input="),
    "a median's out=": (lambda x: np.median(x, out=np.zeros(())), "out="),
    "a sum's out=": (lambda x: np.sum(x, out=np.zeros(())), "out="),
    "a variance's out=": (lambda x: np.var(x, out=np.zeros(())), "out="),
    "a range's out=": (lambda x: np.ptp(x, out=np.zeros(())), "out="),
    "the sum of numbers into out=": (lambda x: np.nansum(x, out=np.zeros(())), "out="),
    "a running sum's out=": (lambda x: np.nancumsum(x, out=np.zeros(4)), "out="),
    "q": (lambda x: np.quantile(x, Tensor(0.5)), r"argument 1 of np\.quantile"),
    "q by name": (lambda x: np.percentile(x, q=Tensor(0.5)), r"argument 1 of np\.percentile"),
    "weights of a quantile": (
        lambda x: np.quantile(x, 0.5, method="inverted_cdf", weights=x),
        "weights= of np.quantile",
    ),
    "rows of q": (lambda x: np.nanquantile(x, [[0.5]]), "one row of q"),
    "initial": (lambda x: np.sum(x, initial=x[0, 0]), r"np\.sum .*\.data"),
    "in place": (lambda x: np.nan_to_num(x, copy=False), "copy=False"),
    "a histogram": (np.histogram, r"np\.histogram has no derivative rule"),
    "the different values": (np.unique, r"np\.unique has no derivative rule"),
    "the next number": (lambda x: np.nextafter(x, 9.0), r"np\.nextafter has no derivative rule"),
    "a running maximum": (np.maximum.accumulate, r"np\.maximum\.accumulate has no derivative"),
    "a fit": (lambda x: np.polyfit(x[0], x[1], 1), r"np\.polyfit has no derivative rule"),
    "polynomials in rows": (lambda x: np.polyval(x, 2.0), "one row of coefficients"),
    "a loop in disguise": (lambda x: np.vectorize(abs)(x), r"\.data"),
    "an end that does not fit": (lambda x: np.ediff1d(np.arange(3), to_end=x), "to_end="),
    "spacings": (lambda x: np.gradient(x, 1.0, 1.0, 1.0), "3 spacings for 2 axes"),
    "too few samples": (lambda x: np.gradient(x, edge_order=2), "too small"),
    "an order of differences": (lambda x: np.gradient(x, edge_order=3), "edge_order"),
    "no period": (lambda x: np.interp(x, XP, FP, period=0), "period"),
    "points without values": (lambda x: np.interp(x, XP, FP[:2], period=4), "same length"),
    "places": (lambda x: np.gradient(x[0], x), "places of shape"),
    "three axes of observations": (lambda x: np.cov(x[None]), "one axis or two"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_has_no_derivative_is_refused_by_name(name):
    f, message = REFUSED[name]
    x = Tensor(X)
    with pytest.raises((TypeError, ValueError), match=message):
        f(x)
    assert np.array_equal(x.data, X)
