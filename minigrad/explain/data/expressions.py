"""Expressions that a person types: read by Python's grammar, computed by a list of what is allowed.

Nothing is ever handed to `eval`. The text becomes a syntax tree, and this file walks it: numbers,
names that were given a value, arithmetic, and the functions listed below. Anything else is refused
with the place where it stands.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from minigrad import functions

LONGEST = 1000  # characters: more is a program, and belongs in a file
DEEPEST = 100  # operations inside each other

OPERATORS: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
    ast.MatMult: operator.matmul,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
}
OF_NUMPY = (
    "abs arccos arcsin arctan cos cosh cumsum dot exp expm1 hypot log log1p logaddexp max maximum "
    "mean min minimum outer prod reshape sin sinh sqrt square std sum tan tanh transpose var"
)
OURS = "gelu leaky_relu log_softmax logsumexp relu sigmoid silu softmax softplus"
FUNCTIONS: dict[str, Callable[..., Any]] = {
    **{name: getattr(np, name) for name in OF_NUMPY.split()},
    **{name: getattr(functions, name) for name in OURS.split()},
}
CONSTANTS = {"pi": np.pi, "e": np.e}
RESERVED = {*FUNCTIONS, *CONSTANTS, "np", "mg"}


class ExpressionError(ValueError):
    """An expression, or a value for one of its names, that cannot be taken as it is.

    >>> issubclass(ExpressionError, ValueError)
    True
    """


def evaluate(text: str, values: Mapping[str, Any]) -> Any:
    """Compute an expression of names, numbers, arithmetic and the functions of `FUNCTIONS`.

    Functions may be written as they are called in NumPy or here: exp, np.exp, mg.relu.
    Raises ExpressionError for everything else, naming what and where.

    >>> import minigrad as mg
    >>> evaluate("(a*b + c)**2", {"a": mg.Tensor(2.0), "b": 3.0, "c": 1.0}).item()
    49.0
    >>> evaluate("open('file')", {})
    Traceback (most recent call last):
    minigrad.explain.data.expressions.ExpressionError: open is no function that an expression...
    """
    if len(text) > LONGEST:
        raise ExpressionError(
            f"this expression has {len(text)} characters, more than {LONGEST}: write a function "
            "in a file, and say file.py::function"
        )
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        place = getattr(error, "offset", None)
        where = f", at character {place}" if place else ""
        raise ExpressionError(f"{text!r} is no expression{where}") from error
    try:
        with np.errstate(all="ignore"):  # log(-1) is NaN, and the explanation says where it arose
            return _value(tree.body, values, 0)
    except (ArithmeticError, MemoryError, TypeError, ValueError, IndexError) as error:
        if isinstance(error, ExpressionError):
            raise
        told = "a number too large for a float" if isinstance(error, OverflowError) else error
        raise ExpressionError(f"{text}: {told}") from error


def names_in(text: str) -> list[str]:
    """List the names in an expression that want a value, in order, each once.

    >>> names_in("np.exp(a*b) + a - pi")
    ['a', 'b']
    """
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return []
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    nodes.sort(key=lambda node: (node.lineno, node.col_offset))
    return list(dict.fromkeys(node.id for node in nodes if node.id not in RESERVED))


def read_value(text: str) -> tuple[str, Any]:
    """Read name=number or name=[[…], […]] into the name and an array of floats.

    >>> read_value("x=[1, 2]")
    ('x', array([1., 2.]))
    """
    name, equals, number = text.partition("=")
    name = name.strip()
    if not equals or not name.isidentifier():
        raise ExpressionError(f"{text!r} is no value: write name=number, or name=[1, 2, 3]")
    if name in RESERVED:
        raise ExpressionError(f"{name} has a meaning of its own here: choose another name")
    try:
        value = np.array(ast.literal_eval(number.strip()), dtype=np.float64)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError) as error:
        raise ExpressionError(
            f"{name}={number}: that is neither a number nor a list of numbers, such as 2.5 or "
            "[[1, 2], [3, 4]]"
        ) from error
    return name, value


# ---- the walk ------------------------------------------------------------------------------------
def _value(node: ast.expr, values: Mapping[str, Any], depth: int) -> Any:
    if depth > DEEPEST:
        raise ExpressionError(f"more than {DEEPEST} operations stand inside each other here")

    def of(part: ast.expr) -> Any:
        return _value(part, values, depth + 1)

    match node:
        case ast.Constant(value=bool() | complex() | str() | bytes() | None):
            raise _refused(node, "only real numbers are allowed")
        case ast.Constant(value=int() | float() as number):
            return number
        case ast.Name(id=name):
            return _named(name, values)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in OPERATORS:
            return _computed(OPERATORS[type(op)], of(left), of(right))
        case ast.UnaryOp(op=op, operand=operand) if type(op) in OPERATORS:
            return OPERATORS[type(op)](of(operand))
        case ast.List(elts=items) | ast.Tuple(elts=items):
            return [of(item) for item in items]
        case ast.Attribute(value=operand, attr="T"):
            return np.transpose(of(operand))
        case ast.Call(func=func, args=args, keywords=keywords):
            options = {
                key.arg: of(key.value) for key in keywords if key.arg in ("axis", "keepdims")
            }
            if len(options) != len(keywords):
                raise _refused(node, "the options allowed here are axis and keepdims")
            return _function(func)(*map(of, args), **options)
    raise _refused(node, "allowed are numbers, names, + - * / ** @, and functions")


def _named(name: str, values: Mapping[str, Any]) -> Any:
    if name in values:
        return values[name]
    if name in CONSTANTS:
        return CONSTANTS[name]
    hint = "is a function: call it" if name in FUNCTIONS else f"has no value: add {name}=…"
    raise ExpressionError(f"{name} {hint}")


def _computed(function: Callable[..., Any], left: Any, right: Any) -> Any:
    """Compute; of two plain numbers as floats, so that 9**9**9 is an overflow and not an hour."""
    if isinstance(left, int | float) and isinstance(right, int | float):
        return function(float(left), float(right))
    return function(left, right)


def _function(node: ast.expr) -> Callable[..., Any]:
    match node:
        case ast.Name(id=name) | ast.Attribute(value=ast.Name(id="np" | "mg"), attr=name):
            if name in FUNCTIONS:
                return FUNCTIONS[name]
    name = ast.unparse(node)
    raise ExpressionError(
        f"{name} is no function that an expression may call; these are: {', '.join(FUNCTIONS)}"
    )


def _refused(node: ast.expr, remedy: str) -> ExpressionError:
    return ExpressionError(
        f"{ast.unparse(node)!r}, at character {node.col_offset + 1}, cannot stand in an "
        f"expression: {remedy}"
    )
