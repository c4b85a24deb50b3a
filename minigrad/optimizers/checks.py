"""What optimizers are handed: numbers and arrays made alike, and checked before a write.

All faults of one call are found first and raised together, so that nothing is half done.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
_PLAIN = {np.dtype(np.float32), np.dtype(np.float64)}


def working(p: Any) -> Array:
    """The array that a rule works on: p itself, or a copy of a number or of a narrow array."""
    W = np.asarray(p if isinstance(p, (np.ndarray, np.floating)) else float(p))
    return W.astype(np.result_type(W.dtype, np.float32), copy=False)


def finished(p: Any, W: Array) -> Any:
    """The parameter p with its new value W: the same array, or a number of the same kind."""
    if not isinstance(p, np.ndarray):
        return p.dtype.type(W) if isinstance(p, np.floating) else float(W)
    if p is not W:
        p[...] = W
    return p


def matched(params: Any, grads: Any) -> list[tuple[str, Any, Array, Array]]:
    """Match parameters with gradients, and check them: a list of (name, p, W, g).

    W is what a rule works on, and g the gradient in its dtype; a copy of one that would be
    overwritten, because it lies in the memory of a parameter.
    """
    check_mapping("params", params)
    check_mapping("grads", grads)
    if not hasattr(params, "__setitem__"):
        raise TypeError(f"params is a read-only {type(params).__name__}: use net.params or a dict")
    if list(params) != list(grads):
        _check_names(params, grads)
    found, faults = [], []
    for key, p in params.items():
        W, g = p, grads[key]
        if not _is_plain(key, p, g):
            bad = list(_faults(key, p, g))
            faults += bad
            if bad:
                continue
            W = working(p)
            g = np.asarray(g, W.dtype)
        found.append((key, p, W, g))
    raise_all(faults)
    owners = {owner(W) for _, _, W, _ in found}
    return [(k, p, W, g.copy() if owner(g) in owners else g) for k, p, W, g in found]


def owner(a: Array) -> int:
    """Tell whose memory an array lies in: the same for all arrays that may overlap."""
    return id(a if a.base is None else a.base)


def _is_plain(key: Any, p: Any, g: Any) -> bool:
    """Tell at a glance that there is nothing to mend, as with almost every parameter."""
    return (
        type(p) is type(g) is np.ndarray
        and p.dtype in _PLAIN
        and p.dtype == g.dtype
        and p.shape == g.shape
        and p.flags.writeable
        and type(key) is str
    )


def _is_number(p: Any) -> bool:
    return isinstance(p, Real) and not isinstance(p, bool)


def _check_names(params: Mapping[str, Any], grads: Mapping[str, Any]) -> None:
    missing = [key for key in params if key not in grads]
    unexpected = [key for key in grads if key not in params]
    if missing or unexpected:
        told = [f"lacks {missing}"] * bool(missing) + [f"has unexpected {unexpected}"] * bool(
            unexpected
        )
        raise KeyError(
            f"params and grads must have the same names, but grads {' and '.join(told)}: take both "
            "from one network"
        )


def check_mapping(role: str, given: Any) -> None:
    """Raise TypeError for what is no mapping."""
    if not isinstance(given, Mapping):
        raise TypeError(
            f"{role} must be a mapping from names to arrays, not a {type(given).__name__}: "
            "use net.params, net.gradient(x, t) or dict(zip(names, arrays))"
        )


def raise_all(faults: Iterable[Exception]) -> None:
    """Raise all the faults as one, which is of the first one's type."""
    found = list(faults)
    if found:
        raise type(found[0])("; ".join(map(str, found)))


def _faults(key: Any, p: Any, g: Any) -> Iterator[Exception]:
    if not isinstance(key, str):
        yield TypeError(f"parameter names are strings, not {key!r}")
    elif not isinstance(p, np.ndarray) and not _is_number(p):
        yield TypeError(f"parameter {key!r} is a {type(p).__name__}, not an array: use net.params")
    elif isinstance(p, np.ndarray) and p.dtype.kind != "f":
        yield TypeError(f"parameter {key!r} holds {p.dtype}, not floats: use .astype(float)")
    elif isinstance(p, np.ndarray) and not p.flags.writeable:
        yield ValueError(f"parameter {key!r} is read-only: hand over net.params, or a .copy()")
    elif bad := list(gradient_faults(key, g)):
        yield from bad
    elif np.shape(p) != np.shape(g):
        yield ValueError(
            f"parameter {key!r} has shape {np.shape(p)} but its gradient {np.shape(g)}: "
            "sum over the axes that were broadcast, or take both from one network"
        )


def gradient_faults(key: Any, g: Any) -> Iterator[Exception]:
    """Find what makes `g` no gradient."""
    if not isinstance(g, np.ndarray) and not _is_number(g):
        yield TypeError(
            f"the gradient of {key!r} is a {type(g).__name__}, not an array: use its .data, or "
            "zeros where nothing depends on the parameter"
        )
    elif np.asarray(g).dtype.kind not in "fiu":
        yield TypeError(f"the gradient of {key!r} holds {g.dtype}, not real numbers")


def by_state(entries: Any, names: Iterable[str]) -> dict[str, dict[str, Array]]:
    """Sort the entries `name.key` of a state_dict: {name: {key: a copy}}."""
    check_mapping("the state", entries)
    found: dict[str, dict[str, Array]] = {name: {} for name in names}
    unexpected = []
    for entry, value in entries.items():
        name, dot, key = str(entry).partition(".")
        if dot and name in found:
            found[name][key] = np.array(value)
        elif entry != "step":
            unexpected.append(entry)
    keys = dict.fromkeys(key for by_key in found.values() for key in by_key)
    missing = [f"{name}.{key}" for key in keys for name in found if key not in found[name]]
    missing += [] if "step" in entries else ["step"]
    if missing or unexpected:
        raise KeyError(
            f"the state lacks {missing} and has the unexpected {unexpected}: "
            "load what state_dict() of the same kind of optimizer returned"
        )
    return found


def state_faults(step: Any, t: Mapping[str, Array], states: Any) -> Iterator[Exception]:
    """What is no count among `step` and `t`, and which states of one parameter are not alike."""
    for entry, count in {"step": np.asarray(step), **{f"t.{key}": t[key] for key in t}}.items():
        if count.shape != () or count.dtype.kind not in "iu" or count < 0:
            yield ValueError(f"{entry} must be a whole number, not {count}")
    for key in t:
        arrays = {f"{name}.{key}": by_key[key] for name, by_key in states.items()}
        for entry, array in arrays.items():
            if array.dtype.kind != "f":
                yield TypeError(f"{entry} holds {array.dtype}, not floats")
        if len({array.shape for array in arrays.values()}) > 1:
            shapes = ", ".join(f"{entry} {array.shape}" for entry, array in arrays.items())
            yield ValueError(f"the states of {key!r} differ in shape: {shapes}")
