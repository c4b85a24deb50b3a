"""Softmax and its cross-entropy, entry by entry, in the exponentials and logarithms they are."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minigrad.explain.data.factors import Index
from minigrad.explain.data.model import Line
from minigrad.explain.data.numbers import number
from minigrad.functions import softmax, softmax_cross_entropy
from minigrad.functions.losses import _probabilities

Written = tuple[str, str, float]  # a formula, the same with numbers, and what that comes to
MOST = 12  # numbers that a sum is written with


def _of_softmax(operands: Sequence[Line], index: Index) -> Written:
    """Write p[n, 1] = exp(s[n, 1]) / Σₖ exp(s[n, k])."""
    scores = operands[0]
    at = "".join(f"{i}, " for i in index[:-1])
    exponentials = np.exp(scores.value[index[:-1]])
    one, several = exponentials[index[-1]], _listed([number(e) for e in exponentials], " + ")
    formula = f"exp({scores.name}[{at}{index[-1]}]) / Σₖ exp({scores.name}[{at}k])"
    return formula, f"{number(one)} / ({several})", one / exponentials.sum()


def _of_cross_entropy(operands: Sequence[Line], index: Index) -> Written:
    """Write loss = −Σₙ log(p[n, t[n]]) / N, or with a distribution for each row."""
    _, t, p = operands
    count = math.prod(p.value.shape[:-1])
    if t.value.ndim == p.value.ndim:
        formula, taken = f"−ΣₙΣₖ {t.name}[n, k]·log({p.name}[n, k])", t.value.astype(float)
    else:
        formula, taken = f"−Σₙ log({p.name}[n, {t.name}[n]])", np.eye(p.value.shape[-1])[t.value]
    with np.errstate(all="ignore"):
        logs = np.log(p.value)[taken != 0]
    weights = taken[taken != 0]
    pairs = zip(weights, p.value[taken != 0], strict=True)
    terms = [f"{'' if w == 1 else f'{number(w)}·'}log({number(x)})" for w, x in pairs]
    formula = f"{formula} / {count}"
    return formula, f"−({_listed(terms, ' + ')}) / {count}", -float((weights * logs).sum()) / count


def _listed(terms: Sequence[str], between: str) -> str:
    more = len(terms) - MOST
    return between.join([*terms[:MOST], f"… {more} more"] if more > 1 else terms)


WRITTEN: dict[Any, Callable[[Sequence[Line], Index], Written]] = {
    softmax: _of_softmax,
    _probabilities: _of_softmax,
    softmax_cross_entropy: _of_cross_entropy,
}
