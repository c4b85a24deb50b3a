"""The table of derivatives: for each function its VJP rules.

A *VJP rule*, vector-Jacobian product, is `(g, y, *operands) -> gradient of the operand`, where `g`
is the gradient of the output and `y` the output. Rules are NumPy too: run on Tensors they are
recorded again, and derivatives of every order come from the one line.
"""

from __future__ import annotations

from importlib import import_module

from minigrad.graph import Node, Rules
from minigrad.guards import THEIRS, check_stated
from minigrad.kinds import COMPLEX, Function, called

RULES: dict[Function, Rules] = {}
CONSTANTS: set[Function] = set()  # piecewise constant, or no numbers at all: `>`, floor, argmax
FURTHER: list[str] = []  # modules with more of the table, imported when a function is not in it
ENTRYWISE: set[Function] = set()  # functions that work entry by entry, and are no ufuncs
RECORDED: dict[Function, Function] = {}  # what is recorded of functions that return something else
UNCHECKED: dict[Function, Function] = {}  # rules that look at g and may refuse it -> those inside
PLACES: dict[Function, Function] = {}  # functions that take entries: where these stand, or None
MASKING: set[Function] = set()  # where, clip …: what they cut off must not leak back as 0 · inf


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
        TypeError: when a rule is not callable, or nobody would run it: no rule at all, or one for a
            Python function that is no primitive; when a rule has another default for an option.

    >>> import minigrad as mg
    >>> def cube(x): return x * x * x
    >>> cube = mg.primitive()(cube)
    >>> mg.defvjp(cube, lambda g, y, x: g * 3 * x**2)
    >>> x = mg.Tensor(2.0); cube(x).backward(); x.grad
    array(12.)
    """
    check_stated(function, (*rules, joint))
    if function not in RULES and function in THEIRS and called(function).startswith("np."):
        open_further()  # or a chapter that is opened later would put its own rule in place of this
    if complex:
        COMPLEX.add(function)
    elif function in RULES:  # other rules in place of those
        COMPLEX.discard(function)
    CONSTANTS.discard(function)  # np.round, with a gradient that goes straight through
    RULES[function] = rules if joint is None else joint
    Node.tables += 1


def open_further() -> None:
    """Import what is left of the table; once, and other threads wait: Python's imports see to it.

    Whoever does not find a function calls this and looks again, before refusing.
    """
    for module in FURTHER:
        import_module(module)
