"""Six optimizers on their way down one valley: f(x, y) = x²/20 + y², from (−7, 2), 30 steps each.

The valley is twenty times as steep in y as in x, and (0, 0) is its lowest point. SGD follows the
slope and zigzags; Momentum and Nesterov gather speed and swing past the end; AdaGrad, RMSprop and
Adam have a rate for each coordinate. The learning rates of SGD, Momentum, AdaGrad and Adam are the
book's. The parameters are a plain dict of two numbers: optimizers ask for nothing more.

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

import numpy as np
import pictures

import minigrad as mg

START = {"x": -7.0, "y": 2.0}
STEPS = 30
OPTIMIZERS = (
    mg.SGD(lr=0.95),
    mg.Momentum(lr=0.1),
    mg.AdaGrad(lr=1.5),
    mg.Adam(lr=0.3),
    mg.Nesterov(lr=0.1),
    mg.RMSprop(lr=0.06),
)
MARKERS = "os^Dvp"


def f(x, y):
    return x**2 / 20 + y**2


def gradient(point):
    x, y = mg.Tensor(point["x"]), mg.Tensor(point["y"])
    dx, dy = mg.gradients(f(x, y), [x, y])
    return {"x": dx, "y": dy}


def path_of(optimizer):
    """Return the points (31, 2) that the optimizer visits."""
    point = dict(START)
    path = [list(point.values())]
    for _ in range(STEPS):
        optimizer.update(point, gradient(point))
        path.append(list(point.values()))
    return np.array(path)


def draw(figure, paths):
    """Draw the valley, the paths, each one's end larger, and where they begin and should end."""
    axes = figure.subplots()
    x, y = np.meshgrid(np.linspace(-7.8, 1.8, 200), np.linspace(-2.3, 2.5, 100))
    axes.contour(x, y, f(x, y), levels=np.arange(0.25, 3, 0.25) ** 2, colors="0.85", linewidths=1)
    style = {"markersize": 4.5, "linewidth": 1.4, "alpha": 0.9}
    for (name, path), colour, marker in zip(paths.items(), pictures.COLOURS, MARKERS, strict=True):
        axes.plot(*path.T, marker, linestyle="-", color=colour, label=name, **style)
        axes.plot(*path[-1], marker, color=colour, markersize=9, markeredgecolor="white", zorder=3)
    axes.annotate("start", (START["x"], START["y"]), (-7.35, 2.15))
    axes.annotate("lowest point", (0, 0), (0.25, -1.2), arrowprops={"arrowstyle": "->"})
    axes.set(xlabel="x", ylabel="y", aspect="equal")
    axes.set_title(f"{STEPS} steps down x²/20 + y²; each path ends in a large mark", fontsize=11)
    figure.legend(loc="outside lower center", ncols=6, frameon=False)


def main():
    args = pictures.Options(__doc__).parse_args()
    paths = {type(optimizer).__name__: path_of(optimizer) for optimizer in OPTIMIZERS}
    print("optimizer    lr       x       y       f")
    for optimizer, (name, path) in zip(OPTIMIZERS, paths.items(), strict=True):
        x, y = path[-1]
        print(f"{name:9}  {optimizer.lr:4}  {x:6.3f}  {y:6.3f}  {f(x, y):.4f}")
    if figure := pictures.new_figure(8, 4.75):
        draw(figure, paths)
        pictures.save(figure, args.out / "optimizer_paths.png")


if __name__ == "__main__":
    main()
