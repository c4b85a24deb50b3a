"""The catalogue of corrections of numbers: factors, powers, constants, sums over a loop."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from minigrad.testing.diagnosis.factors import meaning, number, scalars
from minigrad.testing.diagnosis.probes import Site
from minigrad.testing.diagnosis.repairs import Correction, Known, fitted
from minigrad.testing.diagnosis.workbench import Workbench
from minigrad.testing.reports import causes


def factors(bench: Workbench, k: int) -> Iterator[Correction]:
    """A factor, found by fitting; what it means decides the cause."""
    amount = fitted(bench, k, lambda v, hit: 2 * v)
    if amount is None:
        return
    if abs(1 + amount) < 1e-6:
        yield Correction(causes.TERM, "left out", 5, lambda v, hit: 0 * v)
        return

    def elsewhere(other: Workbench) -> float | None:
        found = fitted(other, k, lambda v, hit: 2 * v)
        return None if found is None or found == -1 else 1 / (1 + found)

    label, words, sure = meaning(1 / (1 + amount), bench, again=elsewhere)
    if words.startswith("that is"):  # a constant of the layer's: say which is multiplied by, here
        words = meaning(1 + amount, bench)[1]
    site, value = bench.back.sites[k], bench.back.seen[k][0]
    if not sure and site.kind == "Constant":
        words = f"exchanged for {value * (1 + amount):.6g}"
        yield Correction(causes.CONSTANT, words, 1.6, lambda v, hit: (1 + amount) * v)
        return
    cost = 0.5 if label == causes.SIGN else 1.0 if sure else 4.5
    times = f"times {1 + amount:.4g} ({words})"
    yield Correction(label, times, cost, lambda v, hit: (1 + amount) * v)


def constants(bench: Workbench, site: Site, value: Any) -> Iterator[Correction]:
    """A number of the layer's own, where a constant is written."""
    for name, other in scalars(bench).items():
        if other != value:
            words = f"exchanged for `{name}` = {number(other)}"
            label = causes.WRONG_MASK if value == 0 else causes.CONSTANT
            yield Correction(label, words, 1.15 + (value == 0), _always(other))


def powers(site: Site, value: Any) -> Iterator[Correction]:
    """A square for the thing itself, its root, its inverse; its absolute value or sign."""
    yield Correction(causes.POWER, "squared", 1.4, lambda v, hit: v * v)
    yield Correction(causes.POWER, "inverted", 2, lambda v, hit: 1 / v)
    yield Correction(causes.POWER, "cubed", 2, lambda v, hit: v * v * v)
    if np.any(value < 0):
        label = causes.WRONG_MASK if "Compare" in site.around[:2] else causes.SIGN
        yield Correction(label, "made positive", 1.3, lambda v, hit: np.abs(v))
        yield Correction(causes.SIGN, "replaced by its sign", 1.9, lambda v, hit: np.sign(v))
    if np.max(np.abs(value), initial=0) < 50:
        yield Correction(
            causes.OPERAND, "replaced by its exponential", 2.6, lambda v, hit: np.exp(v)
        )
    if np.all(value >= 0):
        yield Correction(causes.POWER, "replaced by its root", 2, lambda v, hit: np.sqrt(v))


def _always(other: Any) -> Any:
    return lambda v, hit: other


def one_hots(bench: Workbench) -> Iterator[tuple[str, Known]]:
    """Labels as rows of zeros with a single 1, wherever an axis is long enough."""
    sizes = {n for x in bench.operands.values() for n in np.shape(x)}
    for name, t in bench.evidence.inputs.items():
        if isinstance(t, np.ndarray) and t.dtype.kind in "iu" and t.size:
            for size in sizes:
                if np.min(t) >= 0 and np.max(t) < size:
                    yield f"one_hot({name}, {size})", Known(np.eye(size)[t])


class Running:
    """The sum of all values that a place had so far, in this run of a loop."""

    total: Any = None

    def __call__(self, value: Any, hit: int) -> Any:
        """Add the value to those before it in this run."""
        self.total = value if hit == 0 else self.total + value
        return np.array(self.total)  # a copy: the next round may add to it in place
