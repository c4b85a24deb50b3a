"""Functions that choose entries by a condition or a number: the choice itself is a constant.

An entry that is not chosen has gradient 0. `np.trim_zeros` decides by the values how many entries
are left; that decision is a constant too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad.derivatives.indexing import along, scatter
from minigrad.graph import CONSTANTS, MASKING, Function, apply, arrays, defvjp
from minigrad.tensor import ADAPTERS, Tensor

defvjp(np.triu, lambda g, y, m, k=0: np.triu(g, k))
defvjp(np.tril, lambda g, y, m, k=0: np.tril(g, k))
defvjp(np.delete, lambda g, y, arr, obj, axis=None: undelete(g, arr.shape, obj, axis))


def undelete(g: Any, shape: tuple[int, ...], obj: Any, axis: int | None) -> Any:
    """Put the entries that are left back to where they stood."""
    if axis is None:
        size = int(np.prod(shape))
        return np.reshape(scatter(g, np.delete(np.arange(size), obj), (size,)), shape)
    left = np.delete(np.arange(shape[axis]), obj)
    return scatter(g, along(axis, left, len(shape)), shape)


# ---- one of several arrays for each entry --------------------------------------------------------
def shares(g: Any, chosen: Any, choices: Sequence[Any]) -> list[Any]:
    """Give each choice the entries of g where it was chosen."""
    return [np.where(chosen == k, g, 0.0) for k in range(len(choices))]


def _chosen(*choices: Any, a: Any, mode: Any) -> Any:
    return np.choose(a, choices, mode=mode)


def _selected(*choices: Any, condlist: Sequence[Any]) -> Any:
    return np.select(condlist, choices[:-1], choices[-1])


def number_chosen(a: Any, n: int, mode: str) -> Any:
    """Read the numbers of n choices as np.choose does."""
    return np.mod(a, n) if mode == "wrap" else np.clip(a, 0, n - 1) if mode == "clip" else a


def first_true(condlist: Sequence[Any]) -> Any:
    """Number the first condition that is true, or one more than there are."""
    return np.select(condlist, range(len(condlist)), len(condlist))


defvjp(
    np.choose,
    joint=lambda g, y, *choices, a, mode="raise": shares(
        g, number_chosen(a, len(choices), mode), choices
    ),
)
defvjp(
    np.select,
    joint=lambda g, y, *choices, condlist: shares(g, first_true(condlist), choices),
)


def _choose(a: Any, choices: Any, out: None = None, mode: str = "raise") -> Any:
    """Read NumPy's list of choices, or the rows of an array, as operands."""
    if isinstance(a, Tensor) or out is not None:
        raise TypeError(
            "np.choose takes integers to choose by, such as t.data.astype(int), and no out=: "
            "a choice has no derivative, and an array cannot be filled by a recorded call"
        )
    return apply(Tensor, np.choose, tuple(choices), {"a": np.asarray(a), "mode": mode}, _chosen)


def _select(condlist: Sequence[Any], choicelist: Sequence[Any], default: Any = 0) -> Any:
    """Read the choices and the default as operands."""
    if len(condlist) != len(choicelist):
        raise ValueError("list of cases must be same length as list of conditions")
    conditions = list(map(arrays, condlist))
    return apply(Tensor, np.select, (*choicelist, default), {"condlist": conditions}, _selected)


# ---- the entries where something is true ---------------------------------------------------------
def _compress(condition: Any, a: Any, axis: int | None = None, out: None = None) -> Any:
    """Take the slices where the condition is true; NumPy reads the condition."""
    if out is not None:
        raise TypeError("np.compress with out= is not recorded: use the result")
    length = np.size(a) if axis is None else np.shape(a)[axis]
    return np.take(a, np.compress(arrays(condition), np.arange(length)), axis=axis)


def _extract(condition: Any, arr: Any) -> Any:
    """Take the entries where the condition is true."""
    return _compress(np.ravel(arrays(condition)), arr)


def _trim_zeros(filt: Any, trim: str = "fb", axis: Any = None) -> Any:
    """Slice to where the entries begin and end that are not zero."""
    axes = range(filt.ndim) if axis is None else np.atleast_1d(axis)
    entries = np.nonzero(filt)
    front, rear = ("f" in trim.lower()), ("b" in trim.lower())
    if not trim or set(trim.lower()) - {"f", "b"}:
        raise ValueError(f"unexpected character(s) in `trim`: {trim!r}")
    index = [slice(None)] * filt.ndim
    for k in axes:
        if entries[k].size == 0:
            index[k] = slice(0, 0)
        else:
            first, last = int(entries[k].min()), int(entries[k].max())
            index[k] = slice(first if front else None, last + 1 if rear else None)
    return filt[tuple(index)]


def _piecewise(x: Any, condlist: Any, funclist: Sequence[Any], *args: Any, **kw: Any) -> Any:
    """Apply each function where its condition is true; where none is true the result is zero.

    The pieces are joined, and an index puts each entry where it belongs: at two true conditions the
    later wins.
    """
    conditions = _conditions(arrays(condlist), np.shape(x), len(funclist))
    pieces, place, start = [np.zeros(1, x.dtype)], np.zeros(np.shape(x), int), 1
    for condition, function in zip(conditions, funclist, strict=True):
        count = int(np.count_nonzero(condition))
        place[condition] = np.arange(start, start + count)
        start += count
        piece = function
        if callable(function):
            piece = function(x[condition], *args, **kw) if count else np.zeros(0)
        pieces.append(np.broadcast_to(piece, (count,)).astype(x.dtype))
    return np.concatenate(pieces)[place]


def _conditions(condlist: Any, shape: tuple[int, ...], count: int) -> list[Any]:
    """Read one condition or several, and add "otherwise" where a function more is given."""
    single = np.isscalar(condlist) or (not isinstance(condlist[0], (list, np.ndarray)) and shape)
    conditions = [np.asarray(c, bool) for c in ([condlist] if single else condlist)]
    if len(conditions) == count - 1:
        conditions.append(~np.any(conditions, axis=0))
    if len(conditions) != count:
        n = len(conditions)
        raise ValueError(f"with {n} condition(s), either {n} or {n + 1} functions are expected")
    return conditions


_ADAPTED: dict[Function, Function] = {
    np.choose: _choose,
    np.select: _select,
    np.compress: _compress,
    np.extract: _extract,
    np.trim_zeros: _trim_zeros,
    np.piecewise: _piecewise,
}
ADAPTERS.update(_ADAPTED)
MASKING.update({np.triu, np.tril, np.delete, np.choose, np.select})
CONSTANTS.update(
    {
        *(np.argwhere, np.argpartition, np.lexsort, np.digitize, np.isin),
        *(np.tril_indices_from, np.triu_indices_from, np.diag_indices_from),
    }
)
