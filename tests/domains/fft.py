"""Discrete Fourier transforms of real numbers; `complex` makes lines for complex ones of these."""

import numpy as np
from hypothesis import strategies as st

from domains.samples import WIDE, axes, calls, one

NORM = st.sampled_from([None, "backward", "ortho", "forward"])
LENGTH = st.sampled_from([-1, 1, 2, 3, 4])
# An axis that is not transformed may be empty.
SHAPES = one(1).filter(lambda shapes: any(shapes[0]))


def usable(shape):
    """Axes to transform along, counted from either end."""
    return [axis for axis in range(-len(shape), len(shape)) if shape[axis]]


def along_one(least):
    """One axis, cropped, padded with zeros or as it is, if that is not shorter than `least`."""

    def options(draw, shape):
        axis, norm = draw(st.sampled_from(usable(shape))), draw(NORM)
        n = draw(st.integers(1, 6) | st.none() if shape[axis] >= least else st.integers(1, 6))
        forms = [((n, axis, norm), {}), ((n,), {"axis": axis, "norm": norm})]
        forms.append(((), {"n": n, "norm": norm, "axis": axis}))
        if n is None and axis == -1:
            forms.append(((), {}))
        return draw(st.sampled_from(forms))

    return options


def along_several(least, default=None, once=False):
    """Several axes, perhaps one of them twice; `default` counts those that need not be named."""

    def options(draw, shape):
        by = (lambda axis: axis % len(shape)) if once else None
        several = st.lists(st.sampled_from(usable(shape)), min_size=1, max_size=3, unique_by=by)
        some = draw(several)
        norm, k = draw(NORM), len(some)
        lengths = draw(
            st.none() | st.lists(st.sampled_from([-1, 1, 2, 3, 4]), min_size=k, max_size=k)
        )
        if lengths is None and shape[some[-1]] < least:
            lengths = [-1] * k
        forms = [((lengths, some, norm), {}), ((), {"s": lengths, "axes": some, "norm": norm})]
        last = shape if default is None else shape[-default:]
        if all(last) and shape[-1] >= least and len(shape) >= (default or 1):
            forms += [((), {}), ((), {"norm": norm})]
        if default == len(last) and all(last):
            forms.append(((draw(st.lists(st.integers(1, 4), min_size=2, max_size=2)),), {}))
        return draw(st.sampled_from(forms))

    return options


def lines(functions, options):
    return {f: calls(f, WIDE, shapes=SHAPES, options=options) for f in functions}


FORWARD = lines([np.fft.fft, np.fft.ifft, np.fft.rfft, np.fft.ihfft], along_one(1))
BACK = lines([np.fft.irfft, np.fft.hfft], along_one(2))  # n = 2 (length − 1) must not be 0
FORWARD |= lines([np.fft.fftn, np.fft.ifftn], along_several(1))
FORWARD |= lines([np.fft.rfftn], along_several(1, once=True))
FORWARD |= lines([np.fft.fft2, np.fft.ifft2], along_several(1, default=2))
FORWARD |= lines([np.fft.rfft2], along_several(1, default=2, once=True))
BACK |= lines([np.fft.irfftn], along_several(2))
BACK |= lines([np.fft.irfft2], along_several(2, default=2))
SHIFTS = {
    f: calls(f, WIDE, shapes=one(1), options=lambda draw, shape: ((draw(axes(len(shape))),), {}))
    for f in (np.fft.fftshift, np.fft.ifftshift)
}

DOMAINS = FORWARD | BACK | SHIFTS
