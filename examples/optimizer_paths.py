"""Six optimizers on their way down one valley: f(x, y) = x²/20 + y², from (−7, 2), 30 steps each.

The valley is twenty times as steep in y as in x, and (0, 0) is its lowest point. SGD follows the
slope and zigzags; Momentum and Nesterov gather speed and swing past the end; AdaGrad, RMSprop and
Adam have a rate for each coordinate. The learning rates of SGD, Momentum, AdaGrad and Adam are the
book's. `descent_path` gives them a dict of two numbers, x and y: they ask for nothing more.

    python examples/optimizer_paths.py [--out FOLDER]

takes a second, draws all paths into FOLDER/optimizer_paths.png, and prints where they end:

    optimizer    lr       x       y       f
    SGD        0.95  -0.350   0.085  0.0133
    Momentum    0.1   0.896   0.088  0.0479
    AdaGrad     1.5  -0.120   0.000  0.0007
    Adam        0.3   0.136   0.318  0.1022
    Nesterov    0.1   0.690  -0.001  0.0238
    RMSprop    0.06  -2.265   0.001  0.2565
"""

import pictures

import minigrad as mg

START = (-7.0, 2.0)
OPTIMIZERS = (
    mg.SGD(lr=0.95),
    mg.Momentum(lr=0.1),
    mg.AdaGrad(lr=1.5),
    mg.Adam(lr=0.3),
    mg.Nesterov(lr=0.1),
    mg.RMSprop(lr=0.06),
)


def f(x, y):
    return x**2 / 20 + y**2


def main():
    args = pictures.Options(__doc__).parse_args()
    paths = {
        type(optimizer).__name__: mg.plot.descent_path(f, optimizer, START, steps=30)
        for optimizer in OPTIMIZERS
    }
    print("optimizer    lr       x       y       f")
    for optimizer, (name, path) in zip(OPTIMIZERS, paths.items(), strict=True):
        x, y = path[-1]
        print(f"{name:9}  {optimizer.lr:4}  {x:6.3f}  {y:6.3f}  {f(x, y):.4f}")
    pictures.save(
        lambda: mg.plot.optimizer_paths(f, paths, lowest=(0, 0)), args.out / "optimizer_paths.png"
    )


if __name__ == "__main__":
    main()
