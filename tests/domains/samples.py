"""How Hypothesis draws a call of a differentiable function: the words of the domains."""

import functools
from collections.abc import Callable
from dataclasses import dataclass, field

import hypothesis.extra.numpy as hnp
import numpy as np
from hypothesis import strategies as st

from minigrad import Tensor
from minigrad.testing import strategies as mgst


@dataclass
class Sample:
    """`call(*leaves)` is one array, for arrays and for Tensors."""

    label: str
    call: Callable
    leaves: list
    rng: np.random.Generator = field(repr=False)

    def noise(self, like):
        """Random numbers in (-1, 1), of one shape and dtype with `like`."""
        like = np.asarray(like)
        return np.asarray(self.rng.uniform(-1, 1, like.shape), like.dtype)

    def tensors(self):
        """Fresh leaves of the graph."""
        return [Tensor(a) for a in self.leaves]

    def in_float32(self):
        """The same call on float32 leaves."""
        return Sample(self.label, self.call, [a.astype("f") for a in self.leaves], self.rng)


# ---- numbers: functions (rng, shape) -> array ----------------------------------------------------
def between(low, high):
    return lambda rng, shape: rng.uniform(low, high, shape)


def signed(low, high):
    """Far from 0 on both sides."""
    return lambda rng, shape: rng.uniform(low, high, shape) * rng.choice([-1, 1], shape)


def near(*numbers):
    """Within 0.2 of the given numbers: two such sets keep their distance however they broadcast."""
    return lambda rng, shape: rng.choice(numbers, shape) + rng.uniform(-0.2, 0.2, shape)


def distinct(rng, shape):
    """No two entries closer than 0.2: no ties, and a spread."""
    size = int(np.prod(shape))
    return (rng.permutation(size) * 0.3 - 1 + rng.uniform(-0.05, 0.05, size)).reshape(shape)


def some_whole(rng, shape):
    """Just above 1 or 2, or below -1 or -2: what is near ±0.6 and ±2.6 is no multiple of them."""
    return rng.choice([-2, -1, 1, 2], shape) * rng.uniform(1, 1.03, shape)


WIDE = between(-2, 2)
EVEN, ODD = near(-2, 0, 2), near(-1, 1)

# ---- a call, its numbers and its layouts ---------------------------------------------------------
LAYOUTS = {  # how to store an array in a leaf, and the view of the leaf that is the array again
    "C": (np.copy, lambda x: x),
    "Fortran": (np.asfortranarray, lambda x: x),
    "transposed": (np.transpose, np.transpose),
    "reversed": (lambda a: a[::-1], lambda x: x[::-1]),
    "strided": (lambda a: np.repeat(a, 2, axis=0), lambda x: x[::2]),
}
SEED, LAYOUT, FLIP = st.integers(0, 2**32 - 1), st.sampled_from(sorted(LAYOUTS)), st.booleans()


@functools.cache
def some_of(n):
    """Which of n operands are variables: not none of them."""
    return st.sampled_from([{i for i in range(n) if k >> i & 1} for k in range(2**n - 1, 0, -1)])


@st.composite
def calls(draw, function, *numbers, shapes, options=None, constant=True, floats=True):
    """function(x, …, *args, **keywords), where `options(draw, *shapes)` gives args and keywords.

    Some operands, never all, become constants (unless `constant=False`): arrays, or Python floats
    (unless `floats=False`).
    """
    shapes = draw(shapes)
    args, keywords = options(draw, *shapes) if options else ((), {})
    rng = np.random.default_rng(draw(SEED))
    numbers = numbers * len(shapes) if len(numbers) == 1 else numbers
    operands = [np.asarray(r(rng, shape)) for r, shape in zip(numbers, shapes, strict=True)]
    everyone = set(range(len(operands)))
    free = draw(some_of(len(operands))) if constant and len(operands) > 1 else everyone
    views, leaves, words = {}, [], []
    for i in sorted(free):
        layout = draw(LAYOUT) if operands[i].ndim else "C"
        store, views[i] = LAYOUTS[layout]
        leaves.append(np.array(store(operands[i])))
        words.append(f"{i}: {layout}")
    for i in everyone - free:
        if operands[i].ndim == 0 and floats and draw(FLIP):
            operands[i] = operands[i].item()

    def call(*given):
        xs = list(operands)
        for (i, view), x in zip(views.items(), given, strict=True):
            xs[i] = view(x)
        return function(*xs, *args, **keywords)

    return Sample(f"{shapes} {words} {args} {keywords}", call, leaves, rng)


# An empty axis now and then: hnp.array_shapes would make most arrays empty, and test nothing.
SIDES = [st.sampled_from(sides) for sides in ([2, 1, 3] * 3 + [0], [2, 1, 3], [2, 3])]


def one(min_dims=0, min_side=0, max_dims=3):
    """One shape, as a list of shapes."""
    return mgst.shapes(min_dims, max_dims, min_side=min_side).map(lambda shape: [shape])


@st.composite
def several(draw, n):
    """Shapes that broadcast together: leading axes dropped, and some lengths made one."""
    (shape,) = draw(one())
    kept = [shape[draw(st.integers(0, 3)) // 2 :] for _ in range(n)]
    return [tuple(1 if draw(st.integers(0, 3)) == 3 else side for side in each) for each in kept]


def elementwise_calls(function, *numbers, options=None):
    shapes = several(len(numbers)) if len(numbers) > 1 else one()
    return calls(function, *numbers, shapes=shapes, options=options)


def reducing_calls(function, numbers=WIDE, min_side=0, min_dims=0, min_axes=0, **more):
    """The axis by place or by name: None, one (maybe negative), or several."""

    def options(draw, shape):
        axis = draw(axes(len(shape), min_axes))
        keywords = {k: draw(values) for k, values in more.items()}
        return ((axis,), keywords) if draw(FLIP) else ((), keywords | {"axis": axis})

    return calls(function, numbers, shapes=one(min_dims, min_side), options=options)


@functools.cache
def axes(ndim, min_axes=0, one_only=False):
    """None, an axis, or a tuple of axes."""
    single = [st.integers(-ndim, ndim - 1)] if ndim else []
    tuples = [] if one_only else [hnp.valid_tuple_axes(ndim, min_size=min_axes)]
    return st.one_of(st.none(), *single, *tuples)


def axis_along(draw, shape):
    """One axis of the shape, by name."""
    return (), {"axis": draw(st.integers(-len(shape), len(shape) - 1))}


def flat(arrays):
    """Several results as one, each with a weight of its own."""
    return np.concatenate([np.ravel(a) * (k + 1.0) for k, a in enumerate(arrays)])
