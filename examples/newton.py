"""Newton's method: second derivatives find in a few steps what the gradient alone creeps towards.

First Rosenbrock's banana, (1 − x)² + 100 (y − x²)², a narrow bent valley with its lowest point at
(1, 1), from the classic start (−1.2, 1). Newton's method solves H step = −gradient with the whole
Hessian H of mg.hessian; gradient descent takes ten thousand small steps.

Then handwritten digits, by logistic regression: 650 weights, so a Hessian of 422,500 entries. It is
never made. Conjugate gradients solve H step = −gradient from products H v alone, and mg.hvp makes
one of those at the price of about three gradients. This is how Newton's method is used on models.

    python examples/newton.py

takes a few seconds and prints

    Rosenbrock           step
    gradient descent        1: x = -0.9844, y =  1.0880, f = 5.4e+00
    gradient descent      100: x = -0.9482, y =  0.9071, f = 3.8e+00
    gradient descent     1000: x =  0.3273, y =  0.1040, f = 4.5e-01
    gradient descent    10000: x =  0.9924, y =  0.9847, f = 5.9e-05
    Newton's method         1: x = -1.1753, y =  1.3807, f = 4.7e+00
    Newton's method         2: x =  0.7631, y = -3.1750, f = 1.4e+03
    Newton's method         3: x =  0.7634, y =  0.5828, f = 5.6e-02
    Newton's method         4: x =  1.0000, y =  0.9440, f = 3.1e-01
    Newton's method         5: x =  1.0000, y =  1.0000, f = 1.9e-11
    Newton's method         6: x =  1.0000, y =  1.0000, f = 3.4e-20

    digits, by logistic regression
    step  loss      gradient
       0  2.302585     4e-01
       1  0.469379     9e-02
       2  0.377149     4e-02
       3  0.363141     7e-03
       4  0.362549     4e-04
       5  0.362546     4e-06
       6  0.362546     3e-10
    about 100 products with a Hessian of 422500 entries
    accuracy on unseen digits: 0.9666
"""

import argparse

import numpy as np

import minigrad as mg

START = np.array([-1.2, 1.0])
DECAY = 1e-3


# ---- the banana ----------------------------------------------------------------------------------
def rosenbrock(p):
    x, y = p
    return (1 - x) ** 2 + 100 * (y - x**2) ** 2


def report(method, step, p):
    x, y = p
    print(f"{method} {step:6}: x = {x:7.4f}, y = {y:7.4f}, f = {rosenbrock(p):.1e}")


def descend_into_the_valley():
    print("Rosenbrock           step")
    p = START
    for step in range(1, 10_001):
        p = p - 0.001 * mg.grad(rosenbrock)(p)
        if step in (1, 100, 1000, 10_000):
            report("gradient descent  ", step, p)
    p = START
    for step in range(1, 7):
        p = p - np.linalg.solve(mg.hessian(rosenbrock)(p), mg.grad(rosenbrock)(p))
        report("Newton's method   ", step, p)


# ---- the digits ----------------------------------------------------------------------------------
def conjugate_gradients(times, b, tolerance):
    """Solve A z = b for a symmetric positive A that is only known by its products, times(v) = A v.

    Source: Hestenes and Stiefel (1952). Returns z and the number of products.
    """
    z, residual, products = np.zeros_like(b), b, 0
    direction = residual
    while np.linalg.norm(residual) > tolerance:
        image = times(direction)
        products += 1
        length = np.sum(residual**2) / np.sum(direction * image)
        z = z + length * direction
        smaller = residual - length * image
        direction = smaller + np.sum(smaller**2) / np.sum(residual**2) * direction
        residual = smaller
    return z, products


def read_digits():
    print("\ndigits, by logistic regression")
    print("step  loss      gradient")
    data = mg.datasets.digits()

    def with_ones(x):
        return np.hstack([x, np.ones((len(x), 1))])  # the last row of W is the bias

    x, t = with_ones(data.x_train), data.t_train

    def loss(W):
        return mg.softmax_cross_entropy(x @ W, t) + DECAY * np.sum(W**2)

    W = np.zeros((x.shape[1], 10))
    products = 0
    for step in range(20):
        value, slope = mg.value_and_grad(loss)(W)
        size = np.linalg.norm(slope)
        print(f"{step:4}  {value:.6f}  {size:8.0e}")
        if size < 1e-8:
            break
        towards, more = conjugate_gradients(
            lambda v, W=W: mg.hvp(loss)(W, v), -slope, tolerance=min(0.1, size) * size
        )
        products += more
        length = 1.0
        while loss(W + length * towards) > value:
            length /= 2
        W = W + length * towards
    print(f"about {round(products, -2)} products with a Hessian of {W.size**2} entries")
    accuracy = np.mean(np.argmax(with_ones(data.x_test) @ W, axis=1) == data.t_test)
    print(f"accuracy on unseen digits: {accuracy:.4f}")


def main():
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()
    descend_into_the_valley()
    read_digits()


if __name__ == "__main__":
    main()
