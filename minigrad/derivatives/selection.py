"""Functions that choose entries by a condition or a number: the choice itself is a constant.

An entry that is not chosen has gradient 0. `np.trim_zeros` decides by the values how many entries
are left; that decision is a constant too.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad.calls import apply
from minigrad.constants import arrays
from minigrad.derivatives.indexing import along, scatter
from minigrad.kinds import COMPLEX, Function
from minigrad.table import CONSTANTS, MASKING, RECORDED, defvjp
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
RECORDED.update({np.choose: _chosen, np.select: _selected})


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
    return apply(Tensor, np.select, (*choicelist, default), {"condlist": condlist}, _selected)


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

    NumPy reads the conditions: called with places for x, it hands each function its places. The
    pieces are joined, and an index puts each entry where it belongs; the later function wins.
    """
    chosen = [np.zeros(0, int)] * len(funclist)

    def note(k: int, entries: Any) -> Any:
        chosen[k] = entries
        return entries

    notes = [functools.partial(note, k) for k in range(len(funclist))]
    np.piecewise(np.arange(x.size).reshape(x.shape), arrays(condlist), notes)
    flat = np.ravel(x)
    pieces = [np.zeros(1, x.dtype), flat[:0]]  # where no condition is true; and a history
    place, start = np.zeros(x.size, int), 1
    for function, entries in zip(funclist, chosen, strict=True):
        place[entries] = np.arange(start, start + entries.size)
        start += entries.size
        if entries.size:
            piece = function(flat[entries], *args, **kw) if callable(function) else function
            pieces.append(np.broadcast_to(piece, entries.shape).astype(x.dtype))
    return np.concatenate(pieces)[place.reshape(x.shape)]


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
COMPLEX.update(
    {
        *(np.triu, np.tril, np.delete, np.choose, np.select),
        *(np.compress, np.extract, np.trim_zeros, np.piecewise),
    }
)
