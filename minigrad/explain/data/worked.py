"""One entry of what a call made, worked out: h[0, 1] = Σₖ x[0, k] · W[k, 1] + b[1].

How a call makes an entry is tried, on the numbers it had and on others: of the same entries of its
operands, as np.exp and + do; or as a sum of products that is linear in some operands, as @ and sum
are. What is neither is not worked out.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from minigrad.explain.data.again import Call, UnrepeatableError
from minigrad.explain.data.entries import path_sum
from minigrad.explain.data.factors import Index, Source, placed
from minigrad.explain.data.lettering import OF_VALUES, bracketed, lettered
from minigrad.explain.data.model import Contribution, Line, Step, Trace
from minigrad.explain.data.numbers import any_of, number
from minigrad.explain.data.shares import Values, other, share_of
from minigrad.explain.data.softmaxes import WRITTEN
from minigrad.explain.data.terms import PathSum, signed
from minigrad.graph import Array

SHOWN = 12  # products of a sum that are written down
LARGEST = 1_000_000  # entries of the operands of a call that is tried


_BRACKETED = re.compile(r"(?<=[(,])( ?)\((-[^()]+)\)(?=[),])")  # f((-2)): brackets twice


class Part(NamedTuple):
    """What one operand of a sum of products brings: its entries, times the weights."""

    contribution: Contribution
    weights: Array  # of the operand's shape
    on_others: Array  # the same for the other numbers

    @property
    def position(self) -> int:
        """Which argument of the call the operand is."""
        return self.contribution.position


class Workings:
    """The entries of one call's value, worked out one at a time.

    Args:
        trace: the passes.
        line: the call.
        step: the same call on the way back, where it is there: sums of products are found by it.
    """

    def __init__(self, trace: Trace, line: Line, step: Step | None) -> None:
        self.trace, self.line, self.step = trace, line, step
        try:
            self.call: Call | None = Call(trace, line.id)
        except UnrepeatableError:
            self.call = None
        rng = np.random.default_rng(0)
        values = self.call.values if self.call else []
        if line.value.dtype.kind not in "fiub" or sum(map(np.size, values)) > LARGEST:
            self.call = None
        self.others = [other(value, rng) for value in values]
        self._is_entrywise = self._try_entries()
        self._several: list[tuple[int, ...]] = []  # which operands a sum goes over, once known

    def at(self, index: Index) -> str | None:
        """Write how an entry was made, with letters and with numbers; None where it is not known.

        `x[0, 1] * y[0, 1] = 2 * 3`: what comes of it is not repeated.
        """
        if self.call is None:
            return None
        if self._is_entrywise:
            return self._substituted(index)
        try:
            known = self._known(index)
            if known is None and self.step is not None:
                known = self._sum(self.step, self.call, index)
        except Exception:  # functions and rules may ask more of numbers than that they are some
            return None
        return known

    def _known(self, index: Index) -> str | None:
        """Write an entry of a function whose formula is known, if it comes to what was made."""
        node = self.trace.nodes[self.line.id]
        assert node is not None
        written = WRITTEN.get(node._function)
        if written is None or node._keywords or None in self.line.operands:
            return None
        operands = [self.trace.lines[i] for i in self.line.operands if i is not None]
        formula, numbers, value = written(operands, index)
        return f"{formula} = {numbers}" if np.isclose(value, self.line.value[index]) else None

    # ---- entry by entry --------------------------------------------------------------------------
    def _try_entries(self) -> bool:
        """Compare entries with what the call makes of the same entries of its operands alone."""
        if self.call is None or any(np.ndim(value) for value in self.call.keywords.values()):
            return False
        try:
            shape = np.broadcast_shapes(*map(np.shape, self.call.values))
            if shape != self.line.value.shape or not self.line.value.size:
                return False
            places = {(0,) * len(shape), tuple(n - 1 for n in shape), tuple(n // 2 for n in shape)}
            return all(self._agrees(list(v), p) for v in self._both() for p in places)
        except Exception:  # it does not take single numbers
            return False

    def _both(self) -> Iterator[Sequence[Any]]:
        assert self.call is not None
        yield self.call.values
        yield self.others

    def _agrees(self, values: list[Any], place: Index) -> bool:
        assert self.call is not None
        with np.errstate(all="ignore"):
            whole = self.call.compute(*values, **self.call.keywords)
            single = [value[aligned(value, place)] if np.ndim(value) else value for value in values]
            alone = self.call.compute(*single, **self.call.keywords)
        return np.ndim(alone) == 0 and np.allclose(alone, whole[place], equal_nan=True)

    def _substituted(self, index: Index) -> str | None:
        """Write the call with entries in place of arrays."""
        assert self.call is not None
        if any(i is None and np.ndim(v) for i, v in self._operands()):
            return None
        known = [(self.trace.lines[i], v) for i, v in self._operands() if i is not None]
        named, numbers = {}, {}
        for operand, value in known:
            place = aligned(value, index)
            named[operand.name] = operand.name + bracketed(place)
            numbers[operand.name] = signed(operand.value[place].item())
        if not named or not self.line.call:
            return None
        names = any_of(named)
        letters = names.sub(lambda found: named[found[0]], self.line.call)
        told = names.sub(lambda found: numbers[found[0]], self.line.call)
        return " = ".join(dict.fromkeys([letters, _BRACKETED.sub(r"\1\2", told)]))

    def _operands(self) -> Iterator[tuple[int | None, Any]]:
        assert self.call is not None
        yield from zip(self.call.operands, self.call.values, strict=True)

    # ---- sums of products ------------------------------------------------------------------------
    def _sum(self, step: Step, call: Call, index: Index) -> str | None:
        """Look for operands in which the call is linear, the fewest and the last first."""
        unit = np.zeros_like(step.gradient)
        unit[index] = 1
        parts = [
            Part(c, self._weights(step, c, unit), self._weights(step, c, unit, self.others))
            for c in reversed(step.contributions)
        ]
        for count in range(1, len(parts) + 1):
            for several in itertools.combinations(parts, count):
                if self._is_sum(call, step, several, unit, index):
                    return self._written(step, several[::-1], index)
        return None

    def _weights(
        self, step: Step, c: Contribution, unit: Array, arguments: Sequence[Any] | None = None
    ) -> Array:
        """Differentiate the entry by an operand, on the call's numbers or on others."""
        assert self.call is not None
        if arguments is None:
            return np.asarray(share_of(self.trace, step, c, unit))
        with np.errstate(all="ignore"):
            output = self.call.compute(*arguments, **self.call.keywords)
        kept = self.trace.nodes[step.line]
        assert kept is not None
        rest = kept._values[len(arguments) :]  # intermediates that a rule wants again
        others = Values(np.asarray(output), (*arguments, *rest))
        return np.asarray(share_of(self.trace, step, c, unit, others))

    def _is_sum(
        self, call: Call, step: Step, parts: Sequence[Part], unit: Array, index: Index
    ) -> bool:
        """Tell whether the products add up, and the weights do not hang on what they multiply."""
        positions = {part.position for part in parts}
        with np.errstate(all="ignore"):
            made = np.asarray(call.compute(*self.others, **call.keywords))[index]
        own = sum(np.sum(part.weights * call.values[part.position]) for part in parts)
        drawn = sum(np.sum(part.on_others * self.others[part.position]) for part in parts)
        if not (np.allclose(own, self.line.value[index], 1e-4) and np.allclose(drawn, made, 1e-4)):
            return False
        if all(np.all((w == 0) | (w == 1)) for p in parts for w in (p.weights, p.on_others)):
            return True  # entries are picked
        rng = np.random.default_rng(1)
        moved = [other(v, rng) if i in positions else v for i, v in enumerate(self.others)]
        return all(
            np.allclose(self._weights(step, p.contribution, unit, moved), p.on_others)
            for p in parts
        )

    def _written(self, step: Step, parts: Sequence[Part], index: Index) -> str | None:
        """Write the sum: with letters, and with numbers."""
        formulas, terms = [], []
        others = Values(np.empty(0), tuple(self.others))
        for part in parts:
            line = self.trace.lines[part.contribution.to]
            places, source = placed(self.trace, step, part.weights, index, others, part.on_others)
            formula = _formula(line, places, source, part.weights, index)
            if formula is None:
                return None
            formulas.append(formula)
            terms += [
                _term(part.weights[at].item(), line.value[at].item(), named=source is not None)
                for at in places
            ]
        return " = ".join(dict.fromkeys([" + ".join(formulas), _added(terms)]))


def products(found: PathSum) -> str:
    """Write what a path adds to an entry of a gradient, with letters and with numbers."""
    if found.numbers and found.adds_up:  # a rule that works entry by entry
        return f"{found.formula} = {found.numbers}"
    terms = [str(term) for term in found.terms]
    if not found.adds_up or not terms or (len(terms) == 1 and "·" not in terms[0]):
        return found.formula
    added = _added(terms)
    return f"{found.formula} = {f'Re({added})' if found.real else added}"


def made_of(trace: Trace, line: Line, step: Step | None, at: Index) -> str | None:
    """Write how a call made an entry, as an equation; None where it is not known."""
    told = Workings(trace, line, step).at(at)
    value = number(line.value[at])
    return None if told is None else equation(line.name + bracketed(at), "=", told, value)


def added_of(trace: Trace, step: Step, c: Contribution, at: Index) -> str:
    """Write what a step adds to an entry of a gradient, as an equation."""
    told = products(path_sum(trace, step, c, at))
    return equation(trace.lines[c.to].d + bracketed(at), c.sign, told, number(c.share[at]))


def chosen(places: Iterable[Index], array: Array) -> Index:
    """Choose an entry to work out: the first that is not zero, if there is one."""
    listed = iter(places)
    first = next(listed)
    return first if array[first] != 0 else next((at for at in listed if array[at] != 0), first)


def equation(name: str, sign: str, worked: str, value: str) -> str:
    """Write what an entry is, what it was worked out of, and what it comes to.

    >>> equation("y", "=", "a * b = 2 * 3", "6")
    'y = a * b = 2 * 3 = 6'
    """
    ends = worked.endswith(f"= {value}")
    return f"{name} {sign} {worked}" + ("" if ends else f" = {value}")


def _added(terms: Sequence[str]) -> str:
    if len(terms) == 1 and "·" not in terms[0]:
        return terms[0].strip("()")
    more = f" + … {len(terms) - SHOWN} more" if len(terms) > SHOWN + 1 else ""
    return f"{' + '.join(terms[:SHOWN] if more else terms)}{more}" if terms else "0"


def _term(weight: float, value: float, *, named: bool) -> str:
    """Write one product; the weight 1 is left out where it is no entry of anything."""
    return signed(value) if weight == 1 and not named else f"{signed(weight)}·{signed(value)}"


def aligned(value: Any, index: Index) -> Index:
    """Find the entry that is broadcast to an entry of the result."""
    shape = np.shape(value)
    kept = index[len(index) - len(shape) :]
    return tuple(0 if n == 1 else i for n, i in zip(shape, kept, strict=True))


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
        if len(places) > SHOWN:
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
