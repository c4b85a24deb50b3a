"""The source of a function, exactly: which lambda on a line, which def in a file.

A code object knows the lines and columns that its instructions came from. The innermost lambda or
def of the file's syntax tree that holds them all is the function.
"""

from __future__ import annotations

import ast
import functools
import inspect
import linecache
import textwrap
from types import CodeType
from typing import Any, NamedTuple


class Written(NamedTuple):
    """A function's syntax tree, and where it stands."""

    tree: ast.Lambda | ast.FunctionDef
    file: str
    line: int
    text: str

    @property
    def answer(self) -> int:
        """The line of its one return; where it has none or several, the line where it begins."""
        found = [node.lineno for node in ast.walk(self.tree) if isinstance(node, ast.Return)]
        return found[0] if len(found) == 1 else self.line


@functools.cache
def written(function: Any) -> Written | None:
    """Find the syntax tree of a function; None where its source is not to be had.

    >>> found = written(textwrap.dedent)
    >>> found.tree.name
    'dedent'
    >>> exec("made = lambda x: x")
    >>> written(made) is None
    True
    """
    code = getattr(function, "__code__", None)
    if code is None:
        return None
    lines = tuple(linecache.getlines(code.co_filename, getattr(function, "__globals__", None)))
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    best, smallest = None, None
    for tree, span in _functions(lines):
        size = (span[1][0] - span[0][0], span[1][1] - span[0][1])
        parameters = [a.arg for a in (*tree.args.posonlyargs, *tree.args.args)]
        parameters += [a.arg for a in tree.args.kwonlyargs]
        fits = tuple(parameters) == names and _name(tree) == code.co_name and _holds(span, code)
        if fits and (smallest is None or size < smallest):
            best, smallest = tree, size
    if best is None:
        return None
    text = ast.get_source_segment("".join(lines), best) or ""
    return Written(best, code.co_filename, best.lineno, textwrap.dedent(text))


@functools.lru_cache(maxsize=128)
def _functions(lines: tuple[str, ...]) -> list[tuple[Any, Any]]:
    """List the lambdas and defs of a source, each with where its code begins and ends."""
    try:
        tree = ast.parse("".join(lines))
    except SyntaxError:
        return []
    found: list[tuple[Any, Any]] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Lambda):
            body: Any = node.body
            span = (body.lineno, body.col_offset), (body.end_lineno, body.end_col_offset)
            found.append((node, span))
        elif isinstance(node, ast.FunctionDef):
            end: Any = (node.end_lineno, node.end_col_offset)
            found.append((node, ((node.lineno, node.col_offset), end)))
    return found


def _holds(span: Any, code: CodeType) -> bool:
    """Tell whether all instructions of a code object come from this part of the source."""
    (first, last), seen = span, False
    for line, end_line, column, end_column in code.co_positions():
        if not line or not end_line or column is None or end_column is None:
            continue
        if (line, column) == (code.co_firstlineno, 0) and end_column == 0:
            continue  # the beginning of the frame, which is nowhere
        if not first <= (line, column) <= (end_line, end_column) <= last:
            return False
        seen = True
    return seen


def _name(tree: Any) -> str:
    return tree.name if isinstance(tree, ast.FunctionDef) else "<lambda>"


def source_of(function: Any) -> str | None:
    """Read the source of a function; None where it is not to be had."""
    try:
        return textwrap.dedent(inspect.getsource(function))
    except (OSError, TypeError):
        return None
