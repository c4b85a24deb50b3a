"""A failing pair on the bench: run again and again, with a change in its forward or its backward.

A `Workbench` has two ways to try a hypothesis. `repaired(changes)` are the gradients that the
backward finds with some of its expressions changed: a change that makes them equal the numerical
ones has found the slip. `slopes(changes)` are derivatives of the *forward* with some of its
expressions changed: if those equal yours, the backward is right, but for that other forward, and
the difference between the two is what was overlooked.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cached_property
from types import FunctionType, MethodType
from typing import Any

import numpy as np

from minigrad.graph import Array
from minigrad.testing.diagnosis.probes import Change, Spy, owned
from minigrad.testing.evidence.evidence import Evidence
from minigrad.testing.subjects.subject import Run, kept

STEP = 1e-4  # of directional derivatives, which are only compared with each other
AROUND = "__around__"  # of a function made around another: that one, and how to make it anew
NEAR = 2e-6  # relative: what counts as equal; the numbers themselves are known far better


class Workbench:
    """A subject whose backward is wrong, with what is known of it.

    Attributes:
        douts: a few cotangents; hypotheses are tried on the first and confirmed on the others.
        yours, numerical: gradients by operand, one dict for each cotangent.
        wrong: the operands whose gradients are wrong.
        ahead, back: what was seen in forward and backward, expression by expression.
        carries: whether forward leaves something behind that changes the next one.
        runs: how often forward or backward ran.
    """

    def __init__(self, evidence: Evidence, cotangents: int = 2) -> None:
        self.evidence, self.subject = evidence, evidence.subject
        self.ahead, self.back = Spy(), Spy()
        self.runs = 0
        self.operands = {k: c.value for k, c in evidence.operands.items()}
        rng = np.random.default_rng(8)
        self.douts = [evidence.douts]
        self.douts += [self._like(evidence.douts, rng) for _ in range(cotangents - 1)]
        self.numerical = [self._numerical(douts) for douts in self.douts]
        self.yours = [self._fresh().gradients(douts) for douts in self.douts]
        self.wrong = list(evidence.wrong)
        self.owners = {self.subject.parameter(k) for k in self.subject.params}
        self.forward_run, self.backward_run = self._attached(self.ahead), self._attached(self.back)
        self._watch()

    # ---- numbers -----------------------------------------------------------------------------
    @staticmethod
    def _like(douts: Sequence[Array], rng: np.random.Generator) -> list[Array]:
        return [np.asarray(rng.normal(size=np.shape(d)), np.asarray(d).dtype) for d in douts]

    def _numerical(self, douts: Sequence[Array]) -> dict[str, Array]:
        """The true gradients for a cotangent, from the Jacobians."""
        flat = np.concatenate([np.ravel(d) for d in douts])
        pairs = self.evidence.jacobians.items()
        return {k: (flat @ J).reshape(np.shape(self.operands[k])) for k, J in pairs}

    def _fresh(self) -> Run:
        return self.subject.start(self.evidence.inputs, self.evidence.params)

    def agrees(self, name: str, found: Any, which: int = 0) -> bool:
        """Whether an array is the numerical gradient of an operand, as far as that is known."""
        return same(found, self.numerical[which][name])

    def mended(self, found: Mapping[str, Any] | None, which: int = 0) -> list[str]:
        """Which of the wrong gradients are right now; none if a right one became wrong."""
        if found is None:
            return []
        names = [k for k in self.wrong if self.agrees(k, found.get(k), which)]
        if not names:  # as nearly always
            return []
        others = (k for k in self.operands if k not in self.wrong)
        return names if all(self.agrees(k, found.get(k), which) for k in others) else []

    # ---- instrumented runs -------------------------------------------------------------------
    def _attached(self, spy: Spy) -> Run:
        """A fresh run whose methods are instrumented, of the owner of forward or backward."""
        run = self._fresh()
        if spy is self.ahead:  # a forward of its own, the first one
            run.thing = self.subject.fresh(self.evidence.params, None)
        thing = run.thing
        if isinstance(thing, dict):  # a pair: two callables, or methods of objects
            for name in ("forward", "backward"):
                if name in thing:
                    thing[name] = entered(thing[name], spy)
        else:
            instrument(thing, spy)
        return run

    def _watch(self) -> None:
        """One run of each that only watches."""
        self.ahead.watching = True
        self.forward_run.forward()
        self.ahead.watching = False
        self.ahead.most = 20 * sum(map(len, self.ahead.seen.values())) + 1000
        self.before = {k: list(values) for k, values in self.ahead.seen.items()}
        pairs = zip(self.evidence.outputs, self.forward_run.forward(), strict=True)
        self.carries = not all(same(a, b) for a, b in pairs)
        self.back.watching = True
        self.base = self.repaired({})
        self.back.watching = False
        self.back.most = 20 * sum(map(len, self.back.seen.values())) + 1000

    def outputs(self, name: str, value: Array, changes: Mapping[int, Change]) -> list[Array]:
        """The outputs with another value of one operand, and changes in the forward."""
        self.runs += 1
        if self.carries:  # the forward changes something that the next one would see
            self.forward_run = self._attached(self.ahead)
        run, inputs = self.forward_run, {k: kept(v) for k, v in self.evidence.inputs.items()}
        params = {run.subject.parameter(k): k for k in self.evidence.params}
        if name in params:
            run.set({params[name]: value})
        else:
            inputs[name] = value
        self.ahead.begin(changes)
        try:
            return run.forward(inputs)
        finally:
            self.ahead.begin({})
            if name in params:
                run.set({params[name]: self.evidence.params[params[name]]})

    def repaired(
        self, changes: Mapping[int, Change], stores: Mapping[int, Any] | None = None, which: int = 0
    ) -> dict[str, Any] | None:
        """The gradients of the backward with these changes; None if it fails."""
        self.runs += 1
        self.back.begin(changes, stores)
        try:
            with np.errstate(all="ignore"):
                return self.backward_run.gradients(self.douts[which])
        except Exception:
            self.backward_run = self._attached(self.back)
            return None
        finally:
            self.back.begin({})

    def confirmed(
        self, changes: Mapping[int, Change], stores: Mapping[int, Any] | None = None
    ) -> bool:
        """Whether a repair also holds for the other cotangents, on fresh copies."""
        names = self.mended(self.repaired(changes, stores))
        for which in range(1, len(self.douts)):
            self.backward_run = self._attached(self.back)
            if self.mended(self.repaired(changes, stores, which), which) != names:
                return False
        return bool(names)

    @cached_property
    def doubled(self) -> Workbench | None:
        """The same with every row of the batch twice: what is a batch size doubles, and no more."""
        names = set(getattr(self.subject, "rows", ()))
        inputs = {
            k: np.concatenate([x, x]) if k in names else x for k, x in self.evidence.inputs.items()
        }
        try:
            found = self.evidence.again(inputs=inputs) if names else None
            return Workbench(found) if found is not None and found.wrong else None
        except Exception:
            return None

    # ---- derivatives of a changed forward ----------------------------------------------------
    def directions(self, count: int = 4) -> list[tuple[str, Array]]:
        """Random directions in the wrong operands whose gradients have the right shape."""
        rng = np.random.default_rng(7)
        names = [
            k for k in self.wrong if np.shape(_array(self.yours[0], k)) == self.operands[k].shape
        ]
        names = [k for k in names if np.all(np.isfinite(np.asarray(self.yours[0][k])))]
        each = max(1, -(-count // max(1, len(names))))
        return [(k, rng.normal(size=self.operands[k].shape)) for k in names for _ in range(each)]

    def slopes(self, along: Sequence[tuple[str, Array]], changes: Mapping[int, Change]) -> Array:
        """The derivative of dout · outputs along each direction, with changes in the forward."""

        def inner(name: str, v: Array, step: float) -> float:
            ys = self.outputs(name, self.operands[name] + step * v, changes)
            return float(sum(np.sum(d * y) for d, y in zip(self.douts[0], ys, strict=True)))

        pairs = [(inner(k, v, STEP), inner(k, v, -STEP)) for k, v in along]
        return np.array([(a - b) / (2 * STEP) for a, b in pairs])

    def along(self, gradients: Mapping[str, Any], directions: Sequence[tuple[str, Array]]) -> Array:
        """The same derivatives, of gradients that are known."""
        return np.array([np.sum(gradients[k] * v) for k, v in directions])


def same(a: Any, b: Array, near: float = NEAR) -> bool:
    """Whether two arrays are equal, relative to the largest entry."""
    if a is None or np.shape(a) != np.shape(b):
        return False
    if not np.size(b):
        return True
    size = max(np.abs(a).max(), np.abs(b).max())
    return bool(size < np.inf and np.abs(a - b).max() <= near * size)  # NaN is less than nothing


def near(a: float, b: float) -> bool:
    """Whether two factors are the same number, as far as slopes can tell."""
    return math.isclose(a, b, rel_tol=1e-4)


def _array(gradients: Mapping[str, Any], name: str) -> Any:
    """A gradient, or an empty array that has no operand's shape."""
    found = gradients.get(name)
    return np.zeros((0, 0, 0, 0, 0)) if found is None else found


def instrument(thing: Any, spy: Spy) -> None:
    """Give an object instrumented methods of its own, which hide those of its class."""
    if not hasattr(thing, "__dict__"):
        return
    for cls in reversed(type(thing).__mro__):
        for name, method in vars(cls).items():
            if type(method) is FunctionType and not name.startswith("__") and owned(method):
                thing.__dict__[name] = MethodType(spy.entered(method), thing)


def entered(function: Any, spy: Spy) -> Any:
    """A callable, instrumented: a function itself, a method with its object."""
    if hasattr(function, AROUND):
        inner, made = getattr(function, AROUND)
        return made(entered(inner, spy))
    if isinstance(function, MethodType):
        instrument(function.__self__, spy)
        return getattr(function.__self__, function.__name__)
    return spy.entered(function) if type(function) is FunctionType else function
