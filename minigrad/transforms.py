"""Functions to functions: grad, value_and_grad, vjp, jvp, jacobian, hessian and hvp.

A transform makes Tensors of the arguments that it differentiates by, calls the function, and asks
`gradients`. Arguments may be arrays, numbers, or dicts, lists and tuples of them, nested at will;
derivatives come back in the same structure.

They nest. A transform returns arrays, unless an argument is a Tensor or the result still hangs on
the argument of a transform around it: then Tensors, which that one goes on to differentiate.

Source: the transforms of JAX (Frostig, Johnson and Leary, SysML 2018), on a tape.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import Any

import numpy as np

from minigrad.backward import gradients
from minigrad.graph import Node, operands
from minigrad.tensor import Tensor
from minigrad.trees import alike, flat, mapped

Function = Callable[..., Any]


# ---- the transforms ------------------------------------------------------------------------------
def grad(f: Function, argnums: int | Sequence[int] = 0, has_aux: bool = False) -> Function:
    """Differentiate a scalar function: `grad(f)(*args)` is the gradient by the first argument.

    Args:
        f: a function of arrays that returns a scalar, or `(scalar, aux)` with `has_aux`.
        argnums: which positional argument; or several, for a tuple of gradients.
        has_aux: whether f returns something else besides, which is handed through.

    Returns:
        A function of the same arguments: the gradient, with `has_aux` `(gradient, aux)`.

    Raises:
        ValueError: when f returns no scalar, or there is no such argument.
        TypeError: when the argument holds integers or what is no array.

    >>> grad(lambda x: np.sum(x**3))(np.array([1.0, 2.0]))
    array([ 3., 12.])
    >>> grad(lambda p: p["a"] * p["b"])({"a": 2.0, "b": 3.0})
    {'a': array(3.), 'b': array(2.)}
    >>> grad(lambda x: grad(lambda y: x * y * y)(3.0))(2.0)
    array(6.)
    """
    both = value_and_grad(f, argnums, has_aux)

    @functools.wraps(f)
    def gradient(*args: Any, **kwargs: Any) -> Any:
        value, found = both(*args, **kwargs)
        return (found, value[1]) if has_aux else found

    return gradient


def value_and_grad(
    f: Function, argnums: int | Sequence[int] = 0, has_aux: bool = False
) -> Function:
    """Compute a scalar function and its gradient together: see `grad`.

    Returns:
        A function of the same arguments: `(value, gradient)`, or `((value, aux), gradient)`.

    >>> value_and_grad(lambda x: np.sum(x**2))(np.array([1.0, 2.0]))
    (array(5.), array([2., 4.]))
    """

    @functools.wraps(f)
    def both(*args: Any, **kwargs: Any) -> Any:
        call = _Call(f, args, kwargs, argnums, has_aux)
        y = call.only("grad")
        if np.size(y.data if isinstance(y, Tensor) else y) != 1:
            raise ValueError(
                f"grad differentiates scalar functions, and {_named(f)} returned shape "
                f"{np.shape(y.data if isinstance(y, Tensor) else y)}: use jacobian, or vjp with a "
                "cotangent"
            )
        found = call.gradients(y, None)
        value = call.result(y)
        return (value, call.aux) if has_aux else value, found

    return both


def vjp(f: Function, *args: Any, has_aux: bool = False) -> Any:
    """Compute f at `args`, and the function that pulls cotangents back: `(y, pullback)`.

    Args:
        f: a function that returns an array, or several in a dict, list or tuple.
        args: where; f is differentiated by all of them.
        has_aux: whether f returns `(y, aux)`.

    Returns:
        `(y, pullback)`, or `(y, pullback, aux)`. `pullback(g)` is g times the Jacobian, for a g
        like y: the gradient by the argument, or a tuple of them for several arguments. It may be
        called again and again.

    >>> y, pullback = vjp(lambda x, w: x * w, np.array([1.0, 2.0]), 3.0)
    >>> pullback(np.array([1.0, 1.0]))
    (array([3., 3.]), array(3.))
    """
    call = _Call(f, args, {}, range(len(args)) if len(args) != 1 else 0, has_aux)

    def pullback(g: Any) -> Any:
        return call.gradients(call.output, g)

    y = call.result(call.output)
    return (y, pullback, call.aux) if has_aux else (y, pullback)


def jvp(f: Function, args: Any, tangents: Any) -> tuple[Any, Any]:
    """Compute f at `args`, and its derivative along `tangents`: `(y, dy)`, in forward mode.

    The pullback is linear in its cotangent; pulling back through it pushes forward. So the same
    rules serve (the transpose of the transpose), at the cost of two backward passes.

    Args:
        f: a function that returns an array, or several in a dict, list or tuple.
        args: a tuple of the arguments, or the only one.
        tangents: directions, of the structure and shapes of `args`.

    Raises:
        ValueError: when a tangent has another shape than its argument.

    >>> jvp(lambda x: x**2, np.array([1.0, 2.0]), np.array([1.0, 0.0]))
    (array([1., 4.]), array([2., 0.]))
    """
    if not isinstance(args, tuple):
        args, tangents = (args,), (tangents,)
    call = _Call(f, args, {}, range(len(args)), False)
    return call.result(call.output), call.push(tuple(tangents))


def jacobian(f: Function, argnums: int | Sequence[int] = 0) -> Function:
    """Differentiate an array by an array: entry [i…, j…] is ∂yᵢ/∂xⱼ, of shape y.shape + x.shape.

    One backward pass for each entry of y; where x is much smaller, one for each entry of x.

    >>> jacobian(lambda x: x**2)(np.array([1.0, 2.0]))
    array([[2., 0.],
           [0., 4.]])
    """

    @functools.wraps(f)
    def rows(*args: Any, **kwargs: Any) -> Any:
        call = _Call(f, args, kwargs, argnums, False)
        return mapped(call.rows, call.output)

    return rows


def hessian(f: Function, argnums: int | Sequence[int] = 0) -> Function:
    """Differentiate a scalar function twice: entry [i…, j…] is ∂²f/∂xᵢ∂xⱼ.

    For a dict of arguments it is a dict of dicts: `hessian(f)(p)["a"]["b"]`.

    >>> hessian(lambda x: x[0] ** 2 * x[1])(np.array([3.0, 5.0]))
    array([[10.,  6.],
           [ 6.,  0.]])
    """
    return jacobian(grad(f, argnums), argnums)


def hvp(f: Function, argnums: int = 0) -> Function:
    """Multiply the Hessian of a scalar function by a vector, without making it.

    Returns:
        A function of the same arguments and a vector behind them, of the structure and shapes of
        the argument: H v, at the cost of about two gradients (Pearlmutter 1994).

    >>> hvp(lambda x: x[0] ** 2 * x[1])(np.array([3.0, 5.0]), np.array([1.0, 0.0]))
    array([10.,  6.])
    """

    slopes = grad(f, argnums)

    @functools.wraps(f)
    def product(*args: Any, **kwargs: Any) -> Any:
        *given, v = args

        def along(*xs: Any, **options: Any) -> Any:
            found = flat(slopes(*xs, **options))
            directions = _directions(alike(v, xs[argnums], "v"), found, "v")
            return sum(np.sum(g * d) for g, d in zip(found, directions, strict=True))

        return grad(along, argnums)(*given, **kwargs)

    return product


# ---- one call of a function whose arguments are differentiated by --------------------------------
class _Call:
    """A call of f on Tensors, and what its graph tells."""

    def __init__(
        self,
        f: Function,
        args: Sequence[Any],
        kwargs: dict[str, Any],
        argnums: int | Sequence[int],
        has_aux: bool,
    ) -> None:
        self.single = not isinstance(argnums, Sequence)
        numbers = argnums if isinstance(argnums, Sequence) else [argnums]
        places = [_place(f, i, args) for i in numbers]
        self.given = [args[i] for i in places]
        lifted = list(args)
        self.inputs: list[Tensor] = []
        for i in places:
            lifted[i] = mapped(self._lifted(f"argument {i} of {_named(f)}"), args[i])
        level = _Level(self.inputs)
        token = _OPEN.set((*_OPEN.get(), level))
        try:
            output = f(*lifted, **kwargs)
        finally:
            _OPEN.reset(token)
        if has_aux and not (isinstance(output, tuple) and len(output) == 2):
            raise ValueError(f"with has_aux=True {_named(f)} must return a pair: (y, aux)")
        self.output, aux = output if has_aux else (output, None)
        every = flat([*args, *kwargs.values()])
        self.create_graph = any(isinstance(a, Tensor) for a in every) or _hangs(flat(output))
        self.aux = self.result(aux)

    def _lifted(self, path: str) -> Function:
        """Make a function that makes Tensors, which `gradients` can be asked for."""

        def lift(x: Any) -> Tensor:
            try:
                tensor = +x if isinstance(x, Tensor) else Tensor(x)
            except TypeError as error:
                raise TypeError(f"{path}: {error}") from None
            self.inputs.append(tensor)
            return tensor

        return lift

    def result(self, y: Any) -> Any:
        """Hand out a value: arrays, unless somebody goes on to differentiate it."""
        if self.create_graph:
            return y
        return mapped(lambda a: np.array(a._data) if isinstance(a, Tensor) else a, y)

    def gradients(self, y: Any, cotangent: Any) -> Any:
        """Pull a cotangent back to the arguments, in their structure; None stands for 1."""
        outputs = flat(y)
        if cotangent is None:
            cotangents: list[Any] = [None]
        else:
            cotangents = _directions(alike(cotangent, y, "the cotangent"), outputs, "the cotangent")
        create = self.create_graph or any(isinstance(g, Tensor) for g in cotangents)
        pairs = [(a, g) for a, g in zip(outputs, cotangents, strict=True) if isinstance(a, Tensor)]
        if not pairs:
            return self._structured([np.zeros(x.shape, x.dtype) for x in self.inputs])
        total, g = pairs[0] if len(pairs) == 1 else (sum(np.sum(a * g) for a, g in pairs), None)
        return self._structured(gradients(total, self.inputs, g, create))

    def _structured(self, found: list[Any]) -> Any:
        """Give one result for each input the structure of the arguments."""
        rest = iter(found)
        trees = [mapped(lambda _: next(rest), tree) for tree in self.given]
        return trees[0] if self.single else tuple(trees)

    def push(self, tangents: tuple[Any, ...]) -> Any:
        """Push tangents of the arguments forward: pull back through the pullback."""
        leaves = alike(tangents, tuple(self.given), "tangents")
        directions = _directions(leaves, self.inputs, "tangents")
        outputs = [a for a in flat(self.output) if isinstance(a, Tensor)]
        seeds = [Tensor(np.zeros(a.shape, a.dtype)) for a in outputs]
        pulled = self._pulled(outputs, seeds)
        total = sum(np.sum(g * v) for g, v in zip(pulled, directions, strict=True))
        create = self.create_graph or any(isinstance(v, Tensor) for v in directions)
        pushed = iter(gradients(total, seeds, create_graph=create) if outputs else [])
        return mapped(
            lambda a: next(pushed) if isinstance(a, Tensor) else np.zeros_like(a, dtype=float),
            self.output,
        )

    def _pulled(self, outputs: list[Tensor], seeds: list[Tensor]) -> list[Any]:
        """Pull seeds back, so that the result is a graph over them."""
        if not outputs:
            return [np.zeros(x.shape) for x in self.inputs]
        total: Any = sum(np.sum(a * u) for a, u in zip(outputs, seeds, strict=True))
        return gradients(total, self.inputs, create_graph=True)

    def rows(self, y: Any) -> Any:
        """Make the Jacobian of one output: one pass for each entry of it, or of the inputs."""
        shape = np.shape(y._data if isinstance(y, Tensor) else y)
        if not isinstance(y, Tensor):
            return self._structured([np.zeros((*shape, *x.shape), x.dtype) for x in self.inputs])
        entries = sum(x.size for x in self.inputs)
        if entries < y.size / 2:
            return self._structured(self._columns(y))
        rows = []
        for place in np.ndindex(shape):
            one = np.zeros(shape, y.dtype)
            one[place] = 1
            rows.append(gradients(y, self.inputs, one, self.create_graph))
        stacked = [np.stack(each) for each in zip(*rows, strict=True)]
        return self._structured(
            [
                np.reshape(each, (*shape, *x.shape))
                for each, x in zip(stacked, self.inputs, strict=True)
            ]
        )

    def _columns(self, y: Tensor) -> list[Any]:
        """Make the Jacobian column by column, in forward mode."""
        seed = Tensor(np.zeros(y.shape, y.dtype))
        jacobians = []
        for x, pulled in zip(self.inputs, self._pulled([y], [seed]), strict=True):
            columns = []
            for place in np.ndindex(x.shape):
                one = np.zeros(x.shape, x.dtype)
                one[place] = 1
                columns.append(gradients(pulled, seed, one, self.create_graph))
            stacked = np.stack(columns, axis=-1)
            jacobians.append(np.reshape(stacked, (*y.shape, *x.shape)))
        return jacobians

    def only(self, transform: str) -> Any:
        """Return the one array that f returned."""
        if isinstance(self.output, (dict, list, tuple)):
            raise ValueError(
                f"{transform} needs a function that returns one scalar, not a "
                f"{type(self.output).__name__}: has_aux=True is for (scalar, something else)"
            )
        return self.output


def _place(f: Function, i: Any, args: Sequence[Any]) -> int:
    """Check the number of an argument."""
    if not isinstance(i, (int, np.integer)) or not -len(args) <= i < len(args):
        raise ValueError(
            f"argnums {i!r}: {_named(f)} was called with {len(args)} positional arguments, and "
            "only those can be differentiated by"
        )
    return int(i) % len(args)


def _directions(leaves: list[Any], models: Sequence[Any], path: str) -> list[Any]:
    """Make arrays of directions, each of the shape and dtype of what it is a direction of."""
    found = []
    for v, model in zip(leaves, models, strict=True):
        a = model._data if isinstance(model, Tensor) else np.asarray(model)
        direction = v if isinstance(v, Tensor) else np.asarray(v)
        if direction.shape != a.shape:
            raise ValueError(f"{path}: shape {direction.shape} does not fit {a.shape}")
        if not isinstance(direction, Tensor) and a.dtype.kind in "fc":
            direction = direction.astype(a.dtype)
        found.append(direction)
    return found


def _named(f: Function) -> str:
    name = getattr(f, "__name__", type(f).__name__)
    return "the function" if name == "<lambda>" else name


# ---- transforms around this one ------------------------------------------------------------------
class _Level:
    """The arguments of a transform that is open, and which nodes hang on them."""

    def __init__(self, inputs: Sequence[Node]) -> None:
        self.known = {x._birth: True for x in inputs}
        self.oldest = min(self.known, default=0)

    def holds(self, output: Node) -> bool:
        """Tell whether a node hangs on one of them. No node is looked at twice, ever."""
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
            stack.pop()
        return self.known[output._birth]


_OPEN: ContextVar[tuple[_Level, ...]] = ContextVar("open transforms", default=())


def _hangs(outputs: Sequence[Any]) -> bool:
    """Tell whether something hangs on the argument of a transform that is still open."""
    nodes = [a for a in outputs if isinstance(a, Node)]
    return any(level.holds(node) for level in _OPEN.get() for node in nodes)
