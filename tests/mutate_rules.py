"""Break each derivative on purpose, one slip at a time, and see whether a test notices.

    python tests/mutate_rules.py               every rule of derivatives/ and functions/
    python tests/mutate_rules.py np.exp spread  the rules, or helpers of rules, of these names
    python tests/mutate_rules.py --list        say what would be tried
    python tests/mutate_rules.py --sample 1500  that many, drawn at random (half an hour)

A mutant is one change in a rule: sign, factor 2, the cotangent ignored, operands swapped, a term or
factor dropped, `*` for `/`, cos for sin, a constant off by one … Pytest collects the tests once.
Then, for each mutant, a process is forked in which the functions of the rules get the code of the
mutant, and which runs the tests of the functions that use the rule until one fails. Where a rule
did its work when the package was loaded, that is done in a copy of the package, imported anew.
"""

import argparse
import ast
import copy
import functools
import gc
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import types
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import hypothesis
import pytest
from hypothesis import HealthCheck, Phase

TESTS = Path(__file__).resolve().parent
ROOT = TESTS.parent
IGNORED = shutil.ignore_patterns("__pycache__", "digits.npz")
SOURCES = sorted(ROOT.glob("minigrad/derivatives/*.py")) + sorted(
    ROOT.glob("minigrad/functions/*.py")
)
# The tests of one function at a time: of those functions alone that use a rule.
EACH = ["test_derivatives.py", "test_derivatives_of_complex_numbers.py", "test_values.py"]
ALWAYS = [
    "test_functions.py",
    "test_tensor.py",
    "test_graph.py",
    "test_complex.py",
    "test_interoperation.py",
    *sorted(path.name for path in TESTS.glob("test_pitfalls*.py")),
]
PROCESSES = 2
WRONG_PACKAGE = 99  # the exit code when the tests imported a package without the slip
SECONDS = 120  # of computing for one mutant; one that hangs is killed by the system

# Mutants that no test can notice, because they change no derivative: (name, part of the change).
EQUIVALENT = {
    "a tie is decided before": [
        *[("np.maximum", f"{a} <= {b}  →  {a} < {b}") for a, b in ("ab", "ba")],
        *[("np.minimum", f"{a} >= {b}  →  {a} > {b}") for a, b in ("ab", "ba")],
        *[("np.fmax", f"{a} > {b}  →  {a} >= {b}") for a, b in ("ab", "ba")],
        *[("np.fmin", f"{a} < {b}  →  {a} <= {b}") for a, b in ("ab", "ba")],
    ],
    "what is swapped is symmetric": [
        ("correlate_gap", "→  convolve_gap(m, n, mode)"),
        ("convolved", "→  convolve_gap(len(v), len(a), mode)"),
        ("vander_slope", "→  times(powers, "),
        ("np.copysign", "y and x swapped"),
        ("np.swapaxes", "axis1 and axis2 swapped"),
        ("np.clip", "x and low swapped: g * (_below(high, x) | _below(high, low))"),
    ],
    "the output is below x where the upper bound is, and equals the bound there": [
        ("np.clip", "y and high swapped"),
    ],
    "only the shape is read, or the sign, and both have the same": [
        ("written_at", "y and x swapped"),
        ("softmax_cross_entropy", "t and p swapped: log_softmax(x)"),
        ("relu", "y and x swapped"),
    ],
    "a product with a zero is zero already, or not finite": [
        ("_cleared", "zero & ~np.isfinite(product)  →  zero"),
    ],
    "a short cut: the long way gives the same": [
        ("np.matmul", "if a.ndim == b.ndim == 2"),
        ("_rows", "→  np.reshape(x, (-1, x.shape[-1]))"),
        ("scatter", "inside.size > 1  →  inside.size"),
        ("others", "where is True  →  where is False"),
        ("scatter", "g.size <= x.size"),
        ("scatter", "copy=False"),
        ("resized", "n >= length  →  n > length"),
        ("resized", "→  g[*before, slice(length)]"),
        ("overlap_added", "size <= starts  →  size"),
        ("unresize", "-g.size // size  →  -g.size"),
        ("folded", "n - after - 1  →  1 - (n - after)"),
        ("folded", "n > before + after + 2"),
        ("unrepeat", "np.size(repeats) == 1  →  np.size(repeats) !="),
    ],
    "where the factor is zero the mask decides nothing": [
        ("turned", "np.where(_idle(g, d), 0.0, _over_gaps(h, d))  →  np.where(_idle(g, d), 1.0"),
        ("powered", "→  times(np.abs(r) ** (p - 2), r)"),
    ],
    "a square matrix has as many rows as columns": [
        ("inverse_or_nan", "a.shape[-1]  →  a.shape[-2]"),
        ("leverrier", "e.shape[-1]"),
    ],
    "powers of one matrix commute": [("leverrier", "e @ adjugate  →  adjugate @ e")],
    "the engine sums over the axis of length one, or over the missing axes": [
        ("left_matrix", "a[None, :] if a.ndim == 1 else a  →  a[None, :]"),
        ("matmul_left", "→  da"),
        ("np.polyval", "→  np.expand_dims(g, -1) * np.expand_dims(x, -1)"),
        ("untile", "→  np.sum(np.reshape(g, pairs)"),
    ],
    "another dtype of the same zeros, ones or places": [
        ("touched", "np.zeros(shape, dtype=bool)  →  np.zeros(shape)"),
        ("_pairs", "→  np.eye(x.shape[-1])"),
        ("_halved", "→  np.eye(a.shape[-1])"),
        ("cofactors", "→  np.eye(few)"),
        ("inverse_or_nan", "→  np.eye(a.shape[-1])"),
        ("leverrier", "→  np.eye(n)"),
        ("_share", "float(p.shape[-1] / p.size)  →  p.shape[-1] / p.size"),
    ],
    "NumPy reads -2 as it reads -1: the length that is left": [
        ("dot_left", "-1"),
        ("dot_right", "-1"),
        ("_rows", "-1"),
    ],
    "sequences change places in a convolution, which puts the longer one first itself": [
        ("np.convolve", "→  np.convolve(np.flip("),
        ("np.correlate", "→  np.convolve(np.flip("),
    ],
    "an order of 0 does not come here": [
        ("_of_matrices", "ord > 0  →  ord >= 0"),
        ("_of_vectors", "ord > 0  →  ord >= 0"),
    ],
    "NumPy is asked for its checks alone, at any place": [("_interp", "→  np.interp(1.0, ")],
    "an empty slice either way": [("_trim_zeros", "→  slice(1, 0)")],
    "nothing is missing in this mode": [("convolve_gap", "→  {'full': 1")],
    "the axes of these are 0 and 1": [("vander_slope", "-1  →  1")],
    "the third component, which is not taken": [("upright", "np.zeros_like(g)  →")],
    "an axis is counted modulo the number of axes": [
        ("dot_left", "min(np.ndim(b), 2)  →  2"),
        ("dot_right", "min(np.ndim(b), 2)  →  2"),
    ],
    "an empty array has no entries to be wrong": [("to_neighbours", "np.zeros_like(x)  →  x")],
    "the lengths are equal, by construction": [("untile", "zip(tiles, entries")],
    "a piece more is cut, of length zero, that nobody asks for": [("pieces", ")[:-1]  →")],
    "without a finite entry the result is not finite, whatever is subtracted": [
        ("_finite_max", "→  np.where(np.isinf(top), 1, top)"),
    ],
}


@dataclass
class Mutant:
    """One change of one rule."""

    name: str  # whose rule, np.exp; or which helper of rules, spread
    change: str
    path: Path
    place: tuple  # where in the file the rule stands: line and column
    rule: str  # its text, with the change made
    functions: list  # names, as in test ids, of the functions that use it

    def text(self):
        """Return the whole text of the file, with the change made."""
        module = ast.parse(self.path.read_text("utf-8"))
        return ast.unparse(Exchanged(self.place, self.rule).visit(module))


class Exchanged(ast.NodeTransformer):
    """Another rule in place of the one that stands at a place in the file."""

    def __init__(self, place, rule):
        self.place, self.rule = place, rule

    def visit_Lambda(self, node):
        if (node.lineno, node.col_offset) == self.place:
            return ast.parse(self.rule, mode="eval").body
        return self.generic_visit(node)

    def visit_FunctionDef(self, node):
        if (node.lineno, node.col_offset) == self.place:
            return ast.parse(self.rule).body[0]
        return self.generic_visit(node)


# ---- what can be changed in an expression --------------------------------------------------------
OPPOSITE = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult}
OPPOSITE |= {ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd, ast.FloorDiv: ast.Mult, ast.Mod: ast.Add}
COMPARISON = {
    ast.Gt: [ast.GtE, ast.Lt],
    ast.GtE: [ast.Gt, ast.LtE],
    ast.Lt: [ast.LtE, ast.Gt],
    ast.LtE: [ast.Lt, ast.GtE],
    ast.Eq: [ast.NotEq],
    ast.NotEq: [ast.Eq],
    ast.Is: [ast.IsNot],
    ast.IsNot: [ast.Is],
}
TWINS = """cos sin, cosh sinh, tanh tan, exp expm1, log log1p, sqrt square, maximum minimum,
max min, trunc ceil, floor_divide divide, ones_like zeros_like, sum mean, cumprod cumsum, isfinite
isnan, over times, flipud fliplr, abs sign, where minimum, sigmoid tanh, log_softmax softmax"""
SYMMETRIC = {"max", "min", "maximum", "minimum", "equal", "hypot", "result_type"}
CONVERSIONS = {"int", "tuple", "range", "asarray", "isinstance"}  # no calculus in them
SIMILAR = {}
for one, other in (pair.split() for pair in TWINS.replace("\n", " ").split(",")):
    SIMILAR |= {one: other, other: one}


def replacements(node):
    """Yield expressions that a slip of the pen could put in place of this one."""
    if isinstance(node, ast.BinOp):
        if type(node.op) in OPPOSITE:
            yield ast.BinOp(node.left, OPPOSITE[type(node.op)](), node.right)
        if isinstance(node.op, (ast.MatMult, ast.Sub, ast.Div, ast.Pow)):
            yield ast.BinOp(node.right, node.op, node.left)
        yield node.left
        yield node.right
    elif isinstance(node, ast.UnaryOp):
        yield node.operand
    elif isinstance(node, ast.Constant):
        if isinstance(node.value, bool):
            yield ast.Constant(not node.value)
        elif isinstance(node.value, (int, float)):
            yield ast.Constant(node.value + 1)
    elif isinstance(node, ast.Compare) and len(node.ops) == 1:
        for op in COMPARISON.get(type(node.ops[0]), []):
            yield ast.Compare(node.left, [op()], node.comparators)
    elif isinstance(node, ast.BoolOp):
        other = ast.And() if isinstance(node.op, ast.Or) else ast.Or()
        yield ast.BoolOp(other, node.values)
        yield from node.values
    elif isinstance(node, ast.IfExp):
        yield node.body
        yield node.orelse
    elif isinstance(node, ast.Subscript) or (isinstance(node, ast.Attribute) and node.attr == "T"):
        yield node.value
    elif isinstance(node, ast.Call):
        yield from changed_calls(node)


def changed_calls(node):
    """Yield calls of a similar function, with arguments swapped, dropped, or not called at all."""
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    if name in CONVERSIONS:
        return
    if name in SIMILAR:
        func = copy.deepcopy(node.func)
        setattr(func, "attr" if isinstance(func, ast.Attribute) else "id", SIMILAR[name])
        yield ast.Call(func, node.args, node.keywords)
    if len(node.args) > 1 and not any(isinstance(a, ast.Starred) for a in node.args[:2]):
        a, b, *rest = node.args
        if name not in SYMMETRIC:
            yield ast.Call(node.func, [b, a, *rest], node.keywords)
        yield b
    if node.args and not isinstance(node.args[0], ast.Starred):
        yield node.args[0]
    for i in range(len(node.keywords)):
        yield ast.Call(node.func, node.args, node.keywords[:i] + node.keywords[i + 1 :])


class Renamed(ast.NodeTransformer):
    """Other expressions in place of names."""

    def __init__(self, names):
        self.names = names

    def visit_Name(self, node):
        return self.names.get(node.id, node) if isinstance(node.ctx, ast.Load) else node


def whole_rules(rule):
    """Yield (what, body): the slips that change a rule as a whole."""
    body, names = rule.body, [a.arg for a in rule.args.args]
    names = names[: len(names) - len(rule.args.defaults)]
    yield "sign", ast.UnaryOp(ast.USub(), body)
    yield "factor 2", ast.BinOp(ast.Constant(2), ast.Mult(), body)
    ones = ast.parse(f"np.ones_like({names[0]})", mode="eval").body
    yield "cotangent ignored", Renamed({names[0]: ones}).visit(copy.deepcopy(body))
    used = [n for n in names[1:] if any(getattr(x, "id", "") == n for x in ast.walk(body))]
    for a, b in [(a, b) for i, a in enumerate(names[1:]) for b in names[i + 2 :]]:
        if a in used or b in used:
            swap = {a: ast.Name(b, ast.Load()), b: ast.Name(a, ast.Load())}
            yield f"{a} and {b} swapped", Renamed(swap).visit(copy.deepcopy(body))


def places(root):
    """Yield (expression, parent, put another) below a node, types and defaults excepted."""
    for field, value in ast.iter_fields(root):
        if field in {"annotation", "returns", "decorator_list"} or isinstance(root, ast.JoinedStr):
            continue
        if isinstance(value, ast.expr):
            yield value, root, functools.partial(setattr, root, field)
        for i, item in enumerate(value if isinstance(value, list) else [value]):
            if isinstance(item, ast.expr) and isinstance(value, list):
                yield item, root, functools.partial(value.__setitem__, i)
            if isinstance(item, ast.AST) and not isinstance(item, ast.arguments):
                yield from places(item)


def short(node):
    text = " ".join(ast.unparse(node).split())
    return text if len(text) < 80 else text[:79] + "…"


def mutants_of(name, root, path, functions):
    """Yield each mutant of a rule (a lambda) or of a function that helps rules."""
    place = (root.lineno, root.col_offset)

    def mutant(change):
        rule = ast.unparse(ast.fix_missing_locations(root))
        return Mutant(name, change, path, place, rule, functions)

    if isinstance(root, ast.Lambda):
        body = root.body
        for what, changed in whole_rules(root):
            root.body = changed
            yield mutant(f"{what}: {short(body)}")
        root.body = body
    seen = set()
    above = {child: node for node in ast.walk(root) for child in ast.iter_child_nodes(node)}
    for old, parent, put in list(places(root)):
        if isinstance(root, ast.FunctionDef) and is_docstring(root, old):
            continue
        for new in [n for n in replacements(old) if ast.unparse(n) != ast.unparse(old)]:
            shown = around(old, parent, above) if isinstance(old, ast.Constant) else None
            before = short(shown or old)
            put(new)
            changed = mutant(f"{before}  →  {short(shown or new)}")
            put(old)
            if changed.rule not in seen:
                seen.add(changed.rule)
                yield changed


def around(node, parent, above):
    """Return the expression to show for a number that was changed: a call, a sum, not just 1."""
    while isinstance(parent, (ast.UnaryOp, ast.Tuple, ast.List, ast.Slice, ast.keyword)):
        parent = above[parent]
    return parent if isinstance(parent, ast.expr) and not isinstance(parent, ast.Lambda) else node


def is_docstring(function, node):
    first = function.body[0]
    return isinstance(first, ast.Expr) and first.value is node


# ---- which rules there are, and who uses what ----------------------------------------------------
def read_rules():
    """Return the rules, the helpers, and who uses whom.

    A rule is (name, lambda, path, the functions whose rule it is), a helper likewise. What stands
    for a function in the table of adapters leads to helpers, as rules do.
    """
    rules, helpers, uses = [], [], {}
    for path in SOURCES:
        module = ast.parse(path.read_text())
        loops = {
            loop.target.id: [called(e) for e in loop.iter.elts]
            for loop in ast.walk(module)
            if isinstance(loop, ast.For)
            and isinstance(loop.iter, ast.Tuple)
            and isinstance(loop.target, ast.Name)
        }
        for node in ast.walk(module):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "defvjp":
                target = called(node.args[0])
                given = [*node.args[1:], *[k.value for k in node.keywords]]
                for name in loops.get(target, [target]):
                    uses.setdefault(name, set()).update(*map(names_in, given))
                owners = loops.get(target, [target])
                rules += [(target, r, path, owners) for r in given]
            elif isinstance(node, ast.Dict):  # adapters: ADAPTERS.update({np.f: _f})
                pairs = zip(node.keys, node.values, strict=True)
                adapted = [(called(k), v) for k, v in pairs if isinstance(k, ast.Attribute)]
                rules += [(name, v, path, [name]) for name, v in adapted]
            elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript):
                target = called(node.targets[0].slice)
                owners = loops.get(target, [target])
                rules += [(target, node.value, path, owners)]
            elif isinstance(node, ast.FunctionDef) and node.col_offset == 0:
                given = [a for d in node.decorator_list if isinstance(d, ast.Call) for a in d.args]
                uses.setdefault(node.name, set()).update(names_in(node), *map(names_in, given))
                rules += [(node.name, r, path, [node.name]) for r in lambdas_of(given)]
                if path.parent.name == "derivatives" or not node.decorator_list:
                    helpers.append((node.name, node, path))
    return rules, helpers, uses


def lambdas_of(nodes):
    return [node for node in nodes if isinstance(node, ast.Lambda)]


def called(node):
    """Name a function as the test ids do."""
    text = ast.unparse(node)
    return text if text.startswith("np.") else text.split(".")[-1]


def names_in(node):
    names = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
    return names | {called(n) for n in ast.walk(node) if isinstance(n, ast.Attribute)}


def reachable(name, uses):
    """Return all names that a name leads to."""
    found, stack = set(), [name]
    while stack:
        for other in uses.get(stack.pop(), ()):
            if other not in found:
                found.add(other)
                stack.append(other)
    return found


def all_mutants(tested, wanted=()):
    """List the mutants of all rules and of the helpers they lead to, or of those `wanted`."""
    rules, helpers, uses = read_rules()
    from_rules = {}  # who owns a rule -> all that its rules lead to
    for _, rule, _, owners in rules:
        for name in owners:
            names = names_in(rule)
            from_rules.setdefault(name, set()).update(names, *(reachable(n, uses) for n in names))
    rules = [r for r in rules if isinstance(r[1], ast.Lambda)]
    leads = {name: reachable(name, uses) | {name} for name in tested}
    mutants = []
    rules, helpers = ([r for r in rs if not wanted or r[0] in wanted] for rs in (rules, helpers))
    for name, root, path, owners in rules:
        users = [t for t in tested if t in owners] or [t for t in tested if name in leads[t]]
        mutants += mutants_of(name, root, path, users)
    for name, root, path in helpers:
        owners = {owner for owner, names in from_rules.items() if name in names}
        users = [t for t in tested if t in owners or owners & leads[t]]
        if users:
            mutants += mutants_of(name, root, path, users)
    return mutants


# ---- the code of a mutant in place of what is loaded ---------------------------------------------
def key(code):
    """Tell code objects apart, also those of lambdas that stand on one line."""
    return code.co_filename, code.co_firstlineno, code.co_name, tuple(code.co_positions())


def nested(code):
    return [c for c in code.co_consts if isinstance(c, types.CodeType)]


def alike(a, b):
    """Whether two functions do the same, leaving aside the functions within them."""
    one, other = ([c for c in x.co_consts if not isinstance(c, types.CodeType)] for x in (a, b))
    named = all(getattr(a, n) == getattr(b, n) for n in ("co_names", "co_varnames", "co_freevars"))
    return named and a.co_code == b.co_code and list(map(repr, one)) == list(map(repr, other))


def changed_codes(loaded, sound, mutant):
    """Yield the pairs (code that is loaded, code of the mutant) that differ; None: no such pairs.

    `sound` is what is loaded, written as the mutant is: that it has other lines says nothing.
    """
    parts = [nested(code) for code in (loaded, sound, mutant)]
    if len({len(part) for part in parts}) > 1:
        yield None
        return
    within = [pair for three in zip(*parts, strict=True) for pair in changed_codes(*three)]
    if within or not alike(sound, mutant):
        yield (
            None if loaded.co_name == "<module>" and not alike(sound, mutant) else (loaded, mutant)
        )
    yield from within


@functools.cache
def codes_of(path):
    """Compile a file twice: as it is, and as `ast` writes it."""
    text = path.read_text("utf-8")
    return compile(text, str(path), "exec"), compile(ast.unparse(ast.parse(text)), "", "exec")


@functools.cache
def functions_loaded():
    """Find the functions that were made of each code of the rules."""
    found, paths = {}, set(map(str, SOURCES))
    for thing in gc.get_objects():
        if isinstance(thing, types.FunctionType) and thing.__code__.co_filename in paths:
            found.setdefault(key(thing.__code__), []).append(thing)
    return found


@functools.cache
def called_at_import(path):
    """Name the functions that have done their work when the module is loaded: _plane(_fftn)."""
    found, stack = set(), [ast.parse(path.read_text("utf-8"))]
    while stack:
        node = stack.pop()
        if isinstance(node, ast.Call):
            found.add(called(node.func))
        inner = ast.iter_child_nodes(node)
        stack += [n for n in inner if not isinstance(n, (ast.FunctionDef, ast.Lambda))]
    return found


def put_in_place(mutant):
    """Give the functions that are loaded the mutant's code; False where that does not suffice."""
    pairs = list(changed_codes(*codes_of(mutant.path), compile(mutant.text(), "", "exec")))
    if not pairs or None in pairs or mutant.name in called_at_import(mutant.path):
        return False
    for loaded, new in pairs:
        for function in functions_loaded().get(key(loaded), []):
            try:
                function.__code__ = new
            except ValueError:  # it has other variables of the function around it
                return False
    return True


# ---- running them --------------------------------------------------------------------------------
class Mutating:
    """What pytest does with the tests that it has collected: run them on mutants."""

    def __init__(self, work):
        self.work = work
        self.code = 1

    def pytest_runtestloop(self, session):
        """Run the work instead of the tests."""
        self.items = session.items
        self.code = self.work(self)
        return True

    def names(self):
        """List the functions that have property tests, by the names of their test ids."""
        return list(dict.fromkeys(filter(None, map(function_of, self.items))))

    def items_for(self, functions):
        """List the tests of these functions, then those of all."""
        mine = [item for item in self.items if function_of(item) in functions]
        return mine + [item for item in self.items if item.path.name in ALWAYS]

    def fail(self, functions):
        """Whether a test fails; the first that does is the last that runs."""
        items = self.items_for(functions)
        session = items[0].session
        for item, following in zip(items, [*items[1:], None], strict=True):
            item.ihook.pytest_runtest_protocol(item=item, nextitem=following)
            if session.testsfailed:
                print(f"failed: {item.nodeid}", file=sys.stderr)
                return True
        return False


def function_of(item):
    """Name the function that a property test is about."""
    if item.path.name not in EACH or not hasattr(item, "callspec"):
        return None
    import minigrad.kinds

    return minigrad.kinds.called(item.callspec.params["function"])


def in_a_fork(work):
    """Start work() in a process of its own, whose exit code is what it returns; give its id."""
    pid = os.fork()
    if pid == 0:
        code = 1
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        try:
            code = work()
        finally:
            os._exit(code)
    return pid


def try_in_place(tests, mutant):
    """Return 1 when a test fails: here, or in a copy of the package where it must be so."""
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    os.dup2(1, 2)
    if not put_in_place(mutant):
        return try_in_a_copy(mutant)
    return int(tests.fail(mutant.functions))


def try_in_a_copy(mutant):
    """Write a copy of the package and of the tests, with the slip, and run the tests there."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copytree(ROOT / "minigrad", folder / "minigrad", ignore=IGNORED)
        shutil.copytree(TESTS, folder / "tests", ignore=IGNORED)
        shutil.copy(ROOT / "pyproject.toml", folder)
        (folder / mutant.path.relative_to(ROOT)).write_text(mutant.text(), "utf-8")
        command = [sys.executable, folder / "tests" / Path(__file__).name, "--here"]
        environment = os.environ | {"PYTHONPATH": str(folder)}
        return subprocess.run(
            [*command, *mutant.functions], env=environment, cwd=folder, check=False
        ).returncode


def run_all(tests, mutants):
    """Yield (mutant, exit code) as they finish, PROCESSES at a time; None for no mutant at all."""
    functions_loaded()
    gc.freeze()  # or each collection in a fork would copy all that it looks at
    concerned = {f for m in mutants for f in m.functions}
    sound = in_a_fork(lambda: int(tests.fail(concerned)))
    queue, running = list(reversed(mutants)), {sound: None}
    while queue or running:
        while queue and len(running) < PROCESSES:
            mutant = queue.pop()
            running[in_a_fork(functools.partial(try_in_place, tests, mutant))] = mutant
        pid, status = os.waitpid(-1, 0)
        yield running.pop(pid), os.waitstatus_to_exitcode(status)


def fast_profile():
    """Register a profile that fails at once: no shrinking, no replay, no second chance."""
    hypothesis.settings.register_profile(
        "mutants",
        max_examples=25,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    os.environ["HYPOTHESIS_PROFILE"] = "mutants"  # for conftest.py


def collected(work):
    """Let pytest collect the tests, and do some work with them."""
    fast_profile()
    plugin = Mutating(work)
    options = ["-q", "-s", "--no-summary", "-p", "no:cacheprovider", "--assert=plain"]
    options += ["--hypothesis-seed=0", f"--rootdir={ROOT}", f"-c{ROOT / 'pyproject.toml'}"]
    options += ["-o", f"pythonpath={ROOT} {TESTS}"]
    pytest.main([*options, *[str(TESTS / name) for name in EACH + ALWAYS]], plugins=[plugin])
    return plugin.code


def is_here():
    """Tell whether the package that is tested is the one beside these tests."""
    return Path(sys.modules["minigrad"].__file__).is_relative_to(ROOT)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("names", nargs="*", help="only rules and helpers of these names")
    parser.add_argument("--change", default="", help="only changes that have this text in them")
    parser.add_argument("--list", action="store_true", help="list the mutants, run none")
    parser.add_argument("--sample", type=int, metavar="N", help="only N of them, drawn at random")
    parser.add_argument("--seed", type=int, default=0, help="of the sample")
    parser.add_argument("--here", action="store_true", help="run the tests of the functions named")
    arguments = parser.parse_args()
    return collected(functools.partial(chosen, arguments))


def chosen(arguments, tests):
    """Do what was asked for."""
    if not is_here():
        return WRONG_PACKAGE
    if arguments.here:
        return int(tests.fail(arguments.names))
    mutants = all_mutants(tests.names(), arguments.names)
    mutants = [m for m in mutants if arguments.change in m.change]
    if arguments.sample is not None and arguments.sample < len(mutants):
        mutants = random.Random(arguments.seed).sample(mutants, arguments.sample)
    if arguments.list:
        for m in mutants:
            print(f"{m.name:24} {m.change}   [{', '.join(m.functions[:4])}]")
        print(len(mutants), "mutants")
        return 0
    return report(tests, mutants)


def is_equivalent(mutant):
    listed = [pair for pairs in EQUIVALENT.values() for pair in pairs]
    return any(mutant.name == name and part in mutant.change for name, part in listed)


def report(tests, mutants):
    """Run, print each survivor as it is found, then the table by file."""
    began, tried, killed, survivors = time.perf_counter(), Counter(), Counter(), []
    late = listed = 0
    for m, code in run_all(tests, mutants):
        if m is None and code:
            raise SystemExit("the tests fail without any mutation: mend that first")
        if m is None:
            continue
        where = m.path.relative_to(ROOT / "minigrad").as_posix()
        if code == WRONG_PACKAGE:
            raise SystemExit("the mutated package was not the one under test")
        if not code and is_equivalent(m):
            listed += 1
            continue
        tried[where] += 1
        late += code < 0
        if code:
            killed[where] += 1
        else:
            survivors.append(m)
            print(f"survived: {m.name}: {m.change}", flush=True)
        if (done := tried.total()) % 20 == 0:
            print(f"… {done} of {len(mutants)}, {time.perf_counter() - began:.0f} s", flush=True)
    print(f"\n{'rules in':32}{'killed':>8}{'tried':>8}")
    for where in tried:
        print(f"{where:32}{killed[where]:>8}{tried[where]:>8}")
    print(f"{late} of those killed by hanging")
    print(f"{listed} mutants that change no derivative, listed with the reason, are not counted")
    print(f"killed {killed.total()} of {tried.total()}")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
