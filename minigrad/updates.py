"""Updates that leave the array as it was: copy, write at an index of the copy, return the copy.

`offsets` reads an index as NumPy does and finds the places of its entries in the flattened array,
where entries that are named twice are updated twice.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigrad.kinds import check_dtype


def written_at(x: Any, index: Any, value: Any) -> Any:
    """Copy the array `x` and write `value` at `index` of the copy."""
    return _updated(x, index, value, None)


def added_at(x: Any, index: Any, value: Any) -> Any:
    """Copy the array `x` and add `value` at `index` of the copy, repeats included."""
    return _updated(x, index, value, np.add)


def multiplied_at(x: Any, index: Any, value: Any) -> Any:
    """Copy the array `x` and multiply by `value` at `index` of the copy, repeats included."""
    return _updated(x, index, value, np.multiply)


def maximum_at(x: Any, index: Any, value: Any) -> Any:
    """Copy the array `x` and raise it to `value` at `index` of the copy, repeats included."""
    return _updated(x, index, value, np.maximum)


def minimum_at(x: Any, index: Any, value: Any) -> Any:
    """Copy the array `x` and lower it to `value` at `index` of the copy, repeats included."""
    return _updated(x, index, value, np.minimum)


def _updated(x: Any, index: Any, value: Any, ufunc: np.ufunc | None) -> Any:
    """Combine the entries at `index` of a copy of `x` with `value`; without a ufunc, replace them.

    Raises:
        TypeError: when `value` is complex and `x` real.
        ValueError: when `value` has more axes than the entries.
    """
    check_dtype(x.dtype, (value,))
    y = np.array(x, order="C")  # of a number, too; reshaping it below makes a view
    entries = y[index]
    if np.ndim(value) > np.ndim(entries):
        raise ValueError(
            f"a value of shape {np.shape(value)} has more axes than the entries have, "
            f"{np.shape(entries)}"
        )
    if ufunc is None:
        y[index] = value
    elif repeats(index):  # in one dimension, ufunc.at has a fast loop, and one without mistakes
        values = np.broadcast_to(value, entries.shape).astype(y.dtype, copy=False)
        ufunc.at(y.reshape(-1), places(index, y.shape).ravel(), values.ravel())
    else:
        y[index] = ufunc(entries, value)
    return y


# ---- the places that an index names --------------------------------------------------------------
def repeats(index: Any) -> bool:
    """Tell whether an index can name an entry twice: only an integer array can."""
    for part in index if isinstance(index, tuple) else (index,):
        if isinstance(part, (np.ndarray, list)) and np.asarray(part).dtype != bool:
            return True
    return False


def places(index: Any, shape: tuple[int, ...]) -> Any:
    """Number the entries that `index` names, by their places in the flattened array."""
    rows, inside = offsets(index, shape)
    return rows + inside


def offsets(index: Any, shape: tuple[int, ...]) -> tuple[Any, Any]:
    """Find where the entries of x[index] stand in x.ravel(): the sum of two arrays that broadcast.

    The first comes from the integers and arrays of the index, the second from its slices.
    """
    parts = _spelled_out(index, len(shape))
    if parts is None:
        return np.arange(math.prod(shape)).reshape(shape)[index], np.zeros((), int)
    lines = [np.arange(n) * math.prod(shape[i + 1 :]) for i, n in enumerate(shape)]
    sliced = [part is None or isinstance(part, slice) for part in parts]
    taken = [i for i, part in enumerate(parts) if not (sliced[i] or part is Ellipsis)]
    rows, rest, axis = np.zeros((), int), [], 0
    for i, part in enumerate(parts):
        if part is None:
            rest.append(np.zeros(1, int))
        elif part is not Ellipsis:
            line, axis = lines[axis][part], axis + 1
            if sliced[i]:
                rest.append(line)
            else:
                rows = rows + line
    # the axes of arrays that stand side by side stay where they are, those of others lead
    before = sum(sliced[: taken[0]]) if taken[-1] - taken[0] < len(taken) else 0
    inside = np.zeros((1,) * (len(rest) + rows.ndim), int)
    for k, line in enumerate(rest):
        after = len(rest) - k - 1 + (rows.ndim if k < before else 0)
        inside = inside + line.reshape((-1, *(1,) * after))
    return rows.reshape((*rows.shape, *(1,) * (len(rest) - before))), inside


def _spelled_out(index: Any, ndim: int) -> list[Any] | None:
    """List the parts of an index: masks as integers, the slices behind `...`; None for a lone bool.

    An Ellipsis stays, as a part of no axis: it parts the arrays to its left and right.
    """
    parts: list[Any] = []
    for part in index if isinstance(index, tuple) else (index,):
        if isinstance(part, list):
            part = np.asarray(part, None if part else int)
        if isinstance(part, (bool, np.bool)):
            return None
        if not isinstance(part, np.ndarray) or part.dtype != bool:
            parts.append(part)
        elif part.ndim == 0:
            return None
        else:
            parts += part.nonzero()
    missing = ndim - sum(part is not None and part is not Ellipsis for part in parts)
    place = next((i for i, part in enumerate(parts) if part is Ellipsis), len(parts))
    return [*parts[: place + 1], *[slice(None)] * missing, *parts[place + 1 :]]


# ---- the spelling -------------------------------------------------------------------------------
class At:
    """What stands between `x.at` and `.set(value)`: the array, then the index.

    A plain array has no `.at`; `np.where(mask, value, x)` takes arrays and Tensors.

    >>> import minigrad as mg
    >>> x = mg.Tensor([1.0, 2.0, 3.0])
    >>> x.at[1].set(0.0).tolist()
    [1.0, 0.0, 3.0]
    >>> x.at[[0, 0]].add(1.0).tolist()
    [3.0, 2.0, 3.0]
    >>> x.at[1:].mul([10.0, 0.0]).tolist()
    [1.0, 20.0, 0.0]
    """

    def __init__(self, array: Any, *index: Any) -> None:
        self._array = array
        self._index = index

    def __getitem__(self, index: Any) -> At:
        return At(self._array, index)

    def set(self, value: Any) -> Any:
        """Put `value` in place of the entries; the last one wins where an entry is named twice."""
        return self._update(written_at, value)

    def add(self, value: Any) -> Any:
        """Add `value` to the entries, again and again where an entry is named twice."""
        return self._update(added_at, value)

    def mul(self, value: Any) -> Any:
        """Multiply the entries by `value`, again and again where an entry is named twice."""
        return self._update(multiplied_at, value)

    def max(self, value: Any) -> Any:
        """Raise the entries to `value` where it is larger; ties share the gradient equally."""
        return self._update(maximum_at, value)

    def min(self, value: Any) -> Any:
        """Lower the entries to `value` where it is smaller; ties share the gradient equally."""
        return self._update(minimum_at, value)

    def _update(self, function: Any, value: Any) -> Any:
        if not self._index:
            raise TypeError("say where: x.at[index].set(value)")
        (index,) = self._index
        for part in index if isinstance(index, tuple) else (index,):
            if isinstance(part, type(self._array)):
                raise TypeError(
                    "a Tensor cannot be an index: the choice of an entry has no derivative; "
                    "use an integer array, such as t.data.astype(int)"
                )
        return self._array.__array_function__(function, (), (self._array, *self._index, value), {})
