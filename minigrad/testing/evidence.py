"""What the numbers say: for each operand your gradient beside the numerical one, with its bar.

Diagnosis reads this, and may ask for more: other cotangents, other points.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from minigrad.graph import Array
from minigrad.testing.subject import Run, Subject


@dataclass(eq=False)
class Comparison:
    """One operand: your gradient, the numerical one, and how well that is known.

    Attributes:
        name: of the operand: x, W.
        value: the operand itself, in float64.
        yours: what backward returned, as it is; None when there is none.
        numerical: float64, of the operand's shape.
        bar: half the width of the interval in which the true derivative lies; inf for unknown.
        tolerance: what a difference is held to: the bar, and what rounding may do to yours.
        kinks: where the function has a corner, so that the interval is between two slopes.
    """

    name: str
    value: Array
    yours: Array | None
    numerical: Array
    bar: Array
    tolerance: Array
    kinks: Array

    @property
    def shape_is_right(self) -> bool:
        """Whether yours is an array of the operand's shape."""
        return self.yours is not None and np.shape(self.yours) == self.numerical.shape

    @cached_property
    def error(self) -> Array:
        """|yours − numerical| for each entry; inf where yours is missing or not finite."""
        if self.yours is None or not self.shape_is_right:
            return np.full(self.numerical.shape, np.inf)
        with np.errstate(all="ignore"):
            error = np.abs(np.asarray(self.yours, np.float64) - self.numerical)
        return np.where(np.isnan(error), np.inf, error)

    @cached_property
    def wrong(self) -> Array:
        """Which entries are wrong beyond doubt."""
        return self.error > self.tolerance

    @cached_property
    def unknown(self) -> Array:
        """Which entries the numerical derivative cannot judge."""
        size = np.max(np.abs(self.numerical), initial=0, where=np.isfinite(self.numerical))
        return ~self.wrong & ~self.kinks & ~(self.tolerance <= 1e-3 * size)

    @property
    def is_wrong(self) -> bool:
        """Whether this gradient is wrong somewhere, or in its shape, or missing."""
        return not self.shape_is_right or bool(np.any(self.wrong))


@dataclass(eq=False)
class Evidence:
    """One forward, one cotangent, and the comparison for every operand.

    Attributes:
        subject: what is checked; `subject.start(...)` runs it again as you like.
        inputs: what forward was given, by name, in float64 where it is floats.
        params: the parameters, by name.
        outputs: what forward returned.
        douts: the cotangents, one for each output.
        operands: the comparisons, by operand.
        state: the attributes of the layer after its forward, copied (empty for functions).
        source: the text of forward, backward, __init__, as far as it can be found.
    """

    subject: Subject
    inputs: dict[str, Any]
    params: dict[str, Array]
    outputs: list[Array]
    douts: list[Array]
    operands: dict[str, Comparison]
    state: dict[str, Any] = field(default_factory=dict)
    source: dict[str, str] = field(default_factory=dict)

    @property
    def wrong(self) -> dict[str, Comparison]:
        """The operands whose gradients are wrong."""
        return {name: found for name, found in self.operands.items() if found.is_wrong}

    def again(
        self,
        douts: Sequence[Array] | None = None,
        inputs: Mapping[str, Any] | None = None,
        params: Mapping[str, Any] | None = None,
    ) -> Evidence:
        """Compare once more, with other cotangents, or at other inputs and parameters.

        Other cotangents at the same point cost one backward: the Jacobian is kept.
        """
        raise NotImplementedError

    @cached_property
    def jacobians(self) -> dict[str, Array]:
        """The numerical Jacobian of each operand: entry [j, i] is ∂ output j / ∂ operand i, flat.

        The outputs are one after another, flat, as in `flat_dout`.
        """
        raise NotImplementedError

    @property
    def flat_dout(self) -> Array:
        """The cotangents of all outputs, one after another."""
        return np.concatenate([np.ravel(d) for d in self.douts])

    def run(self) -> Run:
        """Make a fresh run at this point, after its forward."""
        return self.subject.start(self.inputs, self.params)
