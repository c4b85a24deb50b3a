"""What the numbers say: for each operand your gradient beside the numerical one, with its bar.

Diagnosis reads this, and may ask for more: other cotangents, other points.
"""

from __future__ import annotations

import copy
import inspect
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from minigrad.graph import Array
from minigrad.layers.inside import attributes
from minigrad.testing.evidence.jacobian import Point, joined
from minigrad.testing.subjects.subject import Run, Subject, is_float, kept

RTOL = 1e-6  # of the entry: what is called wrong beyond the bar
OF_TERMS = 1e-9  # of the sum of |terms| behind an entry: what rounding may do to yours
OF_LARGEST = 1e-12  # of the largest such sum in any gradient
OF_STEEPEST = 1e-15  # of the largest slope of any output
NEARBY = 1e-2  # of an operand's size, or 1
OF_NEARBY = 1e-8  # of how fast the outputs change a little farther away


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
        scale: the size of what the gradients are sums of, or of the outputs: what is far below it
            need not be known.
        sampled: of a large operand: whether numerical is yours but for the entries looked at.
        left_open: of an operand of a network: not looked at, since others are known to be wrong.
        corners: where a graph of ours is known to be at a corner. Where several meet, the rules of
            each may add up to what is no slope of the whole, and nobody is to blame.
    """

    name: str
    value: Array
    yours: Array | None
    numerical: Array
    bar: Array
    tolerance: Array
    kinks: Array
    scale: float = 0.0
    sampled: bool = False
    corners: Any = False
    left_open: bool = False

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
            error: Array = np.abs(np.asarray(self.yours, np.float64) - self.numerical)
        return np.where(np.isnan(error), np.inf, error)

    @cached_property
    def wrong(self) -> Array:
        """Which entries are wrong beyond doubt."""
        found: Array = (self.error > self.tolerance) & ~np.asarray(self.corners, bool)
        return found

    @cached_property
    def unknown(self) -> Array:
        """Which entries the numerical derivative cannot judge."""
        known = np.abs(self.numerical[np.isfinite(self.bar)])
        size = max(np.max(known, initial=0), 1e-4 * self.scale)
        coarse = ~self.kinks & ~(self.bar <= 1e-3 * size) & ~(self.bar == 0)
        found: Array = ~self.wrong & (coarse | ~(self.error <= self.tolerance))
        return found

    @property
    def ratio(self) -> float:
        """The largest error over its tolerance: above 1 is wrong; inf for a wrong shape."""
        if not self.shape_is_right:
            return np.inf
        with np.errstate(all="ignore"):
            ratio = np.where(self.error > 0, self.error / self.tolerance, 0.0)
        return float(np.max(np.where(np.isnan(ratio), 0.0, ratio), initial=0.0))

    @property
    def relative(self) -> Array:
        """The relative error of each entry that is wrong, 0 for the others."""
        with np.errstate(all="ignore"):
            relative = self.error / np.abs(self.numerical)
        return np.where(self.wrong, relative, 0.0)

    def less_sure(self, lost: float) -> Comparison:
        """The same, where an error of so much may be rounding: it is no longer beyond doubt."""
        doubt = np.where(self.wrong & (self.error <= self.tolerance + lost), lost, 0.0)
        return replace(self, bar=self.bar + doubt, tolerance=self.tolerance + doubt)

    @property
    def is_wrong(self) -> bool:
        """Whether this gradient is wrong somewhere, or in its shape, or missing."""
        return not self.shape_is_right or bool(np.any(self.wrong))


@dataclass(eq=False)
class Evidence:
    """One forward, one cotangent, and the comparison for every operand.

    Attributes:
        point: the subject at a point, which knows the numerical Jacobian.
        douts: the cotangents, one for each output.
        operands: the comparisons, by operand.
        yours: what backward returned, by operand.
        state: the attributes of the layer after its forward, copied (empty for functions).
        source: the text of forward, backward, __init__, as far as it can be found.
    """

    point: Point
    douts: list[Array]
    operands: dict[str, Comparison]
    yours: dict[str, Array | None]
    state: dict[str, Any] = field(default_factory=dict)

    @property
    def subject(self) -> Subject:
        """What is checked; `subject.start(...)` runs it again as you like."""
        return self.point.subject

    @property
    def inputs(self) -> dict[str, Any]:
        """What forward was given, by name, in float64 where it is floats."""
        return self.point.inputs

    @property
    def params(self) -> dict[str, Array]:
        """The parameters, by name."""
        return self.point.params

    @property
    def outputs(self) -> list[Array]:
        """What forward returned."""
        return self.point.outputs

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
        point = self.point
        if inputs is not None or params is not None:
            point = Point(self.subject, inputs or self.inputs, params or self.params)
        if douts is None:
            same = [d.shape for d in self.douts] == [y.shape for y in point.outputs]
            rng = np.random.default_rng(0)
            douts = self.douts if same else [rng.normal(size=y.shape) for y in point.outputs]
        return gathered(point, douts)

    @property
    def jacobians(self) -> dict[str, Array]:
        """The numerical Jacobian of each operand: entry [j, i] is ∂ output j / ∂ operand i, flat.

        The outputs are one after another, flat, as in `flat_dout`.
        """
        return {name: scan.value.T for name, scan in self.point.scans.items()}

    @property
    def flat_dout(self) -> Array:
        """The cotangents of all outputs, one after another."""
        return joined(self.douts)

    @cached_property
    def source(self) -> dict[str, str]:
        """The text of what a person wrote: forward, backward, __init__."""
        written = dict(self.subject.written)
        owner = getattr(self.subject, "layer", None)
        if owner is not None and "__init__" in vars(type(owner)):
            written["__init__"] = type(owner).__init__
        texts = {name: source_of(function) for name, function in written.items()}
        return {name: text for name, text in texts.items() if text}

    def run(self) -> Run:
        """Make a fresh run at this point, after its forward."""
        inputs = {k: kept(v) for k, v in self.inputs.items()}
        return self.subject.start(inputs, self.params, np.float64)


def gathered(point: Point, douts: Sequence[Array], rtol: float = RTOL) -> Evidence:
    """Run backward at a point with these cotangents, and compare with the numerical Jacobian."""
    inputs = {k: kept(v) for k, v in point.inputs.items()}
    run = point.subject.start(inputs, point.params, np.float64)
    state = {k: copied(v) for k, v in attributes(run.thing).items()} if run.thing else {}
    yours = run.gradients(douts)
    return Evidence(point, list(douts), compared(point, douts, yours, rtol), yours, state)


def compared(
    point: Point,
    douts: Sequence[Array],
    yours: Mapping[str, Array | None],
    rtol: float = RTOL,
    unit: float = 0.0,
) -> dict[str, Comparison]:
    """Put gradients beside dout times the Jacobian; `unit` is that of yours if it is coarser."""
    dout = joined(list(douts))
    terms, found = {}, {}
    with np.errstate(all="ignore"):
        for name, scan in point.scans.items():
            terms[name] = np.abs(scan.value) @ np.abs(dout)
        largest = max((np.max(t, initial=0) for t in terms.values()), default=0.0)
        slopes = [np.max(np.abs(scan.value), initial=0) for scan in point.scans.values()]
        steepest = float(max(slopes, default=0.0) * np.max(np.abs(dout), initial=0))
        scale = max(largest, 1e-2 * steepest, 1e-2 * float(np.abs(point.centre) @ np.abs(dout)))
        for name, scan in point.scans.items():
            value = point.operands[name]
            used = np.abs(dout) > 0
            numerical = (scan.value[:, used] @ dout[used]).reshape(value.shape)
            bar = (scan.bar[:, used] @ np.abs(dout[used])).reshape(value.shape)
            size = terms[name].reshape(value.shape)
            rounding = rtol * np.abs(numerical) + OF_TERMS * size + OF_LARGEST * largest
            rounding += OF_STEEPEST * steepest
            constant = (numerical == 0) & (bar == 0)  # as in f(x) − f(x), and yours may be rounding
            rounding += np.where(constant, OF_LARGEST * np.sum(np.abs(dout)), 0.0)
            rounding += 100 * max(unit, unit_of(yours.get(name))) * (size + largest)
            rounding += 4 * unit_of_constants(point.subject) * (size + largest)
            kinks = np.any(scan.kinks[:, used], axis=1).reshape(value.shape)
            corners = np.reshape(scan.corners, value.shape)
            found[name] = Comparison(
                *(name, value, yours.get(name), numerical, bar, bar + rounding, kinks, scale),
                corners=corners,
            )
    if any(one.is_wrong and one.shape_is_right for one in found.values()):
        total = float(np.sum(np.abs(dout)))
        found = {k: one.less_sure(lost_nearby(point, k) * total) for k, one in found.items()}
    return found


def unit_of(gradient: Array | None) -> float:
    """The unit of rounding of a gradient in float16, as one is that is kept in such an array.

    One that loses digits without need is another matter: the contract of dtypes looks at that.

    >>> unit_of(np.zeros(2, np.float16)) == 2.0**-11, unit_of(np.zeros(2))
    (True, 0.0)
    """
    is_half = gradient is not None and np.asarray(gradient).dtype == np.float16
    return float(np.finfo(np.float16).eps) / 2 if is_half else 0.0


def unit_of_constants(subject: Subject) -> float:
    """The unit of rounding of targets and the like, where they are narrower than float64.

    Rows of probabilities in float32 sum to 1 as far as float32 goes, and a backward that relies on
    the 1 is right as far.

    >>> from minigrad.testing.subjects import subjects
    >>> given = np.ones(3, np.float32)
    >>> unit_of_constants(subjects.of_pair(np.sin, np.cos, given, fixed=["x"])) == 2.0**-24
    True
    """
    given = [x for k, x in subject.inputs.items() if k in subject.fixed and is_float(x)]
    narrow = [float(np.finfo(x.dtype).eps) / 2 for x in given if x.dtype.itemsize < 8]
    return max(narrow, default=0.0)


def lost_nearby(point: Point, name: str) -> float:
    """What is left of a slope of zero by an operand, at most, where numbers are rounded.

    The determinant of a matrix of rank one, say: what its derivative is computed from cancels but
    for rounding, in the differences as in your backward, and in each in another way. How large
    those numbers were is seen from how the outputs change a little farther away: where all operands
    are moved by at most a hundredth, and where this one is moved by a hundredth of its size.

    >>> from minigrad.testing.subjects import subjects
    >>> subject = subjects.of_pair(np.linalg.det, lambda dout: dout, np.ones((3, 3)))
    >>> 0 < lost_nearby(Point(subject), "a") < 1e-9
    True
    """
    x = point.operands[name]
    step = NEARBY * (float(np.max(np.abs(x), initial=0)) or 1.0)
    own = x + step * np.random.default_rng(1).normal(size=x.shape)
    slopes = change_nearby(point) / NEARBY, _change(point, {name: own}) / step
    return OF_NEARBY * max(slopes)


def change_nearby(point: Point) -> float:
    """How much an output changes, at most, a little farther away.

    >>> from minigrad.testing.subjects import subjects
    >>> subject = subjects.of_pair(lambda x: x - x, lambda dout: dout, np.ones(3))
    >>> change_nearby(Point(subject))
    0.0
    """
    rng, there = np.random.default_rng(0), {}
    for name, x in point.operands.items():
        size = np.max(np.abs(x), initial=0) or 1.0
        there[name] = x + NEARBY * min(size, 1.0) * rng.normal(size=x.shape)
    return _change(point, there)


def _change(point: Point, there: Mapping[str, Array]) -> float:
    """How much the outputs differ elsewhere, at most."""
    with np.errstate(all="ignore"):
        change = np.nan_to_num(np.abs(point.beside(there) - point.centre), posinf=0.0)
    return float(np.max(change, initial=0))


def source_of(function: Any) -> str:
    """The text of a function, without the indentation of its class; nothing where it is not known.

    >>> source_of(print)
    ''
    """
    try:
        return textwrap.dedent(inspect.getsource(function))
    except (OSError, TypeError):
        return ""


def where_of(function: Any) -> str:
    """The file and the line of a function, as far as they are known: layers.py:12."""
    function = inspect.unwrap(function) if callable(function) else function
    code = getattr(getattr(function, "__func__", function), "__code__", None)
    return f"{code.co_filename}:{code.co_firstlineno}" if code else ""


def copied(value: Any) -> Any:
    """Copy what a layer keeps, or take it as it is."""
    try:
        return copy.deepcopy(value)
    except Exception:
        return value
