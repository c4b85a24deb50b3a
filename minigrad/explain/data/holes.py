"""What stands in a file at a place of an expression: which name an argument had.

An array that a graph keeps may have the numbers of several variables, or of none but an expression.
Where the graph was not watched, the learner's file says which: the call is looked up there with a
hole for the array, and what fills the hole is what was written.
"""

from __future__ import annotations

import ast
import functools
import linecache
from collections.abc import Collection, Iterable, Mapping, Sequence
from types import FrameType
from typing import NamedTuple

from minigrad.explain.data.located import expressions, normal


def hole(k: int) -> str:
    """Name the hole for the k-th argument."""
    return f"HOLE{k}_"


class Scope(NamedTuple):
    """Whose code a call is looked for in: a file, and the lines of one function of it."""

    file: str
    first: int
    last: int


def scope_of(frame: FrameType) -> Scope:
    """Say where the code of a frame stands."""
    code = frame.f_code
    lines = [line for _, _, line in code.co_lines() if line]
    return Scope(code.co_filename, code.co_firstlineno, max(lines, default=code.co_firstlineno))


def filled(scope: Scope, call: str, holes: Sequence[int]) -> Mapping[int, set[str]]:
    """Find what fills the holes of a call: where the function has it, else anywhere in the file."""
    text = normal(call)
    if text is None:
        return {}
    pattern, wanted = ast.parse(text, mode="eval").body, {hole(k) for k in holes}
    inside, outside = list[dict[str, str]](), list[dict[str, str]]()
    for number, tree in _trees(tuple(linecache.getlines(scope.file))):
        fills: dict[str, str] = {}
        if _matches(pattern, tree, wanted, fills):
            (inside if scope.first <= number <= scope.last else outside).append(fills)
    return {k: {fills[hole(k)] for fills in inside or outside} for k in holes if inside or outside}


def chosen(fills: Iterable[str], names: Collection[str], others: Collection[str]) -> str | None:
    """Choose the name that was written: one of `names`; None where that cannot be told.

    >>> chosen({"a", "b"}, {"a"}, {"b"}), chosen({"a", "np.copy(a)"}, {"a"}, {"b"})
    ('a', None)
    """
    possible = {fill for fill in fills if fill not in others}
    return possible.pop() if len(possible) == 1 and possible <= set(names) else None


@functools.lru_cache(maxsize=8)
def _trees(lines: tuple[str, ...]) -> list[tuple[int, ast.expr]]:
    return [*expressions("".join(lines))]


def _matches(pattern: object, tree: object, holes: set[str], fills: dict[str, str]) -> bool:
    """Compare two trees; a hole in the pattern takes whatever stands in the other."""
    if isinstance(pattern, ast.Name) and pattern.id in holes and isinstance(tree, ast.expr):
        return fills.setdefault(pattern.id, ast.unparse(tree)) == ast.unparse(tree)
    if isinstance(pattern, list):
        if not isinstance(tree, list) or len(pattern) != len(tree):
            return False
        return all(_matches(a, b, holes, fills) for a, b in zip(pattern, tree, strict=True))
    if not isinstance(pattern, ast.AST):
        return pattern == tree
    if type(pattern) is not type(tree):
        return False
    fields = (name for name in pattern._fields if name not in ("ctx", "kind"))
    return all(
        _matches(getattr(pattern, name, None), getattr(tree, name, None), holes, fills)
        for name in fields
    )
