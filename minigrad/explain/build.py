"""From a recorded graph to an explanation: lines by age, steps in the order of the walk."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from minigrad.explain.forward import Lines, Watched
from minigrad.explain.model import Line, Trace
from minigrad.explain.names import Names
from minigrad.explain.walk import walked
from minigrad.graph import Node


def traced(output: Node | None, nodes: Iterable[Node], names: Names, watched: Watched) -> Trace:
    """Explain the graph of `nodes`, and the walk back from `output` to its leaves."""
    lines = Lines(names, watched)
    for node in _in_order(nodes):
        lines.add(node)
    _tell_gradients_from_values(lines.lines)
    if output is None:
        return Trace(lines.lines, [], watched.layers, None, None, None, lines.nodes)
    steps = walked(output, lines)
    seed = np.ones(output._array.shape, output._array.dtype)
    last = lines.ids[output._birth]
    return Trace(lines.lines, steps, watched.layers, last, seed, None, lines.nodes)


def _tell_gradients_from_values(lines: Iterable[Line]) -> None:
    """Call the gradient of x d(x) where a value is called dx."""
    names = {line.name for line in lines}
    for line in lines:
        if line.d in names:
            line.d = f"d({line.name})"


def _in_order(nodes: Iterable[Node]) -> list[Node]:
    """Put leaves first, in the order of their first use, then calls by their age."""
    calls = sorted((n for n in nodes if n._function is not None), key=lambda node: node._birth)
    used = [a for n in calls for a in n._arguments if isinstance(a, Node) and a._function is None]
    unused = sorted((n for n in nodes if n._function is None), key=lambda node: node._birth)
    return [*{n._birth: n for n in (*used, *unused)}.values(), *calls]


def behind(outputs: Sequence[Node]) -> list[Node]:
    """List all that the outputs were computed from, and themselves."""
    found: dict[int, Node] = {}
    stack = list(outputs)
    while stack:
        node = stack.pop()
        if node._birth not in found:
            found[node._birth] = node
            stack += [a for a in node._arguments if isinstance(a, Node)]
    return list(found.values())
