"""Constants: what a graph keeps of arguments that are no Tensors, and calls without derivatives."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from minigrad.graph import Node
from minigrad.guards import read_only
from minigrad.kinds import COMPLEX_SCALARS, FLOATS, MET, PLAIN, Function, called, check_arithmetic


def freeze(argument: Any) -> Any:
    """Keep what the graph saw: an array that somebody can still write into is copied."""
    if isinstance(argument, np.ndarray):
        argument = frozen(argument)
        if type(argument) is not np.ndarray:
            check_arithmetic(argument)
        if argument.dtype not in FLOATS and argument.dtype.kind == "c":
            MET.add(argument.dtype)
    elif type(argument) in PLAIN:
        return argument
    elif isinstance(argument, (list, tuple, dict)):
        items = argument.values() if isinstance(argument, dict) else argument
        if any(isinstance(item, Node) for item in items):
            raise TypeError(
                "a Tensor inside a list or dict is not seen by this function, and its gradient "
                "would be lost: np.stack or np.concatenate gathers Tensors into one"
            )
        if isinstance(argument, dict):
            return {key: freeze(item) for key, item in argument.items()}
        if type(argument) in (list, tuple):
            return type(argument)(map(freeze, argument))
    elif type(argument) in COMPLEX_SCALARS:
        MET.add(np.result_type(argument))
    elif hasattr(argument, "__array__") and not isinstance(argument, (Node, np.generic, type)):
        return freeze(np.array(argument))  # a table's column, say: read as NumPy reads it
    return argument


def frozen(array: Any) -> Any:
    """Keep an array as it is now: copied, unless nobody can write into it."""
    base = array.base
    if array.flags.writeable or (base is not None and not _fixed(base)):
        array = array.copy("K")
        array.setflags(False)  # write=False, said in a third of the time
    return array


def _fixed(owner: Any) -> bool:
    """Tell whether nobody writes into the memory that `owner` stands for, as far as one can see."""
    while not isinstance(owner, memoryview):
        if isinstance(owner, np.ndarray) and (owner.flags.writeable or owner.base is None):
            return not owner.flags.writeable
        owner = getattr(owner, "base", None)  # as_strided puts an object of its own between
        if owner is None:
            return False
    return isinstance(owner.obj, _Lent)


class _Lent(np.ndarray[Any, Any]):
    """An array that `borrowed` looks at: so `freeze` tells its memory from other people's."""

    __slots__ = ()


def borrowed(array: Any) -> Any:
    """Look at an array that nobody else can write into for now: `freeze` will not copy it."""
    if not isinstance(array, np.ndarray):
        return array
    try:
        buffer: Any = array.view(_Lent)
        return np.asarray(memoryview(buffer).toreadonly())
    except (ValueError, TypeError):  # a dtype without a buffer, such as datetime64
        return freeze(array)


def constant(function: Function, arguments: Iterable[Any], keywords: dict[str, Any]) -> Any:
    """Call a function whose derivative is zero or none on the arrays of its arguments.

    Raises:
        TypeError: when it would write into a Tensor.
    """
    if isinstance(function, np.ufunc):  # refuses out= before it comes here
        return function(*map(arrays, arguments), **{k: arrays(v) for k, v in keywords.items()})
    try:
        return function(*map(seen, arguments), **{k: seen(v) for k, v in keywords.items()})
    except ValueError as error:
        if "read-only" not in str(error):
            raise
        raise TypeError(
            f"{called(function)} with out= a Tensor would write into it, and a Tensor is a value: "
            "use the result"
        ) from error


def arrays(argument: Any) -> Any:
    """Put arrays in place of Tensors, inside lists and tuples too."""
    if isinstance(argument, Node):
        return argument._array
    if isinstance(argument, (list, tuple)):
        return type(argument)(map(arrays, argument))
    return argument


def seen(argument: Any) -> Any:
    """Put arrays that nobody can write into in place of Tensors, inside lists and tuples too."""
    if isinstance(argument, (list, tuple)):
        return type(argument)(map(seen, argument))
    return read_only(argument._array) if isinstance(argument, Node) else argument
