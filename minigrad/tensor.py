"""The Tensor: a node of the graph, dressed as a NumPy array.

NumPy hands its functions over through two protocols, `__array_ufunc__` and `__array_function__`;
what they and the operators do is to record the call (`calls.py`), with the rules of the table.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Iterator
from typing import Any, TypeVar, cast

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from minigrad.backward import gradients, leaves
from minigrad.calls import apply, misfit
from minigrad.constants import constant, freeze, frozen
from minigrad.graph import NO_KEYWORDS, Array, Node, leaf, record
from minigrad.guards import PRIMITIVES, check_intermediates, is_ours, reading
from minigrad.habits import NO_ARRAY, NO_FLOAT, NO_OPTIONS
from minigrad.kinds import COMPLEX, MET, Function, called, check_dtype, float_array, refuse_complex
from minigrad.methods import ArrayMethods
from minigrad.table import CONSTANTS, RULES, defvjp, open_further

# NumPy's signature -> a recorded call, where arguments are lists of arrays or have two spellings
ADAPTERS: dict[Function, Function] = {}
_REDUCTIONS: dict[Any, Function] = {
    np.add: np.sum,
    np.multiply: np.prod,
    np.maximum: np.max,
    np.minimum: np.min,
}
_ACCUMULATIONS: dict[Any, Function] = {np.add: np.cumsum, np.multiply: np.cumprod}
GETITEM: Any = operator.getitem
SHARE_TENSORS = "share Tensors"  # in the memo of a deepcopy: keep Tensors as they are
_SCALARS = (float, int)
F = TypeVar("F", bound=Function)


# ---- operators -----------------------------------------------------------------------------------
@functools.cache
def recorder(ufunc: np.ufunc) -> Callable[..., Tensor]:
    """Make a function, or a method, that records `ufunc`: `apply` with as little Python as can be.

    It knows its ufunc by itself, and takes Tensors, Python's numbers and arrays of floats; with
    anything else it hands over to `apply`.
    """

    def unary(a: Tensor) -> Tensor:
        x = a._array
        return record(Tensor, ufunc, RULES[ufunc], (a,), (x,), NO_KEYWORDS, ufunc(x))

    def binary(a: Any, b: Any) -> Tensor:
        x = a._array if type(a) is Tensor else a if type(a) in _SCALARS else _frozen_floats(a)
        y = b._array if type(b) is Tensor else b if type(b) in _SCALARS else _frozen_floats(b)
        if x is None or y is None:
            return apply(Tensor, ufunc, (a, b), NO_KEYWORDS)
        try:
            z = ufunc(x, y)
        except ValueError as error:
            raise misfit(ufunc, (x, y), error) from error
        pair = (a if type(a) is Tensor else x, b if type(b) is Tensor else y)
        return record(Tensor, ufunc, RULES[ufunc], pair, (x, y), NO_KEYWORDS, z)

    return unary if ufunc.nin == 1 else binary


def _both_ways(ufunc: np.ufunc) -> tuple[Callable[..., Tensor], Callable[..., Tensor]]:
    """Make the methods of an operator: with self on the left, and on the right."""
    recorded = recorder(ufunc)
    return recorded, lambda self, other: recorded(other, self)


def _frozen_floats(a: Any) -> Any:
    """Keep an array of floats as it is now; None for anything else."""
    return frozen(a) if type(a) is np.ndarray and a.dtype.kind == "f" else None


class Tensor(Node, ArrayMethods):
    """An array of floats, real or complex, that remembers how it was made.

    Args:
        data: numbers, lists or an array, of any shape. It is copied. Python numbers and lists
            become float64 or complex128; float and complex arrays keep their dtype.
        dtype: the dtype to convert to; it also says that integers are meant as numbers.
        name: shown by `repr`, errors and explanations.

    A Tensor is a value: nothing changes it while a graph hangs on it. NumPy functions and operators
    on it are recorded; `backward` then fills `grad` of the leaves, which are the Tensors that you
    made yourself.

    Raises:
        TypeError: for an integer array without `dtype`, text and other objects.

    >>> x = Tensor([1.0, 2.0], name="x")
    >>> y = np.sum(x * x)
    >>> y.backward()
    >>> x.grad
    array([2., 4.])
    """

    __slots__ = ()

    def __new__(
        cls, data: ArrayLike, dtype: DTypeLike | None = None, *, name: str | None = None
    ) -> Tensor:
        """Make a leaf."""
        if isinstance(data, Node):
            raise TypeError(
                "this is a Tensor already; mg.Tensor(t.data) makes a new leaf of its values"
            )
        return leaf(cls, float_array(data, dtype), name)

    def __init_subclass__(cls) -> None:
        raise TypeError("Tensor is final: hold a Tensor in an attribute instead of inheriting")

    # ---- looking at it -------------------------------------------------------------------------
    @property
    def data(self) -> Array:
        """The values, read-only, without history: `W = mg.Tensor(W.data - lr * W.grad)`."""
        view = self._array.view()
        view.flags.writeable = False
        return view

    @property
    def shape(self) -> tuple[int, ...]:
        """Length along each axis."""
        return self._array.shape

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return self._array.ndim

    @property
    def size(self) -> int:
        """Number of entries."""
        return self._array.size

    @property
    def dtype(self) -> np.dtype[Any]:
        """Float or complex type of the entries; the gradient has the same."""
        return self._array.dtype

    def astype(self, dtype: DTypeLike) -> Any:
        """Convert to another float or complex dtype, with history; or to integers: an array."""
        dtype = np.dtype(dtype)
        if dtype.kind not in "fc":
            return converted(self._array, dtype)
        return apply(Tensor, converted, (self, dtype), {})

    def item(self, *index: int) -> Any:
        """One entry as a Python float or complex number: a constant, without history."""
        return (complex if self._array.dtype.kind == "c" else float)(self._array.item(*index))

    def tolist(self) -> Any:
        """Nested lists of Python numbers: constants, without history."""
        return self._array.tolist()

    def __len__(self) -> int:
        return len(self._array)

    def __bool__(self) -> bool:
        return bool(self._array)

    def __int__(self) -> int:
        return int(self._array)

    def __float__(self) -> float:
        raise TypeError(NO_FLOAT)

    def __array__(self, *args: Any, **kwargs: Any) -> Array:
        raise TypeError(NO_ARRAY)

    def __format__(self, spec: str) -> str:
        return format(self._array[()], spec) if self.ndim == 0 else format(str(self._array), spec)

    def __repr__(self) -> str:
        text = np.array2string(self._array, separator=", ", prefix="Tensor(", threshold=100)
        dtype = "" if self.dtype in (np.float64, np.complex128) else f", dtype={self.dtype}"
        name = "" if self.name is None else f", name={self.name!r}"
        made = "" if self._function is None else f", from {called(self._function)}"
        return f"Tensor({text}{dtype}{name}{made})"

    # ---- differentiating it --------------------------------------------------------------------
    def backward(self, grad: ArrayLike | None = None, **options: Any) -> None:
        """Add the gradient of this Tensor into `.grad` of every leaf that it was computed from.

        Args:
            grad: the cotangent, of this Tensor's shape; may be left out for a real scalar (then 1).

        Raises:
            TypeError: when `grad` is complex and this Tensor real, or missing and this complex.
            ValueError: when `grad` is missing or has another shape.
            RuntimeError: when a parameter was written since the graph was recorded.
        """
        if options:
            raise TypeError(f"backward has no {', '.join(options)}=: {NO_OPTIONS}")
        reached = leaves(self)
        for node, g in zip(reached, gradients(self, reached, grad), strict=True):
            node.grad = g if node.grad is None else np.asarray(node.grad + g)

    # ---- operators: NumPy's ufuncs -------------------------------------------------------------
    __add__, __radd__ = _both_ways(np.add)
    __sub__, __rsub__ = _both_ways(np.subtract)
    __mul__, __rmul__ = _both_ways(np.multiply)
    __truediv__, __rtruediv__ = _both_ways(np.divide)
    __mod__, __rmod__ = _both_ways(np.remainder)
    __pow__, __rpow__ = _both_ways(np.power)
    __matmul__, __rmatmul__ = _both_ways(np.matmul)
    __neg__ = recorder(np.negative)
    __pos__ = recorder(np.positive)
    __abs__ = recorder(np.absolute)

    def __divmod__(self, other: Any) -> tuple[Any, Tensor]:
        return self // other, self % other

    def __floordiv__(self, other: Any) -> Any:
        return _constant(np.floor_divide, self, other)

    def __rfloordiv__(self, other: Any) -> Any:
        return _constant(np.floor_divide, other, self)

    def __lt__(self, other: Any) -> Any:
        return _constant(np.less, self, other)

    def __le__(self, other: Any) -> Any:
        return _constant(np.less_equal, self, other)

    def __gt__(self, other: Any) -> Any:
        return _constant(np.greater, self, other)

    def __ge__(self, other: Any) -> Any:
        return _constant(np.greater_equal, self, other)

    def __eq__(self, other: object) -> Any:
        return _constant(np.equal, self, other)

    def __ne__(self, other: object) -> Any:
        return _constant(np.not_equal, self, other)

    __hash__ = object.__hash__

    def __contains__(self, value: Any) -> bool:
        return bool(np.any(self == value))

    # ---- the array protocols: NumPy hands its functions to us ----------------------------------
    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *args: Any, **kwargs: Any) -> Any:
        if method == "__call__" and not kwargs and ufunc in RULES:
            if MET and ufunc not in COMPLEX:
                refuse_complex(ufunc, args)
            return recorder(ufunc)(*args)
        for name in ("out", "where"):
            if name in kwargs:
                _refuse(ufunc, name)
        if method == "__call__":
            if not (ufunc in RULES or ufunc in CONSTANTS or ufunc in ADAPTERS):
                open_further()
            if ufunc in CONSTANTS:
                return constant(ufunc, args, kwargs)
            if MET and ufunc not in COMPLEX:
                refuse_complex(ufunc, args, kwargs)
            if ufunc in ADAPTERS:
                return ADAPTERS[ufunc](*args, **kwargs)
            return apply(Tensor, ufunc, args, kwargs)
        if method == "reduce" and ufunc in _REDUCTIONS:
            kwargs.setdefault("axis", args[1] if len(args) > 1 else 0)
            return apply(Tensor, _REDUCTIONS[ufunc], (self,), kwargs)
        if method == "accumulate" and ufunc in _ACCUMULATIONS:
            return _ACCUMULATIONS[ufunc](*args, **{"axis": 0} | kwargs)
        if method == "outer" and ufunc.nin == 2:
            return ufunc(np.reshape(args[0], np.shape(args[0]) + (1,) * np.ndim(args[1])), args[1])
        remedy = "write it with functions that have one, or pass .data for a constant"
        if method == "at":
            remedy = "x.at[index].add(value) makes a new Tensor"
        if ufunc is np.logaddexp and method == "reduce":
            remedy = "mg.logsumexp(x, axis=axis) is the same"
        raise TypeError(f"{called(ufunc)}.{method} has no derivative rule: {remedy}")

    def __array_function__(self, function: Function, types: Any, args: Any, kwargs: Any) -> Any:
        if not (function in RULES or function in ADAPTERS or function in CONSTANTS):
            open_further()
        if MET and function not in COMPLEX and function not in CONSTANTS:
            refuse_complex(function, args, kwargs)
        if function in ADAPTERS:
            return ADAPTERS[function](*args, **kwargs)
        if function in CONSTANTS:
            return constant(function, args, kwargs)
        return apply(Tensor, function, args, kwargs)

    def __getitem__(self, index: Any) -> Tensor:
        return apply(Tensor, GETITEM, (self, _index(index)), {})

    def __setitem__(self, index: Any, value: Any) -> None:
        raise TypeError(
            "a Tensor is a value, its entries cannot be written: "
            "y = x.at[index].set(value) makes a new Tensor"
        )

    def __iter__(self) -> Iterator[Tensor]:
        if self.ndim == 0:
            raise TypeError("a 0-d Tensor has no rows to iterate over; .item() is its value")
        return (self[i] for i in range(len(self)))

    # ---- copies: leaves only, an interior node is nothing without its history ------------------
    def __deepcopy__(self, memo: dict[Any, Any]) -> Tensor:
        if SHARE_TENSORS in memo:
            return self
        function, arguments = self.__reduce__()
        twin: Tensor = function(*arguments)
        memo[id(self)] = twin
        return twin

    def __reduce__(self) -> tuple[Function, tuple[Any, ...]]:
        if self._function is not None:
            raise TypeError(
                f"this Tensor is the result of {called(self._function)} and cannot be copied or "
                "pickled with its history: keep its .data, or mg.Tensor(t.data) for a new leaf"
            )
        return _restored, (self._array, self.grad, self.name)


def converted(x: Any, dtype: np.dtype[Any]) -> Any:
    """Convert an array to `dtype`: what `Tensor.astype` records."""
    check_dtype(dtype, (x,))
    return x.astype(dtype)


def _restored(array: Array, grad: Array | None, name: str | None) -> Tensor:
    """Rebuild a pickled or copied leaf."""
    tensor = Tensor(array, name=name)
    tensor.grad = None if grad is None else grad.copy()
    return tensor


def _index(index: Any) -> Any:
    """Check an index and keep it as it is now."""
    if isinstance(index, tuple):
        return tuple(map(_index, index))
    if isinstance(index, Node):
        raise TypeError(
            "a Tensor cannot be an index: the choice of an entry has no derivative; "
            "use an integer array, such as t.data.astype(int)"
        )
    if isinstance(index, list):
        return np.array(index, dtype=None if index else int)
    return freeze(index)


def _refuse(ufunc: np.ufunc, name: str) -> None:
    """Say what to write instead of a ufunc's out= or where=."""
    remedy = {
        "out": "an array or a Tensor cannot be filled by a recorded call; use the result, "
        "y = x + t instead of x += t where x is an array",
        "where": "use np.where(condition, result, other)",
    }
    raise TypeError(f"{called(ufunc)} with {name}= is not recorded: {remedy[name]}")


def _constant(function: np.ufunc, *args: Any) -> Any:
    """Call a comparison or another function without derivative: a plain array."""
    if function in RULES:  # somebody has stated one
        return recorder(function)(*args)
    return constant(function, args, {})


# ---- functions of one's own ----------------------------------------------------------------------
def primitive(
    *rules: Function | None, joint: Function | None = None, complex: bool = False
) -> Callable[[F], F]:
    """Make a function on arrays differentiable: a decorator that takes its VJP rules.

    Args:
        rules: one `(g, y, *args, **kwargs) -> gradient` per positional array argument, as for
            `defvjp`, which may also state them later.
        joint: instead, one function that returns the gradients of all arguments.
        complex: the rules hold for complex numbers too; otherwise the function refuses them.

    Called with arrays alone, the function runs as it is written and nothing is recorded.

    >>> @primitive(lambda g, y, x: g * y)
    ... def my_exp(x):
    ...     return np.exp(x)
    >>> x = Tensor(0.0)
    >>> my_exp(x).backward()
    >>> x.grad
    array(1.)
    """

    def decorate(function: F) -> F:
        if not callable(function):
            raise TypeError(
                f"mg.primitive takes rules and makes a decorator, which wraps a function, not "
                f"{type(function).__name__}: write @mg.primitive(rule) above the function"
            )

        ours = is_ours(function)
        compute = function if ours else reading(function)

        @functools.wraps(function)
        def recorded(*args: Any, **kwargs: Any) -> Any:
            for value in args:
                if type(value) is Tensor:
                    if not ours:
                        check_intermediates(recorded, RULES.get(recorded), args)
                    return apply(Tensor, recorded, args, kwargs, compute)
            if kwargs and any(type(value) is Tensor for value in kwargs.values()):
                return apply(Tensor, recorded, args, kwargs, compute)
            return function(*args, **kwargs)

        PRIMITIVES.add(recorded)
        if rules or joint:
            defvjp(recorded, *rules, joint=joint, complex=complex)
        return cast(F, recorded)

    return decorate
