"""Functions that are refused by name, with what to write instead.

A Tensor is a value: functions that write into their argument would change what the graph saw, or
lose the gradient of what they write.
"""

from __future__ import annotations

import functools
from typing import Any, NoReturn

import numpy as np

from minigrad.kinds import Function, called
from minigrad.tensor import ADAPTERS

_WRITES = "writes into an array, which the graph could not see: "

REFUSALS: dict[Function, str] = {
    np.put: _WRITES + "y = x.at[np.unravel_index(ind, x.shape)].set(v) makes a new Tensor",
    np.place: _WRITES + "y = x.at[mask].set(vals), or np.where(mask, values, x)",
    np.putmask: _WRITES + "y = np.where(mask, values, x)",
    np.copyto: _WRITES + "y = np.where(where, src, dst), or np.broadcast_to(src, shape)",
    np.put_along_axis: _WRITES + "y = x.at[index].set(values), with an index array for every axis",
    np.fill_diagonal: _WRITES + "y = x.at[np.diag_indices(n)].set(val)",
    np.save: "would drop the gradient: save the .data",
    np.savez: "would drop the gradient: save the .data; net.save(path) keeps the parameters",
    np.savez_compressed: "would drop the gradient: save the .data",
    np.savetxt: "would drop the gradient: save the .data",
}


def _refuse(function: Function, *args: Any, **kwargs: Any) -> NoReturn:
    """Say what to write instead."""
    raise TypeError(f"{called(function)} of a Tensor {REFUSALS[function]}")


for refused in REFUSALS:
    ADAPTERS[refused] = functools.partial(_refuse, refused)
