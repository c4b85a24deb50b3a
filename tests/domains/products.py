"""Products of vectors and matrices, sums over indices, diagonals, chains, convolutions."""

import itertools
import warnings

import hypothesis.extra.numpy as hnp
import numpy as np
from hypothesis import strategies as st

from domains.samples import FLIP, SIDES, WIDE, calls, one
from minigrad.derivatives import matrices
from minigrad.table import RULES

side = SIDES[0]


# ---- vectors in stacks ---------------------------------------------------------------------------
def stacks(signature):
    """Shapes of a gufunc's operands, with leading axes that broadcast."""
    return st.sampled_from([1, 1, 1, 0]).flatmap(
        lambda min_side: hnp.mutually_broadcastable_shapes(
            signature=signature, min_side=min_side, max_side=3
        ).map(lambda them: them.input_shapes)
    )


@st.composite
def vecdot_calls(draw, function, **more):
    """The vectors along the last axis, or along another that each operand counts for itself."""
    left, right = draw(stacks("(n),(n)->()"))
    axis = draw(st.integers(-min(len(left), len(right)), -1))
    if len(left) == len(right):
        axis += len(left) * draw(FLIP)
    left, right = (tuple(np.moveaxis(np.empty(s), -1, axis).shape) for s in (left, right))
    keywords = {k: draw(values) for k, values in more.items()}
    keywords |= draw(st.sampled_from([{}, {"axis": -1}])) if axis == -1 else {"axis": axis}
    return draw(
        calls(
            function,
            WIDE,
            shapes=st.just([left, right]),
            options=lambda draw, *_: ((), keywords),
        )
    )


# ---- each free axis of one against each of the other ---------------------------------------------
@st.composite
def inner_shapes(draw):
    lead, n = st.sampled_from([(2,), (2, 3), (3, 1), (1, 2), ()]), draw(side)
    left, right = (*draw(lead), n), (*draw(lead), n)
    forms = [(left, right), (left, right), (left, right), (left, (n,)), ((), right), (left, ())]
    return draw(st.sampled_from([*forms, ((), ())]))


@st.composite
def tensordot_calls(draw, function):
    """Axes as a count, as two numbers, as two lists; from either end."""
    (a,) = draw(one())
    count = draw(st.sampled_from([*range(len(a) + 1), len(a), len(a)]))
    (more,) = draw(one(max_dims=2))
    if draw(st.integers(0, 2)) == 0:
        b, axes = (*a[len(a) - count :], *more), count
    else:
        left = draw(st.permutations(range(len(a))))[:count]
        b = [a[i] for i in left] + list(more)
        places = draw(st.permutations(range(len(b))))
        right = [places.index(k) for k in range(count)]
        b = tuple(b[k] for k in places)
        left = [i - len(a) * draw(FLIP) for i in left]
        right = [i - len(b) * draw(FLIP) for i in right]
        axes = draw(st.sampled_from([(left, right), [tuple(left), tuple(right)]]))
        axes = (left[0], right[0]) if count == 1 and draw(FLIP) else axes
    given = [((), {"axes": axes})]
    given += [((), {})] if axes == 2 else []
    given += [((axes,), {})] if function is np.tensordot else []
    options = draw(st.sampled_from(given))
    return draw(calls(function, WIDE, shapes=st.just([a, b]), options=lambda draw, *_: options))


# ---- all entries of one with all of the other ----------------------------------------------------
@st.composite
def as_many_entries(draw):
    (shape,) = draw(one())
    other = draw(st.sampled_from([shape, (int(np.prod(shape)),), (1, *shape[::-1])]))
    return draw(st.permutations([shape, other]))


def two(min_dims=0, max_dims=3):
    shapes = one(min_dims, max_dims=max_dims).map(lambda s: s[0])
    return st.tuples(shapes, shapes)


# ---- the vector product --------------------------------------------------------------------------
def without_warning(function):
    """NumPy warns of vectors of the plane, which it still multiplies."""

    def call(*args, **keywords):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            return function(*args, **keywords)

    return call


@st.composite
def cross_calls(draw, function, lengths):
    """Components along any axis, the same or another in a, in b and in the product."""
    left, right = draw(hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=2, max_side=3))[0]
    m, n = draw(st.sampled_from(lengths))
    lead = len(np.broadcast_shapes(left, right))
    form = draw(st.sampled_from(["plain", "one axis", "each its own"]))
    keywords, a, b = {}, -1, -1
    if form == "one axis":
        least = min(len(left), len(right), lead if 3 in (m, n) else 0)
        a = b = draw(st.integers(-least - 1, -1))
        keywords = {"axis": a}
    if form == "each its own" and function is np.cross:
        a, b = (draw(st.integers(-len(s) - 1, len(s))) for s in (left, right))
        keywords = {"axisa": a, "axisb": b, "axisc": draw(st.integers(-lead - 1, lead))}
    left = np.moveaxis(np.empty((*left, m)), -1, a).shape
    right = np.moveaxis(np.empty((*right, n)), -1, b).shape
    call = without_warning(function)
    shapes = st.just([left, right])
    return draw(calls(call, WIDE, shapes=shapes, options=lambda draw, *_: ((), keywords)))


# ---- sums over indices ---------------------------------------------------------------------------
NUMBERS = {"B": 1, "i": 34, "j": 35, "k": 36, "...": Ellipsis}  # as a sublist names the letters


@st.composite
def einsum_calls(draw):
    """One to four operands; letters repeated, summed, broadcast; every way to write them."""
    lengths = {letter: draw(st.sampled_from([2, 3, 2, 3, 1, 2, 3, 0])) for letter in "ijkB"}
    hidden = draw(st.sampled_from([None, None, (), (2,), (3, 2)]))
    terms, shapes = [], []
    for _ in range(draw(st.sampled_from([1, 2, 2, 2, 3, 4]))):
        width = draw(st.sampled_from([2, 2, 3, 1, 2, 0]))
        term = [draw(st.sampled_from("ijkB")) for _ in range(width)]
        here = {c: draw(st.sampled_from([n, n, n, 1])) for c, n in lengths.items()}
        if hidden is not None and draw(st.sampled_from([True, True, False])):
            here["..."] = hidden[draw(st.integers(0, len(hidden))) :]
            here["..."] = tuple(n if draw(FLIP) else 1 for n in here["..."])
            term.insert(draw(st.integers(0, len(term))), "...")
        terms.append(term)
        shapes.append([n for c in term for n in (here[c] if c == "..." else [here[c]])])
    letters = draw(st.permutations(sorted({c for term in terms for c in term} - {"..."})))
    output = list(letters[: draw(st.integers(0, len(letters)))])
    if any("..." in term for term in terms):
        output.insert(draw(st.integers(0, len(output))), "...")
    output = draw(st.sampled_from([output, output, None]))
    optimize = draw(st.sampled_from([None, None, False, True, "greedy", "optimal", "path"]))
    keywords = {} if optimize is None else {"optimize": optimize}
    space = draw(st.sampled_from(["", " "]))
    written = ["".join(term) for term in terms]
    subscripts = f"{space},{space}".join(written)
    subscripts += "" if output is None else f"{space}->{space}{''.join(output)}"
    if optimize == "path":
        empty = [np.empty(shape) for shape in shapes]
        keywords = {"optimize": np.einsum_path(subscripts, *empty, optimize="optimal")[0]}
    numbers = [[NUMBERS[c] for c in term] for term in terms]

    def by_letters(*xs, **keywords):
        return np.einsum(subscripts, *xs, **keywords)

    def by_numbers(*xs, **keywords):
        pairs = [item for pair in zip(xs, numbers, strict=True) for item in pair]
        last = [] if output is None else [[NUMBERS[c] for c in output]]
        return np.einsum(*pairs, *last, **keywords)

    call = draw(st.sampled_from([by_letters, by_letters, by_numbers]))
    sample = draw(
        calls(call, WIDE, shapes=st.just(shapes), options=lambda draw, *_: ((), keywords))
    )
    sample.label = f"{subscripts} {call.__name__} {sample.label}"
    return sample


# ---- diagonals, chains, powers -------------------------------------------------------------------
OFFSET = st.sampled_from([0, 1, -1, 2, -2, 1, -1, 3, -3])
MATRICES = st.one_of(one(2, 2), one(2, 2), one(2))  # seldom empty


def a_diagonal(draw, shape):
    """Any two axes by place or by name, and an offset that may leave the matrix."""
    i, j = draw(st.permutations(range(len(shape))))[:2]
    i, j = i - len(shape) * draw(FLIP), j - len(shape) * draw(FLIP)
    offset = draw(OFFSET)
    named = {"offset": offset, "axis1": i, "axis2": j}
    forms = [((offset, i, j), {}), ((), named), ((offset,), {}), ((), {})]
    return draw(st.sampled_from(forms))


def an_offset(draw, shape):
    return (), draw(st.sampled_from([{}, {"offset": draw(OFFSET)}]))


def k(draw, shape):
    return draw(st.sampled_from([((), {}), ((draw(OFFSET),), {}), ((), {"k": draw(OFFSET)})]))


@st.composite
def on_diagonal_calls(draw):
    (shape,) = draw(MATRICES)
    offset, (i, j) = draw(OFFSET), draw(st.permutations(range(len(shape))))[:2]
    target = np.diagonal(np.empty(shape), offset, i, j).shape

    def call(g):
        return matrices.on_diagonal(g, offset, i, j, shape)

    return draw(calls(call, WIDE, shapes=st.just([target])))


def columns(draw, shape):
    named = st.fixed_dictionaries(
        {}, optional={"N": st.integers(0, 4), "increasing": st.booleans()}
    )
    return draw(st.sampled_from([((), draw(named)), ((draw(st.integers(0, 4)), draw(FLIP)), {})]))


@st.composite
def chain_shapes(draw):
    lengths = draw(st.lists(st.sampled_from([2, 1, 3, 4, 2, 0]), min_size=3, max_size=6))
    shapes = list(itertools.pairwise(lengths))
    shapes[0] = shapes[0][draw(FLIP) :]
    shapes[-1] = shapes[-1][: 2 - draw(FLIP)]
    return shapes


def power(draw, shape):
    lowest = -4 if np.linalg.inv in RULES else 0
    n = draw(st.integers(lowest, 7))
    return draw(st.sampled_from([((n,), {}), ((), {"n": np.int64(n)})]))


def invertible(rng, shape):
    return rng.uniform(-0.2, 0.2, shape) + np.eye(shape[-1]) * rng.choice([-1, 1], shape)


@st.composite
def squares(draw):
    n = draw(side)
    return [(*draw(one(max_dims=2))[0], n, n)]


# ---- sequences -----------------------------------------------------------------------------------
def sequences(function):
    length = st.sampled_from([2, 4, 3, 1, 5, 6])

    def options(draw, *shapes):
        mode = draw(st.sampled_from(["same", "valid", "full", 1, 0, 2]))
        return draw(st.sampled_from([((mode,), {}), ((), {"mode": mode}), ((), {})]))

    both = st.tuples(length, length).map(lambda pair: [(n,) for n in pair])
    if function is np.convolve:  # which reads a number as a sequence of one
        both = st.one_of(both, both, length.map(lambda n: [(n,), ()]), st.just([(), (2,)]))
    return calls(function, WIDE, shapes=both, options=options)


DOMAINS = {
    np.inner: calls(np.inner, WIDE, shapes=inner_shapes()),
    np.tensordot: tensordot_calls(np.tensordot),
    np.linalg.tensordot: tensordot_calls(np.linalg.tensordot),
    np.linalg.matmul: calls(np.linalg.matmul, WIDE, shapes=stacks("(n?,k),(k,m?)->(n?,m?)")),
    np.vecdot: vecdot_calls(np.vecdot, keepdims=st.booleans()),
    np.linalg.vecdot: vecdot_calls(np.linalg.vecdot),
    np.vdot: calls(np.vdot, WIDE, shapes=as_many_entries()),
    np.outer: calls(np.outer, WIDE, shapes=two()),
    np.linalg.outer: calls(np.linalg.outer, WIDE, shapes=two(1, 1)),
    np.kron: calls(np.kron, WIDE, shapes=two()),
    np.cross: cross_calls(np.cross, [(3, 3), (3, 3), (2, 3), (3, 2), (2, 2)]),
    np.linalg.cross: cross_calls(np.linalg.cross, [(3, 3)]),
    np.einsum: einsum_calls(),
    # diagonals
    np.diagonal: calls(np.diagonal, WIDE, shapes=MATRICES, options=a_diagonal),
    np.linalg.diagonal: calls(np.linalg.diagonal, WIDE, shapes=MATRICES, options=an_offset),
    np.trace: calls(np.trace, WIDE, shapes=MATRICES, options=a_diagonal),
    np.linalg.trace: calls(np.linalg.trace, WIDE, shapes=MATRICES, options=an_offset),
    np.diag: calls(np.diag, WIDE, shapes=st.one_of(one(1, 2, 2), one(1, max_dims=2)), options=k),
    np.diagflat: calls(np.diagflat, WIDE, shapes=one(max_dims=2), options=k),
    matrices.on_diagonal: on_diagonal_calls(),
    np.matrix_transpose: calls(np.matrix_transpose, WIDE, shapes=one(2)),
    np.linalg.matrix_transpose: calls(np.linalg.matrix_transpose, WIDE, shapes=one(2)),
    # matrices of one vector, chains, powers
    np.vander: calls(np.vander, WIDE, shapes=one(1, max_dims=1), options=columns),
    np.linalg.multi_dot: calls(
        lambda *xs: np.linalg.multi_dot(list(xs)), WIDE, shapes=chain_shapes()
    ),
    np.linalg.matrix_power: calls(
        np.linalg.matrix_power, invertible, shapes=squares(), options=power
    ),
    # sequences
    np.convolve: sequences(np.convolve),
    np.correlate: sequences(np.correlate),
}
if hasattr(np, "matvec"):
    DOMAINS |= {
        np.matvec: calls(np.matvec, WIDE, shapes=stacks("(m,n),(n)->(m)")),
        np.vecmat: calls(np.vecmat, WIDE, shapes=stacks("(n),(n,m)->(m)")),
    }
