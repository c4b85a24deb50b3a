"""The two shapes in which data comes: points with their classes, and a training and a test part."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from minigrad.datasets.batching import check_rows

__all__ = ["Dataset", "Points", "split"]


class Points(NamedTuple):
    """Points x (N, D), floats, with their classes t (N,), int64.

    >>> import numpy as np
    >>> x, t = Points(np.zeros((3, 2)), np.array([0, 1, 1]))
    >>> x.shape, t.shape
    ((3, 2), (3,))
    """

    x: NDArray[np.floating]
    t: NDArray[np.int64]


class Dataset(NamedTuple):
    """A training and a test part: x (N, D), floats, and the classes t (N,), int64, of each.

    >>> import minigrad.datasets
    >>> data = minigrad.datasets.digits()
    >>> data.x_train.shape, data.t_test.shape
    ((1438, 64), (359,))
    """

    x_train: NDArray[np.floating]
    t_train: NDArray[np.int64]
    x_test: NDArray[np.floating]
    t_test: NDArray[np.int64]


def split(
    x: ArrayLike, t: ArrayLike, test_fraction: float = 0.2, rng: int | np.random.Generator = 0
) -> Dataset:
    """Shuffle the rows of x (N, ...) and t (N,) and hold out round(test_fraction · N) for testing.

    `rng` is a seed or a Generator; equal seeds split equally. Raises ValueError for x and t of
    different lengths, and for a fraction that leaves either part without a row.

    >>> import numpy as np
    >>> data = split(np.zeros((10, 2)), np.arange(10), test_fraction=0.3)
    >>> len(data.x_train), len(data.x_test)
    (7, 3)
    """
    inputs: NDArray[Any] = np.asarray(x)
    targets: NDArray[Any] = np.asarray(t)
    check_rows(inputs, targets)
    held_out = round(test_fraction * len(inputs)) if 0 < test_fraction < 1 else 0
    if not 0 < held_out < len(inputs):
        raise ValueError(
            f"test_fraction={test_fraction} of {len(inputs)} rows leaves no row to train on or "
            "none to test on; it is a fraction between 0 and 1, such as 0.2"
        )
    order = np.random.default_rng(rng).permutation(len(inputs))
    train, test = order[held_out:], order[:held_out]
    return Dataset(inputs[train], targets[train], inputs[test], targets[test])
