"""A picture as SVG: valid XML, names escaped, texts inside their boxes, no need of colour."""

from __future__ import annotations

import re
from xml.sax.saxutils import escape, quoteattr

from minigrad.explain.drawing.layout import Point
from minigrad.explain.drawing.picture import (
    CELL,
    WIDEST_NOTE,
    Box,
    Heat,
    Label,
    Line,
    Picture,
    shortened,
)

MARGIN = 14.0
UNPRINTABLE = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def drawn(picture: Picture, label: str = "", style: str = "") -> str:
    """Draw a picture; `label` is its title, `style` the stylesheet of a file that stands alone."""
    place = picture.placed()
    wide, high = place.size.width + 2 * MARGIN, place.size.height + 2 * MARGIN
    fans = {line.tail for line in picture.lines}
    shared = {t for t in fans if sum(line.tail == t for line in picture.lines) > 1}
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="mg" width="{wide:.0f}" '
        f'height="{high:.0f}" viewBox="{-MARGIN:g} {-MARGIN:g} {wide:.1f} {high:.1f}">',
        f"<title>{text(label or picture.title)}</title>",
        f"<style>{style}</style>{_ground(wide, high)}" if style else "",
    ]
    for line, at, way in zip(picture.lines, place.labels, place.routes, strict=True):
        parts.append(_line(line, at, way, line.tail in shared))
    for box, at in zip(picture.boxes, place.boxes, strict=True):
        parts.append(_box(box, at))
    return "".join([*parts, "</svg>"])


def _ground(wide: float, high: float) -> str:
    """Fill the background: a file that stands alone may be shown on any colour."""
    frame = f'x="{-MARGIN:g}" y="{-MARGIN:g}" width="{wide:.1f}" height="{high:.1f}"'
    return f'<rect class="ground" {frame}/>'


def text(raw: str) -> str:
    """Escape a text for XML; what XML cannot hold becomes a replacement character.

    >>> text("<script>&")
    '&lt;script&gt;&amp;'
    """
    return escape(UNPRINTABLE.sub("\ufffd", raw))


def _write(words: str, x: float, y: float, kind: str) -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}">{text(words)}</text>'


# ---- boxes ---------------------------------------------------------------------------------------
def _box(box: Box, at: Point) -> str:
    """Draw a box with its lines of text."""
    width, height = box.size
    left, top = at.x - width / 2, at.y - height / 2
    round_ = {"call": 16, "group": 6, "result": 16}.get(box.kind, 4)
    parts = [
        f"<g class={quoteattr('box ' + box.kind)} data-box={quoteattr(text(box.key))}>",
        f"<title>{text(box.hint)}</title>" if box.hint else "",
    ]
    frame = f'x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" height="{height:.1f}" rx="{round_}"'
    if box.kind == "group":  # a pile of cards
        parts.append(f'<rect class="under" {frame} transform="translate(4 4)"/>')
    parts.append(f"<rect {frame}/>")
    y = top + 21
    parts.append(_write(shortened(box.title), at.x, y, "title"))
    for words, kind in ((box.note, "note"), (box.total, "total")):
        if words:
            y += 15
            parts.append(_write(shortened(words, WIDEST_NOTE), at.x, y, kind))
    return "".join([*parts, "</g>"])


# ---- lines ---------------------------------------------------------------------------------------
def _line(line: Line, at: Point, way: list[Point], is_shared: bool) -> str:
    """Draw a line, its arrowhead, the value over it and the gradient under it."""
    kind = "line" if line.gradient else "line constant"
    end = way[-1]
    parts = [f'<g class="{kind}" data-line={quoteattr(text(line.key))}>', _curve(way)]
    parts.append(f'<path class="tip" d="M{end.x - 7:.1f} {end.y - 4:.1f}l7 4-7 4z"/>')
    if line.gradient:  # the page shows this arrowhead while the gradient flows
        parts.append(f'<path class="home" d="M{way[0].x + 7:.1f} {way[0].y - 4:.1f}l-7 4 7 4z"/>')
    if is_shared:  # a dot where one value goes several ways
        parts.append(f'<circle class="fork" cx="{way[1].x:.1f}" cy="{way[1].y:.1f}" r="3.5"/>')
    parts.append(_label(line.value, at, "value"))
    if line.gradient:
        parts.append(_label(line.gradient, at, "gradient"))
    return "".join([*parts, "</g>"])


def _curve(way: list[Point]) -> str:
    """Write level pieces and the slopes between them, which leave and arrive level."""
    d = [f"M{way[0].x:.1f} {way[0].y:.1f}H{way[1].x:.1f}"]
    for start, end, level in zip(way[1::2], way[2::2], way[3::2], strict=False):
        if abs(start.y - end.y) >= 0.05:
            middle = (start.x + end.x) / 2
            curve = f"C{middle:.1f} {start.y:.1f} {middle:.1f} {end.y:.1f} {end.x:.1f} {end.y:.1f}"
            d.append(curve)
        d.append(f"H{level.x:.1f}")
    return f'<path class="way" d="{"".join(d)}"/>'


def _label(label: Label, at: Point, kind: str) -> str:
    """Write a heat map and a text side by side, over the line or under it."""
    over = kind == "value"
    left = at.x - label.width / 2
    parts = [f'<g class="{kind}">']
    if label.heat:
        wide, high = len(label.heat[0]) * CELL, len(label.heat) * CELL
        parts.append(_heat(label.heat, left, at.y - 4 - high if over else at.y + 4))
        left += wide + 5
    parts.append(_write(label.text, left, at.y - 6 if over else at.y + 15, "number"))
    return "".join([*parts, "</g>"])


def _heat(heat: Heat, left: float, top: float) -> str:
    """Draw strengths as squares: large is strong, hollow negative, a cross not finite."""
    cells: dict[str, list[str]] = {}
    for i, row in enumerate(heat):
        for j, strength in enumerate(row):
            x, y = left + (j + 0.5) * CELL, top + (i + 0.5) * CELL
            if strength is None:
                cells.setdefault("bad", []).append(f"M{x - 2:.1f} {y - 2:.1f}l4 4m0-4l-4 4")
                continue
            side = (1.0, 2.0, 3.2, 4.4)[abs(strength)] - (strength < 0)
            kind = "positive" if strength > 0 else "negative" if strength else "zero"
            corner = f"M{x - side / 2:.1f} {y - side / 2:.1f}"
            cells.setdefault(kind, []).append(f"{corner}h{side:g}v{side:g}h-{side:g}z")
    wide, high = len(heat[0]) * CELL, len(heat) * CELL
    frame = f'x="{left - 1:.1f}" y="{top - 1:.1f}" width="{wide + 2:g}" height="{high + 2:g}"'
    drawn_ = [f'<path class="{kind}" d="{"".join(d)}"/>' for kind, d in cells.items()]
    return "".join([f'<rect class="frame" {frame}/>', *drawn_])
