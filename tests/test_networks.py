"""Networks: any wiring, parameters by name, gradients of one's own, errors that teach."""

import copy
import dataclasses
import os
import pickle
import subprocess
import sys
from collections import deque
from types import SimpleNamespace
from typing import ClassVar

import numpy as np
import pytest
import seed_notebook
from hypothesis import given
from hypothesis import strategies as st
from strategies import WAYS, Foreign, cases, weights

import minigrad as mg
from minigrad.testing.strategies import Branches, Residual

RNG = np.random.default_rng(0)
X, T = RNG.normal(size=(6, 2)), np.array([0, 1, 2, 2, 1, 0])
ONE_HOT = np.eye(3)[T]


def small(**options):
    return mg.mlp([2, 4, 3], rng=0, **options)


class Wired(mg.Network):
    """Everything a network may hold: layers, Tensors, lists, tuples and dicts, nested, and more."""

    def __init__(self):
        super().__init__(loss=mg.SoftmaxWithLoss())
        self.blocks = [mg.Affine(2, 2, rng=0), [mg.Affine(2, 2, rng=1), mg.ReLU()]]
        self.heads = {"left": mg.Affine(2, 3, rng=2), "right": (mg.Affine(2, 3, rng=3),)}
        self.gain = mg.Tensor(np.ones(3))
        self.inner = mg.mlp([2, 2], rng=4)
        self.tied = self.blocks[0]
        self.label, self.history, self.table = "wired", [1, 2], {"a": None}

    def __call__(self, x):
        x = self.blocks[1][0](self.tied(self.blocks[0](x)))
        x = self.inner(self.blocks[1][1](x))
        return self.gain * (self.heads["left"](x) + self.heads["right"][0](x))


WIRED = [
    *("blocks.0.W", "blocks.0.b", "blocks.1.0.W", "blocks.1.0.b"),
    *("heads.left.W", "heads.left.b", "heads.right.0.W", "heads.right.0.b"),
    *("gain", "inner.W1", "inner.b1"),
]


class Decayed(mg.Sequential):
    """Adds λ/2 times the sum of all squared weights to the loss."""

    def objective(self, x, t, train_flag=True):
        penalty = sum(np.sum(W**2) for name, W in self.tensors().items() if "W" in name)
        return super().objective(x, t, train_flag) + 0.05 * penalty


def decayed():
    layers = [mg.Affine(2, 4, rng=0), mg.Tanh(), mg.Dropout(0.3, rng=1), mg.Affine(4, 3, rng=2)]
    return Decayed(*layers, loss=mg.SoftmaxWithLoss())


def same(a, b):
    return list(a) == list(b) and all(np.array_equal(a[name], b[name]) for name in a)


def near(a, b, rtol=1e-6, atol=1e-8):
    return list(a) == list(b) and all(np.allclose(a[name], b[name], rtol, atol) for name in a)


# ---- params: names, order, writing through -------------------------------------------------------


def test_sequential_numbers_its_parameters_as_in_the_book():
    net = mg.Sequential(
        mg.Affine(2, 3, rng=0),
        mg.ReLU(),
        mg.Affine(3, 3, bias=False, rng=0),
        mg.Affine(3, 2, rng=0),
    )
    assert list(net.params) == ["W1", "b1", "W2", "W3", "b3"]
    assert list(small().params) == ["W1", "b1", "W2", "b2"]


def test_the_parameters_of_one_layer_share_a_number():
    class Shift(mg.Layer):
        def __init__(self):
            self.b = mg.Tensor(np.zeros(2))

        def __call__(self, x):
            return x + self.b

    net = mg.Sequential(
        Shift(), mg.Affine(2, 2, rng=0), mg.Affine(2, 2, bias=False, rng=0), Shift()
    )
    assert list(net.params) == ["b1", "W2", "b2", "W3", "b3"]


def test_names_join_with_dots_and_each_parameter_has_one():
    net = Wired()
    assert list(net.params) == list(net.tensors()) == list(net.gradient(X, T)) == WIRED


def test_an_inner_network_puts_its_place_before_its_names():
    inner = mg.mlp([2, 3, 2], rng=0)
    net = mg.Sequential(mg.Affine(2, 2, rng=0), inner, inner, mg.Affine(2, 3, rng=1))
    assert list(net.params) == ["W1", "b1", "1.W1", "1.b1", "1.W2", "1.b2", "W2", "b2"]
    deep = mg.Sequential(mg.Sequential(mg.Sequential(mg.Affine(2, 2, rng=0))))
    assert list(deep.params) == ["0.0.W1", "0.0.b1"]


def test_a_tensor_in_two_layers_is_one_parameter_with_the_sum_of_both_gradients():
    first, second = mg.Affine(2, 2, rng=0), mg.Affine(2, 2, rng=1)
    second.W = first.W
    net = mg.Sequential(first, mg.Tanh(), second, loss=mg.MeanSquaredError())
    assert list(net.params) == ["W1", "b1", "b2"]
    assert near(net.gradient(X, X), net.numerical_gradient(X, X))


HASHED = """
import minigrad as mg
class Net(mg.Network):
    def __init__(self):
        self.heads = {name: mg.Affine(1, 1) for name in ("left", "right", "middle")}
    def __call__(self, x):
        return x
print(*Net().params, *mg.Sequential(Net(), mg.Affine(1, 1)).params)
"""


def test_names_do_not_depend_on_the_hash_seed():
    found = set()
    for seed in "012":
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        command = [sys.executable, "-c", HASHED]
        found.add(subprocess.check_output(command, env=environment, text=True))
    assert len(found) == 1
    assert found.pop().split()[:3] == ["heads.left.W", "heads.left.b", "heads.right.W"]


def test_writing_params_reaches_the_layers():
    net, W, b = small(), RNG.normal(size=(4, 3)), np.array([1.0, 2.0, 3.0])
    before = net.params["W2"]
    net.params["W2"] = W
    net.params["b2"] -= b
    assert net[2].W.data is not W
    assert np.array_equal(net[2].W.data, W)
    assert np.array_equal(net[2].b.data, -b)
    assert net.params["W2"] is before
    hidden = np.maximum(X @ net.params["W1"] + net.params["b1"], 0)
    np.testing.assert_allclose(net.predict(X), hidden @ W - b, rtol=1e-12)


def test_in_place_writes_reach_the_layers_through_a_dict_of_params_too():
    net = small()
    params = dict(net.params)
    params["b2"] += 1.0
    assert np.array_equal(net[2].b.data, np.ones(3))
    params["b2"] = np.zeros(3)
    assert np.array_equal(net[2].b.data, np.ones(3))


@pytest.mark.parametrize("before", [False, True], ids=["fresh", "laid out"])
def test_a_row_of_a_parameter_that_somebody_keeps_goes_on_reaching_the_layer(before):
    net = small()
    layer = net if before else net[0]
    rows = list(next(iter(layer.params.values())))
    net.notes = []  # the wiring may have changed: parameters are laid out anew
    net.gradient(X, T)
    rows[0][:] = 7.0
    assert (net.params["W1"][0] == 7.0).all()
    del rows
    net.notes = {}
    net.gradient(X, T)
    assert len({id(p.base) for p in net.params.values()}) == 1  # end to end again


def test_parameters_of_another_dtype_lie_end_to_end_too():
    net = small().astype(np.float32)
    assert sum(p.nbytes for p in net.params.values()) == net.params["W1"].base.nbytes


def test_params_are_a_mapping_of_arrays():
    params = small().params
    assert len(params) == 4
    assert "W1" in params
    assert "W9" not in params
    assert all(type(p) is np.ndarray for p in params.values())
    assert repr(params) == "Params(W1: (2, 4), b1: (4,), W2: (4, 3), b2: (3,))"
    params.update(W1=np.zeros((2, 4)), b1=np.ones(4))
    assert params["b1"].sum() == 4


@pytest.mark.parametrize(
    ("name", "meant"), [("W11", "W1"), ("w1", "W1"), ("w_1", "W1"), ("b_2", "b2")]
)
def test_an_unknown_parameter_is_refused_with_the_one_that_was_meant(name, meant):
    params = small().params
    for attempt in (lambda: params[name], lambda: params.update({name: 1.0})):
        with pytest.raises(KeyError, match=f"{name}.*W1, b1, W2, b2; did you mean {meant}"):
            attempt()


def test_parameters_cannot_be_deleted():
    net = small()
    for attempt in (lambda: net.params.pop("W1"), net.params.popitem, lambda: net.params.clear()):
        with pytest.raises(KeyError, match="cannot be deleted"):
            attempt()
    assert len(net.params) == 4


@pytest.mark.parametrize(
    ("value", "error", "words"),
    [
        (np.ones(3), ValueError, r"b1 has shape \(4,\) and cannot take shape \(3,\)"),
        (np.ones((1, 4)), ValueError, r"b1 has shape \(4,\) and cannot take shape \(1, 4\)"),
        (1.0, ValueError, r"b1 has shape \(4,\) and cannot take shape \(\)"),
        (np.ones(4) * 1j, TypeError, "b1 holds floats and cannot take complex128"),
        (["a"] * 4, TypeError, "b1 holds floats and cannot take <U1"),
        (mg.Tensor(np.ones(4)), TypeError, r"\.data"),
    ],
    ids=range(6),
)
def test_a_parameter_takes_only_numbers_of_its_shape(value, error, words):
    net = small()
    with pytest.raises(error, match=words):
        net.params["b1"] = value
    assert same(net.state_dict(), small().state_dict())


@pytest.mark.parametrize("name", ["W1", "b2"])
def test_a_graph_from_before_a_write_refuses_and_names_the_parameter(name):
    net = small()
    objective = net.objective(X, T)
    net.params[name] -= 0.1
    with pytest.raises(
        RuntimeError, match=f"parameter {name} was written after .* forward pass again"
    ):
        objective.backward()
    net.objective(X, T).backward()


def test_an_optimizer_step_makes_older_graphs_refuse():
    net = small()
    net.forward(X)
    mg.SGD(lr=0.1).update(net.params, net.gradient(X, T))
    with pytest.raises(RuntimeError, match=r"parameter [Wb][12] was written"):
        net.backward(np.ones((6, 3)))


# ---- the walk through the parts is remembered: but never wrong -----------------------------------


def replace_layer(net):
    net.gain = mg.Tensor(np.zeros(3))


def append_to_list(net):
    net.blocks.append(mg.Affine(1, 1))


def append_to_inner_list(net):
    net.blocks[1].append(mg.Tensor(1.0))


def exchange_in_list(net):
    net.blocks[1][0] = mg.Affine(2, 2, rng=9)


def add_to_dict(net):
    net.heads["third"] = mg.Tensor(2.0)


def rename_in_dict(net):
    net.heads = {f"new {key}": head for key, head in net.heads.items()}


def remove_from_dict(net):
    del net.heads[next(iter(net.heads))]


def exchange_in_inner_layer(net):
    net.inner[0].W = mg.Tensor(np.zeros((2, 2)))


def put_nothing_in_place(net):
    net.gain = None


def delete_attribute(net):
    del net.gain


def exchange_inner_layers(net):
    net.inner.layers = (mg.Affine(2, 5, rng=1), mg.Affine(5, 2, rng=1))


def add_layer_by_hand(net):
    net.more = [WAYS["by hand"](*weights(2, 2, 0))]


def fill_a_new_list_later(net):
    net.late = []
    net.late.append(mg.Affine(1, 1))


def fill_a_new_dict_later(net):
    net.later = {}
    net.later["a"] = [mg.Tensor(1.0)]


def tie(net):
    net.blocks[0].b = net.inner[0].b


CHANGES = [replace_layer, append_to_list, append_to_inner_list, exchange_in_list, add_to_dict]
CHANGES += [rename_in_dict, remove_from_dict, exchange_in_inner_layer, delete_attribute]
CHANGES += [put_nothing_in_place]
CHANGES += [exchange_inner_layers, add_layer_by_hand, tie]
CHANGES += [fill_a_new_list_later, fill_a_new_dict_later]


def follow(changes):
    """Change a network, and compare what it then says with what a new copy of it says."""
    net = Wired()
    outer = mg.Sequential(net)
    for change in changes:
        list(net.params), list(outer.params)  # looked at, and perhaps remembered
        change(net)
    fresh = copy.deepcopy(net)
    assert same(net.params, fresh.params)
    assert list(outer.params) == [f"0.{name}" for name in fresh.params]
    for name, tensor in net.tensors().items():
        assert net.params[name] is outer.params[f"0.{name}"] is tensor._array


@pytest.mark.parametrize("change", CHANGES)
def test_params_follow_a_change_of_the_wiring(change):
    follow([change])


@given(st.lists(st.sampled_from(CHANGES), max_size=4, unique=True))
def test_params_follow_all_changes_of_the_wiring(changes):
    follow(changes)


@pytest.mark.parametrize("shape", [(2, 2), (2, 3)])
def test_params_follow_an_array_that_is_replaced_in_a_layer_written_by_hand(shape):
    layer = WAYS["by hand"](*weights(2, 2, 0))
    nets = [mg.Sequential(mg.ReLU(), layer), mg.Sequential(mg.Sequential(layer))]
    names = ["W1", "0.W1"]
    for net, name in zip(nets, names, strict=True):
        assert net.params[name] is layer.W
    layer.W = np.ones(shape)
    for net, name in zip(nets, names, strict=True):
        assert net.params[name] is layer.W
        assert net.tensors()[name]._array is layer.W


def test_two_parameters_never_share_a_name():
    class Clash(mg.Network):
        def __init__(self, parts):
            super().__init__()
            self.a = parts

        def __call__(self, x):
            return x

    class Numbered(mg.Sequential):
        def __init__(self):
            super().__init__(mg.Affine(2, 2, rng=0))
            self.W1 = mg.Tensor(np.ones(2))

    for make in (
        lambda: Clash({"b.c": mg.Tensor(1.0), "b": {"c": mg.Tensor(2.0)}}),
        lambda: Clash({0: mg.Tensor(1.0), "0": mg.Tensor(2.0)}),
        Numbered,
    ):
        with pytest.raises(ValueError, match=r"name|twice|both"):
            len(make().params)


@dataclasses.dataclass
class Scale(mg.Layer):
    """Equal to another with an equal k, but not the same."""

    k: float

    def __post_init__(self):
        self.scale = mg.Tensor(self.k)

    def __call__(self, x):
        return x * self.scale


def test_equal_layers_are_not_the_same_layer():
    net = mg.Sequential(Scale(2.0), Scale(2.0), loss=mg.MeanSquaredError())
    assert list(net.params) == ["scale1", "scale2"]
    assert near(net.gradient(X, X), net.numerical_gradient(X, X))


def hand_written_pair(share):
    first, second = (WAYS["by hand"](*weights(2, 2, seed)) for seed in (0, 1))
    if share:
        second.W = first.W
    return first, second


def wrapped_twice(share):
    objects = [Foreign(*weights(2, 2, seed)) for seed in (0, 1)]
    names = {"W": "dW", "b": "db"}
    return [mg.wrap(objects[0 if share else i], param_grads=names) for i in range(2)]


@pytest.mark.parametrize("make", [hand_written_pair, wrapped_twice])
def test_an_array_in_two_hand_written_layers_is_one_parameter(make):
    apart, tied = (mg.Sequential(*make(s), loss=mg.MeanSquaredError()) for s in (False, True))
    assert list(apart.params) == ["W1", "b1", "W2", "b2"]
    assert "W2" not in tied.params
    for net in (tied, copy.deepcopy(tied), tied.astype(np.float64)):
        assert near(net.gradient(X, X), net.numerical_gradient(X, X))


def test_an_array_in_place_of_a_parameter_is_never_a_silent_constant():
    net, W = small(), RNG.normal(size=(2, 4))
    names = list(net.params)
    try:
        net[0].W = W
    except (TypeError, ValueError) as refusal:
        remedy = str(refusal)
    else:
        remedy = "params" if np.array_equal(net.params["W1"], W) else ""
    assert "params" in remedy
    assert list(net.params) == names


SHRINK = {
    "*": lambda layer: setattr(layer, "W", layer.W * 0.01),
    "*=": lambda layer: exec("layer.W *= 0.01", {"layer": layer}),
    "-=": lambda layer: exec("layer.W -= 0.1 * layer.W.data", {"layer": layer}),
}


@pytest.mark.parametrize("shrink", SHRINK.values(), ids=SHRINK)
def test_a_result_in_place_of_a_parameter_is_refused_with_what_to_write(shrink):
    net = small()
    names = list(net.params)
    with pytest.raises(TypeError, match=r"layer\.W = mg\.Tensor\(values\).*layer\.W\.data"):
        shrink(net[0])
    assert list(net.params) == names
    net[0].W = mg.Tensor(net[0].W.data * 0.01)  # the remedy
    assert list(net.params) == names


# ---- tensors, objective, gradient ----------------------------------------------------------------


@given(cases())
def test_gradients_are_the_callers_to_keep(case):
    grads = case.net.gradient(case.x, case.t)
    kept = {name: g.copy() for name, g in grads.items()}
    state = case.net.state_dict()
    case.net.gradient(case.x + 1, case.t)
    assert same(grads, kept)
    arrays = [*grads.values(), *case.net.params.values(), case.x, case.t]
    for i, g in enumerate(grads.values()):
        assert not any(np.shares_memory(g, a) for j, a in enumerate(arrays) if i != j)
        g[...] = 0
    assert same(case.net.state_dict(), state)


def test_parameters_that_are_added_have_equal_gradients_but_not_one():
    class Sum(mg.Network):
        def __init__(self):
            super().__init__(loss=mg.MeanSquaredError())
            self.a, self.b = mg.Tensor(np.ones((6, 2))), mg.Tensor(np.zeros((6, 2)))

        def __call__(self, x):
            return self.a + self.b - x

    grads = Sum().gradient(X, X)
    grads["a"] += 1.0  # weight decay, as people write it
    assert np.array_equal(grads["a"], grads["b"] + 1.0)


def test_tensors_are_the_parameters_with_their_names():
    net = small()
    for name, tensor in net.tensors().items():
        assert np.shares_memory(tensor.data, net.params[name])


def test_hessian_vector_products_through_the_objective():
    net = mg.mlp([2, 4, 3], activation="tanh", rng=0)
    tensors = list(net.tensors().values())
    vs = [RNG.normal(size=t.shape) for t in tensors]
    slopes = mg.gradients(net.objective(X, T), tensors, create_graph=True)
    directional = sum(np.sum(g * v) for g, v in zip(slopes, vs, strict=True))
    products = mg.gradients(directional, tensors)

    def moved(h):
        twin = copy.deepcopy(net)
        for p, v in zip(twin.params.values(), vs, strict=True):
            p += h * v
        return twin.gradient(X, T).values()

    h = 1e-5
    for product, above, below in zip(products, moved(h), moved(-h), strict=True):
        np.testing.assert_allclose(product, (above - below) / (2 * h), atol=1e-6)


def test_the_objective_is_differentiated_by_its_input():
    net, x = small(), mg.Tensor(X)
    dx = mg.gradients(net.objective(x, T), x)
    numerical = mg.numerical_gradient(lambda x: net.loss(x, T), X.copy())
    np.testing.assert_allclose(dx, numerical, rtol=1e-6, atol=1e-9)


def test_the_objective_is_differentiated_by_soft_targets():
    net, t = small(), mg.Tensor(ONE_HOT)
    log_p = mg.log_softmax(net.predict(X))
    np.testing.assert_allclose(mg.gradients(net.objective(X, t), t), -log_p / 6, rtol=1e-12)


def test_an_overridden_objective_is_behind_loss_and_every_gradient():
    net, plain = decayed(), mg.Sequential(*decayed().layers, loss=mg.SoftmaxWithLoss())
    penalty = 0.05 * sum(np.sum(net.params[k] ** 2) for k in ("W1", "W2"))
    assert net.loss(X, T) == pytest.approx(plain.loss(X, T) + penalty, rel=1e-12)
    numerical = net.numerical_gradient(X, T)
    grads, bare = net.gradient(X, T), plain.gradient(X, T)
    assert near(grads, numerical)
    for name, g in grads.items():
        extra = 0.1 * net.params[name] if name in ("W1", "W2") else 0
        np.testing.assert_allclose(g, bare[name] + extra, rtol=1e-12, atol=1e-15)


def test_the_batch_is_left_alone_and_may_change_afterwards():
    net, x, t = small(dropout=0.2), X.copy(), ONE_HOT.copy()
    twin, expected = copy.deepcopy(net), copy.deepcopy(net).gradient(X, ONE_HOT)
    objective = twin.objective(x, t)
    for method in (net.gradient, net.loss, net.accuracy, net.numerical_gradient):
        method(x, t)
    net.predict(x)
    assert np.array_equal(x, X)
    assert np.array_equal(t, ONE_HOT)
    x[...], t[...] = 0, 0
    objective.backward()
    assert same({name: tensor.grad for name, tensor in twin.tensors().items()}, expected)


def test_the_output_is_the_callers_own():
    for net in (small(), mg.Sequential(), mg.Sequential(mg.Dropout(0.5, inverted=True, rng=0))):
        x = X.copy()
        y = net.predict(x)
        assert not np.shares_memory(y, x)
        y[...] = 0
        assert np.array_equal(x, X)
    for view in (np.positive, np.transpose, np.ravel, lambda value: value):
        net = Constant(view)
        net.predict(X)[...] = 7
        net.forward(X)[...] = 7
        assert np.array_equal(net.params["value"], np.ones(3))
    net = mg.Sequential(mg.wrap(Preallocating()))
    first = net.predict(X)
    net.predict(X + 1)
    assert np.array_equal(first, X**2)


class InPlace:
    """Squares its very input."""

    def forward(self, x):
        self.x = x.copy()
        x *= x
        return x

    def backward(self, dout):
        return dout * 2 * self.x


@pytest.mark.parametrize("take", [lambda layer: layer, mg.wrap], ids=["as it is", "wrapped"])
def test_a_layer_that_writes_into_its_input_may_come_first(take):
    net, x = (
        mg.Sequential(take(InPlace()), mg.Affine(2, 3, rng=0), loss=mg.SoftmaxWithLoss()),
        X.copy(),
    )
    assert near(net.gradient(x, T), net.numerical_gradient(x, T))
    np.testing.assert_allclose(net.predict(x), mg.Sequential(net[1]).predict(X**2))
    assert np.array_equal(x, X)


class Constant(mg.Network):
    """Answers everything with its one parameter."""

    def __init__(self, view):
        super().__init__()
        self.value, self.view = mg.Tensor(np.ones(3)), view

    def __call__(self, x):
        return self.view(self.value)


class Preallocating:
    out = None

    def forward(self, x):
        self.x, self.out = x, np.empty_like(x) if self.out is None else self.out
        return np.multiply(x, x, out=self.out)

    def backward(self, dout):
        return dout * 2 * self.x


# ---- numerical gradient --------------------------------------------------------------------------


def many_dropouts(drop):
    layers = [mg.Affine(2, 4, rng=0), drop(0), mg.Tanh(), drop(1), mg.Affine(4, 3, rng=2), drop(3)]
    return mg.Sequential(*layers, loss=mg.SoftmaxWithLoss())


def ours(seed):
    return mg.Dropout(0.4, rng=seed)


def shared(rng):
    return lambda seed: mg.Dropout(0.4, rng=rng)


def in_lists(seed):
    return mg.Sequential(Residual(mg.Sequential(ours(seed), ours(seed + 10))))


def the_notes(seed):
    return seed_notebook.Dropout(0.4)


@pytest.mark.parametrize("make", [ours, shared(np.random.default_rng(5)), in_lists, the_notes])
def test_numerical_gradient_draws_the_masks_of_the_next_gradient(make):
    for _ in range(10):
        net = many_dropouts(make)
        numerical = net.numerical_gradient(X, T)
        assert near(net.gradient(X, T), numerical)


def global_state():
    return vars(np.random)["get_state"]()


def test_numerical_gradient_leaves_everything_as_it_was():
    net = many_dropouts(ours)
    net.layers += (mg.wrap(seed_notebook.Dropout(0.4)), Running())
    net.gradient(X, T)
    twin, before = copy.deepcopy(net), pickle.dumps(net)
    generator = global_state()[1].copy(), global_state()[2]
    net.numerical_gradient(X, T)
    assert pickle.dumps(net) == before
    assert np.array_equal(global_state()[1], generator[0])
    assert global_state()[2] == generator[1]
    assert net[-1].mean == twin[-1].mean
    first = net.gradient(X, T)
    vars(np.random)["set_state"](("MT19937", *generator, 0, 0.0))
    assert same(twin.gradient(X, T), first)


class Running(mg.Layer):
    """Keeps a running mean, as batch normalisation does."""

    mean = 0.0

    def __call__(self, x, train_flag=False):
        if train_flag:
            self.mean = 0.9 * self.mean + 0.1 * np.mean(x.data if isinstance(x, mg.Tensor) else x)
        return x * 1.0


def test_numerical_gradient_is_float64_for_a_float32_network():
    net = small(dtype=np.float32)
    numerical = net.numerical_gradient(X.astype(np.float32), T)
    assert {g.dtype for g in numerical.values()} == {np.dtype(np.float64)}
    for name, g in net.gradient(X, T).items():
        np.testing.assert_allclose(g, numerical[name], rtol=1e-4, atol=1e-6)
    assert {p.dtype for p in net.params.values()} == {np.dtype(np.float32)}


# ---- predict, loss, accuracy ---------------------------------------------------------------------


@given(st.integers(1, 40), st.integers(0, 99))
def test_every_row_counts_for_accuracy(rows, seed):
    rng = np.random.default_rng(seed)
    x, t = rng.normal(size=(rows, 2)), rng.integers(3, size=rows)
    net = small()
    right = sum(np.argmax(net.predict(x[i : i + 1])) == t[i] for i in range(rows))
    assert net.accuracy(x, t) == net.accuracy(x, np.eye(3)[t]) == right / rows
    assert isinstance(net.accuracy(x, t), float)


def test_accuracy_of_yes_and_no_counts_every_score():
    net = mg.Sequential(mg.Dropout(0.0, rng=0), loss=mg.SigmoidWithLoss())
    x, t = np.array([[3.0, -1.0], [-2.0, 0.5]]), np.array([[1, 1], [0, 1]])
    assert net.accuracy(x, t) == 0.75
    with pytest.raises(ValueError, match=r"\(2, 2\).*|\(2,\)"):
        net.accuracy(x, t[:, 0])


def test_accuracy_of_numbers_is_refused():
    net = small(loss=mg.MeanSquaredError())
    with pytest.raises(TypeError, match=r"accuracy is for classes.*MeanSquaredError"):
        net.accuracy(X, ONE_HOT)


def test_loss_is_a_number_in_testing_mode():
    net = small(dropout=0.5)
    p = mg.softmax(net.predict(X))
    assert net.loss(X, T) == pytest.approx(-np.mean(np.log(p[np.arange(6), T])), rel=1e-12)
    assert type(net.loss(X, T)) is float
    hidden = np.maximum(X @ net.params["W1"] + net.params["b1"], 0) * 0.5
    expected = hidden @ net.params["W2"] + net.params["b2"]
    np.testing.assert_allclose(net.predict(X), expected, rtol=1e-12)


def test_lists_will_do_for_a_batch():
    net = small()
    assert net.loss(X.tolist(), T.tolist()) == net.loss(X, T)
    assert net.accuracy(X.tolist(), T.tolist()) == net.accuracy(X, T)
    assert same(net.gradient(X.tolist(), T.tolist()), net.gradient(X, T))
    assert np.array_equal(net.predict([[1, 2]]), net.predict(np.array([[1.0, 2.0]])))


def test_a_network_without_parameters_runs_and_has_no_gradients():
    net = mg.Sequential(mg.Softmax(), loss=mg.MeanSquaredError())
    assert net.gradient(X, X) == net.numerical_gradient(X, X) == {}
    assert net.loss(X, X) > 0
    assert net.predict(X).shape == X.shape


def test_a_network_is_a_layer_of_another():
    inner = small()
    inner.loss_layer = None
    net = mg.Sequential(
        inner, mg.Tanh(), Branches(a=mg.Affine(3, 1, rng=0), b=mg.Affine(3, 2, rng=1))
    )
    net.loss_layer = mg.SoftmaxWithLoss()
    assert near(net.gradient(X, T), net.numerical_gradient(X, T))
    inner.params["b2"] -= 1.0
    assert np.array_equal(net.params["0.b2"], inner.params["b2"])


# ---- dtype, copies, state ------------------------------------------------------------------------


@given(st.sampled_from([np.float32, np.float64]), st.sampled_from([np.float32, np.float64]))
def test_the_parameters_decide_the_dtype(dtype, batch_dtype):
    net = small(dropout=0.3, dtype=dtype)
    x = X.astype(batch_dtype)
    assert net.predict(x).dtype == dtype
    assert {g.dtype for g in net.gradient(x, T).values()} == {np.dtype(dtype)}
    mg.Adam().update(net.params, net.gradient(x, T))
    assert {p.dtype for p in net.params.values()} == {np.dtype(dtype)}


def test_astype_is_a_rounded_copy():
    net = mg.Sequential(
        *(make(*weights(2, 2, 0)) for make in WAYS.values()), mg.Affine(2, 3, rng=0)
    )
    net.loss_layer = mg.SoftmaxWithLoss()
    halved = net.astype(np.float32)
    for name, p in net.params.items():
        assert p.dtype == np.float64
        assert np.array_equal(halved.params[name], p.astype(np.float32))
        assert not np.shares_memory(p, halved.params[name])
    assert {g.dtype for g in halved.gradient(X, T).values()} == {np.dtype(np.float32)}
    for dtype in (int, bool, complex):
        with pytest.raises(TypeError, match="no float dtype"):
            net.astype(dtype)


@pytest.mark.parametrize("make", [Wired, decayed, small], ids=lambda f: f.__name__)
def test_copies_and_pickles_go_on_by_themselves(make):
    net = make()
    net.gradient(X, T)
    twins = [copy.deepcopy(net), pickle.loads(pickle.dumps(net))]
    expected = copy.deepcopy(net).gradient(X, T)
    for p in net.params.values():
        p[...] = 0
    for twin in twins:
        assert same(twin.gradient(X, T), expected)
        twin.params[next(iter(twin.params))] += 1.0


class Looks(mg.Network):
    """Keeps what it computed, to look at it later."""

    def __init__(self):
        super().__init__(loss=mg.SoftmaxWithLoss())
        self.first, self.last = mg.Affine(2, 3, rng=0), mg.Affine(3, 3, rng=1)

    def __call__(self, x):
        self.hidden = np.tanh(self.first(x))
        self.seen = {"all": [[self.hidden], (self.hidden,)]}
        return self.last(self.hidden)


def test_a_network_that_keeps_its_hidden_values_still_copies():
    net = Looks()
    grads = net.gradient(X, T)
    assert list(net.params) == ["first.W", "first.b", "last.W", "last.b"]
    assert net.hidden.shape == (6, 3)
    assert near(grads, net.numerical_gradient(X, T))
    for twin in (copy.deepcopy(net), pickle.loads(pickle.dumps(net)), net.astype(np.float64)):
        assert same(twin.gradient(X, T), grads)
    assert "tanh" in repr(net.hidden)


def test_state_goes_out_and_in():
    net, other = small(), mg.mlp([2, 4, 3], rng=1)
    state = net.state_dict()
    other.load_state_dict(state)
    assert same(other.state_dict(), state)
    other.params["b1"] += 1.0
    assert same(net.state_dict(), state)
    assert not np.shares_memory(net.params["W1"], state["W1"])
    small(dtype=np.float32).load_state_dict({k: p.tolist() for k, p in state.items()})


def test_a_state_that_does_not_fit_is_refused_with_all_its_faults_and_nothing_is_loaded():
    net = small()
    state = {"W1": np.ones((4, 2)), "W2": np.ones((4, 3)), "b2": np.array(["a", "b", "c"]), "V": 1}
    faults = [r"missing b1 \(4,\)", "unexpected V", r"W1 .*\(4, 2\).*\(2, 4\)", "b2 .*U1.*numbers"]
    for fault in faults:
        with pytest.raises(ValueError, match=fault):
            net.load_state_dict(state)
    assert same(net.state_dict(), small().state_dict())


def test_a_number_too_large_for_float32_is_not_half_loaded():
    net = small(dtype=np.float32)
    before = net.state_dict()
    state = {**before, "W1": np.ones((2, 4)), "b2": np.full(3, 1e300)}
    with pytest.raises((ValueError, OverflowError, RuntimeWarning), match=r"b2|overflow"):
        net.load_state_dict(state)
    assert same(net.state_dict(), before)


# ---- summary and repr ----------------------------------------------------------------------------


def test_a_summary_lists_layers_shapes_and_parameters():
    assert (
        mg.mlp([784, 50, 10], dropout=0.2, rng=0).summary()
        == """\
path    layer            output   parameters
net[0]  Affine(784, 50)  (N, 50)      39,250
net[1]  ReLU()           (N, 50)           0
net[2]  Dropout(0.2)     (N, 50)           0
net[3]  Affine(50, 10)   (N, 10)         510
total                                 39,760"""
    )


def test_a_summary_follows_any_wiring_and_changes_nothing():
    net = Wired()
    text = net.summary(X)
    for path in ("net.blocks[0]", "net.blocks[1][0]", "net.heads['right'][0]", "net.inner[0]"):
        assert path in text
    assert text.split()[-1] == str(sum(p.size for p in net.params.values()))
    assert text == net.summary(X)
    assert {type(layer) for layer in net.blocks[1]} == {mg.Affine, mg.ReLU}


class Embedding(mg.Layer):
    def __init__(self):
        self.E = mg.Tensor(RNG.normal(size=(5, 2)))

    def __call__(self, x):
        return self.E[x]


def test_a_summary_of_a_network_that_takes_no_rows_of_floats():
    net = mg.Sequential(Embedding(), mg.Affine(2, 3, rng=0), loss=mg.SoftmaxWithLoss())
    assert net.summary().split()[-1] == "19"
    assert "(N, 2)" in net.summary(np.array([0, 1]))


def test_repr_shows_the_wiring():
    assert (
        repr(Wired())
        == """\
Wired(
  loss_layer=SoftmaxWithLoss(),
  blocks=[Affine(2, 2), [Affine(2, 2), ReLU()]],
  heads={'left': Affine(2, 3), 'right': (Affine(2, 3),)},
  gain=Tensor([1., 1., 1.]),
  inner=Sequential(
    Affine(2, 2),
    loss=SoftmaxWithLoss(),
  ),
  tied=Affine(2, 2),
)"""
    )


# ---- mlp -----------------------------------------------------------------------------------------


def test_mlp_is_the_sequential_it_says():
    rng = np.random.default_rng(3)
    layers = [
        mg.Affine(2, 4, rng=rng),
        mg.ReLU(),
        mg.Dropout(0.2, rng=rng),
        mg.Affine(4, 3, rng=rng),
    ]
    net, line = (
        mg.Sequential(*layers, loss=mg.SoftmaxWithLoss()),
        mg.mlp([2, 4, 3], dropout=0.2, rng=3),
    )
    assert repr(net) == repr(line)
    assert same(net.gradient(X, T), line.gradient(X, T))


@pytest.mark.parametrize("activation", ["relu", "sigmoid", "tanh"])
def test_equal_seeds_make_equal_networks(activation):
    nets = [mg.mlp([2, 4, 3], activation=activation, dropout=0.3, rng=seed) for seed in (5, 5, 6)]
    grads = [net.gradient(X, T) for net in nets]
    assert same(grads[0], grads[1])
    assert not same(grads[0], grads[2])


def test_mlp_takes_a_loss_an_initializer_and_a_dtype():
    net = mg.mlp([2, 3], init=0.01, loss=mg.MeanSquaredError(), dtype=np.float32, rng=0)
    assert np.abs(net.params["W1"]).max() < 0.1
    assert net.gradient(X, ONE_HOT)["W1"].dtype == np.float32


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"sizes": [2]}, r"sizes of input.* and output, not \[2\]"),
        ({"sizes": []}, r"sizes of input.* and output"),
        ({"sizes": [2, 0, 3]}, r"must be a positive integer, not 0"),
        ({"sizes": [2, "4"]}, r"must be a positive integer, not '4'"),
        ({"sizes": [2, 3], "activation": "rleu"}, r"activation must be .*relu.*not 'rleu'"),
        ({"sizes": [2, 3], "init": "hee"}, r"'hee'.*did you mean 'he'"),
        ({"sizes": [2, 2, 3], "dropout": 1.0}, r"dropout_ratio must be in \[0, 1\)"),
    ],
)
def test_mlp_says_what_is_wrong_with_its_options(options, words):
    with pytest.raises(ValueError, match=words):
        mg.mlp(options.pop("sizes"), **options)


# ---- bad input -----------------------------------------------------------------------------------

DOORS = ["gradient", "loss", "accuracy", "numerical_gradient"]
every_door = pytest.mark.parametrize("door", DOORS)


@every_door
@pytest.mark.parametrize(
    ("x", "t", "error", "words"),
    [
        (X[:0], T[:0], ValueError, r"empty.*\(0, 2\)"),
        (X, T[:5], ValueError, r"\(6, 2\).*\(5,\).*rows"),
        (X, T[:, None], ValueError, r"\(6, 1\).*\(6, 3\).*ravel"),
        (X, T * 1.0, TypeError, r"float64.*astype\(int\)"),
        (X, T + 1, ValueError, r"class index 3 .*0 … 2"),
        (X, T - 1, ValueError, r"class index -1 .*0 … 2"),
        (X, np.eye(4)[T], ValueError, r"\(6, 4\).*\(6, 3\)"),
        (RNG.normal(size=(6, 5)), T, ValueError, r"net\[0\] Affine\(2, 4\).*\(6, 5\).*\(2, 4\)"),
        (np.ones((6, 2), int), T, TypeError, r"net\[0\] Affine\(2, 4\).*int64.*astype"),
        (X * 1j, T, TypeError, "real numbers, not complex128"),
        (X, None, (TypeError, ValueError), r"t |targets"),
    ],
    ids=range(11),
)
def test_a_bad_batch_is_refused_with_layer_shapes_and_remedy(door, x, t, error, words):
    with pytest.raises(error, match=words):
        getattr(small(), door)(x, t)


def test_an_error_names_the_layer_by_its_path():
    net = Wired()
    net.heads["right"] = (mg.Affine(7, 3, rng=0),)
    for attempt in (lambda: net.gradient(X, T), lambda: net.predict(X), lambda: net.loss(X, T)):
        with pytest.raises(
            ValueError, match=r"net\.heads\['right'\]\[0\] Affine\(7, 3\).*\(6, 2\).*\(7, 3\)"
        ):
            attempt()
    deep = mg.Sequential(mg.ReLU(), mg.Sequential(mg.Tanh(), mg.Affine(3, 2, rng=0)))
    with pytest.raises(ValueError, match=r"net\[1\]\[1\] Affine\(3, 2\)"):
        deep.predict(X)


def test_an_error_names_the_layer_through_every_door():
    net, bad = small(), np.ones((6, 5))
    attempts = [
        net.predict,
        net.forward,
        net,
        lambda x: net.loss(x, T),
        lambda x: net(mg.Tensor(x)),
    ]
    for attempt in attempts:
        with pytest.raises(ValueError, match=r"Affine\(2, 4\).*\(6, 5\).*\(2, 4\)"):
            attempt(bad)


class Hiding(mg.Network):
    """Its second layer stands where no walk looks."""

    def __init__(self, keep, find):
        super().__init__(loss=mg.SoftmaxWithLoss())
        self.first, self.find = mg.Affine(2, 4, rng=0), find
        keep(self, mg.Affine(4, 3, rng=1))

    def __call__(self, x):
        return self.find(self)(np.tanh(self.first(x)))


ELSEWHERE = []
HIDING = {
    "in a deque": (lambda s, layer: setattr(s, "d", deque([layer])), lambda s: s.d[0]),
    "in an object": (
        lambda s, layer: setattr(s, "o", SimpleNamespace(layer=layer)),
        lambda s: s.o.layer,
    ),
    "in a global": (lambda s, layer: ELSEWHERE.append(layer), lambda s: ELSEWHERE[-1]),
    "made in the call": (lambda s, layer: None, lambda s: mg.Affine(4, 3, rng=1)),
    "an old leaf": (
        lambda s, layer: setattr(s, "f", lambda: layer.W),
        lambda s: lambda x: x @ s.f(),
    ),
}


@pytest.mark.parametrize("case", HIDING.values(), ids=HIDING)
def test_a_parameter_that_would_silently_not_be_trained_is_refused(case):
    net = Hiding(*case)
    for _ in range(2):
        with pytest.raises(TypeError, match=r"shape \(4, 3\).*no parameter of Hiding.*attribute"):
            net.gradient(X, T)
    assert net.loss(X, T) > 0  # without training nothing is lost


def test_what_an_objective_makes_of_its_inputs_is_no_parameter():
    class Flat(mg.Network):
        def __init__(self):
            super().__init__()
            self.net = mg.mlp([2, 3, 1], activation="tanh", rng=0)

        def __call__(self, x):
            return self.net(x)

        def objective(self, x, t, train_flag=True):
            x = mg.Tensor(x)
            slope = mg.gradients(np.sum(self(x)), x, create_graph=True)
            return np.sum(slope**2) + np.sum(mg.grad(lambda x: np.sum(self(x)))(x) ** 2)

    assert Flat().gradient(X, X)["net.W1"].any()


@pytest.mark.parametrize("given", [mg.Tensor(X), 2 * mg.Tensor(X)], ids=["leaf", "result"])
def test_a_batch_may_be_a_tensor_of_somebody_elses(given):
    net = small()
    expected = net.gradient(given.data, T)
    assert near(net.gradient(given, T), expected)


class Deaf(mg.Network):
    """Takes no train_flag."""

    def __init__(self, inner):
        super().__init__(loss=mg.SoftmaxWithLoss())
        self.inner, self.out = inner, mg.Affine(2, 3, rng=0)

    def __call__(self, x):
        inner = self.inner[0] if isinstance(self.inner, list) else self.inner
        return self.out(inner(x))


class DeafBlock(mg.Layer):
    def __init__(self):
        self.drop = mg.Dropout(0.5, rng=0)

    def __call__(self, x):
        return self.drop(x)


class DeafByHand(mg.Layer):
    param_grads: ClassVar = {}

    def __init__(self):
        self.drop = mg.Dropout(0.5, rng=0)

    def forward(self, x):
        return self.drop.forward(x)

    def backward(self, dout):
        return self.drop.backward(dout)


class BookDropout:
    def forward(self, x, train_flg=True):
        self.mask = np.full(x.shape, train_flg)
        return x * self.mask

    def backward(self, dout):
        return dout * self.mask


DEAF = {
    "a layer": lambda: Deaf(mg.Dropout(0.5, rng=0)),
    "in a list": lambda: Deaf([mg.Dropout(0.5, rng=0)]),
    "in a Sequential": lambda: Deaf(mg.Sequential(mg.ReLU(), mg.Dropout(0.5, rng=0))),
    "somebody else's": lambda: Deaf(mg.wrap(BookDropout())),
    "in a deaf layer": lambda: mg.Sequential(DeafBlock(), loss=mg.SoftmaxWithLoss()),
    "by hand": lambda: mg.Sequential(DeafByHand(), loss=mg.SoftmaxWithLoss()),
}


@pytest.mark.parametrize("door", ["predict", "loss", "gradient", "accuracy"])
@pytest.mark.parametrize("make", DEAF.values(), ids=DEAF)
def test_a_dropout_that_would_never_hear_of_testing_is_refused(make, door):
    net, batch = make(), [X] if door == "predict" else [X, T * 0]
    for _ in range(2):  # and again
        with pytest.raises(TypeError, match=r"takes no train_flag.*train_flag=False\)"):
            getattr(net, door)(*batch)


def test_layers_that_do_not_heed_train_flag_need_none():
    for inner in (mg.Sequential(mg.ReLU(), mg.mlp([2, 2], rng=0)), mg.wrap(InPlace())):
        assert Deaf(inner).predict(X).shape == (6, 3)


class Forgetful(mg.Network):
    """Computes, and returns nothing."""

    def __init__(self):
        super().__init__(loss=mg.SoftmaxWithLoss())
        self.layer = mg.Affine(2, 3, rng=0)

    def __call__(self, x):
        self.layer(x)


def test_a_forgotten_return_is_noticed():
    for attempt in (lambda net: net.gradient(X, T), lambda net: net.predict(X)):
        with pytest.raises(TypeError, match=r"Forgetful.*return|None"):
            attempt(Forgetful())


def test_an_error_keeps_its_cause():
    with pytest.raises(ValueError, match=r"net\[0\]") as found:
        small().predict(np.ones((2, 3)))
    assert isinstance(found.value.__cause__, ValueError)


@every_door
def test_a_network_without_a_loss_says_how_to_give_one(door):
    net = mg.Sequential(mg.Affine(2, 3, rng=0))
    with pytest.raises(TypeError, match=r"loss"):
        getattr(net, door)(X, T)
    assert net.predict(X).shape == (6, 3)


@pytest.mark.parametrize("place", ["x", "W1", "b2"])
def test_nan_goes_through_without_a_crash(place):
    net, x = small(), X.copy()
    (x if place == "x" else net.params[place]).flat[0] = np.nan
    assert np.isnan(net.loss(x, T))
    assert 0 <= net.accuracy(x, T) <= 1
    assert np.isnan(net.gradient(x, T)["b2"]).any()
    assert net.predict(x).shape == (6, 3)
    net.numerical_gradient(x, T)


def test_an_empty_batch_has_an_empty_output():
    assert small().predict(X[:0]).shape == (0, 3)
