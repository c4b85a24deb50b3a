"""Calls that make each entry of the same entries of their operands: y[0, 1] = exp(x[0, 1])."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from minigrad.explain.data.again import Call
from minigrad.explain.data.factors import Index
from minigrad.explain.data.lettering import bracketed
from minigrad.explain.data.model import Line, Trace
from minigrad.explain.data.numbers import any_of
from minigrad.explain.data.shares import rtol_of
from minigrad.explain.data.terms import signed

TRIED = 12  # entries; those of one row, or of the diagonal, would not tell a transposition
_BRACKETED = re.compile(r"(?<=[(,])( ?)\((-[^()]+)\)(?=[),])")  # f((-2)): brackets twice


def is_entrywise(line: Line, call: Call, others: Sequence[Any]) -> bool:
    """Tell whether a call makes of single entries what it makes of arrays.

    It is tried at some entries drawn at random, with the numbers of the call and with others.
    """
    if any(np.ndim(value) for value in call.keywords.values()) or not line.value.size:
        return False
    shape = line.value.shape
    drawn = np.random.default_rng(0).choice(line.value.size, min(line.value.size, TRIED), False)
    places = [tuple(map(int, np.unravel_index(k, shape))) for k in drawn]
    try:
        if np.broadcast_shapes(*map(np.shape, call.values)) != shape:
            return False
        return all(_agrees(call, values, at) for values in (call.values, others) for at in places)
    except Exception:  # it does not take single numbers
        return False


def _agrees(call: Call, values: Sequence[Any], place: Index) -> bool:
    """Compare an entry with what the call makes of the same entries of its operands alone."""
    single = [value[_aligned(value, place)] if np.ndim(value) else value for value in values]
    with np.errstate(all="ignore"):
        whole = call.compute(*values, **call.keywords)
        alone = call.compute(*single, **call.keywords)
    return np.ndim(alone) == 0 and np.allclose(alone, whole[place], rtol_of(whole), equal_nan=True)


def substituted(trace: Trace, line: Line, call: Call, index: Index) -> str | None:
    """Write a call with entries in place of arrays, then with numbers; None for unnamed arrays."""
    if any(i is None and np.ndim(v) for i, v in _operands(call)):
        return None
    named, numbers = {}, {}
    for i, value in _operands(call):
        if i is not None:
            operand, place = trace.lines[i], _aligned(value, index)
            named[operand.name] = operand.name + bracketed(place)
            numbers[operand.name] = signed(operand.value[place].item())
    if not named or not line.call:
        return None
    names = any_of(named)
    letters = names.sub(lambda found: named[found[0]], line.call)
    told = names.sub(lambda found: numbers[found[0]], line.call)
    return " = ".join(dict.fromkeys([letters, _BRACKETED.sub(r"\1\2", told)]))


def _operands(call: Call) -> Iterator[tuple[int | None, Any]]:
    return zip(call.operands, call.values, strict=True)


def _aligned(value: Any, index: Index) -> Index:
    """Find the entry that is broadcast to an entry of the result."""
    shape = np.shape(value)
    kept = index[len(index) - len(shape) :]
    return tuple(0 if n == 1 else i for n, i in zip(shape, kept, strict=True))
