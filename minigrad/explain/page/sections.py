"""The steps of the page as HTML: each a section with the arithmetic of one call, in full."""

from __future__ import annotations

import html
from typing import NamedTuple

from minigrad.explain.data.failures import FIX
from minigrad.explain.data.model import Contribution, Line, Step, Trace
from minigrad.explain.data.numbers import number, with_numbers
from minigrad.explain.drawing.picture import entry_text
from minigrad.explain.drawing.views import Unit, inputs
from minigrad.explain.page.schedule import Moment, Schedule
from minigrad.explain.page.tables import markup
from minigrad.graph import Array


class Section(NamedTuple):
    """A step: its one line in the list of steps, and its HTML."""

    phase: str
    lines: list[str]  # what happens, as code: z = x @ W
    body: str


def sections(trace: Trace, schedule: Schedule) -> list[Section]:
    """Write all steps."""
    return [_section(trace, schedule, moment) for moment in schedule.moments]


def _section(trace: Trace, schedule: Schedule, moment: Moment) -> Section:
    unit, phase = moment.unit, moment.phase
    if phase == "failure":
        return _failure(trace)
    if unit is None:
        return _inputs(trace) if phase == "forward" else _seed(trace)
    if len(unit.calls) > 1:
        return _part(trace, schedule, unit, phase)
    line = trace.lines[unit.calls[0]]
    if phase == "forward":
        return _made(trace, line)
    return _walked(trace, schedule.steps[line.id])


def code(text: str) -> str:
    """Escape a text and set it as code."""
    return f"<code>{html.escape(text)}</code>"


def nearest(path: str) -> str:
    """Shorten a path to the file and its folder.

    >>> nearest("/home/me/minigrad/functions/linear.py:24")
    'functions/linear.py:24'
    """
    return "/".join(path.replace("\\", "/").split("/")[-2:])


def placed(source: tuple[str, int]) -> str:
    """Say where in the source a call stands."""
    return f"{nearest(source[0])}, line {source[1]}"


def shape_of(array: Array) -> str:
    """Write a shape as words."""
    return f"shape {array.shape}" if array.ndim else "a number"


# ---- forward -------------------------------------------------------------------------------------
def _inputs(trace: Trace) -> Section:
    """Show what the pass begins with."""
    parts: list[str] = []
    for line in inputs(trace):
        role = "gradient wanted" if line.kind == "leaf" else "data, no gradient"
        parts.append(
            f'<div class="part"><h3>{html.escape(line.name)}</h3>'
            f'<p class="words">{shape_of(line.value)} · {role}</p>'
            f"{markup(line.value, line.name, 'value', line.id)}</div>"
        )
    names = [line.name for line in trace.leaves]
    listed = ", ".join(names[:6]) + (" …" if len(names) > 6 else "")
    return Section("forward", [f"inputs: {listed}"], f"<h2>The inputs</h2>{''.join(parts)}")


def _made(trace: Trace, line: Line) -> Section:
    """Show a call of the forward pass."""
    said = f"{line.name} = {line.call}"
    body = [f"<h2>{html.escape(said)}</h2>"]
    numbers = with_numbers(line.call or "", trace, line)
    if numbers:
        body.append(f'<p class="mono">= {html.escape(numbers)} = {entry_text(line.value[()])}</p>')
    operands = [trace.lines[o] for o in dict.fromkeys(line.operands) if o is not None]
    shapes = " · ".join(f"{code(o.name)} {o.value.shape}" for o in operands if o.value.ndim)
    if shapes:
        body.append(f'<p class="words">{shapes} → {code(line.name)} {line.value.shape}</p>')
    body.append(markup(line.value, line.name, "value", line.id))
    if line.paths > 1:
        body.append(
            f'<p class="words">{code(line.name)} is used {line.paths} times from here: '
            "its gradient will be a sum.</p>"
        )
    if line.source:
        body.append(f'<p class="words">{html.escape(placed(line.source))}</p>')
    return Section("forward", [said], "".join(body))


# ---- backward ------------------------------------------------------------------------------------
def _seed(trace: Trace) -> Section:
    """Show the gradient that the walk begins with."""
    assert trace.output is not None
    assert trace.seed is not None
    line = trace.lines[trace.output]
    said = f"{line.d} = {entry_text(trace.seed.item()) if trace.seed.size == 1 else 'ones'}"
    words = f"The way back begins at {code(line.name)}, whose gradient with respect to itself is 1."
    if line.value.ndim:
        words = (
            f"The way back begins at {code(line.name)} with ones: what is differentiated is the "
            "sum of its entries."
        )
    body = f'<h2>{html.escape(said)}</h2><p class="words">{words}</p>'
    return Section("backward", [said], body + markup(trace.seed, line.d, "gradient", line.id))


def _walked(trace: Trace, step: Step) -> Section:
    """Show a call on the way back: what arrives, and what goes to each operand."""
    line = trace.lines[step.line]
    body = [
        f'<p class="words">back through</p><h2>{html.escape(f"{line.name} = {line.call}")}</h2>'
        f'<p class="words">{code(line.d)} arrives, {shape_of(step.gradient)}'
        f"{f', the sum of {line.paths} paths' if line.paths > 1 else ''}:</p>",
        markup(step.gradient, line.d, "gradient", line.id),
    ]
    body += [_contribution(trace, line, c) for c in step.contributions]
    if step.backward:
        body.append(f"<pre>{html.escape(step.backward)}</pre>")
    for name, array in step.caches.items():
        words = f'<p class="words">kept by the layer: {code(name)}, {shape_of(array)}</p>'
        body.append(words + markup(array, name, "kept"))
    if step.note:
        body.append(f'<p class="words">{html.escape(step.note)}</p>')
    rules = [f"{trace.lines[c.to].d} {c.sign} {c.rule}" for c in step.contributions]
    return Section("backward", rules or [f"nothing flows back from {line.d}"], "".join(body))


def _contribution(trace: Trace, through: Line, c: Contribution) -> str:
    """Show what one operand gets: the rule, the numbers, the sum so far."""
    line = trace.lines[c.to]
    rule = html.escape(f"{line.d} {c.sign} {c.rule}")
    path = f"path {c.path} of {c.paths}" if c.paths > 1 else "the only path"
    body = [
        f'<h3>{rule}</h3><p><span class="sign">{c.sign}</span><span class="words">{path}, '
        f"{shape_of(c.share)}</span></p>"
    ]
    if c.share.ndim == 0:
        numbers = with_numbers(c.rule, trace, through)
        middle = f"{html.escape(numbers)} = " if numbers not in (None, number(c.share[()])) else ""
        body.append(f'<p class="mono">= {middle}<b class="share">{entry_text(c.share[()])}</b></p>')
    else:
        body.append(markup(c.share, f"part of {line.d}", "gradient", c.to))
    if c.note:
        body.append(f'<p class="words">{html.escape(c.note)}</p>')
    if c.path > 1:
        name = f"{code(line.d)} so far" if c.path < c.paths else f"{code(line.d)}, complete"
        body.append(f'<p class="words">{name}:</p>')
        body.append(markup(c.running, f"{line.d} so far", "gradient", c.to))
    if c.rule_source:
        body.append(f'<p class="words">rule: {html.escape(nearest(c.rule_source))}</p>')
    return f'<div class="part">{"".join(body)}</div>'


# ---- many calls, and none ------------------------------------------------------------------------
def _part(trace: Trace, schedule: Schedule, unit: Unit, phase: str) -> Section:
    """Show a part that this page does not step through."""
    last = trace.lines[unit.calls[-1]]
    ways = "forward" if phase == "forward" else "back"
    opened = code(f'e.save("part.html", inside={unit.title!r})')
    body = [
        f'<h2>{html.escape(unit.title)}</h2><p class="words">{len(unit.calls)} calls, {ways}, in '
        "one step. A click on its box looks inside; "
        f"{opened} makes a page that steps through it.</p>"
    ]
    if phase == "forward":
        body.append(f'<p class="words">It ends with {code(last.name)}:</p>')
        body.append(markup(last.value, last.name, "value", last.id))
    elif last.gradient is not None:
        body.append(f'<p class="words">{code(last.d)} arrives:</p>')
        body.append(markup(last.gradient, last.d, "gradient", last.id))
    return Section(phase, [f"{unit.title} ({len(unit.calls)} calls, {ways})"], "".join(body))


def _failure(trace: Trace) -> Section:
    """Show the call at which a pass stopped."""
    failure = trace.failure
    assert failure is not None
    call = failure.call or failure.code or "the call"
    operands, within = (
        "".join(
            f"<li>{code(name)} {'no array' if shape is None else shape}</li>"
            for name, shape in told
        )
        for told in (failure.operands, failure.within)
    )
    place = placed(failure.source) if failure.source else ""
    words = " · ".join(filter(None, [failure.layer, place]))
    start, end = failure.mark or (0, 0)
    parts = (
        (failure.code or "")[:start],
        (failure.code or "")[start:end],
        (failure.code or "")[end:],
    )
    before, marked, after = map(html.escape, parts)
    marked = f"<u>{marked}</u>" if marked else ""
    written = f'<p class="mono">{before}{marked}{after}</p>' if failure.code else ""
    written += f"<ul>{within}</ul>" if within else ""
    fix = f'<p class="fix">{FIX}: {html.escape(failure.fix)}</p>' if failure.fix else ""
    body = (
        f'<div class="fails"><h2>✗ {html.escape(call)}</h2>'
        f"<p>{html.escape(failure.kind)}: {html.escape(failure.message)}</p><ul>{operands}</ul>"
        f'<p class="words">{html.escape(words)}</p>{written}'
        f"{fix}</div>"
    )
    return Section("failure", [f"✗ {call}"], body)
