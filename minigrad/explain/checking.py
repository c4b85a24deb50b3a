"""The gradients of an explanation beside finite differences, and a prediction that comes true."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from minigrad.explain.again import Rerun
from minigrad.explain.entries import Index
from minigrad.explain.model import Line, Trace
from minigrad.explain.numbers import number
from minigrad.explain.shares import refuse_complex
from minigrad.graph import Array

ENTRIES = 25  # of each leaf that are compared, drawn at random where there are more
_NO_SLOPE = "the output is not finite there or a step away; health() finds where that begins"
_TOLERANCE = {"float64": 1e-5, "float32": 1e-2, "float16": 0.2}


@dataclass
class Nudge:
    """A small step of one entry: the change of the output that the gradient predicts, and the
    change that came.
    """

    entry: str
    step: float
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
    nudge: Nudge | None


@dataclass(repr=False)
class Check:
    """Verdicts for all leaves; `ok` when all agree. `cause` says why nothing could be compared."""

    verdicts: list[Verdict]
    output: str
    cause: str = ""

    @property
    def ok(self) -> bool:
        """Whether all leaves were compared and agree."""
        return not self.cause and all(verdict.ok for verdict in self.verdicts)

    def __str__(self) -> str:
        return "\n".join(_told(self))

    __repr__ = __str__


def check(trace: Trace, rerun: Rerun, rng: np.random.Generator) -> Check:
    """Compare the gradients of all leaves with central differences."""
    refuse_complex(trace)
    assert trace.output is not None
    reached = [line for line in trace.leaves if line.gradient is not None]
    with np.errstate(all="ignore"):  # what is not finite is told, and not warned of
        found = [_verdict(trace, line, rerun, rng) for line in reached]
    return Check(found, trace.lines[trace.output].name)


def _verdict(trace: Trace, line: Line, rerun: Rerun, rng: np.random.Generator) -> Verdict:
    assert line.gradient is not None
    total = line.value.size
    places = list(np.ndindex(line.value.shape))
    if total > ENTRIES:
        places = [places[i] for i in sorted(rng.choice(total, ENTRIES, replace=False))]
    scale = float(np.max(np.abs(line.gradient), initial=0.0))
    gaps: list[float] = []
    kinks, undefined = 0, 0
    for place in places:
        left, right = _slopes(trace, line, rerun, place)
        g = float(line.gradient[place])
        if not math.isfinite(left + right):
            undefined += 1
        elif abs(left - right) > 1e-3 * (scale + abs(left) + abs(right)) + 1e-7:
            kinks += 1
        else:
            gaps.append(abs((left + right) / 2 - g))
    worst = float(np.max(gaps, initial=0.0))  # a NaN stays one
    tolerance = _TOLERANCE.get(str(line.value.dtype), 1e-2)
    ok = worst <= tolerance * max(scale, 1e-6) and math.isfinite(scale)
    ok = ok and (undefined < len(places) or not places)
    nudge = _nudge(trace, line, rerun) if total else None
    return Verdict(line.name, line.d, ok, len(places), total, kinks, undefined, worst, scale, nudge)


def _slopes(trace: Trace, line: Line, rerun: Rerun, place: Index) -> tuple[float, float]:
    """Slopes to the left and to the right."""
    h = 1e-5 * max(1.0, abs(float(line.value[place])))
    here, above, below = (_at(trace, line, rerun, place, d) for d in (0.0, h, -h))
    return (here - below) / h, (above - here) / h


def _at(trace: Trace, line: Line, rerun: Rerun, place: Index, step: float) -> float:
    """The output, summed, with one entry of a leaf moved by `step`."""
    values: Array = line.value.astype(np.float64)
    values[place] += step
    return float(np.sum(rerun(line.id, values)))


def _nudge(trace: Trace, line: Line, rerun: Rerun) -> Nudge:
    """Take a step where the gradient is largest."""
    assert line.gradient is not None
    flat = int(np.argmax(np.abs(line.gradient)))
    place = tuple(map(int, np.unravel_index(flat, line.value.shape)))
    size = max(1.0, abs(float(line.value[place])))
    step = 1e-3 * 10.0 ** math.floor(math.log10(size)) if math.isfinite(size) else 1e-3
    change = _at(trace, line, rerun, place, step) - _at(trace, line, rerun, place, 0.0)
    entry = line.name + (f"[{', '.join(map(str, place))}]" if place else "")
    return Nudge(entry, step, float(line.gradient[place]) * step, change)


def _told(found: Check) -> Iterator[str]:
    if found.cause:
        yield f"not compared: {found.cause}"
        return
    names = max((len(verdict.d) for verdict in found.verdicts), default=0)
    yield "Backprop and finite differences"
    for v in found.verdicts:
        mark = "✓" if v.ok else "✗"
        entries = f"{v.compared} of {v.of} entries" if v.compared < v.of else f"{v.of} entries"
        entries = "1 entry" if v.of == 1 else entries
        if v.not_finite and not v.ok and v.not_finite + v.at_kinks == v.compared:
            yield f"  {mark} {v.d.ljust(names)}  not compared: {_NO_SLOPE}"
            continue
        told = "agree" if v.ok else "DIFFER"
        kinks = f", {v.at_kinks} at a kink left out" if v.at_kinks else ""
        kinks += f", {v.not_finite} without a finite slope left out" if v.not_finite else ""
        gap = f"largest difference {number(v.worst, 2)}, largest gradient {number(v.scale)}"
        yield f"  {mark} {v.d.ljust(names)}  {told} on {entries}{kinks}: {gap}"
    yield "A small step, and what the gradient predicts of it"
    for v in found.verdicts:
        if v.nudge is not None and math.isfinite(v.nudge.predicted + v.nudge.actual):
            n = v.nudge
            yield (
                f"  {n.entry} + {number(n.step)}: {found.output} is to change by "
                f"{number(n.predicted)}, and changes by {number(n.actual)}"
            )
