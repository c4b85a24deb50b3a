"""From a recorded graph to an explanation: lines by age, steps in the order of the walk."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Sequence

import numpy as np

from minigrad.explain.data.failed_rules import backward_failure, failing_rule
from minigrad.explain.data.failures import forward_failure, nodes_in
from minigrad.explain.data.forward import Lines, Made, Watched
from minigrad.explain.data.model import Line, Trace
from minigrad.explain.data.names import Names
from minigrad.explain.data.sources import source_of
from minigrad.explain.data.stopped import failing_layers
from minigrad.explain.data.walk import walked
from minigrad.explain.data.watching import is_learners
from minigrad.graph import Node


def traced(output: Node, nodes: Iterable[Node], names: Names, watched: Watched) -> Trace:
    """Explain the graph of `nodes`, and the walk back from `output` to its leaves."""
    lines = Lines(names, watched)
    for node in _in_order(nodes):
        lines.add(node)
    _show_forwards(lines)
    _tell_gradients_from_values(lines.lines)
    try:
        steps = walked(output, lines)
    except Exception as error:
        return _stopped(error, lines)
    seed = np.ones(output._array.shape, output._array.dtype)
    last = lines.ids[output._birth]
    return Trace(lines.lines, steps, watched.layers, last, seed, None, lines.nodes)


def failed(
    error: BaseException, nodes: Iterable[Node], names: Names, watched: Watched, layer: str | None
) -> Trace:
    """Explain a forward pass as far as it came: `nodes`, and what the frames of an error hold.

    Args:
        error: what was raised.
        nodes: that were recorded.
        names: what the learner calls things; takes the variables of their functions that failed.
        watched: what was seen while the pass ran.
        layer: in which it was raised, as an error names it, where known.
    """
    found = behind([*nodes, *nodes_in(error, names, is_learners)])
    lines = Lines(names, watched)
    for node in _in_order(found):
        lines.add(node)
    inside = {id(owner): number for number, owner in enumerate(watched.owners)}
    numbers = (inside.get(id(each)) for each in failing_layers(error))
    made = Made(next((n for n in numbers if n is not None), None), None)
    failure = forward_failure(error, lines, made, layer, is_learners)
    _show_forwards(lines)
    _tell_gradients_from_values(lines.lines)
    return Trace(lines.lines, [], watched.layers, None, None, failure, lines.nodes)


def _stopped(error: Exception, lines: Lines) -> Trace:
    """Explain the forward pass alone, with the call whose rule raised an error."""
    found = failing_rule(error)
    if found is None:  # not of a rule: the walk was refused
        raise error
    node, g = found
    line = lines.lines[lines.ids[node._birth]]
    for each in lines.lines:
        each.gradient, each.on_path, each.paths = None, False, 0
    group = None if line.layer is None else lines.watched.layers[line.layer]
    layer = None if group is None else f"{group.path} {group.title}"
    failure = backward_failure(error, line, node, g, layer, is_learners)
    return Trace(lines.lines, [], lines.watched.layers, None, None, failure, lines.nodes)


def _tell_gradients_from_values(lines: Iterable[Line]) -> None:
    """Call the gradient of x d(x) where a value is called dx."""
    names = {line.name for line in lines}
    for line in lines:
        if line.d in names:
            line.d = f"d({line.name})"


def _show_forwards(lines: Lines) -> None:
    """Give the calls of layers that people wrote by hand the source of their forward."""
    for line, node in zip(lines.lines, lines.nodes, strict=True):
        kind = None if node is None else node._function
        written = vars(kind).get("forward") if isinstance(kind, type) else None
        if inspect.isfunction(written) and is_learners(written.__code__.co_filename):
            line.forward = source_of(written)


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
