"""Explaining a forward pass that runs now: it is watched while it runs."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from minigrad.explain.data.again import Rerun, coarsest
from minigrad.explain.data.asked import no_tensor
from minigrad.explain.data.build import behind, failed, traced
from minigrad.explain.data.names import Names, parameters
from minigrad.explain.data.standins import Twin, is_layer, is_net, layers_in, twin_of
from minigrad.explain.data.twin import rerun_of_network
from minigrad.explain.data.watching import Watching, callable_name
from minigrad.explain.explanation import Explanation
from minigrad.graph import Array
from minigrad.layers import Layer
from minigrad.layers.randomness import Replay
from minigrad.layers.structure import layers_by_path
from minigrad.networks import Network
from minigrad.tensor import Tensor
from minigrad.testing.subjects.by_hand import TARGETS
from minigrad.testing.subjects.naming import flag_in
from minigrad.testing.subjects.naming import parameters_of as arguments_of
from minigrad.testing.subjects.randomness import Rewind, restore
from minigrad.trees import mapped


def of_network(net: Network, *batch: Any) -> Explanation:
    """Explain the loss of a batch."""
    if len(batch) != 2:
        raise TypeError(
            f"to explain a {type(net).__name__} takes a batch: mg.explain(net, x, t), with the "
            "targets t for its loss"
        )
    x, t = (b if isinstance(b, Tensor) else np.asarray(b) for b in batch)
    names = Names({"x": x, "t": t})
    for name, tensor in parameters("", net):
        names.add(name, tensor)
    layers = list(layers_by_path(net))
    with Replay(net) as replay:
        found = watched(lambda: net.objective(x, t), layers, names, "loss")
    kept = [b if isinstance(b, Tensor) else b.copy() for b in (x, t)]
    found.whole = functools.partial(rerun_of_network, found, net, kept, replay)
    return found


def of_function(function: Callable[..., Any], args: Any, names: Names) -> Explanation:
    """Call a function, with Tensors in place of arrays of floats."""
    if isinstance(function, Layer):
        names.layers.insert(0, ("layer", function))
        for name, tensor in parameters("", function):
            names.tensors[id(tensor)] = name
    layers = [(name, layer) for name, layer in names.layers if isinstance(layer, Layer)]
    inner = [pair for name, layer in layers for pair in renamed(name, layer)]
    lifted = [mapped(_lifted, a) for a in args]
    is_by_hand = isinstance(function, Layer) and function.is_by_hand()
    written: Any = function
    try:
        parameters_ = list(inspect.signature(written.forward if is_by_hand else written).parameters)
    except (TypeError, ValueError):
        parameters_ = []
    for name, value in zip(parameters_, lifted, strict=False):
        names.add(name, value)
    return watched(lambda: function(*lifted), inner, names, callable_name(function))


def renamed(name: str, layer: Layer) -> list[tuple[str, Any]]:
    """List a layer and the layers in it, by paths that begin with a name of the learner's."""
    return [(name + path.removeprefix("net"), each) for path, each in layers_by_path(layer)]


def _lifted(a: Any) -> Any:
    is_floats = isinstance(a, float) or (isinstance(a, np.ndarray) and a.dtype.kind == "f")
    return Tensor(a) if is_floats else a


def watched(
    run: Callable[[], Any], layers: list[tuple[str, Any]], names: Names, output: str
) -> Explanation:
    """Run a forward pass, and explain it, or as much of it as there is."""
    seen = Watching(layers, names)
    try:
        with seen:
            y = run()
    except Exception as error:
        return Explanation(
            **vars(failed(error, seen.nodes, names, seen.watched, seen.innermost(error)))
        )
    if not isinstance(y, Tensor):
        raise TypeError(f"nothing was recorded: {no_tensor(y)}")
    names.tensors.setdefault(id(y), output)
    return Explanation(**vars(traced(y, behind([y]), names, seen.watched)))


# ---- networks and layers by hand, as the book writes them ----------------------------------------
def by_hand(what: Any) -> tuple[Any, str | None] | None:
    """Find the object by hand that is meant, and its method if one was named; None for others."""
    for root, method in ((what, None), (getattr(what, "__self__", None), what)):
        if is_net(root) or is_layer(root):
            return root, getattr(method, "__name__", None)
    return None


def of_object(what: Any, args: tuple[Any, ...], variables: Mapping[str, Any]) -> Explanation:
    """Explain a network or a layer by hand: a copy is run, whose layers record their calls.

    Args:
        what: the learner's object, which is left as it is, or a method of it.
        args: for its method, or for forward.
        variables: the learner's by name; what the method calls its arguments comes first.
    """
    root, method = by_hand(what) or (what, None)
    method = _method(root, args) if method in (None, "gradient") else method
    assert method is not None
    if is_net(root) and not layers_in(root):
        return of_function(getattr(root, method), args, Names(variables, root))
    twin = twin_of(root)
    known = arguments_of(getattr(root, method))
    flag = flag_in(known[len(args) :]) if is_net(root) else None
    options = {} if flag is None else {flag: True}
    given = args if is_net(root) else _lifted_inputs(known, args)
    arguments = dict(zip(known, given, strict=False))
    names = Names({**arguments, **{k: v for k, v in variables.items() if k not in arguments}})
    for name, tensor in twin.names:
        names.tensors.setdefault(id(tensor), name)
    output = "loss" if is_net(root) and len(args) > 1 else "y"

    def run() -> Any:
        return getattr(twin.root, method)(*given, **options)

    drawn = Rewind([twin.root])
    before = drawn.now()
    try:
        found = watched(run, twin.layers, names, output)
    finally:
        restore(before)
    found.whole = functools.partial(_rerun_twin, twin, drawn, run, found)
    return found


def _lifted_inputs(names: list[str], args: tuple[Any, ...]) -> tuple[Any, ...]:
    """Make Tensors of a layer's inputs, of which the gradients are asked for, but not of targets.

    >>> import minigrad as mg
    >>> x, t = _lifted_inputs(["x", "t"], (np.ones(2), np.ones(2)))
    >>> isinstance(x, mg.Tensor), isinstance(t, mg.Tensor)
    (True, False)
    """
    known = [*names, *["x"] * (len(args) - len(names))]
    pairs = zip(known, args, strict=False)
    return tuple(a if name.lower() in TARGETS else _lifted(a) for name, a in pairs)


def _method(root: Any, args: tuple[Any, ...]) -> str:
    """Choose what of an object to run; its gradient is that of the loss."""
    names = ("loss", "forward") if len(args) > 1 else ("predict", "forward", "loss")
    for name in names if is_net(root) else ("forward",):
        if callable(getattr(root, name, None)):
            return name
    raise TypeError(
        f"{type(root).__name__} has no loss(x, t): name the method to explain, "
        "mg.explain(net.predict, x)"
    )


def _rerun_twin(twin: Twin, drawn: Rewind, run: Callable[[], Any], found: Explanation) -> Rerun:
    """Make the function that computes a loss again, with the same random numbers."""

    def rerun(line: int, values: Array) -> Array:
        node = found.nodes[line]
        assert node is not None
        kept, before = node._array.copy(), drawn.now()
        try:
            node._array[...] = values
            drawn.begin(twin.root)
            return np.asarray(run()._array)
        finally:
            node._array[...] = kept
            restore(before)

    made = (node._array.dtype for node in found.nodes if node is not None)
    return Rerun(rerun, coarsest(made), [line.id for line in found.leaves])
