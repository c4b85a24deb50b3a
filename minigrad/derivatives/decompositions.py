"""Decompositions of matrices: eigh, eig, svd, qr, cholesky.

eigh, eigvalsh, cholesky, and svd and pinv with hermitian=True, read one triangle; their derivative
is by that triangle, and the other one gets zero. Eigenvectors and singular vectors are given up to
their sign, and NumPy's choice is held: let what you differentiate not depend on it. Complex ones
are given up to their phase, a factor of length one, and what depends on that has no derivative: a
TypeError in the backward pass. Q and R are NumPy's, with a real diagonal of R. Where values
coincide, see `spectra.py`. A singular value of 0 has derivative 0, as |x| has.

Refused, because they hold vectors of no certain direction: the full matrices of svd, unless A is
square, and the complete mode of qr for more rows than columns. eig and eigvals give complex numbers
when they must, in no certain order.

Sources: M. Giles, *Collected matrix derivative results* (2008); J. Townsend, *Differentiating the
singular value decomposition* (2016); M. Seeger et al., *Auto-differentiating linear algebra*
(2017), for qr and cholesky; D. Roberts and L. Roberts, *QR and LQ decomposition matrix
backpropagation* (2020), for wide matrices.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from minigrad.calls import apply
from minigrad.constants import arrays
from minigrad.derivatives.elementwise import conj, over
from minigrad.derivatives.products import mH, mT
from minigrad.derivatives.spectra import (
    Factors,
    differences,
    eigen_sum,
    known,
    mirrored,
    singular_sum,
    sums,
    turned,
)
from minigrad.kinds import Function, called
from minigrad.table import RECORDED, UNCHECKED, defvjp
from minigrad.tensor import ADAPTERS, Tensor


def rows(*blocks: Any) -> Any:
    """Pack matrices, one below the other."""
    return np.concatenate(blocks, axis=-2)


def embedded(x: Any) -> Any:
    """Make diagonal matrices of the last axis."""
    return x[..., None] * np.eye(x.shape[-1], dtype=x.dtype)


def whatever_the_phases(function: Function, rule: Function) -> Function:
    """Let a rule refuse a cotangent that asks how complex vectors change with their phases."""

    @functools.wraps(rule)
    def checked(g: Any, y: Any, *operands: Any, **options: Any) -> Any:
        if y.dtype.kind == "c":
            refuse_phases(function, arrays(g)[..., 1:, :], arrays(y)[..., 1:, :])
        return rule(g, y, *operands, **options)

    UNCHECKED[checked] = rule
    return checked


def refuse_phases(function: Function, g: Any, v: Any) -> None:
    """Refuse a cotangent g that is not the same for all phases of the columns of V.

    When column j turns by φ, the output changes by −φ Im Σᵢ vᵢⱼ gᵢⱼ.
    """
    rounding = math.sqrt(np.finfo(v.dtype).eps) * (1 + np.max(np.abs(g), initial=0.0))
    if np.any(np.abs(np.imag(np.sum(v * g, axis=-2))) > rounding):
        raise TypeError(
            f"{called(function)} gives complex vectors up to a phase, a factor of length one, and "
            "what is differentiated here changes with it: it has no derivative; np.abs(v), or v "
            "times its own conjugate, does not change"
        )


# ---- eigenvalues and eigenvectors of symmetric and Hermitian matrices ----------------------------
def eigen_factors(function: Function, packed: Any = None, **options: Any) -> Factors:
    """Prepare w and V, packed as the rows w, V."""
    return Factors(
        function,
        lambda y, a: (y[..., 0, :], y[..., 1:, :]),
        packed,
        **options,
    )


def _packed_eigen(w: Any, v: Any) -> Any:
    return rows(w[..., None, :], v)


def eigh_gradient(g: Any, y: Any, a: Any, UPLO: Any = "L") -> Any:
    """Pull the gradients of w and V, packed, back to A: V̄ (diag(dw) + F ∘ Vᵀ dV) Vᵀ.

    A has two equal triangles here; `UPLO` says which one NumPy reads, and so which signs V has.
    """
    w, v, gw, gv = y[..., 0, :], y[..., 1:, :], g[..., 0, :], g[..., 1:, :]
    inner = embedded(gw) + turned(gv, v, differences(w))
    return conj(v) @ inner @ mT(v)


defvjp(np.linalg.eigh, whatever_the_phases(np.linalg.eigh, eigh_gradient), complex=True)
defvjp(
    np.linalg.eigvalsh,
    lambda g, y, a, factors: eigen_sum(g, a, *factors(a)),
    None,
    complex=True,
)


def _eigh(a: Any, UPLO: Any = "L") -> Any:
    """Record the values and the vectors."""
    result = np.linalg.eigh(arrays(a), UPLO)
    a = mirrored(a, UPLO.upper() == "L")
    factors = eigen_factors(np.linalg.eigh, _packed_eigen(*result), UPLO=UPLO)
    w = known(np.linalg.eigvalsh, result[0], a, factors)
    return type(result)(w, factors(a)[1])


def _eigvalsh(a: Any, UPLO: Any = "L") -> Any:
    """Record the values alone."""
    w = np.linalg.eigvalsh(arrays(a), UPLO)
    return known(
        np.linalg.eigvalsh, w, mirrored(a, UPLO.upper() == "L"), eigen_factors(np.linalg.eigh)
    )


# ---- eigenvalues and eigenvectors of other matrices ----------------------------------------------
def eig_gradient(g: Any, y: Any, a: Any) -> Any:
    """Pull the gradients of w and V, packed, back to A: V⁻ᵀ (diag(dw) + F ∘ Vᵀ dV) Vᵀ.

    The columns of V keep length one: what would stretch them is without effect.
    """
    w, v, gw, gv = y[..., 0, :], y[..., 1:, :], g[..., 0, :], g[..., 1:, :]
    gv = gv - conj(v) * np.real(np.sum(v * gv, axis=-2, keepdims=True))
    return np.linalg.solve(mT(v), (embedded(gw) + turned(gv, v, differences(w))) @ mT(v))


def eigvals_gradient(g: Any, v: Any) -> Any:
    """Weigh by g the slopes of the eigenvalues: V⁻ᵀ diag(g) Vᵀ."""
    return np.linalg.solve(mT(v), g[..., :, None] * mT(v))


defvjp(np.linalg.eig, whatever_the_phases(np.linalg.eig, eig_gradient), complex=True)
defvjp(
    np.linalg.eigvals,
    lambda g, y, a, factors: eigvals_gradient(g, factors(a)[1]),
    None,
    complex=True,
)


def _eig(a: Any) -> Any:
    """Record the values and the vectors."""
    result = np.linalg.eig(arrays(a))
    factors = eigen_factors(np.linalg.eig, _packed_eigen(*result))
    return type(result)(known(np.linalg.eigvals, result[0], a, factors), factors(a)[1])


def _eigvals(a: Any) -> Any:
    """Record the values alone."""
    w = np.linalg.eigvals(arrays(a))
    return known(np.linalg.eigvals, w, a, eigen_factors(np.linalg.eig))


# ---- singular values and singular vectors --------------------------------------------------------
def singular_factors(packed: Any = None) -> Factors:
    """Prepare s, U and V, packed as the rows s, U, V, with as many columns as singular values."""
    return Factors(
        np.linalg.svd,
        lambda y, a: _unpacked(y, a.shape[-2]),
        packed,
    )


def _packed_svd(u: Any, s: Any, vh: Any) -> Any:
    return rows(s[..., None, :], u, mH(vh))


def _unpacked(y: Any, m: int) -> Any:
    return np.real(y[..., 0, :]), y[..., 1 : m + 1, :], y[..., m + 1 :, :]


def svd_gradient(g: Any, y: Any, a: Any) -> Any:
    """Pull the gradients of s, U and V, packed, back to A = U diag(s) Vᴴ."""
    s, u, v = _unpacked(y, a.shape[-2])
    gs, gu, gv = _unpacked(g, a.shape[-2])
    both, gboth = y[..., 1:, :], g[..., 1:, :]
    sign = np.where(np.arange(both.shape[-2]) < u.shape[-2], 1.0, -1.0)[:, None].astype(s.dtype)
    even = turned(gboth, both, differences(s))
    odd = turned(gboth * sign, both, sums(s))
    if y.dtype.kind == "c":  # uⱼ and vⱼ turn against each other, which real ones cannot
        gs = gs + 1j * over(np.imag(np.sum(gboth * sign * both, axis=-2)), 2 * s)
    inner = embedded(gs) + (even + mH(even) + odd - mH(odd)) * 0.5
    da = conj(u) @ inner @ mT(v)
    if u.shape[-2] > s.shape[-1]:
        da = da + _outside(over(gu, s[..., None, :]), u) @ mT(v)
    if v.shape[-2] > s.shape[-1]:
        da = da + conj(u) @ mH(_outside(over(gv, s[..., None, :]), v))
    return da


def _outside(x: Any, u: Any) -> Any:
    """Take away what lies in the span of the columns of Ū."""
    return x - conj(u) @ (mT(u) @ x)


defvjp(np.linalg.svd, whatever_the_phases(np.linalg.svd, svd_gradient), complex=True)
defvjp(
    np.linalg.svdvals,
    lambda g, y, a, factors: singular_sum(np.where(y > 0, g, 0.0), a, *factors(a)),
    None,
    complex=True,
)


def _svdvals(x: Any, /) -> Any:
    """Record the values alone."""
    return known(np.linalg.svdvals, np.linalg.svdvals(arrays(x)), x, singular_factors())


def _svd(
    a: Any, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False
) -> Any:
    """Record s, U and Vᴴ; of a symmetric matrix they are made of its eigenvectors."""
    if hermitian:
        return _symmetric_svd(a, compute_uv)
    if not compute_uv:
        return _svdvals(a)
    if full_matrices and a.ndim > 1 and a.shape[-1] != a.shape[-2]:
        raise TypeError(
            f"np.linalg.svd of shape {a.shape} with full_matrices=True has no derivative: the "
            "added vectors are any basis of what is left; say full_matrices=False"
        )
    result = np.linalg.svd(arrays(a), full_matrices=False)
    factors = singular_factors(_packed_svd(*result))
    _, u, v = factors(a)
    return type(result)(u, known(np.linalg.svdvals, result[1], a, factors), mH(v))


def _symmetric_svd(a: Any, compute_uv: bool) -> Any:
    """Sort the eigenvalues by size; the signs go to Vᴴ."""
    w, v = np.linalg.eigh(a) if compute_uv else (np.linalg.eigvalsh(a), None)
    order = np.argsort(np.abs(arrays(w)))[..., ::-1]
    place = (*np.ogrid[tuple(map(slice, order.shape[:-1]))], order) if order.ndim > 1 else (order,)
    place = tuple(p[..., None] if p.ndim < order.ndim else p for p in place)
    s = np.abs(w)[place]
    if v is None:
        return s
    sign = np.copysign(1.0, arrays(w))[place].astype(s.dtype)
    lines = mT(v)[place]
    kind = type(np.linalg.svd(np.eye(1)))
    return kind(mT(lines), s, conj(lines) * sign[..., None])


# ---- QR ------------------------------------------------------------------------------------------
def qr_gradient(g: Any, y: Any, a: Any) -> Any:
    """Pull the gradients of Q and R, packed as the rows Q, Rᵀ, back to A = QR.

    The leading columns X of a wide A = (X, Y) are factored, R = (U, QᴴY). U has a real diagonal.
    """
    m, k = a.shape[-2], y.shape[-1]
    q, u = y[..., :m, :], mT(y[..., m : m + k, :])
    gq, gu, gv = g[..., :m, :], mT(g[..., m : m + k, :]), mT(g[..., m + k :, :])
    wide = a.shape[-1] > k
    if wide:
        gq = gq + conj(a[..., k:]) @ mH(gv)
    b = gq + conj(q) @ mirrored(gu @ mT(u) - mT(q) @ gq, False)
    da = mT(divided(u, mT(b)))
    return np.concatenate([da, conj(q) @ gv], axis=-1) if wide else da


def divided(r: Any, b: Any) -> Any:
    """Solve r x = b, r triangular; where r is singular, x is infinite, or 0 where b is."""
    regular = np.all(np.diagonal(arrays(r), axis1=-2, axis2=-1) != 0, axis=-1)[..., None, None]
    if np.all(regular):
        return np.linalg.solve(r, b)
    x = np.linalg.solve(np.where(regular, r, np.eye(r.shape[-1], dtype=r.dtype)), b)
    return over(x, regular.astype(x.dtype))


defvjp(np.linalg.qr, qr_gradient, complex=True)


def _qr(a: Any, mode: str = "reduced") -> Any:
    """Record Q and R, or R alone."""
    if mode not in ("reduced", "r", "complete") or (
        mode == "complete" and a.shape[-2] > a.shape[-1]
    ):
        raise TypeError(
            f"np.linalg.qr of shape {a.shape} with mode={mode!r} has no derivative: "
            "say mode='reduced', or 'r'"
        )
    result = np.linalg.qr(arrays(a))
    m = a.shape[-2]
    packed = known(np.linalg.qr, _packed_qr(*result), a)
    r = mT(packed[..., m:, :])
    return r if mode == "r" else type(result)(packed[..., :m, :], r)


def _packed_qr(q: Any, r: Any) -> Any:
    return rows(q, mT(r))


# ---- Cholesky ------------------------------------------------------------------------------------
def cholesky_gradient(g: Any, y: Any, a: Any) -> Any:
    """Pull the gradient of L back to A = L Lᴴ: L⁻ᵀ Φ(Lᵀ dL) L̄⁻¹, where Φ halves the diagonal."""
    n = a.shape[-1]
    half = np.tri(n, dtype=a.dtype) - np.eye(n, dtype=a.dtype) / 2
    inner = np.linalg.solve(mT(y), (mT(y) @ g) * half)
    return mT(np.linalg.solve(mH(y), mT(inner)))


defvjp(np.linalg.cholesky, cholesky_gradient, complex=True)


def _cholesky(a: Any, /, *, upper: bool = False) -> Any:
    """Record L; the upper factor is its adjoint."""
    factor = np.linalg.cholesky(arrays(a), upper=upper)
    lower = apply(
        Tensor, np.linalg.cholesky, (mirrored(a, not upper),), {}, lambda _: _lower(factor, upper)
    )
    return mH(lower) if upper else lower


def _lower(factor: Any, upper: bool) -> Any:
    return mH(factor) if upper else factor


# What the graph records of a decomposition: its factors, packed.
RECORDED.update(
    {
        np.linalg.eigh: lambda a, **options: _packed_eigen(*np.linalg.eigh(a, **options)),
        np.linalg.eig: lambda a: _packed_eigen(*np.linalg.eig(a)),
        np.linalg.svd: lambda a: _packed_svd(*np.linalg.svd(a, full_matrices=False)),
        np.linalg.qr: lambda a: _packed_qr(*np.linalg.qr(a)),
    }
)
ADAPTERS.update(
    {
        np.linalg.eigh: _eigh,
        np.linalg.eigvalsh: _eigvalsh,
        np.linalg.eig: _eig,
        np.linalg.eigvals: _eigvals,
        np.linalg.svd: _svd,
        np.linalg.svdvals: _svdvals,
        np.linalg.qr: _qr,
        np.linalg.cholesky: _cholesky,
    }
)
