"""Reading a backward while it runs: each expression of its source is a place to look and to try.

`instrumented(function, spy)` compiles the function again with each expression `e` replaced by
`spy(k, e)`. A spy that only watches changes nothing; it remembers what each expression was worth.
Given a change for place k, it hands out another value there: so a hypothesis about a mistake
("here the transpose belongs") is tried on the running code, and no source is edited.
"""

import ast
import inspect
import math
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import CellType, FunctionType, MethodType
from typing import Any, NamedTuple

import numpy as np

Change = Callable[[Any, int], Any]  # of a value, and how often its place was passed before
Store = Callable[[Any, Any, Any], None]  # of an array, an index, and what to put there


class EndlessError(Exception):
    """A run with a change takes far longer than one without."""


class Site(NamedTuple):
    """One expression of the source: what it says, where, and what it is to its surroundings."""

    text: str
    line: int
    role: str  # the field of its parent: "value", "left", "args", "func", "index", "test" …
    kind: str  # the type of its node: "BinOp", "Call", "Constant" …
    function: str  # the name of the function it stands in
    file: str
    span: tuple[int, int]  # where it begins and ends, to know what contains what
    around: tuple[str, ...]  # what it stands in, from near to far: "Mult", "Compare", "where" …


@dataclass
class Spy:
    """What the instrumented code calls: watches every site, and changes some."""

    sites: list[Site] = field(default_factory=list)
    seen: dict[int, list[Any]] = field(default_factory=dict)
    changes: dict[int, Change] = field(default_factory=dict)
    stores: dict[int, Store] = field(default_factory=dict)
    hits: dict[int, int] = field(default_factory=dict)  # how often each change was used in this run
    latest: dict[int, Any] = field(default_factory=dict)  # what each place was worth last
    watching: bool = False
    passed: int = 0  # places in this run so far
    most: float = math.inf  # more than that, and a change has made a loop endless
    inside: dict[Any, Any] = field(default_factory=dict)  # functions already instrumented

    def __call__(self, k: int, value: Any) -> Any:
        """The value of site k: as it is, or as the change wants it."""
        if type(value) is FunctionType and self.sites[k].role == "func":
            value = self.entered(value)
        self.latest[k] = value
        self.passed += 1
        if self.passed > self.most:
            raise EndlessError
        if self.watching:
            self.seen.setdefault(k, []).append(value)
        if k not in self.changes:
            return value
        change = self.changes[k]
        self.hits[k] = self.hits.get(k, -1) + 1
        return change(value, self.hits[k])

    def begin(
        self, changes: Mapping[int, Change], stores: Mapping[int, Store] | None = None
    ) -> None:
        """Take other changes, and count from the first run through each place again."""
        self.changes, self.stores, self.hits = dict(changes), dict(stores or {}), {}
        self.passed = 0

    def store(self, k: int, array: Any, index: Any, value: Any, add: bool) -> None:
        """`array[index] = value` or `+=`, unless another way of storing is tried."""
        if self.watching:
            self.seen.setdefault(k, []).append((array, index, value, add))
        if k in self.stores:
            self.stores[k](array, index, value)
        elif add:
            array[index] += value
        else:
            array[index] = value

    def above(self, cls: type, self_: Any) -> "Above":
        """What `super()` means inside instrumented code: the next method, instrumented too."""
        return Above(self, cls, self_)

    def entered(self, function: FunctionType) -> Any:
        """A function of the user's own, instrumented; anybody else's as it is."""
        if function not in self.inside:
            self.inside[function] = function
            if owned(function):
                self.inside[function] = instrumented(function, self) or function
        return self.inside[function]


@dataclass
class Above:
    """A stand-in for `super()` that finds methods in the same order."""

    spy: Spy
    cls: type
    self_: Any

    def __getattr__(self, name: str) -> Any:
        classes = type(self.self_).__mro__
        for cls in classes[classes.index(self.cls) + 1 :]:
            found = vars(cls).get(name)
            if type(found) is FunctionType:
                return MethodType(self.spy.entered(found), self.self_)
        return getattr(super(self.cls, self.self_), name)


def owned(function: Any) -> bool:
    """Whether the function was written by whoever asks: not by NumPy, minigrad or Python."""
    top = (getattr(function, "__module__", None) or "").split(".")[0]
    return top not in {"numpy", "minigrad", "builtins", "contextlib", "functools", "math", "torch"}


def instrumented(function: FunctionType, spy: Spy) -> FunctionType | None:
    """The function with a spy at every expression; None where there is no source to read."""
    try:
        lines, first = inspect.getsourcelines(function)
        tree = ast.parse(textwrap.dedent("".join(lines)))
    except (OSError, TypeError, SyntaxError):
        return None
    body = tree.body[0]
    if not isinstance(body, ast.FunctionDef) or body.name != function.__code__.co_name:
        return None
    body.decorator_list = []
    ast.increment_lineno(tree, first - 1)
    name = function.__code__.co_filename
    watched = _Watch(spy, function.__qualname__, name).visit(body)
    cells = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
    cells["_spy_"] = CellType(spy)
    return _recompiled(watched, function, cells)


def _recompiled(body: ast.FunctionDef, old: FunctionType, cells: dict[str, Any]) -> FunctionType:
    """Compile the definition inside a function with the same free variables, and take it out."""
    body.args.defaults = [ast.Constant(None) for _ in body.args.defaults]
    body.args.kw_defaults = [d and ast.Constant(None) for d in body.args.kw_defaults]
    for arg in (*body.args.posonlyargs, *body.args.args, *body.args.kwonlyargs):
        arg.annotation = None
    body.returns = None
    outer = ast.parse(f"def _outer_({', '.join(cells)}): return {body.name}").body[0]
    assert isinstance(outer, ast.FunctionDef)
    outer.body.insert(0, body)
    module = ast.fix_missing_locations(ast.Module([outer], []))
    names: dict[str, Any] = {}
    exec(compile(module, old.__code__.co_filename, "exec"), old.__globals__, names)
    inner = names["_outer_"](*cells)
    closure = tuple(cells[name] for name in inner.__code__.co_freevars)
    new = FunctionType(inner.__code__, old.__globals__, old.__name__, old.__defaults__, closure)
    new.__kwdefaults__ = old.__kwdefaults__
    return new


class _Watch(ast.NodeTransformer):
    """Wraps every expression that is read, and every assignment to a part of an array."""

    def __init__(self, spy: Spy, function: str, file: str) -> None:
        self.spy, self.function, self.file = spy, function, file
        self.around: list[str] = []

    def site(self, node: ast.AST, role: str) -> ast.Constant:
        """A new place, whose number is returned."""
        text, line = ast.unparse(node), getattr(node, "lineno", 0)
        span = getattr(node, "lineno", 0) * 1000 + getattr(node, "col_offset", 0)
        end = getattr(node, "end_lineno", 0) * 1000 + getattr(node, "end_col_offset", 0)
        kind = type(node).__name__
        around = tuple(reversed(self.around))
        self.spy.sites.append(
            Site(text, line, role, kind, self.function, self.file, (span, end), around)
        )
        return ast.Constant(len(self.spy.sites) - 1)

    def wrap(self, node: ast.expr, role: str) -> ast.expr:
        """`spy(k, e)` for an expression e, whose own parts are wrapped first."""
        if not _worth(node):
            whole: ast.expr = self.parts(node)
            return whole
        k = self.site(node, role)
        return _call("_spy_", [k, self.parts(node)])

    def parts(self, node: Any) -> Any:
        """The node with its sub-expressions wrapped."""
        if isinstance(node, ast.Call) and _is_super(node):
            return _call("_spy_.above", [_name("__class__"), _name("self")])
        self.around.append(_called(node))
        for name, value in ast.iter_fields(node):
            if name in {"ctx", "annotation", "type_comment"}:
                continue
            if isinstance(value, list):
                setattr(node, name, [self.part(one, name) for one in value])
            elif isinstance(value, ast.AST):
                setattr(node, name, self.part(value, name))
        self.around.pop()
        return node

    def part(self, value: Any, role: str) -> Any:
        """One field of a node."""
        if isinstance(value, ast.Slice):
            bounds = [value.lower, value.upper, value.step]
            k = self.site(value, "index")
            inner = [ast.Constant(None) if b is None else self.wrap(b, "bound") for b in bounds]
            return _call("_spy_", [k, _call("slice", inner)])
        if isinstance(value, ast.expr) and _is_read(value):
            return self.wrap(value, "index" if role == "slice" else role)
        if isinstance(value, ast.keyword):
            value.value = self.wrap(value.value, value.arg or "kwargs")
            return value
        return self.visit(value) if isinstance(value, ast.stmt) else self.inner(value)

    def inner(self, value: Any) -> Any:
        """What is neither read nor a statement: targets, comprehensions, operators."""
        return self.parts(value) if isinstance(value, ast.AST) and ast_has_parts(value) else value

    def generic_visit(self, node: ast.AST) -> Any:
        return self.parts(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> Any:
        node.body = [self.visit(one) for one in node.body]
        return node

    def visit_Assign(self, node: ast.Assign) -> Any:
        if len(node.targets) == 1 and isinstance(node.targets[0], ast.Subscript):
            return self.stored(node, node.targets[0], node.value, False)
        return self.parts(node)

    def visit_AugAssign(self, node: ast.AugAssign) -> Any:
        if isinstance(node.target, ast.Subscript) and isinstance(node.op, ast.Add):
            return self.stored(node, node.target, node.value, True)
        return self.parts(node)

    def stored(self, node: ast.stmt, target: ast.Subscript, value: ast.expr, add: bool) -> Any:
        """`_spy_.store(k, array, index, value, add)` in place of the statement."""
        k = self.site(node, "statement")
        array, index = self.parts(target.value), self.part(target.slice, "slice")
        parts = [k, array, index, self.part(value, "value"), ast.Constant(add)]
        return ast.copy_location(ast.Expr(_call("_spy_.store", parts)), node)


def _name(text: str) -> ast.expr:
    found = ast.parse(text, mode="eval")
    return found.body


def _call(name: str, args: list[Any]) -> ast.Call:
    return ast.Call(_name(name), args, [])


def _called(node: Any) -> str:
    """What a node is to those inside: its operator, the function it calls, or its type."""
    if isinstance(node, (ast.BinOp, ast.UnaryOp, ast.AugAssign)):
        return type(node.op).__name__
    if isinstance(node, ast.Call):
        return str(getattr(node.func, "attr", getattr(node.func, "id", "Call")))
    return type(node).__name__


def _is_super(node: ast.Call) -> bool:
    return isinstance(node.func, ast.Name) and node.func.id == "super" and not node.args


def _is_read(node: ast.expr) -> bool:
    return isinstance(getattr(node, "ctx", ast.Load()), ast.Load)


def ast_has_parts(node: ast.AST) -> bool:
    """Whether there is something to wrap inside."""
    return not isinstance(
        node, (ast.operator, ast.unaryop, ast.cmpop, ast.boolop, ast.expr_context)
    )


def _worth(node: ast.expr) -> bool:
    """Whether a value of this node can be looked at and exchanged."""
    if isinstance(node, ast.Constant):
        return isinstance(node.value, (int, float)) and not isinstance(node.value, bool)
    if isinstance(node, ast.Name):
        return node.id not in {"self", "super", "np", "numpy"}
    if isinstance(node, ast.Call) and _is_super(node):
        return False
    return not isinstance(
        node,
        (
            ast.Lambda,
            ast.JoinedStr,
            ast.Starred,
            ast.Yield,
            ast.YieldFrom,
            ast.ListComp,
            ast.GeneratorExp,
            ast.NamedExpr,
            ast.FormattedValue,
        ),
    )


def is_array(value: Any) -> bool:
    """An array or NumPy number of floats."""
    return isinstance(value, (np.ndarray, np.floating)) and value.dtype.kind == "f"
