"""Discrete Fourier transforms.

The matrix F of a transform is symmetric, so the gradient is transformed as the array was: the VJP
is g F, without a conjugate. rfft takes half of the rows of F, and irfft makes up for the other half
by using each inner row twice. Cropping and zero-padding are each other's transpose.

Transforms of several axes are one transform after the other, in NumPy's order.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.calls import apply
from minigrad.derivatives.indexing import scatter
from minigrad.kinds import COMPLEX, is_complex, real_alone
from minigrad.table import defvjp
from minigrad.tensor import ADAPTERS, Tensor


def resized(g: Any, length: int, axis: int) -> Any:
    """Crop an axis, or fill it up with zeros: what a transform does to its operand first."""
    n, before = g.shape[axis], (slice(None),) * (axis % g.ndim)
    if n >= length:
        return g if n == length else g[(*before, slice(length))]
    shape = (*g.shape[: len(before)], length, *g.shape[len(before) + 1 :])
    return scatter(g, (*before, slice(n)), shape)


def other_way(norm: Any) -> Any:
    """Scale as the inverse transform does, without being it: where does 1/n stand?"""
    return {None: "forward", "backward": "forward", "forward": "backward"}.get(norm, norm)


def uses(n: int, like: Any, axis: int) -> Any:
    """Count how often irfft to n points uses its entries: twice, but those at the ends once.

    The second use is the conjugate, which stands for the frequency of the other sign.
    """
    counts = np.full(n // 2 + 1, 2, like.real.dtype)
    counts[0] = 1
    if n % 2 == 0:
        counts[-1] = 1
    return np.reshape(counts, (-1,) + (1,) * (like.ndim - 1 - axis % like.ndim))


def rfft_pullback(g: Any, n: int, axis: int, norm: Any) -> Any:
    """Pull g back through rfft of n points: the real part of g F, where F has half of its rows."""
    return np.fft.irfft(np.conj(g) / uses(n, g, axis), n, axis, other_way(norm))


def irfft_pullback(g: Any, axis: int, norm: Any) -> Any:
    """Pull g back through irfft: as the row of each frequency, and of its opposite."""
    return np.conj(np.fft.rfft(g, None, axis, other_way(norm))) * uses(g.shape[axis], g, axis)


defvjp(
    np.fft.fft,
    lambda g, y, x, n=None, axis=-1, norm=None: resized(
        np.fft.fft(g, None, axis, norm), x.shape[axis], axis
    ),
)
defvjp(
    np.fft.ifft,
    lambda g, y, x, n=None, axis=-1, norm=None: resized(
        np.fft.ifft(g, None, axis, norm), x.shape[axis], axis
    ),
)
defvjp(
    np.fft.rfft,
    lambda g, y, x, n=None, axis=-1, norm=None: resized(
        rfft_pullback(g, x.shape[axis] if n is None else n, axis, norm), x.shape[axis], axis
    ),
)
defvjp(
    np.fft.irfft,
    lambda g, y, x, n=None, axis=-1, norm=None: resized(
        irfft_pullback(g, axis, norm), x.shape[axis], axis
    ),
)
defvjp(np.fft.fftshift, lambda g, y, x, axes=None: np.fft.ifftshift(g, axes))
defvjp(np.fft.ifftshift, lambda g, y, x, axes=None: np.fft.fftshift(g, axes))
COMPLEX.update({np.fft.fft, np.fft.ifft, np.fft.rfft, np.fft.irfft})
COMPLEX.update({np.fft.fftshift, np.fft.ifftshift, np.fft.hfft})
COMPLEX.update({np.fft.fftn, np.fft.ifftn, np.fft.irfftn, np.fft.fft2, np.fft.ifft2, np.fft.irfft2})


# ---- one axis: NumPy's other names ---------------------------------------------------------------
def _rfft(a: Any, n: Any = None, axis: int = -1, norm: Any = None, out: Any = None) -> Any:
    """Refuse complex numbers, as NumPy does, but by name."""
    if is_complex(a):
        raise TypeError(real_alone(np.fft.rfft))
    return apply(Tensor, np.fft.rfft, (a, n, axis, norm), {"out": out})


def _hfft(a: Any, n: Any = None, axis: int = -1, norm: Any = None, out: Any = None) -> Any:
    """Transform half of a Hermitian signal."""
    return np.fft.irfft(np.conj(a), n, axis, other_way(norm), out=out)


def _ihfft(a: Any, n: Any = None, axis: int = -1, norm: Any = None, out: Any = None) -> Any:
    """Go back to half of a Hermitian signal."""
    return np.conj(np.fft.rfft(a, n, axis, other_way(norm), out=out))


# ---- several axes --------------------------------------------------------------------------------
def _lengths(a: Any, s: Any, axes: Any) -> list[tuple[Any, int]]:
    """Read NumPy's two options as pairs, length and axis; None for the usual length."""
    if axes is None and s is not None:
        raise TypeError(f"a transform of lengths s={s} needs axes=, the axes that they belong to")
    axes = range(a.ndim) if axes is None else axes
    if s is not None and len(s) != len(axes):
        raise ValueError(f"s={s} and axes={axes} have different lengths")
    s = [-1] * len(axes) if s is None else s
    return [(a.shape[axis] if n == -1 else n, axis) for n, axis in zip(s, axes, strict=True)]


def _fftn(a: Any, s: Any = None, axes: Any = None, norm: Any = None, out: Any = None) -> Any:
    for n, axis in reversed(_lengths(a, s, axes)):
        a = np.fft.fft(a, n, axis, norm, out=out)
    return a


def _ifftn(a: Any, s: Any = None, axes: Any = None, norm: Any = None, out: Any = None) -> Any:
    for n, axis in reversed(_lengths(a, s, axes)):
        a = np.fft.ifft(a, n, axis, norm, out=out)
    return a


def _rfftn(a: Any, s: Any = None, axes: Any = None, norm: Any = None, out: Any = None) -> Any:
    *others, (n, last) = _lengths(a, s, axes)
    named = [axis % a.ndim for _, axis in (*others, (n, last))]
    if len(set(named)) < len(named):
        raise TypeError(
            f"np.fft.rfftn along axes={axes}: versions of NumPy differ on an axis twice"
        )
    a = np.fft.rfft(a, n, last, norm, out=out)
    for n, axis in reversed(others):
        a = np.fft.fft(a, n, axis, norm)
    return a


def _irfftn(a: Any, s: Any = None, axes: Any = None, norm: Any = None, out: Any = None) -> Any:
    *others, (length, last) = _lengths(a, s, axes)
    for n, axis in others:
        a = np.fft.ifft(a, n, axis, norm)
    return np.fft.irfft(a, None if s is None else length, last, norm, out=out)


def _plane(transform: Any) -> Any:
    """Transform the last two axes, unless others are named."""
    return lambda a, s=None, axes=(-2, -1), norm=None, out=None: transform(
        a, s, axes, norm, out=out
    )


ADAPTERS.update({np.fft.rfft: _rfft, np.fft.hfft: _hfft, np.fft.ihfft: _ihfft})
ADAPTERS.update({np.fft.fftn: _fftn, np.fft.ifftn: _ifftn})
ADAPTERS.update({np.fft.rfftn: _rfftn, np.fft.irfftn: _irfftn})
ADAPTERS.update({np.fft.fft2: _plane(_fftn), np.fft.ifft2: _plane(_ifftn)})
ADAPTERS.update({np.fft.rfft2: _plane(_rfftn), np.fft.irfft2: _plane(_irfftn)})
