"""How texts are fitted into a width, and what the terminal and the notebook say alike."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from minigrad.explain.data.failures import FIX
from minigrad.explain.data.model import Failure, Group

STOPPED = "✗ Here the {} pass stopped"


def titled(group: Group) -> str:
    """Name the call of a layer: net[0] Affine(2, 3), call 2 of 3."""
    times = f", call {group.call} of {group.calls}" if group.calls > 1 else ""
    return f"{group.path} {group.title}{times}"


def shortened(text: str, room: int) -> str:
    """Leave out the end of a text that has no room."""
    return text if len(text) <= room else text[: max(room - 1, 0)] + "…"


def widest(texts: Iterator[str] | Sequence[str]) -> int:
    """Count the letters of the longest."""
    return max((len(text) for text in texts), default=0)


def count(n: int, what: str) -> str:
    """Count things in words: 1 call, 2 calls."""
    return f"{n:,} {what}{'' if n == 1 else 's'}"


def wrapped(text: str, room: int) -> list[str]:
    """Break a text between words."""
    rows = [""]
    for word in text.split():
        if rows[-1] and len(rows[-1]) + 1 + len(word) > room:
            rows.append("")
        rows[-1] += f" {word}" if rows[-1] else word
    return rows


def wrapped_failure(failure: Failure, width: int) -> Iterator[str]:
    """Write where a pass stopped: the call, the shapes, the place, the likely fix."""
    if failure.call:
        yield f"  {failure.call}"
    yield from _shapes(failure.operands)
    if failure.layer:
        yield f"  in {failure.layer}"
    if failure.source:
        yield f"  at {failure.source[0]}:{failure.source[1]}"
        if failure.code:
            yield f"      {failure.code}"
            if failure.mark is not None:
                start, end = failure.mark
                yield f"      {' ' * start}{'^' * (end - start)}"
        yield from _shapes(failure.within)
    told = [f"{failure.kind}: {failure.message}"] + [f"{FIX}: {failure.fix}"] * bool(failure.fix)
    for text in told:
        for i, row in enumerate(wrapped(text, width - 4)):
            yield ("  " if i == 0 else "    ") + row


def _shapes(operands: list[tuple[str, tuple[int, ...] | None]]) -> Iterator[str]:
    names = widest([name for name, _ in operands])
    for name, shape in operands:
        yield f"      {name.ljust(names)}  {'no array' if shape is None else shape}"
