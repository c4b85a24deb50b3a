"""Batch normalisation: of rows and of images, while training and while testing."""

import numpy as np

from zoo.causes import (
    AXIS,
    CHAIN,
    COUNT,
    DETACHED,
    DIVIDED,
    EPS,
    FACTOR,
    MODE,
    OPERAND,
    OUTPUT,
    POWER,
    SIGN,
    STALE_CACHE,
)
from zoo.specimen import normal, slip, twin

GAMMA_BETA = {"gamma": "dgamma", "beta": "dbeta"}


class BatchNorm:
    """The book's batch normalisation, step by step, with running means for testing."""

    def __init__(self, gamma, beta, momentum=0.9, eps=1e-3):
        self.gamma, self.beta, self.momentum, self.eps = gamma, beta, momentum, eps
        self.running_mean, self.running_var = np.zeros_like(gamma), 2 * np.ones_like(gamma)

    def forward(self, x, train_flag=True):
        self.train_flag = train_flag
        if train_flag:
            mean, var = x.mean(axis=0), x.var(axis=0)
            m = self.momentum
            self.running_mean = m * self.running_mean + (1 - m) * mean
            self.running_var = m * self.running_var + (1 - m) * var
        else:
            mean, var = self.running_mean, self.running_var
        self.x, self.xc = x, x - mean
        self.std = np.sqrt(var + self.eps)
        self.xn = self.xc / self.std
        return self.gamma * self.xn + self.beta

    def backward(self, dout):
        self.dbeta = dout.sum(axis=0)
        self.dgamma = (self.xn * dout).sum(axis=0)
        dxn = self.gamma * dout
        return self.through_batch(dxn) if self.train_flag else dxn / self.std

    def through_batch(self, dxn):
        return self.through_mean(dxn / self.std + self.through_variance(dxn))

    def through_variance(self, dxn):
        dstd = -(dxn * self.xc / self.std**2).sum(axis=0)
        dvar = 0.5 * dstd / self.std
        return 2 / len(dxn) * self.xc * dvar

    def through_mean(self, dxc):
        return dxc - dxc.mean(axis=0)


class MeanAsConstant(BatchNorm):
    """The batch mean is treated as a constant."""

    def through_mean(self, dxc):
        return dxc


class VarianceAsConstant(BatchNorm):
    """The batch variance is treated as a constant."""

    def through_variance(self, dxn):
        return 0.0


class StatisticsAsConstants(BatchNorm):
    """Mean and variance are both treated as constants, as is right when testing."""

    def through_batch(self, dxn):
        return dxn / self.std


class SlopeWithoutGamma(BatchNorm):
    """dout is not multiplied by gamma on its way to x."""

    def through_batch(self, dxn):
        return super().through_batch(dxn / self.gamma)


class GammaFromTheInput(BatchNorm):
    """dgamma multiplies with x instead of the normalised x."""

    def backward(self, dout):
        dx = super().backward(dout)
        self.dgamma = (self.x * dout).sum(axis=0)
        return dx


class MeanForBeta(BatchNorm):
    """dbeta is averaged over the batch like the statistics; it is a sum."""

    def backward(self, dout):
        dx = super().backward(dout)
        self.dbeta = dout.mean(axis=0)
        return dx


class EpsilonForgotten(BatchNorm):
    """The backward computes the standard deviation anew, without epsilon."""

    def through_batch(self, dxn):
        with_eps, self.std = self.std, self.xc.std(axis=0)
        dx = super().through_batch(dxn)
        self.std = with_eps
        return dx


class OneRowFewer(BatchNorm):
    """The variance is divided by N − 1 on the way back and by N on the way forward."""

    def through_variance(self, dxn):
        return super().through_variance(dxn) * len(dxn) / (len(dxn) - 1)


class VarianceAdded(BatchNorm):
    """The minus in the derivative of 1/σ is lost."""

    def through_variance(self, dxn):
        return -super().through_variance(dxn)


class HalfForgotten(BatchNorm):
    """The one half of the root's derivative is forgotten."""

    def through_variance(self, dxn):
        return 2 * super().through_variance(dxn)


class SquareForCube(BatchNorm):
    """The variance's share is divided by σ² where σ³ belongs."""

    def through_variance(self, dxn):
        return super().through_variance(dxn) * self.std


class RunningVarianceUsed(BatchNorm):
    """While training, the backward divides by the running deviation, not the batch's."""

    def through_batch(self, dxn):
        batch, self.std = self.std, np.sqrt(self.running_var + self.eps)
        dx = super().through_batch(dxn)
        self.std = batch
        return dx


class TrainingRuleWhileTesting(BatchNorm):
    """While testing, the mean and the variance are differentiated although they are fixed."""

    def backward(self, dout):
        super().backward(dout)
        return self.through_batch(self.gamma * dout)


BATCH_NORM = twin(
    "batch-norm",
    BatchNorm,
    normal((6, 3)),
    arguments=normal((3,), (3,)),
    param_grads=GAMMA_BETA,
    options={"train_flag": True},
    rows=("x",),
    fewest=2,
)
BATCH_NORM_TESTING = twin(
    "batch-norm while testing",
    BatchNorm,
    normal((6, 3)),
    arguments=normal((3,), (3,)),
    param_grads=GAMMA_BETA,
    options={"train_flag": False},
    rows=("x",),
)


class BatchNormOfImages:
    """One mean and one variance per channel, over the batch and all pixels."""

    axes = (0, 2, 3)

    def __init__(self, gamma, beta):
        self.gamma, self.beta = gamma, beta

    def forward(self, x):
        self.std = np.sqrt(x.var(axis=(0, 2, 3), keepdims=True) + 1e-5)
        self.xn = (x - x.mean(axis=(0, 2, 3), keepdims=True)) / self.std
        return self.gamma[:, None, None] * self.xn + self.beta[:, None, None]

    def backward(self, dout):
        self.dgamma = (dout * self.xn).sum(axis=(0, 2, 3))
        self.dbeta = dout.sum(axis=(0, 2, 3))
        d = dout * self.gamma[:, None, None]
        mean = d.mean(axis=self.axes, keepdims=True)
        slope = (d * self.xn).mean(axis=self.axes, keepdims=True)
        return (d - mean - self.xn * slope) / self.std


class OverTheBatchOnly(BatchNormOfImages):
    """The means of the backward run over the batch, not over the pixels."""

    axes = (0,)


BATCH_NORM_OF_IMAGES = twin(
    "batch-norm of images",
    BatchNormOfImages,
    normal((3, 2, 2, 2)),
    arguments=normal((2,), (2,)),
    param_grads=GAMMA_BETA,
)


TWINS = [BATCH_NORM, BATCH_NORM_TESTING, BATCH_NORM_OF_IMAGES]
SMALL = {"inputs": normal((6, 3), scale=0.2)}
WRONG = [
    slip(BATCH_NORM, MeanAsConstant, DETACHED, "dx"),
    slip(BATCH_NORM, VarianceAsConstant, DETACHED, "dx"),
    slip(BATCH_NORM, StatisticsAsConstants, MODE, "dx", alike=(DETACHED,)),
    slip(BATCH_NORM, SlopeWithoutGamma, CHAIN, "dx"),
    slip(BATCH_NORM, GammaFromTheInput, OUTPUT, "dgamma", alike=(OPERAND,)),
    slip(BATCH_NORM, MeanForBeta, DIVIDED, "dbeta"),
    slip(BATCH_NORM, EpsilonForgotten, EPS, "dx", **SMALL),
    slip(BATCH_NORM, OneRowFewer, COUNT, "dx"),
    slip(BATCH_NORM, VarianceAdded, SIGN, "dx"),
    slip(BATCH_NORM, HalfForgotten, FACTOR, "dx"),
    slip(BATCH_NORM, SquareForCube, POWER, "dx"),
    slip(BATCH_NORM, RunningVarianceUsed, OPERAND, "dx", also=(STALE_CACHE,)),
    slip(BATCH_NORM_TESTING, TrainingRuleWhileTesting, MODE, "dx"),
    slip(BATCH_NORM_OF_IMAGES, OverTheBatchOnly, AXIS, "dx"),
]
