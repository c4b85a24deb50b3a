"""A small step, and what the gradient predicts of it: a promise that comes true, or does not."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from minigrad.explain.data.lettering import bracketed
from minigrad.explain.questions.differences import Leaf

_SHORTEST = 1e-9  # of the entry
_CLOSE = 0.005  # two slopes that count as one


@dataclass
class Nudge:
    """A small step of one entry: the change of the output that the gradient predicts, and the
    change that came.
    """

    entry: str
    step: float | complex
    predicted: float
    actual: float
    kink: bool = False  # whether the step crosses one, however small it is


def nudge(leaf: Leaf) -> Nudge | None:
    """Take a step where the gradient is largest, in the direction in which it is larger.

    It is so small that a step to the other side changes as much: then the change is the slope's,
    and comes up to what the gradient predicts or contradicts it. None where rounding would spoil
    it.
    """
    line = leaf.line
    flat = int(np.argmax(np.abs(leaf.gradient)))
    place = tuple(map(int, np.unravel_index(flat, line.value.shape)))
    size = max(1.0, abs(line.value[place].item()))
    size = 10.0 ** math.floor(math.log10(size)) if math.isfinite(size) else 1.0
    g = leaf.gradient[place].item()
    direction = 1j if abs(g.imag) > abs(g.real) else 1.0
    entry, slope, h = line.name + bracketed(place), (g * direction).real, 1e-3 * size
    found = None
    while h >= _SHORTEST * size and _is_seen(leaf, slope * h):
        change = leaf.at(place, h * direction).sum - leaf.here.sum
        found = Nudge(entry, h * direction, slope * h, change, kink=True)
        if _same(change, leaf.here.sum - leaf.at(place, -h * direction).sum):
            found.kink = False
            return found
        h /= 10
    return found


def _is_seen(leaf: Leaf, change: float) -> bool:
    """Whether a change is more than rounding."""
    return 20 * leaf.rounding(leaf.here) < abs(change) or not math.isfinite(change)


def _same(a: float, b: float) -> bool:
    return abs(a - b) <= _CLOSE * max(abs(a), abs(b)) or not math.isfinite(a + b)
