"""The gradients of an explanation beside finite differences, and a prediction that comes true."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from minigrad.explain.data.again import Rerun, reach
from minigrad.explain.data.model import Trace
from minigrad.explain.data.numbers import number
from minigrad.explain.letters import printable
from minigrad.explain.questions.differences import KINK, UNDEFINED, Leaf
from minigrad.explain.questions.suspects import suspects, told

SPARE = 4  # more entries that are tried where all of these are at kinks
ENTRIES = 25  # of each leaf that are compared, drawn at random where there are more
CALLS = (
    300_000  # that are run again, about: in a deep graph fewer entries of each leaf are compared
)
_NO_SLOPE = "the output is not finite there or a step away; health() finds where that begins"


@dataclass
class Nudge:
    """A small step of one entry: the change of the output that the gradient predicts, and the
    change that came.
    """

    entry: str
    step: float | complex
    predicted: float
    actual: float


@dataclass
class Verdict:
    """What finite differences say of one leaf's gradient."""

    name: str
    d: str  # the name of the gradient
    ok: bool
    compared: int  # entries
    of: int
    at_kinks: int  # of these; where the function has a kink there is no derivative to compare with
    not_finite: int  # of these; the function is not finite here or beside, and has no slope
    worst: float  # largest difference
    scale: float  # of the gradient
    blur: float  # the rounding of the differences, where that is what the agreement rests on
    nudge: Nudge | None

    @property
    def nothing_left(self) -> bool:
        """Whether no entry could be compared."""
        return 0 < self.compared == self.at_kinks + self.not_finite

    @property
    def mark(self) -> str:
        """✓ for agreement; ✗ for a difference, or no finite output; – at kinks alone."""
        return "✓" if self.ok else "–" if self.nothing_left and not self.not_finite else "✗"


@dataclass(repr=False)
class Check:
    """Verdicts for all leaves; `ok` when all agree. `cause` says why nothing could be compared,
    `hint` whose backward it is that gradients differ.
    """

    verdicts: list[Verdict]
    output: str
    cause: str = ""
    hint: str = ""

    @property
    def ok(self) -> bool:
        """Whether all leaves were compared and agree."""
        return not self.cause and all(verdict.ok for verdict in self.verdicts)

    def __str__(self) -> str:
        return printable("\n".join(_told(self)))

    __repr__ = __str__


def check(trace: Trace, rerun: Rerun, rng: np.random.Generator) -> Check:
    """Compare the gradients of all leaves with central differences."""
    assert trace.output is not None
    reached = [line for line in trace.leaves if line.gradient is not None]
    most = max(1, min(ENTRIES, CALLS // max(1, sum(3 * reach(trace, x.id) for x in reached))))
    with np.errstate(all="ignore"):  # what is not finite is told, and not warned of
        found, first = [], 0
        for line in reached:
            leaf = Leaf(line, rerun, first)
            found.append(_verdict(leaf, rng, most))
            first = leaf.first  # where kinks are near, they are near everywhere
    pairs = [*zip(reached, found, strict=True)]
    wrong = [line.id for line, verdict in pairs if verdict.mark == "✗" and not verdict.nothing_left]
    right = [line.id for line, verdict in pairs if verdict.ok and verdict.scale > 0]
    hint = told(trace, suspects(trace, wrong, right))
    return Check(found, trace.lines[trace.output].name, hint=hint)


def _verdict(leaf: Leaf, rng: np.random.Generator, most: int) -> Verdict:
    """Compare some entries of a leaf; if they are all at kinks, a few others."""
    line = leaf.line
    total = line.value.size
    chosen = range(total) if total <= most else rng.permutation(total)[: most + SPARE]
    order = [tuple(map(int, np.unravel_index(i, line.value.shape))) for i in chosen]
    found = [leaf.compared(place) for place in order[:most]]
    for place in order[most:]:
        if all(isinstance(pair, str) for pair in found):
            found.append(leaf.compared(place))
    compared = [pair for pair in found if not isinstance(pair, str)]
    worst = float(np.max([gap for gap, _ in compared], initial=0.0))  # a NaN stays one
    blur = max((blur for _, blur in compared), default=0.0)
    scale = float(np.max(np.abs(leaf.gradient), initial=0.0))
    ok = all(gap <= leaf.bar + blur for gap, blur in compared) and math.isfinite(scale)
    kinks, undefined = found.count(KINK), found.count(UNDEFINED)
    ok = ok and (bool(compared) or not total)
    nudge = _nudge(leaf) if total else None
    blurred = blur if ok and worst > leaf.bar else 0.0
    return Verdict(
        line.name, line.d, ok, len(found), total, kinks, undefined, worst, scale, blurred, nudge
    )


def _nudge(leaf: Leaf) -> Nudge:
    """Take a step where the gradient is largest, in the direction in which it is larger."""
    line = leaf.line
    flat = int(np.argmax(np.abs(leaf.gradient)))
    place = tuple(map(int, np.unravel_index(flat, line.value.shape)))
    size = max(1.0, abs(line.value[place].item()))
    step = 1e-3 * 10.0 ** math.floor(math.log10(size)) if math.isfinite(size) else 1e-3
    g = leaf.gradient[place].item()
    direction = 1j if abs(g.imag) > abs(g.real) else 1.0
    change = leaf.at(place, step * direction).sum - leaf.here.sum
    entry = line.name + (f"[{', '.join(map(str, place))}]" if place else "")
    return Nudge(entry, step * direction, (g * step * direction).real, change)


def _told(found: Check) -> Iterator[str]:
    if found.cause:
        yield f"not compared: {found.cause}"
        return
    names = max((len(verdict.d) for verdict in found.verdicts), default=0)
    yield "Backprop and finite differences"
    for v in found.verdicts:
        yield f"  {v.mark} {v.d.ljust(names)}  {_words(v)}"
    if found.hint:
        yield found.hint
    steps = [v.nudge for v in found.verdicts if v.nudge is not None]
    steps = [n for n in steps if math.isfinite(n.predicted + n.actual)]
    if steps:
        yield "A small step, and what the gradient predicts of it"
    for n in steps:
        yield (
            f"  {n.entry} + {number(n.step)}: {found.output} is to change by "
            f"{number(n.predicted)}, and changes by {number(n.actual)}"
        )


def _words(v: Verdict) -> str:
    """Say what became of one leaf."""
    entries = f"{v.compared} of {v.of} entries" if v.compared < v.of else f"{v.of} entries"
    entries = "1 entry" if v.of == 1 else entries
    if v.nothing_left:
        kinks = "at a kink, not checked: the slopes on its two sides differ"
        if not v.not_finite:
            return kinks
        beside = f"{v.at_kinks} at a kink, and elsewhere " if v.at_kinks else ""
        return f"not compared: {beside}{_NO_SLOPE}"
    told = "agree" if v.ok else "DIFFER"
    left = f", {v.at_kinks} at a kink left out" if v.at_kinks else ""
    left += f", {v.not_finite} without a finite slope left out" if v.not_finite else ""
    rounding = f", rounding {number(v.blur, 2)}" if v.blur else ""
    gap = f"largest difference {number(v.worst, 2)}{rounding}, largest gradient {number(v.scale)}"
    return f"{told} on {entries}{left}: {gap}"
