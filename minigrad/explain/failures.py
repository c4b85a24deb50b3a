"""Where a forward pass stopped: the call that failed, its operands' shapes, and the likely fix."""

from __future__ import annotations

import linecache
import re
from collections.abc import Callable, Mapping, Sequence
from types import FrameType
from typing import Any, NamedTuple

import numpy as np

from minigrad import functions, graph, tensor
from minigrad.explain.calls import call_text, literal
from minigrad.explain.model import Failure
from minigrad.explain.names import Names
from minigrad.graph import Node

_RECORDERS: list[Any] = [graph.apply, tensor.recorder(np.negative), tensor.recorder(np.add)]
_APPLY, _UNARY, _BINARY = (f.__code__ for f in _RECORDERS)  # the operators' codes are one for all


class Failing(NamedTuple):
    """The call that raised, as the frames of the traceback tell it."""

    function: Any
    arguments: Sequence[Any]
    keywords: Mapping[str, Any]


def failing_call(error: BaseException) -> Failing | None:
    """Find the innermost recorded call in a traceback; None when the error is of other code."""
    found = None
    for frame, _ in frames(error):
        seen = frame.f_locals
        if frame.f_code is _APPLY:
            found = Failing(seen["function"], seen["arguments"], seen["keywords"])
        elif frame.f_code is _BINARY:
            found = Failing(seen["ufunc"], (seen["a"], seen["b"]), {})
        elif frame.f_code is _UNARY:
            found = Failing(seen["ufunc"], (seen["a"],), {})
        elif found is None and _is_of_ours(frame):
            names = frame.f_code.co_varnames[: frame.f_code.co_argcount]
            function = vars(functions)[frame.f_code.co_name]
            found = Failing(function, [seen[name] for name in names], {})
    return found


def _is_of_ours(frame: FrameType) -> bool:
    """Tell whether a frame is a function of `minigrad.functions`, which checks its arguments."""
    module = frame.f_globals.get("__name__", "")
    return module.startswith(functions.__name__) and frame.f_code.co_name in functions.__all__


def frames(error: BaseException) -> list[tuple[FrameType, int]]:
    """List the frames of a traceback, the innermost last, with the lines they had reached.

    What an error was raised from comes after it: it is further inside.
    """
    found: list[tuple[FrameType, int]] = []
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        trace = current.__traceback__
        while trace is not None:
            found.append((trace.tb_frame, trace.tb_lineno))
            trace = trace.tb_next
        current = current.__cause__
    return found


def nodes_in(error: BaseException, names: Names, is_learners: Callable[[str], bool]) -> list[Node]:
    """List the Tensors that the frames of a traceback hold, and note the learner's names."""
    found: dict[int, Node] = {}
    for frame, _ in frames(error):
        learners = is_learners(frame.f_code.co_filename)
        for name, value in list(frame.f_locals.items()):
            if learners and not name.startswith("_"):
                names.add(name, value)
            if isinstance(value, Node):
                found[id(value)] = value
    failing = failing_call(error)
    for argument in () if failing is None else failing.arguments:
        if isinstance(argument, Node):
            found[id(argument)] = argument
    return list(found.values())


def failure(
    error: BaseException,
    text: Callable[[Any], str],
    layer: str | None,
    is_learners: Callable[[str], bool],
) -> Failure:
    """Describe an error: the call, the shapes, the line, the likely fix.

    Args:
        error: what was raised.
        text: writes an argument of the failing call by its name.
        layer: in which layer it was raised, where known.
        is_learners: tells the learner's files from ours.
    """
    failing = failing_call(error)
    call, operands = None, []
    if failing is not None:
        texts = [text(a) for a in failing.arguments]
        call = call_text(failing.function, texts, failing.keywords)
        for name, argument in zip(texts, failing.arguments, strict=True):
            if isinstance(argument, (Node, np.ndarray)):
                array = argument._array if isinstance(argument, Node) else argument
                operands.append((name, array.shape))
    source = None
    for frame, line in frames(error):
        if is_learners(frame.f_code.co_filename):
            source = frame.f_code.co_filename, line
    code = linecache.getline(*source).strip() if source else None
    fix = _fix(failing, operands, str(error))
    message = re.sub(r"^net[\w.\[\]']* .*?: ", "", str(error)) if layer else str(error)
    return Failure(type(error).__name__, message, call, operands, layer, source, code or None, fix)


# ---- the likely remedy ---------------------------------------------------------------------------
def _fix(failing: Failing | None, operands: Sequence[tuple[str, Any]], message: str) -> str:
    """Guess from the shapes what was meant."""
    if failing is None or len(operands) < 2:
        return ""
    (left, a), (right, b), *_ = operands
    name = getattr(failing.function, "__name__", "")
    if name in ("matmul", "dot"):
        return _fix_product(left, a, right, b)
    if name == "affine":
        if len(a) and len(b) == 2 and a[-1] != b[0]:
            flat = int(np.prod(a[1:]))
            if len(a) > 2 and flat == b[0]:
                return f"flatten {left} first: {left}.reshape(len({left}), -1), or mg.Flatten()"
            return f"make a layer of {a[-1]} features in: Affine({a[-1]}, {b[1]})"
        return ""
    if "broadcast" in message:
        return _fix_broadcast(left, a, right, b)
    return ""


def _fix_product(left: str, a: Sequence[int], right: str, b: Sequence[int]) -> str:
    """Look for a transposition that makes the inner lengths agree."""
    if len(a) < 1 or len(b) < 1:
        return f"a product needs axes: write {left} * {right} for a single number"
    inner = b[0] if len(b) == 1 else b[-2]
    if len(b) == 2 and a[-1] == b[1]:
        return f"{left} @ {right}.T: {right} has {b[1]} as its last axis"
    if len(a) == 2 and a[0] == inner:
        return f"{left}.T @ {right}: {left} has {a[0]} as its first axis"
    return f"the last axis of {left} ({a[-1]}) must be as long as the first of {right} ({inner})"


def _fix_broadcast(left: str, a: Sequence[int], right: str, b: Sequence[int]) -> str:
    """Look for a missing axis of length one."""
    for name, one, other in ((right, tuple(b), tuple(a)), (left, tuple(a), tuple(b))):
        if len(one) == 1 and len(other) > 1 and one[0] == other[0]:
            return f"{name}[:, None], if each of its {one[0]} entries belongs to one row"
        if len(one) == 2 and len(other) == 2 and one[::-1] == other:
            return f"{name}.T has the shape of the other"
    return "shapes are compared from the last axis on: the lengths must be equal, or one of them 1"


def argument_text(names: Names, known: Mapping[int, str]) -> Callable[[Any], str]:
    """Write an argument of a failing call by its name, by its line, or as it is."""

    def text(argument: Any) -> str:
        if isinstance(argument, Node):
            return known.get(argument._birth) or names.of_node(argument) or "?"
        if isinstance(argument, np.ndarray) and argument.ndim:
            return names.of_array(argument) or f"array{argument.shape}"
        return literal(argument, names.of_array)

    return text
