"""`mg.explain`: what can be explained, and how."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from minigrad.explain.build import Watched, behind, traced
from minigrad.explain.explanation import Explanation
from minigrad.explain.names import Names, parameters
from minigrad.explain.watching import Watching
from minigrad.graph import Node
from minigrad.layers.randomness import Replay
from minigrad.layers.structure import layers_by_path
from minigrad.networks import Network
from minigrad.tensor import Tensor


def explain(what: Any, *args: Any, names: Mapping[str, Any] | None = None) -> Explanation:
    """Explain a backward pass.

    Args:
        what: a Tensor that was computed; or a network, with a batch and its targets.
        args: x and t for a network.
        names: the learner's variables, `locals()`; those of the caller when left out.

    >>> import minigrad as mg
    >>> x = mg.Tensor(3.0)
    >>> y = x * x
    >>> explain(y, names={"x": x, "y": y}).gradients
    {'x': array(6.)}
    """
    if names is None:
        frame = sys._getframe(1)
        names = {**frame.f_globals, **frame.f_locals}
    if isinstance(what, Network):
        return _of_network(what, *args)
    if isinstance(what, Tensor):
        return _of_tensor(what, Names(names))
    raise TypeError(f"explain takes a Tensor, or a network with x and t, not {type(what).__name__}")


def _of_tensor(output: Node, names: Names) -> Explanation:
    if names.of_node(output) is None:
        names.tensors[id(output)] = "y" if "y" not in names.tensors.values() else "output"
    found = traced(output, behind([output]), names, Watched({}, [], []))
    return Explanation(**vars(found))


def _of_network(net: Network, x: Any, t: Any) -> Explanation:
    names = Names({"x": x, "t": t})
    for name, tensor in parameters("", net):
        names.add(name, tensor)
    with Replay(net), Watching(list(layers_by_path(net)), names) as seen:
        loss = net.objective(x, t)
    names.tensors[id(loss)] = "loss"
    found = traced(loss, behind([loss]), names, seen.watched)
    return Explanation(**vars(found))
