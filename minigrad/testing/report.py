"""What a check found: a verdict, the worst entries, the cause, and what was looked at."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from minigrad.graph import Array
from minigrad.testing.reports import pages, showing
from minigrad.testing.reports.findings import Cause, Finding, Mismatch, Verdict

__all__ = ["Cause", "Finding", "GradientError", "Mismatch", "Report", "Verdict"]


@dataclass(eq=False)
class Report:
    """What a check found. `str` is for people, `to_json` for programs.

    Attributes:
        name: what was checked.
        verdict: PASS, FAIL or INCONCLUSIVE.
        cause: why it failed, or None.
        worst: the worst entries, worst first; empty unless something is wrong.
        checks: all that was looked at, in order.
        reason: why it is inconclusive, or what went wrong before numbers were compared.
        notes: what was assumed, and what to know about the point.
        where: the file and line of the backward, with its text.
        alone: of a network: the report on the layer that is to blame, on what reaches it.
        culprit: of a network: which layer that is.
        errors: for each operand that was wrong, the relative error of every entry.
        evidence: what is behind the first failure, for those who want to look themselves.
        worst_ratio: the largest error over its tolerance; above 1 is wrong.

    >>> report = Report("Affine", Verdict.PASS)
    >>> report.ok, report.to_dict()["verdict"]
    (True, 'PASS')
    """

    name: str
    verdict: Verdict
    cause: Cause | None = None
    worst: Sequence[Mismatch] = ()
    checks: Sequence[Finding] = ()
    reason: str = ""
    notes: Sequence[str] = ()
    where: Sequence[str] = ()
    alone: Report | None = None
    culprit: str = ""
    errors: dict[str, Array] = field(default_factory=dict)
    counts: dict[str, tuple[int, int]] = field(default_factory=dict)  # wrong entries, of how many
    sampled: bool = False  # whether wrong entries were searched for, not all looked at
    worst_ratio: float = 0.0
    evaluations: int = 0
    seconds: float = 0.0
    evidence: Any = None

    @property
    def ok(self) -> bool:
        """Whether everything that was looked at is right."""
        return self.verdict is Verdict.PASS

    def to_dict(self) -> dict[str, Any]:
        """What a program wants to know, in strings, numbers and lists."""
        return {
            "name": self.name,
            "ok": self.ok,
            "verdict": self.verdict.name,
            "reason": self.reason,
            "cause": None if self.cause is None else asdict(self.cause),
            "culprit": self.culprit,
            "worst": [asdict(entry) | {"text": str(entry)} for entry in self.worst],
            "wrong": {k: {"entries": a, "of": b} for k, (a, b) in self.counts.items()},
            "checks": [asdict(found) | {"verdict": found.verdict.name} for found in self.checks],
            "notes": list(self.notes),
            "where": list(self.where),
            "worst_ratio": self.worst_ratio,
            "evaluations": self.evaluations,
            "seconds": self.seconds,
        }

    def to_json(self, indent: int | None = None) -> str:
        """The report as JSON; numbers that are not finite become strings, which JSON has."""
        return json.dumps(_for_json(self.to_dict()), indent=indent, ensure_ascii=False)

    def _repr_html_(self) -> str:
        return pages.html(self)

    def __str__(self) -> str:
        return showing.text(self)


class GradientError(AssertionError):
    """A gradient is wrong, or could not be judged; the message is the report.

    >>> GradientError(Report("Affine", Verdict.FAIL)).report.ok
    False
    """

    def __init__(self, report: Report) -> None:
        super().__init__(str(report))
        self.report = report


def _for_json(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(k): _for_json(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_for_json(v) for v in value]
    if isinstance(value, float):
        return value if value - value == 0 else str(value)
    return value if isinstance(value, (str, int, bool, type(None))) else str(value)
