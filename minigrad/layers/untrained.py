"""Arrays that stand where parameters would: a layer written forward only that holds no Tensor.

`self.W = np.zeros((3, 4))` is a constant, and training leaves it as it is. That may be meant, as a
table of positions is; mostly it is forgotten, and the net learns around it without a word.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

import numpy as np

from minigrad.graph import Array, Node
from minigrad.layers.inside import attributes
from minigrad.layers.structure import layers_by_path

Held: TypeAlias = dict[tuple[str, str], Array]  # by the layer's path and the attribute
_HOME = os.path.dirname(os.path.dirname(__file__)) + os.sep
WEIGHTS = re.compile(r"[wWbB]\d*|[wW]_?\w{1,2}|(weights?|bias|kernel|theta|gamma|beta)\d*")


def constants_in(net: Any) -> Held:
    """List arrays of floats that layers hold, and say nothing of, instead of Tensors.

    In a network itself, which may hold a mean and a scale of its data, those called as weights are.
    """
    found: Held = {}
    for path, layer in layers_by_path(net):
        held = attributes(layer)
        ours = type(layer).__module__.partition(".")[0] == __name__.partition(".")[0]
        by_hand = layer.is_by_hand() or layer._owner is not layer
        has_tensor = any(isinstance(value, Node) for value in held.values())
        if ours or by_hand or has_tensor or layer.buffers is not None:
            continue
        for name, value in held.items():
            is_floats = isinstance(value, np.ndarray) and value.ndim and value.dtype.kind in "fc"
            if is_floats and (layer is not net or WEIGHTS.fullmatch(name)):
                found[path, name] = value
    return found


def forgotten(net: Any, before: Mapping[tuple[str, str], Array]) -> Iterator[str]:
    """Tell of those that a pass left in place: what it replaces, it keeps for itself."""
    layers = dict(layers_by_path(net))
    names: dict[str, list[str]] = {}
    for (path, name), value in before.items():
        if attributes(layers[path]).get(name) is value:
            names.setdefault(path, []).append(name)
    for path, held in names.items():
        kind = "array" if len(held) == 1 else "arrays"
        yield (
            f"{path} {type(layers[path]).__name__} holds no Tensor, and the {kind} "
            f"{', '.join(held)}, which training leaves as it is: self.{held[0]} = mg.Tensor(...) "
            f"makes a parameter; buffers = ({held[0]!r},) in the class says that a constant is "
            "meant"
        )


def calls_inside() -> int:
    """Count the calls between here and the learner's code: the `stacklevel` of a warning."""
    frame, count = sys._getframe(1), 1
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_HOME):
        frame, count = frame.f_back, count + 1
    return count
