"""What the sides compute: nets with their first weights, batches, and chains of operations.

Everything is drawn from a fixed seed, so that each process has the same bits.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
Settings = dict[str, Any]


@dataclass(frozen=True)
class Problem:
    """A net of Affine and ReLU layers to be trained on one batch.

    x (N, D) holds values in [0, 1), as pixels are; t (N,) the classes; weights W1 b1 W2 b2 … in
    order, normal with variance 2 / inputs (He et al. 2015) and biases zero.
    """

    sizes: list[int]
    x: Array
    t: Array
    weights: list[Array]

    @property
    def layers(self) -> int:
        """How many Affine layers there are."""
        return len(self.sizes) - 1

    def one_hot(self) -> Array:
        """The classes as rows with a single 1."""
        return np.eye(self.sizes[-1], dtype=self.x.dtype)[self.t]


def net(settings: Settings) -> Problem:
    """Draw the net and the batch of `sizes`, `batch` and `dtype`; sides copy what they change."""
    return _net(tuple(settings["sizes"]), settings["batch"], settings["dtype"])


@cache
def _net(sizes: tuple[int, ...], batch: int, dtype: str) -> Problem:
    rng = np.random.default_rng(0)
    x = rng.random((batch, sizes[0])).astype(dtype)
    t = rng.integers(0, sizes[-1], batch)
    return Problem(list(sizes), x, t, first_weights(sizes, dtype))


def first_weights(sizes: Sequence[int], dtype: str) -> list[Array]:
    """Draw W1 b1 W2 b2 …"""
    rng, weights = np.random.default_rng(1), []
    for n_in, n_out in pairwise(sizes):
        W = rng.standard_normal((n_in, n_out)) * np.sqrt(2 / n_in)
        weights += [W.astype(dtype), np.zeros(n_out, dtype)]
    return weights


def names(weights: list[Any]) -> list[str]:
    """W1 b1 W2 b2 … for a list of weights in that order."""
    return [f"{'Wb'[i % 2]}{i // 2 + 1}" for i in range(len(weights))]


def changes(problem: Problem, weights: list[Any], loss: float | None = None) -> dict[str, Array]:
    """How far the weights have moved since the beginning, by name; and the loss where there is one.

    The changes are what is compared between the sides: in the weights themselves the few steps of
    a check would hardly show.
    """
    pairs = zip(weights, problem.weights, strict=True)
    found = {name: np.asarray(W) - W0 for name, (W, W0) in zip(names(weights), pairs, strict=True)}
    return found if loss is None else found | {"loss": np.array(float(loss))}


def parameters(settings: Settings) -> tuple[list[Array], list[Array]]:
    """Draw `size` parameters and their gradients, in `arrays` arrays of one length."""
    rng = np.random.default_rng(0)
    length = settings["size"] // settings["arrays"]

    def draw() -> list[Array]:
        return [rng.standard_normal(length, np.float32) for _ in range(settings["arrays"])]

    return draw(), draw()


def moved(settings: Settings, params: Iterable[Any]) -> dict[str, Array]:
    """How far `parameters` have moved."""
    pairs = zip(params, parameters(settings)[0], strict=True)
    return {str(i): np.asarray(W) - W0 for i, (W, W0) in enumerate(pairs)}


def operands(settings: Settings) -> tuple[Array, Array, Array]:
    """Draw x, w and b of `size` elements for a chain: w is so near 1 that products stay tame."""
    rng = np.random.default_rng(0)
    near = min(1e-3, 1 / settings["length"])
    x, w, b = rng.uniform(-near, near, (3, settings["size"])).astype(settings["dtype"])
    return x, w + np.ones_like(w), b


def chain(settings: Settings, np: Any, x: Any, w: Any, b: Any) -> Any:
    """A chain of `length` operations on the arrays of any library, whose functions `np` has.

    `through` operators it is y ← y w + b, again and again; through functions sin(tanh(y w + b)).
    """
    y = x
    if settings["through"] == "operators":
        for _ in range(settings["length"] // 2):
            y = y * w + b
    else:
        for _ in range(settings["length"] // 4):
            y = np.sin(np.tanh(np.add(np.multiply(y, w), b)))
    return y
