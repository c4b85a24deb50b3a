"""Examples with names, for `minigrad explain` and for lessons: each returns what to explain.

Every one is small enough to be followed with pencil and paper, and its numbers are fixed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad.functions import softmax
from minigrad.layers import Affine, Dropout, ReLU, SoftmaxWithLoss
from minigrad.sequential import Sequential
from minigrad.tensor import Tensor

Explained = tuple[Any, ...]


def apples() -> Explained:
    """Two apples at 100, with a tax of 10 %: the book's first graph (220; 2.2, 110, 200).

    >>> price, names = apples()
    >>> price.item().__round__(6)
    220.0
    """
    apple, count, tax = Tensor(100.0), Tensor(2.0), Tensor(1.1)
    bag = apple * count
    price = bag * tax
    return price, {"apple": apple, "count": count, "tax": tax, "bag": bag, "price": price}


def apples_and_oranges() -> Explained:
    """Two apples at 100 and three oranges at 150, with tax (715; 2.2, 110, 3.3, 165, 650)."""
    apple, apples = Tensor(100.0), Tensor(2.0)
    orange, oranges, tax = Tensor(150.0), Tensor(3.0), Tensor(1.1)
    bag, box = apple * apples, orange * oranges
    fruit = bag + box
    price = fruit * tax
    names = {"apple": apple, "apples": apples, "orange": orange, "oranges": oranges, "tax": tax}
    return price, names | {"bag": bag, "box": box, "fruit": fruit, "price": price}


def used_twice() -> Explained:
    """One value that goes two ways, y = a b + a: its gradient is the sum of both."""
    a, b = Tensor(3.0), Tensor(4.0)
    product = a * b
    y = product + a
    return y, {"a": a, "b": b, "product": product, "y": y}


def two_layer() -> Explained:
    """Affine, ReLU, Affine and SoftmaxWithLoss on two rows of three numbers."""
    return _net(ReLU()), _x(), np.array([0, 1])


def dropout() -> Explained:
    """The same net with Dropout: its mask stops gradients where it stopped values."""
    return _net(ReLU(), Dropout(0.5, rng=0)), _x(), np.array([0, 1])


def softmax_with_loss() -> Explained:
    """Softmax and cross-entropy, written out for one row of scores: the gradient is p − t."""
    scores, t = Tensor([1.0, 2.0, 0.5]), np.array([0.0, 1.0, 0.0])
    p = softmax(scores)
    loss = -np.sum(t * np.log(p))
    return loss, {"scores": scores, "t": t, "p": p, "loss": loss}


def batchnorm() -> Explained:
    """A batch of four rows is centred, scaled to variance 1, and stretched by γ and β."""
    x = Tensor([[1.0, 2.0], [2.0, 0.0], [4.0, 1.0], [5.0, 3.0]])
    gamma, beta = Tensor([1.5, 0.5]), Tensor([0.0, 1.0])
    weights = np.array([[1.0, -1.0], [2.0, 0.5], [-1.0, 1.0], [0.5, 3.0]])
    mu = np.mean(x, axis=0)
    centred = x - mu
    var = np.mean(centred**2, axis=0)
    normal = centred / np.sqrt(var + 1e-7)
    out = gamma * normal + beta
    loss = np.sum(out**2 * weights)
    names = {"x": x, "gamma": gamma, "beta": beta, "weights": weights, "mu": mu}
    return loss, names | {
        "centred": centred,
        "var": var,
        "normal": normal,
        "out": out,
        "loss": loss,
    }


def attention() -> Explained:
    """Scaled dot-product attention of three words in two dimensions (Vaswani et al. 2017)."""
    q = Tensor([[1.0, 0.0], [0.5, 0.5], [0.0, 1.0]])
    k = Tensor([[1.0, 0.2], [0.0, 1.0], [0.7, 0.7]])
    v = Tensor([[1.0, 0.0], [0.0, 2.0], [1.0, 1.0]])
    keys = k.T
    products = q @ keys
    scores = products / np.sqrt(2.0)
    weights = softmax(scores)
    out = weights @ v
    squares = out**2
    loss = np.sum(squares)
    names = {"q": q, "k": k, "v": v, "keys": keys, "products": products, "scores": scores}
    return loss, names | {"weights": weights, "out": out, "squares": squares, "loss": loss}


def _net(*between: Any) -> Sequential:
    """A net 3-4-2 with round numbers for weights."""
    net = Sequential(Affine(3, 4, rng=0), *between, Affine(4, 2, rng=0), loss=SoftmaxWithLoss())
    net.params["W1"] = np.array(
        [[0.5, -0.3, 0.8, 0.1], [-0.3, 0.4, 0.1, 0.6], [0.3, 0.2, -0.5, 0.7]]
    )
    net.params["b1"] = np.array([0.1, 0.0, -0.1, 0.2])
    net.params["W2"] = np.array([[0.6, -0.4], [-0.1, 0.5], [0.2, 0.3], [-0.7, 0.1]])
    net.params["b2"] = np.array([0.0, 0.1])
    return net


def _x() -> Any:
    return np.array([[1.0, 0.5, -1.0], [0.0, 2.0, 1.0]])


EXAMPLES: dict[str, Callable[[], Explained]] = {
    "apples": apples,
    "apples-and-oranges": apples_and_oranges,
    "used-twice": used_twice,
    "two-layer": two_layer,
    "dropout": dropout,
    "softmax": softmax_with_loss,
    "batchnorm": batchnorm,
    "attention": attention,
}
