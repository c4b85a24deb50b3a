"""Numbers between two ends."""

import numpy as np
from hypothesis import strategies as st

from domains.samples import WIDE, between, calls, several


def spaced(draw, *shapes):
    """How many numbers, with or without the end, along which axis."""
    ndim = len(np.broadcast_shapes(*shapes)) + 1
    num, axis = draw(st.integers(0, 5)), draw(st.integers(-ndim, ndim - 1))
    endpoint = draw(st.booleans())
    forms = [((num, endpoint), {"axis": axis}), ((), {"num": num, "axis": axis})]
    return draw(st.sampled_from([*forms, ((num,), {})]))


def step(start, stop, *args, **keywords):
    """The numbers, and the step between them, which are NaN where there is none."""
    y, h = np.linspace(start, stop, *args, retstep=True, **keywords)
    return y if np.any(np.isnan(h)) else y + np.expand_dims(h, keywords.get("axis", 0))


def powers(start, stop, base, *args, **keywords):
    return np.logspace(start, stop, *args, base=base, **keywords)


POSITIVE, NEGATIVE = between(0.5, 2), between(-2, -0.5)

DOMAINS = {
    np.linspace: st.sampled_from([np.linspace, step]).flatmap(
        lambda f: calls(f, WIDE, shapes=several(2), options=spaced)
    ),
    np.logspace: st.one_of(
        calls(np.logspace, WIDE, shapes=several(2), options=spaced),
        calls(powers, WIDE, WIDE, POSITIVE, shapes=several(3), options=spaced),
    ),
    np.geomspace: st.sampled_from([POSITIVE, NEGATIVE]).flatmap(
        lambda numbers: calls(np.geomspace, numbers, shapes=several(2), options=spaced)
    ),
}
