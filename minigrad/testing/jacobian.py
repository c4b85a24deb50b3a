"""The numerical Jacobian of a subject at a point: once, for every cotangent."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np

from minigrad.graph import Array
from minigrad.testing.plateau import Scan, scale_of
from minigrad.testing.subject import Subject, as_floats


class Point:
    """A subject at one point, in float64: its outputs there, and beside it.

    Args:
        subject: what to evaluate.
        inputs: others than the subject's own, by name.
        params: others than the subject's own, by name.
    """

    def __init__(
        self,
        subject: Subject,
        inputs: Mapping[str, Any] | None = None,
        params: Mapping[str, Any] | None = None,
    ) -> None:
        self.subject = subject
        given = subject.inputs | dict(inputs or {})
        self.inputs = {k: as_floats(given[k], np.float64) for k in subject.inputs}
        weights = subject.params | dict(params or {})
        self.params = {k: as_floats(weights[k], np.float64) for k in subject.params}
        self.outputs = self.evaluate(self.inputs, self.params)
        self.centre = joined(self.outputs)

    @property
    def operands(self) -> dict[str, Array]:
        """The arrays that are differentiated by, in float64."""
        free = {k: v for k, v in self.inputs.items() if k not in self.subject.fixed}
        return free | {self.subject.parameter(k): v for k, v in self.params.items()}

    def evaluate(self, inputs: Mapping[str, Any], params: Mapping[str, Any]) -> list[Array]:
        """Compute the outputs somewhere."""
        with np.errstate(all="ignore"):
            return self.subject.evaluate(inputs, params, np.float64)

    def beside(self, moved: Mapping[str, Array]) -> Array:
        """Compute the outputs, flat, with other values of some operands."""
        inputs = {
            k: moved.get(k, v) if k not in self.subject.fixed else v for k, v in self.inputs.items()
        }
        params = {k: moved.get(self.subject.parameter(k), v) for k, v in self.params.items()}
        found = joined(self.evaluate(inputs, params))
        if found.shape != self.centre.shape:
            raise ValueError(
                f"forward gave {found.size} numbers where it had given {self.centre.size}, at "
                "inputs of the same shapes: the size of its output hangs on values"
            )
        return found

    @cached_property
    def scans(self) -> dict[str, Scan]:
        """The derivative by every entry of every operand: lines are entries."""
        return {name: self._scan(name, value) for name, value in self.operands.items()}

    def _scan(self, name: str, value: Array) -> Scan:
        """Differentiate by one operand."""
        moved = np.array(value)
        entries = moved.flat  # in C order, whatever the layout
        scan = Scan(np.repeat(self.centre[None], moved.size, axis=0), scale_of(value).ravel())

        def at(i: int, t: float) -> Array:
            kept = entries[i]
            entries[i] = kept + t
            try:
                return self.beside({name: moved})
            finally:
                entries[i] = kept

        while scan.open.size:
            steps = list(zip(scan.open, scan.steps, strict=True))
            above = np.array([at(i, h) for i, h in steps])
            scan.add(above, np.array([at(i, -h) for i, h in steps]))
        return scan


def joined(outputs: list[Array]) -> Array:
    """Put the numbers of all outputs one after another, in float64."""
    if len(outputs) == 1:
        return np.array(outputs[0], np.float64).ravel()
    flat = [np.ravel(y).astype(np.float64) for y in outputs]
    return np.concatenate(flat) if flat else np.zeros(0)
