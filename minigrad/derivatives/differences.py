"""Differences along an axis, derivatives and integrals of samples, and angles without jumps.

The derivative of a difference is the difference of the derivative, turned around. `np.gradient` and
`np.trapezoid` are put together from slices, so that the places of the samples may be Tensors too.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from minigrad.calls import apply
from minigrad.kinds import COMPLEX, check_dtype
from minigrad.table import defvjp
from minigrad.tensor import ADAPTERS, Tensor

defvjp(np.diff, lambda g, y, x, n=1, axis=-1: undiff(g, x, n, axis))
# Jumps are constants.
defvjp(np.unwrap, lambda g, y, p, discont=None, axis=-1, *, period=2 * math.pi: g)


def undiff(g: Any, x: Any, n: int, axis: int) -> Any:
    """Transpose the n-th difference: take it again, between zeros, with the sign (-1)ⁿ."""
    axis = axis % x.ndim
    if x.shape[axis] <= n:
        return np.zeros(x.shape)
    zeros = np.zeros((*x.shape[:axis], n, *x.shape[axis + 1 :]), g.dtype)
    d = np.diff(np.concatenate([zeros, g, zeros], axis=axis), n, axis)
    return -d if n % 2 else d


def _diff(a: Any, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None) -> Any:
    """Join what stands before and after, and take the difference n times."""
    if n == 0:
        return a
    a = _joined([_end(prepend, a, axis), a, _end(append, a, axis)], axis)
    return apply(Tensor, np.diff, (a,), {"n": n, "axis": axis})


def _end(end: Any, a: Any, axis: int) -> Any:
    """Repeat a number at the end of each row."""
    if end is None or np.ndim(end):
        return end
    shape = list(np.shape(a))
    shape[axis] = 1
    return np.broadcast_to(end, shape)


def _joined(parts: list[Any], axis: int = 0) -> Any:
    """Join the parts that there are."""
    parts = [part for part in parts if part is not None]
    return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=axis)


def _ediff1d(ary: Any, to_end: Any = None, to_begin: Any = None) -> Any:
    """Join what stands before the differences, the differences, and what stands after."""
    d = np.diff(np.ravel(ary))
    begin, end = (None if e is None else np.ravel(e) for e in (to_begin, to_end))
    for name, e in (("to_end", end), ("to_begin", begin)):
        if e is not None and not np.can_cast(e.dtype, d.dtype, "same_kind"):
            raise TypeError(
                f"np.ediff1d: {name}= of {e.dtype} does not fit differences of {d.dtype}"
            )
    y = _joined([begin, d, end])
    return y if y.dtype == d.dtype else y.astype(d.dtype)


# ---- samples of a function -----------------------------------------------------------------------
def _trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    """Add up widths times mean heights."""
    y = y if isinstance(y, Tensor) else np.asarray(y)
    axis = normalize_axis_index(axis, y.ndim)
    if x is not None and np.ndim(x) == 1:
        dx = _along(np.diff(x), axis, y.ndim)
    elif x is not None:
        dx = np.diff(x, axis=axis)
    heights = y[_at(axis, slice(1, None))] + y[_at(axis, slice(None, -1))]
    return np.sum(dx * heights / 2.0, axis=axis)


def _at(axis: int, part: slice) -> Any:
    """Index a part along one axis."""
    return (*[slice(None)] * axis, part)


def _along(x: Any, axis: int, ndim: int) -> Any:
    """Lay a vector along one axis."""
    return np.expand_dims(x, tuple(i for i in range(ndim) if i != axis))


def _gradient(f: Any, *varargs: Any, axis: Any = None, edge_order: Any = 1) -> Any:
    """Differentiate samples by central differences inside, and one-sided ones at the edges.

    Source: B. Fornberg, Mathematics of Computation 51 (1988) 699, for unequal spacing.
    """
    f = f if isinstance(f, Tensor) else np.asarray(f)
    f = f if f.dtype.kind in "fc" else f.astype(float)
    check_dtype(f.dtype, varargs)
    axes = range(f.ndim) if axis is None else normalize_axis_tuple(axis, f.ndim)
    small: Any = np.zeros([min(n, 3) for n in f.shape])
    np.gradient(small, axis=axis, edge_order=edge_order)  # NumPy's checks
    spacings = [1.0] if not varargs else list(varargs)
    spacings = spacings * len(axes) if len(spacings) == 1 and not np.ndim(spacings[0]) else spacings
    if len(spacings) != len(axes):
        raise TypeError(f"np.gradient: {len(varargs)} spacings for {len(axes)} axes")
    found = [_slope(f, h, i, edge_order) for h, i in zip(spacings, axes, strict=True)]
    return found[0] if len(found) == 1 else tuple(found)


def _slope(f: Any, h: Any, axis: int, edge_order: int) -> Any:
    """Differentiate along one axis, whose samples are h apart or at the places h."""
    if np.ndim(h):
        h = _widths(h, f.shape[axis])
    inside = _inside(f, h, axis)
    edges = _two_point_edges if edge_order == 1 else _three_point_edges
    first, last = edges(f, h, axis)
    slope = np.concatenate([first, inside, last], axis=axis)
    return slope if slope.dtype == f.dtype else slope.astype(f.dtype)


def _widths(places: Any, n: int) -> Any:
    """Take the distances of the samples; one number, as in NumPy, for constants that are equal."""
    if np.shape(places) != (n,):
        raise ValueError(f"np.gradient: places of shape {np.shape(places)} for {n} samples")
    if isinstance(places, Tensor):
        return np.diff(places)
    widths = np.diff(np.asarray(places, np.result_type(np.asarray(places), np.float16)))
    return widths[0] if (widths == widths[0]).all() else widths


def _inside(f: Any, h: Any, axis: int) -> Any:
    """Differentiate the parabola through each sample and its neighbours."""
    left, right = f[_at(axis, slice(None, -2))], f[_at(axis, slice(2, None))]
    if not np.ndim(h):
        return (right - left) / (2.0 * h)
    d, e = _along(h[:-1], axis, f.ndim), _along(h[1:], axis, f.ndim)
    middle = f[_at(axis, slice(1, -1))]
    return -e / (d * (d + e)) * left + (e - d) / (d * e) * middle + d / (e * (d + e)) * right


def _two_point_edges(f: Any, h: Any, axis: int) -> list[Any]:
    """Differentiate the line through the two samples at each end."""
    ends = (h[0], h[-1]) if np.ndim(h) else (h, h)
    pairs = (slice(0, 2), slice(-2, None))
    return [np.diff(f[_at(axis, p)], axis=axis) / d for p, d in zip(pairs, ends, strict=True)]


def _three_point_edges(f: Any, h: Any, axis: int) -> list[Any]:
    """Differentiate the parabola through the three samples at each end, at its end."""
    if np.ndim(h):
        first, last = _weights(h[0], h[1]), [-w for w in _weights(h[-1], h[-2])[::-1]]
    else:
        first, last = [-1.5 / h, 2.0 / h, -0.5 / h], [0.5 / h, -2.0 / h, 1.5 / h]
    sides = ((first, (0, 1, 2)), (last, (-3, -2, -1)))
    return [
        a * f[_at(axis, slice(i, i + 1))]
        + b * f[_at(axis, slice(j, j + 1))]
        + c * f[_at(axis, slice(k, k + 1 or None))]
        for (a, b, c), (i, j, k) in sides
    ]


def _weights(d: Any, e: Any) -> list[Any]:
    """Weigh samples at 0, d and d + e in the derivative at 0."""
    return [-(2.0 * d + e) / (d * (d + e)), (d + e) / (d * e), -d / (e * (d + e))]


ADAPTERS.update(
    {np.diff: _diff, np.ediff1d: _ediff1d, np.trapezoid: _trapezoid, np.gradient: _gradient}
)
COMPLEX.update({np.diff, np.ediff1d, np.trapezoid, np.gradient})
