"""The table of derivatives and the recording of calls: what is kept, moved, and refused."""

import numpy as np
import pytest

from minigrad import Tensor, defvjp, gradients, primitive
from minigrad.constants import borrowed, freeze
from minigrad.graph import write
from minigrad.kinds import called

square = primitive(lambda g, y, x: 2 * g * x)(lambda x: x * x)


@primitive(
    lambda g, y, a, b, *, scale=1.0: g * b * scale, lambda g, y, a, b, *, scale=1.0: g * a * scale
)
def product(a, b, *, scale=1.0):
    return a * b * scale


# ---- a derivative of one's own -------------------------------------------------------------------
def test_a_primitive_on_arrays_records_nothing():
    assert type(square(np.ones(2))) is np.ndarray
    assert square(3.0) == 9.0


def test_a_decorator_without_its_rules_is_refused():
    square = primitive(lambda x: x * x)  # meant as @primitive
    for x in (2.0, Tensor(2.0)):
        with pytest.raises(TypeError, match=r"write @mg\.primitive\(rule\) above the function"):
            square(x)


def test_a_primitive_keeps_the_name_and_the_words_of_its_function():
    @primitive(lambda g, y, x: g)
    def same(x):
        """Hand back x."""
        return x

    assert (same.__name__, same.__doc__) == ("same", "Hand back x.")


def test_a_rule_in_numpy_has_derivatives_of_every_order():
    x = Tensor(3.0)
    y = square(square(x))
    for expected in (108.0, 108.0, 72.0, 24.0, 0.0):
        y = gradients(y, x, create_graph=True)
        assert y.item() == expected


def test_defvjp_may_state_the_rules_later_and_again():
    @primitive()
    def triple(x):
        return 3 * x

    x = Tensor(1.0)
    with pytest.raises(
        TypeError, match=r"triple has no derivative rule.*mg\.defvjp\(triple, rule\)"
    ):
        triple(x)
    defvjp(triple, lambda g, y, x: 7 * g)
    defvjp(triple, lambda g, y, x: 3 * g)
    assert gradients(triple(x), x) == 3.0


def test_a_rule_must_be_callable():
    for wrong in (3, "g"):
        with pytest.raises(TypeError, match=r"a VJP rule of .*lambda.* must be callable, not"):
            defvjp(lambda x: x, wrong)
    with pytest.raises(TypeError, match="must be callable"):
        primitive(joint=3)(lambda x: x)


def test_options_reach_the_function_and_its_rules():
    a, b = Tensor(2.0), Tensor(5.0)
    y = product(a, b, scale=10.0)
    assert y.item() == 100.0
    assert gradients(y, [a, b]) == [50.0, 20.0]


def test_operands_are_found_in_keywords():
    a, b = Tensor(2.0), Tensor(5.0)
    for y in (product(a, b=b), product(b=b, a=a), product(2.0, b=b), np.multiply(a, b)):
        assert gradients(y, b) == 2.0
    x = Tensor([[1.0, 2.0]])
    assert gradients(np.sum(a=x), x).tolist() == [[1.0, 1.0]]
    assert gradients(np.sum(np.clip(x, a_min=a, a_max=9.0)), a) == 1.0


def test_a_tensor_for_an_option_is_refused():
    with pytest.raises(TypeError, match=r"scale=.*\.data"):
        product(Tensor(1.0), 2.0, scale=Tensor(3.0))


def test_a_tensor_where_the_table_has_no_rule_is_refused():
    half = primitive(lambda g, y, a, b: g)(lambda a, b: a + b)
    with pytest.raises(TypeError, match=r"argument 1 of .*lambda.*no derivative rule"):
        half(Tensor(1.0), Tensor(2.0))
    with pytest.raises(TypeError, match=r"Tensor"):
        np.sum(Tensor([1.0]), Tensor(0.0))


def test_a_tensor_inside_a_list_is_never_a_constant():
    take = primitive(lambda g, y, x, rest: g)(lambda x, rest: x + len(rest))
    for rest in ([Tensor(1.0)], (Tensor(1.0),), [[Tensor(1.0)]], [1.0, (2.0, Tensor(1.0))]):
        with pytest.raises(TypeError, match="inside a list"):
            take(Tensor(1.0), rest)


def test_a_tensor_inside_a_dict_is_never_a_constant():
    take = primitive(lambda g, y, x, rest: g)(lambda x, rest: x + len(rest))
    with pytest.raises(TypeError, match="Tensor"):
        take(Tensor(1.0), {"a": Tensor(2.0)})


# ---- options without a rule ----------------------------------------------------------------------
UNKNOWN = {
    "np.sum(out=)": lambda x: np.sum(x, out=np.zeros(())),
    "np.exp(dtype=)": lambda x: np.exp(x, dtype=np.float32),
    "np.add(casting=)": lambda x: np.add(x, 1.0, casting="unsafe"),
    "np.matmul(axes=)": lambda x: np.matmul(x, x, axes=[(0,), (0,), ()]),
    "np.clip(out=)": lambda x: np.clip(x, 0, 1, out=np.zeros(2)),
    "np.concatenate(out=)": lambda x: np.concatenate([x, x], out=np.zeros(4)),
    "np.reshape(order='A')": lambda x: np.reshape(x, (2, 1), order="A"),
    "np.ravel(order='K')": lambda x: np.ravel(x, order="K"),
    "np.ravel(order='A')": lambda x: np.ravel(x, order="A"),
    "np.broadcast_to(subok=)": lambda x: np.broadcast_to(x, (2, 2), subok=True),
    "np.sum(x, None, None, out)": lambda x: np.sum(x, None, None, np.zeros(())),
    "np.dot(out=)": lambda x: np.dot(x, x, out=np.zeros(())),
    "np.dot(x, x, out)": lambda x: np.dot(x, x, np.zeros(())),
    "np.copy(subok=)": lambda x: np.copy(x, subok=True),
    "np.full_like(shape=)": lambda x: np.full_like(x, x[0], shape=(3,)),
    "np.full_like(dtype=)": lambda x: np.full_like(x, x[0], dtype=np.float32),
    "np.where(x > 0, out)": lambda x: np.exp(x, np.zeros(2)),
}


@pytest.mark.parametrize("name", UNKNOWN)
def test_an_option_without_a_rule_is_refused_at_the_forward_call(name):
    with pytest.raises(TypeError):
        UNKNOWN[name](Tensor([1.0, 2.0]))


def test_the_refusal_names_the_function_and_the_option():
    x = Tensor([1.0, 2.0])
    with pytest.raises(TypeError, match=r"np\.broadcast_to with subok="):
        np.broadcast_to(x, (2, 2), subok=True)
    with pytest.raises(TypeError, match=r"np\.exp with dtype="):
        np.exp(x, dtype=np.float32)


@pytest.mark.parametrize("join", [np.concatenate, np.stack, np.vstack, np.hstack])
def test_joining_converts_and_its_gradient_converts_back(join):
    x = Tensor([1.0, 2.0])
    y = join([x, [3.0, 4.0]], dtype=np.float32)
    assert y.dtype == np.float32
    g = gradients(np.sum(y), x)
    assert (g.dtype, g.tolist()) == (x.dtype, [1.0, 1.0])


def test_options_at_their_defaults_are_accepted():
    x = Tensor([1.0, 2.0])
    assert np.sum(x, axis=None, dtype=None, out=None, keepdims=False).item() == 3.0
    assert np.concatenate([x, x], axis=0, out=None).shape == (4,)
    assert np.sum(x, 0, None, None, True).shape == (1,)


def test_a_dtype_for_a_sum_is_undone_in_its_gradient():
    x = Tensor(np.ones(3, np.float32))
    y = np.sum(x, dtype=np.float64)
    assert y.dtype == np.float64
    assert gradients(y, x).dtype == np.float32


# ---- constants are what they were when the call was recorded -------------------------------------
def read_only_view(a):
    view = a.view()
    view.flags.writeable = False
    return view


scaled = primitive(lambda g, y, x, factors: g * factors[0])(lambda x, factors: x * factors[0])

CONSTANTS = {
    "an operand": (np.array([2.0, 3.0]), lambda x, c: x * c),
    "an operand of an array operator": (np.array([2.0, 3.0]), lambda x, c: c / x),
    "a read-only view": (np.array([2.0, 3.0]), lambda x, c: x * read_only_view(c)),
    "a broadcast view": (np.array([2.0]), lambda x, c: x * np.broadcast_to(c, (2,))),
    "a slice of a view": (np.array([2.0, 3.0, 4.0]), lambda x, c: x * read_only_view(c[1:])[:2]),
    "a mask": (np.array([True, False]), lambda x, c: np.where(c, x, 0.0)),
    "an integer index": (np.array([0, 0]), lambda x, c: x[c] * np.array([2.0, 3.0])),
    "a list index": ([0, 0], lambda x, c: x[c] * np.array([2.0, 3.0])),
    "a mask index": (np.array([True, False]), lambda x, c: x[c] * 3.0),
    "an index in a tuple": (np.array([0, 0]), lambda x, c: x[(c,)] * 2.0),
    "an index to write at": (np.array([0]), lambda x, c: x.at[c].set(0.0)),
    "a list to write at": ([0], lambda x, c: x.at[c].set(0.0)),
    "a tuple to write at": (np.array([0]), lambda x, c: x.at[(c,)].set(0.0)),
    "an array in a tuple": (np.array([2.0, 3.0]), lambda x, c: scaled(x, (c,))),
    "an array in a dict": (np.array([2.0, 3.0]), lambda x, c: scaled(x, {0: c})),
    "a value to multiply by later": (np.array([2.0, 3.0]), lambda x, c: np.dot(x, c)),
    "repeats": (np.array([0, 2]), lambda x, c: np.repeat(x, c, axis=0)),
    "repeats by keyword": (np.array([0, 2]), lambda x, c: np.repeat(x, repeats=c, axis=0)),
    "repeats in a list": ([0, 2], lambda x, c: np.repeat(x, c)),
    "a list of operands": (np.array([2.0, 3.0]), lambda x, c: np.stack([x, c]) * c),
    "an exponent": (np.array([2.0, 3.0]), lambda x, c: x**c),
    "bounds": (np.array([0.0, 5.0]), lambda x, c: np.clip(x, c, None)),
    "a shift": ([1], lambda x, c: np.roll(x, c, axis=(0,)) * np.array([2.0, 3.0])),
}


class Column:
    """What knows how to become an array, as the columns of tables do."""

    def __init__(self, array):
        self.array = array

    def __array__(self, dtype=None, copy=None):
        return self.array

    def __gt__(self, other):
        return Column(self.array > other)


@pytest.mark.parametrize("f", [np.multiply, np.matmul, np.dot, np.convolve, lambda t, c: t[c > 0]])
def test_what_becomes_an_array_is_kept_as_it_was(f):
    t, a = Tensor([1.0, 2.0]), np.array([3.0, 5.0])
    column = Column(a)
    y = f(t, column)
    expected = gradients(np.sum(f(t, a)), t)
    a[:] = 0
    assert np.array_equal(gradients(np.sum(y), t), expected)


@pytest.mark.parametrize("name", CONSTANTS)
def test_writing_into_a_constant_after_the_call_changes_no_gradient(name):
    constant, call = CONSTANTS[name]
    constant = constant.copy()
    x = Tensor([1.5, 2.5])
    y = np.sum(call(x, constant))
    before, value = gradients(y, x), y.item()
    constant[:] = constant[::-1] if len(set(constant)) > 1 else [1 - constant[0]] * len(constant)
    np.testing.assert_array_equal(gradients(y, x), before)
    assert y.item() == value
    assert np.sum(call(x, constant)).item() != value or np.any(
        gradients(np.sum(call(x, constant)), x) != before
    ), "the write would have mattered"


SEEN_OTHERWISE = {  # arrays over somebody's memory that do not show whose it is
    "windows": lambda a: np.lib.stride_tricks.sliding_window_view(a, 2)[:, 0],
    "strides": lambda a: np.lib.stride_tricks.as_strided(a, writeable=False),
    "memoryview": lambda a: np.asarray(memoryview(a).toreadonly()),
    "buffer": lambda a: np.frombuffer(memoryview(a).toreadonly()),
    "read-only view": lambda a: np.broadcast_to(a, a.shape),
}


@pytest.mark.parametrize("view", SEEN_OTHERWISE.values(), ids=SEEN_OTHERWISE)
def test_a_constant_in_memory_of_somebody_elses_is_kept_as_it_was(view):
    memory = np.full(3, 3.0)
    constant, x = view(memory), Tensor(2.0)
    y = np.sum(x**2 * constant) / constant.size
    memory[:] = 6.0
    assert gradients(y, x) == 12.0


def test_a_view_of_a_borrowed_or_frozen_array_is_not_copied():
    window = np.lib.stride_tricks.sliding_window_view
    for owner in (borrowed(np.ones(4)), freeze(np.ones(4))):
        for view in (owner[1:], window(owner, 2), np.broadcast_to(owner, (2, 4))):
            assert freeze(view) is view


def test_a_leaf_does_not_follow_the_array_it_was_made_of():
    a = np.array([1.0, 2.0])
    x = Tensor(a)
    a[:] = 9.0
    assert x.tolist() == [1.0, 2.0]


def test_a_cotangent_that_is_written_into_later_changes_no_second_derivative():
    x, v = Tensor([1.0, 2.0]), np.ones(2)
    g = gradients(x * x, x, v, create_graph=True)
    v[:] = 5.0
    assert gradients(np.sum(g), x).tolist() == [2.0, 2.0]


def test_recording_leaves_the_callers_arrays_writable():
    c = np.array([2.0, 3.0])
    Tensor([1.0, 1.0]) * c
    assert c.flags.writeable


# ---- names ---------------------------------------------------------------------------------------
def test_functions_are_named_as_a_person_writes_them():
    assert called(np.exp) == "np.exp"
    assert called(np.sum) == "np.sum"
    assert called(np.linalg.norm) == "np.linalg.norm"
    assert called(product) == "product"


def test_write_refuses_what_does_not_fit_and_stamps_nothing():
    W = Tensor([1.0, 2.0])
    y = np.sum(W * W)
    with pytest.raises(ValueError, match="broadcast"):
        write(W, np.ones(3))
    assert gradients(y, W).tolist() == [2.0, 4.0]
