"""The forward pass, run again with other values of one leaf: what differences are taken of."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from minigrad.explain.data.model import Trace
from minigrad.explain.data.shares import refuse_written
from minigrad.graph import Array, Node
from minigrad.kinds import Function, called
from minigrad.table import RECORDED

Rerun: TypeAlias = Callable[[int, Array], Array]  # (leaf, its values) -> the output
_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


class UnrepeatableError(Exception):
    """A call cannot be run again to the same result."""


def rerun_of(trace: Trace) -> Rerun:
    """Make the function that runs a graph again; every call is compared with what was recorded.

    Raises:
        UnrepeatableError: when a call does not give the same again.
    """
    for line in trace.lines:
        if line.kind == "call":
            refuse_written(trace, line.id)
            _compare(trace, line.id)

    def rerun(leaf: int, values: Array) -> Array:
        assert trace.output is not None
        changed: dict[int, Any] = {leaf: values}
        for line in trace.lines[leaf + 1 :]:
            if any(i in changed for i in line.operands):
                changed[line.id] = _run(trace, line.id, changed)
        return np.asarray(changed.get(trace.output, trace.lines[trace.output].value))

    return rerun


def _compare(trace: Trace, line: int) -> None:
    known = trace.lines[line].value
    tolerance = 1e-9 if known.dtype == np.float64 else 1e-2 if known.dtype == np.float16 else 1e-4
    try:
        found = _run(trace, line, {})
        same = np.allclose(found, known, rtol=tolerance, atol=tolerance, equal_nan=True)
    except Exception as error:  # functions take their recorded operands in ways of their own
        raise UnrepeatableError(trace.lines[line].call) from error
    if not same:
        raise UnrepeatableError(trace.lines[line].call)


def _run(trace: Trace, line: int, changed: dict[int, Any]) -> Any:
    """Run one call in float64, on recorded values or changed ones."""
    node = trace.nodes[line]
    assert isinstance(node, Node)
    function: Any = node._function
    if isinstance(function, type):
        raise UnrepeatableError(called(function))
    values = []
    for i, value in zip(trace.lines[line].operands, node._values, strict=True):
        if i is not None and i in changed:
            values.append(changed[i])
        else:
            values.append(_wide(value))
    compute = RECORDED.get(function, getattr(function, "__wrapped__", function))
    with np.errstate(all="ignore"):
        return compute(*values[: _count(node, compute)], **node._keywords)


def _count(node: Node, compute: Function) -> int:
    """Count the arguments that a function takes: not an intermediate that its rule wants again."""
    rules, kept = node._rules, len(node._arguments)
    if type(rules) is tuple and len(rules) == kept and not isinstance(compute, np.ufunc):
        while kept > _required(compute) and rules[kept - 1] is None:
            kept -= 1
    return kept


def _required(compute: Function) -> int:
    """Count the arguments that a function does not do without; 1 where Python cannot tell."""
    try:
        parameters = inspect.signature(compute).parameters.values()
    except ValueError:
        return 1
    return sum(p.default is p.empty and p.kind in _POSITIONAL for p in parameters)


def _wide(value: Any) -> Any:
    floats = isinstance(value, (np.ndarray, np.generic)) and value.dtype.kind == "f"
    return value.astype(np.float64) if floats else value
