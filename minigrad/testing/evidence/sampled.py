"""A large operand seen through some of its entries, so that a cause can be looked for.

Diagnosis wants the whole numerical Jacobian, and that of a hundred thousand entries takes too long.
A `SampledSubject` is the same layer with small operands: of a large array only some entries are
arguments, and the rest is part of the layer. What is changed in its backward shows in them.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from minigrad.graph import Array
from minigrad.testing.evidence.evidence import Evidence, gathered
from minigrad.testing.evidence.jacobian import MOST_NUMBERS, Point
from minigrad.testing.subjects.subject import Subject

ENTRIES = 60  # of a large operand that are looked at
SLOWEST = 0.02  # seconds for forward and backward: diagnosis runs them thousands of times


class SampledSubject(Subject):
    """A subject of whose large operands only some entries are operands.

    Args:
        inner: the whole subject.
        places: which entries, flat, of which operands.
        constant: operands that are none any more.

    >>> from minigrad.testing.subjects import subjects
    >>> square = subjects.of_pair(np.square, lambda dout: dout, np.arange(4.0))
    >>> run = SampledSubject(square, {"x": np.array([1, 3])}).start()
    >>> run.outputs, run.gradients([np.ones(4)])
    ([array([0., 1., 4., 9.])], {'x': array([1., 1.])})
    """

    def __init__(
        self, inner: Subject, places: Mapping[str, Array], constant: Collection[str] = ()
    ) -> None:
        super().__init__(
            inner.name, inner.inputs, inner.fixed | (set(constant) & set(inner.inputs))
        )
        self.inner, self.places = inner, dict(places)
        self.kind, self.written, self.rewind = inner.kind, inner.written, inner.rewind
        self.whole = {k: inner.inputs[k] for k in inner.inputs if k in places}
        self.whole |= {k: p for k, p in inner.params.items() if self._operand(k) in places}
        self.inputs = {k: self._some(k, x) for k, x in inner.inputs.items()}
        names = {k: self._operand(k) for k in inner.params if self._operand(k) not in constant}
        self.params = {k: self._some(name, inner.params[k]) for k, name in names.items()}
        self.rows = tuple(k for k in inner.rows if k not in places)
        for extra in ("layer", "options"):  # what diagnosis asks for, where there is one
            if hasattr(inner, extra):
                setattr(self, extra, getattr(inner, extra))

    def fresh(self, params: Mapping[str, Any], cast: Any) -> Any:
        """Copy the whole thing."""
        return self.inner.fresh(self._completed(params), cast)

    def forward(self, thing: Any, inputs: Mapping[str, Any]) -> tuple[Any, ...]:
        """Run it on whole arrays."""
        return self.inner.forward(thing, self._completed(inputs))

    def backward(self, thing: Any, douts: tuple[Any, ...]) -> dict[str, Any]:
        """Of each gradient, take the same entries."""
        found = self.inner.backward(thing, douts)
        shapes = {k: np.shape(x) for k, x in self.inner.operands.items()}
        mine = {k: g for k, g in found.items() if k in self.operands}
        return {k: self._some(k, g) if np.shape(g) == shapes[k] else g for k, g in mine.items()}

    def holders(self, thing: Any) -> tuple[Any, ...]:
        """The same as of the whole."""
        return self.inner.holders(thing)

    def cotangents(self, outputs: Sequence[Any], rng: Any) -> list[tuple[str, list[Array]]]:
        """The same as of the whole."""
        return self.inner.cotangents(outputs, rng)

    def arguments_of_backward(self) -> list[str]:
        """The same as of the whole."""
        return self.inner.arguments_of_backward()

    def params_of(self, thing: Any) -> dict[str, Any]:
        """Some entries of the parameters."""
        held = self.inner.params_of(thing)
        return {k: self._some(self._operand(k), held[k]) for k in self.params}

    def set_params(self, thing: Any, values: Mapping[str, Any]) -> None:
        """Put whole arrays there."""
        self.inner.set_params(thing, self._completed(values))

    def _operand(self, name: str) -> str:
        return self.inner.parameter(name)

    def _some(self, name: str, value: Any) -> Any:
        return np.ravel(value)[self.places[name]] if name in self.places else value

    def _completed(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Whole arrays in which only the sampled entries are new."""
        return {k: self._around(k, v) if k in self.whole else v for k, v in values.items()}

    def _around(self, name: str, value: Any) -> Array:
        array: Array = self.whole[name].astype(value.dtype, order="C")
        place = name if name in self.inner.inputs else self._operand(name)
        array.reshape(-1)[self.places[place]] = value
        return array


def evidence_of_some(found: Evidence, rng: Any) -> Evidence | None:
    """The evidence of a sample of every large operand; None where that would take too long."""
    began = time.perf_counter()
    found.run().gradients(found.douts)
    if time.perf_counter() - began > SLOWEST:
        return None
    large = [name for name in found.point.operands if found.point.is_large(name)]
    count = min(ENTRIES, MOST_NUMBERS // max(1, found.point.centre.size))
    wrong = [name for name in large if name in found.wrong]
    places = {name: _chosen(found, name, count, rng) for name in wrong}
    smaller = Point(SampledSubject(found.subject, places, set(large) - set(wrong)))
    return gathered(smaller, found.douts)


def _chosen(found: Evidence, name: str, count: int, rng: Any) -> Array:
    """Entries that are known to be wrong, and others."""
    one = found.operands[name]
    wrong = np.flatnonzero(one.wrong)[: count // 2] if one.shape_is_right else np.zeros(0, int)
    others = rng.permutation(one.value.size)[: count - len(wrong)]
    return np.unique(np.concatenate([wrong, others]).astype(int))
