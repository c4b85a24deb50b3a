"""The discrete decisions in a graph: which side of a corner each entry is on.

A piecewise function is smooth as long as no decision changes: the sign in abs, the larger one in
maximum, the order in sort, the mask in where. The graph remembers what each decision was made from,
so that crossing a corner is seen exactly, and not guessed from slopes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np

from minigrad import functions
from minigrad.graph import Array, Node, operands
from minigrad.kinds import called


class Decision(NamedTuple):
    """What one call decided.

    Attributes:
        name: of the function.
        choice: the decisions, as an array.
        margin: how far each is from changing; None where that is not known.
    """

    name: str
    choice: Array
    margin: Array | None


Decide = Callable[..., tuple[Array, Array | None]]


def decisions(outputs: Iterable[Any]) -> list[Decision]:
    """List the decisions behind some outputs, oldest first.

    >>> import minigrad as mg
    >>> decisions([np.abs(mg.Tensor([-2.0, 3.0]))])
    [Decision(name='np.absolute', choice=array([-1.,  1.]), margin=array([2., 3.]))]
    """
    found: dict[int, Node] = {}
    stack = [y for y in outputs if isinstance(y, Node)]
    while stack:
        node = stack.pop()
        if node._birth not in found:
            found[node._birth] = node
            stack += operands(node)
    return [one for birth in sorted(found) for one in _of(found[birth])]


def changed(before: list[Decision], after: list[Decision]) -> tuple[str, str] | None:
    """Find the first decision that differs: the function's name, and the entry with its margin.

    >>> a = [Decision("np.absolute", np.array([1.0, -1.0]), np.array([2.0, 3.0]))]
    >>> b = [Decision("np.absolute", np.array([1.0, 1.0]), None)]
    >>> changed(a, b), changed(a, a)
    (('np.absolute', 'entry [1], 3 from its corner'), None)
    """
    if [d.name for d in before] != [d.name for d in after]:
        return "the function", "another branch"
    for a, b in zip(before, after, strict=True):
        if a.choice.shape != b.choice.shape:
            return a.name, "another shape"
        differ = np.argwhere(a.choice != b.choice)
        if len(differ):
            index = tuple(int(i) for i in differ[0])
            far = "" if a.margin is None else f", {float(a.margin[index]):.3g} from its corner"
            return a.name, f"entry [{', '.join(map(str, index))}]{far}"
    return None


def _of(node: Node) -> Iterable[Decision]:
    """What a call decided, and which decisions it was handed as constants."""
    function: Any = node._function
    name, decide = called(function), DECIDES.get(function)
    if decide is not None:
        choice, margin = decide(node._array, *node._values, **node._keywords)
        yield Decision(name, np.asarray(choice), None if margin is None else np.asarray(margin))
    for value in node._values:
        if isinstance(value, np.ndarray) and value.dtype.kind in "biu" and value.size:
            yield Decision(name, value, None)


# ---- how each function decides: (output, *arguments, **keywords) -> choice, margin ---------------
def _sign(y: Array, x: Array, *_: Any, **__: Any) -> tuple[Array, Array]:
    return np.sign(x), np.abs(x)


def _larger(y: Array, a: Any, b: Any, **_: Any) -> tuple[Array, Array]:
    gap = np.subtract(a, b)
    return np.sign(gap), np.abs(gap)


def _extreme(y: Array, x: Array, axis: Any = None, *_: Any, **__: Any) -> tuple[Array, None]:
    """Which entries are the largest, or the smallest, ones."""
    if axis is not None and y.ndim < x.ndim:
        y = np.expand_dims(y, axis)
    return x == y, None


def _order(y: Array, x: Array, axis: Any = -1, *_: Any, **__: Any) -> tuple[Array, None]:
    """The order of the entries, which decides what sort and its kin move where."""
    axes = axis if isinstance(axis, int) else None
    return np.argsort(x, axis=axes, kind="stable"), None


def _parted(y: Array, x: Array, kth: Any, axis: Any = -1, *_: Any, **__: Any) -> tuple[Array, None]:
    return _order(y, x, axis)


def _ordered(y: Array, x: Array, *_: Any, **__: Any) -> tuple[Array, None]:
    return np.argsort(x, axis=None, kind="stable"), None


def _clipped(y: Array, x: Array, *limits: Any, **named: Any) -> tuple[Array, Array]:
    """Whether each entry is between the limits, and how far from the nearer one."""
    given = [v for v in (*limits, *named.values()) if v is not None and np.ndim(v) <= y.ndim]
    sides = np.stack([np.sign(np.broadcast_to(np.subtract(x, v), y.shape)) for v in given])
    gaps = np.stack([np.abs(np.broadcast_to(np.subtract(x, v), y.shape)) for v in given])
    return np.sum(sides * 3 ** np.arange(len(given)).reshape(-1, *[1] * y.ndim), axis=0), gaps.min(
        axis=0
    )


def _multiple(y: Array, a: Any, b: Any, **_: Any) -> tuple[Array, Array]:
    """How many times b goes into a."""
    times = np.true_divide(a, b)
    return np.floor(times), np.abs(times - np.rint(times))


DECIDES: dict[Any, Decide] = {
    **dict.fromkeys((np.absolute, np.fabs, functions.relu, functions.leaky_relu), _sign),
    **dict.fromkeys((np.maximum, np.minimum, np.fmax, np.fmin), _larger),
    **dict.fromkeys((np.max, np.min, np.nanmax, np.nanmin), _extreme),
    np.sort: _order,
    np.partition: _parted,
    **dict.fromkeys((np.median, np.percentile, np.quantile), _ordered),
    **dict.fromkeys((np.nanmedian, np.nanpercentile, np.nanquantile), _ordered),
    **dict.fromkeys((np.remainder, np.fmod), _multiple),
    np.clip: _clipped,
}
