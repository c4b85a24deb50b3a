"""The affine map, the step between activations."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.tensor import primitive


def _rows(x: Any) -> Any:
    """Read every axis but the last as one axis of rows."""
    return x if x.ndim == 2 else np.reshape(x, (-1, x.shape[-1]))


def product(x: Any, W: Any) -> Any:
    """Multiply by a matrix. For few axes `dot` gives what `@` gives, and is there sooner."""
    return np.dot(x, W) if x.ndim < 3 else x @ W


@primitive(
    lambda g, y, x, W, b: product(g, W.T),
    lambda g, y, x, W, b: np.dot(_rows(x).T, _rows(g)),
    lambda g, y, x, W, b: g,
)
def affine(x: Any, W: Any, b: Any = None) -> Any:
    """Multiply by a matrix and add a vector: x W + b.

    Args:
        x: shape (..., D): rows of D features.
        W: weights (D, M).
        b: bias (M,), added to every row; none when None.

    Returns:
        Shape (..., M). With g for its gradient: dx = g Wᵀ, dW = xᵀ g, db = the sum of g's rows.

    Raises:
        ValueError: when the shapes do not fit, with both.
        TypeError: when x is an integer array.

    Source: Saitoh, *Deep Learning from Scratch*, 5.6.

    >>> affine(np.ones((2, 3)), np.ones((3, 1)), np.array([0.5]))
    array([[3.5],
           [3.5]])
    """
    if isinstance(x, np.ndarray) and x.dtype.kind != "f":
        raise TypeError(f"affine: x must be floats, not {x.dtype}: x.astype(W.dtype) converts it")
    x, W = np.asarray(x), np.asarray(W)
    b = None if b is None else np.asarray(b)
    width = W.shape[-1:] if b is None else b.shape
    if x.ndim == 0 or len(width) != 1 or W.shape != (x.shape[-1], *width):
        raise ValueError(_misfit(x.shape, W.shape, W.shape[1:] if b is None else width))
    y = product(x, W)
    if b is None:
        return y
    if y.dtype != b.dtype:
        return y + b
    y += b
    return y


def _misfit(x: tuple[int, ...], W: tuple[int, ...], b: tuple[int, ...]) -> str:
    """Say which of the three shapes does not fit, and what would."""
    if len(W) != 2:
        return f"affine: the weights W need two axes (features in, features out), not shape {W}"
    if b != W[1:]:
        return f"affine: b has shape {b}, but W {W} makes {W[1]} features: b needs {W[1:]}"
    given = x[-1] if x else "no"
    return f"affine: x {x} has {given} features in its last axis, but W {W} takes {W[0]}"
