"""An explanation in a notebook: static HTML, without scripts and styles that a viewer may strip.

Steps are `<details>`, which open everywhere, also on pages that show a notebook and run nothing.
The graph is an image that holds all it needs; where a viewer strips it, its title is left.
Everything that a person named is escaped.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from html import escape

import numpy as np

from minigrad.explain.data.model import Contribution, Line, Step, Trace
from minigrad.explain.data.numbers import number, shape_text, summary, with_numbers
from minigrad.explain.data.worked import added_of, chosen, made_of
from minigrad.explain.drawing.drawings import to_svg
from minigrad.explain.drawing.painting import title
from minigrad.explain.words import STOPPED, titled, wrapped_failure
from minigrad.graph import Array

OPEN = 12  # steps of a graph that stand open from the beginning
MOST = 400  # lines, steps and gradients that are shown
WORKED = 60  # lines of a graph of whose arrays an entry is worked out
CELLS = 64  # entries of an array that are shown
_CELL = 'style="text-align:right;padding:0 .5em;border:1px solid #8884"'
_LEFT = 'style="text-align:left;vertical-align:top;padding:.1em .8em .1em 0"'


def html(trace: Trace) -> str:
    """Write an explanation as static HTML."""
    return "".join(_page(trace))


def _page(trace: Trace) -> Iterator[str]:
    yield '<div class="minigrad-explanation">'
    yield from _graph(trace)
    calls = sum(line.kind == "call" for line in trace.lines)
    yield f"<details open><summary><b>Forward: {calls} calls</b></summary>"
    yield from _forward(trace)
    yield "</details>"
    if trace.failure is not None:
        told = "\n".join(wrapped_failure(trace.failure, 100))
        yield f"<p><b>{STOPPED.format(trace.failure.phase)}</b></p><pre>{escape(told)}</pre></div>"
        return
    yield f"<p><b>Backward: {len(trace.steps)} steps, from the last call to the first</b></p>"
    shown = len(trace.steps) <= OPEN
    for step in trace.steps[:MOST]:
        yield from _step(trace, step, shown)
    yield _more(len(trace.steps), "steps")
    yield "<p><b>Gradients</b></p>"
    rows = "".join(map(_gradient, trace.leaves[:MOST]))
    yield f"<table>{rows}</table>{_more(len(trace.leaves), 'leaves')}</div>"


def _graph(trace: Trace) -> Iterator[str]:
    if any(line.kind == "call" for line in trace.lines) or (trace.failure and trace.lines):
        drawn = base64.b64encode(to_svg(trace).encode()).decode()
        yield '<details open><summary><b>Graph</b></summary><div style="overflow-x:auto">'
        yield f'<img alt="{escape(title(trace))}" style="max-width:none" '
        yield f'src="data:image/svg+xml;base64,{drawn}"></div></details>'


def _forward(trace: Trace) -> Iterator[str]:
    yield "<table>"
    layer = None
    steps = {step.line: step for step in trace.steps}
    for line in trace.lines[:MOST]:
        if line.kind == "call" and line.layer != layer:
            layer = line.layer
            if layer is not None:
                title = escape(titled(trace.layers[layer]))
                yield f'<tr><td colspan="3" {_LEFT}><i>{title}</i></td></tr>'
        made = f"= {line.call}" if line.call else "" if line.kind == "leaf" else "data"
        worked = _made(trace, line, steps.get(line.id)) if len(trace.lines) <= WORKED else ""
        yield f"<tr>{_td(_code(line.name))}{_td(_code(made) + worked if line.call else made)}"
        yield f"<td {_LEFT}>{_array(line.value)}</td></tr>"
        if line.forward:
            yield f'<tr><td></td><td colspan="2" {_LEFT}>'
            yield f"<pre>{escape(line.forward)}</pre></td></tr>"
    yield f"</table>{_more(len(trace.lines), 'lines')}"


def _step(trace: Trace, step: Step, shown: bool) -> Iterator[str]:
    line = trace.lines[step.line]
    layer = "" if line.layer is None else f" <i>{escape(titled(trace.layers[line.layer]))}</i>"
    yield f"<details{' open' if shown else ''}><summary>{step.index + 1}. "
    yield f"{_code(f'{line.name} = {line.call}')}{layer}</summary>"
    yield f"<div>{_code(line.d)} = {_array(step.gradient)}</div><table>"
    for c in step.contributions:
        yield from _contribution(trace, step, c, line)
    yield "</table>"
    if step.backward:
        yield f"<pre>{escape(step.backward)}</pre>"
    for name, kept in step.caches.items():
        yield f"<div>kept for it: {_code(f'self.{name}')} {_array(kept)}</div>"
    if step.note:
        yield f"<p>{escape(step.note)}</p>"
    yield "</details>"


def _made(trace: Trace, line: Line, step: Step | None) -> str:
    """Work out one entry of what a call made of arrays."""
    arrays = any(i is not None and trace.lines[i].value.ndim for i in line.operands)
    if not arrays or not line.value.size:
        return ""
    told = made_of(trace, line, step, chosen(np.ndindex(line.value.shape), line.value))
    return f"<br><small>{_code(told)}</small>" if told else ""


def _contribution(trace: Trace, step: Step, c: Contribution, line: Line) -> Iterator[str]:
    numbers = with_numbers(c.rule, trace, line)
    between = f" = {escape(numbers)}" if numbers is not None and numbers != c.rule else ""
    told = f"{trace.lines[c.to].d} {c.sign} {c.rule}"
    if numbers is None and c.share.size and len(trace.lines) <= WORKED:
        at = chosen(np.ndindex(c.share.shape), c.share)
        between = f"<br><small>{_code(added_of(trace, step, c, at))}</small>"
    yield f"<tr>{_td(_code(told) + between)}<td {_LEFT}>= {_array(c.share)}</td><td {_LEFT}>"
    if c.paths > 1:
        yield f"path {c.path} of {c.paths}"
        if c.path > 1:
            yield f"; the sum {'so far' if c.path < c.paths else ''} {_array(c.running)}"
        yield "<br>" if c.note else ""
    yield f"{escape(c.note)}</td></tr>"


def _gradient(line: Line) -> str:
    if line.gradient is None:
        return (
            f"<tr>{_td(_code(line.d))}{_td('no gradient: nothing on the way depends on it')}</tr>"
        )
    return f"<tr>{_td(_code(line.d))}<td {_LEFT}>= {_array(line.gradient)}</td></tr>"


def _array(array: Array) -> str:
    """Write a number, a small table, or a summary."""
    if array.ndim == 0:
        return escape(number(array.item()))
    shape = f"<small>{escape(shape_text(array))}</small> "
    if array.size > CELLS or array.size == 0 or array.ndim > 2 or array.dtype.kind not in "fiub":
        return shape + escape(summary(array))
    rows = np.atleast_2d(array)
    cells = "".join(
        f"<tr>{''.join(f'<td {_CELL}>{number(x)}</td>' for x in row)}</tr>" for row in rows
    )
    return f"{shape}<table>{cells}</table>"


def _code(text: str) -> str:
    return f"<code>{escape(text)}</code>"


def _td(inner: str) -> str:
    return f"<td {_LEFT}>{inner}</td>"


def _more(n: int, what: str) -> str:
    return f"<p>… and {n - MOST:,} more {what}: <code>e.{what}</code></p>" if n > MOST else ""
