"""Looking into objects that other people wrote: all that they hold, wherever they keep it."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType
from typing import Any

import numpy as np

from minigrad.graph import Node

_CLOSED = (Node, type, ModuleType, np.ndarray, np.generic, str, bytes, int, float, complex)


def inside(root: Any) -> Iterator[tuple[str, Any]]:
    """List an object and all that it holds in attributes, lists and dicts, each once, by path.

    >>> [path for path, _ in inside({"a": [1.5, None]})]
    ['', "['a']", "['a'][0]", "['a'][1]"]
    """
    seen = set()
    stack = [("", root)]
    while stack:
        path, value = stack.pop()
        if id(value) not in seen:
            seen.add(id(value))
            yield path, value
            stack += reversed(list(_items(path, value)))


def reached(value: Any, path: str, *default: Any) -> Any:
    """Follow dots from an object to what it holds: l1.W; `default` where there is none.

    >>> from types import SimpleNamespace
    >>> reached(SimpleNamespace(l1=SimpleNamespace(W=2)), "l1.W")
    2
    """
    for name in path.split("."):
        value = getattr(value, name, *default)
    return value


def replaced(owner: Any, path: str, value: Any) -> None:
    """Put another value in the place that `reached` finds."""
    *way, name = path.split(".")
    setattr(reached(owner, ".".join(way)) if way else owner, name, value)


def attributes(value: Any) -> dict[str, Any]:
    """List an object's attributes, those in __slots__ too."""
    found = dict(getattr(value, "__dict__", {}))
    for cls in type(value).__mro__:
        slots = vars(cls).get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if name not in ("__dict__", "__weakref__") and hasattr(value, name):
                found[name] = getattr(value, name)
    return found


def _items(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Name what a value holds directly."""
    if isinstance(value, _CLOSED):
        return
    if isinstance(value, dict):
        pairs = [*value.items()]  # the repr of a key is somebody's code, and may change the dict
        yield from ((f"{path}[{key!r}]", item) for key, item in pairs)
    elif isinstance(value, (list, tuple, set, frozenset)):
        yield from ((f"{path}[{i}]", item) for i, item in enumerate(value))
    for name, item in attributes(value).items():
        yield (f"{path}.{name}" if path else name), item
