"""Our own primitives, each with its derivative directly above it.

They take Tensors or arrays; with arrays alone nothing is recorded and arrays come back.
"""

from minigrad.functions.activations import (
    elu,
    gelu,
    leaky_relu,
    log_softmax,
    logsumexp,
    relu,
    sigmoid,
    silu,
    softmax,
    softplus,
    tanh,
)
from minigrad.functions.linear import affine
from minigrad.functions.losses import (
    binary_cross_entropy_with_logits,
    mean_squared_error,
    softmax_cross_entropy,
)

__all__ = [
    "affine",
    "binary_cross_entropy_with_logits",
    "elu",
    "gelu",
    "leaky_relu",
    "log_softmax",
    "logsumexp",
    "mean_squared_error",
    "relu",
    "sigmoid",
    "silu",
    "softmax",
    "softmax_cross_entropy",
    "softplus",
    "tanh",
]
