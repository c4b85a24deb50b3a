"""Letters that a terminal or a file may lack, written in letters that it has."""

from __future__ import annotations

import re
import sys

PLAIN = {
    "…": "...",
    "→": "->",
    "·": "*",
    "×": "x",
    "−": "-",
    "–": "-",
    "Σ": "sum_",
    "∂": "d",
    **dict(zip("ₙₘₖⱼᵢₕₐ", "nmkjiha", strict=True)),
    "✓": "ok",
    "✗": "!!",
}


# What a name could do to a terminal: all controls but tabs, ends of lines and our colours, and what
# turns the direction of reading.
_CONTROLS = re.compile(
    "\x1b(?!\\[[\\d;]*m)|[\0-\x08\x0b-\x1a\x1c-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]"
)


def printable(text: str, encoding: str | None = None) -> str:
    """Write a text in the letters of an encoding; of standard output's, when none is given.

    Letters that control the terminal become a replacement character.

    >>> printable("✓ dW = Σₙ x[n] · dz[n]", "ascii")
    'ok dW = sum_n x[n] * dz[n]'
    >>> printable("✓ dW", "utf-8")
    '✓ dW'
    """
    text = _CONTROLS.sub("\ufffd", text)
    encoding = encoding or getattr(sys.stdout, "encoding", None) or "utf-8"
    if _fits(text, encoding):
        return text
    for letter, plain in PLAIN.items():
        if letter in text and not _fits(letter, encoding):
            text = text.replace(letter, plain)
    return text.encode(encoding, "replace").decode(encoding)


def _fits(text: str, encoding: str) -> bool:
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True
