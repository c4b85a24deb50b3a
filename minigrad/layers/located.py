"""Errors that say in which layer of a network they arose: net.encoder[0] Affine(3, 2).

The layers know nothing of it. A network catches what comes out of a call and looks through the
traceback for the innermost layer; a call without errors pays nothing.
"""

from __future__ import annotations

import dis
import functools
import itertools
from types import TracebackType
from typing import Any

from minigrad.layers.structure import Part, layers_by_path


def watched(call: Any) -> Any:
    """Have errors say in which layer they arose."""

    @functools.wraps(call)
    def call_watched(self: Part, *inputs: Any, **options: Any) -> Any:
        with Located(self):
            return call(self, *inputs, **options)

    return call_watched


def answering(call: Any) -> Any:
    """Have a call that can come to its end without a return say so; others stay as they are."""
    if not _may_forget(call):
        return call

    @functools.wraps(call)
    def call_answering(self: Part, *inputs: Any, **options: Any) -> Any:
        y = call(self, *inputs, **options)
        if y is None:
            raise TypeError(f"{type(self).__name__}.__call__ returned None: is a return missing?")
        return y

    return call_answering


def _may_forget(call: Any) -> bool:
    """Tell from the compiled code of a function whether it can return None by itself."""
    if not hasattr(call, "__code__"):
        return True
    steps = list(dis.get_instructions(call))
    if any(step.opname == "RETURN_CONST" and step.argval is None for step in steps):
        return True  # one instruction in Python 3.12 and 3.13
    return any(
        step.opname == "RETURN_VALUE" and "LOAD_CONST" in before.opname and before.argval is None
        for before, step in itertools.pairwise(steps)
    )


class Located:
    """Adds to an error the path of the layer that raised it; a context manager."""

    def __init__(self, net: Part) -> None:
        self.net = net

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: Any, trace: TracebackType | None
    ) -> None:
        types = [t for t in (ValueError, TypeError, IndexError) if isinstance(error, t)]
        if not types:
            return
        paths = {id(x): path for path, x in layers_by_path(self.net) if x is not self.net}
        culprit, message = getattr(error, "culprit", (None, str(error)))  # an inner network told
        while trace is not None and not hasattr(error, "culprit"):
            layer = trace.tb_frame.f_locals.get("self")
            culprit = layer if id(layer) in paths else culprit  # the innermost is the last
            trace = trace.tb_next
        told = f"{paths.get(id(culprit))} {culprit!r}: {message}"
        if id(culprit) in paths and told != str(error):
            located: Any = types[0](told)
            located.culprit = culprit, message
            raise located from error
