"""Reading a function's syntax tree as one expression, in the names of one call.

Parameters are renamed, conditions on shapes and options are decided as they were in this call,
helpers of one expression are written out, and numbers are worked out. What is left says what was
computed.
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from minigrad.explain.data.calls import literal
from minigrad.explain.data.evaluating import (
    Bound,
    copied,
    evaluated,
    given,
    looks_at_shapes,
    value_or_none,
)
from minigrad.explain.data.readings import NAMED, READINGS
from minigrad.explain.data.simplify import simplified
from minigrad.explain.data.sources import Written, stated, written
from minigrad.table import RULES

_FUNCTIONS = (ast.Lambda, ast.ListComp, ast.GeneratorExp, ast.DictComp, ast.SetComp)


class UnreadableError(Exception):
    """A helper is not one expression."""


def constant(value: Any) -> ast.expr:
    """Write a value as an expression."""
    text = literal(value)
    try:
        return ast.parse(text, mode="eval").body
    except SyntaxError:
        return ast.Name(text)


class Reader:
    """Writes expressions of a function with what its parameters stand for in one call."""

    def __init__(self, function: Any, deepest: int) -> None:
        self.function = function
        self.deepest = deepest  # how far helpers inside helpers are written out
        self.saw_values = False  # whether a decision depended on the numbers

    def call(
        self,
        found: Written,
        args: Sequence[Bound],
        keywords: Mapping[str, Bound],
        position: int | None = None,
        function: Any = None,
        depth: int = 0,
    ) -> ast.expr:
        """Write what a function returns."""
        function = function or self.function
        env = _bound(found.tree, function, args, keywords)
        scope = _Scope(self, env, function, depth)
        if isinstance(found.tree, ast.Lambda):
            tree = scope.read(found.tree.body)
        else:
            tree = scope.returned(found.tree.body)
        if position is None:
            return tree
        if isinstance(tree, (ast.Tuple, ast.List)) and not any(
            isinstance(item, ast.Starred) for item in tree.elts
        ):
            return tree.elts[position]
        return ast.Subscript(tree, ast.Constant(position))


def _bound(
    tree: Any, function: Any, args: Sequence[Bound], keywords: Mapping[str, Bound]
) -> dict[str, Bound]:
    """Say what each parameter stands for."""
    spec = tree.args
    positional = [a.arg for a in (*spec.posonlyargs, *spec.args)]
    env = dict(zip(positional, args, strict=False))
    if spec.vararg is not None:
        rest = args[len(positional) :]
        items = ast.Tuple([b.tree for b in rest], ast.Load())
        env[spec.vararg.arg] = Bound(items, lambda: tuple(b.value() for b in rest))
    elif len(args) > len(positional):
        raise UnreadableError
    env |= keywords
    if spec.kwarg is not None:
        known = {*positional, *(a.arg for a in spec.kwonlyargs)}
        extra = {name: bound for name, bound in keywords.items() if name not in known}
        keys: list[ast.expr | None] = [ast.Constant(name) for name in extra]
        written_out = ast.Dict(keys, [bound.tree for bound in extra.values()])
        values = functools.partial(_values, extra)
        env[spec.kwarg.arg] = Bound(written_out, values)
    defaults = function.__defaults__ or ()
    usual = dict(zip(positional[len(positional) - len(defaults) :], defaults, strict=True))
    for name, value in {**usual, **(function.__kwdefaults__ or {})}.items():
        env.setdefault(name, Bound(constant(value), functools.partial(given, value)))
    return env


def _values(bound: Mapping[str, Bound]) -> dict[str, Any]:
    return {name: each.value() for name, each in bound.items()}


class _Scope(ast.NodeTransformer):
    """One function's body, with what its names stand for."""

    def __init__(self, reader: Reader, env: dict[str, Bound], function: Any, depth: int) -> None:
        self.reader, self.env, self.function, self.depth = reader, env, function, depth

    def read(self, tree: ast.expr) -> ast.expr:
        """Write an expression."""
        read: ast.expr = simplified(self.visit(copied(tree)))
        return read

    def returned(self, body: Sequence[ast.stmt]) -> ast.expr:
        """Write what a body returns, if it is assignments, decisions and a return."""
        for statement in body:
            if isinstance(statement, ast.Return) and statement.value is not None:
                return self.read(statement.value)
            if isinstance(statement, ast.If):
                chosen = self._decided(statement.test)
                if chosen is None:
                    raise UnreadableError
                branch = statement.body if chosen else statement.orelse
                if _returns(branch):
                    return self.returned(branch)
                self._assigned(branch)
            elif not (
                isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
            ):
                self._assigned([statement])
        raise UnreadableError

    def _assigned(self, body: Sequence[ast.stmt]) -> None:
        """Bind names of intermediate results to what they stand for."""
        for statement in body:
            simple = isinstance(statement, ast.Assign) and len(statement.targets) == 1
            target = statement.targets[0] if isinstance(statement, ast.Assign) else None
            if not simple or not isinstance(target, ast.Name):
                raise UnreadableError
            value = statement.value if isinstance(statement, ast.Assign) else None
            assert value is not None
            env = dict(self.env)
            tree = self.read(value)
            thunk = functools.cache(functools.partial(evaluated, value, env, self.function))
            self.env = {**env, target.id: Bound(tree, thunk)}

    # ---- expressions -----------------------------------------------------------------------------
    def visit(self, node: ast.AST) -> Any:
        """Write a part of an expression; an inner function is left to a call of the whole."""
        if isinstance(node, ast.ListComp):
            value = value_or_none(node, self.env, self.function)
            if isinstance(value, list) and all(type(item) is int for item in value):
                return constant(value)
        if isinstance(node, _FUNCTIONS):
            raise UnreadableError
        return super().visit(node)

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """Write what a parameter stands for, and what a constant of a module is."""
        if node.id in self.env:
            return self.env[node.id].tree
        return (stated(self.function, node.id) if node.id.startswith("_") else None) or node

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.expr:
        """Write the option that None or 0 is."""
        return self._option(node) or self._inside(node)

    def _option(self, node: ast.expr) -> ast.expr | None:
        """Work out an expression of numbers and options alone."""
        names = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
        plain = all(_is_plain(self.env[n].tree) for n in names if n in self.env)
        value = (
            value_or_none(node, self.env, self.function) if plain and names <= {*self.env} else ...
        )
        return constant(value) if isinstance(value, (int, str, type(None))) else None

    def visit_IfExp(self, node: ast.IfExp) -> ast.expr:
        """Decide, as it was decided in this call."""
        chosen = self._decided(node.test)
        if chosen is None:
            self.generic_visit(node)
            return node
        read: ast.expr = self.visit(node.body if chosen else node.orelse)
        return read

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        """Write the number that x.size and x.ndim are."""
        is_number = node.attr in ("size", "ndim")
        read: ast.expr = self._measured(node) if is_number else self._inside(node)
        return read

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        """Write the number that x.shape[0] is."""
        of_shape = isinstance(node.value, ast.Attribute) and node.value.attr == "shape"
        read: ast.expr = self._measured(node) if of_shape else self._inside(node)
        return read

    def _inside(self, node: Any) -> Any:
        self.generic_visit(node)
        return node

    def _measured(self, node: ast.expr) -> Any:
        value = value_or_none(node, self.env, self.function)
        return ast.Constant(value) if type(value) is int else self._inside(node)

    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        """Leave a comparison of arrays as it is."""
        self.generic_visit(node)
        return node

    def visit_Call(self, node: ast.Call) -> ast.expr:
        """Write a helper out; call what has a name in mathematics by its name."""
        if isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Dict):
            return self._option(node) or self._inside(node)
        function = value_or_none(node.func, self.env, self.function)
        written_out = self._written_out(node, function) if function in READINGS else None
        written_out = written_out or self._number(node, function)
        written_out = written_out or self._written_out(node, function)
        if written_out is None:
            self.generic_visit(node)
            if isinstance(node.func, ast.Name) and not node.func.id.startswith("__"):
                node.func = ast.Name(node.func.id.removeprefix("_"))
            return node
        return written_out

    def _number(self, node: ast.Call, function: Any) -> ast.expr | None:
        """Work out what counts or measures: int(…), math.prod(…), a helper's number or axes."""
        ours = (getattr(function, "__module__", None) or "").startswith("minigrad")
        plain = function in (int, len, max, min, float, range) or _is_of_math(function)
        if not (plain or ours) or (ours and function in RULES):
            return None
        value = value_or_none(node, self.env, self.function)
        axes = isinstance(value, tuple) and all(type(item) is int for item in value)
        if axes or (isinstance(value, (bool, int, float)) and not isinstance(value, np.generic)):
            if ours and not self.reader.saw_values:
                self.reader.saw_values = self._looks_at_numbers(node, value)
            return constant(value)
        return None

    def _looks_at_numbers(self, node: ast.Call, value: Any) -> bool:
        """Tell whether a helper's result hangs on the numbers in arrays, and not on shapes alone.

        Of arrays of NaN it would be another.
        """
        blind = dict(self.env)
        for name in {n.id for n in ast.walk(node) if isinstance(n, ast.Name)} & self.env.keys():
            known = self.env[name].value()
            if isinstance(known, np.ndarray):
                if known.dtype.kind != "f":
                    return True
                nothing = np.full(known.shape, np.nan, known.dtype)
                blind[name] = Bound(self.env[name].tree, functools.partial(given, nothing))
        return bool(value_or_none(node, blind, self.function) != value)

    def _written_out(self, node: ast.Call, function: Any) -> ast.expr | None:
        """Write what a helper computes in place of its call."""
        reading = READINGS.get(function)
        if reading is self.function:
            reading = None  # inside of it the helper is itself
        helper = function if reading is None else reading
        module = getattr(helper, "__module__", None) or ""
        is_named = function in NAMED or function in RULES or not module.startswith("minigrad")
        if any(isinstance(a, ast.Starred) for a in node.args) or (is_named and reading is None):
            return None
        found = None if self.depth >= self.reader.deepest else written(helper)
        if found is None or any(k.arg is None for k in node.keywords):
            return None
        try:
            args = [self._passed(a) for a in node.args]
            keywords = {k.arg: self._passed(k.value) for k in node.keywords if k.arg is not None}
            return self.reader.call(found, args, keywords, None, helper, self.depth + 1)
        except UnreadableError:
            return None

    def _passed(self, tree: ast.expr) -> Bound:
        """Bind an argument of a helper: its text, and its value when a decision asks for it."""
        thunk = functools.partial(evaluated, copied(tree), self.env, self.function)
        return Bound(self.read(tree), functools.cache(thunk))

    def _decided(self, test: ast.expr) -> bool | None:
        """Decide a condition as it was decided in this call; None where that is not one choice."""
        value = value_or_none(test, self.env, self.function)
        is_one = isinstance(value, (float, np.generic)) or np.shape(value) == ()
        if not (is_one or isinstance(value, (bool, int, tuple, type(None)))):
            return None
        if not looks_at_shapes(test, self.env):
            self.reader.saw_values = True
        return bool(value)


def _is_plain(tree: ast.expr) -> bool:
    """Tell whether a number or an option is written for a parameter."""
    inner = tree.operand if isinstance(tree, ast.UnaryOp) else tree
    return isinstance(inner, ast.Constant)


def _returns(body: Sequence[ast.stmt]) -> bool:
    return any(isinstance(statement, ast.Return) for statement in body)


def _is_of_math(function: Any) -> bool:
    return getattr(function, "__module__", None) == "math"
