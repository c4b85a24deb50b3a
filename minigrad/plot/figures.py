"""What every picture shares: an empty figure, colours, and the word about matplotlib."""

from __future__ import annotations

import io
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = NDArray[Any]
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")  # Okabe and Ito's
MARKERS = "os^Dvp*"  # as many as do not divide the colours: 42 pairs before one comes again


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure of so many inches, 150 dots in each, which a notebook shows.

    Raises ImportError, with what to install, where matplotlib is absent.

    >>> new_figure(4, 3).get_size_inches()
    array([4., 3.])
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError(
            "a plot needs matplotlib: pip install matplotlib, or minigrad's extra `plot`"
        ) from error
    return _shown_in_notebooks(Figure)(figsize=(width, height), dpi=150, layout="constrained")


@cache
def _shown_in_notebooks(kind: type[Figure]) -> type[Figure]:
    """Make a kind of figure that a notebook shows although pyplot was never imported."""
    return type("Picture", (kind,), {"_repr_png_": _as_png})


def _as_png(figure: Figure) -> bytes:
    file = io.BytesIO()
    figure.savefig(file, format="png")
    return file.getvalue()


def shades(count: int) -> list[tuple[float, float, float]]:
    """Return colours from light to dark blue, for what has an order in time.

    >>> len(shades(3)), shades(1)[0][0] < 0.1
    (3, True)
    """
    light, dark = np.array([0.70, 0.83, 0.93]), np.array([0.02, 0.19, 0.36])
    weights = np.linspace(0, 1, count) if count > 1 else np.ones(1)
    return [(float(r), float(g), float(b)) for r, g, b in light + weights[:, None] * (dark - light)]


def grid_of(count: int, most_columns: int) -> tuple[int, int]:
    """Return rows and columns for so many panels, the rows about equally full.

    >>> grid_of(6, 4), grid_of(3, 4)
    ((2, 3), (1, 3))
    """
    rows = -(-count // most_columns)
    return rows, -(-count // rows)
