"""Hypothesis's entry point: which strategies draw Tensors, layers and networks."""

import sys
from importlib import import_module


def register() -> None:
    """Teach Hypothesis our types, if minigrad is loaded already.

    If not, `import minigrad` does it when it finds Hypothesis.
    """
    if "minigrad" in sys.modules:
        import_module("minigrad.testing.registration").register()
