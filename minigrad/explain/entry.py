"""`mg.explain`: what can be explained, and how each is."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Mapping
from types import FrameType
from typing import Any, overload

import numpy as np

from minigrad.explain.data.asked import check_asked, no_tensor
from minigrad.explain.data.build import behind, failed, traced
from minigrad.explain.data.failures import nodes_in
from minigrad.explain.data.forward import Made, Watched
from minigrad.explain.data.model import Group, Trace
from minigrad.explain.data.names import Names, parameters
from minigrad.explain.data.stopped import failing_layers
from minigrad.explain.data.terms import Entry
from minigrad.explain.data.twin import rerun_of_network
from minigrad.explain.data.watching import Watching, callable_name, is_learners, one_line
from minigrad.explain.explanation import Explanation
from minigrad.graph import Node
from minigrad.layers import Layer
from minigrad.layers.randomness import Replay
from minigrad.layers.structure import layers_by_path
from minigrad.networks import Network
from minigrad.tensor import Tensor
from minigrad.trees import mapped


@overload
def explain(
    what: Any, *args: Any, names: Mapping[str, Any] | None = None, at: None = None
) -> Explanation: ...
@overload
def explain(
    what: Any, *args: Any, names: Mapping[str, Any] | None = None, at: tuple[Any, ...]
) -> Entry: ...
def explain(
    what: Any,
    *args: Any,
    names: Mapping[str, Any] | None = None,
    at: tuple[Any, ...] | None = None,
) -> Explanation | Entry:
    """Explain a backward pass: every step of it, with rules, shapes, numbers and sums.

    Args:
        what: one of

            - a Tensor that was computed: the graph behind it is explained;
            - a network, with `args` x and t: the loss of that batch, in training; random layers
              draw what the next `net.gradient(x, t)` will draw, and nothing is changed;
            - a function, with `args` for its arguments: what it returns;
            - an exception that a forward pass raised: the graph as far as it came.
        args: as above; a function's floats and arrays of floats are differentiated by, also those
            in dicts, lists and tuples.
        names: the learner's variables by name, `locals()`; those of the caller when left out.
        at: ("W1", 0, 1) asks for one entry at once, as `Explanation.at` does.

    Returns:
        An `Explanation`; an `Entry` with `at`. When the forward pass of a network or a function
        fails, the explanation has a `failure`: the call that failed, both shapes, and the likely
        fix.

    Raises:
        TypeError: for anything else.

    >>> import minigrad as mg
    >>> apple, count, tax = mg.Tensor(100.0), mg.Tensor(2.0), mg.Tensor(1.1)
    >>> apple_price = apple * count
    >>> price = apple_price * tax
    >>> print(mg.explain(price))
    Forward: 2 calls
      apple                             100
      count                             2
      tax                               1.1
      apple_price = apple * count       200
      price       = apple_price * tax   220
    <BLANKLINE>
    Backward: 2 steps, from the last call to the first
      1  price = apple_price * tax
         dprice = 1   (the walk back begins with 1)
           dapple_price = dprice * tax = 1 * 1.1 = 1.1
           dtax         = dprice * apple_price = 1 * 200 = 200
      2  apple_price = apple * count
         dapple_price = 1.1
           dapple = dapple_price * count = 1.1 * 2 = 2.2
           dcount = dapple_price * apple = 1.1 * 100 = 110
    <BLANKLINE>
    Gradients
      dapple = 2.2
      dcount = 110
      dtax   = 200
    """
    check_asked(names, at)
    frame = sys._getframe(1)
    known = _variables(frame) if names is None else names
    if args and isinstance(what, (Tensor, BaseException)):
        kind = "a Tensor" if isinstance(what, Tensor) else "an exception"
        raise TypeError(f"to explain {kind} takes nothing more, but {len(args)} more came")
    if isinstance(what, Tensor):
        found = _of_tensor(what, Names(known))
    elif isinstance(what, BaseException):
        found = _of_error(what, Names(known))
    elif isinstance(what, Network):
        found = _of_network(what, *args)
    elif callable(what) and not isinstance(what, type):
        found = _of_function(what, args, Names(known))
    else:
        numbers = isinstance(what, (np.ndarray, np.generic, float, int))
        hint = ": an array remembers no calls; compute it from a mg.Tensor" if numbers else ""
        raise TypeError(
            f"explain takes a Tensor, a network with x and t, a function with its arguments or an "
            f"exception, not {what!r:.60}{hint}"
        )
    found.file = found.file or frame.f_code.co_filename
    return found if at is None else found.at(*([at] if isinstance(at, str) else at))


def _variables(frame: FrameType) -> dict[str, Any]:
    """The caller's variables; those of a function come before the module's."""
    return {
        **frame.f_locals,
        **{k: v for k, v in frame.f_globals.items() if k not in frame.f_locals},
    }


def _explanation(found: Trace) -> Explanation:
    return Explanation(**vars(found))


# ---- a graph that is there -----------------------------------------------------------------------
def _of_tensor(output: Node, names: Names) -> Explanation:
    if names.of_node(output) is None:
        names.tensors[id(output)] = "y" if "y" not in names.tensors.values() else "output"
    nodes = behind([output])
    return _explanation(traced(output, nodes, names, _by_parameters(nodes, names)))


def _by_parameters(nodes: list[Node], names: Names) -> Watched:
    """Find the layers of a graph that is there already: a call with a layer's parameter is its."""
    owners: dict[int, tuple[str, Layer]] = {}
    for name, net in names.layers:
        for path, layer in _renamed(name, net):
            if not layer.structure().inner:
                owners |= {
                    id(tensor): (path, layer) for tensor in layer.structure().tensors.values()
                }
    found = Watched({}, [], [], [])
    times: dict[int, int] = {}
    for node in sorted(nodes, key=lambda node: node._birth) if owners else ():
        used = [owners[id(a)] for a in node._arguments if id(a) in owners]
        if used:
            path, layer = used[0]
            call = times[id(layer)] = times.get(id(layer), 0) + 1
            kind, number = type(layer._owner).__name__, len(found.layers)
            found.layers.append(Group(number, path, repr(layer), kind, None, call))
            found.owners.append(layer)
            found.made[node._birth] = Made(number, None)
    for group in found.layers:
        group.calls = times[id(found.owners[group.id])]
    return found


def _of_error(error: BaseException, names: Names) -> Explanation:
    """Explain what the frames of a traceback still hold."""
    nodes = behind(nodes_in(error, names, is_learners))
    watched = _by_parameters(nodes, names)
    return _explanation(failed(error, nodes, names, watched, _layer_of(error)))


def _layer_of(error: BaseException) -> str | None:
    """Name the innermost layer that an error came out of, by the network that called it."""
    layers = failing_layers(error)
    nets = [layer for layer in layers if isinstance(layer, Network)]
    paths = {id(layer): path for path, layer in layers_by_path(nets[-1])} if nets else {}
    inside = [layer for layer in layers if paths.get(id(layer), "net") != "net"]
    return f"{paths[id(inside[0])]} {one_line(inside[0])}" if inside else None


# ---- a forward pass that runs now, watched -------------------------------------------------------
def _of_network(net: Network, *batch: Any) -> Explanation:
    if len(batch) != 2:
        raise TypeError(
            f"to explain a {type(net).__name__} takes a batch: mg.explain(net, x, t), with the "
            "targets t for its loss"
        )
    x, t = (b if isinstance(b, Tensor) else np.asarray(b) for b in batch)
    names = Names({"x": x, "t": t})
    for name, tensor in parameters("", net):
        names.add(name, tensor)
        if isinstance(x, np.ndarray) and x.dtype.kind == "f" and x.dtype != tensor.dtype:
            names.add("x", x.astype(tensor.dtype))  # as the net converts it
    layers = list(layers_by_path(net))
    with Replay(net) as replay:
        found = _watched(lambda: net.objective(x, t), layers, names, "loss")
    kept = [b if isinstance(b, Tensor) else b.copy() for b in (x, t)]
    found.whole = functools.partial(rerun_of_network, found, net, kept, replay)
    return found


def _of_function(function: Callable[..., Any], args: Any, names: Names) -> Explanation:
    """Call a function, with Tensors in place of arrays of floats."""
    if isinstance(function, Layer):
        names.layers.insert(0, ("layer", function))
        for name, tensor in parameters("", function):
            names.tensors[id(tensor)] = name
    layers = [(name, layer) for name, layer in names.layers if isinstance(layer, Layer)]
    inner = [pair for name, layer in layers for pair in _renamed(name, layer)]
    lifted = [mapped(_lifted, a) for a in args]
    is_by_hand = isinstance(function, Layer) and function.is_by_hand()
    written: Any = function
    try:
        parameters_ = list(inspect.signature(written.forward if is_by_hand else written).parameters)
    except (TypeError, ValueError):
        parameters_ = []
    for name, value in zip(parameters_, lifted, strict=False):
        names.add(name, value)
    return _watched(lambda: function(*lifted), inner, names, callable_name(function))


def _renamed(name: str, layer: Layer) -> list[tuple[str, Any]]:
    return [(name + path.removeprefix("net"), each) for path, each in layers_by_path(layer)]


def _lifted(a: Any) -> Any:
    is_floats = isinstance(a, float) or (isinstance(a, np.ndarray) and a.dtype.kind == "f")
    return Tensor(a) if is_floats else a


def _watched(
    run: Callable[[], Any], layers: list[tuple[str, Any]], names: Names, output: str
) -> Explanation:
    """Run a forward pass, and explain it, or as much of it as there is."""
    seen = Watching(layers, names)
    try:
        with seen:
            y = run()
    except Exception as error:
        return _explanation(failed(error, seen.nodes, names, seen.watched, seen.innermost(error)))
    if not isinstance(y, Tensor):
        raise TypeError(f"nothing was recorded: {no_tensor(y)}")
    names.tensors.setdefault(id(y), output)
    return _explanation(traced(y, behind([y]), names, seen.watched))
