"""Parameters in files: .npz, without pickle, all or nothing."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from minigrad.graph import Array


def save(path: Any, state: Mapping[str, Array]) -> None:
    """Write named arrays to exactly `path`, at once: a failure leaves an older file as it was.

    Raises:
        OSError: of the fitting kind, when `path` cannot be written.
    """
    import zipfile
    from pathlib import Path

    path = Path(path)
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder: parameters are saved to a file")
    if path.parent.exists() and not path.parent.is_dir():
        raise NotADirectoryError(f"{path} cannot be written: {path.parent} is no folder")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"{path} cannot be written: there is no folder {path.parent}")
    unfinished = path.with_name(path.name + ".unfinished")
    try:
        with zipfile.ZipFile(unfinished, "w") as archive:
            for name, array in state.items():
                with archive.open(f"{name}.npy", "w", force_zip64=True) as entry:
                    np.lib.format.write_array(entry, np.asarray(array), allow_pickle=False)
        os.replace(unfinished, path)
    except PermissionError as error:
        raise PermissionError(f"{path} cannot be written: {error.strerror}") from error
    finally:
        unfinished.unlink(missing_ok=True)


def load(path: Any) -> dict[str, Array]:
    """Read named arrays; nothing is ever unpickled.

    Raises:
        OSError: of the fitting kind, when `path` cannot be read.
        ValueError: when the file is damaged, or something else than an .npz of arrays.
    """
    with open(path, "rb") as file:
        if file.read(2) != b"PK":
            raise ValueError(f"{path} is not an .npz file, which is a zip archive of arrays")
        file.seek(0)
        try:
            with np.load(file, allow_pickle=False) as archive:
                found = {name: archive[name] for name in archive.files}
        except Exception as error:  # whatever a damaged file makes NumPy and zipfile raise
            raise ValueError(
                f"{path} is not an undamaged .npz file of arrays of numbers"
            ) from error
    if not all(isinstance(value, np.ndarray) for value in found.values()):
        raise ValueError(f"{path} is not an .npz file of arrays: it holds something else")
    return found


def fitted(params: Mapping[str, Array], state: Any) -> dict[str, Array]:
    """Convert a state to the parameters that it is meant for, in their dtypes.

    Raises:
        TypeError: when the state is no mapping.
        ValueError: that lists all missing, unexpected and unfit entries.
    """
    if not isinstance(state, Mapping):
        raise TypeError(f"a state maps names to arrays, and {type(state).__name__} does not")
    faults = [f"missing {name} {p.shape}" for name, p in params.items() if name not in state]
    faults += [f"unexpected {name}" for name in state if name not in params]
    found = {}
    for name, p in params.items():
        if name in state:
            value = np.asarray(state[name])
            if value.shape != p.shape:
                faults.append(f"{name} has shape {value.shape}, the network's has {p.shape}")
            elif value.dtype.kind not in "fiu":
                faults.append(f"{name} holds {value.dtype}, not numbers")
            else:
                with np.errstate(over="ignore"):
                    found[name] = value.astype(p.dtype)
                if np.any(np.isinf(found[name]) & np.isfinite(value)):
                    faults.append(f"{name} is too large for {p.dtype}")
    if faults:
        raise ValueError("the state does not fit this network: " + "; ".join(faults))
    return found
