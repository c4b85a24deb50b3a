"""Signs that it is the forward that is wrong: backward is compared with what forward computes."""

from __future__ import annotations

import ast

from minigrad.testing.diagnosis.guesses import Guess
from minigrad.testing.reports import causes

FARFETCHED = 2.0  # the cost of a guess from which on the forward is as likely
EITHER = "backward is compared with what forward computes: if forward is wrong, mend that first"
AXES = "forward and backward disagree on an axis: if forward has the wrong one, mend that"


def remedy(best: Guess | None, source: str) -> str:
    """Say that the forward may be the wrong one, where something speaks for it.

    Args:
        best: what the numbers say of the backward, if they say something.
        source: the text of the forward, if it is known.

    >>> remedy(None, "def forward(self, x): return 1 / 1 + np.exp(-x)")
    'forward computes `1 / 1 + np.exp(-x)`: is `1 / (1 + np.exp(-x))` meant? Mend that first'
    """
    slip = unparenthesised(source)
    if slip is not None:
        written, meant = slip
        return f"forward computes `{written}`: is `{meant}` meant? Mend that first"
    if best is None:
        return EITHER
    if best.remedy or best.cost >= FARFETCHED:
        return best.remedy or EITHER
    return AXES if best.label == causes.AXIS else ""


def unparenthesised(source: str) -> tuple[str, str] | None:
    """Find a number divided by a number before something is added: `1 / 1 + …`.

    >>> unparenthesised("y = 1 / 2 + 1 / 3") is None
    True
    """
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return None
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.BinOp)
            and isinstance(node.op, (ast.Add, ast.Sub))
            and isinstance(node.left, ast.BinOp)
            and isinstance(node.left.op, ast.Div)
            and isinstance(node.left.left, ast.Constant)
            and isinstance(node.left.right, ast.Constant)
            and any(isinstance(inner, ast.Call) for inner in ast.walk(node.right))
        ):
            below = ast.BinOp(node.left.right, node.op, node.right)
            return ast.unparse(node), ast.unparse(ast.BinOp(node.left.left, ast.Div(), below))
    return None
