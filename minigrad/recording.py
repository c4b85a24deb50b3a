"""A recorded objective, run again on other batches of the same shape.

A network is recorded anew at each call, because the next call may compute something else. Where all
layers promise that it will not (`Layer.is_static`), the record can be kept: a `Recording` holds the
calls without their arrays, and the rules in the order of the walk back. Nothing is looked up,
checked or recorded again. Same functions, same rules, same order: the same bits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any, NamedTuple

import numpy as np

from minigrad.backward import between, delivered, fitted, is_entrywise, zero_wins
from minigrad.graph import MASKING, Array, Function, Node


class UnrepeatableError(Exception):
    """Some array takes part that another batch might change."""


class _Call(NamedTuple):
    function: Function
    inputs: Callable[[list[Any]], tuple[Any, ...]]  # picks the arguments out of the memory
    keywords: dict[str, Any]
    place: int  # of the output


class _Step(NamedTuple):
    call: int  # which of the calls is on the way back
    function: Function
    keywords: dict[str, Any]
    place: int
    shares: list[tuple[Function, int, tuple[int, ...], np.dtype[Any]]]  # rule, and its operand
    clears: bool


class Recording:
    """The calls and rules behind the gradients of a scalar by its parameters.

    The output itself is not computed again: no rule of a static loss asks for its value.
    """

    def __init__(self, output: Node, x: Array, t: Array, parameters: Sequence[Node]) -> None:
        """Read the graph of `output`, which was computed from the arrays `x` and `t`.

        Raises:
            UnrepeatableError: when some other array takes part, which another batch might change.
        """
        self.parameters = parameters
        self.output = type(output), output._data.dtype
        self.scores: tuple[int, ...] = output._arguments[0].shape
        nodes = _calls(output)
        inputs = (x, t, *parameters, *nodes)
        self.places = {id(known): place for place, known in enumerate(inputs)}
        self.constants: list[Any] = []
        self.calls = [self._call(node) for node in nodes]
        self.steps = self._steps(output, nodes)
        self.size = len(inputs)

    def _call(self, node: Node) -> _Call:
        function: Any = node._function
        if any(isinstance(value, (np.ndarray, list)) for value in node._keywords.values()):
            raise UnrepeatableError(f"{function} has an array among its options")
        function = getattr(function, "__wrapped__", function)  # without a look for Tensors
        sources = tuple(self._source(argument) for argument in node._arguments)
        return _Call(function, _picker(sources), node._keywords, self.places[id(node)])

    def _source(self, argument: Any) -> int:
        """Find where in the memory an argument will be."""
        if id(argument) in self.places:
            return self.places[id(argument)]
        if isinstance(argument, (Node, np.ndarray, list)):
            raise UnrepeatableError("an array that is neither the batch nor a parameter")
        self.constants.append(argument)
        return len(self.places) + len(self.constants) - 1

    def _steps(self, output: Node, nodes: Sequence[Node]) -> list[_Step]:
        """Write down what the walk back does."""
        targets = {node._birth for node in self.parameters}
        path = between(output, targets)
        leads = targets.union(node._birth for node in path)
        steps, careful = [], False
        for node in reversed(path):
            function: Any = node._function
            rules, keywords = node._rules, node._keywords
            if type(rules) is not tuple:
                raise UnrepeatableError(f"{function} has a joint rule")
            careful = careful or function in MASKING
            shares = []
            for rule, operand in zip(rules, node._arguments, strict=False):
                if rule is not None and isinstance(operand, Node) and operand._birth in leads:
                    a = operand._data
                    shares.append((rule, self.places[id(operand)], a.shape, a.dtype))
            place = self.places[id(node)]
            clears = careful and is_entrywise(function)
            call = place - self.places[id(nodes[0])]
            steps.append(_Step(call, function, keywords, place, shares, clears))
        return steps

    def gradients(self, x: Array, t: Array) -> list[Any]:
        """Run forward and back on another batch, of the same shapes and dtypes."""
        memory: list[Any] = [x, t, *[p._data for p in self.parameters]]
        memory += [None] * (self.size - len(memory))
        memory += self.constants
        inputs: list[Any] = []
        for function, pick, keywords, place in self.calls[:-1]:
            arguments = pick(memory)
            inputs.append(arguments)
            y = function(*arguments, **keywords)
            memory[place] = y if type(y) is np.ndarray else np.asarray(y)
        inputs.append(self.calls[-1].inputs(memory))
        totals: list[Any] = [None] * self.size
        kind, dtype = self.output
        seed = totals[self.size - 1] = np.ones((), dtype)
        own: set[int] = set()
        with np.errstate(all="ignore"):
            for call, function, keywords, place, shares, clears in self.steps:
                g, y, arguments = totals[place], memory[place], inputs[call]
                totals[place] = memory[place] = inputs[call] = None
                for rule, target, shape, dtype in shares:
                    share = rule(g, y, *arguments, **keywords)
                    if clears:
                        share = zero_wins(g, share)
                    if share.shape != shape or share.dtype != dtype:
                        share = fitted(share, memory[target], function)
                    total = totals[target]
                    if total is None:
                        totals[target] = share
                    elif target in own:
                        totals[target] += share
                    else:
                        totals[target] = total + share
                        own.add(target)
        shared = {id(seed)}
        return [
            delivered(kind, p, total, shared, False)
            for p, total in zip(self.parameters, totals[2:], strict=False)
        ]


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


def _picker(places: tuple[int, ...]) -> Callable[[list[Any]], tuple[Any, ...]]:
    """Make the function that picks these places out of a list, as a tuple."""
    if len(places) == 1:
        (place,) = places
        return lambda memory: (memory[place],)
    return itemgetter(*places)
