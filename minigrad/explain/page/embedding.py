"""What the script of the page reads, as JSON: when things happen, and what a click shows."""

from __future__ import annotations

from typing import Any

from minigrad.explain.data.entries import path_sum
from minigrad.explain.data.model import Line, Trace
from minigrad.explain.data.shares import is_by_hand
from minigrad.explain.data.worked import Workings, products
from minigrad.explain.drawing.painting import unit_key
from minigrad.explain.drawing.picture import Picture
from minigrad.explain.drawing.views import Unit, View, inputs, unopened
from minigrad.explain.page.closed import closed
from minigrad.explain.page.schedule import Schedule
from minigrad.explain.page.tables import Table, layout, same_cells

MOST = 100  # parts of one sum that a click lists
MOST_EFFORT = 15_000_000  # numbers that are gone through to write products down
TERMS = 600  # entries of a page whose every product is written down


def embedded(
    trace: Trace, schedule: Schedule, found: list[View], pictures: list[Picture]
) -> dict[str, Any]:
    """Collect it; `forward` is the number of steps before the way back begins."""
    return {
        "failed": trace.failure is not None,  # then the page opens there
        "views": [_view(trace, schedule, *pair) for pair in zip(found, pictures, strict=True)],
        "arrays": _arrays(trace, schedule, _clickable(trace, found)),
        "forward": schedule.seed or len(schedule.moments),
        **closed(trace, found),
    }


def _view(trace: Trace, schedule: Schedule, view: View, picture: Picture) -> dict[str, Any]:
    """Say when the boxes and lines of a view have their turn, and which boxes open."""
    made, back = schedule.made, schedule.back
    boxes = {}
    for unit in view.units:
        boxes[unit_key(unit)] = [_range(unit.calls, made), _range(unit.calls, back)]
    for box in picture.boxes:
        if box.key not in boxes:
            at, whole = _single(schedule, box.key)
            boxes[box.key] = [[at, at], [whole, whole] if whole is not None else None]
    flows = {unit_key(u): _turns(trace, schedule, u) for u in view.units if len(u.calls) > 1}
    lines: dict[str, list[Any]] = {}
    for line in picture.lines:
        head = boxes[picture.boxes[line.head].key]
        known = boxes[picture.boxes[line.tail].key][0]
        lines[line.key] = [head[0], head[1] if line.gradient else None, known and known[0]]
        turns = flows.get(picture.boxes[line.head].key, {}).get(line.key)
        lines[line.key] += [turns] if turns and line.gradient else []
    return {
        "name": view.name,
        "peek": view.peek,
        "up": view.up,
        "steps": _range(view.calls, made),
        "back": _range(view.calls, back),
        "boxes": boxes,
        "lines": lines,
        "inside": {unit_key(u): u.view for u in view.units if u.view is not None},
    }


def _turns(trace: Trace, schedule: Schedule, unit: Unit) -> dict[str, list[int]]:
    """List the steps back in which something flows out of a box of many calls, line by line."""
    keys: dict[int, str] = {}  # operands, and the lines that are drawn from them
    turns: dict[str, list[int]] = {}
    for call in unit.calls:
        for position, operand in enumerate(trace.lines[call].operands):
            if operand is not None:
                key = keys.setdefault(operand, f"{call}.{position}")
                turns.setdefault(key, []).append(schedule.back.get(call, -1))
    return {key: sorted({step for step in steps if step >= 0}) for key, steps in turns.items()}


def _range(calls: list[int], when: dict[int, int]) -> list[int] | None:
    """Give the first and the last step in which some calls have their turn."""
    steps = [when[call] for call in calls if call in when]
    return [min(steps), max(steps)] if steps else None


def _single(schedule: Schedule, key: str) -> tuple[int, int | None]:
    """Say when the value of a box that is no call is known, and when its gradient is complete."""
    if key == "failed":
        return len(schedule.moments) - 1, None
    line = int(key.removeprefix("out").removeprefix("pile"))
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


def _arrays(trace: Trace, schedule: Schedule, clickable: list[int]) -> dict[str, Any]:
    """Write down the arrays; the terms of their entries too, as long as these are few."""
    arrays = {}
    entries = effort = 0
    for i in clickable:
        line = trace.lines[i]
        laid = layout(line)
        entries += len(laid.cells) * (line.paths + 1)
        effort += len(laid.cells) * _effort(trace, schedule, line)
        few = entries <= TERMS and effort <= MOST_EFFORT
        told = _terms(trace, schedule, line, laid) if few else []
        arrays[str(i)] = _array(schedule, line, laid, told)
        if few and line.kind == "call":
            arrays[str(i)]["made"] = _made(trace, schedule, line, laid)
    return arrays


def _effort(trace: Trace, schedule: Schedule, line: Line) -> int:
    """Count the numbers that are gone through for one entry of a line and of its gradient."""
    sizes = [line.value.size] if line.kind == "call" else []
    sizes += [trace.lines[i].value.size for i in line.operands if i is not None]
    for step, c in schedule.parts.get(line.id, [])[:MOST]:
        runs = step.gradient.size // 8 if is_by_hand(trace, step) else 1
        sizes.append((step.gradient.size + c.share.size) * runs)
    return sum(sizes)


def _array(schedule: Schedule, line: Line, laid: Table, told: list[list[str]]) -> dict[str, Any]:
    """Write down a value, its gradient and the parts of it, as far as a table shows them."""
    array = {
        "name": line.name,
        "shape": str(line.value.shape) if line.value.ndim else "",
        "rows": laid.rows,
        "columns": laid.columns,
        "entries": [laid.place(k) for k in range(len(laid.cells))],
        "value": laid.cells,
    }
    if line.gradient is None:
        role = "it is data" if line.kind == "data" else "the result does not depend on it by a rule"
        return array | {"why": f"No gradient flows here: {role}."}
    parts = schedule.parts.get(line.id, [])
    written = [
        {
            "step": schedule.back.get(step.line, 0),
            "rule": f"{line.d} {c.sign} {c.rule}",
            "sign": c.sign,
            "cells": same_cells(laid, c.share),
        }
        for step, c in parts[:MOST]
    ]
    for part, terms in zip(written, told, strict=False):
        part["terms"] = terms
    gradient = {"gradient": same_cells(laid, line.gradient), "gradientName": line.d}
    return array | gradient | {"parts": written, "more": len(parts) - len(written)}


def _terms(trace: Trace, schedule: Schedule, line: Line, laid: Table) -> list[list[str]]:
    """Write for each part, entry by entry, the products that it is the sum of."""
    return [
        ["" if at is None else products(path_sum(trace, step, c, at)) for at in laid.entries]
        for step, c in schedule.parts.get(line.id, [])[:MOST]
    ]


def _made(trace: Trace, schedule: Schedule, line: Line, laid: Table) -> list[str]:
    """Write entry by entry how a call made it."""
    workings = Workings(trace, line, schedule.steps.get(line.id))
    return ["" if at is None else workings.at(at) or "" for at in laid.entries]
