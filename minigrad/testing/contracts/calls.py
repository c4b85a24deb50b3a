"""Contracts of calls: once more, after another forward, beside another layer, with another dout."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from minigrad.testing.contracts.memory import Broken
from minigrad.testing.contracts.trial import STEPS, Trial, attempted, distance
from minigrad.testing.subjects.naming import flag_in
from minigrad.testing.subjects.randomness import same_state


def random_in_backward(trial: Trial) -> Broken:
    """The backward uses the forward's random numbers, and draws none of its own."""
    run = trial.start()
    douts = trial.douts(0, run)
    before = trial.subject.rewind.state(run.thing)
    first = trial.gradients(run, douts)
    if same_state(before, trial.subject.rewind.state(run.thing)):
        return None
    second, _ = attempted(lambda: trial.gradients(run, douts))
    names = trial.differing(second or {}, first)
    return (
        (names, "backward draws random numbers: called twice, it gives two answers")
        if names
        else None
    )


def adds_up(trial: Trial) -> Broken:
    """A parameter's gradient is that of this batch alone."""
    run = trial.start()
    params = {k: np.array(p) for k, p in run.params.items()}
    first = trial.gradients(run)
    run.set(params)
    run.forward()
    second, _ = attempted(lambda: trial.gradients(run))
    owners = [trial.subject.parameter(k) for k in params]
    names = [
        k
        for k in owners
        if second
        and first[k] is not None
        and np.any(first[k])
        and distance(second.get(k), 2 * first[k]) < trial.near
    ]
    words = "after a second batch it is twice what it should be: the first one's is still in it"
    return (names, words) if names else None


def second_backward(trial: Trial) -> Broken:
    """Backward again, with the same dout, gives the same."""
    run = trial.start()
    first = trial.gradients(run)
    second, raised = attempted(lambda: trial.gradients(run))
    if not raised:
        names = trial.differing(second or {}, first)
        if not names:
            return None
        k = names[0]
        return names, f"called again with the same dout, backward gives another d{k}"
    if _keeps_one_cache_per_call(trial):
        return None
    return list(first), f"called again with the same dout, backward raises {raised}"


def _keeps_one_cache_per_call(trial: Trial) -> bool:
    """Whether forward, forward, backward, backward works, the last first."""
    run = trial.start()
    run.forward(trial.others)
    found, raised = attempted(lambda: (trial.gradients(run), trial.gradients(run)))
    return not raised and not trial.differing(found[1], trial.ordinary)


def stale_cache(trial: Trial) -> Broken:
    """After a second forward, backward belongs to that one."""
    fresh = trial.ordinary
    run, raised = attempted(lambda: trial.start(trial.others))
    if raised:
        return None
    outputs, raised = attempted(lambda: run.forward(_own(trial)))
    found, raised = attempted(lambda: trial.gradients(run)) if not raised else (None, raised)
    if raised:
        return list(fresh), f"after two forwards, backward raises {raised}"
    if _carries_over(trial, outputs):
        trial.subject.notes.append(
            "forward gives another answer after a forward on other inputs: it carries something "
            "from call to call (a running value, a hidden state; or a cache that is not renewed)"
        )
        return _wrong_after_another(trial, found or {})
    names = trial.differing(found or {}, fresh)
    return (
        (names, "after a second forward, backward still uses what the first one kept")
        if names
        else None
    )


def _carries_over(trial: Trial, outputs: list[Any]) -> bool:
    """Whether the outputs after another forward are not those of a fresh layer."""
    pairs = zip(trial.start().outputs, outputs, strict=True)
    return any(distance(a, b) > trial.near for a, b in pairs)


def _wrong_after_another(trial: Trial, found: dict[str, Any]) -> Broken:
    """Hold backward to the slope of a forward that comes after another one."""
    douts, inputs = trial.douts(0, trial.start()), trial.subject.inputs
    names = []
    for name, g in found.items():
        if g is None or name not in inputs or trial.near > 1e-6:
            continue  # a parameter's slope is seen by others, float32's is not seen so well
        v = np.random.default_rng(5).normal(size=np.shape(g))

        def at(step: float, name: str = name, v: Any = v) -> float:
            run = trial.start(trial.others)
            ys = run.forward({**_own(trial), name: inputs[name] + step * v})
            return float(sum(np.sum(d * y) for d, y in zip(douts, ys, strict=True)))

        slopes = [(at(h) - at(-h)) / (2 * h) for h in STEPS]
        size = float(np.sum(np.abs(g * v))) + abs(slopes[0])
        if min(abs(s - float(np.sum(g * v))) for s in slopes) > 1e-3 * size:
            names.append(name)
    return (names, "after a second forward, it is not the slope of that one") if names else None


def stale_parameter(trial: Trial) -> Broken:
    """After an optimizer's step, backward uses the new weights."""
    if not trial.subject.params or trial.wrong:
        return None
    learned = {k: p + 0.1 * (1 + np.abs(p)) for k, p in trial.subject.params.items()}
    names, raised = attempted(lambda: trial.misjudged(None, learned))
    if raised or not names:
        return None
    return names, "after the parameters have changed, it is wrong: a copy of the old ones is in use"


def shared_state(trial: Trial) -> Broken:
    """Another layer of the same class does not change what this one does."""
    if trial.subject.kind != "layer" or not trial.subject.is_copied:
        return None  # two functions have one state between them, and are but one layer
    fresh, run = trial.ordinary, trial.start()
    _, raised = attempted(lambda: trial.start(trial.others))
    if raised:
        return None
    found, raised = attempted(lambda: trial.gradients(run))
    names = trial.differing(found or {}, fresh)
    words = "another layer of this class ran forward in between, and this one's gradient changed"
    return (names, words) if names else None


def state_in_backward(trial: Trial) -> Broken:
    """Forward gives the same after a backward as it would have given without."""
    plain, run = trial.start(), trial.start()
    trial.gradients(run)
    for testing in (False, True) if _has_modes(trial) else (False,):
        a, _ = attempted(partial(_forward, trial, plain, testing))
        b, _ = attempted(partial(_forward, trial, run, testing))
        if a is None:
            continue
        if b is None or any(distance(p, q) > trial.near for p, q in zip(a, b, strict=True)):
            mode = ", while testing," if testing else ""
            return ["y"], f"forward{mode} gives another answer after a backward than without"
    return None


def _has_modes(trial: Trial) -> bool:
    return flag_in(getattr(trial.subject, "options", {})) is not None


def _forward(trial: Trial, run: Any, testing: bool) -> list[Any]:
    if not testing:
        return list(run.forward())
    about = vars(trial.subject)
    options = about["options"]
    try:
        about["options"] = {**options, str(flag_in(options)): False}
        return list(run.forward())
    finally:
        about["options"] = options


def ignores_dout(trial: Trial) -> Broken:
    """Another dout gives other gradients."""
    run = trial.start()
    d, e = trial.of(trial.douts(0, run)), trial.of(trial.douts(1, run))
    names = [
        k
        for k, g in d.items()
        if g is not None
        and np.any(g)
        and np.all(np.isfinite(g))
        and distance(g, e[k]) <= trial.near
    ]
    return (names, "it is the same for two different douts") if names else None


def not_linear(trial: Trial) -> Broken:
    """backward(0) = 0, and backward(2a + b) = 2 backward(a) + backward(b)."""
    run = trial.start()
    d, e = trial.douts(0, run), trial.douts(1, run)
    zero = trial.of([np.zeros_like(a) for a in d])
    names = [k for k, g in zero.items() if g is not None and np.any(g)]
    if names:
        return (
            names,
            f"for dout = 0 it is not 0: {np.max(np.abs(zero[names[0]])):.3g} at its largest",
        )
    of_d, of_e = trial.of(d), trial.of(e)
    both = trial.of([np.asarray(2 * a + b) for a, b in zip(d, e, strict=True)])
    sums = {k: None if g is None or of_e[k] is None else 2 * g + of_e[k] for k, g in of_d.items()}
    sizes = [np.max(np.abs(g), initial=0) for g in of_d.values() if g is not None]
    least = max(trial.near * max(sizes, default=0), trial.floor)
    names = [k for k, g in sums.items() if distance(both[k], g, least) > 5 * trial.near]
    return (names, "backward(2a + b) is not 2 backward(a) + backward(b)") if names else None


def _own(trial: Trial) -> dict[str, Any]:
    return {
        k: x.copy() if isinstance(x, np.ndarray) else x for k, x in trial.subject.inputs.items()
    }
