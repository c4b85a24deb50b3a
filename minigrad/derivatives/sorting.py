"""Sorting, and what is found by sorting: median, quantiles, percentiles.

Sorting moves the entries, and the derivative moves them back; equal entries keep their order.
A quantile is a mean of two neighbours in the order, and its gradient is handed to them with the
weights of that mean, in equal shares to entries that are equal. A quantile that is NaN hands it to
the NaNs.
"""

from __future__ import annotations

import functools
import operator
from typing import Any

import numpy as np

from minigrad.calls import apply
from minigrad.constants import arrays
from minigrad.derivatives.reductions import equal, evenly, from_rows, in_rows
from minigrad.kinds import Function, called
from minigrad.table import CONSTANTS, MASKING, defvjp
from minigrad.tensor import ADAPTERS, Tensor, primitive


# ---- sort, partition -----------------------------------------------------------------------------
@primitive()
def taken(x: Any, order: Any, axis: int) -> Any:
    """Take the entries in an order of their own for each row along the axis."""
    return np.take_along_axis(x, order, axis)


@primitive()
def put_back(g: Any, order: Any, axis: int) -> Any:
    """Put entries that were taken in an order back to where they were."""
    x = np.empty_like(g)
    np.put_along_axis(x, order, g, axis)
    return x


defvjp(taken, lambda g, y, x, order, axis: put_back(g, order, axis))
defvjp(put_back, lambda h, y, g, order, axis: taken(h, order, axis))
defvjp(
    np.sort,
    lambda g, y, x, axis=-1, kind=None, order=None, *, stable=None: unsorted(g, x, axis),
)
defvjp(
    np.partition,
    lambda g, y, x, kth, axis=-1, kind="introselect", order=None: unsorted(g, x, axis, y),
)


def unsorted(g: Any, x: Any, axis: Any, y: Any = None) -> Any:
    """Put what belongs to the sorted entries, or to an array y of them, where the entries were."""
    last = -1 if axis is None else axis
    index = np.argsort(np.reshape(arrays(x), g.shape), axis=last, kind="stable")
    if y is not None:
        ranked, index = index, np.empty_like(index)
        places = np.argsort(arrays(y), axis=last, kind="stable")
        np.put_along_axis(index, places, ranked, last)
    index.flags.writeable = False
    return np.reshape(put_back(g, index, last), x.shape)


# ---- quantiles -----------------------------------------------------------------------------------
def to_neighbours(
    g: Any, x: Any, quantile: Function, q: Any, axis: Any, method: str, skip_nan: bool = False
) -> Any:
    """Hand g to the entries on both sides of each quantile, with the weights of the two."""
    if x.size == 0:
        return np.zeros_like(x)
    rows = in_rows(arrays(x), axis)
    n = rows.shape[-1]
    counts = n - np.sum(np.isnan(rows), axis=-1) if skip_nan else np.array(n)
    places = _places(quantile, q, method, counts)
    low = np.floor(places).astype(int)
    high = np.minimum(low + 1, n - 1)
    ranks = np.unique(np.append([low, high], n - 1))
    ordered = np.sort(rows, axis=-1) if skip_nan else np.partition(rows, ranks, axis=-1)
    nan = np.isnan(ordered[..., -1]) & (not skip_nan)
    shares = []
    for h, below, above, place in zip(_by_quantile(g, q, rows), low, high, places, strict=True):
        for rank, weight in ((below, below + 1 - place), (above, place - below)):
            if np.any(weight):
                rank = np.broadcast_to(rank, nan.shape)[..., None]
                value = np.take_along_axis(ordered, rank, axis=-1)
                best = equal(rows, np.where(nan[..., None], np.nan, value))
                shares.append(evenly(h * weight[..., None].astype(g.dtype), best, -1))
    return from_rows(_total(shares, rows), x.shape, axis)


def to_values(g: Any, y: Any, x: Any, q: Any, axis: Any) -> Any:
    """Hand g to the entries that equal a quantile which is always one of the entries."""
    rows = in_rows(arrays(x), axis)
    pairs = zip(_by_quantile(g, q, rows), _by_quantile(arrays(y), q, rows), strict=True)
    shares = [evenly(h, equal(rows, value), -1) for h, value in pairs]
    return from_rows(_total(shares, rows), x.shape, axis)


def _by_quantile(g: Any, q: Any, rows: Any) -> Any:
    """Cut an array of results into one for each quantile, that broadcasts against the rows."""
    return np.reshape(g, (np.size(q), *rows.shape[:-1], 1))


def _total(shares: list[Any], rows: Any) -> Any:
    """Add up what the quantiles hand out; nothing, where there are none."""
    return functools.reduce(operator.add, shares) if shares else np.zeros_like(rows)


def _places(quantile: Function, q: Any, method: str, counts: Any) -> Any:
    """Find where in the order the quantiles are: they are the quantiles of 0, 1, 2 … themselves.

    So NumPy's own formula is used, whichever the method.
    """
    places = np.zeros((np.size(q), *counts.shape))
    for n in np.unique(counts):
        order = quantile(np.arange(max(n, 1)), q, method=method)
        places[:, counts == n] = np.reshape(order, (-1, 1))
    return places


def to_quantiles(
    g: Any, y: Any, x: Any, quantile: Any, q: Any, axis: Any, method: Any, weights: Any, nan: bool
) -> Any:
    """Hand g to the entries that made the quantiles; weighted ones are always entries."""
    if weights is None:
        return to_neighbours(g, x, quantile, q, axis, method, nan)
    return to_values(g, y, x, q, axis)


defvjp(
    np.median,
    lambda g, y, x, axis=None, keepdims=False: to_neighbours(
        g, x, np.quantile, 0.5, axis, "linear", skip_nan=False
    ),
)
defvjp(
    np.nanmedian,
    lambda g, y, x, axis=None, keepdims=False: to_neighbours(
        g, x, np.quantile, 0.5, axis, "linear", skip_nan=True
    ),
)
defvjp(
    np.quantile,
    lambda g, y, x, q, axis=None, method="linear", keepdims=False, weights=None: to_quantiles(
        g, y, x, np.quantile, q, axis, method, weights, nan=False
    ),
)
defvjp(
    np.nanquantile,
    lambda g, y, x, q, axis=None, method="linear", keepdims=False, weights=None: to_quantiles(
        g, y, x, np.quantile, q, axis, method, weights, nan=True
    ),
)
defvjp(
    np.percentile,
    lambda g, y, x, q, axis=None, method="linear", keepdims=False, weights=None: to_quantiles(
        g, y, x, np.percentile, q, axis, method, weights, nan=False
    ),
)
defvjp(
    np.nanpercentile,
    lambda g, y, x, q, axis=None, method="linear", keepdims=False, weights=None: to_quantiles(
        g, y, x, np.percentile, q, axis, method, weights, nan=True
    ),
)
MASKING.update(
    {np.median, np.nanmedian, np.quantile, np.nanquantile, np.percentile, np.nanpercentile}
)


def _kept_intact(overwrite_input: bool, out: Any, function: Function) -> None:
    """Refuse what would write into arrays that the graph needs, or fill the caller's."""
    if overwrite_input:
        raise TypeError(f"{called(function)} with overwrite_input= would write into a Tensor")
    if out is not None:
        raise TypeError(f"{called(function)} with out= has no derivative rule for a Tensor")


def _one_row(q: Any, function: Function) -> None:
    """Refuse what NumPy itself orders otherwise than its name without "nan"."""
    if function in (np.nanquantile, np.nanpercentile) and np.ndim(q) > 1:
        raise TypeError(f"{called(function)} takes one row of q: reshape the result")


def _median(function: Function) -> Function:
    def call(
        a: Any,
        axis: Any = None,
        out: Any = None,
        overwrite_input: bool = False,
        keepdims: Any = False,
    ) -> Any:
        _kept_intact(overwrite_input, out, function)
        return apply(Tensor, function, (a,), {"axis": axis, "keepdims": keepdims})

    return call


def _quantile(function: Function) -> Function:
    def call(
        a: Any,
        q: Any,
        axis: Any = None,
        out: Any = None,
        overwrite_input: bool = False,
        method: str = "linear",
        keepdims: Any = False,
        *,
        weights: Any = None,
    ) -> Any:
        _kept_intact(overwrite_input, out, function)
        _one_row(q, function)
        options = {"axis": axis, "method": method, "keepdims": keepdims, "weights": weights}
        return apply(Tensor, function, (a, q), options)

    return call


for middle in (np.median, np.nanmedian):
    ADAPTERS[middle] = _median(middle)
for quantile in (np.quantile, np.percentile, np.nanquantile, np.nanpercentile):
    ADAPTERS[quantile] = _quantile(quantile)

CONSTANTS.update(
    {
        *(np.argpartition, np.lexsort, np.digitize, np.argwhere),
        *(np.nanargmax, np.nanargmin, np.isin, np.array_equiv),
    }
)
