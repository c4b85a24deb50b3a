"""What holds for the derivative of every function, at a sample of its domain."""

import gc
import weakref

import numpy as np
import oracle

from minigrad import Tensor, gradients, jvp, vjp


def near(a, b, scale=0.0):
    """Equal but for the error of numeric differentiation."""
    a, b = np.asarray(a), np.asarray(b)
    return a.shape == b.shape and bool(np.all(np.abs(a - b) <= 1e-7 * (1 + scale + np.abs(b))))


def vjp_agrees_with_the_numeric_derivative(s):
    xs = s.tensors()
    y = s.call(*xs)
    v, us = s.noise(y.data), [s.noise(x) for x in s.leaves]
    grads = gradients(y, xs, v)
    exact = sum(oracle.inner(u, g) for u, g in zip(us, grads, strict=True))
    assert near(exact, oracle.inner(v, oracle.along(s.call, s.leaves, us)))


def second_order_agrees_with_the_numeric_derivative_of_the_gradient(s):
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


def forward_mode_is_two_vjps(s):
    xs, us = s.tensors(), [s.noise(x) for x in s.leaves]
    y = s.call(*xs)
    seed = Tensor(np.zeros_like(y.data))
    grads = gradients(y, xs, seed, create_graph=True)
    total = sum(np.real(np.sum(u * g)) for u, g in zip(us, grads, strict=True))
    assert near(gradients(total, seed), oracle.along(s.call, s.leaves, us))


def float32_in_float32_out(s):
    xs, halves = s.tensors(), s.in_float32().tensors()
    y, z = s.call(*xs), s.call(*halves)
    v = s.noise(y.data)
    for g, h, x in zip(gradients(y, xs, v), gradients(z, halves, v), halves, strict=True):
        assert (h.dtype, h.shape) == (x.dtype, x.shape)
        np.testing.assert_allclose(h, g, rtol=1e-3, atol=1e-4)
    for h, x in zip(gradients(z, halves, v, create_graph=True), halves, strict=True):
        assert h.dtype == x.dtype


def pullbacks_are_linear_repeatable_and_yours(s):
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


def graphs_are_freed_by_reference_counting_alone(s):
    gc.disable()
    xs = s.tensors()
    y = s.call(*xs)
    grads = gradients(y, xs, s.noise(y.data), create_graph=True)
    alive = [weakref.ref(node) for node in (y, *grads)]
    del xs, y, grads
    gc.enable()
    assert all(node() is None for node in alive)


def forward_and_reverse_mode_are_transposes_of_each_other(s):
    us = [s.noise(x) for x in s.leaves]
    y, dy = jvp(s.call, tuple(s.leaves), tuple(us))
    _, pullback = vjp(s.call, *s.leaves)
    v = s.noise(y)
    pulled = pullback(v) if len(s.leaves) > 1 else (pullback(v),)
    there, back = oracle.inner(v, dy), sum(map(oracle.inner, us, pulled))
    assert abs(there - back) <= 1e-10 * (1 + abs(there))
    step = oracle.along(s.call, s.leaves, us)
    assert dy.shape == step.shape
    assert np.all(np.abs(dy - step) <= 1e-7 * (1 + np.abs(step)))


THEOREMS = [
    vjp_agrees_with_the_numeric_derivative,
    second_order_agrees_with_the_numeric_derivative_of_the_gradient,
    forward_mode_is_two_vjps,
    forward_and_reverse_mode_are_transposes_of_each_other,
    float32_in_float32_out,
    pullbacks_are_linear_repeatable_and_yours,
    graphs_are_freed_by_reference_counting_alone,
]
