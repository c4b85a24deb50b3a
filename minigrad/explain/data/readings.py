"""What some helpers of the rules compute, as a formula.

Their code is made to be fast, or to be safe where 0 meets infinity; a person reads these instead.
A test compares each with its helper.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.derivatives.elementwise import over, over_squares, times
from minigrad.derivatives.products import dot_left, dot_right, matmul_left, matmul_right, mT
from minigrad.derivatives.reductions import kept, others, regained, to_extremes
from minigrad.functions.linear import product
from minigrad.functions.losses import _less_one_hot, _share, _weighted_difference


def one_hot(t: Any, classes: int) -> Any:
    """Write class indices as rows with a single 1.

    >>> one_hot(np.array([1]), 3)
    array([[0., 1., 0.]])
    """
    return np.eye(classes)[t]


NAMED = {one_hot, others}  # what is called by its name

READINGS: dict[Any, Any] = {
    times: lambda g, factor: g * factor,  # 0 · inf is 0
    over: lambda g, divisor: g / divisor,  # 0 / 0 is 0
    over_squares: lambda c, a, b: c / (a**2 + b**2),
    kept: lambda g, mask: g * mask,
    product: lambda x, W: x @ W,
    np.dot: lambda a, b: a @ b if a.ndim * b.ndim in (1, 2, 4) else np.dot(a, b),
    mT: lambda a: a.T if a.ndim == 2 else np.swapaxes(a, -1, -2),
    matmul_left: lambda g, a, b: (
        np.outer(g, b)
        if (a.ndim, b.ndim) == (2, 1)
        else b @ g
        if (a.ndim, b.ndim) == (1, 2)
        else g * b
        if a.ndim == b.ndim == 1
        else matmul_left(g, a, b)
    ),
    matmul_right: lambda g, a, b: (
        a.T @ g
        if (a.ndim, b.ndim) == (2, 1)
        else np.outer(a, g)
        if (a.ndim, b.ndim) == (1, 2)
        else g * a
        if a.ndim == b.ndim == 1
        else matmul_right(g, a, b)
    ),
    dot_left: lambda g, a, b: (
        np.outer(g, b)
        if (a.ndim, b.ndim) == (2, 1)
        else b @ g
        if (a.ndim, b.ndim) == (1, 2)
        else g * b
        if a.ndim * b.ndim in (0, 1)
        else dot_left(g, a, b)
    ),
    dot_right: lambda g, a, b: (
        a.T @ g
        if (a.ndim, b.ndim) == (2, 1)
        else np.outer(a, g)
        if (a.ndim, b.ndim) == (1, 2)
        else g * a
        if a.ndim * b.ndim in (0, 1)
        else dot_right(g, a, b)
    ),
    to_extremes: lambda g, y, x, axis, keepdims, initial, where: (
        regained(g, x, axis, keepdims) * (x == regained(y, x, axis, keepdims))
        if where is True
        and initial is None
        and np.count_nonzero(x == regained(y, x, axis, keepdims)) == g.size
        else regained(g, x, axis, keepdims)
        * (x == regained(y, x, axis, keepdims))
        / np.sum(x == regained(y, x, axis, keepdims), axis=axis, keepdims=True)
        if where is True and initial is None and not np.any(np.isnan(y))
        else to_extremes(g, y, x, axis, keepdims, initial, where)
    ),
    others: lambda x, axis, where: (
        np.prod(x, axis=axis, keepdims=True) / x
        if where is True and np.all(x)
        else others(x, axis, where)
    ),
    _share: lambda p: 1 / (p.size // p.shape[-1]),
    _less_one_hot: lambda p, t, weight: (p - one_hot(t, p.shape[-1])) * weight,
    _weighted_difference: lambda p, t, weight: (
        (p - one_hot(t, p.shape[-1])) * weight
        if t.shape != p.shape
        else (p - t) * weight
        if np.all(np.sum(t, axis=-1) == 1)
        else (p * np.sum(t, axis=-1, keepdims=True) - t) * weight
    ),
}
