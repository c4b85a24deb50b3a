"""Learn to read handwritten digits, with the book's training loop written out.

An epoch takes the 1,438 digits to train on once, in shuffled mini-batches of 32. A mini-batch gives
the gradient of the loss with respect to every parameter, and the optimizer moves the parameters
against it. After each epoch come two accuracies: on the digits that the net learns from, and on the
359 that were held out.

    python examples/train_digits.py

takes about a second and prints

    epoch   train    test
        1  0.9277  0.9192
        2  0.9548  0.9415
    ...
       20  1.0000  0.9833
"""

import argparse

import numpy as np

import minigrad as mg


def main():
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--epochs", type=int, default=20, help="passes over the data (20)")
    options.add_argument("--lr", type=float, default=0.1, help="learning rate (0.1)")
    args = options.parse_args()

    rng = np.random.default_rng(0)
    data = mg.datasets.digits()
    network = mg.mlp([64, 100, 10], rng=rng)
    optimizer = mg.Momentum(lr=args.lr)

    print("epoch   train    test")
    for epoch in range(1, args.epochs + 1):
        for x_batch, t_batch in mg.batches(data.x_train, data.t_train, size=32, rng=rng):
            grads = network.gradient(x_batch, t_batch)
            optimizer.update(network.params, grads)
        train = network.accuracy(data.x_train, data.t_train)
        test = network.accuracy(data.x_test, data.t_test)
        print(f"{epoch:5}  {train:.4f}  {test:.4f}")


if __name__ == "__main__":
    main()
