"""What came of a try, in words: what was made up, what was raised, what was returned."""

from __future__ import annotations

import inspect
import itertools
import traceback
from collections.abc import Sequence
from typing import Any

import numpy as np


def place(error: BaseException) -> list[str]:
    """Name the innermost line outside minigrad and Python where an error arose, with its text."""
    frames = traceback.extract_tb(error.__traceback__)
    own = __file__.rpartition("testing")[0]
    theirs = [f for f in frames if not f.filename.startswith((own, "<", np.__file__[:-11]))]
    if not theirs:
        return []
    return [f"{theirs[-1].filename}:{theirs[-1].lineno}", f"    {theirs[-1].line}"]


def reached(error: Exception, trying: str) -> int:
    """Tell how far a forward came before it raised, by its line; `trying` is our file."""
    frames = traceback.extract_tb(error.__traceback__)
    theirs = [f for f in frames if f.filename != trying]
    return theirs[0].lineno or 0 if theirs else 0


def tried(error: Exception, made: list[str]) -> str:
    """Say what was raised on what."""
    on = f"on {', '.join(filter(None, made))} " if any(made) else ""
    return f"{on}it raised {type(error).__name__}: {error}"


def words(
    wanted: list[inspect.Parameter], inputs: Sequence[Any], given: Sequence[Any] | None
) -> list[str]:
    """List the inputs that were made up."""
    if given is not None:
        return []
    names = [p.name for p in wanted]
    return [", ".join(f"{n} {shown(x)}" for n, x in itertools.zip_longest(names, inputs))]


def shown(value: Any) -> str:
    """What was made, in a word or two: its shape, or itself."""
    if isinstance(value, np.ndarray):
        kind = {"i": " of integers", "b": " of booleans"}.get(value.dtype.kind, "")
        return f"{value.shape}{kind}"
    return "a Generator" if isinstance(value, np.random.Generator) else repr(value)


def several(outputs: Any) -> list[Any]:
    """Take one output, or several, as a list."""
    return list(outputs) if isinstance(outputs, (tuple, list)) else [outputs]


def useless(y: Any) -> tuple[str, bool] | None:
    """Say why an output cannot be differentiated, and whether it never can; None if it can."""
    if y is None:
        return "None: is a return missing?", True
    array = np.asarray(y)
    if array.dtype.kind != "f":
        kinds = {"i": "integers", "u": "integers", "b": "booleans", "c": "complex numbers"}
        what = kinds.get(array.dtype.kind, f"{y!r:.40}, which is no array of numbers")
        return f"{what}, and floats alone are checked", True
    if not array.size:
        return "an empty array", False
    return None if np.all(np.isfinite(array)) else ("numbers that are not finite", False)
