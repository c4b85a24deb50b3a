"""Which other forward yours is the gradient of: what was left out, held constant or changed.

By the chain rule every expression of the forward contributes a share to the gradient: what flows
through it. If yours is the numerical gradient with one share missing, or taken twice, or with the
wrong sign, then that expression is where the backward departs from the forward.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from minigrad.graph import Array
from minigrad.testing.diagnosis.probes import Change, Site
from minigrad.testing.diagnosis.workbench import Workbench

CLOSE = 1e-5  # relative: slopes are differences of a changed forward


class Share(NamedTuple):
    """Yours is right but for one share of the gradient, `factor` times what it should be."""

    site: Site
    factor: float
    elementwise: bool  # each entry of the expression depends on one entry of the operand
    whole: bool  # the share is the whole gradient


class OtherForward(NamedTuple):
    """Yours is the gradient of the forward with another value, or meaning, of one expression."""

    site: Site
    was: float
    value: float


def shares(bench: Workbench) -> Iterator[Share]:
    """Try every expression of the forward: is its share the one that is wrong?"""
    along = bench.directions()
    if not along:
        return
    yours, numerical = (bench.along(g[0], along) for g in (bench.yours, bench.numerical))
    size = np.max(np.abs(yours)) + np.max(np.abs(numerical))
    for k, values in bench.before.items():
        if not all(_is_float(v) for v in values):
            continue
        share = numerical - bench.slopes(along, {k: held(values)})
        square = share @ share
        if not np.isfinite(square) or np.max(np.abs(share)) < 1e-6 * size:
            continue
        factor = 1 + share @ (yours - numerical) / square
        if np.max(np.abs(yours - numerical - (factor - 1) * share)) < CLOSE * size:
            whole = bool(np.max(np.abs(share - numerical)) < CLOSE * size)
            yield Share(bench.ahead.sites[k], float(factor), _elementwise(bench, along, k), whole)


def held(values: list[Any]) -> Change:
    """A change that holds an expression at the values it had: nothing flows through it."""

    def change(value: Any, hit: int) -> Any:
        known = values[min(hit, len(values) - 1)]
        return known if np.shape(known) == np.shape(value) else value

    return change


def other_constants(bench: Workbench) -> Iterator[OtherForward]:
    """Try every number of the forward: is there another value of which yours is the gradient?"""
    along = bench.directions()
    if not along:
        return
    yours = bench.along(bench.yours[0], along)
    size = np.max(np.abs(yours)) + np.max(np.abs(bench.along(bench.numerical[0], along)))
    for k in _numbers(bench):
        site, was = bench.ahead.sites[k], bench.before[k][0]

        def gap(value: float, k: int = k) -> Array:
            return bench.slopes(along, {k: lambda v, hit: value}) - yours

        value = _root(gap, float(was), CLOSE * size)
        if value is not None:
            yield OtherForward(site, float(was), value)


def _numbers(bench: Workbench) -> list[int]:
    """The places of numbers in the forward that do not hang on what is differentiated."""
    places = []
    for k, values in bench.before.items():
        is_number = isinstance(values[0], (int, float, np.number))
        roles = {"left", "right", "operand", "value", "args"}
        if is_number and not isinstance(values[0], bool) and bench.ahead.sites[k].role in roles:
            places.append(k)
    moved: set[int] = set()

    def watch(k: int) -> Change:
        def change(value: Any, hit: int) -> Any:
            if hit < len(bench.before[k]) and not np.array_equal(value, bench.before[k][hit]):
                moved.add(k)
            return value

        return change

    rng = np.random.default_rng(9)
    for name in dict.fromkeys(k for k, _ in bench.directions(1)):
        x = bench.operands[name]
        bench.outputs(name, x + 1e-3 * rng.normal(size=x.shape), {k: watch(k) for k in places})
    return [k for k in places if k not in moved]


def _root(gap: Any, start: float, small: float) -> float | None:
    """The number at which all gaps vanish, by the secant rule; None if there is none nearby."""
    with np.errstate(all="ignore"):
        for first, second in ((start, start * 1.01 + 1e-3), (0.0, 1e-3), (1.0, 1.01)):
            try:
                a, b, at_a = first, second, gap(first)
                if np.max(np.abs(at_a)) < small:
                    return a
                at_b = gap(b)
                for _ in range(12):
                    i = int(np.argmax(np.abs(at_b)))
                    if not np.isfinite(at_b[i]) or at_a[i] == at_b[i]:
                        break
                    a, b, at_a = b, b - at_b[i] * (b - a) / (at_b[i] - at_a[i]), at_b
                    at_b = gap(b)
                    if np.max(np.abs(at_b)) < small:
                        return float(b)
            except Exception:
                continue
    return None


def straight_through(bench: Workbench) -> Iterator[Site]:
    """Try every function of one array: is yours the gradient with that function left out?"""
    along = bench.directions()
    if not along:
        return
    yours, numerical = (bench.along(g[0], along) for g in (bench.yours, bench.numerical))
    size = np.max(np.abs(yours)) + np.max(np.abs(numerical))
    for k, site in enumerate(bench.ahead.sites):
        for inner in arguments(bench, k):
            try:
                slopes = bench.slopes(along, _passed(bench, k, inner))
            except Exception:
                continue
            if np.max(np.abs(slopes - yours)) < CLOSE * size:
                yield site
                break


def _passed(bench: Workbench, k: int, inner: int) -> dict[int, Change]:
    """Changes that let an expression through to the one around it, as if it were the identity."""
    seen: list[Any] = []

    def remember(value: Any, hit: int) -> Any:
        seen.append(value)
        return value

    def passed(value: Any, hit: int) -> Any:
        return bench.before[k][hit] + (seen[-1] - bench.before[inner][hit])

    return {inner: remember, k: passed}


def arguments(bench: Workbench, k: int) -> list[int]:
    """The places of arrays inside a call or power of their own shape."""
    site = bench.ahead.sites[k]
    if site.kind not in {"Call", "BinOp"} or k not in bench.before:
        return []
    value = bench.before[k][0]
    if not _is_float(value) or np.ndim(value) == 0:
        return []
    return [
        i
        for i, part in enumerate(bench.ahead.sites)
        if i in bench.before
        and i != k
        and part.function == site.function
        and site.span[0] <= part.span[0] <= part.span[1] <= site.span[1]
        and part.role in {"args", "left", "right"}
        and len(bench.before[i]) == len(bench.before[k])
        and _is_float(bench.before[i][0])
        and np.shape(bench.before[i][0]) == np.shape(value)
    ]


def _elementwise(bench: Workbench, along: list[tuple[str, Array]], k: int) -> bool:
    """Whether an expression's entries depend on the same entries of the operand alone."""
    names = [n for n, _ in along if bench.operands[n].shape == np.shape(bench.before[k][0])]
    return len(bench.before[k]) == 1 and any(_entry_by_entry(bench, n, k) for n in set(names))


def _entry_by_entry(bench: Workbench, name: str, k: int) -> bool:
    x, values = bench.operands[name], bench.before[k]
    if x.size < 2:
        return False
    seen: list[Any] = []

    def watch(value: Any, hit: int) -> Any:
        seen.append(value)
        return value

    moved = x.copy()
    moved.flat[0] += 1e-3
    bench.outputs(name, moved, {k: watch})
    if not seen or np.shape(seen[0]) != x.shape:
        return False
    change = np.ravel(seen[0] - values[0]) != 0
    return not np.any(change[1:])


def _is_float(value: Any) -> bool:
    return isinstance(value, (np.ndarray, np.floating)) and value.dtype.kind == "f"


def other_cases(bench: Workbench) -> Iterator[tuple[Site, str]]:
    """Try every condition of the forward the other way: all true, all false, turned round."""
    along = bench.directions()
    yours = bench.along(bench.yours[0], along)
    size = np.max(np.abs(yours), initial=0) + np.max(
        np.abs(bench.along(bench.numerical[0], along)), initial=0
    )
    ways = {
        "turned round": lambda v, hit: ~v,
        "always true": lambda v, hit: np.ones_like(v),
        "never true": lambda v, hit: np.zeros_like(v),
    }
    for k, values in bench.before.items():
        if isinstance(values[0], np.ndarray) and values[0].dtype.kind == "b" and along:
            for words, change in ways.items():
                try:
                    slopes = bench.slopes(along, {k: change})
                except Exception:
                    continue
                if np.max(np.abs(slopes - yours)) < CLOSE * size:
                    yield bench.ahead.sites[k], words


def pairs_of_shares(bench: Workbench) -> tuple[Site, Site] | None:
    """Two expressions of the forward without whose shares the numerical gradient would be yours."""
    along = bench.directions(6)
    if not along:
        return None
    yours, numerical = (bench.along(g[0], along) for g in (bench.yours, bench.numerical))
    size = np.max(np.abs(yours)) + np.max(np.abs(numerical))
    found: list[tuple[Site, Array]] = []
    for k, values in bench.before.items():
        if all(_is_float(v) for v in values) and len(found) < 40:
            share = numerical - bench.slopes(along, {k: held(values)})
            known = any(np.allclose(share, s, rtol=1e-6, atol=1e-9 * size) for _, s in found)
            if np.max(np.abs(share)) > 1e-6 * size and not known:
                found.append((bench.ahead.sites[k], share))
    for i, (a, one) in enumerate(found):
        for b, two in found[i + 1 :]:
            if np.max(np.abs(yours - numerical + one + two)) < CLOSE * size:
                return a, b
    return None
