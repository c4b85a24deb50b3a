"""What every contract needs: fresh runs of a subject, its cotangents, and what to compare with."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import numpy as np

from minigrad.graph import Array
from minigrad.testing.evidence import corners
from minigrad.testing.evidence.evidence import Evidence
from minigrad.testing.evidence.jacobian import Point, joined
from minigrad.testing.subjects.subject import Run, Subject, is_float

Gradients = Mapping[str, Any]
STEPS = 1e-5, 3e-6  # of the differences along a line
FLOOR = 1e-9  # of cotangents around 1, in float64: gradients below this may be rounding
BARS = {8: (1e-6, FLOOR), 4: (1e-4, 3e-2), 2: (2e-2, 0.5)}  # near and floor, by bytes of a float


class Trial:
    """A subject that stands trial: gradients of fresh runs, and how they compare.

    Attributes:
        wrong: operands whose gradients have wrong numbers already; most contracts leave them out.
        near: the relative difference from which on two gradients are different ones.
        floor: gradients smaller than this, of cotangents around 1, are taken to be of this size,
            since they may be what large terms leave when they cancel.
    """

    def __init__(self, subject: Subject, evidence: Evidence | None) -> None:
        self.subject = subject
        self.wrong = set(evidence.wrong) if evidence is not None else set()
        seen = {} if evidence is None else evidence.operands
        self.wrong |= {name for name, one in seen.items() if one.left_open}
        sizes = [x.dtype.itemsize for x in subject.operands.values() if is_float(x)]
        narrowest = min((8, *sizes))  # float32 has seven digits, float16 three
        self.near, self.floor = BARS[narrowest]

    # ---- runs --------------------------------------------------------------------------------
    def start(self, inputs: Mapping[str, Any] | None = None, **more: Any) -> Run:
        """A fresh copy after one forward."""
        return self.subject.start(inputs, **more)

    def douts(self, which: int, run: Run) -> list[Array]:
        """Cotangents for the outputs of a run: the same for the same `which`."""
        rng = np.random.default_rng(100 + which)
        return [np.asarray(rng.normal(size=y.shape), y.dtype) for y in run.outputs]

    def gradients(self, run: Run, douts: Sequence[Array] | None = None) -> dict[str, Any]:
        """The gradients of one run; as PyTorch's, they are reset before, where that is possible."""
        self.reset(run)
        return run.gradients(self.douts(0, run) if douts is None else douts)

    @staticmethod
    def reset(run: Run) -> None:
        """Call zero_grad, of those who add up gradients until it is called."""
        zero = getattr(run.thing, "zero_grad", None)
        if callable(zero):
            zero()

    @cached_property
    def ordinary(self) -> dict[str, Any]:
        """The gradients of an ordinary call."""
        return self.gradients(self.start())

    def of(self, douts: Sequence[Array]) -> dict[str, Any]:
        """The gradients for these cotangents, of a fresh run."""
        return self.gradients(self.start(), douts)

    # ---- other inputs ------------------------------------------------------------------------
    @cached_property
    def others(self) -> dict[str, Any]:
        """Other inputs of the same kind: the same numbers in reverse order."""
        found = {}
        for name, x in self.subject.inputs.items():
            if isinstance(x, np.ndarray) and x.size > 1:
                found[name] = np.flip(x).copy()
            elif is_float(x):
                found[name] = np.asarray(0.9 * x)
            else:
                found[name] = x
        return found

    def rows(self, count: int) -> dict[str, Any] | None:
        """The inputs with only so many rows; None where there is no batch to cut."""
        names = self.subject.rows
        if not names or count < self.subject.fewest:
            return None
        cut = {k: x[:count].copy() if k in names else x for k, x in self.subject.inputs.items()}
        return None if any(len(cut[k]) < count for k in names) else cut

    # ---- comparisons -------------------------------------------------------------------------
    def differing(self, found: Gradients, expected: Gradients) -> list[str]:
        """The operands whose gradients differ by more than rounding, or in their shape."""
        least = self.floor
        return [k for k, g in expected.items() if distance(found.get(k), g, least) > self.near]

    def misjudged(self, inputs: Any = None, params: Any = None) -> list[str]:
        """The operands whose gradients are wrong at another point, by differences along a line.

        In float64, whatever the subject is in: in float32 a difference is mostly rounding.
        """
        run = self.subject.start(inputs, params, np.float64)
        if any(y.dtype.kind == "f" and y.dtype.itemsize < 8 for y in run.outputs):
            return []  # forward itself rounds to fewer digits than a difference needs
        douts = self.douts(0, run)
        found = self.gradients(run, douts)
        yours = {k: found[k] for k in run.operands if k not in self.wrong}
        if self.subject.is_network and not self._is_off(yours, run, douts, params):
            return []  # all of them together: a network may have a hundred
        return [k for k, g in yours.items() if self._is_off({k: g}, run, douts, params)]

    def _is_off(self, found: Gradients, run: Run, douts: Sequence[Array], params: Any) -> bool:
        xs = {k: np.array(run.operands[k], dtype=float) for k in found}
        if any(np.shape(found[k]) != x.shape for k, x in xs.items()):
            return True
        rng = np.random.default_rng(5)
        vs = [rng.normal(size=x.shape) for x in xs.values()]
        owners = {self.subject.parameter(k): k for k in self.subject.params}

        def at(step: float) -> float:
            moved = {k: x + step * v for (k, x), v in zip(xs.items(), vs, strict=True)}
            weights = {owners[k]: x for k, x in moved.items() if k in owners}
            inputs = {k: x for k, x in moved.items() if k not in owners}
            there = self.subject.start(
                {**run.given, **inputs}, {**(params or {}), **weights}, np.float64
            )
            pairs = zip(douts, there.outputs, strict=True)
            return float(sum(np.sum(d * y) for d, y in pairs))

        v, yours = joined(vs), joined([found[k] for k in xs])
        scale = float(np.max(np.abs(joined(list(xs.values()))), initial=0))
        smaller = [h * scale for h in STEPS] if 0 < scale < 1e-2 else []  # x/|x| at 1e-8 wants them
        slopes = [(at(h) - at(-h)) / (2 * h) for h in (*STEPS, *smaller)]
        mine = float(np.sum(yours * v))
        floor = 1e-5 * sum(np.sum(np.abs(d * y)) for d, y in zip(douts, run.outputs, strict=True))
        size = float(np.sum(np.abs(yours * v))) + abs(slopes[0]) + float(floor)
        errors = [abs(s - mine) for s in slopes]
        if min(errors) <= max(1e-3 * size, FLOOR):
            return False
        if errors[1] < errors[0] / 2:  # x³ or x·|x| at 0: it falls with the step
            return False
        gaps = [abs(at(h) - 2 * at(0.0) + at(-h)) / h for h in STEPS]
        if gaps[1] > max(gaps[0] / 2, 1e-3 * size):  # as h falls, f'' falls; a kink stays
            return False
        inputs, params = {**run.given}, dict(params or {})
        point = Point(self.subject, inputs, {**self.subject.params, **params})
        blunt = corners.gaps_at(point, np.random.default_rng(6))
        return not float(blunt @ np.abs(joined(list(douts)))) > 1e-3 * size


def distance(a: Any, b: Any, least: float = 0.0) -> float:
    """The largest difference relative to the largest value; inf for other shapes, or NaN."""
    if a is None or b is None:
        return 0.0 if a is b else np.inf
    if np.shape(a) != np.shape(b):
        return np.inf
    a, b = np.asarray(a, float), np.asarray(b, float)
    if not (np.all(np.isfinite(a)) and np.all(np.isfinite(b))):
        return 0.0 if np.array_equal(a, b, equal_nan=True) else np.inf
    size = max(np.max(np.abs(a), initial=0), np.max(np.abs(b), initial=0), least)
    return float(np.max(np.abs(a - b), initial=0) / size) if size else 0.0


@contextmanager
def quiet() -> Iterator[None]:
    """No warnings: NaN and overflow are what is being looked for."""
    with warnings.catch_warnings(action="ignore"), np.errstate(all="ignore"):
        yield


def attempted(call: Callable[[], Any]) -> tuple[Any, str]:
    """What a call returns, and what it raised instead, as a sentence."""
    try:
        with quiet():
            return call(), ""
    except Exception as error:
        return None, f"{type(error).__name__}: {error}"
