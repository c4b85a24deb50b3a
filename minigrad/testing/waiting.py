"""A line on the terminal while a check takes longer than one likes to wait in silence."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from minigrad.testing.subjects import subject

PATIENCE = 1.5  # seconds without a word
EVERY = 0.2  # seconds between two lines


@contextmanager
def shown(stream: TextIO | None = None) -> Iterator[None]:
    """Say on stderr, if that is a terminal, how far a check is, and wipe it off in the end."""
    stream = stream or sys.stderr
    if not stream.isatty():
        yield
        return
    line = _Line(stream)
    before, subject.WATCHERS[:] = list(subject.WATCHERS), [line.tick]
    try:
        yield
    finally:
        subject.WATCHERS[:] = before
        line.wipe()


class _Line:
    """Counts evaluations, and writes the count over itself."""

    def __init__(self, stream: TextIO) -> None:
        self.stream, self.count, self.width = stream, 0, 0
        self.began = self.latest = time.perf_counter()

    def tick(self, name: str) -> None:
        """Note one more evaluation of what is called so."""
        self.count += 1
        now = time.perf_counter()
        if now - self.began < PATIENCE or now - self.latest < EVERY:
            return
        self.latest = now
        self._write(f"checking {name:.40}: {self.count:,} evaluations, {now - self.began:.0f} s")

    def wipe(self) -> None:
        """Leave the terminal as it was."""
        if self.width:
            self._write("")
            self.stream.write("\r")
            self.stream.flush()

    def _write(self, text: str) -> None:
        self.stream.write(f"\r{text:<{self.width}}")
        self.stream.flush()
        self.width = max(self.width, len(text))
