"""The page: small, quick, safe with any name; and, in a browser, right in each step."""

import base64
import hashlib
import json
import os
import re
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from browser import Browser, found
from explanations import (
    HOSTILE,
    SAMPLES,
    apples,
    blocks,
    chain,
    deep,
    failed,
    failed_by_hand,
    hostile,
    shared,
    two_layers,
)
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad.explain.command import explained
from minigrad.explain.data.numbers import value_text
from minigrad.explain.drawing.painting import unit_key
from minigrad.explain.drawing.views import BUDGET, DRAWN, views
from minigrad.explain.examples import EXAMPLES
from minigrad.explain.page.closed import closed, runs
from minigrad.explain.page.page import page
from minigrad.explain.page.tables import layout, table

WIDTHS = (360, 800, 1600)
NARROWEST = 1100  # where graph and step stand side by side
each_sample = pytest.mark.parametrize("sample", SAMPLES.values(), ids=SAMPLES.keys())


SLOW = pytest.mark.skipif(
    not os.environ.get("MINIGRAD_SLOW"), reason="a third of a minute: MINIGRAD_SLOW=1 asks for it"
)


class Reader(HTMLParser):
    """Tags, texts, scripts and attributes of a page, as a browser reads them."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.texts, self.scripts = [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += attributes

    def handle_data(self, data):
        if self.tags and self.tags[-1] == "script" and self.get_starttag_text().startswith("<scri"):
            self.scripts.append(data)
        self.texts.append(data)


# ---- without a browser -------------------------------------------------------------------------
@each_sample
def test_the_only_script_is_ours_and_the_policy_lets_no_other_run(sample):
    read = Reader(page(sample()))
    assert read.tags.count("script") == 2
    policy = dict(read.attributes)["content"]
    data, script = (text for text in read.scripts if text.strip())
    assert json.loads(data)["views"]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    allowed = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src "
    assert policy == f"{allowed}'sha256-{digest}'"
    assert not [name for name, _ in read.attributes if name.startswith("on") or name == "src"]
    links = [value for name, value in read.attributes if name in ("href", "action")]
    assert links == ["data:,"]


def test_hostile_names_are_text():
    read = Reader(page(hostile()))
    assert any(HOSTILE[0] in text for text in read.texts)
    assert "alert" not in read.tags
    assert {"html", "svg", "section"} <= {*read.tags}
    assert read.tags.count("main") == read.tags.count("dialog") == 1


@given(st.lists(st.text(), min_size=2, max_size=2))
def test_no_name_changes_the_structure_of_the_page(names):
    def written(one, other):
        a, b = mg.Tensor(2.0, name=one), mg.Tensor([1.0, -3.0], name=other)
        return page(mg.explain(np.sum(np.tanh(a * b) + a), names={}))

    text = written(*names)
    assert Reader(text).tags == Reader(written("a", "b")).tags
    assert text.encode("utf-8").decode("utf-8") == text


def test_a_page_of_two_layers_is_small():
    e = two_layers(784, 50, 10, batch=100)
    text = page(e)
    assert len(text.encode()) <= 150_000


def test_ten_thousand_calls_have_a_page_of_three_megabytes_at_most():
    e = chain(9_000)
    text = page(e)
    assert sum(line.kind == "call" for line in e.lines) == 10_000
    assert len(text) < 3_000_000


def test_a_page_that_steps_part_by_part_tells_of_every_call():
    e = chain(1_100)
    found = views(e)
    told = closed(e, found)
    whole = {unit.calls[0] for unit in found[0].units if len(unit.calls) == 1}
    calls = [line for line in e.lines if line.kind == "call"]
    assert {*map(int, told["calls"])} | whole == {line.id for line in calls}
    for line in calls:
        said = told["calls"].get(str(line.id))
        if said is not None:
            assert said[0] == f"{line.name} = {line.call}"
            assert said[1] == value_text(line.value, 40)
            step = e.step_of(line.id)
            assert len(said) == 3 + len(step.contributions)
    for unit in (unit for view in found if view.peek for unit in view.units):
        if len(unit.calls) > 1:
            assert unit.view is None or found[unit.view].calls == unit.calls
            runs = told["parts"][unit_key(unit)] if unit.view is None else []
            listed = [i for start, end in runs for i in range(start, end + 1)]
            assert listed == (unit.calls if unit.view is None else [])
    assert closed(apples(), views(apples())) == {}


def test_a_part_of_a_graph_too_large_to_open_has_a_page_of_its_own():
    e = chain(1_100)
    text = page(e)
    name = re.search(r"inside='(v1 … v\d+)'", text.replace("&#x27;", "'"))[1]
    assert f"<h2>{name}</h2>" in text
    part = page(e, inside=name)
    assert f"<h2>{name}</h2>" not in part
    last = int(name.split("v")[-1])
    assert part.count('<section class="step backward"') == 1 + last


@given(st.sets(st.integers(0, 30)).map(sorted))
def test_runs_of_neighbours_are_written_by_their_ends(calls):
    found = runs(calls)
    assert [i for start, end in found for i in range(start, end + 1)] == calls
    assert all(later[0] > earlier[1] + 1 for earlier, later in pairwise(found))


def test_the_sum_of_complex_products_is_written_with_its_real_part():
    z, r = mg.Tensor([1 + 2j, 3]), mg.Tensor(2.0)
    h = z * r
    loss = np.sum(np.abs(h) ** 2)
    assert "Re(Σₙ z[n] · dh[n]) = Re((1+2j)·(4-8j) + 3·12)" in page(mg.explain(loss))


def test_a_page_says_at_its_head_what_is_not_finite_and_marks_it():
    x = mg.Tensor([1.0, 0.0], name="x")
    with np.errstate(all="ignore"):
        text = page(mg.explain(np.sum(np.log(x) * 0.5), names={}))
        assert "not finite: v1 first of all; e.health() says why" in text
        assert "<td class=bad>-inf</td>" in text
        root = mg.explain(np.sum(np.sqrt(x)), names={})
        assert "not finite: dx first of all" in page(root)
    assert "not finite" not in page(apples())


def test_save_writes_the_page_and_names_a_part_that_is_not_there(tmp_path):
    e = apples()
    e.save(tmp_path / "backward.html")
    assert (tmp_path / "backward.html").read_text(encoding="utf-8") == page(e)
    with pytest.raises(KeyError, match="no part is called 'net'; there are none"):
        e.save(tmp_path / "other.html", inside="net")
    assert not (tmp_path / "other.html").exists()
    with pytest.raises(FileNotFoundError):
        e.save(tmp_path / "missing" / "backward.html")


def test_steps_are_the_inputs_the_calls_the_seed_and_the_way_back():
    e = shared()
    text = page(e)
    phases = re.findall(r'<section class="step (\w+)" id="s\d+"', text)
    calls = sum(line.kind == "call" for line in e.lines)
    assert phases == ["forward"] * (1 + calls) + ["backward"] * (1 + len(e.steps))


def test_a_forward_pass_that_failed_has_a_page_that_says_where():
    e = failed()
    text = page(e)
    assert '<section class="step failure"' in text
    assert e.failure.fix
    for told in (e.failure.message, e.failure.fix, e.failure.layer, "(2, 4)", "(5, 2)"):
        assert told in text
    assert f"✗ {e.failure.call}" in e.to_svg()
    assert e.to_mermaid().count("-.->") == e.to_mermaid().count("|") / 2


@pytest.mark.parametrize("shape", [(), (0,), (3,), (9,), (2, 3), (20, 30), (2, 3, 4), (5, 0)])
def test_a_table_shows_entries_at_their_indices(shape):
    array = np.random.default_rng(0).normal(size=shape)
    laid = table(array)
    assert len(laid.cells) == len(laid.entries) == len(laid.rows) * len(laid.columns) <= 36
    for text, entry in zip(laid.cells, laid.entries, strict=True):
        assert (text == "…") == (entry is None)
        assert entry is None or float(text) == pytest.approx(float(array[entry]), rel=1e-3)


# ---- in a browser --------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def browser():
    executable = found()
    if executable is None:
        pytest.skip("no Chromium on this machine: chromium or google-chrome on the PATH runs this")
    with Browser(executable) as running:
        yield running


@pytest.fixture
def opened(browser, tmp_path):
    """Open the page of an explanation; and see at the end that it said and asked for nothing."""
    pages = []

    def open_page(e, width=1600, at="", **media):
        path = tmp_path / f"page{len(pages)}.html"
        e.save(path)
        media = {"prefers_reduced_motion": "reduce", **media}
        pages.append(browser.open(path.as_uri() + at, width, 900, **media))
        return pages[-1]

    yield open_page
    for shown in pages:
        assert shown.messages == []
        assert [url for url in shown.requests if not url.startswith(("file:", "data:"))] == []
        shown.close()


CURRENT = "document.querySelector('.step:not([hidden])')"
# All that is written in numbers in the current step: each table with what it is of, each share that
# is one number, and the entries that are worked out.
WRITTEN = f"""({{
    tables: [...{CURRENT}.querySelectorAll('[data-of]')].map(frame => [
        Number(frame.dataset.of), frame.dataset.part ? Number(frame.dataset.part) : null,
        frame.className.split('of-')[1], frame.querySelector('table').dataset.name,
        [...frame.querySelectorAll('td')].map(td => td.textContent)]),
    shares: [...{CURRENT}.querySelectorAll('.share')].map(share => share.textContent),
    worked: [...{CURRENT}.querySelectorAll('.worked')].map(told => told.textContent)}})"""
# What hangs out of its frame: texts out of boxes, boxes out of pictures, anything out of the page.
LOOSE = """(() => {
  const out = [], shown = (e) => e.getClientRects().length > 0;
  const inside = (a, b, slack = 0.5) => a.left >= b.left - slack && a.right <= b.right + slack
    && a.top >= b.top - slack && a.bottom <= b.bottom + slack;
  const apart = (a, b) => a.right <= b.left + 0.5 || b.right <= a.left + 0.5
    || a.bottom <= b.top + 0.5 || b.bottom <= a.top + 0.5;
  if (document.documentElement.scrollWidth > innerWidth) out.push("the page is too wide");
  for (const svg of document.querySelectorAll("figure:not([hidden]) svg")) {
    const frame = svg.getBoundingClientRect();
    const things = [...svg.querySelectorAll(".box > rect:last-of-type, .number")];
    const rects = things.map((t) => t.getBoundingClientRect());
    rects.forEach((r, i) => {
      if (!inside(r, frame)) out.push("out of the picture: " + things[i].textContent);
      for (let j = 0; j < i; j++) {
        if (!apart(r, rects[j])) out.push(things[i].textContent + " on " + things[j].textContent);
      }
    });
    for (const box of svg.querySelectorAll(".box")) {
      const rect = box.querySelector("rect:last-of-type").getBoundingClientRect();
      for (const text of box.querySelectorAll("text")) {
        const at = text.getBoundingClientRect();
        if (!inside(at, rect)) out.push("out of its box: " + text.textContent);
      }
    }
  }
  const parts = [...document.querySelectorAll("header, .graph, .controls, .tape, .now-card")];
  parts.filter(shown).forEach((part, i, all) => {
    for (const other of all.slice(0, i)) {
      const a = part.getBoundingClientRect(), b = other.getBoundingClientRect();
      const sticky = [part, other].some((p) => p.matches(".controls, .now-card"));
      if (!apart(a, b) && !(sticky && scrollY > 0)) {
        out.push(part.className + " on " + other.className);
      }
    }
  });
  for (const frame of innerWidth < 1100 ? [] : document.querySelectorAll(".step .scroll")) {
    if (frame.scrollWidth > frame.clientWidth + 1) out.push("it scrolls: " + frame.textContent);
  }
  const frames = ".scroll, .views, pre";
  for (const e of document.querySelectorAll("main *, header *, dialog *")) {
    if (!shown(e) || e.closest("svg") || e.closest(frames) || e.closest(".aside")) continue;
    if (e.scrollWidth > e.clientWidth + 1 && e.clientWidth > 0 && !e.matches(".tape > div")) {
      out.push("too wide: " + e.tagName + "." + e.className + " " + e.textContent.slice(0, 40));
    }
  }
  return out;
})()"""


@pytest.mark.parametrize("sample", [apples, two_layers, shared, hostile, failed, failed_by_hand])
def test_nothing_overflows_and_nothing_overlaps(opened, sample):
    shown = opened(sample())
    count = shown.evaluate("document.querySelectorAll('.step').length")
    for width in (*WIDTHS, NARROWEST) if sample is two_layers else WIDTHS:
        shown.resize(width, 900)
        for key in ("Home", "End", "ArrowLeft"):
            shown.press(key)
            assert shown.evaluate(LOOSE) == [], (width, key)
        assert shown.evaluate("location.hash") == f"#step={count - 1}"


@SLOW
@pytest.mark.parametrize("name", EXAMPLES)
def test_every_example_holds_together_at_every_step_and_width(opened, name):
    shown = opened(explained(EXAMPLES[name]()))
    steps = shown.evaluate("document.querySelectorAll('.step').length")
    for width in WIDTHS:
        shown.resize(width, 900)
        shown.press("Home")
        for k in range(1, steps + 1):
            assert shown.evaluate(f"{CURRENT}.id") == f"s{k}"
            assert shown.evaluate(LOOSE) == [], (width, k)
            shown.press("ArrowRight")


def array_of(e, step, running, of, part, kind):
    """The array of the data model that a table of the page is said to show."""
    line = e.lines[of]
    if kind == "value":
        return line.value
    if part is not None:
        return [c.share for _, c in e.contributions_to(of)][part]
    if step is not None and of != step.line:  # the sum so far, or all of it
        return next(running)
    return line.gradient if step is None else step.gradient


def compare_numbers(e, shown, step=None):
    """Compare all numbers of the current step of the page with the data model."""
    written = shown.evaluate(WRITTEN)
    running = iter([c.running for c in step.contributions if c.path > 1] if step else [])
    for of, part, kind, name, cells in written["tables"]:
        array = array_of(e, step, running, of, part, kind)
        for text, at in zip(cells, layout(e.lines[of]).entries, strict=True):
            assert (text == "…") == (at is None)
            assert at is None or float(text) == pytest.approx(float(array[at]), rel=1e-3), name
    for told in written["worked"]:
        name, at = re.match(r"(.*?)(?:\[([\d, ]*)\])? \+?= ", told).groups()
        at = tuple(map(int, at.split(", "))) if at else ()
        line = next(line for line in e.lines if name in (line.name, line.d))
        values = [line.value] if name == line.name else []
        values += [c.share for c in step.contributions if c.to == line.id] if step else []
        made = [pytest.approx(float(value[at]), rel=1e-3) for value in values]
        assert float(told.split(" = ")[-1]) in made, told
    return written


def compare_steps(e, shown):
    """Walk a page and compare each step with the data model."""
    calls = [line for line in e.lines if line.kind == "call"]
    compare_numbers(e, shown)
    for k, line in enumerate(calls, 1):
        shown.press("ArrowRight")
        assert shown.evaluate(f"{CURRENT}.id") == f"s{k + 1}"
        assert f"{line.name} = {line.call}" in shown.evaluate(f"{CURRENT}.textContent")
        told = compare_numbers(e, shown)["tables"]
        arrays = [i for i in (*dict.fromkeys(line.operands), line.id) if i is not None]
        assert [table[0] for table in told] == [
            i for i in arrays if e.lines[i].value.ndim or i == line.id
        ]
    shown.press("ArrowRight")
    compare_numbers(e, shown)  # the seed
    for step in e.steps:
        shown.press("ArrowRight")
        told = compare_numbers(e, shown, step)
        single = [c for c in step.contributions if c.share.ndim == 0]
        assert [*map(float, told["shares"])] == pytest.approx(
            [float(c.share) for c in single], rel=1e-3
        )
        parts = [table[:2] for table in told["tables"] if table[1] is not None]
        assert len(parts) == len(step.contributions) - len(single)
        signs = shown.evaluate(f"[...{CURRENT}.querySelectorAll('.sign')].map(s => s.textContent)")
        assert signs == [c.sign for c in step.contributions]
        rules = shown.evaluate(f"[...{CURRENT}.querySelectorAll('h3')].map(s => s.textContent)")
        assert rules == [f"{e.lines[c.to].d} {c.sign} {c.rule}" for c in step.contributions]
        assert shown.evaluate("document.querySelectorAll('.tape [aria-current]').length") == 1
    shown.press("ArrowRight")
    assert shown.evaluate(f"{CURRENT}.id") == f"s{2 + len(calls) + len(e.steps)}"
    assert shown.evaluate("document.querySelector('#said').textContent").startswith("Step")


@pytest.mark.parametrize("sample", [apples, two_layers, shared])
def test_every_step_shows_the_numbers_of_the_data(opened, sample):
    e = sample()
    compare_steps(e, opened(e, 800))


@SLOW
@pytest.mark.parametrize("name", EXAMPLES)
def test_every_step_of_every_example_shows_the_numbers_of_the_data(opened, name):
    e = explained(EXAMPLES[name]())
    compare_steps(e, opened(e, 1400))


POINT = "dispatchEvent(new PointerEvent('pointerover', {bubbles: true}))"


def test_pointing_at_an_entry_works_it_out_and_marks_what_it_is_made_of(opened):
    e = two_layers(n_in=3, hidden=4, n_out=3, batch=4)
    calls = [line for line in e.lines if line.kind == "call"]
    step = next(step for step in e.steps if "@" in e.lines[step.line].call)
    shown = opened(e, at=f"#step={3 + len(calls) + step.index}")
    c = step.contributions[1]  # dW = h.T @ g
    left, right = (e.lines[i] for i in e.lines[step.line].operands[:2])
    assert c.to == right.id
    columns = len(layout(right).columns)
    entry = f'[data-of="{right.id}"][data-part] [data-entry="{2 * columns + 1}"]'
    shown.evaluate(f"{CURRENT}.querySelector('{entry}').{POINT}")
    told = shown.evaluate(WRITTEN)["worked"][1]
    d = e.lines[step.line].d
    assert told.startswith(f"{right.d}[2, 1] = Σₙ {left.name}[n, 2] · {d}[n, 1] = ")
    assert float(told.split(" = ")[-1]) == pytest.approx(float(c.share[2, 1]), rel=1e-3)
    lit = shown.evaluate(f"""[...{CURRENT}.querySelectorAll('.lit')].map(td =>
        [td.closest('table').dataset.name, Number(td.dataset.entry)])""")
    wide = {line.id: len(layout(line).columns) for line in e.lines}
    rows = range(4)
    assert sorted(lit) == sorted(
        [[right.d, 2 * columns + 1]]
        + [[d, wide[step.line] * n + 1] for n in rows]
        + [[left.name, wide[left.id] * n + 2] for n in rows]
    )


def test_pointing_at_the_loss_marks_the_probabilities_that_it_takes(opened):
    e = two_layers()
    loss, t = e.lines[e.output], e.line("t")
    calls = [line.id for line in e.lines if line.kind == "call"]
    shown = opened(e, at=f"#step={2 + calls.index(loss.id)}")
    shown.evaluate(f"{CURRENT}.querySelector('[data-of=\"{loss.id}\"] [data-entry]').{POINT}")
    lit = shown.evaluate(f"""[...{CURRENT}.querySelectorAll('.lit')].map(td =>
        [td.closest('table').dataset.name, Number(td.dataset.entry)])""")
    classes = e.line("p").value.shape[1]
    taken = [["p", classes * n + int(k)] for n, k in enumerate(t.value)]
    assert [one for one in lit if one[0] == "p"] == taken
    shown.evaluate(f"document.querySelectorAll('[data-entry]').forEach(td => td.{POINT})")


def test_the_graph_lights_up_as_gradients_arrive(opened):
    e = apples()
    shown = opened(e)
    hidden = "document.querySelectorAll('.line.unknown').length"
    lit = "[...document.querySelectorAll('.box.now .title')].map(t => t.textContent)"
    assert shown.evaluate(hidden) == 9
    assert sorted(shown.evaluate(lit)) == ["apple", "apple_num", "orange", "orange_num", "tax"]
    shown.click("[data-go=on]")
    assert shown.evaluate(lit) == ["×"]
    shown.press("End")
    assert shown.evaluate(hidden) == 0
    assert sorted(shown.evaluate(lit)) == ["apple", "apple_num", "×"]
    assert shown.evaluate("document.querySelectorAll('.ahead').length") == 0
    turned = "[...document.querySelectorAll('.home')].filter(h => h.getClientRects().length).length"
    assert shown.evaluate(turned) == 2  # the arrows of the step back point back
    shown.press("Home")
    assert shown.evaluate(turned) == 0
    assert shown.evaluate(hidden) == 9


def test_the_page_of_a_pass_that_failed_opens_where_it_did(opened):
    shown = opened(failed())
    assert "Likely fix" in shown.evaluate(f"{CURRENT}.textContent")
    assert shown.evaluate(f"{CURRENT}.id") == "s" + str(
        shown.evaluate("document.querySelectorAll('.step').length")
    )


def test_buttons_slider_list_and_address_go_to_a_step(opened):
    shown = opened(apples(), at="#step=7")
    step = "location.hash + " + f"{CURRENT}.id"
    assert shown.evaluate(step) == "#step=7s7"
    shown.click("[data-go=back]")
    assert shown.evaluate(step) == "#step=6s6"
    shown.click("[data-go=last]")
    assert shown.evaluate(step) == "#step=10s10"
    assert shown.evaluate("document.querySelector('[data-go=on]').disabled")
    shown.click(".tape [data-step='2']")
    assert shown.evaluate(step) == "#step=3s3"
    shown.evaluate("location.hash = '#step=9'")
    assert shown.evaluate(f"new Promise(r => setTimeout(() => r({step}), 50))") == "#step=9s9"
    shown.evaluate("document.querySelector('input').value = 2")
    shown.evaluate("document.querySelector('input').dispatchEvent(new Event('input'))")
    assert shown.evaluate(step) == "#step=2s2"


def test_a_click_on_a_box_or_on_an_entry_shows_its_whole_sum(opened):
    e = shared()
    W = e.line("W")
    shown = opened(e)
    shown.click(f".box[data-box='{W.id}']")
    assert shown.evaluate("document.querySelector('dialog').open")
    assert shown.evaluate(LOOSE) == []
    sums = "[...document.querySelectorAll('.sum .n')].map(n => n.textContent)"
    for entry in (0, 5):
        shown.click(f"dialog .of-gradient [data-entry='{entry}']")
        at = divmod(entry, 3)
        parts = [float(c.share[at]) for _, c in e.contributions_to(W.id)]
        written = [float(text) for text in shown.evaluate(sums)]
        assert written == pytest.approx([*parts, float(W.gradient[at])], rel=1e-3)
        assert sum(written[:-1]) == pytest.approx(written[-1], rel=1e-2)
    assert "Σₙ x[n, 1] · dv1[n, 2]" in shown.evaluate("document.querySelector('.sum').textContent")
    shown.press("ArrowLeft")  # moves in the table, and not the steps
    assert "dW[1, 1]" in shown.evaluate("document.querySelector('.sum').textContent")
    shown.click(".sum button")
    assert not shown.evaluate("document.querySelector('dialog').open")
    shown.click(".step:not([hidden]) td[data-entry]")
    assert shown.evaluate("document.querySelector('dialog').open")
    shown.click(".close")
    assert not shown.evaluate("document.querySelector('dialog').open")


def test_all_that_can_be_pressed_has_a_name_for_who_cannot_see_it(opened):
    shown = opened(shared())
    tree = shown.call("Accessibility.getFullAXTree")["nodes"]
    pressed = [node for node in tree if node.get("role", {}).get("value") in ("button", "slider")]
    assert len(pressed) > 20
    assert not [node for node in pressed if not node["name"]["value"].strip()]
    properties = [p for node in tree for p in node.get("properties", [])]
    assert "polite" in [p["value"]["value"] for p in properties if p["name"] == "live"]


def test_boxes_are_buttons_for_the_keyboard_too(opened):
    shown = opened(apples())
    roles = "[...document.querySelectorAll('.box')].every(b => b.getAttribute('role') === 'button')"
    assert shown.evaluate(roles)
    for kind in ("leaf", "call", "result"):
        shown.evaluate(f"document.querySelector('.box.{kind}').focus()")
        shown.press("Enter")
        assert shown.evaluate("document.querySelector('dialog').open"), kind
        shown.click(".close")


@pytest.mark.parametrize("system", ["light", "dark"])
def test_the_theme_follows_the_system_until_the_reader_switches(opened, system):
    shown = opened(apples(), prefers_color_scheme=system)
    ink = "getComputedStyle(document.documentElement).color"
    colours = {"light": "rgb(29, 35, 48)", "dark": "rgb(232, 235, 242)"}
    other = {"light": "dark", "dark": "light"}[system]
    assert shown.evaluate(ink) == colours[system]
    shown.click("#theme")
    assert shown.evaluate(ink) == colours[other]
    shown.click("#theme")
    assert shown.evaluate(ink) == colours[system]


# The contrast of two colours after WCAG 2, for all texts against what lies behind them.
CONTRAST = """(() => {
  const lit = (c) => { const [r, g, b] = c.match(/[\\d.]+/g).map((v) => v / 255)
    .map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const ratio = (a, b) => { const [x, y] = [lit(a), lit(b)].sort((p, q) => q - p);
    return (x + 0.05) / (y + 0.05); };
  const card = getComputedStyle(document.querySelector(".card")).backgroundColor;
  const texts = [...document.querySelectorAll(".words, .kicker, h1, h2, h3, .n, .legend, .sign")]
    .map((e) => ratio(getComputedStyle(e).color, card));
  const drawn = [...document.querySelectorAll(".mg text")]
    .map((e) => ratio(getComputedStyle(e).fill, card));
  return Math.min(...texts, ...drawn);
})()"""


@pytest.mark.parametrize("system", ["light", "dark"])
def test_every_text_has_the_contrast_that_reading_needs(opened, system):
    shown = opened(two_layers(), prefers_color_scheme=system)
    assert shown.evaluate(CONTRAST) >= 4.5


def test_a_part_of_a_deep_net_opens_and_the_trail_leads_back(opened):
    e = deep()
    shown = opened(e)
    boxes = "document.querySelectorAll('figure:not([hidden]) .box').length"
    whole = shown.evaluate(boxes)
    assert whole <= 60
    shown.click("figure:not([hidden]) .box.group")
    assert shown.evaluate(boxes) < whole
    assert shown.evaluate(LOOSE) == []
    shown.click(".trail button")
    assert shown.evaluate(boxes) == whole
    shown.press("End")
    assert (
        shown.evaluate("document.querySelectorAll('figure:not([hidden]) .now.group').length") == 1
    )


def test_into_a_closed_box_flows_what_its_call_takes_from_outside(opened):
    W, h = mg.Tensor(np.eye(3), name="W"), mg.Tensor(np.ones((2, 3)), name="x")
    for _ in range(32):
        h = np.tanh(h @ W)
    e = mg.explain(np.sum(h), names={})
    seed = 2 + sum(line.kind == "call" for line in e.lines)
    shown = opened(e)
    for step in e.steps[30:33]:
        shown.evaluate(f"location.hash = '#step={seed + 1 + step.index}'")
        told = shown.evaluate(
            f"new Promise(r => setTimeout(() => r([{CURRENT}.innerText, "
            "document.querySelectorAll('figure:not([hidden]) .line.flowing').length]), 20))"
        )
        assert e.lines[step.line].call in told[0]
        assert told[1] >= 1 if "@" in e.lines[step.line].call else told[1] == 0


@pytest.mark.parametrize("drawn", [True, False], ids=["drawn", "listed"])
def test_a_part_of_a_graph_of_thousands_of_calls_opens_on_the_page_itself(
    opened, drawn, monkeypatch
):
    e = blocks(count=7)
    assert BUDGET < DRAWN
    assert sum(line.kind == "call" for line in e.lines) > 300
    for name in ("BUDGET",) if drawn else ("BUDGET", "DRAWN"):  # as if it were larger
        monkeypatch.setattr(f"minigrad.explain.drawing.views.{name}", 300)
    shown = opened(e)
    boxes = "document.querySelectorAll('figure:not([hidden]) .box').length"
    trail = "[...document.querySelectorAll('.trail > *')].map(t => t.textContent)"
    text = "document.querySelector('dialog').innerText"
    whole = shown.evaluate(boxes)
    shown.click("figure:not([hidden]) .box.group")
    assert shown.evaluate(trail) == ["whole graph", "net[0]"]
    assert shown.evaluate(LOOSE) == []
    shown.evaluate("document.querySelector('figure:not([hidden]) .box.group').focus()")
    shown.press("Enter")
    assert shown.evaluate(LOOSE) == []
    if drawn:
        *outer, path = shown.evaluate(trail)
        assert outer == ["whole graph", "net[0]"]
        (group,) = (group for group in e.layers if group.path == path)
        assert len(group.lines) > 5
        shown.click("figure:not([hidden]) .box.call")
        assert shown.evaluate(text).startswith(f"{e.lines[group.lines[0]].name} = ")
        shown.click(".close")
        shown.click(".trail button:last-of-type")
        assert shown.evaluate(trail) == ["whole graph", "net[0]"]
        return
    said = shown.evaluate(text)
    (group,) = (group for group in e.layers if group.path == said.split("\n")[0])
    assert len(group.lines) > 5
    for line in (e.lines[i] for i in group.lines):
        assert f"{line.name} = {line.call}\n" in said
        for c in e.step_of(line.id).contributions:
            assert f"{e.lines[c.to].d} {c.sign} {c.rule}" in said
    shown.click(".close")
    shown.click("figure:not([hidden]) .box.call")
    calls = {f"{line.name} = {line.call}" for line in e.lines if line.kind == "call"}
    assert shown.evaluate(text).split("\n")[0] in calls  # a box of one call
    shown.click(".close")
    shown.press("ArrowRight")  # the next part, seen from outside
    assert shown.evaluate(trail) == ["whole graph"]
    assert shown.evaluate(boxes) == whole


def test_on_paper_a_wide_graph_goes_in_strips_and_every_box_is_whole_in_one(opened):
    shown = opened(deep())
    svg = "document.querySelector('.views svg')"
    wide = shown.evaluate(f"{svg}.viewBox.baseVal.width")
    shown.evaluate("dispatchEvent(new Event('beforeprint'))")
    seen = "(e => [e.x, e.x + e.width])"
    strips = shown.evaluate(f"""[...document.querySelectorAll('figure:not([hidden]) .strip')]
        .map((strip) => {seen}(strip.viewBox.baseVal))""")
    things = shown.evaluate(f"""[...{svg}.querySelectorAll('.box > rect:last-of-type, .number')]
        .map((thing) => {seen}(thing.getBBox()))""")
    assert len(strips) == -(-wide // 1300) > 2
    assert max(end - start for start, end in strips) < 2000
    assert len(things) > 40
    for left, right in things:
        assert any(start <= left and right <= end for start, end in strips)
    shown.evaluate("dispatchEvent(new Event('afterprint'))")
    assert shown.evaluate("document.querySelectorAll('.strip, .in-strips').length") == 0


class Squared(mg.Layer):
    def forward(self, x):
        self.twice = 2 * x
        return x * x

    def backward(self, dout):
        return dout * self.twice


def test_a_backward_by_hand_stands_in_its_step_with_what_it_kept():
    x = mg.Tensor([[1.0, -3.0]])
    e = mg.explain(np.sum(mg.wrap(Squared())(x)))
    text = page(e)
    section = text[text.index("Squared.backward(dv1)") :]
    assert "return dout * self.twice</pre>" in section.replace("\n</pre>", "</pre>")
    kept = section[section.index("kept by the layer") :].partition("</div>")[0]
    assert "<code>self.twice</code>, shape (1, 2)" in kept
    assert re.findall(r"<td[^>]*>([^<]*)</td>", kept) == ["2", "-6"]
    assert "data-of" not in kept
    forward = text[text.index("Squared.forward(x)</h2>") :]
    assert "self.twice = 2 * x" in forward[: forward.index("</section>")]


def test_print_has_all_steps_and_all_gradients(opened):
    e = two_layers()
    shown = opened(e)
    shown.call("Emulation.setEmulatedMedia", media="print")
    seen = "[...document.querySelectorAll('.step')].filter(s => s.offsetHeight > 0).length"
    assert shown.evaluate(seen) == shown.evaluate("document.querySelectorAll('.step').length")
    assert (
        shown.evaluate("getComputedStyle(document.querySelector('.gradient')).visibility")
        == "visible"
    )
    assert shown.evaluate("document.querySelector('.controls').offsetHeight") == 0


def test_the_drawing_that_stands_alone_opens_too(browser, tmp_path):
    path = Path(tmp_path) / "graph.svg"
    path.write_text(shared().to_svg(), encoding="utf-8")
    shown = browser.open(path.as_uri(), 1600, 600)
    inside = """[...document.querySelectorAll('.box')].every((box) => {
      const r = box.querySelector('rect:last-of-type').getBBox();
      return [...box.querySelectorAll('text')].every((text) => { const t = text.getBBox();
        return t.x >= r.x && t.x + t.width <= r.x + r.width && t.y >= r.y - 1
          && t.y + t.height <= r.y + r.height + 1; }); })"""
    assert shown.evaluate(inside)
    assert shown.messages == []
    shown.close()
