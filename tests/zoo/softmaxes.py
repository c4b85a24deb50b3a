"""Activations with a Jacobian, with parameters or with chance: softmax, PReLU, dropout."""

import numpy as np

from zoo.causes import (
    AXIS,
    BATCH_SUM,
    BROADCAST,
    CHAIN,
    COUNT,
    DIAGONAL,
    FACTOR,
    MASK,
    MODE,
    OPERAND,
    SIGN,
    TERM,
)
from zoo.functions import log_softmax, softmax
from zoo.specimen import normal, slip, twin


class Softmax:
    """Softmax of every row, at a temperature."""

    def __init__(self, temperature=2.0):
        self.temperature = temperature

    def forward(self, x):
        self.y = softmax(x / self.temperature)
        return self.y

    def jacobian(self, dout):
        return self.y * (dout - (dout * self.y).sum(axis=-1, keepdims=True))

    def backward(self, dout):
        return self.jacobian(dout) / self.temperature


class DiagonalOnly(Softmax):
    """y (1 − y) as for a sigmoid: the outputs' influence on each other is left out."""

    def jacobian(self, dout):
        return dout * self.y * (1 - self.y)


class SumOverTheBatch(Softmax):
    """The inner sum runs over the batch; it is square."""

    def jacobian(self, dout):
        return self.y * (dout - (dout * self.y).sum(axis=0, keepdims=True))


class SumWithoutWeights(Softmax):
    """The inner sum adds up dout instead of dout times y."""

    def jacobian(self, dout):
        return self.y * (dout - dout.sum(axis=-1, keepdims=True))


class TemperatureForgotten(Softmax):
    """The division of the input by the temperature is not undone."""

    def backward(self, dout):
        return self.jacobian(dout)


class InnerSumAdded(Softmax):
    """The inner sum is added, not subtracted."""

    def jacobian(self, dout):
        return self.y * (dout + (dout * self.y).sum(axis=-1, keepdims=True))


SOFTMAX = twin("softmax", Softmax, normal((4, 4)), rows=("x",))


class LogSoftmax:
    """The logarithm of softmax, row by row."""

    def forward(self, x):
        self.y = log_softmax(x)
        return self.y

    def backward(self, dout):
        return dout - np.exp(self.y) * dout.sum(axis=1, keepdims=True)


class LogsForProbabilities(LogSoftmax):
    """The sum is spread by the log-probabilities instead of the probabilities."""

    def backward(self, dout):
        return dout - self.y * dout.sum(axis=1, keepdims=True)


class MeanForSum(LogSoftmax):
    """dout is averaged over the classes where it should be summed."""

    def backward(self, dout):
        return dout - np.exp(self.y) * dout.mean(axis=1, keepdims=True)


class NormaliserForgotten(LogSoftmax):
    """x − log Σ exp(x) is differentiated as x alone."""

    def backward(self, dout):
        return dout.copy()


LOG_SOFTMAX = twin("log-softmax", LogSoftmax, normal((3, 4)), rows=("x",))


class PRelu:
    """relu with a learned slope per channel."""

    def __init__(self, a):
        self.a = a

    def forward(self, x):
        self.x = x
        return np.where(x > 0, x, self.a * x)

    def backward(self, dout):
        self.da = (dout * np.minimum(self.x, 0)).sum(axis=0)
        return np.where(self.x > 0, dout, self.a * dout)


class SlopeLearnsFromAll(PRelu):
    """The slope's gradient adds up positive entries too, where the slope has no effect."""

    def backward(self, dout):
        dx = super().backward(dout)
        self.da = (dout * self.x).sum(axis=0)
        return dx


class SlopeSharedByAll(PRelu):
    """The slope's gradient is summed over the channels too: each gets the sum of all."""

    def backward(self, dout):
        dx = super().backward(dout)
        self.da = np.full_like(self.a, self.da.sum())
        return dx


class SlopePerEntry(PRelu):
    """The slope's gradient is not summed over the batch."""

    def backward(self, dout):
        dx = super().backward(dout)
        self.da = dout * np.minimum(self.x, 0)
        return dx


def mixed_columns(rng):
    """Both signs in every column."""
    signs = np.array([[1, -1, 1], [-1, 1, 1], [1, 1, -1], [-1, 1, -1]])
    return (rng.uniform(0.1, 2, signs.shape) * signs,)


PRELU = twin(
    "prelu",
    PRelu,
    mixed_columns,
    arguments=normal((3,)),
    param_grads={"a": "da"},
    rows=("x",),
)


class Dropout:
    """The book's dropout with a generator of its own: it scales while testing."""

    def __init__(self, ratio, rng):
        self.ratio, self.rng = ratio, rng

    def forward(self, x, train_flag=True):
        self.mask = self.rng.random(x.shape) > self.ratio if train_flag else 1 - self.ratio
        return x * self.mask

    def backward(self, dout):
        return dout * self.mask


class NothingDropped(Dropout):
    """Dropped entries learn: the gradient is not masked."""

    def backward(self, dout):
        return dout.copy()


class TestingLikeIdentity(Dropout):
    """While testing, the gradient passes unscaled, although the forward scales."""

    def backward(self, dout):
        return dout * self.mask if np.ndim(self.mask) else dout.copy()


DROPOUT = twin(
    "dropout",
    Dropout,
    normal((6, 5)),
    arguments=lambda rng: (0.4, rng),
    options={"train_flag": True},
    rows=("x",),
)
DROPOUT_TESTING = twin(
    "dropout while testing",
    Dropout,
    normal((6, 5)),
    arguments=lambda rng: (0.4, rng),
    options={"train_flag": False},
    rows=("x",),
)


class InvertedDropout:
    """Dropout that scales while training, and leaves things as they are while testing."""

    def __init__(self, ratio, rng):
        self.ratio, self.rng = ratio, rng

    def forward(self, x, train_flag=True):
        self.mask = self.rng.random(x.shape) > self.ratio if train_flag else np.ones(x.shape, bool)
        self.scale = 1 / (1 - self.ratio) if train_flag else 1.0
        return x * self.mask * self.scale

    def backward(self, dout):
        return dout * self.mask * self.scale


class ScaleOnlyForward(InvertedDropout):
    """The gradient is masked and not scaled."""

    def backward(self, dout):
        return dout * self.mask


class ScaledWhileTesting(InvertedDropout):
    """The scale of training is applied to the gradient while testing too."""

    def backward(self, dout):
        return dout * self.mask / (1 - self.ratio)


INVERTED = twin(
    "inverted dropout",
    InvertedDropout,
    normal((6, 5)),
    arguments=lambda rng: (0.4, rng),
    options={"train_flag": True},
    rows=("x",),
)
INVERTED_TESTING = twin(
    "inverted dropout while testing",
    InvertedDropout,
    normal((6, 5)),
    arguments=lambda rng: (0.4, rng),
    options={"train_flag": False},
    rows=("x",),
)


TWINS = [
    SOFTMAX,
    LOG_SOFTMAX,
    PRELU,
    DROPOUT,
    DROPOUT_TESTING,
    INVERTED,
    INVERTED_TESTING,
]
WRONG = [
    slip(SOFTMAX, DiagonalOnly, DIAGONAL, "dx"),
    slip(SOFTMAX, SumOverTheBatch, AXIS, "dx"),
    slip(SOFTMAX, SumWithoutWeights, OPERAND, "dx", alike=(CHAIN,)),
    slip(SOFTMAX, TemperatureForgotten, FACTOR, "dx"),
    slip(SOFTMAX, InnerSumAdded, SIGN, "dx"),
    slip(LOG_SOFTMAX, LogsForProbabilities, OPERAND, "dx"),
    slip(LOG_SOFTMAX, MeanForSum, COUNT, "dx"),
    slip(LOG_SOFTMAX, NormaliserForgotten, TERM, "dx", alike=(CHAIN,)),
    slip(PRELU, SlopeLearnsFromAll, MASK, "da"),
    slip(PRELU, SlopeSharedByAll, AXIS, "da"),
    slip(PRELU, SlopePerEntry, BROADCAST, "da", alike=(BATCH_SUM,)),
    slip(DROPOUT, NothingDropped, MASK, "dx"),
    slip(DROPOUT_TESTING, TestingLikeIdentity, MODE, "dx", alike=(FACTOR,)),
    slip(INVERTED, ScaleOnlyForward, FACTOR, "dx"),
    slip(INVERTED_TESTING, ScaledWhileTesting, MODE, "dx"),
]
