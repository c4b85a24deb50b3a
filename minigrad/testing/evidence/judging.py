"""What is made of comparisons: findings, their severity, and what to say beside them."""

from __future__ import annotations

import traceback
from typing import Any

import numpy as np

from minigrad.graph import Array
from minigrad.testing.evidence import places
from minigrad.testing.evidence.evidence import Comparison
from minigrad.testing.evidence.jacobian import Point
from minigrad.testing.reports.findings import Finding, Verdict
from minigrad.testing.reports.showing import grad_of

SINGLE = 2.0**-24  # the unit of rounding of float32


def kinks_of(point: Point) -> list[str]:
    """Say where the point is not smooth."""
    notes = []
    for name, scan in point.scans.items():
        count = int(np.sum(np.any(scan.kinks, axis=1)))
        if count:
            notes.append(
                f"{count} of {len(scan.kinks)} entries of {name} sit at a kink, where any slope "
                "between those on its two sides is accepted"
            )
    return notes + [f"at a kink: {corner}" for corner in point.corners[:3]]


def unused(point: Point) -> list[str]:
    """Say which operands the outputs do not depend on."""
    flat = [k for k, scan in point.scans.items() if scan.value.size and not np.any(scan.value)]
    known = [k for k in flat if np.max(point.scans[k].bar) < 1e-9]
    return [f"forward gives the same whatever {k} is, as far as these inputs show" for k in known]


def likened(name: str, single: Array | None, double: Array | None) -> Comparison:
    """Compare a gradient in float32 with the same one in float64."""
    exact = np.zeros(()) if double is None else np.asarray(double, np.float64)
    size = float(np.max(np.abs(exact), initial=0))
    bar = np.full(exact.shape, 1000 * SINGLE * size)
    none = np.zeros(exact.shape, bool)
    return Comparison(name, exact, single, exact, bar, bar, none, size, sampled=True)


def severity(one: Comparison) -> tuple[bool, int, float]:
    """What the worst of several comparisons is by: more wrong entries show more of a mistake."""
    wrong = int(np.sum(one.wrong)) if one.shape_is_right else 0
    return not one.shape_is_right, wrong, one.ratio


def judged(name: str, one: Comparison, cotangents: int, order: int = 1) -> Finding:
    """Say of one gradient whether it is right."""
    title = grad_of(name)
    if one.yours is None:
        return Finding(title, Verdict.FAIL, "backward made none", (name,), 1)
    if not one.shape_is_right:
        shape, wanted = np.shape(one.yours), one.numerical.shape
        sentence = f"has shape {shape}, and {name} has {wanted}"
        return Finding(title, Verdict.FAIL, sentence, (name,), 1)
    size, wrong = one.wrong.size, int(np.sum(one.wrong))
    if wrong:
        least = "at least " if one.sampled else ""
        return Finding(
            title, Verdict.FAIL, f"{least}{wrong} of {size} entries are wrong", (name,), 1
        )
    if one.left_open:
        sentence = "not looked at any more, since others are wrong"
        return Finding(title, Verdict.INCONCLUSIVE, sentence, (name,), 1)
    unknown, kinks = int(np.sum(one.unknown)), int(np.sum(one.kinks))
    if order == 1:  # where a function jumps, it has no slope; where a slope jumps, that is a kink
        unknown = int(np.sum(one.unknown | (one.kinks & ~(one.bar < np.inf))))
    if unknown:
        sentence = f"{unknown} of {size} entries cannot be judged here: try other inputs"
        if np.any(one.unknown & one.corners):
            sentence = (
                f"{unknown} of {size} entries sit at a corner of the function, and are not between "
                "the slopes on its two sides; move the inputs a little"
            )
        return Finding(title, Verdict.INCONCLUSIVE, sentence, (name,), 1)
    if one.sampled:
        sentence = f"right along 3 random directions in its {size} entries"
        sentence += f", for {cotangents} douts" if cotangents > 1 else ""
        return Finding(title, Verdict.PASS, sentence, (name,), 1)
    smooth = ~one.kinks
    error = np.max(one.error, initial=0, where=smooth)
    bar = np.max(one.tolerance, initial=0, where=smooth)
    every = f"all {size} entries" if not kinks else f"{size - kinks} entries"
    several = f" for {cotangents} douts" if cotangents > 1 else ""  # a loss is handed none
    sentence = f"{every} right{several}; off by {error:.0e} at most, {bar:.0e} would show"
    if kinks:
        sentence += f"; {kinks} between the slopes of a kink"
    return Finding(title, Verdict.PASS, sentence, (name,), 1)


def raised(what: str, error: Exception) -> tuple[str, list[str]]:
    """Say which line raised what: a sentence, and the place with its text."""
    sentence = f"{what} raised {type(error).__name__}: {error}"
    ours = __file__.rpartition("testing")[0]
    frames = [
        f for f in traceback.extract_tb(error.__traceback__) if not f.filename.startswith(ours)
    ]
    if not frames:
        return sentence, []
    last = frames[-1]
    return sentence, [f"{places.nearby(last.filename)}:{last.lineno}", f"    {last.line}"]


def holds_integers(x: Any) -> bool:
    """Tell whether it is an array of integers, which has no derivative."""
    return isinstance(x, np.ndarray) and x.dtype.kind in "iu"
