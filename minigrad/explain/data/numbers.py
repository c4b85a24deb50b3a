"""Numbers and arrays as a person reads them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import numpy as np

from minigrad.explain.data.model import Line, Trace
from minigrad.graph import Array

MINUS = "−"


def number(x: Any, digits: int = 4) -> str:
    """Write a number with few digits: 220 for 220.00000000000003.

    >>> number(220.00000000000003), number(-0.5), number(1 / 3), number(12345678.0), number(1 - 2j)
    ('220', '-0.5', '0.3333', '1.235e+07', '1-2j')
    """
    if isinstance(x, (bool, np.bool_)):
        return "1" if x else "0"
    if isinstance(x, (int, np.integer)):
        return str(int(x))
    if isinstance(x, (complex, np.complexfloating)):
        imaginary = number(x.imag, digits)
        return f"{number(x.real, digits)}{'' if imaginary.startswith('-') else '+'}{imaginary}j"
    text = format(float(x), f".{digits}g")
    return text.removeprefix("-") if text == "-0" else text


def shape_text(array: Array) -> str:
    """Write a shape; nothing for a single number."""
    return str(array.shape) if array.ndim else ""


def entries(array: Array) -> str:
    """Write all entries on one line.

    >>> entries(np.array([[1.0, 2.5], [0.0, -1.0]]))
    '[[1 2.5] [0 -1]]'
    >>> entries(np.array(["cat", "dog"]))
    "['cat', 'dog']"
    """
    if array.dtype.kind not in "fciub":
        return str(array.tolist())
    if array.ndim == 0:
        return number(array.item())
    return "[" + " ".join(entries(row) for row in array) + "]"


def summary(array: Array) -> str:
    """Describe many entries: the range, and what is not finite.

    >>> summary(np.array([1.0, 2.0, np.nan]))
    '1 … 2, 1 not finite'
    """
    if array.size == 0:
        return "empty"
    if array.dtype.kind == "c":
        sizes = summary(np.abs(array))
        return sizes if sizes == "nothing finite" else f"of size {sizes}"
    if array.dtype.kind not in "fiub":
        return str(array.dtype)
    finite = array[np.isfinite(array)]
    if finite.size == 0:
        return "nothing finite"
    low, high = finite.min(), finite.max()
    told = f"{number(low)} … {number(high)}" if low != high else f"all {number(low)}"
    bad = array.size - finite.size
    return f"{told}, {bad} not finite" if bad else told


def value_text(array: Array, width: int) -> str:
    """Write an array on one line of at most `width` characters: its entries, or its range.

    >>> value_text(np.ones((2, 2)), 30)
    '[[1 1] [1 1]]'
    >>> value_text(np.ones((20, 2)), 30)
    'all 1'
    """
    if array.size * 2 <= width or array.ndim == 0:
        text = entries(array)
        if len(text) <= width:
            return text
    return summary(array)


def with_numbers(text: str, trace: Trace, line: Line) -> str | None:
    """Put numbers in place of names, where all of them stand for single numbers.

    `dprice * tax` becomes `1 * 1.1`. None where an array takes part.
    """
    involved = [trace.lines[i] for i in line.operands if i is not None] + [line]
    known: dict[str, Array] = {x.name: x.value for x in involved}
    if line.gradient is not None:
        known[line.d] = line.gradient
    if any(array.ndim for array in known.values()):
        return None
    if text in known:  # nothing stands beside it
        return number(known[text].item())
    whole = _PLAIN if all(map(str.isidentifier, known)) else any_of(known)

    def numeral(found: re.Match[str]) -> str:
        return _atom(number(known[found[0]].item())) if found[0] in known else found[0]

    return whole.sub(numeral, text)


_PLAIN = re.compile(r"(?<![\w.])[^\W\d]\w*")


def any_of(names: Iterable[str]) -> re.Pattern[str]:
    """Make a pattern that finds names, also those that are no identifiers: d(params['W'])."""
    pattern = "|".join(sorted(map(re.escape, names), key=len, reverse=True))
    return re.compile(rf"(?<![\w.])(?:{pattern})(?!\w)")


def _atom(text: str) -> str:
    return f"({text})" if text.startswith("-") else text
