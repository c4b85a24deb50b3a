"""What boxes are called: layers by paths and classes, runs of them by the first and the last."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby

from minigrad.explain.data.model import Line, Trace
from minigrad.explain.drawing.picture import LONGEST

BETWEEN = " … "  # the first and the last of a run


def run_title(trace: Trace, calls: Sequence[int], layers: Sequence[int]) -> str:
    """Name a run by the first and the last of its layers; if it has not two, of its values."""
    if len(layers) < 2:
        return trace.lines[calls[0]].name + BETWEEN + trace.lines[calls[-1]].name
    first, last = (trace.layers[layers[i]] for i in (0, -1))
    if first.path == last.path:
        return f"{first.path} ({first.call}{BETWEEN}{last.call})"
    names = [end.path if end.calls == 1 else f"{end.path} ({end.call})" for end in (first, last)]
    if len(BETWEEN.join(names)) > LONGEST:
        one, other = (re.fullmatch(r"(.*)\[(\d+)\]", name) for name in names)
        if one and other and one[1] == other[1]:
            return f"{one[1]}[{one[2]}{BETWEEN}{other[2]}]"  # encoder.blocks[10 … 19]
    return BETWEEN.join(names)


def kinds(trace: Trace, calls: Sequence[int], layer: int | None) -> tuple[str, ...]:
    """Say what is the same wherever a box repeats: the classes of its layer and of those inside."""
    if layer is None:
        return (kind_name(trace, calls, layer),)
    inside = groupby(calls, lambda call: trace.lines[call].layer)
    found = (trace.layers[inner].kind for inner, _ in inside if inner is not None)
    return (trace.layers[layer].kind, *found)


def kind_name(trace: Trace, calls: Sequence[int], layer: int | None) -> str:
    """Name the class of a layer, or the function of a call."""
    return function_name(trace.lines[calls[0]]) if layer is None else trace.layers[layer].kind


def function_name(line: Line) -> str:
    """Name the function of a call: tanh."""
    function = line.function or ""
    if function.startswith("_"):  # no name to show; the call says what it is
        function = (line.call or "").partition("(")[0]
    return function.removeprefix("np.")
