"""What is checked, brought to one shape: named arrays in, named gradients out, run again at will.

A `Subject` is a function, a layer, a network or a pair of callables, with the arguments to try it
on. `Subject.start` makes a `Run`: a fresh copy of the thing after one forward, drawing the same
random numbers each time. Nothing that a run does reaches the caller's own object.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from minigrad.graph import Array
from minigrad.testing.numeric.decisions import Decision, decisions
from minigrad.testing.subjects.randomness import Rewind

WATCHERS: list[Callable[[str], None]] = []  # who is told of each evaluation, and what of


class Subject:
    """Something with a forward and a backward, and where to try it; see the subclasses.

    Attributes:
        name: what a person calls it: Affine, softmax.
        kind: "function", "layer", "network" or "pair".
        inputs: the arguments of forward by name, in order; arrays are copies.
        params: the parameters by name, as copies.
        fixed: the inputs that have no gradient: labels, indices, conditions.
        notes: what was assumed on the way here, in plain sentences.
        is_network: whether it is made of layers, so that looking at every entry takes long.
        written: the callables whose source a person wrote: {"forward": …, "backward": …}.
    """

    kind = "function"
    is_network = False

    def __init__(self, name: str, inputs: Mapping[str, Any], fixed: Iterable[str] = ()) -> None:
        self.name = name
        self.inputs = {key: kept(value) for key, value in inputs.items()}
        self.params: dict[str, Array] = {}
        constant = {key for key, value in self.inputs.items() if not is_float(value)}
        self.fixed = frozenset(fixed) | constant
        self.notes: list[str] = []
        self.written: dict[str, Any] = {}
        self.evaluations = 0
        self.rows: tuple[str, ...] = ()  # inputs whose first axis is the batch
        self.fewest = 0  # rows that it needs
        self.rewind = Rewind(())
        self.keeps_nothing = False  # from one forward to the next, so that one copy is enough
        self._benches: dict[Any, tuple[Any, list[Any]]] = {}

    @property
    def operands(self) -> dict[str, Array]:
        """The arrays that have a gradient, by name: inputs first, then parameters."""
        free = {k: v for k, v in self.inputs.items() if k not in self.fixed}
        return free | {self.parameter(k): v for k, v in self.params.items()}

    def parameter(self, name: str) -> str:
        """Name the parameter among the operands: by its own name, unless an input has that."""
        return f"self.{name}" if name in self.inputs else name

    @property
    def is_copied(self) -> bool:
        """Whether runs are independent: functions and their closures cannot be copied."""
        return True

    def set_rows(self, rows: Iterable[str] | None, fewest: int | None) -> None:
        """Say which inputs have a row for each example, or guess: as many as the first has."""
        arrays = {k: v for k, v in self.inputs.items() if isinstance(v, np.ndarray) and v.ndim}
        if rows is None:
            counts = {k: len(v) for k, v in arrays.items()}
            first = next(iter(counts.values()), 0)
            rows = [k for k, n in counts.items() if n == first]
            fewest = 1 if fewest is None else fewest
        self.rows, self.fewest = tuple(rows), fewest or 0

    def cotangents(self, outputs: Sequence[Any], rng: Any) -> list[tuple[str, list[Array]]]:
        """Draw cotangents: three normal ones, one of ±1, one of a single 1. Never ones.

        Ones hide what a normalisation does to them: their sum is constant, its derivative zero.
        """
        shapes = [np.shape(y) for y in outputs]
        size = sum(int(np.prod(shape)) for shape in shapes)
        single = np.zeros(size)
        single[rng.integers(size) if size else slice(0)] = 1.0
        drawn = [("normal", rng.normal(size=size)) for _ in range(3)]
        drawn += [("±1", rng.choice([-1.0, 1.0], size)), ("one-hot", single)]
        return [(kind, cut(flat, shapes)) for kind, flat in drawn]

    def arguments_of_backward(self) -> list[str]:
        """What backward calls its arguments."""
        return ["dout"]

    def start(
        self,
        inputs: Mapping[str, Any] | None = None,
        params: Mapping[str, Any] | None = None,
        cast: Any = None,
    ) -> Run:
        """Make a fresh copy and run it forward once.

        Args:
            inputs: others than the subject's own, by name; some or all. They are handed to forward
                as they are: strided, read-only, whatever. The subject's own are copied.
            params: others than the subject's own, by name; they are copied.
            cast: a dtype for all floats, inputs and parameters.
        """
        return Run(self, inputs or {}, params or {}, cast)

    def evaluate(
        self, inputs: Mapping[str, Any], params: Mapping[str, Any], cast: Any
    ) -> list[Any]:
        """Compute the outputs at all these inputs and parameters."""
        return self._evaluated(inputs, params, cast)[1]

    def evaluate_and_decide(
        self, inputs: Mapping[str, Any], params: Mapping[str, Any], cast: Any
    ) -> tuple[list[Any], list[Decision]]:
        """Compute the outputs, and list the decisions in the graph behind them, if there is one."""
        thing, outputs = self._evaluated(inputs, params, cast)
        return outputs, decisions(self.graph(thing))

    def _evaluated(
        self, inputs: Mapping[str, Any], params: Mapping[str, Any], cast: Any
    ) -> tuple[Any, list[Any]]:
        """Run a copy forward: a fresh one, or the same one again where it keeps nothing."""
        self.counted()
        if not self.keeps_nothing:
            thing = self.fresh(params, cast)
            self.rewind.begin(*self.holders(thing))
        else:
            if cast not in self._benches:
                thing = self.fresh({}, cast)
                self._benches[cast] = thing, self.rewind.inside(*self.holders(thing))
            thing, generators = self._benches[cast]
            self.set_params(thing, params)
            self.rewind.begin_with(generators)
        return thing, list(self.forward(thing, {k: kept(v) for k, v in inputs.items()}))

    def counted(self) -> None:
        """Count one more evaluation."""
        self.evaluations += 1
        for told in WATCHERS:
            told(self.name)

    # ---- what the kinds of subject do in their own way -----------------------------------------
    def fresh(self, params: Mapping[str, Any], cast: Any) -> Any:
        """Make a copy of the thing as it was given, with these parameters."""
        raise NotImplementedError

    def forward(self, thing: Any, inputs: Mapping[str, Any]) -> tuple[Any, ...]:
        """Run the thing forward; its outputs as a tuple."""
        raise NotImplementedError

    def backward(self, thing: Any, douts: tuple[Any, ...]) -> dict[str, Any]:
        """Run the thing backward: raw gradients by operand; one that was not made is not there."""
        raise NotImplementedError

    def holders(self, thing: Any) -> tuple[Any, ...]:
        """What in a copy corresponds to the holders of generators that `rewind` knows."""
        return (thing,)

    def graph(self, thing: Any) -> list[Any]:
        """The outputs as nodes of a graph of ours, where there is one."""
        return []

    def params_of(self, thing: Any) -> dict[str, Any]:
        """Find the arrays of the parameters that the thing holds now."""
        return {}

    def set_params(self, thing: Any, values: Mapping[str, Any]) -> None:
        """Put copies of values in place of parameters, as an optimizer would."""


class Run:
    """One fresh copy of a subject after a forward.

    Attributes:
        thing: the copy: a layer, a network; of functions, what forward left behind.
        inputs: what was handed to forward, by name: the very arrays.
        given: copies of them.
        outputs: what forward returned, as arrays: the very ones where it returned arrays.

    >>> from minigrad.testing.subjects import subjects
    >>> run = subjects.of_pair(np.exp, lambda dout: dout, np.zeros(2)).start()
    >>> run.outputs, run.gradients([np.ones(2)])
    ([array([1., 1.])], {'x': array([1., 1.])})
    """

    def __init__(
        self, subject: Subject, inputs: Mapping[str, Any], params: Mapping[str, Any], cast: Any
    ) -> None:
        self.subject = subject
        self.thing = subject.fresh(params, cast)
        own = {k: kept(v) for k, v in subject.inputs.items() if k not in inputs}
        self.inputs = {k: as_floats(inputs.get(k, own.get(k)), cast) for k in subject.inputs}
        self.given = {k: kept(v) for k, v in self.inputs.items()}
        self.outputs = self.forward(self.inputs)

    def forward(self, inputs: Mapping[str, Any] | None = None) -> list[Array]:
        """Run the same thing forward once more, with the random state that it began with.

        Without inputs: on copies of those of the first time.
        """
        subject = self.subject
        if inputs is None:
            inputs = {k: kept(v) for k, v in self.given.items()}
        subject.counted()
        subject.rewind.begin(*subject.holders(self.thing))
        outputs = subject.forward(self.thing, inputs)
        self.outputs = [np.asarray(y) for y in outputs]
        return self.outputs

    def cotangents(self, rng: Any) -> list[Array]:
        """Draw normal cotangents for the outputs."""
        return [np.asarray(rng.normal(size=y.shape), y.dtype) for y in self.outputs]

    def backward(self, douts: Iterable[Any]) -> dict[str, Any]:
        """Run backward on these very arrays: what it hands out, by operand, not copied.

        A gradient that does not exist has no entry; one that is None has the entry None.
        """
        return self.subject.backward(self.thing, tuple(douts))

    def gradients(self, douts: Iterable[Any]) -> dict[str, Array | None]:
        """Run backward on copies: copies of what it hands out for all operands, None for none."""
        raw = self.backward([np.array(d) for d in douts])
        found = {k: None if g is None else np.array(g) for k, g in raw.items()}
        return dict.fromkeys(self.operands) | found

    @property
    def params(self) -> dict[str, Any]:
        """The arrays of the parameters that the copy holds now, by the parameters' names."""
        return self.subject.params_of(self.thing)

    @property
    def operands(self) -> dict[str, Any]:
        """The very arrays that have gradients, by operand."""
        free = {k: v for k, v in self.inputs.items() if k not in self.subject.fixed}
        return free | {self.subject.parameter(k): v for k, v in self.params.items()}

    def set(self, params: Mapping[str, Any]) -> None:
        """Replace parameters, as an optimizer would."""
        self.subject.set_params(self.thing, params)


def is_float(value: Any) -> bool:
    """Tell whether a value is an array, or a NumPy number, of floats."""
    return isinstance(value, (np.ndarray, np.generic)) and value.dtype.kind == "f"


def kept(value: Any) -> Any:
    """Copy an array, and leave everything else as it is."""
    return value.copy("K") if isinstance(value, np.ndarray) else copy.copy(value)


def as_floats(value: Any, cast: Any) -> Any:
    """Convert floats to another dtype; leave everything else as it is."""
    return value.astype(cast) if cast and is_float(value) and value.dtype != cast else value


def cut(flat: Array, shapes: Sequence[tuple[int, ...]]) -> list[Array]:
    """Cut numbers that stand one after another into arrays of these shapes.

    >>> cut(np.arange(3.0), [(2,), ()])
    [array([0., 1.]), array(2.)]
    """
    ends = np.cumsum([int(np.prod(shape)) for shape in shapes])[:-1]
    parts = np.split(flat, ends) if shapes else []
    return [part.reshape(shape).copy() for part, shape in zip(parts, shapes, strict=True)]
