"""The layout of graphs: nothing lies on anything else, and everything runs left to right."""

import random
from itertools import combinations, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad.explain.drawing.crossings import Neighbours, as_read, crossings, order
from minigrad.explain.drawing.heights import ROW_GAP, Column, grant
from minigrad.explain.drawing.layout import Edge, Size, arrange, ranks

SIZES = st.builds(Size, st.floats(5, 150), st.floats(5, 60))


@st.composite
def graphs(draw, most=14):
    """Boxes of any size, and edges from earlier to later ones; several between two are allowed."""
    boxes = draw(st.lists(SIZES, min_size=1, max_size=most))
    if len(boxes) == 1:
        return boxes, []
    pairs = st.tuples(*[st.integers(0, len(boxes) - 1)] * 2).filter(lambda pair: pair[0] != pair[1])
    edges = st.builds(lambda pair, label: Edge(*sorted(pair), label), pairs, SIZES)
    return boxes, draw(st.lists(edges, max_size=2 * most))


def rectangles(boxes, edges, place):
    """Left, top, right and bottom of every box and every label."""
    placed = zip(place.boxes + place.labels, [*boxes, *(e.label for e in edges)], strict=True)
    return [(x - w / 2, y - h / 2, x + w / 2, y + h / 2) for (x, y), (w, h) in placed]


def overlap(one, other):
    return min(one[2], other[2]) > max(one[0], other[0]) and min(one[3], other[3]) > max(
        one[1], other[1]
    )


@given(graphs())
def test_no_box_and_no_label_lies_on_another(graph):
    found = rectangles(*graph, arrange(*graph))
    assert not [pair for pair in combinations(found, 2) if overlap(*pair)]


@given(graphs())
def test_every_box_and_every_label_is_in_the_picture(graph):
    place = arrange(*graph)
    assert len(place.boxes) == len(graph[0])
    assert len(place.labels) == len(place.routes) == len(graph[1])
    for left, top, right, bottom in rectangles(*graph, place):
        assert left >= -1e-6
        assert top >= -1e-6
        assert right <= place.size.width + 1e-6
        assert bottom <= place.size.height + 1e-6


@given(graphs())
def test_an_edge_runs_left_to_right_from_the_side_of_its_tail_to_the_side_of_its_head(graph):
    boxes, edges = graph
    place = arrange(boxes, edges)
    for edge, way in zip(edges, place.routes, strict=True):
        tail, head = place.boxes[edge.tail], place.boxes[edge.head]
        assert all(one.x <= other.x + 1e-6 for one, other in pairwise(way))
        assert way[0] == pytest.approx((tail.x + boxes[edge.tail].width / 2, tail.y))
        assert way[-1].x == pytest.approx(head.x - boxes[edge.head].width / 2)
        assert abs(way[-1].y - head.y) <= boxes[edge.head].height / 2


@given(graphs())
def test_an_edge_goes_through_the_middle_of_its_label_and_past_all_others(graph):
    boxes, edges = graph
    place = arrange(boxes, edges)
    found = rectangles(boxes, edges, place)
    for number, way in enumerate(place.routes):
        own = {edges[number].tail, edges[number].head, len(boxes) + number}
        label = place.labels[number]
        assert any(
            a.x <= label.x <= b.x and a.y == label.y
            for a, b in zip(way[::2], way[1::2], strict=True)
        )
        for k, (start, end) in enumerate(pairwise(way)):
            low, high = sorted((start.y, end.y))
            reach = (start.x + 1e-6, low, end.x - 1e-6, high + 1e-9)
            touched = [i for i, other in enumerate(found) if overlap(reach, other)]
            assert not {*touched} - own, f"piece {k} of {edges[number]}"


@given(graphs())
def test_edges_between_the_same_boxes_are_apart(graph):
    boxes, edges = graph
    place = arrange(boxes, edges)
    for one, other in combinations(range(len(edges)), 2):
        if edges[one][:2] == edges[other][:2]:
            assert abs(place.labels[one].y - place.labels[other].y) >= ROW_GAP


@given(graphs())
def test_ranks_grow_along_every_edge_and_begin_at_zero(graph):
    boxes, edges = graph
    rank = ranks(len(boxes), edges)
    assert all(rank[edge.tail] < rank[edge.head] for edge in edges)
    assert min(rank) >= 0


def test_a_skip_connection_has_a_lane_of_its_own():
    boxes = [Size(40, 30)] * 4
    edges = [Edge(0, 1), Edge(1, 2), Edge(2, 3), Edge(0, 3)]
    place = arrange(boxes, edges)
    x = place.boxes[1].x
    (level,) = {
        a.y
        for a, b in zip(place.routes[3][::2], place.routes[3][1::2], strict=True)
        if a.x <= x <= b.x
    }
    assert abs(level - place.boxes[1].y) >= 15 + ROW_GAP


def test_an_edge_against_the_order_is_refused():
    with pytest.raises(ValueError, match="does not lead to a later one"):
        arrange([Size(1, 1)] * 2, [Edge(1, 0)])
    assert arrange([], []).boxes == []


def test_a_deep_graph_is_laid_out_without_recursion():
    boxes = [Size(40, 30)] * 1200
    place = arrange(boxes, [Edge(i, i + 1) for i in range(1199)])
    assert len({round(at.y, 3) for at in place.boxes}) == 1


# ---- its parts -----------------------------------------------------------------------------------
@given(graphs(), st.randoms(use_true_random=False))
def test_a_tree_has_no_crossings(graph, chance):
    count = len(graph[0])
    parent = [chance.randrange(k + 1, count) for k in range(count - 1)]
    depth = [0] * count
    for k in reversed(range(count - 1)):
        depth[k] = depth[parent[k]] + 1
    columns = [[k for k in range(count) if depth[k] == d] for d in range(max(depth), -1, -1)]
    near = Neighbours.of(count, [[k, parent[k]] for k in range(count - 1)])
    order(columns, near)
    assert crossings(columns, near) == 0


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=12))
def test_crossings_are_counted_as_by_looking_at_all_pairs(ends):
    near = Neighbours.of(12, [[a, 6 + b] for a, b in ends])
    columns = [list(range(6)), list(range(6, 12))]
    pairs = combinations(ends, 2)
    assert crossings(columns, near) == sum((a - c) * (b - d) < 0 for (a, b), (c, d) in pairs)
    read = [list(column) for column in columns]
    as_read(read, near)
    order(columns, near)
    assert crossings(columns, near) <= crossings(read, near)


@given(
    st.lists(st.tuples(st.floats(-50, 50), st.floats(0.1, 3), st.floats(1, 20)), min_size=1),
    st.integers(0, 2**32),
)
def test_a_column_grants_wishes_as_well_as_distances_allow(slots, seed):
    wishes = [(wish, weight) for wish, weight, _ in slots]
    tall = [high for *_, high in slots]
    y = [0.0] * len(slots)
    grant(Column.of(list(range(len(slots))), tall), y, wishes)
    apart = [(a + b) / 2 + ROW_GAP for a, b in pairwise(tall)]
    assert all(b - a >= d - 1e-6 for (a, b), d in zip(pairwise(y), apart, strict=True))

    def cost(places):
        return sum(w * (p - wish) ** 2 for p, (wish, w) in zip(places, wishes, strict=True))

    chance = random.Random(seed)
    for _ in range(20):  # any other way to keep the distances is no better
        other = [y[0] + chance.gauss(0, 3)]
        for (a, b), d in zip(pairwise(y), apart, strict=True):
            other.append(other[-1] + max(d, b - a + chance.gauss(0, 3)))
        assert cost(y) <= cost(other) + 1e-6
