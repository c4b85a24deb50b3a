"""Drawn views: every value is drawn, every text is in its box, and no name breaks a format."""

import re
import shutil
import subprocess
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from explanations import HOSTILE, SAMPLES, apples, chain, deep, hostile, programs, shared
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import minigrad as mg
from minigrad.explain.command import explained
from minigrad.explain.data.model import Group, Trace
from minigrad.explain.data.model import Line as Value
from minigrad.explain.drawing.diagrams import (
    WORD_JOINER,
    _flows,
    _lines,
    dot,
    entities,
    mermaid,
    quoted,
)
from minigrad.explain.drawing.painting import paint
from minigrad.explain.drawing.picture import Box, Label, Line, Picture, heat_map, label, shortened
from minigrad.explain.drawing.svg import drawn
from minigrad.explain.drawing.views import LIMIT, unopened, views
from minigrad.explain.examples import EXAMPLES
from minigrad.explain.page.page import page
from minigrad.explain.page.tables import markup

SVG = "{http://www.w3.org/2000/svg}"
ADVANCE = 0.602  # the widest of the common monospaced fonts: DejaVu Sans Mono, Menlo
each_sample = pytest.mark.parametrize("sample", SAMPLES.values(), ids=SAMPLES.keys())


def parsed(svg):
    return ET.fromstring(svg)


def groups(root, kind):
    """The groups of one kind, "box" or "line"."""
    return [g for g in root.iter(f"{SVG}g") if kind in g.get("class", "").split()]


def number(element, *names):
    return [float(element.get(name)) for name in names]


# ---- SVG -----------------------------------------------------------------------------------------
def assert_texts_are_inside(root):
    left, top, wide, high = map(float, root.get("viewBox").split())
    for box in groups(root, "box"):
        x, y, width, height = number(box.findall(f"{SVG}rect")[-1], "x", "y", "width", "height")
        assert x >= left
        assert y >= top
        assert x + width <= left + wide
        assert y + height <= top + high
        for text in box.findall(f"{SVG}text"):
            size = 14 if text.get("class") == "title" else 11.5
            across, baseline = number(text, "x", "y")
            half = len(text.text or "") * size * ADVANCE / 2 if (text.text or "").isascii() else 0
            assert x <= across - half <= across + half <= x + width, text.text
            assert y <= baseline - size * 0.8 <= baseline + size * 0.25 <= y + height
    for line in groups(root, "line"):
        for text in line.iter(f"{SVG}text"):
            across, baseline = number(text, "x", "y")
            assert left <= across
            assert across + len(text.text) * 11.5 * ADVANCE <= left + wide
            assert top <= baseline - 10
            assert baseline + 3 <= top + high


@each_sample
def test_a_picture_is_valid_xml_with_every_text_in_its_box(sample):
    assert_texts_are_inside(parsed(sample().to_svg()))


@given(st.lists(st.text(max_size=40), min_size=1, max_size=4))
@example(["\r\n"])
def test_any_name_is_text_in_any_picture(names):
    boxes = [Box(name, "leaf", name, name, name, name) for name in names]
    line = [Line(names[0], 0, 1, Label(names[0]), Label(names[0]))] if len(names) > 1 else []
    root = parsed(drawn(Picture(boxes, line, names[0])))
    assert len(groups(root, "box")) == len(names)
    for name, box in zip(names, groups(root, "box"), strict=True):
        title = (box.find(f"{SVG}text").text or "").replace("\r", "\n")
        assert len(title) == len(shortened(name).replace("\r\n", "\n"))  # as XML reads line ends
        plain = name.isascii() and name.isprintable()
        assert not plain or title == shortened(name)
    assert {e.tag for e in root.iter()} <= {
        SVG + t for t in ["svg", "title", "g", "rect", "text", "path"]
    }


@given(programs())
def test_every_value_of_a_program_is_drawn_with_its_gradient(e):
    root = parsed(e.to_svg())
    assert_texts_are_inside(root)
    keys = {box.get("data-box") for box in groups(root, "box")}
    assert keys == {str(line.id) for line in e.lines} | {f"out{e.output}"}
    shown = {line.get("data-line"): list(line.iter(f"{SVG}text")) for line in groups(root, "line")}
    for step in e.steps:
        for c in step.contributions:
            value, gradient = (text.text for text in shown[f"{step.line}.{c.position}"])
            assert float(value) == pytest.approx(float(e.lines[c.to].value), rel=1e-3, abs=1e-300)
            sign, _, figure = gradient.rpartition(" ")
            assert float(figure) == pytest.approx(float(c.share), rel=1e-3, abs=1e-300)
            assert sign == (c.sign if c.paths > 1 else "")


def test_the_books_apples_have_their_numbers_over_and_under_the_lines():
    texts = [text.text for text in parsed(apples().to_svg()).iter(f"{SVG}text")]
    assert {"715", "650", "2.2", "110", "3.3", "165", "1.1"} <= {*texts}


def test_a_shared_value_shows_how_its_gradient_adds_up():
    root = parsed(shared().to_svg())
    totals = [text.text for text in root.iter(f"{SVG}text") if text.get("class") == "total"]
    assert "dW = Σ 4 paths" in totals
    assert len(groups(root, "box")) > len(totals) > 1
    forks = [line for line in groups(root, "line") if line.find(f"{SVG}circle") is not None]
    assert len(forks) == sum(line.paths for line in shared().lines if line.paths > 1)


def test_a_line_without_gradient_is_dashed_and_says_so_in_its_class():
    root = parsed(SAMPLES["two_layers"]().to_svg())
    constant = {line.get("data-line") for line in groups(root, "constant")}
    assert constant == {"5.0", "8.1", "10.0", "12.1", "12.2"}
    assert ".constant .way{stroke-dasharray" in root.find(f"{SVG}style").text.replace(
        " {", "{"
    ).replace("{ ", "{")


def test_colours_are_resolved_in_a_file_that_stands_alone():
    style = parsed(apples().to_svg()).find(f"{SVG}style").text
    assert "var(" not in style
    assert "prefers-color-scheme:dark" in style


# ---- heat maps -----------------------------------------------------------------------------------
@given(hnp.arrays(float, hnp.array_shapes(max_side=20), elements=st.floats(-1e9, 1e9)))
def test_a_heat_map_is_tiny_and_its_strongest_cell_is_the_largest_entry(array):
    heat = heat_map(array)
    assert 1 <= len(heat) <= 4
    assert 1 <= len(heat[0]) <= 9
    assert {len(row) for row in heat} == {len(heat[0])}
    strengths = [cell for row in heat for cell in row]
    largest = array.flat[np.argmax(np.abs(array))]
    assert max(map(abs, strengths)) == (3 if largest else 0)
    assert (3 if largest > 0 else -3 if largest < 0 else 0) in strengths
    assert (0 in strengths) or np.any(array)


def test_a_heat_map_marks_what_is_not_finite_and_nothing_has_none():
    assert heat_map(np.array([1.0, np.nan, -np.inf])) == ((3, None, None),)
    assert heat_map(np.zeros((0, 3))) == ()
    assert label(np.float64(0.5)) == Label("0.5")


# ---- large graphs --------------------------------------------------------------------------------
@pytest.mark.parametrize("calls", [59, 200, 3000])
def test_a_large_graph_is_drawn_in_pictures_of_at_most_sixty_boxes(calls):
    e = chain(calls)
    found = views(e)
    pictures = paint(e, found)
    assert all(len(picture.boxes) <= LIMIT for picture in pictures)
    assert [call for unit in unopened(found) for call in unit.calls] == [
        line.id for line in e.lines if line.kind == "call"
    ]
    for view in found:
        assert [call for unit in view.units for call in unit.calls] == view.calls


def test_a_deep_net_collapses_by_layer_and_opens_to_its_calls():
    e = deep()
    found = views(e)
    assert len(found) > 1
    assert found[0].units[0].title.startswith("net[0]")
    assert all(len(unit.calls) == 1 for unit in unopened(found))
    inner = parsed(e.to_svg(inside=found[1].name))
    assert {box.get("data-box") for box in groups(inner, "call")} == set(map(str, found[1].calls))
    with pytest.raises(KeyError, match=r"no part is called 'net\[99\]'; there are net\[0\]"):
        e.to_svg(inside="net[99]")


@given(programs(most=25), st.integers(6, 14))
def test_a_collapsed_picture_keeps_its_limit_and_every_flow_between_its_boxes(e, limit):
    view = views(e, limit=limit)[0]
    (picture,) = paint(e, [view])
    home = {call: k for k, unit in enumerate(view.units) for call in unit.calls}
    flows = {
        (home[o], home[call])
        for call in home
        for o in e.lines[call].operands
        if o in home and home[o] != home[call]
    }
    keys = {box.key: k for k, box in enumerate(picture.boxes)}
    index = {
        k: keys["-".join(dict.fromkeys(map(str, (u.calls[0], u.calls[-1]))))]
        for k, u in enumerate(view.units)
    }
    drawn_ = {(line.tail, line.head) for line in picture.lines}
    assert {(index[a], index[b]) for a, b in flows} <= drawn_
    assert len(picture.boxes) <= limit
    assert all(line.tail < line.head for line in picture.lines)


# ---- Mermaid and DOT -----------------------------------------------------------------------------
@given(st.text())
def test_mermaid_reads_any_name_as_text(name):
    written = entities(name)
    assert re.fullmatch(r"(?:[\w .,()=+\-*/×÷−@…Σ∂]|#\d+;)*", written)
    read = re.sub(r"#(\d+);", lambda code: chr(int(code[1])), written)
    assert read.replace(WORD_JOINER, "") == name.replace(WORD_JOINER, "")
    assert not re.search(r"\\n|\$\$|:fa-", read)


@pytest.mark.parametrize("name", [r"a\nb", "$$x$$", "fa:fa-car", "a: b", "$1", "\\", "fab:fa-x"])
def test_what_mermaid_would_read_in_a_text_is_parted(name):
    read = re.sub(r"#(\d+);", lambda code: chr(int(code[1])), entities(name))
    assert not re.search(r"\\n|\$\$|:fa-", read)
    assert (WORD_JOINER in read) == bool(re.search(r"\\n|\$\$|:fa-", name))


@given(st.text(st.characters(blacklist_categories=["Cs"])))
def test_dot_reads_any_name_as_text(name):
    written = quoted(name)
    (whole,) = re.findall(r'"((?:[^"\\\n]|\\.)*)"', f'"{written}"')
    plain = re.sub(r"\\(.)", r"\1", whole).replace("&amp;", "&")
    assert plain == "".join(letter if letter.isprintable() else " " for letter in name)


NAMES = [*HOSTILE[:1], 'a"b', "it's", "end", "subgraph", "a<b>c", "[x]", "{x}", "x|y", "a;b"]
NAMES += ["&lt;", "&amp;amp;", "a\\", r"a\nb", r"\N\G\l", "重み", "😀", "%%x", "--> y", "<br/>"]
NAMES += ["node", "W[0]", "digraph", "a\tb", "a#b"]


def test_graphviz_draws_every_picture_with_its_texts():
    program = shutil.which("dot")
    if program is None:
        pytest.skip("no Graphviz on this machine: dot on the PATH runs this")
    names = Picture([Box(str(k), "leaf", name, name) for k, name in enumerate(NAMES)], [])
    graphs = [explained(EXAMPLES[name]()) for name in ("apples", "dropout", "attention")]
    pictures = [names, *(paint(e, views(e)[:1])[0] for e in (*graphs, shared(), deep()))]
    told = subprocess.run(
        [program, "-Tsvg"],
        input="\n".join(map(dot, pictures)),
        capture_output=True,
        encoding="utf-8",
        check=True,
        timeout=60,
    )
    assert told.stderr == ""
    drawings = re.split(r"<\?xml[^>]*>", told.stdout)[1:]
    for picture, drawing in zip(pictures, drawings, strict=True):
        things = [g for kind in ("node", "edge") for g in groups(parsed(drawing), kind)]
        texts = [[text.text for text in g.iter(f"{SVG}text")] for g in things]
        wanted = [_lines(box) for box in picture.boxes] + [_flows(line) for line in picture.lines]
        assert sorted(map(words, texts)) == sorted(map(words, wanted))


def words(texts):
    return " ".join(" ".join(texts).split())


@each_sample
def test_mermaid_and_dot_have_the_boxes_and_lines_of_the_picture(sample):
    e = sample()
    (picture,) = paint(e, views(e)[:1])
    flow, graph = mermaid(picture), dot(picture)
    assert flow == e.to_mermaid()
    assert graph == e.to_dot()
    assert len(re.findall(r"^  n\d+[\[(].*[\])]$", flow, re.M)) == len(picture.boxes)
    assert len(re.findall(r'^  n\d+ -[-.]+>\|"[^"]*"\| n\d+$', flow, re.M)) == len(picture.lines)
    assert len(re.findall(r"^  n\d+ \[label=", graph, re.M)) == len(picture.boxes)
    assert len(re.findall(r"^  n\d+ -> n\d+ \[", graph, re.M)) == len(picture.lines)


def test_hostile_names_are_text_in_every_format():
    e = hostile()
    names = {line.name for line in e.lines}
    assert {*HOSTILE} <= names
    root = parsed(e.to_svg())
    assert not list(root.iter(f"{SVG}script"))
    titles = [text.text for text in root.iter(f"{SVG}text") if text.get("class") == "title"]
    assert shortened(HOSTILE[0]) in titles
    assert "<script" not in e.to_mermaid()


def test_many_shared_leaves_are_one_box_and_their_lines_are_counted():
    leaves = [mg.Tensor(float(k), name=f"w{k}") for k in range(90)]
    total = sum(leaves[1:], leaves[0])
    for leaf in leaves:
        total = total * leaf
    e = mg.explain(total, names={})
    pictures = paint(e, views(e))
    assert all(len(picture.boxes) <= LIMIT for picture in pictures)
    assert any(box.key.startswith("pile") for box in pictures[0].boxes)
    assert any(line.value.text.endswith(" more") for line in pictures[0].lines)
    assert page(e).count("<figure") == len(pictures)


def unrolled(steps):
    """A recurrent net: three parameters that every step uses."""
    W, b, h = mg.Tensor(np.eye(2)), mg.Tensor(np.zeros(2)), mg.Tensor(np.ones(2))
    y = h
    for _ in range(steps):
        y = np.tanh(y @ W + b)
    return mg.explain(np.sum(y), names={"W": W, "b": b, "h": h})


def test_what_many_boxes_use_is_drawn_at_each_and_its_total_once():
    e = unrolled(8)
    root = parsed(e.to_svg())
    W = e.line("W")
    boxes = [box for box in groups(root, "box") if box.get("data-box") == str(W.id)]
    texts = [[text.text for text in box.iter(f"{SVG}text")] for box in boxes]
    assert texts == [["W", "dW = Σ 8 paths"], *[["W", "again"]] * 7]
    assert_texts_are_inside(root)
    high = float(root.get("height"))
    assert high < 300  # no lanes from one W to all
    assert "the same value, drawn once more" in page(e)
    e = unrolled(4)
    assert "again" not in e.to_svg()
    assert "the same value, drawn once more" not in page(e)


def test_a_run_of_runs_is_called_by_its_first_and_its_last():
    e = unrolled(90)
    found = views(e)
    assert all(unit.title.count("…") <= 1 for view in found for unit in view.units)
    assert max(len(picture.boxes) for picture in paint(e, found)) <= LIMIT


@pytest.mark.parametrize("kind", [bool, int, np.float32, complex, str, object])
def test_arrays_of_anything_can_be_drawn_and_written(kind):
    array = np.array([[1, 0, 1]]).astype(kind)
    assert label(array).text == "(1, 3)"
    assert markup(array, "x", "value", Value(0, "data", "x", True, array)).count("<td") == 3
    assert len(heat_map(array)) == 1


def test_a_part_is_never_the_whole_of_itself():
    """One call that uses every leaf, and a layer that uses every leaf again."""
    one = np.array(1.0)
    lines = [Value(k, "leaf", f"w{k}", True, one) for k in range(90)]
    lines.append(Value(90, "call", "v0", False, one, "f(…)", "f", tuple(range(90))))
    lines += [
        Value(91 + k, "call", f"v{k + 1}", False, one, "g", "g", (90 + k, k), layer=0)
        for k in range(90)
    ]
    layer = Group(0, "net[0]", "Deep()", "Deep", lines=list(range(91, 181)))
    found = views(Trace(lines, [], [layer], 180, one))
    for view in found:
        assert all(unit.calls != view.calls for unit in view.units)
    assert [call for unit in unopened(found) for call in unit.calls] == list(range(90, 181))
    assert max(len(view.units) + len(view.piles) for view in found) < LIMIT
