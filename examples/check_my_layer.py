"""A layer as students write it, what the checker says of it, and the layer mended.

`Dense` is a fully connected layer with a ReLU. A net made of it learns, only slowly, and nothing
raises an error. The checker compares its backward with numerical derivatives of its forward, entry
by entry, and says what is wrong, where, and why it thinks so.

From the command line, on inputs that it makes up itself:

    minigrad check examples/check_my_layer.py::Dense
    minigrad check examples/check_my_layer.py::Mended

From Python:

    python examples/check_my_layer.py

takes a second and prints

    FAIL  Dense: wrong gradient, dW in 12 of 12 entries
    ...
    PASS  Mended
"""

import argparse

import numpy as np

from minigrad.testing import check_layer


class Dense:
    def __init__(self, W, b):
        self.W = W
        self.b = b

    def forward(self, x):
        self.x = x
        self.out = np.maximum(0, x @ self.W + self.b)
        return self.out

    def backward(self, dout):
        batch_size = dout.shape[0]
        dz = dout * (self.out > 0)
        self.dW = np.dot(self.x.T, dz) / batch_size  # the loss has divided by it already
        self.db = np.sum(dz, axis=0)
        return np.dot(dz, self.W.T)


class Mended(Dense):
    def backward(self, dout):
        dz = dout * (self.out > 0)
        self.dW = np.dot(self.x.T, dz)
        self.db = np.sum(dz, axis=0)
        return np.dot(dz, self.W.T)


def main():
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()
    rng = np.random.default_rng(0)
    W, b, x = rng.normal(size=(3, 4)), np.zeros(4), rng.normal(size=(8, 3))
    print(check_layer(Dense(W, b), x, raise_exception=False))
    mended = check_layer(Mended(W, b), x, raise_exception=False)
    print(f"\n{mended.verdict.name}  {mended.name}")


if __name__ == "__main__":
    main()
