"""The steps of the page as HTML: each a section with the arithmetic of one call, in full."""

from __future__ import annotations

import html
from typing import NamedTuple

from minigrad.explain.data.failures import FIX
from minigrad.explain.data.model import Trace
from minigrad.explain.drawing.picture import entry_text
from minigrad.explain.drawing.views import Unit, inputs
from minigrad.explain.page.arithmetic import code, made, placed, shape_of, walked
from minigrad.explain.page.schedule import Moment, Schedule
from minigrad.explain.page.tables import markup


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
        return Section(phase, [f"{line.name} = {line.call}"], made(trace, schedule, line))
    step = schedule.steps[line.id]
    rules = [f"{trace.lines[c.to].d} {c.sign} {c.rule}" for c in step.contributions]
    return Section(
        phase, rules or [f"nothing flows back from {line.d}"], walked(trace, schedule, step)
    )


# ---- where the two ways begin --------------------------------------------------------------------
def _inputs(trace: Trace) -> Section:
    """Show what the pass begins with."""
    parts: list[str] = []
    for line in inputs(trace):
        role = "gradient wanted" if line.kind == "leaf" else "data, no gradient"
        parts.append(
            f'<div class="part"><h3>{html.escape(line.name)}</h3>'
            f'<p class="words">{shape_of(line.value)} · {role}</p>'
            f"{markup(line.value, line.name, 'value', line)}</div>"
        )
    names = [line.name for line in inputs(trace)]
    listed = ", ".join(names[:6]) + (" …" if len(names) > 6 else "")
    return Section("forward", [f"inputs: {listed}"], f"<h2>The inputs</h2>{''.join(parts)}")


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
    return Section("backward", [said], body + markup(trace.seed, line.d, "gradient", line))


# ---- many calls, and none ------------------------------------------------------------------------
def _part(trace: Trace, schedule: Schedule, unit: Unit, phase: str) -> Section:
    """Show a part that this page does not step through."""
    last = trace.lines[unit.calls[-1]]
    ways = "forward" if phase == "forward" else "back"
    opened = code(f'e.save("part.html", inside={unit.title!r})')
    body = [
        f"<h2>{html.escape(unit.title)}</h2>"
        f'<p class="words">{html.escape(unit.contents)}, {ways}, in one step. A click on its box '
        "looks inside; "
        f"{opened} makes a page that steps through it.</p>"
    ]
    if phase == "forward":
        body.append(f'<p class="words">It ends with {code(last.name)}:</p>')
        body.append(markup(last.value, last.name, "value", last))
    elif last.gradient is not None:
        body.append(f'<p class="words">{code(last.d)} arrives:</p>')
        body.append(markup(last.gradient, last.d, "gradient", last))
    return Section(phase, [f"{unit.title} ({unit.contents}, {ways})"], "".join(body))


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
