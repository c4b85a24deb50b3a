"""The graph of recorded calls, and the table of derivatives that it is recorded with.

A `Node` is an array that remembers the call that made it; `Tensor` dresses it as a NumPy array.
The derivative of each function is a *VJP rule* per operand, the vector-Jacobian product
`(g, y, *operands) -> gradient of the operand`, where `g` is the gradient of the output and `y` the
output. Rules are NumPy too: run on Tensors they are recorded again, and derivatives of every order
come from the one line. `backward.py` walks the graph back.
"""

from __future__ import annotations

import functools
import inspect
import itertools
from collections.abc import Callable, Iterable, Sequence
from importlib import import_module
from typing import Any, ClassVar, NamedTuple, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from minigrad.kinds import (
    COMPLEX,
    COMPLEX_SCALARS,
    FLOATS,
    MET,
    PLAIN,
    check_dtype,
    check_output,
    refuse_complex,
)
from minigrad.kinds import called as called

Array: TypeAlias = NDArray[Any]
Function: TypeAlias = Callable[..., Any]
N = TypeVar("N", bound="Node")

# What a function's derivative looks like in the table: one rule per operand, or one joint rule that
# returns the gradients of all operands at once. A rule may be None: see `defvjp`.
Rules: TypeAlias = Any  # tuple[Function | None, ...], or a joint Function

RULES: dict[Function, Rules] = {}
NO_KEYWORDS: dict[str, Any] = {}
CONSTANTS: set[Function] = set()  # piecewise constant, or no numbers at all: `>`, floor, argmax
FURTHER: list[str] = []  # modules with more of the table, imported when a function is not in it
ENTRYWISE: set[Function] = set()  # functions that work entry by entry, and are no ufuncs
RECORDED: dict[Function, Function] = {}  # what is recorded of functions that return something else
PLACES: dict[Function, Function] = {}  # functions that take entries: where these stand, or None
MASKING: set[Function] = set()  # where, clip …: what they cut off must not leak back as 0 · inf

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


# ---- recording -----------------------------------------------------------------------------------
def defvjp(
    function: Function,
    *rules: Function | None,
    joint: Function | None = None,
    complex: bool = False,
) -> None:
    """State the derivative of `function`: one VJP rule per positional argument that is an array.

    Args:
        function: any function of arrays, NumPy's, yours or somebody else's.
        rules: each `(g, y, *args, **kwargs) -> gradient of that argument`, in NumPy. The engine
            sums over broadcast axes and restores the dtype. A rule returns a new array, `g` or a
            view of `g`, and writes into nothing. None in a place marks an intermediate that other
            rules want again: its own share of the derivative must be inside theirs.
        joint: instead of rules, one function that returns the gradients of all arguments.
        complex: the rules hold for complex numbers too (docs/complex.md says what that means);
            otherwise the function refuses them.

    Raises:
        TypeError: when a rule is not callable.

    >>> import minigrad as mg
    >>> def cube(x): return x * x * x
    >>> cube = mg.primitive()(cube)
    >>> mg.defvjp(cube, lambda g, y, x: g * 3 * x**2)
    >>> x = mg.Tensor(2.0); cube(x).backward(); x.grad
    array(12.)
    """
    for rule in (*rules, joint):
        if rule is not None and not callable(rule):
            raise TypeError(f"a VJP rule of {called(function)} must be callable, not {rule!r}")
    if function not in RULES and called(function).startswith("np."):
        open_further()  # or a chapter that is opened later would put its own rule in place of this
    if complex:
        COMPLEX.add(function)
    elif function in RULES:  # other rules in place of those
        COMPLEX.discard(function)
    RULES[function] = rules if joint is None else joint
    Node.tables += 1


def open_further() -> None:
    """Import what is left of the table; once, and other threads wait: Python's imports see to it.

    Whoever does not find a function calls this and looks again, before refusing.
    """
    for module in FURTHER:
        import_module(module)


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
        output = np.asarray(output)
    if output.dtype not in FLOATS:
        check_output(function, output)
    return record(kind, function, rules, tuple(kept), tuple(values), keywords, output)


def operands(node: Node) -> list[Node]:
    """List the operands of a node that have a derivative."""
    pairs = zip(node._arguments, each(node._rules), strict=False)
    return [a for a, rule in pairs if rule is not None and isinstance(a, Node)]


def each(rules: Rules) -> Iterable[Function | None]:
    """Give one rule for each argument: a joint rule is that of all."""
    return rules if type(rules) is tuple else itertools.repeat(rules)


def freeze(argument: Any) -> Any:
    """Keep what the graph saw: an array that somebody can still write into is copied."""
    if isinstance(argument, np.ndarray):
        argument = frozen(argument)
        if type(argument) is not np.ndarray and argument.__array_priority__ > 0:
            raise TypeError(
                f"{type(argument).__name__} has an arithmetic of its own, which Tensors do not "
                "follow: np.asarray makes a plain array of it, np.where(mask, 0.0, t) cuts off"
            )
        if argument.dtype not in FLOATS and argument.dtype.kind == "c":
            MET.add(argument.dtype)
    elif type(argument) in PLAIN:
        return argument
    elif isinstance(argument, (list, tuple, dict)):
        items = argument.values() if isinstance(argument, dict) else argument
        if any(isinstance(item, Node) for item in items):
            raise TypeError(
                "a Tensor inside a list or dict is not seen by this function, and its gradient "
                "would be lost: np.stack or np.concatenate gathers Tensors into one"
            )
        if isinstance(argument, dict):
            return {key: freeze(item) for key, item in argument.items()}
        if type(argument) in (list, tuple):
            return type(argument)(map(freeze, argument))
    elif type(argument) in COMPLEX_SCALARS:
        MET.add(np.result_type(argument))
    return argument


def frozen(array: Any) -> Any:
    """Keep an array as it is now: copied, unless nobody can write into it."""
    base = array.base
    if array.flags.writeable or (base is not None and not _fixed(base)):
        array = array.copy("K")
        array.setflags(False)  # write=False, said in a third of the time
    return array


def _fixed(owner: Any) -> bool:
    """Tell whether nobody writes into the memory that `owner` stands for, as far as one can see."""
    while not isinstance(owner, memoryview):
        if isinstance(owner, np.ndarray) and (owner.flags.writeable or owner.base is None):
            return not owner.flags.writeable
        owner = getattr(owner, "base", None)  # as_strided puts an object of its own between
        if owner is None:
            return False
    return isinstance(owner.obj, _Lent)


class _Lent(np.ndarray[Any, Any]):
    """An array that `borrowed` looks at: so `freeze` tells its memory from other people's."""

    __slots__ = ()


def borrowed(array: Any) -> Any:
    """Look at an array that nobody else can write into for now: `freeze` will not copy it."""
    if not isinstance(array, np.ndarray):
        return array
    try:
        buffer: Any = array.view(_Lent)
        return np.asarray(memoryview(buffer).toreadonly())
    except (ValueError, TypeError):  # a dtype without a buffer, such as datetime64
        return freeze(array)


def constant(function: Function, arguments: Iterable[Any], keywords: dict[str, Any]) -> Any:
    """Call a function whose derivative is zero or none on the arrays of its arguments."""
    return function(*map(arrays, arguments), **{k: arrays(v) for k, v in keywords.items()})


def arrays(argument: Any) -> Any:
    """Put arrays in place of Tensors, inside lists and tuples too."""
    if isinstance(argument, Node):
        return argument._array
    if isinstance(argument, (list, tuple)):
        return type(argument)(map(arrays, argument))
    return argument


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
