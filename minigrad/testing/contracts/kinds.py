"""Contracts of arrays: types, shapes, few rows, layouts, and what must stay finite."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from minigrad.graph import Array
from minigrad.testing.contracts.memory import Broken
from minigrad.testing.contracts.trial import Trial, attempted, distance
from minigrad.testing.subjects.subject import Run, is_float


def is_missing(trial: Trial) -> Broken:
    """Backward hands out a gradient for each operand."""
    run = trial.start()
    raw = run.backward(trial.douts(0, run))
    names = [k for k in run.operands if k not in raw]
    return (names, "backward neither returns nor stores it") if names else None


def is_none(trial: Trial) -> Broken:
    """The gradient is an array, not None."""
    run = trial.start()
    raw = run.backward(trial.douts(0, run))
    names = [k for k in run.operands if k in raw and raw[k] is None]
    return (names, "backward returns None: is a return missing?") if names else None


def wrong_shape(trial: Trial) -> Broken:
    """The gradient has its operand's shape."""
    run = trial.start()
    shapes = {k: np.shape(x) for k, x in run.operands.items()}
    for k, g in trial.gradients(run).items():
        if g is not None and g.shape != shapes[k]:
            return [k], f"it has shape {g.shape}, and {k} has {shapes[k]}"
    return None


def integer_gradient(trial: Trial) -> Broken:
    """The gradient is made of floats."""
    for k, g in trial.ordinary.items():
        if g is not None and g.dtype.kind in "biu":
            return [k], f"it is an array of {g.dtype}, which cuts its values off"
    return None


def wrong_dtype(trial: Trial) -> Broken:
    """The gradient has as many digits as its operand."""
    found = _other_dtype(trial, lambda own, g: np.finfo(g).precision < np.finfo(own).precision)
    hint = "digits are lost; make its array with dtype=dout.dtype, or cast nothing"
    return found and (found[0], f"{found[1]}: {hint}")


def promotes(trial: Trial) -> Broken:
    """The gradient of a float32 array is in float32."""
    found = _other_dtype(trial, lambda own, g: np.finfo(g).precision > np.finfo(own).precision)
    hint = "it takes twice the memory; .astype(dout.dtype) of what dout is multiplied by mends it"
    return found and (found[0], f"{found[1]}: {hint}")


def _other_dtype(trial: Trial, is_worse: Callable[[Any, Any], bool]) -> Broken:
    """Find a gradient, not all zeros, of a floating type that is worse than its operand's."""
    for cast in (np.float32, np.float64):
        run, raised = attempted(partial(trial.start, cast=cast))
        if raised or any(y.dtype != cast for y in run.outputs):
            continue
        found, raised = attempted(partial(trial.gradients, run))
        owners = {trial.subject.parameter(k) for k in trial.subject.params}
        for k, g in (found or {}).items():
            if k in owners and trial.subject.operands[k].dtype != cast:
                continue  # its gradient may live in an array that was made with the layer
            own = run.operands[k].dtype
            if g is not None and g.dtype.kind == "f" and is_worse(own, g.dtype) and np.any(g):
                return [k], f"{k} is {own}, and its gradient is {g.dtype}"
    return None


def batch_of_one(trial: Trial) -> Broken:
    """A batch with a single row has right gradients."""
    cut = trial.rows(1)
    if cut is None or attempted(lambda: trial.start(cut))[1]:
        return None
    if not _finite_forward(trial, cut):
        return None
    names, raised = attempted(lambda: trial.misjudged(cut))
    if raised or names:
        trial.gradients(trial.start())  # where many rows raise as well, one row is not the reason
    if raised:
        return list(trial.subject.operands), f"with one row, backward raises {raised}"
    names = [k for k in names if k not in trial.wrong]
    return (names, "with one row it is wrong") if names else None


def empty_batch(trial: Trial) -> Broken:
    """A batch without rows has gradients of zeros, unless forward itself cannot take one."""
    cut = trial.rows(0)
    if cut is None or attempted(lambda: trial.start(cut))[1] or not _finite_forward(trial, cut):
        return None
    run = trial.start(cut)
    found, raised = attempted(lambda: trial.gradients(run))
    if raised:
        return list(run.operands), f"without rows, backward raises {raised}"
    names = [
        k
        for k, x in run.operands.items()
        if k not in trial.wrong and distance(found.get(k), np.zeros(np.shape(x))) > 0
    ]
    return (names, "without rows it is not zeros of its operand's shape") if names else None


def layout(trial: Trial) -> Broken:
    """Fortran's order, strides and negative strides change nothing."""
    plain = trial.start()
    douts, expected = trial.douts(0, plain), trial.ordinary
    for words, change in LAYOUTS.items():
        inputs = {k: _laid_out(change, x) for k, x in trial.subject.inputs.items()}
        moved = [_laid_out(change, d) for d in douts]
        run, raised = attempted(partial(trial.start, inputs))
        if raised:
            return list(expected), f"for {words}, forward raises {raised}"
        trial.reset(run)
        found, raised = attempted(partial(_copied, run, moved))
        if raised:
            return list(expected), f"for {words}, backward raises {raised}"
        names = trial.differing(found, {k: g for k, g in expected.items() if g is not None})
        if names:
            return names, f"for {words} it is another one than for C-contiguous arrays"
    return None


def not_finite_at_zero(trial: Trial) -> Broken:
    """Inputs of zeros have finite gradients, where the function has slopes there."""
    return _not_finite(trial, np.zeros_like, "for inputs of zeros")


def overflows(trial: Trial) -> Broken:
    """Large inputs have finite gradients, where the function has slopes there."""
    return _not_finite(trial, lambda x: 1000 * x, "for inputs 1000 times as large")


def _not_finite(trial: Trial, change: Callable[[Array], Array], words: str) -> Broken:
    """In float64: that float16 ends at 65,504 is no slip of the layer's."""
    fixed = trial.subject.fixed
    inputs = {
        k: x if k in fixed or not is_float(x) else np.asarray(change(x))
        for k, x in trial.subject.inputs.items()
    }
    if not _has_slopes(trial, inputs):
        return None
    found, _ = attempted(lambda: trial.gradients(trial.start(inputs, cast=np.float64)))
    wide = {k: g for k, g in (found or {}).items() if g is not None and g.dtype != np.float16}
    names = [k for k, g in wide.items() if not np.all(np.isfinite(g))]
    names = [k for k in names if np.all(np.isfinite(trial.ordinary[k]))]
    return (names, f"{words} it is not finite, where the function's slopes are") if names else None


def _has_slopes(trial: Trial, inputs: dict[str, Any]) -> bool:
    """Whether the function is finite and has bounded slopes in all directions at a point."""
    rng = np.random.default_rng(3)
    free = [k for k in trial.subject.operands if k in inputs]
    ways = {k: rng.normal(size=np.shape(inputs[k])) for k in free}

    def at(step: float) -> Array:
        moved = {k: np.asarray(inputs[k] + step * v) for k, v in ways.items()}
        with np.errstate(over="raise", invalid="raise", divide="raise"):
            run = trial.start(inputs | moved, cast=np.float64)  # nor does anything overflow
        ys = run.outputs
        return np.concatenate([np.ravel(y).astype(float) for y in ys])

    sizes = []
    for h in (1e-3, 1e-5, 1e-7):
        values, raised = attempted(partial(_around, at, h))
        if raised or not all(np.all(np.isfinite(y)) for y in values):
            return False
        centre, above, below = values
        sizes.append(np.max(np.abs([above - centre, centre - below]), initial=0) / h)
    return bool(sizes[2] <= 2 * sizes[0] + 1e-2 * max(1.0, sizes[0]) + 1e-6)


def _finite_forward(trial: Trial, inputs: dict[str, Any]) -> bool:
    run, raised = attempted(lambda: trial.start(inputs))
    return not raised and all(np.all(np.isfinite(y)) for y in run.outputs)


def _copied(run: Run, douts: list[Array]) -> dict[str, Any]:
    raw = run.backward(douts)
    return {k: None if g is None else np.array(g) for k, g in raw.items()}


def _around(at: Callable[[float], Array], h: float) -> tuple[Array, Array, Array]:
    return at(0.0), at(h), at(-h)


def _laid_out(change: Callable[[Array], Array], x: Any) -> Any:
    return change(x) if isinstance(x, np.ndarray) and x.ndim else x


def _strided(x: Array) -> Array:
    wide = np.zeros((*x.shape[:-1], 2 * x.shape[-1]), x.dtype)
    wide[..., ::2] = x
    return wide[..., ::2]


LAYOUTS: dict[str, Callable[[Array], Array]] = {
    "arrays in Fortran's order": np.asfortranarray,
    "arrays with gaps": _strided,
    "arrays with negative strides": lambda x: x[::-1].copy()[::-1],
}
