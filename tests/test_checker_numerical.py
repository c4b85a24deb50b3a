"""Numerical derivatives: the bar holds the true error, whatever the function does."""

import math

import numpy as np
import pytest
from domains import DOMAINS
from hypothesis import assume, given
from hypothesis import strategies as st
from measure_bars import exact

from minigrad.testing import numerical_derivative, numerical_gradient

TRUE = {  # function, its derivative, where
    "exp": (np.exp, math.exp, (-20, 20)),
    "sin": (np.sin, math.cos, (-100, 100)),
    "log": (np.log, lambda x: 1 / x, (1e-9, 1e9)),
    "sqrt": (np.sqrt, lambda x: 0.5 / math.sqrt(x), (1e-9, 1e9)),
    "reciprocal": (lambda x: 1 / x, lambda x: -1 / x**2, (1e-3, 1e3)),
    "tanh": (np.tanh, lambda x: 1 / math.cosh(x) ** 2, (-15, 15)),
    "square": (np.square, lambda x: 2 * x, (-1e6, 1e6)),
    "wave": (lambda x: np.sin(40 * x), lambda x: 40 * math.cos(40 * x), (-3, 3)),
    "above a large constant": (lambda x: 1e6 + np.sin(x), math.cos, (-3, 3)),
    "below a small factor": (lambda x: 1e-9 * np.sin(x), lambda x: 1e-9 * math.cos(x), (-3, 3)),
    "cancelling": (
        lambda x: np.log(1 + np.exp(x)) - x,
        lambda x: -1 / (1 + math.exp(x)),
        (-5, 5),
    ),
}


@pytest.mark.parametrize("name", TRUE)
@pytest.mark.parametrize("complex_step", [True, False])
@given(at=st.floats(0, 1))
def test_the_bar_holds_the_true_error(name, complex_step, at):
    f, derivative, (low, high) = TRUE[name]
    x = low + at * (high - low)
    found = numerical_derivative(f, x, complex_step=complex_step)
    true = derivative(x)
    assert abs(found.value - true) <= found.bar + 1e-15 * abs(true)
    assert found.bar <= 1e-3 * abs(true) + (1e-6 if "constant" in name else 1e-9)


@given(function=st.sampled_from(list(DOMAINS)), data=st.data())
def test_the_bar_holds_on_functions_of_the_table(function, data):
    sample = data.draw(DOMAINS[function])
    k = int(sample.rng.integers(len(sample.leaves)))
    assume(sample.leaves[k].size)

    def of_one(x):
        return sample.call(*sample.leaves[:k], x, *sample.leaves[k + 1 :])

    assume(not np.iscomplexobj(sample.call(*sample.leaves)))
    found = numerical_derivative(of_one, sample.leaves[k])
    true, allowed = exact(sample, k)
    assert np.all(np.abs(found.value - true) <= found.bar + allowed)


@given(distance=st.floats(-1, 1), exponent=st.integers(-6, 0))
def test_a_kink_nearby_does_not_mislead(distance, exponent):
    x = distance * 10.0**exponent
    found = numerical_derivative(np.abs, x)
    assert abs(found.value - np.sign(x)) <= found.bar + 1e-15
    assert found.kinks or found.bar < 1e-6 or abs(x) < 1e-6


@pytest.mark.parametrize("left", [-1.0, 0.0, 0.3])
@pytest.mark.parametrize("right", [1.0, 2.0])
def test_at_a_kink_it_is_the_interval_between_the_slopes(left, right):
    found = numerical_derivative(lambda x: np.where(x > 0, right * x, left * x) + x**2, 0.0)
    assert found.kinks
    assert found.value - found.bar == pytest.approx(left, abs=1e-6)
    assert found.value + found.bar == pytest.approx(right, abs=1e-6)


def test_infinite_slopes_and_jumps_are_not_known():
    for f in (lambda x: np.sqrt(np.abs(x)), lambda x: np.cbrt(x), lambda x: np.sign(x - 1e-12)):
        found = numerical_derivative(f, 0.0)
        assert found.bar > 1


def test_the_complex_step_is_used_where_it_holds_and_only_there():
    assert numerical_derivative(np.exp, 1.0).method == "complex step"
    assert numerical_derivative(np.exp, 1.0).bar < 1e-12
    for f in (np.abs, lambda x: float(np.real(x)) ** 2, lambda x: np.maximum(x, 0) * np.conj(x)):
        found = numerical_derivative(f, 0.7)
        true = {np.abs: 1.0}.get(f, 1.4)
        assert found.method == "plateau scan"
        assert abs(found.value - true) <= found.bar


def test_a_function_in_float32_has_a_bar_of_that_size():
    found = numerical_derivative(lambda x: np.sin(x, dtype=np.float32), np.array([0.3, 1.0, 2.0]))
    error = np.abs(np.diag(found.value) - np.cos([0.3, 1.0, 2.0]))
    assert np.all(error <= np.diag(found.bar))
    assert np.all(np.diag(found.bar) < 1)


def test_integers_are_differentiated_in_float64():
    found = numerical_derivative(lambda x: np.sum(x**2), np.array([3, 4]))
    np.testing.assert_allclose(found.value, [6, 8], rtol=1e-12)
    assert found.value.dtype == np.float64


def test_shapes_are_those_of_f_and_x():
    x = np.arange(6.0).reshape(2, 3)
    full = numerical_derivative(lambda x: np.sin(x).sum(axis=0), np.asfortranarray(x))
    assert full.value.shape == (3, 2, 3)
    expected = np.cos(x)[None] * np.eye(3)[:, None, :]
    np.testing.assert_allclose(full.value, expected, atol=1e-10)
    along = numerical_derivative(lambda x: np.sin(x).sum(axis=0), x, along=np.ones((2, 3)))
    np.testing.assert_allclose(along.value, np.cos(x).sum(axis=0), rtol=1e-10)


def test_a_point_is_not_left_that_the_function_refuses_to_leave():
    def root(x):
        if x < 0:
            raise ValueError("a negative number has no root")
        return math.sqrt(x)

    assert numerical_derivative(root, 1e-3).value == pytest.approx(0.5 / math.sqrt(1e-3))


def test_mistakes_in_the_call_are_named():
    with pytest.raises(ValueError, match=r"along has shape \(3,\), and x has \(2,\)"):
        numerical_derivative(np.sin, np.ones(2), along=np.ones(3))
    with pytest.raises(TypeError, match="real numbers, not of complex128"):
        numerical_derivative(np.sin, 1j)
    with pytest.raises(TypeError, match="f returned complex128"):
        numerical_derivative(lambda x: x * 1j, 1.0)


def test_the_books_simple_one_is_here_too():
    np.testing.assert_allclose(numerical_gradient(np.sum, np.ones(3)), np.ones(3))


def test_infinite_operands_are_moved_without_a_warning():
    for x in (-np.inf, np.inf, np.nan):
        numerical_derivative(np.nan_to_num, np.array(x))
        numerical_derivative(np.nan_to_num, np.array([x, 1.0]))
