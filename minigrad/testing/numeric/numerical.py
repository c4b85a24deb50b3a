"""Derivatives from values alone, with an error bar; and the book's simple ones."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from minigrad.differences import numerical_gradient
from minigrad.graph import Array
from minigrad.testing.numeric.plateau import SPREADS, Scan, U, follow, levels_of, scale_of

__all__ = ["NumericalDerivative", "numerical_derivative", "numerical_gradient"]

TINY = 1e-30  # the complex step: its square is nothing
NUDGES = (2.0**-40, -(2.0**-40), 2.0**-38, -(2.0**-38))  # move x a little, both ways


@dataclass(frozen=True)
class NumericalDerivative:
    """A derivative and how well it is known.

    Attributes:
        value: the derivative.
        bar: the true derivative is within value ± bar; inf where nothing can be said.
        kinks: where the slopes on both sides differ, and value ± bar is the interval between them.
        evaluations: how often the function was called.
        method: "complex step" where that holds throughout, else "plateau scan".

    >>> numerical_derivative(lambda x: x * abs(x), 3.0)
    6.0 ± 1e-13 (plateau scan, 12 evaluations)
    """

    value: Array
    bar: Array
    kinks: Array
    evaluations: int
    method: str

    def __repr__(self) -> str:
        bar = f"{self.bar:.0e}" if self.bar.ndim == 0 else str(self.bar)
        return f"{self.value} ± {bar} ({self.method}, {self.evaluations} evaluations)"


def numerical_derivative(
    f: Callable[..., Any], x: Any, along: Any = None, complex_step: bool = True
) -> NumericalDerivative:
    """Differentiate any function of an array, from its values alone, in float64.

    The method chooses its steps by itself: see `plateau`. Where f takes complex numbers too, and
    the complex step agrees with the differences, the value is good to rounding.

    Args:
        f: takes an array of x's shape, returns a number or an array; the same for the same x.
        x: where; numbers of any real type.
        along: a direction, of x's shape; left out, f is differentiated by every entry.
        complex_step: False to do without it.

    Returns:
        The value and its bar: of shape f.shape + x.shape, or f.shape with a direction.

    Raises:
        ValueError: when `along` has another shape than x.
        TypeError: when x or f(x) is no array of real numbers.

    Source: the complex step is from W. Squire and G. Trapp, SIAM Review 40 (1998) 110.

    >>> found = numerical_derivative(lambda x: np.sum(x**2), [3, 4])
    >>> found.value, bool(np.all(found.bar < 1e-13))
    (array([6., 8.]), True)
    >>> found = numerical_derivative(abs, 0.0)
    >>> float(found.value), float(found.bar.round(9)), bool(found.kinks)
    (0.0, 1.0, True)
    """
    lines = Lines(f, x, along)
    centre = np.repeat(lines.centre[None], len(lines.scale), axis=0)
    scan = Scan(centre, lines.scale, lines.levels)
    follow(scan, lines.at)
    value, bar = scan.value, scan.bar
    exact = lines.complex_steps() if complex_step else None
    good = np.zeros(value.shape, bool)
    if exact is not None:
        fine, spread = exact
        spread = spread + scan.bar * scan.step  # what rounding there does at a step of 1
        good = (np.abs(fine - value) <= bar) & (bar <= 1e-4 * np.abs(value)) & ~scan.kinks
        good |= (fine == 0) & (spread == 0) & (np.abs(value) <= bar) & (bar < 1e-9)
        value, bar = np.where(good, fine, value), np.where(good, np.minimum(bar, spread), bar)
    method = "complex step" if good.size and np.all(good) else "plateau scan"
    value, bar, kinks = map(lines.shaped, (value, bar, scan.kinks))
    return NumericalDerivative(value, bar, kinks, lines.evaluations, method)


class Lines:
    """The lines through x, along each axis or along one direction, and f on them."""

    def __init__(self, f: Callable[..., Any], x: Any, along: Any) -> None:
        self.is_number = not isinstance(x, np.ndarray) and np.ndim(x) == 0
        x = np.asarray(x)
        if x.dtype.kind not in "fiub":
            raise TypeError(f"numerical_derivative needs an x of real numbers, not of {x.dtype}")
        self.f, self.x = f, x.astype(np.float64)
        self.along = None if along is None else np.asarray(along, np.float64)
        if self.along is not None and self.along.shape != x.shape:
            raise ValueError(f"along has shape {self.along.shape}, and x has {x.shape}")
        self.evaluations = 0
        self.shape: tuple[int, ...] = ()
        self.centre = self.values(self.x)
        flat = self.x.ravel() if along is None else np.max(np.abs(self.x), initial=0)[None]
        self.scale, self.levels = scale_of(flat), levels_of(flat)
        if self.along is not None:
            self.scale = self.scale / max(np.max(np.abs(self.along), initial=0), 1e-300)

    def values(self, x: Array) -> Array:
        """Compute f, flat."""
        self.evaluations += 1
        with np.errstate(all="ignore"):
            y = np.asarray(self.f(x[()] if self.is_number else x))
        self.shape = y.shape
        wanted = "fiubc" if np.iscomplexobj(x) else "fiub"
        if y.dtype.kind not in wanted:
            raise TypeError(f"f returned {y.dtype}, where real numbers are differentiated")
        return y.ravel() if np.iscomplexobj(x) else y.astype(np.float64).ravel()

    def at(self, i: int, t: Any, nudge: float = 0.0) -> Array:
        """Compute f at t on the line i."""
        x = np.array(self.x * (1 + nudge), dtype=np.result_type(t, np.float64))
        with np.errstate(all="ignore"):  # x may be infinite
            if self.along is None:
                x.flat[i] += t  # in C order, whatever the layout
            else:
                x += t * self.along
        return self.values(x)

    def complex_steps(self) -> tuple[Array, Array] | None:
        """Take complex steps: values and bars; None if f refuses.

        What rounding does shows beside x: the value there and on the other side, averaged, is the
        value at x but for rounding.
        """
        lines = range(len(self.scale))
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                fine, *beside = (
                    np.array([np.imag(self.at(i, TINY * 1j, n)) / TINY for i in lines])
                    for n in (0.0, *NUDGES)
                )
        except Exception:  # whatever a function says to complex numbers
            return None
        pairs = zip(beside[::2], beside[1::2], strict=True)
        off = np.max([np.abs((above + below) / 2 - fine) for above, below in pairs], axis=0)
        largest = np.max(np.abs(fine), axis=-1, initial=0, keepdims=True)
        bar = SPREADS * off + 32 * U * np.abs(fine) + 4 * U * largest
        return fine, np.where(np.isnan(bar), np.inf, bar)

    def shaped(self, found: Array) -> Array:
        """Give an array (lines, outputs) the shape of the derivative."""
        if self.along is not None:
            return np.reshape(found[0], self.shape)
        return np.moveaxis(found, 0, -1).reshape(self.shape + self.x.shape)
