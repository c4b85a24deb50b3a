"""Arrays where parameters would stand: told once, when a net is first differentiated."""

import warnings
from typing import ClassVar

import numpy as np
import pytest

import minigrad as mg

X, T = np.ones((4, 3)), np.array([0, 1, 0, 1])


class Array(mg.Layer):
    """A layer whose author forgot that parameters are Tensors."""

    def __init__(self):
        self.W, self.b = np.eye(3), np.zeros(3)
        self.out = np.zeros((4, 3))  # replaced at each call: kept, and no constant

    def __call__(self, x):
        self.out = np.ones((4, 3))
        return x @ self.W + self.b


class Meant(Array):
    buffers = ()


class Beside(Array):
    def __init__(self):
        super().__init__()
        self.scale = mg.Tensor(np.ones(3))


class ByHand(mg.Layer):
    param_grads: ClassVar = {}

    def __init__(self):
        self.table = np.ones(3)

    def forward(self, x):
        return x * self.table

    def backward(self, dout):
        return dout * self.table


class Wrong(mg.Network):
    def __init__(self):
        super().__init__(loss=mg.SoftmaxWithLoss())
        self.W1, self.mean = np.eye(3), np.zeros(3)
        self.last = mg.Affine(3, 2, rng=0)

    def __call__(self, x):
        return self.last((x - self.mean) @ self.W1)


def net_of(layer):
    return mg.Sequential(
        mg.Affine(3, 3, rng=0), layer, mg.Affine(3, 2, rng=1), loss=mg.SoftmaxWithLoss()
    )


@pytest.mark.parametrize(
    ("net", "said"),
    [
        (net_of(Array()), r"net\[1\] Array holds no Tensor, and the arrays W, b, which training"),
        (Wrong(), "net Wrong holds no Tensor, and the array W1, which training leaves as it is"),
    ],
)
def test_arrays_that_look_like_parameters_are_told_once(net, said):
    with pytest.warns(UserWarning, match=said) as told:
        net.gradient(X, T)
    assert len(told) == 1
    assert told[0].filename == __file__
    assert "= mg.Tensor(...) makes a parameter; buffers = (" in str(told[0].message)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        net.gradient(X, T)


@pytest.mark.parametrize("layer", [Meant(), Beside(), ByHand(), mg.Dropout(0.5)])
def test_what_is_said_to_be_constant_or_cannot_be_a_parameter_is_not(layer):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        net_of(layer).gradient(X, T)
