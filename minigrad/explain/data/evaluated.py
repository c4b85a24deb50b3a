"""What an expression was, by the variables of the frame that it stands in.

Nothing that somebody else wrote is called: no functions, no properties, no __getitem__ of objects
that are not NumPy's or Python's own.
"""

from __future__ import annotations

import ast
import operator
import warnings
from collections.abc import Callable
from types import FrameType, ModuleType
from typing import Any

import numpy as np

from minigrad.graph import Node
from minigrad.layers.inside import attributes

UNKNOWN: Any = object()
_MOST = 1_000_000  # entries that an array may have, to be computed with
_OPERATORS: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.MatMult: operator.matmul,
    ast.Gt: operator.gt,
    ast.Lt: operator.lt,
    ast.GtE: operator.ge,
    ast.LtE: operator.le,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
_OF_ARRAYS = {"T", "shape", "ndim", "size", "dtype", "real", "imag"}
_OF_NODES = {"data", "shape", "ndim", "size"}
# Functions and methods of NumPy that make an array of their arguments, and do nothing else.
_MAKING = """
    ones zeros full eye identity arange linspace array asarray ones_like zeros_like transpose
    reshape ravel squeeze expand_dims swapaxes flatten astype copy concatenate stack hstack vstack
    where maximum minimum sum mean max min var std dot matmul outer abs exp log sqrt tanh square
    sign round clip argmax argmin float32 float64 int32 int64
"""
_COUNTED = (list, tuple, dict, str, np.ndarray)
_NUMBERS = (bool, int, float, complex, np.generic)


def value_of(tree: ast.AST, frame: FrameType) -> Any:
    """Look an expression up; UNKNOWN where that cannot be done without running code."""
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _value(tree, frame)
    except Exception:  # what the expression would raise is not what stopped the pass
        return UNKNOWN


def _value(tree: ast.AST, frame: FrameType) -> Any:
    if isinstance(tree, ast.Constant):
        return tree.value
    if isinstance(tree, ast.Name):
        return _variable(tree.id, frame)
    if isinstance(tree, ast.NamedExpr):
        return _variable(tree.target.id, frame)
    if isinstance(tree, (ast.Tuple, ast.List)):
        items = [_known(item, frame) for item in tree.elts]
        return items if isinstance(tree, ast.List) else tuple(items)
    if isinstance(tree, ast.Slice):
        parts = (tree.lower, tree.upper, tree.step)
        return slice(*(None if part is None else _known(part, frame) for part in parts))
    if isinstance(tree, ast.Attribute):
        return _attribute(_known(tree.value, frame), tree.attr)
    if isinstance(tree, ast.Subscript):
        return _entry(_known(tree.value, frame), _known(tree.slice, frame))
    if isinstance(tree, ast.UnaryOp) and isinstance(tree.op, ast.USub):
        return -_plain(_known(tree.operand, frame))
    if isinstance(tree, ast.BinOp) and type(tree.op) in _OPERATORS:
        return _computed(_OPERATORS[type(tree.op)], tree.left, tree.right, frame)
    if isinstance(tree, ast.Compare) and len(tree.ops) == 1 and type(tree.ops[0]) in _OPERATORS:
        return _computed(_OPERATORS[type(tree.ops[0])], tree.left, tree.comparators[0], frame)
    if isinstance(tree, ast.Call):
        return _call(tree, frame)
    return UNKNOWN


def _known(tree: ast.AST, frame: FrameType) -> Any:
    value = _value(tree, frame)
    if value is UNKNOWN:
        raise LookupError("not to be told without running it")
    return value


def _variable(name: str, frame: FrameType) -> Any:
    for variables in (frame.f_locals, frame.f_globals, frame.f_builtins):
        if name in variables:
            return variables[name]
    return UNKNOWN


def _attribute(value: Any, name: str) -> Any:
    if isinstance(value, ModuleType):
        return vars(value).get(name, UNKNOWN)
    if isinstance(value, np.ndarray):
        return getattr(value, name) if name in _OF_ARRAYS else UNKNOWN
    if isinstance(value, Node):
        return getattr(value, name) if name in _OF_NODES else UNKNOWN
    held = attributes(value)
    if name in held:
        return held[name]
    for cls in type(value).__mro__:
        if name in vars(cls):
            found = vars(cls)[name]
            return found if isinstance(found, (*_NUMBERS, np.ndarray, Node, str)) else UNKNOWN
    return UNKNOWN


def _entry(value: Any, index: Any) -> Any:
    if type(value) in (list, tuple, dict, str) or type(value) is np.ndarray:
        return value[index]
    return UNKNOWN


def _plain(value: Any) -> Any:
    """Refuse what is not a number, an array of numbers, or a shape, to compute with."""
    if isinstance(value, _NUMBERS) or type(value) is tuple:
        return value
    if type(value) is np.ndarray and value.size <= _MOST:
        return value
    raise LookupError("no numbers")


def _computed(operate: Any, left: ast.AST, right: ast.AST, frame: FrameType) -> Any:
    a, b = (_plain(_known(tree, frame)) for tree in (left, right))
    if operate is operator.mul and (type(a) is tuple or type(b) is tuple):
        return UNKNOWN  # it may be made very long
    return operate(a, b)


def _call(tree: ast.Call, frame: FrameType) -> Any:
    """Make what a call of NumPy's made, where it does nothing else; and what len gave."""
    if isinstance(tree.func, ast.Name) and _variable(tree.func.id, frame) is len and tree.args:
        counted = _known(tree.args[0], frame)
        return len(counted) if type(counted) in _COUNTED else UNKNOWN
    if not isinstance(tree.func, ast.Attribute) or tree.func.attr not in _MAKING.split():
        return UNKNOWN
    owner = _known(tree.func.value, frame)
    if owner is not np and type(owner) is not np.ndarray:
        return UNKNOWN
    arguments = [_known(a, frame) for a in tree.args]
    options = {k.arg: _known(k.value, frame) for k in tree.keywords if k.arg}
    if "out" in options or any(_size(a) > _MOST for a in (owner, *arguments)):
        return UNKNOWN
    if any(isinstance(a, Node) for a in (*arguments, *options.values())):
        return UNKNOWN  # it would be recorded
    return getattr(owner, tree.func.attr)(*arguments, **options)


def _size(value: Any) -> int:
    """Count the entries that an argument has, or may ask for: a shape, a length."""
    if isinstance(value, np.ndarray):
        return value.size
    if isinstance(value, (tuple, list)):
        sizes = [item for item in value if isinstance(item, int)]
        return int(np.prod([1, *map(abs, sizes)], dtype=float))
    return abs(value) if isinstance(value, int) else 0
