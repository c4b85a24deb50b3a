"""Scans: running sums and products, moving averages, differences."""

import numpy as np

from zoo.causes import (
    CHAIN,
    DIAGONAL,
    FACTOR,
    MISSED,
    ORDER,
    PLACE,
    POWER,
    SIGN,
    TERM,
)
from zoo.reductions import off_zero
from zoo.specimen import Pair, normal, slip, twin


def running_sum():
    """np.cumsum along the rows, as a pair of functions."""

    def backward(dout):
        return np.cumsum(dout[:, ::-1], axis=1)[:, ::-1]

    return Pair(lambda x: np.cumsum(x, axis=1), backward)


def summed_forwards():
    """The gradient is summed from the left; an entry influences what comes after it."""
    return running_sum()._replace(backward=lambda dout: np.cumsum(dout, axis=1))


def own_place_excluded():
    """The reversed sum leaves out the entry's own place."""
    right = running_sum()
    return right._replace(backward=lambda dout: right.backward(dout) - dout)


CUMSUM = twin("cumsum", running_sum, normal((3, 4)), rows=("x",))


class RunningProduct:
    """np.cumprod along the rows."""

    def forward(self, x):
        self.x, self.y = x, np.cumprod(x, axis=1)
        return self.y.copy()

    def reversed_sum(self, d):
        return np.cumsum(d[:, ::-1], axis=1)[:, ::-1]

    def backward(self, dout):
        dx = np.zeros_like(self.x)
        for i in range(self.x.shape[1]):
            others = self.x.copy()
            others[:, i] = 1
            dx[:, i] = (dout * np.cumprod(others, axis=1))[:, i:].sum(axis=1)
        return dx


class FactorNotDividedOut(RunningProduct):
    """The product still contains the entry that it is differentiated by."""

    def backward(self, dout):
        return self.reversed_sum(dout * self.y)


class DividedBeforeTheSum(RunningProduct):
    """The division by x comes before the sum, when every product has its own x."""

    def backward(self, dout):
        return self.reversed_sum(dout * self.y / self.x)


CUMPROD = twin("cumprod", RunningProduct, off_zero, rows=("x",))


class MovingAverage:
    """y[t] = a y[t − 1] + (1 − a) x[t], from zero."""

    def __init__(self, a=0.6):
        self.a = a

    def forward(self, x):
        y, last = np.zeros_like(x), 0.0
        for t in range(x.shape[1]):
            last = self.a * last + (1 - self.a) * x[:, t]
            y[:, t] = last
        return y

    def carried(self, d):
        return self.a * d

    def backward(self, dout):
        dx, d = np.zeros_like(dout), np.zeros_like(dout[:, 0])
        for t in reversed(range(dout.shape[1])):
            d = dout[:, t] + self.carried(d)
            dx[:, t] = (1 - self.a) * d
        return dx


class DecayForgotten(MovingAverage):
    """The gradient is carried back without the factor a."""

    def carried(self, d):
        return d


class MemoryForgotten(MovingAverage):
    """Nothing is carried back: each step learns from its own output only."""

    def carried(self, d):
        return 0.0


AVERAGE = twin("moving average", MovingAverage, normal((2, 5)), rows=("x",))


class Differences:
    """np.diff along the rows."""

    def forward(self, x):
        self.shape = x.shape
        return x[:, 1:] - x[:, :-1]

    def backward(self, dout):
        dx = np.zeros(self.shape, dout.dtype)
        dx[:, 1:] += dout
        dx[:, :-1] -= dout
        return dx


class SidesExchanged(Differences):
    """The left neighbour gets plus and the right one minus."""

    def backward(self, dout):
        return -super().backward(dout)


class EndsMissed(Differences):
    """The inner entries are right, and the first and the last get nothing."""

    def backward(self, dout):
        dx = np.zeros(self.shape, dout.dtype)
        dx[:, 1:-1] = dout[:, :-1] - dout[:, 1:]
        return dx


DIFFERENCES = twin("differences", Differences, normal((3, 5)), rows=("x",))


TWINS = [CUMSUM, CUMPROD, AVERAGE, DIFFERENCES]
WRONG = [
    slip(CUMSUM, summed_forwards, ORDER, "dx"),
    slip(CUMSUM, own_place_excluded, PLACE, "dx"),
    slip(CUMPROD, FactorNotDividedOut, POWER, "dx"),
    slip(CUMPROD, DividedBeforeTheSum, ORDER, "dx"),
    slip(AVERAGE, DecayForgotten, CHAIN, "dx", alike=(FACTOR,)),
    slip(AVERAGE, MemoryForgotten, TERM, "dx", alike=(DIAGONAL,)),
    slip(DIFFERENCES, SidesExchanged, SIGN, "dx"),
    slip(DIFFERENCES, EndsMissed, MISSED, "dx"),
]
