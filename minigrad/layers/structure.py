"""Which parameters a layer has: one walk through its parts, kept until some part changes."""

from __future__ import annotations

from collections.abc import Iterator
from operator import is_
from typing import Any
from weakref import WeakValueDictionary

import numpy as np

from minigrad.kinds import is_complex
from minigrad.layers.params import Params
from minigrad.tensor import Tensor

HELD: WeakValueDictionary[int, Tensor] = WeakValueDictionary()  # parameters, by their ids


class Part:
    """What a walk looks into; `Layer` is the one kind of it."""

    changes = 0  # counts every change of structure in any layer
    is_static = False  # whether a call records the same functions for all batches of one shape
    forwards = 0  # counts every call of a layer's forward

    def parts(self) -> Iterator[tuple[str, Any]]:
        """Name what the layer holds."""
        raise NotImplementedError

    def refreshed(self) -> None:
        """Look again at arrays that may have been replaced from outside."""

    def __setattr__(self, name: str, value: Any) -> None:
        if name in ("params", "grads"):
            raise AttributeError(
                f"{name} of a layer is found, not set: give each parameter an attribute, self.W, "
                'and if backward is written by hand, say in the class param_grads = {"W": "dW"}'
            )
        old = vars(self).get(name)
        if isinstance(old, Tensor) and old._function is None:
            _check_successor(name, value)
        if self.is_static or is_structural(value) or is_structural(old):
            Part.changes += 1
            if isinstance(value, Tensor):
                HELD[id(value)] = value
        object.__setattr__(self, name, value)

    def __delattr__(self, name: str) -> None:
        Part.changes += 1
        object.__delattr__(self, name)


def _check_successor(name: str, value: Any) -> None:
    """Refuse what would not be trained in a parameter's place: numbers, results of calls."""
    if isinstance(value, Tensor) and value._function is not None:
        raise TypeError(
            f"{name} is a parameter, and a Tensor that was computed would not be trained in its "
            f"place: layer.{name} = mg.Tensor(values), where values are computed from "
            f"layer.{name}.data, puts another one there; params[...] -= or *= changes it in place"
        )
    if _is_numbers(value):
        raise TypeError(
            f"{name} is a parameter, a Tensor, and numbers in its place would not be trained: "
            f"layer.params[{name!r}] = values changes it, layer.{name} = mg.Tensor(values) "
            "puts another one there"
        )


def _is_numbers(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return bool(value) and all(map(_is_numbers, value))
    return isinstance(value, (np.ndarray, np.generic, int, float))


def is_structural(value: Any) -> bool:
    """Tell whether a value is a parameter or a layer, or may hold some."""
    if isinstance(value, Tensor):
        return value._function is None
    if isinstance(value, (list, dict)) and not value:
        return True  # it may be filled later
    if isinstance(value, (list, tuple, dict)):
        return any(map(is_structural, value.values() if isinstance(value, dict) else value))
    return isinstance(value, Part)


def layers_by_path(net: Part) -> Iterator[tuple[str, Any]]:
    """List a network and the layers inside it, each once, with Python paths: net.encoder[0].

    >>> import minigrad as mg
    >>> [path for path, _ in layers_by_path(mg.mlp([2, 3, 2], rng=0))]
    ['net', 'net.loss_layer', 'net[0]', 'net[1]', 'net[2]']
    """
    yield from _walk("net", net, set())


def _walk(path: str, part: Any, seen: set[int]) -> Iterator[tuple[str, Any]]:
    if isinstance(part, Part):
        if id(part) in seen:
            return
        seen.add(id(part))
        yield path, part
        for name, value in vars(part).items():
            if name == "layers" and isinstance(value, tuple):
                yield from _walk(path, value, seen)  # net[0], not net.layers[0]
            else:
                yield from _walk(f"{path}.{name}", value, seen)
    elif isinstance(part, (list, tuple)):
        for i, item in enumerate(part):
            yield from _walk(f"{path}[{i}]", item, seen)
    elif isinstance(part, dict):
        for key, item in part.items():
            yield from _walk(f"{path}[{key!r}]", item, seen)


class Structure:
    """The parameters that a layer holds, by name, each once and by its first path."""

    def __init__(self, root: Part) -> None:
        self.tensors: dict[str, Tensor] = {}
        self.params = Params(self.tensors)
        self._lists: list[tuple[Any, list[Any]]] = []  # with what they held
        self._name("", root, {id(root)})
        self._watch(root, set())
        self.inner = [layer for _, layer in layers_by_path(root) if layer is not root]
        self.by_hand = [layer for layer in self.inner if layer.param_grads]
        self.is_trained = False  # whether an objective was seen to depend on no other leaves
        self._version = Part.changes

    def is_current(self) -> bool:
        """Tell whether nothing has changed since the walk."""
        if self._version != Part.changes:
            return False
        for holder, held in self._lists:
            items = _contents(holder)
            if len(items) != len(held) or not all(map(is_, items, held)):
                return False
        return True

    def _name(self, path: str, part: Any, seen: set[int]) -> None:
        """Name every parameter by the path that leads to it."""
        if isinstance(part, Tensor):
            if part._function is None and id(part) not in seen:
                seen.add(id(part))
                if is_complex(part):
                    raise TypeError(
                        f"parameter {path} is complex, and layers are of real numbers: hold two "
                        "parameters in its place, and compute with re + 1j * im"
                    )
                if path in self.tensors:
                    raise ValueError(f"two parameters would both be named {path}: rename one")
                self.tensors[path] = part
            return
        if isinstance(part, Part):
            if path and id(part) in seen:
                return
            seen.add(id(part))
            items: Any = part.parts()
        elif isinstance(part, (list, tuple, dict)):
            items = part.items() if isinstance(part, dict) else enumerate(part)
        else:
            return
        for name, item in items:
            self._name(f"{path}.{name}" if path else str(name), item, seen)

    def _watch(self, part: Any, seen: set[int]) -> None:
        """Note the lists and dicts, which can change without a word."""
        if isinstance(part, (list, dict)):
            self._lists.append((part, list(_contents(part))))
        if isinstance(part, Part):
            if id(part) in seen:
                return
            seen.add(id(part))
            part = vars(part)
        if isinstance(part, (list, tuple, dict)):
            for item in part.values() if isinstance(part, dict) else part:
                self._watch(item, seen)


def _contents(holder: Any) -> Any:
    return [*holder, *holder.values()] if isinstance(holder, dict) else holder
