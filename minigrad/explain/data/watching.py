"""Watching a forward pass: which layer, which line of whose code, makes each call.

Nothing of it is in the engine. While the pass runs, Python's profiler hook sees functions begin and
end: a layer's call, and the recording of a node.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, NamedTuple

import numpy as np

import minigrad.graph
from minigrad.explain.data.forward import Made, Watched
from minigrad.explain.data.model import Group
from minigrad.explain.data.names import Names
from minigrad.explain.data.stopped import failing_layers, given, self_of
from minigrad.graph import NO_KEYWORDS, Array, Node, input_node, record
from minigrad.layers.by_hand import Pullback
from minigrad.tensor import Tensor

_HOMES = (Path(minigrad.graph.__file__).parent, Path(np.__file__).parent)
_THEIRS = (*(f"{home}{os.sep}" for home in _HOMES), "<frozen")
_RECORD = minigrad.graph.record.__code__


def is_learners(file: str) -> bool:
    """Tell the files of people from those of minigrad and NumPy."""
    return not file.startswith(_THEIRS)


class _Open(NamedTuple):
    """A call of a layer that has not returned."""

    frame: FrameType
    group: int
    given: list[Any]


class Watching:
    """A context manager that notes what is recorded while it is open.

    Args:
        layers: paths and layers to look out for.
        names: takes the names of local variables, as functions return.
    """

    def __init__(self, layers: list[tuple[str, Any]], names: Names) -> None:
        self.names = names
        self.nodes: list[Node] = []
        self.watched = Watched({}, [], [], [])
        self._paths = {id(layer): path for path, layer in layers}
        self._calls: dict[CodeType, bool] = {}
        for _, layer in layers:
            code = getattr(type(layer).__call__, "__code__", None)
            if code is not None:
                self._calls[code] = True
        self._open: list[_Open] = []
        self._times: dict[int, int] = {}
        self._kinds: dict[str, int] = {}
        self._before: Any = None

    def __enter__(self) -> Watching:
        self._before = sys.getprofile()
        self._root = sys._getframe(1)
        sys.setprofile(self._see)
        return self

    def __exit__(self, *error: object) -> None:
        sys.setprofile(self._before if callable(self._before) else None)
        for group in self.watched.layers:
            group.calls = self._times[id(self.watched.owners[group.id])]

    def innermost(self, error: BaseException) -> str | None:
        """Name the innermost layer that an error came out of, as errors do: net[0] Affine(2, 3)."""
        for layer in failing_layers(error):
            path = self._paths.get(id(layer), "net")
            if path != "net":
                return f"{path} {one_line(layer)}"
        return None

    def _see(self, frame: FrameType, event: str, argument: Any) -> None:
        code = frame.f_code
        if event == "return":
            if code is _RECORD:
                if isinstance(argument, Node):
                    self._recorded(argument, frame)
            elif code in self._calls:
                self._leave(frame, argument)
            if is_learners(code.co_filename):
                self._named(frame)
        elif event == "call" and code in self._calls:
            self._enter(frame)

    def _enter(self, frame: FrameType) -> None:
        """Note that a layer is called."""
        layer: Any = self_of(frame)
        if id(layer) not in self._paths or (self._open and self._same(layer)):
            return
        groups = self.watched.layers
        parent = self._open[-1].group if self._open else None
        path = self._paths[id(layer)]
        if path == "net":
            return
        self._times[id(layer)] = number = self._times.get(id(layer), 0) + 1
        kind = type(layer._owner).__name__  # the learner's class, also where it had to be wrapped
        groups.append(Group(len(groups), path, one_line(layer), kind, parent, number))
        self.watched.owners.append(layer)
        self._open.append(_Open(frame, groups[-1].id, given(frame)))

    def _leave(self, frame: FrameType, output: Any) -> None:
        """Note that a layer returns, and what."""
        if not self._open or self._open[-1].frame is not frame:
            return
        call = self._open.pop()
        if isinstance(output, np.ndarray):
            output = self._of_data(call, output)
        if isinstance(output, Node):
            kind = self.watched.layers[call.group].kind
            if id(output) not in self.names.outputs:
                count = self._kinds[kind] = self._kinds.get(kind, 0) + 1
                self.names.outputs[id(output)] = f"{kind.lower()}{count}"

    def _of_data(self, call: _Open, output: Array) -> Node | None:
        """Make a node of what a layer computed of data alone, for the lines; no graph leads to it.

        The first layer of a net is given arrays: where it has no parameters, nothing is recorded.
        """
        layer = self.watched.owners[call.group]
        if layer.structure().inner or any(isinstance(a, Node) for a in call.given):
            return None
        arrays = tuple(a.copy() for a in call.given if isinstance(a, np.ndarray))
        owner = layer._owner
        rules = Pullback(owner, arrays, {}, dict) if hasattr(owner, "backward") else ()
        node = record(Tensor, type(owner), rules, arrays, arrays, NO_KEYWORDS, output.copy())
        self.watched.made[node._birth] = Made(call.group, None)
        self.watched.plain.append(node)
        return node

    def _same(self, layer: Any) -> bool:
        """Tell whether the innermost call that is open is this layer's: a wrapper of itself."""
        return self.watched.owners[self._open[-1].group] is layer

    def _recorded(self, node: Node, frame: FrameType) -> None:
        if node._function is not None and node._function is not input_node:
            layer = self._open[-1].group if self._open else None
            self.watched.made[node._birth] = Made(layer, self._written_at(frame))
            self.nodes.append(node)

    def _written_at(self, frame: FrameType | None) -> tuple[str, int] | None:
        """Find the line of the learner's code that made a call."""
        while frame is not None and frame is not self._root:
            if is_learners(frame.f_code.co_filename):
                self._named(frame)  # what was assigned before this call
                return frame.f_code.co_filename, frame.f_lineno
            frame = frame.f_back
        return None

    def _named(self, frame: FrameType) -> None:
        """Note the names of Tensors among the locals of a function that returns."""
        for name, value in [*frame.f_locals.items()]:
            if isinstance(value, Node) and not name.startswith("_"):
                self.names.tensors.setdefault(id(value), name)
                self.names._alive.append(value)


def one_line(layer: Any) -> str:
    """Write a layer in one line: of one that prints its parts, its class."""
    try:
        text = repr(layer)
    except Exception:  # a __repr__ that fails is not what failed here
        text = type(layer).__name__
    return text.split("\n")[0].rstrip("(") if "\n" in text else text


class Locals:
    """A context manager that keeps the local variables of a file's functions, as they return.

    Of functions that are called more than once it keeps the last call's, so it holds no more than
    the file has variables.
    """

    def __init__(self, file: str) -> None:
        self._file = os.path.abspath(file)
        self._is_of_file: dict[str, bool] = {}
        self._kept: dict[CodeType, dict[str, Any]] = {}

    def __enter__(self) -> Locals:
        self._before = sys.getprofile()
        sys.setprofile(self._see)
        return self

    def __exit__(self, *error: object) -> None:
        sys.setprofile(self._before if callable(self._before) else None)

    def _see(self, frame: FrameType, event: str, argument: Any) -> None:
        if event != "return":
            return
        file = frame.f_code.co_filename
        if file not in self._is_of_file:
            self._is_of_file[file] = os.path.abspath(file) == self._file
        if self._is_of_file[file]:
            self._kept.pop(frame.f_code, None)
            self._kept[frame.f_code] = dict(frame.f_locals)

    def names(self) -> dict[str, Any]:
        """List the variables by name; those of the function that returned last come first."""
        found: dict[str, Any] = {}
        for variables in reversed(self._kept.values()):
            found = found | {k: v for k, v in variables.items() if k not in found}
        return found


def callable_name(function: Callable[..., Any]) -> str:
    """Name what a function computes: its own name, or y."""
    name = getattr(function, "__name__", "")
    return name if name.isidentifier() else "y"
