"""Products of vectors and matrices.

With C = A B, the chain rule reads dA = dC Bᵀ and dB = Aᵀ dC. Vectors are read as one row on the
left and as one column on the right, and stacks of matrices multiply pair by pair.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.graph import COMPLEX, defvjp


def left_matrix(a: Any) -> Any:
    """Read a vector on the left of a product as one row."""
    return a[None, :] if a.ndim == 1 else a


def right_matrix(b: Any) -> Any:
    """Read a vector on the right of a product as one column."""
    return b[:, None] if b.ndim == 1 else b


def product_matrix(g: Any, a: Any, b: Any) -> Any:
    """Give the gradient of a product the axes that vectors took away."""
    g = np.expand_dims(g, -1) if b.ndim == 1 else g
    return np.expand_dims(g, -2) if a.ndim == 1 else g


def mT(a: Any) -> Any:
    """Transpose the last two axes."""
    return np.swapaxes(a, -1, -2)


def matmul_left(g: Any, a: Any, b: Any) -> Any:
    """Differentiate a @ b by a, in all the forms of matmul."""
    da = product_matrix(g, a, b) @ mT(right_matrix(b))
    return da[..., 0, :] if a.ndim == 1 else da


def matmul_right(g: Any, a: Any, b: Any) -> Any:
    """Differentiate a @ b by b, in all the forms of matmul."""
    db = mT(left_matrix(a)) @ product_matrix(g, a, b)
    return db[..., 0] if b.ndim == 1 else db


defvjp(
    np.matmul,
    lambda g, y, a, b: g @ b.T if a.ndim == b.ndim == 2 else matmul_left(g, a, b),
    lambda g, y, a, b: a.T @ g if a.ndim == b.ndim == 2 else matmul_right(g, a, b),
)


def dot_left(g: Any, a: Any, b: Any) -> Any:
    """Differentiate np.dot(a, b) by a: sum over b's axes, all but the last or last but one."""
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return g * b
    if b.ndim == 1:
        return g[..., None] * b
    columns = np.reshape(np.moveaxis(b, -2, 0), (b.shape[-2], -1))
    return np.reshape(np.reshape(g, (-1, columns.shape[1])) @ columns.T, a.shape)


def dot_right(g: Any, a: Any, b: Any) -> Any:
    """Differentiate np.dot(a, b) by b: sum over a's axes, all but the last."""
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return g * a
    rows = np.reshape(a, (-1, a.shape[-1]))
    db = rows.T @ np.reshape(g, (rows.shape[0], -1))
    if b.ndim == 1:
        return db[:, 0]
    return np.moveaxis(np.reshape(db, (b.shape[-2], *b.shape[:-2], b.shape[-1])), 0, -2)


defvjp(np.dot, lambda g, y, a, b: dot_left(g, a, b), lambda g, y, a, b: dot_right(g, a, b))
COMPLEX.update({np.matmul, np.dot})
