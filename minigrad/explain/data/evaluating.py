"""The values behind the expressions of a rule, in one call: what its conditions are decided by."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

_SHAPE = {"ndim", "shape", "size", "dtype"}


class Bound(NamedTuple):
    """What a parameter stands for: the tree that is written for it, and its value."""

    tree: ast.expr
    value: Callable[[], Any]


def given(value: Any) -> Any:
    """Return what it is given: a value that is known already."""
    return value


def copied(tree: ast.expr) -> Any:
    """Copy a tree, which is going to be written into."""
    if isinstance(tree, list):
        return [copied(item) for item in tree]
    if not isinstance(tree, ast.AST):
        return tree
    return type(tree)(**{name: copied(value) for name, value in ast.iter_fields(tree)})


def evaluated(tree: ast.expr, env: Mapping[str, Bound], function: Any) -> Any:
    """Work out an expression with the values of the call."""
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    local = {name: env[name].value() for name in names & env.keys()}
    whole = ast.fix_missing_locations(ast.Expression(tree))
    with np.errstate(all="ignore"):
        return eval(compile(whole, "<rule>", "eval"), {**_globals(function), **local})


def _globals(function: Any) -> dict[str, Any]:
    """The names that a function's body sees, those of the functions around it too."""
    inner = function.__code__.co_freevars
    cells = function.__closure__ or ()
    found: dict[str, Any] = function.__globals__ | {
        n: c.cell_contents for n, c in zip(inner, cells, strict=True)
    }
    return found


def value_or_none(tree: ast.expr, env: Mapping[str, Bound], function: Any) -> Any:
    """Work out an expression; None where it cannot be."""
    if isinstance(tree, ast.Constant):
        return tree.value
    try:
        if isinstance(tree, ast.Name) and tree.id in env:
            return env[tree.id].value()
        return evaluated(tree, env, function)
    except Exception:  # it asks for what is not there: then nothing is decided, and it stays
        return None


def looks_at_shapes(test: ast.expr, env: Mapping[str, Bound]) -> bool:
    """Tell whether a condition asks for shapes and options alone, not for the numbers of arrays."""
    harmless = {
        id(node.value)
        for node in ast.walk(test)
        if isinstance(node, ast.Attribute) and node.attr in _SHAPE
    }
    harmless |= {
        id(side)
        for node in ast.walk(test)
        if isinstance(node, ast.Compare) and isinstance(node.ops[0], (ast.Is, ast.IsNot))
        for side in (node.left, *node.comparators)
    }
    return all(
        id(node) in harmless or not isinstance(env[node.id].value(), np.ndarray)
        for node in ast.walk(test)
        if isinstance(node, ast.Name) and node.id in env and not hasattr(builtins, node.id)
    )
