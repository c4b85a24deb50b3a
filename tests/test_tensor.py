"""The Tensor: what it is made of, what it refuses, and that nothing ever detaches it silently."""

import array
import copy
import math
import operator
import pickle
import struct

import numpy as np
import pytest

from minigrad import Tensor, gradients
from minigrad.table import CONSTANTS, RULES
from minigrad.tensor import ADAPTERS


# ---- making one ----------------------------------------------------------------------------------
@pytest.mark.parametrize("data", [3, 3.0, True, [1, 2], [[1.5], [2]], (1, 2), [], [True, False]])
def test_python_numbers_and_lists_become_float64(data):
    x = Tensor(data)
    assert x.dtype == np.float64
    np.testing.assert_array_equal(x.data, np.array(data, float))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble])
def test_float_arrays_keep_their_dtype(dtype):
    assert Tensor(np.ones(2, dtype)).dtype == dtype
    assert Tensor(dtype(1.0)).dtype == dtype


@pytest.mark.parametrize(
    "data", [np.array([1, 2]), np.int64(3), np.array([True]), np.arange(3, dtype=np.uint8)]
)
def test_an_integer_array_asks_for_a_decision(data):
    with pytest.raises(TypeError, match=r"integer array .* \.astype\(float\)"):
        Tensor(data)
    assert Tensor(data, dtype=float).dtype == np.float64
    assert Tensor(data.astype(float)).dtype == np.float64


@pytest.mark.parametrize(
    "data",
    [
        *("1.0", b"1", ["a"], None, [None], {"a": 1.0}, object()),
        *(np.array(["2020-01-01"], "M8[D]"), np.array([1.0], object)),
    ],
)
def test_text_and_objects_are_refused(data):
    for dtype in (None, np.float32):
        with pytest.raises(TypeError):
            Tensor(data, dtype=dtype)


@pytest.mark.parametrize("dtype", [int, bool, object, "U1", np.uint8])
def test_the_dtype_must_be_a_float(dtype):
    with pytest.raises(TypeError, match="float"):
        Tensor([1.0], dtype=dtype)


def test_a_ragged_list_is_refused():
    with pytest.raises(ValueError, match="inhomogeneous"):
        Tensor([[1.0], [1.0, 2.0]])


def test_a_tensor_of_tensors_is_refused_with_the_remedy():
    x = Tensor(1.0)
    with pytest.raises(TypeError, match=r"mg\.Tensor\(t\.data\)"):
        Tensor(x)
    with pytest.raises(TypeError, match=r"np\.stack"):
        Tensor([x, x])


def test_a_tensor_is_final_and_takes_no_attributes():
    with pytest.raises(TypeError, match="final"):
        type("Mine", (Tensor,), {})
    with pytest.raises(AttributeError):
        Tensor(1.0).extra = 1


def test_it_looks_like_an_array():
    x = Tensor(np.ones((2, 3), np.float32), name="x")
    assert (x.shape, x.ndim, x.size, len(x), x.dtype) == ((2, 3), 2, 6, 2, np.float32)
    assert x.name == "x"
    assert Tensor([1.5, 2.0]).tolist() == [1.5, 2.0]
    assert Tensor([1.5, 2.0]).item(1) == 2.0
    assert type(Tensor(1.5).item()) is float


def test_repr_shows_values_name_dtype_and_origin():
    assert repr(Tensor([1.0, 2.0])) == "Tensor([1., 2.])"
    assert repr(Tensor(1.0, dtype="f", name="x")) == "Tensor(1., dtype=float32, name='x')"
    assert repr(np.exp(Tensor(0.0))) == "Tensor(1., from np.exp)"
    assert f"{Tensor(1.234):.1f}" == "1.2"
    assert f"{Tensor([1.0])}" == "[1.]"
    assert len(repr(Tensor(np.ones((300, 300))))) < 2000


# ---- a Tensor is a value -------------------------------------------------------------------------
def test_data_is_a_read_only_view():
    x = Tensor([1.0, 2.0])
    assert np.may_share_memory(x.data, x.data)
    for t in (x, x * 2, x[:1], np.broadcast_to(x, (2, 2))):
        with pytest.raises(ValueError, match="read-only"):
            t.data[...] = 5.0
    with pytest.raises(AttributeError):
        x.data = np.ones(2)


def test_writing_an_entry_is_refused_with_the_remedy():
    x = Tensor([1.0, 2.0])
    with pytest.raises(TypeError, match=r"x\.at\[index\]\.set\(value\)"):
        x[0] = 5.0
    with pytest.raises(TypeError, match=r"x\.at\[index\]\.set\(value\)"):
        x[0] += 5.0
    with pytest.raises((TypeError, AttributeError)):
        del x[0]
    assert x.tolist() == [1.0, 2.0]


def test_augmented_assignment_rebinds():
    x = Tensor([1.0, 2.0])
    y = x
    for op, expected in (
        (operator.iadd, [3.0, 4.0]),
        (operator.isub, [-1.0, 0.0]),
        (operator.imul, [2.0, 4.0]),
        (operator.itruediv, [0.5, 1.0]),
        (operator.ipow, [1.0, 4.0]),
    ):
        z = op(y, 2.0)
        assert z is not x
        assert z.tolist() == expected
        assert x.tolist() == [1.0, 2.0]


def test_leaves_copy_and_pickle_with_their_name_and_gradient():
    x = Tensor(np.array([[1.0, 2.0]], np.float32), name="W")
    np.sum(x * x).backward()
    ways = [copy.copy, copy.deepcopy]
    ways += [lambda t, p=p: pickle.loads(pickle.dumps(t, p)) for p in range(2, 6)]
    for way in ways:
        y = way(x)
        assert (y.name, y.dtype) == ("W", np.float32)
        assert (y.tolist(), y.grad.tolist()) == ([[1.0, 2.0]], [[2.0, 4.0]])
        assert not np.may_share_memory(y.data, x.data)
        assert not np.may_share_memory(y.grad, x.grad)
        assert gradients(np.sum(y * y), x).tolist() == [[0.0, 0.0]]


def test_a_deep_copy_keeps_one_leaf_one():
    x = Tensor(1.0)
    a, b = copy.deepcopy([x, x])
    assert a is b


def test_an_interior_node_refuses_to_be_copied():
    y = np.exp(Tensor(1.0))
    for way in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError, match=r"result of np\.exp .* mg\.Tensor\(t\.data\)"):
            way(y)


def test_a_tensor_hashes_by_identity_and_compares_by_value():
    x, y = Tensor([1.0, 2.0]), Tensor([1.0, 3.0])
    assert {x: "x", y: "y"}[x] == "x"
    assert (x == y).tolist() == [True, False]
    assert (x != y).tolist() == [False, True]
    assert 2.0 in x
    assert 5.0 not in x


# ---- decisions: comparisons and choices are constants --------------------------------------------
@pytest.mark.parametrize(
    "op", [operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.floordiv]
)
def test_comparisons_and_floor_division_give_plain_arrays(op):
    a, b = np.array([1.0, 2.0, 3.0]), np.array([3.0, 2.0, 2.0])
    for left, right in ((Tensor(a), b), (a, Tensor(b)), (Tensor(a), Tensor(b))):
        assert type(op(left, right)) is np.ndarray
        np.testing.assert_array_equal(op(left, right), op(a, b))
    np.testing.assert_array_equal(op(2.0, Tensor(b)), op(2.0, b))


@pytest.mark.parametrize("function", sorted(CONSTANTS, key=str), ids=lambda f: f.__name__)
def test_constants_never_give_tensors(function):
    x = Tensor([[1.0, 2.0]])
    for args in ((x,), (x, x), (x, 1)):
        try:
            result = function(*args)
        except (TypeError, ValueError, AttributeError):  # other arguments
            continue
        assert not isinstance(result, Tensor)
        assert not any(isinstance(r, Tensor) for r in np.atleast_1d(result).ravel())


def test_bool_and_int_are_decisions():
    assert Tensor(1.0)
    assert not Tensor(0.0)
    assert int(Tensor(3.7)) == 3
    with pytest.raises(ValueError, match="ambiguous"):
        bool(Tensor([1.0, 2.0]))


# ---- operators -----------------------------------------------------------------------------------
OPERATORS = {
    operator.add: np.add,
    operator.sub: np.subtract,
    operator.mul: np.multiply,
    operator.truediv: np.divide,
    operator.mod: np.remainder,
    operator.pow: np.power,
    operator.matmul: np.matmul,
}
OTHERS = [2.0, 2, True, np.float64(2.0), np.float32(2.0), np.int64(2), np.array([2.0, 3.0])]


@pytest.mark.parametrize("op", OPERATORS, ids=lambda op: op.__name__)
@pytest.mark.parametrize("other", OTHERS, ids=lambda o: type(o).__name__)
def test_an_operator_is_the_ufunc_on_either_side_of_numbers_and_arrays(op, other):
    a = np.array([1.5, 2.5])
    if op is operator.matmul and np.ndim(other) == 0:
        with pytest.raises(ValueError, match="matmul"):
            op(Tensor(a), other)
        return
    for left, right, x, y in ((0, 1, a, other), (1, 0, other, a)):
        t = Tensor(a)
        pair = [t, other]
        recorded, plain = op(pair[left], pair[right]), OPERATORS[op](x, y)
        assert isinstance(recorded, Tensor)
        assert recorded.dtype == np.asarray(plain).dtype
        np.testing.assert_array_equal(recorded.data, plain)
        v = np.ones(recorded.shape)
        both = OPERATORS[op](*(Tensor(z) if z is a else z for z in (x, y)))
        assert gradients(recorded, t, v).shape == a.shape
        assert both.tolist() == recorded.tolist()


def test_unary_operators():
    x = Tensor([1.5, -2.5])
    for op, values, slopes in (
        (operator.neg, [-1.5, 2.5], [-1.0, -1.0]),
        (operator.pos, [1.5, -2.5], [1.0, 1.0]),
        (abs, [1.5, 2.5], [1.0, -1.0]),
    ):
        assert op(x).tolist() == values
        assert gradients(op(x), x, np.ones(2)).tolist() == slopes


def test_rows_iterate_unpack_and_stack_with_history():
    x = Tensor([[1.0, 2.0], [3.0, 4.0]])
    first, second = x
    assert gradients(np.sum(first * second), x).tolist() == [[3.0, 4.0], [1.0, 2.0]]
    assert gradients(np.sum(np.stack([*x, np.ones(2)])), x).tolist() == [[1.0, 1.0], [1.0, 1.0]]
    assert gradients(sum(x)[0], x).tolist() == [[1.0, 0.0], [1.0, 0.0]]
    with pytest.raises(TypeError, match="0-d"):
        iter(Tensor(1.0))
    with pytest.raises(TypeError):
        len(Tensor(1.0))


# ---- never silently detached ---------------------------------------------------------------------
A = np.zeros(2)
DETACHING = {
    "np.asarray": np.asarray,
    "np.array": np.array,
    "np.array of a list": lambda t: np.array([t, t]),
    "np.array of a list with a number": lambda t: np.array([1.0, t[0]]),
    "np.array as objects": lambda t: np.array([t], dtype=object),
    "np.ascontiguousarray": np.ascontiguousarray,
    "np.fromiter": lambda t: np.fromiter(t, float),
    "np.float64": lambda t: np.float64(t[0]),
    "np.full": lambda t: np.full(2, t[0]),
    "np.arange": lambda t: np.arange(t[0]),
    "np.add.reduce of a list": lambda t: np.add.reduce([t, t]),
    "np.sum of a list": lambda t: np.sum([t, t]),
    "np.mean of a list of scalars": lambda t: np.mean([t[0], t[1]]),
    "np.exp of a list": lambda t: np.exp([t, t]),
    "np.maximum of a list": lambda t: np.maximum([t[0], t[1]], 0.0),
    "np.where of a list": lambda t: np.where(A > 0, [t[0], t[1]], t),
    "array operator of a list": lambda t: np.multiply(t, [t[0], t[1]]),
    "math.exp": lambda t: math.exp(t[0]),
    "math.fsum": math.fsum,
    "math.floor": lambda t: math.floor(t[0]),
    "float": lambda t: float(t[0]),
    "complex": lambda t: complex(t[0]),
    "round": lambda t: round(t[0]),
    "operator.index": lambda t: operator.index(t[0]),
    "range": lambda t: range(t[0]),
    "a list index": lambda t: [1, 2][t[0]],
    "an array index": lambda t: A[t],
    "an array slice": lambda t: A[: t[0]],
    "a Tensor index": lambda t: t[t],
    "a Tensor index in a tuple": lambda t: t[(t[0],)],
    "a Tensor in a slice": lambda t: t[t[0] :],
    "a Tensor in a list index": lambda t: t[[t[0]]],
    "A[0] = t": lambda t: operator.setitem(A, 0, t[0]),
    "A[:] = t": lambda t: operator.setitem(A, slice(None), t),
    "A += t": lambda t: operator.iadd(A.copy(), t),
    "A -= t": lambda t: operator.isub(A.copy(), t),
    "A *= t": lambda t: operator.imul(A.copy(), t),
    "A @= t": lambda t: operator.imatmul(np.eye(2), np.eye(2) * t),
    "A.fill": lambda t: A.fill(t[0]),
    "A.dot": lambda t: A.dot(t),
    "A.put": lambda t: A.put(0, t[0]),
    "np.put": lambda t: np.put(A, 0, t[0]),
    "np.copyto": lambda t: np.copyto(A, t),
    "np.place": lambda t: np.place(A, A == 0, t),
    "np.fill_diagonal": lambda t: np.fill_diagonal(np.eye(2), t),
    "np.save": lambda t: np.save("/dev/null", t),
    "out= an array": lambda t: np.exp(t, out=A),
    "out= a Tensor": lambda t: np.exp(A, out=t),
    "out= by position": lambda t: np.add(t, t, A),
    "where=": lambda t: np.exp(t, where=np.array([True, False])),
    "where= a Tensor": lambda t: np.add(A, A, where=t),
    "np.subtract.accumulate": np.subtract.accumulate,
    "np.add.reduceat": lambda t: np.add.reduceat(t, [0]),
    "np.add.at": lambda t: np.add.at(A, [0, 1], t),
    "np.add.at a Tensor": lambda t: np.add.at(t, [0, 1], A),
    "np.subtract.reduce": np.subtract.reduce,
    "struct.pack": lambda t: struct.pack("d", t[0]),
    "array.array": lambda t: array.array("d", t),
    "memoryview": memoryview,
    "bytes": bytes,
    "% formatting": lambda t: operator.mod("%f", t[0]),
    "np.random": lambda t: np.random.default_rng(0).normal(t),
    "np.vectorize": lambda t: np.vectorize(math.exp)(t),
    "np.einsum": lambda t: np.einsum("i->", t, optimize=object()),
    "an array of objects": lambda t: t * np.array([1, None], dtype=object)[:1],
}


@pytest.mark.parametrize("name", DETACHING)
def test_nothing_turns_a_tensor_into_numbers_behind_your_back(name):
    with pytest.raises((TypeError, ValueError, IndexError, struct.error)):
        DETACHING[name](Tensor([1.0, 2.0]))
    assert A.tolist() == [0.0, 0.0]


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("np.asarray", r"\.data .*np\.stack"),
        ("np.array of a list", r"np\.stack"),
        ("np.sum of a list", r"np\.stack"),
        ("math.exp", r"np\.exp, not math\.exp.*\.item\(\)"),
        ("float", r"\.item\(\)"),
        ("A += t", r"y = x \+ t"),
        ("out= an array", r"np\.exp with out=.*use the result"),
        ("where=", r"np\.exp with where=.*np\.where"),
        ("np.subtract.accumulate", r"np\.subtract\.accumulate has no derivative rule"),
        ("a Tensor index", r"cannot be an index.*astype\(int\)"),
        ("array operator of a list", r"inside a list.*np\.stack"),
    ],
)
def test_the_refusal_says_what_to_do_instead(name, remedy):
    with pytest.raises(TypeError, match=remedy):
        DETACHING[name](Tensor([1.0, 2.0]))


def test_an_array_method_that_numpy_hands_over_is_recorded():
    t = Tensor([1.0, 2.0])
    assert gradients(np.sum(np.ones(2).clip(t, None)), t).tolist() == [0.5, 1.0]


def public_functions(*modules):
    found = [getattr(m, n) for m in modules for n in dir(m) if not n.startswith("_")]
    return {f for f in found if hasattr(f, "_implementation")}


def test_every_numpy_function_without_a_rule_names_itself_at_the_forward_call():
    unknown = public_functions(np, np.linalg, np.fft) - RULES.keys() - ADAPTERS.keys()
    t = Tensor(1.0)
    for function in unknown - CONSTANTS:
        with pytest.raises(TypeError, match=rf"np\.\S*{function.__name__} has no derivative rule"):
            t.__array_function__(function, (Tensor,), (t,), {})


def test_every_ufunc_without_a_rule_names_itself_at_the_forward_call():
    ufuncs = {u for u in vars(np).values() if isinstance(u, np.ufunc)}
    t = Tensor(1.0)
    for ufunc in ufuncs - RULES.keys() - ADAPTERS.keys() - CONSTANTS:
        with pytest.raises(TypeError, match=rf"np\.{ufunc.__name__} has no derivative rule"):
            ufunc(*[t] * ufunc.nin)


def test_reductions_by_way_of_ufuncs_are_recorded():
    x = Tensor([[1.0, 2.0], [3.0, 5.0]])
    for ufunc, function in (
        (np.add, np.sum),
        (np.multiply, np.prod),
        (np.maximum, np.max),
        (np.minimum, np.min),
    ):
        for axis in (0, 1, -1, None):
            y, z = ufunc.reduce(x, axis=axis), function(x, axis=axis)
            v = np.ones(z.shape)
            assert y.tolist() == z.tolist()
            assert gradients(y, x, v).tolist() == gradients(z, x, v).tolist()
        assert ufunc.reduce(x).tolist() == function(x, axis=0).tolist()
        assert ufunc.reduce(x, 1, None, None, True).shape == (2, 1)


def test_a_tensor_among_lists_of_arrays_keeps_its_history():
    x = Tensor([1.0, 2.0])
    for join in (np.concatenate, np.stack, np.vstack, np.hstack, np.column_stack, np.dstack):
        for them in ([x, A], (A, x), [A, A, x]):
            y = join(them)
            assert gradients(np.sum(y * 3), x).tolist() == [3.0, 3.0]


# ---- dtype in, dtype out -------------------------------------------------------------------------
MIXED = {
    "np.float64 scalar": lambda x: x * np.sqrt(2.0),
    "np.float64 scalar on the left": lambda x: np.sqrt(2.0) / x,
    "float64 array": lambda x: x + np.array([1.0, 2.0]),
    "integer array": lambda x: x * np.array([1, 2]),
    "python scalars": lambda x: (2 * x + 1.5) / 3 - x**2,
    "power of an integer": lambda x: 2**x,
    "float64 matrix": lambda x: x @ np.ones((2, 2)),
    "where": lambda x: np.where(x > 1, x, 0.0),
    "where with an array": lambda x: np.where(x > 1, x, np.zeros(2)),
    "mean": lambda x: np.mean(x) * x,
    "sum in float64": lambda x: np.sum(x, dtype=np.float64),
    "std": lambda x: np.std(x) * x,
    "prod": np.prod,
    "max": np.max,
    "log and power": lambda x: np.log(x) ** 2.5 + x**x,
    "maximum": lambda x: np.maximum(x, 1.2) + np.minimum(1.2, x) + np.clip(x, 0, np.float64(1.2)),
    "index": lambda x: x[[0, 1, 1]] * np.array([1.0, 2.0, 3.0]),
    "set": lambda x: x.at[0].set(2.0),
    "concatenate": lambda x: np.concatenate([x, np.zeros(2)]),
    "astype": lambda x: x.astype(np.float64) ** 2,
    "tile and repeat": lambda x: np.sum(np.tile(x, 3)) * np.repeat(x, 2),
    "logaddexp": lambda x: np.logaddexp(x, 0.0) + np.arctan2(x, 2.0) + np.hypot(x, 1.0),
    "exp": lambda x: np.exp(x) + np.exp2(x) + np.log2(x) + np.cbrt(x),
}


@pytest.mark.parametrize("name", MIXED)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.longdouble])
def test_a_gradient_has_the_dtype_of_what_it_is_the_gradient_of(name, dtype):
    x, exact = Tensor(np.array([1.5, 2.0], dtype)), Tensor([1.5, 2.0])
    y, z = MIXED[name](x), MIXED[name](exact)
    v = np.ones(y.shape)
    g = gradients(y, x, v)
    assert g.dtype == dtype
    np.testing.assert_allclose(g, gradients(z, exact, v), rtol=max(1e-12, 8 * np.finfo(dtype).eps))
    second = gradients(y, x, v, create_graph=True)
    assert second.dtype == dtype
    assert gradients(np.sum(second * 2.0), x).dtype == dtype


def test_astype_has_a_history_for_floats_and_none_for_integers():
    x = Tensor([1.5, 2.5])
    half = x.astype(np.float32)
    assert half.dtype == np.float32
    assert gradients(half, x, np.ones(2, "f")).dtype == np.float64
    assert type(x.astype(int)) is np.ndarray


def test_divmod_and_modf_give_a_constant_and_a_part_with_history():
    t = Tensor([5.5, -2.25])
    for whole, part in (divmod(t, 2.0), np.divmod(t, 2.0), np.modf(t)[::-1]):
        assert isinstance(whole, np.ndarray)
        assert gradients(np.sum(part), t).tolist() == [1.0, 1.0]
    np.testing.assert_array_equal(np.modf(t)[0].data + np.modf(t)[1], t.data)
