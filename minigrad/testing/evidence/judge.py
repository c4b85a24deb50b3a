"""Who compares gradients at a point: small operands entry by entry, large ones by projections.

A network is first looked at as a whole: along directions through all its large operands at once,
which says of a right one in some dozens of evaluations that it is right. Where that differs the
operands are looked at one by one, until a few are known to be wrong: from where a slip is, every
gradient before it is wrong too, and nobody reads them all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from minigrad.graph import Array
from minigrad.testing.evidence.evidence import Comparison, Evidence, gathered
from minigrad.testing.evidence.jacobian import Axes, JointAxes, Point, joined
from minigrad.testing.evidence.projections import BLOCKS, Projections

MOST_WRONG = 3  # operands of a network that are shown to be wrong; the others are left open
ALIKE = 1000.0  # gradients are looked at together if none is so many times larger than another


class Judge:
    """Compares gradients at a point."""

    def __init__(self, point: Point, rng: Any, rtol: float) -> None:
        self.point, self.rng, self.rtol = point, rng, rtol
        self.large = [name for name in point.operands if point.is_large(name)]
        self.alone: dict[str, Projections] = {}
        self.together: list[tuple[list[str], Projections]] | None = None
        self.wrong: set[str] = set()
        if point.subject.is_network and self.large:
            point.use_one_copy()

    def evidence(self, douts: Sequence[Array]) -> Evidence:
        """Run backward with these cotangents, and compare."""
        with np.errstate(all="ignore"):
            found = gathered(self.point, douts, self.rtol)
            right = self._right_together(found.yours, joined(list(douts)))
            for name in self.large:
                found.operands[name] = self._compared(name, douts, found.yours[name], name in right)
        order = list(self.point.operands)
        found.operands = {name: found.operands[name] for name in order}
        return found

    def _compared(
        self, name: str, douts: Sequence[Array], yours: Array | None, is_right: bool
    ) -> Comparison:
        if is_right and yours is not None:
            return assumed(name, self.point, yours, 0.0)
        is_network = self.point.subject.is_network
        enough = is_network and len(self.wrong - {name}) >= MOST_WRONG
        if enough and yours is not None and yours.shape == self.point.operands[name].shape:
            return assumed(name, self.point, yours, np.inf)
        found = self.projections(name).compare(douts, yours, self.rtol)
        self.wrong |= {name} if found.is_wrong else set()
        return found

    def projections(self, name: str) -> Projections:
        """The slopes along random directions in one large operand."""
        if name not in self.alone:
            axes = Axes(self.point, name, self.point.operands[name])
            blocks = 1 if self.point.subject.is_network else BLOCKS
            self.alone[name] = Projections(axes, self.rng, blocks)
        return self.alone[name]

    def _right_together(self, yours: Mapping[str, Array | None], dout: Array) -> set[str]:
        """The large operands of a network that are right along directions through several."""
        if not self.point.subject.is_network or len(self.large) < 2:
            return set()
        there = {k: g for k, g in yours.items() if k in self.large and g is not None}
        shapes = {name: self.point.operands[name].shape for name in self.large}
        if {k: g.shape for k, g in there.items()} != shapes:
            return set()
        if self.together is None:
            groups = alike({k: float(np.linalg.norm(g)) for k, g in there.items()})
            axes = [(names, JointAxes(self.point, names)) for names in groups]
            self.together = [(names, Projections(one, self.rng)) for names, one in axes]
        right: set[str] = set()
        for names, projections in self.together:
            flat = joined([there[name] for name in names])
            if projections.agree(flat, dout, self.rtol):
                right |= set(names)
        return right


def alike(sizes: Mapping[str, float]) -> Iterable[list[str]]:
    """Put gradients of similar sizes together: beside a large one a small one would not be seen.

    >>> list(alike({"W1": 1e-9, "W2": 0.5, "b2": 2.0}))
    [['W1'], ['W2', 'b2']]
    """
    group: list[str] = []
    for name in sorted(sizes, key=lambda name: sizes[name]):
        if group and sizes[name] > ALIKE * sizes[group[0]]:
            yield group
            group = []
        group.append(name)
    yield group


def assumed(name: str, point: Point, yours: Array, bar: float) -> Comparison:
    """What is right together with others (a bar of 0), or was not looked at (of inf)."""
    value = np.asarray(yours, np.float64)
    bars, none = np.full(value.shape, bar), np.zeros(value.shape, bool)
    size = float(np.max(np.abs(value), initial=0))
    return Comparison(
        *(name, point.operands[name], yours, value, bars, bars, none, size),
        sampled=True,
        left_open=bar > 0,
    )
