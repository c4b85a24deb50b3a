"""Layers whose backward is written by hand: one recorded call, whose rule is that backward.

Such a layer keeps what its backward needs in attributes, and the next forward overwrites them. So
each call keeps a copy of the layer as it was after its forward, parameters shared, and the backward
runs on that copy: a layer that is used twice, or called again before backward, is right.
"""

from __future__ import annotations

import copy
import inspect
from collections import deque
from collections.abc import Callable, Mapping
from threading import RLock
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any

import numpy as np

from minigrad.constants import arrays
from minigrad.functions.activations import real_numbers
from minigrad.graph import Node, record
from minigrad.layers.inside import attributes, inside, reached, replaced
from minigrad.tensor import SHARE_TENSORS, Tensor

_CONSTANT = (
    *(int, float, str, bytes, tuple, frozenset, type(None), np.generic, np.ufunc),
    *(type, FunctionType, BuiltinFunctionType, ModuleType),
)
# What forward keeps must be its own still when it is copied: one thread at a time does both.
_TURN = RLock()
_CONTAINERS = (list, dict, set, deque, np.ndarray)  # of these a class attribute may be a cache


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
    given = [real_numbers(np.array(x._array if isinstance(x, Node) else x)) for x in inputs]
    with _TURN:
        result = layer.forward(*given, **options)
        output = np.array(None if _is_no_array(result) else result)
        if output.dtype.kind != "f":
            raise TypeError(f"{name}.forward must return an array of floats, not {result!r:.60}")
        kept = _copied(layer, params)

    rule = Pullback(kept, inputs, params, gradients_of, options)
    arguments = (*inputs, *params.values())
    return record(Tensor, type(layer), rule, arguments, arrays(arguments), {}, output)


def of_data(layer: Any, inputs: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """Run `layer.forward` on copies of arrays; nothing is recorded, and any array may come back.

    Raises:
        TypeError: when forward returns None, or several things.
    """
    result = layer.forward(*map(np.array, inputs), **options)
    if result is None or _is_no_array(result):
        name = type(layer).__name__
        raise TypeError(f"{name}.forward must return an array of floats, not {result!r:.60}")
    return result


def _is_no_array(result: Any) -> bool:
    """Tell whether several arrays were returned, which np.array would put into one."""
    several = isinstance(result, (tuple, list))
    return isinstance(result, Node) or (several and any(map(_is_array, result)))


def _is_array(item: Any) -> bool:
    return isinstance(item, Node) or (isinstance(item, np.ndarray) and item.ndim > 0)


class Pullback:
    """The joint rule of a layer written by hand: the `backward` of a copy of `layer`.

    `layer` is as it was after its forward, with what that kept for backward.
    """

    def __init__(
        self,
        layer: Any,
        inputs: tuple[Any, ...],
        params: Mapping[str, Tensor],
        gradients_of: Callable[[Any], Mapping[str, Any]],
        options: Mapping[str, Any] | None = None,
    ) -> None:
        self.layer = layer
        self._inputs = inputs
        self.params = params
        self._gradients_of = gradients_of
        self._options = options or {}

    def __call__(self, g: Any, y: Any, *operands: Any) -> list[Any]:
        """Run backward; return the gradients of all inputs and parameters."""
        name, inputs, params = type(self.layer).__name__, self._inputs, self.params
        if isinstance(g, Node):
            raise TypeError(
                f"{name}.backward is written by hand and has no derivative of its own: for higher "
                "derivatives (create_graph=True), write the layer as a __call__ in NumPy"
            )
        run = _copied(self.layer, params)  # backward may use up what forward kept
        dx = run.backward(np.array(g))
        shares = list(dx) if isinstance(dx, (tuple, list)) else [dx]
        if len(shares) > len(inputs):
            raise ValueError(
                f"{name}.backward returned {len(shares)} gradients for {len(inputs)} inputs; those "
                "of parameters belong into attributes that param_grads names"
            )
        shares += [None] * (len(inputs) - len(shares))  # labels need none
        found = self._gradients_of(run)
        shares += [found.get(key) for key in params]
        names = [f"input {i}" for i in range(len(inputs))] + list(params)
        wanted = (*inputs, *params.values())
        return [_own(name, *each) for each in zip(names, shares, wanted, strict=True)]

    def run_again(self, *operands: Any) -> tuple[Pullback, Any]:
        """Run forward on other inputs and parameters, and return the rule of that call, and what
        it made.

        Nothing of the layer changes. Random numbers are drawn anew.

        Raises:
            TypeError: when a parameter is no array of the layer, and cannot be another.
        """
        run = _copied(self.layer, self.params)
        vars(run).pop("_Layer__memory", None)  # it knows the parameters of the layer
        count = len(self._inputs)
        for name, value in zip(self.params, operands[count:], strict=True):
            if not isinstance(reached(run, name, None), np.ndarray):
                raise TypeError(f"{type(run).__name__}.{name} is no array of the layer's own")
            replaced(run, name, np.array(value))
        made = run.forward(*map(np.array, operands[:count]), **self._options)
        rule = Pullback(run, self._inputs, self.params, self._gradients_of, self._options)
        return rule, np.array(made)


def _own(layer: str, name: str, share: Any, wanted: Any) -> Any:
    """Copy a gradient that was computed by hand; refuse a wrong shape, which is a wrong sum."""
    if not isinstance(wanted, Node):
        return None
    if share is None:
        raise TypeError(f"{layer}.backward made no gradient for {name}, which needs one")
    share = real_numbers(np.array(share))
    if share.shape != wanted._array.shape:
        raise ValueError(
            f"{layer}.backward made a gradient of shape {share.shape} for {name} of shape "
            f"{wanted._array.shape}: a gradient has the shape of what it is the gradient of"
        )
    return share


def _copied(layer: Any, params: Mapping[str, Tensor]) -> Any:
    """Copy a layer with all that it holds, but share its parameters."""
    name = type(layer).__name__
    state = dict(inside(layer))
    known = {id(value) for value in state.values() if not isinstance(value, _CONSTANT)}
    for path, value in state.items():
        if isinstance(value, FunctionType) and known & set(map(id, _closed_over(value))):
            raise TypeError(
                f"{name}.{path} is a function that refers to the layer or to what it holds, so "
                "that a copy for each call would not be independent: make it a method"
            )
    own = attributes(layer)
    memo: dict[Any, Any] = {id(tensor._array): tensor._array for tensor in params.values()}
    memo[SHARE_TENSORS] = True
    try:
        twin = copy.deepcopy(layer, memo)
        for cls in reversed(type(layer).__mro__):
            for attribute, value in vars(cls).items():
                dunder = attribute.startswith("__")
                if isinstance(value, _CONTAINERS) and attribute not in own and not dunder:
                    object.__setattr__(twin, attribute, copy.deepcopy(value, memo))
    except Exception as error:
        raise TypeError(
            f"{name} cannot stand in a graph: each call keeps a copy of the layer, and copying "
            f"failed: {error}"
        ) from error
    return twin


def _closed_over(function: FunctionType) -> list[Any]:
    """List what a function refers to in its closure and its defaults, and what that holds."""
    cells = [cell.cell_contents for cell in function.__closure__ or ()]
    defaults = [*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()]
    return [value for item in (*cells, *defaults) for _, value in inside(item)]


def takes_train_flag(function: Any) -> bool:
    """Tell from its signature whether a function has a `train_flag` argument."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return False
    return any(p.name == "train_flag" or p.kind is p.VAR_KEYWORD for p in parameters)


def spells_train_flg(function: Any) -> bool:
    """Tell whether a function has the argument as the book's later code spells it."""
    return "train_flg" in inspect.signature(function).parameters


def arrays_in(layer: Any) -> list[str]:
    """List the paths of all arrays of floats inside an object: W, params[0], inner.W."""
    found = [(path, value) for path, value in inside(layer) if isinstance(value, np.ndarray)]
    return [path for path, value in found if value.dtype.kind in "fc"]
