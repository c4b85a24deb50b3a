"""Norms of vectors and matrices, in all their orders, and the condition number.

Where all entries are 0, the 2-norm and the p-norms have derivative 0. Ties of the largest or of the
smallest share the gradient equally, also among the singular values of a matrix; |x|'(0) = 0. The
nuclear norm takes nothing from singular values of 0. The 0-"norm" counts: a plain array.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.calls import apply
from minigrad.constants import arrays
from minigrad.derivatives.decompositions import singular_factors
from minigrad.derivatives.elementwise import conj, over, times
from minigrad.derivatives.linalg import inverse_or_nan
from minigrad.derivatives.reductions import spread
from minigrad.derivatives.spectra import known, singular_sum
from minigrad.kinds import COMPLEX
from minigrad.table import defvjp
from minigrad.tensor import ADAPTERS, Tensor, primitive

# ---- the root of the sum of squares, and of p-th powers ------------------------------------------
defvjp(
    np.linalg.norm,
    lambda g, y, x, ord=None, axis=None, keepdims=False: times(
        spread(g, x, axis, keepdims), over(conj(x), spread(y, x, axis, keepdims))
    ),
    complex=True,
)


@primitive(
    lambda g, y, x, p, axis, keepdims: times(
        spread(g, x, axis, keepdims), powered(over(conj(x), spread(y, x, axis, keepdims)), p)
    ),
    complex=True,
)
def p_norm(x: Any, p: float, axis: int, keepdims: bool) -> Any:
    """Take the p-th root of the sum of the p-th powers of |x|."""
    return np.linalg.norm(x, p, axis, keepdims)


def powered(r: Any, p: float) -> Any:
    """Compute sign(r) |r|^(p − 1), which is 0 at 0."""
    return times(r, np.abs(r) ** (p - 2))


# ---- the nuclear norm ----------------------------------------------------------------------------
@primitive(lambda g, y, x, factors: g[..., None, None] * polar(x, factors), None, complex=True)
def nuclear_norm(x: Any, factors: Any) -> Any:
    """Sum the singular values."""
    return np.linalg.norm(x, "nuc", (-2, -1))


def polar(x: Any, factors: Any) -> Any:
    """Set all singular values to 1, but leave what is 0; equal ones do no harm to this."""
    s, u, v = factors(x)
    return singular_sum((arrays(s) > 0).astype(s.dtype), x, s, u, v, True)


# ---- NumPy's signatures --------------------------------------------------------------------------
def _norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """Tell vectors from matrices, and one order from the other."""
    axes = range(x.ndim) if axis is None else axis if isinstance(axis, tuple) else (int(axis),)
    if ord is None and (axis is None or len(axes) < 3):
        return apply(Tensor, np.linalg.norm, (x,), {"axis": axis, "keepdims": keepdims})
    if x.size == 0 or len(axes) not in (1, 2):  # zero, or no norm: NumPy knows
        value = np.linalg.norm(arrays(x), ord, axis, keepdims)
        return known(np.sum, value, x, axis=tuple(axes), keepdims=keepdims)
    norm = _of_vectors if len(axes) == 1 else _of_matrices
    return norm(x, ord, axis, tuple(axes), keepdims)


def _of_vectors(x: Any, ord: Any, axis: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
    """Compute each norm of vectors by functions that have a derivative."""
    if isinstance(ord, str) or ord == 0:  # an error, and a count
        return np.linalg.norm(arrays(x), ord, axis, keepdims)
    if ord == 2:
        return apply(Tensor, np.linalg.norm, (x,), {"axis": axis, "keepdims": keepdims})
    if abs(ord) == np.inf:
        extreme = np.max if ord > 0 else np.min
        return extreme(np.abs(x), axis=axes, keepdims=keepdims)
    if ord == 1:
        return np.sum(np.abs(x), axis=axes, keepdims=keepdims)
    return p_norm(x, ord, axes[0], keepdims)


def _of_matrices(x: Any, ord: Any, axis: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
    """Compute each norm of matrices by functions that have a derivative."""
    if ord in ("fro", "f"):
        return apply(Tensor, np.linalg.norm, (x,), {"axis": axis, "keepdims": keepdims})
    if axes[0] % x.ndim == axes[1] % x.ndim:
        return np.linalg.norm(arrays(x), ord, axis)  # an error
    if ord in (1, -1, np.inf, -np.inf):
        inner, outer = axes if abs(ord) == 1 else axes[::-1]
        extreme = np.max if ord > 0 else np.min
        lengths = np.sum(np.abs(x), axis=inner, keepdims=True)
        y = extreme(lengths, axis=outer, keepdims=True)
        return y if keepdims else np.squeeze(y, axes)
    matrices = np.moveaxis(x, axes, (-2, -1))
    if ord in (2, -2):
        extreme = np.max if ord > 0 else np.min
        y = extreme(np.linalg.svdvals(matrices), axis=-1)
    elif ord == "nuc":
        y = nuclear_norm(matrices, singular_factors())
    else:
        return np.linalg.norm(arrays(x), ord, axis, keepdims)  # an error
    return np.expand_dims(y, axes) if keepdims else y


def _matrix_norm(x: Any, /, *, keepdims: bool = False, ord: Any = "fro") -> Any:
    """Take the norm of the last two axes."""
    return _norm(x, ord, (-2, -1), keepdims)


def _vector_norm(x: Any, /, *, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Any:
    """Take the norm of one axis, of several read as one, or of all."""
    if axis is None:
        y = _norm(np.ravel(x), ord, 0)
    elif isinstance(axis, tuple):
        rest = [i for i in range(x.ndim) if i not in {a % x.ndim for a in axis}]
        lines = np.reshape(
            np.transpose(x, (*axis, *rest)),
            (int(np.prod([x.shape[i] for i in axis])), *[x.shape[i] for i in rest]),
        )
        y = _norm(lines, ord, 0)
    else:
        y = _norm(x, ord, axis)
    if not keepdims:
        return y
    every = tuple(range(x.ndim)) if axis is None else axis
    return np.expand_dims(y, every)


def _cond(x: Any, p: Any = None) -> Any:
    """Divide the largest singular value by the smallest; in other norms, by way of the inverse."""
    value = np.linalg.cond(arrays(x), p)
    if p in (None, 2, -2):
        s = np.linalg.svdvals(x)
        extremes = np.max(s, axis=-1), np.min(s, axis=-1)
        return known(np.divide, value, *(extremes[::-1] if p == -2 else extremes))
    inverse = inverse_or_nan(x, np.linalg.slogdet(arrays(x))[0] != 0)
    return known(np.multiply, value, _norm(x, p, (-2, -1)), _norm(inverse, p, (-2, -1)))


ADAPTERS.update(
    {
        np.linalg.norm: _norm,
        np.linalg.matrix_norm: _matrix_norm,
        np.linalg.vector_norm: _vector_norm,
        np.linalg.cond: _cond,
    }
)
COMPLEX.update({np.linalg.matrix_norm, np.linalg.vector_norm, np.linalg.cond})
