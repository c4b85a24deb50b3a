"""How a check goes: can it run, is it random, are the numbers right, does it behave, and why not.

The order matters. A function that draws other numbers each time has no derivative to compare with,
so randomness comes first; the cause of wrong numbers is often a broken contract, so diagnosis
comes last.
"""

from __future__ import annotations

import time
import traceback
import warnings
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from minigrad.graph import Array
from minigrad.testing import contracts, corners, diagnosis, higher, places
from minigrad.testing import sampled as sampling
from minigrad.testing.evidence import Comparison, Evidence, compared
from minigrad.testing.findings import Cause, Finding, Verdict
from minigrad.testing.jacobian import Point
from minigrad.testing.ours import FunctionSubject
from minigrad.testing.projections import Judge
from minigrad.testing.randomness import restore
from minigrad.testing.report import Report
from minigrad.testing.showing import grad_of
from minigrad.testing.subject import Run, Subject

SINGLE = 2.0**-24  # the unit of rounding of float32


class StoppedError(Exception):
    """Nothing more can be looked at; the sentence says why."""

    def __init__(self, verdict: Verdict, sentence: str, where: Sequence[str] = ()) -> None:
        super().__init__(sentence)
        self.verdict, self.sentence, self.where = verdict, sentence, where


class Check:
    """One check of one subject.

    Args:
        subject: what to check.
        rtol: the relative error that is called wrong, beyond the bar.
        wanted: which contracts: True for all, False for none, names, or {name: False}.
        diagnose: whether to look for the cause of a failure.
        rng: a seed or a Generator for the random cotangents.
        order: of the derivatives of a function.
    """

    def __init__(
        self,
        subject: Subject,
        rtol: float,
        wanted: bool | Collection[str] | Mapping[str, bool],
        diagnose: bool = True,
        rng: Any = 0,
        order: int = 1,
    ) -> None:
        contracts.must_be_known(() if isinstance(wanted, bool) else wanted)
        self.subject, self.rtol, self.order = subject, rtol, order
        self.rng = np.random.default_rng(rng)
        self.wanted, self.diagnose = wanted, diagnose
        self.findings: list[Finding] = []
        self.notes = list(subject.notes)
        self.evidence: Evidence | None = None  # of the first failure, or of the first cotangent
        self.seen: dict[str, Comparison] = {}  # the worst comparison of each operand
        self.reason = ""
        self.where: Sequence[str] = ()

    def report(self) -> Report:
        """Look at everything, and say what was found."""
        began = time.perf_counter()
        outside = self.subject.rewind.now()
        try:
            with warnings.catch_warnings(action="ignore"), np.errstate(all="ignore"):
                return self._written(self._looked(), began)
        finally:
            restore(outside)

    def _looked(self) -> Verdict:
        """Look at numbers, then at conduct, unless there is nothing to look at."""
        try:
            self._run()
        except StoppedError as stopped:
            self.reason, self.where = stopped.sentence, stopped.where
            if stopped.verdict is Verdict.FAIL:
                self._look_at_conduct()
            return stopped.verdict
        self._look_at_conduct()
        return self._verdict()

    # ---- what is looked at, in order -----------------------------------------------------------
    def _run(self) -> None:
        run = self._forward()
        self._look_for_randomness(run)
        self.point = Point(self.subject)
        self._look_at_outputs()
        self.judge = Judge(self.point, self.rng, self.rtol)
        for _, douts in self.subject.cotangents(self.point.outputs, self.rng):
            self._take(self._backward(douts))
        at_corners = self._look_for_corners()
        self._judge_values(at_corners)
        self._look_in_single_precision(run)
        if isinstance(self.subject, FunctionSubject):
            self._look_higher(self.subject)

    def _forward(self) -> Run:
        """Run forward once, or say why that is impossible."""
        try:
            run = self.subject.start()
        except Exception as error:
            raise StoppedError(Verdict.FAIL, *raised("forward", error)) from error
        self.subject.rewind.forget_unused()
        for name in self.subject.rewind.used:
            self.notes.append(f"random numbers from {name} were drawn again for each evaluation")
        bad = [y.dtype for y in run.outputs if y.dtype.kind != "f"]
        if bad or not run.outputs:
            whole = [k for k, x in self.subject.inputs.items() if _holds_integers(x)]
            hint = f": make floats of {', '.join(whole)}, with .astype(float)" if whole else ""
            what = f"an array of {bad[0]}" if bad else "nothing"
            sentence = f"forward returned {what}, and only floats have a derivative{hint}"
            raise StoppedError(Verdict.FAIL, sentence)
        return run

    def _look_for_randomness(self, run: Run) -> None:
        """See whether the same inputs give the same outputs, from the same random state."""
        for again in (self.subject.start(), self.subject.start()):
            pairs = list(zip(run.outputs, again.outputs, strict=False))
            same = all(np.array_equal(a, b, equal_nan=True) for a, b in pairs)
            if not same or len(run.outputs) != len(again.outputs):
                sentence = (
                    "forward gives other numbers each time, from the same inputs: it draws random "
                    "numbers that nobody can draw again. Hand it a generator, rng=, and keep that"
                )
                raise StoppedError(Verdict.INCONCLUSIVE, sentence)

    def _look_at_outputs(self) -> None:
        """See whether there is something to differentiate here."""
        bad = ~np.isfinite(self.point.centre)
        if np.any(bad):
            sentence = f"{np.sum(bad)} of {bad.size} outputs are not finite here: try other inputs"
            raise StoppedError(Verdict.INCONCLUSIVE, sentence)
        if not self.point.operands:
            raise StoppedError(
                Verdict.INCONCLUSIVE,
                "nothing here has a gradient: no input holds floats, and there are no parameters",
            )

    def _backward(self, douts: Sequence[Array]) -> Evidence:
        """Compare the gradients for these cotangents, or say why there are none."""
        try:
            return self.judge.evidence(douts)
        except Exception as error:
            raise StoppedError(Verdict.FAIL, *raised("backward", error)) from error

    def _take(self, found: Evidence) -> None:
        """Remember the worst of what was seen, and the first evidence of a failure."""
        if self.evidence is None or (found.wrong and not self.evidence.wrong):
            self.evidence = found
        for name, one in found.operands.items():
            if name not in self.seen or severity(one) > severity(self.seen[name]):
                self.seen[name] = one

    def _look_for_corners(self) -> dict[str, Finding]:
        """Where something is wrong, see whether a corner that no axis shows is all that it is.

        The outputs that have no derivative here are left out, and what is still wrong is wrong.
        """
        wrong = [name for name, one in self.seen.items() if one.is_wrong and one.shape_is_right]
        if not wrong or self.evidence is None:
            return {}
        gaps = corners.gaps_at(self.point, self.rng)
        if not corners.explain(gaps, self.evidence):
            return {}
        self.seen, self.evidence = {}, None
        for _, douts in self.subject.cotangents(self.point.outputs, self.rng):
            self._take(self._backward(corners.smooth_part(douts, gaps)))
        sentence = (
            f"{np.sum(gaps > 0)} of {gaps.size} outputs have no derivative here, since their "
            "slopes in several directions do not add up: a tie or a corner. Move the inputs a bit"
        )
        names = [name for name in wrong if not self.seen[name].is_wrong]
        titles = {name: grad_of(name) for name in names}
        return {k: Finding(titles[k], Verdict.INCONCLUSIVE, sentence, (k,), 1) for k in names}

    def _look_in_single_precision(self, run: Run) -> None:
        """Where the subject is in float32, hold that to what float32 can do."""
        if not any(x.dtype == np.float32 for x in run.operands.values()):
            return
        _, douts = self.subject.cotangents(run.outputs, self.rng)[0]
        douts = [np.asarray(d, y.dtype) for d, y in zip(douts, run.outputs, strict=True)]
        try:
            yours = run.gradients(douts)
            exact = self.judge.evidence([d.astype(np.float64) for d in douts]).yours
        except Exception as error:
            raise StoppedError(Verdict.FAIL, *raised("backward", error)) from error
        found = compared(self.point, douts, yours, self.rtol, SINGLE)
        for name, g in yours.items():
            one = found[name] if name in found else likened(name, g, exact[name])
            if one.is_wrong and not self.seen[name].is_wrong:
                self.seen[name] = one
                if self.evidence is not None:
                    self.evidence.operands[name] = one
            title = f"{grad_of(name)} in float32"
            verdict = Verdict.FAIL if one.is_wrong else Verdict.PASS
            sentence = "is wrong" if one.is_wrong else "right, as far as float32 goes"
            self.findings.append(Finding(title, verdict, sentence, (name,), 1))

    def _look_higher(self, subject: FunctionSubject) -> None:
        """Look at forward mode, and at the derivatives of the gradient as far as asked."""
        self.findings += higher.forward_mode(subject, self.point, self.judge, self.rng, self.rtol)
        point = self.point
        for order in range(2, self.order + 1):
            try:
                subject, point, found = higher.second_order(
                    subject, point, self.rng, self.rtol, partial(judged, order=order)
                )
            except Exception as error:
                sentence, where = raised(f"derivative {order}", error)
                raise StoppedError(Verdict.INCONCLUSIVE, sentence, where) from error
            self.findings += [
                replace(one, name=f"derivative {order} by {one.at[0]}", order=order)
                for one in found
            ]

    def _judge_values(self, at_corners: Mapping[str, Finding]) -> None:
        """One finding for each gradient."""
        count = len(self.subject.cotangents(self.point.outputs, np.random.default_rng(0)))
        for name, one in self.seen.items():
            self.findings.append(at_corners.get(name) or judged(name, one, count))

    def _look_at_conduct(self) -> None:
        """Run the contracts, those that were not switched off."""
        if self.wanted is False:
            return
        skip: Collection[str] = ()
        if isinstance(self.wanted, Mapping):
            skip = [name for name, is_wanted in self.wanted.items() if not is_wanted]
        found = contracts.run(self.subject, self.evidence, skip)
        if not isinstance(self.wanted, (bool, Mapping)):
            found = [one for one in found if one.name in self.wanted]
        asked = set() if self.wanted is True else set(self.wanted) - set(skip)
        noted = contracts.NOTED - asked
        harmless = [one for one in found if one.name in noted and one.verdict is Verdict.FAIL]
        self.notes += [f"{one.name}: {one.sentence}" for one in harmless]
        self.findings += [one for one in found if one not in harmless]

    # ---- what is made of it --------------------------------------------------------------------
    def _verdict(self) -> Verdict:
        """The worst of the findings that count."""
        if any(found.verdict is Verdict.FAIL for found in self.findings):
            return Verdict.FAIL
        open_values = [f for f in self.findings if f.verdict is Verdict.INCONCLUSIVE and f.order]
        if open_values:
            self.reason = f"{open_values[0].name}: {open_values[0].sentence}"
            return Verdict.INCONCLUSIVE
        return Verdict.PASS

    def _written(self, verdict: Verdict, began: float) -> Report:
        wrong = {name: one for name, one in self.seen.items() if one.is_wrong}
        cause: Cause | None = None
        sampled = [name for name, one in wrong.items() if one.sampled]
        if sampled:
            self.notes.append(
                f"{', '.join(sampled)} is large: wrong entries were searched for, and more may be. "
                "Check smaller shapes to see every entry"
            )
        if verdict is Verdict.FAIL and self.diagnose:
            evidence = self.evidence
            if evidence is not None and any(map(self.point.is_large, self.point.operands)):
                evidence = sampling.evidence_of_some(evidence, self.rng)
            cause = diagnosis.diagnose(evidence, self.findings)
        self.notes += kinks_of(self.point) + unused(self.point) if self.seen else []
        where = self.where or (places.of_gradients(self.subject, wrong) if wrong else ())
        return Report(
            name=self.subject.name,
            verdict=verdict,
            cause=cause,
            worst=places.worst(wrong),
            checks=self.findings,
            reason=self.reason,
            notes=self.notes,
            where=where,
            errors={name: one.relative for name, one in wrong.items() if one.shape_is_right},
            counts={name: (int(np.sum(one.wrong)), one.wrong.size) for name, one in wrong.items()},
            sampled=bool(sampled),
            worst_ratio=max((one.ratio for one in self.seen.values()), default=0.0),
            evaluations=self.subject.evaluations,
            seconds=time.perf_counter() - began,
            evidence=self.evidence,
        )


def kinks_of(point: Point) -> list[str]:
    """Say where the point is not smooth."""
    notes = []
    for name, scan in point.scans.items():
        count = int(np.sum(np.any(scan.kinks, axis=1)))
        if count:
            notes.append(
                f"{count} of {len(scan.kinks)} entries of {name} sit at a kink, where any slope "
                "between those on its two sides is accepted"
            )
    return notes + [f"at a kink: {corner}" for corner in point.corners[:3]]


def unused(point: Point) -> list[str]:
    """Say which operands the outputs do not depend on."""
    flat = [k for k, scan in point.scans.items() if scan.value.size and not np.any(scan.value)]
    known = [k for k in flat if np.max(point.scans[k].bar) < 1e-9]
    return [f"forward gives the same whatever {k} is, as far as these inputs show" for k in known]


def likened(name: str, single: Array | None, double: Array | None) -> Comparison:
    """Compare a gradient in float32 with the same one in float64."""
    exact = np.zeros(()) if double is None else np.asarray(double, np.float64)
    size = float(np.max(np.abs(exact), initial=0))
    bar = np.full(exact.shape, 1000 * SINGLE * size)
    none = np.zeros(exact.shape, bool)
    return Comparison(name, exact, single, exact, bar, bar, none, size, sampled=True)


def severity(one: Comparison) -> tuple[bool, int, float]:
    """What the worst of several comparisons is by: more wrong entries show more of a mistake."""
    wrong = int(np.sum(one.wrong)) if one.shape_is_right else 0
    return not one.shape_is_right, wrong, one.ratio


def judged(name: str, one: Comparison, cotangents: int, order: int = 1) -> Finding:
    """Say of one gradient whether it is right."""
    title = grad_of(name)
    if one.yours is None:
        return Finding(title, Verdict.FAIL, "backward made none", (name,), 1)
    if not one.shape_is_right:
        shape, wanted = np.shape(one.yours), one.numerical.shape
        sentence = f"has shape {shape}, and {name} has {wanted}"
        return Finding(title, Verdict.FAIL, sentence, (name,), 1)
    size, wrong = one.wrong.size, int(np.sum(one.wrong))
    if wrong:
        least = "at least " if one.sampled else ""
        return Finding(
            title, Verdict.FAIL, f"{least}{wrong} of {size} entries are wrong", (name,), 1
        )
    unknown, kinks = int(np.sum(one.unknown)), int(np.sum(one.kinks))
    if order == 1:  # where a function jumps, it has no slope; where a slope jumps, that is a kink
        unknown = int(np.sum(one.unknown | (one.kinks & ~(one.bar < np.inf))))
    if unknown:
        sentence = f"{unknown} of {size} entries cannot be judged here: try other inputs"
        if np.any(one.unknown & one.corners):
            sentence = (
                f"{unknown} of {size} entries sit at a corner of the function, and are not between "
                "the slopes on its two sides; move the inputs a little"
            )
        return Finding(title, Verdict.INCONCLUSIVE, sentence, (name,), 1)
    if one.sampled:
        sentence = f"right along 3 random directions in its {size} entries, for {cotangents} douts"
        return Finding(title, Verdict.PASS, sentence, (name,), 1)
    smooth = ~one.kinks
    error = np.max(one.error, initial=0, where=smooth)
    bar = np.max(one.tolerance, initial=0, where=smooth)
    every = f"all {size} entries" if not kinks else f"{size - kinks} entries"
    sentence = (
        f"{every} right for {cotangents} douts; off by {error:.0e} at most, {bar:.0e} would show"
    )
    if kinks:
        sentence += f"; {kinks} between the slopes of a kink"
    return Finding(title, Verdict.PASS, sentence, (name,), 1)


def raised(what: str, error: Exception) -> tuple[str, list[str]]:
    """Say which line raised what: a sentence, and the place with its text."""
    sentence = f"{what} raised {type(error).__name__}: {error}"
    ours = __file__.rpartition("testing")[0]
    frames = [
        f for f in traceback.extract_tb(error.__traceback__) if not f.filename.startswith(ours)
    ]
    if not frames:
        return sentence, []
    last = frames[-1]
    return sentence, [f"{places.nearby(last.filename)}:{last.lineno}", f"    {last.line}"]


def _holds_integers(x: Any) -> bool:
    return isinstance(x, np.ndarray) and x.dtype.kind in "iu"
