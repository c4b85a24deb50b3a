"""Initial weights: each initializer is a function (shape, rng) -> array.

`rng` is a seed or a `numpy.random.Generator`; equal seeds give equal bits. Arrays are float64
unless `dtype` says otherwise, and drawn in float64 first, so that a float32 net starts at the
float64 one, rounded. Normal draws are not truncated.

The scaled ones keep the variance of a signal as it passes through a layer. They differ in which fan
they divide by, and in the factor that the activation costs:

    he      Var W = 2 / fan_in                 relu, which drops half     He et al. 2015
    xavier  Var W = 2 / (fan_in + fan_out)     forward and backward       Glorot and Bengio 2010
    lecun   Var W = 1 / fan_in                 forward alone              LeCun et al. 1998

Their uniform versions have the same variance: U(−a, a) with a = √(3 Var W).
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable
from functools import partial
from numbers import Real
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import DTypeLike, NDArray

Array = NDArray[Any]
Shape = int | Iterable[int]
Seed: TypeAlias = "int | np.random.Generator | np.random.SeedSequence | None"
Initializer = Callable[..., Array]


def fans(shape: Shape) -> tuple[int, int]:
    """Return (fan_in, fan_out): how many numbers one output is made of, and one input goes to.

    (in, out) for the weights of `Affine`; (out_channels, in_channels, *kernel) for filters, where
    each fan is its channels times the kernel's size; (n, n) for a vector and (1, 1) for a scalar.
    Raises ValueError for a negative length.

    >>> fans((784, 50)), fans((30, 3, 5, 5)), fans((7,)), fans(())
    ((784, 50), (75, 750), (7, 7), (1, 1))
    """
    match _lengths(shape):
        case ():
            return 1, 1
        case (n,):
            return n, n
        case (n_in, n_out):
            return n_in, n_out
        case (out_channels, in_channels, *kernel):
            size = math.prod(kernel)
            return in_channels * size, out_channels * size
    raise AssertionError("unreachable: a shape has no axis, or one, or two, or more")


def he_normal(shape: Shape, rng: Seed = None, *, dtype: DTypeLike = np.float64) -> Array:
    """N(0, 2 / fan_in), for layers followed by a relu.

    He, Zhang, Ren and Sun, Delving Deep into Rectifiers (ICCV 2015), equation 10.

    >>> he_normal((1000, 50), 0).std().round(3), round((2 / 1000) ** 0.5, 3)
    (np.float64(0.045), 0.045)
    """
    return normal(shape, rng, std=_std(2, fans(shape)[0]), dtype=dtype)


def he_uniform(shape: Shape, rng: Seed = None, *, dtype: DTypeLike = np.float64) -> Array:
    """U(−a, a) with a = √(6 / fan_in), for layers followed by a relu. He et al. (ICCV 2015).

    >>> bool(np.abs(he_uniform((6, 50), 0)).max() <= 1)
    True
    """
    return uniform(shape, rng, limit=math.sqrt(3) * _std(2, fans(shape)[0]), dtype=dtype)


def xavier_normal(shape: Shape, rng: Seed = None, *, dtype: DTypeLike = np.float64) -> Array:
    """N(0, 2 / (fan_in + fan_out)), for sigmoid and tanh.

    Glorot and Bengio, Understanding the difficulty of training deep feedforward neural networks
    (AISTATS 2010), equation 12. The book's 'xavier' has the variance 1 / fan_in of `lecun_normal`;
    the two agree where a layer is as wide as the one before it.

    >>> xavier_normal((300, 500), 0).std().round(3), (2 / 800) ** 0.5
    (np.float64(0.05), 0.05)
    """
    return normal(shape, rng, std=_std(2, sum(fans(shape))), dtype=dtype)


def xavier_uniform(shape: Shape, rng: Seed = None, *, dtype: DTypeLike = np.float64) -> Array:
    """U(−a, a) with a = √(6 / (fan_in + fan_out)): Glorot and Bengio (2010), equation 16.

    >>> bool(np.abs(xavier_uniform((2, 4), 0)).max() <= 1)
    True
    """
    return uniform(shape, rng, limit=math.sqrt(3) * _std(2, sum(fans(shape))), dtype=dtype)


def lecun_normal(shape: Shape, rng: Seed = None, *, dtype: DTypeLike = np.float64) -> Array:
    """N(0, 1 / fan_in). LeCun, Bottou, Orr and Müller, Efficient BackProp (1998), section 4.6.

    >>> lecun_normal((400, 50), 0).std().round(2), 400 ** -0.5
    (np.float64(0.05), 0.05)
    """
    return normal(shape, rng, std=_std(1, fans(shape)[0]), dtype=dtype)


def lecun_uniform(shape: Shape, rng: Seed = None, *, dtype: DTypeLike = np.float64) -> Array:
    """U(−a, a) with a = √(3 / fan_in). LeCun et al. (1998), section 4.6.

    >>> bool(np.abs(lecun_uniform((3, 50), 0)).max() <= 1)
    True
    """
    return uniform(shape, rng, limit=math.sqrt(3) * _std(1, fans(shape)[0]), dtype=dtype)


def orthogonal(
    shape: Shape, rng: Seed = None, *, gain: float = 1.0, dtype: DTypeLike = np.float64
) -> Array:
    """`gain` times a random matrix of orthonormal rows or columns, whichever are fewer.

    The axes after the first are taken as one, so that the rows of a filter bank are its filters.
    Saxe, McClelland and Ganguli, Exact solutions to the nonlinear dynamics of learning in deep
    linear neural networks (ICLR 2014). The signs of R's diagonal are moved into Q, which makes it
    uniform over all such matrices (Mezzadri 2007). Raises ValueError for fewer than two axes.

    >>> W = orthogonal((5, 3), 0)
    >>> bool(np.allclose(W.T @ W, np.eye(3)))
    True
    """
    shape = _lengths(shape)
    if len(shape) < 2:
        raise ValueError(f"orthogonal needs a shape of at least two axes, not {shape}")
    rows, columns = shape[0], math.prod(shape[1:])
    draws = np.random.default_rng(rng).standard_normal((max(rows, columns), min(rows, columns)))
    Q, R = np.linalg.qr(draws)
    Q *= np.copysign(gain, np.diagonal(R))
    return np.ascontiguousarray(Q if rows >= columns else Q.T, _floating(dtype)).reshape(shape)


def normal(
    shape: Shape, rng: Seed = None, *, std: float = 0.01, dtype: DTypeLike = np.float64
) -> Array:
    """N(0, std²). Raises ValueError unless std is finite and not negative.

    >>> normal((2, 3), 0, std=0.5).shape
    (2, 3)
    """
    if not 0 <= std < math.inf:
        raise ValueError(f"std must be in [0, inf), not {std!r}")
    draws = np.random.default_rng(rng).standard_normal(_lengths(shape))
    return np.asarray(std * draws, _floating(dtype))


def uniform(
    shape: Shape, rng: Seed = None, *, limit: float = 0.05, dtype: DTypeLike = np.float64
) -> Array:
    """U(−limit, limit). Raises ValueError unless limit is finite and not negative.

    >>> uniform((2, 3), 0, limit=0.5).shape
    (2, 3)
    """
    if not 0 <= limit < math.inf:
        raise ValueError(f"limit must be in [0, inf), not {limit!r}")
    draws = np.random.default_rng(rng).uniform(-limit, limit, _lengths(shape))
    return np.asarray(draws, _floating(dtype))


def constant(
    shape: Shape, rng: Seed = None, *, value: float = 0.0, dtype: DTypeLike = np.float64
) -> Array:
    """`value` everywhere; draws nothing from `rng`.

    >>> constant((3,), value=1.0)
    array([1., 1., 1.])
    """
    return np.full(_lengths(shape), value, _floating(dtype))


def zeros(shape: Shape, rng: Seed = None, *, dtype: DTypeLike = np.float64) -> Array:
    """0 everywhere, for biases; draws nothing from `rng`.

    >>> zeros(2)
    array([0., 0.])
    """
    return constant(shape, rng, dtype=dtype)


_NAMES: dict[str, Initializer] = {
    "he": he_normal,
    "relu": he_normal,
    "xavier": xavier_normal,
    "glorot": xavier_normal,
    "sigmoid": xavier_normal,
    "lecun": lecun_normal,
    "orthogonal": orthogonal,
    "he_normal": he_normal,
    "he_uniform": he_uniform,
    "xavier_normal": xavier_normal,
    "xavier_uniform": xavier_uniform,
    "lecun_normal": lecun_normal,
    "lecun_uniform": lecun_uniform,
    "zeros": zeros,
}


def get(init: str | float | Initializer) -> Initializer:
    """Return the initializer meant by a name, a standard deviation (the book's), or itself.

    Names are the functions of this module; 'he' or 'relu', 'xavier', 'glorot' or 'sigmoid', and
    'lecun' are short for the normal versions. Upper and lower case are one. Raises ValueError for
    an unknown name or an impossible deviation, TypeError for anything else.

    >>> get("relu") is he_normal and get(zeros) is zeros
    True
    >>> get(0.01)((100, 100), 0).std().round(3)
    np.float64(0.01)
    >>> get("xaver")
    Traceback (most recent call last):
    ValueError: unknown initializer 'xaver': did you mean 'xavier'? There are he, relu, ...
    """
    if callable(init):
        return init
    if isinstance(init, Real) and not isinstance(init, bool):
        if not 0 <= init < math.inf:
            raise ValueError(f"a weight standard deviation must be in [0, inf), not {init!r}")
        return partial(normal, std=float(init))
    if not isinstance(init, str):
        raise TypeError(f"an initializer is a name, a number or a function, not {init!r}")
    if init.lower() in _NAMES:
        return _NAMES[init.lower()]
    import difflib

    close = difflib.get_close_matches(init.lower(), _NAMES, n=1)
    hint = f"did you mean {close[0]!r}? There" if close else "there"
    raise ValueError(f"unknown initializer {init!r}: {hint} are {', '.join(_NAMES)}")


def _lengths(shape: Shape) -> tuple[int, ...]:
    axes = shape if isinstance(shape, Iterable) else (shape,)
    lengths = tuple(operator.index(n) for n in axes)
    if any(n < 0 for n in lengths):
        raise ValueError(f"a shape has no negative lengths, but this one is {lengths}")
    return lengths


def _std(factor: int, fan: int) -> float:
    return math.sqrt(factor / max(fan, 1))  # without inputs there is nothing to draw either


def _floating(dtype: DTypeLike) -> np.dtype[Any]:
    if not np.issubdtype(dtype, np.floating):
        raise TypeError(f"weights are floating-point, not {np.dtype(dtype)}: pass a floating dtype")
    return np.dtype(dtype)
