"""What people hand over in place of a layer, and what to hand over instead."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from minigrad.layers.base import Layer

_FUSED = {
    "softmaxcrossentropy": "SoftmaxWithLoss",
    "binarycrossentropywithlogits": "SigmoidWithLoss",
}


def instead_of(thing: Any) -> str:
    """Say what to write in place of something that is no layer.

    >>> instead_of(np.tanh)
    'np.tanh is a function, and its layer is mg.Tanh()'
    """
    if isinstance(thing, type):
        ours = thing.__module__.startswith("minigrad.")
        return f"{thing.__name__} is a class: put brackets behind it, {'mg.' * ours}{_made(thing)}"
    if isinstance(thing, (list, tuple)):
        return "a list of layers is no layer: unpack it with *, mg.Sequential(*layers)"
    name = thing if isinstance(thing, str) else getattr(thing, "__name__", "")
    layer = _layer_called(name)
    if layer and isinstance(thing, str):
        return f"{thing!r} is text, and the layer is mg.{_made(layer)}"
    if layer:
        library = "np." if isinstance(thing, np.ufunc) else ""
        return f"{library}{name} is a function, and its layer is mg.{_made(layer)}"
    if callable(thing):
        return (
            f"{name or repr(thing)} is a function: a layer is an object of a class, "
            "class MyLayer(mg.Layer) with def __call__(self, x), or has forward and backward"
        )
    return f"a layer is an object with forward and backward, and {thing!r:.60} is none"


def _made(layer: type) -> str:
    """Write how an object of a class is made."""
    return f"{layer.__name__}({'n_in, n_out' if layer.__name__ == 'Affine' else ''})"


def _layer_called(name: str) -> type | None:
    """Find the layer that a function is named for: leaky_relu, LeakyReLU."""
    folded = name.casefold().replace("_", "")
    wanted = _FUSED.get(folded, folded).casefold()
    return next((layer for layer in _ours(Layer) if layer.__name__.casefold() == wanted), None)


def _ours(layer: type) -> Iterator[type]:
    """List the classes of this package below one."""
    below: type
    for below in layer.__subclasses__():
        yield from _ours(below)
        if below.__module__ in ("minigrad.layers.basic", "minigrad.layers.losses"):
            yield below
