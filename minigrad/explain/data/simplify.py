"""Arithmetic with numbers that are known, so that x ** (2 - 1) is written x; and x.T."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from typing import Any

_WORKED_OUT: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
}


def simplified(tree: ast.expr) -> Any:
    """Work out sums and products of numbers; leave out factors and exponents of 1.

    >>> ast.unparse(simplified(ast.parse("g * 2 * x ** (2 - 1)", mode="eval").body))
    'g * 2 * x'
    >>> ast.unparse(simplified(ast.parse("g * (1 / 6)", mode="eval").body))
    'g / 6'
    >>> ast.unparse(simplified(ast.parse("np.transpose(g, None)", mode="eval").body))
    'g.T'
    """
    return _Simplifier().visit(tree)


class _Simplifier(ast.NodeTransformer):
    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        self.generic_visit(node)
        left, right = _number(node.left), _number(node.right)
        kind = type(node.op)
        if left is not None and right is not None and kind in _WORKED_OUT:
            return _written(_WORKED_OUT[kind](left, right))
        if right == 1 and kind in (ast.Mult, ast.Div, ast.Pow):
            return node.left
        if left == 1 and kind is ast.Mult:
            return node.right
        divisor = _reciprocal(node.right)
        if kind is ast.Mult and divisor is not None:
            return ast.BinOp(node.left, ast.Div(), divisor)
        return node

    def visit_Call(self, node: ast.Call) -> ast.expr:
        self.generic_visit(node)
        if ast.unparse(node.func) == "np.reshape":  # NumPy's own order need not be said
            node.keywords = [k for k in node.keywords if ast.unparse(k) != "order='C'"]
        if ast.unparse(node.func) == "np.transpose" and len(node.args) == 2 and not node.keywords:
            axes = node.args[1]
            if isinstance(axes, ast.Constant) and axes.value is None:
                return ast.Attribute(node.args[0], "T")
        return node

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.expr:
        self.generic_visit(node)
        inner = node.operand
        if isinstance(node.op, ast.USub) and isinstance(inner, ast.UnaryOp):
            return inner.operand if isinstance(inner.op, ast.USub) else node
        return node


def _number(tree: ast.expr) -> Any:
    """The number that an expression is, if it is one."""
    if isinstance(tree, ast.UnaryOp) and isinstance(tree.op, ast.USub):
        inner = _number(tree.operand)
        return None if inner is None else -inner
    is_number = isinstance(tree, ast.Constant) and type(tree.value) in (int, float)
    return tree.value if isinstance(tree, ast.Constant) and is_number else None


def _written(value: Any) -> ast.expr:
    if value < 0:
        return ast.UnaryOp(ast.USub(), ast.Constant(-value))
    return ast.Constant(value)


def _reciprocal(tree: ast.expr) -> ast.expr | None:
    """The x of 1 / x."""
    divides = isinstance(tree, ast.BinOp) and isinstance(tree.op, ast.Div)
    if divides and isinstance(tree, ast.BinOp) and _number(tree.left) == 1:
        return tree.right
    return None
