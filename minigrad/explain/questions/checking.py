"""The gradients of an explanation beside finite differences, and a prediction that comes true."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from minigrad.explain.data.again import Rerun, reach
from minigrad.explain.data.model import Line, Trace
from minigrad.explain.letters import printable
from minigrad.explain.questions import verdicts
from minigrad.explain.questions.differences import (
    COARSE,
    KINK,
    UNDEFINED,
    Leaf,
    nothing_beside,
    size_of,
)
from minigrad.explain.questions.nudges import nudge
from minigrad.explain.questions.suspects import Suspect, suspects, told
from minigrad.explain.questions.verdicts import Verdict

SPARE = 4  # more entries that are tried where all of these are at kinks
ENTRIES = 25  # of each leaf that are compared, drawn at random where there are more
CALLS = (
    300_000  # that are run again, about: in a deep graph fewer entries of each leaf are compared
)


@dataclass(repr=False)
class Check:
    """Verdicts for all leaves; `ok` when all agree. `cause` says why nothing could be compared,
    `hint` whose backward it is that gradients differ, and `suspects` the same as data.
    """

    verdicts: list[Verdict]
    output: str
    cause: str = ""
    hint: str = ""
    suspects: list[Suspect] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether all leaves were compared and agree."""
        return not self.cause and all(verdict.ok for verdict in self.verdicts)

    def raise_exception(self) -> None:
        """Raise an AssertionError with all of this as its message, unless all leaves agree.

        >>> import minigrad as mg
        >>> x = mg.Tensor(3.0)
        >>> mg.explain(x * x).check().raise_exception()
        """
        if not self.ok:
            raise AssertionError(str(self))

    def __str__(self) -> str:
        if self.cause:
            return printable(f"not compared: {self.cause}")
        return printable("\n".join(verdicts.lines(self.verdicts, self.output, self.hint)))

    __repr__ = __str__


def check(trace: Trace, rerun: Rerun, rng: np.random.Generator) -> Check:
    """Compare the gradients of all leaves with central differences."""
    assert trace.output is not None
    reached = [line for line in trace.leaves if line.gradient is not None]
    most = max(1, min(ENTRIES, CALLS // max(1, sum(3 * reach(trace, x.id) for x in reached))))
    largest = _largest(trace, reached)
    with np.errstate(all="ignore"):  # what is not finite is told, and not warned of
        found, first = [], None
        for line in reached:
            leaf = Leaf(line, rerun, largest, first)
            if line.id in rerun.leaves:
                found.append(_verdict(leaf, rng, most))
                first = leaf.first  # where kinks are near, they are near everywhere
            else:
                found.append(_made_anew(line))
        pairs = [*zip(reached, found, strict=True)]
        wrong = [line.id for line, verdict in pairs if verdict.mark == "✗" and verdict.told]
        right = [line.id for line, verdict in pairs if verdict.ok and verdict.scale > 0]
        blamed = suspects(trace, wrong, right)
    name = trace.lines[trace.output].name
    return Check(found, name, hint=told(blamed), suspects=blamed)


def _largest(trace: Trace, reached: list[Line]) -> float:
    """Find the largest gradient of all leaves; where they all are rounding, as of the sum of a
    softmax, the largest that came by.
    """
    of_leaves = max((size_of(x.gradient) for x in reached if x.gradient is not None), default=0.0)
    of_all = max((size_of(x.gradient) for x in trace.lines if x.gradient is not None), default=0.0)
    return of_all if of_leaves <= nothing_beside(of_all, reached) else of_leaves


def _verdict(leaf: Leaf, rng: np.random.Generator, most: int) -> Verdict:
    """Compare some entries of a leaf, the largest of its gradient first; if they are all at kinks,
    a few others.
    """
    line = leaf.line
    total = line.value.size
    chosen = [*range(total)] if total <= most else _drawn(leaf, rng)[: most + SPARE]
    order = [tuple(map(int, np.unravel_index(i, line.value.shape))) for i in chosen]
    found = [leaf.compared(place) for place in order[:most]]
    for place in order[most:]:
        if all(isinstance(pair, str) for pair in found):
            found.append(leaf.compared(place))
    compared = [pair for pair in found if not isinstance(pair, str)]
    worst = float(np.max([gap for gap, _ in compared], initial=0.0))  # a NaN stays one
    blur = max((blur for _, blur in compared), default=0.0)
    scale = float(np.max(np.abs(leaf.gradient), initial=0.0))
    ok = all(gap <= leaf.bar + blur for gap, blur in compared) and math.isfinite(scale)
    return Verdict(
        line.name,
        line.d,
        ok=ok and (bool(compared) or not total),
        compared=len(found),
        of=total,
        at_kinks=found.count(KINK),
        not_finite=found.count(UNDEFINED),
        too_coarse=found.count(COARSE),
        worst=worst,
        scale=scale,
        blur=blur if ok and worst > leaf.bar else 0.0,
        nudge=nudge(leaf) if total else None,
    )


def _drawn(leaf: Leaf, rng: np.random.Generator) -> list[int]:
    """Draw entries; the first is where the gradient is largest, since a share of it shows there."""
    largest = int(np.argmax(np.abs(leaf.gradient)))
    return [largest, *(int(i) for i in rng.permutation(leaf.gradient.size) if i != largest)]


def _made_anew(line: Line) -> Verdict:
    """Say of a leaf that each forward pass makes it anew that it cannot be moved."""
    scale = 0.0 if line.gradient is None else size_of(line.gradient)
    return Verdict(line.name, line.d, ok=False, of=line.value.size, scale=scale)
