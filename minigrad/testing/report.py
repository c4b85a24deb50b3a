"""What a check found: a verdict, the worst entries, the cause, and what was looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any


class Verdict(Enum):
    """What a check can say.

    >>> Verdict.PASS.name
    'PASS'
    """

    PASS = "pass"
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True)
class Mismatch:
    """One entry that is wrong: `W[3, 1]: yours 0.25, numerical 0.50 ± 1e-9`.

    >>> print(Mismatch("W", (3, 1), 0.25, 0.5, 1e-9))
    W[3, 1]: yours 0.25, numerical 0.5 ± 1e-09
    """

    name: str
    index: tuple[int, ...]
    yours: float
    numerical: float
    bar: float

    def __str__(self) -> str:
        place = f"[{', '.join(map(str, self.index))}]" if self.index else ""
        return (
            f"{self.name}{place}: yours {self.yours:.8g}, "
            f"numerical {self.numerical:.8g} ± {self.bar:.0e}"
        )


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at, and how it turned out; a contract is one.

    Attributes:
        name: which: "gradient of W", "changes dout". Contracts use the labels of `diagnosis`.
        verdict: how it turned out.
        sentence: what was seen, in plain words.
        at: the operands or arrays concerned: x, W, dout.
        order: the order of the derivative, for values; 0 for contracts.
    """

    name: str
    verdict: Verdict
    sentence: str
    at: tuple[str, ...] = ()
    order: int = 0


@dataclass(frozen=True)
class Cause:
    """Why a gradient is wrong, as far as the evidence tells.

    Attributes:
        label: one of the closed list of causes.
        sentence: the cause in plain words, with the evidence.
        certain: False for the next best guess, which the report says to be one.
        at: the operands concerned.
        remedy: what to do, where one sentence can say it.
    """

    label: str
    sentence: str
    certain: bool = True
    at: tuple[str, ...] = ()
    remedy: str = ""


@dataclass
class Report:
    """What a check found. `str` is for people, `to_json` for programs.

    Attributes:
        name: what was checked.
        verdict: PASS, FAIL or INCONCLUSIVE.
        cause: why it failed, or None.
        worst: the worst entries, worst first; empty unless something is wrong.
        checks: all that was looked at, in order.
        reason: of INCONCLUSIVE, or of an error, one sentence.
        notes: what was assumed.
        evidence: the evidence behind the first failure, for those who want to look themselves.
    """

    name: str
    verdict: Verdict
    cause: Cause | None = None
    worst: Sequence[Mismatch] = ()
    checks: Sequence[Finding] = ()
    reason: str = ""
    notes: Sequence[str] = ()
    evidence: Any = None
    evaluations: int = 0
    seconds: float = 0.0
    where: str = ""  # the file and line of the backward
    pictures: dict[str, str] = field(default_factory=dict)  # heat maps, by operand

    @property
    def ok(self) -> bool:
        """Whether everything that was looked at is right."""
        return self.verdict is Verdict.PASS


class GradientError(AssertionError):
    """A gradient is wrong, or could not be judged; the message is the report.

    >>> GradientError(Report("Affine", Verdict.FAIL)).report.ok
    False
    """

    def __init__(self, report: Report) -> None:
        super().__init__(str(report))
        self.report = report
