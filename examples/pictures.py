"""What the examples with a picture share. This is no example itself.

A picture lands in the folder that `--out` names, `out/` if nothing does; the folder is made when
it is missing, and a place that cannot be written is said before the work begins, not after it.
Without matplotlib an example says what to install, and does everything but draw.
"""

import argparse
import sys
import tempfile
from pathlib import Path


class Options(argparse.ArgumentParser):
    """The options of an example: --help is its docstring; a mistake is one line, and exit 2."""

    def __init__(self, description):
        super().__init__(
            description=description,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        self.add_argument(
            "--out", type=folder, default="out", help="folder of the picture (default: out)"
        )

    def error(self, message):
        self.exit(2, f"{self.prog}: error: {message}\n")


def folder(name):
    """Make the folder if it is missing, and see whether a file can be written in it."""
    try:
        Path(name).mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=name).close()
    except OSError as error:
        raise argparse.ArgumentTypeError(f"{name} cannot be written: {error.strerror}") from error
    return Path(name)


def integer(least):
    """Return the type of an option that is an integer and not less than `least`."""

    def read(text):
        try:
            number = int(text)
        except ValueError:
            number = least - 1
        if number < least:
            raise argparse.ArgumentTypeError(f"{text!r} is not an integer of {least} or more")
        return number

    return read


def save(draw, path):
    """Write the figure that `draw()` makes as a PNG file and say where, or say what to install."""
    try:
        figure = draw()
    except ImportError:
        print("no picture: that needs matplotlib (pip install matplotlib)", file=sys.stderr)
        return
    try:
        figure.savefig(path)
    except OSError as error:
        print(f"{path} cannot be written: {error.strerror}", file=sys.stderr)
        sys.exit(2)
    print(f"picture: {path}")
