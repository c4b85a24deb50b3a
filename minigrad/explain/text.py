"""An explanation in the terminal: lines that fit its width, in colour where it has any."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Sequence

from minigrad.explain.data.failures import FIX
from minigrad.explain.data.model import Contribution, Failure, Line, Step, Trace
from minigrad.explain.data.numbers import shape_text, value_text, with_numbers
from minigrad.explain.letters import printable
from minigrad.explain.questions.health import not_finite
from minigrad.explain.words import (
    STOPPED,
    count,
    shortened,
    titled,
    widest,
    wrapped,
    wrapped_failure,
)
from minigrad.graph import Array

SHOWN = 60  # calls; a larger graph is told layer by layer
BEGIN = "   (the walk back begins with 1)"
BEGIN_SUM = "   (the walk back begins with ones: these are the gradients of the sum)"
COLOURS = {"head": "1", "name": "36", "rule": "33", "note": "2", "bad": "1;31", "layer": "35"}


def text(
    trace: Trace,
    width: int | None = None,
    colour: bool | None = None,
    whole: bool | None = None,
) -> str:
    """Write an explanation as text.

    Args:
        trace: what to write.
        width: of a line, in characters, at least 60; the terminal's when None.
        colour: whether to colour; when None, if standard output is a terminal and the environment
            variable NO_COLOR is not set.
        whole: whether to tell every call, not layer by layer; when None, up to 60 calls.
    """
    width = max(60, width or shutil.get_terminal_size((100, 24)).columns)
    if colour is None:
        colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    page = _Page(trace, width, colour, whole)
    return printable("\n".join(page.lines()))


class _Page:
    def __init__(self, trace: Trace, width: int, colour: bool, whole: bool | None) -> None:
        self.trace, self.width, self.colour = trace, width, colour
        self.calls = [line for line in trace.lines if line.kind == "call"]
        self.whole = len(self.calls) <= SHOWN if whole is None else whole

    def lines(self) -> Iterator[str]:
        """Write the forward pass, the backward pass, and the gradients."""
        failure = self.trace.failure
        upto = ", and then it failed" if failure and failure.phase == "forward" else ""
        told = f"{count(len(self.calls), 'call')}{upto}"
        if upto and not self.trace.lines:
            told = "no recorded call leads to this error"
        yield self._paint("head", f"Forward: {told}")
        yield from self._forward() if self.whole else self._forward_by_layer()
        if failure is not None:
            yield from self._failed(failure)
            return
        yield ""
        told = "from the last call to the first"
        yield self._paint("head", f"Backward: {count(len(self.trace.steps), 'step')}, {told}")
        yield from self._backward() if self.whole else self._backward_by_layer()
        yield ""
        yield self._paint("head", "Gradients")
        yield from self._gradients()
        if lost := not_finite(self.trace):
            yield ""
            yield self._paint("bad", lost)

    # ---- forward ---------------------------------------------------------------------------------
    def _forward(self) -> Iterator[str]:
        given = [line for line in self.trace.lines if line.kind != "call"]
        rows = [(x.name, "" if x.kind == "leaf" else "(data)", x.value, x) for x in given]
        rows += [(line.name, line.call or "", line.value, line) for line in self.calls]
        names = widest(self._cut(name, 3) for name, *_ in rows)
        shapes = widest(shape_text(value) for *_, value, _ in rows)
        room = max(8, self.width - names - shapes - 30)
        codes = max((len(code) for _, code, *_ in rows if len(code) <= room), default=0)
        layer = None
        for name, code, value, line in rows:
            if line.kind == "call" and line.layer != layer:
                layer = line.layer
                if layer is not None:
                    group = self.trace.layers[layer]
                    yield "  " + self._paint("layer", self._cut(titled(group), 1))
            made = line.kind == "call"
            shown = self._cut(name, 3).ljust(names)
            head = [("  ", ""), (shown, "name"), (" = " if made else "   ", "")]
            if len(code) > codes:  # all of it, and the value under it
                yield self._joined(*head, (shortened(code, self.width - names - 5), ""))
                head, code = [(" " * (names + 5), "")], ""
            yield self._row(
                *head,
                (code.ljust(codes), "" if made else "note"),
                ("  ", ""),
                (shape_text(value).ljust(shapes), "note"),
                (" " if shapes else "", ""),
                value=value,
            )

    def _forward_by_layer(self) -> Iterator[str]:
        if not self.trace.layers:
            yield from self._ends([f"{x.name} = {x.call}" for x in self.calls])
            return
        rows = []
        for title, lines in _by_layer(self.trace):
            last = lines[-1]
            shape = shape_text(last.value) or "a number"
            rows.append(f"{title}: {count(len(lines), 'call')}, to {last.name} {shape}")
        yield from self._ends(rows)

    # ---- backward --------------------------------------------------------------------------------
    def _backward(self) -> Iterator[str]:
        for step in self.trace.steps:
            yield from self._step(step)

    def _step(self, step: Step) -> Iterator[str]:
        line = self.trace.lines[step.line]
        number = f"{step.index + 1:>3}  "
        told = f"{line.name} = {line.call}"
        layer = "" if line.layer is None else f"[{self.trace.layers[line.layer].path}]"
        beside = f"   {layer}" if layer and len(told) + len(layer) + 8 <= self.width else ""
        yield number + self._paint("head", self._cut(told, 1, 5) + beside)
        if layer and not beside:
            yield "     " + self._paint("layer", self._cut(layer, 1, 5))
        room = self.width - 8 - len(line.d)
        shape = shape_text(step.gradient)
        room -= len(shape) + 2
        value = value_text(step.gradient, max(room, 12))
        shape = f"{shape}  " if shape else ""
        begin = BEGIN_SUM if step.gradient.ndim else BEGIN
        yield f"     {self._paint('name', line.d)} = {shape}{value}{'' if step.index else begin}"
        names = widest(self.trace.lines[c.to].d for c in step.contributions)
        signs = max((len(c.sign) for c in step.contributions), default=1)
        for c in step.contributions:
            yield from self._contribution(c, line, names, signs)
        if step.backward:
            for row in self._code(step.backward):
                yield "       " + self._paint("note", row)
        for name, kept in step.caches.items():
            value = value_text(kept, max(12, self.width - 29 - len(name)))
            yield f"       kept: self.{name} {shape_text(kept)}  {value}"
        if step.note:
            yield from self._noted(step.note)

    def _code(self, source: str) -> Iterator[str]:
        """Write somebody's code: lines that do not fit go on in the next, further in."""
        for line in source.rstrip().split("\n"):
            if len(line) <= self.width - 7:
                yield line
                continue
            code = line.lstrip()
            indent = " " * (len(line) - len(code))
            for i, row in enumerate(wrapped(code, max(self.width - 11 - len(indent), 30))):
                yield indent + "    " * (i > 0) + row

    def _contribution(self, c: Contribution, line: Line, names: int, signs: int) -> Iterator[str]:
        name = self.trace.lines[c.to].d.ljust(names)
        sign = c.sign.rjust(signs)
        lead = 7 + len(name) + 1 + len(sign) + 1
        rows = wrapped(c.rule, max(self.width - lead, 30))  # as code in brackets may be broken
        left = f"       {self._paint('name', name)} {sign} {self._paint('rule', rows[0])}"
        for row in rows[1:]:
            yield left
            left = " " * lead + self._paint("rule", row)
        used = lead + len(rows[-1])
        numbers = with_numbers(c.rule, self.trace, line)
        told = (None, c.rule, value_text(c.share, self.width))  # not twice in a row
        middle = "" if numbers in told else f" = {numbers}"
        shape = shape_text(c.share)
        middle += f"   {shape}  " if shape else " = "
        room, room_below = self.width - used - len(middle), self.width - 11 - len(shape)
        value = value_text(c.share, max(8, room))
        below = value_text(c.share, max(8, room_below))
        if len(value) <= room and not (below.startswith("[") and not value.startswith("[")):
            yield left + middle + value
        else:
            yield left
            yield f"         {middle.strip()}{'  ' if shape else ' '}{below}"
        if c.paths > 1:
            yield from self._noted(self._path(c))
        if c.note:
            yield from self._noted(c.note)

    def _path(self, c: Contribution) -> str:
        told = f"path {c.path} of {c.paths}"
        if c.path == 1:
            return f"{told}: {self.trace.lines[c.to].name} is used {c.paths} times"
        sofar = "the sum so far" if c.path < c.paths else "the sum"
        return f"{told}; {sofar}: {value_text(c.running, 40)}"

    def _noted(self, note: str) -> Iterator[str]:
        room = self.width - 13
        for i, row in enumerate(wrapped(note, room)):
            yield "         " + self._paint("note", f"{'# ' if i == 0 else '  '}{row}")

    def _backward_by_layer(self) -> Iterator[str]:
        trace = self.trace
        if not trace.layers:
            rows = []
            for step in trace.steps:
                line = trace.lines[step.line]
                parts = [f"{trace.lines[c.to].d} {c.sign} {c.rule}" for c in step.contributions]
                rows.append(f"{line.name} = {line.call}:  {'; '.join(parts)}")
            yield from self._ends(rows)
            return
        rows = []
        for title, lines in reversed(list(_by_layer(trace))):
            gradient = lines[-1].gradient
            if gradient is not None:
                room = max(12, self.width - len(title) - len(lines[-1].d) - 10)
                rows.append(f"{title}: {lines[-1].d} {value_text(gradient, room)}")
        yield from self._ends(rows)

    def _ends(self, rows: Sequence[str], shown: int = 12) -> Iterator[str]:
        """Show the first and the last of many rows."""
        more = len(rows) - 2 * shown
        cut = [*rows[:shown], f"… {more:,} more …", *rows[-shown:]] if more > 1 else rows
        yield from ("  " + self._cut(row, 1) for row in cut)

    # ---- the rest --------------------------------------------------------------------------------
    def _gradients(self) -> Iterator[str]:
        leaves = self.trace.leaves
        if len(leaves) > SHOWN and not self.whole:
            yield from self._ends([f"{x.d} {shape_text(x.value)}" for x in leaves])
            return
        names = widest(line.d for line in leaves)
        shapes = widest(shape_text(line.value) for line in leaves)
        for line in leaves:
            name = line.d.ljust(names)
            if line.gradient is None:
                yield f"  {self._paint('name', name)}   no gradient: nothing on the way uses it"
                continue
            yield self._row(
                ("  ", ""),
                (name, "name"),
                (" =", ""),
                (f" {shape_text(line.value).ljust(shapes)} " if shapes else "", "note"),
                value=line.gradient,
            )

    def _failed(self, failure: Failure) -> Iterator[str]:
        yield ""
        yield self._paint("bad", STOPPED.format(failure.phase))
        for row in wrapped_failure(failure, self.width):
            kind = "bad" if row.strip() == failure.call else "head" if FIX in row else ""
            yield self._paint(kind, row) if kind else row

    def _row(self, *cells: tuple[str, str], value: Array) -> str:
        """Join cells, and write a value in the room that is left."""
        used = sum(len(text) for text, _ in cells) + 2
        room = self.width - used
        return f"{self._joined(*cells)} {shortened(value_text(value, room), room)}".rstrip()

    def _joined(self, *cells: tuple[str, str]) -> str:
        return "".join(self._paint(kind, text) if kind else text for text, kind in cells)

    def _cut(self, text: str, share: int, used: int = 2) -> str:
        """Shorten a text to its share of the width."""
        return shortened(text, (self.width - used) // share)

    def _paint(self, kind: str, text: str) -> str:
        if not self.colour or not text.strip():
            return text
        return f"\033[{COLOURS[kind]}m{text}\033[0m"


def _by_layer(trace: Trace) -> Iterator[tuple[str, list[Line]]]:
    """Join neighbouring lines of one layer: its title, and the lines."""
    lines: list[Line] = []
    for line in trace.lines:
        if line.kind == "call":
            if lines and line.layer != lines[-1].layer:
                yield _title(trace, lines[0]), lines
                lines = []
            lines.append(line)
    if lines:
        yield _title(trace, lines[0]), lines


def _title(trace: Trace, line: Line) -> str:
    return "outside layers" if line.layer is None else titled(trace.layers[line.layer])
