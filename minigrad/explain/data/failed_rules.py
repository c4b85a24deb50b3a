"""Where the walk back stopped: the call whose rule failed, what came in, what its layer keeps."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import backward
from minigrad.explain.data.expression_at import expression_at
from minigrad.explain.data.failures import defined_at, written_at
from minigrad.explain.data.fixes import likely_fix
from minigrad.explain.data.mistakes import attribute_asked
from minigrad.explain.data.model import Failure, Line
from minigrad.explain.data.names import arrays_of
from minigrad.explain.data.stopped import IsLearners, frames
from minigrad.graph import Array, Node
from minigrad.layers.by_hand import Pullback
from minigrad.layers.inside import attributes

_WALK = vars(backward)["_walk"].__code__


def failing_rule(error: BaseException) -> tuple[Node, Array] | None:
    """Find the call whose rule raised, and the gradient it was given; None for other errors."""
    for frame, *_ in frames(error):
        if frame.f_code is _WALK and frame.f_locals.get("node") is not None:
            return frame.f_locals["node"], np.asarray(frame.f_locals["g"])
    return None


def backward_failure(
    error: BaseException,
    line: Line,
    node: Node,
    g: Array,
    layer: str | None,
    is_learners: IsLearners,
) -> Failure:
    """Describe an error of a rule: of which call, what came in, what the layer keeps, the line."""
    source, code, mark = written_at(error, is_learners)
    call, fix = f"the way back through {line.name} = {line.call}", ""
    operands: list[tuple[str, Any]] = [(line.d, g.shape)]
    if isinstance(node._rules, Pullback):
        by_hand = node._rules.layer
        name = type(by_hand).__name__
        call = f"{name}.backward({line.d})"
        held = [k for k in attributes(by_hand) if not k.startswith("_")]
        kept = [k for k in held if k not in node._rules.params]
        operands += [(f"self.{k}", a.shape) for k, a in arrays_of(by_hand) if k in kept]
        if source is None:
            source, code, mark = defined_at(type(by_hand).backward)
        if isinstance(error, AttributeError):
            fix = attribute_asked(error, "backward")
    kind = type(error).__name__
    found = Failure(kind, str(error), call, operands, layer, source, code, fix, "backward")
    found.lines, found.mark = [line.id], mark
    _tell_expression(found, error, is_learners)
    return found


def _tell_expression(found: Failure, error: BaseException, is_learners: IsLearners) -> None:
    """Add the shapes in the learner's expression that failed, and the likely fix of it."""
    learners = [at for at in frames(error) if is_learners(at.frame.f_code.co_filename)]
    expression = expression_at(learners[-1].frame, learners[-1].instruction) if learners else None
    if expression and expression.operands:
        found.within = expression.told()
        if not found.fix and isinstance(error, ValueError):
            found.fix = likely_fix(expression.function, expression.shapes(), str(error))
