"""What a net answers: its classes in the plane, and where it is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from minigrad.plot.figures import COLOURS, MARKERS, Array, grid_of, new_figure
from minigrad.plot.images import Size, images_of, without_ticks

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SIDE = 250  # points along each side of the plane


def decision_boundary(
    net: Any,
    x: ArrayLike,
    t: ArrayLike,
    *,
    unseen: tuple[ArrayLike, ArrayLike] | None = None,
    names: Sequence[str] | None = None,
) -> Figure:
    """Colour the plane by the class that a net answers there, and draw the points of the data.

    net: has predict(x), or is a function of x: scores (N, K), of which the highest is the class, or
    one score for each row, yes where it is above 0. x: (N, 2); t: classes (N,), yes and no (N, 1),
    or one-hot rows. unseen: such a pair, drawn hollow. names: of the classes.
    A ring is around points that the net gets wrong.

    Raises ValueError for points that are not in the plane, or fewer names than classes.

    >>> import minigrad as mg
    >>> x, t = mg.datasets.moons(n=40)
    >>> figure = decision_boundary(lambda x: x[:, 0] - 0.5, x, t)
    >>> [text.get_text() for text in figure.legends[0].get_texts()]
    ['class 0', 'class 1', '14 of 40 wrong']
    """
    parts = [(np.asarray(x), _classes(t))]
    if unseen is not None:
        parts.append((np.asarray(unseen[0]), _classes(unseen[1])))
    points, labels = (np.concatenate(both) for both in zip(*parts, strict=True))
    points = points if points.dtype.kind == "f" else points.astype(np.float64)
    if points.ndim != 2 or points.shape[1] != 2:
        raise ValueError(f"a plane has points (N, 2), and x has shape {points.shape}")
    figure = new_figure(5.5, 5.2)
    axes = figure.subplots()
    answers = _draw_plane(axes, net, points)
    words = _words(names, int(max(labels.max(), answers.max())) + 1, "class ")
    for c, label in enumerate(words):
        _draw_class(axes, [part[0][part[1] == c] for part in parts], c, label)
    wrong = points[_answers(net, points) != labels]
    ring: dict[str, Any] = {"markerfacecolor": "none", "markeredgecolor": "black", "markersize": 9}
    label = f"{len(wrong)} of {len(points)} wrong"
    axes.plot(*wrong.T, "o", linestyle="none", label=label, **ring)
    axes.set(xlabel="$x_0$", ylabel="$x_1$", aspect="equal")
    axes.locator_params(nbins=6)
    title = "hollow: unseen" if unseen is not None else None
    handles = axes.get_legend_handles_labels()
    figure.legend(*handles, loc="outside lower center", ncols=4, fontsize=9, title=title)
    return figure


def _draw_plane(axes: Any, net: Any, points: Array) -> Array:
    """Colour the plane, and return the classes (SIDE, SIDE) that are answered in it."""
    low, high = points.min(axis=0), points.max(axis=0)
    margin = 0.08 * np.where(high > low, high - low, 1.0)
    sides = np.linspace(low - margin, high + margin, SIDE).T
    plane = np.stack(np.meshgrid(*sides), axis=-1).reshape(-1, 2)
    answers = _answers(net, plane.astype(points.dtype)).reshape(SIDE, SIDE)
    levels = np.arange(answers.max() + 2) - 0.5
    colours = [colour for colour, _ in zip(cycle(COLOURS), levels[1:], strict=False)]
    axes.contourf(*sides, answers, levels=levels, colors=colours, alpha=0.22)
    for c in range(answers.max()):  # a line wherever the class changes
        axes.contour(*sides, answers > c, levels=[0.5], colors="0.35", linewidths=0.8)
    return answers


def _draw_class(axes: Any, parts: Sequence[Array], c: int, label: str) -> None:
    colour, marker = COLOURS[c % len(COLOURS)], MARKERS[c % len(MARKERS)]
    style: dict[str, Any] = {"color": colour, "markersize": 4, "linestyle": "none"}
    axes.plot(*parts[0].T, marker, label=label, **style)
    for hollow in parts[1:]:
        axes.plot(*hollow.T, marker, markerfacecolor="white", **style)


def confusion_matrix(
    net: Any,
    x: ArrayLike,
    t: ArrayLike,
    *,
    names: Sequence[str] | None = None,
    image_shape: Size | None = None,
    most: int = 20,
) -> Figure:
    """Count how often which class is answered for which, and draw the examples that were wrong.

    net: as for `decision_boundary`. x: (N, ...), t: classes (N,) or one-hot rows. names: of the
    classes. Rows of the matrix are true classes, columns answers; shades are shares of a row.
    Beside it stand, as images, at most so many examples that were wrong, with `true → answer`
    above; those of whose answer the net was surest come first. image_shape: (rows, columns) of an
    example, by default its last two axes or a square; where there is none, the matrix stands alone.

    Raises ValueError for lengths that differ, or fewer names than classes.

    >>> x, t = np.eye(4)[[0, 1, 2, 3, 3]], [0, 1, 2, 3, 0]
    >>> figure = confusion_matrix(lambda x: x, x, t)
    >>> figure.axes[0].get_title(), figure.axes[1].get_title()
    ('80.00% of 5 are right', '0 → 3')
    """
    x, t = np.asarray(x), _classes(t)
    if len(x) != len(t):
        raise ValueError(f"x has {len(x)} rows and t has {len(t)}: each example has one class")
    scores = _scores(net, x)
    y = _highest(scores)
    count = int(max(t.max(), y.max(), scores.shape[1] - 1 if scores.ndim == 2 else 1)) + 1
    wrong = np.flatnonzero(y != t)
    wrong = wrong[np.argsort(-_sureness(scores)[wrong], kind="stable")][:most]
    try:
        images = images_of(x[wrong], image_shape)
    except ValueError:
        if image_shape is not None:
            raise
        images = None
    labels = _words(names, count)
    side = min(max(0.42 * count + 1.4, 3.4), 10)
    if images is None or not len(images):
        figure = new_figure(side, side)
        _draw_matrix(figure.subplots(), t, y, labels)
        return figure
    figure = new_figure(2 * side - 0.6, side)
    left, right = figure.subfigures(1, 2, squeeze=False, width_ratios=[1.05, 1])[0]
    _draw_matrix(left.subplots(), t, y, labels)
    short = [_short(label, 11) for label in labels]
    between = "\n→ " if any(len(label) > 4 for label in labels) else " → "
    titles = [f"{short[t[i]]}{between}{short[y[i]]}" for i in wrong]
    _draw_examples(right, images, titles, int(np.sum(y != t)))
    return figure


def _short(label: str, longest: int) -> str:
    return label if len(label) <= longest else f"{label[: longest - 1]}…"


def _draw_matrix(axes: Any, t: Array, y: Array, labels: Sequence[str]) -> None:
    counts = np.zeros((len(labels), len(labels)), dtype=int)
    np.add.at(counts, (t, y), 1)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for i, j in np.argwhere(counts):
        colour = "white" if shares[i, j] > 0.5 else "black"
        axes.text(j, i, str(counts[i, j]), ha="center", va="center", color=colour, fontsize=9)
    short = [_short(label, 16) for label in labels]
    turned = any(len(label) > 3 for label in labels)  # longer than a column is wide
    turn = {"rotation": 45, "ha": "right", "rotation_mode": "anchor"} if turned else {}
    axes.set_xticks(range(len(labels)), short, **turn)
    axes.set_yticks(range(len(labels)), short)
    axes.set(xlabel="answer", ylabel="true class")
    axes.set_title(f"{np.mean(t == y):.2%} of {len(t):,} are right", fontsize=10)


def _draw_examples(figure: Any, images: Array, titles: Sequence[str], wrong: int) -> None:
    rows, columns = grid_of(len(images), most_columns=5)
    rows = max(rows, 4)
    panels = figure.subplots(rows, max(columns, 5), squeeze=False)
    for i, axes in enumerate(panels.flat):
        if i >= len(images):
            axes.remove()
            continue
        axes.imshow(images[i], cmap="gray_r", interpolation="nearest")
        axes.set_title(titles[i], fontsize=7.5 if "\n" in titles[i] else 9, pad=3)
        without_ticks(axes)
    shown = f"{wrong} wrong" if wrong == len(images) else f"{len(images)} of {wrong} wrong"
    figure.suptitle(f"{shown}: true → answer", fontsize=10)


# ---- answers -------------------------------------------------------------------------------------
def _scores(net: Any, x: Array) -> Array:
    return np.asarray(net.predict(x) if hasattr(net, "predict") else net(x))


def _answers(net: Any, x: Array) -> Array:
    return _highest(_scores(net, x))


def _highest(scores: Array) -> Array:
    """The class of each row: the highest score, or whether the only score is above 0."""
    if scores.ndim == 2 and scores.shape[1] > 1:
        return np.asarray(np.argmax(scores, axis=1))
    return np.asarray(scores.reshape(len(scores)) > 0, dtype=int)


def _sureness(scores: Array) -> Array:
    """By how much the answer of each row is ahead of the next best."""
    if scores.ndim == 2 and scores.shape[1] > 1:
        ranked = np.sort(scores, axis=1)
        return np.asarray(ranked[:, -1] - ranked[:, -2])
    return np.abs(scores.reshape(len(scores)))


def _words(names: Sequence[str] | None, count: int, before: str = "") -> list[str]:
    """What the classes are called."""
    if names is not None and len(names) < count:
        raise ValueError(f"there are {count} classes and {len(names)} names: {', '.join(names)}")
    return [f"{before}{c}" for c in range(count)] if names is None else list(names)


def _classes(t: ArrayLike) -> Array:
    """Class indices (N,) of indices, of yes and no, or of one-hot rows."""
    t = np.asarray(t)
    if t.ndim == 2 and t.shape[1] > 1:
        return np.asarray(np.argmax(t, axis=1))
    return t.reshape(len(t)).astype(int)
