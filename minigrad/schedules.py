"""Learning-rate schedules: a rate η as a function of the step, which starts at 0.

Any function of the step will do as an optimizer's `lr`. These are frozen dataclasses, so that a run
can print, compare and pickle the schedule it used.

>>> schedule = Warmup(CosineDecay(0.1, steps=100), steps=4)
>>> [round(schedule(step), 3) for step in (0, 1, 2, 3, 4, 54, 104, 999)]
[0.02, 0.04, 0.06, 0.08, 0.1, 0.05, 0.0, 0.0]
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

Schedule = Callable[[int], float]


def number(name: str, value: Any, interval: str) -> float:
    """Return `value` as a float if it is a number in `interval`, written as mathematics does.

    Raises TypeError for what is no number, ValueError for one outside (NaN is in no interval).

    >>> number("momentum", 0.9, "[0, 1)")
    0.9
    """
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name} must be a number in {interval}, not {value!r}")
    x = float(value)
    low, high = map(float, interval[1:-1].split(","))
    inside = low < x < high or (x == low and "[" in interval) or (x == high and "]" in interval)
    if not inside:
        raise ValueError(f"{name} must be in {interval}, not {value!r}")
    return x


def _check_count(name: str, value: Any, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise TypeError(f"{name} must be a whole number of steps, not {value!r}")
    if value < least:
        raise ValueError(f"{name} must be at least {least}, not {value!r}")


@dataclass(frozen=True)
class StepDecay:
    """η(s) = lr · factor^⌊s / every⌋: constant for `every` steps, then multiplied by `factor`.

    Raises ValueError unless lr ≥ 0, every ≥ 1 and 0 < factor ≤ 1.

    >>> schedule = StepDecay(0.8, every=10, factor=0.5)
    >>> [schedule(step) for step in (0, 9, 10, 20)]
    [0.8, 0.8, 0.4, 0.2]
    """

    lr: float
    every: int
    factor: float = 0.1

    def __post_init__(self) -> None:
        number("lr", self.lr, "[0, inf)")
        _check_count("every", self.every, 1)
        number("factor", self.factor, "(0, 1]")

    def __call__(self, step: int) -> float:
        """Return η(step)."""
        return float(self.lr * self.factor ** (step // self.every))


@dataclass(frozen=True)
class ExponentialDecay:
    """η(s) = lr · factor^(s / every): StepDecay without the stairs.

    Raises ValueError unless lr ≥ 0, every ≥ 1 and 0 < factor ≤ 1.

    >>> schedule = ExponentialDecay(0.8, every=10, factor=0.25)
    >>> [schedule(step) for step in (0, 5, 10)]
    [0.8, 0.4, 0.2]
    """

    lr: float
    every: int = 1
    factor: float = 0.99

    def __post_init__(self) -> None:
        number("lr", self.lr, "[0, inf)")
        _check_count("every", self.every, 1)
        number("factor", self.factor, "(0, 1]")

    def __call__(self, step: int) -> float:
        """Return η(step)."""
        return float(self.lr * self.factor ** (step / self.every))


@dataclass(frozen=True)
class CosineDecay:
    """η(s) = final + (lr − final) · (1 + cos(π s / steps)) / 2, and `final` from s = steps on.

    Loshchilov and Hutter, SGDR (ICLR 2017), equation 5, without restarts. Raises ValueError unless
    lr ≥ 0, final ≥ 0 and steps ≥ 1.

    >>> schedule = CosineDecay(0.8, steps=10)
    >>> [round(schedule(step), 6) for step in (0, 5, 10, 11)]
    [0.8, 0.4, 0.0, 0.0]
    """

    lr: float
    steps: int
    final: float = 0.0

    def __post_init__(self) -> None:
        number("lr", self.lr, "[0, inf)")
        _check_count("steps", self.steps, 1)
        number("final", self.final, "[0, inf)")

    def __call__(self, step: int) -> float:
        """Return η(step)."""
        cosine = math.cos(math.pi * min(step, self.steps) / self.steps)
        return float(self.final + (self.lr - self.final) * (1 + cosine) / 2)


@dataclass(frozen=True)
class Warmup:
    """η rises in a straight line for `steps` steps, then follows `lr`, a number or a schedule.

    η(s) = lr(0) · (s + 1) / (steps + 1) for s < steps, and lr(s − steps) from there on: the first
    rate is not 0, and the wrapped schedule starts at its own step 0 when the warm-up is over.
    Goyal et al., Accurate, Large Minibatch SGD (2017), section 2.2. Raises ValueError unless
    lr ≥ 0 and steps ≥ 0.

    >>> schedule = Warmup(1.0, steps=3)
    >>> [schedule(step) for step in (0, 1, 2, 3, 4)]
    [0.25, 0.5, 0.75, 1.0, 1.0]
    """

    lr: float | Schedule
    steps: int

    def __post_init__(self) -> None:
        if not callable(self.lr):
            number("lr", self.lr, "[0, inf)")
        _check_count("steps", self.steps, 0)

    def __call__(self, step: int) -> float:
        """Return η(step)."""
        if step < self.steps:
            return float(self._wrapped(0) * (step + 1) / (self.steps + 1))
        return self._wrapped(step - self.steps)

    def _wrapped(self, step: int) -> float:
        return float(self.lr(step) if callable(self.lr) else self.lr)
