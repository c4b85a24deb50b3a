"""The picture of a view: its boxes, what flows between them, and what flows back."""

from __future__ import annotations

import numpy as np

from minigrad.explain.data.model import Contribution, Trace
from minigrad.explain.data.model import Line as Value
from minigrad.explain.drawing.picture import Box, Label, Line, Picture, entry_text, label
from minigrad.explain.drawing.titles import function_name
from minigrad.explain.drawing.views import EXITS, Unit, View, repeated
from minigrad.graph import Array

SIGNS = {"add": "+", "subtract": "−", "multiply": "×", "divide": "÷", "matmul": "@"}
SIGNS |= {"negative": "−", "power": "**"}
AGAIN = "again"  # said in the box of a value that has one already
MOST = 4  # lines drawn between the same two boxes


def paint(trace: Trace, found: list[View]) -> list[Picture]:
    """Make the pictures of views."""
    shares = {(s.line, c.position): c for s in trace.steps for c in s.contributions}
    users: dict[int, list[int]] = {}
    for line in trace.lines:
        for operand in line.operands:
            if operand is not None:
                users.setdefault(operand, []).append(line.id)
    return [_Painting(trace, view, shares, users).picture for view in found]


class _Painting:
    """One picture while it is made: `home` says in which box a value comes to be."""

    def __init__(
        self,
        trace: Trace,
        view: View,
        shares: dict[tuple[int, int], Contribution],
        users: dict[int, list[int]],
    ) -> None:
        self.trace, self.shares, self.users = trace, shares, users
        self.home: dict[int, int] = {}
        self.picture = Picture([], [], title(trace))
        piles = {operand: pile for pile in view.piles for operand in pile}
        often = repeated(trace, view)
        for unit in view.units:
            here: set[int] = set()  # operands that have a box for this unit
            for operand in (o for call in unit.calls for o in trace.lines[call].operands):
                known = here if operand in often else self.home
                if operand in piles and operand not in known:
                    again = operand in self.home
                    self.add(self.operand(piles[operand], again), piles[operand])
                    here.update(piles[operand])
            self.add(self.unit(unit), unit.calls)
            self.join(unit)
        self.close(view)

    def add(self, box: Box, values: list[int]) -> None:
        """Add a box in which some values come to be."""
        for value in values:
            self.home[value] = len(self.picture.boxes)
        self.picture.boxes.append(box)

    def operand(self, pile: list[int], again: bool = False) -> Box:
        """Make the box of a leaf, of data, or of a value that another view computes; or of many.

        A box that is drawn `again` says so, and leaves the total to the first.
        """
        line, last = (self.trace.lines[pile[i]] for i in (0, -1))
        note = AGAIN if again else ""
        if len(pile) > 1:
            hint = f"{line.name} … {last.name}: {len(pile)} values"
            return Box(f"pile{line.id}", "group", f"{line.name} … {last.name}", note, hint=hint)
        kind = line.kind if line.kind != "call" else "outside"
        total = self.total(line) if line.kind == "leaf" and not again else ""
        return Box(str(line.id), kind, line.name, note, total, described(line))

    def unit(self, unit: Unit) -> Box:
        """Make the box of a call, or of many."""
        if len(unit.calls) > 1:
            hint = f"{unit.title}: {unit.contents}"
            return Box(unit_key(unit), "group", unit.title, unit.note, hint=hint)
        line = self.trace.lines[unit.calls[0]]
        note = line.name
        if not line.named and line.layer is not None:
            note = self.trace.layers[line.layer].path
        name = call_title(line)
        return Box(unit_key(unit), "call", name, note, self.total(line), described(line))

    def total(self, line: Value) -> str:
        """Say what several paths add up to."""
        if line.paths < 2 or line.gradient is None:
            return ""
        whole = (
            entry_text(line.gradient[()]) if line.gradient.ndim == 0 else f"Σ {line.paths} paths"
        )
        return f"{line.d} = {whole}"

    # ---- lines -----------------------------------------------------------------------------------
    def join(self, unit: Unit) -> None:
        """Draw the lines that lead into a unit: one for each operand of a call, and few to many."""
        here = self.home[unit.calls[0]]
        flows: dict[tuple[int, int], list[tuple[int, int]]] = {}
        for call in unit.calls:
            for position, operand in enumerate(self.trace.lines[call].operands):
                if operand is not None and self.home.get(operand, here) != here:
                    key = (operand, position if len(unit.calls) == 1 else -1)
                    flows.setdefault(key, []).append((call, position))
        by_tail: dict[int, list[Line]] = {}
        for (operand, _), uses in flows.items():
            line = self.line(operand, here, uses)
            by_tail.setdefault(line.tail, []).append(line)
        for lines in by_tail.values():
            self.few(lines)

    def few(self, lines: list[Line]) -> None:
        """Draw some lines between two places, and for many the first few and how many more."""
        most = lines if len(lines) <= MOST else lines[: MOST - 1]
        self.picture.lines.extend(most)
        if len(most) < len(lines):
            rest = Label(f"{len(lines) - len(most)} more")
            self.picture.lines.append(lines[MOST - 1]._replace(value=rest, gradient=rest))

    def line(self, operand: int, head: int, uses: list[tuple[int, int]]) -> Line:
        """Draw what flows to some arguments of some calls, and what flows back from them."""
        value = self.trace.lines[operand]
        back = [self.shares[use] for use in uses if use in self.shares]
        call, position = uses[0]
        return Line(
            f"{call}.{position}",
            self.home[operand],
            head,
            label(value.value),
            flowing_back(value, back) if back else None,
        )

    def close(self, view: View) -> None:
        """Draw where values leave the picture: the result, or what other views need."""
        inside = set(view.calls)
        used = {c: None for c in view.calls if not inside.issuperset(self.users.get(c, ()))}
        if self.trace.output is not None:
            used.pop(self.trace.output, None)
        if len(used) > EXITS:
            self.leave([*used], Box(f"out{min(used)}", "group", f"{len(used)} values"))
        else:
            for value in used:
                line = self.trace.lines[value]
                self.leave([value], Box(f"out{value}", "outside", line.name, hint=described(line)))
        if self.trace.output in self.home:
            line = self.trace.lines[self.trace.output]
            self.leave([line.id], Box(f"out{line.id}", "result", line.name, hint=described(line)))
        if self.trace.failure is not None and view.up is None:
            self.fail()

    def leave(self, values: list[int], box: Box) -> None:
        """Draw a box in which values leave the picture."""
        self.add(box, [])
        head = len(self.picture.boxes) - 1
        lines = []
        for value in values:
            line = self.trace.lines[value]
            back = label(line.gradient) if line.gradient is not None else None
            lines.append(Line(f"out{value}", self.home[value], head, label(line.value), back))
        self.few(lines)

    def fail(self) -> None:
        """Draw the call that failed, with lines from the operands that are known."""
        failure = self.trace.failure
        assert failure is not None
        needed = [self.trace.lines[i] for i in dict.fromkeys(failure.lines)]
        for line in needed:
            if line.id not in self.home:
                self.add(self.operand([line.id]), [line.id])
        name = f"✗ {failure.call or failure.kind}"
        self.add(Box("failed", "failed", name, failure.kind, hint=failure.message), [])
        head = len(self.picture.boxes) - 1
        for i, line in enumerate(needed):
            flow = Line(f"failed.{i}", self.home[line.id], head, label(line.value))
            self.picture.lines.append(flow)


def unit_key(unit: Unit) -> str:
    """Name the box of a unit: its call, or the first and the last."""
    ends = {unit.calls[0]: None, unit.calls[-1]: None}
    return "-".join(map(str, ends))


def flowing_back(value: Value, back: list[Contribution]) -> Label:
    """Label a line with what flows back along it; `=` and `+=` where it is one path of several."""
    shares: Array = np.add.reduce([c.share for c in back]) if len(back) > 1 else back[0].share
    found = label(np.asarray(shares))
    if len(back) == value.paths or value.paths < 2:
        return found
    sign = "=" if any(c.path == 1 for c in back) else "+="
    return found._replace(text=f"{sign} {found.text}")


def call_title(line: Value) -> str:
    """Write what a call does as it fits in a box: ×, affine, x ** 2."""
    call, function = line.call or "", function_name(line)
    if None in line.operands and 0 < len(call) <= 14:
        return call
    return SIGNS.get(function, function)


def described(line: Value) -> str:
    """Describe a value in one line of text."""
    shape = f" {line.value.shape}" if line.value.ndim else f" = {entry_text(line.value[()])}"
    return f"{line.name}{shape}" + (f" = {line.call}" if line.call else "")


def title(trace: Trace) -> str:
    """Name the picture by its result."""
    if trace.output is None:
        return f"A {trace.failure.phase if trace.failure else 'forward'} pass that failed"
    return f"Forward and backward pass of {trace.lines[trace.output].name}"
