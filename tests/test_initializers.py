"""The initializers: fans, variances, orthogonality, and equal seeds giving equal bits."""

import inspect
import math
import pickle

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad import initializers
from minigrad.initializers import (
    constant,
    fans,
    get,
    he_normal,
    he_uniform,
    lecun_normal,
    lecun_uniform,
    normal,
    orthogonal,
    uniform,
    xavier_normal,
    xavier_uniform,
    zeros,
)

EACH = [
    he_normal,
    he_uniform,
    xavier_normal,
    xavier_uniform,
    lecun_normal,
    lecun_uniform,
    orthogonal,
    normal,
    uniform,
    constant,
    zeros,
]
each = pytest.mark.parametrize("init", EACH)
shapes = hnp.array_shapes(min_dims=2, max_dims=4, min_side=0, max_side=6)
seeds = st.integers(0, 2**32)

VARIANCES = [
    (he_normal, he_uniform, lambda n_in, n_out: 2 / n_in),
    (xavier_normal, xavier_uniform, lambda n_in, n_out: 2 / (n_in + n_out)),
    (lecun_normal, lecun_uniform, lambda n_in, n_out: 1 / n_in),
]


def test_every_initializer_of_the_module_is_tested():
    functions = {f for f in vars(initializers).values() if inspect.isfunction(f)}
    public = {f for f in functions if not f.__name__.startswith("_")}
    assert public == {*EACH, fans, get}


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((), (1, 1)),
        (7, (7, 7)),
        ((7,), (7, 7)),
        ((784, 50), (784, 50)),
        ([784, 50], (784, 50)),
        ((8, 4, 3), (12, 24)),
        ((30, 1, 5, 5), (25, 750)),
        ((16, 8, 2, 3, 4), (192, 384)),
        ((0, 5), (0, 5)),
    ],
)
def test_fans_are_the_inputs_of_one_output_and_the_outputs_of_one_input(shape, expected):
    assert fans(shape) == expected


@pytest.mark.parametrize("shape", [(400, 100), (100, 400), (64, 16, 5, 5)])
@pytest.mark.parametrize(("normal_one", "uniform_one", "variance"), VARIANCES)
def test_draws_have_the_variance_of_the_paper(normal_one, uniform_one, variance, shape):
    expected = variance(*fans(shape))
    draws, even = normal_one(shape, 0), uniform_one(shape, 0)
    for W in (draws, even):
        assert W.mean() == pytest.approx(0, abs=5 * math.sqrt(expected / W.size))
        assert W.var() == pytest.approx(expected, rel=0.05)
    limit = math.sqrt(3 * expected)
    assert 0.999 * limit < np.abs(even).max() <= limit
    within = np.mean(np.abs(draws) < math.sqrt(expected))  # of one deviation: erf(1 / sqrt 2)
    assert within == pytest.approx(0.6827, abs=0.01)


def test_he_keeps_the_size_of_a_signal_through_50_relu_layers():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((200, 300))
    start = np.mean(x**2)
    for _ in range(50):
        x = np.maximum(x @ he_normal((300, 300), rng), 0)
    assert 0.3 < np.mean(x**2) / start < 3


@given(shapes, seeds, st.floats(0.1, 5) | st.floats(-5, -0.1))
def test_orthogonal_rows_or_columns_are_orthonormal_times_the_gain(shape, seed, gain):
    W = orthogonal(shape, seed, gain=gain)
    assert W.shape == shape
    matrix = W.reshape(shape[0], math.prod(shape[1:])) / gain
    product = matrix.T @ matrix if matrix.shape[0] >= matrix.shape[1] else matrix @ matrix.T
    np.testing.assert_allclose(product, np.eye(len(product)), atol=1e-12)


def test_orthogonal_matrices_are_uniform_over_the_group():
    draws = np.array([orthogonal((2, 2), seed) for seed in range(2000)])
    assert np.abs(draws.mean(axis=0)).max() < 0.06  # QR alone prefers one sign: 0.6
    assert np.mean(np.linalg.det(draws) > 0) == pytest.approx(0.5, abs=0.05)


@given(st.floats(0, 10), seeds)
def test_normal_and_uniform_are_scaled_standard_draws(scale, seed):
    rng = np.random.default_rng(seed)
    assert np.array_equal(normal((3, 4), seed, std=scale), scale * rng.standard_normal((3, 4)))
    even = uniform((3, 4), seed, limit=scale)
    assert np.abs(even).max() <= scale
    assert np.array_equal(even, np.random.default_rng(seed).uniform(-scale, scale, (3, 4)))


def test_the_defaults_are_the_books_deviation_a_small_range_and_no_gain():
    assert np.array_equal(normal(9, 0), normal(9, 0, std=0.01))
    assert np.array_equal(uniform(9, 0), uniform(9, 0, limit=0.05))
    assert np.array_equal(orthogonal((3, 2), 0), orthogonal((3, 2), 0, gain=1.0))
    assert constant(2).tolist() == [0.0, 0.0]


def test_one_input_is_enough_and_none_draws_nothing():
    assert np.array_equal(lecun_normal((1, 9), 0), normal((1, 9), 0, std=1.0))
    assert lecun_normal((0, 9), 0).shape == (0, 9)


def test_zeros_and_constants_are_what_they_say():
    assert zeros((2, 3)).tolist() == [[0.0] * 3] * 2
    assert constant(2, value=-1.5).tolist() == [-1.5, -1.5]


@each
@given(shape=shapes, seed=seeds)
def test_equal_seeds_give_equal_bits_and_float32_is_float64_rounded(init, shape, seed):
    W = init(shape, seed)
    assert W.dtype == np.float64
    assert W.shape == shape
    assert W.flags.writeable
    assert W.flags.c_contiguous
    assert W.tobytes() == init(shape, np.random.default_rng(seed)).tobytes()
    narrow = init(shape, seed, dtype=np.float32)
    assert narrow.dtype == np.float32
    assert narrow.tobytes() == W.astype(np.float32).tobytes()


@pytest.mark.parametrize("init", [f for f in EACH if f not in (constant, zeros)])
def test_a_generator_moves_on_and_global_state_does_not_matter(init):
    rng = np.random.default_rng(0)
    first, second = init((3, 3), rng), init((3, 3), rng)
    assert not np.array_equal(first, second)
    assert not np.array_equal(init((3, 3)), init((3, 3)))


@each
def test_a_shape_with_a_negative_length_is_refused(init):
    with pytest.raises(ValueError, match=r"no negative lengths.*\(2, -1\)"):
        init((2, -1), 0)


@each
@pytest.mark.parametrize("dtype", [int, bool, complex])
def test_weights_are_floating_point(init, dtype):
    with pytest.raises(TypeError, match=f"not {np.dtype(dtype)}: pass a floating dtype"):
        init((2, 2), 0, dtype=dtype)


@pytest.mark.parametrize("shape", [(), 3, (3,)])
def test_a_vector_has_no_orthogonal_draw(shape):
    with pytest.raises(ValueError, match="at least two axes"):
        orthogonal(shape, 0)


@pytest.mark.parametrize("bad", [-0.1, math.nan, math.inf])
def test_a_spread_is_finite_and_not_negative(bad):
    with pytest.raises(ValueError, match=r"std must be in \[0, inf\)"):
        normal(3, 0, std=bad)
    with pytest.raises(ValueError, match=r"limit must be in \[0, inf\)"):
        uniform(3, 0, limit=bad)
    with pytest.raises(ValueError, match=r"standard deviation must be in \[0, inf\)"):
        get(bad)


# ---- by name -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("he", he_normal),
        ("relu", he_normal),
        ("ReLU", he_normal),
        ("xavier", xavier_normal),
        ("glorot", xavier_normal),
        ("sigmoid", xavier_normal),
        ("lecun", lecun_normal),
        ("orthogonal", orthogonal),
        *[(f.__name__, f) for f in EACH if f not in (normal, uniform, constant)],
    ],
)
def test_a_name_means_a_function(name, expected):
    assert get(name) is expected


@given(st.floats(0, 10) | st.integers(0, 3), seeds)
def test_a_number_means_a_standard_deviation(std, seed):
    init = pickle.loads(pickle.dumps(get(std)))
    assert np.array_equal(init((3, 4), seed), normal((3, 4), seed, std=std))


def test_a_function_means_itself():
    def mine(shape, rng):
        return np.ones(shape)

    assert get(mine) is mine


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("xaver", "unknown initializer 'xaver': did you mean 'xavier'. There are he, relu, "),
        ("He_Norml", "did you mean 'he_normal'"),
        ("???", r"unknown initializer '\?\?\?': there are he, relu, .*zeros$"),
    ],
)
def test_an_unknown_name_gets_the_nearest_and_the_list(name, message):
    with pytest.raises(ValueError, match=message):
        get(name)


@pytest.mark.parametrize("bad", [None, True, [0.1], np.zeros(3)])
def test_what_is_no_initializer_is_refused(bad):
    with pytest.raises(TypeError, match="a name, a number or a function"):
        get(bad)
