"""One layer, written in the three ways that minigrad knows, and a stranger's layer in a net.

The layer is Swish, y = x · sigmoid(β x), whose β is a parameter. It is written

- forward only: say what it computes, and its derivatives come by themselves;
- by hand: forward and backward on arrays, as in the book;
- as a primitive: a function of arrays with its rules above it.

For the loss Σ y² all three give the same numbers, and so does the numerical gradient. Then a class
that knows nothing of minigrad, an Affine as in the book, takes the place of ours in a net: through
mg.wrap it has the same gradients, and it learns to read digits.

    python examples/custom_layer.py

takes a second and prints

    Swish           sum of y   sum of dx       dbeta
    forward only  1.99624175  5.30169109  0.58421894
    by hand       1.99624175  5.30169109  0.58421894
    primitive     1.99624175  5.30169109  0.58421894
    numerically               5.30169109  0.58421894

    gradients with our Affine and with theirs differ by 0
    accuracy on unseen digits: 0.1811 before 100 steps, 0.9666 after
"""

import argparse
from typing import ClassVar

import numpy as np

import minigrad as mg


class ForwardOnly(mg.Layer):
    def __init__(self):
        self.beta = mg.Tensor(1.5)

    def __call__(self, x):
        return x * mg.sigmoid(self.beta * x)


class ByHand(mg.Layer):
    param_grads: ClassVar = {"beta": "dbeta"}  # a parameter, and where backward leaves its gradient

    def __init__(self):
        self.beta = np.array(1.5)

    def forward(self, x):
        self.x = x
        self.s = mg.sigmoid(self.beta * x)
        return x * self.s

    def backward(self, dout):
        dz = dout * self.x * self.s * (1 - self.s)  # of z = beta x, which the sigmoid is given
        self.dbeta = np.sum(dz * self.x)
        return dout * self.s + dz * self.beta


@mg.primitive(
    lambda g, y, x, beta: g * (mg.sigmoid(beta * x) + beta * y * (1 - mg.sigmoid(beta * x))),
    lambda g, y, x, beta: g * y * (x - y),
)
def swish(x, beta):
    return x * mg.sigmoid(beta * x)


class Primitive(ForwardOnly):
    def __call__(self, x):
        return swish(x, self.beta)


class TheirAffine:
    def __init__(self, W, b):
        self.W, self.b = W, b

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, dout):
        self.dW = self.x.T @ dout
        self.db = np.sum(dout, axis=0)
        return dout @ self.W.T


def compare_the_three_ways():
    x = np.random.default_rng(0).standard_normal((4, 3))
    print("Swish           sum of y   sum of dx       dbeta")
    ways = {"forward only": ForwardOnly(), "by hand": ByHand(), "primitive": Primitive()}
    for way, layer in ways.items():
        y = layer.forward(x)
        dx = layer.backward(2 * y)
        print(f"{way:12}  {np.sum(y):.8f}  {np.sum(dx):.8f}  {layer.grads['beta']:.8f}")
    dx = mg.numerical_gradient(lambda x: np.sum(swish(x, 1.5) ** 2), x)
    dbeta = mg.numerical_gradient(lambda beta: np.sum(swish(x, beta) ** 2), 1.5)
    print(f"numerically               {np.sum(dx):.8f}  {dbeta:.8f}\n")


def put_theirs_into_a_net():
    data = mg.datasets.digits()
    hidden, ours = mg.Affine(64, 50, rng=0), mg.Affine(50, 10, rng=1)
    theirs = TheirAffine(W=ours.params["W"].copy(), b=ours.params["b"].copy())
    wrapped = mg.wrap(theirs, param_grads={"W": "dW", "b": "db"})

    with_ours = mg.Sequential(hidden, Primitive(), ours, loss=mg.SoftmaxWithLoss())
    net = mg.Sequential(hidden, Primitive(), wrapped, loss=mg.SoftmaxWithLoss())
    expected = with_ours.gradient(data.x_train, data.t_train)
    grads = net.gradient(data.x_train, data.t_train)
    difference = max(np.max(np.abs(grads[name] - expected[name])) for name in expected)
    print(f"gradients with our Affine and with theirs differ by {difference:g}")

    before = net.accuracy(data.x_test, data.t_test)
    optimizer = mg.Momentum(lr=0.1)
    for _ in range(100):
        optimizer.update(net.params, net.gradient(data.x_train, data.t_train))
    after = net.accuracy(data.x_test, data.t_test)
    print(f"accuracy on unseen digits: {before:.4f} before 100 steps, {after:.4f} after")


def main():
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()
    compare_the_three_ways()
    put_theirs_into_a_net()


if __name__ == "__main__":
    main()
