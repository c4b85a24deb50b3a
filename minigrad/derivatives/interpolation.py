"""Interpolation, weights in bins, functions of one's own along axes.

At an inner point of `np.interp` the derivative by x is the slope on the right, at the last point
that of the last piece; beyond the points it is zero, and a NaN is no place among them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from minigrad.calls import apply
from minigrad.constants import arrays
from minigrad.derivatives.elementwise import times
from minigrad.derivatives.indexing import scatter
from minigrad.kinds import COMPLEX, refuse_complex
from minigrad.table import MASKING, defvjp
from minigrad.tensor import ADAPTERS, Tensor


# ---- interpolation -------------------------------------------------------------------------------
def _piece(x: Any, xp: Any, fp: Any) -> tuple[Any, ...]:
    """Find, for each x between the points, the piece it lies on: (inside, i, j, t, slope).

    The piece goes from point i to point j, and x lies the fraction t along it.
    """
    a, points = arrays(x), arrays(xp)
    inside = (a >= points[0]) & (a <= points[-1])
    x = np.where(inside, x, points[0])
    i = np.clip(np.searchsorted(points, a, side="right") - 1, 0, max(len(points) - 2, 0))
    j = np.minimum(i + 1, len(points) - 1)
    jump = points[i] == points[j]
    width = np.where(jump, 1.0, xp[j] - xp[i])
    slope = np.where(jump, 0.0, (fp[j] - fp[i]) / width)
    return inside, i, j, np.where(jump, 1.0, (x - xp[i]) / width), slope


def _to_points(g: Any, x: Any, xp: Any, fp: Any, by_place: bool) -> Any:
    """Share g between both ends of the piece, by nearness; a place counts by minus the slope."""
    inside, i, j, t, slope = _piece(x, xp, fp)
    g = np.where(inside, times(-g, slope) if by_place else g, 0.0)
    return scatter(g * (1 - t), (i,), xp.shape) + scatter(g * t, (j,), xp.shape)


def _by_x(g: Any, x: Any, xp: Any, fp: Any) -> Any:
    """Multiply by the slope of the piece."""
    inside, _, _, _, slope = _piece(x, xp, fp)
    return np.where(inside, times(g, slope), 0.0)


defvjp(
    np.interp,
    lambda g, y, x, xp, fp, left, right: _by_x(g, x, xp, fp),
    lambda g, y, x, xp, fp, left, right: _to_points(g, x, xp, fp, by_place=True),
    lambda g, y, x, xp, fp, left, right: _to_points(g, x, xp, fp, by_place=False),
    lambda g, y, x, xp, fp, left, right: np.where(arrays(x) < arrays(xp)[0], g, 0.0),
    lambda g, y, x, xp, fp, left, right: np.where(arrays(x) > arrays(xp)[-1], g, 0.0),
)
MASKING.add(np.interp)


def _interp(
    x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None
) -> Any:
    """Lay x and the points into one period, and say what is beyond the points."""
    refuse_complex(np.interp, (x, xp, fp, left, right, period))
    x, xp, fp = (a if isinstance(a, Tensor) else np.asarray(a, float) for a in (x, xp, fp))
    if period is not None:
        np.interp(0.0, arrays(xp), arrays(fp), period=arrays(period))  # NumPy's checks
        period = np.abs(period)
        x, xp = x % period, xp % period
        order = np.argsort(xp)
        xp, fp = xp[order], fp[order]
        xp = np.concatenate([xp[-1:] - period, xp, xp[:1] + period])
        fp = np.concatenate([fp[-1:], fp, fp[:1]])
        left = right = None
    left, right = (fp[0] if left is None else left), (fp[-1] if right is None else right)
    return apply(Tensor, np.interp, (x, xp, fp, left, right), {})


# ---- weights in bins -----------------------------------------------------------------------------
defvjp(np.bincount, None, lambda g, y, x, weights, minlength=0: g[x])


def _bincount(x: Any, /, weights: Any = None, minlength: int = 0) -> Any:
    """Add up the weights of each number; how often it occurs is no matter of derivatives."""
    if isinstance(x, Tensor):
        raise TypeError("np.bincount counts integers, not a Tensor: x.data.astype(int) has them")
    refuse_complex(np.bincount, (weights,))
    weights = np.asarray(weights, float) if not isinstance(weights, Tensor) else weights
    return apply(
        *(Tensor, np.bincount, (np.asarray(x), weights), {"minlength": minlength}),
        lambda x, w, minlength: np.bincount(x, w, minlength).astype(float, copy=False),
    )


# ---- functions of one's own along axes -----------------------------------------------------------
def _apply_along_axis(func1d: Any, axis: int, arr: Any, *args: Any, **kwargs: Any) -> Any:
    """Call the function on each row, and gather what it returns."""
    axis = normalize_axis_index(axis, arr.ndim)
    rows = np.moveaxis(arr, axis, -1)
    found = [func1d(rows[i], *args, **kwargs) for i in np.ndindex(rows.shape[:-1])]
    y = np.reshape(np.stack(found), rows.shape[:-1] + np.shape(found[0]))
    new = range(axis, axis + np.ndim(found[0]))
    return np.moveaxis(y, range(arr.ndim - 1, y.ndim), new)


def _apply_over_axes(func: Any, a: Any, axes: Any) -> Any:
    """Call the function along one axis after the other, keeping the axes."""
    for axis in np.atleast_1d(axes):
        y = func(a, int(axis))
        a = y if y.ndim == a.ndim else np.expand_dims(y, int(axis))
    return a


ADAPTERS.update(
    {
        np.interp: _interp,
        np.bincount: _bincount,
        np.apply_along_axis: _apply_along_axis,
        np.apply_over_axes: _apply_over_axes,
    }
)
COMPLEX.update({np.apply_along_axis, np.apply_over_axes})
