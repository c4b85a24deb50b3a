"""Overfitting, and Dropout against it: seven layers learn 300 digits and are asked 1,497 others.

Without Dropout the net soon knows its 300 digits by heart, and learns no more about the others.
With Dropout it must do without some of its units at every step: it learns more slowly, and what it
learns holds for more of the others. The gap between the two accuracies shrinks.

    python examples/overfit_dropout.py [--out FOLDER] [--epochs N] [--seed N]

takes about 10 seconds, draws the four curves into FOLDER/overfit_dropout.png, and prints their
means over the last fifth of the epochs:

                     train    test     gap
    no Dropout      1.0000  0.9419  0.0581
    Dropout 0.15    1.0000  0.9516  0.0484

The seed decides which digits are learned, the weights and the masks. Over the seeds 0 to 9 the gap
is 0.067 without Dropout and 0.054 with it on average, and with each of them it shrinks.
"""

import numpy as np
import pictures

import minigrad as mg
from minigrad.plot.figures import COLOURS

BATCH = 50


def learning_curves(dropout, data, epochs, seed):
    """Train, and return the accuracies (epochs, 2) on the training and on the test digits."""
    rng = np.random.default_rng(seed)
    net = mg.mlp([64, *[100] * 6, 10], dropout=dropout, dtype="float32", rng=rng)
    steps = epochs * -(-len(data.x_train) // BATCH)
    optimizer = mg.Adam(lr=mg.CosineDecay(0.002, steps))
    curves = []
    for _ in range(epochs):
        for x, t in mg.batches(data.x_train, data.t_train, size=BATCH, rng=rng):
            optimizer.update(net.params, net.gradient(x, t))
        train = net.accuracy(data.x_train, data.t_train)
        curves.append([train, net.accuracy(data.x_test, data.t_test)])
    return np.array(curves)


def draw(runs):
    """Draw the pairs of curves, and on their right the gaps that remain in the end."""
    figure = mg.plot.new_figure(8, 4.75)
    axes = figure.subplots()
    for i, (name, curves) in enumerate(runs.items()):
        epochs, colour = 1 + np.arange(len(curves)), COLOURS[i]
        axes.plot(epochs, curves[:, 0], "--", color=colour, label=f"{name}: training")
        axes.plot(epochs, curves[:, 1], color=colour, label=f"{name}: test")
        train, test = settled(curves)
        right = len(curves) * (1.03 + 0.12 * i)
        axes.plot([right, right], [test, train], "_-", color=colour, markersize=10)
        axes.text(
            right, (test + train) / 2, f"  gap\n  {train - test:.3f}", color=colour, va="center"
        )
    lowest = min(settled(curves)[1] for curves in runs.values())
    axes.set(xlim=(0, 1.27 * len(curves)), ylim=(lowest - 0.07, 1.005))
    axes.set_xticks([epoch for epoch in axes.get_xticks() if epoch <= len(curves)])
    axes.set(xlabel="epoch", ylabel="accuracy", title="seven layers learn 300 digits")
    axes.grid(alpha=0.3)
    figure.legend(loc="outside lower center", ncols=4, frameon=False)
    return figure


def settled(curves):
    """Return the mean training and test accuracy over the last fifth of the epochs."""
    return curves[len(curves) * 4 // 5 :].mean(axis=0)


def main():
    options = pictures.Options(__doc__)
    options.add_argument(
        "--epochs", type=pictures.integer(1), default=200, help="for each net (200)"
    )
    options.add_argument(
        "--seed", type=pictures.integer(0), default=0, help="of all random choices (0)"
    )
    args = options.parse_args()

    data = mg.datasets.digits(test_fraction=1497 / 1797, rng=args.seed, dtype="float32")
    runs = {
        "no Dropout": learning_curves(0.0, data, args.epochs, args.seed),
        "Dropout 0.15": learning_curves(0.15, data, args.epochs, args.seed),
    }
    print("                 train    test     gap")
    for name, curves in runs.items():
        train, test = settled(curves)
        print(f"{name:14}  {train:.4f}  {test:.4f}  {train - test:.4f}")
    pictures.save(lambda: draw(runs), args.out / "overfit_dropout.png")


if __name__ == "__main__":
    main()
