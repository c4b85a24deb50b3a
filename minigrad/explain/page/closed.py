"""What a page too large to step through every call tells of the rest: each call in a few words."""

from __future__ import annotations

from typing import Any

from minigrad.explain.data.model import Line, Trace
from minigrad.explain.data.numbers import shape_text, value_text
from minigrad.explain.drawing.painting import unit_key
from minigrad.explain.drawing.views import View
from minigrad.graph import Array

MOST = 20_000  # calls that a page tells of
WIDEST = 90  # letters of a call, a rule or a value


def closed(trace: Trace, found: list[View]) -> dict[str, Any]:
    """Tell of the calls that are in no step of their own, and in which boxes they are.

    `parts` has the calls of each box that opens to no picture, as runs from one to another;
    `calls` has what is said of each: the call, its value, its gradient, and what it adds to its
    operands'.
    """
    peeks = [view for view in found if view.peek]
    units = [unit for view in peeks for unit in view.units]
    listed = [unit for unit in units if len(unit.calls) > 1 and unit.view is None]
    parts = {unit_key(unit): runs(unit.calls) for unit in listed}
    rules: dict[int, list[str]] = {}
    for step in trace.steps:
        rules[step.line] = [
            _short(f"{trace.lines[c.to].d} {c.sign} {c.rule}") for c in step.contributions
        ]
    told = [*dict.fromkeys(call for unit in units for call in unit.calls)][:MOST]
    calls = {str(i): [*_said(trace.lines[i]), *rules.get(i, [])] for i in told}
    return {"parts": parts, "calls": calls} if peeks else {}


def runs(calls: list[int]) -> list[list[int]]:
    """Write rising numbers as runs of neighbours.

    >>> runs([3, 4, 5, 9])
    [[3, 5], [9, 9]]
    """
    found: list[list[int]] = []
    for call in calls:
        if found and found[-1][1] == call - 1:
            found[-1][1] = call
        else:
            found.append([call, call])
    return found


def _said(line: Line) -> list[str]:
    """Write a call, its value and its gradient."""
    gradient = "" if line.gradient is None else f"{line.d} = {_valued(line.gradient)}"
    return [_short(f"{line.name} = {line.call}"), _valued(line.value), gradient]


def _valued(array: Array) -> str:
    return f"{shape_text(array)} {value_text(array, 40)}".strip()


def _short(text: str) -> str:
    return text if len(text) <= WIDEST else f"{text[: WIDEST - 1]}…"
