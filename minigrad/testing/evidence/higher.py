"""Second derivatives and forward mode of functions that minigrad differentiates."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minigrad.backward import gradients
from minigrad.graph import Array, Node
from minigrad.tensor import Tensor
from minigrad.testing.evidence import corners
from minigrad.testing.evidence.evidence import (
    OF_LARGEST,
    OF_TERMS,
    Comparison,
    change_nearby,
    lost_nearby,
)
from minigrad.testing.evidence.jacobian import Point, joined
from minigrad.testing.evidence.judge import Judge
from minigrad.testing.reports.findings import Finding, Verdict
from minigrad.testing.subjects.naming import flat
from minigrad.testing.subjects.ours import FunctionSubject
from minigrad.testing.subjects.subject import cut
from minigrad.transforms import jvp


def forward_mode(
    subject: FunctionSubject, point: Point, judge: Judge, rng: Any, rtol: float
) -> list[Finding]:
    """Compare Jacobian times direction, as forward mode has it, with the numerical one."""
    names = list(point.operands)
    us = [np.asarray(rng.normal(size=point.operands[k].shape)) for k in names]
    large = {k: judge.projections(k).along(us[names.index(k)].ravel()) for k in judge.large}

    def of_operands(*values: Any) -> list[Any]:
        moved = dict(zip(names, values, strict=True))
        return flat(subject.f(*(moved.get(k, v) for k, v in point.inputs.items())))

    subject.rewind.begin(subject.f)
    try:
        _, dy = jvp(of_operands, tuple(point.operands.values()), tuple(us))
    except TypeError as error:
        return [Finding("forward mode", Verdict.INCONCLUSIVE, str(error))]
    yours = joined([np.asarray(d) for d in dy])
    numerical, bar, size = (np.zeros(yours.shape) for _ in range(3))
    kinks = np.zeros(yours.shape, bool)
    with np.errstate(all="ignore"):
        for k, u in zip(names, us, strict=True):
            scan, u = (point.scans[k], u.ravel()) if k in point.scans else (large[k], np.ones(1))
            numerical += scan.value.T @ u
            bar += scan.bar.T @ np.abs(u)
            size += np.abs(scan.value.T) @ np.abs(u)
            kinks |= np.any(scan.kinks, axis=0)
            touched = np.abs(scan.value[scan.corners]) + scan.bar[scan.corners] > 1e-8
            kinks |= np.any(touched, axis=0)
    rounding = rtol * np.abs(numerical) + OF_TERMS * size + OF_LARGEST * np.max(size, initial=0)
    constant = (numerical == 0) & (bar == 0)  # as in f(x) − f(x), and yours may be rounding
    rounding += np.where(constant, OF_LARGEST * sum(np.sum(np.abs(u)) for u in us), 0.0)
    about = "y", point.centre, yours, numerical, bar, bar + rounding
    found = Comparison(*about, kinks, corners=kinks)
    if found.is_wrong:
        pairs = zip(names, us, strict=True)
        found = found.less_sure(sum(lost_nearby(point, k) * np.sum(np.abs(u)) for k, u in pairs))
    if found.is_wrong:
        kinks |= corners.gaps_at(point, rng) > 0
        found = Comparison(*about, kinks, corners=kinks)
    if found.is_wrong:
        wrong = (
            f"{np.sum(found.wrong)} of {yours.size} outputs have a wrong derivative along a line"
        )
        return [Finding("forward mode", Verdict.FAIL, wrong, tuple(names), 1)]
    largest = np.max(found.error, initial=0, where=~kinks)
    count = int(np.sum(~kinks))
    sentence = f"{count} of {yours.size} outputs right along a line; off by {largest:.0e} at most"
    if count < yours.size:
        sentence += "; the others hang on a kink"
    return [Finding("forward mode", Verdict.PASS, sentence, tuple(names), 1)]


def gradient_subject(subject: FunctionSubject, douts: Sequence[Array]) -> FunctionSubject:
    """Make a subject of the gradient: its derivative is the second one."""
    names = [k for k in subject.inputs if k not in subject.fixed]

    def gradient(*values: Any) -> list[Any]:
        inputs = dict(zip(subject.inputs, values, strict=True))
        given = {k: inputs[k] for k in names}
        free = {k: v if isinstance(v, Tensor) else Tensor(v) for k, v in given.items()}
        outputs = flat(subject.f(*(free.get(k, v) for k, v in inputs.items())))
        total: list[Any] = [np.zeros(x.shape) for x in free.values()]
        for y, dout in zip(outputs, douts, strict=True):
            if isinstance(y, Node):
                found = gradients(y, list(free.values()), dout, create_graph=True)
                total = [a + b for a, b in zip(total, found, strict=True)]
        return total

    twice = FunctionSubject(gradient, list(subject.inputs.values()), subject.name)
    twice.inputs = dict(zip(subject.inputs, twice.inputs.values(), strict=True))
    twice.fixed, twice.rewind = subject.fixed, subject.rewind
    return twice


def is_constant(point: Point) -> bool:
    """Whether the outputs are the same a little farther away, but for rounding: y / y, y − y.

    >>> from minigrad.testing.subjects import subjects
    >>> is_constant(Point(subjects.of_function(lambda x: x - x, np.ones(3))))
    True
    """
    return change_nearby(point) <= 1e-13 * float(np.max(np.abs(point.centre), initial=0))


def second_order(
    subject: FunctionSubject,
    point: Point,
    rng: Any,
    rtol: float,
    judge: Callable[..., Finding],
) -> tuple[FunctionSubject, Point, list[Finding]]:
    """Compare the derivatives of the gradient with numerical ones of the gradient."""
    douts = cut(rng.normal(size=point.centre.size), [y.shape for y in point.outputs])
    twice = gradient_subject(subject, douts)
    again = Point(twice)
    found: dict[str, Comparison] = {}
    cotangents = twice.cotangents(again.outputs, rng)[:2]
    comparing = Judge(again, rng, rtol)
    for _, ws in cotangents:
        for name, one in comparing.evidence(ws).operands.items():
            if name not in found or one.ratio > found[name].ratio:
                found[name] = one
    if is_constant(point):  # then the gradient is 0 but for rounding, and its slopes are of that
        lost = OF_LARGEST * sum(np.sum(np.abs(dout)) for dout in douts)
        found = {name: one.less_sure(lost) for name, one in found.items()}
    subject.evaluations += twice.evaluations
    return twice, again, [judge(name, one, len(cotangents)) for name, one in found.items()]
