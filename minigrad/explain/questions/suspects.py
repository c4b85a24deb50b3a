"""Whose backward it is, when gradients and finite differences disagree.

A wrong rule spoils the gradients that come back through it, and no others. So what a gradient that
agrees came through is not suspected; and each rule of the learner's that is left is put beside the
differences of its own call.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from minigrad.explain.data.model import Contribution, Step, Trace
from minigrad.explain.data.watching import is_learners
from minigrad.explain.questions.proofs import is_right
from minigrad.layers.by_hand import Pullback

Rule = tuple[int, int]  # the line of a call, and which of its operands a gradient is made for


@dataclass
class Suspect:
    """A call that gradients which differ came back through."""

    rule: str  # AffW.backward
    layer: str  # net[2], or ""
    makes: list[str]  # the gradients that it makes wrong, or may: dW2
    leaves: list[str] = field(default_factory=list)  # the gradients that came back through it
    sure: bool = True  # whether the call's own differences show it

    @property
    def name(self) -> str:
        """The rule, with its layer."""
        return f"{self.rule} ({self.layer})" if self.layer else self.rule


def suspects(trace: Trace, wrong: Iterable[int], right: Iterable[int]) -> list[Suspect]:
    """List the calls with rules of the learner's own that explain which leaves are wrong.

    Args:
        trace: the explanation.
        wrong: leaves whose gradients differ.
        right: leaves whose gradients agree.

    Returns:
        In the order of the walk, first those whose own differences show that they are wrong. Of the
        others, which cannot be compared by themselves, those that no right gradient came through,
        and only for leaves that none of the first explains.
    """
    own = {(s.line, c.position): (s, c) for s in trace.steps for c in _own(trace, s)}
    behind = {leaf: own.keys() & _behind(trace, leaf) for leaf in wrong}
    asked = set[Rule]().union(*behind.values())
    cleared = set[Rule]().union(*(_behind(trace, leaf) for leaf in right))
    verdicts = {rule: is_right(trace, *own[rule]) for rule in own if rule in asked}
    bad = {rule for rule, verdict in verdicts.items() if verdict is False}
    open_ = {rule for rule, verdict in verdicts.items() if verdict is None} - cleared
    open_ &= set[Rule]().union(*(rules for rules in behind.values() if not rules & bad))
    found: dict[tuple[str, str, bool], Suspect] = {}
    for rule in sorted(own.keys() & (bad | open_), key=lambda rule: rule not in bad):
        through = [leaf for leaf, rules in behind.items() if rule in rules]
        _add(trace, found, own[rule], through, rule in bad)
    return [*found.values()]


def _own(trace: Trace, step: Step) -> Sequence[Contribution]:
    """List the contributions of a step if its rules are the learner's, and not ours."""
    node = trace.nodes[step.line]
    sources = [c.rule_source for c in step.contributions if c.rule_source]
    if any(is_learners(source.rpartition(":")[0]) for source in sources):
        return step.contributions
    rules = getattr(node, "_rules", None)
    made = type(rules.layer) if isinstance(rules, Pullback) else getattr(node, "_function", None)
    is_ours = (getattr(made, "__module__", None) or "numpy").startswith(("minigrad", "numpy"))
    return () if is_ours else step.contributions


def _behind(trace: Trace, leaf: int) -> set[Rule]:
    """Find the rules on the way back that the gradient of a leaf came through."""
    lines, rules = {leaf}, set()
    for step in reversed(trace.steps):
        for c in step.contributions:
            if c.to in lines:
                lines.add(step.line)
                rules.add((step.line, c.position))
    return rules


def _add(
    trace: Trace,
    found: dict[tuple[str, str, bool], Suspect],
    rule: tuple[Step, Contribution],
    through: Iterable[int],
    sure: bool,
) -> None:
    """Add a rule to the suspects; all calls of one layer are one of them."""
    step, c = rule
    line = trace.lines[step.line]
    group = None if line.layer is None else trace.layers[line.layer]
    by_hand = (line.call or "").partition(".forward(")
    name = f"{by_hand[0]}.backward" if by_hand[1] else f"the rule of {line.call}"
    layer = group.path if group else ""
    suspect = found.setdefault((name, layer, sure), Suspect(name, layer, [], sure=sure))
    makes, leaves = [trace.lines[c.to].d], [trace.lines[leaf].d for leaf in through]
    suspect.makes += [d for d in makes if d not in suspect.makes]
    suspect.leaves += [d for d in leaves if d not in suspect.leaves]


def told(found: Sequence[Suspect]) -> str:
    """Say where to look; nothing when it cannot be told."""
    if not found:
        return ""
    sure = [suspect for suspect in found if suspect.sure]
    parts = [_told(suspect, len(found) > 1) for suspect in sure]
    perhaps = " or ".join(s.name for s in found if not s.sure)
    if perhaps:
        others = [d for s in found if not s.sure for d in s.leaves]
        listed = f": {_listed([*dict.fromkeys(others)])}" if sure else ""
        parts.append(f"{perhaps}{listed}")
    return (
        f"What differs came back through {'; and '.join(parts)}; minigrad check finds out what is "
        "wrong there"
    )


def _told(suspect: Suspect, is_one_of_several: bool) -> str:
    """Name a call, and which gradients it makes wrong, if others do so too."""
    if not is_one_of_several:
        return suspect.name
    return f"{suspect.name}, which makes {_listed(suspect.makes)} wrong"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 4 else ""
    return ", ".join(names[:3] if more else names) + more
