"""The questions of a quiz: hidden contributions that a person can work out from what is shown."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minigrad.explain.data.model import Contribution, Line, Step, Trace
from minigrad.explain.data.numbers import any_of
from minigrad.graph import Array

TOLERANCE = 0.01  # of the answer: enough digits to show that it was worked out
LARGEST = 24  # entries of an array that a person may be asked to look at


@dataclass
class Question:
    """One hidden contribution: what a call adds to one entry of the gradient of an operand."""

    number: int
    call: str  # total = bag * tax
    target: str  # dtotal, or dW[0, 1]
    shown: list[tuple[str, str]]  # names and values that the answer is made of
    rule: str  # dtotal = dprice * tax: the hint
    place: str  # "path 2 of 3; the sum so far is 4.5", or ""
    answer: float
    hint: str = ""  # which of what is shown it is made of
    values: dict[str, Array] = field(default_factory=dict)  # of what is shown, for expressions
    slips: dict[str, float] = field(default_factory=dict)  # words about a wrong answer -> that one
    tries: list[str] = field(default_factory=list)
    right: bool = False

    def __str__(self) -> str:
        width = max(len(name) for name, _ in self.shown)
        lines = [f"{self.number}.  {self.call}"]
        for name, value in self.shown:
            indent = " " * (width + 7)
            lines.append(f"    {name.rjust(width)} = " + value.replace("\n", "\n" + indent))
        place = f"   ({self.place})" if self.place else ""
        return "\n".join([*lines, f"    What does this call add to {self.target}?{place}"])


def questions_of(trace: Trace, most: int, rng: np.random.Generator) -> list[Question]:
    """Draw so many questions at most, in the order in which the walk back comes by."""
    found = list(_askable(trace))
    chosen = sorted(rng.permutation(len(found))[:most].tolist())
    return [
        _question(trace, number, found[i][0], found[i][1], rng)
        for number, i in enumerate(chosen, 1)
    ]


def _askable(trace: Trace) -> Iterator[tuple[Step, Contribution]]:
    """List the contributions that a person can work out with what fits on the screen."""
    for step in trace.steps:
        arrays = [line.value for line in _seen(trace, step)] + [*step.caches.values()]
        if not all(map(_fits_a_screen, (step.gradient, *arrays))):
            continue
        for contribution in step.contributions:
            share = contribution.share
            if share.size and _fits_a_screen(share) and np.all(np.isfinite(share)):
                yield step, contribution


def _fits_a_screen(array: Array) -> bool:
    """Tell whether a person may be asked to look at an array: few entries, and real ones."""
    return np.size(array) <= LARGEST and not np.iscomplexobj(array)


def _seen(trace: Trace, step: Step) -> list[Line]:
    """List what the rules of a step may ask for: operands, each once, and the output."""
    ids = dict.fromkeys([*trace.lines[step.line].operands, step.line])
    return [trace.lines[i] for i in ids if i is not None]


def _question(
    trace: Trace, number: int, step: Step, part: Contribution, rng: np.random.Generator
) -> Question:
    call, to = trace.lines[step.line], trace.lines[part.to]
    entry = _entry(part.share, rng)
    shown = [(line.name, in_full(line.value)) for line in _seen(trace, step)]
    shown += [(name, in_full(np.asarray(value))) for name, value in step.caches.items()]
    shown.append((call.d, in_full(step.gradient)))
    place = ""
    if part.path > 1:
        before = float(part.running[entry] - part.share[entry])
        place = f"path {part.path} of {part.paths}; the sum so far is {before:.6g}"
    elif part.paths > 1:
        place = f"path 1 of {part.paths}"
    index = f"[{', '.join(map(str, entry))}]" if entry else ""
    answer = float(part.share[entry])
    rule = f"{to.d} {part.sign} {part.rule}"
    known = {line.name: line.value for line in _seen(trace, step)} | step.caches
    known[call.d] = step.gradient
    return Question(
        number=number,
        call=f"{call.name} = {call.call}",
        target=to.d + index,
        shown=shown,
        rule=rule,
        place=place,
        answer=answer,
        hint=_hint(part.rule, known),
        values=known,
        slips=_slips(trace, step, part, entry, answer),
    )


def _hint(rule: str, known: Mapping[str, Array]) -> str:
    """Say what the rule reads, without how.

    >>> _hint("dprice * tax", {"bag": np.ones(()), "tax": np.ones(()), "dprice": np.ones(())})
    'It is made of dprice and tax. '
    """
    read = list(dict.fromkeys(any_of(known).findall(rule))) or [*known][-1:]
    return f"It is made of {', '.join(read[:-1])}{' and ' * (len(read) > 1)}{read[-1]}. "


def _entry(share: Array, rng: np.random.Generator) -> tuple[int, ...]:
    """Draw an entry, three times out of four one that is not 0."""
    places = np.flatnonzero(share)
    if not len(places) or rng.random() < 0.25:
        places = np.arange(share.size)
    flat = int(rng.choice(places))
    return tuple(int(i) for i in np.unravel_index(flat, share.shape))


def _slips(
    trace: Trace, step: Step, part: Contribution, entry: tuple[int, ...], answer: float
) -> dict[str, float]:
    """Say for wrong answers that are often given what they are."""
    slips = {"The size is right; look at the sign. ": -answer}
    if part.path > 1:
        total = float(part.running[entry])
        slips["That is the sum of the paths so far; asked is what this one adds. "] = total
    if step.gradient.shape == part.share.shape:
        incoming = float(step.gradient[entry])
        slips["That is the gradient that comes in; the call's own derivative is missing. "] = (
            incoming
        )
        if incoming:
            local = answer / incoming
            slips["That is the call's own derivative; the gradient that comes in is missing. "] = (
                local
            )
    for other in step.contributions:
        if other.to != part.to and other.share.shape == part.share.shape:
            d = trace.lines[other.to].d
            words = f"That is what the call adds to {d}: the other operand is the factor here. "
            slips[words] = float(other.share[entry])
    return {words: wrong for words, wrong in slips.items() if not close(wrong, answer)}


def in_full(value: Array) -> str:
    """Write an array with six digits, rows under each other.

    >>> in_full(np.array([[1.0, 0.25]])), in_full(np.array(2.0))
    ('[[1, 0.25]]', '2')
    """
    array = np.asarray(value)
    if array.dtype.kind == "f":
        formatter: Any = {"float_kind": _six_digits}
        return np.array2string(array, separator=", ", formatter=formatter)
    return np.array2string(array * 1, separator=", ")  # a mask is of ones and zeros


def _six_digits(x: np.floating[Any]) -> str:
    return f"{x + 0.0:.6g}"  # − 0 is 0


def close(given: float, wanted: float) -> bool:
    """Whether an answer is right.

    >>> close(2.21, 2.2), close(2.3, 2.2), close(float("nan"), 2.2)
    (True, False, False)
    """
    return math.isfinite(given) and abs(given - wanted) <= TOLERANCE * abs(wanted) + 1e-9
