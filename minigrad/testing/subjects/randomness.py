"""Drawing the same random numbers again: every generator that a computation may draw from.

Generators are found where people keep them: inside the object, in closures and globals of its
functions, NumPy's own global one, Python's, and PyTorch's where PyTorch is loaded.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterable, Iterator
from types import BuiltinMethodType, FunctionType, MethodType, ModuleType
from typing import Any, NamedTuple

import numpy as np

from minigrad.layers.inside import inside

_NEITHER = (ModuleType, type, np.ndarray, str, bytes, int, float, complex)  # hold no generators


class Source(NamedTuple):
    """Something that random numbers come from: how to read its state, and how to set it."""

    name: str
    read: Callable[[], Any]
    write: Callable[[Any], None]


class Rewind:
    """Remembers the states of all generators as they are now, to begin from them again.

    Args:
        holders: objects and functions that may hold generators.

    >>> rng = np.random.default_rng(0)
    >>> again = Rewind([rng])
    >>> first = rng.random()
    >>> again.begin(rng)
    >>> first == rng.random()
    True
    """

    def __init__(self, holders: Iterable[Any]) -> None:
        holders = list(holders)
        self._outside = [(source, source.read()) for source in (*_shared(), *_reached(holders))]
        self._held = [
            (i, path, bits) for i, root in enumerate(holders) for path, bits in _held(root)
        ]
        self._inside = {(i, path): bits.state for i, path, bits in self._held}

    @property
    def used(self) -> list[str]:
        """Which generators outside the object have moved on since."""
        return [s.name for s, state in self._outside if not _same(s.read(), state)]

    def begin(self, *things: Any) -> None:
        """Set everything back: what is outside, and what `things`, copies of the holders, hold."""
        self.begin_with(self.inside(*things))

    def inside(self, *things: Any) -> list[tuple[Any, Any]]:
        """List the generators that copies of the holders hold, with the state to begin from."""
        if not self._inside:
            return []
        found = ((i, path, bits) for i, thing in enumerate(things) for path, bits in _held(thing))
        known = self._inside
        return [(bits, known[i, path]) for i, path, bits in found if (i, path) in known]

    def begin_with(self, generators: Iterable[tuple[Any, Any]]) -> None:
        """Set everything back: what is outside, and these."""
        for source, state in self._outside:
            source.write(state)
        for bits, state in generators:
            bits.state = state

    def forget_unused(self) -> None:
        """Look after the generators that have moved on, and after no others from here on."""
        used = set(self.used)
        self._outside = [pair for pair in self._outside if pair[0].name in used]

    def now(self) -> list[tuple[Source, Any]]:
        """Read all generators as they are now, to be set back by `restore`."""
        held = (_source(path, bits) for _, path, bits in self._held)  # a copy may share them
        sources = (*_shared(), *(source for source, _ in self._outside), *held)
        return [(source, source.read()) for source in sources]

    def state(self, *things: Any) -> list[Any]:
        """Read all states as they are now, to be compared by `same_state`."""
        outside = [source.read() for source in (*_shared(), *(s for s, _ in self._outside))]
        return outside + [bits.state for thing in things for _, bits in _held(thing)]


def restore(states: Iterable[tuple[Source, Any]]) -> None:
    """Set generators back to what `Rewind.now` has read."""
    for source, state in states:
        source.write(state)


def same_state(a: Any, b: Any) -> bool:
    """Tell whether two readings of `Rewind.state` are the same: nothing was drawn in between.

    >>> again = Rewind([])
    >>> same_state(again.state(), again.state())
    True
    """
    return _same(a, b)


def _shared() -> list[Source]:
    """List the generators that everybody shares."""
    bits = vars(np.random)["get_bit_generator"]()
    found = [
        Source("NumPy's global generator", lambda: bits.state, lambda s: setattr(bits, "state", s)),
        Source("Python's random", random.getstate, random.setstate),
    ]
    torch = sys.modules.get("torch")
    if torch is not None:
        found.append(Source("PyTorch's generator", torch.get_rng_state, torch.set_rng_state))
    return found


def _reached(holders: Iterable[Any]) -> Iterator[Source]:
    """List the generators that functions among the holders reach by name, and theirs in turn."""
    seen: set[int] = set()
    stack = [function for holder in holders for function in _functions(holder)]
    home = {id(function.__globals__) for function in stack}
    while stack:
        function = stack.pop()
        if id(function) in seen or id(function.__globals__) not in home:
            continue
        seen.add(id(function))
        for name, value in _names(function).items():
            if isinstance(value, FunctionType):
                stack.append(value)
            elif not isinstance(value, _NEITHER):
                for _, bits in _held(value):
                    if id(bits) not in seen:
                        seen.add(id(bits))
                        yield _source(name, bits)


def _source(name: str, bits: Any) -> Source:
    return Source(name, lambda: bits.state, lambda state: setattr(bits, "state", state))


def _functions(holder: Any) -> Iterator[FunctionType]:
    """List a function, the methods of an object, and the functions that it holds."""
    if isinstance(holder, MethodType):
        holder = holder.__func__
    if isinstance(holder, FunctionType):
        yield holder
    elif not isinstance(holder, (np.ndarray, np.random.Generator)):
        for cls in type(holder).__mro__[:-1]:
            yield from (f for f in vars(cls).values() if isinstance(f, FunctionType))
        yield from (f for _, f in inside(holder) if isinstance(f, FunctionType))


def _names(function: FunctionType) -> dict[str, Any]:
    """What a function can draw from by name, beside its arguments."""
    known = function.__globals__
    found = {name: known[name] for name in function.__code__.co_names if name in known}
    cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
    found |= {name: cell.cell_contents for name, cell in cells if _is_filled(cell)}
    return found


def _is_filled(cell: Any) -> bool:
    try:
        return cell.cell_contents is not cell
    except ValueError:
        return False


def _held(root: Any) -> Iterator[tuple[str, Any]]:
    """List the bit generators inside an object, or the one whose method it is, by path."""
    root = root.__self__ if isinstance(root, MethodType) else root
    for path, value in inside(root):
        if isinstance(value, BuiltinMethodType):  # rng.random, say
            value = value.__self__
        if isinstance(value, np.random.Generator):
            yield path, value.bit_generator
        elif isinstance(value, np.random.RandomState):
            yield path, value._bit_generator


def _same(a: Any, b: Any) -> bool:
    """Compare states, which are dicts and tuples of numbers and arrays."""
    if isinstance(a, dict):
        return isinstance(b, dict) and a.keys() == b.keys() and all(_same(a[k], b[k]) for k in a)
    if isinstance(a, tuple) and all(type(x) is int for x in a):
        return bool(a == b)  # Python's state is one of 625
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(_same, a, b))
    return np.array_equal(a, b)
