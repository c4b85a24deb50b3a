"""The order of the slots in each column of a layered drawing: few edges cross.

Each column is sorted by where its neighbours stand in the column beside it, to and fro, and the
best order seen is kept.

Source: P. Eades, N. Wormald, "Edge crossings in drawings of bipartite graphs" (1994).
"""

from __future__ import annotations

from bisect import bisect_right, insort
from itertools import pairwise
from typing import NamedTuple

SWEEPS = 8


class Neighbours(NamedTuple):
    """Which slots an edge joins with each slot: those in the column before, and those after."""

    before: list[list[int]]
    after: list[list[int]]

    @classmethod
    def of(cls, count: int, chains: list[list[int]]) -> Neighbours:
        """Read them from the chains of slots that edges pass through."""
        near = cls([[] for _ in range(count)], [[] for _ in range(count)])
        for chain in chains:
            for left, right in pairwise(chain):
                near.before[right].append(left)
                near.after[left].append(right)
        return near


def order(columns: list[list[int]], near: Neighbours) -> None:
    """Reorder the columns in place."""
    as_read(columns, near)
    best, fewest = [list(slots) for slots in columns], crossings(columns, near)
    for sweep in range(SWEEPS):
        if not fewest:
            break
        onward = sweep % 2 == 0
        side = near.before if onward else near.after
        ways = columns if onward else columns[::-1]
        for fixed, slots in pairwise(ways):
            place = {slot: i for i, slot in enumerate(fixed)}
            here = {slot: float(i) for i, slot in enumerate(slots)}
            for slot in slots:
                found = [place[other] for other in side[slot]]
                if found:
                    here[slot] = sum(found) / len(found)
            slots.sort(key=here.__getitem__)
        crossed = crossings(columns, near)
        if crossed < fewest:
            best, fewest = [list(slots) for slots in columns], crossed
    columns[:] = best


def as_read(columns: list[list[int]], near: Neighbours) -> None:
    """Sort columns as a walk back from the results meets their slots, first operand first.

    A tree drawn so has no crossings, and its operands stand in the order of the call.
    """
    met: dict[int, None] = {}
    for start in reversed([slot for slots in columns for slot in slots]):
        stack = [] if near.after[start] else [start]
        while stack:
            slot = stack.pop()
            if slot not in met:
                met[slot] = None
                stack += reversed(near.before[slot])
    place = {slot: i for i, slot in enumerate(met)}
    for slots in columns:
        slots.sort(key=place.__getitem__)


def crossings(columns: list[list[int]], near: Neighbours) -> int:
    """Count the pairs of edges that cross, between all columns.

    >>> crossings([[0, 1], [2, 3]], Neighbours.of(4, [[0, 3], [1, 2]]))
    1
    """
    total = 0
    for left, right in pairwise(columns):
        place = {slot: i for i, slot in enumerate(right)}
        above: list[int] = []
        for slot in left:
            ends = sorted(place[other] for other in near.after[slot])
            total += sum(len(above) - bisect_right(above, end) for end in ends)
            for end in ends:
                insort(above, end)
    return total
