"""Where a pass stopped: the call that failed, its operands' shapes, and the likely fix."""

from __future__ import annotations

import linecache
import re
from collections.abc import Callable, Mapping, Sequence
from types import FrameType
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from minigrad import backward, calls, functions, tensor
from minigrad.explain.data.calls import call_text, literal
from minigrad.explain.data.fixes import likely_fix
from minigrad.explain.data.model import Failure, Line
from minigrad.explain.data.names import Names, arrays_of
from minigrad.graph import Array, Node
from minigrad.layers.by_hand import Pullback
from minigrad.layers.inside import attributes

_RECORDERS: list[Any] = [calls.apply, tensor.recorder(np.negative), tensor.recorder(np.add)]
_APPLY, _UNARY, _BINARY = (f.__code__ for f in _RECORDERS)  # the operators' codes are one for all
_WALK = vars(backward)["_walk"].__code__

FIX = "Likely fix"
Written: TypeAlias = tuple[tuple[str, int] | None, str | None]  # file and line, and its text


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
    """List the Tensors that the frames of a traceback hold, and note the learner's names.

    A module, and so a notebook, holds all that was ever computed there: of this, what the line that
    failed speaks of.
    """
    found: dict[int, Node] = {}
    for frame, line in frames(error):
        learners = is_learners(frame.f_code.co_filename)
        told = None
        if frame.f_code.co_name == "<module>":
            told = set(re.findall(r"\w+", linecache.getline(frame.f_code.co_filename, line)))
        for name, value in list(frame.f_locals.items()):
            if learners and not name.startswith("_"):
                names.add(name, value)
            if isinstance(value, Node) and (told is None or name in told):
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
    source, code = _written(error, is_learners)
    fix = likely_fix(getattr(failing, "function", None), operands, str(error))
    message = re.sub(r"^net[\w.\[\]']* .*?: ", "", str(error)) if layer else str(error)
    return Failure(type(error).__name__, message, call, operands, layer, source, code, fix)


def _written(error: BaseException, is_learners: Callable[[str], bool]) -> Written:
    """Find the learner's line that an error came out of."""
    source = None
    for frame, line in frames(error):
        if is_learners(frame.f_code.co_filename):
            source = frame.f_code.co_filename, line
    return _text_of(source)


def _text_of(source: tuple[str, int] | None) -> Written:
    return source, (linecache.getline(*source).strip() or None) if source else None


# ---- on the way back -----------------------------------------------------------------------------
def failing_rule(error: BaseException) -> tuple[Node, Array] | None:
    """Find the call whose rule raised, and the gradient it was given; None for other errors."""
    for frame, _ in frames(error):
        if frame.f_code is _WALK and frame.f_locals.get("node") is not None:
            return frame.f_locals["node"], np.asarray(frame.f_locals["g"])
    return None


def backward_failure(
    error: BaseException,
    line: Line,
    node: Node,
    g: Array,
    layer: str | None,
    is_learners: Callable[[str], bool],
) -> Failure:
    """Describe an error of a rule: of which call, what came in, what the layer keeps, the line."""
    source, code = _written(error, is_learners)
    call, fix = f"the way back through {line.name} = {line.call}", ""
    operands: list[tuple[str, Any]] = [(line.d, g.shape)]
    if isinstance(node._rules, Pullback):
        by_hand = node._rules.layer
        name = type(by_hand).__name__
        call = f"{name}.backward({line.d})"
        held = [k for k in attributes(by_hand) if not k.startswith("_")]
        kept = [k for k in held if k not in node._rules.params]
        operands += [(f"self.{k}", a.shape) for k, a in arrays_of(by_hand) if k in kept]
        source, code = (source, code) if source else _defined(type(by_hand).backward)
        if isinstance(error, AttributeError) and type(error.obj) is type(by_hand):
            fix = f"backward asks for self.{error.name}, and the layer has "
            fix += ", ".join(f"self.{k}" for k in kept) if kept else "nothing that forward kept"
    kind = type(error).__name__
    return Failure(kind, str(error), call, operands, layer, source, code, fix, "backward")


def _defined(function: Any) -> Written:
    """Find where a function begins."""
    code = getattr(function, "__code__", None)
    return _text_of((code.co_filename, code.co_firstlineno) if code else None)


def argument_text(names: Names, known: Mapping[int, str]) -> Callable[[Any], str]:
    """Write an argument of a failing call by its name, by its line, or as it is."""

    def text(argument: Any) -> str:
        if isinstance(argument, Node):
            return known.get(argument._birth) or names.of_node(argument) or "?"
        if isinstance(argument, np.ndarray) and argument.ndim:
            return names.of_array(argument) or f"array{argument.shape}"
        return literal(argument, names.of_array)

    return text
