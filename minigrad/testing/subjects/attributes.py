"""Reaching into layers of other people by path: W, params[0], inner.W, params['W1']."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

_STEP = re.compile(r"\.?(\w+)|\[([^\]]+)\]")


def lookup(root: Any, path: str) -> Any:
    """Find what stands at a path.

    >>> lookup({"W": [1.0, 2.0]}, "['W'][1]")
    2.0
    """
    for name, index in _STEP.findall(path):
        root = getattr(root, name) if name else root[_key(index)]
    return root


def assign(root: Any, path: str, value: Any) -> None:
    """Put a value at a path.

    >>> held = {"W": [1.0, 2.0]}
    >>> assign(held, "['W'][1]", 3.0)
    >>> held
    {'W': [1.0, 3.0]}
    """
    name, index = _STEP.findall(path)[-1]
    holder = lookup(root, path[: path.rindex(name if name else "[")].rstrip("."))
    try:
        if name:
            setattr(holder, name, value)
        else:
            holder[_key(index)] = value
    except (AttributeError, TypeError):  # a property, a tuple: its array may still be written to
        pass
    held = lookup(root, path)
    if held is not value and not _put_into(held, value):
        raise AttributeError(f"nothing can be written to {path}")


def _put_into(held: Any, value: Any) -> bool:
    """Write into the array that a property handed out, where the value itself cannot be put."""
    if isinstance(held, np.ndarray) and held.flags.writeable and held.shape == np.shape(value):
        held[...] = value
        return True
    return bool(np.array_equal(held, value))


def matching_gradients(before: Any, after: Any) -> dict[str, str]:
    """Pair the parameters of a layer with their gradients, by the usual names, after a backward.

    W with dW, grad_W or W_grad; params[0] with grads[0]; params['W'] with grads['W']. A parameter
    may be one number: the slope of a PReLU.

    >>> class Affine:
    ...     def __init__(self): self.W, self.dW = np.ones(2), np.ones(2)
    >>> matching_gradients(Affine(), Affine())
    {'W': 'dW'}
    """
    held = (
        {k: v for k, v in vars(before).items() if _floats(v) or _kept_number(v, k, after)}
        if hasattr(before, "__dict__")
        else {}
    )
    found = {}
    for name in held:
        for spelled in (f"d{name}", f"grad_{name}", f"{name}_grad", f"d_{name}", f"g{name}"):
            alone = spelled not in found and hasattr(after, spelled)
            if alone and (_floats(held[name]) or _is_made(before, after, spelled)):
                found[name] = spelled
                break
    params, grads = getattr(before, "params", None), getattr(after, "grads", None)
    if found or params is None or grads is None:
        return found
    keys = list(params) if isinstance(params, dict) else range(len(params))
    return {f"params[{k!r}]": f"grads[{k!r}]" for k in keys if _floats(params[k])}


def _floats(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.dtype.kind == "f"


def _kept_number(value: Any, name: str, after: Any) -> bool:
    """Whether it is one number that forward did not write over, as it does with what it keeps."""
    kept = getattr(after, name, None)
    return isinstance(value, float | np.floating) and type(kept) is type(value) and kept == value


def _is_made(before: Any, after: Any, name: str) -> bool:
    """Whether backward made it: a number `t` beside a `dt` of the constructor is no parameter."""
    now, first = getattr(after, name), getattr(before, name, None)
    return np.asarray(now).dtype.kind == "f" and not np.array_equal(now, np.asarray(first))


def _key(index: str) -> Any:
    return int(index) if index.lstrip("-").isdigit() else index.strip("'\"")
