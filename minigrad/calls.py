"""Recording a call: its function is run on arrays, and the result remembers the call.

Before that the arguments are brought into the order in which the rules take them, and what no rule
knows is refused.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from minigrad.constants import freeze
from minigrad.graph import NO_KEYWORDS, N, Node, Rules, record
from minigrad.kinds import (
    COMPLEX,
    FLOATS,
    MET,
    Function,
    called,
    check_dtype,
    check_output,
    refuse_complex,
)
from minigrad.table import RULES, open_further


def apply(
    kind: type[N],
    function: Function,
    arguments: Sequence[Any],
    keywords: dict[str, Any],
    compute: Function | None = None,
) -> N:
    """Call `function` on the arrays of `arguments`, and record the call.

    `compute` stands in for a function that dispatches, or whose output is known already.

    Raises:
        TypeError: when the function, or an argument that holds a Tensor, has no rule; when an
            argument is complex and the rules are for real numbers.
    """
    rules = RULES.get(function)
    if rules is None:
        open_further()
        rules = RULES.get(function)
    if rules is None:
        raise TypeError(
            f"{called(function)} has no derivative rule: mg.defvjp({called(function)}, rule) "
            "states one, and .data passes a Tensor's values as constants"
        )
    compute = compute or function
    if keywords or type(rules) is not tuple or len(arguments) > len(rules):
        keywords = {name: freeze(value) for name, value in keywords.items()} or NO_KEYWORDS
        arguments, keywords = _checked(function, compute, rules, tuple(arguments), keywords)
    kept, values = [], []
    for argument in arguments:
        if isinstance(argument, kind):
            values.append(argument._array)
        else:
            argument = freeze(argument)
            if type(argument) in (list, tuple) and isinstance(function, np.ufunc):
                argument = np.asarray(argument)  # as the ufunc reads it, and rules read arrays
            values.append(argument)
        kept.append(argument)
    if MET and function not in COMPLEX:
        refuse_complex(function, values, keywords)
    try:
        output = compute(*values, **keywords)
    except ValueError as error:
        raise misfit(function, values, error) from error
    if type(output) is not np.ndarray:
        if output is None:
            raise TypeError(f"{called(function)} returned None: is a return missing?")
        output = np.asarray(output)
    if output.dtype not in FLOATS:
        check_output(function, output)
    return record(kind, function, rules, tuple(kept), tuple(values), keywords, output)


def _checked(
    function: Function,
    compute: Function,
    rules: Rules,
    arguments: tuple[Any, ...],
    keywords: dict[str, Any],
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Move Tensors from keywords to positions, and refuse what no rule knows."""
    operands = len(rules) if type(rules) is tuple else len(arguments)
    taken = _accepts(rules)
    options = (*arguments[operands:], *keywords.values())
    if (
        len(arguments) <= taken.unseen
        and keywords.keys() <= taken.plain
        and not any(isinstance(option, Node) for option in options)
    ):
        return arguments, keywords  # as almost always
    named = [name for name, value in keywords.items() if isinstance(value, Node)]
    if named:
        arguments, keywords = _by_position(function, compute, arguments, keywords, named)
        operands = len(rules) if type(rules) is tuple else len(arguments)
    for i, argument in enumerate(arguments[operands:], start=operands):
        if isinstance(argument, Node):
            raise TypeError(
                f"argument {i} of {called(function)} has no derivative rule and got a Tensor: "
                "pass its .data if it is meant as a constant"
            )
    if not taken.some:
        return arguments, keywords
    positions, names = taken.positions, taken.names
    if len(arguments) > len(positions) and not taken.any_position:
        raise TypeError(
            f"{called(function)} has a derivative rule for {len(positions)} positional arguments, "
            f"not for {len(arguments)}: pass the options by keyword"
        )
    given = dict(zip(positions[operands:], arguments[operands:], strict=False)) | keywords
    for name, value in given.items():
        if value is not None and (name == "out" or not (taken.any_name or name in names)):
            raise TypeError(f"{called(function)} with {name}= has no derivative rule for a Tensor")
    if "dtype" in given:
        check_dtype(given["dtype"], arguments)
    return arguments, {k: v for k, v in keywords.items() if taken.any_name or k in names}


class _Accepted(NamedTuple):
    """What the rules of a function take after `g, y`."""

    positions: list[str]  # names of positional arguments
    names: frozenset[str]  # of all but those that are positional only
    any_position: bool
    any_name: bool
    some: bool = True  # whether there is any rule
    unseen: int = 0  # how many positional arguments need no look but for Tensors
    plain: frozenset[str] = frozenset()  # which names need none


@functools.cache
def _accepts(rules: Rules) -> _Accepted:
    """Read the signature of the rules of a function; they are alike, so that of the first."""
    rule = next((r for r in rules if r), None) if type(rules) is tuple else rules
    if rule is None:
        return _Accepted([], frozenset(), False, False, some=False)
    parameters = inspect.signature(rule).parameters.values()
    positional = [
        p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
    ][2:]
    names = {p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)}
    looks = {"out", "dtype"}
    unseen = next((i for i, name in enumerate(positional) if name in looks), len(positional))
    return _Accepted(
        positional,
        frozenset(names),
        any(p.kind is p.VAR_POSITIONAL for p in parameters),
        any(p.kind is p.VAR_KEYWORD for p in parameters),
        unseen=unseen,
        plain=frozenset(names - looks),
    )


def _by_position(
    function: Function,
    compute: Function,
    arguments: tuple[Any, ...],
    keywords: dict[str, Any],
    named: list[str],
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Move the Tensors `named` in the keywords to their positions."""
    try:
        signature = inspect.signature(compute)
    except ValueError:  # written in C, without a signature
        raise TypeError(f"pass {named[0]}= of {called(function)} by position") from None
    bound = signature.bind(*arguments, **keywords)
    bound.apply_defaults()
    names = list(signature.parameters)
    last = max(names.index(name) for name in named)
    if any(signature.parameters[n].kind is inspect.Parameter.KEYWORD_ONLY for n in named):
        raise TypeError(
            f"{named[0]}= of {called(function)} is an option and got a Tensor: pass its .data "
            "if it is meant as a constant"
        )
    moved = names[: last + 1]
    rest = {name: value for name, value in keywords.items() if name not in moved}
    return tuple(bound.arguments[name] for name in moved), rest


def misfit(function: Function, values: Iterable[Any], error: ValueError) -> ValueError:
    """Add the shapes of the operands to an error of NumPy's."""
    if not called(function).startswith("np."):
        return error
    shapes = [
        str(np.shape(v)) if isinstance(v, np.ndarray) else type(v).__name__
        for v in values
        if hasattr(v, "shape")
    ]
    given = f"shape{'s' * (len(shapes) > 1)} {' and '.join(shapes)}"
    kind = np.linalg.LinAlgError if isinstance(error, np.linalg.LinAlgError) else ValueError
    return kind(f"{called(function)} of {given}: {error}")
