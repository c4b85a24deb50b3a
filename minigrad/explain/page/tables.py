"""Arrays as tables of a few rows and columns, with what was left out marked."""

from __future__ import annotations

import html
import math
from typing import NamedTuple

import numpy as np

from minigrad.explain.drawing.picture import LEVELS, entry_text, strengths
from minigrad.graph import Array

ROWS, COLUMNS = 6, 6


class Table(NamedTuple):
    """Labels of rows and columns, and the cells; "…" stands for what is left out."""

    rows: list[str]
    columns: list[str]
    cells: list[str]  # row by row
    entries: list[tuple[int, ...] | None]  # the index of each cell in the array

    def place(self, cell: int) -> str:
        """Write the index of a cell as in NumPy: [0, 1]."""
        entry = self.entries[cell]
        return str(list(entry)) if entry else ""


def table(array: Array) -> Table:
    """Lay an array out; arrays of more than two axes row by row, under their leading indices.

    >>> table(np.arange(9.0)).cells
    ['0', '1', '2', '3', '…', '8']
    >>> table(np.eye(2)).rows
    ['0', '1']
    """
    flat = np.atleast_1d(array)
    leading = flat.shape[:-1]
    rows = _some(math.prod(leading), ROWS)
    columns = _some(flat.shape[-1], COLUMNS)
    cells: list[str] = []
    entries: list[tuple[int, ...] | None] = []
    labels = []
    for row in rows:
        at = None if row is None else tuple(map(int, np.unravel_index(row, leading or (1,))))
        labels.append("…" if at is None else ", ".join(map(str, at)))
        for column in columns:
            if at is None or column is None:
                entries.append(None)
                cells.append("…")
                continue
            entry = (*at[: len(leading)], column)
            cells.append(entry_text(flat[entry]))
            entries.append(entry if array.ndim else ())
    return Table(labels, ["…" if c is None else str(c) for c in columns], cells, entries)


def same_cells(layout: Table, array: Array) -> list[str]:
    """Write the entries of an array at the places of a table of the same shape."""
    return ["…" if entry is None else entry_text(array[entry]) for entry in layout.entries]


def _some(count: int, most: int) -> list[int | None]:
    """Choose what to show of `count`: all, or the first and the last with None between."""
    if count <= most:
        return list(range(count))
    return [*range(most - 2), None, count - 1]


def markup(array: Array, name: str, kind: str, key: int | None = None) -> str:
    """Write an array as HTML: a number, or a table whose cells open the whole sum.

    `kind` is "value", "gradient" or "kept", `key` the line that it belongs to; without one nothing
    opens.
    """
    if not array.size:
        return f'<p class="words">{html.escape(name)} is empty: {array.shape}</p>'
    layout = table(array)
    strong = np.abs(strengths(array))
    largest = float(np.max(strong, initial=0.0, where=np.isfinite(strong))) or 1.0
    body = []
    wide = len(layout.columns)
    for i, row in enumerate(layout.rows):
        cells = range(i * wide, (i + 1) * wide)
        head = f'<th scope="row">{row}</th>' if array.ndim > 1 else ""
        body.append(f"<tr>{head}{''.join(_cell(layout, k, strong, largest) for k in cells)}</tr>")
    rows = f'<caption class="aside">{html.escape(name)}</caption>{"".join(body)}'
    opens = "" if key is None else f' data-of="{key}"'
    return f'<div class="scroll of-{kind}"{opens}><table>{rows}</table></div>'


def _cell(layout: Table, k: int, strong: Array, largest: float) -> str:
    """Write a cell, shaded by its strength."""
    entry = layout.entries[k]
    if entry is None:
        return '<td class="dots">…</td>'
    value = float(strong[entry])
    strength = math.ceil(value / largest * LEVELS) if math.isfinite(value) else LEVELS
    shade = f' class="s{strength}"' if strength and strong.ndim else ""
    return f'<td{shade} data-entry="{k}"><span>{layout.cells[k]}</span></td>'
