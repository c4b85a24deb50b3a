"""What a case is: a kind of work, the points at which it is done, the sides, and its targets."""

from dataclasses import dataclass, field
from typing import Any

from benchmarks.peers import OURS, SIDES, Side

FLOOR = "NumPy by hand"


@dataclass(frozen=True)
class Target:
    """For `side` at most `limit` times the fastest of the sides `against`, at every point."""

    limit: float
    against: tuple[str, ...]
    side: str = OURS


@dataclass(frozen=True)
class Growth:
    """At the point `last` at most `limit` times what it is at the point `first`."""

    limit: float
    first: str
    last: str


@dataclass(frozen=True)
class Case:
    """One section of the report.

    kind: the name of the function in the modules of peers that builds it.
    points: settings by name; each is built, checked and measured on its own.
    per: settings that the value of a step is divided by, such as the number of parameters.
    scale, unit, better: how a table shows a value, and what it says of a smaller one.
    tolerance: how far results may be apart after `check_steps`, relative to their Euclidean norm.
    looser: the tolerance of sides that compute something a little different; `notes` say what.
    least: how many blocks there must be, however long they take.
    """

    name: str
    title: str
    kind: str
    points: dict[str, dict[str, Any]]
    sides: dict[str, Side]
    unit: str = "µs"
    scale: float = 1e6
    per: tuple[str, ...] = ()
    tolerance: float = 1e-3
    looser: dict[str, float] = field(default_factory=dict)
    check_steps: int = 1
    least: int = 7
    targets: tuple[Target | Growth, ...] = ()
    notes: tuple[str, ...] = ()


def of(*names: str) -> dict[str, Side]:
    """Sides by their names."""
    return {name: SIDES[name] for name in names}
