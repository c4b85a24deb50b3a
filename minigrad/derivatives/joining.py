"""Several arrays into one: the derivative cuts the gradient where they were joined."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad.calls import apply
from minigrad.derivatives.indexing import scatter
from minigrad.derivatives.shaping import at_least_1d, at_least_2d, at_least_3d
from minigrad.kinds import COMPLEX, check_dtype
from minigrad.table import RECORDED, defvjp
from minigrad.tensor import ADAPTERS, Tensor


def _concatenated(*arrays: Any, **options: Any) -> Any:
    return np.concatenate(arrays, **options)


def _stacked(*arrays: Any, **options: Any) -> Any:
    return np.stack(arrays, **options)


def pieces(g: Any, y: Any, *arrays: Any, axis: int = 0, **options: Any) -> list[Any]:
    """Cut the gradient where the arrays were joined."""
    return np.split(g, np.cumsum([np.shape(a)[axis] for a in arrays])[:-1], axis=axis)


def slices(g: Any, y: Any, *arrays: Any, axis: int = 0, **options: Any) -> Any:
    """Put the axis that the arrays were stacked on first: the rows are their gradients."""
    return np.moveaxis(g, axis, 0)


defvjp(np.concatenate, joint=pieces)
defvjp(np.stack, joint=slices)
RECORDED.update({np.concatenate: _concatenated, np.stack: _stacked})


def adapted(*xs: Any) -> list[Any]:
    """Make arrays of lists and numbers; numbers adapt to the dtype of the arrays beside them."""
    numbers = (int, float, complex)
    xs = tuple(x if isinstance(x, (Tensor, *numbers)) else np.asarray(x) for x in xs)
    kind = np.result_type(*[x if isinstance(x, numbers) else x.dtype for x in xs], np.float16)
    return [np.asarray(x, kind) if isinstance(x, numbers) else x for x in xs]


def _concatenate(arrays: Sequence[Any], axis: int | None = 0, **options: Any) -> Any:
    """Read NumPy's list of arrays as operands."""
    if axis is None:
        arrays, axis = [np.ravel(a) for a in adapted(*arrays)], 0
    return apply(Tensor, np.concatenate, arrays, {"axis": axis, **options}, _concatenated)


def _stack(arrays: Sequence[Any], axis: int = 0, **options: Any) -> Any:
    """Join along a new axis."""
    return apply(Tensor, np.stack, arrays, {"axis": axis, **options}, _stacked)


def _vstack(tup: Sequence[Any], **options: Any) -> Any:
    """Join as rows."""
    return _concatenate([at_least_2d(a) for a in tup], 0, **options)


def _hstack(tup: Sequence[Any], **options: Any) -> Any:
    """Join as columns; vectors end to end."""
    arrays = [at_least_1d(a) for a in tup]
    return _concatenate(arrays, 0 if np.ndim(arrays[0]) == 1 else 1, **options)


def _column_stack(tup: Sequence[Any]) -> Any:
    """Join as columns; each vector is one."""
    arrays = [at_least_1d(a) for a in tup]
    return _concatenate([np.expand_dims(a, 1) if np.ndim(a) == 1 else a for a in arrays], 1)


def _dstack(tup: Sequence[Any]) -> Any:
    """Join along a third axis."""
    return _concatenate([at_least_3d(a) for a in tup], 2)


def _append(arr: Any, values: Any, axis: int | None = None) -> Any:
    """Join two arrays, flattened when no axis is named."""
    return _concatenate((arr, values if axis is not None else np.ravel(values)), axis)


# ---- blocks: nested lists ------------------------------------------------------------------------
def _block(arrays: Any) -> Any:
    """Join the innermost lists along the last axis, the next along the last but one …"""
    if not isinstance(arrays, list):
        return np.copy(arrays)
    return _joined(arrays, np.block(_empty(arrays)).ndim)  # refuses lists that are nested unevenly


def _empty(arrays: Any) -> Any:
    """Put an empty array of as many axes, at least one, in the place of each array."""
    if isinstance(arrays, (list, tuple)):
        return type(arrays)(map(_empty, arrays))
    return np.empty((0,) * max(np.ndim(arrays), 1))


def _joined(arrays: Any, ndim: int) -> Any:
    """Join nested lists of arrays, all of which get `ndim` axes."""
    if not isinstance(arrays, list):
        return np.reshape(arrays, (*(1,) * (ndim - np.ndim(arrays)), *np.shape(arrays)))
    depth, inner = 1, arrays[0]
    while isinstance(inner, list):
        depth, inner = depth + 1, inner[0]
    return np.concatenate([_joined(a, ndim) for a in arrays], axis=-depth)


# ---- insertion -----------------------------------------------------------------------------------
def _insert(arr: Any, obj: Any, values: Any, axis: int | None = None) -> Any:
    """Refuse a Tensor as the place to insert at."""
    if isinstance(obj, Tensor):
        raise TypeError(
            "a Tensor cannot be an index of np.insert: the choice of a place has no derivative; "
            "use integers, such as t.data.astype(int)"
        )
    arr = arr if isinstance(arr, Tensor) else np.asarray(arr)
    check_dtype(arr.dtype, (values,))
    return apply(Tensor, np.insert, (arr, obj, values, axis), {})


def kept(g: Any, arr: Any, obj: Any, values: Any, axis: int | None) -> Any:
    """Take the entries of g that come from `arr`: they keep their order."""
    label = np.insert(np.ones(np.shape(arr), bool), obj, np.zeros(np.shape(values), bool), axis)
    return np.reshape(g[label], np.shape(arr))


def inserted(g: Any, arr: Any, obj: Any, values: Any, axis: int | None) -> Any:
    """Sum the entries of g that come from each of the values, which were broadcast."""
    size = np.size(values)
    own = np.arange(size).reshape(np.shape(values))
    label = np.insert(np.full(np.shape(arr), -1), obj, own, axis)
    new = label >= 0
    return np.reshape(scatter(g[new], label[new], (size,)), np.shape(values))


defvjp(
    np.insert,
    lambda g, y, arr, obj, values, axis=None: kept(g, arr, obj, values, axis),
    None,
    lambda g, y, arr, obj, values, axis=None: inserted(g, arr, obj, values, axis),
)

ADAPTERS.update(
    {
        np.concatenate: _concatenate,
        np.stack: _stack,
        np.vstack: _vstack,
        np.hstack: _hstack,
        np.column_stack: _column_stack,
        np.dstack: _dstack,
        np.append: _append,
        np.block: _block,
        np.insert: _insert,
    }
)
COMPLEX.update(
    {
        *(np.concatenate, np.stack, np.vstack, np.hstack, np.column_stack, np.dstack),
        *(np.append, np.block, np.insert),
    }
)
