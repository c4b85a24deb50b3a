"""Evenly spaced numbers between two ends, which may be Tensors: linspace, logspace, geomspace.

With the fractions t from 0 to 1, linspace is a (1 - t) + b t and geomspace a^(1 - t) b^t.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.calls import apply
from minigrad.derivatives.joining import adapted
from minigrad.kinds import COMPLEX, refuse_complex
from minigrad.table import defvjp
from minigrad.tensor import ADAPTERS, Tensor


def fractions(num: int, endpoint: bool) -> Any:
    """How far each number is on the way from one end to the other."""
    return np.linspace(0.0, 1.0, num, endpoint)


def weighed(g: Any, weights: Any, axis: int) -> Any:
    """Sum g along the axis of the numbers, with a weight for each of them."""
    return np.tensordot(weights, g, (0, axis))


defvjp(
    np.linspace,
    lambda g, y, start, stop, num=50, endpoint=True, axis=0: weighed(
        g, 1 - fractions(num, endpoint), axis
    ),
    lambda g, y, start, stop, num=50, endpoint=True, axis=0: weighed(
        g, fractions(num, endpoint), axis
    ),
)
defvjp(
    np.geomspace,
    lambda g, y, start, stop, num=50, endpoint=True, axis=0: (
        weighed(g * y, 1 - fractions(num, endpoint), axis) / start
    ),
    lambda g, y, start, stop, num=50, endpoint=True, axis=0: (
        weighed(g * y, fractions(num, endpoint), axis) / stop
    ),
)


def _ends(start: Any, stop: Any) -> tuple[Any, Any]:
    """Make arrays of numbers and lists, for the rules to compute with."""
    a, b = adapted(start, stop)
    return _floats(a), _floats(b)


def _floats(x: Any) -> Any:
    return x if x.dtype.kind in "fc" else x.astype(float)


def _linspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    retstep: bool = False,
    dtype: Any = None,
    axis: int = 0,
) -> Any:
    """Give the numbers, and the step between them if it is asked for."""
    options = {"num": num, "endpoint": endpoint, "dtype": dtype, "axis": axis}
    y = apply(Tensor, np.linspace, _ends(start, stop), options)
    if not retstep:
        return y
    intervals = num - 1 if endpoint else num
    return y, (stop - start) / intervals if intervals > 0 else np.nan


def _logspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    base: Any = 10.0,
    dtype: Any = None,
    axis: int = 0,
) -> Any:
    """Raise the base to evenly spaced powers."""
    if np.ndim(base):
        shape = np.broadcast_shapes(np.shape(start), np.shape(stop), np.shape(base))
        start = np.broadcast_to(start, shape)
        base = np.expand_dims(np.broadcast_to(base, shape), axis)
    return np.power(base, np.linspace(start, stop, num, endpoint, dtype=dtype, axis=axis))


def _geomspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, dtype: Any = None, axis: int = 0
) -> Any:
    """Read NumPy's options."""
    refuse_complex(np.geomspace, (start, stop))
    options = {"num": num, "endpoint": endpoint, "dtype": dtype, "axis": axis}
    return apply(Tensor, np.geomspace, _ends(start, stop), options)


ADAPTERS.update({np.linspace: _linspace, np.logspace: _logspace, np.geomspace: _geomspace})
COMPLEX.update({np.linspace, np.logspace})
