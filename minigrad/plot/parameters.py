"""How weights and gradients spread while a net learns."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from minigrad.plot.figures import Array, grid_of, new_figure, shades

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BINS = 30
MOST_TIMES = 8  # ridges in a panel that can still be told apart
HEIGHT = 1.8  # of the tallest ridge, in distances between two of them


class Snapshots:
    """Copies of the parameters, and of their gradients, at several times: a callback for a Trainer.

    x, t: the batch that gradients are asked for; without it there are parameters alone. The net is
    copied for that, so that Dropout's generators and all else in it stay as they are.
    every: so many epochs lie between two snapshots. Each is a copy of all parameters, and one of
    all gradients.

    `times`, `weights` and `gradients` hold, in step, the epochs and dicts of arrays by name.

    >>> import minigrad as mg
    >>> x, t = mg.datasets.moons(n=60)
    >>> net, snapshots = mg.mlp([2, 8, 2], rng=0), Snapshots(x, t)
    >>> trainer = mg.Trainer(net, mg.SGD(lr=0.1), progress=False, callbacks=[snapshots])
    >>> snapshots.take(net, time=0)
    >>> _ = trainer.fit(x, t, epochs=3, batch_size=20)
    >>> snapshots.times, snapshots.gradients[-1]["W1"].shape
    ([0, 1, 2, 3], (2, 8))
    """

    def __init__(
        self, x: ArrayLike | None = None, t: ArrayLike | None = None, *, every: int = 1
    ) -> None:
        if (x is None) != (t is None):
            raise ValueError("Snapshots takes a batch x with its targets t, or neither of them")
        if every < 1:
            raise ValueError(f"Snapshots: every={every} epochs; it is at least 1")
        self.batch = None if x is None else (np.array(x), np.array(t))
        self.every = every
        self.times: list[float] = []
        self.weights: list[dict[str, Array]] = []
        self.gradients: list[dict[str, Array]] = []

    def __call__(self, trainer: Any, row: Mapping[str, float]) -> None:
        """Take one after an epoch, when it is its turn."""
        if row["epoch"] % self.every == 0:
            self.take(trainer.net, row["epoch"])

    def take(self, net: Any, time: float) -> None:
        """Take one now; `time` is what the axis of the picture will say."""
        if self.batch is not None:
            found = copy.deepcopy(net).gradient(*self.batch)
            self.gradients.append({name: np.array(g) for name, g in found.items()})
        self.weights.append({name: np.array(W) for name, W in net.params.items()})
        self.times.append(time)


def weight_histograms(snapshots: Snapshots, names: Sequence[str] | None = None) -> Figure:
    """Draw a panel for each parameter, and in it a histogram for each time, the latest on top.

    names: which parameters; by default those with two axes or more, the weights and not the biases.
    Of more than eight times, eight are drawn, the first and the last among them. All histograms of
    a panel have the same 30 bins and the same scale; what is not finite is in none.

    Raises ValueError when no snapshot was taken, KeyError for unknown names.

    >>> import minigrad as mg
    >>> snapshots = Snapshots()
    >>> for time, net in enumerate([mg.mlp([2, 3, 2], rng=0), mg.mlp([2, 3, 2], rng=1)]):
    ...     snapshots.take(net, time)
    >>> [axes.get_title() for axes in weight_histograms(snapshots).axes]
    ['W1  (2, 3)', 'W2  (3, 2)']
    """
    figure, panels = _panels(snapshots.weights, names, "weight")
    for name, axes in panels.items():
        arrays = [weights[name] for weights in snapshots.weights]
        _draw_panel(axes, snapshots.times, arrays, _edges(arrays))
        axes.axvline(0, color="0.5", linewidth=0.8, linestyle=":", zorder=0)
        axes.locator_params(axis="x", nbins=4)
    return figure


def gradient_histograms(snapshots: Snapshots, names: Sequence[str] | None = None) -> Figure:
    """Draw the sizes of the gradients, a panel for each parameter: see `weight_histograms`.

    A size is the absolute value of an entry, on a logarithmic axis that is the same in all panels:
    what vanishes or explodes from layer to layer, or from epoch to epoch, moves left or right. Bars
    are shares of all entries; those that are exactly 0 have no place on the axis, and make the
    histogram smaller.

    Raises ValueError when the snapshots have no gradients, KeyError for unknown names.

    >>> import minigrad as mg
    >>> snapshots = Snapshots(np.eye(2), [0, 1])
    >>> snapshots.take(mg.mlp([2, 3, 2], rng=0), time=0)
    >>> gradient_histograms(snapshots, names=["b1"]).axes[0].get_xlabel()
    'gradient, absolute'
    """
    if snapshots.times and not snapshots.gradients:
        raise ValueError(
            "these snapshots have no gradients: make them with a batch, Snapshots(x, t)"
        )
    figure, panels = _panels(snapshots.gradients, names, "gradient, absolute")
    sizes = {name: [np.abs(g[name]) for g in snapshots.gradients] for name in panels}
    positive = [array[array > 0] for arrays in sizes.values() for array in arrays]
    edges = 10 ** _edges([np.log10(array) for array in positive])
    for name, axes in panels.items():
        axes.set_xscale("log")
        _draw_panel(axes, snapshots.times, sizes[name], edges)
    return figure


def _panels(
    arrays: Sequence[Mapping[str, Array]], names: Sequence[str] | None, quantity: str
) -> tuple[Figure, dict[str, Any]]:
    """Make a panel for each chosen parameter."""
    if not arrays:
        raise ValueError("no snapshot was taken yet: nothing to plot")
    chosen = _chosen(arrays[0], names)
    rows, columns = grid_of(len(chosen), most_columns=4)
    figure = new_figure(max(2.6 * columns, 4.0), 3.2 * rows)
    panels = list(figure.subplots(rows, columns, squeeze=False).flat)
    for axes in panels[len(chosen) :]:
        axes.remove()
    for i, name in enumerate(chosen):
        panels[i].set_title(f"{name}  {arrays[0][name].shape}", fontsize=10)
        panels[i].set(xlabel=quantity, ylabel="epoch" if i % columns == 0 else "")
    return figure, dict(zip(chosen, panels, strict=False))


def _chosen(arrays: Mapping[str, Array], names: Sequence[str] | None) -> list[str]:
    if names is None:
        return [name for name, array in arrays.items() if array.ndim >= 2] or list(arrays)
    unknown = [name for name in names if name not in arrays]
    if unknown or not names:
        raise KeyError(f"no parameter is called {unknown}; there are {', '.join(arrays)}")
    return list(names)


def _edges(arrays: Sequence[Array]) -> Array:
    entries = np.concatenate([array.ravel() for array in arrays])
    return np.histogram_bin_edges(entries[np.isfinite(entries)], BINS)


def _draw_panel(axes: Any, times: Sequence[float], arrays: Sequence[Array], edges: Array) -> None:
    """Draw one above the other, the earlier in front and lighter, each from its own ground line."""
    shown = np.unique(np.linspace(0, len(times) - 1, MOST_TIMES).round().astype(int))
    shares = [np.histogram(arrays[i], edges)[0] / arrays[i].size for i in shown]
    tallest = max(share.max() for share in shares) or 1.0
    for ground, (share, colour) in enumerate(zip(shares, shades(len(shares)), strict=True)):
        heights = ground + HEIGHT * share / tallest
        style = {"facecolor": colour, "edgecolor": "white", "linewidth": 0.8, "fill": True}
        axes.stairs(heights, edges, baseline=ground, zorder=2 * (len(shares) - ground), **style)
    axes.set_yticks(range(len(shown)), [f"{times[i]:g}" for i in shown])
    axes.set_ylim(-0.2, len(shares) - 1 + HEIGHT * 1.1)
    axes.tick_params(labelsize=9)
