"""The arithmetic of one call as HTML: its operands beside what it makes, an entry worked out."""

from __future__ import annotations

import html

from minigrad.explain.data.model import Contribution, Line, Step, Trace
from minigrad.explain.data.numbers import number, with_numbers
from minigrad.explain.data.walk import read_by
from minigrad.explain.data.worked import added_of, chosen, made_of
from minigrad.explain.drawing.picture import entry_text
from minigrad.explain.page.schedule import Schedule
from minigrad.explain.page.tables import markup, table
from minigrad.graph import Array


def code(text: str) -> str:
    """Escape a text and set it as code."""
    return f"<code>{html.escape(text)}</code>"


def nearest(path: str) -> str:
    """Shorten a path to the file and its folder.

    >>> nearest("/home/me/minigrad/functions/linear.py:24")
    'functions/linear.py:24'
    """
    return "/".join(path.replace("\\", "/").split("/")[-2:])


def placed(source: tuple[str, int]) -> str:
    """Say where in the source a call stands."""
    return f"{nearest(source[0])}, line {source[1]}"


def shape_of(array: Array) -> str:
    """Write a shape as words."""
    return f"shape {array.shape}" if array.ndim else "a number"


# ---- forward -------------------------------------------------------------------------------------
def made(trace: Trace, schedule: Schedule, line: Line) -> str:
    """Show a call of the forward pass."""
    body = [f"<h2>{html.escape(f'{line.name} = {line.call}')}</h2>"]
    numbers = with_numbers(line.call or "", trace, line)
    if numbers:
        body.append(f'<p class="mono">= {html.escape(numbers)} = {entry_text(line.value[()])}</p>')
    operands = [trace.lines[o] for o in dict.fromkeys(line.operands) if o is not None]
    arrays = [operand for operand in operands if operand.value.ndim]
    if arrays:
        shapes = " · ".join(f"{code(o.name)} {o.value.shape}" for o in arrays)
        body.append(f'<p class="words">{shapes} → {code(line.name)} {line.value.shape}</p>')
    body.append(_beside(*(_value(each) for each in (*arrays, line))))
    if arrays and line.value.size:
        told = made_of(trace, line, schedule.steps.get(line.id), _shown(line.value))
        body += [] if told is None else [_worked(told)]
    if line.forward:
        body.append(f"<pre>{html.escape(line.forward)}</pre>")
    if line.paths > 1:
        body.append(
            _words(
                f"{code(line.name)} is used {line.paths} times from here: its gradient will be a "
                "sum."
            )
        )
    if line.source:
        body.append(_words(html.escape(placed(line.source))))
    return "".join(body)


# ---- backward ------------------------------------------------------------------------------------
def walked(trace: Trace, schedule: Schedule, step: Step) -> str:
    """Show a call on the way back: what arrives, and what goes to each operand."""
    line = trace.lines[step.line]
    of = f", the sum of {line.paths} paths" if line.paths > 1 else ""
    arrives = f"{code(line.d)} arrives{'' if step.gradient.ndim else ', a number'}{of}:"
    body = [
        _words("back through"),
        f"<h2>{html.escape(f'{line.name} = {line.call}')}</h2>",
        _words(arrives),
        markup(step.gradient, line.d, "gradient", line),
    ]
    shown: set[int] = set()  # each array once
    for c in step.contributions:
        read = [trace.lines[i] for i in read_by(trace, step, c) if i not in shown]
        read = [x for x in read if x.value.ndim]
        shown |= {x.id for x in read}
        body.append(f'<div class="part">{_contribution(trace, schedule, step, c, read)}</div>')
    if step.backward:
        body.append(f"<pre>{html.escape(step.backward)}</pre>")
    for name, array in step.caches.items():
        body.append(_words(f"kept by the layer: {code(f'self.{name}')}, {shape_of(array)}"))
        body.append(markup(array, f"self.{name}", "kept"))
    if step.note:
        body.append(_words(html.escape(step.note)))
    return "".join(body)


def _contribution(
    trace: Trace, schedule: Schedule, step: Step, c: Contribution, read: list[Line]
) -> str:
    """Show what one operand gets: the rule, the numbers, the sum so far."""
    line = trace.lines[c.to]
    path = f"path {c.path} of {c.paths}" if c.paths > 1 else "the only path"
    body = [
        f"<h3>{html.escape(f'{line.d} {c.sign} {c.rule}')}</h3>"
        f'<p><span class="sign">{c.sign}</span><span class="words">{path}</span></p>'
    ]
    numbers = with_numbers(c.rule, trace, trace.lines[step.line])
    operands = [_value(x) for x in read]
    if c.share.ndim:
        part = next(i for i, (_, other) in enumerate(schedule.parts[c.to]) if other is c)
        name = line.d if c.paths == 1 else f"part of {line.d}"
        body.append(_beside(*operands, markup(c.share, name, "gradient", line, part)))
    else:
        middle = f"{html.escape(numbers)} = " if numbers not in (None, number(c.share[()])) else ""
        body.append(_beside(*operands))
        body.append(f'<p class="mono">= {middle}<b class="share">{entry_text(c.share[()])}</b></p>')
    if numbers is None and c.share.size:
        body.append(_worked(added_of(trace, step, c, _shown(c.share))))
    if c.note:
        body.append(_words(html.escape(c.note)))
    if c.path > 1:
        body.append(_words(f"{code(line.d)}{' so far' if c.path < c.paths else ', complete'}:"))
        name = f"{line.d} so far" if c.path < c.paths else line.d
        body.append(markup(c.running, name, "gradient", line))
    if c.rule_source:
        body.append(_words(f"rule: {html.escape(nearest(c.rule_source))}"))
    return "".join(body)


# ---- pieces --------------------------------------------------------------------------------------
def _words(said: str) -> str:
    return f'<p class="words">{said}</p>'


def _value(line: Line) -> str:
    return markup(line.value, line.name, "value", line)


def _beside(*tables: str) -> str:
    return f'<div class="beside">{"".join(tables)}</div>' if tables else ""


def _shown(array: Array) -> tuple[int, ...]:
    """Choose an entry to work out among those that a table shows."""
    return chosen((at for at in table(array).entries if at is not None), array)


def _worked(said: str) -> str:
    return f'<p class="worked mono">{html.escape(said)}</p>'
