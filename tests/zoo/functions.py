"""The functions that a student keeps in one file: sigmoid, softmax and their like."""

import numpy as np


def sigmoid(x):
    """1 / (1 + exp(−x)), without overflow."""
    return 0.5 * (1 + np.tanh(0.5 * x))


def softmax(x, axis=-1):
    """Exponentials that sum to 1 along the axis."""
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def log_softmax(x, axis=-1):
    """The logarithm of softmax, without log(0)."""
    x = x - x.max(axis=axis, keepdims=True)
    return x - np.log(np.exp(x).sum(axis=axis, keepdims=True))


def one_hot(t, classes, dtype=float):
    """A row of zeros with a single 1 for each label."""
    return np.eye(classes, dtype=dtype)[t]
