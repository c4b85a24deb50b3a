"""What the engine is held against: numeric derivatives, and a naive engine of its own.

Nothing here imports minigrad.
"""

import itertools

import numpy as np


# ---- numeric derivatives -------------------------------------------------------------------------
def derivative(f, at=0.0, h=0.01, levels=4):
    """Differentiate `f`, a function of one number with arrays for values, at a smooth point.

    Central differences at h, h/2, h/4 …, extrapolated to h = 0 (Romberg): the error is O(h⁸). Good
    to about 1e-11 where `f` is smooth, and of moderate size, within 10 h.
    """
    steps = [h / 2**i for i in range(levels)]
    row = [(f(at + s) - f(at - s)) / (2 * s) for s in steps]
    for k in range(1, levels):
        row = [(4**k * b - a) / (4**k - 1) for a, b in itertools.pairwise(row)]
    return row[0]


def along(f, xs, us, h=0.01):
    """Differentiate `f` at the arrays `xs` along the directions `us`: J u, shaped like f(*xs)."""

    def on_the_line(s):
        return f(*[np.asarray(x + s * u) for x, u in zip(xs, us, strict=True)])

    return derivative(on_the_line, h=h)


def complex_along(f, xs, us):
    """Differentiate an analytic `f` along `us` by the complex step: no cancellation at all.

    Source: W. Squire and G. Trapp, SIAM Review 40 (1998) 110.
    """
    h = 1e-30
    return np.imag(f(*[x + 1j * h * u for x, u in zip(xs, us, strict=True)])) / h


def inner(a, b):
    """Sum of the products of all entries: <a, b>; of complex ones, the real part, unconjugated."""
    return np.real(np.sum(np.asarray(a) * np.asarray(b)))


# ---- a naive engine: values, parents and local derivatives; recursion over every path ------------
class Naive:
    """A value with its history. Local derivatives are functions g -> share of the parent."""

    def __init__(self, value, *parents):
        self.value = np.asarray(value, float)
        self.parents = parents  # pairs: (Naive, pullback)
        self.grad = None

    def gradients(self, g, found):
        """Push g along every path; no ordering, no sharing: slow, and plainly the chain rule."""
        found[self] = found.get(self, 0.0) + g
        for parent, pullback in self.parents:
            parent.gradients(summed_to(pullback(g), parent.value.shape), found)
        return found

    def backward(self, g):
        """Add into `.grad` of the leaves."""
        for node, total in self.gradients(g, {}).items():
            if not node.parents:
                node.grad = total if node.grad is None else node.grad + total


def summed_to(g, shape):
    """Undo broadcasting, one axis at a time."""
    while np.ndim(g) > len(shape):
        g = np.sum(g, axis=0)
    for axis, length in enumerate(shape):
        if length == 1:
            g = np.sum(g, axis=axis, keepdims=True)
    return g


NAIVE = {
    "add": lambda a, b: Naive(a.value + b.value, (a, lambda g: g), (b, lambda g: g)),
    "subtract": lambda a, b: Naive(a.value - b.value, (a, lambda g: g), (b, lambda g: -g)),
    "multiply": lambda a, b: Naive(
        a.value * b.value, (a, lambda g: g * b.value), (b, lambda g: g * a.value)
    ),
    "tanh": lambda a: Naive(np.tanh(a.value), (a, lambda g: g / np.cosh(a.value) ** 2)),
    "sin": lambda a: Naive(np.sin(a.value), (a, lambda g: g * np.cos(a.value))),
    "sum": lambda a: Naive(a.value.sum(), (a, lambda g: g * np.ones(a.value.shape))),
    "transpose": lambda a: Naive(a.value.T, (a, lambda g: np.transpose(g))),
    "first": lambda a: Naive(a.value[0], (a, lambda g: _only_first(g, a.value))),
    "matmul": lambda a, b: Naive(
        a.value @ b.value, (a, lambda g: g @ b.value.T), (b, lambda g: a.value.T @ g)
    ),
}


def _only_first(g, a):
    share = np.zeros(a.shape)
    share[0] = g
    return share
