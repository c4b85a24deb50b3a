"""Inverses, linear equations and determinants.

The gradient of det is the matrix of cofactors, also where A is singular. That of slogdet is A⁻ᵀ,
and NaN where A is singular and a cotangent asks for it; the sign is constant. The rank of what pinv
and lstsq invert is held: their derivative is along the matrices of that rank.

Sources: M. Giles, *Collected matrix derivative results* (2008); G. Golub and V. Pereyra, *The
differentiation of pseudo-inverses* (1973); F. Gantmacher, *The theory of matrices*, for Leverrier's
recursion as D. Faddeev gave it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.calls import apply
from minigrad.constants import arrays
from minigrad.derivatives.decompositions import singular_factors
from minigrad.derivatives.elementwise import conj, times
from minigrad.derivatives.products import mH, mT
from minigrad.derivatives.spectra import known, mirrored
from minigrad.kinds import COMPLEX, is_complex
from minigrad.table import CONSTANTS, RECORDED, defvjp
from minigrad.tensor import ADAPTERS, Tensor

CONSTANTS.add(np.linalg.matrix_rank)

# ---- inverses and linear equations ---------------------------------------------------------------
defvjp(np.linalg.inv, lambda g, y, a: -mT(y) @ g @ mT(y), complex=True)


def _solve_gradients(g: Any, y: Any, a: Any, b: Any) -> list[Any]:
    """Solve with the transpose: db = A⁻ᵀ dx, dA = −db xᵀ. One axis alone is one right-hand side."""
    if b.ndim == 1:
        db = np.linalg.solve(mT(a), g[..., None])
        return [-db * y[..., None, :], db[..., 0]]
    db = np.linalg.solve(mT(a), g)
    return [-db @ mT(y), db]


defvjp(np.linalg.solve, joint=_solve_gradients, complex=True)


def _numbers(a: Any) -> Any:
    """Read lists as arrays."""
    return a if isinstance(a, Tensor) else np.asarray(a)


def _solve(a: Any, b: Any) -> Any:
    """Read lists as arrays."""
    return apply(Tensor, np.linalg.solve, (_numbers(a), _numbers(b)), {})


def _tensorsolve(a: Any, b: Any, axes: Any = None) -> Any:
    """Move the named axes to the end, and solve with matrices."""
    a, b = _numbers(a), _numbers(b)
    order = list(range(a.ndim))
    for axis in axes or ():
        order.remove(axis)
        order.append(axis)
    shape = tuple(a.shape[i] for i in order)[b.ndim :]
    x = np.linalg.tensorsolve(arrays(a), arrays(b), axes)
    matrix = np.reshape(np.transpose(a, order), (b.size, b.size))
    flat = known(np.linalg.solve, x.ravel(), matrix, np.reshape(b, (b.size,)))
    return np.reshape(flat, shape)


def _tensorinv(a: Any, ind: int = 2) -> Any:
    """Read the first `ind` axes as rows, the others as columns."""
    inverse = np.linalg.tensorinv(arrays(a), ind)
    n = int(np.prod(a.shape[ind:]))
    matrix = np.reshape(a, (n, n))
    return np.reshape(known(np.linalg.inv, inverse.reshape(n, n), matrix), inverse.shape)


# ---- determinants --------------------------------------------------------------------------------
def det_gradient(g: Any, y: Any, a: Any) -> Any:
    """Multiply by the cofactors: det(A) A⁻ᵀ, computed without A⁻¹ where that is inaccurate."""
    g = g[..., None, None]
    inverse = _accurate_inverse(arrays(a))
    if inverse is None:
        return g * cofactors(a)
    return g * y[..., None, None] * mT(known(np.linalg.inv, inverse, a))


def _accurate_inverse(a: Any) -> Any:
    """Invert, or return None when that would lose more than about four digits."""
    try:
        inverse = np.linalg.inv(a)
    except np.linalg.LinAlgError:
        return None
    size = np.linalg.norm(a, axis=(-2, -1))
    bad = size * np.linalg.norm(inverse, axis=(-2, -1)) > 1e4
    return None if np.any(bad & np.isfinite(size)) else inverse


def cofactors(a: Any) -> Any:
    """Compute the cofactors of a matrix, singular or not, so that all their derivatives are right.

    B = A + U Vᵀ raises the smallest singular values of A, with U and V held. By Sylvester's
    identity det A = det B det E, E = I − Vᵀ B⁻¹ U, and B is regular.
    """
    u, s, vh = np.linalg.svd(arrays(a))
    n = s.shape[-1]
    top = np.where(s[..., :1, None] > 0, s[..., :1, None], 1.0)
    few = max(1, int(np.max(np.sum(s < 1e-3 * top[..., 0], axis=-1))))
    u, vh = u[..., n - few :], vh[..., n - few :, :]
    b = a / top + u @ vh
    inverse = np.linalg.inv(b)
    adjugate, det = leverrier(np.eye(few, dtype=s.dtype) - vh @ inverse @ u)
    minors = inverse @ u @ adjugate @ vh @ inverse + det[..., None, None] * inverse
    return mT(minors) * np.linalg.det(b)[..., None, None] * top ** (n - 1)


def leverrier(e: Any) -> tuple[Any, Any]:
    """Compute adj E and det E as polynomials: exact also at 0, and meant for few rows."""
    n = e.shape[-1]
    one = np.eye(n, dtype=e.dtype)
    adjugate, product = one, e
    for k in range(1, n):
        adjugate = np.sum(product * one, axis=(-2, -1))[..., None, None] * one / k - product
        product = e @ adjugate
    return adjugate, np.sum(product * one, axis=(-2, -1)) / n


def inverse_or_nan(a: Any, regular: Any) -> Any:
    """Invert a stack of matrices; NaN for those that are not regular."""
    if np.all(regular):
        return np.linalg.inv(a)
    regular = regular[..., None, None]
    safe = np.where(regular, a, np.eye(a.shape[-1], dtype=a.dtype))
    return np.where(regular, np.linalg.inv(safe), np.nan)


defvjp(np.linalg.det, det_gradient, complex=True)
defvjp(
    np.linalg.slogdet,
    lambda g, y, a: times(g[..., None, None], mT(inverse_or_nan(a, np.isfinite(y)))),
    complex=True,
)


def _log_determinant(a: Any) -> Any:
    """Give the logarithm of the determinant: of its absolute value, for real numbers."""
    sign, log = np.linalg.slogdet(a)
    return log + 1j * np.angle(sign) if is_complex(a) else log


RECORDED[np.linalg.slogdet] = _log_determinant


def _slogdet(a: Any) -> Any:
    """Give the sign and the logarithm; of real numbers, the sign is constant.

    Of complex ones, both come from the logarithm of the determinant.
    """
    result = np.linalg.slogdet(arrays(a))
    if is_complex(a):
        log = known(np.linalg.slogdet, _log_determinant(arrays(a)), a)
        return type(result)(known(np.exp, result[0], 1j * np.imag(log)), np.real(log))
    return type(result)(result[0], known(np.linalg.slogdet, result[1], a))


# ---- pseudo-inverses and least squares -----------------------------------------------------------
def pinv_gradient(g: Any, y: Any, a: Any) -> Any:
    """Differentiate the pseudo-inverse P along the matrices of A's rank (Golub and Pereyra)."""
    p, pt, gt, ac = conj(y), mT(y), mH(g), conj(a)
    da = -pt @ g @ pt
    left, right = gt @ p @ pt, pt @ p @ gt
    return da + left - ac @ (p @ left) + right - (right @ p) @ ac


defvjp(np.linalg.pinv, pinv_gradient, complex=True)


def _pinv(a: Any, rcond: Any = None, hermitian: bool = False, **rtol: Any) -> Any:
    """Read both names of the cut-off; with hermitian=True, only the lower triangle."""
    inverse = np.linalg.pinv(arrays(a), rcond, hermitian, **rtol)
    a = mirrored(a) if hermitian else a
    cut = rtol.get("rtol", rcond)
    if cut is not None and inverse.size:
        s = np.linalg.svdvals(arrays(a))
        large = s > np.asarray(cut)[..., None] * np.max(s, axis=-1, keepdims=True)
        if np.any(~large & ~_negligible(s, a)):
            return _truncated_inverse(inverse, a, large, hermitian)
    return known(np.linalg.pinv, inverse, a)


def _negligible(s: Any, a: Any) -> Any:
    """Tell which singular values are rounding errors."""
    return s <= max(a.shape[-2:]) * np.finfo(s.dtype).eps * np.max(s, axis=-1, keepdims=True)


def _truncated_inverse(inverse: Any, a: Any, large: Any, hermitian: bool) -> Any:
    """Invert what is left when singular values that are no rounding errors are cut off."""
    u, s, vh = np.linalg.svd(a, full_matrices=False, hermitian=hermitian)
    f = np.where(large, 1 / np.where(large, s, 1.0), 0.0)
    return known(np.matmul, inverse, mH(vh) * f[..., None, :], mH(u))


def _lstsq(a: Any, b: Any, rcond: Any = None) -> Any:
    """Give the pseudo-inverse times b, the sums of squared residuals, the rank, singular values."""
    a, b = _numbers(a), _numbers(b)
    x, squares, rank, s = np.linalg.lstsq(arrays(a), arrays(b), rcond)
    eps = np.finfo(x.dtype).eps
    cut = eps * max(a.shape) if rcond is None else eps if rcond < 0 else rcond
    solution = known(np.matmul, x, np.linalg.pinv(a, cut), b)
    if squares.size:
        residuals = b - a @ solution
        total = np.sum(np.real(residuals * conj(residuals)), axis=0)
        squares = known(np.reshape, squares, total, squares.shape)
    return solution, squares, rank, known(np.linalg.svdvals, s, a, singular_factors())


ADAPTERS.update(
    {
        np.linalg.solve: _solve,
        np.linalg.tensorsolve: _tensorsolve,
        np.linalg.tensorinv: _tensorinv,
        np.linalg.slogdet: _slogdet,
        np.linalg.pinv: _pinv,
        np.linalg.lstsq: _lstsq,
    }
)
COMPLEX.update({np.linalg.tensorsolve, np.linalg.tensorinv, np.linalg.lstsq})
