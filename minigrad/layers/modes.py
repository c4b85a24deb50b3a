"""Training or testing: `train_flag` must reach every layer that asks for it.

A layer that holds others passes the flag on. One that does not take it cannot, and the layers
inside would be in one mode for ever: a Dropout would go on dropping in `predict`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from minigrad.layers.structure import Part


def check_train_flag(holders: Iterable[Any]) -> None:
    """Refuse a layer that takes no `train_flag` and holds one that does; a loss is never given it.

    Raises:
        TypeError: that names both, and what to write.
    """
    for holder in holders:
        if holder.takes_train_flag:
            continue
        loss = getattr(holder, "loss_layer", None)
        for attribute, inner in _held(vars(holder).items()):
            if inner is not loss and inner.heeds_train_flag():
                name, way = type(holder).__name__, "forward" if holder.is_by_hand() else "__call__"
                raise TypeError(
                    f"{name}.{way} takes no train_flag, and its {attribute}, a "
                    f"{type(inner).__name__}, would be in one mode for ever: write "
                    f"def {way}(self, x, train_flag=False) and pass it on, "
                    f"self.{attribute}(x, train_flag=train_flag)"
                )


def _held(items: Iterable[tuple[Any, Any]]) -> Iterable[tuple[str, Any]]:
    """List the layers among some values, in lists, tuples and dicts too, with their paths."""
    for name, value in items:
        if isinstance(value, Part):
            yield str(name), value
        elif isinstance(value, (list, tuple)):
            yield from _held((f"{name}[{i}]", item) for i, item in enumerate(value))
        elif isinstance(value, dict):
            yield from _held((f"{name}[{key!r}]", item) for key, item in value.items())
