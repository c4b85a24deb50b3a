"""How high the slots of a layered drawing stand: lines are straight where they can be.

Every slot wishes to stand level with its neighbours, and every line to run on one level all the
way; each column grants these wishes as far as the order and the distances in it allow.

Source: R. Barlow et al., "Statistical inference under order restrictions" (1972), for the pooling.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate, islice, pairwise
from typing import NamedTuple, TypeAlias

from minigrad.explain.drawing.crossings import Neighbours

Pulls: TypeAlias = list[tuple[int, float]]  # slots, and how much each pulls

ROW_GAP = 12.0
ROUNDS = 20  # at most; small pictures hold still earlier
STILL = 0.05
LEAF, BOX, LINE = 0.2, 1.0, 2.0  # how much each wants its wish: a leaf can stand anywhere
STRAIGHT = 1000.0  # and how much a long line wants to be straight


class Column(NamedTuple):
    """Slots from above to below, and how far each stands under the first, at least."""

    slots: list[int]
    offsets: list[float]

    @classmethod
    def of(cls, slots: list[int], tall: Sequence[float]) -> Column:
        """Add up the distances."""
        steps = (apart(tall, above, below) for above, below in pairwise(slots))
        return cls(slots, [*accumulate(steps, initial=0.0)])


def settle(
    columns: list[list[int]],
    tall: Sequence[float],
    near: Neighbours,
    chains: list[list[int]],
) -> list[float]:
    """Give each slot its height; `tall` says how much room each takes."""
    y = [0.0] * len(tall)
    weight, lanes = _weights(len(tall), near, chains)
    order = [Column.of(slots, tall) for slots in columns]
    for column in order:
        grant(column, y, [(0.0, 1.0)] * len(column.slots))
    sides = [before + after for before, after in zip(near.before, near.after, strict=True)]
    onward, backward, both = (_pulls(s, weight) for s in (near.before, near.after, sides))
    # To one side first, so that the whole finds its form; then to both, for straightness.
    for there, back, straight in ((onward, backward, 0.0), (both, both, STRAIGHT)):
        for _ in range(ROUNDS):
            start = list(y)
            _sweep(order, y, there, lanes, straight)
            _sweep(order[::-1], y, back, lanes, straight)
            moved = [now - then for now, then in zip(y, start, strict=True)]
            if max(moved) - min(moved) < STILL:  # but for the whole, which may drift
                break
    above = {b: a for slots in columns for a, b in pairwise(slots)}
    below = {a: b for b, a in above.items()}
    for _ in range(3):
        for chain in chains:
            _straighten(chain, tall, y, near, above, below)
    top = min(place - high / 2 for place, high in zip(y, tall, strict=True))
    return [place - top for place in y]


def _pulls(side: list[list[int]], weight: list[float]) -> list[Pulls]:
    """Say for each slot which others pull at it, and how much each."""
    return [
        [(other, weight[slot] * weight[other]) for other in others]
        for slot, others in enumerate(side)
    ]


def _sweep(
    columns: list[Column],
    y: list[float],
    pulls: list[Pulls],
    lanes: list[list[int]],
    straight: float,
) -> None:
    """Move the columns, one after the other, towards their neighbours and the levels of lines."""
    level = {}
    for lane in lanes:
        level.update(dict.fromkeys(lane, sum([y[slot] for slot in lane]) / len(lane)))
    for column in columns:
        wishes = []
        for slot in column.slots:
            force = wish = 0.0
            for other, pull in pulls[slot]:
                force += pull
                wish += pull * y[other]
            if slot in level:
                force += straight
                wish += straight * level[slot]
            wishes.append((wish / force if force else y[slot], force or LEAF))
        grant(column, y, wishes)


def _weights(
    count: int, near: Neighbours, chains: list[list[int]]
) -> tuple[list[float], list[list[int]]]:
    """Weigh the slots, and list those of each line that is longer than one column."""
    weight = [BOX if before else LEAF for before in near.before]
    for chain in chains:
        for slot in chain[1:-1]:
            weight[slot] = LINE if near.before[chain[0]] else LEAF
    return weight, [chain[1:-1] for chain in chains if len(chain) > 3]


def _straighten(
    chain: list[int],
    tall: Sequence[float],
    y: list[float],
    near: Neighbours,
    above: dict[int, int],
    below: dict[int, int],
) -> None:
    """Put a line on one level, where its neighbours above and below leave room for it."""
    lane = chain[1:-1]
    highs = [y[above[s]] + apart(tall, above[s], s) for s in lane if s in above]
    lows = [y[below[s]] - apart(tall, s, below[s]) for s in lane if s in below]
    high, low = max(highs, default=-math.inf), min(lows, default=math.inf)
    if high <= low:
        is_only = len(near.after[chain[0]]) == 1
        wish = y[chain[0]] if is_only else sum(y[s] for s in lane) / len(lane)
        for slot in lane:
            y[slot] = min(max(wish, high), low)


def apart(tall: Sequence[float], upper: int, lower: int) -> float:
    """Say how far apart the middles of two slots are, at least."""
    return (tall[upper] + tall[lower]) / 2 + ROW_GAP


def grant(column: Column, y: list[float], wishes: list[tuple[float, float]]) -> None:
    """Place a column as near to its weighted wishes, in the square, as keeping distance allows.

    Wishes less the distances from the first slot must not fall: an isotonic regression, done by
    pooling neighbours that are in each other's way.
    """
    pools: list[tuple[float, float, int]] = []
    for (wish, weight), offset in zip(wishes, column.offsets, strict=True):
        place, count = wish - offset, 1
        while pools and pools[-1][0] > place:
            other, heavy, more = pools.pop()
            place = (place * weight + other * heavy) / (weight + heavy)
            weight, count = weight + heavy, count + more
        pools.append((place, weight, count))
    rest = zip(column.slots, column.offsets, strict=True)
    for place, _, count in pools:
        for slot, offset in islice(rest, count):
            y[slot] = place + offset
