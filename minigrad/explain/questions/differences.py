"""The slope of an output along one entry of a leaf, by running the forward pass beside it.

Three things spoil a difference, and each is told apart from a wrong gradient: a kink between the
two sides, rounding, and an output that is not finite.
"""

from __future__ import annotations

import functools
import math
from typing import NamedTuple

import numpy as np

from minigrad.explain.data.again import Rerun
from minigrad.explain.data.factors import Index
from minigrad.explain.data.model import Line
from minigrad.graph import Array

KINK, UNDEFINED = "kink", "undefined"
_STEPS = (  # in float64, and where less is computed with
    (1e-5, 1e-6, 1e-7, 1e-8, 1e-9),
    (1e-2, 1e-3, 1e-4),
)
_TOLERANCE = {"float64": 1e-5, "float32": 1e-2, "float16": 0.2}


class Output(NamedTuple):
    """The real part of an output, summed; the sizes of its entries, summed; their precision."""

    sum: float
    size: float
    precision: float


class _Slope(NamedTuple):
    """What one step says of a slope: its size, and how far it may be from that."""

    value: float
    blur: float


class Leaf:
    """A leaf whose entries are moved one at a time; `first` is the step that is tried first."""

    def __init__(self, line: Line, rerun: Rerun, first: int = 0) -> None:
        assert line.gradient is not None
        self.first = first
        self.line, self.rerun, self.gradient = line, rerun, line.gradient
        largest = float(np.max(np.abs(line.gradient), initial=0.0))
        self.scale = largest if math.isfinite(largest) else 0.0
        tolerance = _TOLERANCE.get(str(line.value.real.dtype), 1e-2)
        self.bar = tolerance * max(self.scale, 1e-6)

    @functools.cached_property
    def here(self) -> Output:
        """The output where nothing is moved."""
        return self.at((0,) * self.line.value.ndim, 0.0)

    def at(self, place: Index, step: complex) -> Output:
        """Run the forward pass with one entry moved by `step`."""
        is_complex = self.line.value.dtype.kind == "c"
        values: Array = self.line.value.astype(np.complex128 if is_complex else np.float64)
        if step:
            values[place] += step if is_complex else step.real
        output = self.rerun(self.line.id, values)
        size = float(np.sum(np.abs(output)))
        return Output(float(np.sum(output).real), size, float(np.finfo(output.dtype).eps))

    def compared(self, place: Index) -> tuple[float, float] | str:
        """Give the difference at one entry, and how much of it may be rounding; or why not.

        A complex entry can move in two directions. The slope along d is the real part of g d.
        """
        gaps, blurs = [], []
        for direction in (1.0, 1j) if self.line.value.dtype.kind == "c" else (1.0,):
            expected = (self.gradient[place].item() * direction).real
            found = self.slope(place, direction, expected)
            if isinstance(found, str):
                return found
            gaps.append(abs(found.value - expected))
            blurs.append(found.blur)
        return float(np.max(gaps)), max(blurs)

    def slope(self, place: Index, direction: complex, expected: float) -> _Slope | str:
        """Measure a slope, with smaller and smaller steps until one tells whether it is expected.

        At a kink the slopes to the left and to the right differ, however small the step is; where a
        function bends, they come together with it. In a deep net some kink is always near. So what
        the difference of the two sides may explain is looked at more closely, and another slope
        than the expected one must be seen twice.
        """
        before, seen = math.inf, math.nan
        steps = _STEPS[self.here.precision > 1e-10]
        for k, step in enumerate(steps[self.first :], self.first):
            h = step * max(1.0, abs(self.line.value[place].item()))
            above, below = (self.at(place, d * direction) for d in (h, -h))
            left, right = (self.here.sum - below.sum) / h, (above.sum - self.here.sum) / h
            blur = 8 * self.here.precision * max(self.here.size, above.size, below.size) / h
            gap = abs(left - right)
            if not math.isfinite(gap + blur):
                return UNDEFINED
            found = _Slope((left + right) / 2, blur)
            if gap <= 1e-3 * (self.scale + abs(left) + abs(right)) + 2 * blur:
                away = abs(found.value - expected)
                same = abs(found.value - seen) <= 1e-3 * abs(seen) + self.bar + blur
                twice = same and away > 2 * gap
                if away <= self.bar + blur or twice or math.isnan(away):
                    self.first = max(self.first, min(k - twice, 1))  # the others are coarse
                    return found
                seen = found.value
            elif gap > 0.99 * before:
                return KINK
            before = gap
        is_near = abs(found.value - expected) <= self.bar + blur + 2 * gap
        return found._replace(blur=blur + 2 * gap) if is_near or seen == found.value else KINK
