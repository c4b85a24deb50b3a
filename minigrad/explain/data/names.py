"""What the learner calls things: names of Tensors, arrays and layers, found in their variables."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any, TypeAlias

import numpy as np

from minigrad.explain.data.holes import Scope
from minigrad.explain.data.standins import is_object
from minigrad.graph import Array, Node
from minigrad.layers.inside import attributes
from minigrad.layers.structure import Part, layers_by_path

_KEPT = 1_000_000  # entries that an array may have, to be compared with the learner's arrays
_SEARCHED = 100_000  # entries that an array may have, to be searched for one of its rows
_FEW = 1000  # entries that a list or dict may have, to be looked into
_DEEP = 3  # objects in objects that are looked into
_CONSTANTS = ("c", "const", "data", "given", "unnamed")
_NOTEBOOKS = {"In", "Out"}  # what IPython keeps among the learner's variables


class Names:
    """Finds the names of Tensors and arrays.

    A graph keeps copies of arrays that somebody can write into. Where it was watched while it was
    recorded, `origins` says of what each is a copy. Else an array has the name of the only variable
    with its values, if there is hardly anything else with them.

    >>> import minigrad as mg
    >>> W = mg.Tensor(np.eye(2))
    >>> names = Names({"W": W, "x": np.array([3.0, 4.0])})
    >>> names.of_array(np.array([3.0, 4.0]))
    'x'
    >>> names.add("y", np.array([3.0, 4.0]))
    >>> names.of_array(np.array([3.0, 4.0])) is None
    True
    """

    def __init__(self, variables: Mapping[str, Any] | None = None, own: Any = None) -> None:
        self.tensors: dict[int, str] = {}
        self.outputs: dict[int, str] = {}  # of layers, for want of a learner's name: relu1
        self.arrays: list[tuple[str, Array]] = []
        self.locals: list[tuple[str, Array]] = []  # of functions that were seen to run
        self.origins: dict[int, tuple[Array, Array]] = {}  # by the copy: the copy, and of what
        self._told: dict[int, tuple[Array, str | None]] = {}  # names that were asked for
        self._seen: set[int] = set()
        self.since = math.inf  # calls that are born later were watched
        self.scope: Scope | None = None  # the learner's code, of a graph that was not watched
        self.origins |= getattr(variables, "origins", {})
        self.layers: list[tuple[str, Any]] = []
        self._taken: set[str] = set()
        self._alive: list[Any] = []  # ids stay theirs as long as what they name lives
        self.variables: set[str] = set()  # what the learner calls anything at all
        known = {k: v for k, v in (variables or {}).items() if _is_name(k)}
        for name, value in known.items():
            self.add(name, value)
        self.hold({"self": own})  # what is explained needs no more than W1
        self.hold(known)

    def add(self, name: str, value: Any) -> None:
        """Note what a variable holds; of two names for one thing the first counts."""
        self.variables.add(name)
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

    def hold(self, variables: Mapping[str, Any]) -> None:
        """Note what objects hold: net.W1 and net.params["W1"] are W1, where that is but one."""
        held = [item for name, value in variables.items() for item in _held(name, value)]
        meant: dict[str, set[int]] = {}
        for short, _, item in held:
            meant.setdefault(short, set()).add(id(item))
        for short, full, item in held:
            clashes = short in variables or len(meant[short]) > 1
            if not any(item is each for _, each in self.arrays):
                self.add(full if clashes else short, item)

    def constant(self) -> str:
        """Reserve a name for data without one, which no variable of the learner's has."""
        taken = self.variables | self._given()
        free = (b for b in _CONSTANTS if not any(re.fullmatch(rf"{b}\d*", t) for t in taken))
        return self.unique(next(free, _CONSTANTS[-1]))

    def see(self, name: str, value: Any) -> None:
        """Note a local variable of a function that runs; of two names the first counts."""
        self.variables.add(name)
        if isinstance(value, Node):
            self.tensors.setdefault(id(value), name)
            self._alive.append(value)
        elif isinstance(value, np.ndarray) and value.ndim and id(value) not in self._seen:
            self._seen.add(id(value))
            self.locals.append((name, value))

    def copied(self, copy: Array, of: Array) -> None:
        """Note of what an array is a copy."""
        if copy is not of:
            self.origins[id(copy)] = copy, self.original(of)

    def original(self, array: Array) -> Array:
        """Find the array that a graph's constant is a copy of; itself where that is not known."""
        found = self.origins.get(id(array))
        return array if found is None else found[1]

    def of_array(self, array: Array, exactly: bool = False) -> str | None:
        """Find the learner's name of an array, or of the only one with the same values.

        Args:
            array: as the graph keeps it.
            exactly: whether it was seen what it is a copy of, so that values say nothing.
        """
        if id(array) not in self._told:
            exactly = exactly or id(array) in self.origins
            name = self._by_place(self.original(array))
            self._told[id(array)] = array, name if name or exactly else self._by_value(array)
        return self._told[id(array)][1]

    def _by_place(self, array: Array) -> str | None:
        """Find the variable that is this array or shows the same memory, or has it for a row."""
        same = (n for n, a in self.arrays if a is array or (a.size and place(a) == place(array)))
        rows: Iterator[str] = (r for n, known in self.arrays for r in _row(n, known, array))
        base = array.base
        if isinstance(base, np.ndarray) and id(base) in self.origins:  # a row of a copy
            whole = self._by_place(self.original(base))
            rows = _row(whole, base, array) if whole else iter(())
        local = (n for n, a in self.locals if a is array or (a.size and place(a) == place(array)))
        return next((name for names in (same, rows, local) for name in names), None)

    def _by_value(self, array: Array) -> str | None:
        alike = self.alike(array)
        return alike[0] if len(alike) == 1 and not _is_common(array) else None

    def alike(self, array: Array) -> list[str]:
        """List the names of arrays with the same values, of each array the first."""
        known = [*self.arrays, *self.locals] if array.size <= _KEPT else []
        found = {id(each): name for name, each in reversed(known) if _equal(each, array)}
        return [*found.values()]

    def told(self, array: Array, name: str | None) -> None:
        """Take note of what an array is called, since its place in the learner's file is known."""
        self._told[id(array)] = array, name

    def others(self, names: Collection[str]) -> set[str]:
        """List all names that are none of these."""
        return self._given().difference(names)

    def _given(self) -> set[str]:
        arrays = (name for name, _ in (*self.arrays, *self.locals))
        return {*self.tensors.values(), *arrays}

    def of_part(self, array: Array, exactly: bool = False) -> str | None:
        """Find an array as one row, or one step of time, of a larger one: xs[:, 3].

        Where it is not known of what it is a copy, only if it is none other: an array of equal
        entries, or a row that comes twice, is not called anything.
        """
        if array.size < 2:
            return None
        if exactly or id(array) in self.origins:
            original = self.original(array)
            rows = (row for name, known in self.locals for row in _row(name, known, original))
            return next(rows, None)
        if array.dtype.kind != "f" or np.all(array == array.flat[0]):
            return None
        found = {text for name, known in self.arrays for text in _rows_alike(name, known, array)}
        return found.pop() if len(found) == 1 else None

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
        self._taken |= self._given()


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


def place(array: Array) -> tuple[Any, ...]:
    """Say which memory an array shows, and how."""
    return array.ctypes.data, array.shape, array.strides, array.dtype


def _row(name: str, known: Array, array: Array) -> Iterator[str]:
    """Write an array that shows a row of another one's memory."""
    if known.ndim != array.ndim + 1 or known.dtype != array.dtype:
        return
    offset = array.ctypes.data - known.ctypes.data
    for axis, (length, step) in enumerate(zip(known.shape, known.strides, strict=True)):
        rest = [i for i in range(known.ndim) if i != axis]
        fits = array.shape == tuple(known.shape[i] for i in rest)
        fits = fits and array.strides == tuple(known.strides[i] for i in rest)
        if fits and step and offset % step == 0 and 0 <= offset // step < length:
            yield f"{name}[{':, ' * axis}{offset // step}]"


def _rows_alike(name: str, known: Array, array: Array) -> Iterator[str]:
    """Write the rows of an array that have the same numbers as another one."""
    fits = known.ndim == array.ndim + 1 and known.dtype == array.dtype
    for axis in range(known.ndim) if fits and known.size <= _SEARCHED else ():
        rows = np.moveaxis(known, axis, 0)
        if rows.shape[1:] == array.shape:
            same = np.flatnonzero((rows == array).all(axis=tuple(range(1, rows.ndim))))
            yield from (f"{name}[{':, ' * axis}{i}]" for i in same)


def _equal(a: Array, b: Array) -> bool:
    fits = a.shape == b.shape and a.dtype == b.dtype
    return fits and np.array_equal(a, b, equal_nan=a.dtype.kind in "fc")


def _is_common(array: Array) -> bool:
    """Tell whether other arrays have these numbers by chance: zeros, ones, 0 1 2 …, unit rows."""
    if array.size < 2 or np.all(array == array.flat[0]):
        return True
    if array.dtype.kind not in "iufc":
        return False
    counts = array.ndim == 1 and (array[0] in (0, 1)) and bool(np.all(np.diff(array) == 1))
    return counts or (array.ndim == 2 and np.array_equal(array, np.eye(*array.shape)))


_Held: TypeAlias = tuple[str, str, Any]  # a name as brief as can be, the whole name, the thing


def _is_name(name: str) -> bool:
    return not name.startswith("_") and name not in _NOTEBOOKS


def _held(name: str, value: Any, way: str = "", deep: int = _DEEP) -> Iterator[_Held]:
    """List the Tensors in an object's attributes, and its arrays."""
    held = attributes(value) if is_object(value) and not isinstance(value, Part) else {}
    for attribute, item in held.items() if len(held) <= _FEW else ():
        short = f"{way}{attribute}"
        is_own = deep == _DEEP and isinstance(item, np.ndarray) and item.ndim > 0
        if isinstance(item, Node) or is_own:
            yield short, f"{name}.{short}", item
        elif isinstance(item, dict) and len(item) <= _FEW:
            for key, each in list(item.items()):
                if isinstance(each, Node) or (deep == _DEEP and isinstance(each, np.ndarray)):
                    brief = str(key) if str(key).isidentifier() else f"{short}[{key!r}]"
                    yield brief, f"{name}.{short}[{key!r}]", each
        elif isinstance(item, (list, tuple)) and len(item) <= _FEW:
            for i, each in enumerate(item):
                if isinstance(each, Node):
                    yield f"{short}[{i}]", f"{name}.{short}[{i}]", each
        elif isinstance(item, Part):
            yield from ((k, f"{name}.{k}", each) for k, each in parameters(short, item))
        elif deep > 1:
            yield from _held(name, item, f"{short}.", deep - 1)


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
