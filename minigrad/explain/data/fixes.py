"""The likely remedy of a call that failed, guessed from the shapes of its operands."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

Shaped: TypeAlias = tuple[str, Any]  # an operand's name, and its shape


def likely_fix(function: Any, operands: Sequence[Shaped], message: str) -> str:
    """Guess from the shapes, and from what the error says, what was meant; "" for no guess.

    >>> likely_fix(np.matmul, [("x", (4, 3)), ("W", (2, 3))], "")
    'x @ W.T: W has 3 as its last axis'
    """
    name = getattr(function, "__name__", "")
    if "need equally many rows" in message:
        return "take the same rows of both: x[i] and t[i] belong together"
    label = re.search(r"class index (-?\d+) is outside 0 … (\d+)", message)
    if label:
        return _fix_label(int(label[1]), int(label[2]))
    if name == "reshape" and operands:
        return _fix_reshape(*operands[0], message)
    if name == "concatenate":
        return _fix_joint(operands)
    if len(operands) < 2:
        return ""
    (left, a), (right, b), *_ = operands
    if name in ("matmul", "dot"):
        return _fix_product(left, a, right, b)
    if name == "affine":
        if len(a) and len(b) == 2 and a[-1] != b[0]:
            flat = int(np.prod(a[1:]))
            if len(a) > 2 and flat == b[0]:
                return f"flatten {left} first: {left}.reshape(len({left}), -1), or mg.Flatten()"
            return f"make a layer of {a[-1]} features in: Affine({a[-1]}, {b[1]})"
        return ""
    if "broadcast" in message:
        return _fix_broadcast(left, a, right, b)
    return ""


def _fix_product(left: str, a: Sequence[int], right: str, b: Sequence[int]) -> str:
    """Look for a transposition that makes the inner lengths agree."""
    if len(a) < 1 or len(b) < 1:
        return f"a product needs axes: write {left} * {right} for a single number"
    inner = b[0] if len(b) == 1 else b[-2]
    if len(b) == 2 and a[-1] == b[1]:
        return f"{left} @ {right}.T: {right} has {b[1]} as its last axis"
    if len(a) == 2 and a[0] == inner:
        return f"{left}.T @ {right}: {left} has {a[0]} as its first axis"
    return f"the last axis of {left} ({a[-1]}) must be as long as the first of {right} ({inner})"


def _fix_broadcast(left: str, a: Sequence[int], right: str, b: Sequence[int]) -> str:
    """Look for a missing axis of length one."""
    for name, one, other in ((right, tuple(b), tuple(a)), (left, tuple(a), tuple(b))):
        if len(one) == 1 and len(other) > 1 and one[0] == other[0]:
            return f"{name}[:, None], if each of its {one[0]} entries belongs to one row"
        if len(one) == 2 and len(other) == 2 and one[::-1] == other:
            return f"{name}.T has the shape of the other"
    return "shapes are compared from the last axis on: the lengths must be equal, or one of them 1"


def _fix_label(label: int, most: int) -> str:
    """Tell where targets begin, or how many classes the scores must have."""
    if label == most + 1:
        return f"classes count from 0, and the last is {most}: t - 1, if t begins at 1"
    if label < 0:
        return f"classes are 0 to {most}: leave out the rows of {label} before the loss"
    return (
        f"let the last layer have {label + 1} outputs, or mend the targets: classes are 0 to {most}"
    )


def _fix_reshape(name: str, shape: Sequence[int], message: str) -> str:
    """Look for the axis whose length was reckoned wrongly."""
    found = re.search(r"into shape \(([\d, -]+)\)", message)
    wanted = [int(n) for n in found[1].split(",") if n.strip()] if found else []
    size = math.prod(shape)
    for i in reversed(range(len(wanted))):
        others = math.prod(n for j, n in enumerate(wanted) if j != i)
        if others > 0 and size % others == 0:
            fitting = tuple(-1 if j == i else n for j, n in enumerate(wanted))
            told = f"{name} has {size} entries, so that -1 is {size // others}"
            return f"{name}.reshape{fitting}: {told}"
    return f"{name} has {size} entries, and the lengths must multiply to that"


def _fix_joint(operands: Sequence[Shaped]) -> str:
    """Look for the one axis along which arrays may differ."""
    shapes = [tuple(shape) for _, shape in operands]
    if len({len(shape) for shape in shapes}) != 1:
        return "the arrays must have equally many axes: x[None] or x[:, None] makes one more"
    differing = [i for i, lengths in enumerate(zip(*shapes, strict=True)) if len({*lengths}) > 1]
    if len(differing) == 1:
        return f"axis={differing[0]}: they differ along that axis alone"
    return "arrays are joined along one axis, and must be equally long along all others"
