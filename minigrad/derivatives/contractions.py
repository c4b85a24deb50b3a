"""Einstein's sums over indices.

In `np.einsum("ij,jk->ik", a, b)` the letters name axes, and a letter that is not in the output is
summed over. The derivative is again such a sum, with the output's letters and an operand's in each
other's places: da = einsum("ik,jk->ij", g, b).

Every spelling is first brought to this one, with all letters and the output written out. A letter
twice in an operand takes its diagonal, by `np.diagonal`. Three operands and more are contracted
pair by pair, in the order that `np.einsum_path` finds: the value is NumPy's but for rounding, and
each step backward costs twice what the step forward did.
"""

from __future__ import annotations

import functools
import string
from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad.calls import apply, misfit
from minigrad.kinds import COMPLEX
from minigrad.table import CONSTANTS, defvjp
from minigrad.tensor import ADAPTERS, Tensor

LETTERS = string.ascii_uppercase + string.ascii_lowercase  # in the order of their codes
SYMBOLS: dict[Any, str] = {**dict(enumerate(LETTERS)), Ellipsis: "..."}
Shape = tuple[int, ...]

defvjp(
    np.einsum,
    None,
    lambda g, y, subscripts, a, b=None, optimize=False: einsum_share(
        g, subscripts, 0, a, b, optimize
    ),
    lambda g, y, subscripts, a, b, optimize=False: einsum_share(g, subscripts, 1, b, a, optimize),
)
CONSTANTS.add(np.einsum_path)


def einsum_share(g: Any, subscripts: str, place: int, x: Any, other: Any, optimize: Any) -> Any:
    """Differentiate a sum over indices by the operand `x` at `place`.

    A letter that only x has was summed over: its gradient is the same all along. A letter for
    which x has length 1 was broadcast: it is summed over now.
    """
    inputs, output = subscripts.split("->")
    terms = inputs.split(",")
    own = terms.pop(place)
    shape = np.shape(x)
    from_others = {*output, *"".join(terms)}
    kept = [i for i, n in zip(own, shape, strict=True) if i in from_others and n != 1]
    new = tuple(p for p, i in enumerate(own) if i not in kept)
    operands = [g] if other is None else [g, other]
    share = np.einsum(
        f"{','.join([output, *terms])}->{''.join(kept)}", *operands, optimize=optimize
    )
    share = np.expand_dims(share, new) if new else share
    return share if share.shape == shape else np.broadcast_to(share, shape)


# ---- reading the subscripts ----------------------------------------------------------------------
def _einsum(*operands: Any, optimize: Any = False, **options: Any) -> Any:
    """Read every spelling; record one call for each pair of operands."""
    for name, value in options.items():
        if value is not None or name not in ("out", "dtype"):  # else a pair of arrays fills out=
            raise TypeError(f"np.einsum with {name}= has no derivative rule for a Tensor")
    if isinstance(operands[0], str):
        subscripts, given = operands[0], operands[1:]
    else:
        subscripts, given = _spelled(operands), operands[: len(operands) // 2 * 2 : 2]
    optimize = tuple(optimize) if isinstance(optimize, list) else optimize
    written, output, path = _plan(subscripts, tuple(map(np.shape, given)), optimize)
    pairs = [_without_repeats(term, x) for term, x in zip(written, given, strict=True)]
    terms, xs = [term for term, _ in pairs], [x for _, x in pairs]
    options = {"optimize": True} if optimize else {}
    if len(xs) <= 2:
        return apply(Tensor, np.einsum, (f"{','.join(terms)}->{output}", *xs), options)
    return _pair_by_pair(terms, xs, output, path, options)


def _spelled(operands: Sequence[Any]) -> str:
    """Write letters for the numbers in `operands`: array, list, array, list …, maybe the output."""
    lists = [*operands[1::2], *(operands[-1:] if len(operands) % 2 else [])]
    for sublist in lists:
        wrong = [i for i in sublist if i not in SYMBOLS]
        if wrong:
            raise ValueError(
                f"np.einsum: a subscript is an integer in 0 … 51 or Ellipsis, not {wrong[0]!r}"
            )
    terms = ["".join(SYMBOLS[i] for i in sublist) for sublist in lists]
    if len(operands) % 2:
        return f"{','.join(terms[:-1])}->{terms[-1]}"
    return ",".join(terms)


@functools.lru_cache(1024)
def _plan(
    subscripts: str, shapes: tuple[Shape, ...], optimize: Any
) -> tuple[tuple[str, ...], str, list[Shape]]:
    """Write out all letters and the output, and find a good order; NumPy says what is wrong."""
    stand_ins = [np.broadcast_to(0.0, shape) for shape in shapes]
    how = list(optimize) if isinstance(optimize, tuple) else optimize or "greedy"
    try:
        path = np.einsum_path(subscripts, *stand_ins, optimize=how)[0][1:]
    except ValueError as error:
        raise misfit(np.einsum, stand_ins, error) from error
    inputs, arrow, output = subscripts.replace(" ", "").partition("->")
    terms = inputs.split(",")
    hidden = [
        len(shape) - len(term) + 3 if "..." in term else 0
        for term, shape in zip(terms, shapes, strict=True)
    ]
    spare = "".join(c for c in LETTERS if c not in subscripts)[: max(hidden)]
    if not arrow:
        output = "..." + "".join(c for c in sorted({*inputs} - {*".,"}) if inputs.count(c) == 1)
    elif spare and "..." not in output:
        raise ValueError(f"np.einsum: {subscripts} has an ellipsis left of the arrow, none right")
    whole = [
        term.replace("...", spare[len(spare) - n :]) for term, n in zip(terms, hidden, strict=True)
    ]
    for term, shape in zip(whole, shapes, strict=True):
        if len({*zip(term, shape, strict=True)}) != len({*term}):
            raise ValueError(f"np.einsum: a letter of {term} has two lengths in the shape {shape}")
    return tuple(whole), output.replace("...", spare), path


def _without_repeats(term: str, x: Any) -> tuple[str, Any]:
    """Take the diagonal where a letter stands twice in a term."""
    for letter in dict.fromkeys(term):
        while term.count(letter) > 1:
            first = term.index(letter)
            x = np.diagonal(x, 0, first, term.index(letter, first + 1))
            term = term.replace(letter, "", 2) + letter
    return term, x


def _pair_by_pair(
    terms: list[str], xs: list[Any], output: str, path: list[Shape], options: dict[str, Any]
) -> Any:
    """Contract two operands at a time; a letter that nobody else needs is summed over at once."""
    for step in path:
        taken = [(terms.pop(i), xs.pop(i)) for i in sorted(step, reverse=True)]
        term, x = taken.pop()
        while taken:
            other, z = taken.pop()
            needed = {*output}.union(*terms, *[t for t, _ in taken])
            last = not terms and not taken
            both = (
                output if last else "".join(c for c in dict.fromkeys(term + other) if c in needed)
            )
            x, term = np.einsum(f"{term},{other}->{both}", x, z, **options), both
        terms.append(term)
        xs.append(x)
    return x


ADAPTERS[np.einsum] = _einsum
COMPLEX.add(np.einsum)
