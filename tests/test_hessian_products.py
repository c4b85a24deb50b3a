"""Second derivatives through layers, losses and networks, beside differences of `net.gradient`."""

import copy
from typing import ClassVar

import numpy as np
import oracle
import pytest
import strategies
from domains.core import as_numpy_reads
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad.graph import operands
from minigrad.testing.strategies import indices


def product_by_engine(net, x, t, v):
    """Multiply the Hessian of the objective by a vector: {name: array}."""
    tensors = list(net.tensors().values())
    slopes = mg.gradients(net.objective(x, t), tensors, create_graph=True)
    along = sum(np.sum(g * d) for g, d in zip(slopes, v.values(), strict=True))
    return dict(zip(net.params, mg.gradients(along, tensors), strict=True))


def product_by_differences(net, x, t, v):
    """The same, by differences of gradients; every evaluation draws the same masks."""

    def slopes(s):
        twin = copy.deepcopy(net)
        for name, d in v.items():
            twin.params[name] += s * d
        return np.concatenate([g.ravel() for g in twin.gradient(x, t).values()])

    return oracle.derivative(slopes, h=1e-3)


def directions(net, seed=0):
    rng = np.random.default_rng(seed)
    return {name: rng.uniform(-0.3, 0.3, p.shape) for name, p in net.params.items()}


def assert_same(by_engine, by_differences):
    flat = np.concatenate([h.ravel() for h in by_engine.values()])
    assert np.all(np.abs(flat - by_differences) <= 1e-6 * (1 + np.abs(by_differences)))


def has_a_layer_by_hand(net):
    layers = net.structure().inner
    return any(layer.is_by_hand() or "wrap" in repr(layer) for layer in layers)


# ---- networks ------------------------------------------------------------------------------------
@given(strategies.cases(), strategies.seeds)
def test_hessian_products_of_any_network_agree_with_differences_of_its_gradient(case, seed):
    net, x, t = case.net, case.x, case.t
    v = directions(net, seed)
    if has_a_layer_by_hand(net):
        with pytest.raises(TypeError, match="written by hand and has no derivative of its own"):
            product_by_engine(net, x, t, v)
        return
    strategies.assume_no_kink_near(copy.deepcopy(net).objective(x, t), 0.01)
    expected = product_by_differences(net, x, t, v)
    assert_same(product_by_engine(net, x, t, v), expected)


LOSSES = {
    "classes": (mg.SoftmaxWithLoss, np.array([0, 2, 1, 2])),
    "one-hot": (mg.SoftmaxWithLoss, np.eye(3)[[0, 2, 1, 2]]),
    "yes or no": (mg.SigmoidWithLoss, np.eye(3)[[0, 2, 1, 2]]),
    "regression": (mg.MeanSquaredError, np.linspace(-1, 1, 12).reshape(4, 3)),
}
BATCH = np.random.default_rng(1).normal(size=(4, 5))


@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid"])
@pytest.mark.parametrize(("loss", "t"), LOSSES.values(), ids=list(LOSSES))
def test_hessian_products_of_an_mlp_agree_with_differences(activation, loss, t):
    net = mg.mlp([5, 4, 3], activation=activation, dropout=0.3, loss=loss(), rng=3)
    v = directions(net)
    expected = product_by_differences(net, BATCH, t, v)
    assert_same(product_by_engine(net, BATCH, t, v), expected)


class Shared(mg.Network):
    """Two branches, weights used twice, and a penalty in the objective."""

    def __init__(self):
        super().__init__(loss=mg.SoftmaxWithLoss())
        self.hidden = [mg.Affine(5, 5, init="xavier", rng=i) for i in range(2)]
        self.out = {"left": mg.Affine(5, 3, rng=2), "right": mg.Affine(5, 3, rng=3)}
        self.gate = mg.Tensor(0.3)

    def __call__(self, x, train_flag=False):
        for layer in (*self.hidden, self.hidden[0]):
            x = x + mg.gelu(layer(x))
        return self.gate * self.out["left"](x) + mg.softplus(self.out["right"](x))

    def objective(self, x, t, train_flag=True):
        decay = sum(np.sum(w**2) for w in self.tensors().values())
        return super().objective(x, t, train_flag) + 0.01 * decay


def test_hessian_products_of_a_network_of_ones_own_agree_with_differences():
    net, t = Shared(), LOSSES["classes"][1]
    v = directions(net)
    assert_same(product_by_engine(net, BATCH, t, v), product_by_differences(net, BATCH, t, v))


def test_the_hessian_of_a_network_is_symmetric():
    net, t = mg.mlp([5, 3, 3], activation="tanh", rng=0), LOSSES["classes"][1]
    v, w = directions(net, 1), directions(net, 2)
    there = sum(map(oracle.inner, w.values(), product_by_engine(net, BATCH, t, v).values()))
    back = sum(map(oracle.inner, v.values(), product_by_engine(net, BATCH, t, w).values()))
    assert there == pytest.approx(back, rel=1e-12)


def test_hvp_by_a_dict_of_parameters_is_that_of_the_network():
    net, t = mg.mlp([5, 4, 3], activation="tanh", rng=0), LOSSES["classes"][1]
    v = directions(net)

    def loss(p):
        scores = np.tanh(BATCH @ p["W1"] + p["b1"]) @ p["W2"] + p["b2"]
        return mg.softmax_cross_entropy(scores, t)

    expected = product_by_engine(net, BATCH, t, v)
    for name, h in mg.hvp(loss)(net.params, v).items():
        np.testing.assert_allclose(h, expected[name], rtol=1e-10, atol=1e-14)


# ---- derivatives by the input, inside the loss ---------------------------------------------------
class Bent(mg.Network):
    """Its loss holds the first and second derivative of the output by the input."""

    def __init__(self, slope):
        super().__init__()
        self.net = mg.mlp([1, 4, 1], activation="tanh", rng=0)
        self.slope = slope

    def __call__(self, x, train_flag=False):
        return self.net(x)

    def objective(self, x, t, train_flag=True):
        x = mg.Tensor(x)
        first, second = self.slope(self)(x), self.slope(self.slope(self))(x)
        return np.mean((first + second - t) ** 2)


SLOPES = {
    "grad": lambda f: mg.grad(lambda x: np.sum(f(x))),
    "jvp": lambda f: lambda x: mg.jvp(f, x, np.ones(x.shape))[1],
    "vjp": lambda f: lambda x: mg.vjp(f, x)[1](np.ones(x.shape)),
    "gradients": lambda f: lambda x: mg.gradients(np.sum(f(x)), x, create_graph=True),
}


@pytest.mark.parametrize("slope", SLOPES.values(), ids=list(SLOPES))
def test_a_loss_of_derivatives_by_the_input_has_gradients_by_the_parameters(slope):
    net, x = Bent(slope), np.linspace(-1, 1, 5)[:, None]
    t = np.cos(x)
    numerical = net.numerical_gradient(x, t)
    for name, g in net.gradient(x, t).items():
        np.testing.assert_allclose(g, numerical[name], rtol=1e-6, atol=1e-8)
    v = directions(net)
    assert_same(product_by_engine(net, x, t, v), product_by_differences(net, x, t, v))


# ---- layers written by hand ----------------------------------------------------------------------
class Cube(mg.Layer):
    param_grads: ClassVar = {"k": "dk"}

    def __init__(self):
        self.k = np.array(2.0)

    def forward(self, x):
        self.x = x
        return self.k * x**3

    def backward(self, dout):
        self.dk = np.sum(dout * self.x**3)
        return 3 * self.k * self.x**2 * dout


X = np.array([1.0, -2.0])


def test_a_layer_by_hand_has_first_derivatives_in_every_transform():
    cube = Cube()
    np.testing.assert_array_equal(mg.grad(lambda x: np.sum(cube(x)))(X), [6, 24])
    np.testing.assert_array_equal(mg.vjp(cube, X)[1](X), [6, -48])
    np.testing.assert_array_equal(mg.jacobian(cube)(X), np.diag([6, 24]))


def test_a_wide_layer_by_hand_has_a_jacobian_like_a_narrow_one():
    jacobian = mg.jacobian(lambda x: Cube()(x * np.ones(9)))(2.0)
    np.testing.assert_array_equal(jacobian, np.full(9, 24))


@pytest.mark.parametrize(
    "call",
    [
        lambda f: mg.hessian(f)(X),
        lambda f: mg.hvp(f)(X, X),
        lambda f: mg.jvp(f, X, X),
        lambda f: mg.grad(f)(mg.Tensor(X)),
        lambda f: mg.grad(lambda k: mg.grad(lambda x: f(k * x))(X)[0])(2.0),
    ],
    ids=["hessian", "hvp", "jvp", "Tensor", "nest"],
)
def test_a_layer_by_hand_refuses_what_needs_its_second_derivative(call):
    with pytest.raises(TypeError, match=r"Cube.backward is written by hand .* a __call__ in NumPy"):
        call(lambda x: np.sum(Cube()(x)))


@pytest.mark.parametrize("way", [strategies.ForwardOnly, strategies.ByPrimitive])
def test_other_ways_to_write_a_layer_have_second_derivatives(way):
    layer = way(*strategies.weights(5, 3, 0))
    jacobian = mg.jacobian(lambda x: mg.grad(lambda x: np.sum(layer(x) ** 2))(x))(BATCH[:1])
    hessian = mg.hessian(lambda x: np.sum(layer(x) ** 2))(BATCH[:1])
    W, b = layer.params["W"], layer.params["b"]
    y = np.tanh(BATCH[:1] @ W + b)[0]
    expected = 2 * W @ np.diag((1 - y**2) * (1 - 3 * y**2)) @ W.T
    np.testing.assert_allclose(jacobian[0, :, 0], expected, rtol=1e-12, atol=1e-14)
    np.testing.assert_array_equal(hessian, jacobian)


# ---- pieces of an array --------------------------------------------------------------------------
@given(data=st.data(), seed=st.integers(0, 2**32 - 1))
def test_pieces_of_an_array_that_overlap_add_up_at_every_order(data, seed):
    rng = np.random.default_rng(seed)
    x, u, v = rng.normal(size=(3, 2, 3))
    places = [data.draw(indices((2, 3))) for _ in range(data.draw(st.integers(2, 5)))]
    places = list(map(as_numpy_reads, places))
    numbers = np.arange(6).reshape(2, 3)

    def f(x, take):
        y = x
        for place in places:
            y = y + np.sum(np.sin(take(x, place)) * np.sum(x))
        return np.sum(y * x)

    def orders(take):
        first = mg.grad(lambda x: f(x, take))
        second = mg.hvp(lambda x: f(x, take))
        third = mg.hvp(lambda x: np.sum(second(x, v) * u))
        return np.stack([first(x), second(x, v), third(x, u)])

    by_index = orders(lambda x, place: x[place])
    by_number = orders(lambda x, place: np.take(x, numbers[place]))
    np.testing.assert_allclose(by_index, by_number, 1e-10, 1e-10)


def test_a_recorded_pass_over_a_loop_of_rows_makes_no_array_for_each_row():
    def f(x):
        return sum((row**2 for row in x), np.zeros(()))

    x = mg.Tensor(np.linspace(1, 2, 300))
    g = mg.gradients(f(x), x, create_graph=True)
    found, stack = {}, [g]
    while stack:
        node = stack.pop()
        found[id(node)] = node
        stack += [p for p in operands(node) if id(p) not in found]
    assert len(found) > 300
    assert sum(node.size for node in found.values()) < 20 * x.size
    assert mg.gradients(np.sum(g), x).tolist() == [2.0] * 300
