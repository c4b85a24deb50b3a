"""Which parameters a layer has: one walk through its parts, kept until some part changes."""

from __future__ import annotations

from collections.abc import Iterator
from operator import is_
from typing import Any

from minigrad.layers.params import Params
from minigrad.tensor import Tensor


class Part:
    """What a walk looks into; `Layer` is the one kind of it."""

    changes = 0  # counts every change of structure in any layer

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
        if is_structural(value) or is_structural(vars(self).get(name)):
            Part.changes += 1
        object.__setattr__(self, name, value)

    def __delattr__(self, name: str) -> None:
        Part.changes += 1
        object.__delattr__(self, name)


def is_structural(value: Any) -> bool:
    """Tell whether a value is a parameter, a layer, or a list, tuple or dict that holds some."""
    if isinstance(value, Tensor):
        return value._call is None
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, (list, tuple)):
        return isinstance(value, Part)
    return any(map(is_structural, value))


class Structure:
    """The parameters that a layer holds, by name, each once and by its first path."""

    def __init__(self, root: Part) -> None:
        self.tensors: dict[str, Tensor] = {}
        self.params = Params(self.tensors)
        self.by_hand: list[Part] = []  # layers inside the root whose arrays may be replaced
        self._lists: list[tuple[Any, list[Any]]] = []  # with what they held
        self._name("", root, {id(root)})
        self._watch(root, set())
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
            if part._call is None and id(part) not in seen:
                seen.add(id(part))
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
        """Note the lists, dicts and layers written by hand, which can change without a word."""
        if isinstance(part, Part):
            if id(part) in seen:
                return
            if seen and getattr(part, "param_grads", None):
                self.by_hand.append(part)
            seen.add(id(part))
            part = vars(part)
        elif isinstance(part, (list, dict)):
            self._lists.append((part, list(_contents(part))))
        elif not isinstance(part, tuple):
            return
        for item in part.values() if isinstance(part, dict) else part:
            self._watch(item, seen)


def _contents(holder: Any) -> Any:
    return [*holder, *holder.values()] if isinstance(holder, dict) else holder
