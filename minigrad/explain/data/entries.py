"""One entry of a gradient, and every term of its sum: dW1[0, 1] = Σₙ x[n, 0] · dz[n, 1].

A rule is linear in the gradient of the output: what it makes is a sum over that gradient's entries,
each times a local derivative. Of complex numbers it is so over the real numbers: conjugates and
real parts stand beside the products.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from minigrad.explain.data.asked import entry_asked, line_asked
from minigrad.explain.data.factors import Index, Source, placed
from minigrad.explain.data.model import Contribution, Line, Step, Trace
from minigrad.explain.data.numbers import MINUS, number
from minigrad.explain.data.shares import Values, Weights, drawn, local_derivatives
from minigrad.explain.letters import printable

Number: TypeAlias = float | complex

LETTERS = "nmkjihabcdef"
SUBSCRIPTS = dict(zip("nmkjihabcdef", "ₙₘₖⱼᵢₕₐbcdef", strict=True))


@dataclass
class Term:
    """One product: an entry of the incoming gradient, times a local derivative."""

    gradient: str  # dz[0, 1], or conj(dz[0, 1])
    g: Number
    factor: str  # x[0, 0], where it is an entry of something; else ""
    local: Number  # ∂z[0, 1] / ∂W[0, 1]

    @property
    def value(self) -> Number:
        """The product; 0 where the gradient or the local derivative is."""
        return self.g * self.local if self.g and self.local else 0.0

    def __str__(self) -> str:
        g = signed(self.g)
        if self.local == 1 and not self.factor:
            return g
        return f"{signed(self.local)}·{g}"


@dataclass
class PathSum:
    """What one path adds to the entry."""

    path: int
    paths: int
    formula: str  # Σₙ x[n, 0] · dz[n, 1]
    terms: list[Term]
    value: Number  # what the engine added
    adds_up: bool  # whether the terms' sum is that, but for rounding
    real: bool = False  # whether it is the real part of their sum: a real number of complex ones


@dataclass(repr=False)
class Entry:
    """One entry of a gradient: the sums along each path to it."""

    name: str  # dW1[0, 1]
    index: Index
    value: Number
    sums: list[PathSum] = field(default_factory=list)

    def __str__(self) -> str:
        return printable("\n".join(_told(self)))

    __repr__ = __str__


def entry_at(trace: Trace, name: str, index: Sequence[int]) -> Entry:
    """Take one entry of a gradient apart.

    Raises:
        KeyError: when nothing has the name.
        IndexError: when the index does not name one entry of it.
        TypeError: when the name or the index is none.
        ValueError: when no gradient reaches it.
    """
    line = line_asked(trace, name)
    where = entry_asked(line, index)
    if line.gradient is None:
        raise ValueError(f"no gradient reaches {line.name}: it is {_kind(line)}")
    shown = line.d + _bracketed(where)
    entry = Entry(shown, where, line.gradient[where].item())
    for step, c in trace.contributions_to(line.id):
        entry.sums.append(path_sum(trace, step, c, where))
    return entry


def path_sum(trace: Trace, step: Step, c: Contribution, index: Index) -> PathSum:
    """Write what one step adds to one entry as a sum of products."""
    value = c.share[index].item()
    found = local_derivatives(trace, step, c, index)
    if found is None:
        rule = f"entry {_bracketed(index)} of {c.rule}" if index else c.rule
        return PathSum(c.path, c.paths, rule, [], value, False)
    formulas, terms = [], []
    others, drawn_weights = _on_others(trace, step, c, index, len(found))
    for weights, of_others in zip(found, drawn_weights, strict=True):
        places, source = placed(trace, step, weights.of, index, others, of_others)
        formula, several = _products(
            trace, step, weights, index, places, source, trace.lines[c.to].name
        )
        formulas.append(formula)
        terms += several
    real = step.gradient.dtype.kind == "c" and c.share.dtype.kind != "c"
    formula = " + ".join(formulas) or "0"
    total = sum(term.value for term in terms)
    total = total.real if real else total
    scale = sum(abs(term.value) for term in terms) + abs(value)
    adds_up = bool(abs(total - value) <= 1e-5 * scale) or not np.isfinite(value)
    formula = f"Re({formula})" if real else formula
    return PathSum(c.path, c.paths, formula, terms, value, adds_up, real)


def _on_others(
    trace: Trace, step: Step, c: Contribution, index: Index, count: int
) -> tuple[Values | None, list[Any]]:
    """Differentiate the same entry where the call has other numbers, as far as it can."""
    others = drawn(trace, step)
    try:
        found = others and local_derivatives(trace, step, c, index, others)
    except Exception:  # a rule may ask more of numbers than that they are some
        found = None
    if not found or len(found) != count or not all(np.all(np.isfinite(w.of)) for w in found):
        return None, [None] * count
    return others, [weights.of for weights in found]


def _products(
    trace: Trace,
    step: Step,
    weights: Weights,
    index: Index,
    places: list[Index],
    source: Source | None,
    to: str,
) -> tuple[str, list[Term]]:
    """Write the products of a gradient's entries with their weights: as a formula, and each."""
    line = trace.lines[step.line]
    terms = []
    for place in places:
        factor = "" if source is None else source.name + _bracketed(source.at(place, index))
        g = step.gradient[place].item()
        told = line.d + _bracketed(place)
        if weights.conjugate:
            g, told = g.conjugate(), f"conj({told})"
        terms.append(Term(told, g, factor, weights.of[place].item()))
    return _formula(line, source, places, weights, index, to), terms


# ---- in letters ---------------------------------------------------------------------------------
def _formula(
    line: Line, source: Source | None, places: list[Index], weights: Weights, index: Index, to: str
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
    if weights.conjugate:
        g = f"conj({g})"
    values = {weights.of[place].item() for place in places}
    if source is not None:
        product = f"{source.lettered(letters, index)} · {g}"
    elif values == {1.0}:
        product = g
    elif values == {-1.0}:
        product = f"{MINUS}{g}"
    elif len(values) == 1:
        product = f"{signed(values.pop())} · {g}"
    else:
        by = to + _bracketed(index)
        product = f"∂{line.name}[{', '.join(map(str, letters))}]/∂{by} · {g}"
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
            added = f"{' + '.join(terms[:shown])}{more}"
            yield f"{lead}  = {f'Re({added})' if part.real else added}"
        yield f"{lead}  = {total}"
        if part.terms and not part.adds_up:
            yield f"{lead}    # the terms do not add up to this: the rule is not linear"
    if len(entry.sums) > 1:
        parts = " + ".join(signed(part.value) for part in entry.sums)
        yield f"{entry.name} = {parts} = {number(entry.value)}"


def signed(x: Number) -> str:
    """Write a factor: in brackets when it has a sign, or two parts.

    >>> signed(2.0), signed(-2.0), signed(1 - 2j), signed(1 + 0j)
    ('2', '(-2)', '(1-2j)', '1')
    """
    x = x.real if x.imag == 0 else x
    text = number(x)
    return f"({text})" if text.startswith("-") or isinstance(x, complex) else text


def _bracketed(index: Sequence[int]) -> str:
    return f"[{', '.join(map(str, index))}]" if len(index) else ""


def _kind(line: Line) -> str:
    return {"data": "data, a constant", "call": "not on the way back"}.get(line.kind, "a leaf")
