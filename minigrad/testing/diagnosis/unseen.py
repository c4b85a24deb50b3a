"""What a check did not see: conditions of the forward that came out alike everywhere."""

from __future__ import annotations

import ast
import operator
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from minigrad.testing.diagnosis.probes import Site, Spy
from minigrad.testing.diagnosis.workbench import entered, instrument
from minigrad.testing.subjects.randomness import restore
from minigrad.testing.subjects.subject import Subject, kept

OPERATORS = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
MOST = 3  # that a report names


class Unseen(NamedTuple):
    """A comparison that was true everywhere, or false; and an integer that would change that."""

    site: Site
    was: bool
    name: str = ""  # the input of integers that is compared with a number
    remedy: int = 0  # what would come out otherwise


def told(subject: Subject) -> list[str]:
    """What a report says of conditions that came out alike everywhere."""
    found = {one.site.text: one for one in unseen(subject)}
    return [
        f"not looked at: where `{text}` (line {one.site.line}) is {str(not one.was).lower()}"
        for text, one in list(found.items())[:MOST]
    ]


def unseen(subject: Subject) -> list[Unseen]:
    """Every comparison of arrays in forward that came out alike for all entries."""
    spy, states = Spy(watching=True), subject.rewind.now()
    try:
        thing = subject.fresh(subject.params, None)
        if isinstance(thing, dict):
            if "forward" not in thing:
                return []
            thing["forward"] = entered(thing["forward"], spy)
        else:
            instrument(thing, spy)
        subject.rewind.begin(*subject.holders(thing))
        with np.errstate(all="ignore"):
            subject.forward(thing, {k: kept(v) for k, v in subject.inputs.items()})
    except Exception:  # it was run in a way that nobody foresaw; the check itself is done
        return []
    finally:
        restore(states)
    return list(_alike(subject, spy))


def _alike(subject: Subject, spy: Spy) -> Iterator[Unseen]:
    for k, values in spy.seen.items():
        if spy.sites[k].kind != "Compare":
            continue
        arrays = [v for v in values if isinstance(v, np.ndarray) and v.dtype.kind == "b" and v.size]
        if len(arrays) < len(values) or sum(v.size for v in arrays) < 2:
            continue
        entries = np.concatenate([v.ravel() for v in arrays])
        if np.all(entries == entries[0]):
            yield Unseen(spy.sites[k], bool(entries[0]), *_remedy(subject, spy, k))


def _remedy(subject: Subject, spy: Spy, k: int) -> tuple[str, int]:
    """An input of integers that is compared with a number, and an integer for the other case."""
    node, site = ast.parse(spy.sites[k].text, mode="eval").body, spy.sites[k]
    assert isinstance(node, ast.Compare)
    parts = [
        i
        for i in range(k + 1, len(spy.sites))
        if i in spy.seen and spy.sites[i].file == site.file and spy.sites[i].span[1] <= site.span[1]
    ]
    operation = OPERATORS.get(type(node.ops[0]))
    left = _value(spy, parts, node.left)
    right = _value(spy, parts, node.comparators[0])
    whole = isinstance(right, (int, np.integer)) and not isinstance(right, bool)
    if not whole or operation is None or len(node.ops) > 1 or not isinstance(left, np.ndarray):
        return "", 0
    now = bool(np.all(operation(left, right)))
    for name, value in subject.inputs.items():
        is_whole = isinstance(value, np.ndarray) and value.dtype.kind in "iu" and value.size > 1
        if is_whole and np.array_equal(value, left):
            others = [n for n in (right, right - 1, right + 1) if operation(n, right) != now]
            return name, int(others[0])
    return "", 0


def _value(spy: Spy, parts: list[int], node: ast.expr) -> Any:
    """What a part of an expression was worth; of a literal, what it says."""
    try:
        return ast.literal_eval(node)
    except ValueError:
        text = ast.unparse(node)
        return next((spy.seen[i][0] for i in parts if spy.sites[i].text == text), None)
