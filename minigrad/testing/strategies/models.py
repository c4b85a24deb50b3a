"""Layers and networks, drawn at random."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from minigrad.layers import (
    ELU,
    GELU,
    Affine,
    Dropout,
    Layer,
    LeakyReLU,
    MeanSquaredError,
    ReLU,
    Sigmoid,
    SigmoidWithLoss,
    SiLU,
    Softmax,
    SoftmaxWithLoss,
    Softplus,
    Tanh,
)
from minigrad.networks import Network
from minigrad.sequential import Sequential
from minigrad.tensor import Tensor
from minigrad.testing.with_hypothesis import st

SIZES = st.integers(1, 4)
CACHED = 500  # strategies: one takes longer to make than to draw from
SEEDS = st.integers(0, 2**32 - 1)
MIDDLES = st.lists(SIZES, max_size=2)  # widths between the first and the last
ACTIVATIONS: list[Callable[[], Layer]] = [
    *(ReLU, LeakyReLU, ELU, Sigmoid, Tanh, GELU, SiLU, Softplus, Softmax)
]
Size: TypeAlias = "int | st.SearchStrategy[int]"
Dense: TypeAlias = "Callable[[int, int], st.SearchStrategy[Layer]]"


# ---- wirings beside Sequential -------------------------------------------------------------------
class Residual(Network):
    """A connection around a network: x + scale · inner(x), where the scale is a parameter.

    >>> list(Residual(Sequential(Affine(2, 2, rng=0))).params)
    ['inner.W1', 'inner.b1', 'scale']
    """

    def __init__(self, inner: Network) -> None:
        super().__init__()
        self.inner = inner
        self.scale = Tensor(0.5)

    def __call__(self, x: Any, train_flag: bool = False) -> Any:
        """Add to x what the inner network makes of it."""
        return x + self.scale * self.inner(x, train_flag=train_flag)


class Branches(Network):
    """Layers side by side on the same x, their outputs joined along the last axis.

    >>> net = Branches(left=Affine(2, 1, rng=0), right=Affine(2, 3, rng=1))
    >>> net.predict(np.ones((5, 2))).shape
    (5, 4)
    """

    def __init__(self, **branches: Layer) -> None:
        super().__init__()
        self.branches = branches

    def __call__(self, x: Any, train_flag: bool = False) -> Any:
        """Join what the branches make of x."""
        outputs = [
            layer(x, train_flag=train_flag) if layer.takes_train_flag else layer(x)
            for layer in self.branches.values()
        ]
        return np.concatenate(outputs, axis=-1)


# ---- strategies ----------------------------------------------------------------------------------
@functools.lru_cache(CACHED)
def affines(n_in: Size = SIZES, n_out: Size = SIZES) -> st.SearchStrategy[Layer]:
    """Draw an Affine; its seed is among what is drawn, so that the weights are the same again."""
    return st.builds(Affine, _of(n_in), _of(n_out), bias=st.sampled_from([True, False]), rng=SEEDS)


@functools.lru_cache(CACHED)
def dropouts() -> st.SearchStrategy[Layer]:
    """Draw a Dropout with a seed."""
    ratios = st.sampled_from([0.5, 0.2, 0.0])
    return st.builds(Dropout, ratios, inverted=st.booleans(), rng=SEEDS)


@functools.lru_cache(CACHED)
def losses() -> st.SearchStrategy[Layer]:
    """Draw a loss."""
    return st.one_of(*map(st.builds, (SoftmaxWithLoss, SigmoidWithLoss, MeanSquaredError)))


@functools.lru_cache(CACHED)
def activations() -> st.SearchStrategy[Layer]:
    """Draw an activation."""
    return st.one_of(*map(st.builds, ACTIVATIONS))


def layers(n_in: Size = SIZES, n_out: int | None = None) -> st.SearchStrategy[Layer]:
    """Draw a layer of minigrad: Affine, an activation or Dropout.

    Args:
        n_in: features of x; the layer takes (..., n_in).
        n_out: features of the output; any number when None.

    Shrinks to `Affine(1, 1, rng=0)`.

    >>> from hypothesis import find
    >>> find(layers(3), lambda layer: not layer.params)
    ReLU()
    >>> find(layers(3, 2), lambda layer: True)
    Affine(3, 2)
    """
    dense = affines(n_in, SIZES if n_out is None else n_out)
    keeps_width = n_out is None or n_out == n_in
    return st.one_of(dense, activations(), dropouts()) if keeps_width else dense


def networks(
    n_in: Size = SIZES,
    n_out: Size = SIZES,
    *,
    loss: Any = None,
    dense: Dense = affines,
    depth: int = 1,
) -> st.SearchStrategy[Sequential]:
    """Draw a network from n_in features to n_out, of shape (N, n_in) to (N, n_out).

    It is a Sequential of dense layers, activations, Dropout and layers used twice, and of inner
    networks: Sequentials, residual connections, parallel branches.

    Args:
        n_in: features of x.
        n_out: features of the output.
        loss: of the network, or a strategy of losses; SoftmaxWithLoss when None.
        dense: draws a layer from so many features to so many; yours, for instance.
        depth: how many inner networks may stand inside one another.

    Shrinks to `Sequential(Affine(1, 1, rng=0), loss=SoftmaxWithLoss())`.

    >>> from hypothesis import find
    >>> find(networks(2, 3), lambda net: True)
    Sequential(
      Affine(2, 3),
      loss=SoftmaxWithLoss(),
    )
    """
    ends_in = st.builds(SoftmaxWithLoss) if loss is None else _of(loss)
    return st.tuples(_of(n_in), _of(n_out)).flatmap(
        lambda sizes: _chains(*sizes, dense, depth).flatmap(
            lambda found: st.builds(Sequential, *map(st.just, found), loss=ends_in)
        )
    )


@functools.lru_cache(CACHED)
def _chains(n_in: int, n_out: int, dense: Dense, depth: int) -> st.SearchStrategy[list[Layer]]:
    """Blocks from n_in features to n_out, by way of other widths."""

    def by_way_of(middle: list[int]) -> st.SearchStrategy[list[Layer]]:
        steps = itertools.pairwise([n_in, *middle, n_out])
        blocks = st.tuples(*(_blocks(a, b, dense, depth) for a, b in steps))
        return blocks.map(lambda found: list(itertools.chain(*found)))

    return MIDDLES.flatmap(by_way_of)


@functools.lru_cache(CACHED)
def _blocks(
    n_in: int, n_out: int, dense: Dense, depth: int
) -> st.SearchStrategy[tuple[Layer, ...]]:
    """Draw a few layers from n_in features to n_out."""
    first, again = dense(n_in, n_out), dense(n_out, n_out)
    kinds: list[st.SearchStrategy[tuple[Layer, ...]]] = [
        st.tuples(first),
        st.tuples(first, activations()),
        st.tuples(dropouts(), first),
        st.tuples(first, again).map(lambda pair: (*pair, Tanh(), pair[1])),
    ]
    if depth:
        around = st.builds(Residual, _inner(n_out, n_out, dense, depth))
        kinds += [st.tuples(_inner(n_in, n_out, dense, depth)), st.tuples(first, around)]
    for cut in range(1, n_out if depth else 0):
        left, right = _inner(n_in, cut, dense, depth), dense(n_in, n_out - cut)
        kinds.append(st.tuples(st.builds(Branches, left=left, right=right)))
    return st.one_of(kinds)


def _inner(n_in: int, n_out: int, dense: Dense, depth: int) -> st.SearchStrategy[Sequential]:
    """Draw a network that stands inside another: less deep, and without a loss."""
    return _chains(n_in, n_out, dense, depth - 1).flatmap(
        lambda found: st.builds(Sequential, *map(st.just, found))
    )


def _of(value: Any) -> st.SearchStrategy[Any]:
    return value if isinstance(value, st.SearchStrategy) else st.just(value)
