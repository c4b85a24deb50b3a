"""Losses: a gradient such as p − t from which the targets were not subtracted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from minigrad.functions import softmax
from minigrad.graph import Array
from minigrad.testing.diagnosis.guesses import Guess
from minigrad.testing.diagnosis.workbench import Workbench, same
from minigrad.testing.reports import causes
from minigrad.testing.reports.showing import grad_of


def not_subtracted(bench: Workbench, wrong: list[str]) -> Iterator[Guess]:
    """Yours is c · p with rows of probabilities, and the right one is c · (p − t).

    The targets need not be among the arguments of forward: rows of both sum to c and to 0.
    """
    for name in wrong:
        mine = [np.asarray(yours[name], np.float64) for yours in bench.yours if _has(yours, name)]
        pairs = list(zip(mine, (true[name] for true in bench.numerical), strict=False))
        x = np.asarray(bench.operands[name], np.float64)
        if pairs and all(_lacks_targets(yours, true, x) for yours, true in pairs):
            rows, one_hot = x.reshape(-1, x.shape[-1]).shape[0], _is_one_hot(*pairs[0])
            what = "1 at the right class of each row" if one_hot else "t"
            words = "the subtraction of the targets is missing: "
            words += f"{grad_of(name)} is a multiple of the probabilities p, and should be one of "
            words += f"p − t: subtract {what}" + (", before p is divided" if rows > 1 else "")
            yield Guess(causes.TERM, words, (name,), 0.3)


def _has(yours: Mapping[str, Any], name: str) -> bool:
    found = yours.get(name)
    return found is not None and bool(np.all(np.isfinite(np.asarray(found, np.float64))))


def _lacks_targets(yours: Array, true: Array, x: Array) -> bool:
    """Whether yours is c · softmax(x), and yours − true is c · t, with rows that sum to 1."""
    if yours.shape != true.shape or yours.ndim == 0 or yours.shape[-1] < 2:
        return False
    sums = yours.sum(axis=-1)
    c = float(sums.flat[0]) if sums.size else 0.0
    if c == 0 or not same(sums, np.full(sums.shape, c)):
        return False
    p, t = yours / c, (yours - true) / c
    if not same(p, softmax(x)):  # p + t sums to a constant too
        return False
    small = float(np.max(np.abs(true.sum(axis=-1)))) <= 1e-6 * abs(c)
    return small and bool(np.min(t) > -1e-6 and np.max(t) < 1 + 1e-6)


def _is_one_hot(yours: Array, true: Array) -> bool:
    t = (yours - true) / yours.sum(axis=-1, keepdims=True)
    return bool(np.all(np.minimum(np.abs(t), np.abs(1 - t)) < 1e-6))
