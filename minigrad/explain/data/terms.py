"""One entry of a gradient as text: the formula, the products, and what they come to."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from minigrad.explain.data.factors import Index
from minigrad.explain.data.numbers import number
from minigrad.explain.letters import printable

SHOWN = 8  # products of a sum; of more, the largest
LISTED = 12  # terms of a sum on a page
Number: TypeAlias = float | complex


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
    rule: str = ""  # where the formula has bare numbers: the rule that they come from
    numbers: str = ""  # the formula with numbers, where it is a rule at one entry: 0.5 · (1 − 0.5)


@dataclass(repr=False)
class Entry:
    """One entry of a gradient: the sums along each path to it."""

    name: str  # dW1[0, 1]
    index: Index
    value: Number
    sums: list[PathSum] = field(default_factory=list)

    def __str__(self) -> str:
        width = max(60, shutil.get_terminal_size((100, 24)).columns)
        return printable("\n".join(_told(self, width)))

    __repr__ = __str__


# ---- in words ------------------------------------------------------------------------------------
def _told(entry: Entry, width: int) -> Iterator[str]:
    if not entry.sums:
        yield f"{entry.name} = {number(entry.value)}: the walk back begins here"
    for part in entry.sums:
        sign = "=" if part.path == 1 else "+="
        lead = " " * min(len(entry.name) + len(sign), width // 3)
        notes = [f"path {part.path} of {part.paths}"] * (part.paths > 1)
        if len(part.terms) > SHOWN:  # those that matter come first
            notes.append(f"{len(part.terms)} terms, the largest first")
        notes += [f"by {part.rule}"] * bool(part.rule)
        head, note = f"{entry.name} {sign} {part.formula}", f"# {'; '.join(notes)}" if notes else ""
        if note and len(head) + len(note) + 3 <= width:
            head, note = f"{head}   {note}", ""
        yield from _rows(head, width, lead)
        yield from _rows(f"{lead}  {note}" if note else "", width, lead)
        texts = [part.numbers, _sum(part), number(part.value)]
        for text in (text for k, text in enumerate(texts) if text and text not in texts[k + 1 :]):
            yield from _rows(f"{lead}= {text}", width, lead)
        if part.terms and not part.adds_up:
            note = "# the terms do not add up to this: the rule is not linear"
            yield from _rows(f"{lead}  {note}", width, lead)
    if len(entry.sums) > 1:
        parts = " + ".join(signed(part.value) for part in entry.sums)
        yield f"{entry.name} = {parts} = {number(entry.value)}"


def _rows(text: str, width: int, lead: str) -> Iterator[str]:
    """Break a text where something is added or multiplied, and go on under the `=`."""
    row = ""
    for part in re.split(r" (?=[+·] )", text):
        if row and len(row) + 1 + len(part) > width:
            yield row
            row = f"{lead}  {part}"
        else:
            row += f" {part}" if row else part
    if row:
        yield row


def _sum(part: PathSum) -> str:
    """Write the products of a sum, the largest of many, and what the others come to."""
    terms = part.terms
    if len(terms) == 1 and "·" not in str(terms[0]):
        return ""
    rest: list[Term] = []
    if len(terms) > SHOWN:
        largest = sorted(terms, key=lambda term: -abs(term.value))
        terms, rest = largest[:SHOWN], largest[SHOWN:]
    added = " + ".join(map(str, terms))
    if rest:
        added += f" + {len(rest)} smaller, together {number(sum(term.value for term in rest))}"
    return f"Re({added})" if part.real and added else added


def added(terms: Sequence[Any]) -> str:
    """Write a sum of terms on one line, the first of many."""
    many = len(terms) > LISTED + 1
    texts = [str(term) for term in (terms[:LISTED] if many else terms)]
    if len(terms) == 1 and "·" not in texts[0]:
        return texts[0].strip("()")
    more = f" + … {len(terms) - LISTED} more" if many else ""
    return f"{' + '.join(texts)}{more}" if terms else "0"


def signed(x: Number) -> str:
    """Write a factor: in brackets when it has a sign, or two parts.

    >>> signed(2.0), signed(-2.0), signed(1 - 2j), signed(1 + 0j)
    ('2', '(-2)', '(1-2j)', '1')
    """
    x = x.real if x.imag == 0 else x
    text = number(x)
    return f"({text})" if text.startswith("-") or isinstance(x, complex) else text
