"""Complex numbers: the same calls with complex operands, real ones among them, and constants.

Most functions are drawn from their line for real numbers, each operand moved off the real line by
chance. The gradient of a complex operand is held against J u by the real part of their product.
"""

import numpy as np
from hypothesis import reject
from hypothesis import strategies as st

from domains.cumulative import ediff1d_calls
from domains.samples import Sample, between, elementwise_calls, signed, some_of
from minigrad import Tensor
from minigrad.derivatives.elementwise import direction
from minigrad.kinds import COMPLEX
from minigrad.tensor import converted
from minigrad.updates import added_at, multiplied_at, written_at


@st.composite
def complexified(draw, line, first=False, constants=True, partly=False):
    """Some of the leaves complex (the first of them, if `first`), and some constants."""
    s = draw(line)
    n = len(s.leaves)
    moved = draw(some_of(n)) | ({0} if first else set())
    free = sorted(draw(some_of(n))) if constants else list(range(n))
    values = [
        np.asarray(a + 1j * s.rng.uniform(-0.5, 0.5, a.shape)) if i in moved else a
        for i, a in enumerate(s.leaves)
    ]

    def call(*given):
        xs = list(values)
        for i, x in zip(free, given, strict=True):
            xs[i] = x
        return s.call(*xs)

    leaves = [values[i] for i in free]
    try:
        call(*map(Tensor, leaves))
    except TypeError as error:  # a call with dtype=float: that it is refused, test_complex.py says
        if "complex numbers do not become" in str(error):
            reject()
        if partly and "real numbers alone" in str(error):
            reject()
    label = f"{s.label} complex {moved} variable {free}"
    return Sample(label, call, leaves, s.rng)


def polar(low, high, angle=2.8):
    """All around zero, but for the negative axis, which the principal values are cut along."""

    def numbers(rng, shape):
        return rng.uniform(low, high, shape) * np.exp(1j * rng.uniform(-angle, angle, shape))

    return numbers


def around(low, high):
    """A square about the origin."""
    real = between(low, high)
    return lambda rng, shape: real(rng, shape) + 1j * real(rng, shape)


def degrees(draw, shape):
    return draw(st.sampled_from([((), {}), ((True,), {}), ((), {"deg": True})]))


RING = polar(0.5, 2)
POWERS = [polar(0.5, 1.5), signed(0.4, 2)]  # of negative numbers too: the power is complex

# ---- the lines -----------------------------------------------------------------------------------
REAL_TO_COMPLEX = {np.fft.rfft}
# What the first operand of these cannot hold is refused.
INTO = {np.full_like, np.insert, written_at, added_at, multiplied_at}
# NumPy does not look at the last operand of these for Tensors.
LEFT_ALONE = {np.diff, np.polyint, np.select, np.nanvar, np.nanstd}
# Some calls of these are refused: the largest entry as a margin, weights.
PARTLY = {np.pad, np.cov}
OWN = {  # beside the line for real numbers
    np.absolute: elementwise_calls(np.absolute, polar(0.5, 2, 3.1)),
    np.reciprocal: elementwise_calls(np.reciprocal, polar(0.5, 2, 3.1)),
    np.divide: elementwise_calls(np.divide, around(-2, 2), polar(0.5, 2, 3.1)),
    np.multiply: elementwise_calls(np.multiply, around(-2, 2), around(-2, 2)),
    np.log: elementwise_calls(np.log, RING),
    np.log2: elementwise_calls(np.log2, RING),
    np.log10: elementwise_calls(np.log10, RING),
    np.log1p: elementwise_calls(np.log1p, lambda rng, shape: RING(rng, shape) - 1),
    np.sqrt: elementwise_calls(np.sqrt, RING),
    np.exp: elementwise_calls(np.exp, around(-2, 2)),
    np.arctanh: elementwise_calls(np.arctanh, around(1.2, 2)),
    np.arcsin: elementwise_calls(np.arcsin, around(0.6, 2)),
    np.arccos: elementwise_calls(np.arccos, around(-2, -0.6)),
    np.arcsinh: elementwise_calls(np.arcsinh, around(-2, -0.6)),
    np.power: st.sampled_from(POWERS).flatmap(
        lambda base: elementwise_calls(np.power, base, around(-1, 1))
    ),
    np.float_power: st.sampled_from(POWERS).flatmap(
        lambda base: elementwise_calls(np.float_power, base, around(-1, 1))
    ),
}
INSTEAD = {  # of the line for real numbers
    converted: st.one_of(
        elementwise_calls(lambda x: x.astype(complex), between(-2, 2)),
        elementwise_calls(lambda x: x.astype(complex), around(-2, 2)),
    ),
    np.sign: elementwise_calls(np.sign, polar(0.5, 2, 3.1)),
    direction: elementwise_calls(direction, polar(0.5, 2, 3.1)),
    np.angle: elementwise_calls(np.angle, RING, options=degrees),
    np.ediff1d: complexified(ediff1d_calls(constant=False), first=True, constants=False),
}

if hasattr(np, "astype"):  # since NumPy 2.1
    INSTEAD[np.astype] = elementwise_calls(lambda x: np.astype(x, complex), around(-2, 2))


def beside(domains, others):
    """Lines for complex numbers, given those for real ones; `others` have lines of their own."""
    takes = [f for f in domains if f in COMPLEX - REAL_TO_COMPLEX - set(others)]
    lines = {
        f: complexified(domains[f], f in INTO, f not in INTO | LEFT_ALONE, f in PARTLY)
        for f in takes
    }
    for f, own in OWN.items():
        lines[f] = st.one_of(own, lines[f]) if f in lines else own
    return lines | INSTEAD | others


DOMAINS = {
    np.real: elementwise_calls(np.real, between(-2, 2)),
    np.imag: elementwise_calls(np.imag, between(-2, 2)),
    np.conjugate: elementwise_calls(np.conjugate, between(-2, 2)),
    np.real_if_close: elementwise_calls(np.real_if_close, between(-2, 2)),
    np.angle: elementwise_calls(np.angle, signed(0.4, 2), options=degrees),
}
