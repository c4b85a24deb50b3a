"""Calls that are linear in operands, as sums of products: h[0, 1] = Σₖ x[0, k] · W[k, 1] + b[1].

A rule, run on a gradient that is 1 at one entry, makes that entry's derivatives by the operands. If
these, times the operands, add up to the entry, and do not change with what they multiply, the entry
is that sum.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from minigrad.explain.data.again import Call
from minigrad.explain.data.factors import Index, Source, placed
from minigrad.explain.data.lettering import OF_VALUES, bracketed, lettered
from minigrad.explain.data.model import Contribution, Line, Step, Trace
from minigrad.explain.data.shares import Values, other, rtol_of, share_of
from minigrad.explain.data.terms import added, signed
from minigrad.graph import Array

FEW = 12  # weights that stand nowhere and are written one by one


class Part(NamedTuple):
    """What one operand of a sum of products brings: its entries, times the weights."""

    contribution: Contribution
    weights: Array  # of the operand's shape
    on_others: Array  # the same for the other numbers

    @property
    def position(self) -> int:
        """Which argument of the call the operand is."""
        return self.contribution.position


class Sums:
    """The entries of one call's value as sums of products.

    Args:
        trace: the passes.
        step: the call, on the way back.
        call: the same, to be run again.
        others: other numbers for its operands.
    """

    def __init__(self, trace: Trace, step: Step, call: Call, others: Sequence[Any]) -> None:
        self.trace, self.step, self.call, self.others = trace, step, call, others
        self.line = trace.lines[step.line]

    def at(self, index: Index) -> str | None:
        """Look for operands in which the entry is linear, the fewest and the last first."""
        unit = np.zeros_like(self.step.gradient)
        unit[index] = 1
        parts = [
            Part(c, self._weights(c, unit), self._weights(c, unit, self.others))
            for c in reversed(self.step.contributions)
        ]
        counts = range(1, len(parts) + 1)
        for several in itertools.chain(*(itertools.combinations(parts, n) for n in counts)):
            if self._add_up(several, index) and self._are_constant(several, unit):
                return self._written(several[::-1], index)
        return None

    def _made(self, arguments: Sequence[Any]) -> Array:
        with np.errstate(all="ignore"):
            return np.asarray(self.call.compute(*arguments, **self.call.keywords))

    def _weights(
        self, c: Contribution, unit: Array, arguments: Sequence[Any] | None = None
    ) -> Array:
        """Differentiate the entry by an operand, on the call's numbers or on others."""
        if arguments is None:
            return np.asarray(share_of(self.trace, self.step, c, unit))
        node = self.trace.nodes[self.step.line]
        assert node is not None
        rest = node._values[len(arguments) :]  # intermediates that a rule wants again
        others = Values(self._made(arguments), (*arguments, *rest))
        return np.asarray(share_of(self.trace, self.step, c, unit, others))

    def _add_up(self, parts: Sequence[Part], index: Index) -> bool:
        """Tell whether the products come to the entry, on the call's numbers and on others."""
        own = sum(np.sum(part.weights * self.call.values[part.position]) for part in parts)
        drawn = sum(np.sum(part.on_others * self.others[part.position]) for part in parts)
        pairs = ((own, self.line.value[index]), (drawn, self._made(self.others)[index]))
        return all(np.allclose(total, entry, rtol_of(self.line.value)) for total, entry in pairs)

    def _are_constant(self, parts: Sequence[Part], unit: Array) -> bool:
        """Tell whether the weights pick entries, or do not hang on what they multiply."""
        if all(
            np.all((w == 0) | (w == 1)) for part in parts for w in (part.weights, part.on_others)
        ):
            return True
        rng = np.random.default_rng(1)
        positions = {part.position for part in parts}
        rtol = rtol_of(self.line.value)
        moved = [other(v, rng) if i in positions else v for i, v in enumerate(self.others)]
        return all(
            np.allclose(self._weights(part.contribution, unit, moved), part.on_others, rtol)
            for part in parts
        )

    def _written(self, parts: Sequence[Part], index: Index) -> str | None:
        """Write the sum: with letters, and with numbers."""
        count = _mean_of(parts)
        if count:  # as a mean is written
            only = parts[0]
            told = self._written(
                [
                    only._replace(
                        weights=(only.weights != 0) * 1.0, on_others=(only.on_others != 0) * 1.0
                    )
                ],
                index,
            )
            letters, _, numbers = (told or "").rpartition(" = ")
            return f"{letters} / {count} = ({numbers}) / {count}" if letters else None
        formulas, terms = [], []
        others = Values(np.empty(0), tuple(self.others))
        for part in parts:
            line = self.trace.lines[part.contribution.to]
            places, source = placed(
                self.trace, self.step, part.weights, index, others, part.on_others
            )
            formula = _formula(line, places, source, part.weights, index)
            if formula is None:
                return None
            formulas.append(formula)
            terms += [
                _term(part.weights[at].item(), line.value[at].item(), named=source is not None)
                for at in places
            ]
        return " = ".join(dict.fromkeys([" + ".join(formulas), added(terms)]))


def _mean_of(parts: Sequence[Part]) -> int:
    """Count what a mean is taken of; 0 for what is no mean."""
    if len(parts) > 1:
        return 0
    weights = parts[0].weights
    taken = weights[weights != 0]
    count = len(taken)
    same = count > 1 and np.array_equal(weights, parts[0].on_others)
    return count if same and np.allclose(taken * count, 1, rtol_of(weights)) else 0


def _formula(
    line: Line, places: list[Index], source: Source | None, weights: Array, index: Index
) -> str | None:
    """Write a sum with letters: Σₖ x[0, k] · W[k, 1]; where it leaves entries out, say so.

    None for many weights that stand nowhere.
    """
    if not places:
        return "0"
    found = {weights[place].item() for place in places}
    if source is None and len(found) > 1:  # weights that stand nowhere: one by one
        if len(places) > FEW:
            return None
        each = (f"{_times(weights[at].item())}{line.name}{bracketed(at)}" for at in places)
        return " + ".join(each)
    letters = lettered(places, line.value.shape, OF_VALUES)
    if letters is None:
        return None
    weight = (
        _times(found.pop()) if source is None else f"{source.lettered(letters.place, index)} · "
    )
    return letters.sum(f"{weight}{line.name}{bracketed(letters.place)}")


def _times(weight: float) -> str:
    """Write a factor before what it multiplies; nothing for 1."""
    return "" if weight == 1 else f"{signed(weight)} · "


def _term(weight: float, value: float, *, named: bool) -> str:
    """Write one product; the weight 1 is left out where it is no entry of anything."""
    return signed(value) if weight == 1 and not named else f"{signed(weight)}·{signed(value)}"
