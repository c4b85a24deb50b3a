"""A layered drawing of a graph, left to right: ranks, lanes for long edges, few crossings.

The method is Sugiyama's: give each box a rank, cut long edges by dummy nodes so that they get a
lane of their own, order each rank to cross little, then place. Labels of edges are places too, in
the ranks between those of the boxes, so nothing can lie on anything else. No recursion anywhere.

Source: K. Sugiyama, S. Tagawa, M. Toda, "Methods for visual understanding of hierarchical system
structures" (1981); E. Gansner et al., "A technique for drawing directed graphs" (1993).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from minigrad.explain.drawing.crossings import Neighbours, order
from minigrad.explain.drawing.heights import settle

COLUMN_GAP, LANE = 22.0, 8.0
STEEP = 0.12  # of the height that an edge climbs between two columns widens the gap


class Size(NamedTuple):
    """How much room a box or the label of an edge takes."""

    width: float
    height: float


class Edge(NamedTuple):
    """An arrow from the box `tail` to the box `head`, with room for its label."""

    tail: int
    head: int
    label: Size = Size(0.0, LANE)


class Point(NamedTuple):
    """A place in the picture: x to the right, y down."""

    x: float
    y: float


class Placement(NamedTuple):
    """The centres of boxes and of labels, the way of each edge, and the size of all.

    A way has level pieces inside the columns and slopes between them, in turns: its points are
    the ends of the level pieces.
    """

    boxes: list[Point]
    labels: list[Point]
    routes: list[list[Point]]
    size: Size


def arrange(boxes: Sequence[Size], edges: Sequence[Edge]) -> Placement:
    """Place boxes and labels without overlaps, all edges running left to right.

    Args:
        boxes: their sizes, operands before results: every edge leads to a later box.
        edges: several between the same two boxes are several lines.

    Raises:
        ValueError: when an edge does not lead to a later box.

    >>> picture = arrange([Size(40, 20), Size(40, 20)], [Edge(0, 1, Size(30, 24))])
    >>> picture.boxes
    [Point(x=20.0, y=12.0), Point(x=134.0, y=12.0)]
    >>> picture.labels
    [Point(x=77.0, y=12.0)]
    """
    for edge in edges:
        if not 0 <= edge.tail < edge.head < len(boxes):
            raise ValueError(f"{edge} does not lead to a later one of the {len(boxes)} boxes")
    if not boxes:
        return Placement([], [], [], Size(0.0, 0.0))
    sizes, columns, chains = _columns(boxes, edges, ranks(len(boxes), edges))
    near = Neighbours.of(len(sizes), chains)
    order(columns, near)
    y = settle(columns, [size.height for size in sizes], near, chains)
    sides = _across(columns, sizes, y, near)
    at = [Point((left + right) / 2, height) for (left, right), height in zip(sides, y, strict=True)]
    ports = _ports(chains, boxes, y)
    routes = [_way(*pair, sizes, sides, at) for pair in zip(chains, ports, strict=True)]
    wide = max(right for _, right in sides)
    high = max(height + size.height / 2 for height, size in zip(y, sizes, strict=True))
    labels = [at[chain[1]] for chain in chains]
    return Placement(at[: len(boxes)], labels, routes, Size(wide, high))


# ---- columns -------------------------------------------------------------------------------------
def ranks(count: int, edges: Sequence[Edge]) -> list[int]:
    """Give each box a rank after its operands', and leaves one just before their first use.

    >>> ranks(4, [Edge(0, 2), Edge(2, 3), Edge(1, 3)])
    [0, 1, 1, 2]
    """
    into: list[list[int]] = [[] for _ in range(count)]
    out: list[list[int]] = [[] for _ in range(count)]
    for edge in edges:
        into[edge.head].append(edge.tail)
        out[edge.tail].append(edge.head)
    rank = [0] * count
    for box in range(count):
        rank[box] = max((rank[tail] + 1 for tail in into[box]), default=0)
    for box in reversed(range(count)):  # what is not held on the left moves to where it is used
        if out[box] and len(into[box]) <= len(out[box]):
            rank[box] = min(rank[head] for head in out[box]) - 1
    return rank


def _columns(
    boxes: Sequence[Size], edges: Sequence[Edge], rank: list[int]
) -> tuple[list[Size], list[list[int]], list[list[int]]]:
    """Make slots of boxes, labels and lanes; in columns, and in a chain for each edge."""
    sizes = list(boxes)
    columns: list[list[int]] = [[] for _ in range(2 * max(rank) + 1)]
    for box, r in enumerate(rank):
        columns[2 * r].append(box)
    chains = []
    for edge in edges:
        chain = [edge.tail]
        for c in range(2 * rank[edge.tail] + 1, 2 * rank[edge.head]):
            columns[c].append(len(sizes))
            chain.append(len(sizes))
            sizes.append(Size(0.0, LANE) if len(chain) > 2 else edge.label)
        chains.append([*chain, edge.head])
    return sizes, columns, chains


def _across(
    columns: list[list[int]], sizes: list[Size], y: list[float], near: Neighbours
) -> list[tuple[float, float]]:
    """Set the columns side by side, with wider gaps where edges climb; each slot's two sides."""
    sides = [(0.0, 0.0)] * len(sizes)
    right = -COLUMN_GAP
    for slots in columns:
        climbs = (abs(y[s] - y[before]) for s in slots for before in near.before[s])
        left = right + COLUMN_GAP + STEEP * max(climbs, default=0.0)
        right = left + max((sizes[s].width for s in slots), default=0.0)
        for slot in slots:
            sides[slot] = (left, right)
    return sides


def _way(
    chain: list[int],
    port: float,
    sizes: list[Size],
    sides: list[tuple[float, float]],
    at: list[Point],
) -> list[Point]:
    """Run level through the columns of a chain, from the box's right side to the port."""
    tail, *between, head = chain
    start = at[tail].x + sizes[tail].width / 2
    way = [Point(start, at[tail].y), Point(sides[tail][1], at[tail].y)]
    for slot in between:
        way += [Point(x, at[slot].y) for x in sides[slot]]
    return [*way, Point(sides[head][0], port), Point(at[head].x - sizes[head].width / 2, port)]


def _ports(chains: list[list[int]], boxes: Sequence[Size], y: list[float]) -> list[float]:
    """Let the edges that lead to one box arrive side by side, in the order in which they come."""
    arriving: dict[int, list[int]] = {}
    for edge, chain in enumerate(chains):
        arriving.setdefault(chain[-1], []).append(edge)
    ports = [0.0] * len(chains)
    for head, found in arriving.items():
        found.sort(key=lambda edge: y[chains[edge][-2]])
        step = min(9.0, 0.6 * boxes[head].height / len(found))
        for i, edge in enumerate(found):
            ports[edge] = y[head] + step * (i - (len(found) - 1) / 2)
    return ports
