"""Contracts of memory: who may write where, and who shares memory with whom."""

import numpy as np

from zoo.activations import RELU, TANH, Relu, Tanh
from zoo.affine import AFFINE, RIDGE, TANH_DENSE, Affine, Ridge, TanhDense
from zoo.attention import POSITIONS, Positions
from zoo.causes import (
    ALIASES_BUFFER,
    ALIASES_DOUT,
    MUTATES_DOUT,
    MUTATES_INPUT,
    MUTATES_OUTPUT,
    MUTATES_PARAMETER,
    SECOND_BACKWARD,
    SHARES_MEMORY,
    STATE_IN_BACKWARD,
    WRONG_VALUE,
)
from zoo.losses import LANGUAGE, LanguageLoss
from zoo.normalisation import UNIT_ROWS, UnitRows
from zoo.recurrent import UNROLLED, Unrolled
from zoo.reductions import SUM, SumOfRows
from zoo.shaping import JOIN, Join
from zoo.softmaxes import SOFTMAX, Softmax
from zoo.specimen import normal, slip, twin


class Total:
    """a + b."""

    def forward(self, a, b):
        return a + b

    def backward(self, dout):
        return dout.copy(), dout.copy()


class Midpoint:
    """(a + b) / 2."""

    def forward(self, a, b):
        return (a + b) / 2

    def backward(self, dout):
        return dout / 2, dout / 2


class Square:
    """x²."""

    def forward(self, x):
        self.x = x
        return x**2

    def backward(self, dout):
        return 2 * self.x * dout


class Exponential:
    """exp(x)."""

    def forward(self, x):
        self.y = np.exp(x)
        return self.y

    def backward(self, dout):
        return self.y * dout


TOTAL = twin("total", Total, normal((3, 2), (3, 2)), rows=("a", "b"))
MIDPOINT = twin("midpoint", Midpoint, normal((3, 2), (3, 2)), rows=("a", "b"))
SQUARE = twin("square", Square, normal((3, 2)), rows=("x",))
EXPONENTIAL = twin("exponential", Exponential, normal((3, 2)), rows=("x",))


class ZeroesDout(Relu):
    """The book's relu: the mask is applied to dout itself, which is then returned."""

    def backward(self, dout):
        dout[self.mask] = 0
        return dout


class ScalesDout(TanhDense):
    """dout is multiplied by tanh's derivative in place."""

    def backward(self, dout):
        dout *= 1 - self.y**2
        return Affine.backward(self, dout)


class SubtractsFromDout(Softmax):
    """The inner sum is subtracted from dout in place."""

    def jacobian(self, dout):
        dout -= (dout * self.y).sum(axis=-1, keepdims=True)
        return self.y * dout


class CutsOffTheInput(Relu):
    """The forward sets the caller's negative entries to zero and returns the same array."""

    def forward(self, x):
        self.mask = x <= 0
        x[self.mask] = 0
        return x


class ScalesTheInput(UnitRows):
    """The forward divides the caller's array in place."""

    def forward(self, x):
        self.length = np.sqrt((x**2).sum(axis=1, keepdims=True))
        x /= self.length
        self.y = x
        return self.y


class RewritesLabels(LanguageLoss):
    """The forward replaces the caller's labels −1 by 0, to be able to look them up."""

    def forward(self, x, t):
        y, valid = super().forward(x, t), t >= 0
        t[~valid] = 0
        self.t, self.valid = t, valid
        return y


class DoublesTheInput(Square):
    """The backward doubles the array that was passed in, instead of a copy."""

    def backward(self, dout):
        self.x *= 2
        return self.x * dout


class ReusesTheOutput(Exponential):
    """The backward multiplies dout into the array that the forward returned."""

    def backward(self, dout):
        self.y *= dout
        return self.y


class ShrinksTheWeight(Ridge):
    """The penalty's gradient is computed in W itself."""

    def penalty(self):
        g = self.W
        g *= self.lam
        return g


class LearnsInBackward(Affine):
    """The backward takes a step of gradient descent as well."""

    def backward(self, dout):
        dx = super().backward(dout)
        self.W -= 0.01 * self.dW
        self.b -= 0.01 * self.db
        return dx


class PassesDoutOn(Positions):
    """dx is dout, not a copy: whoever adds to the one adds to the other."""

    def backward(self, dout):
        super().backward(dout)
        return dout


class StretchesDout(SumOfRows):
    """dx is a view of dout, stretched by broadcasting."""

    def backward(self, dout):
        return np.broadcast_to(dout[:, None], self.shape)


class CutsViewsOfDout(Join):
    """The three gradients are slices of dout."""

    def backward(self, dout):
        return tuple(np.split(dout, np.cumsum(self.widths)[:-1], axis=1))


class SameForBoth(Total):
    """Both gradients are dout: adding to one adds to both."""

    def backward(self, dout):
        return dout, dout


class OneHalfTwice(Midpoint):
    """The half is computed once and returned for both operands."""

    def backward(self, dout):
        half = dout / 2
        return half, half


class OneZeroForBoth(Unrolled):
    """`self.dWx = self.dWh = zeros` makes one array of the two, and both sums go into it."""

    def collect(self, t, dt):
        self.dWh = self.dWx
        super().collect(t, dt)


class KeepsItsGradient(Relu):
    """dx is written into an array that is kept: the next backward overwrites this one's."""

    dx = None

    def backward(self, dout):
        if self.dx is None or self.dx.shape != dout.shape or self.dx.dtype != dout.dtype:
            self.dx = np.empty_like(dout)
        np.multiply(dout, ~self.mask, out=self.dx)
        return self.dx


class KeepsItsOutput(Tanh):
    """The output is written into an array that is kept: the next forward overwrites it."""

    def forward(self, x):
        kept = getattr(self, "y", None)
        if kept is None or kept.shape != x.shape or kept.dtype != x.dtype:
            self.y = np.empty_like(x)
        return np.tanh(x, out=self.y)


TWINS = [TOTAL, MIDPOINT, SQUARE, EXPONENTIAL]
WRONG = [
    slip(RELU, ZeroesDout, MUTATES_DOUT, "dout", also=(ALIASES_DOUT,)),
    slip(TANH_DENSE, ScalesDout, MUTATES_DOUT, "dout"),
    slip(SOFTMAX, SubtractsFromDout, MUTATES_DOUT, "dout"),
    slip(RELU, CutsOffTheInput, MUTATES_INPUT, "x"),
    slip(UNIT_ROWS, ScalesTheInput, MUTATES_INPUT, "x"),
    slip(LANGUAGE, RewritesLabels, MUTATES_INPUT, "t"),
    slip(SQUARE, DoublesTheInput, MUTATES_INPUT, "x", also=(SECOND_BACKWARD,)),
    slip(
        EXPONENTIAL,
        ReusesTheOutput,
        MUTATES_OUTPUT,
        "y",
        also=(SHARES_MEMORY, SECOND_BACKWARD),
    ),
    slip(
        RIDGE,
        ShrinksTheWeight,
        MUTATES_PARAMETER,
        "W",
        also=(SECOND_BACKWARD, STATE_IN_BACKWARD),
    ),
    slip(
        AFFINE,
        LearnsInBackward,
        MUTATES_PARAMETER,
        "W",
        "b",
        also=(SECOND_BACKWARD, STATE_IN_BACKWARD),
    ),
    slip(POSITIONS, PassesDoutOn, ALIASES_DOUT, "dx"),
    slip(SUM, StretchesDout, ALIASES_DOUT, "dx"),
    slip(JOIN, CutsViewsOfDout, ALIASES_DOUT, "da", "db", "dc"),
    slip(TOTAL, SameForBoth, ALIASES_DOUT, "da", "db", also=(SHARES_MEMORY,)),
    slip(MIDPOINT, OneHalfTwice, SHARES_MEMORY, "da", "db"),
    slip(UNROLLED, OneZeroForBoth, SHARES_MEMORY, "dWx", "dWh", also=(WRONG_VALUE,)),
    slip(RELU, KeepsItsGradient, ALIASES_BUFFER, "dx"),
    slip(TANH, KeepsItsOutput, ALIASES_BUFFER, "y"),
]
