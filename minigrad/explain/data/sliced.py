"""Calls that make an entry of one slice of an array: y[1] = np.var(x[1, :])."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from minigrad.explain.data.again import Call
from minigrad.explain.data.calls import call_text
from minigrad.explain.data.factors import Index
from minigrad.explain.data.model import Line, Trace
from minigrad.explain.data.numbers import entries
from minigrad.explain.data.shares import rtol_of

MOST = 12  # numbers that are written down
_OF_THE_SLICE = ("axis", "keepdims")


def sliced(trace: Trace, line: Line, call: Call, others: Sequence[Any], index: Index) -> str | None:
    """Write an entry as what the call makes of a slice alone; None where it is made otherwise.

    It is tried with the numbers of the call and with others.
    """
    node, x = trace.nodes[line.id], call.values[0]
    if node is None or node._function is None or len(call.values) != 1 or not np.ndim(x):
        return None
    where = _slice(np.shape(x), line.value.shape, call.keywords.get("axis"), index)
    if where is None or np.size(x[where]) > MOST:
        return None
    rest = {key: v for key, v in call.keywords.items() if key not in _OF_THE_SLICE}
    if not all(_agrees(call, values[0], where, index, rest) for values in (call.values, others)):
        return None
    assert call.operands[0] is not None  # what is recorded, and has one argument, has it so
    name = trace.lines[call.operands[0]].name
    told = ", ".join(":" if isinstance(at, slice) else str(at) for at in where)
    letters = name if ":" not in told or told.strip(":, ") == "" else f"{name}[{told}]"
    numbers = entries(x[where]).replace("] [", "], [").replace(" ", ", ").replace(",,", ",")
    texts = (call_text(node._function, [text], rest) for text in (letters, numbers))
    return " = ".join(texts)


def _slice(shape: Index, made: Index, axis: Any, index: Index) -> tuple[Any, ...] | None:
    """Find what an entry is made of, if all along some axes is made one."""
    axes = range(len(shape)) if axis is None else np.atleast_1d(axis)
    reduced = {int(a) % len(shape) for a in axes}
    left = [n for a, n in enumerate(shape) if a not in reduced]
    kept = [1 if a in reduced else n for a, n in enumerate(shape)]
    if list(made) == left:
        rest = iter(index)
        return tuple(slice(None) if a in reduced else next(rest) for a in range(len(shape)))
    if list(made) == kept:
        return tuple(slice(None) if a in reduced else i for a, i in enumerate(index))
    return None


def _agrees(
    call: Call, x: Any, where: tuple[Any, ...], index: Index, rest: Mapping[str, Any]
) -> bool:
    with np.errstate(all="ignore"):
        whole = np.asarray(call.compute(x, **call.keywords))
        alone = np.asarray(call.compute(x[where], **rest))
    close = alone.ndim == 0 and np.allclose(alone, whole[index], rtol_of(whole), equal_nan=True)
    return bool(close)
