"""Products of vectors and matrices.

With C = A B, the chain rule reads dA = dC Bᵀ and dB = Aᵀ dC. Vectors are read as one row on the
left and as one column on the right, and stacks of matrices multiply pair by pair. `vdot`, `vecdot`
and `vecmat` conjugate their first factor, and so do their rules; that leaves real numbers as they
are.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigrad.calls import apply
from minigrad.derivatives.elementwise import conj
from minigrad.kinds import COMPLEX
from minigrad.table import defvjp
from minigrad.tensor import ADAPTERS, Tensor


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


def mH(a: Any) -> Any:
    """Transpose the last two axes and conjugate: the adjoint, for real numbers the transpose."""
    return conj(mT(a))


# ---- matmul and its kin: stacks of vectors and matrices ------------------------------------------
def matmul_left(g: Any, a: Any, b: Any) -> Any:
    """Differentiate a @ b by a, in all the forms of matmul."""
    da = product_matrix(g, a, b) @ mT(right_matrix(b))
    return da[..., 0, :] if a.ndim == 1 else da


def matmul_right(g: Any, a: Any, b: Any) -> Any:
    """Differentiate a @ b by b, in all the forms of matmul."""
    if b.ndim <= 2 < a.ndim:  # one matrix for a whole stack: one product, not one for each
        return along_rows(a, g)
    db = mT(left_matrix(a)) @ product_matrix(g, a, b)
    return db[..., 0] if b.ndim == 1 else db


def along_rows(a: Any, g: Any) -> Any:
    """Multiply aᵀ g, summed over all axes of a but the last, which are g's first."""
    rows = tuple(range(np.ndim(a) - 1))
    return np.tensordot(a, g, (rows, rows))


defvjp(
    np.matmul,
    lambda g, y, a, b: g @ b.T if a.ndim == b.ndim == 2 else matmul_left(g, a, b),
    lambda g, y, a, b: a.T @ g if a.ndim == b.ndim == 2 else matmul_right(g, a, b),
)


def outer_products(u: Any, v: Any, a: Any) -> Any:
    """Multiply u vᵀ for each pair of vectors; summed over the pairs if the matrix a is one."""
    if np.ndim(a) == 2:
        return along_rows(u, v)
    return np.expand_dims(u, -1) * np.expand_dims(v, -2)


defvjp(
    np.vecdot,
    lambda g, y, a, b: conj(np.expand_dims(g, -1) * b),
    lambda g, y, a, b: np.expand_dims(g, -1) * conj(a),
)

if hasattr(np, "matvec"):  # of NumPy 2.2
    defvjp(
        np.matvec,
        lambda g, y, a, x: outer_products(g, x, a),
        lambda g, y, a, x: np.matvec(mT(a), g),
    )
    defvjp(
        np.vecmat,
        lambda g, y, x, a: conj(np.matvec(a, g)),
        lambda g, y, x, a: outer_products(conj(x), g, a),
    )


def _vecdot(x1: Any, x2: Any, /, *, axis: int = -1, keepdims: bool = False, **options: Any) -> Any:
    """Put the axis of the vectors last."""
    if axis != -1:
        x1, x2 = np.moveaxis(x1, axis, -1), np.moveaxis(x2, axis, -1)
    y = apply(Tensor, np.vecdot, (x1, x2), options)
    return np.expand_dims(y, axis) if keepdims else y


# ---- tensordot, dot, inner: each free axis of one against each of the other ----------------------
def summed_axes(a: Any, b: Any, axes: Any) -> tuple[list[int], list[int]]:
    """Say which axes of a and of b, counted from the first, tensordot sums over in pairs."""
    left, right = (range(-axes, 0), range(axes)) if np.ndim(axes) == 0 else axes
    return [i % np.ndim(a) for i in _listed(left)], [i % np.ndim(b) for i in _listed(right)]


def _listed(axes: Any) -> list[int]:
    """Read one axis, or several."""
    return list(np.ravel(np.asarray(axes, int)))


def tensordot_left(g: Any, a: Any, b: Any, axes: Any) -> Any:
    """Differentiate np.tensordot(a, b, axes) by a: sum over the axes that b had for itself."""
    left, right = summed_axes(a, b, axes)
    free = [i for i in range(np.ndim(b)) if i not in right]
    da = np.tensordot(g, b, (range(np.ndim(g) - len(free), np.ndim(g)), free))
    kept = [i for i in range(np.ndim(a)) if i not in left]
    return np.moveaxis(da, range(np.ndim(a)), [*kept, *partners(left, right)])


def tensordot_right(g: Any, a: Any, b: Any, axes: Any) -> Any:
    """Differentiate np.tensordot(a, b, axes) by b: sum over the axes that a had for itself."""
    left, right = summed_axes(a, b, axes)
    free = [i for i in range(np.ndim(a)) if i not in left]
    db = np.tensordot(a, g, (free, range(len(free))))
    kept = [i for i in range(np.ndim(b)) if i not in right]
    return np.moveaxis(db, range(np.ndim(b)), [*partners(right, left), *kept])


def partners(axes: list[int], others: list[int]) -> list[int]:
    """Order `axes` as their partners in the pairs are ordered."""
    return [axes[i] for i in np.argsort(others)]


defvjp(
    np.tensordot,
    lambda g, y, a, b, axes=2: tensordot_left(g, a, b, axes),
    lambda g, y, a, b, axes=2: tensordot_right(g, a, b, axes),
)


def dot_left(g: Any, a: Any, b: Any) -> Any:
    """Differentiate np.dot(a, b) by a: b's axis to sum over is its last but one, or its only."""
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return g * b
    return tensordot_left(g, a, b, (-1, -min(np.ndim(b), 2)))


def dot_right(g: Any, a: Any, b: Any) -> Any:
    """Differentiate np.dot(a, b) by b."""
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return g * a
    return tensordot_right(g, a, b, (-1, -min(np.ndim(b), 2)))


defvjp(
    np.dot,
    lambda g, y, a, b: g @ mT(b) if np.ndim(a) == np.ndim(b) == 2 else dot_left(g, a, b),
    lambda g, y, a, b: mT(a) @ g if np.ndim(a) == np.ndim(b) == 2 else dot_right(g, a, b),
)


def inner_left(g: Any, a: Any, b: Any) -> Any:
    """Differentiate np.inner(a, b) by a: sum over b's axes, all but the last."""
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return g * b
    return np.tensordot(g, b, np.ndim(b) - 1)


def inner_right(g: Any, a: Any, b: Any) -> Any:
    """Differentiate np.inner(a, b) by b: sum over a's axes, all but the last."""
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return g * a
    rows = tuple(range(np.ndim(a) - 1))
    return np.tensordot(g, a, (rows, rows))


defvjp(np.inner, lambda g, y, a, b: inner_left(g, a, b), lambda g, y, a, b: inner_right(g, a, b))

# ---- all entries of one, with all of the other or one by one -------------------------------------
defvjp(
    np.vdot,
    lambda g, y, a, b: conj(g * np.reshape(b, np.shape(a))),
    lambda g, y, a, b: g * conj(np.reshape(a, np.shape(b))),
)
defvjp(
    np.outer,
    lambda g, y, a, b: np.reshape(g @ np.ravel(b), np.shape(a)),
    lambda g, y, a, b: np.reshape(np.ravel(a) @ g, np.shape(b)),
)


def as_outer(g: Any, a: Any, b: Any) -> Any:
    """Bring what is shaped like np.kron(a, b) into the order of np.outer(a, b)."""
    ndim = max(np.ndim(a), np.ndim(b))
    outer, inner = ((1,) * (ndim - np.ndim(x)) + np.shape(x) for x in (a, b))
    pairs = [n for pair in zip(outer, inner, strict=True) for n in pair]
    apart = np.transpose(np.reshape(g, pairs), (*range(0, 2 * ndim, 2), *range(1, 2 * ndim, 2)))
    return np.reshape(apart, (math.prod(outer), math.prod(inner)))


defvjp(
    np.kron,
    lambda g, y, a, b: np.reshape(as_outer(g, a, b) @ np.ravel(b), np.shape(a)),
    lambda g, y, a, b: np.reshape(np.ravel(a) @ as_outer(g, a, b), np.shape(b)),
)

# ---- the vector product: a · (b × c) stays the same when the three change places in a circle -----
defvjp(
    np.cross,
    lambda g, y, a, b: np.cross(in_space(b), upright(g, a, b))[..., : np.shape(a)[-1]],
    lambda g, y, a, b: np.cross(upright(g, a, b), in_space(a))[..., : np.shape(b)[-1]],
)


def in_space(v: Any) -> Any:
    """Give vectors of the plane a third component, 0."""
    if np.shape(v)[-1] == 3:
        return v
    return np.concatenate([v, np.zeros_like(v[..., :1])], axis=-1)


def upright(g: Any, a: Any, b: Any) -> Any:
    """Read the product of two vectors of the plane as the third component that it is."""
    if np.shape(a)[-1] == 3 or np.shape(b)[-1] == 3:
        return g
    return np.stack([np.zeros_like(g), np.zeros_like(g), g], axis=-1)


def _cross(
    a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None
) -> Any:
    """Put the axes of the components last."""
    if axis is not None:
        axisa = axisb = axisc = axis
    a, b = np.moveaxis(a, axisa, -1), np.moveaxis(b, axisb, -1)
    y: Any = apply(Tensor, np.cross, (a, b), {})
    return np.moveaxis(y, -1, axisc) if 3 in (a.shape[-1], b.shape[-1]) else y


# ---- the names of the array API, which are stricter ----------------------------------------------
def _linalg_cross(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    """Multiply vectors of three components, and no others."""
    if np.shape(x1)[axis] != 3 or np.shape(x2)[axis] != 3:
        raise ValueError(
            f"np.linalg.cross of shapes {np.shape(x1)} and {np.shape(x2)}: vectors have three "
            f"components, along axis {axis}"
        )
    return _cross(x1, x2, axis=axis)


def _linalg_outer(x1: Any, x2: Any, /) -> Any:
    """Multiply two vectors, and no arrays of more axes."""
    if np.ndim(x1) != 1 or np.ndim(x2) != 1:
        raise ValueError(
            f"np.linalg.outer of shapes {np.shape(x1)} and {np.shape(x2)}: both must be vectors"
        )
    return np.outer(x1, x2)


ADAPTERS.update(
    {
        np.vecdot: _vecdot,
        np.cross: _cross,
        np.linalg.cross: _linalg_cross,
        np.linalg.outer: _linalg_outer,
        np.linalg.matmul: np.matmul,
        np.linalg.tensordot: np.tensordot,
        np.linalg.vecdot: _vecdot,
    }
)
COMPLEX.update(
    {
        *(
            np.matmul,
            np.dot,
            np.inner,
            np.outer,
            np.vdot,
            np.vecdot,
            np.tensordot,
            np.kron,
            np.cross,
        ),
        *(np.linalg.matmul, np.linalg.tensordot, np.linalg.vecdot),
        *(np.linalg.cross, np.linalg.outer),
    }
)
if hasattr(np, "matvec"):
    COMPLEX.update({np.matvec, np.vecmat})
