"""np.pad: along each axis the result is a linear function of the rows near the edges.

The derivative takes the gradient of the middle as it is, and adds that of the margins back to the
entries that they were copied from. `reflect_type="odd"` and `mode="linear_ramp"` weight entries:
their matrix is NumPy's own padding of the identity, of the few entries near the edges. The modes
"mean", "maximum", "minimum" and "median" are those functions, joined to the array.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

from minigrad.calls import apply
from minigrad.derivatives.indexing import along, scatter
from minigrad.graph import Node
from minigrad.kinds import COMPLEX, Function, check_dtype
from minigrad.table import defvjp
from minigrad.tensor import ADAPTERS, Tensor

Widths: TypeAlias = tuple[tuple[int, int], ...]

STATISTICS: dict[str, Function] = {
    "maximum": np.max,
    "minimum": np.min,
    "mean": np.mean,
    "median": np.median,
}
COPYING = {"edge", "wrap", "reflect", "symmetric"}

defvjp(
    np.pad,
    lambda g, y, array, pad_width, mode="constant", **options: unpad(
        g, array.shape, pad_width, mode, options
    ),
)


def unpad(
    g: Any, shape: tuple[int, ...], widths: Widths, mode: Any, options: dict[str, Any]
) -> Any:
    """Fold the margins back into the array, one axis after the other; a number has none."""
    widths = widths if shape else ()
    for axis, (n, (before, after)) in enumerate(zip(shape, widths, strict=True)):
        if before == after == 0:
            continue
        inner = g[along(axis, slice(before, before + n), g.ndim)]
        if mode != "constant":
            outside = np.r_[0:before, before + n : before + n + after]
            margin = g[along(axis, outside, g.ndim)]
            inner = inner + folded(margin, n, axis, (before, after), mode, options)
        g = inner
    return g


def folded(
    margin: Any,
    n: int,
    axis: int,
    width: tuple[int, int],
    mode: Any,
    options: dict[str, Any],
) -> Any:
    """Add the margins along an axis to zeros, at the n entries that they were made of."""
    before, after = width
    shape = (*margin.shape[:axis], n, *margin.shape[axis + 1 :])
    if mode in COPYING and options.get("reflect_type", "even") == "even":
        source = np.delete(np.pad(np.arange(n), width, mode=mode), slice(before, before + n))
        return scatter(margin, along(axis, source, len(shape)), shape)
    near = np.arange(n)
    if n > before + after + 2:
        near = np.r_[0 : before + 1, n - after - 1 : n]
    identity = np.eye(len(near), dtype=margin.dtype)
    reflect: Any = {} if mode == "linear_ramp" else options
    padded: Any = np.pad(identity, (width, (0, 0)), mode=mode, **reflect)
    matrix = np.delete(padded, slice(before, before + len(near)), axis=0)
    share = np.moveaxis(np.moveaxis(margin, axis, -1) @ matrix, -1, axis)
    return scatter(share, along(axis, near, len(shape)), shape)


# ---- reading NumPy's options ---------------------------------------------------------------------
def _pairs(given: Any, ndim: int) -> Widths:
    """Read one number, a pair, a pair per axis, or a dict of them, as a pair per axis."""
    if isinstance(given, dict):
        pairs = [(0, 0)] * ndim
        for axis, width in given.items():
            pairs[axis] = (width, width) if np.ndim(width) == 0 else width
        given = pairs
    return tuple((before, after) for before, after in np.broadcast_to(given, (ndim, 2)).tolist())


def _pad(array: Any, pad_width: Any, mode: Any = "constant", **options: Any) -> Any:
    """Read the widths; refuse what has no derivative."""
    tensors = [name for name, value in options.items() if isinstance(value, Node)]
    if tensors:
        raise TypeError(
            f"{tensors[0]}= of np.pad is an option and got a Tensor: np.concatenate joins Tensors, "
            "and .data passes one as a constant"
        )
    if callable(mode) or mode == "empty":
        raise TypeError(f"np.pad with mode={mode!r} has no derivative: use mode='constant'")
    for value in options.values():
        check_dtype(array.dtype, (value,))
    widths: Any = _pairs(pad_width, array.ndim) if array.ndim else 0
    if mode not in STATISTICS or array.size == 0 or array.ndim == 0:
        return apply(Tensor, np.pad, (array, widths, mode), options)
    return _with_statistics(array, widths, mode, **options)


def _with_statistics(array: Any, widths: Widths, mode: str, stat_length: Any = None) -> Any:
    """Put the mean, or another statistic, of the rows near each edge beside the array."""
    lengths: Any = [(None, None)] * array.ndim
    if stat_length is not None:
        lengths = _pairs(stat_length, array.ndim)
    for axis, (before, after) in enumerate(widths):
        first, last = lengths[axis]
        n = array.shape[axis]
        start = 0 if last is None else max(n - last, 0)
        left = _margin(array, axis, slice(0, first), before, mode)
        right = _margin(array, axis, slice(start, n), after, mode)
        array = np.concatenate([*left, array, *right], axis=axis)
    return array


def _margin(array: Any, axis: int, rows: slice, width: int, mode: str) -> list[Any]:
    """Repeat the statistic of some rows; nothing for no width."""
    if width == 0:
        return []
    statistic = STATISTICS[mode](array[along(axis, rows, array.ndim)], axis=axis, keepdims=True)
    return [np.repeat(statistic, width, axis)]


ADAPTERS[np.pad] = _pad
COMPLEX.add(np.pad)
