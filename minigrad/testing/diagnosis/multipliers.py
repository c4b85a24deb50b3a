"""Numbers that forward and backward multiply or divide by: which one is missing, which too many.

A factor between your gradient and the numerical one is often one of these: the backward divides by
what the forward does not, or by another count than the forward's mean.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from minigrad.testing.diagnosis.probes import Site, Spy
from minigrad.testing.diagnosis.workbench import Workbench
from minigrad.testing.reports import causes


class Multiplier(NamedTuple):
    """A number by which an expression is multiplied: 1/n where it is divided by n."""

    site: Site
    place: int
    value: float
    scale: float
    is_count: bool  # a number of entries: a mean's, a length, a sum over a mask
    of_mean: bool = False

    @property
    def words(self) -> str:
        """The expression and what it was worth."""
        if self.of_mean:
            return f"`{self.site.text}` in line {self.site.line} divides by {self.value:.4g}"
        how = "divides" if self.scale != self.value else "multiplies"
        return f"line {self.site.line} {how} by `{self.site.text}` = {self.value:.4g}"


def multipliers(spy: Spy, seen: dict[int, list[Any]]) -> Iterator[Multiplier]:
    """Every number by which something is multiplied or divided; literals are no such number."""
    for k, values in seen.items():
        site, value = spy.sites[k], values[0]
        if not isinstance(value, (int, float, np.number)) or isinstance(value, (bool, np.bool_)):
            continue
        around = site.around[:1]
        if site.kind == "Constant" or around not in (("Mult",), ("Div",)) or len(values) > 1:
            continue
        if not 0 < abs(value) < math.inf or (around == ("Div",) and site.role == "left"):
            continue
        scale = 1 / float(value) if around == ("Div",) else float(value)
        yield Multiplier(site, k, float(value), scale, isinstance(value, (int, np.integer)))
    for call, n in means(spy, seen):
        yield Multiplier(spy.sites[call], call, float(n), 1 / n, True, of_mean=True)


def means(spy: Spy, seen: dict[int, list[Any]]) -> Iterator[tuple[int, int]]:
    """The place of each mean, and how many entries it takes together."""
    for call, (name, shape, axes) in reductions(spy, seen).items():
        if name == "mean":
            n = math.prod(shape[axis] for axis in axes)
            if n > 1:
                yield call, n


def reductions(
    spy: Spy, seen: dict[int, list[Any]]
) -> dict[int, tuple[str, tuple[int, ...], tuple[int, ...]]]:
    """What each call of sum, mean, var, std reduces: its name, the array's shape, the axes."""
    found = {}
    for call, values in seen.items():
        site = spy.sites[call]
        if site.kind != "Call" or len(values) != 1:
            continue
        node = ast.parse(site.text, mode="eval").body
        assert isinstance(node, ast.Call)
        name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        inside = _inside(spy, seen, call)
        array = _array(spy, seen, inside)
        if name not in {"mean", "sum", "var", "std", "average"} or array is None:
            continue
        given = _axis(spy, seen, inside, node)
        axes = tuple(range(array.ndim)) if given is None else given
        if all(isinstance(a, (int, np.integer)) and -array.ndim <= a < array.ndim for a in axes):
            found[call] = name, array.shape, axes
    return found


def _inside(spy: Spy, seen: dict[int, list[Any]], call: int) -> list[int]:
    """The places of a call's own parts: its function's, its arguments'."""
    site, depth = spy.sites[call], len(spy.sites[call].around)
    parts = []
    for i in range(call + 1, len(spy.sites)):
        part = spy.sites[i]
        if part.file != site.file or part.span[0] > site.span[1]:
            break
        if i in seen and len(part.around) <= depth + 2:
            parts.append(i)
    return parts


def _array(spy: Spy, seen: dict[int, list[Any]], inside: list[int]) -> Any:
    """The array that is reduced: whose method it is, or the first argument of NumPy's function."""
    for i in inside:
        function = seen[i][0]
        if spy.sites[i].role == "func":
            owner = getattr(function, "__self__", None)
            if isinstance(owner, np.ndarray):
                return owner
            if getattr(function, "__module__", None) != "numpy":
                return None
        elif spy.sites[i].role == "args" and isinstance(seen[i][0], np.ndarray):
            return seen[i][0]
    return None


def _axis(
    spy: Spy, seen: dict[int, list[Any]], inside: list[int], node: ast.Call
) -> tuple[int, ...] | None:
    """The axes that a call names, None for all."""
    wanted = [ast.unparse(k.value) for k in node.keywords if k.arg == "axis"]
    is_method = not ast.unparse(node.func).startswith(("np.", "numpy."))
    wanted += [ast.unparse(one) for one in node.args[0 if is_method else 1 :][:1]]
    for i in inside:
        if wanted and spy.sites[i].text == wanted[0]:
            value = seen[i][0]
            return value if isinstance(value, tuple) else (value,)
    return None


def told(factor: float, bench: Workbench) -> tuple[str, str] | None:
    """What `yours = factor × right` comes from, and what to say, where a repair proves it."""
    back = list(multipliers(bench.back, bench.back.seen)) if bench.base is not None else []
    ahead = list(multipliers(bench.ahead, bench.before))
    for b in back:
        if _near(factor, b.scale) and _proved(bench, b, 1.0):
            label = causes.COUNT if b.is_count else causes.FACTOR
            return label, f"{b.words}, and the forward does not"
    for b in back:
        for a in ahead:
            if _near(factor * a.scale, b.scale) and _proved(bench, b, a.scale):
                label = causes.COUNT if a.is_count and b.is_count else causes.FACTOR
                return label, f"{b.words}, and in the forward {a.words}"
    return None


def left_out(factor: float, bench: Workbench) -> str:
    """Which number of the forward would explain it, by being left out."""
    for a in multipliers(bench.ahead, bench.before):
        if not a.of_mean and _near(factor * a.scale, 1.0):
            return f"in the forward {a.words}, and that is left out"
    return ""


def _proved(bench: Workbench, b: Multiplier, scale: float) -> bool:
    """Whether the backward is right when it multiplies by that, and not as it does."""
    ratio = scale / b.scale
    divides = b.site.around[:1] == ("Div",) and not b.of_mean

    def change(value: Any, hit: int) -> Any:
        return value / ratio if divides else value * ratio

    return bool(bench.mended(bench.repaired({b.place: change})))


def _near(a: float, b: float) -> bool:
    return math.isclose(a, b, rel_tol=1e-4)
