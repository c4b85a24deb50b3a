"""What the learner calls things: names of Tensors, arrays and layers, found in their variables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from minigrad.graph import Array, Node
from minigrad.layers.inside import attributes
from minigrad.layers.structure import Part, layers_by_path

_KEPT = 1_000_000  # entries that an array may have, to be compared with the learner's arrays
_SEARCHED = 100_000  # entries that an array may have, to be searched for one of its rows
_FEW = 1000  # entries that a list or dict may have, to be looked into
_NOTEBOOKS = {"In", "Out"}  # what IPython keeps among the learner's variables


class Names:
    """Finds the name of a Tensor by what it is, and of an array by what it holds.

    A graph keeps copies of arrays that somebody can write into, so they are found by their values.

    >>> import minigrad as mg
    >>> W = mg.Tensor(np.eye(2))
    >>> Names({"W": W, "x": np.ones(3)}).of_array(np.ones(3))
    'x'
    """

    def __init__(self, variables: Mapping[str, Any] | None = None) -> None:
        self.tensors: dict[int, str] = {}
        self.outputs: dict[int, str] = {}  # of layers, for want of a learner's name: relu1
        self.arrays: list[tuple[str, Array]] = []
        self.layers: list[tuple[str, Any]] = []
        self._taken: set[str] = set()
        self._alive: list[Any] = []  # ids stay theirs as long as what they name lives
        for name, value in (variables or {}).items():
            if not name.startswith("_") and name not in _NOTEBOOKS:
                self.add(name, value)

    def add(self, name: str, value: Any) -> None:
        """Note what a variable holds; of two names for one thing the first counts."""
        if isinstance(value, Part):
            self.layers.append((name, value))
        for path, item in _named(name, value):
            if isinstance(item, Node):
                self.tensors.setdefault(id(item), path)
                self._alive.append(item)
            elif item.size > 1 or item.ndim:
                self.arrays.append((path, item))

    def of_node(self, node: Node) -> str | None:
        """Find the learner's name of a Tensor; the one it was given at birth comes first."""
        return node.name or self.tensors.get(id(node))

    def of_array(self, array: Array) -> str | None:
        """Find the learner's name of an array: of the same one, or of one with the same values."""
        for name, known in self.arrays:
            if known is array:
                return name
        for name, known in self.arrays if array.size <= _KEPT else ():
            if known.shape == array.shape and known.dtype == array.dtype:
                equal_nan = array.dtype.kind == "f"
                if np.array_equal(known, array, equal_nan=equal_nan):
                    return name
        return None

    def of_part(self, array: Array) -> str | None:
        """Find an array as one row, or one step of time, of a larger one: xs[:, 3].

        Only where it is none other: an array of equal entries, or a row that comes twice, is not
        called anything.
        """
        if array.dtype.kind != "f" or array.size < 2 or np.all(array == array.flat[0]):
            return None
        for name, known in self.arrays:
            if known.ndim != array.ndim + 1 or known.size > _SEARCHED or known.dtype != array.dtype:
                continue
            for axis in range(known.ndim):
                rows = np.moveaxis(known, axis, 0)
                if rows.shape[1:] == array.shape:
                    same = np.flatnonzero((rows == array).all(axis=tuple(range(1, rows.ndim))))
                    if len(same) == 1:
                        return f"{name}[{':, ' * axis}{same[0]}]"
        return None

    def unique(self, name: str) -> str:
        """Reserve a name, numbered when another value has it already: mask, mask2."""
        candidate, number = name, 1
        while candidate in self._taken:
            number += 1
            candidate = f"{name}{number}"
        self._taken.add(candidate)
        return candidate

    def reserve(self) -> None:
        """Keep the learner's own names from being given to anything else."""
        self._taken |= {*self.tensors.values(), *(name for name, _ in self.arrays)}


def _named(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """List the Tensors and arrays that a variable holds: itself, one container deep, parameters."""
    if isinstance(value, (Node, np.ndarray)):
        yield name, value
    elif isinstance(value, Part):
        yield from parameters(name, value)
        for path, layer in layers_by_path(value):
            yield from ((f"{name}{path.removeprefix('net')}.{k}", a) for k, a in arrays_of(layer))
    elif isinstance(value, dict) and len(value) <= _FEW:
        for key, item in list(value.items()):
            if isinstance(item, (Node, np.ndarray)):
                yield f"{name}[{key!r}]", item
    elif isinstance(value, (list, tuple)) and len(value) <= _FEW:
        for i, item in enumerate(value):
            if isinstance(item, (Node, np.ndarray)):
                yield f"{name}[{i}]", item


def parameters(name: str, layer: Any) -> Iterator[tuple[str, Any]]:
    """Name the parameters of a layer or network: net.W1."""
    try:
        tensors = layer.tensors()
    except (TypeError, ValueError):  # a layer that is not finished names nothing
        return
    for key, tensor in tensors.items():
        yield f"{name}.{key}" if name else key, tensor


def arrays_of(layer: Any) -> Iterator[tuple[str, Array]]:
    """List the arrays that a layer keeps in attributes: a mask."""
    for name, value in attributes(layer).items():
        if isinstance(value, np.ndarray) and value.ndim:
            yield name, value
