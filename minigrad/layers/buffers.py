"""Buffers: arrays that a layer keeps beside its parameters, and that belong to the trained net.

The running statistics of a batch normalisation are the example: no gradient reaches them, training
changes them, and `predict` needs them. A layer names them, `buffers = ("running_mean", …)`; they
are saved and loaded with the parameters. Caches between forward and backward are no buffers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from minigrad.graph import Array
from minigrad.layers.inside import attributes
from minigrad.layers.structure import layers_by_path


def found_in(net: Any) -> dict[str, tuple[Any, str]]:
    """Name all buffers in a network, each with the object and the attribute that it is."""
    return {
        f"{_dotted(path)}{attribute}": (layer._owner, attribute)
        for path, layer in layers_by_path(net)
        for attribute in layer.buffers or ()
    }


def state(net: Any) -> dict[str, Array]:
    """Copy all buffers in a network that hold something by now: {name: array}."""
    held = {name: getattr(*place, None) for name, place in found_in(net).items()}
    return {name: np.array(value) for name, value in held.items() if value is not None}


def fitted(net: Any, state: Mapping[str, Any]) -> dict[str, Array]:
    """Choose the values of all buffers in a network from a state.

    Raises:
        ValueError: that lists all missing and unfit entries.
    """
    faults, found = [], {}
    for name, place in found_in(net).items():
        current, value = getattr(*place, None), np.array(state.get(name, None))
        if name in state and value.dtype.kind not in "fiub":
            faults.append(f"{name} holds {value.dtype}, not numbers")
        elif name in state and current is not None and np.shape(current) != value.shape:
            faults.append(f"{name} has shape {value.shape}, the network's has {np.shape(current)}")
        elif name in state:
            found[name] = value
        elif current is not None:
            faults.append(f"missing {name} {np.shape(current)}")
    if faults:
        raise ValueError("the state does not fit this network: " + "; ".join(faults))
    return found


def undeclared(net: Any) -> Iterator[str]:
    """Tell of arrays that may be buffers, in layers that say nothing of them.

    A layer that does the same in training and testing has nothing to learn on the way.
    """
    for path, layer in layers_by_path(net):
        if layer.buffers is None and layer.heeds_train_flag():
            known = {*layer.param_grads, *layer.param_grads.values()}
            held = [
                name
                for name, value in attributes(layer._owner).items()
                if isinstance(value, np.ndarray) and value.dtype.kind == "f" and name not in known
            ]
            if held:
                yield (
                    f"{path} {type(layer._owner).__name__} keeps arrays that are not saved, "
                    f"{', '.join(held)}: name those that belong to the trained net, buffers = "
                    f'("{held[0]}",) in its class or mg.wrap(..., buffers=["{held[0]}"]); () if '
                    "none does"
                )


def _dotted(path: str) -> str:
    """Write a Python path as the names of parameters are: net.encoder[0] -> encoder.0."""
    dotted = re.sub(r"\[(['\"]?)(.*?)\1\]", r".\2", path).removeprefix("net").lstrip(".")
    return dotted and f"{dotted}."
