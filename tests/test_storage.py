"""Parameters in files: what was saved is loaded, nothing else is, and nothing is half done."""

import os
import pickle
import zipfile

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad import storage

shapes = hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3)
dtypes = st.sampled_from([np.float16, np.float32, np.float64])
names = st.text("abcdW0123456789._- /é'", min_size=1, max_size=8)
layouts = st.sampled_from([np.copy, np.asfortranarray, lambda a: a.T, lambda a: a[..., ::-1]])


@st.composite
def states(draw):
    """Named arrays of any shape, float dtype and memory layout."""
    state = {}
    for name in draw(st.lists(names, max_size=4, unique=True)):
        array = draw(hnp.arrays(draw(dtypes), draw(shapes)))
        state[name] = draw(layouts)(array) if array.ndim else array
    return state


def same(a, b):
    return a.keys() == b.keys() and all(
        (a[k].dtype, a[k].shape) == (b[k].dtype, b[k].shape)
        and np.array_equal(a[k], b[k], equal_nan=True)
        for k in a
    )


def net(seed=0):
    return mg.mlp([2, 3, 2], rng=seed)


def saved(folder, seed=1):
    """A file of a network that is not `net()`."""
    path = folder / "net.npz"
    net(seed).save(path)
    return path


def refuses(path, error=ValueError, match=None):
    """Loading raises, and leaves the network as it was."""
    loading = net()
    with pytest.raises(error, match=match):
        loading.load(path)
    assert same(loading.state_dict(), net().state_dict())


class Trap:
    """Unpickling it leaves a file behind."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


# ---- round trips ---------------------------------------------------------------------------------


@given(states())
def test_what_is_saved_is_loaded_bit_for_bit(tmp_path_factory, state):
    path = tmp_path_factory.mktemp("state") / "state.npz"
    storage.save(path, state)
    assert same(storage.load(path), state)


def test_a_network_comes_back_from_its_file(tmp_path):
    original, other = net(0), net(1)
    original.save(tmp_path / "net.npz")
    other.load(tmp_path / "net.npz")
    x = np.ones((4, 2))
    assert np.array_equal(other.predict(x), original.predict(x))
    other.params["b1"] += 1.0
    assert not np.array_equal(other.params["b1"], original.params["b1"])


def test_names_with_dots_a_number_and_a_transposed_matrix_come_back(tmp_path):
    class Net(mg.Network):
        def __init__(self, seed):
            super().__init__()
            rng = np.random.default_rng(seed)
            self.encoder = [mg.Affine(2, 3, rng=rng), {"deep": mg.Affine(3, 2, rng=rng)}]
            self.scale = mg.Tensor(rng.normal())
            self.M = mg.Tensor(rng.normal(size=(3, 2)).T)

        def __call__(self, x):
            return x

    original, other = Net(0), Net(1)
    original.save(tmp_path / "net.npz")
    other.load(tmp_path / "net.npz")
    assert {"encoder.0.W", "encoder.1.deep.b", "scale", "M"} < set(other.params)
    assert same(other.state_dict(), original.state_dict())


def test_a_file_fits_a_network_of_another_float_dtype(tmp_path):
    path = saved(tmp_path)
    halved = net().astype(np.float32)
    halved.load(path)
    assert same(halved.state_dict(), net(1).astype(np.float32).state_dict())


def test_the_file_is_written_to_exactly_the_path_that_is_given(tmp_path):
    for path in (tmp_path / "net", str(tmp_path / "net.params"), tmp_path / "net.npz"):
        net().save(path)
        net().load(path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["net", "net.npz", "net.params"]


def test_numpy_reads_what_is_saved(tmp_path):
    with np.load(saved(tmp_path), allow_pickle=False) as archive:
        assert same(dict(archive), net(1).state_dict())


def test_what_numpy_saves_is_loaded(tmp_path):
    for save in (np.savez, np.savez_compressed):
        save(tmp_path / "net.npz", **net(1).state_dict())
        loading = net()
        loading.load(tmp_path / "net.npz")
        assert same(loading.state_dict(), net(1).state_dict())


# ---- damaged and foreign files -------------------------------------------------------------------


def test_a_file_cut_off_anywhere_is_refused(tmp_path):
    path = saved(tmp_path)
    content = path.read_bytes()
    for length in range(0, len(content), 37):
        path.write_bytes(content[:length])
        refuses(path, match=r"net\.npz")


def test_a_file_with_a_wrong_byte_anywhere_is_refused_or_loaded_whole(tmp_path):
    path = saved(tmp_path)
    content = path.read_bytes()
    for place in range(0, len(content), 11):
        damaged = bytearray(content)
        damaged[place] ^= 0xFF
        path.write_bytes(damaged)
        loading = net()
        try:
            loading.load(path)
        except ValueError:
            assert same(loading.state_dict(), net().state_dict())


def test_a_pickle_that_calls_itself_npz_is_never_unpickled(tmp_path):
    trap, path = tmp_path / "sprung", tmp_path / "net.npz"
    path.write_bytes(pickle.dumps({"W1": Trap(trap)}))
    refuses(path, match=r"net\.npz")
    assert not trap.exists()


def test_objects_inside_an_npz_are_never_unpickled(tmp_path):
    trap, path = tmp_path / "sprung", tmp_path / "net.npz"
    state = net(1).state_dict()
    np.savez(path, **{**state, "b2": np.array([Trap(trap), None])}, allow_pickle=True)
    refuses(path, match=r"net\.npz")
    assert not trap.exists()


def write_npy(path):
    with open(path, "wb") as file:
        np.save(file, np.ones(3))


def write_text(path):
    path.write_text("W1 = [[1, 2], [3, 4]]")


def write_nothing(path):
    path.write_bytes(b"")


def write_zip_of_text(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("W1.npy", "no array")
        archive.writestr("README", "no array at all")


def write_absurd_shape(path):
    header = {"descr": "<f8", "fortran_order": False, "shape": (10**15,)}
    with zipfile.ZipFile(path, "w") as archive, archive.open("W1.npy", "w") as entry:
        np.lib.format.write_array_header_1_0(entry, header)


def write_empty_zip(path):
    zipfile.ZipFile(path, "w").close()


WRITERS = [write_npy, write_text, write_nothing, write_zip_of_text, write_absurd_shape]


@pytest.mark.parametrize("write", [*WRITERS, write_empty_zip])
def test_what_is_no_file_of_parameters_is_refused(tmp_path, write):
    path = tmp_path / "net.npz"
    write(path)
    refuses(path)


def test_a_refusal_names_the_file_and_no_internals(tmp_path):
    path = tmp_path / "net.npz"
    for write in WRITERS:
        write(path)
        with pytest.raises(ValueError, match=r"net\.npz is not") as refusal:
            storage.load(path)
        assert "context manager" not in str(refusal.value)


def test_a_file_of_another_network_is_refused_with_all_its_faults(tmp_path):
    path = tmp_path / "net.npz"
    mg.mlp([2, 5, 4, 2], rng=0).save(path)
    for fault in (
        r"W1 .*\(2, 5\).*\(2, 3\)",
        r"b1 .*\(5,\).*\(3,\)",
        "unexpected W3",
        "unexpected b3",
    ):
        refuses(path, match=fault)
    mg.mlp([2, 3], rng=0).save(path)
    refuses(path, match=r"missing W2 \(3, 2\).*missing b2 \(2,\)")


@pytest.mark.parametrize("dtype", ["<U3", "?", "c16", "M8[s]"])
def test_entries_that_are_no_real_numbers_are_refused(tmp_path, dtype):
    path = tmp_path / "net.npz"
    np.savez(path, **{**net(1).state_dict(), "b2": np.zeros(2).astype(dtype)})
    refuses(path, match="b2")


# ---- paths that are not there --------------------------------------------------------------------


def test_a_missing_file_or_folder_says_so(tmp_path):
    refuses(tmp_path / "net.npz", FileNotFoundError, r"net\.npz")
    refuses(tmp_path, (IsADirectoryError, PermissionError))
    with pytest.raises(FileNotFoundError, match="nowhere"):
        net().save(tmp_path / "nowhere" / "net.npz")
    (tmp_path / "file").write_text("")
    with pytest.raises(NotADirectoryError):
        net().save(tmp_path / "file" / "net.npz")
    with pytest.raises((IsADirectoryError, PermissionError)):
        net().save(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_a_failure_leaves_the_older_file_and_nothing_else(tmp_path):
    path = saved(tmp_path)
    before = path.read_bytes()
    with pytest.raises(ValueError, match=r"[Oo]bject"):
        storage.save(path, {"W": np.ones(3), "b": np.array([None])})
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["net.npz"]


@pytest.mark.skipif(os.name != "posix", reason="links and modes")
def test_a_file_that_is_read_while_it_is_replaced_stays_whole(tmp_path):
    path = saved(tmp_path)
    with np.load(path) as reading:
        net(2).save(path)
        assert np.array_equal(reading["W1"], net(1).params["W1"])
    loading = net()
    loading.load(path)
    assert same(loading.state_dict(), net(2).state_dict())


# ---- buffers: what training changes without a gradient -------------------------------------------


class Centred:
    """A book-like layer that remembers the mean of its batches, and scales."""

    def __init__(self):
        self.gamma, self.dgamma, self.mean = np.ones(2), None, None

    def forward(self, x, train_flg=True):
        if train_flg:
            self.mean = x.mean(0) if self.mean is None else 0.5 * self.mean + 0.5 * x.mean(0)
        self.xc = x - self.mean
        return self.gamma * self.xc

    def backward(self, dout):
        self.dgamma = np.sum(dout * self.xc, axis=0)
        return dout * self.gamma


class CentredOurs(mg.Layer):
    buffers = ("mean",)

    def __init__(self):
        self.gamma, self.mean = mg.Tensor(np.ones(2)), np.zeros(2)

    def __call__(self, x, train_flag=True):
        if train_flag:
            values = x.data if isinstance(x, mg.Tensor) else x
            self.mean = 0.5 * self.mean + 0.5 * np.mean(values, axis=0)
        return self.gamma * (x - self.mean)


class Undeclared(CentredOurs):
    buffers = None


class Held(mg.Network):
    def __init__(self, layer):
        super().__init__(loss=mg.SoftmaxWithLoss())
        self.parts_of_it = [{"a": layer}]

    def __call__(self, x, train_flag=False):
        return self.parts_of_it[0]["a"](x, train_flag=train_flag)


def wrapped(**options):
    return mg.wrap(Centred(), param_grads={"gamma": "dgamma"}, **options)


KEEPING = {
    "wrapped": lambda: mg.Sequential(wrapped(buffers=["mean"]), loss=mg.SoftmaxWithLoss()),
    "ours": lambda: mg.Sequential(CentredOurs(), loss=mg.SoftmaxWithLoss()),
    "inside": lambda: Held(CentredOurs()),
}
BATCH = np.array([[1.0, 2.0], [5.0, -3.0], [0.5, 0.5]]), np.array([0, 1, 0])


@pytest.mark.parametrize("make", KEEPING.values(), ids=KEEPING)
def test_buffers_are_saved_and_loaded_with_the_parameters(tmp_path, make):
    trained, fresh = make(), make()
    for _ in range(3):
        trained.gradient(*BATCH)
    trained.save(tmp_path / "net.npz")
    fresh.load(tmp_path / "net.npz")
    assert np.array_equal(fresh.predict(BATCH[0]), trained.predict(BATCH[0]))
    (name,) = trained.state_dict().keys() - trained.params.keys()
    assert name in {"0.mean", "parts_of_it.0.a.mean"}
    state = trained.state_dict()
    trained.gradient(*BATCH)
    assert np.array_equal(state[name], fresh.state_dict()[name])  # a copy


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda s: s.pop("0.mean"), r"missing 0\.mean \(2,\)"),
        (lambda s: s.update({"0.mean": np.ones(3)}), r"0\.mean has shape \(3,\)"),
        (lambda s: s.update({"0.mean": np.array("x")}), r"0\.mean holds"),
        (lambda s: s.update({"0.other": np.ones(2)}), r"unexpected 0\.other"),
    ],
)
def test_buffers_that_do_not_fit_are_refused_and_nothing_is_loaded(change, words):
    net = KEEPING["ours"]()
    state = {name: value + 1 for name, value in net.state_dict().items()}
    change(state)
    before = net.state_dict()
    with pytest.raises(ValueError, match=words):
        net.load_state_dict(state)
    assert same(net.state_dict(), before)


@pytest.mark.parametrize("layer", [wrapped, Undeclared])
def test_arrays_that_may_be_buffers_are_never_left_out_without_a_word(tmp_path, layer):
    net = mg.Sequential(layer(), loss=mg.SoftmaxWithLoss())
    net.gradient(*BATCH)
    with pytest.warns(UserWarning, match=r"net\[0\] \w+ keeps arrays that are not saved, mean"):
        net.save(tmp_path / "net.npz")
    net[0].buffers = ()  # the author has decided
    net.save(tmp_path / "net.npz")
    assert net.state_dict().keys() == net.params.keys()
