"""Products at their edges: values as NumPy's, bad subscripts, overflow off the diagonal, lists."""

import functools
import itertools
import warnings

import numpy as np
import oracle
import pytest
from domains.products import DOMAINS
from hypothesis import given
from hypothesis import strategies as st
from test_pitfalls import jvp, slope, slopes

from minigrad import Tensor, gradients
from minigrad.graph import operands

each_product = pytest.mark.parametrize("function", DOMAINS, ids=lambda f: f.__name__)
a_sample = given(data=st.data())


# ---- the value is NumPy's, and the derivative is exact -------------------------------------------
@each_product
@a_sample
def test_a_recorded_product_has_the_value_of_numpy(function, data):
    s = data.draw(DOMAINS[function])
    ours, numpys = s.call(*s.tensors()).data, s.call(*s.leaves)
    if function is np.einsum and s.label.count(",") > 1:  # more than two operands, pair by pair
        np.testing.assert_allclose(ours, numpys, rtol=1e-12, atol=1e-14)
        assert ours.shape == numpys.shape
    else:
        np.testing.assert_array_equal(ours, numpys, strict=True)


CONJUGATING = {np.vdot, np.vecdot, np.linalg.vecdot, np.correlate, getattr(np, "vecmat", None)}


@pytest.mark.parametrize(
    "function", [f for f in DOMAINS if f not in CONJUGATING], ids=lambda f: f.__name__
)
@a_sample
def test_products_are_exact_by_the_complex_step(function, data):
    s = data.draw(DOMAINS[function])
    xs, us = s.tensors(), [s.noise(x) for x in s.leaves]
    y = s.call(*xs)
    v = s.noise(y.data)
    exact = sum(map(oracle.inner, us, gradients(y, xs, v)))
    step = oracle.inner(v, oracle.complex_along(s.call, s.leaves, us))
    assert abs(exact - step) <= 1e-12 * (1 + abs(step))


# ---- sums that are linear in each operand: every form, without numeric differentiation -----------
def check_multilinear(f, shapes, *args, **keywords):
    """<v, f(…, u, …)> = <gradient, u> for each operand, since f is linear in it."""
    rng = np.random.default_rng(0)
    xs, us = ([rng.integers(-9, 9, shape).astype(float) for shape in shapes] for _ in "xu")
    tensors = [Tensor(x) for x in xs]
    y = f(*tensors, *args, **keywords)
    v = rng.integers(-9, 9, y.shape).astype(float)
    for i, (g, u) in enumerate(zip(gradients(y, tensors, v), us, strict=True)):
        moved = f(*xs[:i], u, *xs[i + 1 :], *args, **keywords)
        assert np.sum(v * moved) == np.sum(g * u)
        assert g.shape == u.shape


@pytest.mark.parametrize("mode", ["full", "same", "valid"])
@pytest.mark.parametrize("function", [np.convolve, np.correlate])
def test_sequences_of_all_lengths(function, mode):
    for n in range(1, 7):
        for m in range(1, 7):
            check_multilinear(function, [n, m], mode)


@pytest.mark.parametrize("shape", [(3, 3), (2, 4), (4, 2), (2, 3, 4)])
def test_all_diagonals(shape):
    for i, j in itertools.permutations(range(-len(shape), len(shape)), 2):
        for offset in range(-5, 6) if (i - j) % len(shape) else ():
            check_multilinear(np.diagonal, [shape], offset, i, j)
            check_multilinear(np.trace, [shape], offset, i, j)


@pytest.mark.parametrize("axis", range(-3, 3))
def test_vectors_along_each_axis(axis):
    shapes = [(3, 3, 3), (3, 3, 3)]
    for f in (np.vecdot, np.linalg.vecdot, np.cross, np.linalg.cross):
        check_multilinear(f, shapes, axis=axis)
    check_multilinear(np.vecdot, shapes, axis=axis, keepdims=True)


FORMS = [
    "i,i", "i,j", "ij,jk", "ij,jk->ki", "ij,kj", "ji,jk", "bij,bjk->bik", "bij,jk->bik", "i,i->i",
    "ij,ij->", "ij,ij->i", "ij->ji", "ij->", "ij->j", "ii", "ii->i", "iij->ij", "iji->j", "iii->",
    "ij,j", "ii,jj->ij", "ij,kl->", "ij,jk,kl", "ij,jk,kl->li", "i,j,k", "i,j,k->kij", "ij,ij,ij",
    "ir,jr,kr->ijk", "i,ij,j", "...,...", "...i,i", "i...,i...->...", "...ij,...jk", "i...i->...",
    "...ij,...jk->...ik", "...,i->i...", "ij...,jk...->ik...", "BA", "Ba,aB", "ij,jk,kl,lm->im",
]  # fmt: skip


@pytest.mark.parametrize("subscripts", FORMS)
@pytest.mark.parametrize("optimize", [False, True, "optimal"])
def test_einsum_in_the_forms_that_people_write(subscripts, optimize):
    einsum = functools.partial(np.einsum, subscripts)
    for hidden in ((), (2,), (2, 3)) if "..." in subscripts else ((),):
        shapes = [
            [
                n
                for c in term.replace("...", ".")
                for n in (hidden if c == "." else [ord(c) % 3 + 2])
            ]
            for term in subscripts.split("->")[0].split(",")
        ]
        check_multilinear(einsum, shapes, optimize=optimize)


def test_einsum_of_one_tensor_in_several_places():
    A = np.array([[1.0, 2.0], [3.0, 5.0]])
    assert (
        slope(lambda x: np.einsum("i,ij,j", x, A, x), [1.0, -1.0]) == ((A + A.T) @ [1, -1]).tolist()
    )


# ---- the order in which many are multiplied ------------------------------------------------------
def test_a_long_chain_of_an_einsum_is_multiplied_pair_by_pair():
    n = 30
    xs = [Tensor(np.eye(n) + k) for k in range(8)]
    subscripts = "ab,bc,cd,de,ef,fg,gh,hi->ai"  # all letters at once would take n**9 steps
    y = np.einsum(subscripts, *xs)
    np.testing.assert_allclose(y.data, np.linalg.multi_dot([x.data for x in xs]), rtol=1e-12)
    g = gradients(np.sum(y), xs[4])
    left, right = (np.linalg.multi_dot([x.data for x in part]) for part in (xs[:4], xs[5:]))
    np.testing.assert_allclose(g, left.T @ np.ones((n, n)) @ right.T, rtol=1e-12)


@pytest.mark.parametrize(
    ("optimize", "shape"),
    [
        (False, (3,)),
        (True, (3,)),
        ("optimal", (3,)),
        (("greedy", 1000), (3,)),
        (["einsum_path", (1, 2), (0, 1)], (3,)),
        (["einsum_path", (0, 1), (0, 1)], (2, 4)),
    ],
)
def test_an_einsum_of_three_multiplies_the_cheapest_pair_first_or_the_one_that_you_say(
    optimize, shape
):
    a, b, c = (Tensor(np.ones(s)) for s in ((2, 3), (3, 4), (4,)))
    y = np.einsum("ij,jk,k->i", a, b, c, optimize=optimize)
    assert shape in [node.shape for node in operands(y) if node._function]


def test_multi_dot_takes_the_cheapest_order():
    shapes = [(10, 100), (100, 5), (5, 50), (50, 1)]
    y = np.linalg.multi_dot([Tensor(np.ones(s)) for s in shapes])
    left, right = operands(y)  # A (B (C D)): 5,750 multiplications, the fewest
    assert (left.shape, right.shape) == ((10, 100), (100, 1))
    tie = np.linalg.multi_dot([Tensor(np.ones((2, 2)))] * 3)
    assert operands(tie)[0]._function is None  # as NumPy: A (B C)


# ---- subscripts ----------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("subscripts", "shapes"),
    [
        ("ij,jk", [(2, 3)]),
        ("ij", [(2, 3), (2, 3)]),
        ("ij,jk", [(2, 3), (4, 2)]),
        ("ij", [(2,)]),
        ("ij", [(2, 3, 4)]),
        ("ii", [(2, 3)]),
        ("ii->i", [(1, 3)]),
        ("ij->ijk", [(2, 3)]),
        ("ij->ii", [(2, 3)]),
        ("i.j", [(2, 3)]),
        ("i1", [(2, 3)]),
        ("ij-ji", [(2, 3)]),
        ("...i->i", [(2, 3)]),
        ("...i,...i", [(2, 3), (4, 3)]),
        ("ij,jk,kl", [(2, 3), (3, 4), (5, 2)]),
    ],
)
def test_what_numpy_does_not_read_we_do_not_read(subscripts, shapes):
    arrays = [np.ones(shape) for shape in shapes]
    with pytest.raises(ValueError, match=r"ein|sub|label|operand|operator"):
        np.einsum(subscripts, *arrays)
    with pytest.raises(ValueError, match=r"np\.einsum"):
        np.einsum(subscripts, *map(Tensor, arrays))


@pytest.mark.parametrize("wrong", [-1, 52, "i"])
def test_numbers_that_name_no_letter_are_refused(wrong):
    with pytest.raises(ValueError, match=f"0 … 51 or Ellipsis, not {wrong!r}$"):
        np.einsum(Tensor([1.0]), [wrong])


def test_an_incomplete_path_is_refused():
    x = Tensor(np.ones((2, 2)))
    with pytest.raises(RuntimeError, match="path"):
        np.einsum("ij,jk,kl", x, x, x, optimize=["einsum_path", (0, 1)])


def test_the_order_of_a_contraction_is_a_constant():
    x = Tensor(np.ones((2, 2)))
    assert np.einsum_path("ij,jk,kl", x, x, x)[0][0] == "einsum_path"


@pytest.mark.parametrize("option", [{"out": np.ones(2)}, {"dtype": "f4"}, {"casting": "unsafe"}])
@pytest.mark.parametrize("subscripts", ["i->i", "i,i->i", "i,i,i->i"])
def test_an_option_that_has_no_rule_is_refused_by_name(subscripts, option):
    xs = [Tensor(np.ones(2))] * (1 + subscripts.count(","))
    with pytest.raises(TypeError, match=f"np.einsum with {next(iter(option))}="):
        np.einsum(subscripts, *xs, **option)


def test_a_letter_that_stands_alone_is_summed_and_one_of_length_one_is_broadcast():
    a, b = np.array([[1.0, 2.0]]), np.array([[3.0], [4.0], [5.0]])
    assert slopes(lambda a, b: np.einsum("ij,kj->", a, b), a, b) == [
        [[12.0, 12.0]],
        [[3.0], [3.0], [3.0]],
    ]
    assert slope(lambda a: np.einsum("ij->", a), a) == [[1.0, 1.0]]


# ---- what is off the diagonal does not leak ------------------------------------------------------
DIAGONALS = {
    "diagonal": np.diagonal,
    "diag": np.diag,
    "trace": np.trace,
    "einsum": lambda x: np.einsum("ii->i", x),
    "einsum of two": lambda x: np.einsum("ii,i->", x, np.ones(2)),
    "of linalg": np.linalg.diagonal,
    "trace of linalg": np.linalg.trace,
}


@pytest.mark.parametrize("name", DIAGONALS)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_infinity_off_the_diagonal_does_not_leak(name):
    def f(x):
        return DIAGONALS[name](np.exp(x))

    x = np.array([[0.0, 1000.0], [1000.0, 0.0]])
    assert slope(f, x) == [[1.0, 0.0], [0.0, 1.0]]
    t = Tensor(x)
    g = gradients(np.sum(f(t)), t, create_graph=True)
    assert gradients(np.sum(g), t).tolist() == [[1.0, 0.0], [0.0, 1.0]]


def test_a_diagonal_beyond_the_matrix_is_empty():
    x = np.ones((2, 3))
    assert slope(lambda x: np.diagonal(x, 7), x) == [[0.0] * 3] * 2
    assert slope(lambda x: np.trace(x, -7), x) == [[0.0] * 3] * 2


@pytest.mark.parametrize("trace", [np.trace, np.linalg.trace])
def test_a_trace_is_summed_in_the_dtype_that_you_say(trace):
    x = Tensor(np.eye(2), np.float32)
    y = trace(x, dtype=np.float64)
    assert y.dtype == np.float64
    g = gradients(y, x)
    assert (g.dtype, g.tolist()) == (np.float32, [[1.0, 0.0], [0.0, 1.0]])


# ---- powers --------------------------------------------------------------------------------------
def test_the_power_zero_of_a_matrix_is_constant():
    x = Tensor([[np.nan, np.inf], [0.0, 1.0]])
    y = np.linalg.matrix_power(x, 0)
    assert y.tolist() == [[1.0, 0.0], [0.0, 1.0]]
    g = gradients(np.sum(y), x, create_graph=True)
    assert g.tolist() == [[0.0, 0.0], [0.0, 0.0]]
    assert gradients(np.sum(g), x).tolist() == [[0.0, 0.0], [0.0, 0.0]]


def test_powers_of_a_nilpotent_and_of_a_singular_matrix_differentiate():
    x = [[0.0, 1.0], [0.0, 0.0]]
    assert slope(lambda x: np.linalg.matrix_power(x, 2), x) == [[1.0, 0.0], [2.0, 1.0]]
    assert slope(lambda x: np.linalg.matrix_power(x, 5), x) == [[0.0, 0.0], [0.0, 0.0]]


def test_powers_in_vander_are_smooth_at_zero():
    assert slope(np.vander, [0.0, 0.0, 0.0]) == [1.0, 1.0, 1.0]
    t = Tensor([0.0])
    g = gradients(np.sum(np.vander(t, 4)), t, create_graph=True)
    assert gradients(g, t).tolist() == [2.0]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_an_overflowing_power_that_is_not_taken_does_not_leak():
    def f(x):
        return np.vander(x, 5, increasing=True)[:, 1]

    assert slope(f, [1e200]) == [1.0]
    assert jvp(f, [1e200], [1.0]) == [1.0]
    assert slope(lambda x: np.vander(x, 3)[:, 2], [np.nan]) == [0.0]


# ---- vectors of the plane ------------------------------------------------------------------------
def test_numpy_warns_of_vectors_of_the_plane_and_multiplies_them():
    a, b = Tensor([1.0, 2.0]), Tensor([3.0, 5.0])
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        y = np.cross(a, b)
    assert [w.category for w in said] in ([DeprecationWarning], [])
    assert y.item() == -1.0
    da, db = gradients(y, [a, b])
    assert (da.tolist(), db.tolist()) == ([5.0, -3.0], [-2.0, 1.0])


def test_infinite_vectors_of_the_plane_have_no_third_component_to_spoil_the_product():
    a, b = [1.0, 2.0], [np.inf, 5.0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        assert slopes(np.cross, a, b) == [[5.0, -np.inf], [-2.0, 1.0]]


# ---- what is no shape for a product --------------------------------------------------------------
REFUSED = {
    "a chain of one": (lambda x: np.linalg.multi_dot([x]), ValueError),
    "a chain with a vector inside": (lambda x: np.linalg.multi_dot([x, x[0], x]), ValueError),
    "a chain that ends in a number": (lambda x: np.linalg.multi_dot([x, x, x[0, 0]]), ValueError),
    "a chain that does not fit": (lambda x: np.linalg.multi_dot([x, x[:1], x]), ValueError),
    "a power of a matrix that is not square": (
        lambda x: np.linalg.matrix_power(x[:1], 2),
        ValueError,
    ),
    "the power 0 of a vector": (lambda x: np.linalg.matrix_power(x[0], 0), ValueError),
    "half a power": (lambda x: np.linalg.matrix_power(x, 0.5), TypeError),
    "the diagonal of a vector": (lambda x: np.diagonal(x[0]), ValueError),
    "the diagonal matrix of a stack": (lambda x: np.diag(x[None]), ValueError),
    "vander of a matrix": (np.vander, ValueError),
    "the transposed matrix of a vector": (lambda x: np.matrix_transpose(x[0]), ValueError),
    "convolving matrices": (lambda x: np.convolve(x, x), ValueError),
    "convolving with nothing": (lambda x: np.convolve(x[0], x[0, :0]), ValueError),
    "a mode that is none": (lambda x: np.convolve(x[0], x[0], "some"), ValueError),
    "correlating a number": (lambda x: np.correlate(x[0], x[0, 0]), ValueError),
    "the outer product of matrices in linalg": (lambda x: np.linalg.outer(x, x[0]), ValueError),
    "the outer product with a matrix in linalg": (lambda x: np.linalg.outer(x[0], x), ValueError),
    "the cross product of the plane in linalg": (lambda x: np.linalg.cross(x, x), ValueError),
    "the cross product with the plane in linalg": (
        lambda x: np.linalg.cross(np.ones(3), x[0]),
        ValueError,
    ),
    "the cross product of the plane with space in linalg": (
        lambda x: np.linalg.cross(x[0], np.ones(3)),
        ValueError,
    ),
    "the cross product of four": (
        lambda x: np.cross(np.ravel(x), np.ravel(x)),
        ValueError,
    ),
    "tensordot that does not fit": (lambda x: np.tensordot(x, x[:1], 1), ValueError),
    "vecdot along two axes": (lambda x: np.vecdot(x, x, axes=[0, 0, ()]), TypeError),
    "matmul along other axes": (
        lambda x: np.matmul(x, x, axes=[(0, 1), (1, 0), (0, 1)]),
        TypeError,
    ),
    "a stack between the matrices of a chain": (
        lambda x: np.linalg.multi_dot([x, x, np.ones((2, 2, 2)), x]),
        np.linalg.LinAlgError,
    ),
    "a chain into an array": (lambda x: np.linalg.multi_dot([x, x], out=x), TypeError),
    "a trace into an array": (lambda x: np.trace(x, out=np.ones(())), TypeError),
    "a product into an array": (lambda x: np.outer(x, x, out=np.ones((4, 4))), TypeError),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_product_is_refused_at_the_call(name):
    call, error = REFUSED[name]
    with pytest.raises(error):
        call(Tensor([[1.0, 2.0], [3.0, 4.0]]))


# ---- lists and numbers stand for arrays ----------------------------------------------------------
NAMED = {f.__name__: f for f in (np.inner, np.outer, np.vdot, np.vecdot, np.kron, np.dot)}
NAMED |= {"convolve": np.convolve, "correlate": np.correlate}
NAMED |= {"tensordot": lambda a, b: np.tensordot(a, b, 1)}
NAMED |= {"einsum": lambda a, b: np.einsum("i,i", a, b)}
NAMED |= {"cross": np.cross, "linalg.cross": np.linalg.cross, "linalg.outer": np.linalg.outer}


@pytest.mark.parametrize("name", NAMED)
def test_a_list_stands_for_an_array(name):
    f, x, numbers = NAMED[name], [1.0, -2.0, 0.5], [3, 5, -7]
    assert slope(lambda x: f(x, numbers), x) == slope(lambda x: f(x, np.array(numbers)), x)
    assert slope(lambda x: f(numbers, x), x) == slope(lambda x: f(np.array(numbers), x), x)


@pytest.mark.parametrize("f", [np.inner, np.outer, np.kron, np.dot, np.multiply, np.convolve])
def test_a_number_stands_for_an_array(f):
    assert np.ravel(slope(lambda x: f(x, 3), [1.0, 2.0])).tolist() == [3.0, 3.0]
    assert np.ravel(slope(lambda x: f(3, x), [1.0, 2.0])).tolist() == [3.0, 3.0]
    assert slope(lambda x: f([1.0, 2.0], x), 3.0) == 3.0


def test_matrices_of_no_rows_and_no_columns():
    for f in (np.dot, np.matmul, np.inner, np.kron, np.outer, lambda a, b: np.tensordot(a, b, 0)):
        for m, n in ((0, 2), (2, 0), (0, 0)):
            a, b = Tensor(np.ones((m, 2))), Tensor(np.ones((2, n)))
            b = Tensor(np.ones((n, 2))) if f is np.inner else b
            da, db = gradients(np.sum(f(a, b)), [a, b])
            assert (da.shape, db.shape) == (a.shape, b.shape)
            assert not np.any(da)
            assert not np.any(db)
