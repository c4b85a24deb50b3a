"""Before numbers are compared: can it run, does it repeat, is there something to differentiate."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from minigrad.testing.evidence.jacobian import Point
from minigrad.testing.evidence.judging import holds_integers, raised
from minigrad.testing.reports.findings import Verdict
from minigrad.testing.subjects.subject import Run, Subject


class StoppedError(Exception):
    """Nothing more can be looked at; the sentence says why."""

    def __init__(self, verdict: Verdict, sentence: str, where: Sequence[str] = ()) -> None:
        super().__init__(sentence)
        self.verdict, self.sentence, self.where = verdict, sentence, where


def first_run(subject: Subject) -> Run:
    """Run forward once, or say why that is impossible."""
    try:
        run = subject.start()
    except Exception as error:
        raise StoppedError(Verdict.FAIL, *raised("forward", error)) from error
    subject.rewind.forget_unused()
    bad = [y.dtype for y in run.outputs if y.dtype.kind != "f"]
    if bad or not run.outputs:
        whole = [k for k, x in subject.inputs.items() if holds_integers(x)]
        hint = f": make floats of {', '.join(whole)}, with .astype(float)" if whole else ""
        what = f"an array of {bad[0]}" if bad else "nothing"
        sentence = f"forward returned {what}, and only floats have a derivative{hint}"
        raise StoppedError(Verdict.FAIL, sentence)
    return run


def must_repeat(subject: Subject, run: Run) -> None:
    """See whether the same inputs give the same outputs, from the same random state."""
    for again in (subject.start(), subject.start()):
        pairs = list(zip(run.outputs, again.outputs, strict=False))
        same = all(np.array_equal(a, b, equal_nan=True) for a, b in pairs)
        if not same or len(run.outputs) != len(again.outputs):
            sentence = (
                "forward gives other numbers each time, from the same inputs: it draws random "
                "numbers that nobody can draw again. Hand it a generator, rng=, and keep that"
            )
            raise StoppedError(Verdict.INCONCLUSIVE, sentence)


def must_be_differentiable(point: Point) -> None:
    """See whether there is something to differentiate here."""
    bad = ~np.isfinite(point.centre)
    if np.any(bad):
        sentence = f"{np.sum(bad)} of {bad.size} outputs are not finite here: try other inputs"
        raise StoppedError(Verdict.INCONCLUSIVE, sentence)
    if not point.operands:
        raise StoppedError(
            Verdict.INCONCLUSIVE,
            "nothing here has a gradient: no input holds floats, and there are no parameters",
        )
