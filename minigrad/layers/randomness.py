"""Finding the random generators that layers hold, to draw the same numbers again."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.layers.inside import inside


class Replay:
    """Remembers the state of all generators that an object holds, and of NumPy's global one.

    A context manager: `rewind` goes back to the beginning, and so does its end.

    >>> rng = np.random.default_rng(0)
    >>> with Replay([rng]) as replay:
    ...     first = rng.random()
    ...     replay.rewind()
    ...     first == rng.random()
    True
    """

    def __init__(self, holder: Any) -> None:
        found = [vars(np.random)["get_bit_generator"]()]  # foreign layers may draw from it
        for _, value in inside(holder):
            if isinstance(value, np.random.Generator):
                found.append(value.bit_generator)
            elif isinstance(value, np.random.RandomState):
                found.append(value._bit_generator)
        self._states = [(bits, bits.state) for bits in found]

    def rewind(self) -> None:
        """Set every generator back."""
        for bits, state in self._states:
            bits.state = state

    def __enter__(self) -> Replay:
        return self

    def __exit__(self, *_: object) -> None:
        self.rewind()
