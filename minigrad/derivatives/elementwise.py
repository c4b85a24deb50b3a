"""Ufuncs and other functions that work entry by entry.

Conventions where the derivative does not exist: |x|'(0) = 0; a tie of maximum or minimum gives half
to each; clip has derivative 1 on the closed interval; x**0 and 0**y have derivative 0.
For complex numbers the derivatives are those of the principal values, as NumPy has them.
Where a local derivative may be infinite, `over` and `times` let a zero cotangent win, so that
`np.where(x > 0, np.sqrt(x), 0)` is safe at 0.
"""

from __future__ import annotations

import cmath
import math
from typing import Any

import numpy as np

from minigrad.calls import apply
from minigrad.constants import constant
from minigrad.kinds import COMPLEX, is_complex
from minigrad.table import CONSTANTS, MASKING, defvjp
from minigrad.tensor import ADAPTERS, Tensor, converted, primitive

# ---- products in which a zero cotangent wins over an infinite factor -----------------------------


def _cleared(product: Any, zero: Any) -> Any:
    """Put zero where `zero` is true and the product is not finite."""
    if cmath.isfinite(np.vdot(product, product)):  # one fast pass tells that there is nothing to do
        return product
    return np.where(zero & ~np.isfinite(product), np.zeros_like(product), product)


@primitive()
def times(g: Any, factor: Any) -> Any:
    """Multiply, but zero where `g` is zero, whatever the factor, and where 0 meets infinity."""
    return _cleared(g * factor, (g == 0) | (factor == 0) & ~np.isnan(g))


@primitive()
def over(g: Any, divisor: Any) -> Any:
    """Divide, but zero where the cotangent `g` is zero, whatever the divisor."""
    return _cleared(g / divisor, g == 0)


defvjp(
    times,
    lambda h, y, g, factor: times(h, factor),
    lambda h, y, g, factor: times(h, g),
    complex=True,
)
defvjp(
    over,
    lambda h, y, g, divisor: over(h, divisor),
    lambda h, y, g, divisor: -over(times(h, y), divisor),
    complex=True,
)


def conj(x: Any) -> Any:
    """Conjugate, which costs nothing for real numbers."""
    return np.conj(x) if x.dtype.kind == "c" else x


# ---- arithmetic ----------------------------------------------------------------------------------
defvjp(np.add, lambda g, y, a, b: g, lambda g, y, a, b: g)
defvjp(np.subtract, lambda g, y, a, b: g, lambda g, y, a, b: -g)
defvjp(np.multiply, lambda g, y, a, b: g * b, lambda g, y, a, b: g * a)
defvjp(np.divide, lambda g, y, a, b: over(g, b), lambda g, y, a, b: -times(over(g, b), y))
defvjp(np.negative, lambda g, y, x: -g)
defvjp(np.positive, lambda g, y, x: g)
defvjp(np.reciprocal, lambda g, y, x: -times(over(g, x), y))
defvjp(np.square, lambda g, y, x: g * 2 * x)
defvjp(
    np.power,
    lambda g, y, x, n: times(g, power_slope(x, n)),
    lambda g, y, x, n: times(g, y * np.log(base(x, y))),
)
defvjp(np.remainder, lambda g, y, a, b: g, lambda g, y, a, b: -times(g, np.floor_divide(a, b)))
defvjp(np.fmod, lambda g, y, a, b: g, lambda g, y, a, b: -times(g, np.trunc(a / b)))
defvjp(
    np.float_power,
    lambda g, y, x, n: times(g, times(n, np.float_power(x, n - 1))),
    lambda g, y, x, n: times(g, y * np.log(base(x, y))),
)


def power_slope(x: Any, n: Any) -> Any:
    """Compute n xⁿ⁻¹, which is 0 for n = 0, at x = 0 too."""
    if isinstance(n, (int, float)):
        return n * x ** (n - 1) if n else np.zeros_like(x)
    return times(n, x ** (n - 1))


def base(x: Any, y: Any) -> Any:
    """Read x where y = x**n has a derivative by n: where x > 0, or x ≠ 0 and y complex; else 1."""
    if y.dtype.kind != "c":
        return np.where(x > 0, x, 1.0)
    return np.where(x == 0, 1.0, x - 0j)  # complex, and on the same side of the cut as x


defvjp(np.copysign, lambda g, y, x, s: g * np.sign(x) * np.sign(y), None)
defvjp(np.absolute, lambda g, y, x: g * conj(np.sign(x)))
defvjp(np.fabs, lambda g, y, x: g * np.sign(x))
defvjp(
    np.maximum,
    lambda g, y, a, b: g * np.where(a == b, 0.5, ~(a <= b)),
    lambda g, y, a, b: g * np.where(a == b, 0.5, ~(b <= a)),
)
defvjp(
    np.minimum,
    lambda g, y, a, b: g * np.where(a == b, 0.5, ~(a >= b)),
    lambda g, y, a, b: g * np.where(a == b, 0.5, ~(b >= a)),
)

defvjp(
    np.hypot,
    lambda g, y, a, b: times(g, over(a, y)),
    lambda g, y, a, b: times(g, over(b, y)),
)
defvjp(converted, lambda g, y, x, dtype: g, complex=True)  # the engine restores the dtype

defvjp(
    np.fmax,
    lambda g, y, a, b: g * np.where(a == b, 0.5, (a > b) | np.isnan(b)),
    lambda g, y, a, b: g * np.where(a == b, 0.5, (b > a) | np.isnan(a)),
)
defvjp(
    np.fmin,
    lambda g, y, a, b: g * np.where(a == b, 0.5, (a < b) | np.isnan(b)),
    lambda g, y, a, b: g * np.where(a == b, 0.5, (b < a) | np.isnan(a)),
)

# ---- exponentials and logarithms -----------------------------------------------------------------
defvjp(np.exp, lambda g, y, x: g * y)
defvjp(np.exp2, lambda g, y, x: g * y * math.log(2))
defvjp(np.expm1, lambda g, y, x: g * (y + 1))
defvjp(np.log, lambda g, y, x: over(g, x))
defvjp(np.log2, lambda g, y, x: over(g, x * math.log(2)))
defvjp(np.log10, lambda g, y, x: over(g, x * math.log(10)))
defvjp(np.log1p, lambda g, y, x: over(g, x + 1))
defvjp(np.sqrt, lambda g, y, x: over(g, 2 * y))
defvjp(np.cbrt, lambda g, y, x: over(g, 3 * y**2))
defvjp(
    np.logaddexp,
    lambda g, y, a, b: g * np.exp(np.where(a == y, 0.0, a - y)),
    lambda g, y, a, b: g * np.exp(np.where(b == y, 0.0, b - y)),
)
defvjp(
    np.logaddexp2,
    lambda g, y, a, b: g * np.exp2(np.where(a == y, 0.0, a - y)),
    lambda g, y, a, b: g * np.exp2(np.where(b == y, 0.0, b - y)),
)


def over_squares(c: Any, a: Any, b: Any) -> Any:
    """Divide by a² + b², which may overflow where the quotient does not; 0 at the origin."""
    r = np.hypot(a, b)
    return over(over(c, r), r)


# ---- trigonometric and hyperbolic ----------------------------------------------------------------
defvjp(np.sin, lambda g, y, x: g * np.cos(x))
defvjp(np.cos, lambda g, y, x: -g * np.sin(x))
defvjp(np.tan, lambda g, y, x: g * (1 + y**2))
defvjp(np.arcsin, lambda g, y, x: over(g, np.sqrt(1 - x**2)))
defvjp(np.arccos, lambda g, y, x: -over(g, np.sqrt(1 - x**2)))
defvjp(np.arctan, lambda g, y, x: over(g, 1 + x**2))
defvjp(
    np.arctan2,
    lambda g, y, a, b: times(g, over_squares(b, a, b)),
    lambda g, y, a, b: -times(g, over_squares(a, a, b)),
)
defvjp(np.deg2rad, lambda g, y, x: g * (math.pi / 180))
defvjp(np.radians, lambda g, y, x: g * (math.pi / 180))
defvjp(np.rad2deg, lambda g, y, x: g * (180 / math.pi))
defvjp(np.degrees, lambda g, y, x: g * (180 / math.pi))
defvjp(np.sinh, lambda g, y, x: g * np.cosh(x))
defvjp(np.cosh, lambda g, y, x: g * np.sinh(x))
defvjp(np.tanh, lambda g, y, x: g * (1 - y**2))
defvjp(
    np.arcsinh,
    lambda g, y, x: over(g, np.sqrt(1 + x**2)) if x.dtype.kind == "c" else g / np.hypot(x, 1.0),
)
defvjp(np.arccosh, lambda g, y, x: over(over(g, np.sqrt(x - 1)), np.sqrt(x + 1)))
defvjp(np.arctanh, lambda g, y, x: over(g, 1 - x**2))

COMPLEX.update(
    {
        *(np.add, np.subtract, np.multiply, np.divide, np.negative, np.positive),
        *(np.reciprocal, np.square, np.power, np.float_power, np.absolute, np.where),
        *(np.exp, np.exp2, np.expm1, np.log, np.log2, np.log10, np.log1p, np.sqrt),
        *(np.sin, np.cos, np.tan, np.arcsin, np.arccos, np.arctan),
        *(np.sinh, np.cosh, np.tanh, np.arcsinh, np.arccosh, np.arctanh),
        *(np.sign, np.full_like),
    }
)

# ---- choosing ------------------------------------------------------------------------------------
defvjp(
    np.where,
    None,
    lambda g, y, condition, a, b: np.where(condition, g, 0.0),
    lambda g, y, condition, a, b: np.where(condition, 0.0, g),
)
defvjp(
    np.clip,
    lambda g, y, x, low, high: g * ~(_below(x, low) | _below(high, x)),
    lambda g, y, x, low, high: g * (_below(x, low) & ~_below(high, low)),
    lambda g, y, x, low, high: g * (_below(high, x) | _below(high, low)),
)
MASKING.update({np.where, np.clip, np.maximum, np.minimum})


def _below(a: Any, b: Any) -> Any:
    """Compare, with None for no bound."""
    return np.asarray(False if a is None or b is None else a < b)


def _clip(
    a: Any,
    a_min: Any = None,
    a_max: Any = None,
    out: None = None,
    *,
    min: Any = None,
    max: Any = None,
) -> Tensor:
    """Read both spellings of the bounds."""
    if out is not None:
        raise TypeError("np.clip with out= is not recorded: use the result")
    low, high = (a_min if min is None else min), (a_max if max is None else max)
    return apply(Tensor, np.clip, (a, low, high), {})


def _where(condition: Any, *choices: Any) -> Any:
    """Tell the choice between two values from the search for what is true."""
    if not choices:
        return constant(np.where, (condition,), {})
    return apply(Tensor, np.where, (condition, *choices), {})


def _full_like(a: Any, fill_value: Any, dtype: Any = None, **options: Any) -> Any:
    """Fill with a constant, or with a Tensor, which keeps its history."""
    if isinstance(fill_value, Tensor):
        if dtype is not None or options:
            raise TypeError("np.full_like of a Tensor takes no options: use np.broadcast_to")
        kind = np.result_type(a)
        fill_value = fill_value.astype(kind) if kind.kind in "fc" else fill_value
        return np.broadcast_to(fill_value, np.shape(a))
    return constant(np.full_like, (a, fill_value, dtype), options)


@primitive(
    lambda g, y, z: over(1j * np.conj(y) * np.imag(g * y), np.abs(z)),
    complex=True,
)
def direction(z: Any) -> Any:
    """Divide complex numbers by their absolute values; 0 stays 0."""
    return np.sign(z)


def _sign(x: Any, **options: Any) -> Any:
    """Tell the sign of real numbers, which is constant, from the direction of complex ones."""
    if is_complex(x) and not options:
        return direction(x)
    return constant(np.sign, (x,), options)


def _divmod(a: Any, b: Any) -> tuple[Any, Any]:
    """Give the quotient, which is constant, and the remainder."""
    return np.floor_divide(a, b), np.remainder(a, b)


def _modf(x: Any) -> tuple[Any, Any]:
    """Give the fraction, and the whole, which is constant."""
    return x - np.trunc(x), np.trunc(x)


ADAPTERS.update({np.sign: _sign, np.divmod: _divmod, np.modf: _modf})
ADAPTERS.update({np.clip: _clip, np.where: _where, np.full_like: _full_like})

# ---- constants: the derivative is zero wherever it exists, or the result is no number ------------
CONSTANTS.update(
    {
        *(np.less, np.less_equal, np.greater, np.greater_equal, np.equal, np.not_equal),
        *(np.logical_and, np.logical_or, np.logical_xor, np.logical_not),
        *(np.isnan, np.isinf, np.isfinite, np.signbit, np.isposinf, np.isneginf),
        *(
            np.floor,
            np.ceil,
            np.trunc,
            np.rint,
            np.round,
            np.around,
            np.fix,
            np.floor_divide,
        ),
        *(np.argmax, np.argmin, np.argsort, np.nonzero, np.flatnonzero, np.count_nonzero),
        *(np.any, np.all, np.isclose, np.allclose, np.array_equal, np.searchsorted),
        *(np.shape, np.ndim, np.size, np.zeros_like, np.ones_like, np.empty_like),
        *(np.result_type, np.can_cast, np.common_type, np.min_scalar_type),
        *(np.iscomplexobj, np.isrealobj, np.shares_memory, np.may_share_memory),
        *(np.array_repr, np.array_str, np.array2string),
    }
)
