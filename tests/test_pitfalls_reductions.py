"""Reductions, sorting and their like where the mathematics ends: ties, NaN, zeros, empty rows."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_pitfalls import jvp, slope, slopes

from minigrad import Tensor, gradients


def hessian(f, at):
    """Differentiate twice, one row for each entry."""
    x = Tensor(at)
    g = np.ravel(gradients(f(x), x, create_graph=True))
    return np.array([np.ravel(gradients(g[i], x)) for i in range(g.size)])


QUIET = pytest.mark.filterwarnings("ignore::RuntimeWarning")

# ---- ties ----------------------------------------------------------------------------------------
EXTREMES = [np.max, np.min, np.nanmax, np.nanmin, np.amax, np.amin]


@pytest.mark.parametrize("extreme", EXTREMES)
def test_what_is_initial_shares_a_tie(extreme):
    assert slope(lambda x: extreme(x, initial=2.0), [2.0, 2.0]) == [1 / 3, 1 / 3]
    assert slope(lambda x: extreme(x, initial=2.0), [2.0]) == [0.5]
    assert slope(lambda x: extreme(x, initial=2.0), np.zeros((2, 0))) == [[], []]
    best = 9.0 if extreme in (np.max, np.amax, np.nanmax) else -9.0
    assert slope(lambda x: extreme(x, initial=best), [2.0, 2.0]) == [0.0, 0.0]
    assert slope(lambda x: extreme(x, initial=-best), [2.0, 2.0]) == [0.5, 0.5]


@pytest.mark.parametrize("extreme", EXTREMES)
def test_what_is_not_chosen_is_no_tie(extreme):
    chosen, least = np.array([True, False, True, True]), 1.0
    least = least if extreme in (np.max, np.amax, np.nanmax) else 3.0

    def f(x):
        return extreme(x, where=chosen, initial=least)

    assert slope(f, [2.0, 2.0, 2.0, least]) == [0.5, 0.0, 0.5, 0.0]
    rows = np.array([[2.0, 2.0, 2.0, least], [least, 2.0, least, least]])
    expected = [[0.5, 0.0, 0.5, 0.0], [0.25, 0.0, 0.25, 0.25]]
    assert slope(lambda x: extreme(x, 1, where=chosen, initial=least), rows) == expected


def test_one_row_may_tie_and_another_not():
    x = [[1.0, 3.0, 3.0], [4.0, 2.0, 0.0]]
    assert slope(lambda x: np.max(x, axis=1), x) == [[0.0, 0.5, 0.5], [1.0, 0.0, 0.0]]
    assert slope(lambda x: np.ptp(x, axis=1), x) == [[-1.0, 0.5, 0.5], [1.0, 0.0, -1.0]]
    assert slope(np.ptp, [2.0, 2.0, 2.0]) == [0.0, 0.0, 0.0]


@pytest.mark.filterwarnings("ignore:Mean of empty slice", "ignore:All-NaN")
@pytest.mark.parametrize("shape", [(0,), (2, 0), (0, 2)])
def test_a_quantile_of_nothing_hands_on_nothing(shape):
    for quantile in (np.median, np.nanmedian, lambda x, axis: np.nanquantile(x, 0.3, axis)):
        x = Tensor(np.zeros(shape))
        with np.errstate(invalid="ignore"):
            y = quantile(x, axis=len(shape) - 1)
        assert gradients(y, x, np.ones(y.shape)).shape == shape


def test_the_median_of_equals_is_shared_by_them():
    assert slope(np.median, [1.0, 2.0, 2.0, 2.0, 5.0]) == [0.0, 1 / 3, 1 / 3, 1 / 3, 0.0]
    assert slope(np.median, [1.0, 2.0, 2.0, 5.0]) == [0.0, 0.5, 0.5, 0.0]
    assert slope(np.median, [3.0, 1.0, 4.0, 4.0]) == [0.5, 0.0, 0.25, 0.25]
    assert slope(lambda x: np.median(x, axis=1), [[1.0, 1.0], [0.0, 9.0]]) == [[0.5, 0.5]] * 2
    assert slope(np.nanmedian, [1.0, np.nan, 2.0, 2.0, 5.0]) == [0.0, 0.0, 0.5, 0.5, 0.0]


@given(
    x=st.lists(st.integers(0, 3), min_size=1, max_size=8),
    q=st.floats(0, 1),
    f=st.sampled_from([np.quantile, np.nanquantile]),
)
def test_what_a_quantile_hands_out_sums_to_what_came_in_and_equals_get_equal_shares(x, q, f):
    grad = np.array(slope(lambda x: f(x, q), np.array(x, float)))
    assert grad.sum() == pytest.approx(1)
    assert np.all(grad >= 0)
    for value in set(x):
        assert len(set(grad[np.array(x) == value].tolist())) == 1


def test_a_quantile_weighs_its_neighbours():
    assert slope(lambda x: np.quantile(x, 0.25), [10.0, 30.0, 20.0]) == [0.5, 0.0, 0.5]
    assert slope(lambda x: np.percentile(x, 75), [10.0, 30.0, 20.0]) == [0.0, 0.5, 0.5]
    assert slope(lambda x: np.quantile(x, [0.0, 1.0]), [1.0, 2.0, 3.0]) == [1.0, 0.0, 1.0]
    assert slope(lambda x: np.quantile(x, [0.5, 0.5]), [1.0, 2.0, 3.0]) == [0.0, 2.0, 0.0]


@pytest.mark.parametrize("q", [0.1, np.array(0.1), np.float32(0.1)])
def test_quantiles_of_float32_are_weighed_as_numpy_weighs_them(q):
    x = (np.arange(1_000_003) > 100_000).astype(np.float32)  # the quantile is the weight itself
    t = Tensor(x)
    y = np.quantile(t, q)
    assert np.sum(gradients(y, t) * x) == pytest.approx(y.item(), rel=0.05)
    y = np.percentile(t, q * 100)
    assert np.sum(gradients(y, t) * x) == pytest.approx(y.item(), rel=0.05)


def test_neighbours_that_are_closer_than_a_rounding_share_too():
    x = np.array([1e16, 1e16 + 2])
    assert slope(np.median, x) == [0.5, 0.5]


@pytest.mark.parametrize("f", [np.median, lambda x: np.quantile(x, 0.3), np.max, np.ptp])
def test_the_second_derivative_of_order_statistics_is_zero(f):
    assert not hessian(f, [1.0, 2.0, 2.0, 5.0]).any()


def test_equal_entries_keep_their_order_when_sorted():
    v = np.array([1.0, 2.0, 3.0, 4.0])
    assert slope(np.sort, [5.0, 1.0, 5.0, 1.0], v) == [3.0, 1.0, 4.0, 2.0]
    assert slope(lambda x: np.sort(x, kind="heapsort"), [5.0, 1.0, 5.0, 1.0], v) == [3, 1, 4, 2]
    assert slope(np.sort, [np.nan, 1.0, np.nan, 0.0], v) == [3.0, 2.0, 4.0, 1.0]


@given(
    x=st.lists(st.integers(0, 5), min_size=1, max_size=40),
    places=st.lists(st.floats(0, 0.99), min_size=1, max_size=3),
)
def test_a_partition_is_numpys_and_its_gradient_moves_with_the_entries(x, places):
    x, kth = np.array(x, float), [int(p * len(x)) for p in places]
    t = Tensor(x)
    y = np.partition(t, kth)
    assert np.array_equal(y.data, np.partition(x, kth))
    v = np.arange(len(x)) + 1.0
    grad = gradients(y, t, v)
    assert sorted(grad) == sorted(v)
    assert np.array_equal(y.data[grad.astype(int) - 1], x)


# ---- NaN -----------------------------------------------------------------------------------------
@pytest.mark.parametrize("f", [np.median, lambda x: np.quantile(x, 0.3), np.ptp])
def test_the_gradient_of_what_is_nan_goes_to_the_nan(f):
    rows = [[1.0, np.nan, 3.0, np.nan], [1.0, 2.0, 3.0, 4.0]]
    first = slope(lambda x: f(x[0]) + f(x[1]), rows)[0]
    assert first == ([0.0, 0.5, 0.0, 0.5] if f is not np.ptp else [0.0, 0.0, 0.0, 0.0])


ALL_NAN = [np.nanmax, np.nanmin, np.nanmedian, lambda x, axis: np.nanquantile(x, 0.3, axis=axis)]


@pytest.mark.parametrize("f", ALL_NAN)
@QUIET
def test_a_row_of_nan_alone_shares_and_leaves_others_alone(f):
    rows = [[np.nan, np.nan], [2.0, np.nan]]
    assert slope(lambda x: f(x, axis=1), rows) == [[0.5, 0.5], [1.0, 0.0]]


@pytest.mark.parametrize("f", [np.nansum, np.nanprod, np.nanmean, np.nanvar, np.nanstd])
@QUIET
def test_nan_is_a_constant_for_what_passes_over_it(f):
    rows = [[np.nan, np.nan], [2.0, np.nan], [2.0, 3.0]]
    grad = np.array(slope(lambda x: f(x, axis=1), rows))
    assert grad[0].tolist() == [0.0, 0.0]
    assert grad[1].tolist() == [0.0 if f in (np.nanvar, np.nanstd) else 1.0, 0.0]
    other = {np.nansum: np.sum, np.nanprod: np.prod, np.nanmean: np.mean}
    other |= {np.nanvar: np.var, np.nanstd: np.std}
    assert grad[2].tolist() == slope(other[f], [2.0, 3.0])


PASSING_OVER = {
    "nansum": lambda y: np.nansum(y),
    "nanmean": lambda y: np.nanmean(y),
    "nanprod": lambda y: np.nanprod(y),
    "nanmax": lambda y: np.nanmax(y),
    "nanvar": lambda y: np.nanvar(y),
    "nanstd": lambda y: np.nanstd(y),
    "nanmedian": lambda y: np.nanmedian(y),
    "nanquantile": lambda y: np.nanquantile(y, 0.3),
    "nancumsum": lambda y: np.sum(np.nancumsum(y)),
    "nancumprod": lambda y: np.sum(np.nancumprod(y)),
    "nan_to_num": lambda y: np.sum(np.nan_to_num(y)),
}


@pytest.mark.parametrize("name", PASSING_OVER)
@QUIET
def test_nothing_leaks_back_through_what_is_passed_over(name):
    def f(x):
        return PASSING_OVER[name](np.sqrt(x) * np.exp(-(x**2)))

    alone = slope(f, [0.5, 0.8, 1.1])
    grad = slope(f, [0.5, -1.0, 0.8, 1.1])
    assert grad[1] == 0.0
    assert grad == pytest.approx([alone[0], 0.0, *alone[1:]])
    np.testing.assert_allclose(jvp(f, [0.5, -1.0, 0.8, 1.1], np.ones(4)), sum(alone))


CHOOSING = {
    "sum": lambda y, w: np.sum(y, where=w),
    "mean": lambda y, w: np.mean(y, where=w),
    "prod": lambda y, w: np.prod(y, where=w),
    "max": lambda y, w: np.max(y, where=w, initial=0.0),
    "var": lambda y, w: np.var(y, where=w),
    "std": lambda y, w: np.std(y, where=w),
    "var about 3": lambda y, w: np.var(y, where=w, mean=3.0),
    "std about 3": lambda y, w: np.std(y, where=w, mean=3.0),
}


@pytest.mark.parametrize("name", CHOOSING)
@QUIET
def test_nothing_leaks_back_through_what_where_leaves_out(name):
    def f(x):
        return CHOOSING[name](np.exp(x**3), np.abs(x.data) < 5)

    alone = slope(f, [0.5, 0.8, 1.1])
    assert slope(f, [0.5, 1000.0, 0.8, 1.1]) == pytest.approx([alone[0], 0.0, *alone[1:]])
    assert jvp(f, [0.5, 1000.0, 0.8, 1.1], np.ones(4)) == pytest.approx(sum(alone))


# ---- running products with zeros -----------------------------------------------------------------
@pytest.mark.parametrize("x", list(itertools.product([0.0, 2.0, -3.0], repeat=3)))
def test_running_products_with_zeros_differentiate_without_division(x):
    a, b, c = x
    assert slope(np.cumprod, x, np.array([1.0, 10.0, 100.0])) == [
        1 + 10 * b + 100 * b * c,
        10 * a + 100 * a * c,
        100 * a * b,
    ]
    expected = np.array([[0, 1 + c, b], [1 + c, 0, a], [b, a, 0]])
    assert np.array_equal(hessian(lambda x: np.sum(np.cumprod(x)), x), expected)


def test_the_third_derivative_of_a_running_product_with_zeros():
    t = Tensor([0.0, 0.0, 0.0])
    y = np.sum(np.cumprod(t))
    for i in range(3):
        y = gradients(y, t, create_graph=True)[i]
    assert y.item() == 1.0


@QUIET
def test_a_running_product_minds_no_overflow_behind_a_zero():
    assert slope(np.cumprod, [1.0, 0.0, 1e200, 1e200])[0] == 1.0
    assert slope(np.cumprod, [5.0, 1e200, 1e200, 0.0], np.array([1.0, 0.0, 0.0, 0.0])) == [
        1,
        0,
        0,
        0,
    ]


@given(st.integers(1, 70))
def test_running_products_of_any_length(n):
    x = np.random.default_rng(n).uniform(0.5, 1.5, n)
    v = np.random.default_rng(n + 1).uniform(-1, 1, n)
    y = np.cumprod(x)
    expected = [np.sum(v[i:] * y[i:]) / x[i] for i in range(n)]
    np.testing.assert_allclose(slope(np.cumprod, x, v), expected)


# ---- spreads -------------------------------------------------------------------------------------
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("c", [0.1, 0.0, -1e5])
def test_the_hessian_of_the_variance_is_the_same_at_a_constant(c, dtype):
    for n in (3, 7):
        x = np.full(n, c, dtype)
        expected = 2 / n * (np.eye(n) - 1 / n)
        np.testing.assert_allclose(hessian(np.var, x), expected, atol=1e-6)
    rows = np.array([[0.1, 0.1, 0.1], [1.0, 2.0, 4.0]], dtype)
    both = hessian(lambda x: np.sum(np.var(x, axis=1)), rows)
    third = 2 / 3 * (np.eye(3) - 1 / 3)
    np.testing.assert_allclose(both, np.kron(np.eye(2), third), atol=1e-6)


@pytest.mark.parametrize("f", [np.std, np.nanstd, lambda x: np.std(x, mean=x.data[:1])])
def test_the_second_derivative_of_the_deviation_of_a_constant_is_finite(f):
    for x in ([0.1, 0.1, 0.1], [0.0, 0.0], [5.0]):
        assert not np.any(slope(f, x))
        assert not hessian(f, x).any()


@pytest.mark.parametrize("f", [np.var, np.std, np.nanvar, np.nanstd])
def test_a_constant_among_what_is_chosen_is_a_constant(f):
    x = np.array([[0.1, 5.0, 0.1, 0.1], [1.0, 2.0, 4.0, 7.0], [0.1, -5.0, 0.1, 0.1]])
    grad = slope(lambda x: f(x, axis=1, where=np.arange(4) != 1), x)
    assert [grad[0], grad[2]] == [[0.0, 0.0, 0.0, 0.0]] * 2
    other = {np.nanvar: np.var, np.nanstd: np.std}.get(f, f)
    assert np.delete(grad[1], 1) == pytest.approx(slope(other, [1.0, 4.0, 7.0]))


@pytest.mark.parametrize("f", [np.var, np.std])
def test_a_nan_from_above_is_not_hidden_by_deviations_of_zero(f):
    grad = slope(lambda x: f(x, mean=np.zeros(1)), [0.0, 0.0], np.array(np.nan))
    assert np.all(np.isnan(grad))


def test_few_entries_of_a_long_constant_are_not_overlooked():
    x = np.full(10_000, 0.1)
    x[5_000] = 0.1 + 1e-8
    grad = np.array(slope(np.std, x))
    assert grad[5_000] == pytest.approx(0.01, rel=1e-3)
    assert np.sum(grad) == pytest.approx(0, abs=1e-6)


def test_the_mean_that_is_given_is_an_operand():
    x, m = [1.0, 2.0, 6.0], [2.0]
    dx, dm = slopes(lambda x, m: np.var(x, mean=m), x, m)
    assert dx == pytest.approx([-2 / 3, 0, 8 / 3])
    assert dm == pytest.approx([-2.0])
    own = slope(lambda x: np.var(x, mean=np.mean(x, keepdims=True)), x)
    assert own == pytest.approx(slope(np.var, x))
    own = slope(lambda x: np.std(x, mean=np.mean(x, keepdims=True)), x)
    assert own == pytest.approx(slope(np.std, x))


@QUIET
def test_without_degrees_of_freedom_the_slope_is_infinite_or_zero():
    assert slope(lambda x: np.var(x, ddof=3), [1.0, 1.0, 1.0]) == [0.0, 0.0, 0.0]
    assert slope(lambda x: np.var(x, ddof=2), [1.0, 3.0]) == [-np.inf, np.inf]
    assert slope(lambda x: np.nanvar(x, ddof=1), [1.0, np.nan]) == [0.0, 0.0]


@pytest.mark.parametrize("f", [np.var, np.std])
def test_ddof_and_correction_are_one_option(f):
    with pytest.raises(ValueError, match="correction"):
        f(Tensor([1.0, 2.0]), ddof=1, correction=1)
    x = [1.0, 2.0, 4.0]
    assert slope(lambda x: f(x, correction=1), x) == slope(lambda x: f(x, ddof=1), x)


@pytest.mark.parametrize(
    "f", [np.sum, np.mean, np.var, np.std, np.nansum, np.nanmean, np.nanvar, np.nanstd]
)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_values_and_dtypes_are_numpys(f, dtype):
    x = np.random.default_rng(0).normal(3, 1, (7, 40)).astype(dtype)
    some = x > 2
    for options in ({}, {"axis": 0}, {"axis": 1, "keepdims": True}, {"dtype": np.float64}):
        for where in ({}, {"where": some}):
            y, t = f(x, **options, **where), Tensor(x)
            z = f(t, **options, **where)
            assert z.dtype == y.dtype
            assert np.array_equal(z.data, y)
            g = gradients(z, t, np.ones_like(y))
            assert (g.dtype, g.shape) == (x.dtype, x.shape)
            assert np.all(np.isfinite(g))


def test_correlations_at_their_bounds():
    x = np.array([[0.1, 0.2, 0.4], [0.3, 0.6, 1.2], [-0.2, -0.4, -0.8]])
    grad = np.array(slope(np.corrcoef, x, np.random.default_rng(0).normal(size=(3, 3))))
    np.testing.assert_allclose(grad, 0, atol=1e-14)
    curved = hessian(lambda x: np.corrcoef(x)[0, 1], x)
    assert np.all(np.isfinite(curved))
    assert curved[0, 0] < -0.1  # 1 is the greatest that there is
    assert slope(np.corrcoef, [1.0, 2.0, 4.0]) == [0.0, 0.0, 0.0]


def test_lists_are_numbers_beside_a_tensor():
    w, m = np.average(Tensor([1.0, 3.0]), weights=[3, 1], returned=True)[::-1]
    assert (m.item(), w.item()) == (1.5, 4.0)
    w += 1.0  # an array of the caller's own
    rows = np.average(Tensor([[1.0, 3.0], [2.0, 4.0]]), 1, [3, 1], returned=True)
    rows[1][:] = 0.0
    assert slope(lambda w: np.average([1.0, 3.0], weights=w), [1.0, 1.0]) == [-0.5, 0.5]
    assert np.cov([1.0, 2.0], Tensor([1.0, 3.0])).tolist() == np.cov([1, 2], [1, 3]).tolist()
    assert np.trapezoid([1.0, 2.0], Tensor([0.0, 2.0])).item() == 3.0
    assert np.gradient([1.0, 2.0], Tensor(2.0)).tolist() == [0.5, 0.5]
    assert np.diff([1.0, 2.0], prepend=Tensor(0.0)).tolist() == [1.0, 1.0]
    assert np.polyadd([1, 2], Tensor([1.0])).tolist() == [1.0, 3.0]
    assert np.interp([0.5], [0, 1], Tensor([1.0, 3.0])).tolist() == [2.0]


@pytest.mark.parametrize(
    "options", [{"fweights": [0.5, 1]}, {"aweights": [-1.0, 1.0]}, {"fweights": [1, 2, 3]}]
)
def test_weights_of_a_covariance_are_checked_by_numpy(options):
    with pytest.raises((TypeError, ValueError, RuntimeError), match="weights"):
        np.cov(Tensor([[1.0, 2.0], [2.0, 5.0]]), **options)


def test_counts_in_small_integers_weigh_a_covariance_as_numpy_has_it():
    x, counts = np.array([[1.0, 2.0, 4.0]], "f"), np.array([100, 200, 100], np.uint8)
    expected = np.cov(x, fweights=counts, dtype=np.float32)
    found = np.cov(Tensor(x), fweights=counts, dtype=np.float32)
    assert found.dtype == np.result_type(expected)
    np.testing.assert_allclose(found.data, expected, 1e-6)


def test_weights_that_add_up_to_zero_have_no_average():
    with pytest.raises(ZeroDivisionError, match="weights"):
        np.average(Tensor([1.0, 2.0]), weights=[1.0, -1.0])
    with pytest.raises(TypeError, match="axis="):
        np.average(Tensor([[1.0, 2.0]]), weights=[1.0, 1.0])
    with pytest.raises(ValueError, match="fit"):
        np.average(Tensor([[1.0, 2.0]]), axis=0, weights=[1.0, 1.0])
