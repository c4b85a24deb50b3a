"""Symmetric matrices, and how eigenvectors and singular vectors turn when a matrix changes.

With A = V diag(w) Vᴴ, eigenvector j turns towards eigenvector i by (Vᴴ dA V)ᵢⱼ / (wⱼ − wᵢ). Where
two values coincide, no vector is singled out: the quotient is 0 when no cotangent reaches vector j,
else infinite or NaN. So the gradient of a function of eigenvalues alone is finite everywhere. Its
second derivative is finite when it does not mind the eigenvalues that coincide (the largest one,
when others coincide), else NaN: the rules do not know by how much the slopes by them differ.

Sources: C. Daleckii and S. Krein (1965) for functions of eigenvalues; A. Lewis and H. Sendov,
*Twice differentiable spectral functions* (2001), and V. Noferini, *A formula for the Fréchet
derivative of a generalized matrix function* (2017), for those of singular values.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.calls import apply
from minigrad.constants import arrays
from minigrad.derivatives.elementwise import conj, over, times
from minigrad.derivatives.products import mH, mT
from minigrad.kinds import Function
from minigrad.table import RECORDED, defvjp
from minigrad.tensor import Tensor, primitive


def known(function: Function, output: Any, *operands: Any, **keywords: Any) -> Any:
    """Record a call whose output is known already; of arrays alone it is just the output."""
    if any(isinstance(a, Tensor) for a in operands):
        return apply(Tensor, function, operands, keywords, lambda *_, **__: output)
    return output


class Factors:
    """The factors of a matrix: computed when a rule first asks for them, then kept.

    What `function` returns is recorded as one array, `packed`; `unpack(packed, a)` takes the
    factors out again. Asked for a Tensor's factors, it records the call of `function`.
    """

    def __init__(
        self, function: Function, unpack: Function, packed: Any = None, **options: Any
    ) -> None:
        self.function = function
        self.options = options
        self.unpack = unpack
        self.packed = packed

    def __call__(self, a: Any) -> Any:
        """Give the factors of `a`, always the same matrix, as arrays or as Tensors."""
        if self.packed is None:
            self.packed = RECORDED[self.function](arrays(a), **self.options)
        return self.unpack(known(self.function, self.packed, a, **self.options), a)


# ---- symmetric matrices --------------------------------------------------------------------------
@primitive(lambda g, y, a, lower=True: (g + mH(g)) * _halved(g, lower), complex=True)
def mirrored(a: Any, lower: bool = True) -> Any:
    """Copy one triangle of a matrix over the other: the matrix that LAPACK sees.

    Of complex numbers the copy is conjugated, and the diagonal real.
    """
    weights = _halved(a, lower)
    half = np.where(weights > 0, a, 0.0) * weights
    return half + mH(half)


def _halved(a: Any, lower: bool) -> Any:
    """Weigh one triangle: 1, on the diagonal ½, and 0 above or below."""
    kind = arrays(a).real.dtype
    weights = np.tri(a.shape[-1], dtype=kind) - np.eye(a.shape[-1], dtype=kind) / 2
    return weights if lower else weights.T


# ---- quotients over the gaps between values ------------------------------------------------------
def differences(x: Any) -> Any:
    """Tabulate xⱼ − xᵢ."""
    return x[..., None, :] - x[..., :, None]


def sums(x: Any) -> Any:
    """Tabulate xⱼ + xᵢ."""
    return x[..., None, :] + x[..., :, None]


@primitive()
def turned(g: Any, z: Any, d: Any) -> Any:
    """Divide zᵢᵀ gⱼ, what reaches column j along column i, by dᵢⱼ; leave out the diagonal.

    Columns that are asked for nothing, gⱼ = 0, turn by 0 even where d is 0.
    """
    one = np.eye(d.shape[-1], dtype=d.dtype)
    return np.where(_asked(g), (mT(z) @ g) * (1 - one) / (d + one), 0.0)


def _asked(g: Any) -> Any:
    """Tell which columns a cotangent reaches."""
    return np.any(arrays(g) != 0, axis=-2, keepdims=True)


def _over_gaps(h: Any, d: Any) -> Any:
    """Divide outside the diagonal."""
    one = np.eye(d.shape[-1], dtype=d.dtype)
    return over(h * (1 - one), d + one)


def _idle(g: Any, d: Any) -> Any:
    """Tell where a gap is 0 but nobody asks."""
    return (arrays(d) == 0) & ~_asked(g)


defvjp(
    turned,
    lambda h, y, g, z, d: z @ _over_gaps(h, d),
    lambda h, y, g, z, d: g @ mT(np.where(_idle(g, d), 0.0, _over_gaps(h, d))),
    lambda h, y, g, z, d: -times(_over_gaps(h, d), y),
    complex=True,
)


@primitive(
    lambda h, y, x, d, asked: over(h, d),
    lambda h, y, x, d, asked: -times(over(h, d), y),
    complex=True,
)
def quotient(x: Any, d: Any, asked: Any) -> Any:
    """Divide; 0 / 0 is zero, but NaN where it is `asked` for."""
    return np.where(~asked & (x == 0), 0.0, x / d)


def slopes(g: Any, d: Any, table: Function, fixed: bool) -> Any:
    """Divide gⱼ − gᵢ (or the sums) by dᵢⱼ; zero where both are zero, or where g is `fixed`.

    No value differs from itself.
    """
    one = np.eye(d.shape[-1], dtype=d.dtype) if table is differences else 0.0
    asked = sums(arrays(g) != 0) & (not fixed)
    return quotient(table(g) * (1 - one), d + one, asked)


# ---- functions of eigenvalues: Σᵢ gᵢ vᵢ vᵢᵀ and its adjoint, both differentiated by A ------------
@primitive()
def eigen_sum(g: Any, a: Any, w: Any, v: Any) -> Any:
    """Compute V̄ diag(g) Vᵀ: the gradient by A of its eigenvalues, weighed by g."""
    return (conj(v) * g[..., None, :]) @ mT(v)


@primitive()
def eigen_loads(h: Any, a: Any, w: Any, v: Any) -> Any:
    """Compute vᵢᴴ h vᵢ for each i, and of complex numbers the real part."""
    return np.real(np.sum(conj(v) * (h @ v), axis=-2))


defvjp(
    eigen_sum,
    lambda h, y, g, a, w, v: eigen_loads(h, a, w, v),
    lambda h, y, g, a, w, v: eigen_twist(g, h, w, v),
    None,
    None,
    complex=True,
)
defvjp(
    eigen_loads,
    lambda g, y, h, a, w, v: eigen_sum(g, a, w, v),
    lambda g, y, h, a, w, v: eigen_twist(g, h, w, v),
    None,
    None,
    complex=True,
)


def eigen_twist(g: Any, h: Any, w: Any, v: Any) -> Any:
    """Differentiate Σᵢ gᵢ Re vᵢᴴ h vᵢ by A: the vectors turn."""
    m = mT(v) @ conj(h) @ conj(v)
    inner = times(m + mH(m), slopes(g, differences(w), differences, False)) * 0.5
    return conj(v) @ inner @ mT(v)


# ---- functions of singular values: Σᵢ gᵢ ūᵢ vᵢᵀ and its adjoint ----------------------------------
@primitive()
def singular_sum(g: Any, a: Any, s: Any, u: Any, v: Any, fixed: bool = False) -> Any:
    """Compute Ū diag(g) Vᵀ, the gradient by A of its singular values, weighed by g.

    That g is `fixed` says that it is the same for all matrices nearby.
    """
    return (conj(u) * g[..., None, :]) @ mT(v)


@primitive()
def singular_loads(h: Any, a: Any, s: Any, u: Any, v: Any, fixed: bool = False) -> Any:
    """Compute uᵢᴴ h vᵢ for each i, and of complex numbers the real part."""
    return np.real(np.sum(conj(u) * (h @ v), axis=-2))


defvjp(
    singular_sum,
    lambda h, y, g, a, s, u, v, fixed=False: singular_loads(h, a, s, u, v, fixed),
    lambda h, y, g, a, s, u, v, fixed=False: singular_twist(g, h, s, u, v, fixed),
    None,
    None,
    None,
    complex=True,
)
defvjp(
    singular_loads,
    lambda g, y, h, a, s, u, v, fixed=False: singular_sum(g, a, s, u, v, fixed),
    lambda g, y, h, a, s, u, v, fixed=False: singular_twist(g, h, s, u, v, fixed),
    None,
    None,
    None,
    complex=True,
)


def singular_twist(g: Any, h: Any, s: Any, u: Any, v: Any, fixed: bool) -> Any:
    """Differentiate Σᵢ gᵢ Re uᵢᴴ h vᵢ by A: the vectors turn, also out of their span."""
    k, h = s.shape[-1], conj(h)
    hv = h @ conj(v)
    m = mT(u) @ hv
    inner = times(m + mH(m), slopes(g, differences(s), differences, fixed))
    inner = (inner + times(m - mH(m), slopes(g, sums(s), sums, fixed))) * 0.5
    rows = inner @ mT(v)
    if v.shape[-2] > k:
        rows = rows + times(mT(u) @ h - m @ mT(v), over(g, s)[..., :, None])
    da = conj(u) @ rows
    if u.shape[-2] > k:
        da = da + times(hv - conj(u) @ m, over(g, s)[..., None, :]) @ mT(v)
    return da
