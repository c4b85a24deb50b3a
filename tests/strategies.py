"""Random architectures for Hypothesis, and one dense layer written in each way there is."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st

import minigrad as mg
from minigrad.functions import leaky_relu, relu
from minigrad.graph import Node


# ---- tanh(x W + b), written in each way --------------------------------------------------------
def weights(n_in, n_out, rng):
    """W (n_in, n_out) and b (n_out,); no zeros."""
    rng = np.random.default_rng(rng)
    return rng.normal(size=(n_in, n_out)) / np.sqrt(n_in), rng.normal(size=n_out) / 4


class ForwardOnly(mg.Layer):
    def __init__(self, W, b):
        self.W, self.b = mg.Tensor(W), mg.Tensor(b)

    def __call__(self, x):
        return np.tanh(x @ self.W + self.b)


class ByHand(mg.Layer):
    param_grads: ClassVar = {"W": "dW", "b": "db"}

    def __init__(self, W, b):
        self.W, self.b = W.copy(), b.copy()

    def forward(self, x):
        self.x, self.y = x, np.tanh(x @ self.W + self.b)
        return self.y

    def backward(self, dout):
        dz = dout * (1 - self.y**2)
        self.dW, self.db = self.x.T @ dz, dz.sum(axis=0)
        return dz @ self.W.T


class Foreign:
    """Not a Layer: somebody else's, with caches that are filled in place."""

    def __init__(self, W, b):
        self.W, self.b = W.copy(), b.copy()
        self.x = self.y = None

    def forward(self, x):
        if self.x is None or self.x.shape != x.shape:
            self.x, self.y = np.empty_like(x), np.empty((len(x), len(self.b)), x.dtype)
        self.x[...] = x
        np.tanh(self.x @ self.W + self.b, out=self.y)
        return self.y

    def backward(self, dout):
        dout *= 1 - self.y**2
        self.dW, self.db = self.x.T @ dout, dout.sum(axis=0)
        return dout @ self.W.T


@mg.primitive(
    lambda g, y, x, W, b: (g * (1 - y**2)) @ W.T,
    lambda g, y, x, W, b: x.T @ (g * (1 - y**2)),
    lambda g, y, x, W, b: g * (1 - y**2),
)
def dense(x, W, b):
    return np.tanh(x @ W + b)


class ByPrimitive(mg.Layer):
    def __init__(self, W, b):
        self.W, self.b = mg.Tensor(W), mg.Tensor(b)

    def __call__(self, x):
        return dense(x, self.W, self.b)


def wrapped(W, b):
    return mg.wrap(Foreign(W, b), param_grads={"W": "dW", "b": "db"})


WAYS = {
    "forward only": ForwardOnly,
    "by hand": ByHand,
    "a primitive": ByPrimitive,
    "wrapped": wrapped,
}


# ---- wirings -------------------------------------------------------------------------------------
class Residual(mg.Network):
    """x + f(x), or f(x) scaled by a parameter of its own."""

    def __init__(self, inner):
        super().__init__()
        self.inner = inner
        self.scale = mg.Tensor(0.5)

    def __call__(self, x, train_flag=False):
        return x + self.scale * self.inner(x, train_flag=train_flag)


class Branches(mg.Network):
    """Several layers side by side, their outputs joined."""

    def __init__(self, **branches):
        super().__init__()
        self.branches = branches

    def __call__(self, x, train_flag=False):
        outputs = [
            layer(x, train_flag=train_flag) if layer.takes_train_flag else layer(x)
            for layer in self.branches.values()
        ]
        return np.concatenate(outputs, axis=-1)


@dataclass
class Case:
    """A network, its batch and its targets."""

    net: mg.Network
    x: np.ndarray
    t: np.ndarray


ACTIVATIONS = [
    mg.ReLU,
    lambda: mg.LeakyReLU(0.2),
    mg.ELU,
    mg.Sigmoid,
    mg.Tanh,
    mg.GELU,
    mg.SiLU,
    mg.Softplus,
    mg.Softmax,
]
seeds = st.integers(0, 2**32 - 1)
widths = st.integers(1, 4)


@st.composite
def dense_layers(draw, n_in, n_out):
    """An Affine, or a dense layer written in one of the ways."""
    rng = draw(seeds)
    if draw(st.booleans()):
        layer = mg.Affine(n_in, n_out, init="xavier", bias=draw(st.booleans()), rng=rng)
        for p in layer.params.values():
            p += 0.1 * np.random.default_rng(rng).normal(size=p.shape)
        return layer
    return draw(st.sampled_from(list(WAYS.values())))(*weights(n_in, n_out, rng))


@st.composite
def blocks(draw, n_in, n_out, depth):
    """Layers from n_in features to n_out: a list for a Sequential."""
    kinds = ["dense", "activation", "dropout", "tied"]
    kind = draw(st.sampled_from(kinds + ["inner", "residual", "branches"] * (depth > 0)))
    first = draw(dense_layers(n_in, n_out))
    if kind == "activation":
        return [first, draw(st.sampled_from(ACTIVATIONS))()]
    if kind == "dropout":
        inverted = draw(st.booleans())
        return [mg.Dropout(0.4, inverted=inverted, rng=draw(seeds)), first]
    if kind == "tied":
        again = draw(dense_layers(n_out, n_out))
        return [first, again, mg.Tanh(), again]
    if kind == "inner":
        return [draw(chains(n_in, n_out, depth - 1))]
    if kind == "residual":
        return [first, Residual(draw(chains(n_out, n_out, depth - 1)))]
    if kind == "branches" and n_out > 1:
        cut = draw(st.integers(1, n_out - 1))
        left = draw(chains(n_in, cut, depth - 1))
        return [Branches(left=left, right=draw(dense_layers(n_in, n_out - cut)))]
    return [first]


@st.composite
def chains(draw, n_in, n_out, depth=1, loss=None):
    """A Sequential from n_in features to n_out."""
    middle = draw(st.lists(widths, max_size=2))
    layers = []
    for a, b in zip([n_in, *middle], [*middle, n_out], strict=True):
        layers += draw(blocks(a, b, depth))
    return mg.Sequential(*layers, loss=loss)


@st.composite
def cases(draw):
    """A random architecture with a random loss, and a batch that fits."""
    n_in, n_out, rows = draw(widths), draw(widths), draw(st.integers(1, 4))
    rng = np.random.default_rng(draw(seeds))
    loss, t = draw(
        st.sampled_from(
            [
                (mg.SoftmaxWithLoss, rng.integers(n_out, size=rows)),
                (mg.SoftmaxWithLoss, np.eye(n_out)[rng.integers(n_out, size=rows)]),
                (mg.SigmoidWithLoss, rng.integers(2, size=(rows, n_out))),
                (mg.MeanSquaredError, rng.normal(size=(rows, n_out))),
            ]
        )
    )
    net = draw(chains(n_in, n_out, 1, loss()))
    return Case(net, rng.normal(size=(rows, n_in)), t)


# ---- kinks ---------------------------------------------------------------------------------------
def assume_no_kink_near(output, distance=1e-3):
    """Draw another example when a ReLU in the graph of `output` stands close to its corner."""
    seen, stack = set(), [output]
    while stack:
        node = stack.pop()
        if node._birth in seen or node._function is None:
            continue
        seen.add(node._birth)
        if node._function in (relu, leaky_relu):
            assume(np.min(np.abs(node._values[0]), initial=1.0) > distance)
        stack.extend(parent for parent in node._arguments if isinstance(parent, Node))
