"""How activations spread from layer to layer: the book's pictures of initial weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from minigrad.plot.figures import COLOURS, Array, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BINS = 30


def activation_histograms(nets: Any, x: ArrayLike) -> Figure:
    """Draw what each activation of a net puts out for the batch x, a panel for each, in order.

    nets: a Sequential; or several by name, {"std 0.01": net, "xavier": other}, a row for each.
    For a net with another wiring give the outputs themselves: {"net": {"hidden": array, …}}.
    Drawn are the layers without parameters, in testing mode; Dropout and Flatten are left out.

    A row shares its bins and its scales. Bars are shares of all entries; entries that are exactly
    0, which would tower over the others behind a ReLU, are told in words instead of drawn.

    Raises TypeError for a net that is no chain of layers, ValueError for one without activations.

    >>> import minigrad as mg
    >>> net = mg.mlp([8, 20, 20, 3], activation="tanh", rng=0)
    >>> figure = activation_histograms(net, np.random.default_rng(0).normal(size=(50, 8)))
    >>> [axes.get_title() for axes in figure.axes]
    ['net[1] Tanh', 'net[3] Tanh']
    """
    named = dict(nets) if isinstance(nets, Mapping) else {"": nets}
    rows = {
        name: dict(net) if isinstance(net, Mapping) else _outputs(net, np.asarray(x))
        for name, net in named.items()
    }
    if not rows or not all(rows.values()):
        raise ValueError("there is no activation to draw: every layer here has parameters")
    columns = max(map(len, rows.values()))
    figure = new_figure(max(2.0 * columns + 0.6, 4.0), 2.5 * len(rows))
    panels = figure.subplots(len(rows), columns, squeeze=False, sharey="row")
    for (name, outputs), line, colour in zip(
        rows.items(), panels, COLOURS * len(rows), strict=False
    ):
        _draw_row(line, {path: np.asarray(y) for path, y in outputs.items()}, colour)
        line[0].set_ylabel(f"{name}\nshare of entries" if name else "share of entries")
    for axes in panels[-1]:
        axes.set_xlabel("activation")
    return figure


def _outputs(net: Any, x: Array) -> dict[str, Array]:
    """Run a chain of layers and keep what those without parameters put out."""
    if not hasattr(net, "__getitem__") or not hasattr(net, "__len__"):
        raise TypeError(
            f"activation_histograms runs the layers of a Sequential one by one, and this is a "
            f"{type(net).__name__}: give it arrays by name, {{'net': {{'hidden': array}}}}"
        )
    found = {}
    x = x if x.dtype.kind == "f" else x.astype(np.float64)
    for i in range(len(net)):
        layer = net[i]
        x = layer(x, train_flag=False) if layer.takes_train_flag else layer(x)
        x = np.asarray(getattr(x, "data", x)) if not isinstance(x, np.ndarray) else x
        kind = type(layer).__name__
        if not layer.params and kind not in ("Dropout", "Flatten"):
            found[f"net[{i}] {kind}"] = x
    return found


def _draw_row(line: Any, outputs: Mapping[str, Array], colour: str) -> None:
    nonzero = [y[(y != 0) & np.isfinite(y)].ravel() for y in outputs.values()]
    edges = np.histogram_bin_edges(np.concatenate(nonzero), BINS)
    shares = [
        np.histogram(drawn, edges)[0] / y.size
        for drawn, y in zip(nonzero, outputs.values(), strict=True)
    ]
    line[0].set_ylim(0, 1.6 * max(share.max() for share in shares) or 1.0)  # room for the words
    for axes, (path, y), share in zip(line, outputs.items(), shares, strict=False):
        axes.stairs(share, edges, fill=True, color=colour)
        axes.set_title(path, fontsize=10)
        zero = f"\n{np.mean(y == 0):.0%} are 0" if np.any(y == 0) else ""
        words = f"mean {np.mean(y):.3g}\nstd {np.std(y):.3g}{zero}"
        axes.text(0.97, 0.95, words, transform=axes.transAxes, ha="right", va="top", fontsize=9)
        axes.locator_params(nbins=3)
        axes.ticklabel_format(axis="x", scilimits=(-3, 4))
        axes.tick_params(labelsize=9)
    for axes in line[len(outputs) :]:
        axes.remove()
