"""A guess at what is wrong: a cause, in a sentence, with how far-fetched it is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Guess:
    """One explanation of the numbers; every guess has been tried on them and explains them.

    Attributes:
        label: one of `causes`.
        sentence: what is wrong, in plain words, with the evidence.
        at: the operands whose gradients it explains.
        cost: how far-fetched it is; of several guesses the cheapest is believed.
        remedy: what to write instead, where that is known.
    """

    label: str
    sentence: str
    at: tuple[str, ...]
    cost: float
    remedy: str = ""
