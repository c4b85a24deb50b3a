"""Taking entries by index, and putting entries back: each is the other's derivative.

All of NumPy's indices work: slices, integers, ellipsis, None, boolean masks, and integer arrays
with repeats and negatives. Where an entry is taken twice, its gradient is the sum of both.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from minigrad.graph import COMPLEX, MASKING, defvjp
from minigrad.methods import added_at, written_at
from minigrad.tensor import primitive

_COUNTED = (np.float16, np.float32, np.float64)  # what bincount adds up, in float64


@primitive(lambda h, y, g, index, shape: h[index], complex=True)
def scatter(g: Any, index: Any, shape: tuple[int, ...]) -> Any:
    """Add the entries of `g` to zeros of `shape` at `index`: x[index] turned around."""
    if _repeats(index) and g.dtype in _COUNTED:
        places = np.arange(int(np.prod(shape))).reshape(shape)[index]
        sums = np.bincount(places.ravel(), g.ravel(), minlength=int(np.prod(shape)))
        return sums.reshape(shape).astype(g.dtype)
    x = np.zeros(shape, g.dtype)
    if _repeats(index):
        np.add.at(x, index, g)
    else:
        x[index] = g
    return x


def _repeats(index: Any) -> bool:
    """Tell whether an index can name an entry twice: only an integer array can."""
    parts = index if isinstance(index, tuple) else (index,)
    return any(isinstance(p, (np.ndarray, list)) and np.asarray(p).dtype != bool for p in parts)


def touched(index: Any, shape: tuple[int, ...]) -> Any:
    """Mark the entries that `index` names."""
    mask = np.zeros(shape, dtype=bool)
    mask[index] = True
    return mask


def last_written(index: Any, shape: tuple[int, ...]) -> Any:
    """Tell which of the values written at `index` are still there after the later ones."""
    places = np.arange(int(np.prod(shape))).reshape(shape)[index]
    order = np.arange(places.size).reshape(places.shape)
    winner = np.zeros(int(np.prod(shape)), dtype=int)
    winner[places.ravel()] = order.ravel()
    return winner[places] == order


defvjp(operator.getitem, lambda g, y, x, index: scatter(g, index, x.shape))
defvjp(
    written_at,
    lambda g, y, x, index, value: np.where(touched(index, x.shape), 0.0, g),
    None,
    lambda g, y, x, index, value: g[index] * last_written(index, x.shape),
    complex=True,
)
defvjp(
    added_at,
    lambda g, y, x, index, value: g,
    None,
    lambda g, y, x, index, value: g[index],
    complex=True,
)
MASKING.update({operator.getitem, written_at})
COMPLEX.add(operator.getitem)
