"""A network at a glance: its layers by path, what comes out of each, and how many parameters."""

from __future__ import annotations

import copy
import types
from typing import Any

import numpy as np

from minigrad.layers import Affine, Layer
from minigrad.layers.structure import layers_by_path


def summary(net: Any, x: Any = None) -> str:
    """Tabulate the innermost layers of a network: path, layer, output shape, parameters.

    Args:
        net: the network.
        x: a batch of inputs to find the shapes with; when None, a row of zeros, if the first layer
            with weights is an Affine.

    >>> import minigrad as mg
    >>> print(summary(mg.mlp([784, 50, 10], rng=0)))
    path    layer            output   parameters
    net[0]  Affine(784, 50)  (N, 50)      39,250
    net[1]  ReLU()           (N, 50)           0
    net[2]  Affine(50, 10)   (N, 10)         510
    total                                 39,760
    """
    shapes = _output_shapes(net, x)
    rows = [("path", "layer", "output", "parameters")]
    layers = list(layers_by_path(net))
    inner = {path: len(list(layers_by_path(layer))) - 1 for path, layer in layers}
    sizes: dict[str, int] = {}
    counted: set[int] = set()
    for path, layer in sorted(layers, key=lambda pair: inner[pair[0]]):  # innermost first
        tensors = {id(t): t.size for t in layer.tensors().values() if id(t) not in counted}
        counted |= tensors.keys()
        sizes[path] = sum(tensors.values())
    for path, layer in layers:
        if sizes[path] or not (inner[path] or layer is net.loss_layer):
            name = type(layer).__name__ if inner[path] else repr(layer)
            rows.append((path, name, shapes.get(path, "?"), f"{sizes[path]:,}"))
    rows.append(("total", "", "", f"{sum(p.size for p in net.params.values()):,}"))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            [*(c.ljust(w) for c, w in zip(row[:3], widths, strict=False)), row[3].rjust(widths[3])]
        )
        for row in rows
    )


def _output_shapes(net: Any, x: Any) -> dict[str, str]:
    """Run a copy of the network whose layers note the shapes that they put out."""
    if x is None:
        affine = next((layer for _, layer in layers_by_path(net) if hasattr(layer, "W")), None)
        if not isinstance(affine, Affine):
            return {}
        x = np.zeros((1, affine.W.shape[0]))
        try:
            return _output_shapes(net, x)
        except (ValueError, TypeError, IndexError):
            return {}  # rows of zeros are not what this network takes
    twin = copy.deepcopy(net)
    shapes: dict[str, str] = {}
    for path, layer in layers_by_path(twin):
        if layer is not twin:
            _note_shape(layer, path, shapes)
    twin.predict(x)
    return shapes


def _note_shape(layer: Layer, path: str, shapes: dict[str, str]) -> None:
    """Make the layer one of a subclass that notes each output's shape, N for the batch."""
    kind = type(layer)

    def call(self: Layer, *inputs: Any, **options: Any) -> Any:
        y = kind.__call__(self, *inputs, **options)
        shapes[path] = (
            "("
            + ", ".join(["N", *map(str, np.shape(y)[1:])])
            + ("," if np.ndim(y) == 1 else "")
            + ")"
        )
        return y

    members = {"__call__": call, "__module__": kind.__module__}
    noting = types.new_class(
        kind.__name__, (kind,), {"abstract": True}, lambda ns: ns.update(members)
    )
    layer.__class__ = noting
