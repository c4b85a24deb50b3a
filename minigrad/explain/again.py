"""The forward pass, run again with other values of one leaf: what differences are taken of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from minigrad.explain.model import Trace
from minigrad.explain.shares import refuse_written
from minigrad.graph import Array, Node, called

Rerun: TypeAlias = Callable[[int, Array], Array]  # (leaf, its values) -> the output

# Functions whose recorded operands are not their arguments.
_CALLED: dict[Any, Callable[..., Any]] = {
    np.concatenate: lambda *arrays, **options: np.concatenate(arrays, **options),
    np.stack: lambda *arrays, **options: np.stack(arrays, **options),
}


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
    compute = _CALLED.get(function, getattr(function, "__wrapped__", function))
    with np.errstate(all="ignore"):
        return compute(*values[: _count(node)], **node._keywords)


def _count(node: Node) -> int:
    """Count the arguments that a function takes: not an intermediate that its rule wants again."""
    rules, named = node._rules, isinstance(node._function, np.ufunc)
    kept = len(node._arguments)
    if type(rules) is tuple and not named:
        while len(rules) == len(node._arguments) and kept > 1 and rules[kept - 1] is None:
            kept -= 1
    return kept


def _wide(value: Any) -> Any:
    floats = isinstance(value, (np.ndarray, np.generic)) and value.dtype.kind == "f"
    return value.astype(np.float64) if floats else value
