"""Averages, variances and correlations.

The derivative of the standard deviation of a constant is 0. A `mean=` that is given is taken for
what it is, a constant or a Tensor with a derivative of its own. What rounding puts beyond 1 in a
correlation is cut off from the value alone.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from minigrad.calls import apply
from minigrad.constants import arrays
from minigrad.derivatives.elementwise import conj, over, times
from minigrad.derivatives.reductions import chosen, count, spread
from minigrad.kinds import COMPLEX, Function, called, check_dtype, refuse_complex
from minigrad.table import defvjp
from minigrad.tensor import ADAPTERS, Tensor, primitive


# ---- variance and standard deviation -------------------------------------------------------------
def centred(x: Any, deviation: Any, axis: Any, where: Any, flat: bool) -> Any:
    """Subtract the mean; what is left of a constant by rounding alone is zero.

    That is a matter of the value, or, where constants are `flat`, of the derivative too. A standard
    deviation above what the rounding of a sum can make tells that there are none.
    """
    mean = np.mean(x, axis=axis, keepdims=True, where=where)
    d, m = x - mean, arrays(mean)
    s = np.reshape(deviation, m.shape)
    rounding = 2 * np.finfo(m.dtype).eps * (x.size // max(m.size, 1))
    if not np.any(s <= rounding * np.abs(m)):
        return d
    high = np.max(arrays(x), axis=axis, keepdims=True, initial=-np.inf, where=where)
    low = np.min(arrays(x), axis=axis, keepdims=True, initial=np.inf, where=where)
    if flat:
        return np.where(high == low, 0.0, d)
    return d - np.where(high == low, arrays(d), 0.0)


def per_degree(x: Any, y: Any, axis: Any, ddof: Any, where: Any) -> Any:
    """One by the degrees of freedom; infinite where there are none, as in NumPy."""
    degrees = count(x, y, axis, where) - ddof
    if where is True:
        return 1 / degrees if degrees > 0 else math.inf
    return 1 / np.maximum(degrees, 0)


for variance in (np.var, np.nanvar):
    defvjp(
        variance,
        lambda g, y, x, axis=None, ddof=0, keepdims=False, where=True: times(
            spread(g * (2 * per_degree(x, y, axis, ddof, where)), x, axis, keepdims),
            conj(centred(x, np.sqrt(arrays(y)), axis, where, flat=False)),
        ),
    )
for deviation in (np.std, np.nanstd):
    defvjp(
        deviation,
        lambda g, y, x, axis=None, ddof=0, keepdims=False, where=True: times(
            spread(over(g * per_degree(x, y, axis, ddof, where), y), x, axis, keepdims),
            conj(centred(x, arrays(y), axis, where, flat=True)),
        ),
    )


@primitive(
    lambda g, y, d, axis, dtype, ddof, keepdims, where: times(
        spread(g * (2 * per_degree(d, y, axis, ddof, where)), d, axis, keepdims), conj(d)
    ),
    complex=True,
)
def _mean_square(d: Any, axis: Any, dtype: Any, ddof: Any, keepdims: Any, where: Any) -> Any:
    """Take the variance of deviations from a mean that is given."""
    return np.var(d, axis, dtype, None, ddof, keepdims, where=where, mean=0.0)


@primitive(
    lambda g, y, d, axis, dtype, ddof, keepdims, where: times(
        spread(over(g * per_degree(d, y, axis, ddof, where), y), d, axis, keepdims),
        np.where(spread(arrays(y) == 0, d, axis, keepdims), 0.0, conj(d)),
    ),
    complex=True,
)
def _root_mean_square(d: Any, axis: Any, dtype: Any, ddof: Any, keepdims: Any, where: Any) -> Any:
    """Take the standard deviation of deviations from a mean that is given."""
    return np.std(d, axis, dtype, None, ddof, keepdims, where=where, mean=0.0)


def _about_mean(function: Function, about_given: Function, skip_nan: bool = False) -> Function:
    """Read the options; a mean that is given is an operand."""

    def call(
        a: Any,
        axis: Any = None,
        dtype: Any = None,
        out: Any = None,
        ddof: Any = 0,
        keepdims: Any = False,
        *,
        where: Any = True,
        mean: Any = None,
        correction: Any = None,
    ) -> Any:
        if out is not None:
            raise TypeError(f"{called(function)} with out= has no derivative rule for a Tensor")
        a = a if isinstance(a, Tensor) else np.asarray(a)
        check_dtype(dtype, (a,))
        check_dtype(a.dtype, (mean,))  # NumPy squares what is left without conjugating it
        if correction is not None:
            if ddof != 0:
                raise ValueError("ddof= and correction= are two names of one option: give one")
            ddof = correction
        mask = where if not skip_nan else ~np.isnan(a) & where
        d = a if mean is None else a - mean
        if skip_nan and d.dtype != a.dtype:
            d = d.astype(a.dtype)  # as NumPy does, which writes it into a copy of a
        d = d if mask is True else chosen(d, mask)
        if mean is not None:
            return about_given(d, axis, dtype, ddof, keepdims, mask)
        return apply(
            *(Tensor, function, (d,)),
            {"axis": axis, "ddof": ddof, "keepdims": keepdims, "where": mask},
            lambda x, **_: function(x, axis, dtype, None, ddof, keepdims, where=where),
        )

    return call


ADAPTERS.update(
    {
        np.var: _about_mean(np.var, _mean_square),
        np.std: _about_mean(np.std, _root_mean_square),
        np.nanvar: _about_mean(np.nanvar, _mean_square, skip_nan=True),
        np.nanstd: _about_mean(np.nanstd, _root_mean_square, skip_nan=True),
    }
)


# ---- averages ------------------------------------------------------------------------------------
def _average(
    a: Any, axis: Any = None, weights: Any = None, returned: bool = False, *, keepdims: Any = False
) -> Any:
    """Divide the weighted sum by the sum of the weights, which may be an operand too."""
    a = a if isinstance(a, Tensor) else np.asarray(a)
    if weights is None:
        average = np.mean(a, axis=axis, keepdims=keepdims)
        total = np.full(average.shape, a.size / average.size, average.dtype)
    else:
        w = _along(weights if isinstance(weights, Tensor) else np.asarray(weights), a.shape, axis)
        kind = np.result_type(a.dtype, w.dtype, *([] if a.dtype.kind in "fc" else [float]))
        total = np.sum(w, axis=axis, dtype=kind, keepdims=keepdims)
        if np.any(total == 0):
            raise ZeroDivisionError("np.average: the weights add up to zero")
        average = np.sum(a * w, axis=axis, keepdims=keepdims) / total
    if not returned:
        return average
    total = np.copy(np.broadcast_to(total, average.shape))
    return average, total if isinstance(total, Tensor) else total[()]  # a scalar, as in NumPy


def _along(w: Any, shape: tuple[int, ...], axis: Any) -> Any:
    """Turn weights of the axes alone so that they broadcast against an array of `shape`."""
    if w.shape == shape:
        return w
    if axis is None:
        raise TypeError(
            f"np.average: weights of shape {w.shape} for an array of shape {shape} need axis="
        )
    axes = normalize_axis_tuple(axis, len(shape))
    if w.shape != tuple(shape[i] for i in axes):
        raise ValueError(
            f"np.average: weights of shape {w.shape} do not fit the axes {axes} of shape {shape}"
        )
    w = np.transpose(w, tuple(int(i) for i in np.argsort(axes)))
    return np.reshape(w, tuple(n if i in axes else 1 for i, n in enumerate(shape)))


# ---- covariance and correlation ------------------------------------------------------------------
def _cov(
    m: Any,
    y: Any = None,
    rowvar: bool = True,
    bias: bool = False,
    ddof: Any = None,
    fweights: Any = None,
    aweights: Any = None,
    *,
    dtype: Any = None,
) -> Any:
    """Multiply the centred variables with each other."""
    refuse_complex(np.cov, (aweights,))
    if isinstance(fweights, Tensor):
        raise TypeError("fweights= of np.cov counts, and takes no Tensor: aweights= weighs")
    X = _variables(m, dtype)
    X = X if rowvar or np.ndim(m) == 1 else np.transpose(X)
    if y is not None:
        Y = _variables(y, dtype)
        X = np.concatenate([X, Y if rowvar or len(Y) == 1 else np.transpose(Y)])
    ddof = (0 if bias else 1) if ddof is None else ddof
    np.cov(np.zeros((1, X.shape[1])), None, True, bias, ddof, fweights, arrays(aweights))  # checks
    w = None if fweights is None else np.array(fweights, float)
    if aweights is not None:
        aweights = aweights if isinstance(aweights, Tensor) else np.array(aweights, float)
        w = aweights if w is None else w * aweights
    average, total = np.average(X, axis=1, weights=w, returned=True)
    whole = np.real(total[0])
    degrees: Any = whole - ddof
    if aweights is not None:
        degrees = whole - ddof * np.sum(w * aweights) / whole
    X = X - average[:, None]
    c = np.dot(X, conj(np.transpose(X if w is None else X * w)))
    return np.squeeze(c * np.true_divide(1, degrees if degrees > 0 else 0.0))


def _variables(m: Any, dtype: Any) -> Any:
    """Make floats of what was observed, with two axes."""
    m = m if isinstance(m, Tensor) else np.asarray(m)
    if m.ndim > 2:
        raise ValueError(f"np.cov takes one axis or two, not an array of shape {m.shape}")
    return np.atleast_2d(m).astype(np.result_type(m.dtype, float) if dtype is None else dtype)


def _corrcoef(x: Any, y: Any = None, rowvar: bool = True, *, dtype: Any = None) -> Any:
    """Divide the covariances by both standard deviations."""
    c = np.cov(x, y, rowvar, dtype=dtype)
    if c.ndim == 0:
        return c / c
    i = np.arange(len(c))
    deviation = np.sqrt(c[i, i])
    return _in_bounds(c / deviation[:, None] / deviation)


@primitive(lambda g, y, r: g)
def _in_bounds(r: Any) -> Any:
    """Cut off what rounding puts beyond 1: no part of the mathematics."""
    return np.clip(r, -1, 1)


ADAPTERS.update({np.average: _average, np.cov: _cov, np.corrcoef: _corrcoef})
COMPLEX.update({np.var, np.std, np.nanvar, np.nanstd, np.average, np.cov})
