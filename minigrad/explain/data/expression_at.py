"""The expression at which somebody's code stopped, and what its operands were.

A frame knows the instruction that it had reached, and its code the lines and columns of that: the
one expression of the file's syntax tree that stands there. Its operands are read from the frame's
variables. Nothing of the learner's is run again: names, attributes and entries are looked up, and
of calls only a few of NumPy's that do nothing but compute an array.
"""

from __future__ import annotations

import ast
import functools
import itertools
import linecache
import operator
from collections.abc import Iterator, Mapping
from types import FrameType
from typing import Any, NamedTuple

import numpy as np

from minigrad.explain.data.evaluated import UNKNOWN, value_of
from minigrad.graph import Node

_OPERATIONS: dict[type, Any] = {
    ast.Add: np.add,
    ast.Sub: np.subtract,
    ast.Mult: np.multiply,
    ast.Div: np.divide,
    ast.MatMult: np.matmul,
    ast.Pow: np.power,
    ast.Mod: np.remainder,
    ast.FloorDiv: np.floor_divide,
    ast.Gt: np.greater,
    ast.Lt: np.less,
    ast.GtE: np.greater_equal,
    ast.LtE: np.less_equal,
    ast.Eq: np.equal,
    ast.NotEq: np.not_equal,
}
_TARGETS = (ast.Tuple, ast.Subscript)
_ARRAYS = (np.ndarray, Node)


class Operand(NamedTuple):
    """An operand of an expression: its syntax tree, and its value."""

    tree: ast.expr
    value: Any

    @property
    def text(self) -> str:
        """The operand as it is written."""
        return ast.unparse(self.tree)

    @property
    def shape(self) -> tuple[int, ...] | None:
        """The shape of an array, a number or a list of numbers; None for all else."""
        return shape_of(self.value)


class Expression(NamedTuple):
    """An expression that failed: the function it calls, and what of its operands is known."""

    tree: ast.AST
    function: Any  # np.matmul for @; None where it is no call, or not all it took is known
    operands: list[Operand]
    owner: Any  # whose entry or attribute it asks for
    places: list[Operand]  # the variables and attributes that stand in it and are arrays

    def shapes(self) -> list[tuple[str, tuple[int, ...] | None]]:
        """List the operands with their shapes."""
        return [(operand.text, operand.shape) for operand in self.operands]

    def told(self) -> list[tuple[str, tuple[int, ...] | None]]:
        """List each operand once, with its shape."""
        return [*dict.fromkeys(self.shapes())]


def renamed(tree: ast.AST, names: Mapping[int, str]) -> str:
    """Write an expression with other names, by the ids of parts of its tree."""
    return ast.unparse(ast.fix_missing_locations(_Renamed(names).visit(tree)))


class _Renamed(ast.NodeTransformer):
    def __init__(self, names: Mapping[int, str]) -> None:
        self.names = names

    def visit(self, node: ast.AST) -> Any:
        if id(node) in self.names:
            return ast.Name(self.names[id(node)])
        return type(node)(**{k: self.replaced(v) for k, v in ast.iter_fields(node)})

    def replaced(self, value: Any) -> Any:
        """Rename inside of a field: a node, a list of nodes, or anything else."""
        if isinstance(value, list):
            return [self.replaced(item) for item in value]
        return self.visit(value) if isinstance(value, ast.AST) else value


def expression_at(frame: FrameType, instruction: int) -> Expression | None:
    """Find what a frame was doing at an instruction; None where its source is not to be had."""
    place = _position(frame, instruction)
    lines = tuple(linecache.getlines(frame.f_code.co_filename, frame.f_globals))
    tree = _expressions(lines).get(place)
    return None if tree is None else _read(tree, frame)


def marked(frame: FrameType, instruction: int) -> tuple[int, int] | None:
    """Tell which letters of its line, indentation left out, an instruction came from."""
    first, last, start, end = _position(frame, instruction) or (0, 1, 0, 0)
    if first != last:
        return None
    text = linecache.getline(frame.f_code.co_filename, first)
    indent = len(text) - len(text.lstrip())
    start, end = (len(text.encode()[:column].decode(errors="ignore")) for column in (start, end))
    return (start - indent, end - indent) if indent <= start < end else None


def _position(frame: FrameType, instruction: int) -> tuple[int, int, int, int] | None:
    """Read which lines and columns an instruction came from, in bytes; None where unknown."""
    positions = frame.f_code.co_positions()
    found = next(itertools.islice(positions, instruction // 2, None), None)
    if found is None:
        return None
    first, last, start, end = found
    if first is None or last is None or start is None or end is None:
        return None
    return first, last, start, end


@functools.lru_cache(maxsize=32)
def _expressions(lines: tuple[str, ...]) -> dict[Any, ast.AST]:
    """List the expressions of a source by where they stand."""
    try:
        tree = ast.parse("".join(lines))
    except (SyntaxError, ValueError):
        return {}
    found: dict[Any, ast.AST] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], _TARGETS):
            found[_span(node.targets[0])] = node  # n, c = x.shape and x[i] = y fail at their left
        elif isinstance(node, (ast.expr, ast.AugAssign)):
            found.setdefault(_span(node), node)
    return found


def _span(node: ast.expr | ast.AugAssign) -> tuple[Any, ...]:
    return node.lineno, node.end_lineno, node.col_offset, node.end_col_offset


def _read(tree: ast.AST, frame: FrameType) -> Expression:
    """Tell which function an expression calls, and on what."""
    function, trees = _taken(tree, frame)
    operands = [operand for each in trees for operand in _operands(each, frame)]
    if not isinstance(tree, (ast.BinOp, ast.AugAssign, ast.Compare)):  # options are not operands
        operands = [each for each in operands if isinstance(each.value, _ARRAYS)]
    places = [place for each in trees for place in _places(each, frame)]
    is_whole = all(value_of(each, frame) is not UNKNOWN for each in trees)
    owner = UNKNOWN
    if isinstance(tree, (ast.Subscript, ast.Attribute)):
        owner = value_of(tree.value, frame)
    return Expression(tree, function if is_whole else None, operands, owner, places)


def _taken(tree: ast.AST, frame: FrameType) -> tuple[Any, list[ast.expr]]:
    """Read an expression as a function and what that takes."""
    if isinstance(tree, ast.BinOp):
        return _OPERATIONS.get(type(tree.op)), [tree.left, tree.right]
    if isinstance(tree, ast.AugAssign):
        return _OPERATIONS.get(type(tree.op)), [tree.target, tree.value]
    if isinstance(tree, ast.Compare):
        return _OPERATIONS.get(type(tree.ops[0])), [tree.left, tree.comparators[0]]
    if isinstance(tree, ast.Subscript):
        indices = tree.slice.elts if isinstance(tree.slice, ast.Tuple) else [tree.slice]
        return operator.getitem, [tree.value, *indices]
    if isinstance(tree, ast.Assign) and isinstance(tree.targets[0], ast.Subscript):
        return np.copyto, [tree.targets[0], tree.value]
    if isinstance(tree, ast.Assign) and isinstance(tree.value, ast.Attribute):
        return None, [tree.value.value]
    if isinstance(tree, ast.Attribute):
        return None, [tree.value]
    return _called(tree, frame) if isinstance(tree, ast.Call) else (None, [])


def _called(tree: ast.Call, frame: FrameType) -> tuple[Any, list[ast.expr]]:
    """Read a call: np.sum(x) and x.sum() are one function of x."""
    trees = [*tree.args]
    if trees and isinstance(trees[0], (ast.List, ast.Tuple)):
        trees = [*trees[0].elts, *trees[1:]]
    trees += [k.value for k in tree.keywords]
    function = value_of(tree.func, frame)
    if function is UNKNOWN and isinstance(tree.func, ast.Attribute):
        trees = [tree.func.value, *trees]
        is_method = isinstance(value_of(tree.func.value, frame), _ARRAYS)
        return (getattr(np, tree.func.attr, None) if is_method else None), trees
    return (function if callable(function) else None), trees


def _operands(tree: ast.expr, frame: FrameType) -> list[Operand]:
    """Look up an operand; of one that is computed, the names that stand in it."""
    value = value_of(tree, frame)
    if value is UNKNOWN and isinstance(tree, ast.Attribute) and tree.attr == "T":
        turned = value_of(tree.value, frame)
        if isinstance(turned, _ARRAYS):
            value = (turned._array if isinstance(turned, Node) else turned).T
    if value is not UNKNOWN:
        return [Operand(tree, value)]
    parts = [each for each in ast.iter_child_nodes(tree) if isinstance(each, ast.expr)]
    if isinstance(tree, ast.Call):
        parts = [*([tree.func.value] if isinstance(tree.func, ast.Attribute) else []), *tree.args]
    if isinstance(tree, (ast.Lambda, ast.ListComp, ast.GeneratorExp, ast.SetComp, ast.DictComp)):
        return []  # their names are their own
    found = [operand for part in parts for operand in _operands(part, frame)]
    return [each for each in found if isinstance(each.value, _ARRAYS)]


def _places(tree: ast.expr, frame: FrameType) -> Iterator[Operand]:
    """List the variables, attributes and items in an expression that hold arrays."""
    if isinstance(tree, (ast.Lambda, ast.ListComp, ast.GeneratorExp, ast.SetComp, ast.DictComp)):
        return
    if isinstance(tree, (ast.Name, ast.Attribute, ast.Subscript)):
        base = None if isinstance(tree, ast.Name) else value_of(tree.value, frame)
        value = value_of(tree, frame)
        if isinstance(value, _ARRAYS) and not isinstance(base, _ARRAYS):
            yield Operand(tree, value)
            return
    for part in ast.iter_child_nodes(tree):
        if isinstance(part, ast.expr):
            yield from _places(part, frame)


def shape_of(value: Any) -> tuple[int, ...] | None:
    """Give the shape of an array, a number or a list of numbers; None for all else.

    >>> shape_of([[1, 2]]), shape_of(2.0), shape_of(None)
    ((1, 2), (), None)
    """
    if isinstance(value, Node):
        return value._array.shape
    if isinstance(value, (np.ndarray, np.generic)):
        return value.shape
    if isinstance(value, (int, float, complex)):
        return ()
    if isinstance(value, (list, tuple)) and len(value) <= 1000:
        try:
            array = np.array(value)
        except (ValueError, TypeError):
            return None
        return array.shape if array.dtype.kind in "biufc" else None
    return None
