"""In which step of the page things happen: inputs, forward pass, seed, backward pass."""

from __future__ import annotations

from typing import NamedTuple

from minigrad.explain.data.model import Contribution, Step, Trace
from minigrad.explain.drawing.views import Unit, View, unopened


class Moment(NamedTuple):
    """One step of the page; without a unit, the inputs ("forward") or the seed ("backward")."""

    phase: str  # "forward", "backward" or "failure"
    unit: Unit | None = None


class Schedule(NamedTuple):
    """The steps of a page, and what is looked up by line."""

    moments: list[Moment]
    made: dict[int, int]  # line -> the step that computes it; 0 for leaves and data
    back: dict[int, int]  # call -> the step in which its rules run
    steps: dict[int, Step]  # call -> the step of the trace
    parts: dict[int, list[tuple[Step, Contribution]]]  # line -> what its gradient is the sum of

    @classmethod
    def of(cls, trace: Trace, found: list[View]) -> Schedule:
        """Put the calls, and the parts that stay closed, in order: forward, then backward."""
        schedule = cls([Moment("forward")], {}, {}, {s.line: s for s in trace.steps}, {})
        for step in trace.steps:
            for contribution in step.contributions:
                schedule.parts.setdefault(contribution.to, []).append((step, contribution))
        units = list(unopened(found))
        schedule.plan("forward", units, schedule.made)
        for line in trace.lines:
            schedule.made.setdefault(line.id, 0)
        if trace.failure is not None:
            schedule.moments.append(Moment("failure"))
        elif trace.steps:
            schedule.moments.append(Moment("backward"))
            walked = [unit for unit in units if schedule.walked(unit)]
            walked.sort(key=lambda unit: min(step.index for step in schedule.walked(unit)))
            schedule.plan("backward", walked, schedule.back)
        return schedule

    def plan(self, phase: str, units: list[Unit], when: dict[int, int]) -> None:
        """Append a moment for each unit, and note when its calls have their turn."""
        for unit in units:
            when.update(dict.fromkeys(unit.calls, len(self.moments)))
            self.moments.append(Moment(phase, unit))

    def walked(self, unit: Unit) -> list[Step]:
        """List the steps of the trace that happen in a unit."""
        return [self.steps[call] for call in unit.calls if call in self.steps]

    def complete(self, line: int) -> int | None:
        """Say in which step the gradient of a line has all its parts."""
        return max(
            (self.back[s.line] for s, _ in self.parts.get(line, ()) if s.line in self.back),
            default=None,
        )

    @property
    def seed(self) -> int | None:
        """The step that puts 1 at the end of the graph, where there is one."""
        return next((i for i, m in enumerate(self.moments) if m == Moment("backward")), None)
