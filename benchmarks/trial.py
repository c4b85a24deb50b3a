"""What a peer hands back for a case: a step to repeat, and what came out of it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def _nothing() -> None:
    """Steps of most peers are finished when they return."""


@dataclass(frozen=True)
class Trial:
    """One step that is timed.

    results: arrays by name that must agree between the sides after equally many steps.
    finish: waits until all steps are done, where a library computes in the background.
    """

    step: Callable[[], object]
    results: Callable[[], dict[str, Array]]
    finish: Callable[[], object] = _nothing

    def run(self, steps: int) -> None:
        """Take `steps` steps and wait for them."""
        for _ in range(steps):
            self.step()
        self.finish()

    def measure(self, steps: int, clock: Callable[[], float]) -> float:
        """Seconds per step by a clock, over `steps` steps."""
        step = self.step
        start = clock()
        for _ in range(steps):
            step()
        self.finish()
        return (clock() - start) / steps


@dataclass(frozen=True)
class Reading(Trial):
    """A step that measures something itself, such as bytes, and returns it."""

    def measure(self, steps: int, clock: Callable[[], float]) -> float:
        """The mean of `steps` readings."""
        return float(np.mean([self.step() for _ in range(steps)]))
