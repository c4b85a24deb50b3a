"""A call of a function on Tensors in place of its arguments, and what its graph tells.

All transforms make such a call, and ask it for the gradient, a pullback, tangents or Jacobians.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from minigrad.backward import gradients
from minigrad.graph import Array, Node, operands
from minigrad.kinds import is_complex, plain
from minigrad.tensor import Tensor
from minigrad.trees import alike, flat, mapped, named, rebuilt

Function = Callable[..., Any]


class Lifted:
    """A call of f that is differentiated by some of its arguments."""

    def __init__(
        self,
        f: Function,
        args: Sequence[Any],
        kwargs: dict[str, Any],
        argnums: int | Sequence[int],
        has_aux: bool = False,
    ) -> None:
        self.single = not isinstance(argnums, Sequence)
        places = _places(f, argnums, args)
        self.given = [args[i] for i in places]
        self.inputs: list[Tensor] = []
        lifted = list(args)
        for i in places:
            tensors = list(_lifted(args[i], f"argument {i} of {name_of(f)}"))
            lifted[i] = rebuilt(args[i], tensors)
            self.inputs += tensors
        with _Opening(self.inputs):
            output = f(*lifted, **kwargs)
        if has_aux and not (isinstance(output, tuple) and len(output) == 2):
            raise ValueError(f"with has_aux=True {name_of(f)} must return a pair: (y, aux)")
        self.output, aux = output if has_aux else (output, None)
        _check_output(self.output, name_of(f))
        born = self.inputs[0]._birth if self.inputs else 0
        self.create_graph = any(isinstance(a, Tensor) for a in flat([*args, *kwargs.values()]))
        self.create_graph = self.create_graph or _hangs(flat(output), born)
        self.aux = mapped(lambda a: self._handed_out(a) if isinstance(a, Tensor) else a, aux)

    def value(self) -> Any:
        """Hand out the output."""
        return mapped(self._handed_out, self.output)

    def _handed_out(self, y: Any) -> Any:
        """Make an array of an output, unless somebody goes on to differentiate it."""
        if isinstance(y, Tensor):
            return y if self.create_graph else np.array(y._array)
        return np.array(y)

    def gradient(self) -> Any:
        """Differentiate the one scalar that f returned."""
        create, y = self.create_graph, self.output
        return self._structured(_pulled([y], [np.ones(np.shape(_array(y)))], self.inputs, create))

    def pull(self, cotangent: Any, told: str = "the cotangent") -> Any:
        """Pull a cotangent back to the arguments, in their structure."""
        outputs = flat(self.output)
        gs = _directions(alike(cotangent, self.output, told), outputs, told)
        create = self.create_graph or any(isinstance(g, Tensor) for g in gs)
        return self._structured(_pulled(outputs, gs, self.inputs, create))

    def push(self, tangents: Any) -> Any:
        """Push tangents of the arguments forward: pull back through the pullback."""
        vs = _directions(alike(tangents, tuple(self.given), "tangents"), self.inputs, "tangents")
        outputs = flat(self.output)
        seeds = [_seed(y) for y in outputs]
        create = self.create_graph or any(isinstance(v, Tensor) for v in vs)
        back = _pulled(outputs, seeds, self.inputs, True)
        return rebuilt(self.output, _pulled(back, vs, seeds, create))

    def jacobian(self) -> Any:
        """Differentiate every output by every input: a tree of Jacobians for each output."""
        return mapped(lambda y: self._structured(self._jacobians(y)), self.output)

    def _jacobians(self, y: Any) -> list[Any]:
        """Make the Jacobians of one output, by the way that is shorter."""
        a = _array(y)
        if not isinstance(y, Tensor):
            return [np.zeros((*a.shape, *x.shape), x.dtype) for x in self.inputs]
        if any(map(is_complex, [y, *self.inputs])):
            return self._by_rows_of_complex_numbers(y)
        if sum(x.size for x in self.inputs) < y.size / 2:
            seed = _seed(y)
            try:
                back = gradients(y, self.inputs, seed, create_graph=True)
            except TypeError:  # a layer written by hand, whose backward has no derivative
                return self._by_rows(y)
            return self._by_columns(y, seed, back)
        return self._by_rows(y)

    def _by_rows(self, y: Tensor) -> list[Any]:
        """Pull each unit vector of the output back."""
        rows = [gradients(y, self.inputs, unit, self.create_graph) for unit in _units(y)]
        return [
            _joined([row[i] for row in rows], 0, (*y.shape, *x.shape), x.dtype)
            for i, x in enumerate(self.inputs)
        ]

    def _by_rows_of_complex_numbers(self, y: Tensor) -> list[Any]:
        """Pull back what asks for the real part of each output, and what asks for the imaginary."""
        rows: list[list[Any]] = [[] for _ in self.inputs]
        for unit in _units(y):
            real = gradients(y, self.inputs, unit, self.create_graph)
            if not is_complex(y):
                found = real
            else:
                imaginary = gradients(y, self.inputs, -1j * unit, self.create_graph)
                found = [*map(_derivative, self.inputs, real, imaginary)]
            for row, g in zip(rows, found, strict=True):
                row.append(g)
        return [
            _joined(row, 0, (*y.shape, *x.shape), np.result_type(y.dtype, x.dtype))
            for row, x in zip(rows, self.inputs, strict=True)
        ]

    def _by_columns(self, y: Tensor, seed: Tensor, back: list[Any]) -> list[Any]:
        """Push each unit vector of the inputs forward."""
        jacobians = []
        for x, g in zip(self.inputs, back, strict=True):
            columns = [gradients(g, seed, unit, self.create_graph) for unit in _units(x)]
            jacobians.append(_joined(columns, -1, (*y.shape, *x.shape), x.dtype))
        return jacobians

    def _structured(self, found: list[Any]) -> Any:
        """Give one result for each input the structure of the arguments."""
        trees = rebuilt(self.given, found)
        return trees[0] if self.single else tuple(trees)


# ---- arguments and results -----------------------------------------------------------------------
def _places(f: Function, argnums: int | Sequence[int], args: Sequence[Any]) -> list[int]:
    """Check the numbers of arguments, and count them from the front."""
    several = argnums if isinstance(argnums, Sequence) else [argnums]
    for i in several:
        if not isinstance(i, (int, np.integer)) or not -len(args) <= i < len(args):
            raise ValueError(
                f"argnums {i!r}: {name_of(f)} was called with {len(args)} positional arguments, "
                "and only those can be differentiated by"
            )
    places = [int(i) % len(args) for i in several]
    if len(set(places)) < len(places):
        raise ValueError(f"argnums {argnums!r} name an argument twice")
    return places


def _lifted(tree: Any, path: str) -> Iterator[Tensor]:
    """Make Tensors of the leaves, such as `gradients` can be asked for."""
    for place, x in named(tree, ""):
        try:
            yield +x if isinstance(x, Tensor) else Tensor(x)
        except TypeError as error:
            raise TypeError(f"{path}{place and ', at '}{place}: {error}") from None


def _check_output(output: Any, name: str) -> None:
    """Refuse what is no number: its derivative would be zero, and a mistake go unseen."""
    for place, y in named(output, ""):
        told = (
            f"{name} returned {'None' if y is None else type(y).__name__}{place and ' at '}{place}"
        )
        if y is None:
            raise TypeError(f"{told}: is a return missing?")
        if not isinstance(y, Tensor) and np.asarray(y).dtype.kind not in "fiubc":
            raise TypeError(f"{told}, and a function to be differentiated returns numbers")


def _directions(vectors: list[Any], models: Sequence[Any], path: str) -> list[Any]:
    """Check that each vector holds numbers like those of its model, and has its shape."""
    found = []
    for v, model in zip(vectors, models, strict=True):
        shape = np.shape(_array(model))
        vector = v if isinstance(v, Tensor) else plain(v)
        if vector.dtype.kind not in ("fiubc" if is_complex(_array(model)) else "fiub"):
            raise TypeError(f"{path}: {type(v).__name__} ({vector.dtype}) is no real array")
        if vector.shape != shape:
            raise ValueError(f"{path}: shape {vector.shape} does not fit {shape}")
        found.append(vector)
    return found


def _pulled(
    outputs: Sequence[Any], cotangents: Sequence[Any], wrt: list[Tensor], create: bool
) -> Any:
    """Pull cotangents of several outputs back: a list with a gradient for each of `wrt`."""
    pairs = [(y, g) for y, g in zip(outputs, cotangents, strict=True) if isinstance(y, Tensor)]
    if not pairs:
        return [np.zeros(x.shape, x.dtype) for x in wrt]
    if len(pairs) == 1:
        return gradients(pairs[0][0], wrt, pairs[0][1], create)
    with np.errstate(all="ignore"):  # the value of this sum is of no interest
        totals = [np.sum(y * g) for y, g in pairs]
        total = sum(np.real(t) if is_complex(t) else t for t in totals)
    return gradients(total, wrt, None, create)


def _array(y: Any) -> Array:
    return y._array if isinstance(y, Tensor) else np.asarray(y)


def _seed(y: Any) -> Tensor:
    """Make a cotangent for y that a pullback is differentiated by: it is linear, so any will do.

    Zeros would not: a zero cotangent tells that an entry was cut off.
    """
    a = _array(y)
    return Tensor(np.ones(a.shape, a.dtype if a.dtype.kind in "fc" else float))


def _derivative(x: Tensor, real: Any, imaginary: Any) -> Any:
    """Join the gradients of the two parts of an output: by a real x, or where it is holomorphic."""
    if not is_complex(x):
        return real + 1j * imaginary
    g, h = _array(real), _array(imaginary)
    rounding = math.sqrt(np.finfo(g.dtype).eps) * np.max(np.abs(g) + np.abs(h), initial=0.0)
    if np.any(np.abs(h + 1j * g) > rounding):
        raise TypeError(
            "this function of complex numbers is not holomorphic here: it has a Jacobian for dz "
            "and another for its conjugate. vjp, jvp and hvp take complex vectors; or "
            "differentiate a function of the real and imaginary parts"
        )
    return real


def _units(x: Tensor) -> Iterator[Array]:
    """List the unit vectors of an array's shape."""
    for place in np.ndindex(x.shape):
        unit = np.zeros(x.shape, x.dtype)
        unit[place] = 1
        yield unit


def _joined(parts: list[Any], axis: int, shape: tuple[int, ...], dtype: Any) -> Any:
    """Join the rows or columns of a Jacobian."""
    if not parts:
        return np.zeros(shape, dtype)
    whole = np.reshape(np.stack(parts, axis), shape)
    return whole if whole.dtype == dtype else whole.astype(dtype)


def name_of(f: Function) -> str:
    """Name a function in an error."""
    name = getattr(f, "__name__", type(f).__name__)
    return "the function" if name == "<lambda>" else str(name)


# ---- transforms around this one ------------------------------------------------------------------
class _Opening:
    """The arguments of a transform while its function runs, and which nodes hang on them.

    Openings of all threads stand in one list: a thread that f starts is inside of them too.
    """

    def __init__(self, inputs: Sequence[Node]) -> None:
        self.known = {x._birth: True for x in inputs}
        self.oldest = min(self.known, default=math.inf)

    def __enter__(self) -> None:
        _OPEN.append(self)

    def __exit__(self, *error: object) -> None:
        _OPEN.remove(self)

    def holds(self, outputs: Sequence[Node], born: int) -> bool:
        """Tell whether an output of a transform that was born inside hangs on the arguments.

        What older nodes hang on is looked up once, ever; what younger ones do not is forgotten, as
        they mostly die with that transform.
        """
        free: list[int] = []
        found = any(self._holds(output, free) for output in outputs)
        for birth in free:
            if birth >= born:
                self.known.pop(birth, None)
        return found

    def _holds(self, output: Node, free: list[int]) -> bool:
        stack = [output]
        while stack:
            node = stack[-1]
            if node._birth not in self.known:
                parents = operands(node) if node._birth > self.oldest else []
                unknown = [p for p in parents if p._birth not in self.known]
                if any(self.known.get(p._birth) for p in parents):
                    self.known[node._birth] = True
                elif unknown:
                    stack += unknown
                    continue
                else:
                    self.known[node._birth] = False
                    free.append(node._birth)
            stack.pop()
        return self.known.get(output._birth, False)


_OPEN: list[_Opening] = []


def _hangs(outputs: Sequence[Any], born: int) -> bool:
    """Tell whether something hangs on the argument of a transform that is still open."""
    nodes = [a for a in outputs if isinstance(a, Node)]
    return any(opening.holds(nodes, born) for opening in tuple(_OPEN))
