"""Each method is the NumPy function of its name: the same values, the same gradient."""

import numpy as np
import pytest

from minigrad import Tensor, gradients
from minigrad.methods import ArrayMethods
from minigrad.updates import multiplied_at

A = np.array([[0.5, -1.0, 2.0], [3.0, 0.25, -0.75]])

METHODS = {
    "sum": [
        *((np.sum, (), {}), (np.sum, (0,), {}), (np.sum, (), {"axis": 1, "keepdims": True})),
        *((np.sum, (0, np.float32), {}), (np.sum, (), {"where": A > 0, "initial": 2.0})),
    ],
    "mean": [
        (np.mean, (), {}),
        (np.mean, (), {"axis": (0, 1)}),
        (np.mean, (-1,), {"keepdims": True}),
    ],
    "max": [(np.max, (), {}), (np.max, (0,), {}), (np.max, (), {"axis": 1, "keepdims": True})],
    "min": [(np.min, (), {}), (np.min, (0,), {}), (np.min, (), {"axis": 1, "keepdims": True})],
    "prod": [(np.prod, (), {}), (np.prod, (0,), {}), (np.prod, (1,), {"keepdims": True})],
    "var": [(np.var, (), {}), (np.var, (), {"axis": 1, "ddof": 1})],
    "std": [(np.std, (), {}), (np.std, (), {"axis": 1, "ddof": 1})],
    "cumsum": [(np.cumsum, (), {}), (np.cumsum, (0,), {}), (np.cumsum, (), {"axis": 1})],
    "cumprod": [(np.cumprod, (), {}), (np.cumprod, (-1,), {}), (np.cumprod, (), {"axis": 0})],
    "diagonal": [(np.diagonal, (), {}), (np.diagonal, (1,), {}), (np.diagonal, (-1, 1, 0), {})],
    "trace": [(np.trace, (), {}), (np.trace, (1,), {}), (np.trace, (), {"offset": -1})],
    "clip": [(np.clip, (0, 1), {}), (np.clip, (), {"min": 0, "max": 1})],
    "dot": [(np.dot, (A.T,), {})],
    "conj": [(np.conjugate, (), {})],
    "conjugate": [(np.conjugate, (), {})],
    "copy": [(np.copy, (), {})],
    "reshape": [(np.reshape, ((3, 2),), {}), (np.reshape, (-1,), {}), (np.reshape, (6,), {})],
    "ravel": [(np.ravel, (), {}), (np.ravel, ("F",), {})],
    "flatten": [(np.ravel, (), {}), (np.ravel, (), {"order": "F"})],
    "transpose": [(np.transpose, (), {}), (np.transpose, ((0, 1),), {})],
    "swapaxes": [(np.swapaxes, (0, 1), {})],
    "squeeze": [(np.squeeze, (), {})],
    "repeat": [(np.repeat, (2,), {}), (np.repeat, ([1, 2],), {"axis": 0})],
    "take": [(np.take, ([5, 0, 0],), {}), (np.take, ([4, -1],), {"axis": 1, "mode": "wrap"})],
    "compress": [
        (lambda x, c, **k: np.compress(c, x, **k), ([True, False, True],), {"axis": 1}),
        (lambda x, c: np.compress(c, x), ([False, True],), {}),
    ],
}
CHOICES = {
    "argmax": [(np.argmax, (), {}), (np.argmax, (1,), {})],
    "argmin": [(np.argmin, (), {}), (np.argmin, (1,), {})],
    "argpartition": [(np.argpartition, (1,), {}), (np.argpartition, (1, 0), {})],
    "round": [(np.round, (), {}), (np.round, (1,), {})],
    "argsort": [(np.argsort, (), {}), (np.argsort, (0,), {})],
    "any": [(np.any, (), {}), (np.any, (), {"axis": 1, "keepdims": True})],
    "all": [(np.all, (), {}), (np.all, (0,), {})],
    "nonzero": [(np.nonzero, (), {})],
}
OTHERS = {"T", "mT", "at", "real", "imag", "searchsorted"}


def cases(table):
    return [(name, *case) for name, many in table.items() for case in many]


def test_every_method_is_tested():
    public = {name for name in vars(ArrayMethods) if not name.startswith("_")}
    assert public <= METHODS.keys() | CHOICES.keys() | OTHERS
    assert (CHOICES.keys() | OTHERS | {"sum", "reshape", "transpose", "clip"}) <= public


@pytest.mark.parametrize(("name", "function", "args", "keywords"), cases(METHODS))
def test_a_method_is_the_function_of_its_name(name, function, args, keywords):
    x = Tensor(A)
    by_method, by_function = getattr(x, name)(*args, **keywords), function(x, *args, **keywords)
    np.testing.assert_array_equal(by_method.data, by_function.data)
    np.testing.assert_array_equal(by_method.data, function(A, *args, **keywords))
    v = np.cos(np.arange(by_method.size)).reshape(by_method.shape)
    np.testing.assert_array_equal(gradients(by_method, x, v), gradients(by_function, x, v))


@pytest.mark.parametrize(("name", "function", "args", "keywords"), cases(CHOICES))
def test_a_choice_is_a_plain_array(name, function, args, keywords):
    chosen = getattr(Tensor(A), name)(*args, **keywords)
    assert not isinstance(chosen, Tensor)
    np.testing.assert_array_equal(chosen, function(A, *args, **keywords))


def test_a_place_among_sorted_entries_is_a_plain_number():
    x = Tensor([0.5, 1.0, 2.0])
    assert x.searchsorted(1.0) == 1
    assert x.searchsorted([0.0, 1.0], side="right").tolist() == [0, 2]


def test_shapes_may_be_given_one_by_one():
    x = Tensor(A)
    assert x.reshape(3, 2).shape == x.reshape((3, 2)).shape == (3, 2)
    assert x.reshape(-1, 1).shape == (6, 1)
    assert Tensor([2.0]).reshape(()).shape == ()
    assert x.transpose(1, 0).shape == x.transpose((1, 0)).shape == x.T.shape == (3, 2)


def test_matrices_of_a_stack_are_transposed():
    x = Tensor(np.arange(12.0).reshape(2, 3, 2))
    np.testing.assert_array_equal(x.mT.data, x.data.mT)
    v = np.arange(12.0).reshape(2, 2, 3)
    np.testing.assert_array_equal(gradients(x.mT, x, v), v.mT)


def test_a_method_refuses_to_fill_an_array():
    with pytest.raises(TypeError, match=r"np\.sum with out= has no derivative rule"):
        Tensor(A).sum(0, None, np.zeros(3))


def test_a_scalar_reshapes_and_transposes_too():
    x = Tensor(2.0)
    assert x.T.shape == x.transpose().shape == ()
    assert x.reshape(1, 1).shape == (1, 1)
    assert x.ravel().shape == (1,)


def test_set_puts_values_and_cuts_the_gradient_there():
    x, v = Tensor([1.0, 2.0, 3.0]), Tensor([10.0, 20.0])
    y = x.at[1:].set(v)
    assert y.tolist() == [1.0, 10.0, 20.0]
    dx, dv = gradients(y, [x, v], np.array([1.0, 2.0, 3.0]))
    assert dx.tolist() == [1.0, 0.0, 0.0]
    assert dv.tolist() == [2.0, 3.0]
    assert x.tolist() == [1.0, 2.0, 3.0]


def test_add_adds_as_often_as_an_entry_is_named():
    x, v = Tensor([1.0, 2.0]), Tensor([10.0, 20.0])
    y = x.at[[0, 0]].add(v)
    assert y.tolist() == [31.0, 2.0]
    dx, dv = gradients(y, [x, v], np.array([5.0, 7.0]))
    assert dx.tolist() == [5.0, 7.0]
    assert dv.tolist() == [5.0, 5.0]


def test_the_last_value_written_wins_and_alone_has_a_gradient():
    x, v = Tensor([1.0, 2.0]), Tensor([10.0, 20.0, 30.0])
    y = x.at[[0, 0, -2]].set(v)
    assert y.tolist() == [30.0, 2.0]
    assert gradients(y, v, np.array([5.0, 7.0])).tolist() == [0.0, 0.0, 5.0]


@pytest.mark.parametrize("put", ["set", "add"])
def test_a_value_that_does_not_fit_is_refused_at_once(put):
    x = Tensor(np.ones((2, 3)))
    for value in (np.ones(2), np.ones((1, 4)), Tensor(np.ones(4))):
        with pytest.raises(ValueError, match=r"shape|broadcast|axes"):
            getattr(x.at[0], put)(value)


@pytest.mark.parametrize("put", ["set", "add"])
def test_a_value_with_leading_axes_of_one_fits_forward_and_backward_or_not_at_all(put):
    x, v = Tensor(np.ones((2, 3))), Tensor(np.ones((1, 3)))
    try:
        y = getattr(x.at[0], put)(v)
    except ValueError:
        return
    assert gradients(y, v, np.ones((2, 3))).tolist() == [[1.0, 1.0, 1.0]]


def test_at_needs_an_index():
    with pytest.raises((TypeError, AttributeError)):
        Tensor([1.0, 2.0]).at.set(0.0)


def test_updates_of_numbers_and_of_arrays_in_any_layout_are_those_of_numpy():
    index = np.array([0, 2, 0])
    for x in (np.arange(6.0).reshape(2, 3).T, np.asfortranarray(np.ones((3, 2)))):
        expected = x.copy()
        np.multiply.at(expected, index, 3.0)
        np.testing.assert_array_equal(multiplied_at(x, index, 3.0), expected)
    np.testing.assert_array_equal(multiplied_at(np.float64(2.0), (), 3.0), 6.0)


@pytest.mark.parametrize("name", [name for name in dir(np.ndarray) if not name.startswith("_")])
def test_what_a_tensor_lacks_of_an_array_is_said_and_not_listed(name):
    x = Tensor(A)
    assert hasattr(x, name) == (name in dir(x))
    if name not in dir(x):
        with pytest.raises(
            AttributeError, match=rf"a Tensor has no (method |\.){name}[,:]"
        ) as found:
            getattr(x, name)
        assert (found.value.name, found.value.obj) == (name, x)


def test_no_hook_stands_before_the_attributes():
    # In Python 3.11 each attribute would take three times as long: a quarter of the walk back.
    assert not hasattr(Tensor, "__getattr__")
    assert Tensor.__getattribute__ is object.__getattribute__
    with pytest.raises(AttributeError, match="'Tensor' object has no attribute 'shap'"):
        _ = Tensor(A).shap
