"""Where a pass stopped: the call that failed, its operands' shapes, and the likely fix."""

from __future__ import annotations

import inspect
import linecache
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from minigrad.explain.data.calls import call_text, index_text
from minigrad.explain.data.expression_at import Expression, marked, renamed, shape_of
from minigrad.explain.data.fixes import likely_fix
from minigrad.explain.data.forward import Lines, Made
from minigrad.explain.data.mistakes import likely_mistake
from minigrad.explain.data.model import Failure
from minigrad.explain.data.names import Names
from minigrad.explain.data.sources import written
from minigrad.explain.data.stopped import Failing, IsLearners, failing_call, frames, held_by
from minigrad.functions import affine
from minigrad.graph import Node
from minigrad.tensor import GETITEM

_LONG = 40  # letters of an argument that is no array

FIX = "Likely fix"


class Written(NamedTuple):
    """A line of somebody's code: file and number, its text, and which letters of it failed."""

    source: tuple[str, int] | None
    code: str | None
    mark: tuple[int, int] | None = None


def nodes_in(error: BaseException, names: Names, is_learners: IsLearners) -> list[Node]:
    """List the Tensors that the frames of a traceback hold, and note the learner's names.

    A module, and so a notebook, holds all that was ever computed there: of this, what the line that
    failed speaks of.
    """
    found: dict[int, Node] = {}
    for frame, line, _ in frames(error):
        learners = is_learners(frame.f_code.co_filename)
        told = None
        if frame.f_code.co_name == "<module>":
            told = set(re.findall(r"\w+", linecache.getline(frame.f_code.co_filename, line)))
        for name, value in list(frame.f_locals.items()):
            if learners and not name.startswith("_"):
                names.add(name, value)
            if isinstance(value, Node) and (told is None or name in told):
                found[id(value)] = value
    failing = failing_call(error, is_learners)
    for argument in () if failing is None else failing.arguments:
        if isinstance(argument, Node):
            found[id(argument)] = argument
    return list(found.values())


def forward_failure(
    error: BaseException, lines: Lines, made: Made, layer: str | None, is_learners: IsLearners
) -> Failure:
    """Describe an error of a forward pass: the call, the shapes, the line, the likely fix.

    What the failing call was given becomes lines, like the operands of all other calls.

    Args:
        error: what was raised.
        lines: of the calls before it; those of its operands are added.
        made: in which call of a layer it was raised, where known.
        layer: that layer, where known, as an error names it.
        is_learners: tells the learner's files from ours.
    """
    failing = failing_call(error, is_learners)
    kind, message = type(error).__name__, str(error)
    layer, message = _placed(error, layer, message)
    found = Failure(kind, message, None, [], layer, None, None, "")
    if failing is not None and failing.is_call:
        _describe(found, failing, lines, made)
    found.source, found.code, found.mark = written_at(error, is_learners)
    if failing is not None and failing.layer is not None and not failing.reached:
        owner: Any = type(failing.layer)
        function = owner.forward if failing.by_hand else inspect.unwrap(owner.__call__)
        if is_learners(getattr(getattr(function, "__code__", None), "co_filename", "<")):
            found.source, found.code, found.mark = defined_at(function)
    found.fix = _fix(error, failing, found, lines)
    return found


def _describe(found: Failure, failing: Failing, lines: Lines, made: Made) -> None:
    """Write the failing call, and name its operands with their shapes."""
    if failing.within is not None and failing.is_expression:
        _describe_expression(found, failing.within, lines, made)
        return
    arguments = [_as_operand(failing.function, a) for a in failing.arguments]
    ids = [lines.operand(a, made) for a in arguments]
    texts = [_short(_text(lines, a, i)) for a, i in zip(arguments, ids, strict=True)]
    if failing.function is GETITEM:
        texts[1] = index_text(arguments[1], lines.names.of_array)
    if failing.write is not None:
        found.call = failing.write(texts)
    else:
        found.call = call_text(failing.function, texts, failing.keywords)
    told: dict[str, tuple[int, ...] | None] = {}
    for text, i, argument in zip(texts, ids, arguments, strict=True):
        if i is not None or _is_told(failing.function, argument):
            told.setdefault(text, shape_of(argument))
    for text, array in held_by(failing):
        told.setdefault(text, array.shape)
    found.operands = list(told.items())
    found.lines = [i for i in ids if i is not None]
    if failing.within is not None:
        shapes, has_arrays = failing.within.told(), bool(failing.within.places)
        is_news = any(each not in found.operands for each in shapes)
        found.within = shapes if has_arrays and is_news else []


def _describe_expression(found: Failure, expression: Expression, lines: Lines, made: Made) -> None:
    """Write an expression of the learner's, in the names of the lines that it reads."""
    ids = []
    for place in expression.places:
        known = lines.holding(place.value)
        ids.append((place.tree, lines.operand(place.value, made) if known is None else known))
    found.lines = [i for _, i in ids if i is not None]
    names = {id(tree): lines.lines[i].name for tree, i in ids if i is not None}
    found.call = renamed(expression.tree, names)
    told = {renamed(operand.tree, names): operand.shape for operand in expression.operands}
    found.operands = list(told.items())


def _fix(error: BaseException, failing: Failing | None, found: Failure, lines: Lines) -> str:
    """Guess what was meant, from the innermost thing that is known."""
    inside = None if failing is None else failing.within
    mistake = likely_mistake(error, failing)
    if mistake or failing is None or not _is_of_values(error):
        return mistake
    if inside is not None:
        return likely_fix(inside.function, inside.shapes(), str(error))
    before = next((n for n in lines.nodes if n is not None and _shares_weights(n, failing)), None)
    if before is not None:
        return _fix_again(found, before)
    return likely_fix(failing.function, found.operands, str(error), _least(failing.arguments))


def _least(arguments: Sequence[Any]) -> float:
    """Find the smallest of some targets; 1 where there are none."""
    targets: Any = arguments[1] if len(arguments) > 1 else None
    is_numbers = isinstance(targets, np.ndarray) and targets.dtype.kind in "iu" and targets.size
    return float(np.min(targets)) if is_numbers else 1.0


def _is_of_values(error: BaseException | None) -> bool:
    """Tell whether an error, or what it was raised from, is one of shapes or of places."""
    return error is not None and (
        isinstance(error, (ValueError, IndexError)) or _is_of_values(error.__cause__)
    )


def _shares_weights(node: Node, failing: Failing) -> bool:
    """Tell whether a call before took the same weights, so that these fit something."""
    are_affine = node._function is failing.function is affine
    return are_affine and node._arguments[1] is failing.arguments[1]


def _fix_again(found: Failure, before: Node) -> str:
    """Tell of a layer that runs twice how wide its input was the first time."""
    name, shape = found.operands[0]
    wide, was = (shape or (0,))[-1], before._values[0].shape[-1]
    return (
        f"this layer ran before, on {was} features, and {name} has {wide}: use another layer here"
    )


def _as_operand(function: Any, argument: Any) -> Any:
    """Read a list as a call of NumPy's does that is recorded: as an array."""
    if not isinstance(function, np.ufunc) or type(argument) not in (list, tuple):
        return argument
    return argument if shape_of(argument) is None else np.asarray(argument)


def _is_told(function: Any, argument: Any) -> bool:
    """Tell whether the reader wants to know the shape of an argument that is no line."""
    if isinstance(function, np.ufunc):
        return True
    if not isinstance(argument, (list, tuple)):
        return False
    return len(shape_of(argument) or ()) > 1 or any(isinstance(a, Node) for a in argument)


def _text(lines: Lines, argument: Any, line: int | None) -> str:
    """Write an argument, also one that holds Tensors and should not."""
    if type(argument) in (list, tuple) and any(isinstance(a, Node) for a in argument):
        inner = ", ".join(lines.text(a, lines.ids.get(getattr(a, "_birth", 0))) for a in argument)
        return f"[{inner}]" if isinstance(argument, list) else f"({inner})"
    return lines.text(argument, line)


def _short(text: str) -> str:
    return text if len(text) <= _LONG or text.isidentifier() else f"{text[: _LONG - 2]} …"


def _placed(error: BaseException, layer: str | None, message: str) -> tuple[str | None, str]:
    """Tell the layer that an error names from what it says."""
    culprit = getattr(error, "culprit", None)  # a network found the layer
    if culprit is not None and message.endswith(f": {culprit[1]}"):
        return layer or message.removesuffix(f": {culprit[1]}"), culprit[1]
    return layer, message


def written_at(error: BaseException, is_learners: IsLearners) -> Written:
    """Find the learner's line that an error came out of, and what of it."""
    for frame, line, instruction in reversed(frames(error)):
        file = frame.f_code.co_filename
        if is_learners(file):
            return _text_of((file, line), marked(frame, instruction))
    return Written(None, None)


def _text_of(source: tuple[str, int], mark: tuple[int, int] | None = None) -> Written:
    text = linecache.getline(*source).strip() or None
    return Written(source, text, mark if text and mark and mark[1] <= len(text) else None)


def defined_at(function: Any) -> Written:
    """Find the one line of a function that returns something, or where the function begins."""
    code = getattr(function, "__code__", None)
    found = written(function)
    if found is not None:
        return _text_of((found.file, found.answer))
    return _text_of((code.co_filename, code.co_firstlineno)) if code else Written(None, None)
