"""The functions equal their plain definitions, are stable at the edges, and check targets."""

import math

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad import functions
from minigrad.functions import (
    affine,
    binary_cross_entropy_with_logits,
    elu,
    gelu,
    leaky_relu,
    log_softmax,
    logsumexp,
    mean_squared_error,
    relu,
    sigmoid,
    silu,
    softmax,
    softmax_cross_entropy,
    softplus,
    tanh,
)

ELEMENTWISE = {  # each as the textbook writes it, to be run in extended precision
    relu: lambda x: np.where(x > 0, x, 0),
    leaky_relu: lambda x: np.where(x > 0, x, x * np.longdouble(0.01)),
    elu: lambda x: np.where(x > 0, x, np.exp(x) - 1),
    sigmoid: lambda x: 1 / (1 + np.exp(-x)),
    tanh: lambda x: (np.exp(x) - np.exp(-x)) / (np.exp(x) + np.exp(-x)),
    softplus: lambda x: np.log(1 + np.exp(x)),
    silu: lambda x: x / (1 + np.exp(-x)),
    gelu: lambda x: (
        x / 2 * (1 + np.tanh(np.sqrt(2 / np.longdouble(np.pi)) * (x + 0.044715 * x**3)))
    ),
}
SOFTMAXES = {
    softmax: lambda x, axis=-1: np.exp(x) / np.sum(np.exp(x), axis=axis, keepdims=True),
    log_softmax: lambda x, axis=-1: np.log(np.exp(x) / np.sum(np.exp(x), axis=axis, keepdims=True)),
    logsumexp: lambda x, axis=None: np.log(np.sum(np.exp(x), axis=axis)),
}
LIMITS = {  # value and slope far left, value and slope far right, at ∓x
    relu: lambda x: (0, 0, x, 1),
    leaky_relu: lambda x: (-0.01 * x, 0.01, x, 1),
    elu: lambda x: (-1, 0, x, 1),
    sigmoid: lambda x: (0, 0, 1, 0),
    tanh: lambda x: (-1, 0, 1, 0),
    softplus: lambda x: (0, 0, x, 1),
    silu: lambda x: (0, 0, x, 1),
    gelu: lambda x: (0, 0, x, 1),
}
each = pytest.mark.parametrize("function", ELEMENTWISE, ids=lambda f: f.__name__)
each_softmax = pytest.mark.parametrize("function", SOFTMAXES, ids=lambda f: f.__name__)
dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64])

some_floats = st.sampled_from([np.float32, np.float64])
some_shape = hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)
a_batch = st.tuples(st.integers(1, 4), st.integers(1, 5))
a_seed = st.integers(0, 2**32 - 1)


def arrays(shape, dtype=np.float64, size=5.0):
    moderate = st.floats(-size, size, width=32)
    return hnp.arrays(dtype, shape, elements=moderate)


def equal_but_for_rounding(found, exact, ulps=40):
    """Within some ulps of the larger of the number and 1."""
    found = np.asarray(found)
    error = np.abs(found - np.asarray(exact)) / np.maximum(1, np.abs(exact))
    return found.shape == np.shape(exact) and bool(
        np.all(error <= ulps * np.finfo(found.dtype).eps)
    )


def slope(y, x):
    return mg.gradients(np.sum(y), x).item()


def squared(layer):
    return lambda x, W, b: np.sum(layer(x, W, b) ** 2)


def answer(function, *args):
    """What a function returns, or the message of its refusal."""
    try:
        return function(*args)
    except TypeError as refusal:
        return str(refusal)


def derivatives(function, *leaves):
    """The scalar's value, its gradients, and the gradients of their sum weighted by sines."""
    xs = [mg.Tensor(a) for a in leaves]
    y = function(*xs)
    first = mg.gradients(y, xs, create_graph=True)
    total = sum(np.sum(g * np.sin(np.arange(g.size)).reshape(g.shape)) for g in first)
    return [y.data, *[g.data for g in first], *mg.gradients(total, xs)]


def agree(fused, definition, *leaves):
    """Equal values, first and second derivatives."""
    pairs = zip(derivatives(fused, *leaves), derivatives(definition, *leaves), strict=True)
    for found, expected in pairs:
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-11)


# ---- values --------------------------------------------------------------------------------------


def test_every_public_function_is_tested_here():
    others = {affine, softmax_cross_entropy, mean_squared_error}
    others |= {binary_cross_entropy_with_logits}
    tested = ELEMENTWISE.keys() | SOFTMAXES.keys() | others
    public = {name for name in functions.__all__ if not name.startswith("check_")}
    assert {getattr(functions, name) for name in public} == tested
    assert ELEMENTWISE.keys() == LIMITS.keys()


@each
@given(data=st.data(), shape=some_shape, dtype=some_floats)
def test_an_activation_is_its_textbook_formula(function, data, shape, dtype):
    x = data.draw(arrays(shape, dtype))
    y = function(x)
    assert np.asarray(y).dtype == dtype
    assert equal_but_for_rounding(y, ELEMENTWISE[function](x.astype(np.longdouble)))


@each_softmax
@given(data=st.data(), dtype=some_floats)
def test_softmax_and_its_kin_are_their_textbook_formulas(function, data, dtype):
    x = data.draw(arrays(data.draw(hnp.array_shapes(max_dims=3, max_side=4)), dtype))
    options = data.draw(st.sampled_from([{}, *({"axis": i} for i in range(-x.ndim, x.ndim))]))
    y = function(x, **options)
    assert np.asarray(y).dtype == dtype
    assert equal_but_for_rounding(y, SOFTMAXES[function](x.astype(np.longdouble), **options))


@given(arrays((2, 3, 4)), st.sampled_from([None, (0, 2), (1,), (-1, 0)]), st.booleans())
def test_logsumexp_reduces_several_axes_and_may_keep_them(x, axis, keepdims):
    expected = np.log(np.sum(np.exp(x), axis=axis, keepdims=keepdims))
    assert equal_but_for_rounding(logsumexp(x, axis=axis, keepdims=keepdims), expected)
    agree(
        lambda x: np.sum(logsumexp(x, axis, keepdims)),
        lambda x: np.sum(np.log(np.sum(np.exp(x), axis=axis, keepdims=keepdims))),
        x,
    )


@given(arrays((3, 4)), st.floats(0.0, 0.5), st.floats(0.1, 3.0))
def test_leaky_relu_and_elu_take_their_slopes(x, slope, alpha):
    assert equal_but_for_rounding(leaky_relu(x, slope), np.where(x > 0, x, slope * x))
    assert equal_but_for_rounding(elu(x, alpha), np.where(x > 0, x, alpha * (np.exp(x) - 1)))
    agree(
        lambda x: np.sum(elu(x, alpha=alpha)),
        lambda x: np.sum(np.where(x.data > 0, x, alpha * (np.exp(x) - 1))),
        x[x != 0],
    )


def test_gelu_is_within_5e_4_of_x_times_the_normal_distribution():
    x = np.linspace(-8, 8, 1001)
    exact = np.array([v * 0.5 * (1 + math.erf(v / math.sqrt(2))) for v in x])
    assert np.max(np.abs(gelu(x) - exact)) < 5e-4


@each_softmax
@given(arrays((3, 4)), st.floats(-1e3, 1e3))
def test_softmax_and_its_kin_do_not_mind_a_shift(function, x, shift):
    expected = function(x) + shift if function is logsumexp else function(x)
    np.testing.assert_allclose(function(x + shift), expected, rtol=1e-9, atol=1e-9)


# ---- fused functions are their definitions, with first and second derivatives ------------------


@given(a_batch, st.integers(1, 3), a_seed)
def test_affine_is_a_product_and_a_sum(shape, n_out, seed):
    rng = np.random.default_rng(seed)
    W, b = rng.normal(size=(shape[1], n_out)), rng.normal(size=n_out)
    agree(squared(affine), squared(lambda x, W, b: x @ W + b), rng.normal(size=shape), W, b)


@pytest.mark.parametrize("lead", [(), (0,), (3,), (2, 3), (2, 0, 3)])
def test_affine_maps_the_last_axis_of_any_number_of_axes(lead):
    rng = np.random.default_rng(0)
    leaves = rng.normal(size=(*lead, 4)), rng.normal(size=(4, 2)), rng.normal(size=2)
    agree(squared(affine), squared(lambda x, W, b: x @ W + b), *leaves)


def test_affine_takes_its_weights_by_keyword():
    x, W, b = (mg.Tensor(a) for a in (np.ones((2, 3)), np.ones((3, 1)), np.ones(1)))
    mg.gradients(np.sum(affine(x, W=W, b=b)), [x, W, b])
    assert np.array_equal(affine(x.data, W=W, b=b).data, [[4.0], [4.0]])
    assert np.array_equal(affine(x=x.data, W=W.data, b=b.data), [[4.0], [4.0]])


def cross_entropy(x, t):
    """The definition, with t as rows of probabilities."""
    p = np.exp(x) / np.sum(np.exp(x), axis=-1, keepdims=True)
    return -np.sum(t * np.log(p)) / (x.size // x.shape[-1])


@given(a_batch, a_seed, st.sampled_from([np.int64, np.int32, np.uint8, float, np.float32, bool]))
def test_cross_entropy_of_indices_and_of_one_hot_rows_is_its_definition(shape, seed, dtype):
    rng = np.random.default_rng(seed)
    x, t = rng.normal(size=shape), rng.integers(shape[1], size=shape[0])
    one_hot = np.eye(shape[1])[t]
    agree(lambda x: softmax_cross_entropy(x, t), lambda x: cross_entropy(x, one_hot), x)
    encoded = one_hot.astype(dtype)
    agree(lambda x: softmax_cross_entropy(x, encoded), lambda x: cross_entropy(x, one_hot), x)


@given(a_batch, a_seed)
def test_cross_entropy_of_soft_targets_is_its_definition_in_both_arguments(shape, seed):
    rng = np.random.default_rng(seed)
    agree(softmax_cross_entropy, cross_entropy, rng.normal(size=shape), rng.random(shape))


@pytest.mark.parametrize("lead", [(), (2, 3)])
def test_cross_entropy_averages_over_all_axes_but_the_last(lead):
    rng = np.random.default_rng(0)
    x, t = rng.normal(size=(*lead, 4)), rng.integers(4, size=lead)
    agree(lambda x: softmax_cross_entropy(x, t), lambda x: cross_entropy(x, np.eye(4)[t]), x)


@pytest.mark.parametrize("targets", [[2, 0], (2, 0), [[0, 0, 1], [1, 0, 0]]])
def test_targets_may_be_lists(targets):
    x = mg.Tensor(np.arange(6.0).reshape(2, 3))
    expected = mg.gradients(softmax_cross_entropy(x, np.array(targets)), x)
    assert np.array_equal(mg.gradients(softmax_cross_entropy(x, targets), x), expected)


@given(some_shape.filter(lambda s: 0 not in s), a_seed)
def test_binary_cross_entropy_is_its_definition_in_both_arguments(shape, seed):
    rng = np.random.default_rng(seed)

    def definition(x, t):
        p = 1 / (1 + np.exp(-x))
        return -np.mean(t * np.log(p) + (1 - t) * np.log(1 - p))

    leaves = rng.normal(size=shape), rng.random(shape)
    agree(binary_cross_entropy_with_logits, definition, *leaves)


@given(some_shape.filter(lambda s: 0 not in s), a_seed)
def test_mean_squared_error_is_its_definition_in_both_arguments(shape, seed):
    rng = np.random.default_rng(seed)
    leaves = rng.normal(size=shape), rng.normal(size=shape)
    agree(mean_squared_error, lambda x, t: np.mean((x - t) * (x - t)), *leaves)


@given(a_batch, a_seed)
def test_log_softmax_is_its_definition_with_derivatives(shape, seed):
    rng = np.random.default_rng(seed)
    weights = rng.normal(size=shape)
    agree(
        lambda x: np.sum(weights * log_softmax(x)),
        lambda x: np.sum(weights * (x - np.log(np.sum(np.exp(x), axis=-1, keepdims=True)))),
        rng.normal(size=shape),
    )


@pytest.mark.parametrize(
    ("loss", "targets"),
    [
        (softmax_cross_entropy, [1, 2]),
        (softmax_cross_entropy, [[0.5, 0.5, 0.0], [1.0, 0.0, 0.0]]),
        (binary_cross_entropy_with_logits, [[0, 1, 0], [1, 0, 1]]),
        (binary_cross_entropy_with_logits, [[0.5, 1.0, 0.0], [1.0, 0.0, 1.0]]),
        (mean_squared_error, [[0.5, 1.0, 0.0], [1.0, 0.0, 1.0]]),
    ],
)
def test_a_float32_output_has_a_float32_loss_and_gradient_whatever_the_targets(loss, targets):
    x = mg.Tensor(np.ones((2, 3), np.float32))
    y = loss(x, np.array(targets))
    assert (y.dtype, mg.gradients(y, x).dtype) == (np.float32, np.float32)
    assert loss(x.data, np.array(targets)).dtype == np.float32


# ---- far out, and at the edges -------------------------------------------------------------------


@each
@dtypes
@pytest.mark.parametrize("far", [1e4, 1e8, 1e12])
def test_far_out_an_activation_and_two_derivatives_have_their_limits(function, dtype, far):
    x = mg.Tensor(np.array([-far, far], dtype))
    y = function(x)
    slope = mg.gradients(np.sum(y), x, create_graph=True)
    left, left_slope, right, right_slope = LIMITS[function](far)
    np.testing.assert_allclose(y.data, [left, right], rtol=1e-6, atol=1e-30)
    np.testing.assert_allclose(slope.data, [left_slope, right_slope], rtol=1e-6, atol=1e-30)
    assert np.array_equal(mg.gradients(np.sum(slope), x), [0, 0])


@pytest.mark.parametrize("function", [relu, leaky_relu, elu, sigmoid, tanh, softplus])
@dtypes
def test_a_monotone_activation_has_its_limits_at_infinity(function, dtype):
    left, _, right, _ = LIMITS[function](np.inf)
    assert np.array_equal(function(np.array([-np.inf, np.inf], dtype)), [left, right])


@each
def test_an_activation_keeps_nan_where_it_is(function):
    y = function(np.array([np.nan, 1.0]))
    assert np.isnan(y).tolist() == [True, False]


@each_softmax
def test_softmax_and_its_kin_keep_nan_in_its_row(function):
    y = function(np.array([[np.nan, 1.0], [0.0, 1.0]]), axis=-1)
    assert np.isnan(y).reshape(2, -1).all(axis=1).tolist() == [True, False]
    assert not np.isnan(y[1]).any()


@dtypes
@pytest.mark.parametrize("far", [1e4, 1e30])
def test_far_out_softmax_and_its_kin_have_their_limits(dtype, far):
    x = mg.Tensor(np.array([far, -far], dtype))
    expected = {softmax: [1, 0], log_softmax: [0, -2 * far], logsumexp: far}
    slopes = {softmax: [0, 0], log_softmax: [0, 1], logsumexp: [1, 0]}
    for function in SOFTMAXES:
        y = function(x)
        np.testing.assert_allclose(y.data, expected[function], rtol=1e-6)
        g = np.array([0.0, 1.0]) if y.ndim else np.array(1.0)
        slope = mg.gradients(y, x, g, create_graph=True)
        expected_slope = [-1, 1] if function is log_softmax else slopes[function]
        assert np.array_equal(slope.data, expected_slope)
        assert np.array_equal(mg.gradients(np.sum(slope * [1.0, 2.0]), x), [0, 0])


@dtypes
def test_a_class_of_probability_zero_may_have_no_score_at_all(dtype):
    x = mg.Tensor(np.array([[-np.inf, 0.0, 0.0]], dtype))
    for t in (np.array([1]), np.array([[0.0, 1.0, 0.0]])):
        loss = softmax_cross_entropy(x, t)
        assert loss.item() == pytest.approx(math.log(2))
        assert np.array_equal(mg.gradients(loss, x), [[0.0, -0.5, 0.5]])


@dtypes
@pytest.mark.parametrize("one_hot", [False, True])
def test_far_out_cross_entropy_is_the_gap_between_the_scores(dtype, one_hot):
    x = mg.Tensor(np.array([[1e4, -1e4], [1e4, -1e4]], dtype))
    t = np.eye(2)[[1, 0]] if one_hot else np.array([1, 0])
    loss = softmax_cross_entropy(x, t)
    slope = mg.gradients(loss, x, create_graph=True)
    assert loss.item() == 1e4
    assert np.array_equal(slope.data, [[0.5, -0.5], [0, 0]])
    assert np.array_equal(mg.gradients(np.sum(slope * [1.0, 2.0]), x), np.zeros((2, 2)))


@dtypes
def test_far_out_binary_cross_entropy_is_the_score(dtype):
    x = mg.Tensor(np.array([1e4, -1e4, 1e4, -1e4], dtype))
    loss = binary_cross_entropy_with_logits(x, np.array([0, 1, 1, 0]))
    slope = mg.gradients(loss, x, create_graph=True)
    assert loss.item() == 5e3
    assert np.array_equal(slope.data, [0.25, -0.25, 0, 0])
    assert np.array_equal(mg.gradients(np.sum(slope), x), np.zeros(4))


@pytest.mark.parametrize("x", [5.0, 15.0, 30.0])
def test_a_sure_and_right_answer_still_has_its_small_loss(x):
    expected = pytest.approx(math.log1p(math.exp(-x)), rel=1e-9, abs=1e-14)
    assert softmax_cross_entropy(np.array([[x, 0.0]]), np.array([0])) == expected
    assert binary_cross_entropy_with_logits(np.array([x]), np.array([1])) == expected
    assert -log_softmax(np.array([x, 0.0]))[0] == expected


@pytest.mark.parametrize("zero", [0.0, -0.0])
def test_slopes_at_zero_are_those_of_the_left(zero):
    x = mg.Tensor([zero])
    found = [slope(y, x) for y in (relu(x), leaky_relu(x, 0.1), elu(x, 3.0), elu(x))]
    assert found == [0.0, 0.1, 3.0, 1.0]


LOSSES = [softmax_cross_entropy, binary_cross_entropy_with_logits, mean_squared_error]


@pytest.mark.parametrize("loss", LOSSES, ids=lambda f: f.__name__)
def test_losses_of_float16_are_summed_in_float32(loss):
    x, t = np.ones((70_000, 2), np.float16), np.tile([0.0, 1.0], (70_000, 1))
    found, exact = mg.Tensor(x), mg.Tensor(x.astype(float))
    for scale in (1.0, 1000.0):  # 1/70000 alone is below the normal numbers of float16
        a, b = scale * loss(found, t), scale * loss(exact, t)
        assert a.item() == pytest.approx(b.item(), rel=1e-3)
        da, db = mg.gradients(a, found), mg.gradients(b, exact)
        np.testing.assert_allclose(da, db, rtol=1e-2, atol=1e-7)


@each
def test_an_activation_of_nothing_is_nothing(function):
    assert function(np.zeros((0, 3))).shape == (0, 3)
    x = mg.Tensor(np.zeros((0, 3)))
    assert mg.gradients(np.sum(function(x)), x).shape == (0, 3)


@pytest.mark.parametrize("function", [softmax, log_softmax])
@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (0, 0)])
def test_softmax_of_nothing_is_nothing(function, shape):
    x = mg.Tensor(np.zeros(shape))
    assert mg.gradients(np.sum(function(x)), x).shape == function(x).shape == shape


@pytest.mark.parametrize("nan", [np.nan, np.inf])
def test_nan_and_infinity_in_scores_become_a_loss_that_is_not_finite(nan):
    x = np.array([[nan, 0.0]])
    with np.errstate(invalid="warn" if np.isnan(nan) else "ignore"):
        assert not np.isfinite(softmax_cross_entropy(x, np.array([1])))
        assert not np.isfinite(binary_cross_entropy_with_logits(x, np.array([[0, 1]])))
        assert not np.isfinite(mean_squared_error(x, np.zeros((1, 2))))


# ---- arrays in, arrays out -----------------------------------------------------------------------


@pytest.mark.parametrize("function", [*ELEMENTWISE, *SOFTMAXES], ids=lambda f: f.__name__)
@pytest.mark.parametrize("x", [np.ones(3), [1.0, 1.0, 1.0], [1, 1, 1]], ids=repr)
def test_arrays_and_lists_give_plain_arrays(function, x):
    y = function(x)
    assert isinstance(y, (np.ndarray, np.floating)) or np.array_equal(y, x)
    np.testing.assert_allclose(y, function(np.ones(3)))


@pytest.mark.parametrize("loss", LOSSES, ids=lambda f: f.__name__)
def test_scores_may_be_lists(loss):
    x, t = np.array([[1.0, 2.0], [3.0, 5.0]]), np.array([[0.0, 1.0], [1.0, 0.0]])
    assert loss(x.tolist(), t) == loss(x.tolist(), t.tolist()) == loss(x, t)


@pytest.mark.parametrize("function", [*SOFTMAXES, *LOSSES], ids=lambda f: f.__name__)
def test_an_array_of_integers_is_promoted_or_refused_but_never_rounded(function):
    x, t = np.array([[1, 2], [3, 5]]), np.array([[0.0, 1.0], [1.0, 0.0]])
    targets = [t] if function in LOSSES else []
    found = answer(function, x, *targets)
    promoted = np.array_equal(found, function(x.astype(float), *targets))
    assert promoted or "astype" in str(found)


@pytest.mark.parametrize("loss", LOSSES, ids=lambda f: f.__name__)
def test_a_loss_of_arrays_is_a_plain_number_and_leaves_them_alone(loss):
    x, t = np.array([[0.5, -1.0]]), np.array([[0.0, 1.0]])
    value = loss(x, t)
    assert isinstance(value, (np.ndarray, np.floating))
    assert np.shape(value) == ()
    assert np.array_equal(x, [[0.5, -1.0]])
    assert np.array_equal(t, [[0.0, 1.0]])


# ---- bad targets ---------------------------------------------------------------------------------

BAD_CLASSES = [
    (np.zeros((4, 1), int), ValueError, r"\(4, 1\).*\(4, 3\).*ravel"),
    (np.zeros((4, 1)), ValueError, r"\(4, 1\).*\(4, 3\)"),
    (np.zeros(4), TypeError, r"float64.*astype\(int\)"),
    (np.zeros(4, bool), TypeError, r"bool.*astype\(int\)"),
    (np.array([0, 1, 3, 0]), ValueError, r"class index 3 .*0 … 2"),
    (np.array([0, -1, 2, 0]), ValueError, r"class index -1 .*0 … 2"),
    (np.zeros(3, int), ValueError, r"\(3,\).*\(4, 3\)"),
    (np.zeros((3, 4)), ValueError, r"\(3, 4\).*\(4, 3\)"),
    (np.zeros(()), ValueError, r"\(\).*\(4, 3\)"),
    (np.array(["a"] * 4), TypeError, "<U1"),
    (np.array([None] * 4), TypeError, "object"),
    (np.array([["a"] * 3] * 4), TypeError, "<U1"),
]


@pytest.mark.parametrize(("t", "error", "words"), BAD_CLASSES, ids=lambda v: None)
def test_bad_classes_are_refused_with_both_shapes_or_the_remedy(t, error, words):
    x = np.zeros((4, 3))
    for scores in (x, mg.Tensor(x)):
        with pytest.raises(error, match=words):
            softmax_cross_entropy(scores, t)


@pytest.mark.parametrize("loss", LOSSES, ids=lambda f: f.__name__)
@pytest.mark.parametrize("shape", [(0, 3), (3, 0)])
def test_an_empty_batch_is_refused(loss, shape):
    with pytest.raises(ValueError, match="empty"):
        loss(np.zeros(shape), np.zeros(shape))


@pytest.mark.parametrize("loss", LOSSES[1:], ids=lambda f: f.__name__)
@pytest.mark.parametrize("shape", [(4,), (1, 4), (1, 1), ()])
def test_targets_that_would_broadcast_are_refused(loss, shape):
    for x in (np.zeros((4, 1)), mg.Tensor(np.zeros((4, 1)))):
        with pytest.raises(ValueError, match=r"\(4, 1\)"):
            loss(x, np.zeros(shape))


@pytest.mark.parametrize("t", [-1.0, 2.0, 1.0001, np.nan])
def test_targets_of_yes_and_no_are_between_0_and_1(t):
    with pytest.raises(ValueError, match=r"\[0, 1\]"):
        binary_cross_entropy_with_logits(np.zeros((1, 1)), np.array([[t]]))


@pytest.mark.parametrize(
    ("shapes", "words"),
    [
        (((2, 3), (4, 5), (5,)), r"x \(2, 3\) has 3 features .* W \(4, 5\) takes 4"),
        (((2, 3), (3, 5), (4,)), r"b has shape \(4,\).* b needs \(5,\)"),
        (((2, 3), (3, 5), (1, 5)), r"b has shape \(1, 5\).* b needs \(5,\)"),
        (((2, 3), (3,), (3,)), r"W need two axes .*\(3,\)"),
        (((), (3, 5), (5,)), r"x \(\) has no features"),
    ],
)
def test_affine_names_the_shapes_that_do_not_fit(shapes, words):
    x, W, b = map(np.zeros, shapes)
    for rows in (x, mg.Tensor(x)):
        with pytest.raises(ValueError, match=words):
            affine(rows, W, b)


@pytest.mark.parametrize("dtype", [int, bool, np.uint8])
def test_affine_asks_what_an_integer_array_means(dtype):
    with pytest.raises(TypeError, match=r"floats, not .*astype"):
        affine(np.ones((2, 3), dtype), np.ones((3, 1)), np.ones(1))
