"""The strategies that people import: what they draw, what they shrink to, what Hypothesis knows."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad.testing import strategies as mgst

TOP = Path(mg.__file__).parents[1]
FLOATS = [np.float64, np.float32, np.float16]
each_dtype = pytest.mark.parametrize("dtype", FLOATS)


def simplest(strategy, condition=lambda value: True):
    """What a person sees of all that has the property."""
    unexplained = settings(phases=[Phase.generate, Phase.shrink], database=None, max_examples=1000)
    return find(strategy, condition, settings=unexplained)


def drawn(strategy, condition):
    """Something that has the property, not the simplest."""
    many = settings(phases=[Phase.generate], database=None, max_examples=2000)
    return find(strategy, condition, settings=many)


def distances(x):
    """Distances of neighbours in the order of size."""
    return np.diff(np.sort(x, axis=None))


# ---- shapes and numbers --------------------------------------------------------------------------
@given(mgst.shapes(1, 2, min_side=0, max_side=4))
def test_shapes_keep_their_bounds(shape):
    assert 1 <= len(shape) <= 2
    assert all(0 <= side <= 4 for side in shape)


def test_most_shapes_that_may_be_empty_are_not():
    seen = []

    @given(mgst.shapes(3, 3, min_side=0))
    def look(shape):
        seen.append(0 in shape)

    look()
    assert np.mean(seen) < 0.6


@each_dtype
@given(st.data())
def test_smooth_floats_keep_their_distance_and_are_numbers_of_the_dtype(dtype, data):
    x = data.draw(mgst.smooth_floats(-3, 5, kinks=[-1, 0.1], margin=0.3, dtype=dtype))
    assert -3 <= x <= 5
    assert min(abs(x + 1), abs(x - 0.1)) >= 0.3
    assert float(dtype(x)) == x


def test_smooth_floats_draws_on_every_side_of_the_kinks():
    sides = mgst.smooth_floats(kinks=[-1, 0, 1])
    for low, high in ((-2, -1), (-1, 0), (0, 1), (1, 2)):
        assert low < simplest(sides, lambda x, low=low, high=high: low < x < high) < high


def test_kinks_everywhere_leave_nothing_to_draw():
    with pytest.raises(ValueError, match=r"no number from 0 to 1 keeps a distance of 2"):
        mgst.smooth_floats(0, 1, margin=2)


@each_dtype
@given(st.data())
def test_arrays_have_the_dtype_and_no_kink_at_zero(dtype, data):
    x = data.draw(mgst.arrays(dtype=dtype))
    assert x.dtype == dtype
    assert x.ndim <= 3
    assert np.all(np.abs(x) >= 0.125)
    assert np.all(np.abs(x) <= 2)


@pytest.mark.parametrize("layout", ["C", "F", "reversed", "strided", "any"])
@given(st.data())
def test_a_layout_changes_where_numbers_lie_and_nothing_else(layout, data):
    x = data.draw(mgst.arrays((3, 2), layout=layout))
    assert x.shape == (3, 2)
    flags = {"C": x.flags.c_contiguous, "F": x.flags.f_contiguous}
    assert flags.get(layout, layout == "any" or not any(flags.values()))
    assert (x.strides[0] < 0) == (layout == "reversed") or layout == "any"


def test_entries_of_an_array_are_drawn_one_by_one():
    x = simplest(mgst.arrays((2, 3)), lambda x: len(np.unique(x)) == x.size)
    assert x.shape == (2, 3)


def test_an_unknown_layout_is_refused():
    with pytest.raises(ValueError, match="any or one of C, F, reversed, strided: 'K'"):
        mgst.arrays(layout="K")


@given(mgst.broadcastable(3, max_dims=2))
def test_broadcastable_arrays_broadcast(abc):
    a, b, c = abc
    assert (a + b + c).ndim <= 2


@given(mgst.broadcastable(2, elements=[mgst.smooth_floats(), mgst.smooth_floats(0.5, 2)]))
def test_each_broadcastable_operand_has_numbers_of_its_own(pair):
    assert np.all(pair[1] >= 0.5)


@given(st.data(), mgst.arrays(dtype=np.float32))
def test_a_cotangent_is_shaped_like_the_output_and_nowhere_zero(data, y):
    for like in (y, mg.Tensor(y)):
        dout = data.draw(mgst.cotangents(like))
        assert dout.shape == y.shape
        assert dout.dtype == y.dtype
        assert np.all(dout != 0)
    assert data.draw(mgst.cotangents(y.shape)).dtype == np.float64


@given(mgst.well_separated(mgst.shapes(min_side=0), gap=0.3))
def test_no_two_entries_are_near_each_other(x):
    assert np.all(distances(x) >= 0.3 - 1e-12)
    assert np.all(distances(x) <= 0.6 + 1e-12)


@given(mgst.well_separated((2, 2), min_value=3))
def test_separated_entries_begin_where_they_are_told(x):
    assert x.min() == pytest.approx(3)


def test_every_order_of_separated_entries_is_drawn():
    for place in range(3):
        drawn(mgst.well_separated(3), lambda x, place=place: np.argmax(x) == place)


# ---- matrices ------------------------------------------------------------------------------------
leads = st.sampled_from([(), (2,), (0,)])


@given(mgst.spd(lead=leads))
def test_spd_matrices_are_symmetric_with_positive_eigenvalues_apart(A):
    assert np.array_equal(A, np.swapaxes(A, -1, -2))
    w = np.linalg.eigvalsh(A)
    assert np.all(w > 0.5 - 1e-9)
    assert np.all(np.diff(w) > 0.5 - 1e-9)


@given(mgst.invertible(lead=leads))
def test_invertible_matrices_are_well_conditioned(A):
    s = np.linalg.svd(A, compute_uv=False)
    assert np.all(s > 0.5 - 1e-9)
    assert np.all(np.linalg.cond(A) <= 6 + 1e-9) if A.size else True
    assert np.all(np.abs(A @ np.linalg.inv(A) - np.eye(A.shape[-1])) < 1e-12)


def test_matrices_have_the_size_lead_and_dtype_that_were_asked_for():
    A = simplest(mgst.spd(2, lead=(3,), dtype=np.float32))
    assert (A.shape, A.dtype) == ((3, 2, 2), np.float32)


def test_matrices_are_not_all_diagonal():
    for strategy in (mgst.spd(2), mgst.invertible(2)):
        assert drawn(strategy, lambda A: A[0, 1] > 0.1).shape == (2, 2)


# ---- indices, labels, batches --------------------------------------------------------------------
@given(st.data(), mgst.shapes(min_side=0))
def test_every_index_fits_its_shape(data, shape):
    x = np.zeros(shape)
    assert isinstance(x[data.draw(mgst.indices(shape))], (np.ndarray, np.floating))
    basic = x[data.draw(mgst.indices(shape, advanced=False))]
    assert basic.ndim == 0 or basic.size == 0 or np.shares_memory(basic, x)


@pytest.mark.parametrize(
    "wanted",
    [
        lambda i: isinstance(i, slice) and i.step not in (None, 1),
        lambda i: isinstance(i, tuple) and any(part is None for part in i),
        lambda i: isinstance(i, np.ndarray) and i.dtype == bool and i.shape == (3,) and any(i),
        lambda i: isinstance(i, np.ndarray) and i.dtype == int and len(i) > len(set(i.tolist())),
        lambda i: isinstance(i, list) and -1 in i,
    ],
)
def test_every_kind_of_index_is_drawn(wanted):
    drawn(mgst.indices((3,)), wanted)


@given(st.data(), st.integers(0, 4), st.integers(1, 4))
def test_labels_are_classes_in_each_form(data, n, k):
    t = data.draw(mgst.labels(n, k))
    assert t.shape == (n,)
    assert np.all((t >= 0) & (t < k))
    rows = data.draw(mgst.labels(n, k, form="one-hot"))
    assert rows.shape == (n, k)
    assert np.array_equal(np.sort(rows, axis=1)[:, -1:], np.ones((n, 1)))
    p = data.draw(mgst.labels(n, k, form="probabilities"))
    np.testing.assert_allclose(p.sum(axis=1), np.ones(n))
    assert data.draw(mgst.labels(n, k, form="any")).shape in ((n,), (n, k))


def test_an_unknown_form_is_refused():
    with pytest.raises(ValueError, match="one of indices, one-hot, probabilities, not 'hot'"):
        mgst.labels(2, 2, form="hot")


@given(st.data())
def test_a_batch_fits_every_loss(data):
    n, d, k = (data.draw(st.integers(1, 3)) for _ in "ndk")
    for loss in (mg.SoftmaxWithLoss(), mg.SigmoidWithLoss(), mg.MeanSquaredError()):
        x, t = data.draw(mgst.batches(d, k, rows=n, loss=loss))
        assert x.shape == (n, d)
        net = mg.Sequential(mg.Affine(d, k, rng=0), loss=loss)
        assert np.isfinite(net.loss(x, t))


def test_the_targets_of_an_unknown_loss_are_the_callers():
    with pytest.raises(TypeError, match="does not know the targets of 'mine'"):
        simplest(mgst.batches(loss="mine"))


# ---- layers and networks -------------------------------------------------------------------------
@given(st.data(), st.integers(1, 3), st.integers(1, 3))
def test_a_layer_takes_and_gives_as_many_features_as_were_asked_for(data, n_in, n_out):
    x = data.draw(mgst.arrays((2, n_in)))
    assert data.draw(mgst.layers(n_in)).forward(x).shape[0] == 2
    assert data.draw(mgst.layers(n_in, n_out)).forward(x).shape == (2, n_out)


@given(st.data(), st.integers(1, 3), st.integers(1, 3))
def test_a_network_takes_and_gives_as_many_features_as_were_asked_for(data, n_in, n_out):
    net = data.draw(mgst.networks(n_in, n_out))
    x, t = data.draw(mgst.batches(n_in, n_out))
    assert net.predict(x).shape == (len(x), n_out)
    assert net.gradient(x, t).keys() == net.params.keys()


class Mine(mg.Affine):
    """Somebody's own dense layer."""


@given(st.data())
def test_layers_of_your_own_stand_in_random_networks(data):
    net = data.draw(mgst.networks(2, 2, dense=lambda a, b: st.builds(Mine, st.just(a), st.just(b))))
    assert any(isinstance(layer, Mine) for layer in net.structure().inner)


@pytest.mark.parametrize("kind", [mgst.Residual, mgst.Branches, mg.Dropout, mg.Sequential])
def test_networks_have_inner_networks(kind):
    holds = drawn(mgst.networks(2, 2), lambda net: any(isinstance(x, kind) for x in net))
    assert holds.predict(np.ones((3, 2))).shape == (3, 2)


def test_some_networks_use_a_layer_twice():
    net = drawn(mgst.networks(1, 1), lambda net: len({*map(id, net)}) < len(net))
    assert len(net) >= 4


# ---- what a person sees --------------------------------------------------------------------------
def falsifying(test):
    """The example that Hypothesis prints under a failure, without spaces and comments."""
    with pytest.raises(AssertionError) as caught:
        test()
    return re.sub(r"# .*|\s", "", "".join(caught.value.__notes__))


def test_the_simplest_of_everything_is_read_at_a_glance():
    assert simplest(mgst.shapes()) == ()
    assert simplest(mgst.smooth_floats()) == 1.0
    assert simplest(mgst.arrays(2)).tolist() == [1.0, 1.0]
    assert simplest(mgst.well_separated(2)).tolist() == [-0.25, 0.0]
    assert simplest(mgst.spd(2)).tolist() == [[0.5, 0.0], [0.0, 1.0]]
    assert simplest(mgst.labels(2, 3)).tolist() == [0, 0]
    assert repr(simplest(mgst.networks()).layers) == "(Affine(1, 1),)"


def test_a_mistake_with_broadcasting_shrinks_to_two_rows():
    def wrong(ab):
        a, b = ab
        return (a + b).shape != b.shape and b.ndim == 1

    a, b = simplest(mgst.broadcastable(), wrong)
    assert a.size + b.size <= 4


def test_a_wrong_index_shrinks_to_the_index():
    assert len(repr(simplest(mgst.indices((3,)), lambda i: np.zeros(3)[i].shape == (2,)))) < 30


def test_a_network_that_fails_is_printed_in_one_line():
    @given(net=mgst.networks())
    def test(net):
        assert len(net.layers[0].params) < 2

    affine = r"Affine\(1,1(,bias=True,rng=0,)?\)"  # by repr, or as Hypothesis saw the call
    assert re.search(rf"net=Sequential\({affine},loss=SoftmaxWithLoss\(\)\)", falsifying(test))


# ---- types ---------------------------------------------------------------------------------------
@given(st.from_type(mg.Tensor), st.from_type(mg.Affine), st.from_type(mg.Dropout))
def test_tensors_and_layers_are_drawn_from_their_types(tensor, affine, dropout):
    assert isinstance(tensor, mg.Tensor)
    assert type(affine) is mg.Affine
    x = np.ones((2, affine.params["W"].shape[0]))
    assert np.array_equal(dropout.forward(x), dropout.forward(x)) or dropout.dropout_ratio


@given(...)
def test_annotations_are_enough(
    layer: mg.Layer, net: mg.Network, chain: mg.Sequential, loss: mg.layers.Loss
):
    assert isinstance(layer, mg.Layer)
    assert isinstance(net, mg.Network)
    assert type(chain) is mg.Sequential
    assert isinstance(loss, mg.layers.Loss)


@given(st.from_type(mg.Tanh), st.from_type(mg.LeakyReLU))
def test_layers_without_arguments_need_no_strategy_of_their_own(tanh, leaky):
    assert (repr(tanh), repr(leaky)) == ("Tanh()", "LeakyReLU(0.01)")


# ---- when it is loaded ---------------------------------------------------------------------------
def fresh(program):
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        env={**os.environ, "PYTHONPATH": str(TOP)},
        capture_output=True,
        text=True,
    )
    return done.stdout + done.stderr


def test_types_are_known_where_hypothesis_is_imported_first():
    order = "import hypothesis.strategies as st; import minigrad as mg"  # else: test_pytest_plugin
    drawn = "print(__import__('hypothesis').find(st.from_type(mg.Affine), bool))"
    assert fresh(f"{order}; {drawn}") == "Affine(1, 1)\n"


def test_the_hooks_load_nothing():
    loaded = "print(sorted({'numpy', 'minigrad', 'hypothesis', 'pytest'} & set(sys.modules)))"
    hooked = "from minigrad_hooks import for_hypothesis as h; h.register()"
    assert fresh(f"import sys; {hooked}; {loaded}") == "[]\n"


def test_without_hypothesis_one_sentence_says_what_to_install():
    program = (
        "import sys; sys.modules['hypothesis'] = None\n"
        "import minigrad\n"
        "try: from minigrad.testing import strategies\n"
        "except ImportError as error: print(error)"
    )
    assert fresh(program) == (
        "minigrad.testing.strategies and gradtest need Hypothesis: pip install hypothesis, or "
        "minigrad's extra `test`\n"
    )
