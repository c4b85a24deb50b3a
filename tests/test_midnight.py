"""Layers that the zoo does not have, checked as a student would: by name, on made-up inputs."""

import numpy as np
import pytest

from minigrad.testing.anything import checked


class Variance:
    def forward(self, x):
        self.x = x
        return np.var(x, axis=0, ddof=1)

    def backward(self, dout):
        return dout * 2 * (self.x - self.x.mean(axis=0)) / (len(self.x) - 1)


class OfAll(Variance):
    def backward(self, dout):
        return dout * 2 * (self.x - self.x.mean(axis=0)) / len(self.x)


class Shares:
    def forward(self, x):
        self.x, self.total = x, np.sum(np.exp(x), axis=1, keepdims=True)
        return np.exp(x) / self.total

    def backward(self, dout):
        e = np.exp(self.x)
        through_total = np.sum(dout * e, axis=1, keepdims=True) / self.total**2
        return (dout / self.total - through_total) * e


class TotalAsConstant(Shares):
    def backward(self, dout):
        return dout / self.total * np.exp(self.x)


class Divided:
    def __init__(self, gamma):
        self.gamma = gamma

    def forward(self, x):
        self.x = x
        return x / self.gamma

    def backward(self, dout):
        self.dgamma = -(dout * self.x / self.gamma**2).sum(axis=0)
        return dout / self.gamma


class MinusForgotten(Divided):
    def backward(self, dout):
        dx = super().backward(dout)
        self.dgamma = -self.dgamma
        return dx


class Gathered:
    index = np.array([0, 2, 2, 1])

    def forward(self, x):
        self.shape = x.shape
        return x[:, self.index]

    def backward(self, dout):
        dx = np.zeros(self.shape, dout.dtype)
        np.add.at(dx, (slice(None), self.index), dout)
        return dx


class Buffered(Gathered):
    def backward(self, dout):
        dx = np.zeros(self.shape, dout.dtype)
        dx[:, self.index] += dout
        return dx


class Directions:
    def forward(self, x):
        self.x, self.length = x, np.linalg.norm(x, axis=1, keepdims=True)
        return x / self.length

    def along(self, dout):
        y = self.x / self.length
        return (dout * y).sum(axis=1, keepdims=True)

    def backward(self, dout):
        return (dout - self.x / self.length * self.along(dout)) / self.length


class NotNormed(Directions):
    def backward(self, dout):
        return (dout - self.x * self.along(dout)) / self.length


MENDED = [Variance, Shares, Divided, Gathered, Directions]
SLIPS = {
    OfAll: "n / (n − 1) with n = 5, the number of rows",
    TotalAsConstant: "what flows through `np.exp(x)`",
    MinusForgotten: "every entry of dgamma is -1 × the numerical one: the sign is flipped",
    Buffered: "np.add.at, which adds every time",
    NotNormed: "with `the output` in the place of `self.x`",
}


@pytest.mark.parametrize("layer", MENDED)
def test_what_is_right_passes(layer):
    assert checked(layer, None).ok


@pytest.mark.parametrize("layer", SLIPS)
def test_what_is_wrong_is_told_why(layer):
    report = checked(layer, None)
    assert report.verdict.name == "FAIL"
    assert SLIPS[layer] in report.cause.sentence
