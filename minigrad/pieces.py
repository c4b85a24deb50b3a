"""What is handed back to an array whose entries were taken by index: x[i], x[j] …

The rule of x[i] makes an array of zeros with one row of numbers, and a loop over the rows would
make as many such arrays as there are rows. So rows are added where they stand: at once, where the
walk back runs on arrays, and by one call for all of them where it is recorded.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

from minigrad.calls import apply
from minigrad.graph import Node
from minigrad.table import PLACES, defvjp

# The arrays that were taken from: their shapes, and the gradients and places of the pieces that
# are not yet put together.
Pieces: TypeAlias = dict[int, tuple[tuple[int, ...], list[Any], list[Any]]]


def added_in_place(
    node: Node, function: Any, g: Any, totals: dict[int, Any], own: set[int]
) -> bool:
    """Add `g` to the total of an array whose entries were taken, if each was taken once."""
    operand = node._arguments[0]
    x, key = operand._array, operand._birth
    place = PLACES[function](*node._values)
    if place is None or g.dtype != x.dtype:
        return False
    if key not in own:
        totals[key] = totals[key].copy() if key in totals else np.zeros(x.shape, x.dtype)
        own.add(key)
    totals[key][place] += g
    return True


def collected(node: Node, function: Any, g: Any, pieces: Pieces) -> bool:
    """Note `g` and where it belongs, if no entry was taken twice; but leave the first to its rule.

    Few arrays are taken from more than once, and those keep their plain graph.
    """
    operand = node._arguments[0]
    place = PLACES[function](*node._values)
    if place is None or g.dtype != operand._array.dtype:
        return False
    if operand._birth not in pieces:
        pieces[operand._birth] = (operand._array.shape, [], [])
        return False
    _, gs, places = pieces[operand._birth]
    gs.append(g)
    places.append(place)
    return True


def put_together(kind: type[Node], pieces: Pieces, totals: dict[int, Any]) -> None:
    """Record one call for all pieces of an array, and add what it makes to the array's total."""
    for birth, (shape, gs, places) in pieces.items():
        if gs:
            made = apply(kind, placed, gs, {"places": places, "shape": shape})
            totals[birth] = totals[birth] + made


def placed(*gs: Any, places: list[Any], shape: tuple[int, ...]) -> Any:
    """Add arrays to zeros of `shape`, each at its place: what x[i], x[j] … hand back to x."""
    x = np.zeros(shape, np.result_type(*gs))
    for g, place in zip(gs, places, strict=True):
        x[place] += g
    return x


def rows_of(h: Any, y: Any, *gs: Any, places: list[Any], shape: tuple[int, ...]) -> list[Any]:
    """Take what belongs to each of the pieces."""
    return [h[place] for place in places]


defvjp(placed, joint=rows_of, complex=True)
