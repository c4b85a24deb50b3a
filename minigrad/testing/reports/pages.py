"""Reports as HTML, for notebooks: static, everything escaped."""

from __future__ import annotations

import html as escaping
from typing import Any

from minigrad.graph import Array
from minigrad.testing.reports import showing
from minigrad.testing.reports.findings import Verdict

COLOURS = {Verdict.PASS: "#1a7f37", Verdict.FAIL: "#b3261e", Verdict.INCONCLUSIVE: "#8a6100"}
SHADES = dict(
    zip(showing.SHADES, ("#e6f4ea", "#fff3c4", "#ffd08a", "#f28b66", "#b3261e"), strict=True)
)
STYLE = "font-family:system-ui,sans-serif;font-size:14px;line-height:1.45;max-width:52em"
CELL = "display:inline-block;width:0.9em;height:0.9em;margin:1px;border-radius:2px;background:"


def html(report: Any) -> str:
    """The whole report as one element."""
    colour = COLOURS[report.verdict]
    head = f'<strong style="color:{colour}">{report.verdict.name}</strong> ' + escaping.escape(
        showing.headline(report)
    )
    blocks = [
        f'<p style="margin:0.2em 0">{head}</p>',
        _lines(showing.explained(report)),
        _table(report),
        *(_picture(name, error) for name, error in report.errors.items()),
        _lines(showing.looked_at(report)),
        _lines([f"note: {note}" for note in report.notes]),
        _lines([f"{report.evaluations} evaluations in {report.seconds:.2f} s"]),
    ]
    frame = f"{STYLE};border-left:4px solid {colour};padding-left:1em"
    return f'<div style="{frame}">{"".join(blocks)}</div>'


def _lines(lines: list[str]) -> str:
    """Lines of text as they stand, indentation and all."""
    if not lines:
        return ""
    text = "<br>".join(map(escaping.escape, lines))
    return f'<div style="white-space:pre-wrap;margin:0.5em 0">{text}</div>'


def _table(report: Any) -> str:
    """The worst entries."""
    rows = []
    for entry in report.worst[: showing.MOST_ENTRIES]:
        numbers = (f"{entry.yours:.6g}", f"{entry.numerical:.6g} ± {entry.bar:.0e}")
        cells = "".join(f"<td>{escaping.escape(c)}</td>" for c in (entry.place, *numbers))
        rows.append(f"<tr>{cells}</tr>")
    if not rows:
        return ""
    head = "<tr><th>entry</th><th>yours</th><th>numerical</th></tr>"
    return f'<table style="margin:0.5em 0">{head}{"".join(rows)}</table>'


def _picture(name: str, error: Array) -> str:
    """A heat map of coloured cells; each row is also text for those who do not see it."""
    picture = showing.picture(name, error)
    if not picture:
        return ""
    title, *rows, _ = picture
    cells = []
    for row in rows:
        shades = "".join(f'<span style="{CELL}{SHADES[c]}"></span>' for c in row.strip())
        cells.append(f'<div role="img" aria-label="{escaping.escape(row.strip())}">{shades}</div>')
    return f'<div style="margin:0.5em 0">{escaping.escape(title)}{"".join(cells)}</div>'
