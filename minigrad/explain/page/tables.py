"""Arrays as tables of a few rows and columns, with what was left out marked."""

from __future__ import annotations

import html
import math
from typing import NamedTuple, TypeAlias

import numpy as np

from minigrad.explain.data.model import Line
from minigrad.explain.data.numbers import shape_text
from minigrad.explain.drawing.picture import LEVELS, entry_text, shortened, strengths
from minigrad.graph import Array

Index: TypeAlias = tuple[int, ...]

ROWS, COLUMNS = 6, 6
WIDEST = 46  # letters of a row, so that it fits beside the graph without scrolling


class Table(NamedTuple):
    """Labels of rows and columns, and the cells; "…" stands for what is left out."""

    rows: list[str]
    columns: list[str]
    cells: list[str]  # row by row
    entries: list[Index | None]  # the index of each cell in the array

    def place(self, cell: int) -> str:
        """Write the index of a cell as in NumPy: [0, 1]."""
        entry = self.entries[cell]
        return str(list(entry)) if entry else ""


def table(array: Array, *alike: Array) -> Table:
    """Lay an array out; arrays of more than two axes row by row, under their leading indices.

    There are up to six columns, fewer where the numbers are long: its own, or those of other
    arrays of its shape that are laid out as it is.

    >>> table(np.arange(9.0)).cells
    ['0', '1', '2', '3', '…', '8']
    >>> table(np.eye(2)).rows
    ['0', '1']
    """
    shape = np.atleast_1d(array).shape
    rows = _some(math.prod(shape[:-1]), ROWS)
    for most in range(COLUMNS, 2, -1):
        laid = _laid(array, rows, _some(shape[-1], most))
        if max(_width(laid, same_cells(laid, other)) for other in (array, *alike)) <= WIDEST:
            break
    return laid


def layout(line: Line) -> Table:
    """Lay out the value of a line, and its gradient in the same places."""
    return table(line.value, *([] if line.gradient is None else [line.gradient]))


def _laid(array: Array, rows: list[int | None], columns: list[int | None]) -> Table:
    """Write the cells of some rows and columns."""
    leading = array.shape[:-1]
    entries: list[Index | None] = []
    labels = []
    for row in rows:
        at = None if row is None else tuple(map(int, np.unravel_index(row, leading or (1,))))
        labels.append("…" if at is None else ", ".join(map(str, at)))
        for column in columns:
            if at is None or column is None:
                entries.append(None)
            else:
                entries.append((*at[: len(leading)], column)[: array.ndim])
    laid = Table(labels, ["…" if c is None else str(c) for c in columns], [], entries)
    return laid._replace(cells=same_cells(laid, array))


def _width(laid: Table, cells: list[str]) -> int:
    """Count the letters of the labels and of the widest cells of all columns, with room between."""
    count = len(laid.columns)
    columns = [laid.rows, *(cells[k::count] for k in range(count))]
    return sum(max(map(len, column), default=0) + 2 for column in columns)


def same_cells(layout: Table, array: Array) -> list[str]:
    """Write the entries of an array at the places of a table of the same shape."""
    return ["…" if entry is None else entry_text(array[entry]) for entry in layout.entries]


def _some(count: int, most: int) -> list[int | None]:
    """Choose what to show of `count`: all, or the first and the last with None between."""
    if count <= most:
        return list(range(count))
    return [*range(most - 2), None, count - 1]


def markup(
    array: Array, name: str, kind: str, line: Line | None = None, part: int | None = None
) -> str:
    """Write an array as HTML: a number, or a table whose cells open the whole sum.

    Args:
        array: to write.
        name: what stands over it.
        kind: "value", "gradient" or "kept".
        line: whose value, gradient or part of the gradient it is; without one nothing opens.
        part: which of the parts of the line's gradient.
    """
    if not array.size:
        return f'<p class="words">{html.escape(name)} is empty: {array.shape}</p>'
    laid = table(array) if line is None else layout(line)
    cells = same_cells(laid, array)
    strong = np.abs(strengths(array))
    largest = float(np.max(strong, initial=0.0, where=np.isfinite(strong))) or 1.0
    body = []
    wide = len(laid.columns)
    for i, row in enumerate(laid.rows):
        head = f'<th scope="row">{row}</th>' if array.ndim > 1 else ""
        written = "".join(
            _cell(laid.entries[k], cells[k], strong, largest)
            for k in range(i * wide, (i + 1) * wide)
        )
        body.append(f"<tr>{head}{written}</tr>")
    said = html.escape(f"{shortened(name)} {shape_text(array)}".rstrip())
    aside = "" if array.ndim else " class=aside"  # a number stands under its name anyhow
    rows = f"<caption{aside}>{said}</caption>{_heads(laid, array)}{''.join(body)}"
    opens = "" if line is None else f' data-of="{line.id}"'
    opens += "" if part is None else f' data-part="{part}"'
    start = f'<div class="scroll of-{kind}"{opens}><table data-name="{html.escape(name)}">'
    return f"{start}{rows}</table></div>"


def _heads(laid: Table, array: Array) -> str:
    """Write the numbers of the columns."""
    if len(laid.columns) < 2:
        return ""
    corner = "<th></th>" if array.ndim > 1 else ""
    return f"<tr>{corner}{''.join(f'<th>{column}</th>' for column in laid.columns)}</tr>"


def _cell(entry: Index | None, text: str, strong: Array, largest: float) -> str:
    """Write a cell, shaded by its strength."""
    if entry is None:
        return "<td class=dots>…</td>"
    value = float(strong[entry])
    if not math.isfinite(value):
        return f"<td class=bad>{text}</td>"
    strength = math.ceil(value / largest * LEVELS)
    shade = f" class=s{strength}" if strength and strong.ndim else ""
    return f"<td{shade}>{text}</td>"
