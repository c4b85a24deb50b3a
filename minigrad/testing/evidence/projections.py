"""Operands too large to differentiate entry by entry: random directions, then a search.

Along a Gaussian direction u the gradient is one number, g · u, and an entry that is wrong shows in
it unless chance hides it. Three directions, compared as closely as the error bars allow, let one
wrong entry in a thousand pass in none of 300 trials (and the ones vector, or a tolerance of 1e-3,
in most). Where the numbers differ, halves of the entries are tried until few are left, and those
are differentiated one by one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad.graph import Array
from minigrad.testing.evidence.evidence import OF_LARGEST, OF_TERMS, Comparison
from minigrad.testing.evidence.jacobian import Axes, joined
from minigrad.testing.numeric.plateau import Scan, follow, scale_of

DIRECTIONS = 3
FEW = 8  # entries that are looked at one by one
BLOCKS = 6  # of them that are searched for
SHARP = 1e-5  # of a sum: what several operands together must be known to


class Projections:
    """The derivatives of a subject along random directions in one operand."""

    def __init__(self, axes: Axes, rng: Any, blocks: int = BLOCKS) -> None:
        self.point, self.name, self.axes = axes.point, axes.name, axes
        self.rng, self.blocks = rng, blocks
        self.value = axes.moved.copy()
        size = self.value.size
        self.directions = [rng.normal(size=size) for _ in range(DIRECTIONS)]
        self.known = [self.along(u) for u in self.directions]
        self.is_searched = False

    def along(self, u: Array) -> Scan:
        """Differentiate along a direction; without regard to corners if every step meets one."""
        moved = float(np.linalg.norm(u)) or 1.0
        scale = scale_of(np.max(np.abs(self.value), initial=0)) / 2.0 ** np.ceil(np.log2(moved))
        for watching in (bool(self.point.decisions), False):
            self.axes.watching = watching
            scan = Scan(self.point.centre[None], np.reshape(scale, (1,)))
            follow(scan, lambda _, t: self.axes.moved_by(t * u))
            if np.all(scan.bar < np.inf):
                break
        return scan

    def differs(self, yours: Array, dout: Array, u: Array, scan: Scan, rtol: float) -> bool:
        """Tell whether your gradient along u is another than the numerical one."""
        numerical, bar = float(scan.value[0] @ dout), float(scan.bar[0] @ np.abs(dout))
        terms = np.abs(yours * u)
        size = float(np.abs(scan.value[0]) @ np.abs(dout))
        rounding = rtol * 1e-2 * float(np.linalg.norm(terms)) + OF_TERMS * size
        error = abs(float(yours @ u) - numerical)
        return not error <= bar + rounding + OF_LARGEST * float(np.sum(terms))

    def agree(self, yours: Array, dout: Array, rtol: float) -> bool:
        """Tell whether yours is right along every direction, and that is well known."""
        for u, scan in zip(self.directions, self.known, strict=True):
            bar = float(scan.bar[0] @ np.abs(dout))
            if not bar <= SHARP * float(np.linalg.norm(yours * u)):
                return False
            if self.differs(yours, dout, u, scan, rtol):
                return False
        return True

    def compare(self, douts: Sequence[Array], yours: Array | None, rtol: float) -> Comparison:
        """Compare along every direction, and look for the wrong entries where that differs."""
        dout = joined(list(douts))
        shape, none = self.value.shape, np.zeros(self.value.shape, bool)
        if yours is None or np.shape(yours) != shape:
            nothing = np.zeros(shape)
            return Comparison(self.name, self.value, yours, nothing, nothing, nothing, none)
        flat = np.asarray(yours, np.float64).ravel()
        numerical, bar = flat.copy(), np.zeros(flat.shape)
        pairs = list(zip(self.directions, self.known, strict=True))
        judged = all(np.all(scan.bar[0, dout != 0] < np.inf) for scan in self.known)
        if not judged:
            bar[:] = np.inf
        elif not self.is_searched and any(
            self.differs(flat, dout, u, scan, rtol) for u, scan in pairs
        ):
            for i, (value, width) in self._search(flat, dout, rtol).items():
                numerical[i], bar[i] = value, width
            # A search takes thousands of evaluations: one that finds something is enough.
            self.is_searched = bool(np.any(np.abs(numerical - flat) > bar))
        tolerance = bar + rtol * np.abs(numerical) + OF_TERMS * np.max(np.abs(flat), initial=0)
        a, b, c = (part.reshape(shape) for part in (numerical, bar, tolerance))
        scale = float(np.max(np.abs(flat), initial=0))
        return Comparison(self.name, self.value, yours, a, b, c, none, scale, sampled=True)

    def _search(self, yours: Array, dout: Array, rtol: float) -> dict[int, tuple[float, float]]:
        """Halve the entries where the numbers differ, and differentiate by the last few."""
        found: dict[int, tuple[float, float]] = {}
        stack, blocks = [np.arange(yours.size)], 0
        while stack and blocks < self.blocks:
            some = stack.pop(int(self.rng.integers(len(stack))))
            if len(some) > FEW:
                for half in np.array_split(some, 2):
                    u = np.zeros(yours.size)
                    u[half] = self.rng.normal(size=len(half))
                    if self.differs(yours, dout, u, self.along(u), rtol):
                        stack.append(half)
                continue
            blocks += 1
            for i in map(int, some):
                u = np.zeros(yours.size)
                u[i] = 1.0
                scan = self.along(u)
                found[i] = float(scan.value[0] @ dout), float(scan.bar[0] @ np.abs(dout))
        return found
