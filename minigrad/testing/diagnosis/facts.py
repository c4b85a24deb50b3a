"""What two Jacobians say when they are laid side by side: yours and the numerical one.

Yours is found by sending one cotangent after the other through the backward. No source is read
here, so this is all that can be said about PyTorch's or anybody's compiled code.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import combinations, permutations
from typing import Any

import numpy as np

from minigrad.graph import Array
from minigrad.testing.diagnosis import slopes, targets
from minigrad.testing.diagnosis.displaced import index_of, moved, shuffled
from minigrad.testing.diagnosis.factors import meaning, number
from minigrad.testing.diagnosis.guesses import Guess
from minigrad.testing.diagnosis.workbench import Workbench, same
from minigrad.testing.reports import causes
from minigrad.testing.reports.showing import grad_of

MANY = 400  # outputs: more cotangents than that are not sent through a backward one by one


def facts(bench: Workbench) -> Iterator[Guess]:
    """Everything that the two Jacobians show, operand by operand."""
    yours = jacobians(bench)
    wrong = [k for k in bench.wrong if k in yours]
    yield from _unused(bench, wrong)
    yield from _swapped(bench, yours, wrong)
    yield from _one_factor(bench, yours, wrong)
    yield from targets.not_subtracted(bench, wrong)
    yield from slopes.elementwise(bench, yours, wrong)
    yield from slopes.scaled(bench, yours, wrong)
    for name in wrong:
        B, J, shape = yours[name], bench.evidence.jacobians[name], bench.operands[name].shape
        yield from moved(bench, name, B, J, shape)
        yield from _summed(name, B, J, shape)
        yield from _parts(bench, name, B, J)


def jacobians(bench: Workbench) -> dict[str, Array]:
    """Your Jacobian of each operand, where its gradient has its shape; none of many outputs."""
    sizes = [np.size(d) for d in bench.douts[0]]
    if sum(sizes) > MANY:
        return {}
    run, rows = bench._fresh(), []
    for i in range(sum(sizes)):
        flat = np.zeros(sum(sizes))
        flat[i] = 1
        parts = np.split(flat, np.cumsum(sizes)[:-1])
        pairs = zip(parts, bench.douts[0], strict=True)
        rows.append(run.gradients([p.reshape(np.shape(d)) for p, d in pairs]))
    found = {}
    for name, x in bench.operands.items():
        columns = [row[name] for row in rows]
        lines = [np.ravel(g) for g in columns if g is not None and g.shape == np.shape(x)]
        if len(lines) == len(columns):
            found[name] = np.array(lines, np.float64)
    return {k: B for k, B in found.items() if np.all(np.isfinite(B)) and _linear(bench, k, B)}


def _linear(bench: Workbench, name: str, B: Array) -> bool:
    flat = np.concatenate([np.ravel(d) for d in bench.douts[0]])
    return same(flat @ B, np.ravel(np.asarray(bench.yours[0][name])))


def _swapped(bench: Workbench, yours: dict[str, Array], wrong: list[str]) -> Iterator[Guess]:
    """The gradient of one operand is handed out as that of another."""
    for order in permutations(wrong) if 2 <= len(wrong) <= 4 else ():
        if list(order) == wrong:
            continue
        pairs = list(zip(wrong, order, strict=True))
        if all(same(yours[a], bench.evidence.jacobians[b]) for a, b in pairs):
            words = ", ".join(f"the gradient of {b} stands in the place of {a}'s" for a, b in pairs)
            yield Guess(
                causes.SWAPPED,
                f"{words}: they are handed out in another order than the operands came in",
                tuple(wrong),
                0.1,
            )
            return


def _unused(bench: Workbench, wrong: list[str]) -> Iterator[Guess]:
    """Forward does not look at what it is given."""
    for name in wrong:
        scan = bench.evidence.point.scans[name]
        if not np.any(scan.value) and np.max(scan.bar, initial=0) < 1e-9:
            words = f"forward gives the same whatever {name} is: it may read another variable, "
            words += f"from outside, where {name} is meant"
            yield Guess(causes.OPERAND, words, (name,), 0.1)


def _one_factor(bench: Workbench, yours: dict[str, Array], wrong: list[str]) -> Iterator[Guess]:
    """Every entry is the same multiple of the numerical one."""
    for name in wrong:
        B, J = np.ravel(yours[name]), np.ravel(bench.evidence.jacobians[name])
        square = float(J @ J)
        factor = float(B @ J) / square if square else 0.0
        if factor and same(B, factor * J):
            label, words, sure = meaning(factor, bench, again=partial(_factor, name=name))
            times = f"every entry of {grad_of(name)} is {number(factor)} × the numerical one"
            told = f"{times}, and {words}" if words.startswith("your") else f"{times}: {words}"
            yield Guess(label, told, (name,), 0.4 + 4 * (not sure))


def _factor(bench: Workbench, name: str) -> float | None:
    """The one factor between your gradient and the numerical one, on another bench."""
    yours, true = bench.yours[0].get(name), bench.numerical[0][name]
    if yours is None or np.shape(yours) != true.shape or not np.any(true):
        return None
    factor = float(np.sum(yours * true) / np.sum(true * true))
    return factor if same(yours, factor * true) else None


def _parts(bench: Workbench, name: str, B: Array, J: Array) -> Iterator[Guess]:
    """Entries that are right, beside others that are missing, too many, or of the wrong sign."""
    size = max(np.max(np.abs(B), initial=0), np.max(np.abs(J), initial=0))
    if size == 0:
        return
    right = np.abs(B - J) <= 1e-6 * size
    in_yours, in_true = np.abs(B) > 1e-9 * size, np.abs(J) > 1e-7 * size
    wrong = ~right
    if not np.any(in_yours):
        words = f"{grad_of(name)} is zero everywhere, as if {name} were a constant"
        yield Guess(causes.DETACHED, words, (name,), 0.92)  # or only the last of a loop, which is 0
        return
    if B.shape == B.T.shape and same(B.T, J):
        moves = bool(np.all(in_true.sum(axis=0) == 1))
        words = f"your Jacobian of {name} is the transpose of the right one"
        words += ": the forward's steps are taken again"
        yield Guess(causes.PLACE if moves else causes.ORDER, words, (name,), 1.2)
    if same(np.sort(np.abs(B), axis=1), np.sort(np.abs(J), axis=1)) and not np.all(right):
        words = f"each output's share of {grad_of(name)} has the right values, in the wrong entries"
        yield Guess(shuffled(bench), words, (name,), 2.6)
    if not np.any(right & in_true):
        return
    if not np.any(wrong & in_yours):  # yours is a part of the truth
        yield from _missing(bench, name, wrong, J, in_true)
    elif not np.any(wrong & in_true):
        columns = wrong.any(axis=0)
        where = _places(bench, name, columns)
        words = f"{grad_of(name)} is right where {name} took part, and not zero where it did not"
        words += f" ({where})"
        cost = 1.6 if np.all(columns) else 0.8
        yield Guess(causes.MASK, f"{words}: a mask is missing", (name,), cost)
    elif np.all(np.abs(np.abs(B) - np.abs(J)) <= 1e-6 * size):
        where = _places(bench, name, wrong.any(axis=0))
        yield Guess(
            causes.SIGN,
            f"{grad_of(name)} has the wrong sign at {where}, and is right elsewhere",
            (name,),
            0.8,
        )


def _summed(name: str, B: Array, J: Array, shape: tuple[int, ...]) -> Iterator[Guess]:
    """Every entry is the sum of what belongs to several: an axis too many was summed over."""
    stack = J.reshape(len(J), *shape)
    for many in range(1, len(shape) + 1):
        for axes in combinations(range(len(shape)), many):
            sums = np.sum(stack, axis=tuple(a + 1 for a in axes), keepdims=True)
            if same(B, np.broadcast_to(sums, stack.shape).reshape(J.shape)) and not same(B, J):
                along = f"axis {axes[0]}" if many == 1 else f"axes {axes}"
                words = f"every entry of {grad_of(name)} is the sum along {along} of what belongs "
                words += "to each"
                yield Guess(causes.AXIS, f"{words}: summed over too many axes", (name,), 0.75)
                return


def _missing(bench: Workbench, name: str, wrong: Any, J: Array, in_true: Any) -> Iterator[Guess]:
    m, n = J.shape
    if m == n and m > 1 and np.array_equal(wrong, in_true & ~np.eye(n, dtype=bool)):
        yield Guess(
            causes.DIAGONAL,
            f"{grad_of(name)} contains only how each output depends on its own entry of {name}; "
            "the other entries of the Jacobian are left out",
            (name,),
            0.6,
        )
        return
    if np.all(in_true.sum(axis=1) <= 1):
        yield from _copies(bench, name, wrong, in_true)
    whole = wrong.any(axis=0) & ~(in_true & ~wrong).any(axis=0)
    if np.array_equal(whole, wrong.any(axis=0)):
        where = _places(bench, name, whole)
        label, cost = causes.MISSED, 0.45
        if any(_is_mask(v[0]) for v in bench.back.seen.values()):
            label, cost = causes.WRONG_MASK, 1.48
        elif any(_is_mask(v[0]) for v in bench.before.values()):
            label, cost = causes.BRANCH, 1.48
        words = f"{grad_of(name)} is zero at {where}, which took part, and right elsewhere"
        yield Guess(label, words, (name,), cost)


def _copies(bench: Workbench, name: str, wrong: Any, in_true: Any) -> Iterator[Guess]:
    """Entries that were copied to several outputs, of which only some are counted."""
    reached, counted = in_true.sum(axis=0), (in_true & ~wrong).sum(axis=0)
    some = (counted < reached) & (counted > 0)
    if np.any(some):
        i = int(np.argmax(some))
        place = index_of(np.unravel_index(i, bench.operands[name].shape))
        words = f"{name}[{place}] goes into {reached[i]} outputs, and yours counts {counted[i]} "
        words += "of them: the gradients of all copies add up"
        label = causes.BROADCAST if np.all(some == (reached > 0)) else causes.MISSED
        yield Guess(label, words, (name,), 2.2)


def _is_mask(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.dtype.kind == "b" and value.ndim > 0


def _places(bench: Workbench, name: str, mask: Any) -> str:
    """Some places in words: how many, and the first."""
    shape = bench.operands[name].shape
    count, first = int(np.sum(mask)), np.unravel_index(int(np.argmax(mask)), shape)
    first_value = bench.operands[name][first]
    return f"{count} of {mask.size} entries, such as {name}[{index_of(first)}] = {first_value:.3g}"
