"""Losses: means over the batch, computed from scores (logits) so that nothing overflows.

Targets are checked here, once for all layers and networks.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.calls import apply
from minigrad.constants import arrays
from minigrad.functions.activations import (
    floats,
    log_softmax,
    real_numbers,
    sigmoid,
    softplus,
)
from minigrad.graph import NO_KEYWORDS
from minigrad.kinds import check_arithmetic, plain
from minigrad.table import defvjp
from minigrad.tensor import Tensor, primitive


def softmax_cross_entropy(x: Any, t: Any) -> Any:
    """Cross-entropy between softmax(x) and the targets, averaged over the examples.

    −(1/N) Σₙ Σₖ tₙₖ log softmax(xₙ)ₖ, whose gradient by x is (softmax(x) − t) / N.

    Args:
        x: scores (N, K), one row an example; other axes may stand before the last, or none.
        t: class indices, integers (N,); or a distribution per row, (N, K): one-hot or soft.

    Returns:
        The loss, a scalar of x's dtype.

    Raises:
        TypeError: when class indices are floats.
        ValueError: when the shapes do not fit, an index is not in 0 … K−1, or the batch is empty.

    Source: Saitoh, *Deep Learning from Scratch*, 5.6.3 and appendix A.

    >>> softmax_cross_entropy(np.zeros((2, 4)), np.array([0, 3])).item()
    1.3862943611198906
    """
    scores, targets = _scores(arrays(x)), plain(arrays(t))
    check_classes(scores.shape, targets)
    if targets.shape == scores.shape:
        targets = targets.astype(scores.dtype, copy=False)
    shifted, e, total = _exponentials(scores)
    loss = _mean_entropy(shifted, total, targets)
    if not isinstance(x, Tensor) and not isinstance(t, Tensor):
        return loss
    p = _normalised(e, total)  # the rule wants them again: they are recorded as a call of their own
    if isinstance(x, Tensor):
        p = apply(Tensor, _probabilities, (x,), NO_KEYWORDS, lambda x: _normalised(e, total))
    t = t if isinstance(t, Tensor) else targets
    return apply(Tensor, softmax_cross_entropy, (x, t, p), NO_KEYWORDS, lambda x, t, p: loss)


def _exponentials(x: Any) -> tuple[Any, Any, Any]:
    """Compute x − max x, its exponentials and their sum, all with the classes on the first axis."""
    columns = _classes_first(x)  # sums over the classes then run along the rows
    if len(columns) <= _FEW:
        columns = columns.copy()
    shifted = columns - np.maximum.reduce(columns, axis=0)
    e = np.exp(shifted)
    return shifted, e, np.add.reduce(e, axis=0)


def _mean_entropy(shifted: Any, total: Any, t: Any) -> Any:
    """Compute the loss from `_exponentials`."""
    log_total = np.log(total)
    if t.ndim == shifted.ndim:
        log_p = shifted - log_total
        t = _classes_first(t)
        terms = -np.multiply(t, log_p, where=t != 0, out=np.zeros_like(log_p))  # 0 · log 0 = 0
    else:
        rows = shifted.reshape(len(shifted), -1)
        terms = log_total - rows[t.ravel(), np.arange(t.size)].reshape(t.shape)
    wide = np.float32 if shifted.dtype == np.float16 else None
    mean = np.add.reduce(terms, axis=None, dtype=wide) / total.size
    return mean.astype(shifted.dtype)


def _normalised(e: Any, total: Any) -> Any:
    """Compute the softmax from `_exponentials`, with the classes on the last axis again."""
    p = e / total
    return p.T if p.ndim == 2 else p.transpose(*range(1, p.ndim), 0)


def _classes_first(x: Any) -> Any:
    """Look at x with its last axis first."""
    return x.T if x.ndim == 2 else x.transpose(x.ndim - 1, *range(x.ndim - 1))


@primitive(lambda g, y, x: y * (g - np.sum(g * y, axis=-1, keepdims=True)))
def _probabilities(x: Any) -> Any:
    """Compute softmax over the last axis, which may hold no infinity."""
    _, e, total = _exponentials(x)
    return _normalised(e, total)


_FEW = 64  # so many classes are worth a copy that has them first in memory


def _share(p: Any) -> float:
    """Weigh each row in the mean: 1 / N (a factor, because N itself may overflow float16)."""
    return float(p.shape[-1] / p.size)


@primitive()
def _less_one_hot(p: Any, t: Any, weight: Any) -> Any:
    """Subtract the one-hot rows of class indices t from p, and weigh."""
    d = p * weight
    if d.ndim == 2:
        d[np.arange(len(d)), t] -= weight
        return d
    rows = d.reshape(-1, p.shape[-1])
    rows[np.arange(len(rows)), t.ravel()] -= weight
    return rows.reshape(p.shape)


defvjp(
    _less_one_hot,
    lambda g, y, p, t, weight: g * weight,
    None,
    lambda g, y, p, t, weight: np.sum(g * _less_one_hot(p, t, 1.0)),
)


def _weighted_difference(p: Any, t: Any, weight: Any) -> Any:
    """Subtract the targets from the probabilities, whichever way they are given, and weigh."""
    if t.shape != p.shape:
        return _less_one_hot(p, t, weight)
    return (p * np.sum(t, axis=-1, keepdims=True) - t) * weight


defvjp(
    softmax_cross_entropy,
    lambda g, y, x, t, p: _weighted_difference(p, t, g * _share(p)),
    lambda g, y, x, t, p: log_softmax(x) * (-g * _share(p)),
    None,
)


_UNSIGNED = {np.dtype(f"i{n}"): np.dtype(f"u{n}") for n in (1, 2, 4, 8)}


def check_classes(shape: tuple[int, ...], t: Any) -> None:
    """Check targets against scores of `shape`, and say what is wrong with them."""
    if 0 in shape or not shape:
        raise ValueError(f"the batch is empty: scores of shape {shape} hold no example")
    rows, classes = shape[:-1], shape[-1]
    if t.dtype.kind not in "fiub":
        raise TypeError(f"targets are class indices or probabilities, not {t.dtype}")
    if t.shape == shape:
        return
    if t.shape != rows:
        hint = "; t.ravel() drops the axis" if t.shape == (*rows, 1) else ""
        raise ValueError(
            f"targets of shape {t.shape} do not fit scores of shape {shape}: give class indices of "
            f"shape {rows} or rows of probabilities of shape {shape}{hint}"
        )
    if t.dtype.kind not in "iu":
        raise TypeError(
            f"targets of shape {t.shape} are class indices, but {t.dtype}: use .astype(int)"
        )
    signed = t.dtype.kind == "i"  # read without a sign, what is negative is large
    if np.maximum.reduce(t.view(_UNSIGNED[t.dtype]) if signed else t, axis=None) >= classes:
        wrong = t[(t < 0) | (t >= classes)].flat[0]
        raise ValueError(
            f"class index {wrong} is outside 0 … {classes - 1}: scores have shape {shape}"
        )


def _scores(x: Any) -> Any:
    """Make an array of floats of numbers and lists, and ask about integer arrays."""
    check_arithmetic(x)
    if isinstance(x, np.ndarray) and x.dtype.kind != "f":
        dtype = real_numbers(x).dtype
        raise TypeError(f"scores and outputs are floats, not {dtype}: x.astype(float) converts")
    return x if isinstance(x, Tensor) else floats(x)


def _pair(x: Any, t: Any, loss: str) -> tuple[Any, Any]:
    """Make outputs and targets two of a kind."""
    check_same(x, t, loss)
    x = _scores(x)
    if not isinstance(t, Tensor):
        t = plain(t)
        t = t if t.dtype == x.dtype else floats(t).astype(x.dtype, copy=False)
    return x, t


def check_same(x: Any, t: Any, loss: str) -> None:
    """Refuse targets that would broadcast against the scores."""
    if np.shape(x) != np.shape(t):
        raise ValueError(
            f"{loss}: targets of shape {np.shape(t)} do not fit an output of shape {np.shape(x)}; "
            "they must be the same (t.reshape(-1, 1) makes a column)"
        )
    if np.size(x) == 0:
        raise ValueError(f"{loss}: the batch is empty: the output has shape {np.shape(x)}")


@primitive(
    lambda g, y, x, t: (sigmoid(x) - t) * (g * (1 / x.size)),
    lambda g, y, x, t: x * (-g * (1 / x.size)),
)
def _binary_cross_entropy(x: Any, t: Any) -> Any:
    return np.mean(softplus(x) - x * t)


def binary_cross_entropy_with_logits(x: Any, t: Any) -> Any:
    """Cross-entropy between sigmoid(x) and targets in [0, 1], averaged over all entries.

    mean(softplus(x) − x t), whose gradient by x is (sigmoid(x) − t) / size.

    Args:
        x: scores, any shape.
        t: 0, 1 or a probability for each score, the same shape.

    Raises:
        ValueError: when the shapes differ, a target is outside [0, 1], or the batch is empty.

    >>> binary_cross_entropy_with_logits(np.array([-1e4, 0.0]), np.array([0, 1])).item()
    0.34657359027997264
    """
    x, t = _pair(x, t, "binary cross-entropy")
    check_yes_or_no(t)
    return _binary_cross_entropy(x, t)


def check_yes_or_no(t: Any) -> None:
    """Refuse targets outside [0, 1]."""
    if not np.all((t >= 0) & (t <= 1)):
        raise ValueError(
            "binary cross-entropy: targets must be in [0, 1]; did you mean (t + 1) / 2?"
        )


@primitive(
    lambda g, y, x, t: (x - t) * (g * (2 / x.size)),
    lambda g, y, x, t: (t - x) * (g * (2 / x.size)),
)
def _mean_squared_error(x: Any, t: Any) -> Any:
    return np.mean((x - t) ** 2)


def mean_squared_error(x: Any, t: Any) -> Any:
    """Mean of the squared differences over all entries (no factor ½).

    Args:
        x: outputs, any shape.
        t: targets, the same shape.

    Raises:
        ValueError: when the shapes differ (they would broadcast), or the batch is empty.

    >>> mean_squared_error(np.array([1.0, 2.0]), np.array([1.0, 4.0])).item()
    2.0
    """
    return _mean_squared_error(*_pair(x, t, "mean squared error"))
