"""Layers whose backward is written by hand: one recorded call, whose rule is that backward.

Such a layer keeps what its backward needs in attributes, and the next forward overwrites them. So
each call keeps a copy of the layer as it was after its forward, parameters shared, and the backward
runs on that copy: a layer that is used twice, or called again before backward, is right.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Mapping
from types import FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from minigrad.graph import Node, apply
from minigrad.tensor import Tensor

_SHARED_TYPES = (type, ModuleType, FunctionType, MethodType, Node)


def record_by_hand(
    layer: Any,
    inputs: tuple[Any, ...],
    options: dict[str, Any],
    params: Mapping[str, Tensor],
    gradients_of: Callable[[Any], Mapping[str, Any]],
) -> Tensor:
    """Run `layer.forward` on arrays and record it as one call, with `layer.backward` for its rule.

    Args:
        layer: an object with `forward(*inputs, **options)` and `backward(dout)`.
        inputs: Tensors or arrays.
        options: passed to forward: `train_flag`.
        params: the parameters by name, as Tensors over the layer's own arrays.
        gradients_of: finds the gradients of the parameters in the layer, after a backward.

    Raises:
        TypeError: when forward returns no array of floats, or when backward leaves a gradient out.
        ValueError: when a gradient has another shape than what it is the gradient of.
    """
    name = type(layer).__name__
    given = [np.array(x._data if isinstance(x, Node) else x) for x in inputs]
    result = layer.forward(*given, **options)
    output = np.array(None if isinstance(result, Node) else result)
    if output.dtype.kind != "f":
        raise TypeError(f"{name}.forward must return an array of floats, not {result!r:.60}")
    shared = {id(tensor._data) for tensor in params.values()}
    kept = _copied(layer, shared | {id(x) for x in given})

    def pullback(g: Any, y: Any, *operands: Any) -> list[Any]:
        if isinstance(g, Node):
            raise TypeError(
                f"{name}.backward is written by hand and has no derivative of its own: for higher "
                "derivatives (create_graph=True), write the layer as a __call__ in NumPy"
            )
        run = _copied(kept, shared)  # backward may use up what forward kept
        dx = run.backward(np.array(g))
        shares = list(dx) if isinstance(dx, (tuple, list)) else [dx]
        shares += [None] * (len(inputs) - len(shares))  # labels need none
        found = gradients_of(run)
        shares += [found.get(key) for key in params]
        names = [f"input {i}" for i in range(len(inputs))] + list(params)
        wanted = (*inputs, *params.values())
        return [_own(name, *each) for each in zip(names, shares, wanted, strict=True)]

    arguments = (*inputs, *params.values())
    return apply(Tensor, type(layer), arguments, {}, lambda *_: output, rules=pullback)


def _own(layer: str, name: str, share: Any, wanted: Any) -> Any:
    """Copy a gradient that was computed by hand; refuse a wrong shape, which is a wrong sum."""
    if not isinstance(wanted, Node):
        return None
    if share is None:
        raise TypeError(f"{layer}.backward made no gradient for {name}, which needs one")
    share = np.array(share)
    if share.shape != wanted._data.shape:
        raise ValueError(
            f"{layer}.backward made a gradient of shape {share.shape} for {name} of shape "
            f"{wanted._data.shape}: a gradient has the shape of what it is the gradient of"
        )
    return share


def _copied(value: Any, shared: set[int], done: dict[int, Any] | None = None) -> Any:
    """Copy a layer with all the arrays it holds, in lists, dicts and inner objects too.

    Arrays whose id is in `shared` (the parameters) stay the same; so do random generators.
    """
    done = {} if done is None else done
    if id(value) in shared or isinstance(value, _SHARED_TYPES):
        return value
    if id(value) in done:
        return done[id(value)]
    if isinstance(value, np.ndarray):
        done[id(value)] = value.copy("K")
    elif type(value) in (list, tuple, set):
        done[id(value)] = type(value)([_copied(item, shared, done) for item in value])
    elif type(value) is dict:
        done[id(value)] = {key: _copied(item, shared, done) for key, item in value.items()}
    elif hasattr(value, "__dict__") or hasattr(type(value), "__slots__"):
        twin = done[id(value)] = _twin(value)
        for name, item in attributes(value).items():
            object.__setattr__(twin, name, _copied(item, shared, done))
    return done.get(id(value), value)


def _twin(value: Any) -> Any:
    """Make an object of the same class, without its attributes."""
    try:
        return copy.copy(value)
    except Exception as error:
        raise TypeError(
            f"{type(value).__name__} cannot stand in a graph: each call keeps a copy of its state, "
            f"and copying failed: {error}"
        ) from error


def attributes(value: Any) -> dict[str, Any]:
    """List an object's attributes, those in __slots__ too."""
    found = dict(getattr(value, "__dict__", {}))
    for cls in type(value).__mro__:
        slots = vars(cls).get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if name not in ("__dict__", "__weakref__") and hasattr(value, name):
                found[name] = getattr(value, name)
    return found


def takes_train_flag(function: Any) -> bool:
    """Tell from its signature whether a function has a `train_flag` argument."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return False
    return any(p.name == "train_flag" or p.kind is p.VAR_KEYWORD for p in parameters)
