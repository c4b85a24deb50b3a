"""Explanations to draw: the book's, a net, shared values, hostile names, deep graphs."""

import numpy as np
from hypothesis import strategies as st

import minigrad as mg

HOSTILE = ("<script>alert(1)</script>", "</script>\"&']]>\x00\u202e", "重み" * 9, "w" * 300)


def apples():
    apple, apple_num, orange, orange_num, tax = map(mg.Tensor, (100.0, 2.0, 150.0, 3.0, 1.1))
    apple_price = apple * apple_num
    orange_price = orange * orange_num
    total = (apple_price + orange_price) * tax
    return mg.explain(total, names=locals())


def two_layers(n_in=3, hidden=5, n_out=2, batch=4):
    rng = np.random.default_rng(0)
    hidden_layer = mg.Affine(n_in, hidden, rng=rng)
    layers = hidden_layer, mg.ReLU(), mg.Dropout(0.2, rng=rng), mg.Affine(hidden, n_out, rng=rng)
    net = mg.Sequential(*layers, loss=mg.SoftmaxWithLoss())
    return mg.explain(net, rng.normal(size=(batch, n_in)), rng.integers(0, n_out, batch))


def shared():
    """A value used twice, an operand used twice in one call, a skip connection, broadcasting."""
    rng = np.random.default_rng(1)
    x, W, b = (mg.Tensor(rng.normal(size=shape)) for shape in ((4, 3), (3, 3), (3,)))
    h = np.tanh(x @ W + b)
    k = np.tanh(h @ W)
    L = np.mean((h + k) ** 2) + 0.01 * np.sum(W * W)
    return mg.explain(L, names=locals())


def hostile():
    x, y, z, w = (mg.Tensor(2.0 + k, name=name) for k, name in enumerate(HOSTILE))
    loss = x * y + z * w + x
    return mg.explain(loss, names={})


def deep(layers=16):
    net = mg.mlp([4, *[3] * layers, 2], rng=0)
    return mg.explain(net, np.random.default_rng(0).normal(size=(5, 4)), np.array([0, 1, 1, 0, 1]))


def failed():
    """A net whose second layer does not take what the first one makes."""
    layers = mg.Affine(3, 4, rng=0), mg.ReLU(), mg.Affine(5, 2, rng=0)
    net = mg.Sequential(*layers, loss=mg.SoftmaxWithLoss())
    return mg.explain(net, np.ones((2, 3)), np.array([0, 1]))


class Masked(mg.Layer):
    """A mask that is kept from a batch of another size: a layer by hand that fails."""

    def forward(self, x):
        self.mask = np.zeros((20, 4)) if len(x) < 20 else x > 0
        return (
            x * self.mask[: 3 * len(x)] + np.concatenate([self.mask, self.mask], axis=0)[: len(x)]
        )

    def backward(self, dout):
        return dout * self.mask


def failed_by_hand():
    """A layer by hand that fails, in a line that is wider than a telephone."""
    net = mg.Sequential(mg.Affine(3, 4, rng=0), Masked(), loss=mg.SoftmaxWithLoss())
    return mg.explain(net, np.ones((2, 3)), np.array([0, 1]))


def chain(calls):
    x = mg.Tensor(1.0)
    y = x
    for k in range(calls):
        y = y + 0.001 * x if k % 9 == 8 else np.sin(y)
    return mg.explain(y, names={"x": x, "y": y})


class Normalised(mg.Layer):
    """To mean 0 and variance 1 in each column: a layer of several calls."""

    def __call__(self, x):
        centred = x - np.mean(x, axis=0)
        return centred / np.sqrt(np.mean(centred * centred, axis=0) + 1e-5)


def blocks(count=21, depth=6):
    """A net of nets, of more than a thousand calls."""
    parts = [
        mg.Sequential(*(layer for _ in range(depth) for layer in (Normalised(), mg.Affine(2, 2))))
        for _ in range(count)
    ]
    net = mg.Sequential(*parts, loss=mg.SoftmaxWithLoss())
    return mg.explain(net, np.random.default_rng(0).normal(size=(4, 2)), np.array([0, 1, 1, 0]))


SAMPLES = {f.__name__: f for f in (apples, two_layers, shared, hostile, deep)}


@st.composite
def programs(draw, most=12):
    """Explanations of random programs of numbers: values are used never, once or many times."""
    numbers = st.floats(-2, 2).map(lambda x: round(x, 2))
    values = [mg.Tensor(draw(numbers)) for _ in range(draw(st.integers(1, 3)))]
    for _ in range(draw(st.integers(1, most))):
        one, other = (values[draw(st.integers(0, len(values) - 1))] for _ in "ab")
        calls = (np.tanh, np.cos, np.add, np.multiply, np.subtract)
        call = draw(st.sampled_from(calls))
        values.append(call(one) if call in calls[:2] else call(one, other))
    return mg.explain(values[-1], names={})
