"""Contracts of arrays: types, shapes, batches of one and of none, layouts, what is finite."""

import numpy as np

from zoo.activations import RELU, SOFTPLUS, SOFTSIGN, TANH, Relu, Softplus, Softsign, Tanh
from zoo.affine import AFFINE, IMAGES, Affine, AffineOfImages
from zoo.arithmetic import BLEND, SCALE, Blend, LearnedScale
from zoo.attention import ATTENTION, Attention
from zoo.causes import (
    BATCH_OF_ONE,
    EMPTY_BATCH,
    IGNORES_DOUT,
    INTEGER_GRADIENT,
    LAYOUT,
    MISSING_GRADIENT,
    NAN_AT_ZERO,
    NO_GRADIENT,
    NOT_LINEAR,
    OVERFLOWS,
    PROMOTES,
    WRONG_DTYPE,
    WRONG_SHAPE,
    WRONG_VALUE,
)
from zoo.distances import MSE, MeanSquare
from zoo.indexing import SLICE, EverySecond
from zoo.pooling import OVERLAPPING, OverlappingMaxPooling
from zoo.products import SHARED, SharedWeight
from zoo.reductions import LOGSUMEXP, MAX, PRODUCT, LogSumExp, MaxOfRows, ProductOfRows
from zoo.softmaxes import INVERTED, InvertedDropout
from zoo.specimen import normal, slip, twin
from zoo.unusual import FLATTEN, Flatten

EVERY = ("dx", "dW", "db")


# ---- types ---------------------------------------------------------------------------------------
class ZerosByDefault(EverySecond):
    """dx starts as np.zeros(shape), which is float64 whatever x is."""

    def backward(self, dout):
        dx = np.zeros(self.shape)
        dx[:, 1::2] = dout
        return dx


class RootOfAnInteger(Attention):
    """np.sqrt of an integer is a float64 that widens all it touches; math.sqrt does not."""

    def backward(self, dout):
        self.scale = 1 / np.sqrt(self.q.shape[2])
        return super().backward(dout)


class MaskOfFloats(InvertedDropout):
    """The mask is turned into floats, and thereby float32 gradients into float64."""

    def backward(self, dout):
        return dout * self.mask.astype(float) * self.scale


class AlwaysSingle(Tanh):
    """The gradient is turned into float32, also where everything else is float64."""

    def backward(self, dout):
        return super().backward(dout).astype(np.float32)


class ZerosLikeTheMask(Relu):
    """dx starts as zeros like the mask: an array of booleans."""

    def backward(self, dout):
        dx = np.zeros_like(self.mask)
        dx[~self.mask] = dout[~self.mask]
        return dx


class ZerosOfIntegers(OverlappingMaxPooling):
    """dx is an array of integers, which cuts every gradient off at the point."""

    def backward(self, dout):
        dx = np.zeros(self.x.shape, dtype=int)
        for out, place in self.windows():
            dx[place] += int(dout[out])
        return dx


# ---- shapes --------------------------------------------------------------------------------------
class BiasAsRow(Affine):
    """db keeps the summed axis: (1, out) instead of (out,)."""

    def backward(self, dout):
        dx = super().backward(dout)
        self.db = dout.sum(axis=0, keepdims=True)
        return dx


class ImagesStayFlat(AffineOfImages):
    """dx has one row per image; it is not shaped like the images."""

    def backward(self, dout):
        return super().backward(dout).reshape(self.x.shape)


class NumberInAList(LearnedScale):
    """The gradient of a single number has the shape (1,)."""

    def backward(self, dout):
        dx = super().backward(dout)
        self.ds = self.ds.reshape(1)
        return dx


class AxisOfOneLost(Blend):
    """The weight is (N, 1) and its gradient (N,): a sum without keepdims."""

    def backward(self, dout):
        da, db, dw = super().backward(dout)
        return da, db, dw[:, 0]


# ---- batches of one and of none ------------------------------------------------------------------
class SqueezedBias(Affine):
    """np.squeeze also removes the batch axis when the batch has one row."""

    def backward(self, dout):
        dx = super().backward(dout)
        self.db = np.asarray(np.squeeze(dout).sum(axis=0))
        return dx


class SqueezedSequence(SharedWeight):
    """The products are taken of squeezed arrays: one sequence alone has an axis too few."""

    def backward(self, dout):
        dx = super().backward(dout)
        self.dW = np.einsum("nti,nto->io", np.squeeze(self.x), np.squeeze(dout))
        return dx


class RowByRow(Affine):
    """dW stacks one outer product per row, and there is nothing to stack without rows."""

    def backward(self, dout):
        dx = super().backward(dout)
        self.dW = np.stack([np.outer(x, d) for x, d in zip(self.x, dout, strict=True)]).sum(axis=0)
        return dx


class MeanTimesCount(Affine):
    """db is the mean times the number of rows: 0 times NaN without rows."""

    def backward(self, dout):
        dx = super().backward(dout)
        self.db = dout.mean(axis=0) * len(dout)
        return dx


# ---- layouts -------------------------------------------------------------------------------------
class WritesIntoACopy(MaxOfRows):
    """ravel() of an array in Fortran's order is a copy; what is written into it is lost."""

    def backward(self, dout):
        dx = np.zeros_like(self.x)
        rows, width = self.x.shape
        dx.ravel()[np.arange(rows) * width + self.x.argmax(axis=1)] = dout
        return dx


class MemoryOrder(Flatten):
    """The gradient is read in the order of memory, order="K", not in that of its axes."""

    def backward(self, dout):
        return dout.flatten(order="K").reshape(self.shape)


# ---- nothing to return ---------------------------------------------------------------------------
class ReturnForgotten(Tanh):
    """The gradient is computed and not returned."""

    def backward(self, dout):
        self.dx = dout * (1 - self.y**2)


class NoneForTheTarget(MeanSquare):
    """The target's gradient is None, although the target can be differentiated."""

    def backward(self, dout=1.0):
        return super().backward(dout)[0], None


class WeightUnderAnotherName(Affine):
    """The attribute is called dw, with a small letter; dW is never set."""

    def backward(self, dout):
        self.dw = self.x.T @ dout
        self.db = dout.sum(axis=0)
        return dout @ self.W.T


class TwoOfThree(Attention):
    """The gradients of queries and keys are returned, and the values' is left out."""

    def backward(self, dout):
        return super().backward(dout)[:2]


# ---- finite --------------------------------------------------------------------------------------
class Lengths:
    """The length of each row; a row of zeros gets the gradient zero."""

    def forward(self, x):
        self.x, self.y = x, np.sqrt((x**2).sum(axis=1))
        return self.y

    def backward(self, dout):
        return (dout / np.where(self.y > 0, self.y, 1))[:, None] * self.x


class DividedByLength(Lengths):
    """A row of zeros is divided by its length."""

    def backward(self, dout):
        return (dout / self.y)[:, None] * self.x


class ProductByEntry(ProductOfRows):
    """The product of the others is the whole product divided by the entry: 0 / 0."""

    def others(self):
        return self.y[:, None] / self.x


class SignByDivision(Softsign):
    """The derivative of |x| is written as x / |x|."""

    def backward(self, dout):
        size = np.abs(self.x)
        return dout * (1 + size - self.x * (self.x / size)) / (1 + size) ** 2


class ExponentialsDivided(Softplus):
    """exp(βx) / (1 + exp(βx)) is infinity over infinity for large x."""

    def backward(self, dout):
        e = np.exp(self.beta * self.x)
        return dout * e / (1 + e)


class LargestNotSubtracted(LogSumExp):
    """The backward exponentiates x as it is; the forward subtracts the largest first."""

    def backward(self, dout):
        e = np.exp(self.x)
        return dout[:, None] * e / e.sum(axis=1, keepdims=True)


LENGTHS = twin("lengths of rows", Lengths, normal((3, 4)), rows=("x",))

TWINS = [LENGTHS]
WRONG = [
    slip(SLICE, ZerosByDefault, PROMOTES, "dx"),
    slip(ATTENTION, RootOfAnInteger, PROMOTES, "dq", "dk"),
    slip(INVERTED, MaskOfFloats, PROMOTES, "dx"),
    slip(TANH, AlwaysSingle, WRONG_DTYPE, "dx"),
    slip(
        RELU,
        ZerosLikeTheMask,
        INTEGER_GRADIENT,
        "dx",
        also=(IGNORES_DOUT, NOT_LINEAR, WRONG_VALUE),
    ),
    slip(OVERLAPPING, ZerosOfIntegers, INTEGER_GRADIENT, "dx", also=(NOT_LINEAR, WRONG_VALUE)),
    slip(AFFINE, BiasAsRow, WRONG_SHAPE, "db"),
    slip(IMAGES, ImagesStayFlat, WRONG_SHAPE, "dx"),
    slip(SCALE, NumberInAList, WRONG_SHAPE, "ds"),
    slip(BLEND, AxisOfOneLost, WRONG_SHAPE, "dw"),
    slip(AFFINE, SqueezedBias, BATCH_OF_ONE, "db"),
    slip(SHARED, SqueezedSequence, BATCH_OF_ONE, "dx", "dW"),
    slip(AFFINE, RowByRow, EMPTY_BATCH, *EVERY),
    slip(AFFINE, MeanTimesCount, EMPTY_BATCH, "db"),
    slip(MAX, WritesIntoACopy, LAYOUT, "dx"),
    slip(FLATTEN, MemoryOrder, LAYOUT, "dx"),
    slip(TANH, ReturnForgotten, NO_GRADIENT, "dx"),
    slip(MSE, NoneForTheTarget, NO_GRADIENT, "dt"),
    slip(AFFINE, WeightUnderAnotherName, MISSING_GRADIENT, "dW"),
    slip(ATTENTION, TwoOfThree, MISSING_GRADIENT, "dv"),
    slip(LENGTHS, DividedByLength, NAN_AT_ZERO, "dx"),
    slip(PRODUCT, ProductByEntry, NAN_AT_ZERO, "dx"),
    slip(SOFTSIGN, SignByDivision, NAN_AT_ZERO, "dx"),
    slip(SOFTPLUS, ExponentialsDivided, OVERFLOWS, "dx"),
    slip(LOGSUMEXP, LargestNotSubtracted, OVERFLOWS, "dx"),
]
