"""The words of a report: verdicts, wrong entries, findings, causes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Verdict(Enum):
    """What a check can say: right, wrong, or that it cannot tell.

    >>> Verdict.PASS.name
    'PASS'
    """

    PASS = "pass"
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True)
class Mismatch:
    """One entry that is wrong.

    >>> print(Mismatch("W", (3, 1), 0.25, 0.5, 1e-9))
    W[3, 1]: yours 0.25, numerical 0.5 ± 1e-09
    """

    name: str
    index: tuple[int, ...]
    yours: float
    numerical: float
    bar: float

    @property
    def place(self) -> str:
        """The entry as Python spells it: W[3, 1]."""
        return f"{self.name}[{', '.join(map(str, self.index))}]" if self.index else self.name

    def __str__(self) -> str:
        numbers = f"yours {self.yours:.6g}, numerical {self.numerical:.6g} ± {self.bar:.0e}"
        return f"{self.place}: {numbers}"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at, and how it turned out.

    Attributes:
        name: which: "gradient of W", or a contract by its label: "changes dout".
        verdict: how it turned out.
        sentence: what was seen, in plain words.
        at: the operands or arrays concerned: x, W, dout.
        order: the order of the derivative, for values; 0 for contracts.

    >>> Finding("changes dout", Verdict.PASS, "dout is as it was").verdict.name
    'PASS'
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

    >>> Cause("wrong sign", "every entry of dx is −1 × the numerical one").certain
    True
    """

    label: str
    sentence: str
    certain: bool = True
    at: tuple[str, ...] = ()
    remedy: str = ""
