"""A call of a layer that was written by hand, on other numbers than those of the pass."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from minigrad.explain.data.model import Contribution, Step, Trace
from minigrad.explain.data.names import arrays_of
from minigrad.explain.data.shares import other, stacked, units
from minigrad.graph import Array
from minigrad.layers.randomness import Replay

_drawn: WeakKeyDictionary[Step, Drawn | None] = WeakKeyDictionary()


@dataclass
class Drawn:
    """A call of a layer written by hand on other numbers: what it was given, made and kept."""

    rule: Any
    output: Array
    arguments: list[Any]
    caches: dict[str, Array]
    jacobians: dict[int, Array] = field(default_factory=dict)

    def jacobian(self, step: Step, c: Contribution) -> Array:
        """Run its backward on every entry at a time, for all operands at once."""
        if c.position not in self.jacobians:
            made = [self.rule(g, self.output, *self.arguments) for g in units(step)]
            for each in step.contributions:
                shares = [np.asarray(shares[each.position]) for shares in made]
                self.jacobians[each.position] = stacked(shares, step, each)
        return self.jacobians[c.position]


def drawn_by_hand(trace: Trace, step: Step) -> Drawn | None:
    """Run a layer written by hand on other numbers; None where it does not take them.

    They have both signs, or where that is not finite, as of a logarithm, one.
    """
    if step not in _drawn:
        with np.errstate(all="ignore"), warnings.catch_warnings(), Replay(()):
            warnings.simplefilter("ignore")
            tried = (_drawn_with(trace, step, signs) for signs in ((1.0, -1.0), (1.0,)))
            _drawn[step] = next((found for found in tried if found is not None), None)
    return _drawn[step]


def _drawn_with(trace: Trace, step: Step, signs: Sequence[float]) -> Drawn | None:
    node, rng = trace.nodes[step.line], np.random.default_rng(0)
    rules: Any = None if node is None else node._rules
    try:
        given = () if node is None else node._values
        values = [_of_signs(other(value, rng), signs, rng) for value in given]
        rule, output = rules.run_again(*values)
        names = rule.params
        caches = {k: a for k, a in arrays_of(rule.layer) if k not in names}
        found = Drawn(rule, output, values, caches)
        made = [found.jacobian(step, c) for c in step.contributions]
    except Exception:  # a layer may ask more of numbers than that they are some
        return None
    is_alike = output.shape == trace.lines[step.line].value.shape
    return found if is_alike and all(np.all(np.isfinite(a)) for a in (output, *made)) else None


def _of_signs(value: Any, signs: Sequence[float], rng: np.random.Generator) -> Any:
    """Give the numbers of an array of floats signs, half of them each."""
    if not isinstance(value, np.ndarray) or value.dtype.kind != "f":
        return value
    drawn = rng.permutation(np.resize(np.array(signs, value.dtype), value.size))
    return value * drawn.reshape(value.shape)
