"""Whether a backward follows the rule of the other mode: of training, or of testing."""

from __future__ import annotations

import copy
from collections.abc import Iterator

import numpy as np

from minigrad.testing.diagnosis.guesses import Guess
from minigrad.testing.diagnosis.workbench import Workbench, same
from minigrad.testing.evidence.jacobian import Point
from minigrad.testing.reports import causes
from minigrad.testing.subjects.naming import flag_in


def other_mode(bench: Workbench) -> Iterator[Guess]:
    """Compare yours with the numerical gradient of the forward in the other mode."""
    options = getattr(bench.subject, "options", {})
    name = flag_in(options)
    if name is None or not isinstance(options[name], bool):
        return
    flag = options[name]
    subject = copy.copy(bench.subject)
    vars(subject)["options"] = {**options, name: not flag}
    scans = Point(subject, bench.evidence.inputs, bench.evidence.params).scans
    flat = np.concatenate([np.ravel(d) for d in bench.douts[0]])
    there = {k: (scan.value @ flat).reshape(bench.operands[k].shape) for k, scan in scans.items()}
    if all(same(bench.yours[0].get(k), there[k]) for k in bench.wrong):
        here, other = ("training", "testing") if flag else ("testing", "training")
        words = f"the forward runs in {here}, and yours is the gradient of {other}"
        yield Guess(causes.MODE, words, tuple(bench.wrong), 0.2)
