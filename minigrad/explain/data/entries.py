"""One entry of a gradient, and every term of its sum: dW1[0, 1] = Σₙ x[n, 0] · dz[n, 1].

A rule is linear in the gradient of the output: what it makes is a sum over that gradient's entries,
each times a local derivative. Of complex numbers it is so over the real numbers: conjugates and
real parts stand beside the products.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad.explain.data.asked import entry_asked, line_asked
from minigrad.explain.data.factors import PLAIN, Index, Source, placed
from minigrad.explain.data.lettering import OF_GRADIENTS, Derivative, box, bracketed, lettered
from minigrad.explain.data.model import Contribution, Line, Step, Trace
from minigrad.explain.data.numbers import MINUS
from minigrad.explain.data.patterns import pattern_of
from minigrad.explain.data.shares import (
    Values,
    Weights,
    drawn,
    is_by_hand,
    local_derivatives,
)
from minigrad.explain.data.slopes import Slope, slope_of
from minigrad.explain.data.terms import Entry, PathSum, Term, signed


def entry_at(trace: Trace, name: str, index: Sequence[int]) -> Entry:
    """Take one entry of a gradient apart.

    Raises:
        KeyError: when nothing has the name.
        IndexError: when the index does not name one entry of it.
        TypeError: when the name or the index is none.
        ValueError: when no gradient reaches it.
    """
    line = line_asked(trace, name)
    where = entry_asked(line, index)
    if line.gradient is None:
        raise ValueError(f"no gradient reaches {line.name}: it is {_kind(line)}")
    shown = line.d + bracketed(where)
    entry = Entry(shown, where, line.gradient[where].item())
    for step, c in trace.contributions_to(line.id):
        entry.sums.append(path_sum(trace, step, c, where))
    return entry


def path_sum(trace: Trace, step: Step, c: Contribution, index: Index) -> PathSum:
    """Write what one step adds to one entry as a sum of products."""
    value = c.share[index].item()
    found = local_derivatives(trace, step, c, index)
    if found is None:
        rule = f"entry {bracketed(index)} of {c.rule}" if index else c.rule
        return PathSum(c.path, c.paths, rule, [], value, False)
    formulas, terms, numbers, rule = [], [], "", ""
    pattern = pattern_of(trace, step, c) if is_by_hand(trace, step) else None
    others, drawn_weights = _on_others(trace, step, c, index, len(found))
    source: Source | Derivative | None
    for weights, of_others in zip(found, drawn_weights, strict=True):
        if pattern is not None:
            places = pattern.places(index)
            source = pattern.source
        else:
            places, source = placed(trace, step, weights.of, index, others, of_others)
        slope = None
        if isinstance(source, Source) and source.form is not PLAIN and len(places) == 1:
            numbers = _with_numbers(trace, step, source, places[0], index)
        if source is None and len(found) == 1 and not weights.conjugate and pattern is None:
            here = box(places) or [index] * (c.share.shape == step.gradient.shape)
            slope = slope_of(trace, step, c, here, weights.of, index)
            places = here if slope else places
            numbers = slope.with_numbers(places[0]) if slope and len(places) == 1 else ""
        is_known = slope is not None or isinstance(source, Source)
        if not is_known and np.any(np.abs(weights.of[weights.of != 0]) != 1):
            rule = f"{trace.lines[c.to].d} {c.sign} {c.rule}"
        to = trace.lines[c.to].name
        formula, several = _products(trace, step, weights, index, places, source or slope, to)
        formulas.append(formula)
        terms += several
    real = step.gradient.dtype.kind == "c" and c.share.dtype.kind != "c"
    formula = " + ".join(formulas) or "0"
    total = sum(term.value for term in terms)
    total = total.real if real else total
    scale = sum(abs(term.value) for term in terms) + abs(value)
    adds_up = bool(abs(total - value) <= 1e-5 * scale) or not np.isfinite(value)
    formula = f"Re({formula})" if real else formula
    return PathSum(c.path, c.paths, formula, terms, value, adds_up, real, rule, numbers)


def _with_numbers(trace: Trace, step: Step, source: Source, place: Index, index: Index) -> str:
    """Write a product with the numbers that its formula reads: 0.5 · (1 − 0.5) · 2."""
    known = {line.name: line.value for line in trace.lines}
    array = {**step.caches, **known}[source.name]
    read = signed(array[source.at(place, index)].item())
    return f"{source.form.text.format(read)} · {signed(step.gradient[place].item())}"


def _on_others(
    trace: Trace, step: Step, c: Contribution, index: Index, count: int
) -> tuple[Values | None, list[Any]]:
    """Differentiate the same entry where the call has other numbers, as far as it can."""
    others = drawn(trace, step)
    try:
        found = others and local_derivatives(trace, step, c, index, others)
    except Exception:  # a rule may ask more of numbers than that they are some
        found = None
    if not found or len(found) != count or not all(np.all(np.isfinite(w.of)) for w in found):
        return None, [None] * count
    return others, [weights.of for weights in found]


def _products(
    trace: Trace,
    step: Step,
    weights: Weights,
    index: Index,
    places: list[Index],
    source: Source | Derivative | Slope | None,
    to: str,
) -> tuple[str, list[Term]]:
    """Write the products of a gradient's entries with their weights: as a formula, and each."""
    line = trace.lines[step.line]
    terms = []
    for place in places:
        factor = ""
        if isinstance(source, Source):
            factor = source.name + bracketed(source.at(place, index))
        g = step.gradient[place].item()
        told = line.d + bracketed(place)
        if weights.conjugate:
            g, told = g.conjugate(), f"conj({told})"
        terms.append(Term(told, g, factor, weights.of[place].item()))
    return _formula(line, source, places, weights, index, to), terms


# ---- in letters ---------------------------------------------------------------------------------
def _formula(
    line: Line,
    source: Source | Derivative | Slope | None,
    places: list[Index],
    weights: Weights,
    index: Index,
    to: str,
) -> str:
    """Write the sum with letters: Σₙ x[n, 0] · dz[n, 1]."""
    if not places:
        return "0"
    found = lettered(places, line.value.shape, OF_GRADIENTS)
    if found is None:
        return f"the sum of {len(places)} products"
    g = line.d + bracketed(found.place)
    if weights.conjugate:
        g = f"conj({g})"
    values = {weights.of[place].item() for place in places}
    if isinstance(source, Slope):
        product = source.at(found.place)
    elif source is not None:
        product = f"{source.lettered(found.place, index)} · {g}"
    elif values == {1.0}:
        product = g
    elif values == {-1.0}:
        product = f"{MINUS}{g}"
    elif len(values) == 1:
        product = f"{signed(values.pop())} · {g}"
    else:
        product = f"{Derivative(line.name, to).lettered(found.place, index)} · {g}"
    return found.sum(product)


def _kind(line: Line) -> str:
    return {"data": "data, a constant", "call": "not on the way back"}.get(line.kind, "a leaf")
