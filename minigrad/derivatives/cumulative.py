"""Running sums and products along an axis.

The derivative of a running product is a linear recurrence, y_i = g_i + f_i y_{i-1}, which needs no
division and so minds no zeros. It is run by doubling, in log n passes.

Source: G. Blelloch, *Prefix Sums and Their Applications*, CMU-CS-90-190 (1990), section 1.4.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.constants import arrays
from minigrad.derivatives.elementwise import times
from minigrad.kinds import COMPLEX
from minigrad.table import defvjp
from minigrad.tensor import ADAPTERS, primitive


# ---- running sums and products -------------------------------------------------------------------
def summed_back(g: Any, axis: int) -> Any:
    """Sum what comes after each entry, and the entry."""
    return np.flip(np.cumsum(np.flip(g, axis), axis), axis)


defvjp(
    np.cumsum,
    lambda g, y, x, axis=None, dtype=None, out=None: np.reshape(summed_back(g, axis or 0), x.shape),
)
defvjp(
    np.cumprod,
    lambda g, y, x, axis=None, dtype=None, out=None: np.reshape(
        product_back(g, y, np.reshape(x, y.shape), axis or 0), x.shape
    ),
)


def product_back(g: Any, y: Any, x: Any, axis: int) -> Any:
    """Differentiate a running product: what stands before an entry, times what g wants after it."""
    g, y, x = (np.moveaxis(a, axis, -1) for a in (g, y, x))
    after = np.flip(recurrence(np.flip(g, -1), _later(np.flip(x, -1), 1.0)), -1)
    return np.moveaxis(times(after, _later(y, 1.0)), -1, axis)


def _later(x: Any, first: float) -> Any:
    """Move the entries one place on along the last axis, and put a number before them."""
    return np.concatenate([np.full_like(arrays(x)[..., :1], first), x[..., :-1]], axis=-1)


def _recurrence_back(h: Any, y: Any, g: Any, f: Any) -> list[Any]:
    """Run it backwards, t_i = h_i + f_{i+1} t_{i+1}; f_i is multiplied by y_{i-1}."""
    t = np.flip(recurrence(np.flip(h, -1), _later(np.flip(f, -1), 0.0)), -1)
    return [t, times(t, _later(y, 0.0))]


@primitive(joint=_recurrence_back, complex=True)
def recurrence(g: Any, f: Any) -> Any:
    """Solve y_i = g_i + f_i y_{i-1} along the last axis, with nothing before the first."""
    kind = np.result_type(g, f)
    y, f = g.astype(kind), f.astype(kind)
    step = 1
    while step < y.shape[-1]:
        y[..., step:] += times(y[..., :-step], f[..., step:])
        f[..., step:] = times(f[..., :-step], f[..., step:])
        step *= 2
    return y


def _nancumsum(a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Any:
    """Add 0 in place of NaN."""
    return np.cumsum(np.where(np.isnan(a), 0.0, a), axis, dtype, out)


def _nancumprod(a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Any:
    """Multiply by 1 in place of NaN."""
    return np.cumprod(np.where(np.isnan(a), 1.0, a), axis, dtype, out)


ADAPTERS.update({np.nancumsum: _nancumsum, np.nancumprod: _nancumprod})


def _running(x: Any, y: Any, axis: Any, include_initial: bool, identity: float) -> Any:
    """Put what the running result starts from before it, when asked to."""
    if axis is None and x.ndim > 1:
        raise ValueError(f"an array of shape {x.shape} needs axis=")
    if not include_initial:
        return y
    axis = 0 if axis is None else axis % y.ndim
    shape = (*y.shape[:axis], 1, *y.shape[axis + 1 :])
    return np.concatenate([np.full(shape, identity, y.dtype), y], axis=axis)


def _cumulative_sum(
    x: Any,
    /,
    *,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    include_initial: bool = False,
) -> Any:
    """Read the array API's name of cumsum."""
    return _running(x, np.cumsum(x, axis, dtype, out), axis, include_initial, 0)


def _cumulative_prod(
    x: Any,
    /,
    *,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    include_initial: bool = False,
) -> Any:
    """Read the array API's name of cumprod."""
    return _running(x, np.cumprod(x, axis, dtype, out), axis, include_initial, 1)


if hasattr(np, "cumulative_sum"):  # since NumPy 2.1
    ADAPTERS.update({np.cumulative_sum: _cumulative_sum, np.cumulative_prod: _cumulative_prod})
    COMPLEX.update({np.cumulative_sum, np.cumulative_prod})
COMPLEX.update({np.cumsum, np.cumprod, np.nancumsum, np.nancumprod})
