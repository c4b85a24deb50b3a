"""The steps of the backward pass: the engine's one walk, watched and written down.

Nothing is computed here. `gradients` runs, and says at each step what its rules made.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.backward import gradients, leaves
from minigrad.explain.data.calls import index_text
from minigrad.explain.data.forward import Lines
from minigrad.explain.data.model import Contribution, Line, Step, Trace
from minigrad.explain.data.names import arrays_of
from minigrad.explain.data.rules import rule_text
from minigrad.explain.data.shares import rules_of
from minigrad.explain.data.sources import source_of
from minigrad.graph import Node
from minigrad.layers.by_hand import Pullback
from minigrad.tensor import GETITEM


def walked(output: Node, lines: Lines) -> list[Step]:
    """Run the engine's backward pass, and write down what it does."""
    steps: list[Step] = []
    open_operands: list[int] = []  # of the current call, those that were not asked for yet

    def watch(node: Node, operand: Node, g: Any, made: Any, share: Any) -> None:
        line = lines.ids[node._birth]
        if not steps or steps[-1].line != line:
            steps.append(_step(len(steps), node, line, g))
            open_operands[:] = range(len(node._arguments))
            lines.lines[line].gradient = g
        while node._arguments[open_operands[0]] is not operand:
            open_operands.pop(0)
        position = open_operands.pop(0)
        to = lines.lines[lines.ids[operand._birth]]
        to.paths += 1
        to.on_path = True
        made, share = np.asarray(made), np.asarray(share)  # a rule may make NumPy's scalars
        running = share if to.gradient is None else to.gradient + share
        to.gradient = np.asarray(running)
        steps[-1].contributions.append(
            Contribution(to.id, position, "", "", None, made, share, to.paths, 0, to.gradient)
        )

    wrt = leaves(output)
    gradients(output, wrt, np.ones(output._array.shape), watch=watch)
    for step in steps:
        _explain_rules(step, lines)
    last = lines.lines[lines.ids[output._birth]]
    last.on_path = True
    if last.gradient is None:
        last.gradient = np.ones(output._array.shape, output._array.dtype)
    return steps


def _step(index: int, node: Node, line: int, g: Any) -> Step:
    """Begin a step; of a layer written by hand, show its backward and what it kept for it."""
    step = Step(index, line, np.asarray(g), [])
    if isinstance(node._rules, Pullback):
        layer = node._rules.layer
        kept = dict(arrays_of(layer))
        step.caches = {k: a for k, a in kept.items() if k not in node._rules.params}
        step.backward = source_of(type(layer).backward)
        if step.backward is None:
            step.note = (
                f"{type(layer).__name__}.backward is written by hand, and its source is not to be "
                "had here: the class was made by exec or typed into a session"
            )
    return step


def _explain_rules(step: Step, lines: Lines) -> None:
    """Write the rule of each contribution in the names of the graph."""
    line = lines.lines[step.line]
    node = lines.nodes[step.line]
    assert node is not None
    values = [step.gradient, node._array, *node._values]
    pairs = zip(node._arguments, line.operands, strict=True)
    texts = [line.d, line.name, *(lines.text(a, i) for a, i in pairs)]
    if node._function is GETITEM and isinstance(node._arguments[1], (tuple, slice)):
        texts[3] = f"np.s_[{index_text(node._arguments[1], lines.names.of_array)}]"
    joint = type(node._rules) is not tuple
    rules = rules_of(node)
    for c in step.contributions:
        to = lines.lines[c.to]
        c.paths = to.paths
        rule = rules[c.position]
        if isinstance(rule, Pullback):
            c.local = _by_hand(rule, c.position - len(node._arguments), line)
        else:
            found = rule_text(rule, c.position if joint else None, texts, values, node._keywords)
            c.local, c.rule_source = found.text, found.source
            step.note = step.note or found.note
        c.rule, c.summed, c.note = _unbroadcast(c, to, line)
        if node._function is GETITEM:
            c.note = f"zeros of {to.name}'s shape, with {line.d} put back where {line.call} took it"


def read_by(trace: Trace, step: Step, c: Contribution) -> list[int]:
    """List the lines that the rule of a contribution reads beside the gradient.

    The rule is written once more with names that nobody gives: those of people may stand in any
    rule by chance.
    """
    line, node = trace.lines[step.line], trace.nodes[step.line]
    assert node is not None
    rule = rules_of(node)[c.position]
    if isinstance(rule, Pullback):
        return []
    lines = [line.id, *line.operands]
    texts = ["GRADIENT", *(f"VALUE{k}_" for k in range(len(lines)))]
    values = [step.gradient, node._array, *node._values]
    position = c.position if type(node._rules) is not tuple else None
    written = rule_text(rule, position, texts, values, node._keywords).text
    read = (i for k, i in enumerate(lines) if i is not None and f"VALUE{k}_" in written)
    return [*dict.fromkeys(read)]


def _by_hand(rule: Pullback, place: int, line: Line) -> str:
    """Write the call of a backward, and which gradient is meant; `place` counts from the end."""
    call = f"{type(rule.layer).__name__}.backward({line.d})"
    if -place > len(rule.params):
        return call
    name = list(rule.params)[place]
    kept: Any = getattr(rule.layer, "param_grads", {})
    return f"{call}, kept as {kept.get(name, f'd{name}')}"


def _unbroadcast(c: Contribution, to: Line, line: Line) -> tuple[str, tuple[int, ...], str]:
    """Say how the engine undid broadcasting, as code and in words."""
    made, wanted = c.made.shape, to.value.shape
    code, note = c.local, ""
    if c.made.dtype.kind == "c" and to.value.dtype.kind != "c":
        code, note = f"np.real({code})", f"and {to.name} is real: so is its gradient"
    elif c.made.dtype != to.value.dtype:
        note = f"and converted back from {c.made.dtype} to {to.value.dtype}"
    if made == wanted:
        return code, (), note.removeprefix("and ")
    extra = len(made) - len(wanted)
    padded = (1,) * extra + wanted
    axes = tuple(i for i, n in enumerate(padded) if i < extra or n != made[i])
    if not (code.isidentifier() or (code.endswith(")") and _is_one_call(code))):
        code = f"({code})"
    if axes == tuple(range(len(made))) and not wanted:
        code += ".sum()"
    elif not any(i >= extra for i in axes):
        code += f".sum(axis={axes[0] if len(axes) == 1 else axes})"
    elif extra == 0:
        code += f".sum(axis={axes[0] if len(axes) == 1 else axes}, keepdims=True)"
    else:
        code += f".sum(axis={axes}).reshape({wanted})"
    if not wanted:
        words = f"{to.name} is one number, and was used for every entry of {line.name}"
    elif axes == (0,) and extra == 1:
        words = f"{to.name} was broadcast over the batch"
    else:
        listed = " and ".join(map(str, axes))
        words = f"{to.name} was broadcast along {'axes' if len(axes) > 1 else 'axis'} {listed}"
    words += ": its gradient is the sum over the copies"
    return code, axes, f"{words}, {note}" if note else words


def _is_one_call(text: str) -> bool:
    """Tell whether a text is one call, f(…), so that .sum() can follow it."""
    depth = 0
    for i, character in enumerate(text):
        depth += (character == "(") - (character == ")")
        if depth == 0 and character == ")" and i < len(text) - 1:
            return False
    return text.partition("(")[0].replace(".", "").isidentifier()
