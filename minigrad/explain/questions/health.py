"""What is wrong with a pass, in plain words: dead units, saturation, gradients that vanish, NaN."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from minigrad.explain.data.lettering import bracketed
from minigrad.explain.data.located import Place, located_in
from minigrad.explain.data.model import Line, Trace
from minigrad.explain.data.numbers import number
from minigrad.explain.letters import printable
from minigrad.explain.questions.activations import activation
from minigrad.graph import Array

Locate = Callable[[Trace, Line], "Place | None"]
_RATIO = 1000.0  # between the gradients of two layers, to be called vanishing or exploding
_LISTED = 20  # activations that are told one by one
_SHARE = 0.5  # of units that are dead or saturated, to be called a problem
_NOTED = 0.1  # of entries that are saturated, to have no tick
_STEEP = 0.25  # of all that a gradient changes by, between two neighbours, to be told of them


@dataclass
class Finding:
    """One thing that was looked at, and whether it is a problem."""

    kind: str  # failed, finite, dead, saturated, vanishing, exploding, gradients
    problem: bool
    line: int | None
    words: str
    noted: bool = False  # no problem yet, and nothing to be glad of: some units are dead

    @property
    def mark(self) -> str:
        """✗ for a problem, – for what is worth knowing, ✓ for what is well."""
        return "✗" if self.problem else "–" if self.noted else "✓"


@dataclass(repr=False)
class Health:
    """All findings; `ok` when none is a problem."""

    findings: list[Finding]

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not any(finding.problem for finding in self.findings)

    def __str__(self) -> str:
        return printable("\n".join(f"{f.mark} {f.words}" for f in self.findings))

    __repr__ = __str__


def health(trace: Trace, locate: Locate) -> Health:
    """Look for what keeps a network from learning."""
    findings = [*_failed(trace), *_not_finite(trace, locate)]
    units = [finding for line in trace.lines for finding in _units(trace, line)]
    bad = sorted((f for f in units if f.mark != "✓"), key=lambda f: not f.problem)
    if len(units) > _LISTED:
        good = len(units) - len(bad)
        words = f"{good} of {len(units)} activations have no dead units, and are not saturated"
        units = [*bad[:_LISTED], Finding("units", False, None, words)]
    findings += units
    findings += _ratios(trace)
    return Health(findings)


def _failed(trace: Trace) -> Iterator[Finding]:
    if trace.failure is not None:
        at = f" at {trace.failure.call}" if trace.failure.call else ""
        told = f"the {trace.failure.phase} pass failed{at}: what follows was not looked at"
        yield Finding("failed", True, None, told)


# ---- numbers that are none -----------------------------------------------------------------------
def _not_finite(trace: Trace, locate: Locate) -> Iterator[Finding]:
    """Find the first value, forward and then backward, that is not finite."""
    for line in trace.lines:
        if not _finite(line.value):
            yield Finding("finite", True, line.id, _forward_words(trace, line, locate))
            return
    for step in trace.steps:
        line = trace.lines[step.line]
        for c in step.contributions:
            if not _finite(c.share):
                to = trace.lines[c.to]
                told = f"{to.d} is the first gradient that is not finite ({_bad(c.share)}): "
                told += f"{to.d} {c.sign} {c.rule}, on the way back through {line.name} = "
                told += f"{line.call}{_where(trace, line, _backward_of(locate))}"
                yield Finding("finite", True, to.id, told)
                return
    gradients = "" if trace.failure is not None else " and all gradients"
    yield Finding("finite", False, None, f"all values{gradients} are finite")


def _forward_words(trace: Trace, line: Line, locate: Locate) -> str:
    if line.kind != "call":
        where = f"; {_first_bad(line)}" if line.value.ndim else ""
        told = f"{line.name} itself is not finite ({_bad(line.value)})"
        return f"{told}, before anything is computed{where}"
    told = f"{line.name} = {line.call} is the first value that is not finite ({_bad(line.value)})"
    told += _where(trace, line, locate)
    place = tuple(map(int, np.argwhere(~np.isfinite(line.value))[0]))
    shown = []
    for i in dict.fromkeys(line.operands):
        operand = None if i is None else trace.lines[i]
        if operand is not None and operand.value.shape in (line.value.shape, ()):
            at = place if operand.value.ndim else ()
            index = f"[{', '.join(map(str, at))}]" if at else ""
            shown.append(f"{operand.name}{index} is {number(operand.value[at])}")
    index = f"[{', '.join(map(str, place))}]" if place else ""
    if shown:
        told += f"; {', '.join(shown)}, and so {line.name}{index} is {number(line.value[place])}"
    return told


def _first_bad(line: Line) -> str:
    """Name the first entry that is not finite: x[3, 1] is nan."""
    place = tuple(map(int, np.argwhere(~np.isfinite(line.value))[0]))
    return f"{line.name}{bracketed(place)} is {number(line.value[place])}"


def not_finite(trace: Trace) -> str:
    """Say in one line what is not finite first; nothing where all is."""
    for line in trace.lines:
        if not _finite(line.value):
            made = f", made by {line.call}" if line.call else ""
            return f"not finite: {line.name}{made}; e.health() tells more"
    for step in trace.steps:
        for c in step.contributions:
            if not _finite(c.share):
                d = trace.lines[c.to].d
                return f"not finite: {d}, made by {c.rule}; e.health() tells more"
    return ""


def _where(trace: Trace, line: Line, locate: Locate) -> str:
    told = "" if line.layer is None else f", in {_layer(trace, line)}"
    found = locate(trace, line)
    if found is not None:
        told += f", {'at' if found.sure else 'probably at'} {found.file}:{found.number}"
        told += f" ({found.code})" if found.code else ""
    return told


def _backward_of(locate: Locate) -> Locate:
    """Look for a backward that was written by hand, before the call."""
    return lambda trace, line: located_in(trace, line, "backward") or locate(trace, line)


def _finite(array: Any) -> bool:
    return array.dtype.kind not in "fc" or bool(np.all(np.isfinite(array)))


def _bad(array: Array) -> str:
    """Count what is not finite: 2 nan of 6 entries."""
    nan, infinite = int(np.sum(np.isnan(array))), int(np.sum(np.isinf(array)))
    parts = [f"{n} {what}" for n, what in ((nan, "nan"), (infinite, "infinite")) if n]
    return f"{' and '.join(parts)} of {array.size}" if array.size > 1 else parts[0][2:]


# ---- units ---------------------------------------------------------------------------------------
def _units(trace: Trace, line: Line) -> Iterator[Finding]:
    """Look at the units of an activation: the last axis, over all rows; of images, the channels."""
    if line.kind != "call" or line.value.size == 0 or line.value.dtype.kind != "f":
        return
    name = f"{line.name}{_of_layer(trace, line)}"
    images = line.value.ndim == 4  # (N, C, H, W), as in the book
    value = np.moveaxis(line.value, 1, -1) if images else line.value
    rows = value.reshape(-1, value.shape[-1]) if value.ndim else value
    if rows.ndim < 2:
        return
    units, many = rows.shape[1], f"all {len(rows)} {'pixels' if images else 'rows'}"
    kind = activation(trace, line)
    if kind == "ReLU":
        dead = int(np.sum(np.all(rows <= 0, axis=0)))
        kind = "channel" if images else "unit"
        told = f"{name}: {dead} of {units} ReLU {kind}s are 0 in {many} and learn nothing from them"
        told = told if dead else f"{name}: no ReLU {kind} is 0 in {many}"
        yield Finding("dead", dead > _SHARE * units, line.id, told, dead > 0)
    elif kind:
        slope = rows * (1 - rows) * 4 if kind == "sigmoid" else 1 - rows**2
        flat = float(np.mean(slope < 0.05))
        told = f"{name}: {100 * flat:.0f} % of the entries are saturated: the slope there is "
        told += "under a twentieth of what it can be"
        told = told if flat else f"{name}: no entry is saturated"
        yield Finding("saturated", flat > _SHARE, line.id, told, flat > _NOTED)


def _of_layer(trace: Trace, line: Line) -> str:
    return "" if line.layer is None else f" ({_layer(trace, line)})"


def _layer(trace: Trace, line: Line) -> str:
    assert line.layer is not None
    group = trace.layers[line.layer]
    return f"{group.path} {group.title}"


# ---- from layer to layer -------------------------------------------------------------------------
def _ratios(trace: Trace) -> Iterator[Finding]:
    """Compare the gradients that arrive at the first layer with weights and at the last."""
    weights = {x.id for x in trace.leaves if x.value.ndim > 1 and x.gradient is not None}
    weighted = []
    for line in trace.lines:
        used = {i for i in line.operands if i is not None}
        if not line.on_path or not weights & used or not line.value.ndim:
            continue
        if used <= weights:
            weights.add(line.id)  # W.T is a weight too
        else:
            weighted.append(line)
    if len(weighted) < 2:
        return
    first, last = weighted[0], weighted[-1]
    early, late = _size(first.gradient), _size(last.gradient)
    if not np.isfinite(early + late):
        return
    told = f"{last.d} is of size {number(late)} and {first.d} of {number(early)}"
    if early * _RATIO < late:
        told += f": gradients vanish on the way back to the first layer{_course(trace, weighted)}"
        yield Finding("vanishing", True, first.id, told)
    elif early > late * _RATIO:
        told += f": gradients explode on the way back to the first layer{_course(trace, weighted)}"
        yield Finding("exploding", True, first.id, told)
    else:
        told += " (root mean square): they neither vanish nor explode on the way back"
        yield Finding("gradients", False, first.id, told)


def _course(trace: Trace, weighted: list[Line]) -> str:
    """Say where the gradient changes, where there are more than two to compare: between which two
    neighbours, or from layer to layer, or from step to step where a weight is used many times.
    """
    sizes = [_size(line.gradient) for line in weighted]
    if len(sizes) < 3 or not all(sizes):
        return ""
    steps = [abs(math.log(a / b)) for a, b in itertools.pairwise(sizes)]
    i = int(np.argmax(steps))
    if steps[i] < _STEEP * abs(math.log(sizes[0] / sizes[-1])):
        return _on_average(trace, weighted)
    factor = number(sizes[i] / sizes[i + 1], 2)
    return f"; most between {weighted[i + 1].d} and {weighted[i].d}, times {factor}"


def _on_average(trace: Trace, weighted: list[Line]) -> str:
    """Say what the gradient is multiplied by at each step of time, or from layer to layer."""
    uses = Counter(i for line in weighted for i in line.operands if i is not None)
    weight, most = uses.most_common(1)[0]
    repeats = most > 2 and trace.lines[weight].kind == "leaf"
    along = [line for line in weighted if weight in line.operands] if repeats else weighted
    first, middle, last = along[0], along[len(along) // 2], along[-1]
    sizes = [_size(line.gradient) for line in (first, middle, last)]
    factor = number((sizes[0] / sizes[-1]) ** (1 / (len(along) - 1)), 2)
    each = f"of the {most} uses of {trace.lines[weight].name}" if repeats else "layer"
    half = f"{number(sizes[1], 2)} half of the way, at {middle.d}"
    return f"; by about a factor of {factor} at each {each}: {half}"


def _size(gradient: Any) -> float:
    return float(np.sqrt(np.mean(np.square(np.abs(gradient).astype(np.float64)))))
