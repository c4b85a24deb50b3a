"""minigrad: an autodiff mini-framework on NumPy."""

import importlib
import sys
import typing

from minigrad import derivatives
from minigrad.backward import gradients
from minigrad.first_use import on_first_use as _on_first_use
from minigrad.shares import unbroadcast
from minigrad.table import defvjp
from minigrad.tensor import Tensor, primitive

if typing.TYPE_CHECKING:  # what stands here for editors and type checkers …
    from minigrad import datasets, functions, initializers, plot
    from minigrad.datasets import batches
    from minigrad.differences import numerical_gradient
    from minigrad.explain import explain
    from minigrad.functions import (
        affine,
        binary_cross_entropy_with_logits,
        elu,
        gelu,
        leaky_relu,
        log_softmax,
        logsumexp,
        mean_squared_error,
        relu,
        sigmoid,
        silu,
        softmax,
        softmax_cross_entropy,
        softplus,
        tanh,
    )
    from minigrad.history import History
    from minigrad.layers import (
        ELU,
        GELU,
        Affine,
        Dropout,
        Flatten,
        Layer,
        LeakyReLU,
        Loss,
        MeanSquaredError,
        ReLU,
        Sigmoid,
        SigmoidWithLoss,
        SiLU,
        Softmax,
        SoftmaxWithLoss,
        Softplus,
        Tanh,
        wrap,
    )
    from minigrad.networks import Network
    from minigrad.optimizers import (
        SGD,
        AdaGrad,
        Adam,
        AdamW,
        Momentum,
        Nesterov,
        Optimizer,
        RMSprop,
        clip_by_global_norm,
        fused,
    )
    from minigrad.schedules import CosineDecay, ExponentialDecay, StepDecay, Warmup
    from minigrad.sequential import Sequential, mlp
    from minigrad.training import Trainer
    from minigrad.transforms import grad, hessian, hvp, jacobian, jvp, value_and_grad, vjp
else:  # … stands here for Python, which imports it when it is first used
    __getattr__, __dir__ = _on_first_use(
        __name__,
        {
            "datasets": "batches",
            "differences": "numerical_gradient",
            "explain": "explain",
            "functions": (
                "affine binary_cross_entropy_with_logits elu gelu leaky_relu log_softmax "
                "logsumexp mean_squared_error relu sigmoid silu softmax softmax_cross_entropy "
                "softplus tanh"
            ),
            "history": "History",
            "layers": (
                "ELU GELU Affine Dropout Flatten Layer LeakyReLU Loss MeanSquaredError ReLU "
                "Sigmoid SigmoidWithLoss SiLU Softmax SoftmaxWithLoss Softplus Tanh wrap"
            ),
            "networks": "Network",
            "optimizers": (
                "SGD AdaGrad Adam AdamW Momentum Nesterov Optimizer RMSprop "
                "clip_by_global_norm fused"
            ),
            "schedules": "CosineDecay ExponentialDecay StepDecay Warmup",
            "sequential": "Sequential mlp",
            "training": "Trainer",
            "transforms": "grad hessian hvp jacobian jvp value_and_grad vjp",
        },
    )

__version__ = "0.1.0"

__all__ = [
    "ELU",
    "GELU",
    "SGD",
    "AdaGrad",
    "Adam",
    "AdamW",
    "Affine",
    "CosineDecay",
    "Dropout",
    "ExponentialDecay",
    "Flatten",
    "History",
    "Layer",
    "LeakyReLU",
    "Loss",
    "MeanSquaredError",
    "Momentum",
    "Nesterov",
    "Network",
    "Optimizer",
    "RMSprop",
    "ReLU",
    "Sequential",
    "SiLU",
    "Sigmoid",
    "SigmoidWithLoss",
    "Softmax",
    "SoftmaxWithLoss",
    "Softplus",
    "StepDecay",
    "Tanh",
    "Tensor",
    "Trainer",
    "Warmup",
    "affine",
    "batches",
    "binary_cross_entropy_with_logits",
    "clip_by_global_norm",
    "datasets",
    "defvjp",
    "derivatives",
    "elu",
    "explain",
    "functions",
    "fused",
    "gelu",
    "grad",
    "gradients",
    "hessian",
    "hvp",
    "initializers",
    "jacobian",
    "jvp",
    "leaky_relu",
    "log_softmax",
    "logsumexp",
    "mean_squared_error",
    "mlp",
    "numerical_gradient",
    "plot",
    "primitive",
    "relu",
    "sigmoid",
    "silu",
    "softmax",
    "softmax_cross_entropy",
    "softplus",
    "tanh",
    "unbroadcast",
    "value_and_grad",
    "vjp",
    "wrap",
]

if sys.modules.get("hypothesis"):  # which then knows how to draw Tensors, layers and networks
    importlib.import_module("minigrad.testing.registration").register()
