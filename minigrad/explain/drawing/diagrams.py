"""A picture as text for other programs: Mermaid, which wikis draw, and DOT, for Graphviz."""

from __future__ import annotations

import re

from minigrad.explain.drawing.picture import Box, Line, Picture

PLAIN = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 _.,()=+-*/×÷−@…Σ∂")
WORD_JOINER = "\u2060"
_READ_IN = re.compile(r"(?<=\\)(?=n)|(?<=\$)(?=\$)|(?<=:)(?=fa-)")  # between two letters of a sign
MERMAID_SHAPES = {"call": ('(["', '"])'), "group": ('[["', '"]]'), "result": ('(("', '"))')}
DOT_SHAPES = {"call": "ellipse", "group": "box3d", "result": "doublecircle"}


def mermaid(picture: Picture) -> str:
    """Write a picture in Mermaid: values and gradients on the arrows, "∂" before the latter.

    >>> picture = Picture([Box("0", "leaf", "x"), Box("1", "call", "exp")], [])
    >>> print(mermaid(picture))
    flowchart LR
      n0["x"]
      n1(["exp"])
    """
    rows = ["flowchart LR"]
    for i, box in enumerate(picture.boxes):
        opening, closing = MERMAID_SHAPES.get(box.kind, ('["', '"]'))
        label = "<br/>".join(map(entities, _lines(box)))
        rows.append(f"  n{i}{opening}{label}{closing}")
    for line in picture.lines:
        arrow = "-->" if line.gradient else "-.->"
        label = "<br/>".join(map(entities, _flows(line)))
        rows.append(f'  n{line.tail} {arrow}|"{label}"| n{line.head}')
    return "\n".join(rows)


def dot(picture: Picture) -> str:
    """Write a picture in DOT.

    >>> print(dot(Picture([Box("0", "leaf", "x")], [])))
    digraph explanation {
      rankdir=LR;
      node [fontname="monospace"];
      edge [fontname="monospace"];
      n0 [label="x", shape=box];
    }
    """
    rows = ["digraph explanation {", "  rankdir=LR;"]
    rows += [f'  {kind} [fontname="monospace"];' for kind in ("node", "edge")]
    for i, box in enumerate(picture.boxes):
        label = "\\n".join(map(quoted, _lines(box)))
        rows.append(f'  n{i} [label="{label}", shape={DOT_SHAPES.get(box.kind, "box")}];')
    for line in picture.lines:
        label = "\\n".join(map(quoted, _flows(line)))
        style = "" if line.gradient else ", style=dashed"
        rows.append(f'  n{line.tail} -> n{line.head} [label="{label}"{style}];')
    return "\n".join([*rows, "}"])


def _lines(box: Box) -> list[str]:
    return [text for text in (box.title, box.note, box.total) if text]


def _flows(line: Line) -> list[str]:
    return [line.value.text, *([f"∂ {line.gradient.text}"] if line.gradient else [])]


def entities(text: str) -> str:
    """Write what is not plain as numbered entities, as Mermaid reads them.

    Mermaid looks into the text that these make, for line breaks (\\n), formulas ($$) and icons
    (fa:fa-car). A word joiner, which nobody sees, keeps it from finding any.

    >>> entities('"x"')
    '#34;x#34;'
    """
    text = _READ_IN.sub(WORD_JOINER, text)
    return "".join(letter if letter in PLAIN else f"#{ord(letter)};" for letter in text)


def quoted(text: str) -> str:
    r"""Escape a text inside double quotes in DOT, which also knows entities of HTML.

    >>> print(quoted('a "b" \\ &lt;'))
    a \"b\" \\ &amp;lt;
    """
    printable = "".join(letter if letter.isprintable() else " " for letter in text)
    return printable.replace("&", "&amp;").replace("\\", "\\\\").replace('"', '\\"')
