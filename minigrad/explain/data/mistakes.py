"""The likely remedy of an error that is not one of shapes: a wrong name, None, a missing return."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from typing import Any

from minigrad.explain.data.expression_at import Expression, expression_at
from minigrad.explain.data.stopped import Failing, frames
from minigrad.graph import Node
from minigrad.layers import Layer
from minigrad.layers.inside import attributes
from minigrad.networks import Network

_LISTED = 8  # names of what there is
# What an error of NumPy's or of Python's says, and what helps.
_SAYINGS = {
    "truth value of an array": "np.where(condition, a, b) chooses entry by entry; .any() and "
    ".all() make one truth of many",
    "inhomogeneous shape": "rows of different lengths make no array: pad them to one length",
    "arrays used as indices must be": "an index is an integer: i.astype(int)",
    "only integers, slices": "an index is an integer, a slice or an array of integers",
}


def likely_mistake(error: BaseException, failing: Failing | None) -> str:
    """Guess from the kind of an error what was meant; "" for no guess."""
    inside = None if failing is None else failing.within
    message = str(error)
    if isinstance(error, AttributeError):
        return attribute_asked(error, frames(error)[-1].frame.f_code.co_name)
    if isinstance(error, NameError) and not isinstance(error, UnboundLocalError):
        return _variable_asked(error)
    if "values to unpack" in message and inside is not None:
        return _unpacked(inside, message)
    if isinstance(error, KeyError) and inside is not None:
        return _key_asked(error, inside)
    if isinstance(error, (TypeError, ValueError)) and failing is not None:
        found = _of_type(message, failing)
        if found:
            return found
    if isinstance(error, IndexError):
        found = _index_asked(message, failing)
        if found:
            return found
    return next((told for saying, told in _SAYINGS.items() if saying in message), "")


def _of_type(message: str, failing: Failing) -> str:
    """Guess which operand is not what it was taken for."""
    told = inside = failing.within
    if inside is None and failing.site is not None:
        told = expression_at(failing.site.frame, failing.site.instruction)
    if told is not None and told.function is not None:
        found = _no_array(told, "unsupported operand" in message or "sequence" in message)
        if found:
            return found
    if failing.layer is not None and "returned None" in message:
        return "end __call__ with a return of what it computed"
    if failing.by_hand and "must return an array of floats" in message:
        return _returned(message.partition("array of floats, not ")[2])
    if failing.by_hand and inside is None and "required positional argument" in message:
        return f"forward is given {len(failing.arguments)} input: it must do with that"
    for argument in failing.arguments:
        if isinstance(argument, (tuple, list)) and any(isinstance(a, Node) for a in argument):
            kind = type(argument).__name__
            return (
                f"a {kind} of {len(argument)} came in: the call before returned more than one thing"
            )
    return ""


def attribute_asked(error: AttributeError, method: str) -> str:
    """Say what an object has, where something else was asked for in a method of a layer."""
    obj, name = error.obj, error.name
    if obj is None and "NoneType" in str(error):
        return f"what .{name} is asked of is None: a function without a return gives None"
    if not isinstance(obj, Layer) and type(obj).__module__.partition(".")[0] in (
        "numpy",
        "minigrad",
        "builtins",
    ):
        close = _closest(name, dir(obj))
        return f"did you mean .{close}?" if close else ""
    held = [key for key in attributes(obj) if not key.startswith("_")]
    close = _closest(name, [key for key in dir(obj) if not key.startswith("_")])
    if close and (close not in held or len(held) > _LISTED):
        return f"{method} asks for self.{name}: did you mean self.{close}?"
    has = _listed(f"self.{key}" for key in held)
    what = "the network" if isinstance(obj, Network) else "the layer"
    if not isinstance(obj, Layer) and not callable(getattr(obj, "forward", None)):
        what = "it"
    return f"{method} asks for self.{name}, and {what} has {has or 'no attributes yet'}"


def _variable_asked(error: NameError) -> str:
    """Look for a variable that is spelled nearly so."""
    stopped = [at.frame for at in frames(error)][-1]
    names = [*stopped.f_locals, *stopped.f_globals, *stopped.f_builtins]
    close = _closest(error.name, names)
    own = stopped.f_locals.get("self")
    if own is not None and error.name in attributes(own):
        return f"self.{error.name}: it is an attribute of the layer"
    return f"did you mean {close}?" if close else ""


def _key_asked(error: KeyError, inside: Expression) -> str:
    """Say which keys there are."""
    keys = [*inside.owner] if isinstance(inside.owner, dict) else []
    key = error.args[0] if error.args else None
    if key in keys or not keys:
        return "" if keys or not isinstance(inside.owner, dict) else "nothing is in it yet"
    return f"there is no {key!r}; there are {_listed(map(repr, keys))}"


def _unpacked(inside: Expression, message: str) -> str:
    """Say how many axes there are, where a shape is unpacked into more or fewer names."""
    expected = re.search(r"expected (\d+)", message)
    for place in inside.places:
        if expected and place.shape is not None:
            many = "axis" if len(place.shape) == 1 else "axes"
            return (
                f"{place.text} has {len(place.shape)} {many} here, and {expected[1]} are expected"
            )
    return ""


def _no_array(inside: Expression, of_lists: bool) -> str:
    """Look for an operand that is None, or a list."""
    for operand in inside.operands:
        if operand.value is None:
            return f"{operand.text} is None here: it was not set, or a return is missing"
        if of_lists and isinstance(operand.value, (list, tuple)) and operand.shape:
            return f"np.array({operand.text}): lists and tuples do not compute as arrays do"
    return ""


def _returned(what: str) -> str:
    """Say how a forward is to end."""
    if what.startswith("None"):
        return "end forward with a return of what it computed"
    if what.startswith("("):
        return "return one array: what backward needs is kept in self"
    if what.startswith("Tensor"):
        return "compute with arrays in forward, or write the layer as a __call__ and no backward"
    if re.match(r"array\(.*\b(\d|True|False)\b", what) and "." not in what:
        return "return floats: .astype(float)"
    return ""


def _index_asked(message: str, failing: Failing | None) -> str:
    """Say how far indices go."""
    many = re.search(r"too many indices .* is (\d+)-dimensional", message)
    if many:
        return f"the array has {many[1]} axes, and the index more: a mask counts for all its axes"
    found = re.search(r"index (-?\d+) is out of bounds for axis (\d+) with size (\d+)", message)
    if found is None or failing is None:
        return ""
    axis, size = int(found[2]), int(found[3])
    if size == 0:
        return f"axis {axis} has no entries here"
    return f"axis {axis} has {size} entries here, and their indices are 0 to {size - 1}"


def _closest(name: Any, names: Iterable[str]) -> str:
    return next(iter(difflib.get_close_matches(str(name), [*names], 1)), "")


def _listed(names: Iterable[str]) -> str:
    found = [*names]
    return ", ".join(found[:_LISTED]) + (" …" if len(found) > _LISTED else "")
