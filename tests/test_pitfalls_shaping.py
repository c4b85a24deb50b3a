"""Shaping, selecting, padding and updating at the points where it is easy to be wrong."""

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from domains import shaping
from hypothesis import given
from hypothesis import strategies as st
from numpy.lib.stride_tricks import sliding_window_view

from minigrad import Tensor, gradients
from minigrad.derivatives.indexing import scatter
from minigrad.derivatives.refusals import REFUSALS
from minigrad.table import RULES
from minigrad.tensor import ADAPTERS
from minigrad.updates import places, repeats


def slope(f, at, v=None):
    """Differentiate f at a point: its pullback, of ones or of v."""
    x = Tensor(at)
    y = f(x)
    return gradients(y, x, np.ones(y.shape) if v is None else np.asarray(v, float)).tolist()


def slopes(f, *at):
    """Differentiate f by each argument."""
    xs = [Tensor(a) for a in at]
    y = f(*xs)
    return [g.tolist() for g in gradients(y, xs, np.ones(y.shape))]


def hessian(f, at):
    """Differentiate twice a function with a scalar value, of a vector."""
    x = Tensor(at)
    g = gradients(f(x), x, create_graph=True)
    return [gradients(g[i], x).tolist() for i in range(len(at))]


# ---- the forward values are NumPy's --------------------------------------------------------------
@pytest.mark.parametrize("function", shaping.DOMAINS, ids=lambda f: f.__name__)
@given(data=st.data())
def test_the_recorded_value_is_that_of_numpy(function, data):
    s = data.draw(shaping.DOMAINS[function])
    recorded, plain = s.call(*s.tensors()), s.call(*s.leaves)
    assert isinstance(recorded, Tensor)
    assert recorded.dtype == plain.dtype
    np.testing.assert_array_equal(recorded.data, plain)


def test_aliases_are_the_functions_that_they_stand_for():
    assert np.permute_dims is np.transpose
    assert np.concat is np.concatenate


# ---- the places that an index names --------------------------------------------------------------
def parts_of_an_index(n):
    arrays = hnp.arrays(
        int, st.sampled_from([(2,), (1,), (3, 2), (), (1, 2)]), elements=st.integers(-n, n - 1)
    )
    plain = [st.none(), st.just(...), st.slices(n), st.integers(-n, n - 1), st.booleans()]
    return st.one_of(*plain, hnp.arrays(bool, n), arrays, arrays)


@given(data=st.data())
def test_places_are_those_of_numpys_own_indexing(data):
    shape = (data.draw(st.sampled_from([2, 3])),) * data.draw(st.integers(1, 4))
    index = tuple(data.draw(st.lists(parts_of_an_index(shape[0]), max_size=5)))
    x = np.arange(np.prod(shape)).reshape(shape)
    try:
        expected = x[index]
    except IndexError:
        return
    if repeats(index):
        np.testing.assert_array_equal(places(index, shape), expected)
    g = np.cos(np.arange(expected.size)).reshape(expected.shape)
    total = np.zeros(shape)
    np.add.at(total, index, g)
    np.testing.assert_allclose(scatter(g, index, shape), total, rtol=1e-14, atol=1e-14)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble])
def test_rows_of_a_table_that_are_taken_often_get_the_sum(dtype):
    table, ids = np.zeros((5, 3), dtype), np.array([[4, 0, 4], [-1, 2, 4]])
    expected = np.zeros((5, 3))
    np.add.at(expected, ids, 1.0)
    for take in (lambda x: x[ids], lambda x: np.take(x, ids, axis=0)):
        assert slope(take, table) == expected.tolist()
    one = slope(lambda x: np.take(x, ids), table)
    assert np.ravel(one).tolist() == [1, 0, 1, 0, 3, *[0] * 9, 1]
    x = Tensor(table)
    first = gradients(np.sum(np.take(x, ids) ** 2), x, create_graph=True)
    assert gradients(np.sum(first), x).tolist() == (2 * np.array(one)).tolist()
    assert slope(lambda x: x[np.array([3, 1, 4, 0, 2])], table) == np.ones((5, 3)).tolist()


def test_many_halves_are_summed_in_float32():
    x = Tensor(np.zeros(2, np.float16))
    assert gradients(x[np.zeros(4000, int)], x, np.ones(4000)).tolist() == [4000.0, 0.0]
    y = Tensor(np.zeros(5000, np.float16))
    windows = sliding_window_view(y, 2500)
    assert gradients(windows, y, np.ones(windows.shape))[2500] == 2500.0


# ---- updates by index ----------------------------------------------------------------------------
def test_a_factor_has_the_product_of_the_others_without_division():
    x, v, i = Tensor([5.0, 7.0]), Tensor([0.0, 2.0, 3.0]), np.array([0, 0, 0])
    y = x.at[i].mul(v)
    assert y.tolist() == [0.0, 7.0]
    dx, dv = gradients(y, [x, v], np.ones(2))
    assert dx.tolist() == [0.0, 1.0]
    assert dv.tolist() == [30.0, 0.0, 0.0]


@pytest.mark.parametrize("v", [[0.0, 2.0, 3.0], [0.0, 0.0, 3.0], [0.0, 0.0, 0.0], [5.0, 2.0, 3.0]])
def test_the_hessian_of_a_product_at_one_entry_with_zeros(v):
    a, b, c = v

    def f(v):
        return Tensor([1.0, 1.0]).at[np.array([1, 1, 1])].mul(v)[1]

    assert hessian(f, v) == [[0, c, b], [c, 0, a], [b, a, 0]]


@given(data=st.data())
def test_the_products_of_the_others_by_brute_force(data):
    n = data.draw(st.integers(1, 12))
    index = data.draw(hnp.arrays(int, n, elements=st.integers(-3, 2)))
    value = data.draw(hnp.arrays(float, n, elements=st.sampled_from([0.0, -1.0, 2.0, 3.0])))
    expected = [
        np.prod([value[j] for j in range(n) if j != i and (index[j] - index[i]) % 3 == 0])
        for i in range(n)
    ]
    assert slope(lambda v: Tensor(np.ones(3)).at[index].mul(v), value) == expected


def test_values_that_broadcast_to_an_index_of_two_axes_are_all_used():
    i = np.zeros((2, 2), int)
    x, v = Tensor([1.0, 1.0]), Tensor([3.0, 5.0])
    assert x.at[i].add(v).tolist() == [17.0, 1.0]
    assert x.at[i].mul(v).tolist() == [225.0, 1.0]
    assert gradients(x.at[i].add(v), v, np.ones(2)).tolist() == [2.0, 2.0]
    assert gradients(x.at[i].mul(v), v, np.ones(2)).tolist() == [150.0, 90.0]


@pytest.mark.parametrize(("put", "best"), [("max", 9.0), ("min", -9.0)])
def test_ties_of_an_extreme_by_index_share_the_gradient_evenly(put, best):
    x, v, i = Tensor([best, 1.0]), Tensor([best, 0.0, best]), np.array([0, 0, 0])
    y = getattr(x.at[i], put)(v)
    assert y.tolist() == [best, 1.0]
    dx, dv = gradients(y, [x, v], np.ones(2))
    assert dx.tolist() == [1 / 3, 1.0]
    assert dv.tolist() == [1 / 3, 0.0, 1 / 3]


@pytest.mark.parametrize("put", ["max", "min"])
def test_an_extreme_by_index_that_is_nan_gives_its_gradient_to_the_nan(put):
    x, v = Tensor([np.nan, 1.0, 2.0]), Tensor([0.0, np.nan])
    dx, dv = gradients(getattr(x.at[:2], put)(v), [x, v], np.ones(3))
    assert dx.tolist() == [1.0, 0.0, 1.0]
    assert dv.tolist() == [0.0, 1.0]


def test_an_extreme_in_float32_of_values_in_float64_is_found_again():
    x = Tensor(np.zeros(2, np.float32))
    v = Tensor([0.1, 0.7])
    assert gradients(x.at[:].max(v), v, np.ones(2)).tolist() == [1.0, 1.0]


def test_the_last_of_the_values_for_an_entry_alone_has_its_gradient():
    x, v = Tensor(np.ones((2, 2))), Tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    y = x.at[np.array([0, 1, -2])].set(v)
    dx, dv = gradients(y, [x, v], np.array([[7.0, 0.0], [9.0, 10.0]]))
    assert dx.tolist() == [[0.0, 0.0], [0.0, 0.0]]
    assert dv.tolist() == [[0.0, 0.0], [9.0, 10.0], [7.0, 0.0]]


def test_updates_leave_the_array_as_it_was():
    x = Tensor([1.0, 2.0])
    for put in ("set", "add", "mul", "max", "min"):
        getattr(x.at[[0, 0]], put)(7.0)
    assert x.tolist() == [1.0, 2.0]


# ---- choices -------------------------------------------------------------------------------------
def test_the_first_true_condition_selects():
    a = np.array([True, True, False, False])
    b = np.array([True, False, True, False])
    x, y, z = [1.0] * 4, [2.0] * 4, 3.0
    assert slopes(lambda x, y, z: np.select([a, b], [x, y], z), x, y, z) == [
        [1, 1, 0, 0],
        [0, 0, 1, 0],
        1.0,
    ]


def test_choices_out_of_range_wrap_or_clip_as_numpy_says():
    a = np.array([-1, 2, 5])

    def f(mode):
        return slopes(lambda x, y: np.choose(a, [x, y], mode=mode), [1.0] * 3, [2.0] * 3)

    assert f("wrap") == [[0, 1, 0], [1, 0, 1]]
    assert f("clip") == [[1, 0, 0], [0, 1, 1]]
    three = [[1.0] * 3, [2.0] * 3, [3.0] * 3]
    clipped = slopes(lambda *xs: np.choose(a, xs, mode="clip"), *three)
    assert clipped == [[1, 0, 0], [0, 0, 0], [0, 1, 1]]
    wrapped = slopes(lambda *xs: np.choose(a, xs, mode="wrap"), *three)
    assert wrapped == [[0, 0, 0], [0, 0, 0], [1, 1, 1]]


@pytest.mark.parametrize(("mode", "expected"), [("wrap", [0, 1, 2]), ("clip", [1, 0, 2])])
def test_indices_out_of_range_wrap_or_clip_as_numpy_says(mode, expected):
    assert (
        slope(lambda x: np.take(x, [-4, 5, 4 if mode == "clip" else 1], mode=mode), np.ones(3))
        == expected
    )


def test_the_later_of_two_true_pieces_wins_and_none_is_zero():
    conditions = [np.array([True, True, False]), np.array([False, True, False])]
    x = np.array([1.0, 2.0, 3.0])

    def f(x):
        return np.piecewise(x, conditions, [lambda v: 10 * v, lambda v: 100 * v])

    assert f(Tensor(x)).tolist() == f(x).tolist() == [10.0, 200.0, 0.0]
    assert slope(f, x) == [10.0, 100.0, 0.0]


def test_a_tensor_as_a_piece_has_its_gradient():
    x, c = Tensor([-1.0, 1.0, 2.0]), Tensor(5.0)
    y = np.piecewise(x, [x > 0], [c, np.negative])
    assert y.tolist() == [1.0, 5.0, 5.0]
    assert gradients(y, c, np.ones(3)) == 2.0


def test_a_piecewise_function_of_constants_is_still_a_tensor():
    assert slope(lambda x: np.piecewise(x, [x > 0], [1.0, 2.0]), [-1.0, 1.0]) == [0.0, 0.0]


def test_zeros_are_trimmed_at_the_ends_alone():
    assert slope(np.trim_zeros, [0.0, 1.0, 0.0, 2.0, 0.0]) == [0, 1, 1, 1, 0]
    assert slope(lambda x: np.trim_zeros(x, "f"), [0.0, 1.0, 0.0]) == [0, 1, 1]
    assert slope(np.trim_zeros, [0.0, -0.0]) == [0, 0]
    assert np.trim_zeros(Tensor([0.0, 0.0])).shape == (0,)


NOT_TAKEN = {
    "take": lambda x: np.take(x, [0]),
    "take_along_axis": lambda x: np.take_along_axis(x, np.array([0]), 0),
    "compress": lambda x: np.compress([True, False], x),
    "extract": lambda x: np.extract([True, False], x),
    "delete": lambda x: np.delete(x, 1),
    "resize": lambda x: np.resize(x, 1),
    "unstack": lambda x: np.split(x, 2)[0],
    "hsplit": lambda x: np.hsplit(x, 2)[0],
    "choose": lambda x: np.choose([0, 1], [x, np.ones(2)]),
    "select": lambda x: np.select([np.array([True, False])], [x]),
    "triu": lambda x: np.triu(np.reshape(x, (2, 1))),
    "tril": lambda x: np.tril(np.reshape(x, (1, 2))),
    "piecewise": lambda x: np.piecewise(x, [np.array([True, False])], [np.negative]),
    "minimum by index": lambda x: x.at[1].min(5.0),
    "maximum by index": lambda x: (-x).at[1].max(-5.0),
}


@pytest.mark.parametrize("name", NOT_TAKEN)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_an_entry_that_is_not_taken_does_not_leak(name):
    grad = slope(lambda x: NOT_TAKEN[name](np.exp(x)), [0.5, 1000.0])
    assert abs(grad[0]) == pytest.approx(np.exp(0.5))
    assert grad[1] == 0.0


# ---- insertion, deletion, repetition -------------------------------------------------------------
def test_insertion_at_one_place_twice_and_deletion_of_nothing_and_everything():
    assert slopes(lambda a, v: np.insert(a, [1, 1], v), [1.0, 2.0], [3.0, 4.0]) == [[1, 1], [1, 1]]
    assert slopes(lambda a, v: np.insert(a, [0, 2], v), [1.0, 2.0], 3.0) == [[1, 1], 2.0]
    assert slopes(lambda a, v: np.insert(a, 1, v, axis=1), np.ones((2, 2)), [1.0, 2.0]) == [
        [[1, 1], [1, 1]],
        [1, 1],
    ]
    assert slope(lambda x: np.delete(x, []), [1.0, 2.0]) == [1, 1]
    assert slope(lambda x: np.delete(x, slice(None)), [1.0, 2.0]) == [0, 0]


@pytest.mark.filterwarnings("ignore:in the future insert:FutureWarning")
def test_a_mask_as_a_place_of_insertion_is_read_as_numpy_reads_it():
    mask, v = np.array([True, False, True]), np.array([3.0, 5.0, 7.0])
    inserted = np.insert(np.zeros(3), mask, 1.0)
    dx, dv = slopes(lambda a, v: np.insert(a, mask, v), np.ones(3), 1.0)
    assert (dx, dv) == ([1, 1, 1], np.sum(inserted))
    assert slope(lambda x: np.delete(x, mask), v) == [0, 1, 0]


@pytest.mark.parametrize("repeats", [0, 1, 3, np.array([2]), [1, 0, 2]])
@pytest.mark.parametrize("axis", [0, 1, 2, -1, None])
def test_each_copy_of_an_entry_adds_its_gradient(repeats, axis):
    x = np.arange(27.0 if axis is not None else 3.0).reshape((3, 3, 3) if axis is not None else 3)
    copies = np.repeat(x.astype(int), repeats, axis)
    v = np.cos(np.arange(copies.size)).reshape(copies.shape)
    expected = np.bincount(copies.ravel(), v.ravel(), minlength=x.size).reshape(x.shape)
    found = slope(lambda x: np.repeat(x, repeats, axis), x, v)
    np.testing.assert_allclose(found, expected, rtol=1e-14, atol=1e-14)


def test_an_array_is_resized_by_whole_rounds_and_a_part():
    v = np.array([1.0, 10.0, 100.0, 1000.0, 10000.0])
    assert slope(lambda x: np.resize(x, 5), [1.0, 2.0], v) == [10101.0, 1010.0]
    assert slope(lambda x: np.resize(x, (0, 2)), [1.0, 2.0]) == [0, 0]
    assert slope(lambda x: np.resize(x, 3), []) == []


# ---- windows -------------------------------------------------------------------------------------
@pytest.mark.parametrize("window", [1, 2, 5, 6])
def test_an_entry_has_the_gradients_of_all_windows_that_it_is_in(window):
    expected = np.convolve(np.ones(7 - window), np.ones(window))
    assert slope(lambda x: sliding_window_view(x, window), np.ones(6)) == expected.tolist()


def test_two_windows_along_one_axis_add_up():
    x = np.arange(5.0)
    v = np.cos(np.arange(2 * 2 * 3)).reshape(2, 2, 3)
    view = sliding_window_view(x, (2, 3), axis=(0, 0))
    expected = [np.sum(v[view == k]) for k in x]
    assert view.shape == (2, 2, 3)
    found = slope(lambda x: sliding_window_view(x, (2, 3), axis=(0, 0)), x, v)
    np.testing.assert_allclose(found, expected, rtol=1e-14)


# ---- margins -------------------------------------------------------------------------------------
LINEAR = ["constant", "edge", "wrap", "reflect", "symmetric", "linear_ramp", "mean"]


@pytest.mark.parametrize("mode", LINEAR)
@pytest.mark.parametrize("reflect_type", ["even", "odd"])
@pytest.mark.parametrize("n", [1, 2, 3, 20])
@pytest.mark.parametrize("width", [(0, 0), (1, 0), (2, 3), (9, 4), (0, 30)])
def test_the_gradient_of_padding_is_the_transpose_of_padding_the_identity(
    mode, reflect_type, n, width
):
    if reflect_type == "odd" and mode not in ("reflect", "symmetric"):
        return
    options = {"reflect_type": "odd"} if reflect_type == "odd" else {}
    matrix = np.pad(np.eye(n), (width, (0, 0)), mode=mode, **options)
    v = np.cos(np.arange(len(matrix)))
    found = slope(lambda x: np.pad(x, width, mode=mode, **options), np.arange(1.0, n + 1), v)
    np.testing.assert_allclose(found, v @ matrix, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("mode", "best"), [("maximum", 9.0), ("minimum", -9.0)])
def test_a_tie_in_the_margin_is_shared(mode, best):
    assert slope(lambda x: np.pad(x, (1, 0), mode=mode), [best, 0.0, best]) == [1.5, 1.0, 1.5]


def test_a_margin_of_few_entries_knows_those_alone():

    def f(x):
        return np.pad(x, (2, 1), mode="mean", stat_length=(1, 2))

    assert slope(f, [1.0, 2.0, 3.0]) == [3.0, 1.5, 1.5]


@pytest.mark.parametrize("width", [2, (1, 2), [[1, 2], [0, 3]], np.array([[1, 2], [0, 3]])])
def test_widths_are_read_in_every_form(width):
    x = np.arange(6.0).reshape(2, 3)
    for mode in LINEAR:
        np.testing.assert_array_equal(
            np.pad(Tensor(x), width, mode=mode).data, np.pad(x, width, mode=mode)
        )
    assert slope(lambda x: np.pad(x, width), x) == np.ones((2, 3)).tolist()


def test_widths_by_axis_in_a_dict_are_read():
    x = np.arange(6.0).reshape(2, 3)
    assert np.pad(Tensor(x), {0: 1, -1: (2, 0)}).shape == (4, 5)
    assert slope(lambda x: np.pad(x, {-1: (2, 0)}, mode="edge"), x)[0] == [3.0, 1.0, 1.0]


def test_nothing_is_padded_by_nothing():
    for mode in LINEAR:
        assert slope(lambda x, mode=mode: np.pad(x, 0, mode=mode), [1.0, 2.0]) == [1.0, 1.0]
        assert slope(lambda x, mode=mode: np.pad(x, 0, mode=mode), 5.0) == 1.0
        assert (
            slope(lambda x, mode=mode: np.pad(x, ((0, 0), (1, 1)), mode=mode), np.ones((0, 2)))
            == []
        )
        with pytest.raises(ValueError, match="empty axis"):
            np.pad(Tensor([]), 1, mode="wrap")


@pytest.mark.skipif(
    not {np.median} & (ADAPTERS.keys() | RULES.keys()), reason="np.median has no derivative yet"
)
def test_the_median_beside_an_array_has_its_gradient():
    assert slope(lambda x: np.pad(x, (1, 0), mode="median"), [1.0, 5.0, 3.0]) == [1.0, 1.0, 2.0]


@pytest.mark.parametrize(
    ("pad", "told"),
    [
        (lambda t: np.pad(t, 1, mode="empty"), "mode='empty'"),
        (lambda t: np.pad(t, 1, mode=lambda *a: None), "has no derivative: use mode='constant'"),
        (lambda t: np.pad(t, 1, constant_values=t[0]), "constant_values= .* np.concatenate"),
        (lambda t: np.pad(t, 1, mode="linear_ramp", end_values=t[0]), "end_values= .*Tensor"),
    ],
)
def test_a_margin_without_derivative_is_refused(pad, told):
    with pytest.raises(TypeError, match=told):
        pad(Tensor([1.0, 2.0]))


# ---- several arrays into one ---------------------------------------------------------------------
def test_blocks_of_different_widths_fit_when_their_sums_do():
    a, b, c = np.ones((1, 3)), np.ones((2, 1)), np.ones((2, 2))
    y = np.block([[Tensor(a)], [Tensor(b), Tensor(c)]])
    np.testing.assert_array_equal(y.data, np.block([[a], [b, c]]))


@pytest.mark.parametrize(
    "nest", [lambda t: [[t], (t,)], lambda t: [[t], t], lambda t: [[]], lambda t: [[t], []]]
)
def test_blocks_that_numpy_refuses_are_refused(nest):
    with pytest.raises((TypeError, ValueError)):
        np.block(nest(np.ones(2)))
    with pytest.raises((TypeError, ValueError)):
        Tensor([1.0]).__array_function__(np.block, (), (nest(Tensor([1.0])),), {})


# ---- in place: refused with what to write instead ------------------------------------------------
WRITING = {
    np.put: lambda t: np.put(t, [0], 1.0),
    np.place: lambda t: np.place(t, t > 0, [1.0]),
    np.putmask: lambda t: np.putmask(t, t > 0, 1.0),
    np.copyto: lambda t: np.copyto(np.ones(2), t),
    np.put_along_axis: lambda t: np.put_along_axis(t, np.array([0]), 1.0, 0),
    np.fill_diagonal: lambda t: np.fill_diagonal(np.reshape(t, (1, 2)), 1.0),
    np.save: lambda t: np.save("t.npy", t),
    np.savez: lambda t: np.savez("t.npz", t=t),
    np.savez_compressed: lambda t: np.savez_compressed("t.npz", t),
    np.savetxt: lambda t: np.savetxt("t.txt", t),
}


def test_every_refusal_is_tested():
    assert WRITING.keys() == REFUSALS.keys()


@pytest.mark.parametrize("function", WRITING, ids=lambda f: f.__name__)
def test_a_refusal_names_the_function_and_the_remedy(function):
    with pytest.raises(
        TypeError, match=rf"np\.{function.__name__} of a Tensor .*(x\.at|np\.|\.data)"
    ):
        WRITING[function](Tensor([1.0, 2.0]))


def test_the_remedies_do_what_they_replace():
    x = np.array([[1.0, -2.0], [3.0, -4.0]])
    t, mask = Tensor(x), x < 0
    put, placed, filled, along = x.copy(), x.copy(), x.copy(), x.copy()
    np.put(put, [3, 0], [7.0, 8.0])
    assert t.at[np.unravel_index([3, 0], t.shape)].set([7.0, 8.0]).tolist() == put.tolist()
    np.place(placed, mask, [7.0, 8.0])
    assert t.at[mask].set([7.0, 8.0]).tolist() == placed.tolist()
    np.putmask(filled, mask, 0.0)
    assert np.where(mask, 0.0, t).tolist() == filled.tolist()
    np.fill_diagonal(filled, 5.0)
    assert np.where(mask, 0.0, t).at[np.diag_indices(2)].set(5.0).tolist() == filled.tolist()
    np.put_along_axis(along, np.array([[0], [1]]), 9.0, 1)
    index = np.array([[0], [1]]), np.array([[0], [1]])
    assert t.at[index].set(9.0).tolist() == along.tolist()
