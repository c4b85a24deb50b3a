"""Functions that move, repeat or cut entries; the derivative moves them back."""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from minigrad.calls import apply
from minigrad.derivatives.indexing import along, scatter
from minigrad.kinds import COMPLEX
from minigrad.table import MASKING, defvjp
from minigrad.tensor import ADAPTERS, Tensor, primitive

defvjp(np.reshape, lambda g, y, x, shape, order="C": np.reshape(g, x.shape, order=order))
defvjp(np.squeeze, lambda g, y, x, axis=None: np.reshape(g, x.shape))
defvjp(np.expand_dims, lambda g, y, x, axis: np.reshape(g, x.shape))
defvjp(np.swapaxes, lambda g, y, x, axis1, axis2: np.swapaxes(g, axis1, axis2))
defvjp(np.moveaxis, lambda g, y, x, source, destination: np.moveaxis(g, destination, source))
defvjp(
    np.transpose,
    lambda g, y, x, axes=None: np.transpose(g, None if axes is None else back(axes)),
)
defvjp(np.broadcast_to, lambda g, y, x, shape: g)
defvjp(np.flip, lambda g, y, x, axis=None: np.flip(g, axis))
defvjp(np.flipud, lambda g, y, x: np.flipud(g))
defvjp(np.fliplr, lambda g, y, x: np.fliplr(g))
defvjp(np.rot90, lambda g, y, x, k=1, axes=(0, 1): np.rot90(g, -k, axes))
defvjp(np.roll, lambda g, y, x, shift, axis=None: np.roll(g, opposite(shift), axis))
defvjp(np.copy, lambda g, y, x: g)
defvjp(np.tile, lambda g, y, x, reps: untile(g, x.shape, reps))
defvjp(np.repeat, lambda g, y, x, repeats, axis=None: unrepeat(g, x.shape, repeats, axis))
defvjp(np.resize, lambda g, y, a, new_shape: unresize(g, a.shape))


def back(axes: Any) -> tuple[int, ...]:
    """Invert a permutation of the axes."""
    return tuple(int(i) for i in np.argsort(np.asarray(axes) % len(axes)))


def opposite(shift: Any) -> Any:
    """Turn a shift, or a shift per axis, around."""
    return tuple(-s for s in shift) if isinstance(shift, (tuple, list)) else -shift


def untile(g: Any, shape: tuple[int, ...], reps: Any) -> Any:
    """Sum the tiles: split each axis into (tile, entry) and sum over the tiles."""
    counts = tuple(int(n) for n in np.atleast_1d(reps))
    ndim = max(len(shape), len(counts))
    entries = (1,) * (ndim - len(shape)) + shape
    tiles = (1,) * (ndim - len(counts)) + counts
    pairs = [n for pair in zip(tiles, entries, strict=True) for n in pair]
    return np.reshape(np.sum(np.reshape(g, pairs), axis=tuple(range(0, 2 * ndim, 2))), shape)


def unrepeat(g: Any, shape: tuple[int, ...], repeats: Any, axis: int | None) -> Any:
    """Sum the copies of each entry: equal runs by a reshape, others by the owners of the copies."""
    if axis is None:
        return np.reshape(unrepeat(g, (math.prod(shape),), repeats, 0), shape)
    axis = axis % len(shape)
    if np.size(repeats) == 1:
        runs = (*shape[: axis + 1], int(np.ravel(repeats)[0]), *shape[axis + 1 :])
        return np.sum(np.reshape(g, runs), axis=axis + 1)
    owner = np.repeat(np.arange(shape[axis]), repeats)
    return scatter(g, along(axis, owner, len(shape)), shape)


def unresize(g: Any, shape: tuple[int, ...]) -> Any:
    """Sum the rounds in which np.resize repeats the flattened array; the last may be cut short."""
    size = math.prod(shape)
    if size == 0:
        return np.zeros(shape)
    rounds = -(-g.size // size)
    full = np.concatenate([np.ravel(g), np.zeros(rounds * size - g.size, g.dtype)])
    return np.reshape(np.sum(np.reshape(full, (rounds, size)), axis=0), shape)


# ---- windows that slide over an array ------------------------------------------------------------
@primitive(
    lambda h, y, g, window, axes, shape: np.lib.stride_tricks.sliding_window_view(h, window, axes)
)
def overlap_added(
    g: Any, window: tuple[int, ...], axes: tuple[int, ...], shape: tuple[int, ...]
) -> Any:
    """Add up windows where they overlap: sliding_window_view turned around.

    One window axis at a time, by as few shifted sums as there are windows or places in a window.
    """
    for size, axis in zip(window[::-1], axes[::-1], strict=True):
        starts = g.shape[axis]
        sides = (*g.shape[:axis], starts + size - 1, *g.shape[axis + 1 : -1])
        total = np.zeros(sides, np.result_type(g, np.float32))  # float16 is summed in float32
        rows, target = np.moveaxis(g, axis, 0), np.moveaxis(total, axis, 0)
        if size <= starts:
            for i in range(size):
                target[i : i + starts] += rows[..., i]
        else:
            for i in range(starts):
                target[i : i + size] += np.moveaxis(rows[i], -1, 0)
        g = total
    return g


defvjp(
    np.lib.stride_tricks.sliding_window_view,
    lambda g, y, x, window_shape, axis=None: overlap_added(
        g, _sizes(window_shape), _axes(axis, x.ndim), x.shape
    ),
)


def _sizes(window_shape: Any) -> tuple[int, ...]:
    """Read one length, or several."""
    return tuple(int(n) for n in np.atleast_1d(window_shape))


def _axes(axis: Any, ndim: int) -> tuple[int, ...]:
    """List the axes, counted from the left."""
    return tuple(int(a) % ndim for a in (range(ndim) if axis is None else np.atleast_1d(axis)))


# ---- NumPy's other spellings ---------------------------------------------------------------------
def _reshape(
    a: Any, shape: Any = None, order: str = "C", *, newshape: Any = None, copy: None = None
) -> Any:
    """Read both names of the shape; refuse an order that depends on the memory layout."""
    if order not in ("C", "F"):
        raise TypeError(f"the order of a recorded reshape is 'C' or 'F', not {order!r}")
    return apply(Tensor, np.reshape, (a, newshape if shape is None else shape), {"order": order})


def _ravel(a: Any, order: str = "C") -> Any:
    """Reshape to one axis."""
    return _reshape(a, (a.size,), order)


def _rollaxis(a: Any, axis: int, start: int = 0) -> Any:
    """Transpose as NumPy rolls the axes of an array whose shape is 0, 1, 2 …"""
    return np.transpose(a, np.rollaxis(np.empty(range(a.ndim)), axis, start).shape)


def _astype(x: Any, dtype: Any, /, *, copy: bool = True, device: Any = None) -> Any:
    """Convert with history; a recorded conversion is always a copy."""
    if device not in (None, "cpu"):
        raise ValueError(f"the device of an array is 'cpu', not {device!r}")
    return x.astype(dtype)


def _broadcast_arrays(*args: Any, subok: bool = False) -> tuple[Any, ...]:
    """Broadcast each to the shape of all; those that are no Tensors stay arrays."""
    shape = np.broadcast_shapes(*map(np.shape, args))
    return tuple(np.broadcast_to(a, shape) for a in args)


def _meshgrid(
    *xi: Any, copy: bool = True, sparse: bool = False, indexing: Any = "xy"
) -> tuple[Any, ...]:
    """Give each vector an axis of its own, and broadcast unless the mesh is sparse."""
    if indexing not in ("xy", "ij"):
        raise ValueError("Valid values for `indexing` are 'xy' and 'ij'.")
    order = list(range(len(xi)))
    if indexing == "xy" and len(xi) > 1:
        order[:2] = [1, 0]
    ones = (1,) * len(xi)
    mesh = [
        np.reshape(x, (*ones[:k], np.size(x), *ones[k + 1 :]))
        for k, x in zip(order, xi, strict=True)
    ]
    return tuple(mesh) if sparse else _broadcast_arrays(*mesh)


def _ix(*args: Any) -> tuple[Any, ...]:
    """Make an open mesh of vectors, with history: as an index, a Tensor is refused later."""
    if any(np.ndim(x) != 1 for x in args):
        raise ValueError("Cross index must be 1 dimensional")
    return _meshgrid(*args, sparse=True, indexing="ij")


# ---- one array into several ----------------------------------------------------------------------
def _no_tensor(number: Any) -> Any:
    """Refuse a Tensor as a number of parts, as it refuses itself: NumPy would ask us again."""
    return operator.index(number) if isinstance(number, Tensor) else number


def _array_split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    """Cut by slices, each with its own history; NumPy finds where to cut."""
    positions = np.array_split(np.arange(ary.shape[axis]), _no_tensor(indices_or_sections))
    cuts = [slice(int(p[0]), int(p[-1]) + 1) if len(p) else slice(0, 0) for p in positions]
    return [ary[along(axis, cut, ary.ndim)] for cut in cuts]


def _split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    """Cut into equal parts, or at indices."""
    np.split(np.arange(ary.shape[axis]), _no_tensor(indices_or_sections))  # refuses unequal parts
    return _array_split(ary, indices_or_sections, axis)


def _hsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    """Cut into columns; a vector into parts."""
    return _split(_with_axes(ary, 1, "hsplit"), indices_or_sections, min(1, ary.ndim - 1))


def _vsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    """Cut into rows."""
    return _split(_with_axes(ary, 2, "vsplit"), indices_or_sections, 0)


def _dsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    """Cut along the third axis."""
    return _split(_with_axes(ary, 3, "dsplit"), indices_or_sections, 2)


def _with_axes(ary: Any, ndim: int, name: str) -> Any:
    """Refuse an array of fewer axes, as NumPy does."""
    if ary.ndim < ndim:
        raise ValueError(f"{name} only works on arrays of {ndim} or more dimensions")
    return ary


def _unstack(x: Any, /, *, axis: int = 0) -> tuple[Any, ...]:
    """Take the slices along an axis apart."""
    if x.ndim == 0:
        raise ValueError("Input array must be at least 1-d.")
    return tuple(np.moveaxis(x, axis, 0))


# ---- at least so many axes -----------------------------------------------------------------------
def at_least_1d(a: Any) -> Any:
    """Make a scalar a vector of one entry."""
    a = a if isinstance(a, Tensor) else np.asarray(a)
    return np.reshape(a, (1,)) if a.ndim == 0 else a


def at_least_2d(a: Any) -> Any:
    """Make a vector one row."""
    a = at_least_1d(a)
    return np.expand_dims(a, 0) if a.ndim < 2 else a


def at_least_3d(a: Any) -> Any:
    """Make a matrix one of entries of one number."""
    a = at_least_2d(a)
    return np.expand_dims(a, 2) if a.ndim < 3 else a


def _each(function: Any) -> Any:
    """Apply to one array, or to several and return them all, as NumPy does."""
    return lambda *arys: function(arys[0]) if len(arys) == 1 else tuple(map(function, arys))


ADAPTERS.update(
    {
        np.reshape: _reshape,
        np.ravel: _ravel,
        np.rollaxis: _rollaxis,
        np.broadcast_arrays: _broadcast_arrays,
        np.meshgrid: _meshgrid,
        np.ix_: _ix,
        np.split: _split,
        np.array_split: _array_split,
        np.hsplit: _hsplit,
        np.vsplit: _vsplit,
        np.dsplit: _dsplit,
        np.atleast_1d: _each(at_least_1d),
        np.atleast_2d: _each(at_least_2d),
        np.atleast_3d: _each(at_least_3d),
    }
)
if hasattr(np, "astype"):  # since NumPy 2.1
    ADAPTERS[np.astype] = _astype
    COMPLEX.add(np.astype)
if hasattr(np, "unstack"):  # since NumPy 2.1
    ADAPTERS[np.unstack] = _unstack
    COMPLEX.add(np.unstack)
MASKING.add(np.resize)
COMPLEX.update(
    {
        *(np.reshape, np.ravel, np.squeeze, np.expand_dims, np.swapaxes, np.moveaxis, np.rollaxis),
        *(np.transpose, np.broadcast_to, np.flip, np.flipud, np.fliplr, np.rot90, np.roll, np.copy),
        *(np.tile, np.repeat, np.resize, np.broadcast_arrays, np.meshgrid, np.ix_),
        *(np.split, np.array_split, np.hsplit, np.vsplit, np.dsplit),
        *(np.atleast_1d, np.atleast_2d, np.atleast_3d, overlap_added),
        np.lib.stride_tricks.sliding_window_view,
    }
)
