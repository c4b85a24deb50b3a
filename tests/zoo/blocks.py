"""Blocks: residual, squeeze and excite, masked and factored weights, maxout, gated units."""

import numpy as np

from zoo.affine import TanhDense
from zoo.causes import (
    CHAIN,
    COUNT,
    DETACHED,
    FACTOR,
    MASK,
    SWAPPED,
    TERM,
    TRANSPOSED,
    WRONG_MASK,
)
from zoo.functions import sigmoid
from zoo.specimen import normal, slip, twin


class Residual:
    """A skip connection around a dense layer, whose share is scaled by α."""

    def __init__(self, W, b, alpha=0.5):
        self.W, self.b, self.alpha = W, b, alpha

    def forward(self, x):
        self.inner = TanhDense(self.W, self.b)
        return x + self.alpha * self.inner.forward(x)

    def backward(self, dout):
        dx = dout + self.inner.backward(self.alpha * dout)
        self.dW, self.db = self.inner.dW, self.inner.db
        return dx


class NoSkip(Residual):
    """The gradient goes through the block and not along the skip connection."""

    def backward(self, dout):
        dx = self.inner.backward(self.alpha * dout)
        self.dW, self.db = self.inner.dW, self.inner.db
        return dx


class ScaleForgotten(Residual):
    """The branch was scaled by α on the way forward and is not on the way back."""

    def backward(self, dout):
        dx = dout + self.inner.backward(dout)
        self.dW, self.db = self.inner.dW, self.inner.db
        return dx


RESIDUAL = twin(
    "residual block",
    Residual,
    normal((5, 3)),
    arguments=normal((3, 3), (3,)),
    param_grads={"W": "dW", "b": "db"},
    rows=("x",),
)


class SqueezeExcite:
    """Every channel of an image is scaled by a gate that looks at the means of all channels."""

    def __init__(self, W):
        self.W = W

    def forward(self, x):
        self.x = x
        self.squeezed = x.mean(axis=(2, 3))
        self.gate = sigmoid(self.squeezed @ self.W)
        return x * self.gate[:, :, None, None]

    def through_gate(self, dgate):
        dz = dgate * self.gate * (1 - self.gate)
        self.dW = self.squeezed.T @ dz
        return dz @ self.W.T

    def through_mean(self, dmean):
        height, width = self.x.shape[2:]
        return dmean[:, :, None, None] / (height * width)

    def backward(self, dout):
        dmean = self.through_gate((dout * self.x).sum(axis=(2, 3)))
        return dout * self.gate[:, :, None, None] + self.through_mean(dmean)


class GateAsConstant(SqueezeExcite):
    """x is scaled by the gate, and that the gate depends on x is forgotten."""

    def through_mean(self, dmean):
        return 0.0


class MeanOverRowsOnly(SqueezeExcite):
    """The mean over height and width is divided by the height alone on the way back."""

    def through_mean(self, dmean):
        return dmean[:, :, None, None] / self.x.shape[2]


class GateWithoutSlope(SqueezeExcite):
    """The gradient of the gate goes on to W and x without the sigmoid's derivative."""

    def through_gate(self, dgate):
        self.dW = self.squeezed.T @ dgate
        return dgate @ self.W.T


SQUEEZE_EXCITE = twin(
    "squeeze and excite",
    SqueezeExcite,
    normal((2, 3, 2, 2)),
    arguments=normal((3, 3)),
    param_grads={"W": "dW"},
    rows=("x",),
)


class MaskedAffine:
    """Output j sees the inputs up to j only."""

    def __init__(self, W):
        self.W, self.mask = W, np.triu(np.ones_like(W))

    def forward(self, x):
        self.x = x
        return x @ (self.W * self.mask)

    def backward(self, dout):
        self.dW = (self.x.T @ dout) * self.mask
        return dout @ (self.W * self.mask).T


class HiddenWeightsLearn(MaskedAffine):
    """Weights behind the mask receive a gradient, although they have no effect."""

    def backward(self, dout):
        dx = super().backward(dout)
        self.dW = self.x.T @ dout
        return dx


class InputSeesHiddenWeights(MaskedAffine):
    """dx multiplies with W before it was masked."""

    def backward(self, dout):
        super().backward(dout)
        return dout @ self.W.T


MASKED = twin(
    "masked affine",
    MaskedAffine,
    normal((5, 3)),
    arguments=normal((3, 3)),
    param_grads={"W": "dW"},
    rows=("x",),
)


class LowRank:
    """A large weight as a product of two thin ones."""

    def __init__(self, U, V):
        self.U, self.V = U, V

    def forward(self, x):
        self.x, self.h = x, x @ self.U
        return self.h @ self.V

    def backward(self, dout):
        dh = dout @ self.V.T
        self.dU, self.dV = self.x.T @ dh, self.h.T @ dout
        return dh @ self.U.T


class FactorsSwapped(LowRank):
    """dU is stored as dV and dV as dU; both factors are square."""

    def backward(self, dout):
        dx = super().backward(dout)
        self.dU, self.dV = self.dV, self.dU
        return dx


class ProductInWrongOrder(LowRank):
    """dx multiplies with (V U)ᵀ instead of (U V)ᵀ."""

    def backward(self, dout):
        super().backward(dout)
        return dout @ (self.V @ self.U).T


LOW_RANK = twin(
    "low-rank affine",
    LowRank,
    normal((5, 3)),
    arguments=normal((3, 3), (3, 3)),
    param_grads={"U": "dU", "V": "dV"},
    rows=("x",),
)


class Maxout:
    """The largest of several affine maps: W has the shape (pieces, inputs, outputs)."""

    def __init__(self, W):
        self.W = W

    def forward(self, x):
        self.x = x
        z = np.einsum("ni,pio->pno", x, self.W)
        self.won = z == z.max(axis=0)
        return z.max(axis=0)

    def share(self, dout):
        return dout * self.won

    def backward(self, dout):
        dz = self.share(dout)
        self.dW = np.einsum("ni,pno->pio", self.x, dz)
        return np.einsum("pno,pio->ni", dz, self.W)


class AllPiecesLearn(Maxout):
    """Every piece receives the gradient, not only the largest."""

    def share(self, dout):
        return dout * np.ones_like(self.won)


class WinnerOfTheRow(Maxout):
    """The winning piece is looked up once per example instead of once per output."""

    def share(self, dout):
        best = self.won.sum(axis=2).argmax(axis=0)
        chosen = np.arange(len(self.W))[:, None] == best
        return dout * chosen[:, :, None]


MAXOUT = twin(
    "maxout",
    Maxout,
    normal((6, 3)),
    arguments=normal((3, 3, 4)),
    param_grads={"W": "dW"},
    rows=("x",),
)


class GatedLinearUnit:
    """a σ(b), where a and b are the two halves of x."""

    def forward(self, x):
        self.a, b = np.split(x, 2, axis=1)
        self.gate = sigmoid(b)
        return self.a * self.gate

    def backward(self, dout):
        da = dout * self.gate
        db = dout * self.a * self.gate * (1 - self.gate)
        return np.concatenate([da, db], axis=1)


class HalvesSwapped(GatedLinearUnit):
    """The gradients of the two halves are joined in the wrong order."""

    def backward(self, dout):
        da, db = np.split(super().backward(dout), 2, axis=1)
        return np.concatenate([db, da], axis=1)


class GateByItself(GatedLinearUnit):
    """The gate's gradient lacks the half that it multiplies."""

    def backward(self, dout):
        da = dout * self.gate
        db = dout * self.gate * (1 - self.gate)
        return np.concatenate([da, db], axis=1)


GATED = twin("gated linear unit", GatedLinearUnit, normal((4, 6)), rows=("x",))


TWINS = [RESIDUAL, SQUEEZE_EXCITE, MASKED, LOW_RANK, MAXOUT, GATED]
WRONG = [
    slip(RESIDUAL, NoSkip, TERM, "dx"),
    slip(RESIDUAL, ScaleForgotten, FACTOR, "dx", "dW", "db"),
    slip(SQUEEZE_EXCITE, GateAsConstant, DETACHED, "dx"),
    slip(SQUEEZE_EXCITE, MeanOverRowsOnly, COUNT, "dx"),
    slip(SQUEEZE_EXCITE, GateWithoutSlope, CHAIN, "dx", "dW"),
    slip(MASKED, HiddenWeightsLearn, MASK, "dW"),
    slip(MASKED, InputSeesHiddenWeights, MASK, "dx"),
    slip(LOW_RANK, FactorsSwapped, SWAPPED, "dU", "dV"),
    slip(LOW_RANK, ProductInWrongOrder, TRANSPOSED, "dx"),
    slip(MAXOUT, AllPiecesLearn, MASK, "dx", "dW"),
    slip(MAXOUT, WinnerOfTheRow, WRONG_MASK, "dx", "dW"),
    slip(GATED, HalvesSwapped, SWAPPED, "dx"),
    slip(GATED, GateByItself, CHAIN, "dx"),
]
