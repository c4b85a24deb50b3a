"""The catalogue of corrections of arrays: factors, powers, other operands, further terms."""

from __future__ import annotations

from collections.abc import Iterator
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any

import numpy as np

from minigrad.testing.diagnosis.catalogue import (
    of_booleans,
    of_functions,
    of_indices,
    of_integers,
    of_loops,
    of_slices,
    of_stores,
    of_tuples,
)
from minigrad.testing.diagnosis.factors import scalars
from minigrad.testing.diagnosis.moves import of_axes, products_turned
from minigrad.testing.diagnosis.probes import Site
from minigrad.testing.diagnosis.repairs import (
    Correction,
    Known,
    fitted,
    known_arrays,
    slopes_of_forward,
)
from minigrad.testing.diagnosis.scales import Running, constants, factors, one_hots, powers
from minigrad.testing.diagnosis.workbench import Workbench, near
from minigrad.testing.reports import causes

FUNCTIONS = (FunctionType, BuiltinFunctionType, MethodType, np.ufunc, type(np.sum))


class Catalogue:
    """Corrections for each place of a backward, by the kind of value that stands there."""

    def __init__(self, bench: Workbench) -> None:
        self.bench = bench
        self.places = _places(bench.before), _places(bench.back.seen)
        self.worth = np.inf  # corrections that are dearer than this are not worth trying
        self.known = known_arrays(bench)
        self.labels = dict(one_hots(bench))
        positive = {k: x for k, x in bench.operands.items() if np.ndim(x) and np.all(x > 0)}
        self.logs = {f"log({k})": Known(np.log(x)) for k, x in positive.items()}
        self.slopes = {k: Known(v) for k, v in slopes_of_forward(bench).items()}

    def __call__(self, bench: Workbench, k: int) -> Iterator[Correction]:
        """What to try at place k."""
        site, values = bench.back.sites[k], bench.back.seen[k]
        value = values[0]
        if site.kind in {"Assign", "AugAssign"}:
            yield from of_stores(value)
        elif isinstance(value, (bool, np.bool_)):
            yield Correction(causes.WRONG_MASK, "turned round", 3, lambda v, hit: not v)
        elif isinstance(value, (int, np.integer)):
            yield from of_integers(bench, k, int(value))
            if site.kind == "Constant" and site.role != "axis":
                yield from constants(bench, site, value)
            if site.role in {"left", "right"} and "slice" not in site.around:
                yield from factors(bench, k)
        elif _is_float(value) or isinstance(value, float):
            yield from self.of_floats(k, site, values)
        elif isinstance(value, np.ndarray) and value.dtype.kind == "b":
            yield from of_booleans(value, self.known)
        elif isinstance(value, np.ndarray) and value.dtype.kind in "iu":
            yield from of_indices(value)
        elif isinstance(value, slice):
            yield from of_slices(value)
        elif isinstance(value, (tuple, list)):
            yield from of_tuples(bench, k, value)
        elif isinstance(value, FUNCTIONS):
            yield from of_functions(value)
        elif site.role == "iter":
            yield from of_loops(value)

    def of_floats(self, k: int, site: Site, values: list[Any]) -> Iterator[Correction]:
        """Everything that an array of floats may lack."""
        value = np.asarray(values[0])
        yield from factors(self.bench, k)
        yield from powers(site, value)
        if site.kind == "Constant":
            yield from constants(self.bench, site, value)
        if value.ndim:
            yield from of_axes(self.bench, k, value)
        if site.kind == "BinOp":
            yield from products_turned(self.bench, k)
        if len(values) == 1:
            yield from self.operands(k, site, value)
            if self.worth >= 2:
                yield from self.products(site, value)
            if self.worth >= 2.1:
                yield from self.terms(k, site, value)
            if self.worth >= 4:
                yield from self.projections(k, site, value)
        else:
            yield Correction(causes.OVERWRITES, "added up in the loop", 0.9, Running())

    # ---- other operands ----------------------------------------------------------------------
    def operands(self, k: int, site: Site, value: Any) -> Iterator[Correction]:
        """Another array in its place, here and wherever it is called the same."""
        simple = site.kind in {"Name", "Attribute", "Subscript"}
        twins = tuple(self._alike(k)) if simple else ()
        for name, other in self.known.items():
            fits = other.value.shape == value.shape and other.value.dtype.kind == "f"
            if not fits or name == site.text or np.array_equal(other.value, value):
                continue
            label, dear = self._confusion(site, value, other)
            cost = (1.5 if site.kind in {"Name", "Attribute"} else 2.5) + dear
            change = self._now(other, lambda v, o: o.copy())
            yield Correction(label, f"`{name}` in the place of it", cost, change)
            if twins:
                yield Correction(
                    label, f"`{name}` in the place of it", cost + 0.05, change, more=twins
                )
        for name, slope in self.slopes.items():
            if slope.value.shape == value.shape:
                words = f"the derivative of `{name}` in the place of it"
                change = self._now(slope, lambda v, o: o.copy())
                yield Correction(causes.OTHER_DERIVATIVE, words, 3, change)

    def _alike(self, k: int) -> Iterator[int]:
        site = self.bench.back.sites[k]
        for i in self.bench.back.seen:
            other = self.bench.back.sites[i]
            if i != k and other.text == site.text and other.function == site.function:
                yield i

    def _confusion(self, site: Site, value: Any, right: Known) -> tuple[str, float]:
        """What it is called to use one array where another belongs, and how much that costs."""
        if "Compare" in site.around[:2]:
            return causes.WRONG_MASK, -0.1
        if right.place is not None and _inside(self.bench.back.sites[right.place], site):
            factor = (
                site.kind == "BinOp" and "Mult" in self.bench.back.sites[right.place].around[:1]
            )
            if factor or self.bench.back.sites[right.place].around[:1] == ("Sub",):
                return causes.EXTRA_CHAIN, -1.0  # a part of the expression in place of the whole
        how = self._made_of(right.value, value)
        if how == "Mult":
            return causes.CHAIN, 0.9
        if how in {"Add", "Sub"}:
            return (causes.EPS, -0.2) if self._barely(right.value, value) else (causes.OPERAND, 0)
        if how == "Call" or self._made_of(value, right.value) == "Call":
            return causes.OUTPUT, -0.05
        ends = [*self.bench.operands.values()], self.bench.evidence.outputs
        for a, b in ((value, right.value), (right.value, value)):
            if any(_same(a, x) for x in ends[0]) and any(_same(b, y) for y in ends[1]):
                return causes.OUTPUT, 0
        return causes.OPERAND, 0

    def _made_of(self, whole: Any, part: Any) -> str:
        """By which operation of the forward, or of the backward, one array is made of another."""
        spies = self.bench.ahead, self.bench.back
        for spy, places in zip(spies, self.places, strict=True):
            wholes, parts = places.get(_key(whole), ()), places.get(_key(part), ())
            for k in wholes:
                for i in parts:
                    near = spy.sites[i].around[:1]
                    far = len(spy.sites[i].around) - len(spy.sites[k].around)
                    if _inside(spy.sites[i], spy.sites[k]) and far == 1:
                        known = near[0] in {"Mult", "Div", "Add", "Sub", "Pow", "MatMult"}
                        return near[0] if known else "Call"
        return ""

    @staticmethod
    def _barely(a: Any, b: Any) -> bool:
        gap = np.unique(np.round(np.abs(a - b), 12))
        return len(gap) == 1 and 0 < gap[0] <= 1e-2

    # ---- factors and terms -------------------------------------------------------------------
    def products(self, site: Site, value: Any) -> Iterator[Correction]:
        """One more factor, or one less."""
        if site.kind == "Constant":
            return
        for name, other in (self.slopes | self.known | self.logs).items():
            array, slope = other.value, name in self.slopes
            flat = np.unique(array) if _fits(array, value) else np.zeros(1)
            if len(flat) == 1:
                continue
            words = f"the derivative of `{name}`" if slope else f"`{name}`"
            if array.dtype.kind == "b" or set(flat.tolist()) <= {0.0, 1.0}:
                yield Correction(causes.MASK, f"times {words}", 2, self._now(other, np.multiply))
                if array.dtype.kind == "b":
                    change = self._now(other, lambda v, o: v * ~o)
                    yield Correction(causes.MASK, f"times the opposite of {words}", 2, change)
                continue
            own = not slope and (name in site.text or site.text in name)
            label = causes.POWER if own else causes.CHAIN
            yield Correction(label, f"times {words}", 2.2, self._now(other, np.multiply))
            if np.all(array != 0):
                label = causes.EXTRA_CHAIN if slope else causes.POWER
                yield Correction(label, f"divided by {words}", 2.4, self._now(other, np.divide))
                if not slope:
                    change = self._now(other, lambda v, o: v / o**2)
                    yield Correction(label, f"divided by the square of {words}", 3, change)

    def terms(self, k: int, site: Site, value: Any) -> Iterator[Correction]:
        """One more term, some multiple of a known array."""
        whole = site.role in {"value", "elts"} or site.around[:1] == ("where",)
        if site.kind in {"Constant", "Name", "Attribute"} and not whole:
            return
        one = fitted(self.bench, k, lambda v, hit: v + 1.0)
        if one is not None:
            names = [n for n, v in scalars(self.bench).items() if near(v, one)]
            words = f"plus {one:.6g}" + (f", that is `{names[0]}`," if names else "")
            yield Correction(causes.TERM, words, 2.1, lambda v, hit: v + one)
        for name, other in (self.known | self.labels).items():
            if _fits(other.value, value) and other.value.dtype.kind == "f":
                if np.array_equal(np.broadcast_to(other.value, value.shape), value):
                    continue
                amount = fitted(self.bench, k, self._plus(other, 1.0))
                if amount is not None:
                    words = f"plus {amount:.4g} × `{name}`"
                    yield Correction(causes.TERM, words, 4, self._plus(other, amount))

    def projections(self, k: int, site: Site, value: Any) -> Iterator[Correction]:
        """A multiple of a sum over an axis: how a mean, a deviation, a softmax act."""
        if value.ndim < 1 or site.kind in {"Constant", "Attribute"}:
            return
        arrays = {"1": Known(np.ones(value.shape))}
        arrays |= {
            n: a
            for n, a in self.known.items()
            if a.value.shape == value.shape and _is_float(a.value)
        }
        for axis in range(value.ndim):
            for name, other in arrays.items():
                amount = fitted(self.bench, k, self._projected(other, axis, 1.0))
                if amount is not None:
                    along = "" if name == "1" else f" with `{name}`, times that,"
                    words = f"plus {amount:.4g} × its sum{along} along axis {axis}"
                    change = self._projected(other, axis, amount)
                    yield Correction(causes.DETACHED, words, 4 + (name != "1"), change)

    # ---- changes -----------------------------------------------------------------------------
    def _now(self, other: Known, operation: Any) -> Any:
        return lambda v, hit: operation(v, other.now(self.bench))

    def _plus(self, other: Known, amount: float) -> Any:
        return lambda v, hit: v + amount * other.now(self.bench)

    def _projected(self, other: Known, axis: int, amount: float) -> Any:
        def change(v: Any, hit: int) -> Any:
            a = other.now(self.bench)
            return v + amount * a * np.sum(v * a, axis=axis, keepdims=True)

        return change


def _inside(part: Site, whole: Site) -> bool:
    """Whether an expression is a part of another."""
    same = part.file == whole.file and part.span != whole.span
    return same and whole.span[0] <= part.span[0] and part.span[1] <= whole.span[1]


def _places(seen: dict[int, list[Any]]) -> dict[tuple[Any, bytes], list[int]]:
    """Where each array was seen, of those that were seen once."""
    found: dict[tuple[Any, bytes], list[int]] = {}
    for k, values in seen.items():
        if len(values) == 1 and _is_float(values[0]):
            found.setdefault(_key(values[0]), []).append(k)
    return found


def _key(array: Any) -> tuple[Any, bytes]:
    return np.shape(array), np.asarray(array).tobytes()


def _same(a: Any, b: Any) -> bool:
    return _is_float(a) and np.shape(a) == np.shape(b) and np.array_equal(a, b)


def _is_float(value: Any) -> bool:
    return isinstance(value, (np.ndarray, np.floating)) and value.dtype.kind == "f"


def _fits(other: Any, value: Any) -> bool:
    try:
        return bool(np.broadcast_shapes(other.shape, value.shape) == value.shape)
    except ValueError:
        return False
