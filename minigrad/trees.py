"""Arrays in dicts, lists and tuples: taken apart and put together again.

What is no dict, list or tuple is a leaf of the tree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any


def flat(tree: Any) -> list[Any]:
    """List the leaves, in order.

    >>> flat({"a": 1, "b": [2, (3, 4)]})
    [1, 2, 3, 4]
    """
    if isinstance(tree, Mapping):
        return [leaf for part in tree.values() for leaf in flat(part)]
    if isinstance(tree, (list, tuple)):
        return [leaf for part in tree for leaf in flat(part)]
    return [tree]


def mapped(function: Callable[..., Any], tree: Any) -> Any:
    """Apply a function to every leaf, in order, and keep the structure.

    >>> mapped(lambda x: x + 1, {"a": 1, "b": [2, (3, 4)]})
    {'a': 2, 'b': [3, (4, 5)]}
    """
    if isinstance(tree, Mapping):
        return {key: mapped(function, part) for key, part in tree.items()}
    if isinstance(tree, tuple) and hasattr(tree, "_fields"):
        return type(tree)(*[mapped(function, part) for part in tree])
    if isinstance(tree, (list, tuple)):
        return type(tree)([mapped(function, part) for part in tree])
    return function(tree)


def rebuilt(tree: Any, leaves: Iterable[Any]) -> Any:
    """Put other leaves, in order, into the structure of a tree.

    >>> rebuilt({"a": 1, "b": [2]}, "xy")
    {'a': 'x', 'b': ['y']}
    """
    rest = iter(leaves)
    return mapped(lambda _: next(rest), tree)


def named(tree: Any, path: str) -> Iterator[tuple[str, Any]]:
    """List the leaves with the expressions that lead to them.

    >>> list(named({"a": 1, "b": [2]}, "x"))
    [("x['a']", 1), ("x['b'][0]", 2)]
    """
    if isinstance(tree, (Mapping, list, tuple)):
        items = tree.items() if isinstance(tree, Mapping) else enumerate(tree)
        for key, part in items:
            yield from named(part, f"{path}[{key!r}]")
    else:
        yield path, tree


def alike(tree: Any, model: Any, path: str) -> list[Any]:
    """List the leaves of a tree that must have the structure of `model`.

    Raises:
        ValueError: naming the place where it differs.

    >>> alike({"a": 1}, {"b": 2}, "v")
    Traceback (most recent call last):
    ValueError: v has the keys ['a'] where ['b'] are needed
    """
    if isinstance(model, Mapping):
        keys = list(tree) if isinstance(tree, Mapping) else None
        if keys is None or set(keys) != set(model):
            told = f"the keys {keys}" if keys is not None else f"a {type(tree).__name__}"
            raise ValueError(f"{path} has {told} where {list(model)} are needed")
        pairs = [(tree[key], model[key], key) for key in model]
    elif isinstance(model, (list, tuple)):
        if not isinstance(tree, (list, tuple)) or len(tree) != len(model):
            raise ValueError(f"{path} needs {len(model)} entries, as in {type(model).__name__}")
        pairs = [(part, model[i], i) for i, part in enumerate(tree)]
    else:
        return [tree]
    return [leaf for part, other, key in pairs for leaf in alike(part, other, f"{path}[{key!r}]")]
