"""The affine layer, the activations, Dropout and Flatten."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import DTypeLike

from minigrad import functions, initializers
from minigrad.functions.activations import floats
from minigrad.graph import Array
from minigrad.layers.base import Layer
from minigrad.tensor import Tensor

Rng: TypeAlias = "int | np.random.Generator | None"


class Affine(Layer):
    """Fully connected layer: x W + b.

    Args:
        n_in: features in, D.
        n_out: features out, M.
        init: how the weights begin: "he" or "relu" (for ReLU), "xavier" or "sigmoid" (for sigmoid
            and tanh), "lecun", "orthogonal", a standard deviation, or (shape, rng) -> array.
        bias: whether there is a b; it begins at zero.
        dtype: of the parameters.
        rng: a seed or a Generator for the weights.

    Maps (..., D) to (..., M); W has shape (D, M), b (M,).

    Raises:
        ValueError: for sizes that are not positive; at the call, for an x that does not fit W.

    Source: Saitoh, *Deep Learning from Scratch*, 5.6.

    >>> layer = Affine(3, 2, rng=0)
    >>> layer.forward(np.ones((4, 3))).shape
    (4, 2)
    >>> layer.backward(np.ones((4, 2))).shape, layer.grads["b"]
    ((4, 3), array([4., 4.]))
    """

    is_static = True

    def __init__(
        self,
        n_in: int,
        n_out: int,
        *unnamed: Any,
        init: str | float | Callable[..., Array] = "he",
        bias: bool = True,
        dtype: DTypeLike = np.float64,
        rng: Rng = None,
    ) -> None:
        if isinstance(n_in, np.ndarray):
            raise TypeError(
                "Affine takes sizes, Affine(784, 50), and makes W and b itself; the book's "
                "Affine(W, b) stands in a network by mg.wrap"
            )
        if unnamed:
            raise TypeError(
                "Affine takes two sizes, Affine(50, 10), and the rest by name: rng=0 for a seed"
            )
        for name, size in (("n_in", n_in), ("n_out", n_out)):
            if not isinstance(size, (int, np.integer)) or size < 1:
                raise ValueError(f"Affine: {name} must be a positive integer, not {size!r}")
        W = np.asarray(initializers.get(init)((n_in, n_out), rng))
        if W.shape != (n_in, n_out):
            raise ValueError(f"Affine: init made shape {W.shape} where {(n_in, n_out)} was asked")
        self.W = Tensor(W, dtype)
        if bias:
            self.b = Tensor(np.zeros(n_out), dtype)

    def __call__(self, x: Any) -> Any:
        """Map rows of D features to rows of M."""
        return functions.affine(x, self.W, getattr(self, "b", None))

    def __repr__(self) -> str:
        bias = "" if hasattr(self, "b") else ", bias=False"
        return f"Affine({self.W.shape[0]}, {self.W.shape[1]}{bias})"


class ReLU(Layer):
    """Rectified linear unit, max(x, 0); its derivative at 0 is 0.

    >>> ReLU()(np.array([-1.0, 2.0]))
    array([0., 2.])
    """

    is_static = True

    def __call__(self, x: Any) -> Any:
        """Cut off what is negative."""
        return functions.relu(x)


class LeakyReLU(Layer):
    """ReLU with a small slope for negative x.

    >>> LeakyReLU(0.1)(np.array([-1.0, 2.0]))
    array([-0.1,  2. ])
    """

    is_static = True

    def __init__(self, slope: float = 0.01) -> None:
        self.slope = slope

    def __call__(self, x: Any) -> Any:
        """Scale what is negative."""
        return functions.leaky_relu(x, self.slope)

    def __repr__(self) -> str:
        return f"LeakyReLU({self.slope})"


class ELU(Layer):
    """Exponential linear unit: x, or alpha (eˣ − 1) where x ≤ 0.

    >>> ELU()(np.array([0.0, 2.0]))
    array([0., 2.])
    """

    is_static = True

    def __init__(self, alpha: float = 1.0) -> None:
        self.alpha = alpha

    def __call__(self, x: Any) -> Any:
        """Bend what is negative towards −alpha."""
        return functions.elu(x, self.alpha)

    def __repr__(self) -> str:
        return f"ELU({self.alpha})"


class Sigmoid(Layer):
    """Logistic function, 1 / (1 + e⁻ˣ).

    >>> Sigmoid()(np.array([0.0]))
    array([0.5])
    """

    is_static = True

    def __call__(self, x: Any) -> Any:
        """Squash to (0, 1)."""
        return functions.sigmoid(x)


class Tanh(Layer):
    """Hyperbolic tangent.

    >>> Tanh()(np.array([0.0]))
    array([0.])
    """

    is_static = True

    def __call__(self, x: Any) -> Any:
        """Squash to (−1, 1)."""
        return np.tanh(x)


class GELU(Layer):
    """Gaussian error linear unit, by its tanh formula.

    >>> GELU()(np.array([0.0]))
    array([0.])
    """

    is_static = True

    def __call__(self, x: Any) -> Any:
        """Weigh x by how probably a normal variable is below it."""
        return functions.gelu(x)


class SiLU(Layer):
    """Sigmoid-weighted linear unit, x · sigmoid(x).

    >>> SiLU()(np.array([0.0]))
    array([0.])
    """

    is_static = True

    def __call__(self, x: Any) -> Any:
        """Weigh x by its sigmoid."""
        return functions.silu(x)


class Softplus(Layer):
    """Smooth ReLU, log(1 + eˣ).

    >>> Softplus()(np.array([0.0])).round(4)
    array([0.6931])
    """

    is_static = True

    def __call__(self, x: Any) -> Any:
        """Round the corner of ReLU."""
        return functions.softplus(x)


class Softmax(Layer):
    """Probabilities from scores, along the last axis; for a loss use SoftmaxWithLoss on scores.

    >>> Softmax()(np.array([[0.0, 0.0]]))
    array([[0.5, 0.5]])
    """

    is_static = True

    def __call__(self, x: Any) -> Any:
        """Normalise the exponentials."""
        return functions.softmax(x)


class Flatten(Layer):
    """Make one row of each example: (N, ...) to (N, D).

    >>> Flatten()(np.ones((2, 3, 4))).shape
    (2, 12)
    """

    is_static = True

    def __call__(self, x: Any) -> Any:
        """Join all axes but the first."""
        return np.reshape(x, (len(x), -1 if len(x) else int(np.prod(x.shape[1:]))))


class Dropout(Layer):
    """Drop units at random while training, as in the notes that this library began with.

    Training: x · mask, with mask = rng.random(x.shape) > dropout_ratio. Testing: x · (1 −
    dropout_ratio). With `inverted=True`, training divides by 1 − dropout_ratio instead, and testing
    changes nothing. The expectation of both is the same in training as in testing.

    Args:
        dropout_ratio: how many units are dropped, in [0, 1).
        inverted: scale while training.
        rng: a seed or a Generator for the masks.

    `mask` holds the latest one. Source: Srivastava et al., JMLR 15 (2014); Saitoh, 6.4.3.

    >>> drop = Dropout(0.5, rng=0)
    >>> drop.forward(np.ones(4), train_flag=False)
    array([0.5, 0.5, 0.5, 0.5])
    >>> drop.forward(np.ones(4), train_flag=True)
    array([1., 0., 0., 0.])
    """

    mask: Array | None = None

    def __init__(
        self, dropout_ratio: float = 0.5, *, inverted: bool = False, rng: Rng = None
    ) -> None:
        if not isinstance(dropout_ratio, (int, float, np.number)) or not 0 <= dropout_ratio < 1:
            raise ValueError(f"Dropout: dropout_ratio must be in [0, 1), not {dropout_ratio!r}")
        self.dropout_ratio = float(dropout_ratio)
        self.inverted = inverted
        self.rng = np.random.default_rng(rng)

    def __call__(self, x: Any, train_flag: bool = True) -> Any:
        """Drop or scale."""
        x = x if isinstance(x, Tensor) else floats(x)
        kept = 1.0 - self.dropout_ratio
        if not train_flag:
            return x if self.inverted else x * kept
        self.mask = self.rng.random(x.shape) > self.dropout_ratio
        return x * self.mask / kept if self.inverted else x * self.mask

    def __repr__(self) -> str:
        return f"Dropout({self.dropout_ratio}{', inverted=True' if self.inverted else ''})"
