"""The catalogue of corrections for what is not a float: axes, indices, masks, loops, functions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import permutations
from typing import Any

import numpy as np

from minigrad.testing import causes
from minigrad.testing.probes import Site
from minigrad.testing.repairs import Correction
from minigrad.testing.workbench import Workbench

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


def of_integers(bench: Workbench, site: Site, value: int) -> Iterator[Correction]:
    """Another axis; one more or less of a bound, a step, a count."""
    if site.role == "axis":
        ndim = max((np.ndim(x) for x in bench.douts[0]), default=1) + 2
        for axis in (*range(ndim), None):
            if axis != value:
                yield Correction(causes.AXIS, f"axis {axis}", 0.8, _be(axis))
        return
    if site.role in {"index", "bound", "args", "left", "right", "elts", "operand", "value"}:
        for other in (value + 1, value - 1, -value, 0, 2 * value):
            if other != value:
                label = causes.PLACE if site.role in {"index", "bound"} else causes.CONSTANT
                if site.role == "right" and "**" in site.text:
                    label = causes.POWER
                yield Correction(label, str(other), 2.0, _be(other))


def of_slices(value: slice) -> Iterator[Correction]:
    """Other ends, no step, the other direction."""
    start, stop, step = value.start, value.stop, value.step
    numbers = [x for x in (start, stop) if x is not None]
    if not all(isinstance(x, (int, np.integer)) for x in numbers):
        return
    by = [1, -1, *(n for n in range(2, 4)), *(-n for n in range(2, 4))]
    tries = [slice(None, None, -1), slice(None)]
    tries += [slice((start or 0) + d, stop, step) for d in by if (start or 0) + d >= 0]
    tries += [slice(start, stop + d, step) for d in by if stop is not None]
    tries += [slice((start or 0) + d, stop + d, step) for d in by if stop is not None]
    for other in tries:
        if other != value:
            yield Correction(causes.PLACE, f"{other}", 2.0, _be(other))


def of_tuples(site: Site, value: Any) -> Iterator[Correction]:
    """Arrays in another order; axes inverted, or in another order."""
    if not 2 <= len(value) <= 5:
        return
    arrays = all(isinstance(x, (np.ndarray, np.generic)) for x in value)
    label, cost = (causes.SWAPPED, 0.7) if arrays else (causes.AXIS, 1.0)
    if all(isinstance(x, (int, np.integer)) for x in value):
        label = causes.TRANSPOSED if sorted(value) == list(range(len(value))) else causes.AXIS
        yield from _other_axes(site, value)
    for order in permutations(range(len(value))):
        if order != tuple(range(len(value))):
            yield Correction(label, f"in the order {order}", cost, _ordered(order))


def _other_axes(site: Site, value: Any) -> Iterator[Correction]:
    if site.role == "axis":
        for n in range(1, 5):
            for axes in permutations(range(4), n):
                if list(axes) == sorted(axes) and axes != tuple(value):
                    yield Correction(causes.AXIS, f"axes {axes}", 1.0, _be(axes))


def of_booleans(bench: Workbench, value: Any, known: Mapping[str, Any]) -> Iterator[Correction]:
    """The mask turned round, or another mask of the forward."""
    yield Correction(causes.BRANCH, "turned round", 1.0, lambda v, hit: ~v)
    for name, other in known.items():
        if other.dtype.kind == "b" and other.shape == value.shape:
            if not np.array_equal(other, value):
                yield Correction(causes.WRONG_MASK, f"`{name}`", 1.2, _be(other))
                yield Correction(causes.WRONG_MASK, f"~`{name}`", 1.3, _be(~other))
        elif other.shape == value.shape:
            for words, mask in ((f"{name} > 0", other > 0), (f"{name} != 0", other != 0)):
                yield Correction(causes.WRONG_MASK, words, 1.5, _be(mask))


def of_indices(bench: Workbench, value: Any) -> Iterator[Correction]:
    """The inverse of an order; the order itself; one further."""
    yield Correction(causes.PLACE, "inverted, by argsort", 1.0, lambda v, hit: np.argsort(v, -1))
    if value.ndim > 1:
        yield Correction(causes.PLACE, "inverted along axis 0", 1, lambda v, hit: np.argsort(v, 0))
    yield Correction(causes.PLACE, "from the end", 1.0, lambda v, hit: np.flip(v, -1))
    for by in (1, -1):
        yield Correction(causes.PLACE, f"{by} further", 2.0, lambda v, hit, b=by: v + b)


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
    for other, label in FUNCTIONS.get(name, ()):
        if isinstance(owner, np.ndarray):
            new = getattr(owner, other, None)
        else:
            new = getattr(np, other, None)
        if new is not None:
            yield Correction(label, f"{other} for {name}", 1.1, _renamed(other))


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


def _be(other: Any) -> Any:
    return lambda v, hit: other


def _ordered(order: tuple[int, ...]) -> Any:
    return lambda v, hit: type(v)(v[i] for i in order) if type(v) in (tuple, list) else v


def _renamed(other: str) -> Any:
    def change(v: Any, hit: int) -> Any:
        owner = getattr(v, "__self__", None)
        return getattr(owner if isinstance(owner, np.ndarray) else np, other)

    return change
