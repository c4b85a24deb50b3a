"""How a training run shows where it is: a bar, a line per epoch, or silence."""

import sys
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Literal, Self

__all__ = ["Progress", "describe", "watch_for"]

Progress = Literal["auto", "bar", "lines", False]


class Silence:
    """Watches an epoch and says nothing; the others add their voice."""

    def __init__(self, label: str, steps: int) -> None:
        self.label, self.steps = label, steps

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        return

    def step(self) -> None:
        """Note that one more step is done."""

    def done(self, row: Mapping[str, float]) -> None:
        """Note what the epoch came to."""


class Lines(Silence):
    """Prints one line on stderr when an epoch is over."""

    def done(self, row: Mapping[str, float]) -> None:
        """Print the line."""
        print(f"{self.label}  {describe(row)}", file=sys.stderr, flush=True)


class Bar(Silence):
    """Draws tqdm's bar on stderr, one per epoch; it stays, with the results behind it."""

    def __init__(self, label: str, steps: int) -> None:
        super().__init__(label, steps)
        from tqdm import tqdm

        self.bar = tqdm(total=steps, desc=label, file=sys.stderr, unit="step")

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.bar.close()

    def step(self) -> None:
        """Move the bar."""
        self.bar.update()

    def done(self, row: Mapping[str, float]) -> None:
        """Write the results behind the bar."""
        self.bar.set_postfix_str(describe(row))


def watch_for(progress: Progress) -> Callable[[str, int], Silence]:
    """Return what makes a watch for one epoch, of so many steps, out of its label.

    Raises ValueError for an unknown `progress`, ImportError for a bar without tqdm.

    >>> with watch_for(False)("epoch 1/1", steps=2) as watch:
    ...     watch.step()
    """
    from importlib.util import find_spec

    if progress == "auto":
        progress = "bar" if find_spec("tqdm") and sys.stderr.isatty() else "lines"
    if progress == "bar" and not find_spec("tqdm"):
        raise ImportError(
            "a progress bar needs tqdm: pip install tqdm, or minigrad's extra `progress`"
        )
    if progress not in ("bar", "lines", False):
        raise ValueError(f'progress={progress!r}: it is "auto", "bar", "lines" or False')
    return {"bar": Bar, "lines": Lines, False: Silence}[progress]


def describe(row: Mapping[str, float]) -> str:
    """Return the measures of an epoch as words.

    >>> describe({"epoch": 1, "step": 20, "loss": 0.51, "val_loss": 0.6})
    'loss 0.5100  val_loss 0.6000'
    """
    measures = {name: value for name, value in row.items() if name not in ("epoch", "step")}
    return "  ".join(f"{name} {value:.4f}" for name, value in measures.items())
