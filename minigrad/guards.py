"""What is asked of a derivative that somebody states: mistakes that no error would tell of.

A rule with another default than its function, a rule for a function whose calls nobody sees, None
for an argument that no other rule stands for, a function that writes into its arguments: each of
them would make a wrong gradient without a word.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from types import FunctionType, MethodType
from typing import Any

import numpy as np

from minigrad.graph import Array, Node, input_node
from minigrad.kinds import Function, called

PRIMITIVES: set[Function] = set()  # what `primitive` has made: they look for Tensors themselves
THEIRS: set[Function] = set()  # functions whose rules are given arrays that cannot be written


def is_ours(function: Any) -> bool:
    """Tell the functions of minigrad, whose rules its tests know, from those of its users."""
    return str(getattr(function, "__module__", "")).partition(".")[0] == "minigrad"


def check_stated(function: Function, rules: Sequence[Function | None]) -> None:
    """Refuse rules that nobody would run, and those that would run with other options."""
    if not callable(function):
        raise TypeError(f"defvjp states the derivative of a function, not of {function!r}")
    for rule in rules:
        if rule is not None and not callable(rule):
            raise TypeError(f"a VJP rule of {called(function)} must be callable, not {rule!r}")
    if not any(rules):
        raise TypeError(
            f"defvjp of {called(function)} got no rule, and every gradient would be lost: state "
            "one for each argument that is an array"
        )
    if not all(rule is None or is_ours(rule) for rule in rules):
        THEIRS.add(function)
    if function in PRIMITIVES:
        _check_defaults(function, rules)
    elif isinstance(function, (FunctionType, MethodType)) and not is_ours(function):
        raise TypeError(
            f"{called(function)} is a Python function, whose calls minigrad does not see, so that "
            f"the rule would not run: f = mg.primitive(rule)({called(function)}) makes one of it "
            "that is seen"
        )


def _check_defaults(function: Any, rules: Iterable[Function | None]) -> None:
    """Refuse a rule that would run with another option than the call."""
    own = _defaults(getattr(function, "__wrapped__", function))
    for rule in rules:
        for name, value in _defaults(rule).items():
            if name in own and not _same(value, own[name]):
                raise TypeError(
                    f"{called(function)} has {name}={own[name]!r}, and a VJP rule of it "
                    f"{name}={value!r}: a call that leaves it out would get a wrong gradient"
                )


def _defaults(function: Any) -> dict[str, Any]:
    """List the options that a Python function fills in: `inspect` would make the import slow."""
    code = getattr(function, "__code__", None)
    if code is None:
        return {}
    given = function.__defaults__ or ()
    names = code.co_varnames[: code.co_argcount][code.co_argcount - len(given) :]
    return dict(zip(names, given, strict=True)) | (function.__kwdefaults__ or {})


def _same(a: Any, b: Any) -> bool:
    return a is b or repr(a) == repr(b) or bool(np.all(a == b))


def check_intermediates(function: Function, rules: Any, arguments: Sequence[Any]) -> None:
    """Refuse a Tensor whose rule is None where nothing could stand for its gradient."""
    if type(rules) is not tuple or all(rules):
        return
    pairs = list(zip(arguments, rules, strict=False))
    others = any(rule is not None and isinstance(a, Node) for a, rule in pairs)
    for i, (a, rule) in enumerate(pairs):
        if rule is None and isinstance(a, Node):
            if others and a._function not in (None, input_node):
                continue
            raise TypeError(
                f"argument {i} of {called(function)} has the rule None, which is for what was "
                "computed from the other arguments, and this Tensor was not: its gradient would "
                "be lost. State a rule, or pass its .data if it is meant as a constant"
            )


def check_history(share: Any, function: Any) -> None:
    """Refuse what a rule made of Tensors and is none."""
    if share is not None and not isinstance(share, Node) and np.any(share):
        raise TypeError(  # it is linear in g, and so would have to hang on g
            f"a VJP rule of {called(function)} was run on Tensors and returned an array: "
            "something in it drops the history, such as .data, and second derivatives would be "
            "wrong"
        )


def misshapen(share: Any, x: Array, function: Any) -> ValueError:
    """Say that a rule returned another shape than its operand's."""
    return ValueError(
        f"a VJP rule of {called(function)} returned shape {np.shape(share)} for an operand of "
        f"shape {x.shape}: a gradient has the shape of what it is the gradient of"
    )


def reading(function: Function) -> Function:
    """Run a function of somebody's on arrays that it can read but not write: Tensors hold them."""

    @functools.wraps(function)
    def compute(*values: Any, **keywords: Any) -> Any:
        try:
            return function(*map(read_only, values), **keywords)
        except ValueError as error:
            if "read-only" not in str(error):
                raise
            raise ValueError(
                f"{called(function)} writes into its argument, which a Tensor holds: let it work "
                "on a copy, x = x.copy()"
            ) from error

    return compute


def read_only(value: Any) -> Any:
    """Look at an array without being able to write into it."""
    if isinstance(value, np.ndarray):
        value = value.view()
        value.flags.writeable = False
    return value
