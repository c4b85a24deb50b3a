"""History: the numbers of a training run, as columns."""

from __future__ import annotations

import os
from itertools import zip_longest
from typing import TYPE_CHECKING

from minigrad.plot.curves import learning_curves

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["History"]

Row = dict[str, float]
SHOWN_FIRST, SHOWN_LAST = 2, 6


class History(dict[str, list[float]]):
    """A dict of lists, one number per epoch: epoch, step, loss, accuracy, val_loss, val_accuracy.

    A column is there once it has been measured; it holds NaN for rows where it was not.

    >>> history = History()
    >>> history.append({"epoch": 1, "step": 15, "loss": 0.75})
    >>> history.append({"epoch": 2, "step": 30, "loss": 0.5})
    >>> history
    epoch  step    loss
        1    15  0.7500
        2    30  0.5000
    >>> history["loss"]
    [0.75, 0.5]
    """

    def append(self, row: Row) -> None:
        """Add one number to every column.

        >>> history = History(loss=[1.0])
        >>> history.append({"loss": 0.5, "val_loss": 0.7})
        >>> history["val_loss"]
        [nan, 0.7]
        """
        for column in self.values():
            column.append(float("nan"))
        self.amend(row)

    def amend(self, row: Row) -> None:
        """Set the last number of the named columns, and make those that are new.

        >>> history = History(loss=[1.0, 0.5])
        >>> history.amend({"loss": 0.4, "lr": 0.1})
        >>> history["loss"], history["lr"]
        ([1.0, 0.4], [nan, 0.1])
        """
        rows = max(map(len, self.values()), default=1)
        for name, value in row.items():
            self.setdefault(name, [float("nan")] * rows)[-1] = value

    def to_csv(self, path: str | os.PathLike[str]) -> None:
        """Write a line of column names, then a line per epoch, in full precision.

        >>> import tempfile, pathlib
        >>> file = pathlib.Path(tempfile.mkdtemp(), "history.csv")
        >>> History(epoch=[1, 2], loss=[0.75, 0.5]).to_csv(file)
        >>> file.read_text().split()
        ['epoch,loss', '1,0.75', '2,0.5']
        """
        import csv

        with open(path, "w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([self.keys(), *zip(*self.values(), strict=True)])

    def plot(self, path: str | os.PathLike[str] | None = None) -> Figure:
        """Draw `plot.learning_curves`; save the picture if `path` is given.

        Returns matplotlib's Figure, made without pyplot: no display and no global state. Raises
        ImportError without matplotlib, ValueError when there is nothing to draw.

        >>> figure = History(epoch=[1, 2], loss=[0.75, 0.5], val_loss=[0.8, 0.7]).plot()
        >>> [line.get_label() for line in figure.axes[0].lines]
        ['training', 'validation']
        """
        figure = learning_curves(self)
        if path is not None:
            figure.savefig(path)
        return figure

    def __repr__(self) -> str:
        rows = [
            [_cell(value) for value in row]
            for row in zip_longest(*self.values(), fillvalue=float("nan"))
        ]
        if not rows:
            return "History: no epochs yet"
        if len(rows) > SHOWN_FIRST + SHOWN_LAST:
            rows[SHOWN_FIRST:-SHOWN_LAST] = [["…"] * len(self)]
        table = [list(self), *rows]
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        return "\n".join(
            "  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True))
            for line in table
        )


def _cell(value: float) -> str:
    return f"{value}" if isinstance(value, int) else f"{value:.4f}"
