"""Kinds of numbers: real ones, complex ones, and which functions take the latter.

A rule that is right for real numbers may be wrong for complex ones without any error. So functions
take complex numbers one by one, when their rules are known to hold for them: those are in COMPLEX,
and every other one refuses them. See docs/complex.md for the convention.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

Function: TypeAlias = Callable[..., Any]

COMPLEX: set[Function] = set()  # their rules hold for complex numbers too; the others refuse them
FLOATS = frozenset(map(np.dtype, (np.float16, np.float32, np.float64, np.longdouble)))

PLAIN = frozenset({float, int, bool, str, slice, type(None)})
COMPLEX_SCALARS = frozenset({complex, np.complex64, np.complex128, np.clongdouble})
MET: set[np.dtype[Any]] = set()  # complex dtypes met so far: before the first, nobody looks for any


def called(function: Function) -> str:
    """Name a function as a person writes it: np.exp, affine."""
    name = getattr(function, "__name__", repr(function))
    module = getattr(function, "__module__", None) or ""
    if not module and getattr(np, name, None) is function:
        module = "numpy"  # a ufunc names no module
    library, _, rest = module.partition(".")
    return name if library != "numpy" else f"np.{rest}.{name}" if rest else f"np.{name}"


def is_complex(value: Any) -> bool:
    """Tell a complex number, array or Tensor, or a list that holds one, from real ones."""
    if isinstance(value, (list, tuple)):
        return any(map(is_complex, value))
    return isinstance(value, complex) or getattr(getattr(value, "dtype", None), "kind", "") == "c"


def real_alone(function: Function) -> str:
    """Say that a function refuses complex numbers, and what to do."""
    name, module = called(function), getattr(function, "__module__", None) or "numpy"
    remedy = "np.real, np.imag and np.abs make real numbers of complex ones"
    if module.partition(".")[0] not in ("numpy", "minigrad"):
        remedy += f"; mg.defvjp({name}, rule, complex=True) states a rule for both kinds"
    return f"{name} has a derivative for real numbers alone, and here is a complex one: {remedy}"


def refuse_complex(
    function: Function, operands: Iterable[Any], options: Mapping[str, Any] = MappingProxyType({})
) -> None:
    """Refuse complex numbers for a function whose rules are for real ones."""
    if any(map(is_complex, operands)) or any(
        is_complex(value) for name, value in options.items() if name != "out"
    ):
        raise TypeError(real_alone(function))


def check_dtype(dtype: DTypeLike | None, arguments: Iterable[Any]) -> None:
    """Refuse a conversion of complex numbers that would drop their imaginary parts."""
    if dtype is None:
        return
    if np.dtype(dtype).kind in "fiu" and any(map(is_complex, arguments)):
        raise TypeError(
            f"complex numbers do not become {np.dtype(dtype)}: use np.real, np.imag or np.abs"
        )


def check_output(function: Function, output: NDArray[Any]) -> None:
    """Refuse what has no derivative: integers, objects; complex numbers, if the rules are real."""
    if output.dtype.kind == "c":
        if function not in COMPLEX:
            raise TypeError(real_alone(function))
        MET.add(output.dtype)
    elif output.dtype.kind != "f":
        raise TypeError(
            f"{called(function)} of a Tensor made {output.dtype}: derivatives are of floats, which "
            "come of numbers and arrays; mg.primitive wraps a function of anything else"
        )


def check_arithmetic(array: Any) -> None:
    """Refuse masked arrays and matrices: as plain arrays they would compute something else."""
    if type(array) is np.ndarray or not isinstance(array, np.ndarray):
        return
    if array.__array_priority__ > 0:
        raise TypeError(
            f"{type(array).__name__} has an arithmetic of its own, which Tensors do not "
            "follow: np.asarray makes a plain array of it, np.where(mask, 0.0, t) cuts off"
        )


def plain(data: ArrayLike) -> NDArray[Any]:
    """Read numbers, lists or an array as a plain array."""
    check_arithmetic(data)
    return np.asarray(data)


def float_array(data: ArrayLike, dtype: DTypeLike | None) -> NDArray[Any]:
    """Copy `data` as an array of floats or complex numbers; ask about integer arrays."""
    check_arithmetic(data)
    array = np.array(data)
    if dtype is not None and np.dtype(dtype).kind not in "fc":
        raise TypeError(f"a Tensor holds floats, real or complex: dtype {np.dtype(dtype)} is none")
    if array.dtype.kind == "c" or (dtype is not None and np.dtype(dtype).kind == "c"):
        MET.add(array.dtype)
    if array.dtype.kind in "fc" or (dtype is not None and array.dtype.kind in "iub"):
        if dtype is None:
            return array
        check_dtype(dtype, (array,))
        return array.astype(dtype, copy=False)
    if array.dtype.kind in "iub" and not isinstance(data, (np.ndarray, np.generic)):
        return array.astype(np.float64)  # Python numbers, and lists of them
    if array.dtype.kind in "iub":
        raise TypeError(
            f"an integer array ({array.dtype}) cannot be differentiated: say .astype(float) if "
            "its entries are numbers; leave it a plain array if they are labels or indices"
        )
    raise TypeError(f"a Tensor holds floats, not {array.dtype} ({type(data).__name__})")
