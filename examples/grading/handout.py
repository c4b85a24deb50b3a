import numpy as np


class Affine:
    def __init__(self, W, b):
        self.W, self.b = W, b

    def forward(self, x):
        raise NotImplementedError("your line")

    def backward(self, dout):
        raise NotImplementedError("your lines: self.dW, self.db, and return dx")


class Sigmoid:
    def forward(self, x):
        raise NotImplementedError("your line")

    def backward(self, dout):
        raise NotImplementedError("your line")


class SoftmaxWithLoss:
    def forward(self, x, t):
        e = np.exp(x - x.max(axis=1, keepdims=True))
        self.y = e / e.sum(axis=1, keepdims=True)
        self.t = t
        raise NotImplementedError("your line")

    def backward(self, dout=1):
        raise NotImplementedError("your lines")
