"""What each forward of the exercise computes: `grade.py` compares the students' with these."""

import numpy as np


class Affine:
    def __init__(self, W, b):
        self.W, self.b = W, b

    def forward(self, x):
        return x @ self.W + self.b


class Sigmoid:
    def forward(self, x):
        return 1 / (1 + np.exp(-x))


class SoftmaxWithLoss:
    def forward(self, x, t):
        scores = x - x.max(axis=1, keepdims=True)
        right = scores[np.arange(len(t)), t]
        return np.mean(np.log(np.exp(scores).sum(axis=1)) - right)
