"""Losses of numbers: squared and robust errors, divergences, distances, likelihoods."""

import numpy as np

from zoo.causes import (
    BRANCH,
    CHAIN,
    CONSTANT,
    COUNT,
    DETACHED,
    FACTOR,
    MASK,
    POWER,
    SIGN,
    TERM,
    WRONG_MASK,
)
from zoo.functions import softmax
from zoo.specimen import normal, slip, twin


class MeanSquare:
    """The mean over all entries of (y − t)²; both operands can be differentiated."""

    def forward(self, y, t):
        self.r = y - t
        return (self.r**2).mean()

    def backward(self, dout=1.0):
        dy = dout * 2 * self.r / self.r.size
        return dy, -dy


class TwoForgotten(MeanSquare):
    """The 2 of the square is left out."""

    def backward(self, dout=1.0):
        dy = dout * self.r / self.r.size
        return dy, -dy


class DividedByRows(MeanSquare):
    """The mean over all entries is differentiated as a mean over the rows."""

    def backward(self, dout=1.0):
        dy = dout * 2 * self.r / len(self.r)
        return dy, -dy


class TargetLikePrediction(MeanSquare):
    """The target's gradient has the sign of the prediction's."""

    def backward(self, dout=1.0):
        dy = dout * 2 * self.r / self.r.size
        return dy, dy.copy()


class SumOfSquares(MeanSquare):
    """The division is left out for both."""

    def backward(self, dout=1.0):
        dy = dout * 2 * self.r
        return dy, -dy


MSE = twin("mean squared error", MeanSquare, normal((4, 3), (4, 3)), rows=("y", "t"), fewest=1)


class Huber:
    """A square within delta, and a line beyond; one loss per row."""

    def __init__(self, delta=0.5):
        self.delta = delta

    def forward(self, y, t):
        self.r = y - t
        inside = np.abs(self.r) <= self.delta
        line = self.delta * (np.abs(self.r) - 0.5 * self.delta)
        return np.where(inside, 0.5 * self.r**2, line).sum(axis=1)

    def slope(self):
        return np.clip(self.r, -self.delta, self.delta)

    def backward(self, dout):
        return dout[:, None] * self.slope()


class LineWithoutDelta(Huber):
    """On the line the slope is ±1 instead of ±delta."""

    def slope(self):
        return np.where(np.abs(self.r) <= self.delta, self.r, np.sign(self.r))


class LineWithoutSign(Huber):
    """On the line the slope is delta, for negative errors too."""

    def slope(self):
        return np.where(np.abs(self.r) <= self.delta, self.r, self.delta)


class DeltaIsOne(Huber):
    """The backward cuts at 1, whatever delta is."""

    def slope(self):
        return np.clip(self.r, -1, 1)


class SquareEverywhere(Huber):
    """The backward knows the square only, not the line."""

    def slope(self):
        return self.r


def errors_of_both_kinds(rng):
    """Errors inside ±0.5, a little beyond, and far beyond, of both signs."""
    r = rng.permutation([-3.0, -0.8, -0.3, 0.1, 0.4, 0.7, 2.0, -0.2, 1.5]).reshape(3, 3)
    t = rng.normal(size=(3, 3))
    return t + r, t


HUBER = twin("huber", Huber, errors_of_both_kinds, fixed=("t",), rows=("y", "t"))


class SquaredHinge:
    """The mean of max(0, 1 − t y)² for labels ±1."""

    def forward(self, y, t):
        self.y, self.t = y, t
        self.margin = np.maximum(0, 1 - t * y)
        return (self.margin**2).mean()

    def backward(self, dout=1.0):
        return -2 * dout * self.t * self.margin / self.y.size


class MarginNotMultiplied(SquaredHinge):
    """The slope is that of the plain hinge: the margin itself is missing."""

    def backward(self, dout=1.0):
        return -2 * dout * self.t * (self.margin > 0) / self.y.size


class WrongSideOnly(SquaredHinge):
    """The mask asks for a wrong sign, t y < 0; right answers inside the margin count too."""

    def backward(self, dout=1.0):
        return -2 * dout * self.t * self.margin * (self.t * self.y < 0) / self.y.size


class LabelForgotten(SquaredHinge):
    """The inner derivative −t is written as −1: right for positive labels."""

    def backward(self, dout=1.0):
        return -2 * dout * self.margin / self.y.size


def margins(rng):
    """Wrong answers, right ones inside the margin, and right ones beyond it."""
    ty = rng.permutation([-1.0, -0.4, 0.3, 0.6, 1.5, 2.0])
    t = rng.permutation([1.0, -1.0, 1.0, -1.0, 1.0, -1.0])
    return ty * t, t


SQUARED_HINGE = twin(
    "squared hinge", SquaredHinge, margins, fixed=("t",), rows=("y", "t"), fewest=1
)


class Divergence:
    """KL(p ‖ q) for each row; neither needs to sum to 1."""

    def forward(self, p, q):
        self.p, self.q = p, q
        return (p * np.log(p / q) - p + q).sum(axis=1)

    def backward(self, dout):
        d = dout[:, None]
        return d * np.log(self.p / self.q), d * (1 - self.p / self.q)


class MassOfQForgotten(Divergence):
    """dq is −p / q: that the divergence also contains + q is forgotten."""

    def backward(self, dout):
        return super().backward(dout)[0], -dout[:, None] * self.p / self.q


class RatioTurnedRound(Divergence):
    """dp is the logarithm of q / p."""

    def backward(self, dout):
        return dout[:, None] * np.log(self.q / self.p), super().backward(dout)[1]


def densities(rng):
    """Positive numbers."""
    return rng.uniform(0.2, 1, (3, 4)), rng.uniform(0.2, 1, (3, 4))


KL = twin("kl divergence", Divergence, densities, rows=("p", "q"))


class DistillationLoss:
    """KL of softmax(x / T) from a teacher's probabilities, times T²."""

    def __init__(self, temperature=3.0):
        self.temperature = temperature

    def forward(self, x, t):
        self.y, self.t = softmax(x / self.temperature), t
        return self.temperature**2 * (t * np.log(t / self.y)).sum() / len(x)

    def backward(self, dout=1.0):
        return dout * self.temperature * (self.y - self.t) / len(self.y)


class SquareOfTheTemperature(DistillationLoss):
    """T² stays, although the inner 1 / T cancels one of them."""

    def backward(self, dout=1.0):
        return dout * self.temperature**2 * (self.y - self.t) / len(self.y)


def taught(rng):
    """Scores of a student and probabilities of a teacher."""
    return rng.normal(size=(3, 4)), softmax(rng.normal(size=(3, 4)))


DISTILLATION = twin(
    "distillation", DistillationLoss, taught, fixed=("t",), rows=("x", "t"), fewest=1
)


class Triplet:
    """max(0, |a − p|² − |a − n|² + 1) for each row."""

    def forward(self, a, p, n):
        self.to_p, self.to_n = a - p, a - n
        gap = (self.to_p**2).sum(axis=1) - (self.to_n**2).sum(axis=1) + 1
        self.active = gap > 0
        return np.maximum(gap, 0)

    def scale(self, dout):
        return 2 * (dout * self.active)[:, None]

    def backward(self, dout):
        d = self.scale(dout)
        return d * (self.to_p - self.to_n), -d * self.to_p, d * self.to_n


class SatisfiedTripletsLearn(Triplet):
    """Triplets beyond the margin receive a gradient too."""

    def scale(self, dout):
        return 2 * dout[:, None]


class NegativePulledCloser(Triplet):
    """The negative's gradient has the wrong sign."""

    def backward(self, dout):
        da, dp, dn = super().backward(dout)
        return da, dp, -dn


class AnchorSeesPositiveOnly(Triplet):
    """The anchor stands in both distances; its gradient contains one."""

    def backward(self, dout):
        _, dp, dn = super().backward(dout)
        return -dp, dp, dn


def triplets(rng):
    """Two rows inside the margin and two beyond."""
    a, near = rng.normal(size=(4, 3)), 0.5 * rng.normal(size=(4, 3))
    far = np.array([0.2, 0.3, 3.0, 4.0])[:, None] * np.array([1.0, -1.0, 1.0])
    return a, a + 0.2 * near, a + far


TRIPLET = twin("triplet", Triplet, triplets, rows=("a", "p", "n"))


class CosineSimilarity:
    """The cosine of the angle between rows."""

    def forward(self, a, b):
        self.a, self.b = a, b
        self.na = np.sqrt((a**2).sum(axis=1, keepdims=True))
        self.nb = np.sqrt((b**2).sum(axis=1, keepdims=True))
        self.y = (a * b).sum(axis=1, keepdims=True) / (self.na * self.nb)
        return self.y[:, 0]

    def backward(self, dout):
        d = dout[:, None]
        da = d * (self.b / (self.na * self.nb) - self.y * self.a / self.na**2)
        db = d * (self.a / (self.na * self.nb) - self.y * self.b / self.nb**2)
        return da, db


class LengthsAsConstants(CosineSimilarity):
    """Only the inner product is differentiated, not the lengths."""

    def backward(self, dout):
        d = dout[:, None] / (self.na * self.nb)
        return d * self.b, d * self.a


class OwnLengthNotSquared(CosineSimilarity):
    """The second term of da is divided by the length instead of its square."""

    def backward(self, dout):
        d = dout[:, None]
        da = d * (self.b / (self.na * self.nb) - self.y * self.a / self.na)
        return da, super().backward(dout)[1]


COSINE = twin(
    "cosine similarity", CosineSimilarity, normal((3, 4), (3, 4), scale=2.0), rows=("a", "b")
)


class GaussianLikelihood:
    """Minus the log-likelihood of t, given mean and variance, without its constant."""

    def forward(self, mean, var, t):
        self.r, self.var = t - mean, var
        return 0.5 * (np.log(var) + self.r**2 / var)

    def backward(self, dout):
        dvar = 0.5 * dout * (1 / self.var - self.r**2 / self.var**2)
        return -dout * self.r / self.var, dvar


class LogarithmForgotten(GaussianLikelihood):
    """The variance also stands in the logarithm, which is not differentiated."""

    def backward(self, dout):
        return super().backward(dout)[0], -0.5 * dout * self.r**2 / self.var**2


class VarianceNotSquared(GaussianLikelihood):
    """1 / v is differentiated to −1 / v instead of −1 / v²."""

    def backward(self, dout):
        dvar = 0.5 * dout * (1 / self.var - self.r**2 / self.var)
        return super().backward(dout)[0], dvar


def measured(rng):
    """Means, variances and measurements."""
    return rng.normal(size=(3, 2)), rng.uniform(0.3, 0.8, (3, 2)), rng.normal(size=(3, 2))


GAUSSIAN = twin(
    "gaussian likelihood", GaussianLikelihood, measured, fixed=("t",), rows=("mean", "var", "t")
)


class DiceLoss:
    """1 − 2 Σ p t / (Σ p + Σ t) for each row of a mask."""

    def forward(self, p, t):
        self.t = t
        self.overlap = (p * t).sum(axis=1, keepdims=True)
        self.total = (p + t).sum(axis=1, keepdims=True)
        return 1 - 2 * self.overlap[:, 0] / self.total[:, 0]

    def backward(self, dout):
        return -2 * dout[:, None] * (self.t * self.total - self.overlap) / self.total**2


class TotalAsConstant(DiceLoss):
    """The denominator contains p as well and is treated as a constant."""

    def backward(self, dout):
        return -2 * dout[:, None] * self.t / self.total


def masks(rng):
    """Probabilities and a mask of zeros and ones."""
    return rng.uniform(0.1, 0.9, (3, 4)), np.tile([0.0, 1.0, 1.0, 0.0], (3, 1))


DICE = twin("dice loss", DiceLoss, masks, fixed=("t",), rows=("p", "t"))


TWINS = [
    MSE,
    HUBER,
    SQUARED_HINGE,
    KL,
    DISTILLATION,
    TRIPLET,
    COSINE,
    GAUSSIAN,
    DICE,
]
WRONG = [
    slip(MSE, TwoForgotten, FACTOR, "dy", "dt"),
    slip(MSE, DividedByRows, COUNT, "dy", "dt"),
    slip(MSE, TargetLikePrediction, SIGN, "dt"),
    slip(MSE, SumOfSquares, COUNT, "dy", "dt"),
    slip(HUBER, LineWithoutDelta, FACTOR, "dy"),
    slip(HUBER, LineWithoutSign, SIGN, "dy"),
    slip(HUBER, DeltaIsOne, CONSTANT, "dy"),
    slip(HUBER, SquareEverywhere, BRANCH, "dy"),
    slip(SQUARED_HINGE, MarginNotMultiplied, CHAIN, "dy"),
    slip(SQUARED_HINGE, WrongSideOnly, WRONG_MASK, "dy"),
    slip(SQUARED_HINGE, LabelForgotten, SIGN, "dy"),
    slip(KL, MassOfQForgotten, TERM, "dq"),
    slip(KL, RatioTurnedRound, SIGN, "dp"),
    slip(DISTILLATION, SquareOfTheTemperature, FACTOR, "dx"),
    slip(TRIPLET, SatisfiedTripletsLearn, MASK, "da", "dp", "dn"),
    slip(TRIPLET, NegativePulledCloser, SIGN, "dn"),
    slip(TRIPLET, AnchorSeesPositiveOnly, TERM, "da"),
    slip(COSINE, LengthsAsConstants, DETACHED, "da", "db"),
    slip(COSINE, OwnLengthNotSquared, POWER, "da"),
    slip(GAUSSIAN, LogarithmForgotten, TERM, "dvar"),
    slip(GAUSSIAN, VarianceNotSquared, POWER, "dvar"),
    slip(DICE, TotalAsConstant, DETACHED, "dp"),
]
