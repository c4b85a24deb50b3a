"""Weights and examples as images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from minigrad.plot.figures import Array, grid_of, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Size = tuple[int, int]


def filters(W: ArrayLike, *, image_shape: Size | None = None, most: int = 64) -> Figure:
    """Draw weights as images, all on one scale: white is 0, orange above it, purple below.

    W: filters (FN, C, FH, FW) of a convolution, a row of C images for each filter when C > 1; or
    the weights (D, M) of an Affine layer on images, whose M columns are drawn in `image_shape`
    (rows, columns), by default a square of D. most: how many filters or columns are drawn.

    Raises ValueError for a W that is neither.

    >>> import minigrad as mg
    >>> figure = filters(mg.Affine(64, 10, rng=0).params["W"])
    >>> len(figure.axes) - 1, figure.axes[0].images[0].get_array().shape  # and the colour bar
    (10, (8, 8))
    """
    images = _as_images(np.asarray(W), image_shape)[:most]
    count, channels = images.shape[:2]
    rows, columns = (count, channels) if channels > 1 else grid_of(count, most_columns=10)
    figure = new_figure(max(0.8 * columns + 1.0, 3.0), max(0.85 * rows + 0.3, 2.0))
    limit = float(np.abs(images).max()) or 1.0
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for i, axes in enumerate(panels):
        if i >= count * channels:
            axes.remove()
            continue
        image = images[divmod(i, channels)]
        shown = axes.imshow(image, cmap="PuOr_r", vmin=-limit, vmax=limit, interpolation="nearest")
        without_ticks(axes)
        axes.set_title(f"{i // channels}" if i % channels == 0 else "", fontsize=8, pad=2)
    figure.colorbar(shown, ax=list(panels[: count * channels]), label="weight", shrink=0.8)
    return figure


def _as_images(W: Array, image_shape: Size | None) -> Array:
    """Return (count, channels, rows, columns)."""
    if W.ndim == 4 and W.size:
        return W
    if W.ndim == 2 and W.size:
        return images_of(W.T, image_shape)[:, None]
    raise ValueError(
        f"filters are (FN, C, FH, FW), or the weights (D, M) of an Affine layer, not {W.shape}"
    )


def images_of(x: Array, image_shape: Size | None) -> Array:
    """Return rows x (N, D) or (N, 1, H, W) as images (N, H, W); D is a square by default.

    Raises ValueError where that cannot be.

    >>> images_of(np.zeros((5, 64)), None).shape, images_of(np.zeros((5, 6)), (2, 3)).shape
    ((5, 8, 8), (5, 2, 3))
    """
    if image_shape is None and x.ndim in (3, 4):
        image_shape = x.shape[-2:]
    size = int(np.prod(x.shape[1:]))
    height, width = image_shape or (round(size**0.5),) * 2
    if height * width != size:
        raise ValueError(
            f"{size} numbers are no image of {height} × {width}: say image_shape=(rows, columns)"
        )
    return x.reshape(len(x), height, width)


def without_ticks(axes: Any) -> None:
    """Leave an image its frame, and nothing to count along it."""
    axes.set(xticks=[], yticks=[])
