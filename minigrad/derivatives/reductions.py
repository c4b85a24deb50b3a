"""Functions that reduce along axes: sum, mean, product, extremes, spread.

Ties of max and min share the gradient equally; a constant's standard deviation has derivative 0.
A rule has NumPy's own options in NumPy's order; an option that is not among them is refused when
the function is called.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigrad.derivatives.elementwise import conj, over, times
from minigrad.graph import COMPLEX, MASKING, arrays, defvjp
from minigrad.tensor import primitive


def spread(g: Any, x: Any, axis: Any, keepdims: Any) -> Any:
    """Give a reduced array its axes back, with x's shape: each entry of x gets its result's g."""
    if not keepdims and axis is not None and x.ndim:
        g = np.expand_dims(g, axis)
    return np.broadcast_to(g, x.shape)


def others(x: Any, axis: Any) -> Any:
    """Multiply, for each entry, all the other entries along the axes; without division."""
    axes = range(x.ndim) if axis is None or x.ndim == 0 else np.atleast_1d(axis) % x.ndim
    last = tuple(range(x.ndim - len(axes), x.ndim))
    rows = np.moveaxis(x, tuple(axes), last)
    shape = rows.shape
    kept = shape[: x.ndim - len(axes)]
    rows = np.reshape(rows, (*kept, math.prod(shape[len(kept) :])))
    return np.moveaxis(np.reshape(_others_in_row(rows), shape), last, tuple(axes))


@primitive(lambda g, y, x: np.sum(times(g[..., None], _pairs(x)), axis=-2), complex=True)
def _others_in_row(x: Any) -> Any:
    """Multiply what stands left of each entry by what stands right of it, along the last axis."""
    one = np.ones_like(x[..., :1])
    left = np.cumprod(np.concatenate([one, x[..., :-1]], axis=-1), axis=-1)
    right = np.cumprod(np.concatenate([one, x[..., :0:-1]], axis=-1), axis=-1)[..., ::-1]
    return left * right


def _pairs(x: Any) -> Any:
    """Multiply all entries but i and j of each row: the derivative of `_others_in_row`."""
    same = np.eye(x.shape[-1], dtype=bool)
    return np.where(same, 0.0, _others_in_row(np.where(same, 1.0, x[..., None, :])))


def count(x: Any, y: Any) -> int:
    """How many entries of x went into each entry of y; 1 for none."""
    return max(int(x.size // max(y.size, 1)), 1)


defvjp(
    np.sum,
    lambda g, y, x, axis=None, dtype=None, out=None, keepdims=False: spread(g, x, axis, keepdims),
)
defvjp(
    np.mean,
    lambda g, y, x, axis=None, dtype=None, out=None, keepdims=False: spread(
        g * (1 / count(x, y)), x, axis, keepdims
    ),
)
defvjp(
    np.prod,
    lambda g, y, x, axis=None, dtype=None, out=None, keepdims=False: times(
        spread(g, x, axis, keepdims), others(x, axis)
    ),
)


def shared(x: Any, y: Any, axis: Any, keepdims: Any) -> Any:
    """Weight the entries of x that equal the extreme y, or are NaN: 1, or a share at a tie."""
    best = (x == spread(y, x, axis, keepdims)) | np.isnan(x)
    return best / np.maximum(np.sum(best, axis=axis, keepdims=True), 1)


for extreme in (np.max, np.min, np.amax, np.amin):
    defvjp(
        extreme,
        lambda g, y, x, axis=None, out=None, keepdims=False: (
            spread(g, x, axis, keepdims) * shared(x, y, axis, keepdims)
        ),
    )


MASKING.update({np.max, np.amax, np.min, np.amin})


def centred(x: Any, axis: Any) -> Any:
    """Subtract the mean; what is left of a constant by rounding alone is zero."""
    same = np.ptp(arrays(x), axis=axis, keepdims=True) == 0 if x.size else False
    return np.where(same, 0.0, x - np.mean(x, axis=axis, keepdims=True))


defvjp(
    np.var,
    lambda g, y, x, axis=None, dtype=None, out=None, ddof=0, keepdims=False: times(
        spread(g * 2 / (count(x, y) - ddof), x, axis, keepdims), conj(centred(x, axis))
    ),
)
defvjp(
    np.std,
    lambda g, y, x, axis=None, dtype=None, out=None, ddof=0, keepdims=False: times(
        spread(g, x, axis, keepdims),
        over(conj(centred(x, axis)), spread(y * (count(x, y) - ddof), x, axis, keepdims)),
    ),
)
COMPLEX.update({np.sum, np.mean, np.prod, np.var, np.std})
