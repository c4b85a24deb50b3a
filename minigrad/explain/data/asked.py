"""What a question asks about, read from what a person wrote: a name, one entry, a count.

Each refusal says what would have been right.
"""

from __future__ import annotations

import difflib
import operator
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from minigrad.explain.data.model import Line, Trace
from minigrad.graph import Node
from minigrad.trees import flat

Index: TypeAlias = tuple[int, ...]
_LISTED = 20  # names that an error lists


def line_asked(trace: Trace, name: Any) -> Line:
    """Find the value that is asked for by its name, W1, or by that of its gradient, dW1.

    Raises:
        TypeError: when it is no name.
        KeyError: when nothing has the name.
        ValueError: when the pass failed, and there are no gradients.
    """
    if not isinstance(name, str):
        kind = type(name).__name__
        raise TypeError(
            f"a value is asked for by its name, {_example(trace, name)!r}, not by {kind}"
        )
    try:
        line = trace.line(name)
    except KeyError:
        raise KeyError(f"no value is called {name!r}; {_meant(trace, name)}") from None
    if trace.failure is not None:
        at = f", at {trace.failure.call}" if trace.failure.call else ""
        raise ValueError(
            f"no gradient reaches {line.name}: the {trace.failure.phase} pass failed{at}, and was "
            "not walked back; print the explanation to see how far it came"
        )
    return line


def _example(trace: Trace, asked: Any) -> str:
    """Give the name of a Tensor that was handed over, or any name."""
    pairs = zip(trace.lines, trace.nodes, strict=False)
    own = [line for line, node in pairs if isinstance(asked, Node) and node is asked]
    return next((line.name for line in (*own, *trace.leaves, *trace.lines)), "W")


def _meant(trace: Trace, name: str) -> str:
    """Say what may have been meant, or what there is."""
    names = list(dict.fromkeys(line.name for line in trace.lines))
    before, bracket, inside = name.partition("[")
    if bracket and before in names:
        return f"its entry is asked for by indices: {before!r}, {inside.rstrip(']')}"
    folded = {known.casefold(): known for known in reversed(names)}
    close = difflib.get_close_matches(name.casefold(), folded, n=1)
    hint = f"did you mean {folded[close[0]]!r}? " if close else ""
    more = f", … {len(names) - _LISTED:,} more" if len(names) > _LISTED else ""
    return f"{hint}there are {', '.join(names[:_LISTED])}{more}"


def entry_asked(line: Line, index: Sequence[Any]) -> Index:
    """Read an index of one entry, counted from the front; a tuple counts as its items.

    Raises:
        TypeError: when a part of it is no whole number.
        IndexError: when it does not name one entry of the value.
    """
    if len(index) == 1 and isinstance(index[0], (tuple, list)):
        index = index[0]
    shape = line.value.shape
    whole = [_whole(line, i) for i in index]
    if len(whole) != len(shape):
        raise IndexError(
            f"{line.name} has shape {shape}, and one entry of it has {_indices(len(shape))}, not "
            f"{len(whole)}{_such_as(line)}"
        )
    for i, n in zip(whole, shape, strict=True):
        if not -n <= i < n:
            raise IndexError(f"{line.name} has shape {shape}, and no entry {whole}{_such_as(line)}")
    return tuple(i % n for i, n in zip(whole, shape, strict=True))


def _whole(line: Line, i: Any) -> int:
    if isinstance(i, (bool, np.bool_)) or not hasattr(i, "__index__"):
        raise TypeError(f"an entry has whole numbers for indices, not {i!r}{_such_as(line)}")
    return operator.index(i)


def _indices(n: int) -> str:
    return "no index" if n == 0 else "1 index" if n == 1 else f"{n} indices"


def _such_as(line: Line) -> str:
    """Write the entry that is certainly there, as at() takes it."""
    if not line.value.size:
        return ""
    return f": at({', '.join([repr(line.name), *'0' * line.value.ndim])}) is one"


def whole_asked(what: str, value: Any) -> int:
    """Read a whole number.

    Raises:
        TypeError: when it is none.
    """
    if isinstance(value, (bool, np.bool_)) or not hasattr(value, "__index__"):
        raise TypeError(f"{what} is a whole number, not {value!r}")
    return operator.index(value)


def count_asked(what: str, value: Any) -> int:
    """Read how many of something are asked for.

    Raises:
        TypeError: when it is no whole number.
        ValueError: when it is less than one.
    """
    if whole_asked(what, value) < 1:
        raise ValueError(f"{what} is one at least, and here {value}")
    return operator.index(value)


def generator_asked(what: str, seed: Any) -> np.random.Generator:
    """Make a Generator of a seed.

    Raises:
        TypeError: when it is neither a seed nor a Generator.
        ValueError: when it is a negative number.
    """
    try:
        return np.random.default_rng(seed)
    except (TypeError, ValueError) as error:
        told = f"{what} is a whole number from 0 up, or a np.random.Generator, not {seed!r:.60}"
        raise type(error)(told) from error


# ---- what mg.explain is given -------------------------------------------------------------------
def check_asked(names: Any, at: Any) -> None:
    """Refuse names that are not variables by name, and an `at` that is no entry."""
    is_names = isinstance(names, Mapping) and all(isinstance(name, str) for name in names)
    if names is not None and not is_names:
        raise TypeError(f'names are variables by name, {{"W": W}} or locals(), not {names!r:.60}')
    if at is not None and (not isinstance(at, (str, tuple, list)) or not at):
        raise TypeError(f'at is a name and the indices of one entry, ("W", 0, 1), not {at!r:.60}')


def no_tensor(result: Any) -> str:
    """Say why the result of a function cannot be explained, and what to write instead."""
    if result is None:
        return "the function returned None; does it lack a return?"
    if any(isinstance(a, Node) for a in flat(result)):
        return f"the function returned a {type(result).__name__}; return the one Tensor to explain"
    return (
        f"the result is {type(result).__name__}, no Tensor; differentiated by are floats and "
        "arrays of floats (3.0, not 3), layers are called as layer(x), and Tensors are not turned "
        "into arrays on the way"
    )
