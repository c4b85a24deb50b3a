"""The rhythm of a sequence: what of it repeats, where to cut it, and how that is said briefly.

A net repeats its layers, a recurrent net its steps, a loop its calls. Who merges neighbours into
boxes should cut between two repetitions and never inside one.
"""

from __future__ import annotations

import heapq
from collections.abc import Hashable, Sequence
from itertools import pairwise
from math import ceil
from typing import NamedTuple

import numpy as np

from minigrad.graph import Array

LONGEST = 250  # things in one repetition
MOST = 0.9  # of a sequence: where a rhythm goes through so much of it, no longer one is looked for


class Stretch(NamedTuple):
    """Neighbours that are `times` repetitions of `period` things; of 1 if nothing repeats."""

    start: int
    period: int = 1
    times: int = 1

    @property
    def stop(self) -> int:
        """Where the next one starts."""
        return self.start + self.period * self.times


def stretches(kinds: Sequence[Hashable]) -> list[Stretch]:
    """Divide a sequence into what repeats, the longest such stretch first, and the rest one by one.

    >>> stretches("abababx")
    [Stretch(start=0, period=2, times=3), Stretch(start=6, period=1, times=1)]
    """
    taken = np.zeros(len(kinds), bool)
    found = []
    heap = _repeating(kinds)
    heapq.heapify(heap)
    while heap:
        _, period, start, length = heapq.heappop(heap)
        free = _runs(~taken[start : start + length])
        if free == [(0, length)]:
            stretch = Stretch(start, period, length // period)
            taken[start : stretch.stop] = True
            found.append(stretch)
            continue
        for left, right in free:  # what is left of it beside longer ones
            if right - left >= 2 * period:
                heapq.heappush(heap, _ranked(start + left, period, right - left))
    return sorted(found + [Stretch(int(i)) for i in np.flatnonzero(~taken)])


def _repeating(kinds: Sequence[Hashable]) -> list[tuple[int, int, int, int]]:
    """List all stretches in which something repeats, however they overlap."""
    numbers: dict[Hashable, int] = {}
    array = np.array([numbers.setdefault(kind, len(numbers)) for kind in kinds])
    found = []
    for period in range(1, min(len(array) // 2, LONGEST) + 1):
        for start, stop in _runs(array[period:] == array[:-period]):
            if stop - start >= period:
                found.append(_ranked(start, period, stop - start + period))
                if -found[-1][0] >= MOST * len(array):
                    return found
    return found


def _ranked(start: int, period: int, length: int) -> tuple[int, int, int, int]:
    """Order stretches: those whose whole repetitions cover most, then those of short ones."""
    return (-(length // period * period), period, start, length)


def _runs(true: Array) -> list[tuple[int, int]]:
    """Find where runs of True start and stop.

    >>> _runs(np.array([True, True, False, True]))
    [(0, 2), (3, 4)]
    """
    edges = np.flatnonzero(np.diff(np.concatenate(([False], true, [False]))))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


# ---- where to cut --------------------------------------------------------------------------------
def cut(kinds: Sequence[Hashable], weights: Sequence[int], share: float) -> list[tuple[int, int]]:
    """Cut a sequence into pieces that weigh about `share`, of whole repetitions; give their ends.

    What does not repeat stays in pieces of its own; a repetition that weighs more is cut inside.

    >>> cut("abababab", [1] * 8, share=3)
    [(0, 4), (4, 8)]
    """
    pieces: list[tuple[int, int]] = []
    for stretch in stretches(kinds):
        if stretch.times == 1:
            pieces.append((stretch.start, stretch.stop))
            continue
        starts = range(stretch.start, stretch.stop, stretch.period)
        weight = sum(weights[stretch.start : stretch.stop]) / stretch.times
        if weight > share and stretch.period > 1:
            inside = slice(stretch.start, stretch.start + stretch.period)
            parts = cut(kinds[inside], weights[inside], share)
            pieces += [(start + a, start + b) for start in starts for a, b in parts]
            continue
        each = _together(stretch.times, ceil(share / weight))
        ends = [*starts[::each], stretch.stop]
        pieces += pairwise(ends)
    return pieces


def _together(times: int, least: int) -> int:
    """Choose how many repetitions are one piece, so that all pieces have the same if they can.

    >>> _together(1000, 17), _together(97, 4)
    (20, 4)
    """
    equal = (n for n in range(least, min(3 * least, times // 2) + 1) if times % n == 0)
    return next(equal, least)


# ---- in words ------------------------------------------------------------------------------------
def said(words: Sequence[str], room: int, noun: str) -> str:
    """Say what a sequence repeats, or list it; nothing where there is no room for it.

    >>> said(["Affine", "ReLU"] * 4, 22, "layers")
    '4 × (Affine, ReLU)'
    >>> said(["Affine", "BatchNorm", "ReLU"] * 4, 22, "layers")
    '4 × (Affine, …, ReLU)'
    """
    period = next(p for p in range(1, len(words) + 1) if _repeats(words, p))
    times = len(words) // period
    lead = f"{times} × " if times > 1 else ""
    opening, closing = ("(", ")") if lead and period > 1 else ("", "")
    first, last = words[0], words[period - 1]
    ways = [f"{lead}{opening}{', '.join(words[:period])}{closing}"]
    if period > 2:
        ways.append(f"{lead}{opening}{first}, …, {last}{closing}")
    ways.append(f"{lead}{period} {noun}" if period > 1 else "")
    return next((way for way in ways if len(way) <= room), "")


def _repeats(words: Sequence[str], period: int) -> bool:
    return len(words) % period == 0 and all(
        words[i] == words[i - period] for i in range(period, len(words))
    )
