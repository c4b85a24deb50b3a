"""Where the local derivatives of a backward that was written by hand stand.

All that it makes of all gradients is at hand: how each entry of a share hangs on each entry of the
gradient. What is said of one entry must hold for all of them, zeros included, and for other numbers
that the layer is run again on: among the numbers of a pass, zeros, ones and equal ones tell little.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np

from minigrad.explain.data.factors import FORMS, Axes, Index, Source, guesses
from minigrad.explain.data.lettering import Derivative
from minigrad.explain.data.model import Contribution, Step, Trace
from minigrad.explain.data.redrawn import Drawn, drawn_by_hand
from minigrad.explain.data.shares import jacobian
from minigrad.graph import Array

Ties = tuple[tuple[int, int], ...]  # axes of an entry, each with the axis of g that it goes along
_SAMPLE = 50  # entries that a guess is tried on first
_found: WeakKeyDictionary[Step, dict[int, Pattern | None]] = WeakKeyDictionary()


class Pattern(NamedTuple):
    """Which entries of the gradient have a part in an entry, and what they are multiplied by."""

    ties: Ties
    shape: Index  # of the gradient
    source: Source | Derivative | None  # None where it is a number, the same everywhere
    generic: Array | None  # where the latter have a part, of other numbers; None: all that are tied

    def places(self, index: Index) -> list[Index]:
        """List the entries of the gradient that have a part in an entry."""
        if self.generic is not None:
            return [tuple(map(int, place)) for place in np.argwhere(self.generic[index])]
        tied = {of_g: index[axis] for axis, of_g in self.ties}
        taken = [[tied[k]] if k in tied else range(n) for k, n in enumerate(self.shape)]
        return [*itertools.product(*taken)]


class _Seen(NamedTuple):
    """What a backward makes of all gradients, and the arrays that it may read."""

    jacobian: Array
    arrays: Mapping[str, Any]


def pattern_of(trace: Trace, step: Step, c: Contribution) -> Pattern | None:
    """Find how all entries of a share hang on the gradient; None where there is no room for it."""
    known = _found.setdefault(step, {})
    if c.position not in known:
        known[c.position] = _pattern(trace, step, c)
    return known[c.position]


def _pattern(trace: Trace, step: Step, c: Contribution) -> Pattern | None:
    own = jacobian(trace, step, c)
    if own is None or not np.all(np.isfinite(own)):
        return None
    line, entry = trace.lines[step.line], c.share.ndim
    named = {i: trace.lines[i].name for i in (*line.operands, step.line) if i is not None}
    here = {name: trace.lines[i].value for i, name in named.items()}
    seen = [_Seen(own, {**step.caches, **here})]
    order = [*dict.fromkeys([*here, *step.caches])]
    drawn = drawn_by_hand(trace, step)
    if drawn is not None:
        seen.append(_Seen(drawn.jacobian(step, c), _drawn_arrays(trace, step, drawn)))
    ties = _ties([each.jacobian for each in seen], entry)
    for tied in (t for n in range(len(ties) + 1) for t in itertools.combinations(ties, n)):
        if len({k for k, _ in tied}) == len(tied) == len({k for _, k in tied}):
            support = _support(tied, own.shape, entry)
            if _is_one_number(np.stack([each.jacobian[tuple(support)] for each in seen])):
                return Pattern(tied, step.gradient.shape, None, None)
            source = _source(seen, order, support, entry)
            if source is not None:
                return Pattern(tied, step.gradient.shape, source, None)
    generic = np.any([each.jacobian != 0 for each in seen], axis=0)
    to = trace.lines[c.to].name
    return Pattern((), step.gradient.shape, Derivative(line.name, to), generic)


def _drawn_arrays(trace: Trace, step: Step, drawn: Drawn) -> dict[str, Any]:
    """Name the numbers that a layer was run on again, what it made of them, and what it kept."""
    line = trace.lines[step.line]
    pairs = zip(line.operands, drawn.arguments, strict=False)
    arguments = {trace.lines[i].name: value for i, value in pairs if i is not None}
    return {**drawn.caches, **arguments, line.name: drawn.output}


def _ties(jacobians: list[Array], entry: int) -> list[tuple[int, int]]:
    """List the pairs of axes that have one index wherever a derivative is not 0."""
    found = [np.nonzero(each) for each in jacobians]
    shape = jacobians[0].shape
    return [
        (k, m - entry)
        for k in range(entry)
        for m in range(entry, len(shape))
        if shape[k] == shape[m] and all(np.array_equal(at[k], at[m]) for at in found)
    ]


def _support(ties: Ties, shape: Index, entry: int) -> list[Array]:
    """List the places of a Jacobian at which tied axes have one index, axis by axis."""
    of = {entry + m: k for k, m in ties}
    free = [n for axis, n in enumerate(shape) if axis not in of]
    at = iter(np.indices(free).reshape(len(free), -1))
    places = {axis: next(at) for axis in range(len(shape)) if axis not in of}
    return [places[of.get(axis, axis)] for axis in range(len(shape))]


def _is_one_number(values: Array) -> bool:
    return bool(values.size) and values.flat[0] != 0 and _close(values, values.flat[0])


def _source(seen: list[_Seen], order: list[str], support: list[Array], entry: int) -> Source | None:
    """Look for the array that the derivatives are entries of, in all that was seen."""
    values = [each.jacobian[tuple(support)] for each in seen]
    for form in FORMS:
        for name in order:
            arrays = [each.arrays.get(name) for each in seen]
            if any(a is None or np.asarray(a).dtype.kind not in "fiub" for a in arrays):
                continue
            for axes in guesses(np.asarray(arrays[0]).shape, len(support) - entry, entry):
                source = Source(name, axes, form)
                tried = zip(values, arrays, strict=True)
                if all(_holds(source, np.asarray(a), v, support, entry) for v, a in tried):
                    return source
    return None


def _holds(source: Source, array: Array, values: Array, support: list[Array], entry: int) -> bool:
    """Whether all derivatives are the entries that a source says, first some of them."""
    few = slice(None, None, max(1, len(support[0]) // _SAMPLE)) if support else slice(None)
    for part in (few, slice(None)):
        at = [axis[part] for axis in support]
        if any(np.max(i, initial=0) >= n for i, n in _picked(source.axes, at, entry, array.shape)):
            return False
        picked = tuple(i for i, _ in _picked(source.axes, at, entry, array.shape))
        with np.errstate(all="ignore"):
            if not _close(values[part], source.form.value(array[picked])):
                return False
    return True


def _picked(axes: Axes, at: list[Array], entry: int, shape: Index) -> Iterator[tuple[Any, int]]:
    """Give the index of each axis of an array, and how long that is."""
    for (kind, axis), n in zip(axes, shape, strict=True):
        yield (0 if kind == "one" else at[axis + entry * (kind == "g")]), n


def _close(values: Array, wanted: Any) -> bool:
    close = 1e-9 if values.dtype == np.float64 else 1e-4
    return bool(np.allclose(values, wanted, rtol=close, atol=close * 1e-3))
