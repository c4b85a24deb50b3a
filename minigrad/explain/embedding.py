"""What the script of the page reads, as JSON: when things happen, and what a click shows."""

from __future__ import annotations

from typing import Any

from minigrad.explain.model import Line, Trace
from minigrad.explain.painting import unit_key
from minigrad.explain.picture import Picture
from minigrad.explain.schedule import Schedule
from minigrad.explain.tables import same_cells, table
from minigrad.explain.views import View, inputs, unopened

MOST = 100  # parts of one sum that a click lists


def embedded(
    trace: Trace, schedule: Schedule, found: list[View], pictures: list[Picture]
) -> dict[str, Any]:
    """Collect it; `forward` is the number of steps before the way back begins."""
    return {
        "views": [_view(schedule, *pair) for pair in zip(found, pictures, strict=True)],
        "arrays": {str(i): _array(schedule, trace.lines[i]) for i in _clickable(trace, found)},
        "forward": schedule.seed or len(schedule.moments),
    }


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


# ---- arrays --------------------------------------------------------------------------------------
def _clickable(trace: Trace, found: list[View]) -> list[int]:
    """List the lines whose numbers the page shows."""
    shown: set[int | None] = {line.id for line in inputs(trace)}
    for unit in unopened(found):
        shown.add(unit.calls[-1])
        if len(unit.calls) == 1:
            shown.update(trace.lines[unit.calls[0]].operands)
    return sorted(line for line in shown if line is not None)


def _array(schedule: Schedule, line: Line) -> dict[str, Any]:
    """Write down a value, its gradient and the parts of it, as far as a table shows them."""
    layout = table(line.value)
    array = {
        "name": line.name,
        "shape": str(line.value.shape) if line.value.ndim else "",
        "rows": layout.rows,
        "columns": layout.columns,
        "entries": [layout.place(k) for k in range(len(layout.cells))],
        "value": layout.cells,
    }
    if line.gradient is None:
        role = "it is data" if line.kind == "data" else "the result does not depend on it by a rule"
        return array | {"why": f"No gradient flows here: {role}."}
    parts = schedule.parts.get(line.id, [])
    written = [
        {
            "step": schedule.back.get(step.line, 0),
            "rule": f"{line.d} {c.sign} {c.rule}",
            "cells": same_cells(layout, c.share),
        }
        for step, c in parts[:MOST]
    ]
    gradient = {"gradient": same_cells(layout, line.gradient), "gradientName": line.d}
    return array | gradient | {"parts": written, "more": len(parts) - len(written)}
