"""Reductions: sums, means, the largest, spread, norms, products, all pairs of rows."""

import numpy as np

from zoo.causes import (
    AXIS,
    CHAIN,
    COUNT,
    DETACHED,
    FACTOR,
    NOT_DIVIDED,
    OPERAND,
    POWER,
    SIGN,
    TERM,
    TRANSPOSED,
    WRONG_MASK,
)
from zoo.functions import softmax
from zoo.pooling import distinct
from zoo.specimen import normal, slip, twin


class SumOfRows:
    """x.sum(axis=1)."""

    def forward(self, x):
        self.shape = x.shape
        return x.sum(axis=1)

    def backward(self, dout):
        return np.repeat(dout[:, None], self.shape[1], axis=1)


class SpreadDownTheColumns(SumOfRows):
    """dout is spread along the wrong axis; x is square."""

    def backward(self, dout):
        return np.repeat(dout[None], self.shape[1], axis=0)


SUM = twin("sum of rows", SumOfRows, normal((3, 3)), rows=("x",))


class MeanOfColumns:
    """x.mean(axis=0)."""

    def forward(self, x):
        self.shape = x.shape
        return x.mean(axis=0)

    def backward(self, dout):
        return np.tile(dout, (self.shape[0], 1)) / self.shape[0]


class DividedByTheOtherAxis(MeanOfColumns):
    """The mean over the rows is divided by the number of columns."""

    def backward(self, dout):
        return np.tile(dout, (self.shape[0], 1)) / self.shape[1]


class NotDivided(MeanOfColumns):
    """The mean is differentiated as a sum."""

    def backward(self, dout):
        return np.tile(dout, (self.shape[0], 1))


MEAN = twin("mean of columns", MeanOfColumns, normal((4, 3)), rows=("x",), fewest=1)


class MaxOfRows:
    """x.max(axis=1)."""

    def forward(self, x):
        self.x, self.y = x, x.max(axis=1)
        return self.y

    def mask(self):
        return self.x == self.y[:, None]

    def backward(self, dout):
        return dout[:, None] * self.mask()


class LargestOfAll(MaxOfRows):
    """The mask asks for the largest entry of the whole array."""

    def mask(self):
        return self.x == self.x.max()


class LargestOfTheColumn(MaxOfRows):
    """The mask asks for the largest entry of each column."""

    def mask(self):
        return self.x == self.x.max(axis=0)


MAX = twin("max of rows", MaxOfRows, distinct(3, 4), rows=("x",))


class VarianceOfRows:
    """The unbiased variance, x.var(axis=1, ddof=1)."""

    def forward(self, x):
        self.xc = x - x.mean(axis=1, keepdims=True)
        self.x = x
        return (self.xc**2).sum(axis=1) / (x.shape[1] - 1)

    def backward(self, dout):
        return 2 * dout[:, None] * self.xc / (self.x.shape[1] - 1)


class BiasedDivisor(VarianceOfRows):
    """The backward divides by n, the forward by n − 1."""

    def backward(self, dout):
        return 2 * dout[:, None] * self.xc / self.x.shape[1]


class NotCentred(VarianceOfRows):
    """The backward multiplies with x instead of its distance from the mean."""

    def backward(self, dout):
        return 2 * dout[:, None] * self.x / (self.x.shape[1] - 1)


VARIANCE = twin("variance of rows", VarianceOfRows, normal((3, 4)), rows=("x",))


class DeviationOfRows:
    """x.std(axis=1)."""

    def forward(self, x):
        self.xc = x - x.mean(axis=1, keepdims=True)
        self.y = np.sqrt((self.xc**2).mean(axis=1))
        return self.y

    def backward(self, dout):
        y = np.where(self.y > 0, self.y, 1)
        return (dout / y)[:, None] * self.xc / self.xc.shape[1]


class RootNotDifferentiated(DeviationOfRows):
    """The division by the deviation is missing: half of the variance's derivative."""

    def backward(self, dout):
        return dout[:, None] * self.xc / self.xc.shape[1]


class HalfOfTheRootForgotten(DeviationOfRows):
    """The 2 of the square is there and the one half of the root is not."""

    def backward(self, dout):
        return 2 * (dout / self.y)[:, None] * self.xc / self.xc.shape[1]


DEVIATION = twin("deviation of rows", DeviationOfRows, normal((3, 4), scale=2.0), rows=("x",))


class CubicNorm:
    """The p-norm of each row, for p = 3."""

    def forward(self, x):
        self.x = x
        self.y = (np.abs(x) ** 3).sum(axis=1) ** (1 / 3)
        return self.y

    def backward(self, dout):
        y = np.where(self.y > 0, self.y, 1)
        return (dout / y**2)[:, None] * self.x * np.abs(self.x)


class SignLost(CubicNorm):
    """x² instead of x |x|: right for positive entries."""

    def backward(self, dout):
        return (dout / self.y**2)[:, None] * self.x**2


class NormToTheFirst(CubicNorm):
    """Divided by the norm instead of its square, as for the Euclidean norm."""

    def backward(self, dout):
        return (dout / self.y)[:, None] * self.x * np.abs(self.x)


CUBIC = twin("cubic norm", CubicNorm, normal((3, 4), scale=2.0), rows=("x",))


class LogSumExp:
    """The logarithm of the sum of exponentials of each row."""

    def forward(self, x):
        self.x, top = x, x.max(axis=1)
        return top + np.log(np.exp(x - top[:, None]).sum(axis=1))

    def backward(self, dout):
        return dout[:, None] * softmax(self.x, axis=1)


class SoftmaxOfAll(LogSumExp):
    """The softmax runs over the whole array instead of each row."""

    def backward(self, dout):
        return dout[:, None] * softmax(self.x, axis=(0, 1))


LOGSUMEXP = twin("logsumexp of rows", LogSumExp, normal((3, 4)), rows=("x",))


class ProductOfRows:
    """x.prod(axis=1)."""

    def forward(self, x):
        self.x, self.y = x, x.prod(axis=1)
        return self.y

    def others(self):
        columns = range(self.x.shape[1])
        return np.stack([np.delete(self.x, j, axis=1).prod(axis=1) for j in columns], axis=1)

    def backward(self, dout):
        return dout[:, None] * self.others()


class MultipliedByTheEntry(ProductOfRows):
    """The product is multiplied by the entry instead of divided."""

    def others(self):
        return self.y[:, None] * self.x


def off_zero(rng):
    """Numbers of both signs away from zero."""
    return (rng.uniform(0.5, 1.5, (3, 4)) * rng.choice([-1.0, 1.0], (3, 4)),)


PRODUCT = twin("product of rows", ProductOfRows, off_zero, rows=("x",))


class WeightedMean:
    """Σ w x / Σ w along the rows."""

    def forward(self, x, w):
        self.x, self.w, self.total = x, w, w.sum(axis=1, keepdims=True)
        self.y = (w * x).sum(axis=1, keepdims=True) / self.total
        return self.y[:, 0]

    def backward(self, dout):
        d = dout[:, None] / self.total
        return d * self.w, d * (self.x - self.y)


class TotalAsConstant(WeightedMean):
    """The weights also stand in the denominator, which is treated as a constant."""

    def backward(self, dout):
        d = dout[:, None] / self.total
        return d * self.w, d * self.x


def weighted(rng):
    """Values and positive weights."""
    return rng.normal(size=(3, 4)), rng.uniform(0.2, 1, (3, 4))


WEIGHTED = twin("weighted mean", WeightedMean, weighted, rows=("x", "w"))


class Spread:
    """The largest minus the smallest of each row."""

    def forward(self, x):
        self.x = x
        return x.max(axis=1) - x.min(axis=1)

    def backward(self, dout):
        top = self.x == self.x.max(axis=1, keepdims=True)
        low = self.x == self.x.min(axis=1, keepdims=True)
        return dout[:, None] * (top.astype(dout.dtype) - low)


class SmallestForgotten(Spread):
    """The smallest entry takes part and receives nothing."""

    def backward(self, dout):
        return dout[:, None] * (self.x == self.x.max(axis=1, keepdims=True))


SPREAD = twin("spread of rows", Spread, distinct(3, 4), rows=("x",))


class SquaredDistances:
    """|x_i − x_j|² for all pairs of rows."""

    def forward(self, x):
        self.x = x
        square = (x**2).sum(axis=1)
        return square[:, None] + square - 2 * x @ x.T

    def backward(self, dout):
        d = dout + dout.T
        return 2 * (d.sum(axis=1, keepdims=True) * self.x - d @ self.x)


class FirstOfThePairOnly(SquaredDistances):
    """Every row is the first of some pairs and the second of others; the latter are left out."""

    def backward(self, dout):
        return 2 * (dout.sum(axis=1, keepdims=True) * self.x - dout @ self.x)


DISTANCES = twin("squared distances", SquaredDistances, normal((4, 2)))


class Covariance:
    """xcᵀ xc / n, of columns that are centred first."""

    def forward(self, x):
        self.xc = x - x.mean(axis=0)
        return self.xc.T @ self.xc / len(x)

    def backward(self, dout):
        return self.xc @ (dout + dout.T) / len(self.xc)


class TakenForSymmetric(Covariance):
    """2 xc dout / n, which holds if dout is symmetric."""

    def backward(self, dout):
        return 2 * self.xc @ dout / len(self.xc)


COVARIANCE = twin("covariance", Covariance, normal((5, 3)), rows=("x",), fewest=1)


TWINS = [
    SUM,
    MEAN,
    MAX,
    VARIANCE,
    DEVIATION,
    CUBIC,
    LOGSUMEXP,
    PRODUCT,
    WEIGHTED,
    SPREAD,
    DISTANCES,
    COVARIANCE,
]
WRONG = [
    slip(SUM, SpreadDownTheColumns, AXIS, "dx"),
    slip(MEAN, DividedByTheOtherAxis, COUNT, "dx"),
    slip(MEAN, NotDivided, NOT_DIVIDED, "dx"),
    slip(MAX, LargestOfAll, WRONG_MASK, "dx"),
    slip(MAX, LargestOfTheColumn, WRONG_MASK, "dx"),
    slip(VARIANCE, BiasedDivisor, COUNT, "dx"),
    slip(VARIANCE, NotCentred, OPERAND, "dx"),
    slip(DEVIATION, RootNotDifferentiated, CHAIN, "dx", alike=(POWER,)),
    slip(DEVIATION, HalfOfTheRootForgotten, FACTOR, "dx"),
    slip(CUBIC, SignLost, SIGN, "dx"),
    slip(CUBIC, NormToTheFirst, POWER, "dx"),
    slip(LOGSUMEXP, SoftmaxOfAll, AXIS, "dx"),
    slip(PRODUCT, MultipliedByTheEntry, POWER, "dx"),
    slip(WEIGHTED, TotalAsConstant, DETACHED, "dw"),
    slip(SPREAD, SmallestForgotten, TERM, "dx"),
    slip(DISTANCES, FirstOfThePairOnly, TERM, "dx"),
    slip(COVARIANCE, TakenForSymmetric, TRANSPOSED, "dx"),
]
