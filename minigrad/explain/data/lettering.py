"""Sums written with letters: Σₖ x[1, k], and which numbers a letter stands for."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from minigrad.explain.data.factors import Index

SUBSCRIPTS = dict(zip("nmkjihabcdef", "ₙₘₖⱼᵢₕₐbcdef", strict=True))
OF_GRADIENTS = "nmkjihabcdef"  # the letters that sums over a gradient take, one after the other
OF_VALUES = "kmnjihabcdef"


class Lettered(NamedTuple):
    """An index in which letters stand for what is summed over."""

    place: list[Any]
    signs: str  # "Σₙ ", or nothing
    ranges: str  # " (k = 0 … 2)", where a letter leaves some out; else nothing

    def sum(self, product: str) -> str:
        """Write the sum of a product."""
        return f"{self.signs}{product}{self.ranges}"


def lettered(places: Sequence[Index], shape: Index, letters: str) -> Lettered | None:
    """Put a letter wherever entries differ; None where they are not all that the letters stand for.

    Args:
        places: the entries, all different; at least one.
        shape: of the array that they are of.
        letters: to take.

    >>> lettered([(1, 0), (1, 1)], (4, 3), OF_VALUES).sum("x[1, k]")
    'Σₖ x[1, k] (k = 0, 1)'
    """
    taken = _taken(places)
    if math.prod(map(len, taken)) != len(places):
        return None
    index: list[Any] = list(places[0])
    used, ranges = "", []
    for axis, numbers in enumerate(taken):
        if len(numbers) > 1:
            index[axis] = letters[len(used) % len(letters)]
            used += index[axis]
            if len(numbers) < shape[axis]:
                ranges.append(f"{index[axis]} = {_listed(numbers)}")
    signs = "".join(f"Σ{SUBSCRIPTS[letter]}" for letter in used) + " " * bool(used)
    return Lettered(index, signs, f" ({', '.join(ranges)})" if ranges else "")


class Derivative(NamedTuple):
    """Local derivatives that are entries of nothing that is known: ∂z[n, 1]/∂x[0, 1]."""

    of: str
    by: str

    def lettered(self, letters: Sequence[Any], index: Index) -> str:
        """Write it with letters for what is summed over."""
        return f"∂{self.of}{bracketed(letters)}/∂{self.by}{bracketed(index)}"


def box(places: Sequence[Index]) -> list[Index]:
    """List the entries that letters stand for, if they stand for these: all rows by all columns.

    >>> box([(0, 1), (2, 0)])
    [(0, 0), (0, 1), (2, 0), (2, 1)]
    """
    return [*itertools.product(*_taken(places))] if places else []


def _taken(places: Sequence[Index]) -> list[list[int]]:
    """List what stands at each axis."""
    return [sorted(set(numbers)) for numbers in zip(*places, strict=True)]


def _listed(numbers: Sequence[int]) -> str:
    """Write what a letter stands for: 0 … 2, or 0, 2, 4."""
    if len(numbers) > 2 and numbers[-1] - numbers[0] == len(numbers) - 1:
        return f"{numbers[0]} … {numbers[-1]}"
    return ", ".join(map(str, numbers))


def bracketed(index: Sequence[Any]) -> str:
    """Write an index as in NumPy; nothing for that of a single number."""
    return f"[{', '.join(map(str, index))}]" if len(index) else ""
