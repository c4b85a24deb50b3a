"""Taking entries by index, and putting entries back: each is the other's derivative.

All of NumPy's indices work: slices, integers, ellipsis, None, boolean masks, and integer arrays
with repeats and negatives. Where an entry is taken twice, its gradient is the sum of both. Of
`x.at[i].set(v)`, the last value written to an entry alone has a gradient; where the entry and the
values of `x.at[i].max(v)` or `.min(v)` tie, they share the gradient equally.
"""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from minigrad.constants import arrays
from minigrad.kinds import COMPLEX
from minigrad.table import MASKING, PLACES, defvjp
from minigrad.tensor import Tensor, primitive
from minigrad.updates import (
    added_at,
    maximum_at,
    minimum_at,
    multiplied_at,
    offsets,
    places,
    repeats,
    written_at,
)

# ---- the transpose of x[index] -------------------------------------------------------------------


@primitive(lambda h, y, g, index, shape: h[index], complex=True)
def scatter(g: Any, index: Any, shape: tuple[int, ...]) -> Any:
    """Add the entries of `g` to zeros of `shape` at `index`: x[index] turned around."""
    wide = np.result_type(g, np.float32)  # float16 is summed in float32
    x = np.zeros(shape, wide)
    if not repeats(index):
        x[index] = g
        return x.astype(g.dtype, copy=False)
    rows, inside = offsets(index, shape)
    if inside.size > 1 and g.size <= x.size and _distinct(rows):
        x[index] = g
    else:  # with indices, values and target in one dimension, add.at has a fast loop
        np.add.at(x.ravel(), (rows + inside).ravel(), g.astype(wide, copy=False).ravel())
    return x.astype(g.dtype, copy=False)


def _distinct(numbers: Any) -> bool:
    """Tell whether no number comes twice."""
    ordered = np.sort(numbers, axis=None)
    return not np.any(ordered[1:] == ordered[:-1])


# ---- taking --------------------------------------------------------------------------------------
defvjp(operator.getitem, lambda g, y, x, index: scatter(g, index, x.shape))


def taken_once(x: Any, index: Any) -> Any:
    """Give the index, if it names no entry twice: then the rule above is `total[index] += g`."""
    return None if repeats(index) else (index,) if index is None else index


PLACES[operator.getitem] = taken_once
defvjp(
    np.take,
    lambda g, y, a, indices, axis=None, out=None, mode="raise": untake(
        g, a.shape, indices, axis, mode
    ),
)
defvjp(
    np.take_along_axis,
    lambda g, y, arr, indices, axis=-1: untake_along_axis(g, arr.shape, indices, axis),
)


def along(axis: int, index: Any, ndim: int) -> tuple[Any, ...]:
    """Index one axis of `ndim`, and take all of the others."""
    return (*(slice(None),) * (axis % ndim), index)


def untake(g: Any, shape: tuple[int, ...], indices: Any, axis: int | None, mode: str) -> Any:
    """Put back what np.take took; out of bounds, it wraps or clips as np.take did."""
    if axis is None:
        flat = untake(np.ravel(g), (math.prod(shape),), np.ravel(indices), 0, mode)
        return np.reshape(flat, shape)
    length, indices = shape[axis], np.asarray(indices, int)
    if mode == "wrap":
        indices = np.mod(indices, length)
    elif mode == "clip":
        indices = np.clip(indices, 0, length - 1)
    return scatter(g, along(axis, indices, len(shape)), shape)


def untake_along_axis(g: Any, shape: tuple[int, ...], indices: Any, axis: int | None) -> Any:
    """Put back what np.take_along_axis took: each row at the indices of its own."""
    if axis is None:
        return np.reshape(scatter(g, np.asarray(indices), (math.prod(shape),)), shape)
    index: list[Any] = list(np.ix_(*[range(n) for n in shape]))
    index[axis] = indices
    return scatter(g, tuple(index), shape)


# ---- functional updates --------------------------------------------------------------------------
def touched(index: Any, shape: tuple[int, ...]) -> Any:
    """Mark the entries that `index` names."""
    mask = np.zeros(shape, dtype=bool)
    mask[index] = True
    return mask


def where_last(g: Any, index: Any, shape: tuple[int, ...]) -> Any:
    """Take g[index], but zero where a later value was written to the same entry."""
    if not repeats(index):
        return g[index]
    place = places(index, shape)
    order = np.arange(place.size).reshape(place.shape)
    winner = np.empty(math.prod(shape), int)
    winner[place.ravel()] = order.ravel()
    return np.where(winner[place] == order, g[index], 0.0)


def others_at(index: Any, shape: tuple[int, ...], value: Any) -> Any:
    """Multiply, for each value, all other values at the same entry; without division."""
    place = places(index, shape)
    order = np.argsort(place, axis=None)
    entry, factor = place.ravel()[order], np.ravel(np.broadcast_to(value, place.shape))[order]
    product = _before(factor, entry) * _before(factor[::-1], entry[::-1])[::-1]
    return np.reshape(product[np.argsort(order)], place.shape)


def _before(factor: Any, entry: Any) -> Any:
    """Multiply the factors to the left of each that belong to the same entry.

    Products of 1, 2, 4 … neighbours, each from two of half the length: a segmented scan (W. D.
    Hillis and G. L. Steele, Communications of the ACM 29 (1986) 1170).
    """
    same = entry[1:] == entry[:-1]
    product = np.concatenate([np.ones_like(factor[:1]), np.where(same, factor[:-1], 1.0)])
    width = 1
    while np.any(same := entry[width:] == entry[:-width]):
        longer = np.where(same, product[:-width], 1.0) * product[width:]
        product = np.concatenate([product[:width], longer])
        width *= 2
    return product


def multiplied(g: Any, index: Any, value: Any) -> Any:
    """Multiply the entries of a gradient at `index`, with history where it has one."""
    return g.at[index].mul(value) if isinstance(g, Tensor) else multiplied_at(g, index, value)


def shares_at(y: Any, x: Any, index: Any, value: Any) -> tuple[Any, Any]:
    """Weight the entries of x, and the values for them, that are the extreme y or NaN."""
    y, x = arrays(y), arrays(x)
    value = np.asarray(arrays(value), y.dtype)
    kept, raised = (x == y) | np.isnan(x), (value == y[index]) | np.isnan(value)
    ties = added_at(np.asarray(kept, int), index, np.asarray(raised, int))
    return kept / ties, raised / ties[index]


defvjp(
    written_at,
    lambda g, y, x, index, value: np.where(touched(index, x.shape), 0.0, g),
    None,
    lambda g, y, x, index, value: where_last(g, index, x.shape),
    complex=True,
)
defvjp(
    added_at,
    lambda g, y, x, index, value: g,
    None,
    lambda g, y, x, index, value: g[index],
    complex=True,
)
defvjp(
    multiplied_at,
    lambda g, y, x, index, value: multiplied(g, index, value),
    None,
    lambda g, y, x, index, value: (
        g[index] * x[index] * others_at(index, x.shape, value)
        if repeats(index)
        else g[index] * x[index]
    ),
)
for extreme_at in (maximum_at, minimum_at):
    defvjp(
        extreme_at,
        lambda g, y, x, index, value: g * shares_at(y, x, index, value)[0],
        None,
        lambda g, y, x, index, value: g[index] * shares_at(y, x, index, value)[1],
    )
COMPLEX.update({operator.getitem, np.take, np.take_along_axis, multiplied_at})
MASKING.update({operator.getitem, np.take, np.take_along_axis, written_at, maximum_at, minimum_at})
