"""However arrays lie in memory, an update treats each entry as the plain rule does."""

import copy
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad.optimizers import Optimizer, blocks
from minigrad.optimizers.blocks import Job, Plan

EACH = [mg.SGD, mg.Momentum, mg.Nesterov, mg.AdaGrad, mg.RMSprop, mg.Adam, mg.AdamW]
each_optimizer = pytest.mark.parametrize("make", EACH, ids=lambda make: make.__name__)


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch):
    """Small arrays reach all paths: copied, in one buffer, long, in several blocks."""
    monkeypatch.setattr(blocks, "SMALL", 24)
    monkeypatch.setattr(blocks, "LONG", 64)
    monkeypatch.setattr(blocks, "BLOCK", 48)
    monkeypatch.setattr(blocks, "LEAST", 32)


def plainly(optimizer, params, grads, ts, states):
    """The rule on each array by itself; states by key, made at the first step."""
    for key, W in params.items():
        ts[key] = ts.get(key, 0) + 1
        own = states.setdefault(key, [np.zeros(W.shape, W.dtype) for _ in optimizer.states])
        flat = [a.reshape(-1) for a in (W, *own)]  # 0-d arrays become scalars in a rule
        optimizer.rule(flat[0], grads[key].reshape(-1), optimizer.rate, ts[key], *flat[1:])


LAYOUTS = {
    "its own": lambda a, spare: a.copy(),
    "in a buffer": lambda a, spare: spare(a),
    "Fortran": lambda a, spare: np.asfortranarray(a.copy()),
    "strided": lambda a, spare: np.repeat(a[..., None], 2, axis=-1)[..., 0],
    "a view": lambda a, spare: (
        np.concatenate([a.ravel(), [0]]).astype(a.dtype)[:-1].reshape(a.shape)
    ),
}


@st.composite
def parameter_sets(draw):
    """Arrays of every layout; those in the buffer in any order, some with a gap before them."""
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    shapes = draw(
        st.lists(
            st.lists(st.integers(0, 4), max_size=3).map(tuple),
            min_size=1,
            max_size=6,
        )
    )
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    buffer = np.zeros(1000, dtype)
    at = [0]

    def spare(a):
        at[0] += draw(st.sampled_from([0, 0, 0, 1]))
        place = buffer[at[0] : at[0] + a.size].reshape(a.shape)
        at[0] += a.size
        place[...] = a
        return place

    arrays = []
    for shape in shapes:
        a = rng.normal(size=shape).astype(dtype)
        kind = draw(st.sampled_from(["in a buffer", *LAYOUTS]))
        arrays.append(LAYOUTS[kind](a, spare))
    order = draw(st.permutations(range(len(arrays))))
    return {f"p{i}": arrays[i] for i in order}, rng


@each_optimizer
@given(parameter_sets(), st.lists(st.sampled_from("uuuunkplc"), min_size=1, max_size=8))
def test_an_update_is_the_plain_rule_however_arrays_lie(make, made, what):
    """u: update; n: a new parameter; k: a missing one; p: pickled; l: loaded; c: other arrays."""
    params, rng = made
    optimizer, plain = make(0.1), make(0.1)
    expected, ts, states = {key: p.copy() for key, p in params.items()}, {}, {}
    for i, step in enumerate(what):
        if step == "n":
            params[f"n{i}"] = np.ones((2, 3))
            expected[f"n{i}"] = np.ones((2, 3))
        elif step == "k" and len(params) > 1:
            gone = next(iter(params))
            del params[gone], expected[gone]
        elif step == "p":
            optimizer = copy.deepcopy(pickle.loads(pickle.dumps(optimizer)))
        elif step == "l":
            other = make(0.1)
            other.load_state_dict(optimizer.state_dict())
            optimizer = other
        elif step == "c":
            params = {key: p.copy() for key, p in params.items()}
        grads = {key: rng.normal(size=p.shape).astype(p.dtype) for key, p in params.items()}
        kept = {key: g.copy() for key, g in grads.items()}
        optimizer.update(params, grads)
        plainly(plain, expected, grads, ts, states)
        for key, p in params.items():
            assert p.tobytes() == expected[key].tobytes()
            assert np.array_equal(grads[key], kept[key])
    for key, own in states.items():
        for name, state in zip(optimizer.states, own, strict=True):
            assert getattr(optimizer, name)[key].tobytes() == state.tobytes()


def test_a_rule_that_is_not_elementwise_gets_whole_arrays():
    class Normalized(Optimizer):
        def rule(self, W, g, lr, t):
            W -= lr * g / np.linalg.norm(g)

    class NormalizedMomentum(mg.Momentum):
        def rule(self, W, g, lr, t, v):
            super().rule(W, g / np.linalg.norm(g), lr, t, v)

    for optimizer in (Normalized(1.0), NormalizedMomentum(1.0)):
        params = {"a": np.zeros((10, 10)), "b": np.zeros(2)}
        optimizer.update(params, {key: np.ones_like(p) for key, p in params.items()})
        assert np.allclose(params["a"], -0.1)
        assert np.allclose(params["b"], -np.sqrt(0.5))


def test_states_put_in_place_by_hand_are_used():
    optimizer, params = mg.Momentum(0.1, momentum=0.5), {"a": np.zeros(3), "b": np.zeros(2)}
    grads = {"a": np.zeros(3), "b": np.zeros(2)}
    optimizer.update(params, grads)
    optimizer.v["a"] = np.ones(3)
    optimizer.update(params, grads)
    assert np.allclose(params["a"], 0.5)


def test_counts_put_in_place_by_hand_are_used():
    params, grads = {"a": np.zeros(3), "b": np.zeros(2)}, {"a": np.ones(3), "b": np.ones(2)}
    optimizer, plain = mg.Adam(0.1), mg.Adam(0.1)
    expected, ts, states = {key: p.copy() for key, p in params.items()}, {}, {}
    for _ in range(3):
        optimizer.update(params, grads)
        plainly(plain, expected, grads, ts, states)
        optimizer.t["b"] = ts["b"] = 7
    for key, p in params.items():
        assert p.tobytes() == expected[key].tobytes()


@each_optimizer
@pytest.mark.parametrize("take", [lambda p: p, lambda p: p[::-1]], ids=["itself", "a view"])
def test_a_parameter_may_be_the_gradient_of_another(make, take):
    params = {"a": np.arange(1.0, 40), "b": np.arange(39.0) ** 2}
    expected = {key: p.copy() for key, p in params.items()}
    optimizer, plain, ts, states = make(0.1), make(0.1), {}, {}
    for _ in range(3):
        optimizer.update(params, {"a": take(params["b"]), "b": take(params["a"])})
        swapped = {"a": take(expected["b"]).copy(), "b": take(expected["a"]).copy()}
        plainly(plain, expected, swapped, ts, states)
        for key, p in params.items():
            assert p.tobytes() == expected[key].tobytes()


# ---- parameters in one buffer --------------------------------------------------------------------
def test_parameters_of_a_network_lie_end_to_end():
    net = mg.mlp([3, 4, 2], rng=0)
    owners = {id(p.base) for p in net.params.values()}
    assert len(owners) == 1
    (buffer,) = {id(p.base): p.base for p in net.params.values()}.values()
    assert buffer.tobytes() == b"".join(p.tobytes() for p in net.params.values())


def test_an_array_that_somebody_holds_goes_on_reaching_the_layer():
    layer = mg.Affine(2, 2, rng=0)
    W = layer.params["W"]
    view = mg.Affine(2, 2, rng=1)
    inside = view.W.data
    net = mg.Sequential(layer, view, loss=mg.SoftmaxWithLoss())
    W[...] = 0
    assert np.all(net.params["W1"] == 0)
    assert np.array_equal(inside, net.params["W2"])
    net.params["W2"][...] = 7
    assert np.all(inside == 7)


def test_a_graph_from_before_keeps_its_values():
    layer = mg.Affine(2, 1, bias=False, rng=0)
    x = mg.Tensor(np.ones((1, 2)))
    y = layer(x)
    net = mg.Sequential(layer, loss=mg.MeanSquaredError())
    assert list(net.params) == ["W1"]
    y.backward(np.ones((1, 1)))
    assert np.array_equal(x.grad[0], net.params["W1"][:, 0])


# ---- a thousand steps ----------------------------------------------------------------------------
def by_the_book(params, x, t):
    """The loss of a net of two affine layers with ReLU, and its gradients, written out."""
    a = x @ params["W1"] + params["b1"]
    z = np.maximum(a, 0)
    y = z @ params["W2"] + params["b2"]
    p = np.exp(y - y.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    dy = (p - np.eye(p.shape[1])[t]) / len(t)
    da = (dy @ params["W2"].T) * (a > 0)
    return {"W1": x.T @ da, "b1": da.sum(axis=0), "W2": z.T @ dy, "b2": dy.sum(axis=0)}


DEFINITIONS = {  # (W, g, t, states) -> new W, new states, as the papers have them
    mg.SGD: lambda W, g, t, s: (W - 0.1 * g, s),
    mg.Momentum: lambda W, g, t, s: (W + 0.9 * s[0] - 0.1 * g, [0.9 * s[0] - 0.1 * g]),
    mg.AdaGrad: lambda W, g, t, s: (
        W - 0.1 * g / (np.sqrt(s[0] + g * g) + 1e-7),
        [s[0] + g * g],
    ),
    mg.Adam: lambda W, g, t, s: (
        W
        - 0.1
        * ((0.9 * s[0] + 0.1 * g) / (1 - 0.9**t))
        / (np.sqrt((0.999 * s[1] + 0.001 * g * g) / (1 - 0.999**t)) + 1e-8),
        [0.9 * s[0] + 0.1 * g, 0.999 * s[1] + 0.001 * g * g],
    ),
}


@pytest.mark.parametrize("make", DEFINITIONS, ids=lambda make: make.__name__)
def test_a_thousand_steps_are_those_of_the_definition(make):
    rng = np.random.default_rng(0)
    net, optimizer = mg.mlp([4, 6, 3], rng=0), make(lr=0.1)
    plain = {key: p.copy() for key, p in net.params.items()}
    states = {key: [np.zeros_like(p)] * 2 for key, p in plain.items()}
    centres = rng.normal(size=(3, 4))
    for t in range(1, 1001):
        labels = rng.integers(0, 3, 20)
        x = centres[labels] + rng.normal(size=(20, 4))
        optimizer.update(net.params, net.gradient(x, labels))
        for key, g in by_the_book(plain, x, labels).items():
            plain[key], states[key] = DEFINITIONS[make](plain[key], g, t, states[key])
    assert net._memory.recordings._recording is not None
    for key, p in net.params.items():
        np.testing.assert_allclose(p, plain[key], rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize(
    ("sizes", "lengths"),
    [
        ([3], [3]),
        ([10], [5, 5]),  # a half
        ([5, 5], [5, 5]),  # neither is more than half of all
        ([6], [4, 2]),  # LEAST, which is more than a half
        ([20], [6, 6, 6, 2]),  # BLOCK, which is less
    ],
)
def test_a_block_is_half_of_all_parameters_between_its_bounds(sizes, lengths):
    seen = []

    def rule(W, g, lr, t):
        seen.append(len(W))

    jobs = {str(i): Job(np.zeros(n), np.ones(n), 1, []) for i, n in enumerate(sizes)}
    Plan(jobs, elementwise=True).run(
        rule, 0.1, [job.g for job in jobs.values()], dict.fromkeys(jobs, 1)
    )
    assert seen == lengths
