"""Functions made in a loop that all see the loop's last values: Python binds names, not values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import FunctionType
from typing import Any

from minigrad.layers.inside import inside
from minigrad.testing.diagnosis.guesses import Guess
from minigrad.testing.diagnosis.workbench import Workbench
from minigrad.testing.reports import causes


def late_binding(bench: Workbench) -> Iterator[Guess]:
    """Several functions in a list, of one text, that share every variable."""
    for path, functions in _lists(bench.subject.holders(bench.backward_run.thing)):
        one = functions[0]
        names = [name for name, value in _closed_over(one).items() if not _is_container(value)]
        if not names or any(not _is_twin(one, other) for other in functions[1:]):
            continue
        bound = ", ".join(f"{name}={name}" for name in names)
        words = f"the {len(functions)} functions in `{path}` are one and the same: each takes "
        words += f"{' and '.join(names)} as the loop left them. To keep what they were, bind them: "
        yield Guess(causes.OPERAND, f"{words}`lambda …, {bound}: …`", tuple(bench.wrong), 2.8)


def _lists(holders: tuple[Any, ...]) -> Iterator[tuple[str, list[FunctionType]]]:
    """Lists of functions that the holders hold, in attributes or in closures."""
    held: dict[str, Any] = {}
    for holder in holders:
        held |= _closed_over(holder) if isinstance(holder, FunctionType) else {}
        held |= {path.lstrip("."): v for path, v in inside(holder) if isinstance(v, list)}
    for path, value in held.items():
        several = isinstance(value, list) and len(value) > 1
        if several and all(isinstance(f, FunctionType) for f in value):
            yield path, value


def _closed_over(function: FunctionType) -> Mapping[str, Any]:
    """The free variables of a function, by name."""
    cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
    return {name: cell.cell_contents for name, cell in cells}


def _is_twin(a: FunctionType, b: FunctionType) -> bool:
    """Whether two functions are the same but for their identity."""
    same = a.__code__ is b.__code__ and a.__defaults__ == b.__defaults__
    cells = zip(a.__closure__ or (), b.__closure__ or (), strict=True)
    return same and all(one is other for one, other in cells)


def _is_container(value: Any) -> bool:
    return isinstance(value, (list, dict, set))
