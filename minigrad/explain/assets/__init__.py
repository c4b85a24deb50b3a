"""The stylesheets, the script and the frame of the page, which lie beside this module."""

from __future__ import annotations

from functools import cache


@cache
def read(name: str) -> str:
    """Read a file of this package as text."""
    from importlib import resources

    return resources.files("minigrad.explain.assets").joinpath(name).read_text(encoding="utf-8")
