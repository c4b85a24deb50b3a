"""The right numbers in wrong places: transposed, reshaped, flipped, shifted, exchanged."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations
from typing import Any

import numpy as np

from minigrad.graph import Array
from minigrad.testing.diagnosis.guesses import Guess
from minigrad.testing.diagnosis.workbench import Workbench, same
from minigrad.testing.reports import causes
from minigrad.testing.reports.showing import grad_of


def moved(
    bench: Workbench, name: str, B: Array, J: Array, shape: tuple[int, ...]
) -> Iterator[Guess]:
    """The right numbers in other places."""
    stack = B.reshape(len(B), *shape)
    for order in permutations(range(len(shape))) if 2 <= len(shape) <= 4 else ():
        if order == tuple(range(len(shape))):
            continue
        moved = np.transpose(stack, (0, *(i + 1 for i in order)))
        if moved.shape[1:] == shape and same(moved.reshape(B.shape), J):
            words = (
                "it is transposed" if len(shape) == 2 else f"its axes belong in the order {order}"
            )
            yield Guess(
                causes.TRANSPOSED,
                f"all entries of {grad_of(name)} are right, but {words}",
                (name,),
                0.95,
            )
            return
    for axis in range(len(shape)):
        if same(np.flip(stack, axis + 1).reshape(B.shape), J) and shape[axis] > 1:
            yield Guess(
                causes.PLACE,
                f"all entries of {grad_of(name)} are right, but in reverse order along axis {axis}",
                (name,),
                1.0,
            )
            return
        for by in range(1, shape[axis]):
            if same(np.roll(stack, by, axis + 1).reshape(B.shape), J):
                words = f"all entries of {grad_of(name)} are right, but shifted by {by} along axis"
                yield Guess(causes.PLACE, f"{words} {axis}", (name,), 1.0)
                return
    found = _matching(B, J)
    if found is not None:
        i = int(np.argmax(found != np.arange(len(found))))
        a, b = np.unravel_index(i, shape), np.unravel_index(int(found[i]), shape)
        words = f"what belongs in [{index_of(a)}] stands in [{index_of(b)}]"
        for label, how in _reshapes(found):
            yield Guess(
                label,
                f"all entries of {grad_of(name)} are right, but in other places: {words}, {how}",
                (name,),
                0.92,
            )
            return
        label = shuffled(bench)
        yield Guess(
            label,
            f"all entries of {grad_of(name)} are right, but in other places: {words}",
            (name,),
            1.3,
        )


def shuffled(bench: Workbench) -> str:
    """What it is called when the right values stand in wrong entries: a reshape does that."""
    sites = [bench.back.sites[k].text for k in bench.back.seen]
    reshaped = any(".reshape(" in text for text in sites)
    return causes.RESHAPED if reshaped else causes.PLACE


def _matching(B: Array, J: Array) -> Array | None:
    """The order of columns in which B is J, if there is one; None too where columns are alike."""
    if not 1 < J.shape[1] <= 500:
        return None
    size = max(np.max(np.abs(B)), np.max(np.abs(J)))
    order = []
    for column in J.T:
        hits = np.flatnonzero(np.max(np.abs(B - column[:, None]), axis=0) <= 1e-6 * size)
        if len(hits) != 1:
            return None
        order.append(hits[0])
    found = np.array(order)
    return found if len(set(order)) == len(order) else None


def _reshapes(order: Array) -> Iterator[tuple[str, str]]:
    """Whether an order of entries is that of a reshape where axes should have been moved."""
    places = np.arange(order.size)
    for split in _products(order.size, 4):
        for axes in permutations(range(len(split))):
            if axes != tuple(range(len(split))):
                moved = places.reshape(split).transpose(axes).ravel()
                if np.array_equal(moved, order):
                    words = f"as if {split} had been reshaped, not moved to the order {axes}"
                    yield causes.RESHAPED, words


def _products(n: int, most: int) -> Iterator[tuple[int, ...]]:
    """All ways to write n as a product of 2 to `most` factors, in order."""
    for first in (d for d in range(2, n) if n % d == 0):
        yield first, n // first
        if most > 2:
            yield from ((first, *rest) for rest in _products(n // first, most - 1))


def index_of(place: Any) -> str:
    """Write an index as a person would: 3, 1."""
    return ", ".join(str(int(i)) for i in place)
