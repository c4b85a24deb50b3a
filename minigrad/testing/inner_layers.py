"""Which layer of a network is to blame: those written by hand are checked alone.

Each is checked on what reached it in the network's own forward. Layers of ours have no backward of
their own that could be wrong, and are passed over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from minigrad.graph import Node
from minigrad.layers.by_hand import Pullback
from minigrad.layers.inside import inside
from minigrad.layers.structure import layers_by_path
from minigrad.networks import Network
from minigrad.sequential import Sequential
from minigrad.testing.diagnosis.diagnosis import HARMLESS
from minigrad.testing.report import Report
from minigrad.testing.reports.findings import Verdict
from minigrad.testing.subjects.naming import copied

Check = Callable[..., Report]


class Call(NamedTuple):
    """A call of a layer inside a network: where the layer is, a copy of it, what it was given."""

    path: str
    layer: Any
    inputs: tuple[Any, ...]
    options: dict[str, Any]


def blamed(report: Report, net: Any, x: Any, t: Any, check: Check) -> Report | None:
    """Give a failed report of a network the cause and the line of the layer that is to blame.

    Args:
        report: of the network.
        net, x, t: what it was made on.
        check: makes a report on a layer and its inputs.

    Returns:
        The report with these; None where every layer alone is right, or none could be looked at.
    """
    return _blamed(report, lambda: _calls_of_network(net, x, t), check)


def blamed_in_layer(
    report: Report, layer: Any, inputs: Sequence[Any], options: Any, check: Check
) -> Report | None:
    """Do the same of a layer of ours that is made of layers, without a loss."""

    def calls() -> Iterator[Call]:
        twin = copied(layer)
        return calls_behind(twin, twin(*map(copied, inputs), **options))

    return _blamed(report, calls, check)


def _calls_of_network(net: Any, x: Any, t: Any) -> Iterator[Call]:
    if not isinstance(net, Network):
        return calls_of(net, x, t)
    twin = copied(net)
    return calls_behind(twin, twin.objective(x, t))


def _blamed(report: Report, calls: Callable[[], Iterator[Call]], check: Check) -> Report | None:
    failed: list[tuple[Call, Report]] = []
    try:
        for call in calls():
            if any(type(call.layer) is type(other.layer) for other, _ in failed):
                continue  # what is wrong with one is wrong with all
            found = check(call.layer, *call.inputs, **call.options)
            if found.verdict is Verdict.FAIL and not found.reason and _explains(found):
                failed.append((call, found))
    except Exception:  # a layer may want what was not recorded: then nothing more is known
        return None
    if report.reason or not failed:
        return None
    call, found = min(failed, key=lambda pair: not pair[1].counts)  # wrong numbers before conduct
    names = ", ".join(dict.fromkeys(call.path for call, _ in failed))
    note = f"checked alone on what reaches them, these layers fail: {names}"
    name = call.path.partition(" at ")[0]
    cause = found.cause and replace(found.cause, sentence=f"{name}: {found.cause.sentence}")
    return replace(
        report,
        cause=cause,
        where=found.where,
        notes=[*report.notes, note],
        alone=found,
        culprit=call.path,
    )


def _explains(found: Report) -> bool:
    """Whether what is wrong with a layer makes a network's gradient wrong."""
    return bool(found.counts) or (found.cause is not None and found.cause.label not in HARMLESS)


def calls_behind(net: Any, y: Any) -> Iterator[Call]:
    """The layers of ours with a backward of their own behind an output, the first one first."""
    seen, stack, found = set(), [y], []
    while stack:
        node = stack.pop()
        if not isinstance(node, Node) or node._birth in seen:
            continue
        seen.add(node._birth)
        stack += node._arguments
        if isinstance(node._rules, Pullback):
            found.append(node)
    found = [node for node in found if not _is_ours(node._rules.layer)]
    found.sort(key=lambda node: node._birth)
    for node, path in zip(found, _paths(net, [node._rules.layer for node in found]), strict=True):
        rule = node._rules
        count = len(node._values) - len(rule.params)
        inputs = tuple(np.array(value) for value in node._values[:count])
        yield Call(path, rule.layer, inputs, {})


def _paths(net: Any, called: Sequence[Any]) -> list[str]:
    """What the layers that were called, as copies, are named, with where they are if it is known.

    A layer that is the only one of its class is found by that; in a Sequential, where each is
    called once, also by its turn.
    """
    names = []
    for i, copy in enumerate(called):
        places = [path for path, one in layers_by_path(net) if type(one) is type(copy)]
        before = sum(type(other) is type(copy) for other in called[:i])
        after = sum(type(other) is type(copy) for other in called[i:])
        in_turn = isinstance(net, Sequential) and before + after == len(places)
        known = in_turn or len(places) == 1
        name = type(copy).__name__
        names.append(f"{name} at {places[before if in_turn else 0]}" if known else name)
    return names


def calls_of(net: Any, x: Any, t: Any) -> Iterator[Call]:
    """The layers that a network of somebody's holds, with what its loss gives them."""
    twin, found = copied(net), list[Call]()
    held = [(path, v) for path, v in inside(twin) if path and _is_layer(v) and not _is_ours(v)]
    for path, layer in held:
        vars(layer)["forward"] = _recorded(path, copied(layer), layer.forward, found)
    twin.loss(np.array(x), np.array(t))
    yield from {call.path: call for call in found}.values()


def _recorded(path: str, layer: Any, forward: Any, found: list[Call]) -> Any:
    def recorded(*inputs: Any, **options: Any) -> Any:
        found.append(Call(path.lstrip("."), layer, tuple(map(copied, inputs)), options))
        return forward(*inputs, **options)

    return recorded


def _is_layer(value: Any) -> bool:
    methods = (getattr(value, name, None) for name in ("forward", "backward"))
    return (
        all(map(callable, methods)) and hasattr(value, "__dict__") and not isinstance(value, type)
    )


def _is_ours(layer: Any) -> bool:
    return type(layer).__module__.partition(".")[0] == "minigrad"
