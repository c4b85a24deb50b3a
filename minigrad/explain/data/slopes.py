"""The rule's own factor at one entry: dx[0, 1] = y[0, 1] · (1 − y[0, 1]) · dy[0, 1].

An elementwise rule says of each entry what it says of the array. Its text, as the engine's rule
reads, gets an index at every name; it is shown if its numbers are the local derivatives.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from minigrad.explain.data.evaluating import copied
from minigrad.explain.data.factors import Index
from minigrad.explain.data.model import Contribution, Step, Trace
from minigrad.explain.data.numbers import MINUS, any_of, number
from minigrad.explain.data.readings import one_hot
from minigrad.explain.data.shares import rules_of
from minigrad.graph import Array, Node

_ALLOWED = (
    *(ast.BinOp, ast.UnaryOp, ast.Compare, ast.BoolOp, ast.Constant, ast.Name, ast.Load),
    *(ast.operator, ast.unaryop, ast.cmpop, ast.boolop),
)


class Slope:
    """A rule that works entry by entry: its tree, and the arrays behind its names."""

    def __init__(
        self,
        tree: ast.expr,
        arrays: Mapping[str, Array],
        names: dict[str, str],
        entry: Index | None = None,
    ) -> None:
        self.tree, self.arrays, self.names = tree, arrays, names
        self.entry = entry  # of what is made, where the gradient is one number

    def at(self, place: Sequence[Any]) -> str:
        """Write it with indices: numbers, or letters for what is summed over."""
        place = place if self.entry is None else self.entry
        indices = {key: _index(array, place) for key, array in self.arrays.items()}
        written = {
            key: self.names[key] + (f"[{', '.join(map(str, at))}]" if at else "")
            for key, at in indices.items()
        }
        return _product(_replaced(self.tree, written))

    def with_numbers(self, place: Index) -> str:
        """Write it with the numbers of one entry."""
        place = place if self.entry is None else self.entry
        numbers = {
            key: number(array[_index(array, place)].item()) for key, array in self.arrays.items()
        }
        atoms = {key: f"({n})" if n.startswith("-") else n for key, n in numbers.items()}
        return _product(_replaced(self.tree, atoms))


def slope_of(
    trace: Trace,
    step: Step,
    c: Contribution,
    places: Sequence[Index],
    weights: Array,
    index: Index,
) -> Slope | None:
    """Read the rule of a contribution entry by entry.

    Args:
        trace: the passes.
        step: the call.
        c: the contribution.
        places: the entries of the call's gradient that have a part.
        weights: what each entry of that gradient is multiplied by.
        index: the entry that is made; a gradient of one number goes to each entry.

    Returns:
        None where the rule does not work entry by entry, or says nothing but a number.
    """
    line = trace.lines[step.line]
    known = {trace.lines[i].name: trace.lines[i].value for i in line.operands if i is not None}
    known |= {**step.caches, line.name: line.value, line.d: step.gradient}
    known |= _labels(c.local, known)
    names = {f"_{k}_": name for k, name in enumerate(known)}
    names[GRADIENT] = line.d
    keys = {name: key for key, name in names.items()}
    text = any_of(known).sub(lambda found: keys[found[0]], c.local)
    try:
        tree = ast.parse(text, mode="eval").body
    except SyntaxError:
        return None
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    arrays = {key: np.asarray(known[name]) for key, name in names.items() if key in used}
    if not places or not _says_something(tree) or not _is_elementwise(tree):
        return None
    entry = index if step.gradient.ndim == 0 and index and places == [()] else None
    whole = step.gradient.shape if entry is None else c.made.shape
    if any(not _fits(array.shape, whole) for array in arrays.values()):
        return None
    slope = Slope(tree, arrays, names, entry)
    return slope if _is_true(trace, step, c, slope, places, weights) else None


GRADIENT = "_g_"  # stands for the gradient in a tree, and
MARK = "\0"  # before its name, where names stand again


def _labels(text: str, known: Mapping[str, Any]) -> dict[str, Array]:
    """Find class labels that a rule writes as rows with a single 1."""
    found = re.findall(r"one_hot\(([^(),]+), (\d+)\)", text)
    return {
        f"one_hot({name}, {count})": one_hot(known[name], int(count))
        for name, count in found
        if name in known
    }


def _fits(shape: Index, whole: Index) -> bool:
    """Whether an array is broadcast to a shape."""
    pairs = zip(reversed(shape), reversed(whole), strict=False)
    return len(shape) <= len(whole) and all(n in (1, m) for n, m in pairs)


def _index(array: Array, place: Sequence[Any]) -> tuple[Any, ...]:
    """Give the index of an array that is broadcast to the shape of `place`."""
    aligned = place[len(place) - array.ndim :]
    return tuple(0 if n == 1 else i for n, i in zip(array.shape, aligned, strict=True))


def _says_something(tree: ast.expr) -> bool:
    """Whether a rule is more than the gradient, or a number times it."""
    factors = [factor for _, factor in map(_signed, _factors(tree))]
    return not all(
        isinstance(factor, ast.Constant) or (isinstance(factor, ast.Name) and factor.id == GRADIENT)
        for factor in factors
    )


def _is_elementwise(tree: ast.expr) -> bool:
    """Whether all that is done is arithmetic, functions of NumPy that go entry by entry, or some of
    ours, of which the numbers will tell.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            if node.keywords or not isinstance(node.func, (ast.Name, ast.Attribute)):
                return False
        elif isinstance(node, ast.Attribute):
            if not (isinstance(node.value, ast.Name) and node.value.id == "np"):
                return False
            found = getattr(np, node.attr, None)
            by_entry = isinstance(found, np.ufunc) and found.signature is None
            if not (by_entry or found is np.where or isinstance(found, float)):
                return False
        elif not isinstance(node, _ALLOWED) or isinstance(node, ast.MatMult):
            return False
    return True


def _is_true(
    trace: Trace,
    step: Step,
    c: Contribution,
    slope: Slope,
    places: Sequence[Index],
    weights: Array,
) -> bool:
    """Whether the rule at these entries, each by itself, is what they are multiplied by."""
    node = trace.nodes[step.line]
    assert isinstance(node, Node)
    rule = rules_of(node)[c.position]
    taken = places if slope.entry is None else [slope.entry]
    at = [np.array(axis) for axis in zip(*taken, strict=True)]
    names = {key: array[_index(array, at)] for key, array in slope.arrays.items()}
    names[GRADIENT] = np.ones(len(places), step.gradient.dtype)
    code = compile(ast.fix_missing_locations(ast.Expression(copied(slope.tree))), "<rule>", "eval")
    wanted = np.array([weights[place] for place in places])
    close = 1e-9 if wanted.dtype == np.float64 else 1e-4
    try:
        with np.errstate(all="ignore"):
            found = eval(code, {**getattr(rule, "__globals__", {}), "np": np, **names})
            return bool(np.allclose(found, wanted, rtol=close, atol=0, equal_nan=True))
    except Exception:  # a name that stands for something else, or a function that wants arrays
        return False


# ---- how it is written ---------------------------------------------------------------------------
def _replaced(tree: ast.expr, texts: Mapping[str, str]) -> ast.expr:
    """Write texts in place of names; the gradient stays known by its mark."""
    tree = copied(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id in texts:
            node.id = MARK * (node.id == GRADIENT) + texts[node.id]
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Invert):
            node.op = ast.Not()  # of one truth value
    return tree


def _factors(tree: ast.expr) -> list[ast.expr]:
    """Split a product."""
    if isinstance(tree, ast.BinOp) and isinstance(tree.op, ast.Mult):
        return _factors(tree.left) + _factors(tree.right)
    return [tree]


def _signed(tree: ast.expr) -> tuple[bool, ast.expr]:
    """Take a minus sign off."""
    if isinstance(tree, ast.UnaryOp) and isinstance(tree.op, ast.USub):
        return True, tree.operand
    return False, tree


def _product(tree: ast.expr) -> str:
    """Write a product with the gradient last, as a sum of such products is written."""
    outer, tree = _signed(tree)
    parts = [_signed(factor) for factor in _factors(tree)]
    minus = (outer + sum(sign for sign, _ in parts)) % 2
    parts.sort(key=lambda part: MARK in ast.unparse(part[1]))
    texts = [_factor(factor) if len(parts) > 1 else ast.unparse(factor) for _, factor in parts]
    text = " · ".join(texts).replace(MARK, "")
    text = text.replace(" * ", " · ").replace(" - ", f" {MINUS} ")
    text = re.sub(r"(?<![\d.])(\d+)\.0\b", r"\1", text)
    if minus:
        text = f"{MINUS}({text})" if len(parts) == 1 and " " in text else f"{MINUS}{text}"
    return text


def _factor(tree: ast.expr) -> str:
    """Write a factor, in brackets where others bind closer."""
    text = ast.unparse(tree)
    is_power = isinstance(tree, ast.BinOp) and isinstance(tree.op, ast.Pow)
    return text if is_power or isinstance(tree, (ast.Name, ast.Constant, ast.Call)) else f"({text})"
