"""Layers: what networks are made of."""

from minigrad.layers.base import Layer
from minigrad.layers.basic import (
    ELU,
    GELU,
    Affine,
    Dropout,
    Flatten,
    LeakyReLU,
    ReLU,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Tanh,
)
from minigrad.layers.losses import Loss, MeanSquaredError, SigmoidWithLoss, SoftmaxWithLoss
from minigrad.layers.params import Params
from minigrad.layers.wrapping import as_layer, wrap

__all__ = [
    "ELU",
    "GELU",
    "Affine",
    "Dropout",
    "Flatten",
    "Layer",
    "LeakyReLU",
    "Loss",
    "MeanSquaredError",
    "Params",
    "ReLU",
    "SiLU",
    "Sigmoid",
    "SigmoidWithLoss",
    "Softmax",
    "SoftmaxWithLoss",
    "Softplus",
    "Tanh",
    "as_layer",
    "wrap",
]
