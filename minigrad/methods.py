"""What people expect to find on an array: NumPy's functions, spelled as methods.

Each method is the NumPy function of the same name applied to `self`, so its derivative is the one
in the table, and nothing here knows of differentiation. NumPy's manual describes the arguments.
"""

from __future__ import annotations

from typing import Any, NoReturn, TypeAlias

import numpy as np

from minigrad.habits import OF_TENSORS, Sign
from minigrad.updates import At

Axis: TypeAlias = int | tuple[int, ...] | None

WRITING = {"fill", "itemset", "partition", "put", "resize", "setfield", "setflags", "sort"}
SIGNS: set[str] = set()  # the names of those attributes of an array that only say what to write


class ArrayMethods:
    """The methods of an array, by way of NumPy's functions."""

    __slots__ = ()

    def sum(
        self: Any, axis: Axis = None, dtype: Any = None, out: Any = None, **options: Any
    ) -> Any:
        """Sum over `axis`, over everything when None."""
        return np.sum(self, axis=axis, **_given(dtype, out), **options)

    def mean(
        self: Any, axis: Axis = None, dtype: Any = None, out: Any = None, **options: Any
    ) -> Any:
        """Arithmetic mean over `axis`."""
        return np.mean(self, axis=axis, **_given(dtype, out), **options)

    def max(self: Any, axis: Axis = None, out: Any = None, **options: Any) -> Any:
        """Largest entry along `axis`; ties share the gradient equally."""
        return np.max(self, axis=axis, **_given(None, out), **options)

    def min(self: Any, axis: Axis = None, out: Any = None, **options: Any) -> Any:
        """Smallest entry along `axis`; ties share the gradient equally."""
        return np.min(self, axis=axis, **_given(None, out), **options)

    def prod(
        self: Any, axis: Axis = None, dtype: Any = None, out: Any = None, **options: Any
    ) -> Any:
        """Product over `axis`."""
        return np.prod(self, axis=axis, **_given(dtype, out), **options)

    def var(
        self: Any, axis: Axis = None, dtype: Any = None, out: Any = None, **options: Any
    ) -> Any:
        """Variance over `axis`, divided by the count less `ddof`."""
        return np.var(self, axis=axis, **_given(dtype, out), **options)

    def std(
        self: Any, axis: Axis = None, dtype: Any = None, out: Any = None, **options: Any
    ) -> Any:
        """Standard deviation over `axis`; the derivative at a constant is 0."""
        return np.std(self, axis=axis, **_given(dtype, out), **options)

    def cumsum(self: Any, axis: int | None = None, dtype: Any = None, out: Any = None) -> Any:
        """Running sum along `axis`, of the flattened array when None."""
        return np.cumsum(self, axis=axis, **_given(dtype, out))

    def cumprod(self: Any, axis: int | None = None, dtype: Any = None, out: Any = None) -> Any:
        """Running product along `axis`, of the flattened array when None."""
        return np.cumprod(self, axis=axis, **_given(dtype, out))

    def argmax(self: Any, axis: int | None = None, **options: Any) -> Any:
        """Index of the largest entry: a constant, a plain integer array."""
        return np.argmax(self, axis=axis, **options)

    def argmin(self: Any, axis: int | None = None, **options: Any) -> Any:
        """Index of the smallest entry: a constant, a plain integer array."""
        return np.argmin(self, axis=axis, **options)

    def argsort(self: Any, axis: int = -1) -> Any:
        """Indices that would sort: a constant, a plain integer array."""
        return np.argsort(self, axis=axis)

    def argpartition(self: Any, kth: Any, axis: int | None = -1) -> Any:
        """Indices that would partition: a constant, a plain integer array."""
        return np.argpartition(self, kth, axis=axis)

    def searchsorted(self: Any, v: Any, side: Any = "left", sorter: Any = None) -> Any:
        """Where `v` would have to stand in between: a constant, a plain integer array."""
        return np.searchsorted(self, v, side=side, sorter=sorter)

    def round(self: Any, decimals: int = 0) -> Any:
        """Round to so many decimals: a constant, a plain array."""
        return np.round(self, decimals)

    def clip(self: Any, min: Any = None, max: Any = None) -> Any:
        """Limit the entries to [min, max]; derivative 1 on the closed interval."""
        return np.clip(self, min, max)

    def dot(self: Any, other: Any) -> Any:
        """Dot product, as `np.dot`."""
        return np.dot(self, other)

    def copy(self: Any) -> Any:
        """Return the same values as a result of their own, with history."""
        return np.copy(self)

    def reshape(self: Any, *shape: Any, order: Any = "C") -> Any:
        """Return the same entries in another shape: `reshape(2, 3)` or `reshape((2, 3))`."""
        return np.reshape(self, shape[0] if len(shape) == 1 else shape, order=order)

    def ravel(self: Any, order: Any = "C") -> Any:
        """Flatten to one axis."""
        return np.ravel(self, order)

    flatten = ravel

    def transpose(self: Any, *axes: Any) -> Any:
        """Permute the axes; reverse them when none are named."""
        return np.transpose(self, (axes[0] if len(axes) == 1 else axes) or None)

    @property
    def real(self: Any) -> Any:
        """The real part."""
        return np.real(self)

    @property
    def imag(self: Any) -> Any:
        """The imaginary part."""
        return np.imag(self)

    def conj(self: Any) -> Any:
        """Conjugate: x − iy of x + iy."""
        return np.conjugate(self)

    conjugate = conj

    @property
    def T(self: Any) -> Any:
        """The array with its axes reversed."""
        return np.transpose(self)

    @property
    def mT(self: Any) -> Any:
        """The matrix, or each of a stack, transposed: the last two axes change places."""
        return np.matrix_transpose(self)

    def swapaxes(self: Any, axis1: int, axis2: int) -> Any:
        """Interchange two axes."""
        return np.swapaxes(self, axis1, axis2)

    def squeeze(self: Any, axis: Axis = None) -> Any:
        """Drop axes of length one."""
        return np.squeeze(self, axis=axis)

    def repeat(self: Any, repeats: Any, axis: int | None = None) -> Any:
        """Repeat entries along `axis`."""
        return np.repeat(self, repeats, axis=axis)

    def take(self: Any, indices: Any, axis: int | None = None, mode: Any = "raise") -> Any:
        """Take entries by index along `axis`, or of the flattened array."""
        return np.take(self, indices, axis=axis, mode=mode)

    def diagonal(self: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
        """Take the diagonal of each matrix."""
        return np.diagonal(self, offset, axis1, axis2)

    def trace(self: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None) -> Any:
        """Sum the diagonal of each matrix."""
        return np.trace(self, offset, axis1, axis2, **_given(dtype, None))

    def compress(self: Any, condition: Any, axis: int | None = None) -> Any:
        """Take the slices along `axis` where the condition is true."""
        return np.compress(condition, self, axis=axis)

    def any(self: Any, axis: Axis = None, keepdims: bool = False) -> Any:
        """Whether any entry is not zero: a constant, a plain boolean array."""
        return np.any(self, axis=axis, keepdims=keepdims)

    def all(self: Any, axis: Axis = None, keepdims: bool = False) -> Any:
        """Whether no entry is zero: a constant, a plain boolean array."""
        return np.all(self, axis=axis, keepdims=keepdims)

    def nonzero(self: Any) -> Any:
        """Indices of the entries that are not zero: constants, plain integer arrays."""
        return np.nonzero(self)

    @property
    def at(self) -> At:
        """Functional updates: `x.at[index].set(v)`, `add`, `mul`, `max`, `min` make a new array."""
        return At(self)

    # ---- whole numbers: where one is needed, somebody must say that the gradient ends ------------
    def __index__(self) -> NoReturn:
        raise TypeError(
            "a Tensor is no whole number to count or index with: int(t), or t.data.astype(int), "
            "says that its gradient ends here"
        )

    def __round__(self, ndigits: Any = None) -> NoReturn:
        raise TypeError("round() of a Tensor: np.round(t), a plain array, is a constant")

    def __trunc__(self) -> NoReturn:
        raise TypeError("math.trunc() of a Tensor: np.trunc(t), a plain array, is a constant")

    def __init_subclass__(cls) -> None:
        """Put a sign where an array, or a habit, has an attribute and this class has none.

        `__getattr__` could do it, but in Python 3.11 it triples the price of every attribute.
        """
        functions = [name for name, value in vars(np).items() if isinstance(value, np.ufunc)]
        for name in (*dir(np.ndarray), *OF_TENSORS, *functions):
            if not name.startswith("_") and not hasattr(cls, name):
                setattr(cls, name, Sign(name, lacking(name)))
                SIGNS.add(name)

    def __dir__(self) -> list[str]:
        return [name for name in super().__dir__() if name not in SIGNS]


def _given(dtype: Any, out: Any) -> dict[str, Any]:
    """List the options that were given, for the graph to remember no others."""
    return {k: v for k, v in (("dtype", dtype), ("out", out)) if v is not None}


def lacking(name: str) -> str:
    """Say what to write instead of an array's attribute that a Tensor lacks."""
    if name in WRITING:
        instead = f"or np.{name}(x), " if name in {"partition", "resize", "sort"} else ""
        return (
            f"a Tensor has no .{name}, which writes in place: x.at[index].set(value), {instead}"
            "makes a new one"
        )
    if name in OF_TENSORS:
        return f"a Tensor has no .{name}: {OF_TENSORS[name]}"
    if callable(getattr(np, name, None)):
        return f"a Tensor has no method {name}: write np.{name}(x)"
    return f"a Tensor has no .{name}: x.data.{name} is that of its values, without history"
