"""Hypothesis where it is installed, and one sentence where it is not."""

try:
    import hypothesis
    from hypothesis import strategies as st
    from hypothesis.extra import numpy as hnp
except ImportError as error:
    raise ImportError(
        "minigrad.testing.strategies and gradtest need Hypothesis: pip install hypothesis, or "
        "minigrad's extra `test`"
    ) from error

__all__ = ["hnp", "hypothesis", "st"]
