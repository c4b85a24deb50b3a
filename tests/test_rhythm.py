"""How sequences are cut where they repeat, and how boxes that hold whole repetitions are called."""

import re
from itertools import pairwise

import numpy as np
import pytest
from explanations import Normalised
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad.explain.drawing.painting import paint
from minigrad.explain.drawing.picture import WIDEST_NOTE
from minigrad.explain.drawing.rhythm import cut, said, stretches
from minigrad.explain.drawing.views import LIMIT, views

X, T = np.random.default_rng(0).normal(size=(4, 3)), np.array([0, 1, 1, 0])
words = st.lists(st.sampled_from("abc"), max_size=40)


def rhythm(period, times):
    return [f"{period}{i}" for _ in range(times) for i in range(period)]


# ---- sequences -----------------------------------------------------------------------------------
@given(words)
def test_stretches_are_all_of_a_sequence_and_repeat_what_they_say(sequence):
    found = stretches(sequence)
    assert [0, *(s.stop for s in found)] == [*(s.start for s in found), len(sequence)]
    for s in found:
        assert s.times >= 1
        first = sequence[s.start : s.start + s.period]
        assert sequence[s.start : s.stop] == first * s.times
        assert s.times > 1 or s.period == 1


@given(
    st.lists(
        st.tuples(st.integers(1, 5), st.integers(2, 9)), max_size=4, unique_by=lambda run: run[0]
    )
)
def test_every_rhythm_is_found_beside_others(runs):
    """Two or more repetitions of different things, one after the other."""
    sequence = [thing for period, times in runs for thing in [*rhythm(period, times), "between"]]
    found = [(s.period, s.times) for s in stretches(sequence) if s.times > 1]
    assert found == runs


def test_a_rhythm_ends_where_one_that_covers_more_begins():
    assert stretches("ab" * 4 + "abc" * 4) == [(0, 2, 4), (8, 3, 4)]


@given(words, st.integers(1, 12), st.data())
def test_pieces_are_the_sequence_and_those_of_several_repetitions_are_not_cut_inside(
    sequence, share, data
):
    weights = data.draw(st.lists(st.integers(1, 9), min_size=40, max_size=40))[: len(sequence)]
    pieces = cut(sequence, weights, share)
    ends = [0, *(stop for _, stop in pieces)]
    assert ends == [*(start for start, _ in pieces), len(sequence)]
    for start, stop in pieces:
        whole = "".join(sequence[start:stop])
        assert stop - start == 1 or sum(weights[start:stop]) / len(whole) <= 3 * share + 9
        assert stop - start == 1 or any(
            s.start <= start < stop <= s.stop for s in stretches(sequence) if s.times > 1
        )


@given(st.integers(1, 6), st.integers(2, 60), st.integers(1, 40))
def test_a_piece_of_a_rhythm_holds_whole_repetitions_of_about_the_weight_asked_for(
    period, times, share
):
    pieces = cut(rhythm(period, times), [1] * period * times, share)
    if share < period:  # then a repetition itself is cut
        assert pieces == [(i, i + 1) for i in range(period * times)]
        return
    sizes = [stop - start for start, stop in pieces]
    assert all(size % period == 0 for size in sizes)
    assert sizes[-1] <= sizes[0] == max(sizes)
    assert len({*sizes[:-1]}) <= 1
    assert sum(sizes) == period * times
    assert sizes[0] >= min(share, period * times)
    assert sizes[0] <= 3 * (share + period)


@given(
    st.lists(st.text(st.characters(categories=["L"]), min_size=1, max_size=9), min_size=1),
    st.integers(1, 5),
    st.integers(0, 40),
)
def test_what_is_said_of_a_sequence_fits_and_counts_right(names, times, room):
    told = said(names * times, room, "layers")
    assert len(told) <= room
    if room == 40 and len(names) * times < 3:
        assert told
    count, cross, inner = told.partition(" × ")
    if cross:
        listed = re.fullmatch(r"\(?(.*?)\)?", inner)[1].split(", ")
        assert int(count) % times == 0
        assert len(names) * times % int(count) == 0
        assert "…" in listed or "layers" in inner or listed * int(count) == names * times


# ---- nets ----------------------------------------------------------------------------------------
class Residual(mg.Layer):
    def __init__(self, seed):
        self.body = mg.Sequential(mg.Affine(3, 3, rng=seed), mg.ReLU(), mg.Affine(3, 3, rng=seed))

    def __call__(self, x):
        return x + self.body(x)


class Steps(mg.Network):
    """A recurrent net: two layers and a call of NumPy in each step."""

    def __init__(self, count):
        super().__init__(loss=mg.SoftmaxWithLoss())
        self.into, self.on, self.count = mg.Affine(3, 3, rng=0), mg.Affine(3, 3, rng=1), count

    def __call__(self, x):
        h = x
        for _ in range(self.count):
            h = np.tanh(self.into(x) + self.on(h))
        return h


def loop(count):
    x = mg.Tensor(0.5)
    y = x
    for _ in range(count):
        y = y * x
        y = y + 1
    return mg.explain(y, names={"x": x, "y": y})


def stacked(layers, count):
    made = [layer for k in range(count) for layer in layers(k)]
    net = mg.Sequential(*made, mg.Affine(3, 2, rng=0), loss=mg.SoftmaxWithLoss())
    return mg.explain(net, X, T)


def affine(seed):
    return mg.Affine(3, 3, rng=seed)


RHYTHMS = {
    "two layers": (lambda: stacked(lambda k: [affine(k), mg.ReLU()], 99), "(Affine, ReLU)", 2),
    "three layers": (
        lambda: stacked(lambda k: [affine(k), Normalised(), mg.ReLU()], 30),
        "(Affine, Normalised, ReLU)",
        9,
    ),
    "residual blocks": (lambda: stacked(lambda k: [Residual(k)], 64), "Residual", 4),
    "nets of nets": (
        lambda: stacked(lambda k: [mg.Sequential(affine(k), mg.Tanh(), affine(k))], 64),
        "Sequential",
        3,
    ),
    "time steps": (
        lambda: mg.explain(Steps(50), X, T),
        "(Affine, …, tanh)",
        4,
    ),
    "a loop": (lambda: loop(300), "(multiply, add)", 2),
}


@pytest.mark.parametrize(("make", "named", "calls"), RHYTHMS.values(), ids=RHYTHMS)
def test_merged_boxes_hold_whole_repetitions_and_say_so(make, named, calls):
    e = make()
    found = views(e)
    merged = [unit for unit in found[0].units if " × " in unit.note]
    assert len(merged) > 3
    for unit in merged:
        times, _, inner = unit.note.partition(" × ")
        assert inner == named
        assert len(unit.calls) == int(times) * calls
        assert found[unit.view].calls == unit.calls  # it opens
    inside = sum(len(unit.calls) for unit in merged)
    assert inside > 0.9 * sum(len(unit.calls) for unit in found[0].units)
    assert len({unit.note for unit in merged[:-1]}) == 1
    (picture,) = paint(e, found[:1])
    assert len(picture.boxes) <= LIMIT
    assert {unit.note for unit in merged} <= {box.note for box in picture.boxes}


def test_a_net_of_nets_collapses_by_its_blocks_first_and_they_say_what_they_hold():
    blocks = [mg.Sequential(*(affine(k + j) for j in range(9)), mg.ReLU()) for k in range(8)]
    net = mg.Sequential(*blocks, mg.Affine(3, 2, rng=0), loss=mg.SoftmaxWithLoss())
    found = views(mg.explain(net, X, T))
    assert [unit.title for unit in found[0].units[:8]] == [f"net[{k}]" for k in range(8)]
    assert {unit.note for unit in found[0].units[:8]} == {"Affine, …, ReLU"}


def test_blocks_of_blocks_are_cut_inside_where_one_holds_too_much():
    """Three stages of twenty blocks: the twenty are merged, and the end of a stage stays alone."""
    e = stacked(lambda k: [*(affine(j) for j in range(20)), mg.Tanh()], 3)
    last = {line.id for line in e.lines if line.function == "np.tanh"}
    held = [unit.calls for unit in views(e)[0].units if last & {*unit.calls}]
    assert held == [[call] for call in sorted(last)]
    assert len(last) == 3


def test_steps_are_named_by_the_calls_of_their_layer():
    class Same(mg.Network):
        def __init__(self):
            super().__init__(loss=mg.SoftmaxWithLoss())
            self.cell = Residual(0)

        def __call__(self, x):
            for _ in range(40):
                x = self.cell(x)
            return x

    found = [unit for unit in views(mg.explain(Same(), X, T))[0].units if "×" in unit.note]
    ends = [re.fullmatch(r"net\.cell \((\d+) … (\d+)\)", unit.title) for unit in found]
    assert ends[0][1] == "1"
    assert ends[-1][2] == "40"
    assert all(int(b[1]) == int(a[2]) + 1 for a, b in pairwise(ends))


def test_paths_too_long_for_a_box_are_written_once():
    class Deep(mg.Network):
        def __init__(self):
            super().__init__(loss=mg.SoftmaxWithLoss())
            self.long_name_of_blocks = [affine(k) for k in range(70)]

        def __call__(self, x):
            for layer in self.long_name_of_blocks:
                x = np.tanh(layer(x))
            return x

    e = mg.explain(Deep(), X, T)
    found = [unit for unit in views(e)[0].units if "×" in unit.note]
    assert all(re.fullmatch(r"net\.\w+\[\d+ … \d+\]", unit.title) for unit in found)
    inner = e.to_svg(inside=found[0].title)
    assert inner.count("data-box") > len(found[0].calls)


def test_a_note_is_as_long_as_a_box_has_room_for():
    assert said(["Affine", "BatchNorm", "ReLU"] * 4, WIDEST_NOTE, "layers") == (
        "4 × (Affine, BatchNorm, ReLU)"
    )
    assert said(["Attention", "Normalisation", "Feedforward"] * 12, 30, "layers") == "12 × 3 layers"
    assert said([*"abcdefghijklmnopqrstuvw"], WIDEST_NOTE, "calls") == "a, …, w"
    assert said(["x" * 40] * 3, WIDEST_NOTE, "layers") == ""


def test_ten_thousand_layers_without_a_rhythm_are_divided_at_once():
    letters = np.random.default_rng(0).choice([*"abcde"], 10_000).tolist()
    found = stretches(letters)
    assert found[-1].stop == 10_000
    assert len(found) > 1000
