"""Trainer: mini-batches through a net into an optimizer, and History: what came of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from operator import index
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from minigrad.datasets.batching import batches, check_rows
from minigrad.history import History, Row
from minigrad.progress import watch_for

__all__ = ["History", "Trainer"]

Array = NDArray[Any]
MEASURED_AT_ONCE = 1000  # rows: bounds the memory that measuring needs


class Trainable(Protocol):
    """What a Trainer asks of a net: any object with these, ours or not."""

    @property
    def params(self) -> Any:
        """The parameters, for the optimizer."""

    def gradient(self, x: Array, t: Array, /) -> Mapping[str, Array]:
        """Return the gradient of the loss with respect to each parameter."""

    def loss(self, x: Array, t: Array, /) -> float:
        """Return the mean loss over the rows."""

    def accuracy(self, x: Array, t: Array, /) -> float:
        """Return the fraction of rows that are classified rightly."""


class Updater(Protocol):
    """What a Trainer asks of an optimizer."""

    def update(self, params: Any, grads: Any, /) -> object:
        """Change the parameters in place."""


class Trainer:
    """Trains `net` with `optimizer` on mini-batches, and keeps a History.

    rng: a seed or a Generator that shuffles the rows anew in each epoch; None keeps their order.
    progress: "bar" (tqdm) or "lines" (one per epoch), both on stderr; "auto" is a bar if tqdm is
    installed and stderr is a terminal, lines otherwise; False is silence.
    callbacks: called as callback(trainer, row) after each epoch, when the row is in the history;
    what one adds to the row becomes a column, and one that returns True ends `fit`.
    check_finite: raise FloatingPointError, naming step and culprit, instead of learning from NaN.

    `trainer.history`, `.epoch` and `.step` are up to date at every moment, so that Ctrl-C loses
    nothing but the row of the epoch it interrupts; calling `fit` again goes on from there.

    >>> import minigrad as mg
    >>> x, t = mg.datasets.spiral(n_per_class=50)
    >>> trainer = mg.Trainer(mg.mlp([2, 16, 3], rng=0), mg.SGD(lr=0.5), progress=False)
    >>> history = trainer.fit(x, t, epochs=30, batch_size=10)
    >>> history["step"][-1], history["loss"][-1] < history["loss"][0]
    (450, True)
    """

    def __init__(
        self,
        net: Trainable,
        optimizer: Updater,
        *,
        rng: int | np.random.Generator | None = 0,
        progress: Literal["auto", "bar", "lines", False] = "auto",
        callbacks: Iterable[Callable[[Trainer, Row], object]] = (),
        check_finite: bool = True,
    ) -> None:
        if not hasattr(net, "gradient") or not hasattr(optimizer, "update"):
            raise TypeError(
                f"Trainer({type(net).__name__}, {type(optimizer).__name__}): the first is a net "
                "with gradient(x, t), the second an optimizer with update(params, grads)"
            )
        self.net, self.optimizer = net, optimizer
        self.rng = None if rng is None else np.random.default_rng(rng)
        self.callbacks, self.check_finite = list(callbacks), check_finite
        self.history, self.epoch, self.step = History(), 0, 0
        self._watch = watch_for(progress)

    def fit(
        self,
        x: ArrayLike,
        t: ArrayLike,
        *,
        epochs: int | None = None,
        steps: int | None = None,
        batch_size: int = 100,
        validation: tuple[ArrayLike, ArrayLike] | None = None,
        accuracy: bool = True,
    ) -> History:
        """Train for so many epochs, or exactly so many steps, and return `self.history`.

        x: (N, ...), t: (N, ...), and `validation` a pair like them; an epoch is every row once, in
        ceil(N / batch_size) steps. After each epoch (and after the last step) a row is recorded:
        epoch, step, loss, accuracy, val_loss, val_accuracy. Loss and accuracy are those of the net
        as it then is, in testing mode, over all rows: exact, not a running mean, for the price of
        two forward passes. `accuracy=False` leaves accuracy out, for regression.

        Raises ValueError for lengths that differ, no rows, or counts below 1; FloatingPointError
        (see `check_finite`) before a gradient that is not finite reaches a parameter.
        """
        x, t = np.asarray(x), np.asarray(t)
        check_rows(x, t)
        parts = {"": (x, t)} | ({} if validation is None else {"val_": _pair(validation)})
        per_epoch = -(-len(x) // _positive("batch_size", batch_size))
        remaining = _total_steps(epochs, steps, per_epoch)
        last_epoch = self.epoch - (-remaining // per_epoch)
        self._try_measuring(parts, batch_size, accuracy)
        stopped = False
        while remaining > 0 and not stopped:
            todo = min(remaining, per_epoch)
            self.epoch += 1
            with self._watch(f"epoch {self.epoch:>{len(str(last_epoch))}}/{last_epoch}", todo) as w:
                for xb, tb in islice(batches(x, t, batch_size, rng=self.rng), todo):
                    self._train_on(xb, tb)
                    w.step()
                row = {"epoch": self.epoch, "step": self.step, **self._measure(parts, accuracy)}
                w.done(row)
            self.history.append(row)
            self._check_measures(row)
            remaining -= todo
            verdicts = [callback(self, row) for callback in self.callbacks]
            self.history.amend(row)
            stopped = any(verdicts)
        return self.history

    def _train_on(self, xb: Array, tb: Array) -> None:
        grads = self.net.gradient(xb, tb)
        if self.check_finite:
            self._check_gradients(grads, xb, tb)
        self.optimizer.update(self.net.params, grads)
        self.step += 1

    def _try_measuring(
        self, parts: Mapping[str, tuple[Array, Array]], rows: int, accuracy: bool
    ) -> None:
        """Measure a batch of each part: what does not fit is told before the training."""
        try:
            self._measure({name: (x[:rows], t[:rows]) for name, (x, t) in parts.items()}, accuracy)
        except TypeError as error:
            if accuracy:
                error.add_note("fit(..., accuracy=False) trains a net that has no accuracy")
            raise

    def _measure(self, parts: Mapping[str, tuple[Array, Array]], accuracy: bool) -> Row:
        measures = {"loss": self.net.loss} | ({"accuracy": self.net.accuracy} if accuracy else {})
        return {
            prefix + name: _mean_over_rows(measure, x, t)
            for prefix, (x, t) in parts.items()
            for name, measure in measures.items()
        }

    def _check_gradients(self, grads: Mapping[str, Array], xb: Array, tb: Array) -> None:
        bad = _not_finite(grads)
        if bad:
            cause = (
                _not_finite({"x": xb, "t": tb}, "the batch already has it in ")
                or _not_finite(self.net.params, "the parameters already have it in ")
                or "a smaller lr, or clip_by_global_norm, may help"
            )
            raise FloatingPointError(
                f"step {self.step + 1}: NaN or infinity in the gradient of {bad}; {cause}; "
                "this step has changed nothing"
            )

    def _check_measures(self, row: Row) -> None:
        bad = [name for name, value in row.items() if not np.isfinite(value)]
        if self.check_finite and bad:
            cause = (
                _not_finite(self.net.params, "NaN or infinity in the parameter ")
                or "every parameter is finite: look into the data"
            )
            raise FloatingPointError(f"step {self.step}: {bad[0]} is {row[bad[0]]}; {cause}")


def _mean_over_rows(measure: Callable[[Array, Array], float], x: Array, t: Array) -> float:
    if len(x) <= MEASURED_AT_ONCE:
        return float(measure(x, t))
    total = sum(len(xb) * float(measure(xb, tb)) for xb, tb in batches(x, t, MEASURED_AT_ONCE))
    return total / len(x)


def _not_finite(arrays: Mapping[str, Array], words: str = "") -> str:
    """Name the first array with a NaN or an infinity, after `words`; "" if there is none."""
    for name, array in arrays.items():
        finite = np.isfinite(array)
        if not finite.all():
            return (
                f"{words}{name} ({np.size(finite) - np.count_nonzero(finite)} of {np.size(finite)})"
            )
    return ""


def _pair(validation: tuple[ArrayLike, ArrayLike]) -> tuple[Array, Array]:
    if not isinstance(validation, tuple | list) or len(validation) != 2:
        raise ValueError(f"validation is a pair (x_val, t_val), not {type(validation).__name__}")
    x, t = np.asarray(validation[0]), np.asarray(validation[1])
    check_rows(x, t, ("x_val", "t_val"))
    return x, t


def _total_steps(epochs: int | None, steps: int | None, per_epoch: int) -> int:
    if epochs is not None and steps is None:
        return _positive("epochs", epochs) * per_epoch
    if steps is not None and epochs is None:
        return _positive("steps", steps)
    raise ValueError(f"how long? give epochs= or steps=, one of them: {epochs=}, {steps=}")


def _positive(name: str, count: int) -> int:
    if index(count) < 1:
        raise ValueError(f"{name}={count}: it is at least 1")
    return index(count)
