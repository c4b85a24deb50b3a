"""Indexing: embeddings, gathering and scattering, slices, masks, sorting."""

import math

import numpy as np

from zoo.causes import AXIS, BRANCH, COUNT, FACTOR, MASK, MISSED, OVERWRITES, PLACE, WRONG_MASK
from zoo.pooling import distinct
from zoo.specimen import normal, slip, twin


class Embedding:
    """Rows of W by number; numbers repeat and may count from the end."""

    def __init__(self, W):
        self.W = W

    def forward(self, idx):
        self.idx = idx
        return self.W[idx]

    def backward(self, dout):
        self.dW = np.zeros_like(self.W)
        np.add.at(self.dW, self.idx, dout)


class BufferedAddition(Embedding):
    """dW[idx] += dout, which NumPy buffers: a repeated word is added once."""

    def backward(self, dout):
        self.dW = np.zeros_like(self.W)
        self.dW[self.idx] += dout


class NegativeNumbersMissed(Embedding):
    """A loop looks for each word's own number; words counted from the end are not found."""

    def backward(self, dout):
        self.dW = np.zeros_like(self.W)
        for word in range(len(self.W)):
            self.dW[word] = dout[self.idx == word].sum(axis=0)


def words(rng):
    """A batch of two sentences with repeated words, one of them from the end."""
    return (np.array([[1, 3, 1, 0], [3, 3, -1, 2]]),)


EMBEDDING = twin(
    "embedding",
    Embedding,
    words,
    arguments=normal((5, 3)),
    param_grads={"W": "dW"},
    fixed=("idx",),
    rows=("idx",),
)


class PaddedEmbedding:
    """An embedding times the root of its width, where word 0 is padding: a row of zeros."""

    def __init__(self, W):
        self.W, self.scale = W, math.sqrt(W.shape[1])

    def forward(self, idx):
        self.idx, self.shown = idx, (idx != 0)[..., None]
        return self.W[idx] * self.shown * self.scale

    def backward(self, dout):
        self.dW = np.zeros_like(self.W)
        np.add.at(self.dW, self.idx, dout * self.shown * self.scale)


class PaddingLearns(PaddedEmbedding):
    """The row of the padding receives a gradient, although it is never shown."""

    def backward(self, dout):
        self.dW = np.zeros_like(self.W)
        np.add.at(self.dW, self.idx, dout * self.scale)


class ScaleForgotten(PaddedEmbedding):
    """The factor in front of the embedding is left out."""

    def backward(self, dout):
        self.dW = np.zeros_like(self.W)
        np.add.at(self.dW, self.idx, dout * self.shown)


def padded_words(rng):
    """Two sentences; the second ends with padding."""
    return (np.array([[1, 3, 1], [4, 0, 0]]),)


PADDED = twin(
    "padded embedding",
    PaddedEmbedding,
    padded_words,
    arguments=normal((5, 3)),
    param_grads={"W": "dW"},
    fixed=("idx",),
    rows=("idx",),
)


class BagOfWords:
    """The mean of the embeddings of a row of words."""

    def __init__(self, W):
        self.W = W

    def forward(self, idx):
        self.idx = idx
        return self.W[idx].mean(axis=1)

    def share(self, dout):
        return dout[:, None] / self.idx.shape[1]

    def backward(self, dout):
        self.dW = np.zeros_like(self.W)
        every = np.broadcast_to(self.share(dout), (*self.idx.shape, self.W.shape[1]))
        np.add.at(self.dW, self.idx, every)


class SumOfWords(BagOfWords):
    """Every word receives the whole gradient, not its share of the mean."""

    def share(self, dout):
        return dout[:, None]


class ShareOfTheVocabulary(BagOfWords):
    """The share is one over the size of the vocabulary."""

    def share(self, dout):
        return dout[:, None] / len(self.W)


BAG = twin(
    "bag of words",
    BagOfWords,
    words,
    arguments=normal((5, 3)),
    param_grads={"W": "dW"},
    fixed=("idx",),
    rows=("idx",),
)


class Gather:
    """x[i, idx[i, j]]: entries picked along the rows, some of them twice."""

    def forward(self, x, idx):
        self.shape, self.idx = x.shape, idx
        return np.take_along_axis(x, idx, axis=1)

    def backward(self, dout):
        dx = np.zeros(self.shape, dout.dtype)
        np.add.at(dx, (np.arange(self.shape[0])[:, None], self.idx), dout)
        return dx


class PutBack(Gather):
    """put_along_axis writes the gradients back; an entry picked twice keeps one of them."""

    def backward(self, dout):
        dx = np.zeros(self.shape, dout.dtype)
        np.put_along_axis(dx, self.idx, dout, axis=1)
        return dx


class GatheredDownTheColumns(Gather):
    """The gradients are put back along the other axis; x is square."""

    def backward(self, dout):
        dx = np.zeros(self.shape, dout.dtype)
        np.add.at(dx, (self.idx, np.arange(self.shape[1])), dout)
        return dx


def picked(rng):
    """A square array, and entries to pick; the first of each row twice."""
    idx = rng.integers(0, 3, (3, 3))
    idx[:, 1] = idx[:, 0]
    return rng.normal(size=(3, 3)), idx


GATHER = twin("gather", Gather, picked, fixed=("idx",), rows=("x", "idx"))


class ScatterAdd:
    """Rows of y are added to the rows idx of x."""

    def forward(self, x, y, idx):
        self.idx, x = idx, x.copy()
        np.add.at(x, idx, y)
        return x

    def backward(self, dout):
        return dout.copy(), dout[self.idx]


class FirstRowsTaken(ScatterAdd):
    """dy takes the first rows of dout instead of those where y was added."""

    def backward(self, dout):
        return dout.copy(), dout[: len(self.idx)].copy()


class TargetsCleared(ScatterAdd):
    """dx is zero where something was added, as if it had been overwritten."""

    def backward(self, dout):
        dx = dout.copy()
        dx[self.idx] = 0
        return dx, dout[self.idx]


def scattered(rng):
    """Five rows, three to add, two of which go to the same place."""
    return rng.normal(size=(5, 2)), rng.normal(size=(3, 2)), np.array([4, 1, 4])


SCATTER = twin("scatter-add", ScatterAdd, scattered, fixed=("idx",))


class SegmentMean:
    """The mean of the rows with the same number: nodes of a graph, say."""

    def forward(self, x, segment):
        self.segment = segment
        self.count = np.bincount(segment).astype(x.dtype)
        total = np.zeros((len(self.count), x.shape[1]), x.dtype)
        np.add.at(total, segment, x)
        return total / self.count[:, None]

    def backward(self, dout):
        return (dout / self.count[:, None])[self.segment]


class SegmentsNotCounted(SegmentMean):
    """The gradient of each row is not divided by the size of its segment."""

    def backward(self, dout):
        return dout[self.segment]


class SegmentsTakenForSorted(SegmentMean):
    """Each segment's gradient is repeated in order: right when the rows are sorted."""

    def backward(self, dout):
        return np.repeat(dout / self.count[:, None], self.count.astype(int), axis=0)


def segments(rng):
    """Rows of three segments in mixed order."""
    return rng.normal(size=(6, 2)), np.array([2, 0, 1, 0, 2, 2])


SEGMENT_MEAN = twin("segment mean", SegmentMean, segments, fixed=("segment",))


class EverySecond:
    """A slice with a step: x[:, 1::2]."""

    def forward(self, x):
        self.shape = x.shape
        return x[:, 1::2]

    def backward(self, dout):
        dx = np.zeros(self.shape, dout.dtype)
        dx[:, 1::2] = dout
        return dx


class StartForgotten(EverySecond):
    """The gradient goes to x[:, ::2], one place too far to the left."""

    def backward(self, dout):
        dx = np.zeros(self.shape, dout.dtype)
        dx[:, ::2] = dout
        return dx


class StepForgotten(EverySecond):
    """The gradient goes to the places after the first, one beside the other."""

    def backward(self, dout):
        dx = np.zeros(self.shape, dout.dtype)
        dx[:, 1 : 1 + dout.shape[1]] = dout
        return dx


SLICE = twin("slice with a step", EverySecond, normal((3, 6)), rows=("x",))


class WhereOf:
    """np.where(condition, a, b), with b for the rest."""

    def forward(self, condition, a, b):
        self.condition = condition
        return np.where(condition, a, b)

    def backward(self, dout):
        return None, np.where(self.condition, dout, 0), np.where(self.condition, 0, dout)


class SameMaskForBoth(WhereOf):
    """Both operands receive the gradient where the condition holds."""

    def backward(self, dout):
        kept = np.where(self.condition, dout, 0)
        return None, kept, kept.copy()


class FilledEntriesLearn(WhereOf):
    """a receives a gradient where b was shown."""

    def backward(self, dout):
        return None, dout.copy(), np.where(self.condition, 0, dout)


def chosen(rng):
    """A condition with both answers and two operands."""
    condition = rng.permutation([True, False] * 3).reshape(2, 3)
    return condition, rng.normal(size=(2, 3)), rng.normal(size=(2, 3))


WHERE = twin("where", WhereOf, chosen, fixed=("condition",), rows=("condition", "a", "b"))


class Sort:
    """Every row in increasing order."""

    def forward(self, x):
        self.order = x.argsort(axis=1)
        return np.take_along_axis(x, self.order, axis=1)

    def backward(self, dout):
        dx = np.zeros_like(dout)
        np.put_along_axis(dx, self.order, dout, axis=1)
        return dx


class SortedAgain(Sort):
    """The order is applied once more instead of its inverse."""

    def backward(self, dout):
        return np.take_along_axis(dout, self.order, axis=1)


SORT = twin("sort", Sort, distinct(3, 5), rows=("x",))


class LargestTwo:
    """The two largest entries of each row, the largest first."""

    def forward(self, x):
        self.shape, self.best = x.shape, x.argsort(axis=1)[:, :-3:-1]
        return np.take_along_axis(x, self.best, axis=1)

    def backward(self, dout):
        dx = np.zeros(self.shape, dout.dtype)
        np.put_along_axis(dx, self.best, dout, axis=1)
        return dx


class RanksExchanged(LargestTwo):
    """The gradients of the largest and the second largest are exchanged."""

    def backward(self, dout):
        dx = np.zeros(self.shape, dout.dtype)
        np.put_along_axis(dx, self.best[:, ::-1], dout, axis=1)
        return dx


class LargestOnly(LargestTwo):
    """Only the largest entry receives its gradient."""

    def backward(self, dout):
        dx = np.zeros(self.shape, dout.dtype)
        np.put_along_axis(dx, self.best[:, :1], dout[:, :1], axis=1)
        return dx


TOP_TWO = twin("largest two", LargestTwo, distinct(3, 5), rows=("x",))


TWINS = [
    EMBEDDING,
    PADDED,
    BAG,
    GATHER,
    SCATTER,
    SEGMENT_MEAN,
    SLICE,
    WHERE,
    SORT,
    TOP_TWO,
]
WRONG = [
    slip(EMBEDDING, BufferedAddition, OVERWRITES, "dW"),
    slip(EMBEDDING, NegativeNumbersMissed, MISSED, "dW"),
    slip(PADDED, PaddingLearns, MASK, "dW"),
    slip(PADDED, ScaleForgotten, FACTOR, "dW"),
    slip(BAG, SumOfWords, COUNT, "dW"),
    slip(BAG, ShareOfTheVocabulary, COUNT, "dW"),
    slip(GATHER, PutBack, OVERWRITES, "dx"),
    slip(GATHER, GatheredDownTheColumns, AXIS, "dx"),
    slip(SCATTER, FirstRowsTaken, PLACE, "dy"),
    slip(SCATTER, TargetsCleared, MASK, "dx", alike=(MISSED,)),
    slip(SEGMENT_MEAN, SegmentsNotCounted, COUNT, "dx"),
    slip(SEGMENT_MEAN, SegmentsTakenForSorted, PLACE, "dx"),
    slip(SLICE, StartForgotten, PLACE, "dx"),
    slip(SLICE, StepForgotten, PLACE, "dx"),
    slip(WHERE, SameMaskForBoth, WRONG_MASK, "db", alike=(BRANCH,)),
    slip(WHERE, FilledEntriesLearn, MASK, "da"),
    slip(SORT, SortedAgain, PLACE, "dx"),
    slip(TOP_TWO, RanksExchanged, PLACE, "dx"),
    slip(TOP_TWO, LargestOnly, MISSED, "dx"),
]
