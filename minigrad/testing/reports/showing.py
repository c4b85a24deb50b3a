"""Reports as text: what is wrong first, then why, where, and what was looked at."""

from __future__ import annotations

import math
from collections.abc import Sequence
from textwrap import wrap
from typing import Any

import numpy as np

from minigrad.graph import Array
from minigrad.testing.reports.findings import Finding, Mismatch, Verdict

SHADES = "·░▒▓█"  # right; off by less than 1 %, 10 %, 100 %; more
LEGEND = "· right   ░ under 1 %   ▒ under 10 %   ▓ under 100 %   █ more"
MOST_ROWS, MOST_COLUMNS = 12, 60
MOST_ENTRIES = 4
MOST_PICTURES = 2
FEW_NUMBERS = 4  # of a dout that is written out
MOST_GRADIENTS = 3  # that a headline counts
MANY, MOST_OF_MANY = 16, 3  # gradients, and how many of them have a line of their own
WIDTH = 96
MARKS = {Verdict.PASS: "✓", Verdict.FAIL: "✗", Verdict.INCONCLUSIVE: "?"}


def text(report: Any) -> str:
    """The whole report."""
    shown = report.alone or report  # of a network, the layer that is to blame is what one reads
    pictures = [picture(name, error) for name, error in shown.errors.items() if error.size > 1]
    more = len(pictures) - MOST_PICTURES
    blocks = [
        explained(report),
        entries(shown),
        *pictures[:MOST_PICTURES],
        [f"… and {more} more such pictures"] * (more > 0),
        looked_at(report),
        [line for note in report.notes for line in wrap(f"note: {note}", WIDTH)],
        [f"{report.evaluations} evaluations in {report.seconds:.2f} s"] * bool(report.evaluations),
    ]
    head = f"{report.verdict.name}  {headline(report)}"
    written = ("\n".join(f"  {line}".rstrip() for line in block) for block in blocks if block)
    return "\n\n".join([head, *written])


def headline(report: Any) -> str:
    """What happened, in a line."""
    if report.verdict is Verdict.PASS:
        return f"{report.name}"
    if report.reason:
        return f"{report.name}: {report.reason}"
    if report.alone:
        return f"{report.name}: its layer {report.culprit} is wrong: {_what(report.alone)}"
    return f"{report.name}: {_what(report)}"


def _what(report: Any) -> str:
    """What is wrong: how many entries of which gradients, or which contracts are broken."""
    if not report.counts:
        return ", ".join(f.name for f in report.checks if f.verdict is Verdict.FAIL)
    least = "at least " if report.sampled else ""
    counts = [f"{grad_of(k)} in {least}{a} of {b} entries" for k, (a, b) in report.counts.items()]
    more = len(counts) - MOST_GRADIENTS
    rest = [f"and {more} more"] if more > 0 else []
    return f"wrong gradient, {', '.join(counts[:MOST_GRADIENTS] + rest)}"


def explained(report: Any) -> list[str]:
    """The cause, what to do, and the lines of code that it is about."""
    lines = []
    if report.cause:
        lines += wrap(("" if report.cause.certain else "perhaps: ") + report.cause.sentence, WIDTH)
        lines += wrap(f"→ {report.cause.remedy}", WIDTH) if report.cause.remedy else []
        lines += [""] if report.where else []
    return lines + list(report.where)


def entries(report: Any) -> list[str]:
    """The worst entries, in columns."""
    shown = report.worst[:MOST_ENTRIES]
    if not shown:
        return []
    rows = [(m.place, f"{m.yours:.6g}", f"{m.numerical:.6g}", f"{m.bar:.0e}") for m in shown]
    a, b, c = (max(len(row[i]) for row in rows) for i in range(3))
    lines = [
        f"{place:<{a}}   yours {yours:>{b}}   numerical {number:>{c}} ± {bar}"
        for place, yours, number, bar in rows
    ]
    lines = [*_for_dout(report), *lines]
    total = sum(wrong for wrong, _ in report.counts.values())
    return lines + ([f"… and {total - len(shown)} more"] if total > len(shown) else [])


def _for_dout(report: Any) -> list[str]:
    """Which dout the entries are for; a loss is handed none."""
    evidence = report.evidence
    douts = [] if evidence is None else evidence.douts
    name = evidence.subject.arguments_of_backward()[0] if len(douts) == 1 else "dout"
    numbers = np.concatenate([np.ravel(d) for d in douts]) if douts else np.ones(1)
    if evidence is None or evidence.subject.kind == "network":
        return []
    if len(numbers) > FEW_NUMBERS or not set(report.counts) <= set(evidence.wrong):
        return [f"for a {name} of {len(numbers)} random numbers:"]
    return [f"for {name} = {', '.join(f'{d:.6g}' for d in numbers)}:"]


def picture(name: str, error: Array) -> list[str]:
    """A heat map of the relative error of one gradient."""
    shape = " × ".join(map(str, error.shape)) or "a number"
    if error.size <= 1:
        return []
    title = f"relative error of {grad_of(name)} ({shape})"
    return [title, *("  " + row for row in heat(error)), LEGEND]


def heat(error: Array) -> list[str]:
    """Shade an array of relative errors, one character for each entry or block of entries.

    >>> heat(np.array([[0.0, 0.005], [0.5, 2.0]]))
    ['·░', '▓█']
    """
    table = error.reshape(-1, error.shape[-1]) if error.ndim else error.reshape(1, 1)
    high = -(-table.shape[0] // MOST_ROWS) if table.shape[0] > MOST_ROWS else 1
    wide = -(-table.shape[1] // MOST_COLUMNS) if table.shape[1] > MOST_COLUMNS else 1
    rows = []
    for i in range(0, table.shape[0], high):
        blocks = [table[i : i + high, j : j + wide] for j in range(0, table.shape[1], wide)]
        rows.append("".join(shade(float(np.max(block, initial=0))) for block in blocks))
    return rows


def shade(error: float) -> str:
    """One character for a relative error.

    >>> shade(0.05)
    '▒'
    """
    if error == 0:
        return SHADES[0]
    return SHADES[1 + sum(error >= limit for limit in (0.01, 0.1, 1.0))]


def looked_at(report: Any) -> list[str]:
    """What was checked: values one by one, contracts by name, the broken ones with a sentence."""
    values = [found for found in report.checks if found.order]
    contracts = [found for found in report.checks if not found.order]
    broken = [found for found in contracts if found.verdict is not Verdict.PASS]
    lines = [*_few(values), *(line for found in broken for line in _line(found))]
    kept = [found.name for found in contracts if found.verdict is Verdict.PASS]
    if kept and report.verdict is Verdict.PASS and not _is_network(report):
        lines += _wrapped(f"{len(kept)} slips not made: ", kept)
    elif kept:
        lines.append(f"✓ conduct: {len(kept)} contracts are kept")
    return lines


def _few(values: Sequence[Finding]) -> list[str]:
    """A line for each gradient, those that are wrong first; of a network's hundred only some."""
    lines = []
    for verdict in (Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.PASS):
        found = [one for one in values if one.verdict is verdict]
        most = MOST_OF_MANY if len(values) > MANY else len(values)
        lines += [line for one in found[:most] for line in _line(one)]
        if len(found) > most:
            lines.append(f"{MARKS[verdict]} … and {len(found) - most} more such gradients")
    return lines


def _is_network(report: Any) -> bool:
    """Whether most contracts of conduct say little: nobody hands a dout to a network."""
    return getattr(getattr(report.evidence, "subject", None), "kind", "") == "network"


def _line(found: Finding) -> list[str]:
    return wrap(
        f"{MARKS[found.verdict]} {found.name}: {found.sentence}", WIDTH, subsequent_indent="    "
    )


def _wrapped(start: str, names: Sequence[str], width: int = WIDTH) -> list[str]:
    lines = ["✓ " + start]
    for i, name in enumerate(names):
        word = name + (", " if i + 1 < len(names) else "")
        if len(lines[-1]) + len(word) > width:
            lines.append("    ")
        lines[-1] += word
    return [line.rstrip() for line in lines]


def relative(mismatch: Mismatch) -> float:
    """The relative error of an entry.

    >>> relative(Mismatch("W", (0,), 1.5, 1.0, 0.0))
    0.5
    """
    size = abs(mismatch.numerical)
    error = abs(mismatch.yours - mismatch.numerical)
    return error / size if size else math.inf if error else 0.0


def grad_of(name: str) -> str:
    """What the gradient of an operand is called: dW for W.

    >>> grad_of("W"), grad_of("params[0]")
    ('dW', 'the gradient of params[0]')
    """
    name = name.removeprefix("self.")
    return f"d{name}" if name.isidentifier() else f"the gradient of {name}"
