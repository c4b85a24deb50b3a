"""Arithmetic with broadcasting: sums, products, quotients, powers, blends."""

import numpy as np

from zoo.causes import (
    AXIS,
    BROADCAST,
    CHAIN,
    DIVIDED,
    OPERAND,
    POWER,
    SIGN,
    TERM,
    TRANSPOSED,
)
from zoo.specimen import normal, slip, twin


class OuterSum:
    """A column plus a row: (N, 1) + (1, M)."""

    def forward(self, a, b):
        return a + b

    def backward(self, dout):
        return dout.sum(axis=1, keepdims=True), dout.sum(axis=0, keepdims=True)


class SummedAlongTheOther(OuterSum):
    """The column's gradient is summed down the columns; there are as many of both."""

    def backward(self, dout):
        return dout.sum(axis=0, keepdims=True).T, dout.sum(axis=0, keepdims=True)


class NotSummed(OuterSum):
    """The row's gradient keeps the shape of the result."""

    def backward(self, dout):
        return dout.sum(axis=1, keepdims=True), dout.copy()


class AveragedOverCopies(OuterSum):
    """The row's gradient is the mean over its copies."""

    def backward(self, dout):
        return dout.sum(axis=1, keepdims=True), dout.mean(axis=0, keepdims=True)


ADD = twin("outer sum", OuterSum, normal((3, 1), (1, 3)))


class ScaledChannels:
    """x times a learned scale per channel, minus a learned shift: (N, C, T) with (C, 1)."""

    def __init__(self, s, m):
        self.s, self.m = s, m

    def forward(self, x):
        self.x = x
        return x * self.s - self.m

    def backward(self, dout):
        self.ds = (dout * self.x).sum(axis=(0, 2))[:, None]
        self.dm = -dout.sum(axis=(0, 2))[:, None]
        return dout * self.s


class ShiftAdded(ScaledChannels):
    """The shift is subtracted, and its gradient has the sign of a sum."""

    def backward(self, dout):
        dx = super().backward(dout)
        self.dm = dout.sum(axis=(0, 2))[:, None]
        return dx


class ScaleWithoutInput(ScaledChannels):
    """The scale's gradient adds up dout, as if it had been added and not multiplied."""

    def backward(self, dout):
        dx = super().backward(dout)
        self.ds = dout.sum(axis=(0, 2))[:, None]
        return dx


class ScaleOfTheFirstTime(ScaledChannels):
    """The scale's gradient is summed over the batch and not over time."""

    def backward(self, dout):
        dx = super().backward(dout)
        self.ds = (dout * self.x).sum(axis=0)[:, :1]
        return dx


SCALED = twin(
    "scaled channels",
    ScaledChannels,
    normal((2, 3, 4)),
    arguments=normal((3, 1), (3, 1)),
    param_grads={"s": "ds", "m": "dm"},
    rows=("x",),
)


class LearnedScale:
    """x times one learned number."""

    def __init__(self, s):
        self.s = s

    def forward(self, x):
        self.x = x
        return self.s * x

    def backward(self, dout):
        self.ds = np.asarray((dout * self.x).sum())
        return self.s * dout


class OneGradientPerEntry(LearnedScale):
    """The number's gradient is not summed."""

    def backward(self, dout):
        dx = super().backward(dout)
        self.ds = dout * self.x
        return dx


class MeanOverTheBatch(LearnedScale):
    """The number's gradient is summed over the features and averaged over the batch."""

    def backward(self, dout):
        dx = super().backward(dout)
        self.ds = np.asarray((dout * self.x).sum() / len(self.x))
        return dx


SCALE = twin(
    "learned scale",
    LearnedScale,
    normal((3, 2)),
    arguments=lambda rng: (np.asarray(rng.normal()),),
    param_grads={"s": "ds"},
    rows=("x",),
)


class Divide:
    """a / b."""

    def forward(self, a, b):
        self.a, self.b = a, b
        return a / b

    def backward(self, dout):
        return dout / self.b, -dout * self.a / self.b**2


class DenominatorNotSquared(Divide):
    """db divides by b instead of b²."""

    def backward(self, dout):
        return dout / self.b, -dout * self.a / self.b


class MinusForgotten(Divide):
    """db lacks the minus of 1/b's derivative."""

    def backward(self, dout):
        return dout / self.b, dout * self.a / self.b**2


def ratio(rng):
    """Numbers, and numbers away from zero."""
    return rng.normal(size=(3, 2)), rng.uniform(0.5, 0.9, (3, 2)) * rng.choice([-1, 1], (3, 2))


DIVIDE = twin("divide", Divide, ratio, rows=("a", "b"))


class Power:
    """x to the power of y, of positive x."""

    def forward(self, x, y):
        self.x, self.y, self.z = x, y, x**y
        return self.z

    def backward(self, dout):
        return dout * self.y * self.x ** (self.y - 1), dout * self.z * np.log(self.x)


class ExponentNotLowered(Power):
    """y xʸ instead of y times x to the power of y − 1."""

    def backward(self, dout):
        return dout * self.y * self.z, dout * self.z * np.log(self.x)


class LogarithmOfTheExponent(Power):
    """dy multiplies with log y instead of log x."""

    def backward(self, dout):
        return dout * self.y * self.x ** (self.y - 1), dout * self.z * np.log(self.y)


def powers(rng):
    """Two positive operands."""
    return rng.uniform(0.3, 0.8, (3, 2)), rng.uniform(1.2, 3, (3, 2))


POWERS = twin("power", Power, powers, rows=("x", "y"))


class Blend:
    """w a + (1 − w) b."""

    def forward(self, a, b, w):
        self.a, self.b, self.w = a, b, w
        return w * a + (1 - w) * b

    def backward(self, dout):
        return dout * self.w, dout * (1 - self.w), (dout * (self.a - self.b)).sum(axis=1)[:, None]


class BlendTurnedRound(Blend):
    """The weight's gradient has b − a where a − b belongs."""

    def backward(self, dout):
        da, db, dw = super().backward(dout)
        return da, db, -dw


class SecondShareForgotten(Blend):
    """The weight also stands in 1 − w; dw contains the first share only."""

    def backward(self, dout):
        da, db, _ = super().backward(dout)
        return da, db, (dout * self.a).sum(axis=1, keepdims=True)


BLEND = twin("blend", Blend, normal((3, 2), (3, 2), (3, 1)), rows=("a", "b", "w"))


TWINS = [ADD, SCALED, SCALE, DIVIDE, POWERS, BLEND]
WRONG = [
    slip(ADD, SummedAlongTheOther, AXIS, "da", alike=(TRANSPOSED,)),
    slip(ADD, NotSummed, BROADCAST, "db"),
    slip(ADD, AveragedOverCopies, DIVIDED, "db"),
    slip(SCALED, ShiftAdded, SIGN, "dm"),
    slip(SCALED, ScaleWithoutInput, CHAIN, "ds"),
    slip(SCALED, ScaleOfTheFirstTime, BROADCAST, "ds"),
    slip(SCALE, OneGradientPerEntry, BROADCAST, "ds"),
    slip(SCALE, MeanOverTheBatch, DIVIDED, "ds"),
    slip(DIVIDE, DenominatorNotSquared, POWER, "db"),
    slip(DIVIDE, MinusForgotten, SIGN, "db"),
    slip(POWERS, ExponentNotLowered, POWER, "dx"),
    slip(POWERS, LogarithmOfTheExponent, OPERAND, "dy"),
    slip(BLEND, BlendTurnedRound, SIGN, "dw"),
    slip(BLEND, SecondShareForgotten, TERM, "dw"),
]
