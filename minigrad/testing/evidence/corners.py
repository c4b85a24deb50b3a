"""Corners that no axis shows: where the slopes of a function in two directions do not add up.

Of three equal numbers, the middle one in order stays where it is when any single one moves, so
that along each axis `sort` looks smooth, with slope 0; yet its derivative exists in no sense. A
derivative is linear in the direction. So the one-sided slopes along v, w and v + w are compared:
what they lack of adding up falls with the step where f is smooth, and stays at a corner.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from minigrad.graph import Array
from minigrad.testing.evidence.evidence import Evidence
from minigrad.testing.evidence.jacobian import Point, joined
from minigrad.testing.numeric.decisions import changed
from minigrad.testing.numeric.plateau import U
from minigrad.testing.subjects.subject import cut

STEPS = 2.0**-14, 2.0**-18, 2.0**-24  # a corner is as blunt at each; curvature falls with h
PAIRS = 4  # of directions
EXPLAINED = 4  # an error of so many times what the slopes lack may be the corner's


def gaps_at(point: Point, rng: np.random.Generator) -> Array:
    """Find by how much the slopes do not add up, for each output; 0 where it is smooth.

    >>> from minigrad.testing.subjects import subjects
    >>> subject = subjects.of_pair(np.sort, lambda dout: dout, np.array([1.0, 1.0, 1.0, 5.0]))
    >>> gaps_at(Point(subject), np.random.default_rng(0)) > 0
    array([ True,  True,  True, False])
    """
    largest = np.zeros(point.centre.shape)
    for _ in range(PAIRS):
        v, w = _direction(point, rng), _direction(point, rng)
        if point.decisions and not _decides_otherwise(point, v, w):
            continue  # a graph of ours knows that nothing changes here
        far, near, nearest = (_gap(point, v, w, h) for h in STEPS)
        noise = 64 * U * np.abs(point.centre) / STEPS[-1]
        stays = (near > 0.5 * far) & (nearest > 0.5 * near - noise)
        stays &= near > noise + 1e-7 * np.max(far, initial=0)
        largest = np.maximum(largest, np.where(stays, near, 0.0))
    return largest


def smooth_part(douts: Sequence[Array], gaps: Array) -> list[Array]:
    """The cotangents with zeros for the outputs that have no derivative here."""
    flat = np.where(gaps > 0, 0.0, joined(list(douts)))
    return [
        np.asarray(part, d.dtype)
        for part, d in zip(cut(flat, [d.shape for d in douts]), douts, strict=True)
    ]


def explain(gaps: Array, found: Evidence) -> bool:
    """Tell whether a corner can be all that is wrong: the errors are not larger than it is blunt.

    The slope of a corner may be chosen between those around it, and no rule chooses one farther
    away than these lie from one another.
    """
    blunt = float(gaps @ np.abs(found.flat_dout))
    wrong = [one for one in found.wrong.values() if one.shape_is_right]
    errors = [np.max(one.error, initial=0, where=one.wrong) for one in wrong]
    return bool(max(errors, default=0.0) <= EXPLAINED * blunt)


def _direction(point: Point, rng: np.random.Generator) -> dict[str, Array]:
    """Draw a direction, as short as the numbers are small that it leads away from."""
    lengths = {k: np.max(np.abs(x), initial=0) for k, x in point.operands.items()}
    return {
        k: (min(1.0, lengths[k]) or 1.0) * rng.normal(size=x.shape)
        for k, x in point.operands.items()
    }


def _gap(point: Point, v: dict[str, Array], w: dict[str, Array], h: float) -> Array:
    """What the slopes along v and w lack of the one along v + w; NaN counts as nothing."""
    along = [_moved(point, v, h), _moved(point, w, h), _moved(point, _sum(v, w), h)]
    a, b, both = ((point.beside(there) - point.centre) / h for there in along)
    return np.nan_to_num(np.abs(a + b - both), nan=0.0, posinf=0.0)


def _decides_otherwise(point: Point, v: dict[str, Array], w: dict[str, Array]) -> bool:
    there = (_moved(point, u, h) for u in (v, w, _sum(v, w)) for h in STEPS)
    return any(changed(point.decisions, point.decided_beside(at)[1]) for at in there)


def _moved(point: Point, u: dict[str, Array], h: float) -> dict[str, Array]:
    return {k: np.asarray(x + h * u[k]) for k, x in point.operands.items()}


def _sum(v: dict[str, Array], w: dict[str, Array]) -> dict[str, Array]:
    return {k: v[k] + w[k] for k in v}
