"""An explanation as one page: a stepper beside the graph, without network and without libraries.

`sections.py` writes the steps, `svg.py` the graph, `page.css` and `page.js` say how they look and
move, `print.js` how a wide graph fits paper. The script gets what it needs as JSON. A policy in the
page allows this one script by its hash and nothing from elsewhere, so a name that somebody made up
can do no harm.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json

import numpy as np

from minigrad.explain.assets import read
from minigrad.explain.data.model import Trace
from minigrad.explain.drawing.colours import variables
from minigrad.explain.drawing.painting import AGAIN, paint, title
from minigrad.explain.drawing.picture import Picture, entry_text
from minigrad.explain.drawing.svg import UNPRINTABLE, drawn
from minigrad.explain.drawing.views import View, views
from minigrad.explain.page.embedding import embedded
from minigrad.explain.page.schedule import Schedule
from minigrad.explain.page.sections import Section, sections


def page(trace: Trace, inside: str | None = None) -> str:
    """Write the page of a trace, or of one part of it by the name of its box.

    Raises:
        KeyError: when no box is called `inside`.
    """
    found = views(trace, inside)
    schedule = Schedule.of(trace, found)
    steps = sections(trace, schedule)
    pictures = paint(trace, found)
    figures = [
        f"<figure{' hidden' if v else ''}{' class=peek' if view.peek else ''}>"
        f"{drawn(picture, label=view.name)}</figure>"
        for v, (view, picture) in enumerate(zip(found, pictures, strict=True))
    ]
    data = embedded(trace, schedule, found, pictures)
    parts = {
        "title": html.escape(title(trace)),
        "result": html.escape(_result(trace)),
        "summary": html.escape(_summary(trace, found)),
        "figures": "".join(figures),
        "steps": "".join(_step(k, step, len(steps)) for k, step in enumerate(steps)),
        "tape": _tape(steps),
        "count": str(len(steps)),
        "data": json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c"),
        "again": _legend(pictures),
        "style": variables() + read("page.css") + read("picture.css"),
        "script": read("page.js") + read("print.js"),
    }
    parts["hash"] = base64.b64encode(hashlib.sha256(parts["script"].encode()).digest()).decode()
    written = []
    for i, piece in enumerate(read("page.html").split("%%")):  # text, name, text, name …
        written.append(parts[piece] if i % 2 else piece)
    return UNPRINTABLE.sub("\ufffd", "".join(written))


def _legend(pictures: list[Picture]) -> str:
    """Say what "again" means, where a box says it."""
    said = any(box.note == AGAIN for picture in pictures for box in picture.boxes)
    return f"\n        <span><b>{AGAIN}</b>: the same value, drawn once more</span>" * said


# ---- words ---------------------------------------------------------------------------------------
def _result(trace: Trace) -> str:
    if trace.failure is not None:
        return f"The {trace.failure.phase} pass failed"
    if trace.output is None:
        return "Nothing was computed"
    line = trace.lines[trace.output]
    return f"{line.name} = {entry_text(line.value.item())}" if line.value.size == 1 else line.name


def _summary(trace: Trace, found: list[View]) -> str:
    calls = sum(line.kind == "call" for line in trace.lines)
    leaves = len(trace.leaves)
    words = [f"{calls} call{'s' * (calls != 1)}", f"{leaves} {'leaf' if leaves == 1 else 'leaves'}"]
    if trace.failure is None:
        words.append(f"{len(trace.steps)} step{'s' * (len(trace.steps) != 1)} back")
    lost = _not_finite(trace)
    words += [f"not finite: {lost} first of all; e.health() says why"] if lost else []
    return " · ".join([found[0].name] * (found[0].name != "whole graph") + words)


def _not_finite(trace: Trace) -> str:
    """Name the first value, or the first gradient on the way back, that is not all finite."""
    values = [(line.name, line.value) for line in trace.lines]
    back = [(trace.lines[c.to].d, c.share) for step in trace.steps for c in step.contributions]
    floats = ((name, array) for name, array in values + back if array.dtype.kind in "fc")
    return next((name for name, array in floats if not np.all(np.isfinite(array))), "")


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
