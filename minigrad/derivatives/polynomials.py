"""Polynomials, given by their coefficients from the highest power down."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.calls import apply
from minigrad.constants import arrays
from minigrad.kinds import COMPLEX
from minigrad.table import defvjp
from minigrad.tensor import ADAPTERS, Tensor

defvjp(
    np.polyval,
    lambda g, y, p, x: np.sum(
        np.expand_dims(g, -1) * np.expand_dims(x, -1) ** np.arange(len(p))[::-1],
        axis=tuple(range(g.ndim)),
    ),
    lambda g, y, p, x: g * np.polyval(np.polyder(p), x),
)


def _polyval(p: Any, x: Any) -> Any:
    """Evaluate one polynomial, at numbers."""
    p = p if isinstance(p, Tensor) else np.asarray(p)
    if p.ndim != 1 or isinstance(x, np.poly1d):
        raise TypeError("np.polyval has a derivative rule for one row of coefficients, at numbers")
    return apply(Tensor, np.polyval, (p, x if isinstance(x, Tensor) else np.asarray(x)), {})


def _polyder(p: Any, m: int = 1) -> Any:
    """Multiply by the exponents, m times."""
    for _ in range(m):
        p = p[:-1] * np.arange(len(p) - 1, 0, -1)
    return p


def _polyint(p: Any, m: int = 1, k: Any = None) -> Any:
    """Divide by the exponents, m times, and append the constants."""
    k = np.zeros(m) if k is None else np.atleast_1d(k)
    k = np.repeat(k, m) if len(k) == 1 else k
    if len(k) < m:
        raise ValueError(f"np.polyint: {m} integrations need {m} constants, not {len(k)}")
    for i in range(m):
        p = np.concatenate([p / np.arange(len(p), 0, -1), k[i : i + 1]])
    return p


def _padded(a: Any, n: int) -> Any:
    """Put zeros before the coefficients, up to n of them."""
    a = np.atleast_1d(a)
    return a if len(a) >= n else np.concatenate([np.zeros(n - len(a), a.dtype), a])


def _polyadd(a1: Any, a2: Any) -> Any:
    """Add from the lowest power up."""
    n = max(np.size(a1), np.size(a2))
    return _padded(a1, n) + _padded(a2, n)


def _polysub(a1: Any, a2: Any) -> Any:
    """Subtract from the lowest power up."""
    n = max(np.size(a1), np.size(a2))
    return _padded(a1, n) - _padded(a2, n)


def _polymul(a1: Any, a2: Any) -> Any:
    """Convolve the coefficients, as NumPy does: without leading zeros."""
    return np.convolve(_leading(a1), _leading(a2))


def _leading(a: Any) -> Any:
    """Drop the zeros before the first coefficient that is none, but leave one coefficient."""
    a = np.atleast_1d(a)
    other = np.nonzero(arrays(a))[0]
    return a[other[0] :] if other.size else np.zeros(1)


ADAPTERS.update(
    {
        np.polymul: _polymul,
        np.polyval: _polyval,
        np.polyder: _polyder,
        np.polyint: _polyint,
        np.polyadd: _polyadd,
        np.polysub: _polysub,
    }
)
COMPLEX.update({np.polyval, np.polyder, np.polyint, np.polyadd, np.polysub, np.polymul})
