"""What a drawing of a graph shows: boxes, lines between them, numbers over and under the lines.

`svg.py` draws a picture, `diagrams.py` writes it for Mermaid and for DOT. How wide text is can only
be guessed without a browser, so it is guessed generously.
"""

from __future__ import annotations

import math
import unicodedata
from typing import Any, NamedTuple

import numpy as np

from minigrad.explain.data.numbers import number
from minigrad.explain.drawing.layout import Edge, Placement, Size, arrange
from minigrad.graph import Array

TITLE, SMALL = 14.0, 11.5  # heights of letters
CELL, ROWS, COLUMNS, LEVELS = 5.0, 4, 9, 3  # of the heat maps: tiny on purpose
LONGEST = 22  # letters of a name in a box; the rest is in its tooltip
WIDEST_NOTE = 30  # letters of a note, which are smaller
Heat = tuple[tuple[int | None, ...], ...]


class Label(NamedTuple):
    """What stands over or under a line: a number, or a shape with a heat map."""

    text: str
    heat: Heat = ()

    @property
    def width(self) -> float:
        """Room for the heat map and the text beside it."""
        cells = len(self.heat[0]) * CELL + 5 if self.heat else 0.0
        return cells + text_width(self.text, SMALL)


class Box(NamedTuple):
    """A thing in the picture: an array, a call, or many calls drawn as one.

    `kind` is "leaf" (learned or asked for), "data" (no gradient), "call", "group" or "result".
    """

    key: str
    kind: str
    title: str
    note: str = ""  # a second line: the name of the output, how many calls
    total: str = ""  # the whole gradient, where several lines bring parts of it
    hint: str = ""  # said when somebody points at it

    @property
    def size(self) -> Size:
        """Room for the text, with a margin."""
        wide = max(
            text_width(shortened(self.title), TITLE),
            text_width(shortened(self.note, WIDEST_NOTE), SMALL),
            text_width(shortened(self.total, WIDEST_NOTE), SMALL),
        )
        lines = 15.0 * (bool(self.note) + bool(self.total))
        return Size(max(38.0, wide + 22), 32 + lines)


class Line(NamedTuple):
    """An operand on its way into a call."""

    key: str
    tail: int
    head: int
    value: Label
    gradient: Label | None = None  # none flows back into a constant

    @property
    def size(self) -> Size:
        """Room for a row over the line and one under it."""
        wide = max(self.value.width, self.gradient.width if self.gradient else 0.0)
        return Size(wide + 8, 2 * (ROWS * CELL + 3))


class Picture(NamedTuple):
    """Boxes, operands before results, and the lines between them."""

    boxes: list[Box]
    lines: list[Line]
    title: str = ""

    def placed(self) -> Placement:
        """Lay it out."""
        edges = [Edge(line.tail, line.head, line.size) for line in self.lines]
        return arrange([box.size for box in self.boxes], edges)


def text_width(text: str, height: float) -> float:
    """Guess generously how wide a text is in a monospaced font, in the unit of `height`.

    >>> text_width("affine", 10)
    37.2
    """
    return round(sum(map(_advance, text)) * height, 2)


def _advance(letter: str) -> float:
    """Give the width of a letter over its height: 0.6, more where the font may lack it."""
    if unicodedata.combining(letter):
        return 0.0
    if unicodedata.east_asian_width(letter) in "WF" or ord(letter) > 0xFFFF:
        return 1.3
    return 0.62 if ord(letter) < 0x250 else 0.8 if letter in GREEK_AND_SIGNS else 1.1


GREEK_AND_SIGNS = set("αβγδεζηθικλμνξοπρστυφχψωΓΔΘΛΞΠΣΦΨΩ∂∑√∞≤≥≠−×·…→←")


def shortened(text: str, longest: int = LONGEST) -> str:
    """Leave out the middle of a long name.

    >>> shortened("a_very_long_name_of_a_variable", 11)
    'a_ver…iable'
    """
    if len(text) <= longest:
        return text
    half = (longest - 1) // 2
    return f"{text[:half]}…{text[-half:]}"


def label(array: Array) -> Label:
    """Label a line with an array: its number, or its shape and a heat map.

    >>> label(np.array(2.0))
    Label(text='2', heat=())
    >>> label(np.array([[1.0, -1.0], [0.0, np.nan]]))
    Label(text='(2, 2)', heat=((3, -3), (0, None)))
    """
    if array.size == 1 and array.ndim == 0:
        return Label(entry_text(array[()]))
    return Label(str(array.shape), heat_map(array))


def entry_text(value: Any) -> str:
    """Write one entry of an array, whatever it is an array of.

    >>> entry_text(0.25), entry_text(np.complex128(1 - 2j)), entry_text(np.str_("cat"))
    ('0.25', '1-2j', 'cat')
    """
    kind = "O" if isinstance(value, (list, tuple)) else np.asarray(value).dtype.kind
    if kind == "c":
        return format(complex(value), ".4g")
    return number(value) if kind in "fiub" else str(value)


def strengths(array: Array) -> Array:
    """Give what can be drawn of entries: real numbers, or how large complex ones are."""
    if array.dtype.kind == "c":
        return np.asarray(np.abs(array))
    return array.astype(float) if array.dtype.kind in "fiub" else np.zeros(array.shape)


def heat_map(array: Array) -> Heat:
    """Give each cell a signed strength, the strongest entry of the part of the array under it.

    None is a cell with something that is not finite.
    """
    if not array.size:
        return ()
    rows = np.atleast_2d(strengths(array)).reshape(-1, array.shape[-1] if array.ndim else 1)
    largest = float(np.max(np.abs(rows), initial=0.0, where=np.isfinite(rows))) or 1.0
    down, over = (
        np.array_split(np.arange(n), min(n, most))
        for n, most in zip(rows.shape, (ROWS, COLUMNS), strict=True)
    )
    return tuple(tuple(_strength(rows[np.ix_(d, o)], largest) for o in over) for d in down)


def _strength(part: Array, largest: float) -> int | None:
    """Grade the strongest entry of a part in a few steps; only zero is 0."""
    strongest = float(part.flat[int(np.argmax(np.abs(part)))])
    if not math.isfinite(strongest):
        return None
    return int(math.copysign(math.ceil(abs(strongest) / largest * LEVELS), strongest))
