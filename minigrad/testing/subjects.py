"""The kinds of subject: a function of Tensors, a pair of callables, a layer, a network."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MethodType
from typing import Any

import numpy as np

from minigrad.backward import gradients
from minigrad.graph import Array, Node
from minigrad.layers import Layer
from minigrad.networks import Network
from minigrad.tensor import Tensor
from minigrad.testing.attributes import assign, lookup, matching_gradients
from minigrad.testing.randomness import Rewind
from minigrad.testing.subject import Run, Subject, as_floats, is_float, kept

TARGETS = {"t", "y_true", "target", "targets", "label", "labels", "mask", "weights", "train_flag"}


def of_function(f: Callable[..., Any], *inputs: Any, name: str | None = None) -> Subject:
    """Make a subject of a function of Tensors, which minigrad differentiates.

    Args:
        f: takes arrays or Tensors; returns one, or several in a list, tuple or dict.
        inputs: arrays; those of floats are differentiated by, the rest are constants.

    >>> subject = of_function(np.sin, np.zeros(2))
    >>> subject.start().gradients([np.ones(2)])
    {'x': array([1., 1.])}
    """
    return FunctionSubject(f, inputs, name)


def of_pair(
    forward: Callable[..., Any],
    backward: Callable[..., Any],
    *inputs: Any,
    fixed: Iterable[str] | None = None,
    name: str | None = None,
) -> Subject:
    """Make a subject of two callables: `backward(dout)` belongs to the latest `forward(*inputs)`.

    `backward` returns the gradient of the input, or a tuple of gradients. The form
    `forward(*inputs) -> (out, cache)` with `backward(dout, cache)` is understood too.

    >>> of_pair(np.exp, lambda dout: dout, np.zeros(2)).inputs
    {'x': array([0., 0.])}
    """
    return PairSubject(forward, backward, inputs, fixed, name)


def of_layer(
    layer: Any,
    *inputs: Any,
    param_grads: Mapping[str, str] | None = None,
    fixed: Iterable[str] | None = None,
    options: Mapping[str, Any] | None = None,
    name: str | None = None,
) -> Subject:
    """Make a subject of an object with forward and backward: ours, the book's, a student's.

    Args:
        layer: the object, never changed: runs are made on copies.
        param_grads: parameters and where backward leaves their gradients: {"W": "dW"}. Left out,
            they are found: what `layer.param_grads` says, or W beside dW, or params beside grads.
        fixed: the inputs that have no gradient; left out, labels and the like are recognised.
        options: keyword arguments of forward, such as train_flag.

    >>> import minigrad as mg
    >>> list(of_layer(mg.Affine(3, 2, rng=0), np.ones((4, 3))).operands)
    ['x', 'W', 'b']
    """
    if isinstance(layer, Layer):
        return LayerSubject(layer, inputs, fixed, options or {}, name)
    return ForeignSubject(layer, inputs, param_grads, fixed, options or {}, name)


def of_network(net: Any, x: Any, t: Any, name: str | None = None) -> Subject:
    """Make a subject of a network with `loss(x, t)`, `gradient(x, t)` and `params`.

    >>> import minigrad as mg
    >>> net = mg.mlp([2, 2], rng=0)
    >>> list(of_network(net, np.ones((3, 2)), np.array([0, 1, 1])).operands)
    ['W1', 'b1']
    """
    return NetworkSubject(net, x, t, name)


# ---- functions -----------------------------------------------------------------------------------
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
        return tuple(y._data if isinstance(y, Node) else y for y in thing["outputs"])

    def evaluate(
        self, inputs: Mapping[str, Any], params: Mapping[str, Any], cast: Any
    ) -> list[Any]:
        """Compute the function on arrays, without a graph."""
        self.evaluations += 1
        self.rewind.begin(self.f)
        outputs = flat(self.f(*(kept(x) for x in inputs.values())))
        return [np.asarray(y._data if isinstance(y, Node) else y) for y in outputs]

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


# ---- a forward and a backward --------------------------------------------------------------------
class ByHandSubject(Subject):
    """What has a backward that somebody wrote: gradients come back by position."""

    options: Mapping[str, Any] = {}

    def settle(self, fixed: Iterable[str] | None) -> None:
        """Find out, by one run, which inputs have gradients."""
        if fixed is not None:
            self.fixed |= frozenset(fixed)
            return
        try:
            run = self.start()
            count = len(listed(self.pulled_back(run.thing, run.cotangents(_rng()))))
        except Exception:  # the check itself will say so
            return
        free = [k for k in self.inputs if k not in self.fixed]
        if len(free) > count:
            left_out = [k for k in free if k.lower() in TARGETS]
            self.fixed |= frozenset(left_out)
            self.notes += [f"{k} was taken for a constant: it got no gradient" for k in left_out]

    def forward(self, thing: Any, inputs: Mapping[str, Any]) -> tuple[Any, ...]:
        """Call forward; several outputs come as a tuple or a list."""
        y = self.forward_of(thing)(*inputs.values(), **self.options)
        return tuple(y) if isinstance(y, (tuple, list)) else (y,)

    def backward(self, thing: Any, douts: tuple[Any, ...]) -> dict[str, Any]:
        """Call backward, and put names to what comes back."""
        dxs = listed(self.pulled_back(thing, douts))
        free = [k for k in self.inputs if k not in self.fixed]
        if len(dxs) == len(self.inputs) > len(free):
            dxs = [d for k, d in zip(self.inputs, dxs, strict=True) if k not in self.fixed]
        if len(dxs) > len(free) and any(d is not None for d in dxs[len(free) :]):
            raise ValueError(
                f"backward returned {len(dxs)} gradients for {len(free)} inputs that have one "
                f"({', '.join(free) or 'none'})"
            )
        return dict(zip(free, dxs, strict=False)) | self.grads_of(thing)

    def forward_of(self, thing: Any) -> Callable[..., Any]:
        """Find the forward of a copy."""
        raise NotImplementedError

    def pulled_back(self, thing: Any, douts: Sequence[Any]) -> Any:
        """Call the backward of a copy: what it returns."""
        raise NotImplementedError

    def grads_of(self, thing: Any) -> dict[str, Any]:
        """Find the gradients of parameters, by operand, after a backward."""
        return {}

    def arguments_of_backward(self) -> list[str]:
        """What backward calls its arguments."""
        return parameters_of(self.written.get("backward")) or ["dout"]


class PairSubject(ByHandSubject):
    """Two callables."""

    kind = "pair"

    def __init__(
        self,
        forward: Callable[..., Any],
        backward: Callable[..., Any],
        inputs: Sequence[Any],
        fixed: Iterable[str] | None,
        name: str | None,
    ) -> None:
        super().__init__(name or called(forward), named(forward, inputs))
        self.pair = forward, backward
        self.takes_cache = parameters_of(backward)[1:2] == ["cache"]
        self.written = {"forward": forward, "backward": backward}
        self.rewind = Rewind([forward, backward])
        self.settle(fixed)

    def fresh(self, params: Mapping[str, Any], cast: Any) -> Any:
        """Copy the objects whose methods the two are; functions stay themselves."""
        forward, backward = copied(self.pair)
        return {"forward": forward, "backward": backward}

    @property
    def is_copied(self) -> bool:
        """Whether both are methods: a function is the same in a copy, and so is its closure."""
        return all(isinstance(f, MethodType) for f in self.pair)

    def holders(self, thing: Any) -> tuple[Any, ...]:
        """The two."""
        return thing["forward"], thing["backward"]

    def forward_of(self, thing: Any) -> Callable[..., Any]:
        """Find the forward; a cache that it returns is put aside."""
        if not self.takes_cache:
            return _callable(thing["forward"])

        def without_cache(*inputs: Any) -> Any:
            y, thing["cache"] = thing["forward"](*inputs)
            return y

        return without_cache

    def pulled_back(self, thing: Any, douts: Sequence[Any]) -> Any:
        """Call backward, with the cache if it wants one."""
        return thing["backward"](*douts, *([thing["cache"]] if self.takes_cache else []))


class ForeignSubject(ByHandSubject):
    """An object with forward and backward, and arrays for parameters."""

    kind = "layer"

    def __init__(
        self,
        layer: Any,
        inputs: Sequence[Any],
        param_grads: Mapping[str, str] | None,
        fixed: Iterable[str] | None,
        options: Mapping[str, Any],
        name: str | None,
    ) -> None:
        forward = _method(layer, "forward")
        super().__init__(name or type(layer).__name__, named(forward, inputs))
        self.layer = layer
        self.options = options
        self.written = {"forward": forward, "backward": _method(layer, "backward")}
        self.rewind = Rewind([layer])
        self.param_grads: dict[str, str] = dict(param_grads or {})
        if param_grads is None:
            self.param_grads = self._found()
        self.params = {k: np.array(lookup(layer, k)) for k in self.param_grads}
        self.settle(fixed)

    def _found(self) -> dict[str, str]:
        """Find parameters beside gradients, after one backward."""
        declared = getattr(self.layer, "param_grads", None)
        if isinstance(declared, Mapping):
            return dict(declared)
        try:
            run = self.start()
            self.pulled_back(run.thing, run.cotangents(_rng()))
        except Exception:  # the check itself will say so
            return matching_gradients(self.layer, self.layer)
        found = matching_gradients(self.layer, run.thing)
        if found:
            pairs = ", ".join(f"{p} with {g}" for p, g in found.items())
            self.notes.append(f"parameters were found by their names: {pairs}")
        return found

    def fresh(self, params: Mapping[str, Any], cast: Any) -> Any:
        """Copy the layer as it was given."""
        thing = copied(self.layer)
        self.set_params(
            thing, {k: as_floats(v, cast) for k, v in {**self.params, **params}.items()}
        )
        return thing

    def forward_of(self, thing: Any) -> Callable[..., Any]:
        """Find the forward."""
        return _callable(thing.forward)

    def pulled_back(self, thing: Any, douts: Sequence[Any]) -> Any:
        """Call the backward."""
        return thing.backward(*douts)

    def grads_of(self, thing: Any) -> dict[str, Any]:
        """Look the gradients up where they were said to be."""
        found = {}
        for param, grad in self.param_grads.items():
            try:
                found[self.parameter(param)] = lookup(thing, grad)
            except (AttributeError, LookupError):
                continue
        return found

    def params_of(self, thing: Any) -> dict[str, Any]:
        """Look the parameters up."""
        return {name: lookup(thing, name) for name in self.param_grads}

    def set_params(self, thing: Any, values: Mapping[str, Any]) -> None:
        """Put other arrays there."""
        for name, value in values.items():
            assign(thing, name, np.array(value, order="K"))


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

    def forward_of(self, thing: Any) -> Callable[..., Any]:
        """Find the forward."""
        return _callable(thing.forward)

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


# ---- networks ------------------------------------------------------------------------------------
class NetworkSubject(Subject):
    """Something with loss(x, t), gradient(x, t) and params: a Network, or the book's."""

    kind = "network"

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
        (dout,) = (float(d) for d in douts)  # which the gradient of a loss takes for 1
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


# ---- details -------------------------------------------------------------------------------------
def called(f: Any) -> str:
    """Name a callable as a person would."""
    name = getattr(f, "__qualname__", None) or getattr(f, "__name__", None) or type(f).__name__
    name = name.replace("<locals>.", "").removesuffix(".forward")
    return "the function" if name.endswith("<lambda>") else name


def parameters_of(f: Any, bound: bool = False) -> list[str]:
    """List what a callable calls its arguments, those with a default left out."""
    try:
        parameters = list(inspect.signature(f).parameters.values())[bound:]
    except (TypeError, ValueError):
        return []
    places = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return [p.name for p in parameters if p.kind in places]


def named(f: Any, values: Sequence[Any], bound: bool = False) -> dict[str, Any]:
    """Give inputs the names that the callable has for them, or x, x1, x2 …"""
    names = parameters_of(f, bound)[: len(values)]
    names = ["x"] if len(names) == len(values) == 1 and isinstance(f, np.ufunc) else names
    names += [f"x{i}" if len(values) > 1 else "x" for i in range(len(names), len(values))]
    return {name: converted(x) for name, x in zip(names, values, strict=True)}


def converted(x: Any) -> Any:
    """Make an array of floats of a list or a number; leave everything else as it is."""
    if isinstance(x, Tensor):
        return np.array(x.data)
    if isinstance(x, float):
        return np.asarray(x)
    if isinstance(x, list):
        array = np.asarray(x)
        return array if array.dtype.kind in "fiub" else x
    return np.asarray(x) if is_float(x) else x


def flat(value: Any) -> list[Any]:
    """List the arrays in nested lists, tuples and dicts."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        return [array for item in value for array in flat(item)]
    return [value]


def listed(dxs: Any) -> list[Any]:
    """Take one gradient, or several, as a list."""
    if isinstance(dxs, (tuple, list)):
        return list(dxs)
    return [dxs]


def copied(thing: Any) -> Any:
    """Copy an object with all that it holds; what cannot be copied stays itself."""
    try:
        return copy.deepcopy(thing)
    except Exception:
        return thing


def keeps_nothing(layer: Layer) -> bool:
    """Tell whether a layer of ours has no caches of its own: none inside is written by hand."""
    return not any(inner.is_by_hand() for inner in (layer, *layer.structure().inner))


def recast(layer: Layer, cast: Any) -> Layer:
    """Put parameters of another dtype into a layer."""
    if cast:
        for tensor in layer.tensors().values():
            if tensor._data.dtype != cast:
                tensor._data = tensor._data.astype(cast)
    return layer


def _method(layer: Any, name: str) -> Any:
    """Find forward or backward, or say what is needed."""
    method = getattr(layer, name, None)
    if not callable(method) or isinstance(layer, type):
        what = f"the class {layer.__name__}" if isinstance(layer, type) else repr(layer)
        raise TypeError(
            f"a layer needs forward and backward, and {what} has no {name} to call"
            + (": make an instance" if isinstance(layer, type) else "")
        )
    return method


def _callable(f: Any) -> Callable[..., Any]:
    if not callable(f):
        raise TypeError(f"forward must be callable, not {f!r:.60}")
    found: Callable[..., Any] = f
    return found


def _rng() -> Any:
    return np.random.default_rng(0)


__all__ = ["Run", "of_function", "of_layer", "of_network", "of_pair"]
