"""Special functions and floating point: sinc, i0, nan_to_num, ldexp and their like.

Derivatives of sinc and of Bessel functions are such functions again, so that every order is exact,
also at 0. `np.heaviside` is constant but for its value at 0.

Source: M. Abramowitz and I. Stegun, *Handbook of Mathematical Functions*, 9.6.26 and 9.6.28.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigrad.calls import apply
from minigrad.constants import arrays, constant
from minigrad.table import CONSTANTS, ENTRYWISE, MASKING, defvjp
from minigrad.tensor import ADAPTERS, Tensor, primitive


# ---- sinc and i0 ---------------------------------------------------------------------------------
@primitive()
def sinc_derivative(x: Any, n: int) -> Any:
    """Differentiate sin(πx) / (πx) n times.

    With z = πx and f = sin(z) / z: z f⁽ⁿ⁾ + n f⁽ⁿ⁻¹⁾ = sin(z + nπ/2), which loses digits where
    |z| < n; there the Taylor series of f is differentiated term by term.
    """
    z = np.asarray(np.pi * x)
    small = np.abs(z) <= n + 1
    far = np.where(small, 1.0, z)
    f = np.sin(far) / far
    for k in range(1, n + 1):
        f = (np.sin(far + k * np.pi / 2) - k * f) / far
    f = np.where(small, _series(np.where(small, z, 0.0), n), f)
    return (math.pi**n * f).astype(z.dtype)


def _series(z: Any, n: int) -> Any:
    """Add (-1)ᵏ z²ᵏ⁻ⁿ / ((2k + 1) (2k - n)!) from k = n/2 on, for |z| up to n + 1."""
    first = (n + 1) // 2
    term = (-1) ** first * z ** (2 * first - n)
    total = 0.0
    for k in range(first, first + 12 + 2 * n):
        total = total + term / (2 * k + 1)
        term = -term * z * z / ((2 * k + 1 - n) * (2 * k + 2 - n))
    return total


@primitive()
def bessel_i(x: Any, n: int) -> Any:
    """Compute the modified Bessel function Iₙ from I₀ and the ratios Iₖ₊₁ / Iₖ.

    The ratios are a continued fraction of positive terms; it is evaluated from far enough out.
    """
    y = np.i0(x)
    far = np.max(np.abs(x), initial=0.0, where=np.isfinite(x))
    ratio = np.zeros_like(y)
    for k in reversed(range(n + 20 + 7 * math.isqrt(min(int(far), 1000)))):
        ratio = x / (2 * (k + 1) + x * ratio)
        if k < n:
            y = y * ratio
    return y


defvjp(np.sinc, lambda g, y, x: g * sinc_derivative(x, 1))
defvjp(np.i0, lambda g, y, x: g * bessel_i(x, 1))
defvjp(sinc_derivative, lambda g, y, x, n: g * sinc_derivative(x, n + 1))
defvjp(bessel_i, lambda g, y, x, n: g * (bessel_i(x, abs(n - 1)) + bessel_i(x, n + 1)) / 2)

# ---- floating point ------------------------------------------------------------------------------
defvjp(
    np.nan_to_num,
    lambda g, y, x, copy=True, nan=0.0, posinf=None, neginf=None: np.where(np.isfinite(x), g, 0.0),
)
defvjp(np.ldexp, lambda g, y, x, exponent: np.ldexp(g, exponent))
MASKING.add(np.nan_to_num)
ENTRYWISE.update({np.sinc, np.i0, sinc_derivative, bessel_i})


def _nan_to_num(
    x: Any, copy: bool = True, nan: Any = 0.0, posinf: Any = None, neginf: Any = None
) -> Any:
    """Replace what is not finite by constants; never in place."""
    if not copy:
        raise TypeError("np.nan_to_num with copy=False would write into a Tensor: leave it out")
    return apply(Tensor, np.nan_to_num, (x,), {"nan": nan, "posinf": posinf, "neginf": neginf})


def _frexp(x: Any) -> tuple[Any, Any]:
    """Give the mantissa, and the exponent, which is constant."""
    exponent = np.frexp(arrays(x))[1]
    return np.ldexp(x, -exponent), exponent


def _heaviside(x: Any, value: Any) -> Any:
    """Give a constant, but at 0 the value that was asked for."""
    step = constant(np.heaviside, (x, value), {})
    return np.where(np.equal(arrays(x), 0), value, step) if isinstance(value, Tensor) else step


ADAPTERS.update({np.nan_to_num: _nan_to_num, np.frexp: _frexp, np.heaviside: _heaviside})
CONSTANTS.add(np.spacing)
