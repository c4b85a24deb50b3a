"""Layers that end a network: scores and targets in, one number out."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import functions
from minigrad.constants import arrays
from minigrad.functions.activations import floats
from minigrad.functions.losses import check_classes, check_same, check_yes_or_no
from minigrad.graph import Array
from minigrad.layers.base import Layer
from minigrad.tensor import Tensor


class Loss(Layer, abstract=True):
    """A layer of scores x and targets t; only x has a gradient in `backward`.

    >>> class AbsoluteError(Loss):
    ...     def __call__(self, x, t):
    ...         return np.mean(np.abs(x - t))
    >>> AbsoluteError().forward(np.array([1.0, 2.0]), np.array([1.0, 4.0]))
    array(1.)
    """

    def _given(self, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
        return (*super()._given(inputs[:1]), *map(np.array, inputs[1:]))

    def check(self, shape: tuple[int, ...], t: Array) -> None:
        """Refuse targets that do not fit scores of this shape, as a call does."""

    def correct(self, y: Array, t: Any) -> Any:
        """Tell for each prediction whether it is right.

        Raises:
            TypeError: when the loss is not one of classes.
        """
        raise TypeError(
            f"accuracy is for classes, and {self!r} has none: net.loss tells how far off"
        )


class SoftmaxWithLoss(Loss):
    """Softmax and cross-entropy in one, averaged over the batch: see `softmax_cross_entropy`.

    Targets are class indices (N,) or rows of probabilities (N, K).

    >>> loss = SoftmaxWithLoss()
    >>> loss.forward(np.zeros((1, 2)), np.array([0]))
    array(0.69314718)
    >>> loss.backward()
    array([[-0.5,  0.5]])
    """

    is_static = True

    def __call__(self, x: Any, t: Any) -> Any:
        """Compare scores with classes."""
        if not isinstance(t, Tensor):
            _check_probabilities(np.shape(arrays(x)), np.asarray(t))
        return functions.softmax_cross_entropy(x, t)

    def check(self, shape: tuple[int, ...], t: Array) -> None:
        """Refuse what are no classes."""
        _check_probabilities(shape, t)
        check_classes(shape, t)

    def correct(self, y: Array, t: Any) -> Any:
        """Tell for each row whether its highest score is at its class."""
        t = np.asarray(t)
        check_classes(y.shape, t)
        classes = np.argmax(t, axis=-1) if t.shape == y.shape else t
        return (np.argmax(y, axis=-1) == classes) & ~np.isnan(y).any(axis=-1)


def _check_probabilities(shape: tuple[int, ...], t: Array) -> None:
    """Refuse targets that would give a number, and no sense."""
    if t.shape == shape and t.dtype.kind in "fiub":
        sums = np.sum(t, axis=-1, dtype=np.float64)
        if not (np.all(t >= 0) and np.all(np.abs(sums - 1) < 1e-2)):
            raise ValueError(
                "targets of the shape of the scores are rows of probabilities: none negative, and "
                "a sum of 1 in each row (for yes or no use SigmoidWithLoss)"
            )


class SigmoidWithLoss(Loss):
    """Sigmoid and binary cross-entropy in one: see `binary_cross_entropy_with_logits`.

    >>> SigmoidWithLoss().forward(np.zeros((1, 1)), np.array([[1]]))
    array(0.69314718)
    """

    is_static = True

    def __call__(self, x: Any, t: Any) -> Any:
        """Compare scores with yes and no."""
        return functions.binary_cross_entropy_with_logits(x, t)

    def check(self, shape: tuple[int, ...], t: Array) -> None:
        """Refuse what is not between yes and no."""
        check_yes_or_no(t)

    def correct(self, y: Array, t: Any) -> Any:
        """Tell for each score whether it is on the right side of zero."""
        check_same(y, t, "accuracy")
        return ((y > 0) == (floats(t) > 0.5)) & ~np.isnan(y)


class MeanSquaredError(Loss):
    """Mean of the squared differences: see `mean_squared_error`.

    >>> MeanSquaredError().forward(np.array([1.0, 3.0]), np.array([1.0, 1.0]))
    array(2.)
    """

    is_static = True

    def __call__(self, x: Any, t: Any) -> Any:
        """Compare outputs with numbers."""
        return functions.mean_squared_error(x, t)
