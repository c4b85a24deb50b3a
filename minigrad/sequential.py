"""Layers one after the other."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from minigrad.constants import borrowed
from minigrad.graph import Array
from minigrad.kinds import plain
from minigrad.layers import (
    Affine,
    Dropout,
    Layer,
    Loss,
    ReLU,
    Sigmoid,
    SoftmaxWithLoss,
    Tanh,
    as_layer,
)
from minigrad.layers.basic import Rng
from minigrad.networks import Network
from minigrad.recording import Recording, UnrepeatableError
from minigrad.tensor import Tensor


class Sequential(Network):
    """Layers one after the other.

    Args:
        layers: layers, or other objects with forward and backward that hold no parameters.
        loss: the layer that compares the output with targets.

    Parameters are numbered as in the book: W1 b1 W2 b2 …; those of an inner network have its place
    before their name: 2.W1.

    >>> net = Sequential(Affine(2, 8, rng=0), ReLU(), Affine(8, 3, rng=1), loss=SoftmaxWithLoss())
    >>> list(net.params)
    ['W1', 'b1', 'W2', 'b2']
    >>> net.predict(np.zeros((5, 2))).shape
    (5, 3)
    """

    def __init__(self, *layers: Any, loss: Any = None) -> None:
        super().__init__(loss)
        self.layers = tuple(map(as_layer, layers))

    def gradient(self, x: Any, t: Any) -> dict[str, Array]:
        """Differentiate the loss by every parameter, in training: {name: array}, yours to keep.

        Where all layers are static, a second batch of the same shape in a row is recorded, and from
        then on the recording is played: see `minigrad.recording`.
        """
        loss = self.loss_layer
        if type(self) is not Sequential or not isinstance(loss, Loss) or isinstance(x, Tensor):
            return super().gradient(x, t)
        structure, x, t = self.structure(), self._batch(x), plain(t)
        batch = (structure, Tensor.tables, x.shape, x.dtype, t.shape, t.dtype)
        recording = self._memory.recordings.like(batch, lambda: self._recorded(x, t))
        if recording is not None:
            try:
                loss.check(recording.scores, t)
                return dict(zip(structure.tensors, recording.gradients(x, t), strict=True))
            except Exception:  # it comes up again, and is told where it arose
                return super().gradient(x, t)
        return super().gradient(x, t)

    def _recorded(self, x: Array, t: Array) -> Recording | None:
        """Record a batch, if nothing but its numbers can change from one to the next."""
        if not all(layer is not None and layer.is_static for layer in (*self, self.loss_layer)):
            return None
        x, t = borrowed(x), borrowed(t)
        try:
            return Recording(self._trainable(x, t), x, t, list(self.structure().tensors.values()))
        except UnrepeatableError:
            return None

    def __call__(self, x: Any, train_flag: bool = False) -> Any:
        """Run the layers in order."""
        for layer in self.layers:
            x = layer(x, train_flag=train_flag) if layer.takes_train_flag else layer(x)
        return x

    def heeds_train_flag(self) -> bool:
        """Tell whether one of the layers does: passing it on makes no difference by itself."""
        if type(self)._definition is not Sequential._definition:
            return super().heeds_train_flag()
        return any(layer.heeds_train_flag() for layer in self.layers)

    def parts(self) -> Iterator[tuple[str, Any]]:
        """Number the parameters of each kind."""
        used: dict[str, int] = {}
        for i, layer in enumerate(self.layers):
            own = {} if isinstance(layer, Network) else layer.structure().tensors
            if not own or any("." in name for name in own):
                yield str(i), layer
            elif not any(layer is earlier for earlier in self.layers[:i]):
                number = 1 + max(used.get(name, 0) for name in own)
                used |= dict.fromkeys(own, number)
                yield from ((f"{name}{number}", tensor) for name, tensor in own.items())
        yield from ((name, value) for name, value in super().parts() if name != "layers")

    def __getitem__(self, i: int) -> Layer:
        return self.layers[i]

    def __len__(self) -> int:
        return len(self.layers)

    def __iter__(self) -> Iterator[Layer]:
        return iter(self.layers)

    def __repr__(self) -> str:
        parts = [*map(repr, self.layers), f"loss={self.loss_layer!r}"]
        inner = "".join("  " + part.replace("\n", "\n  ") + ",\n" for part in parts)
        return f"{type(self).__name__}(\n{inner})"


ACTIVATIONS = {"relu": (ReLU, "he"), "sigmoid": (Sigmoid, "xavier"), "tanh": (Tanh, "xavier")}


def mlp(
    sizes: Any,
    *more: Any,
    activation: str = "relu",
    dropout: float = 0.0,
    init: Any = None,
    loss: Any = None,
    dtype: DTypeLike = np.float64,
    rng: Rng = None,
) -> Sequential:
    """Build a multi-layer perceptron: Affine, activation, Dropout, …, Affine.

    Args:
        sizes: features in, hidden widths, classes: [784, 50, 10].
        activation: "relu", "sigmoid" or "tanh".
        dropout: the ratio for a Dropout after each activation; none for 0.
        init: as in Affine; fits the activation when None.
        loss: SoftmaxWithLoss when None.
        dtype: of the parameters.
        rng: a seed or a Generator, for weights and masks.

    Raises:
        ValueError: for fewer than two sizes, or an unknown activation.

    >>> mlp([784, 50, 10], dropout=0.2, rng=0)
    Sequential(
      Affine(784, 50),
      ReLU(),
      Dropout(0.2),
      Affine(50, 10),
      loss=SoftmaxWithLoss(),
    )
    """
    if more:
        raise TypeError("mlp takes the sizes in one list, mlp([784, 50, 10]), and options by name")
    if not isinstance(sizes, (list, tuple)) or len(sizes) < 2:
        raise ValueError(f"mlp needs a list of the sizes of input, hidden and output, not {sizes}")
    if activation not in ACTIVATIONS:
        raise ValueError(
            f"mlp: activation must be one of {', '.join(ACTIVATIONS)}, not {activation!r}"
        )
    layer, fitting = ACTIVATIONS[activation]
    rng = np.random.default_rng(rng)
    layers: list[Layer] = []
    for n_in, n_out in itertools.pairwise(sizes):
        if layers:
            layers += [layer(), Dropout(dropout, rng=rng)][: 2 if dropout else 1]
        chosen = fitting if init is None else init
        layers.append(Affine(n_in, n_out, init=chosen, dtype=dtype, rng=rng))
    return Sequential(*layers, loss=SoftmaxWithLoss() if loss is None else loss)
