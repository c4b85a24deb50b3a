"""The slope of an output along one entry of a leaf, by running the forward pass beside it.

Three things spoil a difference, and each is told apart from a wrong gradient: a kink between the
two sides, rounding, and an output that is not finite.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from minigrad.explain.data.again import Rerun
from minigrad.explain.data.factors import Index
from minigrad.explain.data.model import Line
from minigrad.graph import Array

KINK, UNDEFINED, COARSE = "kink", "undefined", "coarse"
_STEPS = (  # in float64, and where less is computed with
    (1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9),
    (1e-2, 1e-3, 1e-4),
)
_FIRST = (2, 0)  # of these; longer ones are for outputs beside which a gradient is small
_TOLERANCE = {"float64": 1e-5, "float32": 1e-3, "float16": 0.2}  # of backprop
_OF_DIFFERENCES = 1e-2  # where they are not taken in float64
_COARSE = 1e-3  # of the largest gradient: where rounding is more, differences tell nothing


class Output(NamedTuple):
    """The real part of an output, summed; the sizes of its entries, summed."""

    sum: float
    size: float


class _Slope(NamedTuple):
    """What one step says of a slope: its size, and how far it may be from that."""

    value: float
    blur: float


def size_of(gradient: Array) -> float:
    """Give the size of the largest entry; 0 where one is not finite."""
    largest = float(np.max(np.abs(gradient), initial=0.0))
    return largest if math.isfinite(largest) else 0.0


def nothing_beside(largest: float, lines: Sequence[Line]) -> float:
    """Say up to which size a gradient is nothing but the rounding of backprop beside another."""
    eps = max((float(np.finfo(x.value.dtype).eps) for x in lines), default=0.0)
    return min(300 * eps, 1e-3) * largest


class Leaf:
    """A leaf whose entries are moved one at a time.

    Args:
        line: the leaf.
        rerun: runs the forward pass.
        largest: of all gradients, of this leaf and of others: what is nothing beside it is rounding
            of zero.
        first: the step that is tried first, of `_STEPS`.
    """

    def __init__(self, line: Line, rerun: Rerun, largest: float, first: int | None = None) -> None:
        assert line.gradient is not None
        self.line, self.rerun, self.gradient = line, rerun, line.gradient
        is_double = rerun.precision < 1e-10
        self.steps = _STEPS[not is_double]
        self.first = _FIRST[not is_double] if first is None else first
        self.scale = size_of(line.gradient)
        dtype = line.value.real.dtype
        nothing = nothing_beside(largest, [line])
        reference = largest if self.scale <= nothing else self.scale
        tolerance = _TOLERANCE.get(str(dtype), 1e-2)
        tolerance = tolerance if is_double else max(tolerance, _OF_DIFFERENCES)
        self.bar = tolerance * self.scale + nothing
        self.coarse = _COARSE * reference if reference else math.inf

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
        output = self.rerun.run(self.line.id, values)
        return Output(float(np.sum(output).real), float(np.sum(np.abs(output))))

    def rounding(self, *outputs: Output) -> float:
        """Bound the rounding of a difference between outputs."""
        return 8 * self.rerun.precision * max(output.size for output in outputs)

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
            gap = abs(found.value - expected)
            if found.blur > self.coarse and gap <= self.bar + found.blur:
                return COARSE
            gaps.append(gap)
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
        size = max(1.0, abs(self.line.value[place].item()))
        first = self.first
        while first and self.rounding(self.here) / (self.steps[first] * size) > self.coarse:
            first -= 1
        for k, step in enumerate(self.steps[first:], first):
            h = step * size
            above, below = (self.at(place, d * direction) for d in (h, -h))
            left, right = (self.here.sum - below.sum) / h, (above.sum - self.here.sum) / h
            blur = self.rounding(self.here, above, below) / h
            gap = abs(left - right)
            if not math.isfinite(gap + blur):
                return UNDEFINED
            found = _Slope((left + right) / 2, blur)
            if gap <= 1e-3 * (self.scale + abs(left) + abs(right)) + 2 * blur:
                away = abs(found.value - expected)
                same = abs(found.value - seen) <= 1e-3 * abs(seen) + self.bar + blur
                twice = same and away > 2 * gap
                if away <= self.bar + blur or twice or math.isnan(away):
                    start = _FIRST[self.rerun.precision > 1e-10]
                    self.first = max(self.first, min(k - twice, start + 1))  # others are coarse
                    return found
                seen = found.value
            elif gap > 0.99 * before:
                return KINK
            before = gap
        is_near = abs(found.value - expected) <= self.bar + blur + 2 * gap <= self.bar + self.coarse
        return found._replace(blur=blur + 2 * gap) if is_near or seen == found.value else KINK
