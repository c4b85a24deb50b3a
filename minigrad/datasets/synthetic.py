"""Points in the plane that no straight line separates: the smallest problems that need a net."""

from __future__ import annotations

import numpy as np
from numpy.typing import DTypeLike

from minigrad.datasets.dataset import Points

__all__ = ["moons", "spiral"]


def spiral(
    n_per_class: int = 100,
    classes: int = 3,
    noise: float = 0.2,
    rng: int | np.random.Generator = 0,
    *,
    dtype: DTypeLike = np.float64,
) -> Points:
    """Return interleaved spiral arms, one per class: x (n_per_class · classes, 2), class by class.

    A point at radius r in [0, 1) on arm c stands at the angle 4r + 2πc / classes + noise · N(0, 1),
    in radians. Raises ValueError for less than one point or class, or a negative noise.

    Source: the toy data of Stanford's CS231n notes, with the arms spaced evenly.

    >>> x, t = spiral(n_per_class=50)
    >>> x.shape, [int((t == c).sum()) for c in range(3)]
    ((150, 2), [50, 50, 50])
    """
    if n_per_class < 1 or classes < 1:
        raise ValueError(f"a spiral needs points: {n_per_class=}, {classes=}")
    _check_noise(noise)
    t = np.repeat(np.arange(classes), n_per_class)
    radius = np.tile(np.arange(n_per_class) / n_per_class, classes)
    wobble = noise * np.random.default_rng(rng).standard_normal(len(t))
    angle = 4 * radius + 2 * np.pi * t / classes + wobble
    x = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
    return Points(x.astype(dtype), t.astype(np.int64))


def moons(
    n: int = 200,
    noise: float = 0.1,
    rng: int | np.random.Generator = 0,
    *,
    dtype: DTypeLike = np.float64,
) -> Points:
    """Return two interlocking half circles of radius 1: x (n, 2), first the upper moon, class 0.

    The upper moon is centred at (0, 0), the lower, class 1, at (1, 1/2); each coordinate is moved
    by noise · N(0, 1). Raises ValueError for fewer than two points or a negative noise.

    Source: the classic of scikit-learn's `make_moons`.

    >>> x, t = moons(n=5, noise=0.0)
    >>> x.round(1).tolist(), t.tolist()
    ([[1.0, 0.0], [-1.0, 0.0], [0.0, 0.5], [1.0, -0.5], [2.0, 0.5]], [0, 0, 1, 1, 1])
    """
    if n < 2:
        raise ValueError(f"two moons need two points at least, and n={n}")
    _check_noise(noise)
    upper, lower = np.linspace(0, np.pi, n // 2), np.linspace(0, np.pi, n - n // 2)
    x = np.stack(
        [
            np.concatenate([np.cos(upper), 1 - np.cos(lower)]),
            np.concatenate([np.sin(upper), 0.5 - np.sin(lower)]),
        ],
        axis=1,
    )
    x += noise * np.random.default_rng(rng).standard_normal(x.shape)
    t = np.repeat(np.arange(2), [len(upper), len(lower)])
    return Points(x.astype(dtype), t.astype(np.int64))


def _check_noise(noise: float) -> None:
    if not 0 <= noise < np.inf:
        raise ValueError(f"noise={noise}: it is a standard deviation, 0 or more")
