"""Numbers that forward and backward multiply or divide by: which one is missing, which too many.

A factor between your gradient and the numerical one is often one of these: the backward divides by
what the forward does not, or by another count than the forward's mean.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from minigrad.testing.diagnosis.probes import Site, Spy
from minigrad.testing.diagnosis.workbench import Workbench, near
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
        is_number = isinstance(value, (int, float, np.floating, np.integer))
        around = site.around[:1]
        if not is_number or isinstance(value, bool) or around not in (("Mult",), ("Div",)):
            continue
        divides, number = around == ("Div",), float(value)
        if site.kind == "Constant" or len(values) > 1 or (divides and site.role == "left"):
            continue
        if 0 < abs(number) < math.inf:
            scale = 1 / number if divides else number
            yield Multiplier(site, k, number, scale, isinstance(value, (int, np.integer)))
    for call, one in reductions(spy, seen).items():
        if one.name in {"mean", "var"} and one.entries > 1:
            n = one.entries
            yield Multiplier(spy.sites[call], call, float(n), 1 / n, True, of_mean=True)


class Reduction(NamedTuple):
    """A call of sum, mean, var or std: of what array, at which place, along which axes."""

    name: str
    shape: tuple[int, ...]
    axes: tuple[int, ...]
    of: int
    is_method: bool

    @property
    def entries(self) -> int:
        """How many entries it takes together."""
        return math.prod(self.shape[axis] for axis in self.axes)


def reductions(spy: Spy, seen: dict[int, list[Any]]) -> dict[int, Reduction]:
    """What the calls of sum, mean, var and std reduce, by the places of these calls."""
    found = {}
    for call, values in seen.items():
        site = spy.sites[call]
        if site.kind != "Call" or len(values) != 1:
            continue
        node = ast.parse(site.text, mode="eval").body
        assert isinstance(node, ast.Call)
        name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        inside = _inside(spy, seen, call)
        place = _operand(spy, seen, inside)
        if name not in {"mean", "sum", "var", "std", "average"} or place is None:
            continue
        is_method = spy.sites[place].role == "func"
        array = seen[place][0].__self__ if is_method else seen[place][0]
        given = _axis(spy, seen, inside, node)
        axes = tuple(range(array.ndim)) if given is None else given
        if all(isinstance(a, (int, np.integer)) and -array.ndim <= a < array.ndim for a in axes):
            found[call] = Reduction(name, array.shape, axes, place, is_method)
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


def _operand(spy: Spy, seen: dict[int, list[Any]], inside: list[int]) -> int | None:
    """The place of the method whose array is reduced, or of NumPy's function's first argument."""
    for i in inside:
        function = seen[i][0]
        if spy.sites[i].role == "func":
            if isinstance(getattr(function, "__self__", None), np.ndarray):
                return i
            if getattr(function, "__module__", None) != "numpy":
                return None
        elif spy.sites[i].role == "args" and isinstance(seen[i][0], np.ndarray):
            return i
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


def told(factor: float, bench: Workbench, sites: Sequence[Site] = ()) -> tuple[str, str] | None:
    """What `yours = factor × right` comes from, and what to say, where a repair proves it.

    Of several numbers of the forward that would do, those at `sites` are preferred.
    """
    back = list(multipliers(bench.back, bench.back.seen)) if bench.base is not None else []
    ahead = list(multipliers(bench.ahead, bench.before))
    ahead.sort(key=lambda a: a.site not in sites)
    for b in back:
        if near(factor, b.scale) and _proved(bench, b, 1.0):
            return _label(b, b), f"{b.words}, once too often"
    for b in back:
        for a in ahead:
            if not near(factor * a.scale, b.scale) or not _is_alike(a, b):
                continue
            if _proved(bench, b, a.scale):
                return _label(a, b), f"{b.words}, and in the forward {a.words}"
    return None


def _is_alike(a: Multiplier, b: Multiplier) -> bool:
    """Whether one may stand where the other belongs: a count for a count, a scale for a scale."""
    if a.is_count or b.is_count:
        return b.is_count and (a.is_count or "sum(" in a.site.text)
    return a.site.text in b.site.text or b.site.text in a.site.text


def _label(a: Multiplier, b: Multiplier) -> str:
    return causes.COUNT if b.is_count and _is_alike(a, b) else causes.FACTOR


def left_out(factor: float, bench: Workbench) -> str:
    """Which number of the forward would explain it, by being left out."""
    for a in multipliers(bench.ahead, bench.before):
        if not a.of_mean and near(factor * a.scale, 1.0):
            return f"in the forward {a.words}, and that is left out"
    return ""


def _proved(bench: Workbench, b: Multiplier, scale: float) -> bool:
    """Whether the backward is right when it multiplies by that, and not as it does."""
    ratio = scale / b.scale
    divides = b.site.around[:1] == ("Div",) and not b.of_mean

    def change(value: Any, hit: int) -> Any:
        return value / ratio if divides else value * ratio

    return bool(bench.mended(bench.repaired({b.place: change})))
