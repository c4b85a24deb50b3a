"""How thorough checks in a test run are: `pytest --gradcheck-profile=dev|ci|thorough`."""

from __future__ import annotations

import os
from typing import NamedTuple

VARIABLE = "MINIGRAD_GRADCHECK_PROFILE"  # how the choice reaches every process of a test run


class Profile(NamedTuple):
    """What a profile says.

    Attributes:
        examples: how many arguments `gradtest` draws; None for Hypothesis's own setting.
        inputs: on how many inputs `assert_gradients` tries what it is given none for.
    """

    examples: int | None
    inputs: int


PROFILES = {"dev": Profile(10, 1), "ci": Profile(100, 3), "thorough": Profile(1000, 20)}
DEFAULT = Profile(None, 1)


def chosen() -> Profile:
    """Look up the profile of this test run.

    Raises:
        ValueError: when the environment names one that does not exist.

    >>> chosen() in (DEFAULT, *PROFILES.values())
    True
    """
    name = os.environ.get(VARIABLE, "")
    if name and name not in PROFILES:
        raise ValueError(f"{VARIABLE} must be one of {', '.join(PROFILES)}, not {name!r}")
    return PROFILES.get(name, DEFAULT)
