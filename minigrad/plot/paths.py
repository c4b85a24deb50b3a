"""Where optimizers go in the plane."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from itertools import cycle
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from minigrad.backward import gradients
from minigrad.plot.figures import COLOURS, MARKERS, Array, new_figure
from minigrad.tensor import Tensor

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Surface = Callable[[Any, Any], Any]


def descent_path(f: Surface, optimizer: Any, start: tuple[float, float], steps: int = 30) -> Array:
    """Return the points (steps + 1, 2) that an optimizer visits on its way down f(x, y).

    Raises TypeError for a function that does not take two numbers.

    >>> import minigrad as mg
    >>> descent_path(lambda x, y: x**2 + y**2, mg.SGD(lr=0.25), start=(4.0, 8.0), steps=2)
    array([[4., 8.],
           [2., 4.],
           [1., 2.]])
    """
    _check_surface(f)
    point = {"x": np.float64(start[0]), "y": np.float64(start[1])}
    path = [list(point.values())]
    for _ in range(steps):
        x, y = Tensor(point["x"]), Tensor(point["y"])
        dx, dy = gradients(f(x, y), [x, y])
        optimizer.update(point, {"x": dx, "y": dy})
        path.append(list(point.values()))
    return np.array(path, dtype=np.float64)


def optimizer_paths(
    f: Surface,
    paths: Mapping[str, ArrayLike],
    *,
    lowest: tuple[float, float] | None = None,
    levels: Sequence[float] | None = None,
) -> Figure:
    """Draw paths by name, each (n, 2), over the contour lines of f(x, y); a large mark ends each.

    f: takes arrays x and y of one shape. lowest: a point to name as the lowest. levels: of the
    contour lines; by default twelve, further apart the higher they are.

    Raises ValueError for paths of other shapes, or none; TypeError for a function of other than two
    arguments.

    >>> import minigrad as mg
    >>> f = lambda x, y: x**2 / 20 + y**2
    >>> paths = {"SGD": descent_path(f, mg.SGD(lr=0.9), start=(-7.0, 2.0))}
    >>> optimizer_paths(f, paths, lowest=(0, 0)).axes[0].get_xlabel()
    'x'
    """
    _check_surface(f)
    points = {name: np.asarray(path, dtype=float) for name, path in paths.items()}
    if not points or any(path.ndim != 2 or path.shape[1] != 2 for path in points.values()):
        shapes = {name: path.shape for name, path in points.items()}
        raise ValueError(f"paths are arrays (n, 2) by name, at least one, not {shapes}")
    figure = new_figure(8, 4.75)
    axes = figure.subplots()
    everywhere = [*points.values(), *([np.array([lowest], float)] if lowest is not None else [])]
    _draw_valley(axes, f, np.concatenate(everywhere), levels)
    for (name, path), colour, marker in zip(
        points.items(), cycle(COLOURS), cycle(MARKERS), strict=False
    ):
        style: dict[str, Any] = {"color": colour, "zorder": 3, "alpha": 0.9}
        axes.plot(*path.T, f"{marker}-", label=name, markersize=4.5, linewidth=1.4, **style)
        axes.plot(*path[-1], marker, markersize=9, markeredgecolor="white", **style)
    _name_point(axes, "start", next(iter(points.values()))[0], above=14)
    if lowest is not None:
        axes.plot(*lowest, "+", color="black", markersize=12, zorder=4)
        in_upper_half = lowest[1] > np.mean(axes.get_ylim())
        _name_point(axes, "lowest point", lowest, above=-70 if in_upper_half else 70)
    axes.set(xlabel="x", ylabel="y")
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=6)
    return figure


def _check_surface(f: Surface) -> None:
    """Refuse a function of one point, f(p), which is a slip that suggests itself."""
    try:
        signature = inspect.signature(f)
    except (TypeError, ValueError):  # no function, or one written in C: the call will tell
        return
    try:
        signature.bind(0.0, 0.0)
    except TypeError:
        raise TypeError(
            f"a surface is a function of two arguments, f(x, y), and this one takes {signature}: "
            "lambda x, y: f((x, y)) calls a function of one point"
        ) from None


def _draw_valley(axes: Any, f: Surface, points: Array, levels: Sequence[float] | None) -> None:
    low, high = points.min(axis=0), points.max(axis=0)
    margin = 0.1 * np.where(high > low, high - low, 1.0)
    x, y = np.meshgrid(
        np.linspace(low[0] - margin[0], high[0] + margin[0], 200),
        np.linspace(low[1] - 1.5 * margin[1], high[1] + 1.5 * margin[1], 200),
    )
    z = np.asarray(f(x, y))
    if levels is None:
        levels = z.min() + (z.max() - z.min()) * np.linspace(0, 1, 14)[1:-1] ** 2
    axes.contour(x, y, z, levels=levels, colors="0.8", linewidths=1)


def _name_point(axes: Any, words: str, point: ArrayLike, above: float) -> None:
    """Write words so many points above a place, with an arrow when that is far."""
    arrow = {"arrowstyle": "->", "color": "0.2"} if abs(above) > 20 else None
    place = {"xytext": (0, above), "textcoords": "offset points", "ha": "center", "zorder": 5}
    axes.annotate(words, np.asarray(point), arrowprops=arrow, **place)
