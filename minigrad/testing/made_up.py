"""What a verdict on made-up inputs is worth: a guess accuses nobody.

What is wrong on one guess may be right on another. So where names did not say what everything is,
or backward raises, other guesses are looked at; and a gradient of another shape than a made-up
array says what shape that should have had.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Iterable, Iterator

import numpy as np

from minigrad.testing.diagnosis import unseen
from minigrad.testing.report import Report
from minigrad.testing.reports.findings import Verdict
from minigrad.testing.subjects.trials import Trial

LARGE = 4  # by how much, where a condition wants other numbers
OTHER_GUESSES = 8  # looked at, where the first may have been a wrong one
Check = Callable[..., Report]


def judged(report: Report, first: Trial, others: Iterator[Trial], check: Check) -> Report:
    """Judge the report on the first guess by what is found on others.

    Args:
        report: on the first guess.
        first: that guess.
        others: further ones.
        check: makes a report on a guess.
    """
    if report.verdict is Verdict.INCONCLUSIVE:
        looked = (check(found, diagnose=False) for found in itertools.islice(others, OTHER_GUESSES))
        return next((other for other in looked if other.ok), report)
    if report.ok:
        return _with_other_cases(report, first, check)
    raised, shapes = has_raised(report), wrong_shapes(report)
    if first.sure and not raised and not is_spread(report):
        return report
    reshaped = first.reshaped(shapes) if shapes else None
    guesses = iter([reshaped]) if reshaped else _differing(others, first)
    for found in itertools.islice(guesses, OTHER_GUESSES):
        other = check(found, diagnose=False)  # a cause takes long, and is sought if it is shown
        ran = raised and not has_raised(other) and (found.sure or not wrong_shapes(other))
        if other.ok or ran:
            return _second_thoughts(report, other if other.ok else check(found), first.sure)
    if shapes:
        return _unknown(report, f"gradients have other shapes than {', '.join(shapes)}")
    return _second_thoughts(report, None, first.sure)


def _with_other_cases(report: Report, first: Trial, check: Check) -> Report:
    """Check again where conditions of forward came out alike everywhere, on what may change that.

    A label that forward asks for and no guess has, such as −1 for what is to be ignored; and an
    input that is several times as large.
    """
    subject = None if report.evidence is None else report.evidence.subject
    found = unseen.unseen(subject) if subject else []
    if subject is None or not found or len(first.inputs) != len(subject.inputs):
        return report
    labels = {one.name: one.remedy for one in found if one.name}
    inputs, made = list(first.inputs), list(first.made)
    for i, name in enumerate(subject.inputs):
        x = np.array(inputs[i])
        if name in labels:
            inputs[i], words = x, f", and with {labels[name]} among them"
            x.flat[-1] = labels[name]
        elif i == 0 and x.dtype.kind == "f" and len(labels) < len(found):
            inputs[i], words = LARGE * x, f", and {LARGE} times as large"
        else:
            continue
        made[i - len(inputs)] += words
    other = check(dataclasses.replace(first, inputs=tuple(inputs), made=made))
    ran = other.verdict is not Verdict.INCONCLUSIVE and "raised" not in other.reason
    evidence = other.evidence
    if not ran or (other.ok and len(unseen.unseen(evidence.subject)) >= len(found)):
        return report
    return other


def _differing(guesses: Iterable[Trial], first: Trial) -> Iterator[Trial]:
    """Those that differ from the first one, and from one another, in more than numbers."""
    seen = [first.made]
    for found in guesses:
        if found.made not in seen:
            seen.append(found.made)
            yield found


def has_raised(report: Report) -> bool:
    """Tell whether backward raised."""
    return report.reason.startswith("backward raised")


def wrong_shapes(report: Report) -> dict[str, tuple[int, ...]]:
    """The shapes of gradients that are not their operands', by the operands' names."""
    if report.evidence is None:
        return {}
    wrong = {k: one.yours for k, one in report.evidence.operands.items() if not one.shape_is_right}
    return {k.removeprefix("self."): np.shape(g) for k, g in wrong.items() if g is not None}


def is_spread(report: Report) -> bool:
    """Tell whether the gradient of the first input has more entries than it.

    Then forward stretched that input, by broadcasting, beside something that was made up too.
    """
    if report.evidence is None or not report.evidence.inputs:
        return False
    one = report.evidence.operands.get(next(iter(report.evidence.inputs)))
    return one is not None and one.yours is not None and np.size(one.yours) > one.numerical.size


def _second_thoughts(wrong: Report, other: Report | None, sure: bool) -> Report:
    """Judge what is wrong on one made-up input, and ran, or is right, on another."""
    guess = wrong.notes[0].removeprefix("tried on ")
    if other and has_raised(wrong):
        note = f"on {guess} its {wrong.reason}; it is not made for that, perhaps"
        other.notes = [*other.notes, note]
        return other
    if other:
        words = other.notes[0].removeprefix("tried on ")
        reason = f"wrong on {guess}, but right on {words}: say which it is made for"
    elif has_raised(wrong) and not sure:
        return _unknown(wrong, wrong.reason)
    else:
        if not sure:
            wrong.notes = [*wrong.notes, "these are guesses: if it is made for others, give those"]
        return wrong
    return dataclasses.replace(wrong, verdict=Verdict.INCONCLUSIVE, cause=None, reason=reason)


def _unknown(wrong: Report, what: str) -> Report:
    """Say that what was seen may be the fault of the guess."""
    reason = f"{what}; and these inputs were made up: say what it is made for"
    return dataclasses.replace(wrong, verdict=Verdict.INCONCLUSIVE, cause=None, reason=reason)
