"""One rule of one call, run again: on another gradient, or on a Tensor to differentiate it."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.backward import fitted
from minigrad.explain.model import Contribution, Step, Trace
from minigrad.graph import Array, Node, each


def share_of(trace: Trace, step: Step, c: Contribution, g: Any) -> Any:
    """Run the rule of a contribution on the gradient `g` of its call; broadcasting is undone.

    Raises:
        RuntimeError: when a parameter was written since, and the call's values are gone.
    """
    node = trace.nodes[step.line]
    assert isinstance(node, Node)
    refuse_written(trace, step.line)
    rules = list(zip(node._arguments, each(node._rules), strict=False))
    rule: Any = rules[c.position][1]
    with np.errstate(all="ignore"):
        made = rule(g, node._array, *node._values, **node._keywords)
    if type(node._rules) is not tuple:
        made = made[c.position]
    return fitted(made, trace.lines[c.to].value, node._function)


def refuse_written(trace: Trace, line: int) -> None:
    """Refuse to run a call again on values that have been replaced."""
    node = trace.nodes[line]
    for argument in () if node is None else node._arguments:
        if isinstance(argument, Node) and node is not None and argument._written > node._birth:
            raise RuntimeError(
                f"{argument.name or 'a parameter'} was written after this was explained: explain "
                "the new graph"
            )


def refuse_complex(trace: Trace) -> None:
    """Refuse to take apart what is made of complex numbers: products and slopes are real here."""
    for line in trace.lines:
        if line.value.dtype.kind == "c":
            raise TypeError(
                f"{line.name} is complex: single entries, paths and checks are for real numbers; "
                "the steps and their rules are shown for complex ones too"
            )


def is_by_hand(trace: Trace, step: Step) -> bool:
    """Tell whether the rule of a call is a backward that somebody wrote by hand."""
    node = trace.nodes[step.line]
    return node is not None and isinstance(node._function, type)


def local_derivative(trace: Trace, step: Step, c: Contribution) -> Array:
    """Differentiate a number by a number: what the rule makes of 1."""
    return np.asarray(share_of(trace, step, c, np.ones_like(step.gradient)))
