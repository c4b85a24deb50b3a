"""Derivatives by finite differences, as the book introduces them: slow, independent, sobering."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad.graph import Array
from minigrad.kinds import plain


def numerical_gradient(f: Callable[[Array], Any], x: Any, h: float = 1e-5) -> Array:
    """Differentiate a number f(x) by every entry of x, by central differences.

    (f(x + h eᵢ) − f(x − h eᵢ)) / 2h. Its error is of order h² f''' by truncation and u f / h by
    rounding, about 1e-10 for a smooth f of ordinary size. Not to be trusted within h of a kink.

    Args:
        f: a function of an array that returns one number, and gives the same for the same x.
        x: where; a float64 array is changed during the evaluations and restored.
        h: the step.

    Returns:
        A float64 array of x's shape.

    Raises:
        TypeError: for an integer array, whose entries cannot take a step of h, or complex numbers.

    Source: Saitoh, *Deep Learning from Scratch*, 4.3 and 4.4.

    >>> numerical_gradient(lambda x: np.sum(x**2), np.array([3.0, 4.0])).round(6)
    array([6., 8.])
    """
    if isinstance(x, np.ndarray) and x.dtype.kind != "f":
        remedy = "vary its parts" if x.dtype.kind == "c" else "use x.astype(float)"
        raise TypeError(f"x is {x.dtype}, and cannot take a small step: {remedy}")
    x = plain(x).astype(np.float64, copy=False)
    gradient = np.zeros(x.shape)
    for i in np.ndindex(x.shape):
        kept = x[i]
        try:
            x[i] = kept + h
            above = _number(f(x))
            x[i] = kept - h
            below = _number(f(x))
        finally:
            x[i] = kept
        gradient[i] = (above - below) / (2 * h)
    return gradient


def _number(y: Any) -> float:
    """Read what f returned."""
    if np.iscomplexobj(y):
        raise TypeError("f returned a complex number: differentiate its np.real, np.imag or np.abs")
    return float(y)
