"""One rule of one call beside the differences of that call alone.

Only there can two wrong rules be told apart: what comes back through both is wrong in any case.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad.explain.data.again import Call, UnrepeatableError
from minigrad.explain.data.model import Contribution, Step, Trace
from minigrad.graph import Array, Node
from minigrad.layers.by_hand import Pullback
from minigrad.layers.randomness import Replay

_STEPS = (1e-3, 1e-4, 1e-5, 1e-6, 1e-7)
_TOLERANCE = {"float64": 1e-5, "float32": 1e-3}
_DIRECTIONS = 2


def is_right(trace: Trace, step: Step, c: Contribution) -> bool | None:
    """Tell whether a contribution is what the call's own slopes make of the step's gradient.

    Returns:
        None where that cannot be told: the call does not make the same again, as one that draws
        random numbers; it has a kink here; or its numbers are not finite, or complex.
    """
    node = trace.nodes[step.line]
    dtype = _TOLERANCE.get(str(c.share.dtype))
    if not isinstance(node, Node) or dtype is None or step.gradient.dtype.kind != "f":
        return None
    rng = np.random.default_rng(0)
    try:
        with np.errstate(all="ignore"), Replay(()):
            run = _runner(trace, step, c, node)
            if not np.allclose(run(0.0), trace.lines[step.line].value, 1e-4, 1e-6):
                return None
            found = [_along(run, step, c, dtype, rng) for _ in range(_DIRECTIONS)]
    except Exception:  # a function takes what it was given, and perhaps nothing else
        return None
    return False if False in found else None if None in found else True


def _runner(
    trace: Trace, step: Step, c: Contribution, node: Node
) -> Callable[[Array | float], Array]:
    """Make the function that runs the call with something added to one operand."""
    rules = node._rules
    if isinstance(rules, Pullback):
        values = [_wide(value) for value in node._values]

        def by_hand(added: Array | float) -> Array:
            moved = [v + added if k == c.position else v for k, v in enumerate(values)]
            return np.asarray(rules.run_again(*moved)[1])

        return by_hand
    call = Call(trace, step.line)
    if c.position >= len(call.values):
        raise UnrepeatableError(trace.lines[step.line].call)
    kept = call.values[c.position]

    def recorded(added: Array | float) -> Array:
        return np.asarray(call.run({-1: kept + added}, [(c.position, -1)]))

    return recorded


def _wide(value: Any) -> Any:
    is_floats = isinstance(value, (np.ndarray, np.generic)) and value.dtype.kind == "f"
    return np.asarray(value, np.float64) if is_floats else value


def _along(
    run: Callable[[Array | float], Array],
    step: Step,
    c: Contribution,
    tolerance: float,
    rng: np.random.Generator,
) -> bool | None:
    """Compare along a random direction; that a rule is wrong must be seen with two steps."""
    way = rng.uniform(0.5, 1.5, c.share.shape) * rng.choice([-1.0, 1.0], c.share.shape)
    g = step.gradient.astype(np.float64)
    here = run(0.0)
    precision = float(np.finfo(here.dtype).eps)
    expected, size = float(np.sum(c.share * way)), float(np.sum(np.abs(c.share * way)))
    seen = math.nan
    for h in _STEPS:
        above, below = run(h * way), run(-h * way)
        right, left = (float(np.sum(g * (b - a))) / h for a, b in ((here, above), (below, here)))
        blur = 8 * precision * float(np.sum(np.abs(g * here))) / h
        slope, gap = (left + right) / 2, abs(left - right)
        scale = max(size, abs(slope))
        if not math.isfinite(gap + blur) or blur > 1e-3 * scale:
            return None
        if abs(slope - expected) <= tolerance * scale + blur:
            return True
        if gap <= 1e-3 * scale + 2 * blur and abs(slope - expected) > 2 * gap:
            if abs(slope - seen) <= 1e-2 * abs(slope - expected):
                return False
            seen = slope
    return None
