"""The table of derivatives: one line per NumPy function, filed by NumPy's own chapters.

In a rule, `g` is the gradient of the output, then come the output `y` and the operands. Rules are
calculus alone: the engine sums over broadcast axes and restores dtypes.
"""

from minigrad.derivatives import (
    complex,
    decompositions,
    elementwise,
    fft,
    indexing,
    linalg,
    norms,
    products,
    reductions,
    shaping,
    spectra,
)

__all__ = [
    "complex",
    "decompositions",
    "elementwise",
    "fft",
    "indexing",
    "linalg",
    "norms",
    "products",
    "reductions",
    "shaping",
    "spectra",
]
