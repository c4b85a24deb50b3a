"""What a factor means: a sign, a batch size, a number of entries, a constant of the layer."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import combinations

import numpy as np

from minigrad.testing.diagnosis import multipliers
from minigrad.testing.diagnosis.probes import Site
from minigrad.testing.diagnosis.workbench import Workbench, near
from minigrad.testing.reports import causes


def meaning(
    factor: float,
    bench: Workbench,
    sites: Sequence[Site] = (),
    again: Callable[[Workbench], float | None] | None = None,
) -> tuple[str, str, bool]:
    """The cause behind `yours = factor × right`, words on the number, and whether it is known.

    `sites` are expressions of the forward whose share has the factor: a mean among them counts.
    `again` finds the same factor on another bench: with twice the rows, to know a batch size.
    """
    if near(factor, -1):
        return causes.SIGN, "the sign is flipped", True
    rows = batch(bench)
    is_batch = rows > 1 and (near(factor, rows) or near(factor, 1 / rows))
    if is_batch and again is not None and bench.doubled is not None:
        there = again(bench.doubled)
        is_batch = there is None or not near(there, factor)
    if is_batch and near(factor, rows):
        return causes.NOT_DIVIDED, f"your batch has {rows} rows", True
    if is_batch:
        return causes.DIVIDED, f"your batch has {rows} rows", True
    known = multipliers.told(factor, bench, sites)
    if known is not None:
        return *known, True
    for words, size in _reduced(bench, sites):
        if near(factor, size) or (near(factor, 1 / size) and size > 2):
            return causes.COUNT, f"{number(size)} is {words}", True
    missing = multipliers.left_out(factor, bench)
    if missing:
        return causes.FACTOR, missing, True
    for name, value in scalars(bench).items():
        for power in (1, -1, 2, -2, 0.5, -0.5):
            if value > 0 and near(abs(factor), value**power):
                return (
                    causes.FACTOR,
                    f"that is {_power(name, power)} = {number(value**power)}",
                    True,
                )
    for words, size in counts(bench):
        if size > 2 and size != rows and (near(factor, size) or near(factor, 1 / size)):
            return causes.COUNT, f"{number(size)} is {words}", True
    for value in (2.0, 0.5, 3.0, 1 / 3, 4.0, 0.25):
        if near(abs(factor), value):
            return causes.FACTOR, f"a factor {number(1 / factor)} is missing", True
    for words, size in ratios(bench):
        if near(factor, size) or near(factor, 1 / size):
            return causes.COUNT, f"{number(max(size, 1 / size))} is {words}", True
    if factor < 0:
        return causes.SIGN, "the sign is flipped, and there is a factor", False
    return causes.FACTOR, "a constant factor is wrong", False


def _reduced(bench: Workbench, sites: Sequence[Site]) -> Iterator[tuple[str, float]]:
    """How many entries a mean or sum among these expressions takes together, and parts of that."""
    found = multipliers.reductions(bench.ahead, bench.before)
    among = {
        k: about
        for k, about in found.items()
        if not sites or _is_among(bench.ahead.sites[k], sites)
    }
    for k, one in among.items():  # what it does, before what it might have done
        n, site = one.entries, bench.ahead.sites[k]
        if n > 1 and one.name != "sum":
            yield f"the number of entries that `{site.text}` takes together", n
        if n > 2:
            yield f"n / (n − 1) for the n = {n} entries that `{site.text}` takes together", _less(n)
    for k, one in among.items():
        for many in range(1, len(one.shape) + 1):
            for axes in combinations(range(len(one.shape)), many):
                n, site = one._replace(axes=axes).entries, bench.ahead.sites[k]
                where = f"along axes {axes} of what `{site.text}` reduces"
                if n > 1 and one.name != "sum":
                    yield f"the number of entries {where}", n
                if n > 2:
                    yield f"n / (n − 1) for the n = {n} entries {where}", _less(n)


def _is_among(site: Site, sites: Sequence[Site]) -> bool:
    """Whether an expression stands in one of these, or begins where one begins."""
    return any(s.file == site.file and s.span[0] <= site.span[0] <= s.span[1] for s in sites)


def _less(n: int) -> float:
    return n / (n - 1)


def batch(bench: Workbench) -> int:
    """The number of rows: the first axis that the inputs share."""
    rows = [k for k in getattr(bench.subject, "rows", ()) if k in bench.evidence.inputs]
    names = rows or [k for k in bench.evidence.inputs if np.ndim(bench.evidence.inputs[k])]
    return len(bench.evidence.inputs[names[0]]) if names else 0


def counts(bench: Workbench) -> Iterator[tuple[str, float]]:
    """Sizes of axes and of arrays, the batch's rows left out, with what they are."""
    arrays = {**bench.operands, "the output": bench.evidence.outputs[0]}
    for name, x in arrays.items():
        shape = np.shape(x)
        for axis, size in enumerate(shape):
            if size > 1:
                yield f"the size of axis {axis} of {name}", size
        for many in range(2, len(shape) + 1):
            for axes in combinations(range(len(shape)), many):
                size = math.prod(shape[axis] for axis in axes)
                if size > 1:
                    yield f"the number of entries of {name} along axes {axes}", size


def ratios(bench: Workbench) -> Iterator[tuple[str, float]]:
    """n / (n − 1) and quotients of two counts."""
    sizes = {size: words for words, size in reversed(list(counts(bench)))}
    rows = batch(bench)
    sizes[rows] = "the number of rows"
    for size, words in sizes.items():
        if size > 2:
            yield f"n / (n − 1) with n = {size}, {words}", size / (size - 1)
    for a, b in combinations(sizes, 2):
        if a and b:
            yield f"{a} / {b}: {sizes[a]} over {sizes[b]}", a / b


def scalars(bench: Workbench) -> dict[str, float]:
    """The layer's own numbers, and those that its forward computed."""
    found = {}
    thing = bench.forward_run.thing
    for name, value in getattr(thing, "__dict__", {}).items():
        if isinstance(value, (int, float, np.number)) and not isinstance(value, bool):
            found[f"self.{name}"] = float(value)
    for name, value in (bench.evidence.inputs | bench.operands).items():
        if isinstance(value, np.ndarray) and value.size == 1 and value.dtype.kind in "fiu":
            found[name] = float(value.flat[0])
    for k, values in bench.before.items():
        literal = bench.ahead.sites[k].kind == "Constant"
        if len(values) == 1 and isinstance(values[0], (float, np.floating)) and not literal:
            found.setdefault(bench.ahead.sites[k].text, float(values[0]))
    return {k: v for k, v in found.items() if v and not near(abs(v), 1)}


def number(x: float) -> str:
    """A number as a person writes it: 8, 0.5, 1/6 as 0.1667."""
    return f"{x:.4g}"


def _power(name: str, power: float) -> str:
    words = {1: "{}", -1: "1 / {}", 2: "{}²", -2: "1 / {}²", 0.5: "√{}", -0.5: "1 / √{}"}
    return words[power].format(name)
