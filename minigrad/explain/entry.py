"""`mg.explain`: what can be explained, and how each is."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from types import FrameType
from typing import Any, overload

import numpy as np

from minigrad.explain.data.asked import check_asked
from minigrad.explain.data.build import behind, failed, traced
from minigrad.explain.data.failures import nodes_in
from minigrad.explain.data.forward import Made, Watched
from minigrad.explain.data.holes import Scope, scope_of
from minigrad.explain.data.model import Group, Trace
from minigrad.explain.data.names import Names
from minigrad.explain.data.stopped import failing_layers
from minigrad.explain.data.terms import Entry
from minigrad.explain.data.watching import is_learners, one_line
from minigrad.explain.explanation import Explanation
from minigrad.explain.running import by_hand, of_function, of_network, of_object, renamed
from minigrad.graph import Node
from minigrad.layers import Layer
from minigrad.layers.structure import layers_by_path
from minigrad.networks import Network
from minigrad.tensor import Tensor


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
            - a network or a layer by hand, as the book writes them, with `args` for its loss or
              its forward: any object with loss(x, t) or predict(x) that holds objects with forward
              and backward, or one of those; a copy is run;
            - a function, with `args` for its arguments: what it returns;
            - an exception that a forward pass raised: the graph as far as it came.
        args: as above; a function's floats and arrays of floats are differentiated by, also those
            in dicts, lists and tuples.
        names: the learner's variables by name, such as `locals()` or a dict of parameters; they
            come before those of the caller; {} for no names at all.
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
    known = _known(names, frame)
    if args and isinstance(what, (Tensor, BaseException)):
        kind = "a Tensor" if isinstance(what, Tensor) else "an exception"
        raise TypeError(f"to explain {kind} takes nothing more, but {len(args)} more came")
    if isinstance(what, Tensor):
        found = _of_tensor(what, Names(known), scope_of(frame))
    elif isinstance(what, BaseException):
        found = _of_error(what, Names(known))
    elif isinstance(what, Network):
        found = of_network(what, *args)
    elif by_hand(what) is not None:
        found = of_object(what, args, known)
    elif callable(what) and not isinstance(what, type):
        found = of_function(what, args, Names(known, getattr(what, "__self__", None)))
    else:
        numbers = isinstance(what, (np.ndarray, np.generic, float, int))
        hint = ": an array remembers no calls; compute it from a mg.Tensor" if numbers else ""
        raise TypeError(
            f"explain takes a Tensor, a network with x and t, a layer or a function with its "
            f"arguments or an exception, not {what!r:.60}{hint or _instead(what)}"
        )
    found.file = found.file or frame.f_code.co_filename
    return found if at is None else found.at(*([at] if isinstance(at, str) else at))


def _instead(what: Any) -> str:
    """Say what to do with a class, or with an object that has nothing to call."""
    if isinstance(what, type):
        return f": make one, {what.__name__}(…), and explain that"
    return (
        ": a network has loss(x, t) or predict(x), a layer forward(x) and backward(dout); "
        "mg.wrap(layer) makes a layer of ours of one"
    )


def _known(names: Mapping[str, Any] | None, frame: FrameType) -> Mapping[str, Any]:
    """List the learner's variables; those that were named come first."""
    if names is not None and not (names and is_learners(frame.f_code.co_filename)):
        return names
    found = {**(names or {})}
    return found | {k: v for k, v in _variables(frame).items() if k not in found}


def _variables(frame: FrameType) -> dict[str, Any]:
    """The caller's variables; those of a function come before the module's."""
    return {
        **frame.f_locals,
        **{k: v for k, v in frame.f_globals.items() if k not in frame.f_locals},
    }


def _explanation(found: Trace) -> Explanation:
    return Explanation(**vars(found))


# ---- a graph that is there -----------------------------------------------------------------------
def _of_tensor(output: Node, names: Names, scope: Scope) -> Explanation:
    names.scope = scope if is_learners(scope.file) else None
    if names.of_node(output) is None:
        names.tensors[id(output)] = "y" if "y" not in names.tensors.values() else "output"
    nodes = behind([output])
    return _explanation(traced(output, nodes, names, _by_parameters(nodes, names)))


def _by_parameters(nodes: list[Node], names: Names) -> Watched:
    """Find the layers of a graph that is there already: a call with a layer's parameter is its."""
    owners: dict[int, tuple[str, Layer]] = {}
    for name, net in names.layers:
        for path, layer in renamed(name, net):
            if not layer.structure().inner:
                owners |= {
                    id(tensor): (path, layer) for tensor in layer.structure().tensors.values()
                }
    found = Watched({}, [], [], [], [])
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
