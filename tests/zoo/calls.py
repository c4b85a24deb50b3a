"""Contracts of calls: again, in another order, by two layers, with another dout, by chance."""

import numpy as np
from seed_notebook import Dropout as NotebookDropout

from zoo.activations import RELU, SIGMOID, Relu, Sigmoid
from zoo.affine import AFFINE, Affine
from zoo.batch_norm import BATCH_NORM, BatchNorm
from zoo.causes import (
    ACCUMULATES,
    IGNORES_DOUT,
    NOT_LINEAR,
    RANDOM_BACKWARD,
    SECOND_BACKWARD,
    SHARED_STATE,
    STALE_CACHE,
    STALE_PARAMETER,
    STATE_IN_BACKWARD,
    WRONG_VALUE,
)
from zoo.distances import MSE, MeanSquare
from zoo.indexing import EMBEDDING, Embedding
from zoo.losses import SOFTMAX_LOSS, SoftmaxWithLoss
from zoo.pooling import MAX_POOLING, MaxPooling
from zoo.recurrent import EARLIER, UNROLLED, Unrolled
from zoo.reductions import SUM, SumOfRows
from zoo.softmaxes import DROPOUT, PRELU, Dropout, PRelu
from zoo.specimen import slip
from zoo.unusual import NOTEBOOK

EVERY = ("dx", "dW", "db")
CACHE = {}


# ---- again ---------------------------------------------------------------------------------------
class SubtractsFromTheCache(SoftmaxWithLoss):
    """The label is subtracted from the softmax that was kept, not from a copy of it."""

    def slope(self):
        dx = self.y
        dx[np.arange(len(self.t)), self.t] -= 1
        return dx


class ForgetsItsInput(Affine):
    """The input is deleted after the backward, to save memory."""

    def backward(self, dout):
        dx = super().backward(dout)
        del self.x
        return dx


class KeepsTheCarry(Unrolled):
    """The gradient carried through time is an attribute that the next backward starts from."""

    dh = 0.0

    def carried(self, dt):
        self.dh = super().carried(dt)
        return self.dh

    def backward(self, dout):
        last = dout[:, -1] + self.dh
        return super().backward(np.concatenate([dout[:, :-1], last[:, None]], axis=1))


class NeverReset(Affine):
    """dW and db are zeros at first and are only ever added to."""

    def __init__(self, W, b):
        super().__init__(W, b)
        self.dW, self.db = np.zeros_like(W), np.zeros_like(b)

    def backward(self, dout):
        self.dW += self.x.T @ dout
        self.db += dout.sum(axis=0)
        return dout @ self.W.T


class RowsOfEarlierBatches(Embedding):
    """np.add.at adds to a dW that was made with the layer: words of earlier batches remain."""

    def __init__(self, W):
        super().__init__(W)
        self.dW = np.zeros_like(W)

    def backward(self, dout):
        np.add.at(self.dW, self.idx, dout)


# ---- after another forward -----------------------------------------------------------------------
class FirstInputKept(Affine):
    """The input is kept only if none was kept before."""

    x = None

    def forward(self, x):
        if self.x is None:
            self.x = x
        return x @ self.W + self.b


class PlacesOfTheFirstBatch(MaxPooling):
    """Where the largest entries stand is computed anew only when the shape changes."""

    places = None

    def forward(self, x):
        y = super().forward(x)
        if self.places is None or self.places.shape != self.best.shape:
            self.places = self.best
        self.best = self.places
        return y


class WeightTransposedAtFirst(Affine):
    """The transposed weight is prepared when the layer is made, as a copy."""

    def __init__(self, W, b):
        super().__init__(W, b)
        self.WT = W.T.copy()

    def backward(self, dout):
        super().backward(dout)
        return dout @ self.WT


class SlopesAtFirst(PRelu):
    """The slopes for the backward are looked up when the layer is made."""

    def __init__(self, a):
        super().__init__(a)
        self.slopes = a.copy()

    def backward(self, dout):
        super().backward(dout)
        return np.where(self.x > 0, dout, self.slopes * dout)


# ---- with other layers ---------------------------------------------------------------------------
class InputInTheModule(Affine):
    """The input is kept in a dictionary of the module, which all layers share."""

    def forward(self, x):
        CACHE["x"] = x
        return x @ self.W + self.b

    def backward(self, dout):
        self.x = CACHE["x"]
        return super().backward(dout)


class OutputOfTheClass(Sigmoid):
    """The output is kept on the class, so the layer that ran last decides for all."""

    kept = None

    def forward(self, x):
        OutputOfTheClass.kept = super().forward(x)
        return OutputOfTheClass.kept

    def backward(self, dout):
        y = OutputOfTheClass.kept
        return dout * y * (1 - y)


class MeansMoveInBackward(BatchNorm):
    """The running mean and variance are updated by the backward, not by the forward."""

    def forward(self, x, train_flag=True):
        before = self.running_mean, self.running_var
        y = super().forward(x, train_flag)
        self.after = self.running_mean, self.running_var
        self.running_mean, self.running_var = before
        return y

    def backward(self, dout):
        self.running_mean, self.running_var = self.after
        return super().backward(dout)


# ---- by chance -----------------------------------------------------------------------------------
class MaskDrawnAgain(Dropout):
    """The backward draws a mask of its own."""

    def backward(self, dout):
        return dout * (self.rng.random(dout.shape) > self.ratio)


class ForwardAsBackward(NotebookDropout):
    """The backward calls the forward with dout, which draws a new mask."""

    def backward(self, dout):
        return self.forward(dout)


# ---- with another dout ---------------------------------------------------------------------------
class Clipped(Affine):
    """The weight's gradient is clipped to ±0.5, which is the optimizer's business."""

    def backward(self, dout):
        dx = super().backward(dout)
        self.dW = np.clip(self.dW, -0.5, 0.5)
        return dx


class MaskOfTheGradient(Relu):
    """The mask is that of dout's sign as well, as in guided backpropagation."""

    def backward(self, dout):
        return super().backward(np.maximum(dout, 0))


class WeightDecayInside(Affine):
    """Weight decay is added to dW by the layer, whose output does not contain a penalty."""

    def backward(self, dout):
        dx = super().backward(dout)
        self.dW += 0.1 * self.W
        return dx


class UnitGradient(Affine):
    """dx is divided by its length, against vanishing gradients."""

    def backward(self, dout):
        dx = super().backward(dout)
        length = np.sqrt((dx**2).sum())
        return dx / length if length > 0 else dx


class LossIsLast(SoftmaxWithLoss):
    """The book's loss: dout is an argument that nobody reads."""

    def backward(self, dout=1.0):
        return self.slope() / len(self.t)


class ErrorIsLast(MeanSquare):
    """The squared error's gradient without dout."""

    def backward(self, dout=1.0):
        dy = 2 * self.r / self.r.size
        return dy, -dy


class OnesForDout(SumOfRows):
    """The gradient of a sum is all ones, whatever comes after the sum."""

    def backward(self, dout):
        return np.ones(self.shape, dout.dtype)


TWINS = []
WRONG = [
    slip(SOFTMAX_LOSS, SubtractsFromTheCache, SECOND_BACKWARD, "dx"),
    slip(AFFINE, ForgetsItsInput, SECOND_BACKWARD, *EVERY),
    slip(UNROLLED, KeepsTheCarry, SECOND_BACKWARD, *EARLIER, also=(ACCUMULATES,)),
    slip(AFFINE, NeverReset, ACCUMULATES, "dW", "db", also=(SECOND_BACKWARD,)),
    slip(EMBEDDING, RowsOfEarlierBatches, ACCUMULATES, "dW", also=(SECOND_BACKWARD,)),
    slip(AFFINE, FirstInputKept, STALE_CACHE, "dW"),
    slip(MAX_POOLING, PlacesOfTheFirstBatch, STALE_CACHE, "dx"),
    slip(AFFINE, WeightTransposedAtFirst, STALE_PARAMETER, "dx"),
    slip(PRELU, SlopesAtFirst, STALE_PARAMETER, "dx"),
    slip(AFFINE, InputInTheModule, SHARED_STATE, "dW"),
    slip(SIGMOID, OutputOfTheClass, SHARED_STATE, "dx"),
    slip(BATCH_NORM, MeansMoveInBackward, STATE_IN_BACKWARD, "y"),
    slip(DROPOUT, MaskDrawnAgain, RANDOM_BACKWARD, "dx", also=(SECOND_BACKWARD, WRONG_VALUE)),
    slip(NOTEBOOK, ForwardAsBackward, RANDOM_BACKWARD, "dx", also=(SECOND_BACKWARD, WRONG_VALUE)),
    slip(AFFINE, Clipped, NOT_LINEAR, "dW", also=(WRONG_VALUE,)),
    slip(RELU, MaskOfTheGradient, NOT_LINEAR, "dx", also=(WRONG_VALUE,)),
    slip(AFFINE, WeightDecayInside, NOT_LINEAR, "dW", also=(WRONG_VALUE,)),
    slip(AFFINE, UnitGradient, NOT_LINEAR, "dx", also=(WRONG_VALUE,)),
    slip(SOFTMAX_LOSS, LossIsLast, IGNORES_DOUT, "dx", also=(NOT_LINEAR, WRONG_VALUE)),
    slip(MSE, ErrorIsLast, IGNORES_DOUT, "dy", "dt", also=(NOT_LINEAR, WRONG_VALUE)),
    slip(SUM, OnesForDout, IGNORES_DOUT, "dx", also=(NOT_LINEAR, WRONG_VALUE)),
]
