"""The lines of the forward pass: what was computed from what, in the learner's names."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from minigrad.explain.data.calls import call_text, index_text, literal
from minigrad.explain.data.holes import chosen, filled, hole
from minigrad.explain.data.located import written_out
from minigrad.explain.data.model import Group, Line
from minigrad.explain.data.names import Names, arrays_of, place
from minigrad.graph import Array, Node, input_node
from minigrad.kinds import called
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
    plain: list[Node]  # what layers made of data alone: nothing of it was recorded
    kept: list[dict[int, tuple[str, Array]]]  # of each group, arrays in attributes, by identity


class Lines:
    """The lines of a graph, made one after the other, operands first."""

    def __init__(self, names: Names, watched: Watched) -> None:
        self.names, self.watched = names, watched
        self.lines: list[Line] = []
        self.nodes: list[Node | None] = []  # behind each line; None for data
        self.ids: dict[int, int] = {}  # by birth
        self._array: dict[Any, list[int]] = {}  # arrays that take part, by name or identity
        self._unnamed = 0
        self._used: set[str] = set()
        names.reserve()

    def add(self, node: Node) -> None:
        """Make the line of a node, and before it those of the arrays that its call was given."""
        if node._function is None or node._function is input_node:
            kind = "leaf" if node._function is None else "data"
            value = node._array.copy()  # a parameter's array goes on to be trained
            name, named = self._name(node)
            self._append(node, Line(len(self.lines), kind, name, named, value))
            return
        made = self.watched.made.get(node._birth, Made(None, None))
        self._look_up(node)
        operands = tuple(self.operand(a, made, node._birth) for a in node._arguments)
        texts = [self.text(a, i) for a, i in zip(node._arguments, operands, strict=True)]
        if node._function is GETITEM:
            texts[1] = index_text(node._arguments[1], self.names.of_array)
        name, named = self._name(node)
        line = Line(len(self.lines), "call", name, named, node._array)
        line.call = call_text(node._function, texts, node._keywords)
        line.function = called(node._function)
        line.operands, line.layer, line.source = operands, made.layer, made.source
        if made.layer is not None:
            self.watched.layers[made.layer].lines.append(line.id)
        self._append(node, line)

    def _look_up(self, node: Node) -> None:
        """Find out in the learner's file what arrays are called that may be several things."""
        scope, names, function = self.names.scope, self.names, node._function
        is_known = node._birth > names.since or isinstance(function, type)
        if scope is None or function is None or is_known:
            return
        alike = {
            k: found
            for k, a in enumerate(node._arguments)
            if isinstance(a, np.ndarray) and a.ndim and (found := names.alike(a))
        }
        if not alike:
            return
        texts = [hole(k) if k in alike else self._whole(a) for k, a in enumerate(node._arguments)]
        fills = filled(scope, call_text(function, texts, node._keywords), [*alike])
        for k, written in fills.items():
            name = chosen(written, alike[k], names.others(alike[k]))
            names.told(node._arguments[k], name)

    def _whole(self, argument: Any) -> str:
        """Write an argument with calls that have no name written out."""
        if not isinstance(argument, Node):
            return literal(argument, self.names.of_array)
        line = self.lines[self.ids[argument._birth]]
        is_named = line.named or line.kind != "call"
        return line.name if is_named else f"({written_out(self.lines, line)})"

    def _name(self, node: Node) -> tuple[str, bool]:
        """Name a value, and tell whether the name is the learner's.

        Where a name has changed hands, as in x = relu(x), the later value is called by the layer
        that made it, or numbered.
        """
        learners = self.names.of_node(node)
        for name, named in ((learners, True), (self.names.outputs.get(id(node)), False)):
            if name is not None and name not in self._used:
                self._used.add(name)
                return name, named
        name = self.names.unique(learners) if learners else self._invented(node)
        self._used.add(name)
        return name, learners is not None

    def text(self, argument: Any, line: int | None) -> str:
        """Write an argument: the name of its line, or itself."""
        return self.lines[line].name if line is not None else literal(argument, self.names.of_array)

    def _append(self, node: Node | None, line: Line) -> None:
        self.lines.append(line)
        self.nodes.append(node)
        if node is not None:
            self.ids[node._birth] = line.id

    def operand(self, argument: Any, made: Made, before: float = math.inf) -> int | None:
        """Find the line of an argument; None for a number, an index, an option.

        `before` is the birth of the call whose argument it is.
        """
        if isinstance(argument, Node):
            return self.ids[argument._birth]
        if not isinstance(argument, np.ndarray) or argument.ndim == 0:
            return None
        plain = self._made_of_data(argument, before)
        if plain is not None:
            return plain
        exactly = math.inf > before > self.names.since
        name = self.names.of_array(argument, exactly)
        found = None if name is not None else self._attribute(argument, made)
        in_layer = found is not None
        found = found or (None if name is not None else self.names.of_part(argument, exactly))
        key = name or found or id(self.names.original(argument))
        for known in self._array.setdefault(key, []):
            if np.array_equal(self.lines[known].value, argument, argument.dtype.kind in "fc"):
                return known
        shown = name if name and name not in self._used else None
        label = name or found
        shown = shown or (self.names.unique(label) if label else self.names.constant())
        self._used.add(shown)
        line = Line(len(self.lines), "data", shown, bool(name or found), argument)
        line.layer = made.layer if in_layer else None
        self._append(None, line)
        self._array[key].append(line.id)
        return line.id

    def holding(self, array: Any) -> int | None:
        """Find the line whose values an array shows, as x.data does: all of the same memory."""
        where = place(array) if isinstance(array, np.ndarray) and array.ndim else None
        for line, node in zip(self.lines, self.nodes, strict=True):
            if where is not None and node is not None and place(node._array) == where:
                return line.id
        return None

    def _made_of_data(self, array: Array, before: float) -> int | None:
        """Find the call of a layer that made an array of data alone, and make its line.

        A layer that changes nothing gives back what it got: the call that came last counts.
        """
        original = self.names.original(array)
        for node in reversed(self.watched.plain):
            if node._birth < before and self.names.original(node._array) is original:
                if node._birth not in self.ids:
                    self.add(node)
                return self.ids[node._birth]
        return None

    def _attribute(self, array: Array, made: Made) -> str | None:
        """Find the attribute of the layer that holds an array: mask."""
        if made.layer is None:
            return None
        if self.watched.kept:
            return self.watched.kept[made.layer].get(id(self.names.original(array)), (None,))[0]
        held = arrays_of(self.watched.owners[made.layer])
        alike = [k for k, a in held if a.shape == array.shape and np.array_equal(a, array)]
        return alike[0] if len(alike) == 1 else None

    def _invented(self, node: Node) -> str:
        """Make a name for what has none: p for the probabilities, else v1, v2 …"""
        if node._function is not None and called(node._function) == "_probabilities":
            return self.names.unique("p")
        self._unnamed += 1
        name = f"v{self._unnamed}"
        unique = self.names.unique(name)
        return unique if unique == name else self._invented(node)
