"""Networks and layers as the book writes them, explained as they are."""

import copy
import pickle
import random
from collections import OrderedDict

import numpy as np
import pytest
import seed_notebook
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad import cli

X = np.array([[1.0, 0.5, -1.0], [0.0, 2.0, 1.0]])
T = np.array([0, 1])


class Relu:
    def __init__(self):
        self.mask = None

    def forward(self, x):
        self.mask = x <= 0
        out = x.copy()
        out[self.mask] = 0
        return out

    def backward(self, dout):
        dout[self.mask] = 0
        return dout


class Affine:
    def __init__(self, W, b):
        self.W = W
        self.b = b
        self.x = None

    def forward(self, x):
        self.x = x
        return np.dot(self.x, self.W) + self.b

    def backward(self, dout):
        self.dW = np.dot(self.x.T, dout)
        self.db = np.sum(dout, axis=0)
        return np.dot(dout, self.W.T)


class SoftmaxWithLoss:
    def __init__(self):
        self.loss = None
        self.y = None
        self.t = None

    def forward(self, x, t):
        self.t = t
        e = np.exp(x - np.max(x, axis=-1, keepdims=True))
        self.y = e / np.sum(e, axis=-1, keepdims=True)
        self.loss = -np.mean(np.log(self.y[np.arange(len(t)), t]))
        return self.loss

    def backward(self, dout=1):
        dx = self.y.copy()
        dx[np.arange(len(self.t)), self.t] -= 1
        return dx / len(self.t)


class TwoLayerNet:
    """The book's, with what stands between the two layers given by their names."""

    def __init__(self, between=(), decay=0.0, hidden=4):
        rng = np.random.default_rng(0)
        self.params = {"W1": rng.normal(size=(3, hidden)), "b1": np.zeros(hidden)}
        self.params |= {"W2": rng.normal(size=(4, 2)), "b2": np.zeros(2)}
        self.decay = decay
        self.layers = OrderedDict()
        self.layers["Affine1"] = Affine(self.params["W1"], self.params["b1"])
        for kind in between:
            made = {"relu": Relu, "dropout": seed_notebook.Dropout}[kind]()
            self.layers[f"{kind}{len(self.layers)}"] = made
        self.layers["Affine2"] = Affine(self.params["W2"], self.params["b2"])
        self.lastLayer = SoftmaxWithLoss()

    def predict(self, x, train_flg=False):
        for layer in self.layers.values():
            if isinstance(layer, seed_notebook.Dropout):
                x = layer.forward(x, train_flg)
            else:
                x = layer.forward(x)
        return x

    def loss(self, x, t, train_flg=False):
        loss = self.lastLayer.forward(self.predict(x, train_flg), t)
        if self.decay:
            loss = loss + 0.5 * self.decay * np.sum(self.params["W2"] ** 2)
        return loss

    def gradient(self, x, t):
        self.loss(x, t, train_flg=True)
        dout = self.lastLayer.backward(1)
        for layer in reversed(self.layers.values()):
            dout = layer.backward(dout)
        first, last = self.layers["Affine1"], self.layers["Affine2"]
        grads = {"W1": first.dW, "b1": first.db, "W2": last.dW, "b2": last.db}
        return grads | {"W2": last.dW + self.decay * last.W}


class AsLists:
    """The second book's: layers and parameters in lists, gradients written into arrays."""

    class Affine:
        def __init__(self, W, b):
            self.params, self.grads = [W, b], [np.zeros_like(W), np.zeros_like(b)]

        def forward(self, x):
            W, b = self.params
            self.x = x
            return x @ W + b

        def backward(self, dout):
            self.grads[0][...] = self.x.T @ dout
            self.grads[1][...] = dout.sum(axis=0)
            return dout @ self.params[0].T

    def __init__(self):
        rng = np.random.default_rng(1)
        self.layers = [self.Affine(rng.normal(size=(3, 4)), np.zeros(4)), Relu()]
        self.layers += [self.Affine(rng.normal(size=(4, 2)), np.zeros(2))]
        self.loss_layer = SoftmaxWithLoss()
        self.params = [*self.layers[0].params, *self.layers[2].params]

    def predict(self, x):
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def forward(self, x, t):
        return self.loss_layer.forward(self.predict(x), t)

    def backward(self, dout=1):
        for layer in [self.loss_layer, *self.layers[::-1]]:
            dout = layer.backward(dout)


def state(net):
    drawn = vars(np.random)["get_state"](), random.getstate()
    return pickle.dumps((net.__dict__, drawn))


# ---- networks ------------------------------------------------------------------------------------
@settings(max_examples=12)
@given(
    st.lists(st.sampled_from(["relu", "dropout"]), max_size=3),
    st.sampled_from([0.0, 0.1]),
    st.sampled_from(["net", "loss", "gradient"]),
    st.integers(0, 99),
)
def test_gradients_are_those_of_the_learners_code_and_nothing_is_changed(kinds, decay, door, seed):
    net = TwoLayerNet(kinds, decay)
    vars(np.random)["seed"](seed)
    before = state(net)
    e = mg.explain(net if door == "net" else getattr(net, door), X, T)
    assert state(net) == before
    expected = net.gradient(X, T)
    assert e.gradients.keys() == net.params.keys()
    for name, gradient in expected.items():
        assert np.array_equal(e.gradients[name], gradient) or decay
        assert np.allclose(e.gradients[name], gradient, rtol=1e-14, atol=0)


def test_differences_draw_the_same_masks_again():
    e = mg.explain(TwoLayerNet(["dropout", "relu"], 0.1), X, T)
    assert e.check().ok
    assert e.check().ok


def test_each_layers_call_is_a_line_and_its_backward_is_shown():
    e = mg.explain(TwoLayerNet(["relu"]), X, T)
    assert [f"{line.name} = {line.call}" for line in e.lines if line.call] == [
        "affine1 = Affine.forward(x, W1, b1)",
        "relu1 = Relu.forward(affine1)",
        "affine2 = Affine.forward(relu1, W2, b2)",
        "loss = SoftmaxWithLoss.forward(affine2, t)",
    ]
    assert "dx[np.arange(len(self.t)), self.t] -= 1" in e.steps[0].backward
    assert set(e.steps[1].caches) == {"x"}
    assert [group.path for group in e.layers][:2] == [
        "net.layers['Affine1']",
        "net.layers['relu1']",
    ]


def test_layers_and_parameters_in_lists():
    net = AsLists()
    before = state(net)
    e = mg.explain(net, X, T)
    assert state(net) == before
    net.forward(X, T)
    net.backward()
    grads = [*net.layers[0].grads, *net.layers[2].grads]
    assert [*e.gradients] == ["params[0]", "params[1]", "params[2]", "params[3]"]
    assert all(map(np.array_equal, e.gradients.values(), grads))


def test_layers_of_ours_in_a_class_of_ones_own():
    class Net:
        def __init__(self):
            self.layers = [mg.Affine(3, 4, rng=0), Relu(), mg.Affine(4, 2, rng=1)]
            self.last = mg.SoftmaxWithLoss()

        def loss(self, x, t):
            for layer in self.layers:
                x = layer.forward(x)
            return self.last.forward(x, t)

    net = Net()
    twin = mg.Sequential(*copy.deepcopy(net.layers), loss=mg.SoftmaxWithLoss())
    found = mg.explain(net, X, T).gradients
    assert list(found) == ["layers[0].W", "layers[0].b", "layers[2].W", "layers[2].b"]
    assert all(map(np.array_equal, found.values(), twin.gradient(X, T).values()))


def test_a_forward_that_fails_is_told_as_in_a_network_of_ours():
    failure = mg.explain(TwoLayerNet(["relu"], hidden=5), X, T).failure
    assert failure.layer == "net.layers['Affine2'] Affine()"
    assert failure.call == "Affine.forward(relu1, W2, b2)"
    assert failure.code == "return np.dot(self.x, self.W) + self.b"
    assert "self.x" in failure.fix
    assert ("relu1", (2, 5)) in failure.operands


def test_what_cannot_be_explained_says_what_to_do():
    net = TwoLayerNet()
    net.file = iter([1])
    net.lock = (n for n in range(3))
    with pytest.raises(TypeError, match=r"mg\.wrap"):
        mg.explain(net, X, T)
    with pytest.raises(TypeError, match=r"mg\.wrap"):
        mg.explain(object(), X, T)
    with pytest.raises(TypeError, match="make one, TwoLayerNet"):
        mg.explain(TwoLayerNet, X, T)


# ---- layers --------------------------------------------------------------------------------------
@pytest.mark.parametrize("door", [lambda layer: layer, lambda layer: layer.forward])
def test_a_layer_by_itself(door):
    layer = Affine(np.arange(6.0).reshape(3, 2), np.ones(2))
    e = mg.explain(door(layer), X)
    assert layer.x is None
    layer.forward(X)
    dx = layer.backward(np.ones((2, 2)))
    assert e.lines[-1].call == "Affine.forward(x, W, b)"
    expected = {"x": dx, "W": layer.dW, "b": layer.db}
    assert e.gradients.keys() == expected.keys()
    assert all(np.array_equal(e.gradients[k], g) for k, g in expected.items())


def test_targets_of_a_loss_by_hand_get_no_gradient():
    assert list(mg.explain(SoftmaxWithLoss(), X, T).gradients) == ["x"]


def test_the_notes_dropout_by_itself():
    vars(np.random)["seed"](3)
    layer = seed_notebook.Dropout()
    e = mg.explain(layer, X)
    layer.forward(X)
    assert np.array_equal(e.gradients["x"], layer.mask)


def test_the_command_explains_the_books_network(tmp_path, capsys):
    file = tmp_path / "net.py"
    file.write_text(
        "import sys\n"
        "from test_explain_by_hand import T, TwoLayerNet, X\n"
        "def build():\n    return TwoLayerNet(['relu']), X, T\n",
        encoding="utf-8",
    )
    assert cli.main(["explain", f"{file}::build"]) == 0
    assert "relu1   = Relu.forward(affine1)" in capsys.readouterr().out
