"""One dense layer written in each way there is, and random networks of such layers."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st

import minigrad as mg
from minigrad.functions import leaky_relu, relu
from minigrad.graph import Node
from minigrad.testing import strategies as mgst


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


# ---- networks ------------------------------------------------------------------------------------
@dataclass
class Case:
    """A network, its batch and its targets."""

    net: mg.Network
    x: np.ndarray
    t: np.ndarray


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


LOSSES = (mg.SoftmaxWithLoss, mg.SigmoidWithLoss, mg.MeanSquaredError)


@st.composite
def cases(draw):
    """A random architecture with a random loss, and a batch that fits."""
    n_in, n_out, loss = draw(widths), draw(widths), draw(st.sampled_from(LOSSES))()
    net = draw(mgst.networks(n_in, n_out, loss=loss, dense=dense_layers))
    return Case(net, *draw(mgst.batches(n_in, n_out, loss=loss)))


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
