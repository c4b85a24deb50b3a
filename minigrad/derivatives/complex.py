"""The parts of complex numbers.

The gradient of a real L by z = x + iy is ∂L/∂x − i ∂L/∂y, so that dL is the real part of it times
dz. The rule of a holomorphic function is then the same line as for real numbers: the chapters list
such functions in COMPLEX. What is not among them refuses complex numbers. See docs/complex.md.

Conventions: |z|, angle and sign have derivative 0 at 0. The angle and the imaginary part of a real
Tensor are constant: their derivative is 0.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigrad.calls import apply
from minigrad.constants import arrays
from minigrad.derivatives.elementwise import over
from minigrad.kinds import COMPLEX, is_complex
from minigrad.table import CONSTANTS, defvjp
from minigrad.tensor import ADAPTERS, Tensor

defvjp(np.real, lambda g, y, z: g)
defvjp(np.imag, lambda g, y, z: -1j * g)
defvjp(np.conjugate, lambda g, y, z: np.conj(g))
defvjp(
    np.angle,
    lambda g, y, z, deg=False: over(
        over(-1j * np.conj(z) * (g * (180 / math.pi) if deg else g), np.abs(z)), np.abs(z)
    ),
)
COMPLEX.update({np.real, np.imag, np.conjugate, np.angle, np.real_if_close})


def _real(val: Any) -> Any:
    """Give what is real back as it is, as NumPy does."""
    return apply(Tensor, np.real, (val,), {}) if is_complex(val) else val


def _real_if_close(a: Any, tol: float = 100) -> Any:
    """Drop an imaginary part that is nothing but rounding: a choice without derivative."""
    return np.real(a) if np.isrealobj(np.real_if_close(arrays(a), tol)) else a


ADAPTERS.update({np.real: _real, np.real_if_close: _real_if_close})
CONSTANTS.update({np.isreal, np.iscomplex})
