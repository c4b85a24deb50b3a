"""The data of an explanation: the lines of the forward pass and the steps of the backward pass.

Plain records, with arrays for numbers. Every view (terminal, notebook, page, picture) is made of
them alone, and `to_json` writes all of them down. A `Line` is one value: a leaf, some data, or the
result of a call; its `id` is its place in `Trace.lines`, in which operands come before results.
A `Step` is one call on the way back, in the order in which the engine walked, and holds one
`Contribution` for each operand that a gradient flows to.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minigrad.graph import Array, Node

SCHEMA = "minigrad.explanation/1"


@dataclass(eq=False)
class Line:
    """One value of the forward pass.

    >>> import minigrad as mg
    >>> x = mg.Tensor(3.0)
    >>> mg.explain(x * 2.0, names={"x": x}).lines[1].call
    'x * 2.0'
    """

    id: int
    kind: str  # "leaf": differentiated by; "data": a constant array; "call": the result of a call
    name: str  # the learner's name, or v1, v2 … where nobody gave one
    named: bool  # whether the name is the learner's
    value: Array
    call: str | None = None  # as NumPy code in these names: x @ W + b; None for leaves and data
    function: str | None = None  # np.matmul, affine; None for leaves and data
    operands: tuple[int | None, ...] = ()  # ids, argument by argument; None for an inline number
    layer: int | None = None  # which of Trace.layers made it, the innermost
    source: tuple[str, int] | None = None  # file and line of the code that called, where known
    forward: str | None = None  # the source of a forward that was written by hand
    on_path: bool = False  # whether a gradient reaches it
    paths: int = 0  # how many contributions its gradient is the sum of
    gradient: Array | None = None  # their sum; None where no gradient reaches
    d: str = ""  # the name of its gradient: dW; d(x) where another value is called dx

    def __post_init__(self) -> None:
        self.d = self.d or gradient_name(self.name)


@dataclass(eq=False)
class Contribution:
    """What one call adds to the gradient of one operand.

    >>> import minigrad as mg
    >>> x = mg.Tensor(3.0)
    >>> first, second = mg.explain(x * x, names={"x": x}).steps[0].contributions
    >>> second.sign, second.rule, second.path, second.paths, second.running
    ('+=', 'dy * x', 2, 2, array(6.))
    """

    to: int  # the operand's line
    position: int  # which argument of the call it is
    rule: str  # right-hand side of `dW += …`, complete: x.T @ dz, dz.sum(axis=0)
    local: str  # the same before broadcasting is undone: dz
    rule_source: str | None  # where the rule stands, file:line; None when it has no source
    made: Array  # what the rule returned
    share: Array  # what is added: of the operand's shape, broadcasting undone
    path: int  # this is path k …
    paths: int  # … of n
    running: Array  # the sum so far, with this share
    summed: tuple[int, ...] = ()  # the axes of `made` that were summed away
    note: str = ""  # the same in words: b was broadcast over the batch

    @property
    def sign(self) -> str:
        """`=` for the first path, `+=` for the others."""
        return "=" if self.path == 1 else "+="


@dataclass(eq=False)
class Step:
    """One call on the way back: its output's gradient is complete, and its rules run.

    >>> import minigrad as mg
    >>> x = mg.Tensor(3.0)
    >>> [step.line for step in mg.explain(np.tanh(x * 2.0)).steps]  # the youngest call first
    [2, 1]
    """

    index: int  # 0 for the first, which is the call that made the output
    line: int  # the call
    gradient: Array  # of its output
    contributions: list[Contribution]
    backward: str | None = None  # the source of a backward that was written by hand
    caches: dict[str, Array] = field(default_factory=dict)  # what that layer kept for it: mask
    note: str = ""  # when no rule can be shown, why


@dataclass(eq=False)
class Group:
    """One call of a layer: the lines between its input and its output.

    >>> import minigrad as mg
    >>> net = mg.mlp([2, 2], rng=0)
    >>> [group.path for group in mg.explain(net, np.ones((1, 2)), np.array([0])).layers]
    ['net[0]', 'net.loss_layer']
    """

    id: int
    path: str  # as Python reaches it: net[0], net.encoder[1], net.loss_layer
    title: str  # as it prints: Affine(784, 50)
    kind: str  # its class: Affine
    parent: int | None = None  # the group that called it
    call: int = 1  # the k-th call of this layer …
    calls: int = 1  # … of n
    lines: list[int] = field(default_factory=list)  # of this layer itself, not of layers inside


@dataclass(eq=False)
class Failure:
    """Where the forward pass stopped, or the walk back.

    >>> import minigrad as mg
    >>> e = mg.explain(lambda a, b: a @ b, np.ones((2, 3)), np.ones((2, 3)))
    >>> e.failure.call, e.failure.fix
    ('a @ b', 'a @ b.T: b has 3 as its last axis')
    """

    kind: str  # ValueError
    message: str
    call: str | None  # the failing call, as NumPy code in the learner's names
    operands: list[tuple[str, tuple[int, ...] | None]]  # each argument with its shape
    layer: str | None  # net[2] Affine(50, 10)
    source: tuple[str, int] | None  # file and line
    code: str | None  # that line's text
    fix: str  # the likely remedy, or ""
    phase: str = "forward"  # "backward": a rule of that call failed, and no gradients are known
    lines: list[int] = field(default_factory=list)  # ids: what the call was given
    mark: tuple[int, int] | None = None  # which letters of `code` failed, first and last + 1
    within: list[tuple[str, tuple[int, ...] | None]] = field(default_factory=list)
    # ^ what stands in `code`, with its shapes, where that is the learner's code inside of the call


@dataclass(eq=False)
class Trace:
    """A forward pass, and the backward pass through it.

    `output` is the id of the line that was differentiated; None when the forward pass failed, and
    then `failure` says where. `seed` is the gradient that the walk began with, ones. `nodes` are
    the recorded calls behind the lines, for questions that run a rule again; JSON leaves them out.

    >>> import minigrad as mg
    >>> x = mg.Tensor(3.0)
    >>> e = mg.explain(x * x, names={"x": x})
    >>> len(e.lines), len(e.steps), e.output, e.gradients
    (2, 1, 1, {'x': array(6.)})
    """

    lines: list[Line]
    steps: list[Step]
    layers: list[Group]
    output: int | None
    seed: Array | None
    failure: Failure | None = None
    nodes: list[Node | None] = field(default_factory=list, repr=False)  # the calls themselves

    def line(self, name: str) -> Line:
        """Find a line by its name; W1 and dW1 both find W1.

        Raises:
            KeyError: when no line has the name.
        """
        for known in (name, name[1:] if name.startswith("d") else name):
            for line in reversed(self.lines):
                if line.name == known:
                    return line
        names = ", ".join(line.name for line in self.lines[:20])
        raise KeyError(f"no value is called {name!r}; there are {names}")

    @property
    def leaves(self) -> list[Line]:
        """The lines that were differentiated by."""
        return [line for line in self.lines if line.kind == "leaf"]

    @property
    def gradients(self) -> dict[str, Array]:
        """The gradients of the leaves by name, as the engine computed them."""
        return {x.name: x.gradient for x in self.leaves if x.gradient is not None}

    def step_of(self, line: int) -> Step | None:
        """Find the step at which the rules of a call ran; None where it is not on the way."""
        return next((step for step in self.steps if step.line == line), None)

    def contributions_to(self, line: int) -> list[tuple[Step, Contribution]]:
        """List what the gradient of a line is the sum of, in the order it was added up."""
        return [(s, c) for s in self.steps for c in s.contributions if c.to == line]

    # ---- written down ----------------------------------------------------------------------------
    def to_json(self, entries: int = 64, indent: int | None = None) -> str:
        """Write all of it as JSON, of the schema in docs/explaining.md.

        Args:
            entries: arrays of more entries are summarised: shape, dtype, range, but no numbers.
            indent: as for `json.dumps`.
        """
        return json.dumps(self.to_dict(entries), indent=indent, ensure_ascii=False, allow_nan=False)

    def to_dict(self, entries: int = 64) -> dict[str, Any]:
        """Make what `to_json` writes."""
        write = _Writer(entries)
        return {
            "schema": SCHEMA,
            "output": self.output,
            "seed": write.array(self.seed),
            "layers": [vars(group) for group in self.layers],
            "lines": [write.record(line) | {"d": line.d} for line in self.lines],
            "steps": [
                write.record(step)
                | {
                    "contributions": [
                        write.record(c) | {"sign": c.sign} for c in step.contributions
                    ],
                    "caches": {name: write.array(a) for name, a in step.caches.items()},
                }
                for step in self.steps
            ],
            "failure": None if self.failure is None else vars(self.failure),
        }


class _Writer:
    """Writes records as dicts; an array that stands in several is described once."""

    def __init__(self, entries: int) -> None:
        self.entries = entries
        self._known: dict[int, dict[str, Any] | None] = {}

    def array(self, array: Array | None) -> dict[str, Any] | None:
        """Describe an array."""
        if id(array) not in self._known:
            self._known[id(array)] = array_summary(array, self.entries)
        return self._known[id(array)]

    def record(self, record: Any) -> dict[str, Any]:
        """Write the fields of a record, arrays described."""
        return {
            key: self.array(value) if isinstance(value, np.ndarray) else value
            for key, value in vars(record).items()
        }


def gradient_name(name: str) -> str:
    """Name the gradient of a value: dW of W, and d(encoder.0.W) where that is no name."""
    return f"d{name}" if name.isidentifier() else f"d({name})"


def array_summary(array: Array | None, entries: int) -> dict[str, Any] | None:
    """Describe an array: its shape, dtype and range, and its numbers when they are few.

    Numbers that are not finite are written as "nan", "inf" and "-inf", which JSON lacks.

    >>> array_summary(np.array([1.0, np.inf]), 10)["values"]
    [1.0, 'inf']
    """
    if array is None:
        return None
    numbers = array.astype(np.float64) if array.dtype.kind in "fiub" else np.array([])
    finite = numbers[np.isfinite(numbers)]
    lost = array.size - np.count_nonzero(np.isfinite(array)) if array.dtype.kind in "fc" else 0
    return {
        "shape": list(array.shape),
        "dtype": str(array.dtype),
        "min": float(finite.min()) if finite.size else None,
        "max": float(finite.max()) if finite.size else None,
        "not_finite": int(lost),
        "values": _numbers(array.tolist()) if array.size <= entries else None,
    }


def _numbers(values: Any) -> Any:
    if isinstance(values, list):
        return [_numbers(value) for value in values]
    if isinstance(values, float) and not math.isfinite(values):
        return str(values)
    return values if isinstance(values, (bool, int, float, str)) else str(values)
