"""A layer that trains in one way and tests in another is checked in both."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from minigrad.layers import Layer
from minigrad.layers.wrapping import Wrapped
from minigrad.testing.report import Report
from minigrad.testing.reports.findings import Finding, Verdict
from minigrad.testing.subjects.naming import copied, flag_in

Check = Callable[[Any, Mapping[str, Any]], Report]
WORST_FIRST = (Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.PASS)


def open_flag(layer: Any, inputs: Sequence[Any], options: Mapping[str, Any]) -> str | None:
    """Find the flag of training that forward takes and nobody gave.

    >>> import minigrad as mg
    >>> open_flag(mg.Dropout(0.5), [1.0], {}), open_flag(mg.Dropout(0.5), [1.0, True], {})
    ('train_flag', None)
    """
    try:
        names = list(inspect.signature(written_forward(layer)).parameters)
    except (TypeError, ValueError, AttributeError):
        return None
    return flag_in(name for name in names[len(inputs) :] if name not in options)


def written_forward(layer: Any) -> Any:
    """Find the forward that a person wrote, which says what its arguments are called."""
    if isinstance(layer, Wrapped):
        return written_forward(layer.layer)
    is_call = isinstance(layer, Layer) and not layer.is_by_hand()
    return layer.__call__ if is_call else layer.forward


def must_be_given(layer: Any, inputs: Sequence[Any], options: Mapping[str, Any]) -> None:
    """Refuse to check on nothing: say what forward wants.

    >>> import minigrad as mg
    >>> must_be_given(mg.Affine(3, 2), [], {})
    Traceback (most recent call last):
    TypeError: say what Affine is tried on: check_layer(layer, x). assert_gradients(layer) ...
    """
    if isinstance(layer, type):
        return
    try:
        wanted = inspect.signature(written_forward(layer)).parameters.values()
    except (TypeError, ValueError, AttributeError):
        return
    places = [p for p in wanted if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    missing = [p.name for p in places[len(inputs) :] if p.default is p.empty]
    missing = [name for name in missing if name not in options and flag_in([name]) is None]
    if missing:
        every = ", ".join(p.name for p in places if p.default is p.empty)
        raise TypeError(
            f"say what {type(layer).__name__} is tried on: check_layer(layer, {every}). "
            "assert_gradients(layer) makes some up"
        )


def checked(layer: Any, inputs: Sequence[Any], flag: str, check: Check) -> Report:
    """Check in both modes; one report, of the worse one, with all that was looked at."""
    training, testing = check(layer, {flag: True}), check(layer, {flag: False})
    if testing.reason.startswith("forward raised"):  # it may have to see a batch first
        testing = check(_after_training(layer, inputs, flag), {flag: False})
    if training.ok and testing.reason.startswith("backward raised"):  # nobody is misled by that
        training.notes = [*training.notes, f"with {flag}=False, {testing.reason}"]
        return training
    return merged({f"{flag}=True": training, f"{flag}=False": testing})


def merged(reports: Mapping[str, Report]) -> Report:
    """Make one report of several, whose findings say which mode they are of."""
    worst = min(reports, key=lambda mode: WORST_FIRST.index(reports[mode].verdict))
    found = reports[worst]
    notes = [note for report in reports.values() for note in report.notes]
    return replace(
        found,
        name=found.name if found.ok else f"{found.name} with {worst}",
        checks=_joined(reports),
        notes=[*dict.fromkeys(notes), f"looked at with {' and with '.join(reports)}"],
        evaluations=sum(report.evaluations for report in reports.values()),
        seconds=sum(report.seconds for report in reports.values()),
        worst_ratio=max(report.worst_ratio for report in reports.values()),
    )


def _joined(reports: Mapping[str, Report]) -> list[Finding]:
    """Gradients of each mode by themselves; a contract is kept if it is kept in each."""
    every = [(mode, one) for mode, report in reports.items() for one in report.checks]
    shown = [(mode, one) for mode, one in every if one.order or one.verdict is not Verdict.PASS]
    broken = {one.name for _, one in shown}
    kept = {one.name: one for _, one in every if not one.order and one.name not in broken}
    return [replace(one, name=f"{one.name}, {mode}") for mode, one in shown] + list(kept.values())


def _after_training(layer: Any, inputs: Sequence[Any], flag: str) -> Any:
    """A copy that has seen one batch in training, as far as that works."""
    layer = copied(layer)
    try:
        layer.forward(*copied(list(inputs)), **{flag: True})
    except Exception:  # the check of that mode says so
        return layer
    return layer
