"""Convolution and correlation of two sequences.

With y = a ∗ v, the chain rule reads da = dy ∗ v turned around, where the two overlap in full. The
modes "same" and "valid" leave out results at both ends: the gradient there is 0. A correlation
conjugates its second sequence.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.calls import apply
from minigrad.derivatives.elementwise import conj
from minigrad.kinds import COMPLEX
from minigrad.table import defvjp
from minigrad.tensor import ADAPTERS, Tensor

MODES = {0: "valid", 1: "same", 2: "full"}  # NumPy takes the numbers too


def convolve_gap(n: int, m: int, mode: str) -> int:
    """Count the results that np.convolve leaves out at the start."""
    shorter = min(n, m)
    return {"full": 0, "same": (shorter - 1) // 2, "valid": shorter - 1}[mode]


def correlate_gap(n: int, m: int, mode: str) -> int:
    """Count the results that np.correlate leaves out at the start.

    Where the second sequence is longer, NumPy lets the two change places and turns the result
    around, so that "same" leaves out at the start what it would have left out at the end.
    """
    return n // 2 if n < m and mode == "same" else convolve_gap(n, m, mode)


def at_all_lags(g: Any, n: int, m: int, gap: int) -> Any:
    """Put zeros for the results that a mode left out, `gap` of them at the start."""
    missing = n + m - 1 - len(g)
    if not missing:
        return g
    return np.concatenate([np.zeros(gap, g.dtype), g, np.zeros(missing - gap, g.dtype)])


def convolved(g: Any, a: Any, v: Any, mode: str) -> Any:
    """Read the gradient of np.convolve(a, v, mode) as that of mode "full"."""
    return at_all_lags(g, len(a), len(v), convolve_gap(len(a), len(v), mode))


def correlated(g: Any, a: Any, v: Any, mode: str) -> Any:
    """Read the gradient of np.correlate(a, v, mode) as that of mode "full"."""
    return at_all_lags(g, len(a), len(v), correlate_gap(len(a), len(v), mode))


defvjp(
    np.convolve,
    lambda g, y, a, v, mode="full": np.convolve(convolved(g, a, v, mode), np.flip(v), "valid"),
    lambda g, y, a, v, mode="full": np.convolve(convolved(g, a, v, mode), np.flip(a), "valid"),
)
defvjp(
    np.correlate,
    lambda g, y, a, v, mode="valid": np.convolve(correlated(g, a, v, mode), conj(v), "valid"),
    lambda g, y, a, v, mode="valid": conj(
        np.flip(np.convolve(correlated(g, a, v, mode), np.flip(a), "valid"))
    ),
)


def _named(mode: Any) -> str:
    """Read a mode by name or by number."""
    name = MODES.get(mode, mode)
    if name not in MODES.values():
        raise ValueError(f"the mode is 'full', 'same' or 'valid', not {mode!r}")
    return str(name)


def _convolve(a: Any, v: Any, mode: Any = "full") -> Any:
    """Read a number as a sequence of one."""
    pair = (np.atleast_1d(a), np.atleast_1d(v))
    return apply(Tensor, np.convolve, pair, {"mode": _named(mode)})


def _correlate(a: Any, v: Any, mode: Any = "valid") -> Any:
    """Read the mode."""
    pair = tuple(x if isinstance(x, Tensor) else np.asarray(x) for x in (a, v))
    return apply(Tensor, np.correlate, pair, {"mode": _named(mode)})


ADAPTERS.update({np.convolve: _convolve, np.correlate: _correlate})
COMPLEX.update({np.convolve, np.correlate})
