"""Matrices that are safe to invert and to decompose."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from minigrad.graph import Array
from minigrad.testing.strategies.numbers import Shape, arrays, well_separated
from minigrad.testing.with_hypothesis import st

SIDES = st.integers(1, 3)


def spd(
    n: int | st.SearchStrategy[int] = SIDES,
    *,
    lead: Shape | st.SearchStrategy[Shape] = (),
    gap: float = 0.5,
    dtype: DTypeLike = np.float64,
) -> st.SearchStrategy[Array]:
    """Draw a symmetric positive definite matrix, or a stack of them: for cholesky, eigh, solve.

    Args:
        n: number of rows and of columns.
        lead: axes before them, as (2,) for a stack of two.
        gap: least distance between eigenvalues, and the least of them; the vectors of equal ones
            are not differentiable.
        dtype: of the matrix.

    The shape is (*lead, n, n). Shrinks to a diagonal matrix.

    >>> from hypothesis import find
    >>> find(spd(2), lambda A: True)
    array([[0.5, 0. ],
           [0. , 1. ]])
    """
    return _matrix(n, lead, gap, np.dtype(dtype), symmetric=True)


def invertible(
    n: int | st.SearchStrategy[int] = SIDES,
    *,
    lead: Shape | st.SearchStrategy[Shape] = (),
    gap: float = 0.5,
    dtype: DTypeLike = np.float64,
) -> st.SearchStrategy[Array]:
    """Draw a matrix that has an inverse and is well conditioned, or a stack: for inv, solve, svd.

    Args:
        n: number of rows and of columns.
        lead: axes before them, as (2,) for a stack of two.
        gap: least distance between singular values, and the least of them.
        dtype: of the matrix.

    The shape is (*lead, n, n), the determinant of either sign. Shrinks to a diagonal matrix.

    >>> from hypothesis import find
    >>> find(invertible(2), lambda A: np.linalg.det(A) < 0)
    array([[ 0.5,  0. ],
           [ 0. , -1. ]])
    """
    return _matrix(n, lead, gap, np.dtype(dtype), symmetric=False)


@st.composite
def _matrix(draw: st.DrawFn, n: Any, lead: Any, gap: float, dtype: Any, symmetric: bool) -> Array:
    """Compose U diag(s) Vᵀ; V = U and s > 0 for a positive one."""
    n, lead = (draw(each) if isinstance(each, st.SearchStrategy) else each for each in (n, lead))
    stack = int(np.prod(lead))
    each = [draw(well_separated(n, gap=gap, min_value=gap)) for _ in range(stack)]
    s: Array = np.array(each).reshape(*lead, n)
    u = draw(_rotations(n, lead))
    if symmetric:
        product: Array = (u * s[..., None, :]) @ np.swapaxes(u, -1, -2)
        product = (product + np.swapaxes(product, -1, -2)) / 2
        return product.astype(dtype)
    v = draw(_rotations(n, lead))
    signs = draw(arrays((*lead, n), elements=st.sampled_from([1.0, -1.0])))
    product = (u * (s * signs)[..., None, :]) @ np.swapaxes(v, -1, -2)
    return product.astype(dtype)


@st.composite
def _rotations(draw: st.DrawFn, n: int, lead: Shape) -> Array:
    """Draw orthogonal matrices, by Cayley's transform (I + S)⁻¹ (I − S) of S = −Sᵀ."""
    upper = np.triu(draw(arrays((*lead, n, n), elements=st.floats(-1.0, 1.0))), 1)
    skew = upper - np.swapaxes(upper, -1, -2)
    found: Array = np.linalg.solve(np.eye(n) + skew, np.eye(n) - skew)
    return found
