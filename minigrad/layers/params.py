"""Parameters by name: what optimizers read and write, and what gradients are asked for."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any

import numpy as np

from minigrad.graph import Array, write
from minigrad.tensor import Tensor


class Params(MutableMapping[str, Array]):
    """A mapping from names to the arrays that the layers compute with, in a fixed order.

    `params[k]` is the layer's own array. `params[k] -= d` and `params[k] = v` write into it, and
    from then on a graph that was recorded before refuses to run backward.

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
            return self._tensors[name]._data
        except KeyError:
            raise KeyError(unknown(name, self._tensors)) from None

    def __setitem__(self, name: str, value: Any) -> None:
        array = self[name]
        if value is not array:
            value = np.asarray(value)
            if value.shape != array.shape:
                raise ValueError(
                    f"parameter {name} has shape {array.shape} and cannot take shape {value.shape}"
                )
            if value.dtype.kind not in "fiub":
                raise TypeError(f"parameter {name} holds floats and cannot take {value.dtype}")
        tensor = self._tensors[name]
        tensor.name = tensor.name or name
        write(tensor, value)

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


def unknown(name: object, known: Mapping[str, Any]) -> str:
    """Say that a name is not known, and which one was perhaps meant."""
    folded = {key.casefold(): key for key in known}
    close = difflib.get_close_matches(str(name).casefold(), folded, n=1)
    hint = f"; did you mean {folded[close[0]]}?" if close else ""
    return f"no parameter {name!r} among {', '.join(known) or 'none'}{hint}"
