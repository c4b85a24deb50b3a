"""How a check goes: can it run, is it random, are the numbers right, does it behave, and why not.

The order matters. A function that draws other numbers each time has no derivative to compare with,
so randomness comes first; the cause of wrong numbers is often a broken contract, so diagnosis
comes last.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from minigrad.graph import Array
from minigrad.testing import beforehand
from minigrad.testing.beforehand import StoppedError
from minigrad.testing.contracts import contracts
from minigrad.testing.diagnosis import diagnosis, unseen
from minigrad.testing.diagnosis.forwards import EITHER
from minigrad.testing.evidence import corners, higher, places
from minigrad.testing.evidence import sampled as sampling
from minigrad.testing.evidence.evidence import Comparison, Evidence, compared
from minigrad.testing.evidence.jacobian import Point
from minigrad.testing.evidence.judge import Judge
from minigrad.testing.evidence.judging import (
    SINGLE,
    judged,
    kinks_of,
    likened,
    raised,
    severity,
    unused,
)
from minigrad.testing.report import Report
from minigrad.testing.reports.findings import Cause, Finding, Verdict
from minigrad.testing.reports.showing import grad_of
from minigrad.testing.subjects.ours import FunctionSubject
from minigrad.testing.subjects.randomness import restore
from minigrad.testing.subjects.subject import Run, Subject


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
        with self._undisturbed():
            return self._written(self._looked(), began)

    def cause(self) -> Cause | None:
        """Why it failed, of a check that was made."""
        evidence = self.evidence
        with self._undisturbed():
            if evidence is not None and any(map(self.point.is_large, self.point.operands)):
                evidence = sampling.evidence_of_some(evidence, self.rng)
            return diagnosis.diagnose(evidence, self.findings)

    @contextmanager
    def _undisturbed(self) -> Iterator[None]:
        """No warnings, and all generators afterwards as they were."""
        outside = self.subject.rewind.now()
        try:
            with warnings.catch_warnings(action="ignore"), np.errstate(all="ignore"):
                yield
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
        run = beforehand.first_run(self.subject)
        for name in self.subject.rewind.used:
            self.notes.append(f"random numbers from {name} were drawn again for each evaluation")
        beforehand.must_repeat(self.subject, run)
        self.point = Point(self.subject)
        beforehand.must_be_differentiable(self.point)
        self.judge = Judge(self.point, self.rng, self.rtol)
        for _, douts in self.subject.cotangents(self.point.outputs, self.rng):
            self._take(self._backward(douts))
        at_corners = self._look_for_corners()
        self._judge_values(at_corners)
        self._look_in_single_precision(run)
        if isinstance(self.subject, FunctionSubject):
            self._look_higher(self.subject)

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
        evidence = self._readable(wrong) if wrong else self.evidence
        if evidence is not None:  # entries for one dout, where all that is wrong shows in it
            wrong |= {name: one for name, one in evidence.wrong.items() if name in wrong}
        sampled = [name for name, one in wrong.items() if one.sampled]
        if sampled:
            self.notes.append(
                f"wrong entries of {', '.join(sampled)} were searched for, and there may be more: "
                "check smaller shapes to see every entry"
            )
        cause = self.cause() if verdict is Verdict.FAIL and self.diagnose else None
        if wrong and cause is None and self.diagnose:
            self.notes.append(EITHER)
        self.notes += [note for note in self.subject.notes if note not in self.notes]
        self.notes += kinks_of(self.point) + unused(self.point) if self.seen else []
        self.notes += unseen.told(self.subject) if verdict is Verdict.PASS else []
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
            evidence=evidence,
        )

    def _readable(self, wrong: Collection[str]) -> Evidence | None:
        """The evidence to show: of a single number for dout = 1, or 2 if nothing is wrong there."""
        number = getattr(self, "point", None) is not None and self.point.centre.size == 1
        for dout in (1.0, 2.0) if number else ():
            try:
                found = self._backward([np.full(y.shape, dout) for y in self.point.outputs])
            except StoppedError:
                break
            if set(wrong) <= set(found.wrong):
                return found
        return self.evidence
