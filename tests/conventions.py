"""What the derivative is where it does not exist, or where a formula would give NaN.

Each line says it in words, for `docs/functions.md`, and as a call at a point with the gradient that
it must have there: (function, words, call, point, gradient). The cotangent is 1 everywhere.
"""

import numpy as np

import minigrad as mg

INF, NAN = np.inf, np.nan

CONVENTIONS = [
    # ---- kinks -----------------------------------------------------------------------------------
    (np.absolute, "0 at 0", np.abs, [0.0, -2.0], [0, -1]),
    (np.absolute, "0 at 0, of complex numbers too", np.abs, [0j, 2j], [0, -1j]),
    (np.fabs, "0 at 0", np.fabs, [0.0], [0]),
    (np.copysign, "0 at 0", lambda x: np.copysign(x, -1.0), [0.0], [0]),
    (np.sign, "constant; of complex numbers 0 at 0", np.sign, [0j], [0]),
    (np.angle, "0 at 0", np.angle, [0j], [0]),
    (np.maximum, "half to each at a tie", lambda x: np.maximum(x, 1.0), [1.0], [0.5]),
    (np.minimum, "half to each at a tie", lambda x: np.minimum(x, 1.0), [1.0], [0.5]),
    (np.fmax, "half to each at a tie; NaN is passed over", lambda x: np.fmax(x, NAN), [1.0], [1]),
    (np.fmin, "half to each at a tie; NaN is passed over", lambda x: np.fmin(x, 1.0), [1.0], [0.5]),
    (np.clip, "1 on the closed interval", lambda x: np.clip(x, 0, 1), [0.0, 1.0, 2.0], [1, 1, 0]),
    (np.max, "ties share equally", np.max, [3.0, 3.0, 1.0], [0.5, 0.5, 0]),
    (np.min, "ties share equally", np.min, [3.0, 1.0, 1.0], [0, 0.5, 0.5]),
    (np.max, "NaN hands its share to the NaN", np.max, [NAN, 1.0], [1, 0]),
    (np.ptp, "ties share equally", np.ptp, [2.0, 2.0, 1.0], [0.5, 0.5, -1]),
    (np.median, "equal entries share equally", np.median, [1.0, 1.0, 5.0], [0.5, 0.5, 0]),
    (
        np.quantile,
        "its two neighbours, by weight",
        lambda x: np.quantile(x, 0.25),
        [0.0, 1.0],
        [0.75, 0.25],
    ),
    (np.sort, "equal entries keep their order", lambda x: np.sort(x)[:1], [1.0, 1.0], [1, 0]),
    (
        np.interp,
        "at a point, the slope on its right",
        lambda x: np.interp(x, [0.0, 1, 2], [0.0, 3, 8]),
        [1.0],
        [5],
    ),
    (
        np.interp,
        "at the last point, the slope on its left",
        lambda x: np.interp(x, [0.0, 1], [0.0, 3]),
        [1.0],
        [3],
    ),
    (np.heaviside, "constant", lambda x: x * np.heaviside(x, 0.5), [0.0], [0.5]),
    (np.floor_divide, "constant", lambda x: x * (x // 2), [3.0], [1]),
    (np.remainder, "1 at the jump", lambda x: x % 2, [2.0], [1]),
    (mg.relu, "0 at 0", mg.relu, [0.0], [0]),
    (mg.leaky_relu, "the slope on its left at 0", mg.leaky_relu, [0.0], [0.01]),
    # ---- singular points -------------------------------------------------------------------------
    (np.sqrt, "infinite at 0, but 0 where the cotangent is 0", np.sqrt, [0.0], [INF]),
    (np.cbrt, "infinite at 0, but 0 where the cotangent is 0", np.cbrt, [0.0], [INF]),
    (np.log, "infinite at 0, but 0 where the cotangent is 0", np.log, [0.0], [INF]),
    (np.reciprocal, "-infinite at 0", np.reciprocal, [0.0], [-INF]),
    (
        np.where,
        "nothing leaks from what is not taken",
        lambda x: np.where(x > 0, np.log(x), x),
        [0.0],
        [1],
    ),
    (np.power, "x**0 at 0: 0", lambda x: x**0, [0.0], [0]),
    (np.power, "x**1 at 0: 1", lambda x: x**1, [0.0], [1]),
    (np.power, "0**y and (-2)**y by y: 0", lambda y: np.power([0.0, -2.0], y), [2.0, 2.0], [0, 0]),
    (np.hypot, "0 at the origin", lambda x: np.hypot(x, 0.0), [0.0], [0]),
    (np.arctan2, "0 at the origin", lambda x: np.arctan2(x, 0.0), [0.0], [0]),
    (np.std, "0 at a constant", np.std, [2.0, 2.0], [0, 0]),
    (np.var, "0 at a constant", np.var, [2.0, 2.0], [0, 0]),
    (np.sinc, "0 at 0, by its series", np.sinc, [0.0], [0]),
    (np.prod, "products of the others, without division", np.prod, [0.0, 2.0, 3.0], [6, 0, 0]),
    (np.cumprod, "without division", lambda x: np.cumprod(x)[1:], [0.0, 2.0], [2, 0]),
    (np.linalg.norm, "0 at 0", np.linalg.norm, [0.0, 0.0], [0, 0]),
    (
        np.linalg.norm,
        "ties of the largest share",
        lambda x: np.linalg.norm(x, INF),
        [1.0, -1.0],
        [0.5, -0.5],
    ),
    (np.linalg.vector_norm, "0 at 0", np.linalg.vector_norm, [0.0, 0.0], [0, 0]),
    (
        np.linalg.svdvals,
        "a singular value of 0 has derivative 0",
        np.linalg.svdvals,
        [[0.0]],
        [[0]],
    ),
    (
        np.linalg.det,
        "the cofactors, also where it is 0",
        np.linalg.det,
        [[0.0, 0], [0, 2.0]],
        [[2, 0], [0, 0]],
    ),
    (
        np.linalg.slogdet,
        "NaN where the matrix is singular",
        lambda a: np.linalg.slogdet(a)[1],
        [[0.0]],
        [[NAN]],
    ),
    (
        np.linalg.eigvalsh,
        "finite where eigenvalues coincide",
        lambda a: np.sum(np.linalg.eigvalsh(a)),
        [[1.0, 0], [0, 1]],
        [[1, 0], [0, 1]],
    ),
    (np.linalg.pinv, "the rank is held", np.linalg.pinv, [[0.0]], [[0]]),
    (np.nan_to_num, "0 where it replaces", np.nan_to_num, [NAN, INF, 1.0], [0, 0, 1]),
    (np.nanmean, "0 for a NaN", np.nanmean, [NAN, 1.0, 3.0], [0, 0.5, 0.5]),
    (np.trim_zeros, "how many are left is a constant", np.trim_zeros, [0.0, 1.0], [0, 1]),
]
