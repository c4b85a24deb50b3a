"""Mini-batches: every row of the data once per epoch."""

from __future__ import annotations

from collections.abc import Iterator
from operator import index
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["batches"]

Array = NDArray[Any]


def batches(
    x: ArrayLike, t: ArrayLike, size: int, rng: int | np.random.Generator | None = None
) -> Iterator[tuple[Array, Array]]:
    """Yield (x_batch, t_batch) over one epoch: each row exactly once, the last batch short.

    x: (N, ...), t: (N, ...); a batch has `size` rows, the last one N mod size if that is not 0.
    With `rng` (a seed or a Generator) the rows are shuffled and a batch is a copy; without, they
    come in order and a batch is a view. dtypes stay as they are.

    Raises ValueError, at the call, for x and t of different lengths, no rows, or size < 1.

    >>> import numpy as np
    >>> for xb, tb in batches(np.arange(5.0), np.arange(5), size=2):
    ...     print(xb, tb)
    [0. 1.] [0 1]
    [2. 3.] [2 3]
    [4.] [4]
    """
    x, t, size = np.asarray(x), np.asarray(t), index(size)
    check_rows(x, t)
    if size < 1:
        raise ValueError(f"a batch needs at least one row, and size={size}")
    return _in_order(x, t, size) if rng is None else _shuffled(x, t, size, rng)


def check_rows(x: Array, t: Array, names: tuple[str, str] = ("x", "t")) -> None:
    """Raise ValueError unless x and t have the same number of rows, and at least one."""
    for name, array in zip(names, (x, t), strict=True):
        if array.ndim == 0:
            raise ValueError(f"{name} is a single number; a batch has one row per example")
    if len(x) != len(t):
        raise ValueError(
            f"{names[0]} has {len(x)} rows and {names[1]} has {len(t)}: each row of "
            f"{names[0]} {x.shape} needs its target in {names[1]} {t.shape}"
        )
    if len(x) == 0:
        raise ValueError(f"{names[0]} {x.shape} has no rows: there is nothing to learn from")


def _in_order(x: Array, t: Array, size: int) -> Iterator[tuple[Array, Array]]:
    for start in range(0, len(x), size):
        yield x[start : start + size], t[start : start + size]


def _shuffled(
    x: Array, t: Array, size: int, rng: int | np.random.Generator
) -> Iterator[tuple[Array, Array]]:
    order = np.random.default_rng(rng).permutation(len(x))
    for start in range(0, len(x), size):
        rows = order[start : start + size]
        yield x[rows], t[rows]
