"""One rule of one call, run again: on another gradient, or on a Tensor to differentiate it.

The local derivatives are found by differentiating the rule by `g`; for a backward that was written
by hand, by running it on one entry at a time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np

from minigrad.backward import gradients
from minigrad.explain.data.model import Contribution, Step, Trace
from minigrad.graph import Array, Node, each
from minigrad.shares import fitted
from minigrad.table import UNCHECKED
from minigrad.tensor import Tensor

_MOST = 4096  # entries of a gradient that a backward by hand is run for, one by one
_KEPT = 2_000_000  # numbers that are kept of what it makes of them
_jacobians: WeakKeyDictionary[Step, dict[int, Array]] = WeakKeyDictionary()


class Values(NamedTuple):
    """What a rule computes with beside the gradient: the output, and the arguments of the call."""

    output: Any
    arguments: tuple[Any, ...]


def share_of(
    trace: Trace, step: Step, c: Contribution, g: Any, others: Values | None = None
) -> Any:
    """Run the rule of a contribution on the gradient `g` of its call; broadcasting is undone.

    Args:
        trace: the passes.
        step: the call.
        c: the contribution.
        g: of the call's shape.
        others: to compute with, instead of what the call was recorded with.

    Raises:
        RuntimeError: when a parameter was written since, and the call's values are gone.
    """
    node = trace.nodes[step.line]
    assert isinstance(node, Node)
    refuse_written(trace, step.line)
    rule: Any = rules_of(node)[c.position]
    y, arguments = others or (node._array, node._values)
    with np.errstate(all="ignore"):
        made = rule(g, y, *arguments, **node._keywords)
    if type(node._rules) is not tuple:
        made = made[c.position]
    return fitted(made, trace.lines[c.to].value, node._function)


def rules_of(node: Node) -> list[Any]:
    """List the rules for the arguments of a call, without what they refuse of a whole gradient.

    Of a part of it they need not: the parts of what is the same for all phases are not.
    """
    rules = zip(node._arguments, each(node._rules), strict=False)
    return [rule and UNCHECKED.get(rule, rule) for _, rule in rules]


def refuse_written(trace: Trace, line: int) -> None:
    """Refuse to run a call again on values that have been replaced."""
    node = trace.nodes[line]
    for argument in () if node is None else node._arguments:
        if isinstance(argument, Node) and node is not None and argument._written > node._birth:
            raise RuntimeError(
                f"{argument.name or 'a parameter'} was written after this was explained: explain "
                "the new graph"
            )


def is_by_hand(trace: Trace, step: Step) -> bool:
    """Tell whether the rule of a call is a backward that somebody wrote by hand."""
    node = trace.nodes[step.line]
    return node is not None and isinstance(node._function, type)


def local_derivative(trace: Trace, step: Step, c: Contribution) -> Array:
    """Differentiate a number by a number: what the rule makes of 1."""
    return np.asarray(share_of(trace, step, c, np.ones_like(step.gradient)))


# ---- one entry of a share, as a sum over the entries of the gradient -----------------------------
class Weights(NamedTuple):
    """Local derivatives: what the entries of a gradient, or their conjugates, are multiplied by."""

    of: Array
    conjugate: bool = False


def local_derivatives(
    trace: Trace,
    step: Step,
    c: Contribution,
    index: tuple[int, ...],
    others: Values | None = None,
) -> list[Weights] | None:
    """Differentiate one entry that a rule makes by the gradient that it is given.

    The entry is the sum of all weights times their entries; its real part, if the operand is real
    and the gradient complex. None where the rule is written by hand and the gradient too large to
    go through.
    """
    if is_by_hand(trace, step):
        return _by_hand(trace, step, c, index)
    g = Tensor(step.gradient)
    share = share_of(trace, step, c, g, others)
    if not isinstance(share, Tensor):
        return []
    entry = share[index]
    if share.dtype.kind != "c":
        return [Weights(np.asarray(gradients(entry, g)))]
    real, imaginary = (np.asarray(gradients(entry, g, grad=v)) for v in (1, -1j))
    if g.dtype.kind != "c":
        return [Weights(real + 1j * imaginary)]
    plain, conjugate = (real + 1j * imaginary) / 2, np.conj(real - 1j * imaginary) / 2
    both = [
        Weights(_without_rounding(plain, real)),
        Weights(_without_rounding(conjugate, real), conjugate=True),
    ]
    return [weights for weights in both if np.any(weights.of)]


def _without_rounding(weights: Array, beside: Array) -> Array:
    """Put 0 in place of what is nothing beside the largest."""
    tiny = np.abs(weights) <= 1e-12 * np.max(np.abs(beside), initial=0.0)
    return np.where(tiny, 0, weights)


def _by_hand(
    trace: Trace, step: Step, c: Contribution, index: tuple[int, ...]
) -> list[Weights] | None:
    """Run a backward on one entry at a time, and keep what it makes of each, if there is room."""
    size = step.gradient.size
    if size > _MOST:
        return None
    if size * c.share.size > _KEPT:
        return [
            Weights(
                np.array([one[index] for one in _of_units(trace, step, c)]).reshape(
                    step.gradient.shape
                )
            )
        ]
    known = jacobian(trace, step, c)
    assert known is not None
    return [Weights(known[index])]


def jacobian(trace: Trace, step: Step, c: Contribution) -> Array | None:
    """Run a backward on every entry at a time: what each entry of the share makes of each of g's.

    Returns:
        An array of both shapes, the share's first; None where there is no room for it.
    """
    size = step.gradient.size
    if size > _MOST or size * c.share.size > _KEPT:
        return None
    known = _jacobians.setdefault(step, {})
    if c.position not in known:
        known[c.position] = stacked([*_of_units(trace, step, c)], step, c)
    return known[c.position]


def stacked(made: Sequence[Array], step: Step, c: Contribution) -> Array:
    """Put what a backward made of each entry of g together."""
    stacked = np.stack(made, axis=-1) if made else np.zeros((*c.share.shape, 0))
    return stacked.reshape(*c.share.shape, *step.gradient.shape)


def _of_units(trace: Trace, step: Step, c: Contribution) -> Iterator[Array]:
    """Run a backward on gradients of which one entry is 1."""
    for unit in units(step):
        yield np.asarray(share_of(trace, step, c, unit))


def units(step: Step) -> Iterator[Array]:
    """List gradients of which one entry is 1."""
    for place in np.ndindex(step.gradient.shape):
        unit = np.zeros_like(step.gradient)
        unit[place] = 1
        yield unit


def drawn(trace: Trace, step: Step) -> Values | None:
    """Draw other numbers for a call, of which no two are equal; None for a backward by hand.

    Where a local derivative stands is seen by them: ones and equal operands tell nothing.
    """
    node = trace.nodes[step.line]
    if node is None or is_by_hand(trace, step):
        return None
    rng = np.random.default_rng(0)
    return Values(other(node._array, rng), tuple(other(value, rng) for value in node._values))


def other(value: Any, rng: np.random.Generator) -> Any:
    """Draw other numbers in place of an array of floats; anything else stays."""
    if not isinstance(value, np.ndarray) or value.dtype.kind not in "fc":
        return value
    real, imaginary = rng.uniform(0.5, 1.5, (2, *value.shape))
    return np.asarray(real + 1j * imaginary if value.dtype.kind == "c" else real, value.dtype)


def rtol_of(array: Any) -> float:
    """Give how far numbers of an array's dtype may differ that were computed in two ways."""
    return {"float64": 1e-6, "float32": 1e-4}.get(np.asarray(array).dtype.name, 1e-2)
