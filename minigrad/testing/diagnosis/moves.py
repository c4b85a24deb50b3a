"""The catalogue of corrections of axes and places: transposed, reshaped, summed, flipped."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, permutations
from typing import Any

import numpy as np

from minigrad.testing.diagnosis import multipliers
from minigrad.testing.diagnosis.factors import batch
from minigrad.testing.diagnosis.repairs import Correction, using
from minigrad.testing.diagnosis.workbench import Workbench
from minigrad.testing.reports import causes


def of_axes(bench: Workbench, k: int, value: Any) -> Iterator[Correction]:
    """Everything that may be wrong with the axes of an array."""
    yield from transposes(value)
    yield from reshapes(bench, k)
    yield from sums(bench, value)
    yield from reduced(bench, k)
    yield from picked(bench, k)
    yield from expanded(bench, k, value)
    yield from turns(value)
    for axis in (*range(value.ndim), None):
        words = "less its mean" + ("" if axis is None else f" along axis {axis}")
        change = using(_less_mean, axis)
        yield Correction(causes.DETACHED, words, 3.0, change)


def transposes(value: Any) -> Iterator[Correction]:
    """The axes in another order; a square made symmetric."""
    if 2 <= value.ndim <= 4:
        for order in _orders(value.ndim):
            words = "transposed" if value.ndim == 2 else f"with its axes in the order {order}"
            yield Correction(causes.TRANSPOSED, words, 0.97, using(np.transpose, order))
    for a, b in combinations(range(value.ndim), 2) if value.ndim > 4 else ():
        words = f"with its axes {a} and {b} exchanged"
        yield Correction(causes.TRANSPOSED, words, 0.9, using(np.swapaxes, a, b))
    if value.ndim == 2 and len(value) == len(value.T):
        yield Correction(
            causes.TRANSPOSED, "plus its transpose, halved", 1.2, lambda v, hit: (v + v.T) / 2
        )


def reshapes(bench: Workbench, k: int) -> Iterator[Correction]:
    """Axes moved before, or after, a reshape."""
    place = _call_of(bench, k, "reshape")
    if place is None:
        return
    calls = zip(bench.back.seen[place], bench.back.seen[k], strict=False)
    shapes = {(f.__self__.shape, y.shape) for f, y in calls}
    if len(shapes) > 1:
        return
    ((old, new),) = shapes

    def source() -> Any:
        return bench.back.latest[place].__self__

    for order in _orders(len(old)) if len(old) <= 5 else ():
        words = f"with axes moved to the order {order} before it is reshaped"
        change = using(_moved_first, source, order, new)
        yield Correction(causes.RESHAPED, words, 1.0, change)
    for order in _orders(len(new)) if 2 <= len(new) <= 6 else ():
        middle = tuple(new[order.index(i)] for i in range(len(new)))
        words = f"reshaped to {middle}, with axes then moved to the order {order}"
        change = using(_moved_after, source, middle, order)
        yield Correction(causes.RESHAPED, words, 1.0, change)


def sums(bench: Workbench, value: Any) -> Iterator[Correction]:
    """A sum over some axes."""
    rows = batch(bench)
    for many in range(1, value.ndim + 1):
        for axes in combinations(range(value.ndim), many):
            batched = axes == (0,) and len(value) == rows and bench.wrong[0] in bench.owners
            batched = batched and value.ndim == 2
            label = causes.BATCH_SUM if batched else causes.BROADCAST
            words = f"summed over axis {axes[0]}" if many == 1 else f"summed over axes {axes}"
            yield Correction(label, words, 1.3, using(_summed, axes, False))
            kept = using(_summed, axes, True)
            yield Correction(label, words, 1.4, kept)


def reduced(bench: Workbench, k: int) -> Iterator[Correction]:
    """A sum or mean along another axis, here and wherever the same one is taken alike."""
    calls = multipliers.reductions(bench.back, bench.back.seen)
    if k not in calls:
        return
    here = calls[k]
    alike = [i for i, one in calls.items() if (one.name, one.axes) == (here.name, here.axes)]
    for axis in range(len(here.shape)):
        if here.axes not in ((axis,), (axis - len(here.shape),)):
            words = f"along axis {axis}, with keepdims=True"
            change = _reduced_along(bench, here, axis)
            yield Correction(causes.AXIS, words, 0.88, change)
            others = {i: _reduced_along(bench, calls[i], axis) for i in alike if i != k}
            if others:
                words = f"and the other `{here.name}` of this kind {words}"
                yield Correction(causes.AXIS, words, 0.9, change, also=others)


def _reduced_along(bench: Workbench, one: multipliers.Reduction, axis: int) -> Any:
    def change(v: Any, hit: int) -> Any:
        found = bench.back.latest[one.of]
        return getattr(np, one.name)(
            found.__self__ if one.is_method else found, axis, keepdims=True
        )

    return change


def picked(bench: Workbench, k: int) -> Iterator[Correction]:
    """The sum over all, where an index picked one, or every second."""
    parts = _subscripted(bench, k)
    if parts is None:
        return
    a, i = parts
    array, index = bench.back.seen[a][0], bench.back.seen[i][0]
    index = _without_ellipsis(index if isinstance(index, tuple) else (index,), array.ndim)
    if not all(isinstance(one, (int, np.integer, slice)) for one in index):
        return

    def source() -> Any:
        return bench.back.latest[a]

    held = bench.evidence.inputs | getattr(bench.forward_run.thing, "__dict__", {})
    for name, places in held.items():
        if isinstance(places, np.ndarray) and places.dtype.kind in "iu" and places.ndim == 1:
            words = f"the rows that `{name}` names, not those"
            yield Correction(causes.PLACE, words, 1.5, using(_rows, source, places))
    axes = tuple(n for n, one in enumerate(index) if not isinstance(one, slice))
    if axes:
        rest = tuple(one if isinstance(one, slice) else slice(None) for one in index)
        batched = axes == (0,) and len(array) == batch(bench) and bench.wrong[0] in bench.owners
        label = causes.BATCH_SUM if batched else causes.BROADCAST
        words = "the sum over all, not one of them"
        yield Correction(label, words, 1.1, lambda v, hit: source()[rest].sum(axis=axes))
    steps = [one.step or 1 if isinstance(one, slice) else 1 for one in index]
    if max(steps) > 1:

        def every(v: Any, hit: int) -> Any:
            starts = list(np.ndindex(*steps))
            return sum(source()[tuple(map(slice, at, [None] * len(at), steps))] for at in starts)

        yield Correction(causes.BROADCAST, "the sum of all copies, not one of them", 1.1, every)


def _without_ellipsis(index: tuple[Any, ...], ndim: int) -> tuple[Any, ...]:
    """The same index with as many colons as `...` stands for."""
    places = [i for i, one in enumerate(index) if one is Ellipsis]
    if len(places) != 1:
        return index
    (at,) = places
    return (*index[:at], *[slice(None)] * (ndim - len(index) + 1), *index[at + 1 :])


def expanded(bench: Workbench, k: int, value: Any) -> Iterator[Correction]:
    """A new axis somewhere else."""
    parts = _subscripted(bench, k)
    if parts is None:
        return
    a, _ = parts
    array = bench.back.seen[a][0]
    if array.ndim == value.ndim - 1 and array.size == value.size:
        for axis in range(value.ndim):
            change = using(_expanded, bench, a, axis)
            words = f"its new axis at {axis}"
            yield Correction(causes.AXIS, words, 0.7, change)
            sites = bench.back.sites
            twins = tuple(
                i
                for i in bench.back.seen
                if i != k and sites[i].text == sites[k].text and sites[i].file == sites[k].file
            )
            if twins:
                yield Correction(causes.AXIS, words, 0.75, change, more=twins)


def turns(value: Any) -> Iterator[Correction]:
    """Entries in other places: flipped, shifted."""
    for axis in range(value.ndim):
        if value.shape[axis] > 1:
            where = f"along axis {axis}"
            flip = using(np.flip, axis)
            yield Correction(causes.PLACE, f"flipped {where}", 1.25, flip)
            for by in (1, -1):
                roll = using(np.roll, by, axis)
                yield Correction(causes.PLACE, f"shifted by {by} {where}", 2.0, roll)
    for axes in combinations(range(value.ndim), 2):
        flip = using(np.flip, axes)
        yield Correction(causes.PLACE, f"flipped along axes {axes}", 1.35, flip)


def products_turned(bench: Workbench, k: int) -> Iterator[Correction]:
    """The operands of @ in the other order, or one of them transposed."""
    parts: dict[str, int] = {}
    site, depth = bench.back.sites[k], len(bench.back.sites[k].around)
    for i in range(k + 1, len(bench.back.sites)):
        part = bench.back.sites[i]
        if part.span[0] > site.span[1] or part.file != site.file:
            break
        if part.around[:1] == ("MatMult",) and len(part.around) == depth + 1:
            parts.setdefault(part.role, i)
    if set(parts) != {"left", "right"}:
        return
    for swap in (False, True):
        for a in (False, True):
            for b in (False, True):
                if swap or a or b:
                    words = "with its operands in the other order" if swap else "with its operands"
                    words += " transposed" if a or b else ""
                    yield Correction(
                        causes.TRANSPOSED, words, 1.1, _turned(bench, parts, swap, a, b)
                    )


def _turned(bench: Workbench, parts: dict[str, int], swap: bool, a: bool, b: bool) -> Any:
    def change(v: Any, hit: int) -> Any:
        left, right = bench.back.latest[parts["left"]], bench.back.latest[parts["right"]]
        left = np.swapaxes(left, -1, -2) if a else left
        right = np.swapaxes(right, -1, -2) if b else right
        return right @ left if swap else left @ right

    return change


def _less_mean(v: Any, axis: int | None) -> Any:
    return v - np.mean(v, axis=axis, keepdims=True)


def _moved_first(v: Any, source: Any, order: tuple[int, ...], shape: tuple[int, ...]) -> Any:
    return source().transpose(order).reshape(shape)


def _moved_after(v: Any, source: Any, shape: tuple[int, ...], order: tuple[int, ...]) -> Any:
    return source().reshape(shape).transpose(order)


def _summed(v: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
    return np.sum(v, axis=axes, keepdims=keepdims)


def _rows(v: Any, source: Any, places: Any) -> Any:
    return source()[places]


def _expanded(v: Any, bench: Workbench, place: int, axis: int) -> Any:
    return np.expand_dims(bench.back.latest[place], axis)


def _orders(n: int) -> Iterator[tuple[int, ...]]:
    """Every order of n axes but the one they have."""
    yield from (order for order in permutations(range(n)) if order != tuple(range(n)))


def _call_of(bench: Workbench, k: int, method: str) -> int | None:
    """The place of the method, where place k is a call of that method of an array."""
    site = bench.back.sites[k]
    if site.kind == "Call":
        for i in range(k + 1, min(k + 3, len(bench.back.sites))):
            for f in bench.back.seen.get(i, ()):
                owner = getattr(f, "__self__", None)
                if getattr(f, "__name__", "") == method and isinstance(owner, np.ndarray):
                    return i
    return None


def _subscripted(bench: Workbench, k: int) -> tuple[int, int] | None:
    """The places of the array and of the index, where place k is `array[index]`."""
    site = bench.back.sites[k]
    if site.kind != "Subscript" or len(bench.back.seen[k]) != 1:
        return None
    parts: dict[str, int] = {}
    for i in range(k + 1, len(bench.back.sites)):
        part = bench.back.sites[i]
        if part.span[0] > site.span[1] or part.file != site.file:
            break
        if part.role in {"value", "index"} and i in bench.back.seen:
            parts.setdefault(part.role, i)
    if set(parts) != {"value", "index"}:
        return None
    is_array = isinstance(bench.back.seen[parts["value"]][0], np.ndarray)
    return (parts["value"], parts["index"]) if is_array else None
