"""One entry worked out, with letters and with numbers: of what a call made, or of what a step adds.

How a call makes an entry is tried, on the numbers it had and on others: of the same entries of its
operands, as np.exp and + do; or as a sum of products that is linear in some operands, as @ and sum
are. What is neither is not worked out.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from minigrad.explain.data.again import Call, UnrepeatableError
from minigrad.explain.data.entries import path_sum
from minigrad.explain.data.entrywise import is_entrywise, substituted
from minigrad.explain.data.factors import Index
from minigrad.explain.data.lettering import bracketed
from minigrad.explain.data.linear import Sums
from minigrad.explain.data.model import Contribution, Line, Step, Trace
from minigrad.explain.data.numbers import number
from minigrad.explain.data.shares import other
from minigrad.explain.data.sliced import sliced
from minigrad.explain.data.softmaxes import WRITTEN
from minigrad.explain.data.terms import PathSum, added
from minigrad.graph import Array

LARGEST = 1_000_000  # entries of the operands of a call that is tried


class Workings:
    """The entries of one call's value, worked out one at a time.

    Args:
        trace: the passes.
        line: the call.
        step: the same call on the way back, where it is there: sums of products are found by it.
    """

    def __init__(self, trace: Trace, line: Line, step: Step | None) -> None:
        self.trace, self.line = trace, line
        self.call, self.sums, self.is_entrywise = _call(trace, line), None, False
        if self.call is not None:
            rng = np.random.default_rng(0)
            node = trace.nodes[line.id]
            assert node is not None
            others = [other(value, rng) for value in node._values[: len(self.call.values)]]
            self.others = others
            self.is_entrywise = is_entrywise(line, self.call, others)
            self.sums = step and Sums(trace, step, self.call, others)

    def at(self, index: Index) -> str | None:
        """Write how an entry was made, with letters and with numbers; None where it is not known.

        `x[0, 1] * y[0, 1] = 2 * 3`: what comes of it is not repeated.
        """
        if self.call is None:
            return None
        if self.is_entrywise:
            return substituted(self.trace, self.line, self.call, index)
        try:
            known = self._known(index)
            if known is None and self.sums:
                known = self.sums.at(index)
            return known or sliced(self.trace, self.line, self.call, self.others, index)
        except Exception:  # functions and rules may ask more of numbers than that they are some
            return None

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


def _call(trace: Trace, line: Line) -> Call | None:
    """Make a call ready to be run again; None where it cannot be, or would take long."""
    try:
        call = Call(trace, line.id)
    except UnrepeatableError:
        return None
    is_small = sum(map(np.size, call.values)) <= LARGEST
    return call if is_small and line.value.dtype.kind in "fiub" else None


def made_of(trace: Trace, line: Line, step: Step | None, at: Index) -> str | None:
    """Write how a call made an entry, as an equation; None where it is not known."""
    told = Workings(trace, line, step).at(at)
    value = number(line.value[at])
    return None if told is None else equation(line.name + bracketed(at), "=", told, value)


def added_of(trace: Trace, step: Step, c: Contribution, at: Index) -> str:
    """Write what a step adds to an entry of a gradient, as an equation."""
    told = products(path_sum(trace, step, c, at))
    return equation(trace.lines[c.to].d + bracketed(at), c.sign, told, number(c.share[at]))


def products(found: PathSum) -> str:
    """Write what a path adds to an entry of a gradient, with letters and with numbers."""
    if found.numbers and found.adds_up:  # a rule that works entry by entry
        return f"{found.formula} = {found.numbers}"
    terms = found.terms
    if not found.adds_up or not terms or (len(terms) == 1 and "·" not in str(terms[0])):
        return found.formula
    total = added(terms)
    return f"{found.formula} = {f'Re({total})' if found.real else total}"


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
