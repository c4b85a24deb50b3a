"""Mending a backward by one small change, to know what was wrong with it.

Each expression of the backward is tried with each correction of the catalogue that fits its value.
What makes all gradients equal to the numerical ones, for other cotangents too, has found the slip.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minigrad.testing.diagnosis.probes import Change, Site
from minigrad.testing.diagnosis.workbench import Workbench, same

NEARBY = 1.6  # corrections up to this cost are tried first, everywhere
OF_OTHERS = 0.2  # of that, for far-fetched changes of what reaches only some wrong gradients
MOST = 12_000  # runs of a backward; a long one with many places is not tried to the end


@dataclass(frozen=True)
class Correction:
    """One change at one place: what it is a remedy for, and what to say about it."""

    label: str
    words: str
    cost: float  # how far-fetched it is: of two repairs the cheaper one is believed
    change: Change | None = None
    store: Any = None
    more: tuple[int, ...] = ()  # other places that get the same change
    also: Mapping[int, Change] = field(default_factory=dict)  # others, with changes of their own


@dataclass(frozen=True)
class Repair:
    """A correction that made the gradients of these operands right."""

    site: Site
    place: int
    correction: Correction
    operands: tuple[str, ...] = field(default=())

    @property
    def rank(self) -> tuple[float, float, int]:
        """Most operands first, then the least far-fetched, then the smallest expression."""
        return (-len(self.operands), self.correction.cost, len(self.site.text))


def repairs(bench: Workbench, catalogue: Any) -> list[Repair]:
    """Every correction that mends something, the most believable first."""
    if bench.base is None:
        return []
    found: list[Repair] = []
    through, others = reaching(bench)
    enough = bench.runs + MOST
    for places, least, most, share in (
        (through, -np.inf, NEARBY, 1.0),
        (others, -np.inf, NEARBY, 1.0),
        (through, NEARBY, np.inf, 1.0),
        (others, NEARBY, np.inf, OF_OTHERS),
    ):
        catalogue.worth = min(most, found[0].correction.cost + 0.6) if found else most
        limit = min(enough, bench.runs + int(share * MOST))
        for k in places:
            for correction in catalogue(bench, k):
                if not least < correction.cost <= catalogue.worth or bench.runs > limit:
                    continue
                repair = tried(bench, k, correction)
                if repair is not None:
                    found.append(repair)
                    if len(repair.operands) == len(bench.wrong):
                        catalogue.worth = min(catalogue.worth, correction.cost + 0.6)
        found.sort(key=lambda repair: repair.rank)
        if found and len(found[0].operands) == len(bench.wrong) and places is not through:
            break
    return sorted(found, key=lambda repair: repair.rank)


def reaching(bench: Workbench) -> tuple[list[int], list[int]]:
    """The places whose value reaches all wrong gradients, where one slip would be; and the others.

    What reaches no wrong gradient is left out. What is no array of floats may reach anything.
    """
    rng, through, others = np.random.default_rng(6), list[int](), list[int]()
    for k in sorted(bench.back.seen):
        value = bench.back.seen[k][0]
        if not isinstance(value, (np.ndarray, np.floating)) or value.dtype.kind != "f":
            through.append(k)
            continue
        noise = 1e-3 * np.asarray(rng.normal(size=value.shape))
        moved = bench.repaired({k: using(_shaken, noise)})
        if moved is None or bench.base is None:
            through.append(k)
            continue
        reached = [n for n in bench.wrong if not _unmoved(moved.get(n), bench.base.get(n))]
        if len(reached) == len(bench.wrong):
            through.append(k)
        elif reached:
            others.append(k)
    return through, others


def _shaken(v: Any, noise: Any) -> Any:
    return v * (1 + noise) + noise if np.shape(v) == np.shape(noise) else 1.001 * v + 1e-3


def _unmoved(a: Any, b: Any) -> bool:
    return (a is None and b is None) or (a is not None and np.array_equal(a, b))


def using(operation: Any, *operands: Any) -> Change:
    """The change of a value by an operation with fixed operands."""
    return lambda v, hit: operation(v, *operands)


def tried(bench: Workbench, k: int, correction: Correction) -> Repair | None:
    """The repair, if the correction is one."""
    if correction.store is not None:
        names = bench.mended(bench.repaired({}, {k: correction.store}))
        sure = names and bench.confirmed({}, {k: correction.store})
    else:
        assert correction.change is not None
        changes = {**dict.fromkeys((k, *correction.more), correction.change), **correction.also}
        names = bench.mended(bench.repaired(changes))
        sure = names and bench.confirmed(changes)
    return Repair(bench.back.sites[k], k, correction, tuple(names)) if sure else None


def fitted(bench: Workbench, k: int, change: Change) -> float | None:
    """By how much of a change the gradients would be right: 1 for the change as it is."""
    moved = bench.repaired({k: change})
    if moved is None or bench.base is None:
        return None
    steps, gaps = [], []
    for name in bench.wrong:
        base, new, true = bench.base.get(name), moved.get(name), bench.numerical[0][name]
        if base is None or new is None:
            continue
        if np.shape(base) != true.shape or np.shape(new) != true.shape:
            continue
        if same(new, base, 1e-12):
            continue
        steps.append(np.ravel(new - base))
        gaps.append(np.ravel(true - base))
    if not steps:
        return None
    step, gap = np.concatenate(steps), np.concatenate(gaps)
    square = float(step @ step)
    if not np.isfinite(square) or square == 0:
        return None
    amount = float(step @ gap) / square
    near = np.max(np.abs(gap - amount * step)) <= 1e-5 * max(np.max(np.abs(gap)), 1e-300)
    return amount if near and abs(amount) > 1e-9 else None


@dataclass(frozen=True)
class Known:
    """An array that a backward could have used: its value in the first run, and in this one."""

    value: Any
    place: int | None = None  # in the backward, where its value hangs on dout

    def now(self, bench: Workbench) -> Any:
        """The array, in the run that is going on."""
        return self.value if self.place is None else bench.back.latest.get(self.place, self.value)


def known_arrays(bench: Workbench) -> dict[str, Known]:
    """What a backward could have used: inputs, attributes, parameters, values of the forward."""
    attributes = getattr(bench.forward_run.thing, "__dict__", {})
    named = {f"self.{k}": Known(v) for k, v in attributes.items()}
    named |= {k: Known(v) for k, v in (bench.evidence.inputs | bench.operands).items()}
    named["the output"] = Known(bench.evidence.outputs[0])
    for spy, seen in ((bench.ahead, bench.before), (bench.back, bench.back.seen)):
        for k in sorted(seen, key=lambda k: len(spy.sites[k].text)):
            if (
                len(seen[k]) == 1
                and "super()" not in spy.sites[k].text
                and spy.sites[k].text not in named
            ):
                named[spy.sites[k].text] = Known(seen[k][0], k if spy is bench.back else None)
    found: dict[str, Known] = {}
    for name, one in named.items():
        if isinstance(one.value, (np.ndarray, np.floating)) and one.value.dtype.kind in "fb":
            value = np.array(one.value)
            if value.ndim and not any(_equal(value, other.value) for other in found.values()):
                found[name] = Known(value, one.place)
    return found


def _equal(a: Any, b: Any) -> bool:
    return a.shape == b.shape and a.dtype == b.dtype and np.array_equal(a, b)


def slopes_of_forward(bench: Workbench) -> dict[str, Any]:
    """The derivative of each elementwise function in the forward, as an array."""
    found: dict[str, Any] = {}
    for k, site in enumerate(bench.ahead.sites):
        if site.kind != "Call" or len(bench.before.get(k, ())) != 1:
            continue
        inner = _callee(bench, k)
        if inner is None:
            continue
        function, u = inner
        try:
            with np.errstate(all="ignore"):
                h = 1e-5
                slope = (function(u + h) - function(u - h)) / (2 * h)
        except Exception:
            continue
        if np.shape(slope) == np.shape(u) and np.all(np.isfinite(slope)):
            found[site.text] = slope
    return found


def _callee(bench: Workbench, k: int) -> Any:
    """The function and the array of a call with one array."""
    site, sites = bench.ahead.sites[k], bench.ahead.sites
    inside = [
        i
        for i in bench.before
        if i != k
        and sites[i].file == site.file
        and site.span[0] <= sites[i].span[0]
        and sites[i].span[1] <= site.span[1]
    ]
    functions = [i for i in inside if sites[i].role == "func" and sites[i].span[0] == site.span[0]]
    arrays = [i for i in inside if sites[i].role == "args"]
    value = bench.before[k][0]
    for f in functions:
        for i in arrays:
            u = bench.before[i][0]
            function = bench.before[f][0]
            if not (_is_float(u) and _is_float(value) and callable(function)):
                continue
            if np.shape(u) == np.shape(value) and np.ndim(u):
                return function, u
    return None


def _is_float(value: Any) -> bool:
    return isinstance(value, (np.ndarray, np.floating)) and value.dtype.kind == "f"
