"""The graph of recorded calls.

A `Node` is an array that remembers the call that made it; `Tensor` dresses it as a NumPy array.
`calls.py` records calls, with the derivatives of `table.py`; `backward.py` walks the graph back.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any, ClassVar, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from minigrad.kinds import Function

Array: TypeAlias = NDArray[Any]
N = TypeVar("N", bound="Node")

# What a function's derivative looks like in the table: one rule per operand, or one joint rule that
# returns the gradients of all operands at once. A rule may be None: see `defvjp`.
Rules: TypeAlias = Any  # tuple[Function | None, ...], or a joint Function

NO_KEYWORDS: dict[str, Any] = {}

now = _birthday = itertools.count(1).__next__  # what is made later has a later birthday
_new = object.__new__


class Node:
    """An array and the call that made it; leaves have no call.

    A call is kept as its function, the rules of the function as in the table, and the arguments
    twice: as they were given, and with arrays in place of nodes. Operands are born before results,
    so the order of birth is a topological order. A node points to its operands and nothing points
    back: dropping the result frees the graph, without cycles.
    """

    __slots__ = (
        *("__weakref__", "_array", "_birth", "_written", "grad", "name"),
        *("_function", "_rules", "_arguments", "_values", "_keywords"),
    )

    tables: ClassVar[int] = 0  # counts the changes of the table
    _array: Array
    _birth: int
    _written: int  # when the values of a parameter were last replaced; 0 for never
    grad: Array | None
    name: str | None
    _function: Function | None
    _rules: Rules
    _arguments: tuple[Any, ...]
    _values: tuple[Any, ...]
    _keywords: dict[str, Any]


def record(
    kind: type[N],
    function: Function | None,
    rules: Rules,
    arguments: tuple[Any, ...],
    values: tuple[Any, ...],
    keywords: dict[str, Any],
    output: Any,
) -> N:
    """Make the node of a call whose `output` is already computed."""
    node = _new(kind)
    node._array = output if type(output) is np.ndarray else np.asarray(output)
    node._birth = _birthday()
    node._written = 0
    node.grad = None
    node.name = None
    node._function = function
    node._rules = rules
    node._arguments = arguments
    node._values = values
    node._keywords = keywords
    return node


def leaf(kind: type[N], array: Array, name: str | None = None) -> N:
    """Make a leaf over `array` itself, not over a copy."""
    node = record(kind, None, (), (), (), NO_KEYWORDS, array)
    node.name = name
    return node


def input_node(kind: type[N], array: Array) -> N:
    """Make an input over `array`: a call without operands, so that it is no parameter."""
    node: N = record(kind, input_node, (), (), (), NO_KEYWORDS, array)
    return node


def write(node: Node, values: Any) -> None:
    """Replace the values of a parameter in place; older graphs through it can no longer run."""
    if values is not node._array:
        node._array[...] = values
    node._written = _birthday()


def operands(node: Node) -> list[Node]:
    """List the operands of a node that have a derivative."""
    pairs = zip(node._arguments, each(node._rules), strict=False)
    return [a for a, rule in pairs if rule is not None and isinstance(a, Node)]


def each(rules: Rules) -> Iterable[Function | None]:
    """Give one rule for each argument: a joint rule is that of all."""
    return rules if type(rules) is tuple else itertools.repeat(rules)
