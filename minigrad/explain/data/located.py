"""The source line of a recorded call, found after the fact.

A graph does not say which line of whose code made it. But the call is known as code in the
learner's names, and so is the learner's file: the expression that reads the same is the one. Where
the names are those of a function that has returned, the one expression of that form is a guess.
"""

from __future__ import annotations

import ast
import linecache
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from minigrad.explain.data.model import Line, Trace
from minigrad.explain.data.sources import written
from minigrad.layers.by_hand import Pullback

ANY = "_"
_OURS = {"mg", "minigrad", "mg.functions", "minigrad.functions"}
DEPTHS = (0, 1, 2, 3, 20)  # how far operands without a name are written out


class Place(NamedTuple):
    """A line of somebody's code."""

    file: str
    number: int
    code: str
    sure: bool = True


def located_in(trace: Trace, line: Line, method: str) -> Place | None:
    """Find what a method of a layer written by hand returns; None for other calls."""
    rules = getattr(trace.nodes[line.id], "_rules", None)
    if not isinstance(rules, Pullback):
        return None
    found = written(getattr(type(rules.layer), method, None))
    if found is None:
        return None
    number = found.answer
    return Place(found.file, number, linecache.getline(found.file, number).strip())


def located(trace: Trace, line: Line, file: str | None) -> Place | None:
    """Find where a call is written: file, line, and that line's text; None where it is not clear.

    Args:
        trace: whose call it is.
        line: the call.
        file: where to look when the line does not know where it was made.
    """
    if line.source is not None:
        return Place(*line.source, linecache.getline(*line.source).strip())
    by_hand = located_in(trace, line, "forward")
    if by_hand is not None or file is None:
        return by_hand
    source = "".join(linecache.getlines(file))
    wanted = normal(written_out(trace.lines, line))
    if wanted is None or not source:
        return None
    known = [*expressions(source)]
    found = {number for number, tree in known if ast.unparse(tree) == wanted}
    sure = bool(found)
    if not found:
        forms = {_form(written_out(trace.lines, line, depth)) for depth in DEPTHS}
        found = {number for number, tree in known if ast.unparse(_Nameless().visit(tree)) in forms}
    if len(found) != 1:
        return None
    number = found.pop()
    return Place(file, number, linecache.getline(file, number).strip(), sure)


def _form(text: str) -> str | None:
    """Write an expression with one name for all values: np.exp(_ - _)."""
    found = normal(text)
    return found and ast.unparse(_Nameless().visit(ast.parse(found, mode="eval")).body)


def written_out(lines: Sequence[Line], line: Line, depth: int = 20) -> str:
    """Write a call with the calls that have no name of their own written out inside of it."""
    text = line.call or line.name
    if depth == 0 or len(text) > 500:
        return text
    for i in dict.fromkeys(line.operands):
        operand = None if i is None else lines[i]
        if operand is not None and operand.kind == "call" and not operand.named:
            inner = written_out(lines, operand, depth - 1)
            text = _with(text, operand.name, f"({inner})")
    return text


def _with(text: str, name: str, inner: str) -> str:
    """Put an expression in place of a name."""
    try:
        tree = ast.parse(text, mode="eval")
    except SyntaxError:
        return text
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id == name:
            node.id = inner
    return ast.unparse(tree)


def normal(text: str) -> str | None:
    """Write an expression with methods as NumPy's functions; None where it is none."""
    try:
        return ast.unparse(_NumPys().visit(ast.parse(text, mode="eval")).body)
    except SyntaxError:
        return None


def expressions(source: str) -> Iterator[tuple[int, ast.expr]]:
    """List the calls and operations of a file with their lines."""
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return
    places = [
        (node.lineno, _NumPys().visit(node))
        for node in ast.walk(tree)
        if isinstance(node, (ast.BinOp, ast.Call, ast.UnaryOp, ast.Subscript))
    ]
    yield from places


class _Nameless(ast.NodeTransformer):
    """Writes one name for all values, and leaves functions theirs."""

    def visit_Call(self, node: ast.Call) -> ast.Call:
        if not isinstance(node.func, ast.Name):
            node.func = self.visit(node.func)
        node.args = [self.visit(a) for a in node.args]
        node.keywords = [self.visit(k) for k in node.keywords]
        return node

    def visit_Name(self, node: ast.Name) -> ast.Name:
        return node if node.id == "np" else ast.Name(ANY)


class _NumPys(ast.NodeTransformer):
    """Writes methods as NumPy's functions: x.sum(axis=0) as np.sum(x, axis=0); mg.relu as relu."""

    def visit_Call(self, node: ast.Call) -> ast.Call:
        self.generic_visit(node)
        function = node.func
        if isinstance(function, ast.Attribute) and ast.unparse(function.value) in _OURS:
            node.func = ast.Name(function.attr)
        elif isinstance(function, ast.Attribute) and hasattr(np, function.attr):
            if isinstance(function.value, ast.Name) and function.value.id in ("np", "numpy"):
                node.func = ast.Attribute(ast.Name("np"), function.attr, ast.Load())
            else:
                node.args = [function.value, *node.args]
                node.func = ast.Attribute(ast.Name("np"), function.attr, ast.Load())
        return node
