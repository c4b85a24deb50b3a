"""Networks of static layers play a recording: the same bits as a walk through a fresh graph."""

import copy
import itertools
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

import minigrad as mg
from minigrad import networks

BETWEEN = (
    mg.Flatten,
    mg.ReLU,
    mg.LeakyReLU,
    mg.ELU,
    mg.Sigmoid,
    mg.Tanh,
    mg.GELU,
    mg.SiLU,
    mg.Softplus,
    mg.Softmax,
)


@st.composite
def static_networks(draw):
    """A Sequential of static layers, one perhaps twice, and a function that draws batches."""
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    widths = draw(st.lists(st.integers(1, 4), min_size=2, max_size=4))
    layers = []
    for i, (n_in, n_out) in enumerate(itertools.pairwise(widths)):
        bias = draw(st.booleans())
        layers.append(mg.Affine(n_in, n_out, bias=bias, dtype=dtype, rng=i))
        layers += [make() for make in draw(st.lists(st.sampled_from(BETWEEN), max_size=2))]
    if draw(st.booleans()):
        tied = mg.Affine(widths[-1], widths[-1], dtype=dtype, rng=9)
        layers += [tied, mg.Tanh(), tied]
    loss = draw(st.sampled_from([mg.SoftmaxWithLoss, mg.SigmoidWithLoss, mg.MeanSquaredError]))()
    net = mg.Sequential(*layers, loss=loss)
    kind = draw(st.sampled_from(["classes", "rows"]))

    def batch(rng, rows):
        x = rng.normal(size=(rows, widths[0])).astype(dtype)
        if isinstance(loss, mg.SoftmaxWithLoss) and kind == "classes":
            return x, rng.integers(0, widths[-1], rows)
        t = rng.uniform(0.1, 1, (rows, widths[-1]))
        return x, (t / t.sum(axis=1, keepdims=True)).astype(dtype)

    return net, batch


def recorded(net):
    """The recording that the network plays for batches like the latest, if there is one."""
    return net._memory.recordings._recording


def walked(net, x, t):
    """The gradients without a recording."""
    return networks.Network.gradient(net, x, t)


def bits(grads):
    return {name: (g.dtype, g.shape, g.tobytes()) for name, g in grads.items()}


@given(static_networks(), st.lists(st.integers(1, 3), min_size=1, max_size=8), st.integers(0, 99))
def test_a_recording_has_the_bits_of_a_walk(made, rows, seed):
    net, batch = made
    rng = np.random.default_rng(seed)
    for n in rows:
        for _ in range(3):
            x, t = batch(rng, n)
            assert bits(net.gradient(x, t)) == bits(walked(net, x, t))
            for p in net.params.values():
                p += rng.normal(size=p.shape) * 0.1
        assert recorded(net) is not None


@pytest.mark.parametrize("make", [*BETWEEN, lambda: mg.LeakyReLU(0.3), lambda: mg.ELU(0.3)])
def test_each_static_layer_is_recorded(make):
    net = mg.Sequential(
        mg.Affine(3, 4, rng=0), make(), mg.Affine(4, 2, rng=1), loss=mg.SoftmaxWithLoss()
    )
    x, t = np.random.default_rng(0).normal(size=(6, 3)), np.array([0, 1, 0, 1, 0, 1])
    for _ in range(3):
        assert bits(net.gradient(x, t)) == bits(walked(net, x, t))
    assert recorded(net) is not None


def test_every_layer_that_says_so_is_tested():
    static = {
        c for c in vars(mg).values() if isinstance(c, type) and getattr(c, "is_static", False)
    }
    losses = {mg.SoftmaxWithLoss, mg.SigmoidWithLoss, mg.MeanSquaredError}
    assert static == {mg.Affine, *BETWEEN, *losses}


def test_the_pieces_of_a_network_are_all_recorded():
    net = mg.mlp([3, 4, 2], rng=0)
    x, t = np.ones((5, 3)), np.zeros(5, int)
    net.gradient(x, t)
    assert recorded(net) is None
    net.gradient(x, t)
    assert recorded(net) is not None


# ---- what was handed out is never touched again --------------------------------------------------
class Keeper(RuleBasedStateMachine):
    """Somebody keeps every result, and uses networks and optimizers in any order."""

    @initialize(made=static_networks(), seed=st.integers(0, 99))
    def begin(self, made, seed):
        self.net, self.batch = made
        self.rng = np.random.default_rng(seed)
        self.optimizers = [mg.SGD(1e-3), mg.Adam(1e-3), mg.Momentum(1e-3)]  # none diverges
        self.kept, self.copies = [], []

    def keep(self, *arrays):
        for array in arrays:
            for other in (*self.kept, *self.net.params.values()):
                assert not np.shares_memory(array, other)
            self.kept.append(array)
            self.copies.append(array.copy())

    @rule(rows=st.integers(1, 2))
    def gradient(self, rows):
        x, t = self.batch(self.rng, rows)
        grads = self.net.gradient(x, t)
        self.keep(x, *grads.values())
        self.keep(*self.net.gradient(x, t).values())

    @rule(rows=st.integers(1, 2), which=st.integers(0, 2))
    def train(self, rows, which):
        for _ in range(3):
            x, t = self.batch(self.rng, rows)
            grads = self.net.gradient(x, t)
            self.optimizers[which].update(self.net.params, grads)
            self.keep(*grads.values())

    @rule(rows=st.integers(1, 3))
    def look(self, rows):
        x, _t = self.batch(self.rng, rows)
        self.keep(self.net.predict(x), *self.net.state_dict().values())
        for optimizer in self.optimizers:
            self.keep(*[a for a in optimizer.state_dict().values() if a.ndim])

    @rule()
    def forward_and_backward(self):
        x, _t = self.batch(self.rng, 2)
        y = self.net.forward(x)
        self.keep(y, self.net.backward(np.ones_like(y)), *self.net.grads.values())

    @rule()
    def spoil_the_latest(self):
        if self.kept:
            self.kept[-1][...] = np.nan
            self.copies[-1][...] = np.nan

    @invariant()
    def nothing_kept_has_changed(self):
        for array, copied in zip(
            getattr(self, "kept", []), getattr(self, "copies", []), strict=True
        ):
            assert np.array_equal(array, copied, equal_nan=True)


TestKeeper = Keeper.TestCase


# ---- what makes a recording stale ----------------------------------------------------------------
def warm(make=lambda: mg.mlp([3, 4, 2], rng=0)):
    net = make()
    x, t = np.random.default_rng(0).normal(size=(5, 3)), np.array([0, 1, 0, 1, 1])
    for _ in range(3):
        net.gradient(x, t)
    return net, x, t


def leaky():
    return mg.Sequential(
        mg.Affine(3, 2, rng=0), mg.LeakyReLU(0.1), mg.Affine(2, 2, rng=1), loss=mg.SoftmaxWithLoss()
    )


def change_slope(net):
    net[1].slope = 0.5


def change_weights(net):
    net[0].W = mg.Tensor(np.ones((3, len(net[0].b))))


def drop_bias(net):
    del net[2].b


def change_loss(net):
    net.loss_layer = mg.SoftmaxWithLoss()
    net.layers = (*net.layers, mg.Tanh())


@pytest.mark.parametrize("change", [change_slope, change_weights, drop_bias, change_loss])
def test_a_changed_network_is_recorded_anew(change):
    net, x, t = warm(leaky)
    before = net.gradient(x, t)
    change(net)
    assert bits(net.gradient(x, t)) == bits(walked(net, x, t)) != bits(before)


def test_a_changed_rule_is_seen():
    net, x, t = warm()
    rules = mg.table.RULES[mg.relu]
    before = net.gradient(x, t)
    try:
        mg.defvjp(mg.relu, lambda g, y, x: 3 * g * (y > 0))
        assert np.allclose(net.gradient(x, t)["W1"], 3 * before["W1"])
    finally:
        mg.defvjp(mg.relu, *rules)


@pytest.mark.parametrize("twin", [copy.deepcopy, lambda net: pickle.loads(pickle.dumps(net))])
def test_a_copy_plays_nothing_of_the_original(twin):
    net, x, t = warm()
    other = twin(net)
    other.params["W1"] *= 2
    assert bits(other.gradient(x, t)) == bits(walked(other, x, t))
    assert bits(net.gradient(x, t)) == bits(walked(net, x, t))


# ---- what is not recorded ------------------------------------------------------------------------
class Doubling(mg.Layer):
    def __call__(self, x):
        return x * 2


CALLS = []


class Steeper(mg.Tanh):
    def __call__(self, x):
        CALLS.append(x)
        return super().__call__(x) * len(CALLS)


class Named(mg.Sequential):
    pass


@pytest.mark.parametrize(
    "make",
    [
        lambda: mg.mlp([3, 4, 2], dropout=0.5, rng=0),
        lambda: mg.Sequential(mg.Affine(3, 2, rng=0), Doubling(), loss=mg.SoftmaxWithLoss()),
        lambda: mg.Sequential(mg.Affine(3, 2, rng=0), Steeper(), loss=mg.SoftmaxWithLoss()),
        lambda: mg.Sequential(mg.Flatten(), mg.Affine(3, 2, rng=0), loss=mg.SoftmaxWithLoss()),
        lambda: Named(mg.Affine(3, 2, rng=0), loss=mg.SoftmaxWithLoss()),
        lambda: mg.Sequential(
            mg.Sequential(mg.Affine(3, 2, rng=0)), mg.Tanh(), loss=mg.SoftmaxWithLoss()
        ),
    ],
    ids=[
        "Dropout",
        "a layer of one's own",
        "a layer that counts",
        "what was made of the batch alone",
        "a subclass",
        "a network inside",
    ],
)
def test_what_may_change_from_call_to_call_is_not_recorded(make):
    CALLS.clear()
    net, x, t = warm(make)
    assert recorded(net) is None
    CALLS.clear()
    twin = make()
    for _ in range(3):
        walked(twin, x, t)
    after = CALLS.copy()
    expected = walked(twin, x, t)
    CALLS[:] = after
    assert bits(net.gradient(x, t)) == bits(expected)


def test_targets_that_are_converted_are_not_recorded():
    net = mg.mlp([3, 4, 2], rng=0, dtype=np.float32)
    x, rows = np.ones((2, 3), np.float32), np.eye(2)
    for t in (rows, rows[::-1], rows):
        assert bits(net.gradient(x, t)) == bits(walked(net, x, t))


# ---- errors are those of the walk ----------------------------------------------------------------
BAD = {
    "a class too high": lambda x, t: (x, t + 1),
    "a class below 0": lambda x, t: (x, t - 1),
    "another width": lambda x, t: (x[:, :2], t),
    "too few targets": lambda x, t: (x, t[:-1]),
    "targets that are floats": lambda x, t: (x, t.astype(float)),
    "an empty batch": lambda x, t: (x[:0], t[:0]),
}


@pytest.mark.parametrize("spoil", BAD.values(), ids=BAD)
def test_a_bad_batch_is_refused_as_by_the_walk(spoil):
    net, x, t = warm()
    bad = spoil(x, t)
    with pytest.raises((ValueError, TypeError)) as expected:
        walked(net, *bad)
    for _ in range(3):
        with pytest.raises(expected.type) as error:
            net.gradient(*bad)
        assert str(error.value) == str(expected.value)


def test_rows_of_no_probabilities_are_refused():
    net = mg.mlp([3, 4, 2], rng=0)
    x, rows = np.ones((2, 3)), np.eye(2)
    for _ in range(3):
        net.gradient(x, rows)
    with pytest.raises(ValueError, match="rows of probabilities"):
        net.gradient(x, rows * 2)


def test_nan_comes_through():
    net, x, t = warm()
    x[0, 0] = np.nan
    assert bits(net.gradient(x, t)) == bits(walked(net, x, t))
    assert np.isnan(net.gradient(x, t)["W1"]).any()
