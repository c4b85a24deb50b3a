"""Gradients that are too long, made shorter before an update."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from minigrad.optimizers.checks import check_mapping, finished, gradient_faults, raise_all, working
from minigrad.schedules import number


def clip_by_global_norm(grads: Mapping[str, Any], max_norm: float) -> dict[str, Any]:
    """Return the gradients, shortened together to the length `max_norm` where they are longer.

    g ← g · min(1, max_norm / ‖g‖), with ‖g‖ the Euclidean norm over all the arrays at once
    (Pascanu, Mikolov and Bengio 2013). The result is a new dict of new arrays, to be handed on:
    `optimizer.update(params, clip_by_global_norm(grads, 1.0))`. The norm neither overflows nor
    underflows. Where a gradient is NaN or infinite there is no direction: all become NaN, as in
    PyTorch. Raises ValueError unless max_norm > 0.

    >>> clip_by_global_norm({"W": np.array([3.0, 0.0]), "b": np.array([4.0])}, max_norm=1.0)
    {'W': array([0.6, 0. ]), 'b': array([0.8])}
    """
    number("max_norm", max_norm, "(0, inf]")
    check_mapping("grads", grads)
    raise_all(fault for key, g in grads.items() for fault in gradient_faults(key, g))
    slopes = {key: working(g) for key, g in grads.items()}
    peak = float(np.max([np.max(np.abs(g), initial=0) for g in slopes.values()], initial=0))
    factor = 1.0 if peak == 0 else math.nan
    if 0 < peak < math.inf:
        squares = sum(float(np.sum(np.square(g / peak))) for g in slopes.values())
        factor = min(1.0, max_norm / peak / math.sqrt(squares))
    return {
        key: np.asarray(factor * slopes[key], np.result_type(g, np.float16))
        if isinstance(g, np.ndarray)
        else finished(g, factor * slopes[key])
        for key, g in grads.items()
    }
