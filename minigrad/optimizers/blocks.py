"""How an elementwise rule runs over many arrays: the small together, the large block by block.

Every operation of NumPy has a price of its own, however short the array, and reads and writes all
of it, however long. So arrays that lie one after the other in memory, as a network's parameters do,
go through the rule as one, and what is long is cut into blocks that stay in the cache while the
rule works on them. Small arrays from elsewhere are copied together, and back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from minigrad.optimizers.checks import owner

Array: TypeAlias = NDArray[Any]
Rule: TypeAlias = Callable[..., None]

SMALL = 2**13  # bytes, up to which it pays to copy an array into others' company and back
LONG = 2**16  # bytes, from which it does not pay to copy a gradient into others' company
BLOCK = 2**19  # bytes of one array that are worked on at a time, at most
LEAST = 2**16  # and at least; between them half of all, so that temporaries take little memory


class Job(NamedTuple):
    """What one update does to one parameter: its t-th step along g, with the states of the rule."""

    W: Array
    g: Array
    t: int
    states: Sequence[Array]


class Plan:
    """How the arrays of an update are put together; good for the next one while they stay the same.

    `states` are those of each job, moved to where the rule finds them end to end.

    >>> W, v, g = np.array([1.0, 2.0]), np.zeros(2), np.array([5.0, 5.0])
    >>> def rule(W, g, lr, t, v):
    ...     v += g
    ...     W -= lr * v
    >>> plan = Plan({"W": Job(W, g, 1, [v])}, elementwise=True)
    >>> plan.run(rule, 0.1, [g], {"W": 1})
    >>> W, plan.states
    (array([0.5, 1.5]), {'W': [array([5., 5.])]})
    """

    def __init__(self, jobs: Mapping[str, Job], elementwise: bool) -> None:
        self.keys, found = list(jobs), list(jobs.values())
        self.arrays = [job.W for job in found]
        self.states: dict[str, Sequence[Array]] = dict.fromkeys(jobs, ())
        self.t: dict[str, int] = {}  # the counts after the latest run
        self._known = [(W, W.shape, W.dtype) for W in self.arrays]
        self._owners = set(map(owner, self.arrays))
        self._stretches: list[_Stretch | _Whole] = [_Whole(i, job) for i, job in enumerate(found)]
        if elementwise:
            most = min(max(sum(W.nbytes for W in self.arrays) // 2, LEAST), BLOCK)
            self._stretches = [_Stretch(found, *places, most) for places in _stretches(found)]
        for stretch in self._stretches:
            for i, states in stretch.parted_states():
                self.states[self.keys[i]] = states

    def slopes(self, params: Mapping[str, Any], grads: Mapping[str, Any]) -> list[Array] | None:
        """Return the gradients if an update is of these very arrays, and has nothing to mend."""
        if not isinstance(params, Mapping) or not isinstance(grads, Mapping):
            return None
        if not list(params) == list(grads) == self.keys:
            return None
        found, owners = [], self._owners
        for (W, shape, dtype), p, g in zip(
            self._known, params.values(), grads.values(), strict=True
        ):
            if (
                p is not W
                or type(g) is not np.ndarray
                or g.shape != shape
                or g.dtype is not dtype
                or owner(g) in owners
                or not W.flags.writeable
            ):
                return None
            found.append(g)
        return found

    def run(
        self,
        rule: Rule,
        lr: float,
        grads: Sequence[Array],
        t: Mapping[str, int],
        whole: bool = False,
    ) -> None:
        """Call `rule(W, g, lr, t, *states)` so that each entry goes through it once.

        A rule that takes long arrays as `whole` gets them uncut.
        """
        for stretch in self._stretches:
            first = self.keys[stretch.places[0]]
            stretch.run(rule, lr, t[first], [grads[i] for i in stretch.places], whole)


class _Whole:
    """A job whose array goes through the rule alone and in one piece."""

    def __init__(self, place: int, job: Job) -> None:
        self.places = [place]
        self.job = job

    def parted_states(self) -> Iterator[tuple[int, Sequence[Array]]]:
        """Leave the states as they are."""
        yield self.places[0], self.job.states

    def run(self, rule: Rule, lr: float, t: int, grads: Sequence[Array], whole: bool) -> None:
        """Run the rule."""
        rule(self.job.W, grads[0], lr, t, *self.job.states)


class _Stretch:
    """Jobs whose arrays go through the rule as one."""

    def __init__(self, jobs: Sequence[Job], places: list[int], W: Array | None, most: int) -> None:
        """Take the jobs at `places`; W is the memory they share, or None to copy them together.

        The rule works on `most` bytes of it at a time.
        """
        self.places = places
        self.arrays = [jobs[i].W for i in places]
        size = sum(array.size for array in self.arrays)
        self.W = np.empty(size, self.arrays[0].dtype) if W is None else W
        self.g = np.empty_like(self.W) if len(places) > 1 else None
        self.copies = list(self._parted(self.W)) if W is None else []
        self.length = most // self.W.itemsize
        states = zip(*(jobs[i].states for i in places), strict=True)
        self.states = [np.concatenate(each, axis=None, dtype=self.W.dtype) for each in states]

    def parted_states(self) -> Iterator[tuple[int, Sequence[Array]]]:
        """Give each job its part of the states, in its shape."""
        parts = [list(self._parted(state)) for state in self.states]
        for place, *own in zip(self.places, *parts, strict=True):
            yield place, own

    def _parted(self, whole: Array) -> Iterator[Array]:
        start = 0
        for array in self.arrays:
            end = start + array.size
            yield whole[start:end].reshape(array.shape)
            start = end

    def run(self, rule: Rule, lr: float, t: int, grads: Sequence[Array], whole: bool) -> None:
        """Bring the gradients together, run the rule block by block, bring copies back."""
        if self.copies:
            np.concatenate(self.arrays, axis=None, out=self.W)
        g = grads[0].reshape(-1)
        if self.g is not None:
            g = np.concatenate(grads, axis=None, out=self.g)
        length = self.length
        if whole or len(self.W) <= length:
            rule(self.W, g, lr, t, *self.states)
        else:
            for start in range(0, len(self.W), length):
                block = slice(start, start + length)
                rule(self.W[block], g[block], lr, t, *[state[block] for state in self.states])
        for array, copy in zip(self.arrays, self.copies, strict=False):
            array[...] = copy


# ---- which arrays go together --------------------------------------------------------------------
def _stretches(jobs: Sequence[Job]) -> Iterator[tuple[list[int], Array | None]]:
    """Sort jobs into stretches: their places, and the memory that their arrays share, if any."""
    alike: dict[Any, list[int]] = {}
    for i, job in enumerate(jobs):
        alike.setdefault((job.W.dtype, job.t), []).append(i)
    for places in alike.values():
        loose = [i for i in places if not jobs[i].W.flags.c_contiguous]
        for chain in _chains(jobs, [i for i in places if jobs[i].W.flags.c_contiguous]):
            first = jobs[chain[0]].W
            if len(chain) > 1:
                owner: Any = first.base
                start = (_address(first) - _address(owner)) // first.itemsize
                size = sum(jobs[i].W.size for i in chain)
                yield chain, owner.reshape(-1)[start : start + size]
            elif first.nbytes > SMALL:
                yield chain, first.reshape(-1)
            else:
                loose += chain
        if loose:
            yield loose, None


def _chains(jobs: Sequence[Job], places: list[int]) -> Iterator[list[int]]:
    """Split into chains in which each array ends where the next begins; the long stand alone."""
    chain: list[int] = []
    for i in sorted(places, key=lambda i: _address(jobs[i].W)):
        if chain and not _follows(jobs[i].W, jobs[chain[-1]].W):
            yield chain
            chain = []
        chain.append(i)
    if chain:
        yield chain


def _follows(W: Array, last: Array) -> bool:
    """Tell whether W begins where `last` ends, in one buffer, and both are short."""
    return (
        isinstance(W.base, np.ndarray)
        and W.base is last.base
        and W.base.flags.c_contiguous
        and W.base.dtype == W.dtype
        and _address(W) == _address(last) + last.nbytes
        and max(W.nbytes, last.nbytes) < LONG
    )


def _address(array: Any) -> int:
    return int(array.__array_interface__["data"][0])
