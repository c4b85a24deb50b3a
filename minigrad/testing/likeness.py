"""Whether a forward computes what another one does: for graders, who have one that is right."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from minigrad.graph import Node
from minigrad.testing.anything import FORWARDS, OF_THE_CHECK, kind_of
from minigrad.testing.reports.findings import Finding, Verdict
from minigrad.testing.subjects.outcomes import several
from minigrad.testing.subjects.trials import NothingRunsError, Trial, trials

RTOL = 1e-6


def likeness(
    thing: Any,
    reference: Any,
    inputs: Sequence[Any] | None = None,
    rng: Any = 0,
    options: Mapping[str, Any] | None = None,
) -> Finding:
    """Compare the outputs of two forwards on the same inputs, within one in a million.

    Args:
        thing: what is judged: a class or an instance, a function, a pair of functions, a network.
        reference: the right one, with the same arguments; it needs no backward.
        inputs: of both forwards; None to make some up.
        rng: a seed.
        options: of both, by name.

    Returns:
        A finding called "forward": PASS, FAIL, or INCONCLUSIVE where the reference does not run.

    >>> likeness(np.tanh, lambda x: 1 / (1 + np.exp(-x))).verdict.name
    'FAIL'
    """
    own = {k: v for k, v in (options or {}).items() if k not in OF_THE_CHECK}
    try:
        theirs = next(trials(thing, _forward, own, inputs, rng))
        given = copy.deepcopy(theirs.inputs)
        right = next(trials(reference, _forward, own, given, rng))
        found, wanted = _outputs(theirs), _outputs(right)
    except (NothingRunsError, TypeError) as error:
        return Finding("forward", Verdict.INCONCLUSIVE, f"was not compared: {error}", (), 1)
    shapes = [[np.shape(y) for y in ys] for ys in (found, wanted)]
    if shapes[0] != shapes[1]:
        gave, gives = (", ".join(map(str, each)) for each in shapes)
        return Finding("forward", Verdict.FAIL, f"gives {gave} where {gives} is right", (), 1)
    pairs = list(zip(found, wanted, strict=True))
    if all(np.allclose(y, z, RTOL, RTOL, equal_nan=True) for y, z in pairs):
        return Finding("forward", Verdict.PASS, "computes what it should", (), 1)
    y, z = next((y, z) for y, z in pairs if not np.allclose(y, z, RTOL, RTOL, equal_nan=True))
    place = np.unravel_index(int(np.argmax(np.abs(y - z))), y.shape)
    at = f"[{', '.join(map(str, place))}]" if place else ""
    sentence = f"computes something else: y{at} is {y[place]:.6g}, and {z[place]:.6g} is right"
    return Finding("forward", Verdict.FAIL, sentence, (), 1)


def _forward(thing: Any) -> Any:
    """Find what computes the outputs: also of a layer that has no backward."""
    return FORWARDS["layer" if callable(getattr(thing, "forward", None)) else kind_of(thing)](thing)


def _outputs(trial: Trial) -> list[Any]:
    outputs = several(_forward(trial.thing)(*copy.deepcopy(trial.inputs), **trial.options))
    return [np.asarray(y._array if isinstance(y, Node) else y) for y in outputs]
