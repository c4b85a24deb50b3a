"""The forward pass, run again with other values of one leaf: what differences are taken of."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from minigrad.explain.data.model import Trace
from minigrad.explain.data.shares import refuse_written
from minigrad.graph import Array, Node
from minigrad.kinds import Function, called
from minigrad.table import RECORDED

_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


class UnrepeatableError(Exception):
    """A call cannot be run again to the same result."""


class Rerun(NamedTuple):
    """A forward pass that can be run again, in float64 as far as the calls allow it."""

    run: Callable[[int, Array], Array]  # (leaf, its values) -> the output
    precision: float  # the rounding of the coarsest floats that it computes with
    leaves: Collection[int]  # that can be moved


def rerun_of(trace: Trace) -> Rerun:
    """Make the function that runs a graph again; every call is compared with what was recorded.

    Raises:
        UnrepeatableError: when a call does not give the same again.
    """
    calls: dict[int, Call] = {}
    for line in trace.lines:
        if line.kind == "call" and not _is_of_data(trace.nodes[line.id]):
            refuse_written(trace, line.id)
            calls[line.id] = _compared(trace, line.id)
    to_the_bit = all(call.to_the_bit for call in calls.values())

    @functools.lru_cache(1)  # a leaf is asked for many times in a row
    def plan(leaf: int) -> list[tuple[int, Call, list[tuple[int, int]]]]:
        behind = _behind(trace, leaf)
        changing = {leaf, *behind}
        return [(line, calls[line], calls[line].among(changing)) for line in behind]

    def rerun(leaf: int, values: Array) -> Array:
        assert trace.output is not None
        known = trace.lines[trace.output].value
        if to_the_bit and np.array_equal(values, trace.lines[leaf].value):
            return known  # it was run with these
        changed: dict[int, Any] = {leaf: values}
        with np.errstate(all="ignore"):
            for line, call, places in plan(leaf):
                changed[line] = call.run(changed, places)
        return np.asarray(changed.get(trace.output, known))

    made = [call.made for call in calls.values()]
    return Rerun(rerun, coarsest(made), [line.id for line in trace.leaves])


def coarsest(dtypes: Iterable[np.dtype[Any]]) -> float:
    """Find the rounding of the coarsest floats among some dtypes; that of float64 at least.

    >>> coarsest([np.dtype(np.float64), np.dtype(np.float32), np.dtype(int)]) == 2.0**-23
    True
    """
    floats = [dtype for dtype in dtypes if dtype.kind in "fc"]
    return max([float(np.finfo(dtype).eps) for dtype in floats] + [float(np.finfo(float).eps)])


def _is_of_data(node: Node | None) -> bool:
    """Tell whether a call has no part in any gradient: no leaf changes what it makes."""
    return node is not None and not any(isinstance(a, Node) for a in node._arguments)


def reach(trace: Trace, leaf: int) -> int:
    """Count the calls that are run again when a leaf changes."""
    return len(_behind(trace, leaf))


def _behind(trace: Trace, leaf: int) -> list[int]:
    """List the calls that a leaf has a part in, in the order of the forward pass."""
    found, changing = [], {leaf}
    for line in trace.lines[leaf + 1 :]:
        if not changing.isdisjoint(line.operands):
            changing.add(line.id)
            found.append(line.id)
    return found


class Call:
    """A recorded call, ready to be run again in float64."""

    def __init__(self, trace: Trace, line: int) -> None:
        node = trace.nodes[line]
        assert isinstance(node, Node)
        function: Any = node._function
        if isinstance(function, type):
            raise UnrepeatableError(called(function))
        self.compute = RECORDED.get(function, getattr(function, "__wrapped__", function))
        count = _count(node, self.compute)
        self.operands = trace.lines[line].operands[:count]
        self.values = [_wide(value) for value in node._values[:count]]
        self.keywords = node._keywords
        self.made = trace.lines[line].value.dtype  # of what it makes in float64
        self.to_the_bit = False  # whether it gave what was recorded, to the last bit

    def among(self, lines: set[int]) -> list[tuple[int, int]]:
        """List its operands that are among some lines, each with its place."""
        return [(k, i) for k, i in enumerate(self.operands) if i is not None and i in lines]

    def run(self, changed: Mapping[int, Any], places: Sequence[tuple[int, int]]) -> Any:
        """Compute it, on recorded values, and changed ones at some places."""
        values = self.values.copy()
        for place, line in places:
            values[place] = changed[line]
        return self.compute(*values, **self.keywords)


def _compared(trace: Trace, line: int) -> Call:
    """Make a call ready, if it makes of the recorded values what it made."""
    known = trace.lines[line].value
    tolerance = 1e-9 if known.dtype == np.float64 else 1e-2 if known.dtype == np.float16 else 1e-4
    try:
        call = Call(trace, line)
        with np.errstate(all="ignore"):
            found = np.asarray(call.run({}, ()))
        call.made = found.dtype
        call.to_the_bit = found.dtype == known.dtype and np.array_equal(found, known)
        same = np.allclose(found, known, rtol=tolerance, atol=tolerance, equal_nan=True)
    except Exception as error:  # functions take their recorded operands in ways of their own
        raise UnrepeatableError(trace.lines[line].call) from error
    if not same:
        raise UnrepeatableError(trace.lines[line].call)
    return call


def _count(node: Node, compute: Function) -> int:
    """Count the arguments that a function takes: not an intermediate that its rule wants again."""
    rules, kept = node._rules, len(node._arguments)
    if type(rules) is tuple and len(rules) == kept and not isinstance(compute, np.ufunc):
        while kept > _required(compute) and rules[kept - 1] is None:
            kept -= 1
    return kept


@functools.lru_cache(1000)
def _required(compute: Function) -> int:
    """Count the arguments that a function does not do without; 1 where Python cannot tell."""
    try:
        parameters = inspect.signature(compute).parameters.values()
    except ValueError:
        return 1
    return sum(p.default is p.empty and p.kind in _POSITIONAL for p in parameters)


def _wide(value: Any) -> Any:
    floats = isinstance(value, (np.ndarray, np.generic)) and value.dtype.kind == "f"
    return value.astype(np.float64, copy=False) if floats else value
