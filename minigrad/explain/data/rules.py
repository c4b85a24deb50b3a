"""The text of a rule that the engine runs, in the names of one graph: `lambda g, y, a, b: g * b`
becomes `dprice * tax`.

The rule's own syntax tree is read, not a second formula (`reading.py`); a test runs the text of
every rule of the table, and compares with what the rule computes.
"""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from minigrad.explain.data.evaluating import Bound, given
from minigrad.explain.data.reading import Reader, UnreadableError, constant
from minigrad.explain.data.sources import written

_LONG = 230  # characters: beyond, helpers are called by their names


class Local(NamedTuple):
    """The text of a rule, and where it stands."""

    text: str
    source: str | None  # file:line
    note: str  # when there is no text, why


def rule_text(
    rule: Any, position: int | None, names: Sequence[str], values: Sequence[Any], keywords: Any
) -> Local:
    """Write a rule in the names of a call.

    Args:
        rule: as in the table.
        position: for a joint rule, which operand is asked about.
        names: of g, y and the arguments; numbers and options as they are written.
        values: of the same.
        keywords: the call's.

    >>> from minigrad.table import RULES
    >>> one = np.ones(())
    >>> rule_text(RULES[np.multiply][0], None, ["dz", "z", "x", "y"], [one] * 4, {}).text
    'dz * y'
    """
    key = (rule, position, tuple(map(_signature, names, values)), repr(sorted(keywords.items())))
    template = _TEMPLATES.get(key)
    if template is None:
        template, fixed = _template(rule, position, names, values, keywords)
        if fixed and len(_TEMPLATES) < 10_000:
            _TEMPLATES[key] = template
    text = re.sub(r"__(\d+)__", lambda found: names[int(found[1])], template.text)
    return template._replace(text=text)


_TEMPLATES: dict[Any, Local] = {}


def _signature(name: str, value: Any) -> Any:
    """What the text of a rule depends on, beside names: shapes, and numbers that are written."""
    if isinstance(value, np.ndarray) and not _is_number(name):
        return value.shape, value.dtype
    return name


def _template(
    rule: Any, position: int | None, names: Sequence[str], values: Sequence[Any], keywords: Any
) -> tuple[Local, bool]:
    """Write a rule with numbered places for the names; tell whether it depends on nothing else."""
    found = written(rule)
    if found is None:
        name = getattr(rule, "__name__", "rule").replace("<lambda>", "rule")
        text = f"{name}({', '.join(f'__{i}__' for i in range(len(names)))})"
        text += "" if position is None else f"[{position}]"
        note = "the source of this rule is not to be had: it was made by exec or in a session"
        return Local(text, None, note), True
    bound = [_argument(i, *pair) for i, pair in enumerate(zip(names, values, strict=True))]
    options = {k: Bound(constant(v), functools.partial(given, v)) for k, v in keywords.items()}
    tree, fixed = None, True
    for depth in (5, 3, 2, 1, 0):
        reader = Reader(rule, depth)
        try:
            tree = reader.call(found, bound, options, position)
        except UnreadableError:
            tree = None
        fixed = fixed and not reader.saw_values
        if tree is not None and len(ast.unparse(tree)) <= _LONG:
            break
    if tree is None:
        tree = _called(rule, bound, options, position)
    text = ast.unparse(ast.fix_missing_locations(tree))
    return Local(text, f"{found.file}:{found.line}", ""), fixed


def _argument(i: int, name: str, value: Any) -> Bound:
    """Bind an argument: a place for its name, or its number."""
    written_out = isinstance(value, (int, float, bool, str, type(None), tuple, list))
    written_out = written_out or _is_number(name)
    written_out = written_out and not name.startswith("np.s_[")
    tree = constant(value) if written_out else ast.Name(f"__{i}__")
    return Bound(tree, functools.partial(given, value))


def _is_number(name: str) -> bool:
    """Tell whether an argument is written as a number, because it has no name."""
    try:
        float(name)
    except ValueError:
        return False
    return True


def _called(
    rule: Any, bound: Sequence[Bound], options: Mapping[str, Bound], position: int | None
) -> ast.expr:
    """Write a rule of several statements as a call of it."""
    keywords = [ast.keyword(name, item.tree) for name, item in options.items()]
    name = rule.__name__ if rule.__name__.isidentifier() else "rule"
    tree: ast.expr = ast.Call(ast.Name(name), [b.tree for b in bound], keywords)
    return tree if position is None else ast.Subscript(tree, ast.Constant(position))
