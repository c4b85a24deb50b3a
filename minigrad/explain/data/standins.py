"""Layers and networks by hand, as the book writes them: a copy, with layers that are recorded.

Such a network is any object that holds layers, objects with forward and backward on arrays. In a
deep copy of it, each layer is a stand-in that records its call, with its own backward for the rule,
and each parameter array outside of layers is the Tensor that the layer's call is recorded with.
"""

from __future__ import annotations

import copy
import dis
import types
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from minigrad.graph import Node, leaf
from minigrad.layers import Layer
from minigrad.layers.by_hand import of_data, record_by_hand
from minigrad.layers.inside import attributes
from minigrad.tensor import Tensor
from minigrad.testing.subjects.attributes import lookup, matching_gradients
from minigrad.testing.subjects.naming import parameters_of as arguments_of

_NO_OBJECTS = (
    *(Node, type, types.ModuleType, types.FunctionType, types.MethodType, np.ndarray, np.generic),
    *(np.random.Generator, str, bytes, int, float, complex),
)


def is_layer(value: Any) -> bool:
    """Tell whether an object is a layer by hand, and none of ours."""
    methods = (getattr(value, name, None) for name in ("forward", "backward"))
    return is_object(value) and not isinstance(value, Layer) and all(map(callable, methods))


def is_object(value: Any) -> bool:
    """Tell objects of somebody's classes from functions, classes, modules and numbers."""
    return not isinstance(value, (*_NO_OBJECTS, dict, list, tuple))


def layers_in(root: Any) -> list[tuple[str, Any]]:
    """List the layers that an object holds, ours too, by path; of layers in layers the outermost.

    >>> class Double:
    ...     def forward(self, x): return 2 * x
    ...     def backward(self, dout): return 2 * dout
    >>> [path for path, _ in layers_in({"first": Double(), "rest": [Double()]})]
    ["['first']", "['rest'][0]"]
    """
    return [*_layers("", root, set())]


def _layers(path: str, value: Any, seen: set[int]) -> Iterator[tuple[str, Any]]:
    if id(value) in seen or isinstance(value, _NO_OBJECTS):
        return
    seen.add(id(value))
    if path and (is_layer(value) or isinstance(value, Layer)):
        yield path, value
        return
    if isinstance(value, (dict, list, tuple)):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        parts = [(f"{path}[{key!r}]", item) for key, item in items]
    else:
        held = attributes(value).items()
        parts = [(f"{path}.{name}" if path else name, item) for name, item in held]
    for inner, item in parts:
        yield from _layers(inner, item, seen)


def parameters_of(layer: Any) -> dict[str, str]:
    """Find the parameters of a layer and where its backward leaves their gradients, by their names.

    What forward writes is kept for backward, and no parameter.

    >>> class Scale:
    ...     def __init__(self): self.k = np.ones(2)
    ...     def forward(self, x): self.x = x; return self.k * x
    ...     def backward(self, dout): self.dk = np.sum(self.x * dout, 0); return self.k * dout
    >>> parameters_of(Scale())
    {'k': 'dk'}
    """
    declared = getattr(layer, "param_grads", None)
    if isinstance(declared, Mapping):
        return dict(declared)
    written = {name for f in _functions(layer) for name in _stored(f)}
    caches = set(_stored(getattr(type(layer), "forward", None)))
    own = attributes(layer)
    before = types.SimpleNamespace(**{k: v for k, v in own.items() if k not in caches})
    after = types.SimpleNamespace(**{**dict.fromkeys(written, True), **own})
    found = matching_gradients(before, after)
    found = {k: g for k, g in found.items() if isinstance(lookup(layer, k), np.ndarray)}
    for path, inner in layers_in(layer):
        found |= {f"{path}.{k}": f"{path}.{g}" for k, g in parameters_of(inner).items()}
    return found


def _functions(layer: Any) -> Iterator[Any]:
    for cls in type(layer).__mro__[:-1]:
        yield from (f for f in vars(cls).values() if isinstance(f, types.FunctionType))


def _stored(function: Any) -> list[str]:
    """List the attributes that a function assigns."""
    code = getattr(function, "__code__", None)
    steps = dis.get_instructions(code) if code is not None else ()
    return [step.argval for step in steps if step.opname == "STORE_ATTR"]


class StandIn(Layer, abstract=True):
    """Stands where a layer by hand stood, and records its calls.

    Args:
        layer: a copy of the layer, whose forward may change it.
        held: its parameters by path, Tensors over the arrays of `layer`.
        gradients: where backward leaves their gradients.
    """

    def __init__(
        self, layer: Any, held: Mapping[str, Tensor], gradients: Mapping[str, str]
    ) -> None:
        self.layer = layer
        self.held, self.gradients = dict(held), dict(gradients)
        self.names = tuple(arguments_of(layer.forward))

    def __call__(self, *inputs: Any, **options: Any) -> Any:
        """Run the layer's forward, and record it with its backward for its rule."""
        arrays, options = _sorted(self.names, inputs, options)
        if not self.held and not any(isinstance(x, Node) for x in arrays):
            return of_data(self.layer, arrays, options)

        def gradients_of(layer: Any) -> dict[str, Any]:
            return {name: _found(layer, grad) for name, grad in self.gradients.items()}

        return record_by_hand(self.layer, arrays, options, self.held, gradients_of)

    forward = __call__

    def backward(self, dout: Any = None) -> Any:
        """Refuse: the explanation walks back itself."""
        raise TypeError(
            f"{type(self.layer).__name__}.backward was called by your code, and an explanation "
            "walks back itself: explain what computes the loss, mg.explain(net.loss, x, t)"
        )

    def parts(self) -> Iterator[tuple[str, Any]]:
        """Name its parameters."""
        yield from self.held.items()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name == "layer":
            raise AttributeError(name)
        return self.held[name] if name in self.held else getattr(self.layer, name)

    @property
    def _owner(self) -> Any:
        return self.layer

    @property  # for code that asks isinstance(layer, Dropout)
    def __class__(self) -> Any:
        return type(self.layer)

    @__class__.setter
    def __class__(self, cls: Any) -> None:
        raise TypeError("the class of a layer is not changed here")

    def __repr__(self) -> str:
        cls: Any = type(self.layer)
        return f"{cls.__name__}()" if cls.__repr__ is object.__repr__ else repr(self.layer)


class _Called(Layer, abstract=True):
    """Stands where a layer of ours stood in somebody's network, which may call its forward."""

    def __init__(self, layer: Layer) -> None:
        self.layer = layer

    def __call__(self, *inputs: Any, **options: Any) -> Any:
        """Call the layer, which records itself."""
        return self.layer(*inputs, **options)

    forward = __call__

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name == "layer":
            raise AttributeError(name)
        return getattr(self.layer, name)


def _sorted(
    names: Sequence[str], inputs: tuple[Any, ...], options: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Tell a forward's arrays from its options: train_flg may be given by position, x by name."""
    arrays = [value for value in inputs if _is_input(value)]
    rest = {k: value for k, value in zip(names, inputs, strict=False) if not _is_input(value)}
    if len(arrays) + len(rest) < len(inputs) or [*rest] != [*names[len(arrays) :][: len(rest)]]:
        return inputs, options  # none of the usual ways: forward itself says what is wrong
    for name in names[len(inputs) :]:
        if name not in options or not _is_input(options[name]):
            break
        arrays.append(options[name])
    given = {*names[len(inputs) :][: len(arrays) + len(rest) - len(inputs)]}
    return tuple(arrays), {**rest, **{k: v for k, v in options.items() if k not in given}}


def _is_input(value: Any) -> bool:
    return isinstance(value, (Node, np.ndarray, list)) or type(value) is float


def _found(layer: Any, path: str) -> Any:
    try:
        return lookup(layer, path)
    except (AttributeError, LookupError):
        return None


# ---- a copy with stand-ins -----------------------------------------------------------------------
class Twin(NamedTuple):
    """A copy of somebody's network or layer, to be run once and thrown away."""

    root: Any
    layers: list[tuple[str, Any]]  # what to look out for, by path
    names: list[tuple[str, Tensor]]  # of parameters


def twin_of(root: Any) -> Twin:
    """Copy a network or a layer by hand, with stand-ins for layers, its parameters named.

    Parameters are called as in the dict where the network keeps them, else by their layer.

    Raises:
        TypeError: when it cannot be copied.
    """
    found = [("layer", root)] if is_layer(root) and not is_net(root) else layers_in(root)
    memo: dict[int, Any] = {}
    try:
        twins = copy.deepcopy([layer for _, layer in found], memo)
        tensors: dict[int, Tensor] = {}  # by the array of the copy
        layers, instead, named = [], {}, []
        for (path, layer), twin in zip(found, twins, strict=True):
            if isinstance(layer, Layer):
                stand_in: Any = _Called(twin)
                layers.append((f"net.{path}", twin))
                named += [(f"{path}.{k}", tensor) for k, tensor in twin.tensors().items()]
            else:
                stand_in = _stand_in(twin, tensors)
                layers.append((path if layer is root else f"net.{path}", stand_in))
                base = "" if layer is root else f"{_short(path)}."
                named += [(base + k, tensor) for k, tensor in stand_in.held.items()]
            instead[id(layer)] = stand_in
        outside = {key: tensors[id(value)] for key, value in memo.items() if id(value) in tensors}
        named = [*_named_by(root, outside, {*instead}), *named]
        copied = copy.deepcopy(root, {**memo, **instead, **outside})
    except Exception as error:
        raise TypeError(
            f"{type(root).__name__} cannot be explained as it is, since a copy of it is run, and "
            f"copying failed: {error}; mg.wrap(layer) makes a layer that mg.Sequential(…) holds"
        ) from error
    return Twin(copied, layers, named)


def is_net(value: Any) -> bool:
    """Tell whether an object has a loss or a prediction to compute."""
    named = (getattr(value, name, None) for name in ("loss", "predict"))
    return is_object(value) and not isinstance(value, Layer) and any(map(callable, named))


def _stand_in(layer: Any, tensors: dict[int, Tensor]) -> StandIn:
    gradients = parameters_of(layer)
    held = {}
    for path in gradients:
        array = lookup(layer, path)
        held[path] = tensors.setdefault(id(array), leaf(Tensor, array))
    return StandIn(layer, held, gradients)


def _named_by(
    root: Any, tensors: Mapping[int, Tensor], layers: set[int]
) -> Iterator[tuple[str, Tensor]]:
    """Name parameters as the network does: params["W1"] is W1."""
    if id(root) in layers:
        return
    for name, value in attributes(root).items():
        if isinstance(value, dict):
            items = [(str(key), item) for key, item in value.items()]
        elif isinstance(value, (list, tuple)):
            items = [(f"{name}[{i}]", item) for i, item in enumerate(value)]
        else:
            items = [(name, value)]
        yield from ((key, tensors[id(item)]) for key, item in items if id(item) in tensors)


def _short(path: str) -> str:
    """Name a layer by the last of its path: Affine1 of layers['Affine1'], layers[0] of itself."""
    last = path.rpartition("[")[2].rstrip("]").strip("'\"") if path.endswith("]") else ""
    return last if last.isidentifier() else path
