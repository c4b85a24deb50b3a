"""Normalisation of rows, groups and weights: layer-norm, rms-norm, group-norm, unit vectors."""

import numpy as np

from zoo.causes import (
    AXIS,
    BATCH_SUM,
    BROADCAST,
    COUNT,
    DETACHED,
    EPS,
    OPERAND,
    ORDER,
    OUTPUT,
    POWER,
)
from zoo.specimen import normal, slip, twin

GAMMA_BETA = {"gamma": "dgamma", "beta": "dbeta"}


class LayerNorm:
    """Every row of features is normalised by its own mean and variance."""

    def __init__(self, gamma, beta, eps=1e-5):
        self.gamma, self.beta, self.eps = gamma, beta, eps

    def forward(self, x):
        xc = x - x.mean(axis=-1, keepdims=True)
        self.std = np.sqrt((xc**2).mean(axis=-1, keepdims=True) + self.eps)
        self.xn = xc / self.std
        return self.gamma * self.xn + self.beta

    def backward(self, dout):
        before = tuple(range(dout.ndim - 1))
        self.dgamma = (dout * self.xn).sum(axis=before)
        self.dbeta = dout.sum(axis=before)
        return self.normalised(self.gamma * dout) / self.std

    def normalised(self, d):
        mean = d.mean(axis=-1, keepdims=True)
        return d - mean - self.xn * (d * self.xn).mean(axis=-1, keepdims=True)


class BatchMeansInBackward(LayerNorm):
    """The means of the backward run over the first axis, as in batch-norm; all axes are equal."""

    def normalised(self, d):
        mean = d.mean(axis=0, keepdims=True)
        return d - mean - self.xn * (d * self.xn).mean(axis=0, keepdims=True)


class SpreadAsConstant(LayerNorm):
    """Only the mean is differentiated, not the standard deviation."""

    def normalised(self, d):
        return d - d.mean(axis=-1, keepdims=True)


class GammaAppliedLast(LayerNorm):
    """gamma multiplies after the means were taken, not before."""

    def backward(self, dout):
        super().backward(dout)
        return self.gamma * self.normalised(dout) / self.std


class GammaOfTheLastStep(LayerNorm):
    """dgamma is taken from the last time step; the sum over time is missing."""

    def backward(self, dout):
        dx = super().backward(dout)
        self.dgamma = (dout * self.xn).sum(axis=0)[-1]
        return dx


class InputForNormalised(LayerNorm):
    """The projection uses the output y where the normalised x belongs."""

    def normalised(self, d):
        y = self.gamma * self.xn + self.beta
        return d - d.mean(axis=-1, keepdims=True) - y * (d * y).mean(axis=-1, keepdims=True)


LAYER_NORM = twin(
    "layer-norm",
    LayerNorm,
    normal((3, 3, 3)),
    arguments=normal((3,), (3,)),
    param_grads=GAMMA_BETA,
    rows=("x",),
)


class RMSNorm:
    """Every row is divided by its root mean square; eps is large enough to be seen."""

    def __init__(self, gamma, eps=0.01):
        self.gamma, self.eps = gamma, eps

    def forward(self, x):
        self.x = x
        self.rms = np.sqrt((x**2).mean(axis=1, keepdims=True) + self.eps)
        return self.gamma * x / self.rms

    def backward(self, dout):
        self.dgamma = (dout * self.x / self.rms).sum(axis=0)
        d = dout * self.gamma
        return d / self.rms - self.x * self.share(d)

    def share(self, d):
        return (d * self.x).mean(axis=1, keepdims=True) / self.rms**3


class RootAsConstant(RMSNorm):
    """The root mean square is treated as a constant."""

    def share(self, d):
        return 0.0


class SumForMean(RMSNorm):
    """The mean square is differentiated as a sum of squares."""

    def share(self, d):
        return (d * self.x).sum(axis=1, keepdims=True) / self.rms**3


class SquareOfTheRoot(RMSNorm):
    """The second term is divided by the square of the root, not by its cube."""

    def share(self, d):
        return (d * self.x).mean(axis=1, keepdims=True) / self.rms**2


class RootWithoutEpsilon(RMSNorm):
    """The cube is computed anew, and epsilon left out."""

    def share(self, d):
        square = (self.x**2).mean(axis=1, keepdims=True)
        return (d * self.x).mean(axis=1, keepdims=True) / square**1.5


RMS_NORM = twin(
    "rms-norm",
    RMSNorm,
    normal((4, 3)),
    arguments=normal((3,)),
    param_grads={"gamma": "dgamma"},
    rows=("x",),
)


class GroupNorm:
    """Channels are normalised in groups, each with its pixels."""

    def __init__(self, groups=2):
        self.groups = groups

    def grouped(self, x):
        N, C, H, W = x.shape
        return x.reshape(N, self.groups, C // self.groups * H * W)

    def forward(self, x):
        g = self.grouped(x)
        self.std = np.sqrt(g.var(axis=2, keepdims=True) + 1e-5)
        self.xn = (g - g.mean(axis=2, keepdims=True)) / self.std
        return self.xn.reshape(x.shape)

    def backward(self, dout):
        d = self.grouped(dout)
        dx = d - self.average(d) - self.xn * self.average(d * self.xn)
        return (dx / self.std).reshape(dout.shape)

    def average(self, d):
        return d.mean(axis=2, keepdims=True)


class AllGroupsTogether(GroupNorm):
    """The means of the backward run over all groups, as in layer-norm."""

    def average(self, d):
        return d.mean(axis=(1, 2), keepdims=True)


class ChannelsCountedWithoutPixels(GroupNorm):
    """The sum over a group is divided by its channels and not by their pixels."""

    def average(self, d):
        return d.sum(axis=2, keepdims=True) / 2


GROUP_NORM = twin("group-norm", GroupNorm, normal((2, 4, 2, 2)), rows=("x",))


class UnitRows:
    """Every row is divided by its length."""

    def forward(self, x):
        self.x = x
        self.length = np.sqrt((x**2).sum(axis=1, keepdims=True))
        self.y = x / self.length
        return self.y

    def backward(self, dout):
        return (dout - self.y * (dout * self.y).sum(axis=1, keepdims=True)) / self.length


class LengthAsConstant(UnitRows):
    """The length is treated as a constant."""

    def backward(self, dout):
        return dout / self.length


class ProjectionOnTheInput(UnitRows):
    """The projection uses x instead of the unit vector y."""

    def backward(self, dout):
        along = (dout * self.x).sum(axis=1, keepdims=True)
        return (dout - self.x * along) / self.length


UNIT_ROWS = twin("unit rows", UnitRows, normal((4, 3), scale=2.0), rows=("x",))


class WeightNorm:
    """x times g V / |V|: each column of the weight has a length of its own, g."""

    def __init__(self, V, g):
        self.V, self.g = V, g

    def forward(self, x):
        self.x = x
        self.length = np.sqrt((self.V**2).sum(axis=0))
        self.unit = self.V / self.length
        return x @ (self.g * self.unit)

    def backward(self, dout):
        dW = self.x.T @ dout
        self.dg = (dW * self.unit).sum(axis=0)
        self.dV = self.g / self.length * (dW - self.unit * self.dg)
        return dout @ (self.g * self.unit).T


class DirectionNotProjected(WeightNorm):
    """dV keeps the part along V, which changes nothing: the length is treated as a constant."""

    def backward(self, dout):
        dx = super().backward(dout)
        self.dV = self.g / self.length * (self.x.T @ dout)
        return dx


class LengthFromRawWeight(WeightNorm):
    """dg multiplies with V, which has not been divided by its length."""

    def backward(self, dout):
        dx = super().backward(dout)
        self.dg = (self.x.T @ dout * self.V).sum(axis=0)
        return dx


WEIGHT_NORM = twin(
    "weight-norm",
    WeightNorm,
    normal((4, 3)),
    arguments=normal((3, 2), (2,)),
    param_grads={"V": "dV", "g": "dg"},
    rows=("x",),
)


TWINS = [LAYER_NORM, RMS_NORM, GROUP_NORM, UNIT_ROWS, WEIGHT_NORM]
WRONG = [
    slip(LAYER_NORM, BatchMeansInBackward, AXIS, "dx"),
    slip(LAYER_NORM, SpreadAsConstant, DETACHED, "dx"),
    slip(LAYER_NORM, GammaAppliedLast, ORDER, "dx"),
    slip(
        LAYER_NORM,
        GammaOfTheLastStep,
        AXIS,
        "dgamma",
        alike=(
            BATCH_SUM,
            BROADCAST,
        ),
    ),
    slip(LAYER_NORM, InputForNormalised, OUTPUT, "dx", alike=(OPERAND,)),
    slip(RMS_NORM, RootAsConstant, DETACHED, "dx"),
    slip(RMS_NORM, SumForMean, COUNT, "dx"),
    slip(RMS_NORM, SquareOfTheRoot, POWER, "dx"),
    slip(RMS_NORM, RootWithoutEpsilon, EPS, "dx"),
    slip(GROUP_NORM, AllGroupsTogether, AXIS, "dx"),
    slip(GROUP_NORM, ChannelsCountedWithoutPixels, COUNT, "dx"),
    slip(UNIT_ROWS, LengthAsConstant, DETACHED, "dx"),
    slip(UNIT_ROWS, ProjectionOnTheInput, OUTPUT, "dx"),
    slip(WEIGHT_NORM, DirectionNotProjected, DETACHED, "dV"),
    slip(WEIGHT_NORM, LengthFromRawWeight, OPERAND, "dg"),
]
