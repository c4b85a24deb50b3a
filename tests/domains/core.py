"""The first functions of the table."""

import operator

import hypothesis.extra.numpy as hnp
import numpy as np
from hypothesis import strategies as st

from domains.samples import (
    EVEN,
    FLIP,
    ODD,
    SIDES,
    WIDE,
    axes,
    axis_along,
    between,
    calls,
    elementwise_calls,
    flat,
    near,
    one,
    reducing_calls,
    several,
    signed,
    some_whole,
)
from minigrad import Tensor, pieces, tensor
from minigrad import functions as fn
from minigrad.calls import apply
from minigrad.derivatives import elementwise, indexing
from minigrad.functions import losses
from minigrad.testing.strategies import indices
from minigrad.updates import added_at, repeats, written_at

# ---- products ------------------------------------------------------------------------------------
MATMUL = st.sampled_from([1, 1, 1, 0]).flatmap(
    lambda min_side: hnp.mutually_broadcastable_shapes(
        signature="(n?,k),(k,m?)->(n?,m?)", min_side=min_side, max_side=3
    )
)


@st.composite
def dot_shapes(draw):
    n, lead = draw(st.integers(1, 3)), st.sampled_from([(2,), (2, 3), (3, 1), (1, 2), ()])
    left, right = (*draw(lead), n), (*draw(lead), n, draw(st.integers(1, 3)))
    forms = [(left, right), (left, right), (left, right), (left, (n,)), ((), right), (left, ())]
    return draw(st.sampled_from([*forms, ((), ())]))


@st.composite
def affine_shapes(draw):
    d, m = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    return [(*draw(one(max_dims=2))[0], d), (d, m), (m,)]


# ---- options of shaping functions: (draw, shape) -> args, keywords -------------------------------
ORDER = st.fixed_dictionaries({"order": st.sampled_from(["C", "F"])})


def reshaped(draw, shape):
    size = int(np.prod(shape))
    inferred = [(-1,), (-1, 1)] if size else []
    new = [shape[::-1], (1, *shape), (size,), (size, 1), *inferred]
    return (draw(st.sampled_from(new)),), draw(ORDER)


def squeezed(draw, shape):
    ones = [i for i, n in enumerate(shape) if n == 1]
    return (draw(st.sampled_from([None, tuple(ones), *ones, *[i - len(shape) for i in ones]])),), {}


def expanded(draw, shape):
    axis = st.integers(-len(shape) - 1, len(shape))
    return (draw(st.one_of(axis, st.sampled_from([(0, -1), (1, 0)]))),), {}


def two_axes(draw, shape):
    axis = st.integers(-len(shape), len(shape) - 1)
    return (draw(axis), draw(axis)), {}


def moved(draw, shape):
    source, target = (draw(st.permutations(range(len(shape)))) for _ in "st")
    k = draw(st.integers(1, len(shape)))
    return draw(st.sampled_from([(source[:k], target[:k]), (source[0], -1 - target[0])])), {}


def transposed(draw, shape):
    order = draw(st.permutations(range(len(shape))))
    either = tuple(i - len(shape) * draw(FLIP) for i in order)
    return draw(st.sampled_from([((), {}), ((order,), {}), ((), {"axes": either})]))


def broadcast(draw, shape):
    wider = [draw(SIDES[0]) if n == 1 else n for n in shape]
    return ((*draw(hnp.array_shapes(min_dims=0, max_dims=1)), *wider),), {}


def flipped(draw, shape):
    return (draw(axes(len(shape))),), {}


def rotated(draw, shape):
    plane = draw(st.sampled_from([(0, 1), (1, 0), (-1, 0), (-2, -1)]))
    turns = draw(st.integers(-3, 5))
    return draw(st.sampled_from([((turns, plane), {}), ((turns,), {}), ((), {})]))


def rolled(draw, shape):
    shift = st.integers(-4, 4)
    if len(shape) > 1 and draw(st.booleans()):
        return ((draw(shift), draw(shift)), (0, -1)), {}
    return (draw(shift),), {"axis": draw(axes(len(shape), one_only=True))}


def tiled(draw, shape):
    reps = st.integers(0, 2)
    return (draw(st.one_of(reps, st.lists(reps, max_size=4).map(tuple))),), {}


def repeated(draw, shape):
    axis = draw(axes(len(shape), one_only=True))
    length = int(np.prod(shape)) if axis is None else shape[axis]
    each = hnp.arrays(int, length, elements=st.integers(0, 3))
    return (draw(st.one_of(st.integers(0, 3), each)),), {"axis": axis}


# ---- several arrays into one, one into several ---------------------------------------------------
@st.composite
def alike(draw, min_dims=0, free=None):
    """Shapes that differ along the axis `free` only."""
    (shape,) = draw(one(min_dims))
    lengths = draw(st.lists(SIDES[0], min_size=1, max_size=3))
    if free is None or len(shape) <= free:
        return [shape] * len(lengths)
    return [(*shape[:free], n, *shape[free + 1 :]) for n in lengths]


def joining_calls(function, shapes, options=None):
    return calls(lambda *xs, **k: function(list(xs), **k), WIDE, shapes=shapes, options=options)


def along_free_axis(function, free):
    """Join along the axis along which lengths differ, counted from either end."""

    def options(draw, *shapes):
        return (), {"axis": draw(st.sampled_from([free, free - len(shapes[0])]))}

    return joining_calls(function, alike(free + 1, free), options)


def new_axis(draw, *shapes):
    return (), {"axis": draw(st.integers(-len(shapes[0]) - 1, len(shapes[0])))}


def equal_parts(draw, shape):
    axis = draw(st.integers(-len(shape), len(shape) - 1))
    sections = st.sampled_from([n for n in (1, 2, 3) if shape[axis] % n == 0])
    return (draw(st.one_of(sections, cuts)),), {"axis": axis}


def unequal_parts(draw, shape):
    return (draw(st.one_of(st.integers(1, 4), cuts)),), axis_along(draw, shape)[1]


cuts = st.lists(st.integers(-4, 4), max_size=3)


def cutting_calls(function, options):
    return calls(
        lambda x, *a, **k: flat(function(x, *a, **k)), WIDE, shapes=one(1), options=options
    )


def at_least(function):
    """One array, or several that come back as several."""

    def call(*xs):
        return function(xs[0]) if len(xs) == 1 else flat(function(*xs))

    return calls(call, WIDE, shapes=st.lists(one().map(lambda s: s[0]), min_size=1, max_size=3))


# ---- indices -------------------------------------------------------------------------------------
def index_of(draw, shape, *_):
    return (draw(indices(shape)),), {}


@st.composite
def putting_calls(draw, function):
    """function(x, index, value), with a value that broadcasts to what the index names."""
    (shape,) = draw(one())
    index = as_numpy_reads(draw(indices(shape)))
    target = np.zeros(shape)[index].shape
    value = draw(st.sampled_from([target, target[1:], (*target[:-1], 1) if target else (), ()]))

    def put(x, v):
        if isinstance(x, Tensor):
            return getattr(x.at[index], "set" if function is written_at else "add")(v)
        return function(x, index, v)

    both = draw(st.booleans())
    given = st.just([shape, value] if both else [shape])
    v = np.random.default_rng(0).uniform(-1, 1, value)
    return draw(calls(put if both else lambda x: put(x, v), WIDE, shapes=given, constant=False))


def as_numpy_reads(index):
    """A list as the array that it means, also the empty one."""
    return np.array(index, int) if isinstance(index, list) else index


@st.composite
def scatter_calls(draw):
    (shape,) = draw(one())
    index = as_numpy_reads(draw(indices(shape)))
    target = st.just([np.zeros(shape)[index].shape])
    return draw(calls(lambda g: indexing.scatter(g, index, shape), WIDE, shapes=target))


@st.composite
def placed_calls(draw):
    """What several indices hand back to the array that they took from."""
    (shape,) = draw(one())
    places = [as_numpy_reads(draw(indices(shape))) for _ in range(draw(st.integers(1, 3)))]
    places = [place for place in places if not repeats(place)] or [()]
    options = {"places": places, "shape": shape}

    def call(*gs):
        if any(isinstance(g, Tensor) for g in gs):
            return apply(Tensor, pieces.placed, gs, options)
        return pieces.placed(*gs, **options)

    target = st.just([np.zeros(shape)[place].shape for place in places])
    return draw(calls(call, WIDE, shapes=target, floats=False))


# ---- losses: two arrays of one shape, class indices ----------------------------------------------
def twins(min_dims=0):
    return one(min_dims, 1).map(lambda s: s * 2)


@st.composite
def cross_entropy_calls(draw):
    """Targets are class indices, one-hot rows, or any rows of weights, which are an operand too."""
    (shape,) = draw(one(1, 1))
    if draw(st.booleans()):
        return draw(
            calls(fn.softmax_cross_entropy, WIDE, between(0.1, 1), shapes=st.just([shape, shape]))
        )
    t = draw(hnp.arrays(int, shape[:-1], elements=st.integers(0, shape[-1] - 1)))
    t = draw(st.sampled_from([t, np.eye(shape[-1])[t], np.eye(shape[-1], dtype=int)[t]]))
    return draw(calls(lambda x: fn.softmax_cross_entropy(x, t), WIDE, shapes=st.just([shape])))


@st.composite
def one_hot_calls(draw):
    (shape,) = draw(one(1, 1))
    t = draw(hnp.arrays(int, shape[:-1], elements=st.integers(0, shape[-1] - 1)))
    return draw(
        calls(lambda p, w: losses._less_one_hot(p, t, w), WIDE, shapes=st.just([shape, ()]))
    )


def softmax_axis(draw, shape):
    return draw(st.sampled_from([((), {}), axis_along(draw, shape)]))


def where_options(draw, a, b):
    fewer = np.broadcast_shapes(a, b)[draw(st.integers(0, 1)) :]
    return (draw(hnp.arrays(bool, fewer)),), {}


CLIPS = [
    lambda x, low, high: np.clip(x, low, high),
    lambda x, low, high: np.clip(x, a_min=low, a_max=high),
    lambda x, low, high: np.clip(x, min=low, max=high),
    lambda x, low, high: np.clip(x, low, None) + 0 * high,
    lambda x, low, high: np.clip(x, a_min=None, a_max=high) + 0 * low,
]
WHOLE = [-2, -1, 0, 1, 2, 3, 2.0, np.array([2, 3, -1])]  # constant exponents, of x < 0 too
KEEPDIMS = {"keepdims": st.booleans()}

DOMAINS = {
    # arithmetic
    np.add: elementwise_calls(np.add, WIDE, WIDE),
    np.subtract: elementwise_calls(np.subtract, WIDE, WIDE),
    np.multiply: elementwise_calls(np.multiply, WIDE, WIDE),
    np.divide: elementwise_calls(np.divide, WIDE, signed(0.4, 2)),
    np.negative: elementwise_calls(np.negative, WIDE),
    np.positive: elementwise_calls(np.positive, WIDE),
    np.reciprocal: elementwise_calls(np.reciprocal, signed(0.4, 2)),
    np.square: elementwise_calls(np.square, WIDE),
    np.power: st.one_of(
        elementwise_calls(np.power, between(0.4, 2), between(-3, 3)),
        st.sampled_from(WHOLE).flatmap(
            lambda n: elementwise_calls(
                lambda x: (x[..., None] if np.ndim(n) else x) ** n, signed(0.4, 2)
            )
        ),
    ),
    np.remainder: elementwise_calls(np.remainder, near(-2.6, 0.6, 2.6), some_whole),
    np.divmod: elementwise_calls(lambda a, b: np.divmod(a, b)[1], near(-2.6, 0.6, 2.6), some_whole),
    np.modf: elementwise_calls(lambda x: np.modf(x)[0], near(-2.6, 0.6, 2.6)),
    np.fmod: elementwise_calls(np.fmod, near(-2.6, 0.6, 2.6), some_whole),
    tensor.converted: elementwise_calls(lambda x: x.astype(np.float64), WIDE),
    np.absolute: elementwise_calls(np.absolute, signed(0.2, 2)),
    np.fabs: elementwise_calls(np.fabs, signed(0.2, 2)),
    np.maximum: elementwise_calls(np.maximum, EVEN, ODD),
    np.minimum: elementwise_calls(np.minimum, EVEN, ODD),
    elementwise.times: elementwise_calls(elementwise.times, WIDE, WIDE),
    elementwise.over: elementwise_calls(elementwise.over, WIDE, signed(0.4, 2)),
    # exponentials and logarithms
    np.exp: elementwise_calls(np.exp, WIDE),
    np.exp2: elementwise_calls(np.exp2, WIDE),
    np.expm1: elementwise_calls(np.expm1, WIDE),
    np.log: elementwise_calls(np.log, between(0.4, 3)),
    np.log2: elementwise_calls(np.log2, between(0.4, 3)),
    np.log10: elementwise_calls(np.log10, between(0.4, 3)),
    np.log1p: elementwise_calls(np.log1p, between(-0.6, 2)),
    np.sqrt: elementwise_calls(np.sqrt, between(0.4, 3)),
    np.cbrt: elementwise_calls(np.cbrt, signed(0.4, 3)),
    np.float_power: elementwise_calls(np.float_power, near(0.6, 1.4, 2.6), WIDE),
    np.copysign: elementwise_calls(np.copysign, near(-2.6, 0.6, 2.6), some_whole),
    np.fmax: elementwise_calls(np.fmax, EVEN, ODD),
    np.fmin: elementwise_calls(np.fmin, EVEN, ODD),
    np.logaddexp2: elementwise_calls(np.logaddexp2, WIDE, WIDE),
    np.deg2rad: elementwise_calls(np.deg2rad, WIDE),
    np.radians: elementwise_calls(np.radians, WIDE),
    np.rad2deg: elementwise_calls(np.rad2deg, WIDE),
    np.degrees: elementwise_calls(np.degrees, WIDE),
    np.logaddexp: elementwise_calls(np.logaddexp, WIDE, WIDE),
    # trigonometric and hyperbolic
    np.sin: elementwise_calls(np.sin, WIDE),
    np.cos: elementwise_calls(np.cos, WIDE),
    np.tan: elementwise_calls(np.tan, between(-1, 1)),
    np.arcsin: elementwise_calls(np.arcsin, between(-0.8, 0.8)),
    np.arccos: elementwise_calls(np.arccos, between(-0.8, 0.8)),
    np.arctan: elementwise_calls(np.arctan, WIDE),
    np.hypot: elementwise_calls(np.hypot, signed(0.4, 2), WIDE),
    np.arctan2: elementwise_calls(np.arctan2, signed(0.4, 2), WIDE),
    np.sinh: elementwise_calls(np.sinh, WIDE),
    np.cosh: elementwise_calls(np.cosh, WIDE),
    np.tanh: elementwise_calls(np.tanh, WIDE),
    np.arcsinh: elementwise_calls(np.arcsinh, WIDE),
    np.arccosh: elementwise_calls(np.arccosh, between(1.4, 4)),
    np.arctanh: elementwise_calls(np.arctanh, between(-0.7, 0.7)),
    # choosing
    np.where: calls(
        lambda a, b, c: np.where(c, a, b), WIDE, shapes=several(2), options=where_options
    ),
    np.clip: st.sampled_from(CLIPS).flatmap(
        lambda clip: elementwise_calls(clip, EVEN, near(-1), near(1))
    ),
    np.full_like: calls(
        lambda x, fill: np.full_like(x, fill) + 0 * x,
        WIDE,
        shapes=one().flatmap(lambda s: st.sampled_from([[s[0], ()], [s[0], s[0][1:]]])),
        constant=False,
    ),
    # indices
    operator.getitem: calls(operator.getitem, WIDE, shapes=one(), options=index_of),
    written_at: putting_calls(written_at),
    added_at: putting_calls(added_at),
    indexing.scatter: scatter_calls(),
    pieces.placed: placed_calls(),
    # products
    np.matmul: calls(np.matmul, WIDE, shapes=MATMUL.map(lambda them: them.input_shapes)),
    np.dot: calls(np.dot, WIDE, shapes=dot_shapes()),
    # shaping
    np.reshape: calls(np.reshape, WIDE, shapes=one(), options=reshaped),
    np.ravel: calls(np.ravel, WIDE, shapes=one(), options=lambda draw, shape: ((), draw(ORDER))),
    np.squeeze: calls(np.squeeze, WIDE, shapes=one(), options=squeezed),
    np.expand_dims: calls(np.expand_dims, WIDE, shapes=one(), options=expanded),
    np.swapaxes: calls(np.swapaxes, WIDE, shapes=one(1), options=two_axes),
    np.moveaxis: calls(np.moveaxis, WIDE, shapes=one(1), options=moved),
    np.transpose: calls(np.transpose, WIDE, shapes=one(), options=transposed),
    np.broadcast_to: calls(np.broadcast_to, WIDE, shapes=one(), options=broadcast),
    np.flip: calls(np.flip, WIDE, shapes=one(), options=flipped),
    np.flipud: calls(np.flipud, WIDE, shapes=one(1)),
    np.fliplr: calls(np.fliplr, WIDE, shapes=one(2)),
    np.rot90: calls(np.rot90, WIDE, shapes=one(2), options=rotated),
    np.roll: calls(np.roll, WIDE, shapes=one(), options=rolled),
    np.copy: calls(np.copy, WIDE, shapes=one()),
    np.tile: calls(np.tile, WIDE, shapes=one(), options=tiled),
    np.repeat: calls(np.repeat, WIDE, shapes=one(), options=repeated),
    np.atleast_1d: at_least(np.atleast_1d),
    np.atleast_2d: at_least(np.atleast_2d),
    np.atleast_3d: at_least(np.atleast_3d),
    # several arrays into one, one into several
    np.concatenate: st.one_of(
        along_free_axis(np.concatenate, 0),
        along_free_axis(np.concatenate, 1),
        joining_calls(np.concatenate, alike(), lambda draw, *shapes: ((), {"axis": None})),
    ),
    np.stack: joining_calls(np.stack, alike(), new_axis),
    np.vstack: joining_calls(np.vstack, alike()),
    np.hstack: st.one_of(joining_calls(np.hstack, alike()), joining_calls(np.hstack, alike(2, 1))),
    np.column_stack: st.one_of(
        joining_calls(np.column_stack, alike(1).filter(lambda s: len(s[0]) < 3)),
        joining_calls(np.column_stack, alike(2, 1).filter(lambda s: len(s[0]) < 3)),
    ),
    np.dstack: joining_calls(np.dstack, alike()),
    np.split: cutting_calls(np.split, equal_parts),
    np.array_split: cutting_calls(np.array_split, unequal_parts),
    # activations
    fn.relu: elementwise_calls(fn.relu, signed(0.2, 2)),
    fn.leaky_relu: calls(
        fn.leaky_relu,
        signed(0.2, 2),
        shapes=one(),
        options=lambda draw, shape: (
            (),
            draw(st.sampled_from([{}, {"slope": 0.3}, {"slope": -0.5}])),
        ),
    ),
    fn.elu: calls(
        fn.elu,
        signed(0.2, 2),
        shapes=one(),
        options=lambda draw, shape: draw(st.sampled_from([((), {}), ((0.7,), {})])),
    ),
    fn.sigmoid: elementwise_calls(fn.sigmoid, WIDE),
    fn.tanh: elementwise_calls(fn.tanh, WIDE),
    fn.softplus: elementwise_calls(fn.softplus, WIDE),
    fn.silu: elementwise_calls(fn.silu, WIDE),
    fn.gelu: elementwise_calls(fn.gelu, WIDE),
    fn.softmax: calls(fn.softmax, WIDE, shapes=one(1, 1), options=softmax_axis),
    fn.log_softmax: calls(fn.log_softmax, WIDE, shapes=one(1, 1), options=softmax_axis),
    fn.logsumexp: reducing_calls(fn.logsumexp, min_side=1, **KEEPDIMS),
    # affine and losses
    fn.affine: calls(fn.affine, WIDE, shapes=affine_shapes()),
    fn.softmax_cross_entropy: cross_entropy_calls(),
    fn.binary_cross_entropy_with_logits: calls(
        fn.binary_cross_entropy_with_logits, WIDE, between(0.1, 0.9), shapes=twins()
    ),
    fn.mean_squared_error: calls(fn.mean_squared_error, WIDE, shapes=twins()),
    losses._less_one_hot: one_hot_calls(),
    losses._probabilities: calls(losses._probabilities, WIDE, shapes=one(1, 1)),
    losses._binary_cross_entropy: calls(
        losses._binary_cross_entropy, WIDE, shapes=twins(), floats=False
    ),
    losses._mean_squared_error: calls(
        losses._mean_squared_error, WIDE, shapes=twins(), floats=False
    ),
}
