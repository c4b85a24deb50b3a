"""What to try a layer or a function on when nobody says: arguments made up until it runs."""

from __future__ import annotations

import contextlib
import copy
import inspect
import io
import itertools
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from types import ModuleType
from typing import Any

import numpy as np

from minigrad.graph import Node
from minigrad.layers.inside import inside
from minigrad.testing.subjects import roles
from minigrad.testing.subjects.outcomes import reached, several, shown, tried, useless, words
from minigrad.testing.subjects.roles import ROWS, World

MISTAKES = (NameError, NotImplementedError, RecursionError)  # whatever the arguments are


@dataclass
class Trial:
    """Something that runs, and what it runs on.

    Attributes:
        thing: the layer, the network, or the function.
        inputs: the positional arguments of its forward.
        options: the keyword arguments.
        made: what was made up, for people: "Affine(W (3, 4), b (4,))", "x (5, 3)".
        sure: whether names said what everything is; if not, a wrong gradient may be a wrong guess.
        reshaped: makes another one, with other shapes for what was made up, by name; None where
            that does not run.
    """

    thing: Any
    inputs: tuple[Any, ...]
    options: dict[str, Any] = field(default_factory=dict)
    made: list[str] = field(default_factory=list)
    sure: bool = True
    reshaped: Callable[[Mapping[str, tuple[int, ...]]], Trial | None] = lambda shapes: None


class NothingRunsError(Exception):
    """No arguments were found on which something runs; it says why, and where the error arose."""

    def __init__(self, sentence: str, cause: Exception | None, is_a_mistake: bool) -> None:
        super().__init__(sentence)
        self.cause, self.is_a_mistake = cause, is_a_mistake


def trials(
    thing: Any,
    call: Callable[[Any], Callable[..., Any]],
    kwargs: Mapping[str, Any] | None = None,
    inputs: Sequence[Any] | None = None,
    rng: Any = 0,
) -> Iterator[Trial]:
    """Find arguments on which something runs, the simplest first; at least one.

    Args:
        thing: a class, whose instances are made, or what is tried itself.
        call: finds in an instance what is to run: its forward.
        kwargs: keyword arguments of the constructor, or of forward, that are known.
        inputs: of forward, where they are known.
        rng: a seed or a Generator for the numbers.

    Raises:
        NothingRunsError: when nothing runs.

    >>> class Affine:
    ...     def __init__(self, W, b): self.W, self.b = W, b
    ...     def forward(self, x): return x @ self.W + self.b
    >>> next(trials(Affine, lambda layer: layer.forward)).made
    ['Affine(W (3, 4), b (4,))', 'x (5, 3)']
    """
    search = _Search(thing, call, dict(kwargs or {}), inputs, rng)
    found = None
    for found in search.attempts():
        yield found
    if found is None:
        raise search.failure()


class _Search:
    """One search: what is tried in turn, and the errors on the way."""

    def __init__(
        self, thing: Any, call: Any, kwargs: dict[str, Any], inputs: Sequence[Any] | None, rng: Any
    ) -> None:
        self.thing, self.call, self.kwargs, self.inputs = thing, call, kwargs, inputs
        self.seed = rng
        self.errors: list[tuple[Exception, list[str]]] = []
        self.returned: list[tuple[str, bool]] = []  # what was no use, and whether it is a mistake
        self.constructor = parameters(thing) if isinstance(thing, type) else []
        own = {p.name for p in self.constructor}
        self.known = {k: v for k, v in kwargs.items() if k in own}
        self.options = {k: v for k, v in kwargs.items() if k not in own}

    def attempts(self) -> Iterator[Trial]:
        """Every world, with every kind of target that its forward may want."""
        for world in self._worlds():
            made: list[str] = []
            given = self._given(world)
            instance = self._instance(given, made)
            if instance is None:
                continue
            wanted = required(self.call(instance), skip=self.options)
            for inputs in self._inputs(wanted, world):
                tried_on = made + words(wanted, inputs, self.inputs)
                if self._runs(instance, inputs, tried_on):
                    sure = self.inputs is not None or self._is_sure(wanted, world)
                    again = partial(self._reshaped, given, wanted, inputs)
                    yield Trial(instance, inputs, self.options, tried_on, sure, again)

    def _is_sure(self, wanted: list[inspect.Parameter], world: World) -> bool:
        """Tell whether all that was made up, but for the first input, has a name that says it.

        Where x and W are not what they are in most layers, a batch and a matrix, broadcasting makes
        much run that was not meant.
        """
        own = [p for p in self.constructor if p.name not in self.known and p.default is p.empty]
        named = [*map(roles.role_of, own), *roles.roles_of(wanted)[1:]]
        if "number" in named or ("W" in named and not world.is_usual):
            return False
        names = {p.name.lower() for p in (*own, *wanted)}
        if "beta" in names and "gamma" not in names:  # a shift, or a number: that of a softplus
            return False
        if roles.is_equation([p.name for p in wanted]):  # b may be a vector, or have columns
            return False
        return all(roles.is_known(p.name) for p in own) and "x" not in named[len(own) :]

    def _reshaped(
        self,
        given: dict[str, Any],
        wanted: list[inspect.Parameter],
        inputs: tuple[Any, ...],
        shapes: Mapping[str, tuple[int, ...]],
    ) -> Trial | None:
        """Try other shapes for some of what was made up."""
        rng, made = np.random.default_rng(self.seed), list[str]()
        pairs = zip([p.name for p in wanted], inputs, strict=True)
        inputs = tuple(rng.normal(size=shapes[k]) if k in shapes else x for k, x in pairs)
        free = given.keys() - self.known.keys()
        drawn = {k: rng.normal(size=shape) for k, shape in shapes.items() if k in free}
        instance = self._instance(given | drawn, made)
        tried_on = made + words(wanted, inputs, None)
        if instance is None or not self._runs(instance, inputs, tried_on):
            return None
        return Trial(instance, inputs, self.options, tried_on, sure=False)

    def _worlds(self) -> Iterator[World]:
        """Those for a finished object's parameters first; for a class's, last."""
        if self.inputs is not None:
            shape = np.shape(self.inputs[0]) if self.inputs else ()
            is_made = isinstance(self.thing, type)
            yield from (w.fitted(shape) for w in (roles.WORLDS if is_made else roles.WORLDS[:1]))
            return
        worlds = [*roles.WORLDS]
        if not isinstance(self.thing, type):
            worlds = self._fitting(self.thing) + worlds
        elif self.known:  # then its parameters are not what the worlds have
            worlds = self._fitting(self._instance(self._given(worlds[0]), [])) + worlds
        else:
            worlds = worlds + self._fitting(self._instance(self._given(worlds[0]), []))
        yield from (roles.LOOKING_UP + worlds if self._looks_up() else worlds + roles.LOOKING_UP)

    def _looks_up(self) -> bool:
        """Tell whether forward calls its first argument an index."""
        f = getattr(self.thing, "forward", None) if isinstance(self.thing, type) else None
        wanted = required(self.call(self.thing), {}) if f is None else required(f, {})
        wanted = [p for p in wanted if p.name != "self"]
        return bool(wanted) and roles.roles_of(wanted)[0] == "tokens"

    def _fitting(self, instance: Any) -> list[World]:
        """Worlds whose x fits the first parameter that an object holds."""
        return [roles.WORLDS[0]._replace(x=shape) for shape in fitting_shapes(instance)]

    def _given(self, world: World) -> dict[str, Any]:
        """What the constructor is given: what is known, and what must be made up."""
        rng, given = np.random.default_rng(self.seed), dict(self.known)
        for p in self.constructor:
            if p.name not in given and p.default is p.empty:
                given[p.name] = roles.made(roles.role_of(p), world, "normal", "classes", rng)
        return given

    def _instance(self, given: dict[str, Any], made: list[str]) -> Any:
        """Make an instance of a class; anything else is one."""
        if not isinstance(self.thing, type):
            return self.thing
        words = [f"{name} {shown(value)}" for name, value in given.items()]
        made[:] = [f"{self.thing.__name__}({', '.join(words)})"] if words else []
        try:
            with quiet():
                return self.thing(**given)
        except Exception as error:
            self.errors.append((error, made))
            return None

    def _inputs(self, wanted: list[inspect.Parameter], world: World) -> Iterator[tuple[Any, ...]]:
        """Make what forward wants, by position: with each kind of target and of numbers."""
        if self.inputs is not None:
            yield tuple(self.inputs)
            return
        named = roles.roles_of(wanted)
        targets = roles.TARGETS if "target" in named else roles.TARGETS[:1]
        for target, numbers in itertools.product(targets, roles.NUMBERS):
            rng = np.random.default_rng(self.seed)
            yield tuple(roles.made(role, world, numbers, target, rng) for role in named)

    def _runs(self, instance: Any, inputs: tuple[Any, ...], made: list[str]) -> bool:
        """Run forward on copies; remember why it did not work."""
        try:
            twin, xs = copied(instance), copy.deepcopy(inputs)
            with quiet():
                outputs = self.call(twin)(*xs, **self.options)
        except Exception as error:
            self.errors.append((error, made))
            return False
        arrays = [y._array if isinstance(y, Node) else y for y in several(outputs)]
        why = useless(arrays[0]) if arrays else ("an empty tuple", True)
        self.returned += [(f"forward returned {why[0]}", why[1])] if why else []
        return why is None

    def _is_a_mistake(self, error: Exception) -> bool:
        """Tell an error that any arguments would raise from one that these may have raised."""
        if isinstance(error, AttributeError):  # of the layer itself, or of np
            cls = self.thing if isinstance(self.thing, type) else type(self.thing)
            return isinstance(error.obj, (cls, ModuleType))
        return isinstance(error, MISTAKES)

    def failure(self) -> NothingRunsError:
        """Say why nothing runs: a mistake of the layer's, or shapes that were not guessed."""
        mistakes = [pair for pair in self.errors if self._is_a_mistake(pair[0])]
        if mistakes or (self.inputs is not None and self.errors):
            error, made = (mistakes or self.errors)[0]
            return NothingRunsError(tried(error, made), error, True)
        if self.returned:
            return NothingRunsError(self.returned[0][0], None, self.returned[0][1])
        error, made = max(self.errors, key=lambda pair: reached(pair[0], __file__))
        return NothingRunsError(tried(error, made), error, False)


def parameters(f: Any) -> list[inspect.Parameter]:
    """List the parameters of a callable that can be given by name; of NumPy's, x and y."""
    try:
        found = inspect.signature(f).parameters.values()
    except (TypeError, ValueError):
        names = ["x", "y"][: getattr(f, "nin", 1)]
        return [inspect.Parameter(name, inspect.Parameter.POSITIONAL_ONLY) for name in names]
    return [p for p in found if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]


def required(f: Any, skip: Mapping[str, Any]) -> list[inspect.Parameter]:
    """List the parameters of a forward that must be given, but for those in `skip`."""
    return [p for p in parameters(f) if p.default is p.empty and p.name not in skip]


def fitting_shapes(thing: Any) -> list[tuple[int, ...]]:
    """Shapes of x that would fit the first parameter that an object holds.

    >>> class Layer:
    ...     W = np.zeros((3, 4))
    ...     def __init__(self): self.W = Layer.W
    >>> fitting_shapes(Layer())[:2]
    [(5, 3), (5, 4)]
    """
    arrays = [value._array if isinstance(value, Node) else value for _, value in inside(thing)]
    arrays = [a for a in arrays if isinstance(a, np.ndarray) and a.dtype.kind == "f"]
    for W in sorted(arrays, key=lambda a: a.ndim < 2):
        if W.ndim == 4:
            return [(2, W.shape[1], W.shape[2] + 3, W.shape[3] + 3)]
        if W.ndim == 3:
            return [(2, W.shape[1], W.shape[2] + 4), (ROWS, W.shape[0])]
        if W.ndim == 2:
            n, m = W.shape
            return [(ROWS, n), (ROWS, m), (2, ROWS, n), (m,), (m, ROWS)]
        if W.ndim == 1:
            return [(ROWS, len(W)), (2, len(W), 4, 4), (len(W),)]
    return []


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Let nothing that other people's code prints or warns of come through."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        with contextlib.redirect_stdout(io.StringIO()):
            yield


def copied(thing: Any) -> Any:
    """Copy an object; what cannot be copied stays itself."""
    try:
        return copy.deepcopy(thing)
    except Exception:
        return thing
