"""Parameters by name: what optimizers read and write, and what gradients are asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import ItemsView, Iterable, Iterator, Mapping, MutableMapping, ValuesView
from sys import getrefcount
from typing import Any

import numpy as np

from minigrad.graph import Array, write
from minigrad.tensor import Tensor


class Params(MutableMapping[str, Array]):
    """A mapping from names to the arrays that the layers compute with, in a fixed order.

    `params[k]` is the layer's own array. `params[k] -= d` and `params[k] = v` write into it, and
    from then on a graph that was recorded before refuses to run backward. A write into an array
    that was taken out, `for p in params.values(): p -= d`, reaches the layer too, but is not seen.

    Raises:
        KeyError: for a name that is not among the parameters; none can be added or deleted.
        ValueError: when an array of another shape is assigned.

    >>> import minigrad as mg
    >>> params = mg.Affine(2, 1, rng=0).params
    >>> params["b"] -= 1.0
    >>> dict(params)["b"]
    array([-1.])
    """

    def __init__(self, tensors: Mapping[str, Tensor]) -> None:
        self._tensors = tensors

    def __getitem__(self, name: str) -> Array:
        try:
            return self._tensors[name]._array
        except KeyError:
            raise KeyError(unknown(name, self._tensors)) from None

    def __setitem__(self, name: str, value: Any) -> None:
        tensor = self._tensors.get(name)
        if tensor is None:
            raise KeyError(unknown(name, self._tensors))
        if value is not tensor._array:
            value = self._checked(name, value)
        tensor.name = tensor.name or name
        write(tensor, value)

    def _checked(self, name: str, value: Any) -> Array:
        """Refuse what cannot stand in a parameter's place."""
        shape, array = self[name].shape, np.asarray(value)
        if array.shape != shape:
            raise ValueError(
                f"parameter {name} has shape {shape} and cannot take shape {array.shape}"
            )
        if array.dtype.kind not in "fiub":
            raise TypeError(f"parameter {name} holds floats and cannot take {array.dtype}")
        return array

    def items(self) -> ItemsView[str, Array]:
        """Return pairs of name and array."""
        return {name: tensor._array for name, tensor in self._tensors.items()}.items()

    def values(self) -> ValuesView[Array]:
        """Return the arrays."""
        return {name: tensor._array for name, tensor in self._tensors.items()}.values()

    def __delitem__(self, name: str) -> None:
        raise KeyError(f"parameter {name} belongs to its layer and cannot be deleted")

    def clear(self) -> None:
        """Refuse: parameters belong to their layers."""
        raise KeyError("parameters belong to their layers and cannot be deleted")

    def __iter__(self) -> Iterator[str]:
        return iter(self._tensors)

    def __len__(self) -> int:
        return len(self._tensors)

    def __repr__(self) -> str:
        shapes = ", ".join(f"{name}: {t.shape}" for name, t in self._tensors.items())
        return f"Params({shapes})"


def lay_end_to_end(tensors: Iterable[Tensor]) -> None:
    """Move the values of parameters into one buffer for each dtype, in this order.

    Optimizers then go through them as one array. An array that somebody else holds stays where it
    is, and so does one in a buffer that somebody holds a view of, or a graph: what is written into
    it must go on reaching the layer.
    """
    movable: dict[Any, list[Tensor]] = {}
    for tensor in _held_by_nobody_else(tensors):
        movable.setdefault(tensor._array.dtype, []).append(tensor)
    for dtype, group in movable.items():
        buffer = np.empty(sum(tensor.size for tensor in group), dtype)
        start = 0
        for tensor in group:
            end = start + tensor.size
            place = buffer[start:end].reshape(tensor.shape)
            place[...] = tensor._array
            tensor._array = place
            start = end


def _held_by_nobody_else(tensors: Iterable[Tensor]) -> list[Tensor]:
    """Choose the tensors whose arrays, and the buffers under them, nothing else refers to."""
    alone = [tensor for tensor in tensors if getrefcount(tensor._array) == _HELD_BY_ONE]
    views = Counter(id(tensor._array.base) for tensor in alone)
    return [
        tensor
        for tensor in alone
        if tensor._array.base is None
        or getrefcount(tensor._array.base) == views[id(tensor._array.base)] + _HELD_BY_ONE - 1
    ]


def _held_by_one() -> int:
    """Count the references to an array in a slot, as `getrefcount` sees them."""
    tensor = Tensor(0.0)
    return getrefcount(tensor._array)


_HELD_BY_ONE = _held_by_one()


def unknown(name: object, known: Mapping[str, Any]) -> str:
    """Say that a name is not known, and which one was perhaps meant."""
    import difflib

    folded = {key.casefold(): key for key in known}
    close = difflib.get_close_matches(str(name).casefold(), folded, n=1)
    hint = f"; did you mean {folded[close[0]]}?" if close else ""
    return f"no parameter {name!r} among {', '.join(known) or 'none'}{hint}"
