"""A recorded objective, run again on other batches of the same shape.

A network is recorded anew at each call, because the next call may compute something else. Where all
layers promise that it will not (`Layer.is_static`), the record can be kept: a `Recording` writes
down the calls, and the rules in the order of the walk back, as a function in Python:

    y3 = affine(x, p0, p1)
    y4 = softmax_cross_entropy(…)
    …

Nothing is looked up, checked or recorded again. Same functions, same rules, same order: the same
bits.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minigrad.backward import between, delivered
from minigrad.graph import Array, Node
from minigrad.shares import fitted, is_entrywise, zero_wins
from minigrad.table import MASKING


class UnrepeatableError(Exception):
    """Some array takes part that another batch might change."""


class Recording:
    """The calls and rules behind the gradients of a scalar by its parameters.

    `source` is the function that is played. The output itself is not computed again: no rule of a
    static loss asks for its value.
    """

    def __init__(self, output: Node, x: Array, t: Array, parameters: Sequence[Node]) -> None:
        """Read the graph of `output`, which was computed from the arrays `x` and `t`.

        Raises:
            UnrepeatableError: when some other array takes part, which another batch might change.
        """
        self.parameters = parameters
        self.kind = type(output)
        self.scores: tuple[int, ...] = output._arguments[0].shape
        writer = _Writer(output, x, t, parameters)
        self.source = writer.source
        exec(compile(self.source, "<recording>", "exec"), writer.known)
        self._play: Callable[..., list[Any]] = writer.known["play"]

    def gradients(self, x: Array, t: Array) -> list[Any]:
        """Run forward and back on another batch, of the same shapes and dtypes."""
        found: list[Any] = []
        shared: set[int] = set()
        totals = self._play(x, t, *[p._array for p in self.parameters])
        for p, total in zip(self.parameters, totals, strict=True):
            if type(total) is not np.ndarray or total.base is not None or id(total) in shared:
                total = delivered(self.kind, p, total, shared, False)
            shared.add(id(total))
            found.append(total)
        return found


class _Writer:
    """Writes the graph of a scalar down as a function in Python."""

    def __init__(self, output: Node, x: Array, t: Array, parameters: Sequence[Node]) -> None:
        self.known: dict[str, Any] = {
            "one": functools.partial(np.array, 1),  # np.ones takes four times as long
            "array": np.ndarray,
            "asarray": np.asarray,
            "errstate": np.errstate,
            "fitted": fitted,
            "zero_wins": zero_wins,
        }
        nodes = _calls(output)
        self.names = {id(x): "x", id(t): "t"}
        self.names |= {id(p): f"p{i}" for i, p in enumerate(parameters)}
        self.names |= {id(node): f"y{i}" for i, node in enumerate(nodes, start=1)}
        given = ", ".join(["x", "t", *(f"p{i}" for i in range(len(parameters)))])
        self.lines: list[str] = []
        for node in nodes[:-1]:
            self._call(node)
        self._arguments(output)  # which refuses what another batch might change
        self.lines.append('with errstate(all="ignore"):')
        self._back(output, parameters)
        totals = [self._total(p) if id(p) in self.sums else "None" for p in parameters]
        self.lines.append(f"return [{', '.join(totals)}]")
        body = "".join(f"    {line}\n" for line in _letting_go(self.lines))
        self.source = f"def play({given}):\n{body}"

    def _call(self, node: Node) -> None:
        """Write a call of the forward pass."""
        y, function = self.names[id(node)], node._function
        function = getattr(function, "__wrapped__", function)  # without a look for Tensors
        self.lines += [
            f"{y} = {self._name(function, 'function')}({self._arguments(node)})",
            f"if type({y}) is not array: {y} = asarray({y})",
        ]

    def _arguments(self, node: Node) -> str:
        """Write the arguments of a call."""
        if any(isinstance(value, (np.ndarray, list)) for value in node._keywords.values()):
            raise UnrepeatableError(f"{node._function} has an array among its options")
        given = [self._argument(argument) for argument in node._arguments]
        if node._keywords:
            given.append(f"**{self._constant(node._keywords)}")
        return ", ".join(given)

    def _argument(self, argument: Any) -> str:
        """Write an argument: something computed here, a parameter, the batch, or an option."""
        if id(argument) not in self.names and isinstance(argument, (Node, np.ndarray, list)):
            raise UnrepeatableError("an array that is neither the batch nor a parameter")
        return self._constant(argument)

    def _back(self, output: Node, parameters: Sequence[Node]) -> None:
        """Write the walk back."""
        targets = {node._birth for node in parameters}
        path, births = between(output, targets)
        dtype = self._constant(output._array.dtype)
        self.lines.append(f"    {self._total(output)} = one({dtype})")
        self.lines.append(f"    {self.names[id(output)]} = None")
        self.sums: dict[int, int] = {}
        careful = False
        for node in reversed(path):
            function: Any = node._function
            if type(node._rules) is not tuple:
                raise UnrepeatableError(f"{function} has a joint rule")
            careful = careful or function in MASKING
            for rule, x in zip(node._rules, node._arguments, strict=False):
                if rule is not None and isinstance(x, Node) and x._birth in births:
                    self._share(node, rule, x, careful and is_entrywise(function))

    def _share(self, node: Node, rule: Any, x: Node, clears: bool) -> None:
        """Write what a rule gives to one operand."""
        g, y = self._total(node), self.names[id(node)]
        name, function = self._name(rule, "rule"), self._name(node._function, "function")
        shape, dtype = x._array.shape, self._constant(x._array.dtype)
        lines = [f"s = {name}({g}, {y}, {self._arguments(node)})"]
        if clears:
            lines.append(f"s = zero_wins({g}, s)")
        lines.append(
            f"if s.shape != {shape} or s.dtype != {dtype}: "
            f"s = fitted(s, {self.names[id(x)]}, {function})"
        )
        total, earlier = self._total(x), self.sums.get(id(x), 0)
        sums = (
            f"{total} = s",
            f"{total} = {total} + s",
            f"{total} += s",
        )  # a sum is ours to add to
        self.lines += [f"    {line}" for line in (*lines, sums[min(earlier, 2)])]
        self.sums[id(x)] = earlier + 1

    def _total(self, node: Node) -> str:
        return "g_" + self.names[id(node)]

    def _constant(self, value: Any) -> str:
        return self._name(value, "constant")

    def _name(self, value: Any, label: str = "") -> str:
        """Give what is not computed here a name, the same each time: affine2, rule5."""
        if id(value) not in self.names:
            own = getattr(value, "__name__", label) if callable(value) else label
            label = own if own.isidentifier() else label
            self.names[id(value)] = name = f"{label}_{len(self.known)}"
            self.known[name] = value
        return self.names[id(value)]


_COMPUTED = re.compile(r"\b(?:g_)?y\d+\b")


def _letting_go(lines: Sequence[str]) -> list[str]:
    """Drop each result after the line that reads it last, so that its memory is used again."""
    written: list[str] = []
    later: set[str] = set()
    for line in reversed(lines):
        last = sorted(set(_COMPUTED.findall(line)) - later)
        if last and not line.startswith("return"):
            indent = line[: len(line) - len(line.lstrip())]
            written.append(f"{indent}del {', '.join(last)}")
        later.update(last)
        written.append(line)
    return written[::-1]


class Recordings:
    """The recording of batches like the latest one, made when such a batch comes a second time."""

    def __init__(self) -> None:
        self._latest: Any = None
        self._times = 0
        self._recording: Recording | None = None

    def like(self, batch: Any, record: Callable[[], Recording | None]) -> Recording | None:
        """Return the recording for a batch like this, where there is one."""
        if batch != self._latest:
            self._latest, self._times, self._recording = batch, 0, None
        self._times += 1
        if self._times == 2:
            self._recording = record()
        return self._recording


def _calls(output: Node) -> list[Node]:
    """List all calls behind `output`, oldest first; also those that are needed for values alone."""
    found: dict[int, Node] = {}
    stack = [output]
    while stack:
        node = stack.pop()
        if node._function is not None and node._birth not in found:
            found[node._birth] = node
            stack += [argument for argument in node._arguments if isinstance(argument, Node)]
    return [found[birth] for birth in sorted(found)]
