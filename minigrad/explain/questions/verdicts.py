"""What finite differences say of each leaf, and how it is told: the verdict first."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from minigrad.explain.data.numbers import number
from minigrad.explain.questions.nudges import Nudge

LISTED = 12  # leaves that agree; more are counted
_NO_SLOPE = "the output is not finite there or a step away; health() finds where that begins"
_KINK = "at a kink, not checked: the slopes on its two sides differ"
_COARSE = "too coarse to tell: the rounding of the differences is more than a thousandth of it"


@dataclass
class Verdict:
    """What finite differences say of one leaf's gradient."""

    name: str
    d: str  # the name of the gradient
    ok: bool
    compared: int = 0  # entries; none where the leaf cannot be moved
    of: int = 0
    at_kinks: int = 0  # of these; where the function has a kink there is no derivative
    not_finite: int = 0  # of these; the function is not finite here or beside, and has no slope
    too_coarse: int = 0  # of these; rounding hides whether the slope is the gradient
    worst: float = 0.0  # largest difference
    scale: float = 0.0  # of the gradient
    blur: float = 0.0  # rounding of the differences, where that is what the agreement rests on
    nudge: Nudge | None = None

    @property
    def told(self) -> int:
        """How many entries could be compared, and tell something."""
        return self.compared - self.at_kinks - self.not_finite - self.too_coarse

    @property
    def nothing_left(self) -> bool:
        """Whether no entry could be compared."""
        return bool(self.of) and not self.told

    @property
    def mark(self) -> str:
        """✓ for agreement; ✗ for a difference, or no finite output; – where nothing was told."""
        return "✓" if self.ok else "–" if self.nothing_left and not self.not_finite else "✗"


def lines(found: Sequence[Verdict], output: str, hint: str) -> Iterator[str]:
    """Tell how many differ and whose backward it is, then the leaves, then a small step of each."""
    yield f"Backprop and finite differences: {_counted(found)}"
    if hint:
        yield hint
    names = max((len(v.d) for v in found), default=0)
    good = [v for v in found if v.mark == "✓"]
    rest = [v for mark in "✗–" for v in found if v.mark == mark]
    shown = rest + good * (len(good) <= LISTED)
    for v in shown:
        yield f"  {v.mark} {v.d.ljust(names)}  {_words(v)}"
    if len(good) > LISTED:
        yield f"  ✓ {len(good)} {'other ' if rest else ''}leaves agree"
    yield from _steps([v.nudge for v in shown[:LISTED]], output)


def _counted(found: Sequence[Verdict]) -> str:
    """Count the leaves that agree, and others first."""
    n, untold = len(found), sum(v.nothing_left for v in found)
    wrong = sum(not v.ok for v in found) - untold
    if n == 1:
        return "they differ" if wrong else "nothing could be compared" if untold else "they agree"
    differ = f"{wrong} of {n} leaves {'differs' if wrong == 1 else 'differ'}"
    unchecked = f"{untold} of {n} leaves could not be checked"
    told = [differ] * bool(wrong) + [unchecked] * bool(untold)
    return "; ".join(told) or f"all {n} leaves agree"


def _steps(nudges: Sequence[Nudge | None], output: str) -> Iterator[str]:
    steps = [n for n in nudges if n and math.isfinite(n.predicted + n.actual)]
    if steps:
        yield "A small step, and what the gradient predicts of it"
    for n in steps:
        crossing = ": the step crosses a kink, however small" if n.kink else ""
        yield (
            f"  {n.entry} + {number(n.step)}: {output} is to change by "
            f"{number(n.predicted)}, and changes by {number(n.actual)}{crossing}"
        )


def _words(v: Verdict) -> str:
    """Say what became of one leaf."""
    if v.nothing_left:
        return _nothing(v)
    entries = f"{v.compared} of {v.of} entries" if v.compared < v.of else f"{v.of} entries"
    entries = "1 entry" if v.of == 1 else entries
    told = "agree" if v.ok else "DIFFER"
    left = f", {v.at_kinks} at a kink left out" if v.at_kinks else ""
    left += f", {v.not_finite} without a finite slope left out" if v.not_finite else ""
    left += f", {v.too_coarse} too coarse to tell left out" if v.too_coarse else ""
    rounding = f", rounding {number(v.blur, 2)}" if v.blur else ""
    gap = f"largest difference {number(v.worst, 2)}{rounding}, largest gradient {number(v.scale)}"
    return f"{told} on {entries}{left}: {gap}"


def _nothing(v: Verdict) -> str:
    """Say why no entry was compared."""
    if not v.compared:
        return "not checked: each forward pass makes it anew, so that it cannot be moved"
    if v.not_finite:
        beside = f"{v.at_kinks} at a kink, and elsewhere " if v.at_kinks else ""
        return f"not compared: {beside}{_NO_SLOPE}"
    if v.too_coarse:
        return f"{_COARSE}, largest gradient {number(v.scale)}"
    return _KINK
