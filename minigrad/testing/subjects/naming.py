"""What callables, arguments and values are called, and the shapes in which they come."""

from __future__ import annotations

import copy
import inspect
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from minigrad.tensor import Tensor
from minigrad.testing.subjects.subject import is_float

FLAG = r"train_fla?g|train|training|is_train(ing)?"  # what tells training from testing is called


def called(f: Any) -> str:
    """Name a callable as a person would."""
    name = getattr(f, "__qualname__", None) or getattr(f, "__name__", None) or type(f).__name__
    name = name.replace("<locals>.", "").removesuffix(".forward")
    return "the function" if name.endswith("<lambda>") else name


def parameters_of(f: Any, bound: bool = False) -> list[str]:
    """List what a callable calls its arguments, those with a default left out."""
    try:
        parameters = list(inspect.signature(f).parameters.values())[bound:]
    except (TypeError, ValueError):
        return []
    places = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return [p.name for p in parameters if p.kind in places]


def named(f: Any, values: Sequence[Any], bound: bool = False) -> dict[str, Any]:
    """Give inputs the names that the callable has for them, or x, x1, x2 …"""
    names = parameters_of(f, bound)[: len(values)]
    names = ["x"] if len(names) == len(values) == 1 and isinstance(f, np.ufunc) else names
    names += [f"x{i}" if len(values) > 1 else "x" for i in range(len(names), len(values))]
    return {name: converted(x) for name, x in zip(names, values, strict=True)}


def converted(x: Any) -> Any:
    """Make an array of floats of a list or a number; leave everything else as it is."""
    if isinstance(x, Tensor):
        return np.array(x.data)
    if isinstance(x, float):
        return np.asarray(x)
    if is_nested(x):
        return x
    if isinstance(x, list):
        array = np.asarray(x)
        return array if array.dtype.kind in "fiub" else x
    return np.asarray(x) if is_float(x) else x


def flag_in(names: Iterable[str]) -> str | None:
    """Find the argument that says whether a forward is for training: train_flag, training …

    >>> flag_in(["x", "train_flg"])
    'train_flg'
    """
    return next((name for name in names if re.fullmatch(FLAG, name.lower())), None)


def flat(value: Any) -> list[Any]:
    """List the arrays in nested lists, tuples and dicts."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        return [array for item in value for array in flat(item)]
    return [value]


def is_nested(x: Any) -> bool:
    """Tell whether it holds arrays: a dict, or a list or tuple with arrays somewhere inside."""
    if isinstance(x, Mapping):
        return True
    inner = x if isinstance(x, (list, tuple)) else ()
    return any(isinstance(y, (np.ndarray, Tensor)) or is_nested(y) for y in inner)


def leaves_of(name: str, x: Any) -> Iterator[tuple[str, Any]]:
    """List the leaves of nested dicts, lists and tuples, by their paths.

    >>> list(leaves_of("p", {"W": [np.ones(1), 2]}))
    [("p['W'][0]", array([1.])), ("p['W'][1]", 2)]
    """
    if not is_nested(x):
        yield name, converted(x)
        return
    for key, inner in x.items() if isinstance(x, Mapping) else enumerate(x):
        yield from leaves_of(f"{name}[{key!r}]", inner)


def rebuilt(x: Any, leaves: Iterator[Any]) -> Any:
    """The same dicts, lists and tuples around other leaves."""
    if not is_nested(x):
        return next(leaves)
    if isinstance(x, Mapping):
        return {key: rebuilt(inner, leaves) for key, inner in x.items()}
    inner = [rebuilt(y, leaves) for y in x]
    return inner if isinstance(x, list) else tuple(inner)


def listed(dxs: Any) -> list[Any]:
    """Take one gradient, or several, as a list."""
    if isinstance(dxs, (tuple, list)):
        return list(dxs)
    return [dxs]


def copied(thing: Any) -> Any:
    """Copy an object with all that it holds; what cannot be copied stays itself."""
    try:
        return copy.deepcopy(thing)
    except Exception:
        return thing
