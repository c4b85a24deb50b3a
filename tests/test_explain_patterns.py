"""The letters of sums of layers that were written by hand: they hang on no number of the pass."""

from types import MappingProxyType

import numpy as np
import pytest

import minigrad as mg


class Affine(mg.Layer):
    param_grads = MappingProxyType({"W": "dW", "b": "db"})

    def __init__(self, W, b):
        self.W, self.b = W, b

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, dout):
        self.dW = self.x.T @ dout
        self.db = dout.sum(axis=0)
        return dout @ self.W.T


class ReLU(mg.Layer):
    def forward(self, x):
        self.mask = x > 0
        return x * self.mask

    def backward(self, dout):
        return dout * self.mask


class Sigmoid(mg.Layer):
    def forward(self, x):
        self.out = 1 / (1 + np.exp(-x))
        return self.out

    def backward(self, dout):
        return dout * self.out * (1 - self.out)


class Tanh(mg.Layer):
    def forward(self, x):
        self.out = np.tanh(x)
        return self.out

    def backward(self, dout):
        return dout * (1 - self.out**2)


class Dropout(mg.Layer):
    def __init__(self):
        self.rng = np.random.default_rng(5)

    def forward(self, x):
        self.mask = self.rng.random(x.shape) > 0.5
        return x * self.mask

    def backward(self, dout):
        return dout * self.mask


class Normalised(mg.Layer):
    """What batch normalisation does, over the rows."""

    param_grads = MappingProxyType({"gamma": "dgamma"})

    def __init__(self, gamma):
        self.gamma = gamma

    def forward(self, x):
        self.std = np.sqrt(x.var(axis=0) + 1e-3)
        self.xn = (x - x.mean(axis=0)) / self.std
        return self.gamma * self.xn

    def backward(self, dout):
        self.dgamma = (dout * self.xn).sum(axis=0)
        g = dout * self.gamma
        return (g - g.mean(axis=0) - self.xn * (g * self.xn).mean(axis=0)) / self.std


class Convolution(mg.Layer):
    """A filter that slides along the columns of each row, by loops."""

    param_grads = MappingProxyType({"w": "dw"})

    def __init__(self, w):
        self.w = w

    def forward(self, x):
        self.x = x
        columns = [x[:, i : i + len(self.w)] @ self.w for i in range(x.shape[1] - len(self.w) + 1)]
        return np.stack(columns, axis=1)

    def backward(self, dout):
        self.dw, dx = np.zeros_like(self.w), np.zeros_like(self.x)
        for n, i in np.ndindex(dout.shape):
            self.dw += dout[n, i] * self.x[n, i : i + len(self.w)]
            dx[n, i : i + len(self.w)] += dout[n, i] * self.w
        return dx


RANDOM = np.random.default_rng(0).normal(size=(3, 3))
NUMBERS = {
    "random": RANDOM,
    "zeros": np.zeros((3, 3)),
    "ones": np.ones((3, 3)),
    "identity": np.eye(3),
    "zeros in it": RANDOM * (RANDOM > 0),
    "equal rows": np.tile(RANDOM[0], (3, 1)),
}


def formula(call, x, name, *index):
    """Write one entry; the output of the layer is called h, its input x."""
    h = call(x)
    names = {"x": x, "h": h, **(call.tensors() if isinstance(call, mg.Layer) else {})}
    e = mg.explain(np.sum(h * RANDOM[: h.shape[0], : h.shape[1]]), names=names)
    (part,) = e.at(name, *index).sums
    assert part.adds_up
    return part.formula


@pytest.mark.parametrize("numbers", NUMBERS.values(), ids=NUMBERS)
@pytest.mark.parametrize("weights", [RANDOM, np.eye(3), np.zeros((3, 3))])
def test_sums_of_an_affine_layer_have_their_letters_whatever_the_numbers_are(numbers, weights):
    call, x = Affine(weights.copy(), np.zeros(3)), mg.Tensor(numbers)
    W, b = call.tensors().values()
    h = call(x)
    e = mg.explain(np.sum(h * RANDOM), names={"x": x, "h": h, "W": W, "b": b})
    assert e.at("W", 1, 2).sums[0].formula == "Σₙ x[n, 1] · dh[n, 2]"
    assert e.at("x", 2, 1).sums[0].formula == "Σₙ W[1, n] · dh[2, n]"
    assert e.at("b", 2).sums[0].formula == "Σₙ dh[n, 2]"
    assert all(e.at("W", *i).sums[0].adds_up for i in np.ndindex(3, 3))


@pytest.mark.parametrize("numbers", NUMBERS.values(), ids=NUMBERS)
@pytest.mark.parametrize(
    ("kind", "wanted", "ours"),
    [
        (ReLU, "mask[1, 2] · dh[1, 2]", None),
        (Dropout, "mask[1, 2] · dh[1, 2]", None),
        (Sigmoid, "h[1, 2] · (1 − h[1, 2]) · dh[1, 2]", mg.sigmoid),
        (Tanh, "(1 − h[1, 2] ** 2) · dh[1, 2]", np.tanh),
    ],
)
def test_activations_by_hand_read_the_same_whatever_the_numbers_are(numbers, kind, wanted, ours):
    assert formula(kind(), mg.Tensor(numbers), "x", 1, 2) == wanted
    if ours is not None:
        assert formula(ours, mg.Tensor(numbers), "x", 1, 2) == wanted


@pytest.mark.parametrize("numbers", NUMBERS.values(), ids=NUMBERS)
def test_sums_over_rows_and_over_windows_have_their_letters(numbers):
    x = mg.Tensor(numbers)
    call = Normalised(np.ones(3))
    assert formula(call, x, "x", 1, 2) == "Σₙ ∂h[n, 2]/∂x[1, 2] · dh[n, 2]"
    assert formula(call, x, "gamma", 2) == "Σₙ xn[n, 2] · dh[n, 2]"
    call = Convolution(np.ones(2))
    assert formula(call, x, "x", 1, 1) == "Σₙ ∂h[1, n]/∂x[1, 1] · dh[1, n]"
    assert formula(call, x, "w", 1) == "ΣₙΣₘ ∂h[n, m]/∂w[1] · dh[n, m]"


def test_a_layer_that_takes_no_other_numbers_is_read_by_its_own():
    class Picky(Affine):
        def forward(self, x):
            assert np.array_equal(x, numbers)
            return super().forward(x)

    numbers = np.array([[1.0, 2.0, 0.5], [0.0, 0.3, 4.0]])
    call, x = Picky(RANDOM.copy(), np.zeros(3)), mg.Tensor(numbers)
    h = call(x)
    W, _ = call.tensors().values()
    e = mg.explain(np.sum(h * RANDOM[:2]), names={"x": x, "h": h, "W": W})
    assert e.at("W", 0, 2).sums[0].formula == "Σₙ x[n, 0] · dh[n, 2]"
    assert len(e.at("W", 0, 2).sums[0].terms) == 2  # a product with 0 is one
