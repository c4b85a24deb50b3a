"""Whole trainings: from the first weights until a test accuracy is reached, tested every epoch."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.problems import Array, Problem, Settings, first_weights
from benchmarks.trial import Trial
from minigrad import datasets


@dataclass(frozen=True)
class Loop:
    """A net in training: step(x, t) learns from a batch, predict(x) gives scores of the classes.

    epochs: whether step takes all the data at once, and makes its batches itself.
    """

    step: Callable[[Array, Array], object]
    predict: Callable[[Array], Array]
    epochs: bool = False


def data(settings: Settings) -> datasets.Dataset:
    """The digits inside the package, or MNIST from its files."""
    if settings["data"] == "digits":
        return datasets.digits(dtype=np.float32)
    return datasets.mnist()


def lacking(settings: Settings) -> str | None:
    """A sentence where the data of a point are not here."""
    try:
        data(settings) if settings.get("data") == "mnist" else None
    except FileNotFoundError:
        return "skipped: MINIGRAD_DATA does not name a folder with MNIST's files"
    return None


def batches(n: int, size: int, rng: np.random.Generator) -> list[Array]:
    """The rows of each batch of an epoch, in a random order; the last may be short."""
    return np.split(rng.permutation(n), range(size, n, size))


def training(settings: Settings, start: Callable[[Problem], Loop]) -> Trial:
    """One step is a whole training; batches come in the same order on all sides."""
    x, t, x_test, t_test = data(settings)
    results: dict[str, Any] = {}

    def step() -> None:
        sizes, batch = settings["sizes"], settings["batch"]
        loop = start(Problem(sizes, x[:batch], t[:batch], first_weights(sizes, "float32")))
        rng = np.random.default_rng(0)
        accuracy, epoch = 0.0, 0
        while accuracy < settings["accuracy"] and epoch < settings["epochs"]:
            for rows in [slice(None)] if loop.epochs else batches(len(x), batch, rng):
                loop.step(x[rows], t[rows])
            accuracy = float(np.mean(np.argmax(loop.predict(x_test), axis=1) == t_test))
            epoch += 1
        results.update({"accuracy": accuracy, "epochs": epoch})

    return Trial(step, lambda: {name: np.array(value) for name, value in results.items()})
