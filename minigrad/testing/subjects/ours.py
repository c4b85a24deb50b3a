"""Subjects of minigrad's own: functions of Tensors, layers, networks (and the book's networks)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from minigrad.backward import gradients
from minigrad.graph import Array, Node
from minigrad.layers import Layer
from minigrad.networks import Network
from minigrad.tensor import Tensor
from minigrad.testing.subjects.by_hand import ByHandSubject
from minigrad.testing.subjects.naming import called, copied, flat, named
from minigrad.testing.subjects.randomness import Rewind
from minigrad.testing.subjects.subject import Subject, as_floats, kept


class FunctionSubject(Subject):
    """A function that minigrad differentiates."""

    kind = "function"

    def __init__(self, f: Callable[..., Any], inputs: Sequence[Any], name: str | None) -> None:
        super().__init__(name or called(f), named(f, inputs))
        self.f = f
        self.written = {"forward": f}
        self.rewind = Rewind([f])

    def fresh(self, params: Mapping[str, Any], cast: Any) -> Any:
        """Make the place where forward leaves its graph."""
        return {}

    def forward(self, thing: Any, inputs: Mapping[str, Any]) -> tuple[Any, ...]:
        """Record the function on Tensors."""
        thing["tensors"] = {k: Tensor(inputs[k]) for k in self.operands}
        outputs = self.f(*(thing["tensors"].get(k, v) for k, v in inputs.items()))
        thing["outputs"] = flat(outputs)
        return tuple(y._array if isinstance(y, Node) else y for y in thing["outputs"])

    def evaluate(
        self, inputs: Mapping[str, Any], params: Mapping[str, Any], cast: Any
    ) -> list[Any]:
        """Compute the function on arrays, without a graph."""
        self.counted()
        self.rewind.begin(self.f)
        outputs = flat(self.f(*(kept(x) for x in inputs.values())))
        return [np.asarray(y._array if isinstance(y, Node) else y) for y in outputs]

    def holders(self, thing: Any) -> tuple[Any, ...]:
        """The function itself, which is not copied."""
        return (self.f,)

    def graph(self, thing: Any) -> list[Any]:
        """What the function returned."""
        found: list[Any] = thing["outputs"]
        return found

    def backward(self, thing: Any, douts: tuple[Any, ...]) -> dict[str, Any]:
        """Differentiate by every input of floats."""
        total = {k: np.zeros(x.shape, x.dtype) for k, x in thing["tensors"].items()}
        for y, dout in zip(thing["outputs"], douts, strict=True):
            if isinstance(y, Node):
                found = gradients(y, list(thing["tensors"].values()), dout)
                for k, g in zip(total, found, strict=True):
                    total[k] = total[k] + g
        return total


class LayerSubject(ByHandSubject):
    """One of minigrad's own layers, or a subclass."""

    kind = "layer"

    def __init__(
        self,
        layer: Layer,
        inputs: Sequence[Any],
        fixed: Iterable[str] | None,
        options: Mapping[str, Any],
        name: str | None,
    ) -> None:
        written = type(layer)._definition if not layer.is_by_hand() else type(layer).forward
        super().__init__(name or type(layer).__name__, named(written, inputs, bound=True))
        self.layer = layer
        self.options = options
        self.is_network = len(list(layer.structure().inner)) > 1
        self.written = {"forward": written}
        if layer.is_by_hand():
            self.written["backward"] = type(layer).backward
        self.rewind = Rewind([layer])
        self.params = {name: value.copy() for name, value in layer.params.items()}
        self.keeps_nothing = keeps_nothing(layer)
        self.settle(fixed)

    def fresh(self, params: Mapping[str, Any], cast: Any) -> Any:
        """Copy the layer as it was given."""
        thing = recast(copied(self.layer), cast)
        self.set_params(thing, params)
        return thing

    def forward_of(self, thing: Any) -> Any:
        """Find the forward."""
        return thing.forward

    def pulled_back(self, thing: Any, douts: Sequence[Any]) -> Any:
        """Call the backward."""
        return thing.backward(*douts)

    def graph(self, thing: Any) -> list[Any]:
        """The output of the latest forward, unless backward is written by hand."""
        latest = thing._memory.latest
        return [] if latest is None or thing.is_by_hand() else [latest[0]]

    def grads_of(self, thing: Any) -> dict[str, Any]:
        """Ask the layer."""
        return {self.parameter(k): v for k, v in thing.grads.items() if v is not None}

    def params_of(self, thing: Any) -> dict[str, Any]:
        """Ask the layer."""
        return dict(thing.params)

    def set_params(self, thing: Any, values: Mapping[str, Any]) -> None:
        """Write into the layer's own arrays, as an optimizer does."""
        for name, value in values.items():
            thing.params[name] = value


class NetworkSubject(Subject):
    """Something with loss(x, t), gradient(x, t) and params: a Network, or the book's."""

    kind = "network"
    is_network = True

    def __init__(self, net: Any, x: Any, t: Any, name: str | None) -> None:
        super().__init__(name or type(net).__name__, {"x": np.asarray(x), "t": np.asarray(t)})
        self.fixed = frozenset(("x", "t"))
        self.net = net
        self.rewind = Rewind([net])
        self.params = {key: np.array(value) for key, value in net.params.items()}
        self.written = {"forward": type(net).loss, "backward": type(net).gradient}
        self.keeps_nothing = isinstance(net, Network) and keeps_nothing(net)

    def fresh(self, params: Mapping[str, Any], cast: Any) -> Any:
        """Copy the network as it was given."""
        net = copied(self.net)
        if cast and isinstance(net, Network):
            net = net.astype(cast)
        thing = {"net": net}
        self.set_params(
            thing, {k: as_floats(v, cast) for k, v in {**self.params, **params}.items()}
        )
        return thing

    def forward(self, thing: Any, inputs: Mapping[str, Any]) -> tuple[Any, ...]:
        """Compute the loss, as in training."""
        net = thing["net"]
        thing["given"] = inputs
        if isinstance(net, Network):
            thing["loss"] = net.objective(*inputs.values())
            return (thing["loss"].data,)
        return (net.loss(*inputs.values()),)

    def holders(self, thing: Any) -> tuple[Any, ...]:
        """The network."""
        return (thing["net"],)

    def graph(self, thing: Any) -> list[Any]:
        """The loss."""
        return [thing["loss"]] if "loss" in thing else []

    def cotangents(self, outputs: Sequence[Any], rng: Any) -> list[tuple[str, list[Array]]]:
        """The gradient of a loss takes no cotangent."""
        return [("1", [np.ones(())])]

    def backward(self, thing: Any, douts: tuple[Any, ...]) -> dict[str, Any]:
        """Ask the network for its gradient, with the random numbers of the forward."""
        self.rewind.begin(*self.holders(thing))
        found = thing["net"].gradient(*thing["given"].values())
        dout = float(douts[0])  # which gradient knows nothing of: it is that of the loss itself
        return {self.parameter(k): g if dout == 1 else dout * g for k, g in found.items()}

    def params_of(self, thing: Any) -> dict[str, Any]:
        """Ask the network."""
        return dict(thing["net"].params)

    def set_params(self, thing: Any, values: Mapping[str, Any]) -> None:
        """Write into the arrays: layers may hold the same ones."""
        for name, value in values.items():
            held = thing["net"].params[name]
            if isinstance(held, np.ndarray) and held.dtype == np.asarray(value).dtype:
                held[...] = value
            thing["net"].params[name] = held if isinstance(held, np.ndarray) else value


def keeps_nothing(layer: Layer) -> bool:
    """Tell whether a layer of ours has no caches of its own: none inside is written by hand."""
    return not any(inner.is_by_hand() for inner in (layer, *layer.structure().inner))


def recast(layer: Layer, cast: Any) -> Layer:
    """Put parameters of another dtype into a layer."""
    if cast:
        for tensor in layer.tensors().values():
            if tensor._array.dtype != cast:
                tensor._array = tensor._array.astype(cast)
    return layer
