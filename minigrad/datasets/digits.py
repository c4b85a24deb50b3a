"""The handwritten digits inside the package; DIGITS.md, beside this file, tells their story."""

from __future__ import annotations

import numpy as np
from numpy.typing import DTypeLike

from minigrad.datasets.dataset import Dataset, split

__all__ = ["digits"]


def digits(
    test_fraction: float = 0.2,
    rng: int | np.random.Generator = 0,
    *,
    dtype: DTypeLike = np.float64,
) -> Dataset:
    """Return 1,797 handwritten digits of 8×8 grey levels, shuffled and split by `rng`.

    x: (N, 64) in [0, 1] with the given float dtype, an image row by row; t: (N,) int64 in 0…9.
    Raises ValueError for a `test_fraction` that is not between 0 and 1.

    Source: E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine
    Learning Repository, 1998 (its test part), CC BY 4.0.

    >>> data = digits()
    >>> data.x_train.shape, data.x_test.shape
    ((1438, 64), (359, 64))
    >>> float(data.x_train.min()), float(data.x_train.max())
    (0.0, 1.0)
    """
    from importlib.resources import files

    with (
        files("minigrad.datasets").joinpath("digits.npz").open("rb") as file,
        np.load(file, allow_pickle=False) as stored,
    ):
        grey_levels, classes = stored["x"], stored["t"]
    return split(grey_levels.astype(dtype) / 16, classes.astype(np.int64), test_fraction, rng)
