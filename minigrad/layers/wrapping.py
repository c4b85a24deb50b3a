"""Layers of other people, with nothing but a forward and a backward: the book's, a student's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from minigrad.graph import Node
from minigrad.layers.base import Layer
from minigrad.layers.by_hand import (
    arrays_in,
    of_data,
    record_by_hand,
    spells_train_flg,
    takes_train_flag,
)
from minigrad.layers.inside import reached
from minigrad.layers.mistaken import instead_of


def wrap(
    layer: Any,
    param_grads: Mapping[str, str] | None = None,
    buffers: Sequence[str] | None = None,
) -> Layer:
    """Make a layer of any object with `forward(x)` and `backward(dout)`.

    Args:
        layer: the object; its forward may take `train_flag`.
        param_grads: names of the attributes that are parameters, each with the name of the
            attribute where `backward` leaves its gradient: {"W": "dW", "b": "db"}; dots lead into
            what the object holds, {"l1.W": "l1.dW"}.
        buffers: names of the attributes that a network saves with its parameters, though no
            gradient reaches them: ["running_mean", "running_var"].

    Raises:
        TypeError: when the object has no forward or no backward, or lacks a named parameter.

    >>> class Double:
    ...     def forward(self, x): return 2 * x
    ...     def backward(self, dout): return 2 * dout
    >>> wrap(Double()).forward(np.ones(2))
    array([2., 2.])
    """
    if isinstance(layer, Layer):
        if param_grads or buffers:
            named = "param_grads" if param_grads else "buffers"
            raise TypeError(f"{layer!r} is a layer already: name its {named} in its class")
        return layer
    for name in ("forward", "backward"):
        if isinstance(layer, type) or not callable(getattr(layer, name, None)):
            raise TypeError(instead_of(layer))
    return Wrapped(layer, param_grads, buffers)


class Wrapped(Layer):
    """An object with forward and backward, standing in a network; made by `wrap`."""

    def __init__(
        self,
        layer: Any,
        param_grads: Mapping[str, str] | None = None,
        buffers: Sequence[str] | None = None,
    ) -> None:
        self.layer = layer
        self.buffers = None if buffers is None else tuple(buffers)
        self.param_grads = dict(param_grads or {})
        self.structure()  # refuses what is no array of floats

    def __call__(self, *inputs: Any, train_flag: bool | None = None) -> Any:
        """Run the object's forward, and record it with the object's backward for its rule."""
        options = {}
        if train_flag is not None and takes_train_flag(self.layer.forward):
            options = {"train_flag": train_flag}
        elif train_flag is not None and spells_train_flg(self.layer.forward):
            options = {"train_flg": train_flag}
        tensors = self.structure().tensors
        if not tensors and not any(isinstance(x, Node) for x in inputs):
            return of_data(self.layer, inputs, options)
        names = self.param_grads

        def gradients_of(layer: Any) -> dict[str, Any]:
            return {name: reached(layer, grad, None) for name, grad in names.items()}

        return record_by_hand(self.layer, inputs, options, tensors, gradients_of)

    def heeds_train_flag(self) -> bool:
        """Tell whether the object's forward is told that it is training."""
        forward = self.layer.forward
        return takes_train_flag(forward) or spells_train_flg(forward)

    @property
    def grads(self) -> dict[str, Any]:
        """The gradients of the parameters, of the latest `backward`."""
        return dict(self._memory.grads)

    @property
    def _owner(self) -> Any:
        return self.layer

    def __repr__(self) -> str:
        return f"wrap({type(self.layer).__name__})"


def as_layer(layer: Any) -> Layer:
    """Take a layer, or an object with forward and backward that holds no parameters.

    Raises:
        TypeError: for anything else; for an object with arrays of floats, about which it asks.

    >>> class Double:
    ...     def forward(self, x): return 2 * x
    ...     def backward(self, dout): return 2 * dout
    >>> as_layer(Double())
    wrap(Double)
    """
    held = arrays_in(layer) if _undeclared(layer) else []
    held = [path for path in held if "_Layer__memory" not in path]
    if not held:
        return wrap(layer)
    name, listed = type(layer).__name__, ", ".join(held)
    if isinstance(layer, Layer):
        raise TypeError(
            f"{name} is written by hand and holds the arrays {listed}, which would not be trained: "
            'say in the class which are parameters, param_grads = {"W": "dW"}; {} if none is'
        )
    raise TypeError(
        f"{name} holds the arrays {listed}, which would not be trained: say which are parameters, "
        'mg.wrap(layer, param_grads={"W": "dW"}), or mg.wrap(layer) if none is'
    )


def _undeclared(layer: Any) -> bool:
    """Tell whether a layer is written by hand and says nowhere what its parameters are."""
    if not isinstance(layer, Layer):
        return callable(getattr(layer, "forward", None))
    return type(layer).forward is not Layer.forward and layer.param_grads is Layer.param_grads
