"""The paths that a gradient comes by, from the output back to one leaf, and the product on each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from minigrad.explain.data.asked import count_asked, line_asked
from minigrad.explain.data.model import Contribution, Step, Trace
from minigrad.explain.data.numbers import number, shape_text, value_text
from minigrad.explain.data.shares import local_derivative, share_of
from minigrad.explain.letters import printable
from minigrad.graph import Array

Hop = tuple[Step, Contribution]


@dataclass
class Path:
    """One way from the output back."""

    names: list[str]  # loss, z, W
    rules: list[str]  # of each hop: dW: x.T @ dz
    locals: list[float] | None  # the local derivatives, where all of them are numbers
    share: Array  # of the gradient, by this path alone


@dataclass(repr=False)
class Why:
    """All paths to one value: its gradient is the sum over them."""

    name: str
    count: int  # of all paths; `paths` may hold fewer
    paths: list[Path]
    gradient: Array
    d: str  # the name of the gradient

    def __str__(self) -> str:
        return printable("\n".join(_told(self)))

    __repr__ = __str__


def why(trace: Trace, name: str, most: int = 20) -> Why:
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
    towards: dict[int, list[Hop]] = {}
    for step in trace.steps:
        for c in step.contributions:
            towards.setdefault(c.to, []).append((step, c))
    count = _counts(trace, towards).get(line.id, 0)
    paths = [_path(trace, hops) for hops in _walks(line.id, trace.output, towards, most)]
    return Why(line.name, count, paths, line.gradient, line.d)


def _counts(trace: Trace, towards: dict[int, list[Hop]]) -> dict[int, int]:
    """Count the paths from the output to each line."""
    counts = {trace.output: 1}
    for line in reversed(trace.lines):
        if line.id in towards:
            counts[line.id] = sum(counts.get(step.line, 0) for step, _ in towards[line.id])
    return {key: n for key, n in counts.items() if key is not None}


def _walks(
    start: int, output: int, towards: dict[int, list[Hop]], most: int
) -> Iterator[list[Hop]]:
    """List chains of hops that end at `start`, from the output on."""
    stack: list[tuple[int, Any]] = [(start, None)]
    found = 0
    while stack and found < most:
        line, behind = stack.pop()
        if line == output:
            hops = []
            while behind is not None:
                hop, behind = behind
                hops.append(hop)
            found += 1
            yield hops
            continue
        hops_on = reversed(towards.get(line, []))
        stack += [(hop[0].line, (hop, behind)) for hop in hops_on]


def _path(trace: Trace, hops: list[Hop]) -> Path:
    """Multiply along one path."""
    lines = trace.lines
    assert trace.output is not None
    names, rules = [lines[trace.output].name], []
    g: Any = trace.seed
    numbers: list[float] | None = []
    for step, c in hops:
        if numbers is not None and _is_number(step.gradient) and _is_number(c.share):
            numbers.append(float(local_derivative(trace, step, c)))
        else:
            numbers = None
        g = share_of(trace, step, c, g)
        names.append(lines[c.to].name)
        rules.append(f"{lines[c.to].d}: {c.rule}")
    return Path(names, rules, numbers, np.asarray(g))


def _is_number(array: Array) -> bool:
    """Whether it is one real number: of complex ones a rule may be no product."""
    return array.ndim == 0 and array.dtype.kind != "c"


def _told(found: Why) -> Iterator[str]:
    d = found.d
    ways = "1 path" if found.count == 1 else f"{found.count:,} paths"
    yield f"{ways} from {found.paths[0].names[0] if found.paths else 'the output'} to {found.name}"
    for i, path in enumerate(found.paths):
        yield f"  {i + 1}  {' → '.join(path.names)}"
        if path.locals is not None:
            factors = " · ".join(map(_atom, path.locals)) or "1"
            yield f"     {factors} = {number(path.share.item())}"
        else:
            yield from (f"     {rule}" for rule in path.rules)
            yield f"     = {f'{shape_text(path.share)} {value_text(path.share, 60)}'.strip()}"
    if found.count > len(found.paths):
        yield f"  … and {found.count - len(found.paths):,} more"
    total = f"{shape_text(found.gradient)} {value_text(found.gradient, 60)}".strip()
    over = "" if found.count == 1 else ", the sum over the paths"
    yield f"{d} = {total}{over}"


def _atom(x: float) -> str:
    text = number(x)
    return f"({text})" if text.startswith("-") else text
