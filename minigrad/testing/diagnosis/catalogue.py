"""The catalogue of corrections for what is not a float: axes, indices, masks, loops, functions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations, permutations
from typing import Any

import numpy as np

from minigrad.testing.diagnosis.multipliers import reductions
from minigrad.testing.diagnosis.repairs import Correction, Known, using
from minigrad.testing.diagnosis.workbench import Workbench
from minigrad.testing.reports import causes

FUNCTIONS = {  # what is easily written for what, and what that mistake is called
    "mean": [("sum", causes.DIVIDED)],
    "sum": [("mean", causes.COUNT)],
    "sin": [("cos", causes.OTHER_DERIVATIVE)],
    "cos": [("sin", causes.OTHER_DERIVATIVE)],
    "repeat": [("tile", causes.RESHAPED)],
    "tile": [("repeat", causes.RESHAPED)],
    "maximum": [("minimum", causes.BRANCH)],
    "minimum": [("maximum", causes.BRANCH)],
    "argmax": [("argmin", causes.WRONG_MASK)],
    "sort": [("argsort", causes.PLACE)],
}

ALONG = {"sum", "mean", "max", "min", "var", "std", "cumsum", "argmax", "flip", "norm"}  # an axis


def of_integers(bench: Workbench, k: int, value: int) -> Iterator[Correction]:
    """Another axis, here or wherever the same one is named; one more or less of a bound."""
    site = bench.back.sites[k]
    if site.role == "axis" or (site.role == "args" and site.around[:1] and site.around[0] in ALONG):
        ndim = max((np.ndim(x) for x in bench.douts[0]), default=1) + 2
        label = causes.WRONG_MASK if "Compare" in site.around else causes.AXIS
        twins = tuple(_alike(bench, k))
        ahead = (-1, -2, -3) if value < 0 else (-1,)
        for axis in (*ahead, *range(ndim), None):
            if axis != value:
                yield Correction(label, f"exchanged for axis {axis}", 0.8, _be(axis))
                if twins:
                    words = f"exchanged for axis {axis}, in {1 + len(twins)} places"
                    yield Correction(label, words, 0.85, _be(axis), more=twins)
        return
    if site.role in {"index", "bound", "args", "left", "right", "elts", "operand", "value"}:
        if len(bench.back.seen[k]) > 1:
            for by in (1, -1):
                words = f"{abs(by)} {'more' if by > 0 else 'less'}"
                yield Correction(causes.PLACE, words, 1.9, using(np.add, by))
            return
        indexing = {"slice", "Slice", "Subscript", "range"} & {site.role, *site.around}
        label = causes.PLACE if indexing or site.role in {"index", "bound"} else causes.CONSTANT
        label = causes.POWER if site.around[:1] == ("Pow",) and site.role == "right" else label
        sizes = {n for x in bench.operands.values() for n in np.shape(x)}
        taken = {one.entries for one in reductions(bench.ahead, bench.before).values()}
        for other in sorted(taken - {value}) if label == causes.CONSTANT and value > 1 else ():
            words = f"exchanged for {other}, which the forward takes together"
            yield Correction(causes.COUNT, words, 1.3, _be(other))
        for other in sorted({value + 1, value - 1, -value, 0, 2 * value, *sizes}):
            if other != value:
                cost = 1.4 if label == causes.POWER else 2.0
                yield Correction(label, f"exchanged for {other}", cost, _be(other))


def _alike(bench: Workbench, k: int) -> Iterator[int]:
    """Other places of the same function that name the same axis."""
    site, value = bench.back.sites[k], bench.back.seen[k][0]
    for i, values in bench.back.seen.items():
        other = bench.back.sites[i]
        near = i != k and other.role == site.role and other.function == site.function
        near = near and (site.role == "axis" or bool(ALONG & {*other.around[:1]}))
        if near and type(values[0]) is type(value) and values[0] == value:
            yield i


def of_slices(value: slice) -> Iterator[Correction]:
    """Other ends, no step, the other direction."""
    start, stop, step = value.start, value.stop, value.step
    numbers = [x for x in (start, stop) if x is not None]
    if not all(isinstance(x, (int, np.integer)) for x in numbers):
        return
    by = [1, -1, *(n for n in range(2, 4)), *(-n for n in range(2, 4))]
    if value != slice(None):
        yield Correction(causes.MISSED, "exchanged for all of it, `:`", 1.7, _be(slice(None)))
    tries = [slice(None, None, -1)]
    tries += [slice((start or 0) + d, stop, step) for d in by if (start or 0) + d >= 0]
    tries += [slice(start, stop + d, step) for d in by if stop is not None]
    tries += [slice((start or 0) + d, stop + d, step) for d in by if stop is not None]
    for other in tries:
        if other != value:
            yield Correction(causes.PLACE, f"{other}", 2.0, _be(other))


def of_tuples(bench: Workbench, k: int, value: Any) -> Iterator[Correction]:
    """Arrays in another order; axes inverted, or in another order."""
    site = bench.back.sites[k]
    if site.role == "axis" and value and all(isinstance(x, (int, np.integer)) for x in value):
        yield from _other_axes(bench, k, value)
    if any(isinstance(x, slice) and x != slice(None) for x in value):
        for by in (1, -1, 2, -2, 3):
            yield Correction(causes.PLACE, f"shifted by {by}", 1.9, _shifted(by))
    if not 2 <= len(value) <= 5 or site.around[:1] == ("Subscript",):  # one of x.shape is another
        return
    arrays = all(isinstance(x, (np.ndarray, np.generic)) for x in value)
    label, cost = (causes.SWAPPED, 0.7) if arrays else (causes.AXIS, 1.0)
    if all(isinstance(x, (int, np.integer)) for x in value):
        label = causes.TRANSPOSED if sorted(value) == list(range(len(value))) else causes.AXIS
    for order in permutations(range(len(value))):
        if order != tuple(range(len(value))):
            yield Correction(label, f"in the order {order}", cost, _ordered(order))


def _other_axes(bench: Workbench, k: int, value: Any) -> Iterator[Correction]:
    twins = tuple(_alike(bench, k))
    for n in range(1, 5):
        for axes in combinations(range(4), n):
            if axes != tuple(value):
                words = f"exchanged for axes {axes}"
                yield Correction(causes.AXIS, words, 0.8, _be(axes))
                if twins:
                    yield Correction(causes.AXIS, words, 0.85, _be(axes), more=twins)


def of_booleans(value: Any, known: Mapping[str, Known]) -> Iterator[Correction]:
    """The mask turned round, or another mask of the forward."""
    wrong = causes.MASK if np.all(value) else causes.WRONG_MASK
    yield Correction(causes.BRANCH, "turned round", 1.0, lambda v, hit: ~v)
    for name, one in known.items():
        other = one.value
        if other.dtype.kind == "b" and other.shape == value.shape:
            if not np.array_equal(other, value):
                yield Correction(wrong, f"exchanged for `{name}`", 1.2, _be(other))
                yield Correction(wrong, f"exchanged for ~`{name}`", 1.3, _be(~other))
        elif other.shape == value.shape:
            masks = {f"{name} > 0": other > 0, f"{name} != 0": other != 0}
            for axis in range(other.ndim):
                best = other == np.max(other, axis=axis, keepdims=True)
                masks[f"{name} is the largest along axis {axis}"] = best
            for words, mask in masks.items():
                yield Correction(wrong, f"exchanged for `{words}`", 1.45, _be(mask))


def of_indices(value: Any) -> Iterator[Correction]:
    """The inverse of an order; the order itself; one further."""
    yield Correction(causes.PLACE, "inverted, by argsort", 1.0, lambda v, hit: np.argsort(v, -1))
    if value.ndim > 1:
        yield Correction(causes.PLACE, "inverted along axis 0", 1, lambda v, hit: np.argsort(v, 0))
    yield Correction(causes.PLACE, "from the end", 1.0, lambda v, hit: np.flip(v, -1))
    for by in (1, -1):
        yield Correction(causes.PLACE, f"{by} further", 2.0, using(np.add, by))


def of_loops(value: Any) -> Iterator[Correction]:
    """The other way round; from one later, to one earlier."""
    yield Correction(causes.ORDER, "the other way round", 1.0, lambda v, hit: list(v)[::-1])
    if isinstance(value, range):
        longer = range(value.start, value.stop + value.step, value.step)
        yield Correction(causes.MISSED, "one longer", 1.2, _be(longer))
        earlier = range(value.start - value.step, value.stop, value.step)
        yield Correction(causes.MISSED, "from one earlier", 1.2, _be(earlier))


def of_functions(value: Any) -> Iterator[Correction]:
    """A function that is easily taken for this one."""
    name, owner = getattr(value, "__name__", ""), getattr(value, "__self__", None)
    if name == "put_along_axis":
        words = "one that adds, not np.put_along_axis"
        yield Correction(causes.OVERWRITES, words, 1.0, lambda v, hit: _add_along_axis)
    for other, label in FUNCTIONS.get(name, ()):
        if isinstance(owner, np.ndarray):
            new = getattr(owner, other, None)
        else:
            new = getattr(np, other, None)
        if new is not None:
            words = f"`{other}` in the place of it"
            yield Correction(label, words, 1.1, _renamed(other))


def of_stores(value: Any) -> Iterator[Correction]:
    """Added, not assigned; added without a buffer."""
    array, _, new, add = value
    if isinstance(array, np.ndarray) and isinstance(new, (np.ndarray, np.generic, float)):
        if not add:
            yield Correction(causes.OVERWRITES, "`+=` for `=`", 0.9, store=_plus)
        yield Correction(causes.OVERWRITES, "np.add.at, which adds every time", 1.0, store=_at)
        yield Correction(causes.MASK, "not at all", 3.0, store=lambda a, i, v: None)


def _plus(array: Any, index: Any, value: Any) -> None:
    array[index] += value


def _at(array: Any, index: Any, value: Any) -> None:
    np.add.at(array, index, value)


def _shifted(by: int) -> Any:
    def moved(x: Any) -> Any:
        if not isinstance(x, slice) or x == slice(None):
            return x
        return slice((x.start or 0) + by, None if x.stop is None else x.stop + by, x.step)

    return lambda v, hit: tuple(moved(x) for x in v)


def _add_along_axis(array: Any, indices: Any, values: Any, axis: int) -> None:
    places = list(np.indices(indices.shape, sparse=True))
    places[axis] = indices
    np.add.at(array, tuple(places), values)


def _be(other: Any) -> Any:
    return lambda v, hit: other


def _ordered(order: tuple[int, ...]) -> Any:
    return lambda v, hit: type(v)(v[i] for i in order) if type(v) in (tuple, list) else v


def _renamed(other: str) -> Any:
    def change(v: Any, hit: int) -> Any:
        owner = getattr(v, "__self__", None)
        return getattr(owner if isinstance(owner, np.ndarray) else np, other)

    return change
