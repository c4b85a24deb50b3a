"""Functions that reduce along axes: sum, mean, product, extremes.

Ties of max and min share the gradient equally, also with initial=; an extreme that is NaN hands it
to the NaNs. The entries that where= leaves out, and the NaNs that nansum and its like pass over,
are constants: their gradient is zero, and nothing infinite leaks back through them.
A rule has NumPy's own options in NumPy's order; an option that is not among them is refused when
the function is called.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from minigrad.calls import apply
from minigrad.constants import arrays
from minigrad.derivatives.elementwise import times
from minigrad.kinds import COMPLEX, Function
from minigrad.table import MASKING, defvjp
from minigrad.tensor import ADAPTERS, Tensor, primitive


# ---- from results back to entries ----------------------------------------------------------------
def regained(g: Any, x: Any, axis: Any, keepdims: Any) -> Any:
    """Give a reduced array the axes back that x lost, with length one."""
    return g if keepdims or axis is None or not x.ndim else np.expand_dims(g, axis)


def spread(g: Any, x: Any, axis: Any, keepdims: Any) -> Any:
    """Give each entry of x the g of the result that it went into."""
    return np.broadcast_to(regained(g, x, axis, keepdims), x.shape)


def count(x: Any, y: Any, axis: Any, where: Any) -> Any:
    """How many entries of x went into each entry of y: one number, or one for each."""
    if where is True:
        return max(int(x.size // max(y.size, 1)), 1)
    return np.reshape(np.sum(np.broadcast_to(where, x.shape), axis=axis), y.shape)


@primitive(complex=True)
def kept(g: Any, mask: Any) -> Any:
    """Broadcast `g` to the mask, and put zero where it is false; fast where little is kept."""
    y = np.zeros(mask.shape, g.dtype)
    np.copyto(y, g, where=mask)
    return y


defvjp(kept, lambda h, y, g, mask: kept(h, mask), complex=True)


@primitive(lambda g, y, x, where: np.where(where, g, 0.0), complex=True)
def chosen(x: Any, where: Any) -> Any:
    """Leave the values as they are, as constants where `where` is false."""
    return x[...]


def in_rows(x: Any, axis: Any) -> Any:
    """Move the axes to the end, and flatten them into one."""
    axes = _normal(axis, x.ndim)
    last = range(x.ndim - len(axes), x.ndim)
    rows = np.moveaxis(x, axes, tuple(last))
    return np.reshape(rows, (*rows.shape[: last.start], math.prod(rows.shape[last.start :])))


def from_rows(rows: Any, shape: tuple[int, ...], axis: Any) -> Any:
    """Undo `in_rows`: give back an array of `shape`."""
    axes = _normal(axis, len(shape))
    lengths = tuple(shape[i] for i in axes)
    last = tuple(range(len(shape) - len(axes), len(shape)))
    return np.moveaxis(np.reshape(rows, rows.shape[:-1] + lengths), last, axes)


def _normal(axis: Any, ndim: int) -> tuple[int, ...]:
    """Name the axes by numbers from 0; None is all of them."""
    return tuple(range(ndim)) if axis is None or not ndim else normalize_axis_tuple(axis, ndim)


# ---- sum, mean, product --------------------------------------------------------------------------
defvjp(
    np.sum,
    lambda g, y, x, axis=None, dtype=None, out=None, keepdims=False, initial=None, *, where=True: (
        spread(g, x, axis, keepdims)
    ),
)
defvjp(
    np.mean,
    lambda g, y, x, axis=None, dtype=None, out=None, keepdims=False, *, where=True: spread(
        g * (1 / count(x, y, axis, where)), x, axis, keepdims
    ),
)
defvjp(
    np.prod,
    lambda g, y, x, axis=None, dtype=None, out=None, keepdims=False, initial=1, *, where=True: (
        times(spread(g * initial, x, axis, keepdims), others(x, axis, where))
    ),
)


def others(x: Any, axis: Any, where: Any) -> Any:
    """Multiply, for each entry, all the other entries along the axes; without division."""
    rows = in_rows(x if where is True else np.where(where, x, 1.0), axis)
    return from_rows(_others_in_row(rows), x.shape, axis)


@primitive(lambda g, y, x: np.sum(times(g[..., None], _pairs(x)), axis=-2), complex=True)
def _others_in_row(x: Any) -> Any:
    """Multiply what stands left of each entry by what stands right of it, along the last axis."""
    one = np.ones_like(x[..., :1])
    left = np.cumprod(np.concatenate([one, x[..., :-1]], axis=-1), axis=-1)
    right = np.cumprod(np.concatenate([one, x[..., :0:-1]], axis=-1), axis=-1)[..., ::-1]
    return left * right


def _pairs(x: Any) -> Any:
    """Multiply all entries but i and j of each row: the derivative of `_others_in_row`."""
    same = np.eye(x.shape[-1], dtype=bool)
    return np.where(same, 0.0, _others_in_row(np.where(same, 1.0, x[..., None, :])))


# ---- extremes ------------------------------------------------------------------------------------
def equal(x: Any, y: Any) -> Any:
    """Mark the entries of the array x that equal y, or are NaN where y is."""
    best = x == y
    nan = np.isnan(y)
    return best | (np.isnan(x) & nan) if nan.any() else best


def evenly(g: Any, best: Any, axis: Any, more: Any = None) -> Any:
    """Hand each g, axes kept, to its marked entries in equal shares; `more` counts one more."""
    if more is not None or np.count_nonzero(best) != g.size:
        ties = np.sum(best, axis=axis, keepdims=True) + (0 if more is None else more)
        g = g * (1 / np.maximum(ties, 1)).astype(g.dtype)
    return kept(g, best)


def to_extremes(g: Any, y: Any, x: Any, axis: Any, keepdims: Any, initial: Any, where: Any) -> Any:
    """Hand g to the entries that equal the extreme y; what is initial may equal it too."""
    x, y = arrays(x), regained(arrays(y), x, axis, keepdims)
    best = equal(x, y) if where is True else equal(x, y) & where
    more = None if initial is None else y == initial
    return evenly(regained(g, x, axis, keepdims), best, axis, more)


for extreme in (np.max, np.min, np.amax, np.amin, np.nanmax, np.nanmin):
    defvjp(
        extreme,
        lambda g, y, x, axis=None, out=None, keepdims=False, initial=None, *, where=True: (
            to_extremes(g, y, x, axis, keepdims, initial, where)
        ),
    )


MASKING.update({chosen, np.max, np.amax, np.min, np.amin, np.nanmax, np.nanmin})


# ---- where=, NaN, several steps ------------------------------------------------------------------
def _choosing(function: Function) -> Function:
    """Make constants of the entries that where= leaves out, and record the call."""

    def call(*args: Any, **options: Any) -> Any:
        where = options.get("where", True)
        if where is not True:
            a, *rest = args or (options.pop("a"),)
            args = (chosen(a, where), *rest)
        return apply(Tensor, function, args, options)

    return call


def _ptp(a: Any, axis: Any = None, out: Any = None, keepdims: Any = False) -> Any:
    """Subtract the smallest from the largest."""
    highest = np.max(a, axis=axis, out=out, keepdims=keepdims)
    return highest - np.min(a, axis=axis, keepdims=keepdims)


def _nansum(a: Any, *args: Any, **options: Any) -> Any:
    """Add 0 in place of NaN."""
    return np.sum(np.where(np.isnan(a), 0.0, a), *args, **options)


def _nanprod(a: Any, *args: Any, **options: Any) -> Any:
    """Multiply by 1 in place of NaN."""
    return np.prod(np.where(np.isnan(a), 1.0, a), *args, **options)


def _nanmean(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = False,
    *,
    where: Any = True,
) -> Any:
    """Divide the sum by the count of what is a number."""
    total = _nansum(a, axis, dtype, out, keepdims, where=where)
    return divided(total, np.sum(~np.isnan(a), axis=axis, keepdims=keepdims, where=where))


def divided(total: Any, counts: Any) -> Any:
    """Divide by integers, in the dtype of the total."""
    mean = total / counts
    return mean if mean.dtype == total.dtype else mean.astype(total.dtype)


for reducing in (
    *(np.sum, np.mean, np.prod, np.max, np.min, np.amax, np.amin),
    *(np.nanmax, np.nanmin),
):
    ADAPTERS[reducing] = _choosing(reducing)
ADAPTERS.update({np.ptp: _ptp, np.nansum: _nansum, np.nanprod: _nanprod, np.nanmean: _nanmean})
COMPLEX.update({np.sum, np.mean, np.prod, np.nansum, np.nanmean, np.nanprod})
