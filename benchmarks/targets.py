"""Whether the targets are met, worked out from the medians."""

from dataclasses import dataclass
from typing import Any

from benchmarks.cases import Case, Target
from benchmarks.peers import OURS


@dataclass(frozen=True)
class Verdict:
    """A target at one point; ratio is None where no rival or not minigrad was measured."""

    point: str
    target: Target
    rival: str | None = None
    ratio: float | None = None

    @property
    def met(self) -> bool | None:
        """None where there is nothing to compare."""
        return None if self.ratio is None else self.ratio <= self.target.limit

    def __str__(self) -> str:
        rivals = self.target.against
        whom = rivals[0] if len(rivals) == 1 else "the fastest peer"
        aim = f"{self.point}: target ≤ {self.target.limit} × {whom}"
        if self.ratio is None:
            return f"{aim}: not measured"
        fastest = "" if len(rivals) == 1 else f" ({self.rival})"
        return f"{aim}{fastest}: {self.ratio:.2f}, {'met' if self.met else 'MISSED'}"


def medians(point: dict[str, Any]) -> dict[str, float]:
    """The median of each side that was timed."""
    return {name: side["median"] for name, side in point["sides"].items()}


def verdicts(case: Case, report: dict[str, Any]) -> list[Verdict]:
    """Every target of a case at every point of its report."""
    found = []
    for label, point in report["points"].items():
        median = medians(point)
        for target in case.targets:
            rivals = {name: median[name] for name in target.against if name in median}
            if not rivals or OURS not in median:
                found.append(Verdict(label, target))
                continue
            fastest = min(rivals, key=lambda name: rivals[name])
            found.append(Verdict(label, target, fastest, median[OURS] / rivals[fastest]))
    return found
