"""Shaping, joining, selecting, padding, and updates by index."""

import hypothesis.extra.numpy as hnp
import numpy as np
from hypothesis import strategies as st
from numpy.lib.stride_tricks import sliding_window_view

from domains.core import as_numpy_reads, cuts, cutting_calls
from domains.samples import FLIP, SIDES, WIDE, axes, calls, distinct, flat, one, several
from minigrad import Tensor
from minigrad.derivatives.shaping import overlap_added
from minigrad.testing.strategies import indices
from minigrad.updates import maximum_at, minimum_at, multiplied_at


def axis_of(shape):
    return st.integers(-len(shape), len(shape) - 1)


# ---- axes ----------------------------------------------------------------------------------------
def rolled_axis(draw, shape):
    start = st.integers(-len(shape), len(shape))
    keywords = [{}, {"start": draw(start)}]
    return (draw(axis_of(shape)),), draw(st.sampled_from(keywords))


def mesh_options(draw, *shapes):
    return (), draw(
        st.fixed_dictionaries(
            {},
            optional={
                "indexing": st.sampled_from(["xy", "ij"]),
                "sparse": st.booleans(),
                "copy": st.booleans(),
            },
        )
    )


def some_vectors(min_dims=1, max_dims=1):
    return st.lists(one(min_dims, max_dims=max_dims).map(lambda s: s[0]), min_size=1, max_size=3)


def flattened(function):
    """The several results of a function as one."""
    return lambda *xs, **keywords: flat(function(*xs, **keywords))


# ---- several arrays into one ---------------------------------------------------------------------
@st.composite
def appended_shapes(draw):
    """Two shapes that differ along one axis only, or in everything: with an axis, or without."""
    (shape,) = draw(one(1))
    if draw(FLIP):
        return [shape, *draw(one())], None
    axis = draw(axis_of(shape))
    other = list(shape)
    other[axis] = draw(SIDES[0])
    return [shape, tuple(other)], axis


@st.composite
def appending_calls(draw):
    shapes, axis = draw(appended_shapes())
    keywords = {"axis": axis} if axis is not None or draw(FLIP) else {}
    return draw(calls(lambda a, b: np.append(a, b, **keywords), WIDE, shapes=st.just(shapes)))


BLOCKS = {  # shapes by letters for lengths, and how they are nested
    ("hw",): lambda a: a,
    ("hw", "hv"): lambda a, b: [a, b],
    ("w", "", "v"): lambda a, b, c: [a, b, c],
    ("w", "hw"): lambda a, b: [[a], [b]],
    ("hw", "hv", "kw", "kv"): lambda a, b, c, d: [[a, b], [c, d]],
    ("hs", "kw", "kv"): lambda a, b, c: [[a], [b, c]],
    ("s", "w", "v"): lambda a, b, c: [[a], [b, c]],
    ("", ""): lambda a, b: [[a], [b]],
    ("dhw", "dhw", "hw"): lambda a, b, c: [[[a]], [[b]], [[c]]],
    ("dhw", "dhv"): lambda a, b: [[a, b]],
}


@st.composite
def block_calls(draw):
    letters = draw(st.sampled_from(sorted(BLOCKS)))
    length = {letter: draw(SIDES[0]) for letter in "dhwvk"}
    length["s"] = length["w"] + length["v"]
    shapes = [tuple(length[letter] for letter in each) for each in letters]
    nest = BLOCKS[letters]
    return draw(calls(lambda *xs: np.block(nest(*xs)), WIDE, shapes=st.just(shapes)))


@st.composite
def some_places(draw, length, beyond):
    """One place, a slice, a list of places, or a mask; the places go up to `length` + beyond."""
    place = st.integers(-length, length - 1 + beyond)
    mask = hnp.arrays(bool, length)
    if length + beyond == 0:
        return draw(st.one_of(st.slices(length), mask))
    several_places = st.lists(place, min_size=1, max_size=3)
    return draw(
        st.one_of(place, st.slices(length), several_places, several_places.map(np.array), mask)
    )


@st.composite
def inserting_calls(draw):
    (shape,) = draw(one(1))
    axis = draw(st.one_of(st.none(), axis_of(shape)))
    length = int(np.prod(shape)) if axis is None else shape[axis]
    others = () if axis is None else tuple(np.delete(shape, axis).tolist())
    place = draw(some_places(length, 1))
    if isinstance(place, np.ndarray) and place.dtype == bool:  # once read as zeros and ones
        place = np.flatnonzero(place)
    if isinstance(place, int):
        values = [(), others, (draw(SIDES[1]), *others)]
    else:
        count = np.insert(np.zeros(length), place, 0.0).size - length
        slab = (count,) if axis is None else (*shape[:axis], count, *shape[axis:][1:])
        values = [(), slab, tuple(1 if n == count else n for n in slab)]
    keywords = {"axis": axis} if axis is not None or draw(FLIP) else {}
    return draw(
        calls(
            lambda a, v: np.insert(a, place, v, **keywords),
            WIDE,
            shapes=st.just([shape, draw(st.sampled_from(values))]),
        )
    )


def deleted(draw, shape):
    axis = draw(st.one_of(st.none(), axis_of(shape)))
    length = int(np.prod(shape)) if axis is None else shape[axis]
    keywords = {"axis": axis} if axis is not None or draw(FLIP) else {}
    return (draw(some_places(length, 0)),), keywords


# ---- repetition, windows, margins ----------------------------------------------------------------
def resized(draw, shape):
    new = st.one_of(st.integers(0, 9), hnp.array_shapes(max_dims=3, min_side=1, max_side=3))
    return (draw(new),), {}


@st.composite
def window_options(draw, shape):
    """One window, a window along several axes, or along all of them; an axis may come twice."""
    ndim = len(shape)
    if ndim == 1 and draw(FLIP):
        return draw(st.integers(1, shape[0])), {}
    if draw(FLIP):
        return tuple(draw(st.integers(1, n)) for n in shape), {}
    some = draw(st.lists(axis_of(shape), min_size=1, max_size=3))
    left, sizes = list(shape), []
    for axis in some:
        sizes.append(draw(st.integers(1, left[axis])))
        left[axis] -= sizes[-1] - 1
    if len(some) == 1 and draw(FLIP):
        return sizes[0], {"axis": some[0]}
    return tuple(sizes), {"axis": tuple(some)}


def windows(draw, shape):
    window, keywords = draw(window_options(shape))
    return (window,), keywords


@st.composite
def overlap_calls(draw):
    (shape,) = draw(one(1, 1))
    window, keywords = draw(window_options(shape))
    target = sliding_window_view(np.zeros(shape), window, **keywords).shape
    sizes = tuple(np.atleast_1d(window).tolist())
    over = keywords.get("axis", range(len(shape)))
    over = tuple(a % len(shape) for a in np.atleast_1d(over).tolist())
    return draw(
        calls(lambda g: overlap_added(g, sizes, over, shape), WIDE, shapes=st.just([target]))
    )


ODD_OR_EVEN = [{}, {"reflect_type": "even"}, {"reflect_type": "odd"}]
PADDINGS = {
    "constant": [{}, {"constant_values": 3}, {"constant_values": (1.5, -2)}],
    "edge": [{}],
    "wrap": [{}],
    "reflect": ODD_OR_EVEN,
    "symmetric": ODD_OR_EVEN,
    "linear_ramp": [{}, {"end_values": 2}, {"end_values": (1, -1)}],
    "mean": [{}, {"stat_length": 2}, {"stat_length": (1, 5)}],
    "maximum": [{}, {"stat_length": 2}, {"stat_length": (1, 5)}],
    "minimum": [{}, {"stat_length": 2}, {"stat_length": (1, 5)}],
}


def padded(draw, shape):
    mode = draw(st.sampled_from([*PADDINGS, "constant", "reflect", "symmetric"]))
    most = max((7, 4, 2, 1)[len(shape)], 1)
    if 0 in shape and mode != "constant":
        most = 0
    width = st.integers(0, most)
    pair = st.tuples(width, width)
    each = st.lists(pair, min_size=len(shape), max_size=len(shape)).filter(bool)
    forms = [width, pair, each, each.map(np.array)] if shape else [width, pair]
    keywords = draw(st.sampled_from(PADDINGS[mode]))
    given = (draw(st.one_of(forms)),)
    if mode == "constant" and draw(FLIP):
        return given, keywords
    return ((*given, mode), keywords) if draw(FLIP) else (given, {"mode": mode, **keywords})


# ---- choices -------------------------------------------------------------------------------------
def taken(draw, shape):
    axis = draw(st.one_of(st.none(), axis_of(shape))) if shape else None
    length = int(np.prod(shape)) if axis is None else shape[axis]
    mode = draw(st.sampled_from(["raise", "wrap", "clip"]))
    low, high = (-length, length - 1) if mode == "raise" else (-9, 9)
    some = hnp.arrays(
        int, hnp.array_shapes(min_dims=0, max_dims=2, max_side=3), elements=st.just(0)
    )
    if length:
        some = hnp.arrays(
            int,
            hnp.array_shapes(min_dims=0, max_dims=2, max_side=3),
            elements=st.integers(low, high),
        )
    else:
        some = st.just(np.zeros(0, int))
    given = draw(st.one_of(some, some.map(np.ndarray.tolist)))
    keywords = {"mode": mode} if mode != "raise" or draw(FLIP) else {}
    return ((given, axis), keywords) if draw(FLIP) else ((given,), {"axis": axis, **keywords})


def taken_along(draw, shape):
    if draw(FLIP):
        size = int(np.prod(shape))
        return (draw(hnp.arrays(int, 3, elements=st.integers(-size, size - 1))),), {"axis": None}
    axis = draw(axis_of(shape))
    index = [n if draw(FLIP) else 1 for n in shape]
    index[axis] = draw(st.integers(0, 4))
    n = shape[axis]
    return (draw(hnp.arrays(int, tuple(index), elements=st.integers(-n, n - 1))), axis), {}


@st.composite
def choosing_calls(draw):
    n = draw(st.integers(1, 3))
    shapes = draw(several(n))
    mode = draw(st.sampled_from(["raise", "wrap", "clip"]))
    number = st.integers(0, n - 1) if mode == "raise" else st.integers(-5, 5)
    a = draw(
        hnp.arrays(int, np.broadcast_shapes(*shapes)[draw(st.integers(0, 1)) :], elements=number)
    )
    keywords = {"mode": mode} if mode != "raise" or draw(FLIP) else {}
    if draw(FLIP):
        (shape,) = draw(one(1, max_dims=2))
        a = draw(hnp.arrays(int, shape, elements=number))
        rows = st.just([(n, *shape)])
        return draw(calls(lambda x: np.choose(a, x, **keywords), WIDE, shapes=rows))
    return draw(calls(lambda *xs: np.choose(a, xs, **keywords), WIDE, shapes=st.just(shapes)))


@st.composite
def selecting_calls(draw):
    n = draw(st.integers(1, 3))
    shapes = draw(several(n + 1))
    target = np.broadcast_shapes(*shapes)
    conditions = [draw(hnp.arrays(bool, target[draw(st.integers(0, 1)) :])) for _ in range(n)]
    if draw(FLIP):
        given = st.just(shapes[:n])
        return draw(calls(lambda *xs: np.select(conditions, list(xs)), WIDE, shapes=given))
    given = st.just(shapes)  # not the default alone: NumPy would not ask it
    return draw(
        calls(
            lambda *xs: np.select(conditions, xs[:-1], default=xs[-1]),
            WIDE,
            shapes=given,
            constant=False,
        )
    )


@st.composite
def compressing_calls(draw):
    (shape,) = draw(one(1))
    axis = draw(st.one_of(st.none(), axis_of(shape)))
    length = int(np.prod(shape)) if axis is None else shape[axis]
    condition = draw(st.lists(st.booleans(), max_size=length))
    keywords = {} if axis is None else {"axis": axis}
    return draw(
        calls(lambda x: np.compress(condition, x, **keywords), WIDE, shapes=st.just([shape]))
    )


@st.composite
def extracting_calls(draw):
    (shape,) = draw(one())
    condition = draw(hnp.arrays(bool, shape))
    return draw(calls(lambda x: np.extract(condition, x), WIDE, shapes=st.just([shape])))


@st.composite
def trimming_calls(draw):
    """The entries outside of a box are zeros, and stay zeros."""
    (shape,) = draw(one(1, max_dims=2))
    mask = draw(hnp.arrays(bool, shape))
    keywords = draw(st.sampled_from([{}, {"trim": "f"}, {"trim": "B"}, {"trim": "bf"}]))
    if len(shape) > 1 and not NDIM_TRIM:
        shape, mask = shape[:1], np.ones(shape[:1], bool)
    elif NDIM_TRIM and draw(FLIP):
        keywords = keywords | {"axis": draw(axes(len(shape)))}
    return draw(calls(lambda x: np.trim_zeros(x * mask, **keywords), WIDE, shapes=st.just([shape])))


NDIM_TRIM = "axis" in np.trim_zeros.__doc__  # since NumPy 2.2


@st.composite
def piecewise_calls(draw):
    (shape,) = draw(one())
    n = draw(st.integers(1, 3))
    conditions = [draw(hnp.arrays(bool, shape)) for _ in range(n)]
    pieces = [np.sin, lambda v, scale=2.0: v * v * scale, 3.0, np.negative]
    functions = draw(st.lists(st.sampled_from(pieces), min_size=n, max_size=n + 1))
    if n == len(shape) == 1 and shape[0] and draw(FLIP):
        conditions = conditions[0]
    if draw(FLIP):
        functions, more = [pieces[1], *functions[1:]], {}
        if not {np.sin, np.negative} & set(functions):
            more = {"scale": -0.5}
        return draw(
            calls(
                lambda x: np.piecewise(x, conditions, functions, **more),
                WIDE,
                shapes=st.just([shape]),
            )
        )
    return draw(
        calls(lambda x: np.piecewise(x, conditions, functions), WIDE, shapes=st.just([shape]))
    )


def diagonal_number(draw, shape):
    k = draw(st.integers(-4, 4))
    return draw(st.sampled_from([((), {}), ((k,), {}), ((), {"k": k})]))


# ---- updates by index ----------------------------------------------------------------------------
@st.composite
def updating_calls(draw, function, method, numbers, values):
    """x.at[index].method(value), with a value that broadcasts to what the index names."""
    (shape,) = draw(one())
    index = as_numpy_reads(draw(indices(shape)))
    target = np.zeros(shape)[index].shape
    value = draw(st.sampled_from([target, target[1:], (*target[:-1], 1) if target else (), ()]))

    def update(x, v):
        if isinstance(x, Tensor):
            return getattr(x.at[index], method)(v)
        return function(x, index, v)

    if draw(FLIP):
        given = st.just([shape, value])
        return draw(calls(update, numbers, values, shapes=given, constant=False))
    v = values(np.random.default_rng(0), value)
    return draw(calls(lambda x: update(x, v), numbers, shapes=st.just([shape])))


def distinct_between(rng, shape):
    """Apart from each other, and from what `distinct` draws."""
    return distinct(rng, shape) + 0.15


DOMAINS = {
    np.rollaxis: calls(np.rollaxis, WIDE, shapes=one(1), options=rolled_axis),
    np.broadcast_arrays: calls(
        flattened(np.broadcast_arrays), WIDE, shapes=st.integers(1, 3).flatmap(several)
    ),
    np.meshgrid: calls(
        flattened(np.meshgrid), WIDE, shapes=some_vectors(0, 2), options=mesh_options
    ),
    np.ix_: calls(flattened(np.ix_), WIDE, shapes=some_vectors()),
    np.hsplit: st.one_of(
        cutting_calls(np.hsplit, lambda draw, shape: ((draw(cuts),), {})),
        calls(lambda x: flat(np.hsplit(x, 3)), WIDE, shapes=st.sampled_from([[(2, 3)], [(6,)]])),
    ),
    np.vsplit: calls(
        lambda x, at: flat(np.vsplit(x, at)),
        WIDE,
        shapes=one(2),
        options=lambda draw, shape: ((draw(st.one_of(cuts, st.just(shape[0] or 1))),), {}),
    ),
    np.dsplit: calls(
        lambda x, at: flat(np.dsplit(x, at)),
        WIDE,
        shapes=one(3),
        options=lambda draw, shape: ((draw(st.one_of(cuts, st.just(shape[2] or 1))),), {}),
    ),
    np.append: appending_calls(),
    np.block: block_calls(),
    np.insert: inserting_calls(),
    np.delete: calls(np.delete, WIDE, shapes=one(1), options=deleted),
    np.resize: calls(np.resize, WIDE, shapes=one(), options=resized),
    np.pad: calls(np.pad, distinct, shapes=one(), options=padded),
    sliding_window_view: calls(sliding_window_view, WIDE, shapes=one(1, 1), options=windows),
    overlap_added: overlap_calls(),
    np.take: calls(np.take, WIDE, shapes=one(), options=taken),
    np.take_along_axis: calls(np.take_along_axis, WIDE, shapes=one(1, 1), options=taken_along),
    np.choose: choosing_calls(),
    np.select: selecting_calls(),
    np.compress: compressing_calls(),
    np.extract: extracting_calls(),
    np.trim_zeros: trimming_calls(),
    np.piecewise: piecewise_calls(),
    np.triu: calls(np.triu, WIDE, shapes=one(1), options=diagonal_number),
    np.tril: calls(np.tril, WIDE, shapes=one(1), options=diagonal_number),
    multiplied_at: updating_calls(multiplied_at, "mul", WIDE, WIDE),
    maximum_at: updating_calls(maximum_at, "max", distinct, distinct_between),
    minimum_at: updating_calls(minimum_at, "min", distinct, distinct_between),
}
if hasattr(np, "unstack"):  # since NumPy 2.1
    DOMAINS[np.unstack] = calls(
        flattened(np.unstack),
        WIDE,
        shapes=one(1, 1),
        options=lambda draw, shape: ((), {"axis": draw(axis_of(shape))}),
    )
if hasattr(np, "astype"):
    DOMAINS[np.astype] = calls(lambda x: np.astype(x, np.float64), WIDE, shapes=one())
