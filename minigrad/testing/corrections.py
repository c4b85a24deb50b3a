"""The catalogue of corrections: for each kind of value, what may be wrong with it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, permutations
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any

import numpy as np

from minigrad.testing import causes
from minigrad.testing.factors import batch, meaning
from minigrad.testing.catalogue import of_booleans, of_functions, of_integers, of_loops, of_tuples
from minigrad.testing.catalogue import of_indices, of_slices, of_stores
from minigrad.testing.probes import Site
from minigrad.testing.repairs import Correction, fitted, known_arrays, slopes_of_forward
from minigrad.testing.workbench import Workbench


class Catalogue:
    """Corrections for each place of a backward, by the kind of value that stands there."""

    def __init__(self, bench: Workbench) -> None:
        self.known = known_arrays(bench)
        self.slopes = slopes_of_forward(bench)

    def __call__(self, bench: Workbench, k: int) -> Iterator[Correction]:
        """What to try at place k."""
        site, values = bench.back.sites[k], bench.back.seen[k]
        value = values[0]
        if site.kind in {"Assign", "AugAssign"}:
            yield from of_stores(value)
        elif isinstance(value, (bool, np.bool_)):
            yield Correction(causes.WRONG_MASK, "not", 3, lambda v, hit: not v)
        elif isinstance(value, (int, np.integer)):
            yield from of_integers(bench, site, int(value))
            if site.role in {"left", "right"}:
                yield from factors(bench, k)
        elif isinstance(value, (float, np.floating)) or _floats(value):
            yield from self.of_floats(bench, k, site, values)
        elif isinstance(value, np.ndarray):
            kind = value.dtype.kind
            if kind == "b":
                yield from of_booleans(bench, value, self.known)
            elif kind in "iu":
                yield from of_indices(bench, value)
        elif isinstance(value, slice):
            yield from of_slices(value)
        elif isinstance(value, (tuple, list)):
            yield from of_tuples(site, value)
        elif isinstance(value, (FunctionType, BuiltinFunctionType, MethodType, np.ufunc)) or (
            callable(value) and hasattr(np, getattr(value, "__name__", "") or "-")
        ):
            yield from of_functions(value)
        elif site.role == "iter":
            yield from of_loops(value)

    def of_floats(
        self, bench: Workbench, k: int, site: Site, values: list[Any]
    ) -> Iterator[Correction]:
        """Everything that an array of floats may lack."""
        value = np.asarray(values[0])
        yield from factors(bench, k)
        yield from powers(value)
        if value.ndim:
            yield from transposes(value)
            yield from reshapes(bench, site, k)
            yield from sums(bench, site, k, value)
            yield from means(value)
            yield from turns(value)
        if len(values) == 1:
            yield from self.operands(bench, site, value)
            yield from self.products(bench, k, site, value)
            yield from self.terms(bench, k, site, value)
            yield from self.projections(bench, k, site, value)
        else:
            yield Correction(causes.OVERWRITES, "added up in the loop", 1.0, _Running())

    def operands(self, bench: Workbench, site: Site, value: Any) -> Iterator[Correction]:
        """Another array in its place."""
        for name, other in self.known.items():
            if other.shape == value.shape and other.dtype.kind == "f" and name != site.text:
                if np.array_equal(other, value):
                    continue
                label = causes.OPERAND
                cost = 1.5 if site.kind in {"Name", "Attribute", "Subscript"} else 2.5
                yield Correction(label, f"`{name}`", cost, _always(other))
        for name, slope in self.slopes.items():
            if slope.shape == value.shape:
                yield Correction(
                    causes.OTHER_DERIVATIVE, f"the derivative of `{name}`", 3, _always(slope)
                )

    def products(
        self, bench: Workbench, k: int, site: Site, value: Any
    ) -> Iterator[Correction]:
        """One more factor, or one less."""
        if site.kind == "Constant":
            return
        for name, other in (self.slopes | self.known).items():
            if not _fits(other, value):
                continue
            flat = np.unique(other)
            if len(flat) == 1:
                continue
            if other.dtype.kind == "b" or set(flat.tolist()) <= {0.0, 1.0}:
                yield Correction(causes.MASK, f"times `{name}`", 2, _times(other))
                if other.dtype.kind == "b":
                    yield Correction(causes.MASK, f"times ~`{name}`", 2, _times(~other))
                continue
            slope = name in self.slopes
            words = f"the derivative of `{name}`" if slope else f"`{name}`"
            own = name in site.text or site.text in name
            label = causes.POWER if own and not slope else causes.CHAIN
            yield Correction(label, f"times {words}", 2.2, _times(other))
            if np.all(other != 0):
                label = causes.POWER if own and not slope else causes.EXTRA_CHAIN
                label = label if slope or own else causes.CHAIN
                yield Correction(label, f"divided by {words}", 2.4, _times(1 / other))
                if not slope:
                    yield Correction(label, f"divided by the square of {words}", 3, _times(other**-2))

    def terms(self, bench: Workbench, k: int, site: Site, value: Any) -> Iterator[Correction]:
        """One more term, some multiple of a known array."""
        if site.kind in {"Constant", "Name", "Attribute"} and site.role not in {"value", "elts"}:
            return
        for name, other in self.known.items():
            if _fits(other, value) and other.dtype.kind == "f" and np.shape(other):
                amount = fitted(bench, k, _plus(other, 1.0))
                if amount is not None:
                    words = f"plus {amount:.4g} × `{name}`"
                    yield Correction(causes.TERM, words, 4, _plus(other, amount))

    def projections(
        self, bench: Workbench, k: int, site: Site, value: Any
    ) -> Iterator[Correction]:
        """Some multiple of a sum over an axis, along an array: how a mean, a variance, a softmax act."""
        if value.ndim < 1 or site.kind in {"Constant", "Attribute"}:
            return
        arrays = {"1": np.ones(value.shape)}
        arrays |= {n: a for n, a in self.known.items() if a.shape == value.shape and _floats(a)}
        for axis in range(value.ndim):
            for name, other in arrays.items():
                change = _projected(other, axis, 1.0)
                amount = fitted(bench, k, change)
                if amount is not None:
                    words = f"plus {amount:.4g} × its sum with `{name}` along axis {axis}, along `{name}`"
                    cost = 4 + (name != "1")
                    yield Correction(causes.DETACHED, words, cost, _projected(other, axis, amount))


# ---- numbers -------------------------------------------------------------------------------------
def factors(bench: Workbench, k: int) -> Iterator[Correction]:
    """A factor, found by fitting; what it means decides the cause."""
    amount = fitted(bench, k, lambda v, hit: 2 * v)
    if amount is None:
        return
    if abs(1 + amount) < 1e-6:
        yield Correction(causes.TERM, "left out", 5, lambda v, hit: 0 * v)
        return
    label, words, sure = meaning(1 / (1 + amount), bench)
    cost = 0.5 if label == causes.SIGN else 1.0 if sure else 4.5
    yield Correction(label, words, cost, lambda v, hit: (1 + amount) * v)


def powers(value: Any) -> Iterator[Correction]:
    """A square for the thing itself, its root, its inverse; its absolute value or sign."""
    yield Correction(causes.POWER, "squared", 1.5, lambda v, hit: v * v)
    yield Correction(causes.POWER, "inverted", 2, lambda v, hit: 1 / v)
    yield Correction(causes.POWER, "cubed", 2, lambda v, hit: v * v * v)
    yield Correction(causes.SIGN, "by its absolute value", 1.8, lambda v, hit: np.abs(v))
    yield Correction(causes.SIGN, "by its sign", 1.9, lambda v, hit: np.sign(v))
    if np.all(value >= 0):
        yield Correction(causes.POWER, "by its root", 2, lambda v, hit: np.sqrt(v))
        yield Correction(causes.POWER, "by its logarithm", 3, lambda v, hit: np.log(v))
    yield Correction(causes.OTHER_DERIVATIVE, "by its tanh", 2.6, lambda v, hit: np.tanh(v))


# ---- axes ----------------------------------------------------------------------------------------
def transposes(value: Any) -> Iterator[Correction]:
    """The axes in another order."""
    if 2 <= value.ndim <= 4:
        for order in permutations(range(value.ndim)):
            if order != tuple(range(value.ndim)):
                words = "transposed" if value.ndim == 2 else f"with its axes in the order {order}"
                yield Correction(
                    causes.TRANSPOSED, words, 1.0, lambda v, hit, o=order: np.transpose(v, o)
                )


def reshapes(bench: Workbench, site: Site, k: int) -> Iterator[Correction]:
    """Axes moved before, or after, a reshape."""
    source = _receiver(bench, k, "reshape")
    if source is None:
        return
    new = bench.back.seen[k][0].shape
    if source.ndim <= 5:
        for order in permutations(range(source.ndim)):
            if order != tuple(range(source.ndim)):
                yield Correction(
                    causes.RESHAPED,
                    f"with its axes moved to the order {order} before",
                    1.3,
                    _reshaped(source, order, None, new),
                )
    if 2 <= len(new) <= 6:
        for order in permutations(range(len(new))):
            if order != tuple(range(len(new))):
                middle = tuple(new[order.index(i)] for i in range(len(new)))
                yield Correction(
                    causes.RESHAPED,
                    f"as {middle}, its axes then moved to the order {order}",
                    1.3,
                    _reshaped(source, None, middle, order),
                )


def sums(bench: Workbench, site: Site, k: int, value: Any) -> Iterator[Correction]:
    """A sum over some axes; over what an index has picked one of."""
    for many in range(1, value.ndim + 1):
        for axes in combinations(range(value.ndim), many):
            label = causes.BATCH_SUM if axes == (0,) else causes.BROADCAST
            label = causes.BATCH_SUM if axes == (0,) and value.shape[0] == batch(bench) else label
            words = f"summed over axis {axes if many > 1 else axes[0]}"
            yield Correction(label, words, 1.4, lambda v, hit, a=axes: np.sum(v, axis=a))
            yield Correction(
                label, words, 1.6, lambda v, hit, a=axes: np.sum(v, axis=a, keepdims=True)
            )
    picked = _subscripted(bench, k)
    if picked is not None:
        array, index = picked
        index = index if isinstance(index, tuple) else (index,)
        if Ellipsis in index or len(index) > array.ndim or any(i is None for i in index):
            return
        for change, label in _all_of(array, index, batch(bench)):
            yield Correction(label, "summed over all of them, not one", 1.2, change)


def means(value: Any) -> Iterator[Correction]:
    """Less its mean along an axis; less its mean over everything."""
    for axis in (*range(value.ndim), None):
        yield Correction(
            causes.DETACHED,
            f"less its mean along axis {axis}" if axis is not None else "less its mean",
            3.0,
            lambda v, hit, a=axis: v - np.mean(v, axis=a, keepdims=True),
        )


def turns(value: Any) -> Iterator[Correction]:
    """Entries in other places: flipped, shifted, added up from the other end."""
    for axis in range(value.ndim):
        if value.shape[axis] < 2:
            continue
        where = f"along axis {axis}"
        yield Correction(
            causes.PLACE, f"flipped {where}", 1.5, lambda v, hit, a=axis: np.flip(v, a)
        )
        for by in (1, -1):
            yield Correction(
                causes.PLACE,
                f"shifted by {by} {where}",
                2.0,
                lambda v, hit, a=axis, b=by: np.roll(v, b, a),
            )
    if value.ndim > 1:
        for axes in combinations(range(value.ndim), 2):
            yield Correction(
                causes.PLACE, f"flipped along axes {axes}", 1.6, lambda v, hit, a=axes: np.flip(v, a)
            )


# ---- details -------------------------------------------------------------------------------------
class _Running:
    """The sum of all values that a place had so far, in this run of a loop."""

    def __call__(self, value: Any, hit: int) -> Any:
        self.total = value if hit == 0 else self.total + value
        return self.total


def _always(other: Any) -> Any:
    return lambda v, hit: other.copy()


def _times(other: Any) -> Any:
    return lambda v, hit: v * other


def _plus(other: Any, amount: float) -> Any:
    return lambda v, hit: v + amount * other


def _projected(other: Any, axis: int, amount: float) -> Any:
    return lambda v, hit: v + amount * other * np.sum(v * other, axis=axis, keepdims=True)


def _reshaped(source: Any, before: Any, middle: Any, after: Any) -> Any:
    if before is not None:
        return lambda v, hit: source.transpose(before).reshape(after)
    return lambda v, hit: source.reshape(middle).transpose(after)


def _all_of(array: Any, index: tuple[Any, ...], rows: int) -> Iterator[tuple[Any, str]]:
    whole = sum(1 for i in index if isinstance(i, (int, np.integer)))
    axes = tuple(a for a, i in enumerate(index) if isinstance(i, (int, np.integer)))
    if whole:
        rest = tuple(slice(None) if isinstance(i, (int, np.integer)) else i for i in index)
        label = causes.BATCH_SUM if axes == (0,) and array.shape[0] == rows else causes.BROADCAST
        yield (lambda v, hit: array[rest].sum(axis=axes)), label
    steps = [i.step if isinstance(i, slice) and i.step else 1 for i in index]
    if any(s > 1 for s in steps):

        def every(v: Any, hit: int) -> Any:
            starts = np.ndindex(*(max(s, 1) for s in steps))
            return sum(array[tuple(slice(a, None, s) for a, s in zip(at, steps, strict=True))]
                       for at in starts)

        yield every, causes.BROADCAST


def _receiver(bench: Workbench, k: int, method: str) -> Any:
    """The array that a method is called on, where the place is such a call."""
    site = bench.back.sites[k]
    if site.kind != "Call" or len(bench.back.seen[k]) != 1:
        return None
    for i in range(k + 1, min(k + 3, len(bench.back.sites))):
        for f in bench.back.seen.get(i, ()):
            if getattr(f, "__name__", "") == method and bench.back.sites[i].role == "func":
                owner = getattr(f, "__self__", None)
                return owner if isinstance(owner, np.ndarray) else None
    return None


def _subscripted(bench: Workbench, k: int) -> Any:
    """The array and the index of a place like `array[index]`."""
    site = bench.back.sites[k]
    if site.kind != "Subscript" or len(bench.back.seen[k]) != 1:
        return None
    parts = {}
    for i in range(k + 1, len(bench.back.sites)):
        part = bench.back.sites[i]
        if part.span[0] > site.span[1] or part.file != site.file:
            break
        if part.role in {"value", "index"} and part.role not in parts and i in bench.back.seen:
            parts[part.role] = bench.back.seen[i][0]
    array = parts.get("value")
    return (array, parts["index"]) if isinstance(array, np.ndarray) and "index" in parts else None


def _floats(value: Any) -> bool:
    return isinstance(value, (np.ndarray, np.floating)) and value.dtype.kind == "f"


def _fits(other: Any, value: Any) -> bool:
    try:
        return bool(np.broadcast_shapes(other.shape, value.shape) == value.shape)
    except ValueError:
        return False
