"""The paths that a gradient comes by, from the output back to one leaf, and the product on each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from minigrad.explain.data.asked import count_asked, line_asked
from minigrad.explain.data.model import Contribution, Step, Trace
from minigrad.explain.data.numbers import number, shape_text, value_text
from minigrad.explain.data.shares import local_derivative, share_of
from minigrad.explain.letters import printable
from minigrad.graph import Array

Hop = tuple[Step, Contribution]
MOST = 4096  # paths that are kept
_WORK = 20_000  # rules that are run for them, at most; beyond, fewer paths are followed
_NUMBERS = 20_000_000  # that the kept paths hold together, at most
_SHOWN = 12  # paths that are printed


@dataclass
class Path:
    """One way from the output back."""

    names: list[str]  # loss, z, W
    rules: list[str]  # of each hop: dW: x.T @ dz
    locals: list[float] | None  # the local derivatives, where all of them are numbers
    share: Array  # of the gradient, by this path alone


@dataclass(repr=False)
class Why:
    """The paths to one value, the largest contribution first: its gradient is the sum over them."""

    name: str
    count: int  # of all paths; `paths` may hold fewer
    paths: list[Path]
    gradient: Array
    d: str  # the name of the gradient

    def __str__(self) -> str:
        return printable("\n".join(_told(self)))

    __repr__ = __str__


class _Partial(NamedTuple):
    """The beginning of a path, from the output on: its size, its hops, and what it carries."""

    size: float
    hops: tuple[Any, ...]  # (hops before, the last hop), or nothing
    g: Any


def why(trace: Trace, name: str, most: int = MOST) -> Why:
    """List the paths from the output to a value, with what each contributes.

    Raises:
        KeyError: when nothing has the name.
        ValueError: when no gradient reaches it, or `most` is less than 1.
        TypeError: when the name is none.
    """
    line = line_asked(trace, name)
    most = count_asked("most", most)
    if line.gradient is None or trace.output is None:
        raise ValueError(f"no gradient reaches {line.name}: no path from the output leads to it")
    towards = _towards(trace, line.id)
    counts = _counts(trace, towards)
    most = min(most, max(_SHOWN, _NUMBERS // max(1, line.gradient.size)))
    while most > _SHOWN and sum(min(n, most) for n in counts.values()) > _WORK:
        most //= 2
    found = _walked(trace, line.id, towards, most)
    paths = [_path(trace, _hops(partial), partial.g) for partial in found]
    return Why(line.name, counts.get(line.id, 0), paths, line.gradient, line.d)


def _towards(trace: Trace, target: int) -> dict[int, list[Hop]]:
    """List for each line on the way to `target` the hops that go on from it."""
    reaching, found = {target}, dict[int, list[Hop]]()
    for step in reversed(trace.steps):
        hops = [(step, c) for c in step.contributions if c.to in reaching]
        if hops and step.line != target:
            reaching.add(step.line)
            found[step.line] = hops
    return found


def _counts(trace: Trace, towards: dict[int, list[Hop]]) -> dict[int, int]:
    """Count the paths from the output to each line."""
    assert trace.output is not None
    counts = {trace.output: 1}
    for step in trace.steps:
        for _, c in towards.get(step.line, ()):
            counts[c.to] = counts.get(c.to, 0) + counts.get(step.line, 0)
    return counts


def _walked(trace: Trace, target: int, towards: dict[int, list[Hop]], most: int) -> list[_Partial]:
    """Follow all paths at once, the way the walk back goes; at each line, the largest so many."""
    assert trace.output is not None
    partials = {trace.output: [_Partial(1.0, (), trace.seed)]}
    for step in trace.steps:
        if step.line in towards:
            for partial in _largest(partials.pop(step.line, []), most):
                for hop in towards[step.line]:
                    g = share_of(trace, *hop, partial.g)
                    after = _Partial(_size(g), (partial.hops, hop), g)
                    partials.setdefault(hop[1].to, []).append(after)
    return _largest(partials.get(target, []), most)


def _largest(partials: list[_Partial], most: int) -> list[_Partial]:
    """Sort by size; what is of one size stays in the order of the walk."""
    return sorted(partials, key=lambda partial: -partial.size)[:most]


def _size(g: Any) -> float:
    """Measure what a path carries; what is not finite comes first."""
    size = float(np.sqrt(np.sum(np.square(np.abs(np.asarray(g, np.complex128))))))
    return size if np.isfinite(size) else np.inf


def _hops(partial: _Partial) -> list[Hop]:
    found, hops = [], partial.hops
    while hops:
        hops, hop = hops
        found.append(hop)
    return found[::-1]


def _path(trace: Trace, hops: list[Hop], share: Any) -> Path:
    """Name what a path goes through, and the local derivatives where they are numbers."""
    lines = trace.lines
    assert trace.output is not None
    names, rules = [lines[trace.output].name], []
    numbers: list[float] | None = []
    for step, c in hops:
        if numbers is not None and _is_number(step.gradient) and _is_number(c.share):
            numbers.append(float(local_derivative(trace, step, c)))
        else:
            numbers = None
        names.append(lines[c.to].name)
        rules.append(f"{lines[c.to].d}: {c.rule}")
    return Path(names, rules, numbers, np.asarray(share))


def _is_number(array: Array) -> bool:
    """Whether it is one real number: of complex ones a rule may be no product."""
    return array.ndim == 0 and array.dtype.kind != "c"


def _told(found: Why) -> Iterator[str]:
    ways = "1 path" if found.count == 1 else f"{found.count:,} paths"
    shown, few = found.paths[:_SHOWN], found.count <= 3
    first = ", the largest first" if found.count > len(shown) else ""
    start = found.paths[0].names[0] if found.paths else "the output"
    yield f"{ways} from {start} to {found.name}{first}"
    for i, path in enumerate(shown):
        yield f"  {i + 1}  {' → '.join(path.names)}"
        if path.locals is not None:
            factors = " · ".join(map(_atom, path.locals)) or "1"
            yield f"     {factors} = {number(path.share.item())}"
        else:
            yield from (f"     {rule}" for rule in path.rules if few)
            yield f"     = {_value(path.share)}"
    if found.count > len(shown):
        with np.errstate(all="ignore"):
            rest = np.asarray(found.gradient - sum(path.share for path in shown))
        yield f"  … and {found.count - len(shown):,} more, together {_value(rest)}"
    over = "" if found.count == 1 else ", the sum over the paths"
    yield f"{found.d} = {_value(found.gradient)}{over}"


def _value(array: Array) -> str:
    return f"{shape_text(array)} {value_text(array, 60)}".strip()


def _atom(x: float) -> str:
    text = number(x)
    return f"({text})" if text.startswith("-") else text
