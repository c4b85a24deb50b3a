"""Functions inside the forward that were differentiated as if they were others.

A smooth function that acts entry by entry is replaced by a straight line through its value, whose
slope is a formula in its input and its output. If yours is the gradient then, you used that slope.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from minigrad.testing.diagnosis import slopes
from minigrad.testing.diagnosis.guesses import Guess
from minigrad.testing.diagnosis.overlooked import CLOSE, arguments
from minigrad.testing.diagnosis.probes import Change, Site
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
    for k, inner, right in _functions(bench):
        us, ys = bench.before[inner], bench.before[k]
        for found in (one for one in slopes.FORMULAS if one[0] not in slopes.PIECEWISE):
            lines = [slopes.worth(found, u, y) for u, y in zip(us, ys, strict=True)]
            if not all(np.all(np.isfinite(line)) for line in lines):
                continue
            change = _straight(bench, k, inner, lines)
            if abs(bench.slopes(along[:1], change)[0] - yours[0]) > CLOSE * size:
                continue
            if np.max(np.abs(bench.slopes(along, change) - yours)) < CLOSE * size:
                yield _told(bench.ahead.sites[k], right, found, at)
                return


def _told(site: Site, right: slopes.Formula, found: slopes.Formula, at: tuple[str, ...]) -> Guess:
    """What was seen, with the right slope."""
    label, _ = slopes.confusion(right, found)
    words = f"`{site.text}` (line {site.line}) is differentiated as if its slope were "
    words += f"{slopes.spelled(found, 'x')}, and it is {slopes.spelled(right, 'x')}"
    return Guess(label, f"{words}; x goes in, y comes out", at, 0.5)


def _functions(bench: Workbench) -> list[tuple[int, int, slopes.Formula]]:
    """The places of smooth calls, of what goes into them, and the formulas of their slopes."""
    found: list[tuple[int, int, slopes.Formula]] = []
    for k, site in enumerate(bench.ahead.sites):
        inside = arguments(bench, k) if site.kind == "Call" else []
        slope = _slope(bench, k, inside[0]) if inside and len(found) < MOST else None
        if slope is not None:
            right = slopes.formula(slope, bench.before[inside[0]][0], bench.before[k][0])
            if right is not None and right[0] not in slopes.PIECEWISE:
                found.append((k, inside[0], right))
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
