"""Whose backward it is, when gradients and finite differences disagree.

A wrong rule spoils every gradient that comes back through its call, and no other.
"""

from __future__ import annotations

from collections.abc import Iterable

from minigrad.explain.data.model import Step, Trace
from minigrad.explain.data.watching import is_learners
from minigrad.layers.by_hand import Pullback


def suspects(trace: Trace, wrong: Iterable[int], right: Iterable[int]) -> list[Step]:
    """List the steps with rules of the learner's own that explain which leaves are wrong.

    Args:
        trace: the explanation.
        wrong: leaves whose gradients differ.
        right: leaves whose gradients agree.

    Returns:
        The steps that all wrong gradients came back through, and none of the right ones if there
        are such; in the order of the walk.
    """
    own = [step for step in trace.steps if _is_own(trace, step)]
    behind = [_behind(trace, leaf) for leaf in wrong]
    shared = [step for step in own if behind and all(step.line in lines for lines in behind)]
    if not shared:
        return []
    cleared = set[int]().union(*(_behind(trace, leaf) for leaf in right))
    return [step for step in shared if step.line not in cleared] or shared


def _is_own(trace: Trace, step: Step) -> bool:
    """Whether the rules of a step are the learner's, and not ours."""
    node = trace.nodes[step.line]
    sources = [c.rule_source for c in step.contributions if c.rule_source]
    if any(is_learners(source.rpartition(":")[0]) for source in sources):
        return True
    rules = getattr(node, "_rules", None)
    made = type(rules.layer) if isinstance(rules, Pullback) else getattr(node, "_function", None)
    return not (getattr(made, "__module__", None) or "numpy").startswith(("minigrad", "numpy"))


def _behind(trace: Trace, leaf: int) -> set[int]:
    """Find the calls on the way back that the gradient of a leaf came through."""
    found = {leaf}
    for step in reversed(trace.steps):
        if any(c.to in found for c in step.contributions):
            found.add(step.line)
    return found


def told(trace: Trace, found: list[Step]) -> str:
    """Say where to look; nothing when it cannot be told."""
    names = []
    for step in found:
        line = trace.lines[step.line]
        group = None if line.layer is None else trace.layers[line.layer]
        by_hand = (line.call or "").partition(".forward(")
        rule = f"{by_hand[0]}.backward" if by_hand[1] else f"the rule of {line.call}"
        names.append(f"{rule} ({group.path})" if group else rule)
    if not names:
        return ""
    listed = "; or ".join(names)
    return f"What differs came back through {listed}; minigrad check finds out what is wrong there"
