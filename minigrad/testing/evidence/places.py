"""Where a mistake shows: the worst entries, and the line of code that made the gradient."""

from __future__ import annotations

import ast
import inspect
import os
import textwrap
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from minigrad.testing.evidence.evidence import Comparison
from minigrad.testing.reports.findings import Mismatch
from minigrad.testing.subjects.subject import Subject

MOST = 20  # entries that a report keeps


def worst(wrong: Mapping[str, Comparison]) -> list[Mismatch]:
    """The entries that are most wrong, by error over the size of their gradient, worst first."""
    found: list[tuple[float, Mismatch]] = []
    for name, one in wrong.items():
        if not one.shape_is_right or one.yours is None:
            continue
        size = np.max(np.abs(one.numerical), initial=0) or 1.0
        error = np.where(one.wrong, one.error, -1.0)
        for flat in np.argsort(-error, axis=None, kind="stable")[:MOST]:
            index = tuple(int(i) for i in np.unravel_index(flat, error.shape))
            if error[index] >= 0:
                numbers = (one.yours[index], one.numerical[index], one.bar[index])
                found.append((error[index] / size, Mismatch(name, index, *map(float, numbers))))
    return [entry for _, entry in sorted(found, key=lambda pair: -pair[0])[:MOST]]


def of_gradients(subject: Subject, names: Iterable[str]) -> list[str]:
    """The lines of backward that make these gradients: file:line, then the text."""
    function = subject.written.get("backward")
    if function is None:
        return []
    try:
        lines, first = inspect.getsourcelines(inspect.unwrap(function))
        tree = ast.parse(textwrap.dedent("".join(lines)))
        file = inspect.getsourcefile(inspect.unwrap(function))
    except (OSError, TypeError, SyntaxError):
        return []
    rows = sorted({row for name in names for row in _rows(tree, subject, name)}) or [1]
    text = [
        f"{nearby(file)}:{first + row - 1}  {getattr(function, '__qualname__', '')}"
        for row in rows[:1]
    ]
    return text + [f"    {lines[row - 1].strip()}" for row in rows[:3]]


def nearby(file: Any) -> str:
    """The path of a file as one would type it here."""
    try:
        short = os.path.relpath(str(file))
    except ValueError:  # another drive
        return str(file)
    return str(file) if short.startswith("..") else short


def _rows(tree: Any, subject: Subject, name: str) -> list[int]:
    """The rows where the gradient of an operand is stored or returned."""
    declared = getattr(getattr(subject, "layer", None), "param_grads", None) or {}
    spelled = getattr(subject, "param_grads", declared).get(name.removeprefix("self."))
    if spelled is None:
        return [node.lineno for node in ast.walk(tree) if isinstance(node, ast.Return)][-1:]
    found = []
    for node in ast.walk(tree):
        targets = getattr(node, "targets", None) or [getattr(node, "target", None)]
        if isinstance(node, (ast.Assign, ast.AugAssign, ast.AnnAssign)) and any(
            spelled in ast.unparse(target) for target in targets if target is not None
        ):
            found.append(node.lineno)
    return found[-1:]
