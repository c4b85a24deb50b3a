"""Placeholder until diagnosis arrives."""

from typing import Any


def diagnose(evidence: Any, findings: Any) -> Any:
    """Nothing yet."""
    return None
