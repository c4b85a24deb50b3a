"""The drawn views of a trace: as SVG that stands alone, as Mermaid and as DOT."""

from __future__ import annotations

from minigrad.explain.assets import read
from minigrad.explain.data.model import Trace
from minigrad.explain.drawing.colours import resolved
from minigrad.explain.drawing.diagrams import dot, mermaid
from minigrad.explain.drawing.painting import paint
from minigrad.explain.drawing.picture import Picture
from minigrad.explain.drawing.svg import drawn
from minigrad.explain.drawing.views import LIMIT, views


def to_svg(trace: Trace, inside: str | None = None, limit: int = LIMIT) -> str:
    """Draw the graph, values over the lines and gradients under them, as a file of SVG.

    Args:
        trace: a forward pass, and the backward pass through it.
        inside: the title of a box that stands for several calls, to draw what is inside it.
        limit: of boxes; parts of a larger graph are drawn as one box each.

    Raises:
        KeyError: when no box is called `inside`.
    """
    return drawn(picture(trace, inside, limit), style=resolved(read("picture.css")))


def to_mermaid(trace: Trace, inside: str | None = None, limit: int = LIMIT) -> str:
    """Write the graph for Mermaid; arguments and errors are those of `to_svg`."""
    return mermaid(picture(trace, inside, limit))


def to_dot(trace: Trace, inside: str | None = None, limit: int = LIMIT) -> str:
    """Write the graph in DOT, for Graphviz; arguments and errors are those of `to_svg`."""
    return dot(picture(trace, inside, limit))


def picture(trace: Trace, inside: str | None, limit: int) -> Picture:
    """Paint the whole, or one part of it."""
    return paint(trace, views(trace, inside, limit)[:1])[0]
