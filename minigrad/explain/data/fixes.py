"""The likely remedy of a call that failed, guessed from the shapes of its operands."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

_LOSSES = {
    "softmax_cross_entropy",
    "binary_cross_entropy_with_logits",
    "mean_squared_error",
}
_ENTRYWISE = (np.where, np.clip, np.copyto)
Shaped: TypeAlias = tuple[str, Any]  # an operand's name, and its shape


def likely_fix(function: Any, operands: Sequence[Shaped], message: str, least: float = 1) -> str:
    """Guess from the shapes, and from what the error says, what was meant; "" for no guess.

    `least` is the smallest of the targets, where there are any.

    >>> likely_fix(np.matmul, [("x", (4, 3)), ("W", (2, 3))], "")
    'x @ W.T: W has 3 as its last axis'
    """
    name = getattr(function, "__name__", "")
    operands = [(_closed(text), shape) for text, shape in operands if shape is not None]
    if "need equally many rows" in message:
        if operands and len(operands[0][1]) == 1 and len(operands) > 1:
            return f"{operands[0][0]}[None] is a batch of one row"
        return "take the same rows of both: x[i] and t[i] belong together"
    label = re.search(r"class index (-?\d+) is outside 0 … (\d+)", message)
    if label:
        return _fix_label(int(label[1]), int(label[2]), least)
    axis = re.search(r"axis -?\d+ is out of bounds for array of dimension (\d+)", message)
    if axis and operands:
        return _fix_axis(operands[0][0], int(axis[1]))
    if name == "reshape" and operands and "cannot reshape" in message:
        return _fix_reshape(*operands[0], message)
    if name == "concatenate":
        return _fix_joint(operands)
    if name == "stack" and len({tuple(shape) for _, shape in operands}) > 1:
        return "arrays that are stacked have one shape: np.concatenate joins along an axis"
    if len(operands) < 2:
        return ""
    (left, a), (right, b), *_ = operands
    if name in ("matmul", "dot"):
        return _fix_product(left, a, right, b)
    if name == "affine" and "features in its last axis" in message and len(a) and len(b) == 2:
        return _fix_width(left, a, b)
    if name in _LOSSES and "do not fit" in message:
        return _fix_targets(a, right, b, name == "softmax_cross_entropy")
    if "broadcast" in message and (isinstance(function, np.ufunc) or function in _ENTRYWISE):
        return _fix_broadcast(operands)
    return ""


def _closed(text: str) -> str:
    """Put an expression in brackets where an index or a transposition is to follow."""
    return text if re.fullmatch(r"[\w.]+|[\w.]+\(.*\)|[\w.]+\[.*\]", text) else f"({text})"


def _fix_width(name: str, shape: Sequence[int], weights: Sequence[int]) -> str:
    """Look for images that were not flattened; else the layer is too narrow or too wide."""
    if len(shape) > 2 and math.prod(shape[1:]) == weights[0]:
        return f"flatten {name} first: {name}.reshape(len({name}), -1), or mg.Flatten()"
    return f"make a layer of {shape[-1]} features in: Affine({shape[-1]}, {weights[1]})"


def _fix_product(left: str, a: Sequence[int], right: str, b: Sequence[int]) -> str:
    """Look for a transposition that makes the inner lengths agree."""
    if len(a) < 1 or len(b) < 1:
        return f"a product needs axes: write {left} * {right} for a single number"
    inner = b[0] if len(b) == 1 else b[-2]
    if a[-1] == inner:
        if len(a) > 2 and len(b) > 2:
            return f"the axes before the last two are compared: {a[:-2]} and {b[:-2]} do not agree"
        return ""
    if len(a) == len(b) > 2 and (a[0], a[-1]) == (b[-1], b[0]) and a[0] != b[0]:
        return f"np.swapaxes(…, -1, -2): {right} seems to be a .T, which turns all axes around"
    if len(b) == 2 and a[-1] == b[1] != a[0]:
        return f"{left} @ {right}.T: {right} has {b[1]} as its last axis"
    if len(b) > 2 and a[-1] == b[-1] and _agree(a[:-2], b[:-2]):
        return f"{left} @ np.swapaxes({right}, -1, -2): {right} has {b[-1]} as its last axis"
    if len(a) == 2 and a[0] == inner != b[-1] and inner > 1:  # one row fits by chance
        return f"{left}.T @ {right}: {left} has {a[0]} as its first axis"
    which = "first" if len(b) <= 2 else "last but one"
    return f"the last axis of {left} ({a[-1]}) must be as long as the {which} of {right} ({inner})"


def _fix_broadcast(operands: Sequence[Shaped]) -> str:
    """Look for a missing axis of length one."""
    pairs = itertools.combinations(operands, 2)
    differing = next((pair for pair in pairs if not _agree(pair[0][1], pair[1][1])), None)
    if differing is None:
        return ""
    (left, a), (right, b) = differing
    for name, one, other in ((right, tuple(b), tuple(a)), (left, tuple(a), tuple(b))):
        if len(one) == 1 and len(other) == 2 and one[0] == other[0]:
            return f"{name}[:, None], if each of its {one[0]} entries belongs to one row"
        if len(one) == 2 and len(other) == 2 and one[::-1] == other:
            return f"{name}.T has the shape of the other"
    return "shapes are compared from the last axis on: the lengths must be equal, or one of them 1"


def _agree(a: Sequence[int], b: Sequence[int]) -> bool:
    """Tell whether arrays of two shapes can be computed with entry by entry."""
    pairs = zip(reversed(a), reversed(b), strict=False)
    return all(m == n or 1 in (m, n) for m, n in pairs)


def _fix_targets(scores: Sequence[int], name: str, targets: Sequence[int], of_classes: bool) -> str:
    """Look for a column that was meant, or for a last layer of another width."""
    if len(targets) == len(scores) and targets[:-1] == scores[:-1]:
        if of_classes and targets[-1] == 1:
            return f"{name}.ravel(): classes are one number for each row"
        return f"let the last layer have {targets[-1]} outputs, or {name} have rows of {scores[-1]}"
    if not of_classes and tuple(scores) == (*targets, 1):
        return f"{name}[:, None] is a column, as the output is" if len(targets) == 1 else ""
    if not of_classes and len(scores) == 2 and len(targets) == 1 and targets[0] == scores[0]:
        return f"{name} has one number for each row: let the last layer have 1 output"
    return ""


def _fix_axis(name: str, axes: int) -> str:
    """Say which axes there are."""
    if axes < 2:
        return f"{name} has one axis, 0" if axes else f"{name} is a single number, without axes"
    return f"{name} has {axes} axes, 0 to {axes - 1}"


def _fix_label(label: int, most: int, least: float) -> str:
    """Tell where targets begin, or how many classes the scores must have."""
    if label == most + 1 and least > 0:
        return f"classes count from 0, and the last is {most}: t - 1, if t begins at 1"
    if label < 0:
        return f"classes are 0 to {most}: leave out the rows of {label} before the loss"
    return (
        f"let the last layer have {label + 1} outputs, or mend the targets: classes are 0 to {most}"
    )


def _fix_reshape(name: str, shape: Sequence[int], message: str) -> str:
    """Look for the axis whose length was reckoned wrongly."""
    found = re.search(r"into shape \(([\d, -]+)\)", message.replace("newaxis", "-1"))
    wanted = [int(n) for n in found[1].split(",") if n.strip()] if found else []
    size = math.prod(shape)
    if -1 in wanted:
        told = " · ".join(str(n) for n in wanted if n != -1)
        return f"{name} has {size} entries, and {told} does not divide that"
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
    if not differing:
        return ""
    return "arrays are joined along one axis, and must be equally long along all others"
