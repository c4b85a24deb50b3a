"""The numerical Jacobian of a subject at a point: once, for every cotangent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from minigrad.graph import Array
from minigrad.testing.numeric.decisions import Decision, changed
from minigrad.testing.numeric.plateau import Scan, follow, levels_of, scale_of
from minigrad.testing.subjects.subject import Subject, as_floats, cut

MOST_ENTRIES = 1000  # of an operand that is differentiated by each
MOST_NUMBERS = 1_000_000  # of a Jacobian
MOST_TOGETHER = 300  # entries of all operands of a network, whose every evaluation takes long


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
        self.corners: list[str] = []  # what is known about kinks here, in words

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
        inputs, params = self._with(moved)
        return self._checked(joined(self.evaluate(inputs, params)))

    def decided_beside(self, moved: Mapping[str, Array]) -> tuple[Array, list[Decision]]:
        """The outputs there, and what was decided on the way."""
        inputs, params = self._with(moved)
        with np.errstate(all="ignore"):
            outputs, decided = self.subject.evaluate_and_decide(inputs, params, np.float64)
        return self._checked(joined(outputs)), decided

    def _with(self, moved: Mapping[str, Array]) -> tuple[dict[str, Any], dict[str, Any]]:
        """All inputs and parameters, some of them moved."""
        subject = self.subject
        free = {k: moved.get(k, v) for k, v in self.inputs.items() if k not in subject.fixed}
        params = {k: moved.get(subject.parameter(k), v) for k, v in self.params.items()}
        return self.inputs | free, params

    def _checked(self, found: Array) -> Array:
        if found.shape != self.centre.shape:
            raise RuntimeError(
                f"forward gave {found.size} numbers where it had given {self.centre.size}, at "
                "inputs of the same shapes: the size of its output hangs on values"
            )
        return found

    @cached_property
    def decisions(self) -> list[Decision]:
        """What was decided here, as far as a graph of ours knows."""
        return self.subject.evaluate_and_decide(self.inputs, self.params, np.float64)[1]

    @cached_property
    def scans(self) -> dict[str, Scan]:
        """The derivative by every entry of every operand that is not large: lines are entries."""
        return {k: self._scan(k, v) for k, v in self.operands.items() if not self.is_large(k)}

    def use_one_copy(self) -> None:
        """Evaluate one copy of the subject again and again, if that gives what fresh ones give."""
        subject, here = self.subject, (self.inputs, self.params)
        if subject.keeps_nothing:
            return
        rng = np.random.default_rng(2)
        moved = {k: x + 1e-2 * rng.normal(size=x.shape) for k, x in self.operands.items()}
        places = [here, self._with(moved), here]
        fresh = [joined(self.evaluate(*place)) for place in places]
        subject.keeps_nothing = True
        again = [joined(self.evaluate(*place)) for place in places]
        subject.keeps_nothing = all(map(np.array_equal, fresh, again))

    def is_large(self, name: str) -> bool:
        """Whether an operand has too many entries to differentiate by each."""
        size = self.operands[name].size
        if size > MOST_ENTRIES or size * self.centre.size > MOST_NUMBERS:
            return True
        return self.subject.is_network and self.entries > MOST_TOGETHER

    @cached_property
    def entries(self) -> int:
        """How many entries all operands have."""
        return sum(x.size for x in self.operands.values())

    def _scan(self, name: str, value: Array) -> Scan:
        """Differentiate by one operand."""
        axes = Axes(self, name, value)
        scales, levels = scale_of(value).ravel(), levels_of(value).ravel()
        scan = Scan(np.repeat(self.centre[None], value.size, axis=0), scales, levels)
        follow(scan, axes.at)
        lost = np.flatnonzero(np.any(axes.crossed, axis=0) & ~np.all(scan.bar < np.inf, axis=1))
        if len(lost):  # a corner at every step: the slopes on both sides, then
            centre = np.repeat(self.centre[None], len(lost), axis=0)
            sides = Scan(centre, scales[lost], levels[lost])
            axes.watching = False
            follow(sides, lambda i, t: axes.at(int(lost[i]), t))
            blurred = ~(sides.bar <= 1e-3 * np.abs(sides.value) + 1e-6) & ~sides.kinks  # a jump
            scan.value[lost] = sides.value
            scan.bar[lost] = np.where(blurred, np.inf, sides.bar)
            scan.kinks[lost] = sides.kinks | blurred
            scan.corners[lost] = True
            self.corners += [f"{name}{axes.index(i)}: {axes.corner[i]}" for i in map(int, lost)]
        return scan


class Axes:
    """The lines along the entries of one operand, and where they cross a corner."""

    def __init__(self, point: Point, name: str, value: Array) -> None:
        self.point, self.name = point, name
        self.moved = np.array(value)
        self.corner: dict[int, str] = {}  # the nearest on each line
        self.crossed = np.zeros((1, value.size), bool)
        self.watching = bool(point.decisions)

    def index(self, i: int) -> list[int]:
        """The place of an entry."""
        return [int(k) for k in np.unravel_index(i, self.moved.shape)]

    def at(self, i: int, t: float) -> Array:
        """Compute the outputs at t on the line i; NaN beyond a corner."""
        entries = self.moved.flat  # in C order, whatever the layout
        kept = entries[i]
        entries[i] = kept + t
        try:
            return self._outputs(i)
        finally:
            entries[i] = kept

    def moved_by(self, step: Array) -> Array:
        """Compute the outputs after a step in all entries, given flat; NaN beyond a corner."""
        kept = self.moved
        self.moved = kept + step.reshape(kept.shape)
        try:
            return self._outputs(-1)
        finally:
            self.moved = kept

    def there(self) -> dict[str, Array]:
        """The operand after the step, by name."""
        return {self.name: self.moved}

    def _outputs(self, i: int) -> Array:
        if not self.watching:
            return self.point.beside(self.there())
        outputs, decided = self.point.decided_beside(self.there())
        found = changed(self.point.decisions, decided)
        if found is None:
            return outputs
        self.corner[i] = f"{found[0]}, {found[1]}"
        self.crossed[0, i] = True
        return np.full(outputs.shape, np.nan)


class JointAxes(Axes):
    """Lines through several operands at once, which stand one after another."""

    def __init__(self, point: Point, names: Sequence[str]) -> None:
        operands = [point.operands[name] for name in names]
        super().__init__(point, ", ".join(names), joined(operands))
        self.names, self.shapes = names, [x.shape for x in operands]

    def there(self) -> dict[str, Array]:
        """The operands after the step, by name."""
        return dict(zip(self.names, cut(self.moved, self.shapes), strict=True))


def joined(outputs: list[Array]) -> Array:
    """Put the numbers of all outputs one after another, in float64."""
    if len(outputs) == 1:
        return np.array(outputs[0], np.float64).ravel()
    flat = [np.ravel(y).astype(np.float64) for y in outputs]
    return np.concatenate(flat) if flat else np.zeros(0)
