"""Functions inside the forward that were differentiated as if they were others.

A function that acts entry by entry is replaced by a straight line through its value, whose slope is
a formula in its input and its output. If yours is the gradient then, that is the slope you used.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from minigrad.testing.diagnosis import slopes
from minigrad.testing.diagnosis.guesses import Guess
from minigrad.testing.diagnosis.overlooked import CLOSE, arguments
from minigrad.testing.diagnosis.probes import Change
from minigrad.testing.diagnosis.repairs import using
from minigrad.testing.diagnosis.workbench import Workbench

MOST = 12  # functions that are looked at


def as_others(bench: Workbench) -> Iterator[Guess]:
    """Every function of the forward with another slope, of which yours is the gradient."""
    along = bench.directions()
    if not along:
        return
    yours, numerical = (bench.along(g[0], along) for g in (bench.yours, bench.numerical))
    size = np.max(np.abs(yours)) + np.max(np.abs(numerical))
    at = tuple(dict.fromkeys(name for name, _ in along))
    for k, inner in _functions(bench)[:MOST]:
        us, ys = bench.before[inner], bench.before[k]
        for found in slopes.FORMULAS:
            lines = [slopes.worth(found, u, y) for u, y in zip(us, ys, strict=True)]
            if not all(np.all(np.isfinite(line)) for line in lines):
                continue
            change = _straight(bench, k, inner, lines)
            if abs(bench.slopes(along[:1], change)[0] - yours[0]) > CLOSE * size:
                continue
            if np.max(np.abs(bench.slopes(along, change) - yours)) < CLOSE * size:
                yield _told(bench, k, inner, found, at)
                return


def _told(
    bench: Workbench, k: int, inner: int, found: slopes.Formula, at: tuple[str, ...]
) -> Guess:
    """What was seen, with the right slope where that has a formula."""
    site, u, y = bench.ahead.sites[k], bench.before[inner][0], bench.before[k][0]
    slope = _slope(bench, k, inner)
    right = None if slope is None else slopes.formula(slope, u, y)
    label, _ = slopes.confusion(right, found)
    place = f"`{site.text}` (line {site.line})"
    words = f"{place} is differentiated as if its slope were {slopes.spelled(found, 'x')}"
    if right is not None:
        words += f", and it is {slopes.spelled(right, 'x')}"
    return Guess(label, f"{words}; x goes in, y comes out", at, 0.5)


def _functions(bench: Workbench) -> list[tuple[int, int]]:
    """The places of calls that act entry by entry, and of what goes into them."""
    found = []
    for k, site in enumerate(bench.ahead.sites):
        inside = arguments(bench, k) if site.kind == "Call" else []
        if inside and _slope(bench, k, inside[0]) is not None:
            found.append((k, inside[0]))
    return found


def _slope(bench: Workbench, k: int, inner: int) -> Any:
    """The slope of a call by what goes into it, entry by entry; None where entries mix."""
    name = next((n for n, _ in bench.directions(1)), None)
    if name is None:
        return None
    u, y, h = bench.before[inner][0], bench.before[k][0], 1e-6
    seen: list[Any] = []

    def catch(value: Any, hit: int) -> Any:
        seen.append(value)
        return value

    def moved(by: Any) -> Any:
        seen.clear()
        bench.outputs(name, bench.operands[name], {inner: using(_added, by), k: catch})
        return seen[0]

    single = np.zeros(u.shape)
    single.flat[0] = h
    if np.any((moved(single) != y).flat[1:]):
        return None
    return (moved(h) - moved(-h)) / (2 * h)


def _added(v: Any, by: Any) -> Any:
    return v + by


def _straight(bench: Workbench, k: int, inner: int, lines: list[Any]) -> dict[int, Change]:
    """Changes that put a straight line in the place of a function."""
    seen: list[Any] = []

    def remember(value: Any, hit: int) -> Any:
        seen.append(value)
        return value

    def line(value: Any, hit: int) -> Any:
        return bench.before[k][hit] + lines[hit] * (seen[-1] - bench.before[inner][hit])

    return {inner: remember, k: line}
