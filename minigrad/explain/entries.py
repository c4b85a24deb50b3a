"""One entry of a gradient, and every term of its sum: dW1[0, 1] = Σₙ x[n, 0] · dz[n, 1].

A rule is linear in the gradient of the output: what it makes is a sum over that gradient's entries,
each times a local derivative. The local derivatives are found by differentiating the rule by `g`;
for a backward that was written by hand, by running it on one entry at a time.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minigrad.backward import gradients
from minigrad.explain.model import Contribution, Line, Step, Trace
from minigrad.explain.numbers import MINUS, number
from minigrad.explain.shares import is_by_hand, refuse_complex, share_of
from minigrad.graph import Array
from minigrad.tensor import Tensor

Index = tuple[int, ...]
LETTERS = "nmkjihabcdef"
SUBSCRIPTS = dict(zip("nmkjihabcdef", "ₙₘₖⱼᵢₕₐbcdef", strict=True))
_MOST = 4096  # entries of a gradient that a backward by hand is run for, one by one


@dataclass
class Term:
    """One product: an entry of the incoming gradient, times a local derivative."""

    gradient: str  # dz[0, 1]
    g: float
    factor: str  # x[0, 0], where it is an entry of something; else ""
    local: float  # ∂z[0, 1] / ∂W[0, 1]

    @property
    def value(self) -> float:
        """The product; 0 where the gradient or the local derivative is."""
        return self.g * self.local if self.g and self.local else 0.0

    def __str__(self) -> str:
        g = _signed(self.g)
        if self.local == 1 and not self.factor:
            return g
        return f"{_signed(self.local)}·{g}"


@dataclass
class PathSum:
    """What one path adds to the entry."""

    path: int
    paths: int
    formula: str  # Σₙ x[n, 0] · dz[n, 1]
    terms: list[Term]
    value: float  # what the engine added
    adds_up: bool  # whether the terms' sum is that, but for rounding


@dataclass(repr=False)
class Entry:
    """One entry of a gradient: the sums along each path to it."""

    name: str  # dW1[0, 1]
    index: Index
    value: float
    sums: list[PathSum] = field(default_factory=list)

    def __str__(self) -> str:
        return "\n".join(_told(self))

    __repr__ = __str__


def entry_at(trace: Trace, name: str, index: Sequence[int]) -> Entry:
    """Take one entry of a gradient apart.

    Raises:
        KeyError: when nothing has the name.
        IndexError: when the index does not name one entry of it.
        ValueError: when no gradient reaches it.
        TypeError: when the graph has complex numbers.
    """
    refuse_complex(trace)
    line = trace.line(name)
    where = _checked(line, index)
    if line.gradient is None:
        raise ValueError(f"no gradient reaches {line.name}: it is {_kind(line)}")
    shown = line.d + _bracketed(where)
    entry = Entry(shown, where, float(line.gradient[where]))
    for step, c in trace.contributions_to(line.id):
        entry.sums.append(path_sum(trace, step, c, where))
    return entry


def path_sum(trace: Trace, step: Step, c: Contribution, index: Index) -> PathSum:
    """Write what one step adds to one entry as a sum of products."""
    value = c.share[index].item()
    is_complex = "c" in (c.share.dtype.kind, step.gradient.dtype.kind)
    coefficients = None if is_complex else local_derivatives(trace, step, c, index)
    if coefficients is None:
        rule = f"entry {_bracketed(index)} of {c.rule}" if index else c.rule
        return PathSum(c.path, c.paths, rule, [], value, False)
    places = [tuple(map(int, place)) for place in np.argwhere(coefficients != 0)]
    source = _source(trace, step, coefficients, places, index)
    line = trace.lines[step.line]
    terms = []
    for place in places:
        factor = "" if source is None else source.name + _bracketed(source.at(place, index))
        g, local = float(step.gradient[place]), float(coefficients[place])
        terms.append(Term(line.d + _bracketed(place), g, factor, local))
    total = sum(term.value for term in terms)
    scale = sum(abs(term.value) for term in terms) + abs(value)
    adds_up = bool(abs(total - value) <= 1e-5 * scale) or not np.isfinite(value)
    formula = _formula(line, source, places, coefficients, index)
    return PathSum(c.path, c.paths, formula, terms, value, adds_up)


def local_derivatives(trace: Trace, step: Step, c: Contribution, index: Index) -> Array | None:
    """Differentiate one entry that a rule makes by the gradient that it is given.

    None where the rule is written by hand and its gradient too large to go through.
    """
    if not is_by_hand(trace, step):
        g = Tensor(step.gradient)
        share = share_of(trace, step, c, g)
        if not isinstance(share, Tensor):
            return np.zeros(step.gradient.shape)
        return np.asarray(gradients(share[index], g))
    if step.gradient.size > _MOST:
        return None
    found = np.zeros(step.gradient.shape)
    for place in np.ndindex(found.shape):
        unit = np.zeros_like(step.gradient)
        unit[place] = 1
        found[place] = share_of(trace, step, c, unit)[index]
    return found


# ---- where the local derivatives stand -----------------------------------------------------------
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


def _source(
    trace: Trace, step: Step, coefficients: Array, places: list[Index], index: Index
) -> Source | None:
    """Look for a value of the call whose entries are the local derivatives; None if there is none.

    Every guess is compared with all of them.
    """
    if not places or np.all(np.abs(coefficients[coefficients != 0]) == 1):
        return None
    line = trace.lines[step.line]
    known = [trace.lines[i] for i in line.operands if i is not None] + [line]
    for candidate in known:
        for axes in _guesses(candidate.value.shape, len(places[0]), len(index)):
            source = Source(candidate.name, axes)
            if _fits(source, candidate.value, coefficients, places, index):
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


def _formula(
    line: Line, source: Source | None, places: list[Index], coefficients: Array, index: Index
) -> str:
    """Write the sum with letters: Σₙ x[n, 0] · dz[n, 1]."""
    if not places:
        return "0"
    varying = [len({place[i] for place in places}) > 1 for i in range(len(places[0]))]
    letters: list[Any] = list(places[0])
    used = ""
    for i, varies in enumerate(varying):
        if varies:
            letters[i] = LETTERS[len(used) % len(LETTERS)]
            used += letters[i]
    g = line.d + (f"[{', '.join(map(str, letters))}]" if letters else "")
    values = {float(coefficients[place]) for place in places}
    if source is not None:
        product = f"{source.lettered(letters, index)} · {g}"
    elif values == {1.0}:
        product = g
    elif values == {-1.0}:
        product = f"{MINUS}{g}"
    elif len(values) == 1:
        product = f"{_signed(values.pop())} · {g}"
    else:
        product = f"∂{line.name}[{', '.join(map(str, letters))}]/∂ · {g}"
    return "".join(f"Σ{SUBSCRIPTS[letter]}" for letter in used) + (" " if used else "") + product


# ---- in words ------------------------------------------------------------------------------------
def _told(entry: Entry, shown: int = 8) -> Iterator[str]:
    if not entry.sums:
        yield f"{entry.name} = {number(entry.value)}: the walk back begins here"
    for part in entry.sums:
        of = f"   # path {part.path} of {part.paths}" if part.paths > 1 else ""
        sign = "=" if part.path == 1 else "+="
        yield f"{entry.name} {sign} {part.formula}{of}"
        lead = " " * (len(entry.name) + len(sign) - 2)
        several = part.terms
        if len(several) > shown:  # those that matter come first
            several = sorted(several, key=lambda term: -abs(term.value))
        terms = [str(term) for term in several]
        if len(terms) == 1 and "·" not in terms[0]:
            terms = []
        more = f" + … {len(terms) - shown} smaller" if len(terms) > shown else ""
        total = number(part.value)
        if terms:
            yield f"{lead}  = {' + '.join(terms[:shown])}{more}"
        yield f"{lead}  = {total}"
        if part.terms and not part.adds_up:
            yield f"{lead}    # the terms do not add up to this: the rule is not linear"
    if len(entry.sums) > 1:
        parts = " + ".join(_signed(part.value) for part in entry.sums)
        yield f"{entry.name} = {parts} = {number(entry.value)}"


def _signed(x: float) -> str:
    text = number(x)
    return f"({text})" if text.startswith("-") else text


def _bracketed(index: Sequence[int]) -> str:
    return f"[{', '.join(map(str, index))}]" if len(index) else ""


def _kind(line: Line) -> str:
    return {"data": "data, a constant", "call": "not on the way back"}.get(line.kind, "a leaf")


def _checked(line: Line, index: Sequence[int]) -> Index:
    """Read an index of one entry, counted from the front."""
    shape = line.value.shape
    if len(index) != len(shape):
        raise IndexError(
            f"{line.name} has shape {shape}, and one entry of it has {len(shape)} indices, not "
            f"{len(index)}"
        )
    for i, n in zip(index, shape, strict=True):
        if not -n <= i < n:
            raise IndexError(f"{line.name} has shape {shape}, and no entry {_bracketed(index)}")
    return tuple(int(i) % n for i, n in zip(index, shape, strict=True))
