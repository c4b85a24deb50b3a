"""The plateau scan: derivatives from differences at many steps, with an error bar.

A step that is too large leaves the Taylor remainder, one that is too small drowns in rounding, and
which is which depends on the function. So differences are taken at steps from 1/8 down, a fourth
each, and extrapolated to h = 0 once and twice. Between the two evils lies a plateau where the
estimates agree: the median of the three consecutive ones that agree best is the value, and ten
times their spread, plus what rounding must do at such a step, is the bar.

A corner between x − h and x + h shows in (f(x+h) − 2 f(x) + f(x−h)) / h, which falls with h where f
is smooth and stays where the slopes on both sides differ. Estimates from across a corner count
for nothing. At a corner itself the derivative is an interval, between the slopes on both sides.

Source: C. J. F. Ridders, Advances in Engineering Software 4 (1982) 75, for the extrapolation.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

from minigrad.graph import Array

RATIO = 4  # of one step to the next; a power of two, so that x + h is exact
FIRST = 2.0**-3
LEVELS = 14  # down to 2**-29
SPREADS = 10  # the bar in spreads; `python -m tests.measure_bars` tells what it is worth
U = 2.0**-53
ROUNDING = 4  # errors of f in units of rounding; larger ones show in the spread


class Scan:
    """Derivatives along many lines at once, for outputs of any number: arrays (lines, outputs).

    Feed it differences, the largest step first, until `open` is empty.

    >>> scan = Scan(np.zeros((1, 1)), np.ones(1))
    >>> while scan.open.size:
    ...     h = scan.steps
    ...     scan.add(np.sin(h)[:, None], np.sin(-h)[:, None])
    >>> float(abs(scan.value[0, 0] - 1)) < float(scan.bar[0, 0]) < 1e-8
    True
    """

    def __init__(self, centre: Array, scale: Array, levels: Any = LEVELS) -> None:
        self.value = np.zeros(centre.shape)
        self.bar = np.full(centre.shape, np.inf)
        self.kinks = np.zeros(centre.shape, bool)
        self.corners = np.zeros(len(centre), bool)  # lines that somebody knows to have one
        self.step = np.ones(centre.shape)  # that the best plateau ends at, in units of scale
        self._rises = np.zeros(centre.shape, int)  # steps since, at which the estimates got worse
        self.open = np.arange(len(centre))  # the lines that are not settled yet
        self._first = FIRST * scale
        self._levels = np.broadcast_to(levels, (len(centre),))
        self._scale = scale
        self._centre = centre
        self._level = 0
        self._above: list[Array] = []  # what was seen on the open lines, at each step
        self._below: list[Array] = []
        self._unit = U

    @property
    def steps(self) -> Array:
        """The steps to take now, one for each open line."""
        found: Array = self._first[self.open] / float(RATIO) ** self._level
        return found

    def add(self, above: Array, below: Array) -> None:
        """Take in f(x + h) and f(x − h) on the open lines, and judge them."""
        self._above.append(above)
        self._below.append(below)
        if self._level == 0 or self._unit != U:
            self._unit = unit_of(np.concatenate([self._centre[self.open], above]))
        with np.errstate(all="ignore"):
            self._judge()
        self._level += 1
        if self._level > 2:
            with np.errstate(all="ignore"):
                self._close()

    def _judge(self) -> None:
        """Look for a plateau that ends at the latest step, in estimates of three orders."""
        h = self.steps[:, None]
        largest = np.maximum(np.abs(self._above[-1]), np.abs(self._below[-1]))
        noise = ROUNDING * self._unit * np.maximum(largest, np.abs(self._centre[self.open])) / h
        corner = self._corners(h, noise)
        value, bar, step = (a[self.open] for a in (self.value, self.bar, self.step))
        rises, before = self._rises[self.open], bar
        drowned = (rises > 0) & (bar <= 1e-4 * np.abs(value))  # an agreement is an accident
        for middle, width in plateaus(self._differences(5), (15.0, 255.0)):
            width = SPREADS * width + noise + 8 * U * np.abs(middle)
            better = (width < bar) & ~(np.abs(corner) > width)
            better &= ~((np.abs(middle - value) > bar) & (bar <= 1e-2 * np.abs(value))) & ~drowned
            value, bar = np.where(better, middle, value), np.where(better, width, bar)
            step = np.where(better, FIRST / float(RATIO) ** self._level, step)
        self.value[self.open], self.bar[self.open], self.step[self.open] = value, bar, step
        self._rises[self.open] = np.where(bar < before, 0, rises + 1)

    def _differences(self, count: int) -> list[Array]:
        """List the latest central differences."""
        steps = [self.steps[:, None] * float(RATIO) ** k for k in range(count)]
        return [
            (above - below) / (2 * h)
            for above, below, h in zip(self._above[::-1], self._below[::-1], steps, strict=False)
        ][::-1]

    def _corners(self, h: Array, noise: Array) -> Array:
        """Tell by how much the slopes on both sides differ, where that does not fall with h."""
        centre = self._centre[self.open]
        jump = (self._above[-1] - 2 * centre + self._below[-1]) / h
        if len(self._above) < 2:
            return np.where(np.abs(jump) > 4 * noise, jump, 0)
        before = (self._above[-2] - 2 * centre + self._below[-2]) / (RATIO * h)
        stays = ~(np.abs(jump) < 0.6 * np.abs(before)) & (np.abs(jump) > 4 * noise)
        return np.where(stays, jump, 0)

    def _close(self) -> None:
        """Settle the lines on which every output is known well enough."""
        value, bar = np.abs(self.value[self.open]), self.bar[self.open]
        known = np.max(np.where(bar < np.inf, value, 0), axis=1, initial=0, keepdims=True)
        size = np.maximum(np.abs(self._centre[self.open]), np.abs(self._above[0]))
        size = np.max(np.where(np.isfinite(size), size, 0), axis=1, initial=0, keepdims=True)
        least = 4e-14 * size / self._scale[self.open][:, None]
        drowned = (self._rises[self.open] > 2) & (bar <= 1e-3 * value)
        stay = ~np.all((bar <= 1e-8 * value + 1e-9 * known + least) | drowned, axis=1)
        out_of_steps = stay & (self._levels[self.open] <= self._level)
        if np.any(out_of_steps):
            self._finish(out_of_steps)
            stay &= ~out_of_steps
        if not np.all(stay):
            self._above = [a[stay] for a in self._above]
            self._below = [a[stay] for a in self._below]
            self.open = self.open[stay]

    def _finish(self, some: Array) -> None:
        """Out of steps: where no good plateau was found, look at each side by itself."""
        middle, width, corner = (found[some] for found in self._both_sides())
        lines = self.open[some]
        corner &= width < self.bar[lines]
        self.value[lines] = np.where(corner, middle, self.value[lines])
        self.bar[lines] = np.where(corner, width, self.bar[lines])
        self.kinks[lines] = corner

    def _both_sides(self) -> tuple[Array, Array, Array]:
        """The interval between the slopes on both sides: its middle, half its width, if it is one.

        Slopes that differ by no more than their bars make no corner.
        """
        right, right_bar = self._side(self._above, 1.0)
        left, left_bar = self._side(self._below, -1.0)
        bar, gap = np.maximum(right_bar, left_bar), np.abs(right - left)
        return (left + right) / 2, gap / 2 + bar, gap > 4 * bar

    def _side(self, seen: list[Array], sign: float) -> tuple[Array, Array]:
        """The best plateau of one-sided differences."""
        centre, first = self._centre[self.open], self._first[self.open][:, None]
        value, bar = np.zeros(centre.shape), np.full(centre.shape, np.inf)
        slopes = [sign * (y - centre) * RATIO**k / first for k, y in enumerate(seen)]
        for k in range(2, len(slopes)):
            h = first / float(RATIO) ** k
            noise = ROUNDING * self._unit * np.maximum(np.abs(seen[k]), np.abs(centre)) / h
            for middle, width in plateaus(slopes[max(0, k - 4) : k + 1], (3.0, 15.0)):
                width = SPREADS * width + noise + 8 * U * np.abs(middle)
                better = width < bar
                value, bar = np.where(better, middle, value), np.where(better, width, bar)
        return value, bar


def follow(scan: Scan, at: Callable[[int, float], Array]) -> None:
    """Feed a scan until it is settled: `at(i, t)` are the outputs, flat, at t on the line i.

    Where the function refuses (log of what is negative, say, in a library that raises), it is NaN.
    """

    def tried(i: int, t: float) -> Array:
        try:
            return at(i, t)
        except (ArithmeticError, ValueError):
            return np.full(scan.value.shape[1:], np.nan)

    while scan.open.size:
        steps = [(int(i), float(h)) for i, h in zip(scan.open, scan.steps, strict=True)]
        above = np.array([tried(i, h) for i, h in steps])
        scan.add(above, np.array([tried(i, -h) for i, h in steps]))


def plateaus(estimates: list[Array], weights: tuple[float, float]) -> list[tuple[Array, Array]]:
    """The median and the spread of the latest three estimates, as they are and extrapolated.

    A weight w eliminates an error that falls by w + 1 from one step to the next.
    """
    found: list[tuple[Array, Array]] = []
    for weight in (*weights, 0.0):
        if len(estimates) < 3:
            break
        three = np.stack(estimates[-3:])
        spread = np.max(three, axis=0) - np.min(three, axis=0)
        found.append((np.median(three, axis=0), np.where(np.isnan(spread), np.inf, spread)))
        if weight:
            estimates = [b + (b - a) / weight for a, b in pairwise(estimates)]
    return found


def unit_of(values: Array) -> float:
    """Guess the unit of rounding that values were computed with: they fit float32, or not.

    >>> unit_of(np.array([0.1])) < 1e-15 < unit_of(np.array([0.1], np.float32))
    True
    """
    with np.errstate(all="ignore"):
        single = values.dtype == np.float32 or np.array_equal(values, values.astype(np.float32))
        round_numbers = np.array_equal(values, values.astype(np.float16))
    return 2.0**-24 if single and not round_numbers else U


def levels_of(x: Any) -> Array:
    """How many steps to take at x: more beside 0, where a function may live on the scale of x.

    >>> levels_of([0.0, 1.0, 1e-9])
    array([14, 14, 24])
    """
    with np.errstate(all="ignore"):
        closer = np.ceil(np.log2(2.0**-10 / np.abs(x)) / np.log2(RATIO))
    return LEVELS + np.where(np.isfinite(closer), np.clip(closer, 0, 2 * LEVELS), 0).astype(int)


def scale_of(x: Any) -> Array:
    """The size of the first step, by the size of x: a power of two, at least 1."""
    with np.errstate(all="ignore"):
        return np.asarray(2.0 ** np.ceil(np.log2(np.maximum(1.0, np.abs(x)))))
