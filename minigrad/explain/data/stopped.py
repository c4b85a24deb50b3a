"""The call that failed, as the frames of a traceback tell it.

A pass fails in a recorded call, in a layer, or in code of the learner's that nobody records. What a
frame holds when its function fails is what the function was given.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from types import FrameType
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from minigrad import calls, functions, tensor
from minigrad.explain.data.expression_at import Expression, expression_at
from minigrad.explain.data.names import arrays_of
from minigrad.graph import Node
from minigrad.layers import Layer
from minigrad.layers.by_hand import record_by_hand
from minigrad.networks import Network

_RECORDERS: list[Any] = [calls.apply, tensor.recorder(np.negative), tensor.recorder(np.add)]
_APPLY, _UNARY, _BINARY = (f.__code__ for f in _RECORDERS)  # the operators' codes are one for all
_BY_HAND = record_by_hand.__code__
_OBJECTIVE = Network.objective.__code__
IsLearners: TypeAlias = Callable[[str], bool]  # tells the learner's files from ours


_CALLS = ("__call__", "_call_by_hand", "call_answering")
_ARRAYS = (Node, np.ndarray)


class At(NamedTuple):
    """A frame of a traceback, and what it had reached: the line, the instruction."""

    frame: FrameType
    line: int
    instruction: int


class Failing(NamedTuple):
    """The call that raised."""

    function: Any  # None where `write` says how the call is written
    arguments: Sequence[Any]
    keywords: Mapping[str, Any] = {}
    write: Callable[[Sequence[str]], str] | None = None
    layer: Any = None  # the object whose forward or __call__ it is; None for functions
    by_hand: bool = False  # whether that layer's forward and backward are written by hand
    site: At | None = None  # the learner's code that calls it
    reached: bool = False  # whether it stopped in code of the learner's inside of it
    within: Expression | None = None  # the expression that failed there
    is_call: bool = True  # whether there is anything to show as a call
    is_expression: bool = False  # whether that is the call, and its arrays are the arguments


def frames(error: BaseException) -> list[At]:
    """List the frames of a traceback, the innermost last.

    What an error was raised from comes after it: it is further inside.
    """
    found: list[At] = []
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        trace = current.__traceback__
        while trace is not None:
            found.append(At(trace.tb_frame, trace.tb_lineno, trace.tb_lasti))
            trace = trace.tb_next
        current = current.__cause__
    return found


def failing_call(error: BaseException, is_learners: IsLearners) -> Failing | None:
    """Find the innermost call in a traceback that a graph would show; None where there is none.

    Inside a call that the learner wrote, what failed is an expression of theirs. It is the call
    itself where no layer by hand and no recorded call is around it.
    """
    found: Failing | None = None
    inside: At | None = None  # the learner's code that this call runs
    site: At | None = None  # and that which calls it
    for at in frames(error):
        call = _recorded(at.frame) or _of_a_layer(at.frame)
        if call is None and (found is None or found.layer is not None):
            call = _of_ours(at.frame)
        if call is not None:
            found, inside = call._replace(site=site), None
        if is_learners(at.frame.f_code.co_filename):
            inside = site = at
    if inside is None:
        return found
    is_own_check = isinstance(error, AssertionError)
    expression = None if is_own_check else expression_at(inside.frame, inside.instruction)
    around = found and found._replace(reached=True, within=expression)
    if expression is None:
        return around
    if not any(isinstance(operand.value, _ARRAYS) for operand in expression.operands):
        return around or Failing(expression.function, [], within=expression, is_call=False)
    if around is None or not (around.by_hand or around.layer is None):
        arrays = [place.value for place in expression.places]
        return Failing(expression.function, arrays, within=expression, is_expression=True)
    return around


def failing_layers(error: BaseException) -> list[Any]:
    """List the layers that an error came out of, the innermost first."""
    selves = [self_of(at.frame) for at in frames(error)]
    return [layer for layer in reversed(selves) if isinstance(layer, Layer)]


def self_of(frame: FrameType) -> Any:
    """Give the object whose method a frame runs, however its author calls it; None for functions.

    The methods that matter are those that layers are called by.
    """
    code = frame.f_code
    if code.co_name in ("__call__", "forward") and code.co_argcount:
        return frame.f_locals.get(code.co_varnames[0])
    return frame.f_locals.get("self")


def held_by(failing: Failing) -> list[tuple[str, Any]]:
    """List the arrays that a layer by hand holds, without its parameters, which are arguments."""
    if not failing.by_hand:
        return []
    given = [id(a._array if isinstance(a, Node) else a) for a in failing.arguments]
    held = arrays_of(failing.layer)
    return [(f"self.{name}", array) for name, array in held if id(array) not in given]


def _recorded(frame: FrameType) -> Failing | None:
    """Read a frame that records a call."""
    seen = frame.f_locals
    if frame.f_code is _APPLY:
        return Failing(seen["function"], seen["arguments"], seen["keywords"])
    if frame.f_code is _BINARY:
        return Failing(seen["ufunc"], (seen["a"], seen["b"]))
    if frame.f_code is _UNARY:
        return Failing(seen["ufunc"], (seen["a"],))
    if frame.f_code is _BY_HAND:
        layer, operands = seen["layer"], (*seen["inputs"], *seen["params"].values())
        return Failing(type(layer), operands, layer=layer, by_hand=True)
    if frame.f_code is _OBJECTIVE:
        return Failing(None, (seen["x"], seen["t"]), write=_called("net.loss"))
    return None


def _of_a_layer(frame: FrameType) -> Failing | None:
    """Read a frame that calls a layer."""
    layer = self_of(frame)
    if not isinstance(layer, Layer) or frame.f_code.co_name not in _CALLS:
        return None
    owner, operands = layer._owner, given(frame)
    kind = type(owner)
    if layer is not owner or kind.is_by_hand():
        return Failing(kind, operands, layer=owner, by_hand=True)
    is_ours = kind.__module__.partition(".")[0] == __name__.partition(".")[0]
    write = None if is_ours else _called(f"{kind.__name__}.__call__")
    return Failing(kind, operands, write=write, layer=layer)


def _of_ours(frame: FrameType) -> Failing | None:
    """Read a frame of a function of `minigrad.functions`, which checks its arguments."""
    module, name = frame.f_globals.get("__name__", ""), frame.f_code.co_name
    if not module.startswith(functions.__name__) or name not in functions.__all__:
        return None
    return Failing(vars(functions)[name], given(frame))


def given(frame: FrameType) -> list[Any]:
    """List the positional arguments of a function, without the object of a method."""
    code, seen, own = frame.f_code, frame.f_locals, self_of(frame)
    names = code.co_varnames[: code.co_argcount]
    more = code.co_varnames[code.co_argcount + code.co_kwonlyargcount :]
    extra = seen.get(more[0], ()) if code.co_flags & inspect.CO_VARARGS else ()
    names = tuple(name for name in names if name in seen and name != "train_flag")
    operands = [seen[name] for name in names if seen[name] is not own]
    return [*operands, *extra]


def _called(name: str) -> Callable[[Sequence[str]], str]:
    return lambda texts: f"{name}({', '.join(texts)})"
