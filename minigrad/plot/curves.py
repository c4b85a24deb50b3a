"""Loss and accuracy, epoch by epoch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from minigrad.plot.figures import COLOURS, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Columns = Mapping[str, Any]
PARTS = {"training": "", "validation": "val_"}


def learning_curves(history: Columns | Mapping[str, Columns]) -> Figure:
    """Draw loss and accuracy over the epochs, in training and in validation.

    history: a History, or a dict of columns like one; or several by name, {"SGD": history, …},
    which are drawn into the same panels, a colour for each. Where there are both parts, training is
    dashed. Without a column `epoch` the rows are counted.

    Raises ValueError when there is neither loss nor accuracy.

    >>> figure = learning_curves({"epoch": [1, 2], "loss": [0.75, 0.5], "val_loss": [0.8, 0.7]})
    >>> [line.get_label() for line in figure.axes[0].lines]
    ['training', 'validation']
    """
    runs = _by_name(history)
    panels = [
        measure
        for measure in ("loss", "accuracy")
        if any(_curves(columns, measure) for columns in runs.values())
    ]
    if not panels:
        raise ValueError("this history has neither loss nor accuracy yet: nothing to plot")
    figure = new_figure(5.0 * len(panels), 4.0)
    for axes, measure in zip(
        figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True
    ):
        for i, (name, columns) in enumerate(runs.items()):
            _draw(axes, measure, name, columns, COLOURS[i % len(COLOURS)])
        axes.set(xlabel="epoch", ylabel=measure)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(alpha=0.3)
        axes.legend(fontsize=9)
    return figure


def _by_name(history: Columns | Mapping[str, Columns]) -> dict[str, Columns]:
    several = history and all(isinstance(value, Mapping) for value in history.values())
    return dict(history) if several else {"": history}


def _curves(columns: Columns, measure: str) -> dict[str, Any]:
    found = {part: columns.get(prefix + measure) for part, prefix in PARTS.items()}
    return {part: values for part, values in found.items() if values is not None and len(values)}


def _draw(axes: Any, measure: str, name: str, columns: Columns, colour: str) -> None:
    curves = _curves(columns, measure)
    for part, values in curves.items():
        label = part if not name else name if len(curves) == 1 else f"{name}: {part}"
        line = "--" if part == "training" and len(curves) == 2 else "-"
        epochs = columns.get("epoch", range(1, len(values) + 1))
        dots = "." if len(values) <= 30 else ""  # beyond that they are a thick line
        axes.plot(epochs, values, line, marker=dots, color=colour, label=label)
