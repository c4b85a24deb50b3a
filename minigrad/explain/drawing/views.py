"""How a graph is divided into pictures that a person can take in: large parts are drawn as one box.

Calls are divided into runs that follow each other in time, first by layer, then by what repeats,
and only then by number. What a run needs was computed before it, so boxes made of runs never point
at each other in a circle.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby

from minigrad.explain.data.model import Line, Trace
from minigrad.explain.drawing.picture import WIDEST_NOTE
from minigrad.explain.drawing.rhythm import cut, said
from minigrad.explain.drawing.titles import kind_name, kinds, run_title
from minigrad.explain.words import count

LIMIT = 60  # boxes of one picture
EXITS = 6  # boxes for values that other views need; more are one box
FAN = 4  # boxes that one operand from elsewhere has lines to; for more it is drawn at each
BUDGET = 1000  # calls; a graph of more is stepped through part by part
DRAWN = 2500  # calls; of a graph of more, what is in the parts of parts is listed and not drawn
PEEKED = 1500  # boxes of all pictures of its parts
MOST_SAID = 120  # letters of what is in a box, for who points at it


@dataclass
class Unit:
    """What one box stands for: a call, or a run of calls; `view` is the picture of its inside."""

    calls: list[int]
    title: str = ""
    note: str = ""  # what is in it, in as many letters as a box has room for
    view: int | None = None
    layer: int | None = None  # whose call it is, where it is one
    contents: str = ""  # the note with more room


@dataclass
class View:
    """One picture: which units it shows, and the view that it is the inside of."""

    name: str
    calls: list[int]
    up: int | None = None
    peek: bool = False  # it is looked into, and not stepped through
    units: list[Unit] = field(default_factory=list)
    piles: list[list[int]] = field(default_factory=list)  # operands from elsewhere, by their boxes


def views(trace: Trace, inside: str | None = None, limit: int = LIMIT) -> list[View]:
    """Divide a trace into views, the whole first; `inside` begins with one part of it.

    Raises:
        KeyError: when no box of the whole is called `inside`.
    """
    calls = [line.id for line in trace.lines if line.kind == "call"]
    found = [View("whole graph", calls)]
    divide(trace, found, limit, inside is not None or len(calls) <= BUDGET)
    if inside is None:
        return found
    parts = {view.name: view.calls for view in found[1:]}
    if inside not in parts:
        most = ", ".join([*parts][:LIMIT])
        raise KeyError(f"no part is called {inside!r}; there are {most or 'none'}")
    found = [View(inside, parts[inside])]
    divide(trace, found, limit, len(parts[inside]) <= BUDGET)
    return found


def divide(trace: Trace, found: list[View], limit: int, opens: bool) -> None:
    """Divide the views of a list, and append the insides of their boxes.

    If these shall not open, they can be looked into: all of them, or of a graph of thousands of
    calls the first view's boxes and no others.
    """
    to_the_last = len(found[0].calls) <= DRAWN
    whole = sum(line.kind == "call" for line in trace.lines)
    for v, view in enumerate(found):  # the list grows on the way
        room = limit - 1 if len(view.calls) == whole else limit - 1 - EXITS
        if view.peek and not to_the_last:
            room = max(12, min(room, PEEKED // (len(found) - 1)))
        view.units = _units(trace, view.calls, room)
        view.piles = singles(trace, view.units)
        if _boxes(trace, view.units, view.piles) > room:
            view.piles = piles(trace, view.units)
        for unit in view.units if opens or to_the_last or v == 0 else ():
            if len(unit.calls) > 1:
                unit.view = len(found)
                found.append(View(unit.title, unit.calls, up=v, peek=not opens))


def unopened(found: list[View]) -> Iterator[Unit]:
    """Give the calls, and the parts that are one step, in the order of the forward pass."""
    stack = list(reversed(found[0].units))
    while stack:
        unit = stack.pop()
        if unit.view is None or found[unit.view].peek:
            yield unit
        else:
            stack += reversed(found[unit.view].units)


def inputs(trace: Trace) -> list[Line]:
    """List the leaves and data that a page shows one by one."""
    return [line for line in trace.lines if line.kind != "call"][:LIMIT]


def _units(trace: Trace, calls: list[int], limit: int) -> list[Unit]:
    """Divide some calls so that at most `limit` boxes are drawn, leaves and data counted."""
    units = [Unit([call]) for call in calls]
    if _boxes(trace, units, singles(trace, units)) <= limit:
        return units
    layers = _by_layer(trace, calls)
    for piled, least in ((singles, 6), (piles, 2)):  # leaves in piles only if it must be
        for units in _fewer(trace, layers, limit, least):
            if _boxes(trace, units, piled(trace, units)) <= limit:
                return units
    return units


def _boxes(trace: Trace, units: list[Unit], piled: list[list[int]]) -> int:
    """Count the boxes of a picture: units, and operands, some of them at each of their users."""
    users = alone(trace, units)
    counts = [len(users[pile[0]]) for pile in piled]
    return len(units) + sum(count if count > FAN else 1 for count in counts)


def repeated(trace: Trace, view: View) -> set[int]:
    """List the operands from elsewhere that so many boxes use that each has them beside it.

    Lines from one box to all of them would be most of the picture: the weights of a recurrent net.
    """
    return {operand for operand, by in alone(trace, view.units).items() if len(by) > FAN}


def singles(trace: Trace, units: list[Unit]) -> list[list[int]]:
    """Put each operand from elsewhere in a pile of its own."""
    return [[operand] for operand in alone(trace, units)]


def piles(trace: Trace, units: list[Unit]) -> list[list[int]]:
    """Put operands from elsewhere that the same units use together."""
    by_use: dict[tuple[int, ...], list[int]] = {}
    for operand, users in alone(trace, units).items():
        by_use.setdefault(tuple(map(id, users)), []).append(operand)
    return list(by_use.values())


def alone(trace: Trace, units: list[Unit]) -> dict[int, list[Unit]]:
    """Find the operands that have a box of their own: who uses them.

    A leaf that one run of calls alone uses is inside its box.
    """
    home = {call for unit in units for call in unit.calls}
    users: dict[int, dict[int, Unit]] = {}
    for unit in units:
        for call in unit.calls:
            for operand in trace.lines[call].operands:
                if operand is not None and operand not in home:
                    users.setdefault(operand, {})[id(unit)] = unit
    found = {}
    for operand, by in users.items():
        is_leaf = trace.lines[operand].kind != "call"
        if not (is_leaf and len(by) == 1 and all(len(unit.calls) > 1 for unit in by.values())):
            found[operand] = list(by.values())
    return found


# ---- runs of calls -------------------------------------------------------------------------------
def _by_layer(trace: Trace, calls: list[int]) -> list[Unit]:
    """Put calls of one layer that follow each other into one unit, the outermost layer first."""
    paths = {call: _layers(trace, call) for call in calls}
    shared = 0
    while len({path[shared : shared + 1] for path in paths.values()}) == 1 and any(
        len(path) > shared for path in paths.values()
    ):
        shared += 1  # all of it happens inside this layer

    def run(call: int) -> tuple[int, ...]:
        return paths[call][shared : shared + 1] or (-1 - call,)

    units = []
    for key, group in groupby(calls, run):
        unit = Unit(list(group))
        if key[0] >= 0:
            layer = trace.layers[key[0]]
            again = f" ({layer.call} of {layer.calls})" if layer.calls > 1 else ""
            unit.layer, unit.title = layer.id, layer.path + again
            unit.note = layer.title
            unit.contents = f"{layer.title}, {count(len(unit.calls), 'call')}"
            if layer.kind == "Sequential":  # its class says nothing of it
                parts = [kind_name(trace, p.calls, p.layer) for p in _by_layer(trace, unit.calls)]
                unit.note = said(parts, WIDEST_NOTE, "layers") or layer.title
        units.append(unit)
    return units


def _layers(trace: Trace, call: int) -> tuple[int, ...]:
    """List the layers around a call, the outermost first."""
    path: list[int] = []
    layer = trace.lines[call].layer
    while layer is not None:
        path.append(layer)
        layer = trace.layers[layer].parent
    return tuple(reversed(path))


def _fewer(trace: Trace, units: list[Unit], limit: int, least: int) -> Iterator[list[Unit]]:
    """Merge neighbours into fewer and fewer units, down to about `least`.

    Each time whole repetitions are merged first; what does not repeat, only where that is not
    enough.
    """
    yield units
    rhythm = [kinds(trace, unit.calls, unit.layer) for unit in units]
    weights = [len(unit.calls) for unit in units]
    runs = limit
    while runs > least:
        runs = max(least, runs // 2)
        share = -(-sum(weights) // runs)
        pieces = cut(rhythm, weights, share)
        for ends in (pieces, _joined(pieces, weights, share)):
            if len(ends) > 1:  # a part that is the whole would never end
                yield [_run(trace, units[start:stop]) for start, stop in ends]


def _joined(pieces: list[tuple[int, int]], weights: list[int], share: int) -> list[tuple[int, int]]:
    """Join pieces that follow each other, each with about `share` calls then."""
    before = [0]
    for weight in weights:
        before.append(before[-1] + weight)
    runs = groupby(pieces, lambda piece: before[piece[0]] // share)
    ends = [[*run] for _, run in runs]
    return [(run[0][0], run[-1][1]) for run in ends]


def _run(trace: Trace, units: list[Unit]) -> Unit:
    """Make one unit of several."""
    if len(units) == 1:
        return units[0]
    calls = [call for unit in units for call in unit.calls]
    layers = [unit.layer for unit in units if unit.layer is not None]
    noun = "layers" if len(layers) == len(units) else "parts" if layers else "calls"
    names = [kind_name(trace, unit.calls, unit.layer) for unit in units]
    number = count(len(calls), "call")
    note, contents = (said(names, room, noun) for room in (WIDEST_NOTE, MOST_SAID))
    contents = f"{contents}, {number}" if contents else number
    return Unit(calls, run_title(trace, calls, layers), note or number, contents=contents)
