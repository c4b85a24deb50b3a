"""Activations of one number at a time: relu and its family, tanh and its family."""

import numpy as np

from zoo.causes import (
    BRANCH,
    CHAIN,
    CONSTANT,
    FACTOR,
    MASK,
    OTHER_DERIVATIVE,
    OUTPUT,
    POWER,
    SIGN,
    TERM,
    WRONG_MASK,
)
from zoo.functions import sigmoid
from zoo.specimen import normal, slip, twin


def away_from_zero(rng):
    """Numbers of both signs, none near a kink at 0."""
    x = np.linspace(0.1, 2.0, 6) * [1, -1, 1, -1, 1, -1]
    return (rng.permutation(x).reshape(3, 2),)


class Relu:
    """The book's relu: the mask marks what is not positive."""

    def forward(self, x):
        self.mask = x <= 0
        return np.where(self.mask, 0, x)

    def backward(self, dout):
        return np.where(self.mask, 0, dout)


class Straight(Relu):
    """The gradient passes everywhere, where relu was flat too."""

    def backward(self, dout):
        return dout.copy()


class MaskInverted(Relu):
    """The mask marks what is cut off, and is multiplied with as if it marked what is kept."""

    def backward(self, dout):
        return dout * self.mask


class OnlyAboveOne(Relu):
    """The mask looks at x as an integer: entries between 0 and 1 are cut off too."""

    def forward(self, x):
        self.kept = x.astype(int) > 0
        return super().forward(x)

    def backward(self, dout):
        return dout * self.kept


RELU = twin("relu", Relu, away_from_zero, rows=("x",))


class Relu6:
    """relu, cut off at 6."""

    def forward(self, x):
        self.x = x
        return np.clip(x, 0, 6)

    def backward(self, dout):
        return dout * ((self.x > 0) & (self.x < 6))


class NotCutOffAbove(Relu6):
    """The backward knows the kink at 0 and not the one at 6."""

    def backward(self, dout):
        return dout * (self.x > 0)


def around_six(rng):
    """Numbers below 0, between 0 and 6, and above 6."""
    return (rng.permutation([-3.0, -1.0, 1.0, 2.5, 5.0, 7.0, 8.0, 9.0]).reshape(4, 2),)


RELU6 = twin("relu6", Relu6, around_six, rows=("x",))


class LeakyRelu:
    """relu with a slope on the negative side."""

    def __init__(self, slope=0.2):
        self.slope = slope

    def forward(self, x):
        self.x = x
        return np.where(x > 0, x, self.slope * x)

    def backward(self, dout):
        return np.where(self.x > 0, dout, self.slope * dout)


class NoLeak(LeakyRelu):
    """The backward is that of relu: nothing passes on the negative side."""

    def backward(self, dout):
        return dout * (self.x > 0)


class SlopeByDefault(LeakyRelu):
    """The slope is 0.01, as in the paper, whatever the layer was made with."""

    def backward(self, dout):
        return np.where(self.x > 0, dout, 0.01 * dout)


class LeakOnTheWrongSide(LeakyRelu):
    """The two cases are exchanged."""

    def backward(self, dout):
        return np.where(self.x < 0, dout, self.slope * dout)


class SlopeOfTheSign(LeakyRelu):
    """The negative side has the slope −0.2, as if the function went up on both sides."""

    def backward(self, dout):
        return np.where(self.x > 0, dout, -self.slope * dout)


LEAKY = twin("leaky relu", LeakyRelu, away_from_zero, rows=("x",))


class Elu:
    """x above 0, and alpha times exp(x) − 1 below."""

    def __init__(self, alpha=1.5):
        self.alpha = alpha

    def forward(self, x):
        self.x = x
        self.y = np.where(x > 0, x, self.alpha * (np.exp(np.minimum(x, 0)) - 1))
        return self.y

    def backward(self, dout):
        return dout * np.where(self.x > 0, 1, self.y + self.alpha)


class AlphaNotAdded(Elu):
    """Below 0 the derivative is y; it is y + alpha."""

    def backward(self, dout):
        return dout * np.where(self.x > 0, 1, self.y)


class AlphaForgotten(Elu):
    """Below 0 the derivative is exp(x), which is right for alpha = 1."""

    def backward(self, dout):
        return dout * np.where(self.x > 0, 1, np.exp(self.x))


ELU = twin("elu", Elu, away_from_zero, rows=("x",))


class Gelu:
    """The tanh form of x times the normal distribution function."""

    c = 0.7978845608028654  # the root of 2 / π

    def forward(self, x):
        self.x = x
        self.t = np.tanh(self.c * (x + 0.044715 * x**3))
        return 0.5 * x * (1 + self.t)

    def inner_slope(self):
        return self.c * (1 + 3 * 0.044715 * self.x**2)

    def slope(self):
        return 0.5 * (1 + self.t) + 0.5 * self.x * (1 - self.t**2) * self.inner_slope()

    def backward(self, dout):
        return dout * self.slope()


class FirstFactorOnly(Gelu):
    """The product rule stops after the first term."""

    def slope(self):
        return 0.5 * (1 + self.t)


class CubeWithoutThree(Gelu):
    """The derivative of the cube lacks its 3."""

    def inner_slope(self):
        return self.c * (1 + 0.044715 * self.x**2)


class ConstantRounded(Gelu):
    """The constant 0.044715 is written as 0.04 in the backward."""

    def inner_slope(self):
        return self.c * (1 + 3 * 0.04 * self.x**2)


class SigmoidForm(Gelu):
    """The derivative is that of x σ(1.702 x), the other approximation: a percent off."""

    def slope(self):
        s = sigmoid(1.702 * self.x)
        return s + 1.702 * self.x * s * (1 - s)


GELU = twin("gelu", Gelu, normal((3, 4), scale=1.5), rows=("x",))


class Swish:
    """x σ(βx)."""

    def __init__(self, beta=1.5):
        self.beta = beta

    def forward(self, x):
        self.x, self.s = x, sigmoid(self.beta * x)
        return x * self.s

    def backward(self, dout):
        return dout * (self.s + self.x * self.beta * self.s * (1 - self.s))


class BetaForgotten(Swish):
    """σ(βx) is differentiated as σ(x) is: the inner β is forgotten."""

    def backward(self, dout):
        return dout * (self.s + self.x * self.s * (1 - self.s))


class SigmoidAsConstant(Swish):
    """The gate multiplies and is not differentiated."""

    def backward(self, dout):
        return dout * self.s


SWISH = twin("swish", Swish, normal((3, 4)), rows=("x",))


class Tanh:
    """The hyperbolic tangent."""

    def forward(self, x):
        self.x, self.y = x, np.tanh(x)
        return self.y

    def backward(self, dout):
        return dout * (1 - self.y**2)


class OneMinusInputSquared(Tanh):
    """1 − x² instead of 1 − y²: nearly right for small x."""

    def backward(self, dout):
        return dout * (1 - self.x**2)


class SquareForgotten(Tanh):
    """1 − y instead of 1 − y²."""

    def backward(self, dout):
        return dout * (1 - self.y)


class SigmoidsDerivative(Tanh):
    """y (1 − y), which is the derivative of the sigmoid."""

    def backward(self, dout):
        return dout * self.y * (1 - self.y)


TANH = twin("tanh", Tanh, normal((3, 4), scale=0.5), rows=("x",))


class Sigmoid:
    """The logistic function."""

    def forward(self, x):
        self.out = sigmoid(x)
        return self.out

    def backward(self, dout):
        return dout * self.out * (1 - self.out)


class SigmoidOfTheOutput(Sigmoid):
    """The derivative applies the sigmoid once more to the output that was kept."""

    def backward(self, dout):
        s = sigmoid(self.out)
        return dout * s * (1 - s)


class PlusForMinus(Sigmoid):
    """The derivative is out (1 + out), with a plus for the minus."""

    def backward(self, dout):
        return dout * self.out * (1 + self.out)


SIGMOID = twin("sigmoid", Sigmoid, normal((3, 4)), rows=("x",))


class Softplus:
    """log(1 + exp(βx)) / β."""

    def __init__(self, beta=2.0):
        self.beta = beta

    def forward(self, x):
        self.x = x
        return np.logaddexp(0, self.beta * x) / self.beta

    def backward(self, dout):
        return dout * sigmoid(self.beta * self.x)


class StillDividedByBeta(Softplus):
    """The inner β cancels the 1/β in front; only the latter is written down."""

    def backward(self, dout):
        return dout * sigmoid(self.beta * self.x) / self.beta


class SigmoidWithoutBeta(Softplus):
    """The derivative is σ(x) where it should be σ(βx)."""

    def backward(self, dout):
        return dout * sigmoid(self.x)


SOFTPLUS = twin("softplus", Softplus, normal((3, 4)), rows=("x",))


class Softsign:
    """x / (1 + |x|)."""

    def forward(self, x):
        self.x = x
        return x / (1 + np.abs(x))

    def backward(self, dout):
        return dout / (1 + np.abs(self.x)) ** 2


class DenominatorNotSquared(Softsign):
    """The quotient rule's denominator is not squared."""

    def backward(self, dout):
        return dout / (1 + np.abs(self.x))


class AbsoluteValueForgotten(Softsign):
    """1 / (1 + x)², without the absolute value: right for positive x."""

    def backward(self, dout):
        return dout / (1 + self.x) ** 2


SOFTSIGN = twin("softsign", Softsign, away_from_zero, rows=("x",))


class SoftShrink:
    """x moved towards 0 by λ, and 0 where it would pass it."""

    def __init__(self, lam=0.5):
        self.lam = lam

    def forward(self, x):
        self.x = x
        return np.sign(x) * np.maximum(np.abs(x) - self.lam, 0)

    def backward(self, dout):
        return dout * (np.abs(self.x) > self.lam)


class PositiveSideOnly(SoftShrink):
    """The mask asks x > λ and cuts off the large negative entries."""

    def backward(self, dout):
        return dout * (self.x > self.lam)


def around_a_half(rng):
    """Numbers on both sides of −0.5 and 0.5."""
    return (rng.permutation([-2.0, -0.8, -0.3, 0.2, 0.4, 0.9, 1.5, -1.1]).reshape(4, 2),)


SHRINK = twin("soft shrink", SoftShrink, around_a_half, rows=("x",))


TWINS = [RELU, RELU6, LEAKY, ELU, GELU, SWISH, TANH, SIGMOID, SOFTPLUS, SOFTSIGN, SHRINK]
WRONG = [
    slip(RELU, Straight, MASK, "dx"),
    slip(RELU, MaskInverted, BRANCH, "dx"),
    slip(RELU, OnlyAboveOne, WRONG_MASK, "dx"),
    slip(RELU6, NotCutOffAbove, MASK, "dx"),
    slip(LEAKY, NoLeak, BRANCH, "dx"),
    slip(LEAKY, SlopeByDefault, CONSTANT, "dx"),
    slip(LEAKY, LeakOnTheWrongSide, BRANCH, "dx"),
    slip(LEAKY, SlopeOfTheSign, SIGN, "dx"),
    slip(ELU, AlphaNotAdded, TERM, "dx"),
    slip(ELU, AlphaForgotten, FACTOR, "dx"),
    slip(GELU, FirstFactorOnly, TERM, "dx"),
    slip(GELU, CubeWithoutThree, FACTOR, "dx"),
    slip(GELU, ConstantRounded, CONSTANT, "dx"),
    slip(GELU, SigmoidForm, OTHER_DERIVATIVE, "dx"),
    slip(SWISH, BetaForgotten, CHAIN, "dx", alike=(FACTOR,)),
    slip(SWISH, SigmoidAsConstant, TERM, "dx"),
    slip(TANH, OneMinusInputSquared, OUTPUT, "dx"),
    slip(TANH, SquareForgotten, POWER, "dx"),
    slip(TANH, SigmoidsDerivative, OTHER_DERIVATIVE, "dx"),
    slip(SIGMOID, SigmoidOfTheOutput, OUTPUT, "dx"),
    slip(SIGMOID, PlusForMinus, SIGN, "dx"),
    slip(SOFTPLUS, StillDividedByBeta, FACTOR, "dx"),
    slip(SOFTPLUS, SigmoidWithoutBeta, CONSTANT, "dx", alike=(FACTOR,)),
    slip(SOFTSIGN, DenominatorNotSquared, POWER, "dx", alike=(TERM,)),
    slip(SOFTSIGN, AbsoluteValueForgotten, SIGN, "dx"),
    slip(SHRINK, PositiveSideOnly, BRANCH, "dx", alike=(WRONG_MASK,)),
]
