"""Every function of the table against numeric differentiation, at random points of its domain."""

import gc
import weakref

import numpy as np
import oracle
import pytest
from domains import DOMAINS
from domains.complex import REAL_TO_COMPLEX, Complex, complexified
from hypothesis import given
from hypothesis import strategies as st

from minigrad import Tensor, functions, gradients
from minigrad.derivatives.refusals import REFUSALS
from minigrad.graph import RULES, called
from minigrad.kinds import COMPLEX
from minigrad.tensor import ADAPTERS

name_of = called  # np.exp, np.fft.fft, relu: also what mutate_rules.py asks for


def id_of(function):
    """np.exp, or np.exp-complex where it is called with complex numbers."""
    return name_of(function) + "-complex" * isinstance(function, Complex)


every_function = pytest.mark.parametrize("function", DOMAINS, ids=id_of)
a_sample = given(data=st.data())


def near(a, b, scale=0.0):
    """Equal but for the error of numeric differentiation."""
    a, b = np.asarray(a), np.asarray(b)
    return a.shape == b.shape and bool(np.all(np.abs(a - b) <= 1e-7 * (1 + scale + np.abs(b))))


TABLE, TAKING = set(RULES), set(COMPLEX)  # as imported, before tests and examples add their own


def test_every_differentiable_function_has_a_property_test():
    table = {f for f in TABLE if name_of(f).startswith("np.") or f.__module__ in _OURS}
    public = {getattr(functions, n) for n in functions.__all__ if not n.startswith("check_")}
    tested = {f.function if isinstance(f, Complex) else f for f in DOMAINS}
    assert (table | set(ADAPTERS) | public) - set(REFUSALS) == tested


def test_every_function_of_complex_numbers_has_a_property_test():
    tested = {f.function for f in DOMAINS if isinstance(f, Complex)}
    assert tested | REAL_TO_COMPLEX >= TAKING


REAL = [f for f in DOMAINS if not isinstance(f, Complex) and Complex(f) not in DOMAINS]


@pytest.mark.parametrize("function", REAL, ids=name_of)
@a_sample
def test_a_function_of_real_numbers_refuses_complex_ones(function, data):
    s = data.draw(complexified(DOMAINS[function], first=True, constants=False))
    words = "real numbers|supported for the input types|complex"
    with pytest.raises(TypeError, match=words):
        s.call(*s.tensors())


_OURS = {f.__module__ for f in DOMAINS if not name_of(f).startswith("np.")}


@every_function
@a_sample
def test_vjp_agrees_with_the_numeric_derivative(function, data):
    s = data.draw(DOMAINS[function])
    xs = s.tensors()
    y = s.call(*xs)
    v, us = s.noise(y.data), [s.noise(x) for x in s.leaves]
    grads = gradients(y, xs, v)
    exact = sum(oracle.inner(u, g) for u, g in zip(us, grads, strict=True))
    assert near(exact, oracle.inner(v, oracle.along(s.call, s.leaves, us)))


@every_function
@a_sample
def test_second_order_agrees_with_the_numeric_derivative_of_the_gradient(function, data):
    s = data.draw(DOMAINS[function])
    v = s.noise(s.call(*s.leaves))
    us, ws = [s.noise(x) for x in s.leaves], [s.noise(x) for x in s.leaves]

    def slope(*leaves):
        xs = [Tensor(x) for x in leaves]
        return sum(map(oracle.inner, ws, gradients(s.call(*xs), xs, v)))

    xs = s.tensors()
    grads = gradients(s.call(*xs), xs, v, create_graph=True)
    total = sum(np.real(np.sum(w * g)) for w, g in zip(ws, grads, strict=True))
    exact = sum(map(oracle.inner, us, gradients(total, xs)))
    assert near(exact, oracle.along(slope, s.leaves, us))


@every_function
@a_sample
def test_forward_mode_is_two_vjps(function, data):
    s = data.draw(DOMAINS[function])
    xs, us = s.tensors(), [s.noise(x) for x in s.leaves]
    y = s.call(*xs)
    seed = Tensor(np.zeros_like(y.data))
    grads = gradients(y, xs, seed, create_graph=True)
    total = sum(np.real(np.sum(u * g)) for u, g in zip(us, grads, strict=True))
    assert near(gradients(total, seed), oracle.along(s.call, s.leaves, us))


@every_function
@a_sample
def test_float32_in_float32_out(function, data):
    s = data.draw(DOMAINS[function])
    xs, halves = s.tensors(), s.in_float32().tensors()
    y, z = s.call(*xs), s.call(*halves)
    v = s.noise(y.data)
    for g, h, x in zip(gradients(y, xs, v), gradients(z, halves, v), halves, strict=True):
        assert (h.dtype, h.shape) == (x.dtype, x.shape)
        np.testing.assert_allclose(h, g, rtol=1e-3, atol=1e-4)
    for h, x in zip(gradients(z, halves, v, create_graph=True), halves, strict=True):
        assert h.dtype == x.dtype


@every_function
@a_sample
def test_pullbacks_are_linear_repeatable_and_yours(function, data):
    s = data.draw(DOMAINS[function])
    xs = s.tensors()
    y = s.call(*xs)
    v = s.noise(y.data)
    others = [v, y.data, *[x.data for x in xs]]
    before = [a.copy() for a in others]
    once, none, twice, again = (gradients(y, xs, a) for a in (v, 0 * v, 2 * v, v))
    for i, g in enumerate(once):
        assert type(g) is np.ndarray
        assert g.flags.writeable
        assert not any(np.may_share_memory(g, other) for other in (*others, *once[:i]))
        assert np.all(none[i] == 0)
        assert np.allclose(twice[i], 2 * g, rtol=1e-14, atol=0)
        assert np.array_equal(again[i], g)
    assert all(np.array_equal(*pair, equal_nan=True) for pair in zip(before, others, strict=True))


@every_function
@a_sample
def test_graphs_are_freed_by_reference_counting_alone(function, data):
    s = data.draw(DOMAINS[function])
    gc.disable()
    xs = s.tensors()
    y = s.call(*xs)
    grads = gradients(y, xs, s.noise(y.data), create_graph=True)
    alive = [weakref.ref(node) for node in (y, *grads)]
    del xs, y, grads
    gc.enable()
    assert all(node() is None for node in alive)


ANALYTIC = [
    np.add,
    np.subtract,
    np.multiply,
    np.divide,
    np.negative,
    np.positive,
    np.reciprocal,
    np.square,
    np.exp,
    np.exp2,
    np.expm1,
    np.log,
    np.log2,
    np.log10,
    np.log1p,
    np.sqrt,
    np.sin,
    np.cos,
    np.tan,
    np.arcsin,
    np.arccos,
    np.arctan,
    np.sinh,
    np.cosh,
    np.tanh,
    np.arcsinh,
    np.arccosh,
    np.arctanh,
    np.matmul,
    np.dot,
    np.sum,
    np.mean,
    np.prod,
    np.reshape,
    np.transpose,
]


@pytest.mark.parametrize("function", ANALYTIC, ids=name_of)
@a_sample
def test_vjp_of_an_analytic_function_is_exact_by_the_complex_step(function, data):
    s = data.draw(DOMAINS[function])
    xs, us = s.tensors(), [s.noise(x) for x in s.leaves]
    y = s.call(*xs)
    v = s.noise(y.data)
    exact = sum(map(oracle.inner, us, gradients(y, xs, v)))
    step = oracle.inner(v, oracle.complex_along(s.call, s.leaves, us))
    assert abs(exact - step) <= 1e-12 * (1 + abs(step))
