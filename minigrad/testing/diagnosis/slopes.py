"""Functions that act entry by entry: which slope they have, and which one yours is.

No source is read: the slope of each entry is held against formulas in x and y, so that it works on
anybody's compiled code too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from minigrad.graph import Array
from minigrad.testing.diagnosis.guesses import Guess
from minigrad.testing.diagnosis.workbench import Workbench, same
from minigrad.testing.reports import causes
from minigrad.testing.reports.showing import grad_of

OF_EITHER: dict[
    str, Callable[[Array], Array]
] = {  # formulas in v, which is the input or the output
    "{}": lambda v: v,
    "1 − {}": lambda v: 1 - v,
    "{}²": lambda v: v**2,
    "1 − {}²": lambda v: 1 - v**2,
    "1 + {}²": lambda v: 1 + v**2,
    "(1 − {0})²": lambda v: (1 - v) ** 2,
    "{0} (1 − {0})": lambda v: v * (1 - v),
    "1 / {}": lambda v: 1 / v,
    "1 / (2 {})": lambda v: 1 / (2 * v),
    "1 / {}²": lambda v: 1 / v**2,
    "−1 / {}²": lambda v: -1 / v**2,
    "2 {}": lambda v: 2 * v,
    "3 {}²": lambda v: 3 * v**2,
    "√{}": np.sqrt,
}


def _sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


OF_INPUT: dict[str, Callable[[Array], Array]] = {
    "0": lambda x: 0 * x,
    "1": lambda x: 1 + 0 * x,
    "1 where {} > 0": lambda x: 1.0 * (x > 0),
    "1 where {} < 0": lambda x: 1.0 * (x < 0),
    "the sign of {}": np.sign,
    "exp {}": np.exp,
    "cos {}": np.cos,
    "−cos {}": lambda x: -np.cos(x),
    "sin {}": np.sin,
    "−sin {}": lambda x: -np.sin(x),
    "1 / cos² {}": lambda x: 1 / np.cos(x) ** 2,
    "1 − tanh² {}": lambda x: 1 - np.tanh(x) ** 2,
    "tanh {}": np.tanh,
    "σ({})": lambda x: 1 / (1 + np.exp(-x)),
    "σ({0}) (1 − σ({0}))": lambda x: 1 / (2 + np.exp(-x) + np.exp(x)),
    "σ({0}) + {0} σ({0}) (1 − σ({0}))": lambda x: _sigmoid(x) * (1 + x * (1 - _sigmoid(x))),
    "1 / (1 + {}²)": lambda x: 1 / (1 + x**2),
    "1 / √(1 − {}²)": lambda x: 1 / np.sqrt(1 - x**2),
}
SLOPE_OF = {  # functions of which a person writes the forward
    "σ({0}) (1 − σ({0}))": "the sigmoid",
    "σ({0}) + {0} σ({0}) (1 − σ({0}))": "swish, x σ(x)",
    "1 − tanh² {}": "tanh",
    "σ({})": "softplus, log(1 + exp x)",
    "1 / (1 + {}²)": "arctan",
    "1 where {} > 0": "relu",
}
TURNED = {"1 where {} > 0", "1 where {} < 0"}
PIECEWISE = {"0", "1", "the sign of {}", *TURNED}
POWERS = [{"1 − {}²", "(1 − {0})²"}, {"1 − {}²", "1 − {}"}, {"1 / {}", "1 / {}²"}, {"{}", "{}²"}]
Formula = tuple[str, str]  # its form, and whether it is of "x" or of "y"
FORMULAS: list[Formula] = [(form, which) for form in OF_EITHER for which in "yx"]
FORMULAS += [(form, "x") for form in OF_INPUT]


def elementwise(bench: Workbench, yours: dict[str, Array], wrong: list[str]) -> Iterator[Guess]:
    """A function entry by entry, whose slope is another one."""
    for name in wrong:
        B, J = yours[name], bench.evidence.jacobians[name]
        if B.shape[0] != B.shape[1] or np.any(
            (np.abs(B) + np.abs(J))[~np.eye(len(B), dtype=bool)] > 1e-7
        ):
            continue
        mine, true, x = np.diag(B), np.diag(J), np.ravel(bench.operands[name])
        y = np.concatenate([np.ravel(y) for y in bench.evidence.outputs])
        i = int(np.argmax(np.abs(mine - true)))
        at = f"at {name} = {x[i]:.4g} it is {true[i]:.6g}, and yours {mine[i]:.6g}"
        right, found = formula(true, x, y), formula(mine, x, y)
        label, cost = confusion(right, found)
        words = f"the slope by {name} belongs to another function: {at}"
        if right is not None:
            words = f"the slope of y by {name} is {spelled(right, name)}"
            words += f", and yours is {spelled(found, name)}: {at}" if found else f": {at}"
        elif found is not None:
            words = f"yours is {spelled(found, name)}, and that is not the slope here: {at}"
        known = SLOPE_OF.get(found[0]) if found and found[1] == "x" else None
        meant = f"yours is right for {known}: if that is meant, forward is what is wrong"
        yield Guess(label, words, (name,), cost, meant if known and right != found else "")


def formula(slope: Array, x: Array, y: Array) -> Formula | None:
    """The formula in x or y that a slope is, if it is one.

    >>> x = np.array([0.5, 1.0])
    >>> formula(1 - np.tanh(x) ** 2, x, np.tanh(x))
    ('1 − {}²', 'y')
    """
    return next((one for one in FORMULAS if same(worth(one, x, y), slope)), None)


def worth(one: Formula, x: Array, y: Array) -> Array:
    """The numbers that a formula gives."""
    with np.errstate(all="ignore"):
        return (OF_EITHER | OF_INPUT)[one[0]](y if one[1] == "y" else x)


def confusion(right: Formula | None, found: Formula | None) -> tuple[str, float]:
    """What the mistake is called, and how far-fetched it is to call it so."""
    if right is None or found is None:
        return causes.OTHER_DERIVATIVE, 3.9 if right is found else 2.6
    if right[0] == found[0]:
        return causes.OUTPUT, 0.9
    if {right[0], found[0]} == TURNED:
        return causes.BRANCH, 0.9
    if right[0] in TURNED and found[0] == "1":
        return causes.MASK, 1.65
    if {right[0], found[0]} in POWERS and right[1] == found[1]:
        return causes.POWER, 0.9
    return causes.OTHER_DERIVATIVE, 1.65


def spelled(one: Formula, name: str) -> str:
    """The formula with the names that the reader knows."""
    return one[0].format(name if one[1] == "x" else "y")


def scaled(bench: Workbench, yours: dict[str, Array], wrong: list[str]) -> Iterator[Guess]:
    """Each output's share of the gradient is off by a factor of its own, a power of that output."""
    y = np.concatenate([np.ravel(y) for y in bench.evidence.outputs])
    for name in wrong:
        B, J = yours[name], bench.evidence.jacobians[name]
        rows = np.flatnonzero(np.sum(J * J, axis=1))
        factors = np.sum(B * J, axis=1)[rows] / np.sum(J * J, axis=1)[rows]
        if len(rows) < 2 or not same(B[rows], factors[:, None] * J[rows]):
            continue
        for words, power in (("y", 1), ("1 / y", -1), ("y²", 2), ("1 / y²", -2)):
            if same(factors, y[rows] ** power):
                told = f"each output y's share of {grad_of(name)} is {words} × what it should be"
                yield Guess(causes.POWER, told, (name,), 0.9)
