"""Activations, and softmax and its kin: stable for inputs of ±10⁴; NaN stays NaN."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigrad.kinds import is_complex
from minigrad.table import ENTRYWISE, MASKING
from minigrad.tensor import primitive


def real_numbers(x: Any) -> Any:
    """Refuse complex numbers."""
    if is_complex(x):
        raise TypeError(
            f"layers, activations and losses are of real numbers, not {np.result_type(x)}: np.abs, "
            "np.real or np.imag makes real numbers of complex ones"
        )
    return x


def floats(x: Any) -> Any:
    """Make an array of floats of numbers, lists and integer arrays."""
    x = np.asarray(x)
    return x if x.dtype.kind == "f" else real_numbers(x).astype(np.float64)


@primitive(lambda g, y, x: g * (y > 0))
def relu(x: Any) -> Any:
    """Rectified linear unit, max(x, 0); its derivative at 0 is 0 (Nair and Hinton, ICML 2010).

    >>> relu(np.array([-1.0, 0.0, 2.0]))
    array([0., 0., 2.])
    """
    return np.maximum(floats(x), 0)


MASKING.add(relu)


@primitive(lambda g, y, x, slope=0.01: g * np.where(x > 0, 1.0, slope))
def leaky_relu(x: Any, slope: float = 0.01) -> Any:
    """ReLU with a small slope for negative x; its derivative at 0 is `slope` (Maas et al., 2013).

    >>> leaky_relu(np.array([-1.0, 2.0]))
    array([-0.01,  2.  ])
    """
    x = floats(x)
    return np.where(x > 0, x, slope * x)


@primitive(lambda g, y, x, alpha=1.0: g * np.where(x > 0, 1.0, y + alpha))
def elu(x: Any, alpha: float = 1.0) -> Any:
    """Exponential linear unit: x, or alpha (eˣ − 1) where x ≤ 0 (Clevert et al., ICLR 2016).

    >>> elu(np.array([-1e4, 2.0]))
    array([-1.,  2.])
    """
    x = floats(x)
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


@primitive(lambda g, y, x: g * y * (1 - y))
def sigmoid(x: Any) -> Any:
    """Logistic function, 1 / (1 + e⁻ˣ).

    >>> sigmoid(np.array([-1e4, 0.0, 1e4]))
    array([0. , 0.5, 1. ])
    """
    x = floats(x)
    e = np.exp(-np.abs(x))  # never overflows
    return np.where(x >= 0, 1, e) / (1 + e)


def tanh(x: Any) -> Any:
    """Hyperbolic tangent: `np.tanh`, under the name of an activation.

    >>> tanh(np.array([0.0, 1e4]))
    array([0., 1.])
    """
    return np.tanh(real_numbers(x))


@primitive(lambda g, y, x: g * sigmoid(x))
def softplus(x: Any) -> Any:
    """Smooth ReLU, log(1 + eˣ) (Dugas et al., NIPS 2000).

    >>> softplus(np.array([-1e4, 1e4]))
    array([    0., 10000.])
    """
    x = floats(x)
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


@primitive(lambda g, y, x: g * (sigmoid(x) + y * (1 - sigmoid(x))))
def silu(x: Any) -> Any:
    """Sigmoid-weighted linear unit, x · sigmoid(x), also called swish (Elfwing et al., 2018).

    >>> silu(np.array([-1e4, 0.0, 1e4]))
    array([    0.,     0., 10000.])
    """
    x = floats(x)
    return x * sigmoid(x) + 0.0


_ROOT = math.sqrt(2 / math.pi)


@primitive(lambda g, y, x: g * _gelu_slope(x, np.tanh(_ROOT * (x + 0.044715 * x**3))))
def gelu(x: Any) -> Any:
    """Gaussian error linear unit, by its tanh formula (Hendrycks and Gimpel, 2016, section 2).

    x/2 · (1 + tanh(√(2/π) (x + 0.044715 x³))), within 5e-4 of x · Φ(x).

    >>> gelu(np.array([-1e4, 0.0, 1e4]))
    array([    0.,     0., 10000.])
    """
    x = floats(x)
    return x * (0.5 + 0.5 * np.tanh(_ROOT * (x + 0.044715 * x**3))) + 0.0


def _gelu_slope(x: Any, t: Any) -> Any:
    """Differentiate gelu, given t = tanh(…)."""
    return 0.5 * (1 + t) + 0.5 * x * (1 - t**2) * _ROOT * (1 + 0.134145 * x**2)


ENTRYWISE.update({leaky_relu, elu, sigmoid, softplus, silu, gelu})


# ---- softmax and its kin -------------------------------------------------------------------------
@primitive(lambda g, y, x, axis=-1: y * (g - np.sum(g * y, axis=axis, keepdims=True)))
def softmax(x: Any, axis: int = -1) -> Any:
    """Turn scores into probabilities along `axis`: eˣ / Σ eˣ.

    >>> softmax(np.array([1e4, 1e4]))
    array([0.5, 0.5])
    """
    x = floats(x)
    e = np.exp(x - _finite_max(x, axis))
    return e / np.sum(e, axis=axis, keepdims=True)


@primitive(lambda g, y, x, axis=-1: g - np.exp(y) * np.sum(g, axis=axis, keepdims=True))
def log_softmax(x: Any, axis: int = -1) -> Any:
    """Logarithm of softmax, without its underflow: x − log Σ eˣ.

    >>> log_softmax(np.array([0.0, 1e4]))
    array([-10000.,      0.])
    """
    x = floats(x)
    shifted = x - _finite_max(x, axis)
    if not shifted.size:
        return shifted
    return shifted - np.log(np.sum(np.exp(shifted), axis=axis, keepdims=True))


@primitive(
    lambda g, y, x, axis=None, keepdims=False: (
        _kept(g, axis, keepdims) * softmax_over(x, _kept(y, axis, keepdims))
    )
)
def logsumexp(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Smooth maximum: log Σ eˣ over `axis`, over everything when None.

    >>> logsumexp(np.array([1e4, 1e4])).item()
    10000.69314718056
    """
    x = floats(x)
    top = _finite_max(x, axis)
    total = np.log(np.sum(np.exp(x - top), axis=axis, keepdims=True)) + top
    return total if keepdims else np.squeeze(total, axis=axis)[()]


def softmax_over(x: Any, total: Any) -> Any:
    """Softmax of x, given its logsumexp."""
    return np.exp(x - total)


def _kept(g: Any, axis: Any, keepdims: bool) -> Any:
    """Give a reduced array its axes back, with length one."""
    return g if keepdims or axis is None else np.expand_dims(g, axis)


def _finite_max(x: Any, axis: Any) -> Any:
    """Find the largest entry along the axes, to subtract it; 0 for an infinite one."""
    top = np.max(x, axis=axis, keepdims=True, initial=-np.inf)
    return np.where(np.isinf(top), 0, top).astype(top.dtype)
