"""Affine layers: a product and a bias, alone, activated, stacked, tied, with a penalty."""

import numpy as np

from zoo.causes import (
    AXIS,
    BATCH_SUM,
    CHAIN,
    DIVIDED,
    FACTOR,
    MASK,
    OPERAND,
    OUTPUT,
    RESHAPED,
    SIGN,
    TERM,
    TRANSPOSED,
    WRONG_MASK,
)
from zoo.specimen import normal, slip, twin


class Affine:
    """Multiply by a weight and add a bias, as in the book."""

    def __init__(self, W, b):
        self.W, self.b = W, b

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, dout):
        self.dW = self.x.T @ dout
        self.db = dout.sum(axis=0)
        return dout @ self.W.T


class BiasOfEveryRow(Affine):
    """The bias gradient is dout itself, one row per example, instead of their sum."""

    def backward(self, dout):
        dx = super().backward(dout)
        self.db = dout.copy()
        return dx


class BiasOfFirstRow(Affine):
    """The bias gradient is taken from the first example only."""

    def backward(self, dout):
        dx = super().backward(dout)
        self.db = dout[0].copy()
        return dx


class BiasOverFeatures(Affine):
    """The bias gradient is summed over the features, of which there are as many as examples."""

    def backward(self, dout):
        dx = super().backward(dout)
        self.db = dout.sum(axis=1)
        return dx


class MeanForBias(Affine):
    """The bias gradient is the mean over the batch, although the loss has averaged already."""

    def backward(self, dout):
        dx = super().backward(dout)
        self.db = dout.mean(axis=0)
        return dx


class ParametersAveraged(Affine):
    """Both parameter gradients are divided by the batch size here and once more in the loss."""

    def backward(self, dout):
        dx = super().backward(dout)
        self.dW /= len(dout)
        self.db /= len(dout)
        return dx


class WeightNotTransposed(Affine):
    """dx uses W instead of its transpose; W is square, so nothing complains."""

    def backward(self, dout):
        super().backward(dout)
        return dout @ self.W


class ProductTurnedRound(Affine):
    """dW is doutᵀ x instead of xᵀ dout."""

    def backward(self, dout):
        dx = super().backward(dout)
        self.dW = dout.T @ self.x
        return dx


AFFINE = twin(
    "affine",
    Affine,
    normal((5, 3)),
    arguments=normal((3, 4), (4,)),
    param_grads={"W": "dW", "b": "db"},
    rows=("x",),
)
SQUARE = {"arguments": normal((4, 4), (4,)), "inputs": normal((4, 4))}


class AffineOfImages:
    """Channels go last, then every image becomes one row."""

    def __init__(self, W, b):
        self.W, self.b = W, b

    def forward(self, x):
        N, C, H, W = x.shape
        self.shape = N, H, W, C
        self.x = x.transpose(0, 2, 3, 1).reshape(N, H * W * C)
        return self.x @ self.W + self.b

    def backward(self, dout):
        self.dW = self.x.T @ dout
        self.db = dout.sum(axis=0)
        return (dout @ self.W.T).reshape(self.shape).transpose(0, 3, 1, 2)


class ChannelsNotMovedBack(AffineOfImages):
    """The gradient is reshaped straight to (N, C, H, W): channels and pixels are mixed up."""

    def backward(self, dout):
        N, H, W, C = self.shape
        return super().backward(dout).transpose(0, 2, 3, 1).reshape(N, C, H, W)


IMAGES = twin(
    "affine of images",
    AffineOfImages,
    normal((4, 2, 3, 3)),
    arguments=normal((18, 3), (3,)),
    param_grads={"W": "dW", "b": "db"},
    rows=("x",),
)


class TanhDense(Affine):
    """An affine layer with its activation in one class."""

    def forward(self, x):
        self.z = super().forward(x)
        self.y = np.tanh(self.z)
        return self.y

    def backward(self, dout):
        return super().backward(dout * (1 - self.y**2))


class WeightBeforeActivation(TanhDense):
    """dW is computed from dout, before tanh's derivative is multiplied in."""

    def backward(self, dout):
        dx = super().backward(dout)
        self.dW = self.x.T @ dout
        return dx


class InputBeforeActivation(TanhDense):
    """dx is passed on without tanh's derivative; the parameters' gradients have it."""

    def backward(self, dout):
        super().backward(dout)
        return dout @ self.W.T


class SlopeOfPreactivation(TanhDense):
    """tanh's derivative is 1 − z² of the pre-activation instead of 1 − y² of the output."""

    def backward(self, dout):
        return Affine.backward(self, dout * (1 - self.z**2))


TANH_DENSE = twin(
    "tanh dense",
    TanhDense,
    normal((5, 3)),
    arguments=normal((3, 4), (4,)),
    param_grads={"W": "dW", "b": "db"},
    rows=("x",),
)


class TwoLayers:
    """relu(x W1 + b1) W2 + b2 in one class."""

    def __init__(self, W1, b1, W2, b2):
        self.W1, self.b1, self.W2, self.b2 = W1, b1, W2, b2

    def forward(self, x):
        self.x = x
        self.z = x @ self.W1 + self.b1
        self.h = np.maximum(self.z, 0)
        return self.h @ self.W2 + self.b2

    def through_relu(self, dh):
        return dh * (self.z > 0)

    def backward(self, dout):
        self.dW2 = self.h.T @ dout
        self.db2 = dout.sum(axis=0)
        dz = self.through_relu(dout @ self.W2.T)
        self.dW1 = self.x.T @ dz
        self.db1 = dz.sum(axis=0)
        return dz @ self.W1.T


class SecondWeightFromInput(TwoLayers):
    """dW2 multiplies with the network's input instead of the hidden layer."""

    def backward(self, dout):
        dx = super().backward(dout)
        self.dW2 = self.x.T @ dout
        return dx


class SecondWeightFromPreactivation(TwoLayers):
    """dW2 multiplies with the hidden layer before relu."""

    def backward(self, dout):
        dx = super().backward(dout)
        self.dW2 = self.z.T @ dout
        return dx


class MaskOfTheInput(TwoLayers):
    """relu's mask is read from x instead of the pre-activation of the same shape."""

    def through_relu(self, dh):
        return dh * (self.x > 0)


class NoMask(TwoLayers):
    """relu is forgotten on the way back."""

    def through_relu(self, dh):
        return dh


TWO_LAYERS = twin(
    "two layers",
    TwoLayers,
    normal((6, 3)),
    arguments=normal((3, 3), (3,), (3, 2), (2,)),
    param_grads={"W1": "dW1", "b1": "db1", "W2": "dW2", "b2": "db2"},
    rows=("x",),
)
BELOW = ("dx", "dW1", "db1")


class TiedAutoencoder:
    """Encode with W, decode with its transpose."""

    def __init__(self, W):
        self.W = W

    def forward(self, x):
        self.x = x
        self.h = np.tanh(x @ self.W)
        return self.h @ self.W.T

    def backward(self, dout):
        dz = (dout @ self.W) * (1 - self.h**2)
        self.dW = self.x.T @ dz + dout.T @ self.h
        return dz @ self.W.T


class DecoderShareOnly(TiedAutoencoder):
    """The weight is used twice and its gradient is set by the decoder alone."""

    def backward(self, dout):
        dx = super().backward(dout)
        self.dW = dout.T @ self.h
        return dx


class DecoderShareTransposed(TiedAutoencoder):
    """The decoder uses Wᵀ, and its share of dW is added without turning it back."""

    def backward(self, dout):
        dx = super().backward(dout)
        encoder = self.x.T @ ((dout @ self.W) * (1 - self.h**2))
        self.dW = encoder + self.h.T @ dout
        return dx


TIED = twin(
    "tied autoencoder",
    TiedAutoencoder,
    normal((5, 4)),
    arguments=normal((4, 4)),
    param_grads={"W": "dW"},
    rows=("x",),
)


class Ridge:
    """Mean squared error of x W plus λ/2 times the sum of the squared weights."""

    def __init__(self, W, lam=0.1):
        self.W, self.lam = W, lam

    def forward(self, x, t):
        self.x, self.r = x, x @ self.W - t
        return (self.r**2).mean() + 0.5 * self.lam * (self.W**2).sum()

    def penalty(self):
        return self.lam * self.W

    def backward(self, dout):
        dr = 2 * self.r / self.r.size
        dx = dout * (dr @ self.W.T)
        self.dW = dout * (self.x.T @ dr + self.penalty())
        return dx


class PenaltyForgotten(Ridge):
    """The penalty is in the loss and not in dW."""

    def penalty(self):
        return 0.0


class PenaltyWithoutItsHalf(Ridge):
    """The penalty's gradient is 2 λ W although the loss has the factor one half."""

    def penalty(self):
        return 2 * self.lam * self.W


class PenaltyAveraged(Ridge):
    """The penalty's gradient is divided by the batch size with the rest."""

    def penalty(self):
        return self.lam * self.W / len(self.x)


class PenaltySubtracted(Ridge):
    """The penalty is subtracted from dW as weight decay is from W."""

    def penalty(self):
        return -self.lam * self.W


RIDGE = twin(
    "ridge",
    Ridge,
    normal((5, 3), (5, 2)),
    arguments=normal((3, 2)),
    param_grads={"W": "dW"},
    fixed=("t",),
    rows=("x", "t"),
    fewest=1,
)


TWINS = [AFFINE, IMAGES, TANH_DENSE, TWO_LAYERS, TIED, RIDGE]
WRONG = [
    slip(AFFINE, BiasOfEveryRow, BATCH_SUM, "db"),
    slip(AFFINE, BiasOfFirstRow, BATCH_SUM, "db"),
    slip(AFFINE, BiasOverFeatures, AXIS, "db", **SQUARE),
    slip(AFFINE, MeanForBias, DIVIDED, "db"),
    slip(AFFINE, ParametersAveraged, DIVIDED, "dW", "db"),
    slip(AFFINE, WeightNotTransposed, TRANSPOSED, "dx", **SQUARE),
    slip(AFFINE, ProductTurnedRound, TRANSPOSED, "dW", **SQUARE),
    slip(IMAGES, ChannelsNotMovedBack, RESHAPED, "dx"),
    slip(TANH_DENSE, WeightBeforeActivation, CHAIN, "dW"),
    slip(TANH_DENSE, InputBeforeActivation, CHAIN, "dx"),
    slip(TANH_DENSE, SlopeOfPreactivation, OUTPUT, "dx", "dW", "db"),
    slip(TWO_LAYERS, SecondWeightFromInput, OPERAND, "dW2"),
    slip(TWO_LAYERS, SecondWeightFromPreactivation, OUTPUT, "dW2"),
    slip(TWO_LAYERS, MaskOfTheInput, WRONG_MASK, *BELOW),
    slip(TWO_LAYERS, NoMask, MASK, *BELOW),
    slip(TIED, DecoderShareOnly, TERM, "dW"),
    slip(TIED, DecoderShareTransposed, TRANSPOSED, "dW"),
    slip(RIDGE, PenaltyForgotten, TERM, "dW"),
    slip(RIDGE, PenaltyWithoutItsHalf, FACTOR, "dW"),
    slip(RIDGE, PenaltyAveraged, DIVIDED, "dW"),
    slip(RIDGE, PenaltySubtracted, SIGN, "dW"),
]
