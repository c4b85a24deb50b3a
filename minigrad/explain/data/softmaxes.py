"""Softmax and the losses, entry by entry, in the exponentials, logarithms and squares they are."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minigrad.explain.data.factors import Index
from minigrad.explain.data.lettering import SUBSCRIPTS
from minigrad.explain.data.model import Line
from minigrad.explain.data.numbers import number
from minigrad.explain.data.terms import signed
from minigrad.functions import log_softmax, softmax, softmax_cross_entropy, softplus
from minigrad.functions.losses import _binary_cross_entropy, _mean_squared_error, _probabilities

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


def _of_log_softmax(operands: Sequence[Line], index: Index) -> Written:
    """Write y[n, 1] = s[n, 1] − log(Σₖ exp(s[n, k]))."""
    scores = operands[0]
    row = scores.value[index[:-1]]
    at = "".join(f"{i}, " for i in index[:-1])
    one, exponentials = row[index[-1]], np.exp(row)
    formula = f"{scores.name}[{at}{index[-1]}] − log(Σₖ exp({scores.name}[{at}k]))"
    several = _listed([number(e) for e in exponentials], " + ")
    return formula, f"{number(one)} − log({several})", one - np.log(exponentials.sum())


def _of_squares(operands: Sequence[Line], index: Index) -> Written:
    """Write loss = ΣₙΣₖ (y[n, k] − t[n, k])² / N."""
    y, t = operands
    pairs = [*zip(y.value.flat, np.broadcast_to(t.value, y.value.shape).flat, strict=True)]
    at, signs = _summed(y)
    terms = _listed([f"({number(a)} − {signed(b.item())})²" for a, b in pairs], " + ")
    formula = f"{signs}({y.name}{at} − {t.name}{at})² / {len(pairs)}"
    return formula, f"({terms}) / {len(pairs)}", np.mean((y.value - t.value) ** 2)


def _of_logits(operands: Sequence[Line], index: Index) -> Written:
    """Write loss = ΣₙΣₖ (softplus(s[n, k]) − s[n, k]·t[n, k]) / N."""
    s, t = operands
    pairs = [*zip(s.value.flat, np.broadcast_to(t.value, s.value.shape).flat, strict=True)]
    at, signs = _summed(s)
    terms = [f"softplus({number(a)}) − {signed(a.item())}·{signed(b.item())}" for a, b in pairs]
    formula = f"{signs}(softplus({s.name}{at}) − {s.name}{at}·{t.name}{at}) / {len(pairs)}"
    told = f"({_listed(terms, ' + ')}) / {len(pairs)}"
    return formula, told, np.mean(softplus(s.value) - s.value * t.value)


def _summed(line: Line) -> tuple[str, str]:
    """Write an index of letters, and the signs of the sum over them."""
    letters = "nkmj"[: line.value.ndim]
    signs = "".join(f"Σ{SUBSCRIPTS[letter]}" for letter in letters)
    return f"[{', '.join(letters)}]" if letters else "", f"{signs} " if signs else ""


def _listed(terms: Sequence[str], between: str) -> str:
    more = len(terms) - MOST
    return between.join([*terms[:MOST], f"… {more} more"] if more > 1 else terms)


WRITTEN: dict[Any, Callable[[Sequence[Line], Index], Written]] = {
    softmax: _of_softmax,
    _probabilities: _of_softmax,
    softmax_cross_entropy: _of_cross_entropy,
    log_softmax: _of_log_softmax,
    _mean_squared_error: _of_squares,
    _binary_cross_entropy: _of_logits,
}
