"""Where local derivatives stand: ∂z[n, 1]/∂W[0, 1] is x[n, 0], an entry of an operand of the call.

The names of the factors are guessed, and every guess is compared with all the numbers: with those
of the call, and with others that were drawn at random, since ones and equal operands tell nothing.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from minigrad.explain.data.model import Step, Trace
from minigrad.explain.data.shares import Values
from minigrad.graph import Array

Index = tuple[int, ...]


Axes = tuple[tuple[str, int], ...]  # of an index: ("g", 0), ("entry", 1), or ("one", 0)


class Form(NamedTuple):
    """What is made of an entry: as text, and as a number."""

    text: str
    value: Callable[[Any], Any]


PLAIN = Form("{}", lambda a: a * 1)
FORMS = (  # of a backward that was written by hand; those of ours are read
    PLAIN,
    Form("{0} · (1 − {0})", lambda a: a * (1 - a)),
    Form("(1 − {} ** 2)", lambda a: 1 - a**2),
    Form("({} > 0)", lambda a: (a > 0) * 1),
)


@dataclass
class Source:
    """An array whose entries are the local derivatives, and which of them."""

    name: str
    axes: Axes
    form: Form = PLAIN

    def at(self, place: Index, index: Index) -> Index:
        """Find the entry that belongs to the gradient's entry `place`."""
        picked = {"g": place, "entry": index}
        return tuple(0 if kind == "one" else picked[kind][axis] for kind, axis in self.axes)

    def lettered(self, letters: Sequence[str], index: Index) -> str:
        """Write its index with letters for what is summed over."""
        picked: dict[str, Sequence[Any]] = {"g": letters, "entry": index}
        parts = ["0" if kind == "one" else str(picked[kind][axis]) for kind, axis in self.axes]
        return self.form.text.format(f"{self.name}[{', '.join(parts)}]" if parts else self.name)


def placed(
    trace: Trace,
    step: Step,
    coefficients: Array,
    index: Index,
    others: Values | None,
    other_coefficients: Array | None,
) -> tuple[list[Index], Source | None]:
    """Tell which entries of the gradient have a part, and what they are multiplied by.

    What the call made of other numbers tells it: there no two are equal. Where those take another
    way through the call, or there are none, the numbers of the call themselves are looked at.
    """
    line = trace.lines[step.line]
    own = _nonzero(coefficients)
    if others is not None and other_coefficients is not None:
        places = _nonzero(other_coefficients)
        if np.array_equal(other_coefficients, coefficients):
            return own, None  # they hang on no operand
        drawn = [*zip(line.operands, others.arguments, strict=False), (step.line, others.output)]
        named = [(i, value) for i, value in drawn if i is not None and np.ndim(value) >= 0]
        for i, value in named:
            source = _found(trace.lines[i].name, value, other_coefficients, places, index)
            if source and _fits(source, trace.lines[i].value, coefficients, places, index):
                return places, source
        if places == own:
            return own, None  # numbers that stand nowhere
    if not own or np.all(np.abs(coefficients[coefficients != 0]) == 1):
        return own, None
    operands = [trace.lines[i] for i in line.operands if i is not None]
    known = [(operand.name, operand.value) for operand in operands]
    known += [*step.caches.items(), (line.name, line.value)]  # what a layer kept, it kept for this
    found = (_found(name, value, coefficients, own, index) for name, value in known)
    return own, next((source for source in found if source), None)


def _nonzero(coefficients: Array) -> list[Index]:
    return [tuple(map(int, place)) for place in np.argwhere(coefficients != 0)]


def _found(
    name: str, value: Any, coefficients: Array, places: list[Index], index: Index
) -> Source | None:
    """Look for the local derivatives among the entries of a value; every one is compared."""
    for axes in guesses(np.shape(value), len(places[0]), len(index)) if places else ():
        source = Source(name, axes)
        if _fits(source, np.asarray(value), coefficients, places, index):
            return source
    return None


def guesses(shape: Index, of_g: int, of_entry: int) -> Iterator[Axes]:
    """List the ways to index an array by the places of g's entry and of ours."""
    known = [("g", i) for i in range(of_g)] + [("entry", i) for i in range(of_entry)]
    aligned = tuple(("g", of_g - len(shape) + i) for i in range(len(shape)))
    if len(shape) <= of_g:  # entry by entry, broadcast
        yield tuple(("one", 0) if n == 1 else a for n, a in zip(shape, aligned, strict=True))
    if len(shape) <= 3 and len(known) <= 6:
        yield from itertools.permutations(known, len(shape))


def _fits(
    source: Source, array: Array, coefficients: Array, places: list[Index], index: Index
) -> bool:
    try:
        return all(array[source.at(place, index)] == coefficients[place] for place in places)
    except IndexError:
        return False
