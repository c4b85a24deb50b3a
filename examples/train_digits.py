"""Learn to read handwritten digits, with the book's training loop written out.

An epoch takes each of the 1,438 digits to learn from once, in shuffled mini-batches of 32: a batch
gives the gradient of the loss with respect to every parameter, and the optimizer moves the
parameters by it. After each epoch come two accuracies: on those digits, and on 359 unseen ones.

    python examples/train_digits.py [--epochs N]

takes about a second and prints

    epoch   train    test
        1  0.8846  0.8830
        2  0.9270  0.9331
        3  0.9666  0.9554
    ...
       20  1.0000  0.9777
"""

import argparse

import numpy as np

import minigrad as mg


def main():
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--epochs", type=int, default=20, help="passes over the data (20)")
    epochs = options.parse_args().epochs

    rng = np.random.default_rng(0)
    data = mg.datasets.digits()
    network = mg.mlp([64, 100, 10], rng=rng)
    optimizer = mg.Momentum(lr=0.1)

    print("epoch   train    test")
    for epoch in range(1, epochs + 1):
        for x_batch, t_batch in mg.batches(data.x_train, data.t_train, size=32, rng=rng):
            grads = network.gradient(x_batch, t_batch)
            optimizer.update(network.params, grads)
        train = network.accuracy(data.x_train, data.t_train)
        test = network.accuracy(data.x_test, data.t_test)
        print(f"{epoch:5}  {train:.4f}  {test:.4f}")


if __name__ == "__main__":
    main()
