"""Losses of classes: softmax and sigmoid cross-entropy with what a course adds to them."""

import numpy as np

from zoo.causes import (
    CHAIN,
    COUNT,
    DETACHED,
    DIVIDED,
    EXTRA_CHAIN,
    FACTOR,
    MASK,
    MISSED,
    NOT_DIVIDED,
    OPERAND,
    PLACE,
    SIGN,
    TERM,
)
from zoo.functions import log_softmax, one_hot, sigmoid, softmax
from zoo.specimen import slip, twin


def labelled(rows, classes):
    """Scores with integer labels, among which at least one stands twice."""

    def draw(rng):
        return rng.normal(size=(rows, classes)), np.append(0, rng.integers(0, classes, rows - 1))

    return draw


class SoftmaxWithLoss:
    """The book's last layer, with integer labels and a dout that counts."""

    def forward(self, x, t):
        self.y, self.t = softmax(x), t
        return -log_softmax(x)[np.arange(len(t)), t].mean()

    def slope(self):
        dx = self.y.copy()
        dx[np.arange(len(self.t)), self.t] -= 1
        return dx

    def backward(self, dout=1.0):
        return dout * self.slope() / len(self.t)


class BatchSizeForgotten(SoftmaxWithLoss):
    """The loss is a mean over the batch and the gradient is a sum."""

    def backward(self, dout=1.0):
        return dout * self.slope()


class BatchSizeTwice(SoftmaxWithLoss):
    """The slope is divided by the batch size in two places."""

    def slope(self):
        return super().slope() / len(self.t)


class LabelsMinusPrediction(SoftmaxWithLoss):
    """t − y instead of y − t: gradient ascent."""

    def slope(self):
        return -super().slope()


class DividedByAllEntries(SoftmaxWithLoss):
    """The gradient is divided by rows times classes, as for a squared error."""

    def backward(self, dout=1.0):
        return dout * self.slope() / self.y.size


class WholeColumns(SoftmaxWithLoss):
    """`dx[:, t] -= 1` subtracts in whole columns, not in one entry per row."""

    def slope(self):
        dx = self.y.copy()
        dx[:, self.t] -= 1
        return dx


class LabelForgotten(SoftmaxWithLoss):
    """The gradient is the softmax; the label is not subtracted."""

    def slope(self):
        return self.y


class SoftmaxTwice(SoftmaxWithLoss):
    """y − t is sent through softmax's Jacobian again."""

    def slope(self):
        d = super().slope()
        return self.y * (d - (d * self.y).sum(axis=1, keepdims=True))


SOFTMAX_LOSS = twin(
    "softmax with loss",
    SoftmaxWithLoss,
    labelled(5, 3),
    fixed=("t",),
    rows=("x", "t"),
    fewest=1,
)


class SmoothedLoss:
    """Cross-entropy with smoothed labels: 1 − ε for the class and ε spread over all."""

    def __init__(self, smoothing=0.2):
        self.smoothing = smoothing

    def forward(self, x, t):
        classes = x.shape[1]
        self.hard = one_hot(t, classes, x.dtype)
        self.t = (1 - self.smoothing) * self.hard + self.smoothing / classes
        self.y = softmax(x)
        return -(self.t * log_softmax(x)).sum() / len(x)

    def backward(self, dout=1.0):
        return dout * (self.y - self.t) / len(self.y)


class HardLabels(SmoothedLoss):
    """The loss sees smoothed labels and the gradient the hard ones."""

    def backward(self, dout=1.0):
        return dout * (self.y - self.hard) / len(self.y)


SMOOTHED = twin(
    "label smoothing", SmoothedLoss, labelled(4, 3), fixed=("t",), rows=("x", "t"), fewest=1
)


class WeightedLoss:
    """Cross-entropy with a weight per class, divided by the sum of the weights in the batch."""

    def __init__(self, weights):
        self.weights = weights

    def forward(self, x, t):
        self.y, self.t = softmax(x), t
        self.w = self.weights[t].astype(x.dtype)
        losses = -log_softmax(x)[np.arange(len(t)), t]
        return (self.w * losses).sum() / self.w.sum()

    def slope(self):
        return self.y - one_hot(self.t, self.y.shape[1], self.y.dtype)

    def backward(self, dout=1.0):
        return dout * self.w[:, None] * self.slope() / self.w.sum()


class WeightsForgotten(WeightedLoss):
    """The gradient of each row is not multiplied by the weight of its class."""

    def backward(self, dout=1.0):
        return dout * self.slope() / self.w.sum()


class WeightsOfTheColumns(WeightedLoss):
    """The weights are laid along the classes, not looked up by the label of the row."""

    def backward(self, dout=1.0):
        return dout * self.weights * self.slope() / self.w.sum()


class WeightsNotSummed(WeightedLoss):
    """The gradient is divided by the number of rows; the loss by the sum of their weights."""

    def backward(self, dout=1.0):
        return dout * self.w[:, None] * self.slope() / len(self.t)


WEIGHTED = twin(
    "class weights",
    WeightedLoss,
    labelled(5, 3),
    arguments=lambda rng: (np.array([0.6, 2.1, 1.7]),),
    fixed=("t",),
    rows=("x", "t"),
    fewest=1,
)


class LanguageLoss:
    """Cross-entropy over a sequence; label −1 marks padding, which does not count."""

    def forward(self, x, t):
        self.y, self.t, self.valid = softmax(x), t, t >= 0
        logs = np.take_along_axis(log_softmax(x), np.maximum(t, 0)[..., None], axis=2)
        return -(logs[..., 0] * self.valid).sum() / max(1, int(self.valid.sum()))

    def slope(self):
        return self.y - one_hot(np.maximum(self.t, 0), self.y.shape[2], self.y.dtype)

    def backward(self, dout=1.0):
        return dout * self.slope() * self.valid[..., None] / max(1, int(self.valid.sum()))


class PaddingLearns(LanguageLoss):
    """Padded steps receive a gradient as if their label were 0."""

    def backward(self, dout=1.0):
        return dout * self.slope() / max(1, int(self.valid.sum()))


class PaddingCounts(LanguageLoss):
    """The gradient is divided by all steps, the padded ones included."""

    def backward(self, dout=1.0):
        return dout * self.slope() * self.valid[..., None] / self.t.size


class SequencesForSteps(LanguageLoss):
    """The gradient is divided by the number of sequences; the loss by that of the steps."""

    def backward(self, dout=1.0):
        return dout * self.slope() * self.valid[..., None] / len(self.t)


def sequences(rng):
    """Two sequences of scores; the second is shorter."""
    return rng.normal(size=(2, 4, 3)), np.array([[0, 2, 1, 1], [2, 0, -1, -1]])


LANGUAGE = twin("language loss", LanguageLoss, sequences, fixed=("t",), rows=("x", "t"))


class SigmoidWithLoss:
    """Binary cross-entropy of scores; `weight` makes positive labels heavier."""

    def __init__(self, weight=2.0):
        self.weight = weight

    def forward(self, x, t):
        self.x, self.t, self.y = x, t, sigmoid(x)
        return (self.weight * t * np.logaddexp(0, -x) + (1 - t) * np.logaddexp(0, x)).mean()

    def slope(self):
        return (1 - self.t) * self.y - self.weight * self.t * (1 - self.y)

    def backward(self, dout=1.0):
        return dout * self.slope() / self.t.size


class SlopeMultipliedAgain(SigmoidWithLoss):
    """y − t already contains the sigmoid's derivative, and y (1 − y) is multiplied again."""

    def slope(self):
        return super().slope() * self.y * (1 - self.y)


class MeanForgotten(SigmoidWithLoss):
    """The loss is a mean, and the gradient is not divided."""

    def backward(self, dout=1.0):
        return dout * self.slope()


class WeightForgotten(SigmoidWithLoss):
    """y − t, as if positive and negative labels weighed the same."""

    def slope(self):
        return self.y - self.t


class PositivesForgotten(SigmoidWithLoss):
    """Only the term of the negative labels is differentiated."""

    def slope(self):
        return (1 - self.t) * self.y


def binary(rng):
    """Scores and labels 0.0 or 1.0, both of which occur."""
    return rng.normal(size=6), rng.permutation([0.0, 1.0, 0.0, 1.0, 1.0, 0.0])


SIGMOID_LOSS = twin(
    "sigmoid with loss", SigmoidWithLoss, binary, fixed=("t",), rows=("x", "t"), fewest=1
)


class ProbabilityLoss:
    """Binary cross-entropy of probabilities."""

    def forward(self, p, t):
        self.p, self.t = p, t
        return -(t * np.log(p) + (1 - t) * np.log(1 - p)).mean()

    def backward(self, dout=1.0):
        return dout * ((1 - self.t) / (1 - self.p) - self.t / self.p) / self.p.size


class AsIfOfScores(ProbabilityLoss):
    """p − t, which is the gradient by the scores before the sigmoid."""

    def backward(self, dout=1.0):
        return dout * (self.p - self.t) / self.p.size


class BothTermsNegative(ProbabilityLoss):
    """The inner derivative of 1 − p is −1; its sign is lost."""

    def backward(self, dout=1.0):
        return dout * (-(1 - self.t) / (1 - self.p) - self.t / self.p) / self.p.size


def probabilities(rng):
    """Probabilities away from 0 and 1, with labels."""
    return rng.uniform(0.1, 0.9, 6), rng.permutation([0.0, 1.0, 0.0, 1.0, 1.0, 0.0])


PROBABILITY_LOSS = twin(
    "loss of probabilities", ProbabilityLoss, probabilities, fixed=("t",), rows=("p", "t"), fewest=1
)


class FocalLoss:
    """Cross-entropy times (1 − p)², where p is the probability of the right class."""

    def forward(self, x, t):
        self.y, self.t = softmax(x), t
        self.p = self.y[np.arange(len(t)), t]
        return -((1 - self.p) ** 2 * np.log(self.p)).mean()

    def by_probability(self):
        return 2 * (1 - self.p) * np.log(self.p) - (1 - self.p) ** 2 / self.p

    def backward(self, dout=1.0):
        chosen = one_hot(self.t, self.y.shape[1], self.y.dtype)
        dp = dout * self.by_probability() / len(self.t)
        return (dp * self.p)[:, None] * (chosen - self.y)


class FocusAsConstant(FocalLoss):
    """The factor (1 − p)² is treated as a weight that does not depend on the scores."""

    def by_probability(self):
        return -((1 - self.p) ** 2) / self.p


FOCAL = twin("focal loss", FocalLoss, labelled(4, 3), fixed=("t",), rows=("x", "t"), fewest=1)


class MulticlassHinge:
    """How much each wrong class comes within 1 of the right one, summed over classes."""

    def forward(self, x, t):
        self.t, every = t, np.arange(len(t))
        margins = np.maximum(0, 1 + x - x[every, t][:, None])
        margins[every, t] = 0
        self.active = (margins > 0).astype(x.dtype)
        return margins.sum() / len(t)

    def right_class(self):
        return -self.active.sum(axis=1)

    def backward(self, dout=1.0):
        dx = self.active.copy()
        dx[np.arange(len(self.t)), self.t] = self.right_class()
        return dout * dx / len(self.t)


class RightClassForgotten(MulticlassHinge):
    """The right class's score stands in every margin and receives nothing."""

    def right_class(self):
        return 0.0


class RightClassOnce(MulticlassHinge):
    """The right class receives −1, however many margins it stands in."""

    def right_class(self):
        return -1.0


def close_scores(rng):
    """Scores so close that every wrong class lies within the margin."""
    return 0.2 * rng.normal(size=(4, 3)), rng.integers(0, 3, 4)


HINGE = twin(
    "multi-class hinge", MulticlassHinge, close_scores, fixed=("t",), rows=("x", "t"), fewest=1
)


TWINS = [
    SOFTMAX_LOSS,
    SMOOTHED,
    WEIGHTED,
    LANGUAGE,
    SIGMOID_LOSS,
    PROBABILITY_LOSS,
    FOCAL,
    HINGE,
]
WRONG = [
    slip(SOFTMAX_LOSS, BatchSizeForgotten, NOT_DIVIDED, "dx"),
    slip(SOFTMAX_LOSS, BatchSizeTwice, DIVIDED, "dx"),
    slip(SOFTMAX_LOSS, LabelsMinusPrediction, SIGN, "dx"),
    slip(SOFTMAX_LOSS, DividedByAllEntries, COUNT, "dx"),
    slip(SOFTMAX_LOSS, WholeColumns, PLACE, "dx"),
    slip(SOFTMAX_LOSS, LabelForgotten, TERM, "dx"),
    slip(SOFTMAX_LOSS, SoftmaxTwice, EXTRA_CHAIN, "dx"),
    slip(SMOOTHED, HardLabels, OPERAND, "dx"),
    slip(WEIGHTED, WeightsForgotten, CHAIN, "dx"),
    slip(WEIGHTED, WeightsOfTheColumns, OPERAND, "dx"),
    slip(WEIGHTED, WeightsNotSummed, COUNT, "dx"),
    slip(LANGUAGE, PaddingLearns, MASK, "dx"),
    slip(LANGUAGE, PaddingCounts, COUNT, "dx"),
    slip(LANGUAGE, SequencesForSteps, COUNT, "dx"),
    slip(SIGMOID_LOSS, SlopeMultipliedAgain, EXTRA_CHAIN, "dx"),
    slip(SIGMOID_LOSS, MeanForgotten, NOT_DIVIDED, "dx"),
    slip(SIGMOID_LOSS, WeightForgotten, FACTOR, "dx"),
    slip(SIGMOID_LOSS, PositivesForgotten, TERM, "dx", alike=(MISSED,)),
    slip(PROBABILITY_LOSS, AsIfOfScores, CHAIN, "dp"),
    slip(PROBABILITY_LOSS, BothTermsNegative, SIGN, "dp"),
    slip(FOCAL, FocusAsConstant, DETACHED, "dx"),
    slip(HINGE, RightClassForgotten, TERM, "dx"),
    slip(HINGE, RightClassOnce, COUNT, "dx"),
]
