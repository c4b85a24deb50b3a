"""Where local derivatives stand: ∂z[n, 1]/∂W[0, 1] is x[n, 0], an entry of an operand of the call.

The names of the factors are guessed, and every guess is compared with all the numbers.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from minigrad.explain.data.model import Step, Trace
from minigrad.graph import Array

Index = tuple[int, ...]


@dataclass
class Source:
    """An array whose entries are the local derivatives, and which of them."""

    name: str
    axes: tuple[tuple[str, int], ...]  # of its index: ("g", 0), ("entry", 1), or ("one", 0)

    def at(self, place: Index, index: Index) -> Index:
        """Find the entry that belongs to the gradient's entry `place`."""
        picked = {"g": place, "entry": index}
        return tuple(0 if kind == "one" else picked[kind][axis] for kind, axis in self.axes)

    def lettered(self, letters: Sequence[str], index: Index) -> str:
        """Write its index with letters for what is summed over."""
        picked: dict[str, Sequence[Any]] = {"g": letters, "entry": index}
        parts = ["0" if kind == "one" else str(picked[kind][axis]) for kind, axis in self.axes]
        return f"{self.name}[{', '.join(parts)}]" if parts else self.name


def source_of(
    trace: Trace, step: Step, coefficients: Array, places: list[Index], index: Index
) -> Source | None:
    """Look for a value of the call whose entries are the local derivatives; None if there is none.

    Every guess is compared with all of them.
    """
    if not places or np.all(np.abs(coefficients[coefficients != 0]) == 1):
        return None
    line = trace.lines[step.line]
    operands = [trace.lines[i] for i in line.operands if i is not None]
    known = [(operand.name, operand.value) for operand in operands]
    known += [*step.caches.items(), (line.name, line.value)]  # what a layer kept, it kept for this
    for name, value in known:
        for axes in _guesses(value.shape, len(places[0]), len(index)):
            source = Source(name, axes)
            if _fits(source, value, coefficients, places, index):
                return source
    return None


def _guesses(shape: Index, of_g: int, of_entry: int) -> Iterator[tuple[tuple[str, int], ...]]:
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
