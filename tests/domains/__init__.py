"""Where each differentiable function is smooth: one line per function.

A line says how Hypothesis draws a `Sample`: a call at a point well away from kinks and poles, with
operands of random shapes and layouts, some of them constants, and NumPy's options. Points *at* the
kinks are the business of test_pitfalls.py. `samples` has the words, the chapters have the lines.
"""

from domains import (
    complex,
    core,
    cumulative,
    fft,
    linalg,
    products,
    ranges,
    reductions,
    shaping,
    sorting,
    special,
)

CHAPTERS = (
    complex,
    core,
    cumulative,
    fft,
    linalg,
    products,
    ranges,
    reductions,
    shaping,
    sorting,
    special,
)
DOMAINS = {function: line for chapter in CHAPTERS for function, line in chapter.DOMAINS.items()}
COMPLEX_DOMAINS = complex.beside(DOMAINS, linalg.WITH_COMPLEX_NUMBERS)  # called with complex ones
