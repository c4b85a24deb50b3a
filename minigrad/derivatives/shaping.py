"""Functions that move, repeat or gather entries; the derivative moves them back."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad.derivatives.indexing import scatter
from minigrad.graph import COMPLEX, apply, defvjp
from minigrad.tensor import ADAPTERS, Tensor

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
    """Sum the copies of each entry: repeating is indexing by the owners of the copies."""
    if axis is None:
        return np.reshape(unrepeat(g, (math.prod(shape),), repeats, 0), shape)
    owner = np.repeat(np.arange(shape[axis]), repeats)
    return scatter(g, (slice(None),) * (axis % len(shape)) + (owner,), shape)


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


# ---- several arrays into one ---------------------------------------------------------------------
def _concatenated(*arrays: Any, axis: int = 0) -> Any:
    return np.concatenate(arrays, axis=axis)


def _pieces(g: Any, y: Any, *arrays: Any, axis: int = 0) -> list[Any]:
    """Cut the gradient where the arrays were joined."""
    return np.split(g, np.cumsum([np.shape(a)[axis] for a in arrays])[:-1], axis=axis)


defvjp(np.concatenate, joint=_pieces)


def _concatenate(arrays: Sequence[Any], axis: int | None = 0, **options: Any) -> Any:
    """Read NumPy's list of arrays as operands."""
    if axis is None:
        arrays, axis = [np.ravel(a) for a in arrays], 0
    return apply(Tensor, np.concatenate, arrays, {"axis": axis, **options}, _concatenated)


def _stack(arrays: Sequence[Any], axis: int = 0, **options: Any) -> Any:
    """Give each array the new axis, and join along it."""
    return _concatenate([np.expand_dims(a, axis) for a in arrays], axis, **options)


def _vstack(tup: Sequence[Any], **options: Any) -> Any:
    """Join as rows."""
    return _concatenate([_at_least_2d(a) for a in tup], 0, **options)


def _hstack(tup: Sequence[Any], **options: Any) -> Any:
    """Join as columns; vectors end to end."""
    arrays = [_at_least_1d(a) for a in tup]
    return _concatenate(arrays, 0 if np.ndim(arrays[0]) == 1 else 1, **options)


def _column_stack(tup: Sequence[Any]) -> Any:
    """Join as columns; each vector is one."""
    arrays = [_at_least_1d(a) for a in tup]
    return _concatenate([np.expand_dims(a, 1) if np.ndim(a) == 1 else a for a in arrays], 1)


def _dstack(tup: Sequence[Any]) -> Any:
    """Join along a third axis."""
    return _concatenate([_at_least_3d(a) for a in tup], 2)


COMPLEX.update(
    {
        *(np.reshape, np.squeeze, np.expand_dims, np.swapaxes, np.moveaxis, np.transpose),
        *(np.broadcast_to, np.flip, np.flipud, np.fliplr, np.rot90, np.roll, np.copy),
        *(np.tile, np.repeat, np.concatenate),
    }
)


# ---- one array into several ----------------------------------------------------------------------
def _array_split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    """Cut by slices, each with its own history; NumPy finds where to cut."""
    positions = np.array_split(np.arange(ary.shape[axis]), indices_or_sections)
    cuts = [slice(int(p[0]), int(p[-1]) + 1) if len(p) else slice(0, 0) for p in positions]
    return [ary[(slice(None),) * (axis % ary.ndim) + (cut,)] for cut in cuts]


def _split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    """Cut into equal parts, or at indices."""
    np.split(np.arange(ary.shape[axis]), indices_or_sections)  # refuses unequal parts
    return _array_split(ary, indices_or_sections, axis)


# ---- at least so many axes -----------------------------------------------------------------------
def _at_least_1d(a: Any) -> Any:
    return np.reshape(a, (1,)) if np.ndim(a) == 0 else a


def _at_least_2d(a: Any) -> Any:
    return np.expand_dims(_at_least_1d(a), 0) if np.ndim(a) < 2 else a


def _at_least_3d(a: Any) -> Any:
    return np.expand_dims(_at_least_2d(a), 2) if np.ndim(a) < 3 else a


def _each(function: Any) -> Any:
    """Apply to one array, or to several and return them all, as NumPy does."""
    return lambda *arys: function(arys[0]) if len(arys) == 1 else tuple(map(function, arys))


ADAPTERS.update(
    {
        np.reshape: _reshape,
        np.ravel: _ravel,
        np.concatenate: _concatenate,
        np.stack: _stack,
        np.vstack: _vstack,
        np.hstack: _hstack,
        np.column_stack: _column_stack,
        np.dstack: _dstack,
        np.split: _split,
        np.array_split: _array_split,
        np.atleast_1d: _each(_at_least_1d),
        np.atleast_2d: _each(_at_least_2d),
        np.atleast_3d: _each(_at_least_3d),
    }
)
