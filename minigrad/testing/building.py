"""Functions without arguments that build what is checked, as `minigrad explain` takes them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from minigrad.graph import Node
from minigrad.testing.report import Report, Verdict
from minigrad.testing.subjects.outcomes import place
from minigrad.testing.subjects.trials import quiet

WANTED = "a layer, a network, (net, x, t) or a function is what can be checked"


class Built(NamedTuple):
    """What a builder returned, and what to try it on if it said so."""

    thing: Any
    inputs: Sequence[Any] | None


def is_builder(f: Any, inputs: Any, options: Mapping[str, Any]) -> bool:
    """Tell whether a function is to be called with nothing, for what it returns.

    >>> is_builder(lambda: 1, None, {}), is_builder(lambda x: x, None, {})
    (True, False)
    """
    try:
        given = inspect.signature(f).parameters.values()
    except (TypeError, ValueError):
        return False
    if any(p.kind is p.VAR_POSITIONAL for p in given):
        return False
    free = [p for p in given if p.name not in options and p.kind is not p.VAR_KEYWORD]
    too_few = inputs is None or len(free) < len(inputs)
    return not free or (too_few and all(p.default is not p.empty for p in free))


def taken_by(f: Any, options: Mapping[str, Any]) -> dict[str, Any]:
    """The options that are the builder's own."""
    return {k: v for k, v in options.items() if k in inspect.signature(f).parameters}


def build(
    f: Any, name: str, options: Mapping[str, Any], kind_of: Callable[[Any], str]
) -> Built | Report:
    """Call a builder: what it made, or a report on why that cannot be checked."""
    try:
        with quiet():
            made = f(**taken_by(f, options))
    except Exception as error:
        reason = f"{name}() raised {type(error).__name__}: {error}"
        return Report(name, Verdict.FAIL, reason=reason, where=place(error))
    if isinstance(made, tuple) and len(made) == 3 and hasattr(made[0], "loss"):
        return Built(made[0], made[1:])
    first = made[0] if isinstance(made, tuple) and made else made
    if isinstance(first, (Node, float, np.ndarray, np.generic)):
        reason = f"{name}() returned numbers, and takes none to differentiate by: {WANTED}"
        return Report(name, Verdict.INCONCLUSIVE, reason=reason)
    try:
        kind_of(made)
    except TypeError:
        reason = f"{name}() returned {made!r:.60}, and {WANTED}"
        return Report(name, Verdict.INCONCLUSIVE, reason=reason)
    return Built(made, None)
