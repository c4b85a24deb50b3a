"""An explanation as one page: a stepper beside the graph, without network and without libraries.

`sections.py` writes the steps, `svg.py` the graph, `page.css` and `page.js` say how they look and
move. The script gets what it needs as JSON. A policy in the page allows this one script by its
hash and nothing from elsewhere, so a name that somebody made up can do no harm.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
from typing import Any

from minigrad.explain.colours import variables
from minigrad.explain.files import read
from minigrad.explain.model import Trace
from minigrad.explain.painting import paint, title, unit_key
from minigrad.explain.picture import Picture, number
from minigrad.explain.schedule import Schedule
from minigrad.explain.sections import Section, sections
from minigrad.explain.svg import drawn
from minigrad.explain.tables import same_cells, table
from minigrad.explain.views import View, views

ARRAYS = 3000  # of a large graph, those that a click opens


def page(trace: Trace, inside: str | None = None) -> str:
    """Write the page of a trace, or of one part of it by the name of its box.

    Raises:
        KeyError: when no box is called `inside`.
    """
    found = views(trace, inside)
    schedule = Schedule.of(trace, found)
    steps = sections(trace, schedule)
    pictures = [paint(trace, view) for view in found]
    figures = [
        f"<figure{' hidden' if v else ''}>{drawn(picture, label=view.name)}</figure>"
        for v, (view, picture) in enumerate(zip(found, pictures, strict=True))
    ]
    data = {
        "views": [_view(schedule, *pair) for pair in zip(found, pictures, strict=True)],
        "arrays": _arrays(trace, schedule, found),
        "forward": schedule.seed or len(steps),
    }
    parts = {
        "title": html.escape(title(trace)),
        "result": html.escape(_result(trace)),
        "summary": html.escape(_summary(trace, found)),
        "figures": "".join(figures),
        "steps": "".join(_step(k, step, len(steps)) for k, step in enumerate(steps)),
        "tape": _tape(steps),
        "count": str(len(steps)),
        "data": json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c"),
        "style": variables() + read("page.css") + read("picture.css"),
        "script": read("page.js"),
    }
    parts["hash"] = base64.b64encode(hashlib.sha256(parts["script"].encode()).digest()).decode()
    written = []
    for i, piece in enumerate(read("page.html").split("%%")):  # text, name, text, name …
        written.append(parts[piece] if i % 2 else piece)
    return "".join(written)


# ---- words ---------------------------------------------------------------------------------------
def _result(trace: Trace) -> str:
    if trace.output is None:
        return "The forward pass failed"
    line = trace.lines[trace.output]
    return f"{line.name} = {number(line.value.item())}" if line.value.size == 1 else line.name


def _summary(trace: Trace, found: list[View]) -> str:
    calls = sum(line.kind == "call" for line in trace.lines)
    leaves = len(trace.leaves)
    words = [f"{calls} call{'s' * (calls != 1)}", f"{leaves} {'leaf' if leaves == 1 else 'leaves'}"]
    words.append(f"{len(trace.steps)} step{'s' * (len(trace.steps) != 1)} back")
    return " · ".join([found[0].name] * (found[0].name != "whole graph") + words)


def _step(k: int, step: Section, count: int) -> str:
    said = html.escape(f"Step {k + 1} of {count}, {step.phase}: {'; '.join(step.lines)}")
    return (
        f'<section class="step {step.phase}" id="s{k + 1}" data-said="{said}">'
        f'<p class="kicker">Step {k + 1} of {count} · {step.phase}</p>{step.body}</section>'
    )


def _tape(steps: list[Section]) -> str:
    """List all steps, forward and backward."""
    columns = []
    for phase in dict.fromkeys(step.phase for step in steps):
        rows = [
            f'<li><button type="button" data-step="{k}"><span class="n">{k + 1}</span>'
            f"<span>{''.join(f'<code>{html.escape(line)}</code>' for line in step.lines)}</span>"
            "</button></li>"
            for k, step in enumerate(steps)
            if step.phase == phase
        ]
        columns.append(f"<div><h2>{phase.capitalize()}</h2><ol>{''.join(rows)}</ol></div>")
    return "".join(columns)


# ---- data for the script -------------------------------------------------------------------------
def _view(schedule: Schedule, view: View, picture: Picture) -> dict[str, Any]:
    """Say when the boxes and lines of a view have their turn, and which boxes open."""
    made, back = schedule.made, schedule.back
    boxes = {}
    for unit in view.units:
        boxes[unit_key(unit)] = [_range(unit.calls, made), _range(unit.calls, back)]
    for box in picture.boxes:
        if box.key not in boxes:
            at, whole = _single(schedule, box.key)
            boxes[box.key] = [[at, at], [whole, whole] if whole is not None else None]
    lines = {}
    for line in picture.lines:
        head = boxes[picture.boxes[line.head].key]
        known = boxes[picture.boxes[line.tail].key][0]
        lines[line.key] = [head[0], head[1] if line.gradient else None, known and known[0]]
    return {
        "name": view.name,
        "up": view.up,
        "steps": _range(view.calls, made),
        "back": _range(view.calls, back),
        "boxes": boxes,
        "lines": lines,
        "inside": {unit_key(u): u.view for u in view.units if u.view is not None},
    }


def _range(calls: list[int], when: dict[int, int]) -> list[int] | None:
    """Give the first and the last step in which some calls have their turn."""
    steps = [when[call] for call in calls if call in when]
    return [min(steps), max(steps)] if steps else None


def _single(schedule: Schedule, key: str) -> tuple[int, int | None]:
    """Say when the value of a box that is no call is known, and when its gradient is complete."""
    if key == "failed":
        return len(schedule.moments) - 1, None
    line = int(key.removeprefix("out"))
    if key.startswith("out"):
        return schedule.made[line], schedule.complete(line) or schedule.seed
    return schedule.made[line], schedule.complete(line)


def _arrays(trace: Trace, schedule: Schedule, found: list[View]) -> dict[str, Any]:
    """Write down values, gradients and what these are sums of, as far as tables show them."""
    shown = {operand for call in found[0].calls for operand in trace.lines[call].operands}
    shown.update(found[0].calls)
    arrays = {}
    for i in sorted(line for line in shown if line is not None)[:ARRAYS]:
        line = trace.lines[i]
        layout = table(line.value)
        array: dict[str, Any] = {
            "name": line.name,
            "shape": str(line.value.shape) if line.value.ndim else "",
            "rows": layout.rows,
            "columns": layout.columns,
            "entries": [
                layout.place(k) if line.value.ndim else "" for k in range(len(layout.cells))
            ],
            "value": layout.cells,
            "call": line.call or "",
        }
        if line.gradient is not None:
            array["gradient"] = same_cells(layout, line.gradient)
            array["gradientName"] = line.d
            array["parts"] = [
                {
                    "step": schedule.back.get(step.line, 0),
                    "rule": f"{line.d} {c.sign} {c.rule}",
                    "cells": same_cells(layout, c.share),
                }
                for step, c in schedule.parts.get(i, ())
            ]
        else:
            array["why"] = (
                "No gradient flows here: it is data."
                if line.kind == "data"
                else "No gradient flows here."
            )
        arrays[str(i)] = array
    return arrays
