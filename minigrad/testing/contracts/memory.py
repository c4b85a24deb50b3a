"""Contracts of memory: who may write where, and whose memory a gradient may share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import combinations
from typing import Any

import numpy as np

from minigrad.testing.contracts.trial import Trial

Broken = tuple[list[str], str] | None  # the arrays concerned and the evidence; None: it is kept


def changes_dout(trial: Trial) -> Broken:
    """The incoming gradient is as it was after the backward."""
    run = trial.start()
    douts = trial.douts(0, run)
    copies = [d.copy() for d in douts]
    run.backward(douts)
    names = trial.subject.arguments_of_backward()
    names = names if len(names) == len(douts) else [f"dout{i}" for i in range(len(douts))]
    return _changed(names, douts, copies, "backward overwrites it")


def changes_its_input(trial: Trial) -> Broken:
    """The caller's arrays are as they were, after forward and backward."""
    run = trial.start()
    after = _changed(run.inputs, run.inputs.values(), run.given.values(), "forward overwrites it")
    if after:
        return after
    run.backward(trial.douts(0, run))
    return _changed(run.inputs, run.inputs.values(), run.given.values(), "backward overwrites it")


def changes_its_output(trial: Trial) -> Broken:
    """The array that forward returned is as it was after the backward."""
    run = trial.start()
    copies = [y.copy() for y in run.outputs]
    run.backward(trial.douts(0, run))
    return _changed(
        _outputs(run), run.outputs, copies, "backward writes into what forward returned"
    )


def changes_a_parameter(trial: Trial) -> Broken:
    """Parameters are as they were: only the optimizer changes them."""
    run = trial.start()
    copies = [np.array(p) for p in run.params.values()]
    run.backward(trial.douts(0, run))
    return _changed(run.params, run.params.values(), copies, "backward changes it")


def returns_dout(trial: Trial) -> Broken:
    """No gradient is dout, or a view of it; a layer that is a view both ways may be one."""
    run = trial.start()
    if any(_share(y, x) for y in run.outputs for x in run.inputs.values()):
        return None
    douts = trial.douts(0, run)
    names = [k for k, g in _given(run.backward(douts)).items() if any(_share(g, d) for d in douts)]
    return (
        (names, "it is dout, or a view of it: writing into one changes the other")
        if names
        else None
    )


def shares_memory(trial: Trial) -> Broken:
    """No gradient shares memory with another, with an input, an output or a parameter."""
    run = trial.start()
    raw = _given(run.backward(trial.douts(0, run)))
    for a, b in combinations(raw, 2):
        if _share(raw[a], raw[b]):
            return [a, b], f"the gradients of {a} and {b} are one array"
    held = {**run.inputs, **dict(zip(_outputs(run), run.outputs, strict=True)), **run.params}
    for name, g in raw.items():
        for other, array in held.items():
            if _share(g, array):
                return [name], f"it shares memory with {other}"  # as diagnosis.OWN_VIEW has it
    return None


def returns_its_buffer(trial: Trial) -> Broken:
    """What was returned stays as it is when the layer is used again."""
    run = trial.start()
    raw = run.backward(trial.douts(0, run))
    owners = {trial.subject.parameter(k) for k in trial.subject.params}
    arrays = {k: g for k, g in _given(raw).items() if k not in owners}
    arrays |= dict(zip(_outputs(run), run.outputs, strict=True))
    copies = [np.array(a) for a in arrays.values()]
    run.forward(trial.others)
    run.backward(trial.douts(1, run))
    return _changed(
        arrays, arrays.values(), copies, "the next call overwrites what this one returned"
    )


def _outputs(run: Any) -> list[str]:
    return ["y"] if len(run.outputs) == 1 else [f"y{i}" for i in range(len(run.outputs))]


def _changed(
    names: Iterable[str], arrays: Iterable[Any], copies: Iterable[Any], words: str
) -> Broken:
    for name, a, copy in zip(names, arrays, copies, strict=True):
        if isinstance(a, np.ndarray) and not np.array_equal(a, copy, equal_nan=a.dtype.kind == "f"):
            place = np.unravel_index(int(np.argmax(a != copy)), a.shape)
            index = f"[{', '.join(map(str, place))}]" if place else ""
            return [name], f"{words}: {name}{index} was {copy[place]:.6g} and is {a[place]:.6g}"
    return None


def _given(raw: Mapping[str, Any]) -> dict[str, Any]:
    return {name: g for name, g in raw.items() if isinstance(g, np.ndarray)}


def _share(a: Any, b: Any) -> bool:
    if not isinstance(a, np.ndarray) or not isinstance(b, np.ndarray):
        return False
    try:
        return bool(np.may_share_memory(a, b) and np.shares_memory(a, b))
    except np.exceptions.TooHardError:
        return True
