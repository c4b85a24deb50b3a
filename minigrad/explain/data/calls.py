"""A recorded call as NumPy code: x @ W, np.sum(h, axis=0), x[1:]."""

from __future__ import annotations

import inspect
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from minigrad.functions import affine, softmax_cross_entropy
from minigrad.functions.losses import _probabilities
from minigrad.kinds import Function, called
from minigrad.layers import Layer
from minigrad.tensor import converted

_INFIX: dict[Any, str] = {
    np.add: "+",
    np.subtract: "-",
    np.multiply: "*",
    np.divide: "/",
    np.power: "**",
    np.matmul: "@",
    np.remainder: "%",
}
_OF_A_LIST: set[Any] = {np.concatenate, np.stack}  # recorded with an operand for each item
_UNSAID = {"keepdims": False, "where": True}  # NumPy's defaults, which its signatures hide
# What a function of ours is in NumPy, if that has the same derivative everywhere (which relu and
# np.maximum have not, at 0), or what it is called where people call it.
_READ: dict[Any, str] = {
    affine: "{0} @ {1} + {2}",
    softmax_cross_entropy: "softmax_cross_entropy({0}, {1})",
    _probabilities: "softmax({0})",
    operator.getitem: "{0}[{1}]",
    converted: "{0}.astype({1})",
    np.transpose: "{0}.T",
    np.negative: "-{0}",
    np.positive: "+{0}",
}


def call_text(function: Function, arguments: Sequence[str], keywords: Mapping[str, Any]) -> str:
    """Write a call with the texts of its arguments.

    >>> call_text(np.matmul, ["x", "W"], {})
    'x @ W'
    >>> call_text(np.sum, ["h"], {"axis": 0})
    'np.sum(h, axis=0)'
    >>> call_text(np.stack, ["x", "y"], {"axis": 1})
    'np.stack([x, y], axis=1)'
    >>> call_text(np.power, ["x", "-2"], {})
    'x ** (-2)'
    """
    if isinstance(function, type):  # a layer written by hand, or one that was given data alone
        by_hand = not issubclass(function, Layer) or function.is_by_hand()
        name = f"{function.__name__}.forward" if by_hand else function.__name__.lower()
        return f"{name}({', '.join(arguments)})"
    if function in _INFIX and len(arguments) == 2:
        left, right = (f"({a})" if a.startswith("-") else a for a in arguments)
        return f"{left} {_INFIX[function]} {right}"
    if function is affine and arguments[2:] in ([], ["None"]):
        return f"{arguments[0]} @ {arguments[1]}"
    if function in _READ and not keywords and (function is not np.transpose or not arguments[1:]):
        return _READ[function].format(*arguments)
    if function in _OF_A_LIST:
        arguments = [f"[{', '.join(arguments)}]"]
    default = _defaults(function)
    options = [
        f"{name}={literal(value)}"
        for name, value in keywords.items()
        if not (name in default and _same(default[name], value))
        and not (name in _UNSAID and value is _UNSAID[name])
    ]
    name = called(function).removeprefix("_")
    return f"{name}({', '.join([*arguments, *options])})"


def _defaults(function: Function) -> dict[str, Any]:
    """Read the defaults of a function's arguments, where Python knows them."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return {}
    return {p.name: p.default for p in parameters if p.default is not p.empty}


def _same(default: Any, value: Any) -> bool:
    if default is value:
        return True
    plain = (bool, int, float, str, type(None))
    return isinstance(default, plain) and isinstance(value, plain) and default == value


def literal(value: Any, name: Callable[[Any], str | None] = lambda array: None) -> str:
    """Write a value that is no Tensor: a number, an index, a dtype, a small array.

    `name` finds the learner's name of an array.

    >>> literal((slice(1, None), Ellipsis, np.float64(2.0)))
    '(slice(1, None, None), ..., 2.0)'
    """
    if isinstance(value, np.generic) or (isinstance(value, np.ndarray) and value.ndim == 0):
        return literal(value.item())
    if isinstance(value, np.ndarray):
        found = name(value)
        if found is None and value.size == 0:
            return f"np.zeros({value.shape}, np.{value.dtype.name})"
        return found or (f"np.array({value.tolist()})" if value.size <= 12 else "array")
    if isinstance(value, np.dtype):
        return f"np.{value.name}"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{k!r}: {literal(v, name)}' for k, v in value.items())}}}"
    if value is Ellipsis:
        return "..."
    if isinstance(value, (tuple, list)):
        inner = ", ".join(literal(item, name) for item in value)
        comma = "," if isinstance(value, tuple) and len(value) == 1 else ""
        return f"({inner}{comma})" if isinstance(value, tuple) else f"[{inner}]"
    if hasattr(value, "__name__"):
        return called(value)
    if isinstance(value, (bool, int, float, complex, str, slice, range, type(None))):
        return repr(value)
    return type(value).__name__.lower()


def index_text(index: Any, name: Callable[[Any], str | None]) -> str:
    """Write what stands between brackets: 1:, ::2, 0."""
    parts = index if isinstance(index, tuple) else (index,)
    written = ", ".join(_index_part(part, name) for part in parts)
    return written + "," if isinstance(index, tuple) and len(parts) == 1 else written or "()"


def _index_part(part: Any, name: Callable[[Any], str | None]) -> str:
    if not isinstance(part, slice):
        return literal(part, name)
    start, stop, step = (
        "" if e is None else literal(e) for e in (part.start, part.stop, part.step)
    )
    return f"{start}:{stop}" + (f":{step}" if step else "")
