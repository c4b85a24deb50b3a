"""Whether the targets are met, worked out from the medians."""

from dataclasses import dataclass
from typing import Any

from benchmarks.case import Case, Growth, Target
from benchmarks.peers import OURS


@dataclass(frozen=True)
class Verdict:
    """A target and what became of it; ratio is None where something was not measured.

    aim says what is compared: "tiny: target ≤ 1.0 × the fastest peer (jax.jit)".
    """

    aim: str
    limit: float
    ratio: float | None = None

    @property
    def met(self) -> bool | None:
        """None where there is nothing to compare."""
        return None if self.ratio is None else self.ratio <= self.limit

    def __str__(self) -> str:
        if self.ratio is None:
            return f"{self.aim}: not measured"
        return f"{self.aim}: {self.ratio:.2f}, {'met' if self.met else 'MISSED'}"


def medians(point: dict[str, Any]) -> dict[str, float]:
    """The median of each side that was timed."""
    return {name: side["median"] for name, side in point["sides"].items()}


def against_rivals(label: str, point: dict[str, Any], target: Target) -> Verdict:
    """A target at one point."""
    median = medians(point)
    rivals = {name: median[name] for name in target.against if name in median}
    whom = target.against[0] if len(target.against) == 1 else "the fastest peer"
    ours = "" if target.side == OURS else f"{target.side}: "
    aim = f"{label}: {ours}target ≤ {target.limit} × {whom}"
    if not rivals or target.side not in median:
        return Verdict(aim, target.limit)
    fastest = min(rivals, key=lambda name: rivals[name])
    named = "" if fastest == whom else f" ({fastest})"
    return Verdict(aim + named, target.limit, median[target.side] / rivals[fastest])


def growth(points: dict[str, Any], target: Growth) -> Verdict:
    """A target between two points."""
    aim = f"{target.last}: target ≤ {target.limit} × that of {target.first}"
    pair = [medians(points.get(name, {"sides": {}})) for name in (target.first, target.last)]
    if not all(OURS in median for median in pair):
        return Verdict(aim, target.limit)
    return Verdict(aim, target.limit, pair[1][OURS] / pair[0][OURS])


def verdicts(case: Case, report: dict[str, Any]) -> list[Verdict]:
    """Every target of a case, at every point of its report."""
    found = []
    for target in case.targets:
        if isinstance(target, Growth):
            found.append(growth(report["points"], target))
        else:
            found += [against_rivals(k, point, target) for k, point in report["points"].items()]
    return found
