"""Random correct functions: expressions of NumPy and minigrad, composed by Hypothesis.

An expression is a function of arrays or Tensors, with a name that reads as Python. All of them are
correct because minigrad's derivatives are, which other tests see to. `expressions` has the common
functions in any order and at any point; `compositions` has every function of the derivative table,
at a point of its domain, between two of those.
"""

import operator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from domains import DOMAINS
from hypothesis import strategies as st

from minigrad import functions as fn
from minigrad import vjp
from minigrad.kinds import called

UNARY = {
    "np.tanh({})": np.tanh,
    "np.sin({})": np.sin,
    "np.exp(-{} ** 2)": lambda x: np.exp(-(x**2)),
    "sigmoid({})": fn.sigmoid,
    "softplus({})": fn.softplus,
    "gelu({})": fn.gelu,
    "relu({})": fn.relu,
    "leaky_relu({})": fn.leaky_relu,
    "np.abs({})": np.abs,
    "np.square({})": np.square,
    "np.sqrt(1 + {} ** 2)": lambda x: np.sqrt(1 + x**2),
    "np.log(2 + np.abs({}))": lambda x: np.log(2 + np.abs(x)),
    "1 / (1 + np.square({}))": lambda x: 1 / (1 + np.square(x)),
    "np.clip({}, -1, 1)": lambda x: np.clip(x, -1, 1),
    "np.where({0} > 0.3, {0}, 0.1 * {0})": lambda x: np.where(x > 0.3, x, 0.1 * x),
    "softmax({})": lambda x: fn.softmax(x) if np.ndim(x) else x,
    "np.sort({})": lambda x: np.sort(x) if np.ndim(x) else x,
    "np.cumsum({})": np.cumsum,
    "{}.T": np.transpose,
    "{}[::-1]": lambda x: x[::-1] if np.ndim(x) else x,
    "{0} * {0}": lambda x: x * x,
    "{0} + np.roll({0}, 1)": lambda x: x + np.roll(x, 1),
    "{} - np.mean({})": lambda x: x - np.mean(x),
    "np.ravel({})": np.ravel,
    "{0} @ {0}.T": lambda x: x @ np.transpose(x) if np.ndim(x) == 2 else x,
}
BINARY = {
    "({} + {})": lambda a, b: a + b,
    "({} - {})": lambda a, b: a - b,
    "({} * {})": lambda a, b: a * b,
    "{} / (1 + np.abs({}))": lambda a, b: a / (1 + np.abs(b)),
    "np.maximum({}, {})": np.maximum,
    "np.minimum({}, {})": np.minimum,
    "np.hypot({}, 1 + np.abs({}))": lambda a, b: np.hypot(a, 1 + np.abs(b)),
    "np.where({} > 0, {}, 1)": lambda a, b: np.where(a > 0, b, 1.0),
}
REDUCING = {
    "np.sum({}, axis=0)": lambda x: np.sum(x, axis=0) if np.ndim(x) else x,
    "np.mean({})": np.mean,
    "np.max({}, axis=-1)": lambda x: np.max(x, axis=-1) if np.ndim(x) else x,
    "np.std({})": lambda x: np.std(x + np.arange(np.size(x)).reshape(np.shape(x))),
    "logsumexp({})": lambda x: fn.logsumexp(x) if np.ndim(x) else x,
    "np.prod(np.cos({}))": lambda x: np.prod(np.cos(x)),
}


@dataclass
class Expression:
    """A correct function and arrays to try it on."""

    words: str
    f: Any = field(repr=False)
    arrays: list

    def __call__(self, *xs):
        return self.f(*xs)


@st.composite
def expressions(draw, at_corners=False):
    """Draw one: up to seven operations deep, of one to three operands that broadcast."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    count = draw(st.integers(1, 3))
    shape = draw(st.sampled_from([(), (3,), (2, 3), (4, 1), (2, 1, 3), (1,)]))
    arrays = [
        _array(rng, shape[draw(st.integers(0, len(shape))) :], at_corners) for _ in range(count)
    ]
    stack = [(f"x{i}", operator.itemgetter(i)) for i in range(count)]
    stack = [(words, _of_all(f)) for words, f in stack]
    for _ in range(draw(st.integers(1, 7))):
        kind = draw(st.sampled_from(["unary", "unary", "binary", "reducing"]))
        i = draw(st.integers(0, len(stack) - 1))
        if kind == "binary":
            j = draw(st.integers(0, len(stack) - 1))
            words, op = draw(st.sampled_from(sorted(BINARY.items(), key=lambda item: item[0])))
            made = _of_two(words, op, stack[i], stack[j])
        else:
            table = UNARY if kind == "unary" else REDUCING
            words, op = draw(st.sampled_from(sorted(table.items(), key=lambda item: item[0])))
            made = _of_one(words, op, stack[i])
        if _is_small(made[1], arrays):
            stack.append(made)
    words, f = stack[-1]
    return Expression(words, f, arrays)


def _of_all(f):
    return lambda *xs: f(xs)


def _of_one(words, op, inner):
    text, f = inner
    return words.format(text, text), lambda *xs: op(f(*xs))


def _of_two(words, op, left, right):
    (a, f), (b, g) = left, right
    return words.format(a, b), lambda *xs: op(f(*xs), g(*xs))


def _array(rng, shape, at_corners):
    """Normal numbers, and at corners some zeros, ones, ties and tiny ones among them."""
    x = np.asarray(rng.normal(size=shape))
    if at_corners:
        special = rng.choice([0.0, 1.0, -1.0, 0.3, 1e-9, -1e-7, 1e-4], size=shape)
        x = np.where(rng.random(shape) < 0.3, special, x)
    return np.asarray(x)


def _is_small(f, arrays):
    """Whether the operation fits, and its values are of ordinary size."""
    try:
        with np.errstate(all="ignore"):
            y = np.asarray(f(*arrays))
    except ValueError:  # shapes that do not go together
        return False
    if y.dtype.kind != "f":
        return False
    return y.size <= 40 and bool(np.all(np.isfinite(y))) and bool(np.all(np.abs(y) < 1e3))


# ---- every function of the table, between two others ---------------------------------------------
TABLE = sorted(DOMAINS, key=called)
INNER = {"np.tanh": np.tanh, "np.sin": np.sin, "np.square": np.square, "sigmoid": fn.sigmoid}
OUTER = sorted([*UNARY.items(), *REDUCING.items()], key=operator.itemgetter(0))


@st.composite
def compositions(draw):
    """Draw one: outer(function(operands + c (inner(z) − inner(z0)), …)), at z0.

    What is added to the operands is nothing at z0, so that these stay where the function is smooth.
    """
    function = draw(st.sampled_from(TABLE))
    sample = draw(DOMAINS[function])
    starts = [np.asarray(sample.noise(x)) for x in sample.leaves]
    inner = [draw(st.sampled_from(sorted(INNER))) for _ in starts]
    words, f = called(function), _beneath(sample, starts, inner)
    if np.iscomplexobj(f(*starts)):
        words, f = _of_one(
            "np.real({}) + np.imag({})", lambda y: np.real(y) + np.imag(y), (words, f)
        )
    for text, op in draw(st.lists(st.sampled_from(OUTER), max_size=3)):
        wrapped = _of_one(text, op, (words, f))
        if _is_small(wrapped[1], starts):
            words, f = wrapped
    return Expression(f"{words} of {', '.join(inner)} {sample.label}", f, starts)


def _both_parts(y):
    return np.real(y) + np.imag(y)


def _beneath(sample, starts, inner):
    """The function of a sample, of operands that are moved by other functions."""
    moves = [INNER[name] for name in inner]
    ends = [np.asarray(move(z)) for move, z in zip(moves, starts, strict=True)]

    def f(*zs):
        near = zip(sample.leaves, moves, zs, ends, strict=True)
        moved = [x + (move(z) - end) * 0.25 for x, move, z, end in near]
        return sample.call(*(np.asarray(x) if isinstance(x, np.generic) else x for x in moved))

    return f


def is_checkable(expression):
    """Whether it is a function of floats, finite, of ordinary size, and with something to vary."""
    xs = expression.arrays
    if not all(x.dtype == float for x in xs) or not sum(x.size for x in xs):
        return False
    with np.errstate(all="ignore"):
        y = np.asarray(expression(*xs))
    return y.dtype == float and y.size > 0 and bool(np.all(np.abs(y) < 1e4))


def by_hand(expression):
    """The same function as a pair of callables that knows nothing of a graph."""
    kept = {}

    def forward(*xs):
        kept["y"], kept["pullback"] = vjp(expression, *xs)
        return np.array(kept["y"])

    return forward, lambda dout: kept["pullback"](dout)
