"""A whole network, run again in float64: on a copy of it, with the same random numbers.

Where one call alone cannot be run again, a layer written by hand among them, the objective is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minigrad.explain.data.again import Rerun, UnrepeatableError, coarsest
from minigrad.explain.data.build import behind
from minigrad.explain.data.model import Trace
from minigrad.explain.data.shares import refuse_written
from minigrad.graph import Array, Node
from minigrad.layers.randomness import Replay
from minigrad.networks import Network
from minigrad.tensor import Tensor

_CLOSE = {"float64": 1e-9, "float32": 1e-3, "float16": 5e-2}  # to what was recorded


def rerun_of_network(trace: Trace, net: Network, batch: Sequence[Any], replay: Replay) -> Rerun:
    """Make the function that computes the loss of a network again.

    Args:
        trace: the passes.
        net: as it is now; no number of it is changed.
        batch: what its objective was given.
        replay: the state of its generators when the pass began.

    Raises:
        UnrepeatableError: when the loss is not the same again.
        RuntimeError: when a parameter was written since.
    """
    for line in trace.lines:
        refuse_written(trace, line.id)
    with Replay(net):  # today's state comes back
        replay.rewind()
        twin: Network = net.astype(np.float64)
        beginning = Replay(twin)
    wide = [_wide(each) for each in batch]
    moved = dict(zip(map(id, net.tensors().values()), twin.tensors().values(), strict=True))
    moved |= {id(a): b for a, b in zip(batch, wide, strict=True) if isinstance(a, Node)}
    leaves = {line.id: moved.get(id(trace.nodes[line.id])) for line in trace.leaves}
    places = {leaf: tensor._array for leaf, tensor in leaves.items() if tensor is not None}

    def output() -> Tensor:
        with np.errstate(all="ignore"), Replay(()):
            beginning.rewind()
            return twin.objective(*wide)

    def run(leaf: int, values: Array) -> Array:
        place = places[leaf]
        kept = place.copy()
        try:
            place[...] = values
            return np.asarray(output()._array)
        finally:
            place[...] = kept

    here = output()
    _refuse_another(trace, here._array)
    precision = coarsest(node._array.dtype for node in behind([here]))
    if places and _rounds(run, *next(iter(places.items()))):
        precision = max(precision, float(np.finfo(np.float32).eps))
    return Rerun(run, precision, places)


def _wide(value: Any) -> Any:
    """Convert floats to float64; a Tensor becomes another."""
    array = value._array if isinstance(value, Tensor) else np.asarray(value)
    array = array.astype(np.float64) if array.dtype.kind == "f" else array
    return Tensor(array.copy()) if isinstance(value, Tensor) else array


def _rounds(run: Callable[[int, Array], Array], leaf: int, place: Array) -> bool:
    """Tell whether a forward rounds to float32 inside: then tiny steps in a row differ in size."""
    rng, seen = np.random.default_rng(0), 0
    for _ in range(3):  # a kink may be near one, but not near all of them
        way = 1e-8 * rng.normal(size=place.shape)
        sums = [float(np.sum(run(leaf, place + k * way))) for k in range(5)]
        steps = np.diff(sums)
        noise = 1e-14 * max(map(abs, sums))
        seen += bool(np.ptp(steps) > 0.1 * np.max(np.abs(steps)) + noise)
    return seen == 3


def _refuse_another(trace: Trace, found: Array) -> None:
    """Refuse a forward pass that came to something else than what was recorded."""
    assert trace.output is not None
    known = trace.lines[trace.output].value
    close = _CLOSE.get(str(known.dtype), 1e-3)
    if not np.allclose(found, known, rtol=close, atol=close, equal_nan=True):
        raise UnrepeatableError("the forward pass")
