"""The chapters that are opened when a function arrives that no open chapter knows.

They state rules, adapters and constants of functions that the first chapters leave alone.
"""

from minigrad.derivatives import (
    complex,
    contractions,
    convolutions,
    cumulative,
    decompositions,
    differences,
    fft,
    interpolation,
    joining,
    linalg,
    matrices,
    norms,
    padding,
    polynomials,
    ranges,
    refusals,
    selection,
    sorting,
    special,
    spectra,
    statistics,
)

__all__ = [
    "complex",
    "contractions",
    "convolutions",
    "cumulative",
    "decompositions",
    "differences",
    "fft",
    "interpolation",
    "joining",
    "linalg",
    "matrices",
    "norms",
    "padding",
    "polynomials",
    "ranges",
    "refusals",
    "selection",
    "sorting",
    "special",
    "spectra",
    "statistics",
]
