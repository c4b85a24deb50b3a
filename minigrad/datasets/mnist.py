"""MNIST, read from its four idx files, and every way in which those files can be wrong."""

from __future__ import annotations

import os
from math import prod
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import DTypeLike, NDArray

from minigrad.datasets.dataset import Dataset

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["mnist"]

FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
IMAGE = (28, 28)
UNSIGNED_BYTE = 0x08
GZIP = b"\x1f\x8b"


def mnist(path: str | os.PathLike[str] | None = None, *, dtype: DTypeLike = np.float32) -> Dataset:
    """Read MNIST: 60,000 digits of 28×28 grey levels to train on and 10,000 to test on.

    x: (N, 784) in [0, 1], float32 unless `dtype` says otherwise; t: (N,) int64 in 0…9.

    The four files (gzipped or not) are looked for in `path` and in `path/mnist`; without `path`,
    the environment variable MINIGRAD_DATA takes its place. Files of the same form, such as
    Fashion-MNIST's, are read as well.

    Raises FileNotFoundError for missing files, with the places it looked in, and ValueError for
    a file that is truncated, too long, not idx, or does not fit the others.

    Source: Y. LeCun, C. Cortes, C. Burges, The MNIST database of handwritten digits, 1998.

    >>> mnist("no such folder")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    FileNotFoundError: no MNIST files in no such folder or ...
    """
    train_images, train_labels, test_images, test_labels = _locate(path)
    return Dataset(
        *_read_pair(train_images, train_labels, dtype), *_read_pair(test_images, test_labels, dtype)
    )


def _locate(path: str | os.PathLike[str] | None) -> list[Path]:
    """Return the paths of the four files, all from one folder."""
    from pathlib import Path

    root = path if path is not None else os.environ.get("MINIGRAD_DATA")
    wanted = (
        f"the four files {', '.join(FILES)} (each also as .gz) of "
        "the MNIST database of handwritten digits, Y. LeCun, C. Cortes, C. Burges, "
        "which many mirrors and Python packages offer for download"
    )
    if not root:
        raise FileNotFoundError(
            "mnist() does not know where to look: pass the folder as path=, or set MINIGRAD_DATA "
            f"to the folder that holds mnist/; it reads {wanted}"
        )
    folders = [Path(root), Path(root) / "mnist"]
    found = {folder: _files_in(folder) for folder in folders}
    folder = max(folders, key=lambda folder: len(found[folder]))
    missing = [name for name in FILES if name not in found[folder]]
    if not missing:
        return [found[folder][name] for name in FILES]
    if len(missing) == len(FILES):
        raise FileNotFoundError(
            f"no MNIST files in {folders[0]} or {folders[1]}: they are {wanted}"
        )
    raise FileNotFoundError(f"{folder} lacks {', '.join(missing)}: MNIST is {wanted}")


def _files_in(folder: Path) -> dict[str, Path]:
    candidates = ((name, folder / (name + end)) for end in (".gz", "") for name in FILES)
    return {name: file for name, file in candidates if file.is_file()}


def _read_pair(
    images: Path, labels: Path, dtype: DTypeLike
) -> tuple[NDArray[np.floating], NDArray[np.int64]]:
    grey_levels, classes = _read_idx(images, IMAGE), _read_idx(labels, ())
    if len(grey_levels) != len(classes):
        raise ValueError(
            f"{images} holds {len(grey_levels)} images and {labels} {len(classes)} labels: "
            "the two files do not belong together"
        )
    if classes.max() > 9:
        raise ValueError(f"{labels} holds the label {classes.max()}; digits are 0 to 9")
    x = grey_levels.reshape(len(grey_levels), -1).astype(dtype)
    return np.divide(x, 255, out=x), classes.astype(np.int64)


def _read_idx(path: Path, row_shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Read an idx file of unsigned bytes: 0, 0, dtype code, ndim, big-endian sizes, then data."""
    content = _read_bytes(path)
    ndim = 1 + len(row_shape)
    header = 4 + 4 * ndim
    if len(content) < 4 or content[:2] != b"\0\0":
        raise ValueError(f"{path} is not an idx file: it starts with {content[:4].hex(' ')!r}")
    if content[2] != UNSIGNED_BYTE:
        raise ValueError(
            f"{path} holds values of the idx type 0x{content[2]:02x}; MNIST's are unsigned bytes, "
            f"0x{UNSIGNED_BYTE:02x}"
        )
    if content[3] != ndim:
        raise ValueError(
            f"{path} has {content[3]} dimensions where {ndim} belong: images have 3, labels 1; "
            "is one file named as the other?"
        )
    if len(content) < header:
        raise ValueError(f"{path} is truncated: it ends inside its header of {header} bytes")
    shape = tuple(int(n) for n in np.frombuffer(content, ">u4", ndim, offset=4))
    if shape[1:] != row_shape:
        raise ValueError(f"{path} holds rows of shape {shape[1:]}; MNIST's are {row_shape}")
    if shape[0] == 0:
        raise ValueError(f"{path} holds no rows")
    if len(content) - header != prod(shape):
        fault = "is truncated" if len(content) - header < prod(shape) else "is too long"
        raise ValueError(
            f"{path} {fault}: its header announces {shape}, {prod(shape)} bytes, and "
            f"{len(content) - header} follow"
        )
    return np.frombuffer(content, np.uint8, offset=header).reshape(shape)


def _read_bytes(path: Path) -> bytes:
    """Return the content, unpacked if it is gzip, whatever the file is called."""
    import gzip
    import zlib

    content = path.read_bytes()
    if not content.startswith(GZIP):
        return content
    try:
        return gzip.decompress(content)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ValueError(f"{path} is truncated or damaged: {error}") from error
