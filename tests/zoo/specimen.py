"""What an entry of the zoo is: data about one layer, right or wrong in one known way."""

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np


class Pair(NamedTuple):
    """Two functions that stand for a layer without parameters."""

    forward: Callable
    backward: Callable


def nothing(rng):
    """Arguments of a layer that takes none."""
    return ()


def normal(*shapes, scale=1.0):
    """Arguments that are arrays of normal numbers, one per shape."""
    return lambda rng: tuple(scale * rng.normal(size=shape) for shape in shapes)


@dataclass(frozen=True, kw_only=True, eq=False)
class Specimen:
    """A layer with inputs to try it on; `wrong` is a label of `causes`, or None for a twin.

    `forward(*inputs, **options)` returns an array, or a tuple of arrays; `backward` takes one dout
    for each and returns the gradient of the one input that can be differentiated, or a tuple of
    them in order (with None for the `fixed` ones, or without these). Then `param_grads`, a mapping
    such as {"W": "dW"}, says which attributes are parameters and where their gradients stand.
    """

    name: str
    kind: Callable[..., Any]  # the class, or the function that makes a Pair
    inputs: Callable[[Any], tuple]  # of a random generator: the arguments of forward
    arguments: Callable[[Any], tuple] = nothing  # of a random generator: those of `kind`
    options: Mapping[str, Any] = field(default_factory=dict)  # keyword arguments of forward
    param_grads: Mapping[str, str] = field(default_factory=dict)
    fixed: tuple[str, ...] = ()  # inputs without a gradient: labels, indices, conditions
    rows: tuple[str, ...] = ()  # inputs whose first axis is the batch: any part of it will do,
    fewest: int = 0  # from so many rows on
    wrong: str | None = None
    at: tuple[str, ...] = ()  # where it shows: dx, dW, … (for some contracts dout, x, y, W)
    also: tuple[str, ...] = ()  # contracts that break as a consequence
    alike: tuple[str, ...] = ()  # other causes that say the same: no evidence tells them apart
    excused: tuple[str, ...] = ()  # contracts that this layer breaks on purpose, and says so
    twin: str | None = None  # the name of the right one
    note: str = ""  # the slip in one plain sentence; of a twin, what it is

    def layer(self, rng):
        """A fresh layer; the same state of the generator gives the same parameters."""
        return self.kind(*self.arguments(rng))

    @cached_property
    def names(self):
        """The inputs' names, as forward calls them: what has a default is an option."""
        signature = inspect.signature(self.layer(np.random.default_rng(0)).forward)
        return tuple(p.name for p in signature.parameters.values() if p.default is p.empty)


def twin(name, kind, inputs, note=None, **rest):
    """A right layer; its docstring is the note."""
    return Specimen(name=name, kind=kind, inputs=inputs, note=note or _note(kind), **rest)


def slip(right, kind, wrong, *at, also=(), **changes):
    """A wrong version of the twin `right`: `kind` has the slip, and says it in its docstring."""
    words = re.sub(r"(?<!^)(?=[A-Z])", " ", kind.__name__).replace("_", " ").lower()
    name = f"{right.name}: {words}"
    about = {"wrong": wrong, "at": at, "also": also, "twin": right.name, "note": _note(kind)}
    return replace(right, name=name, kind=kind, excused=(), **about, **changes)


def _note(kind):
    return " ".join(inspect.getdoc(kind).split())
