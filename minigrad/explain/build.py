"""From a recorded graph to an explanation: lines in order of birth, steps in the order of the walk.

The steps are not computed here. The engine's one backward pass runs, and is watched.
"""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from minigrad.backward import gradients, leaves
from minigrad.explain.calls import call_text, index_text, literal
from minigrad.explain.model import Contribution, Group, Line, Step, Trace
from minigrad.explain.names import Names, arrays_of
from minigrad.explain.rules import rule_text
from minigrad.graph import Array, Node, called, each, input_node
from minigrad.layers.by_hand import Pullback
from minigrad.tensor import GETITEM


class Made(NamedTuple):
    """Where a call was recorded: in which call of a layer, and by which line of whose code."""

    layer: int | None
    source: tuple[str, int] | None


class Watched(NamedTuple):
    """What was seen while the forward pass ran; empty for a graph that was there already."""

    made: dict[int, Made]  # by the birth of the node
    layers: list[Group]
    owners: list[Any]  # the layer behind each group


def traced(output: Node | None, nodes: Iterable[Node], names: Names, watched: Watched) -> Trace:
    """Explain the graph of `nodes`, and the walk back from `output` to its leaves."""
    lines = Lines(names, watched)
    for node in sorted(nodes, key=lambda node: node._birth):
        lines.add(node)
    if output is None:
        return Trace(lines.lines, [], watched.layers, None, None, None, lines.nodes)
    steps = walked(output, lines)
    seed = np.ones(output._data.shape, output._data.dtype)
    last = lines.ids[output._birth]
    return Trace(lines.lines, steps, watched.layers, last, seed, None, lines.nodes)


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


class Lines:
    """The lines of a graph, made one after the other, operands first."""

    def __init__(self, names: Names, watched: Watched) -> None:
        self.names, self.watched = names, watched
        self.lines: list[Line] = []
        self.nodes: list[Node | None] = []  # behind each line; None for data
        self.ids: dict[int, int] = {}  # by birth
        self._data: dict[Any, int] = {}  # arrays that take part, by name or identity
        self._unnamed = 0
        self._used: set[str] = set()
        names.reserve()

    def add(self, node: Node) -> None:
        """Make the line of a node, and of the arrays that its call was given."""
        made = self.watched.made.get(node._birth, Made(None, None))
        known, named = self.names.of_node(node), self.names.is_learners(node)
        if known in self._used:  # x = relu(x) in a function: the second x is x2
            known = self.names.unique(known)
        if known is not None:
            self._used.add(known)
        if node._function is None or node._function is input_node:
            kind = "leaf" if node._function is None else "data"
            name = known or self._invented(None)
            value = node._data.copy()  # a parameter's array goes on to be trained
            self._append(node, Line(len(self.lines), kind, name, named, value))
            return
        operands = tuple(self._operand(a, made) for a in node._arguments)
        texts = [self.text(a, i) for a, i in zip(node._arguments, operands, strict=True)]
        if node._function is GETITEM:
            texts[1] = index_text(node._arguments[1], self.names.of_array)
        name = known or self._invented(node)
        line = Line(len(self.lines), "call", name, named, node._data)
        line.call = call_text(node._function, texts, node._keywords)
        line.function = called(node._function)
        line.operands, line.layer, line.source = operands, made.layer, made.source
        if made.layer is not None:
            self.watched.layers[made.layer].lines.append(line.id)
        self._append(node, line)

    def text(self, argument: Any, line: int | None) -> str:
        """Write an argument: the name of its line, or itself."""
        return self.lines[line].name if line is not None else literal(argument, self.names.of_array)

    def _append(self, node: Node | None, line: Line) -> None:
        self.lines.append(line)
        self.nodes.append(node)
        if node is not None:
            self.ids[node._birth] = line.id

    def _operand(self, argument: Any, made: Made) -> int | None:
        """Find the line of an argument; None for a number, an index, an option."""
        if isinstance(argument, Node):
            return self.ids[argument._birth]
        if not isinstance(argument, np.ndarray) or argument.ndim == 0:
            return None
        name = self.names.of_array(argument)
        found = None if name is not None else self._attribute(argument, made)
        key = name or found or id(argument)
        if key not in self._data:
            shown = name or self.names.unique(found or "c")
            line = Line(len(self.lines), "data", shown, bool(name or found), argument)
            line.layer = made.layer if found else None
            self._append(None, line)
            self._data[key] = line.id
        return self._data[key]

    def _attribute(self, array: Array, made: Made) -> str | None:
        """Find the attribute of the layer that holds an array: mask."""
        if made.layer is None:
            return None
        for name, held in arrays_of(self.watched.owners[made.layer]):
            if held.shape == array.shape and np.array_equal(held, array):
                return name
        return None

    def _invented(self, node: Node | None) -> str:
        """Make a name for what has none: p for the probabilities, else v1, v2 …"""
        if node is not None and called(node._function or literal) == "_probabilities":
            return self.names.unique("p")
        self._unnamed += 1
        name = f"v{self._unnamed}"
        unique = self.names.unique(name)
        return unique if unique == name else self._invented(node)


# ---- the walk back -------------------------------------------------------------------------------
def walked(output: Node, lines: Lines) -> list[Step]:
    """Run the engine's backward pass, and write down what it does."""
    steps: list[Step] = []
    open_operands: list[int] = []  # of the current call, those that were not asked for yet

    def watch(node: Node, operand: Node, g: Any, made: Any, share: Any) -> None:
        line = lines.ids[node._birth]
        if not steps or steps[-1].line != line:
            steps.append(_step(len(steps), node, line, g))
            open_operands[:] = range(len(node._arguments))
            lines.lines[line].gradient = g
        while node._arguments[open_operands[0]] is not operand:
            open_operands.pop(0)
        position = open_operands.pop(0)
        to = lines.lines[lines.ids[operand._birth]]
        to.paths += 1
        to.on_path = True
        running = share if to.gradient is None else to.gradient + share
        to.gradient = np.asarray(running)
        made = np.asarray(made)
        steps[-1].contributions.append(
            Contribution(to.id, position, "", "", None, made, share, to.paths, 0, to.gradient)
        )

    wrt = leaves(output)
    gradients(output, wrt, np.ones(output._data.shape), watch=watch)
    for step in steps:
        _explain_rules(step, lines)
    last = lines.lines[lines.ids[output._birth]]
    last.on_path = True
    if last.gradient is None:
        last.gradient = np.ones(output._data.shape, output._data.dtype)
    return steps


def _step(index: int, node: Node, line: int, g: Any) -> Step:
    """Begin a step; of a layer written by hand, show its backward and what it kept for it."""
    step = Step(index, line, np.asarray(g), [])
    if isinstance(node._rules, Pullback):
        layer = node._rules.layer
        step.caches = dict(arrays_of(layer))
        try:
            step.backward = textwrap.dedent(inspect.getsource(type(layer).backward))
        except (OSError, TypeError):
            step.note = (
                f"{type(layer).__name__}.backward is written by hand, and its source is not to be "
                "had here: the class was made by exec or typed into a session"
            )
    return step


def _explain_rules(step: Step, lines: Lines) -> None:
    """Write the rule of each contribution in the names of the graph."""
    line = lines.lines[step.line]
    node = lines.nodes[step.line]
    assert node is not None
    values = [step.gradient, node._data, *node._values]
    pairs = zip(node._arguments, line.operands, strict=True)
    texts = [line.d, line.name, *(lines.text(a, i) for a, i in pairs)]
    joint = type(node._rules) is not tuple
    rules = list(zip(node._arguments, each(node._rules), strict=False))
    for c in step.contributions:
        to = lines.lines[c.to]
        c.paths = to.paths
        rule = rules[c.position][1]
        if isinstance(rule, Pullback):
            c.local = f"{type(rule.layer).__name__}.backward({line.d})"
            if c.position >= len(node._arguments) - len(rule.params):
                c.local = f"{to.d} of {c.local}"
        else:
            found = rule_text(rule, c.position if joint else None, texts, values, node._keywords)
            c.local, c.rule_source = found.text, found.source
            step.note = step.note or found.note
        c.rule, c.summed, c.note = _unbroadcast(c, to, line)


def _unbroadcast(c: Contribution, to: Line, line: Line) -> tuple[str, tuple[int, ...], str]:
    """Say how the engine undid broadcasting, as code and in words."""
    made, wanted = c.made.shape, to.value.shape
    note = ""
    if c.made.dtype != to.value.dtype:
        note = f"and converted back from {c.made.dtype} to {to.value.dtype}"
    if made == wanted:
        return c.local, (), note.removeprefix("and ")
    extra = len(made) - len(wanted)
    padded = (1,) * extra + wanted
    axes = tuple(i for i, n in enumerate(padded) if i < extra or n != made[i])
    code = c.local if c.local.isidentifier() or c.local.endswith(")") else f"({c.local})"
    if c.local.endswith(")") and not _is_one_call(c.local):
        code = f"({c.local})"
    if axes == tuple(range(len(made))) and not wanted:
        code += ".sum()"
    elif not any(i >= extra for i in axes):
        code += f".sum(axis={axes[0] if len(axes) == 1 else axes})"
    elif extra == 0:
        code += f".sum(axis={axes[0] if len(axes) == 1 else axes}, keepdims=True)"
    else:
        code += f".sum(axis={axes}).reshape({wanted})"
    if not wanted:
        words = f"{to.name} is one number, and was used for every entry of {line.name}"
    elif axes == (0,) and extra == 1:
        words = f"{to.name} was broadcast over the batch"
    else:
        listed = " and ".join(map(str, axes))
        words = f"{to.name} was broadcast along {'axes' if len(axes) > 1 else 'axis'} {listed}"
    words += ": its gradient is the sum over the copies"
    return code, axes, f"{words}, {note}" if note else words


def _is_one_call(text: str) -> bool:
    """Tell whether a text is one call, f(…), so that .sum() can follow it."""
    depth = 0
    for i, character in enumerate(text):
        depth += (character == "(") - (character == ")")
        if depth == 0 and character == ")" and i < len(text) - 1:
            return False
    return text[: text.index("(")].replace(".", "").isidentifier()
