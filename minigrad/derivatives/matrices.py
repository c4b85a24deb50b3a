"""Diagonals of matrices, matrices made of vectors, chains and powers of matrices."""

from __future__ import annotations

import functools
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad.derivatives.elementwise import times
from minigrad.derivatives.products import mT
from minigrad.kinds import COMPLEX
from minigrad.table import MASKING, defvjp
from minigrad.tensor import ADAPTERS, primitive


# ---- diagonals -----------------------------------------------------------------------------------
@primitive(lambda h, y, g, offset, axis1, axis2, shape: np.diagonal(h, offset, axis1, axis2))
def on_diagonal(g: Any, offset: int, axis1: int, axis2: int, shape: tuple[int, ...]) -> Any:
    """Write `g` on a diagonal of zeros of `shape`: np.diagonal turned around."""
    x = np.zeros(shape, g.dtype)
    rows, columns = max(-offset, 0), max(offset, 0)
    n = g.shape[-1]
    square = np.moveaxis(x, (axis1, axis2), (-2, -1))[..., rows : rows + n, columns : columns + n]
    np.einsum("...ii->...i", square)[...] = g
    return x


defvjp(
    np.diagonal,
    lambda g, y, x, offset=0, axis1=0, axis2=1: on_diagonal(g, offset, axis1, axis2, x.shape),
)
defvjp(
    np.diag,
    lambda g, y, v, k=0: np.diagonal(g, k) if v.ndim == 1 else on_diagonal(g, k, 0, 1, v.shape),
)
defvjp(np.diagflat, lambda g, y, v, k=0: np.reshape(np.diagonal(g, k), v.shape))
MASKING.update({np.diagonal, np.diag})


def _trace(
    a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None, out: None = None
) -> Any:
    """Sum the diagonal."""
    return np.sum(np.diagonal(a, offset, axis1, axis2), axis=-1, dtype=dtype, out=out)


def _linalg_diagonal(x: Any, /, *, offset: int = 0) -> Any:
    """Read a stack of matrices: its last two axes."""
    return np.diagonal(x, offset, -2, -1)


def _linalg_trace(x: Any, /, *, offset: int = 0, dtype: Any = None) -> Any:
    """Read a stack of matrices: its last two axes."""
    return _trace(x, offset, -2, -1, dtype)


# ---- other matrices ------------------------------------------------------------------------------
for transposed in (np.matrix_transpose, np.linalg.matrix_transpose):
    defvjp(transposed, lambda g, y, x: mT(g))


def vander_slope(g: Any, x: Any, increasing: bool) -> Any:
    """Differentiate the powers x⁰, x¹, x² … in the columns: k xᵏ⁻¹, and 0 for x⁰."""
    g = g if increasing else np.flip(g, -1)
    degrees = np.arange(1, g.shape[1])
    powers = np.vander(x, len(degrees), increasing=True)
    return np.sum(times(g[:, 1:] * degrees, powers), axis=1)


defvjp(np.vander, lambda g, y, x, N=None, increasing=False: vander_slope(g, x, increasing))


# ---- chains and powers ---------------------------------------------------------------------------
@functools.lru_cache(1024)
def cheapest_split(lengths: tuple[int, ...]) -> tuple[int, int]:
    """Say what a chain of matrices costs at least, and how many of them its left factor has.

    The first matrix has shape lengths[0:2], the second lengths[1:3], and so on.

    Source: T. Cormen et al., *Introduction to Algorithms*, 3rd ed., section 15.2.
    """
    if len(lengths) == 2:
        return 0, 0
    costs = []
    for k in range(1, len(lengths) - 1):
        parts = cheapest_split(lengths[: k + 1])[0] + cheapest_split(lengths[k:])[0]
        costs.append((parts + lengths[0] * lengths[k] * lengths[-1], k))
    return min(costs)


def _chain(matrices: list[Any]) -> Any:
    """Multiply in the cheapest order."""
    if len(matrices) == 1:
        return matrices[0]
    lengths = (*[np.shape(a)[0] for a in matrices], np.shape(matrices[-1])[1])
    k = cheapest_split(lengths)[1]
    return np.dot(_chain(matrices[:k]), _chain(matrices[k:]))


def _multi_dot(arrays: Sequence[Any], *, out: None = None) -> Any:
    """Read a vector at either end of the chain as a row, or a column."""
    if out is not None:
        raise TypeError("np.linalg.multi_dot with out= is not recorded: use the result")
    if len(arrays) == 2:
        return np.dot(*arrays)
    ndims = [np.ndim(a) for a in arrays]
    if len(ndims) < 2 or not {ndims[0], ndims[-1]} <= {1, 2} or not {*ndims[1:-1]} <= {2}:
        raise np.linalg.LinAlgError(
            f"np.linalg.multi_dot of shapes {' and '.join(str(np.shape(a)) for a in arrays)}: a "
            "chain has two matrices or more, of which the first and the last may be vectors"
        )
    matrices = list(arrays)
    if ndims[0] == 1:
        matrices[0] = np.expand_dims(matrices[0], 0)
    if ndims[-1] == 1:
        matrices[-1] = np.expand_dims(matrices[-1], 1)
    y = _chain(matrices)
    vectors = tuple(axis for axis in (0, 1) if ndims[-axis] == 1)
    return np.squeeze(y, vectors) if vectors else y


def _matrix_power(a: Any, n: Any) -> Any:
    """Multiply a matrix with itself by squaring; negative powers are those of the inverse."""
    n = operator.index(n)
    if np.ndim(a) < 2 or np.shape(a)[-1] != np.shape(a)[-2]:
        raise np.linalg.LinAlgError(
            f"np.linalg.matrix_power of shape {np.shape(a)}: the last two axes are no square matrix"
        )
    if n == 0:
        return np.where(True, np.eye(np.shape(a)[-1], dtype=a.dtype), a)  # with derivative 0
    square = np.linalg.inv(a) if n < 0 else a
    n = abs(n)
    if n == 3:
        return square @ square @ square
    power = None
    while n:
        if n % 2:
            power = square if power is None else power @ square
        n //= 2
        square = square @ square if n else square
    return power


ADAPTERS.update(
    {
        np.trace: _trace,
        np.linalg.trace: _linalg_trace,
        np.linalg.diagonal: _linalg_diagonal,
        np.linalg.multi_dot: _multi_dot,
        np.linalg.matrix_power: _matrix_power,
    }
)
COMPLEX.update(
    {
        *(on_diagonal, np.diagonal, np.diag, np.diagflat, np.trace, np.vander),
        *(np.linalg.diagonal, np.linalg.trace, np.matrix_transpose, np.linalg.matrix_transpose),
        *(np.linalg.multi_dot, np.linalg.matrix_power),
    }
)
