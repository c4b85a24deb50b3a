"""Optimizers, and what is done to gradients before one gets them."""

from minigrad.optimizers.base import Optimizer
from minigrad.optimizers.clipping import clip_by_global_norm
from minigrad.optimizers.fusion import fused
from minigrad.optimizers.rules import SGD, AdaGrad, Adam, AdamW, Momentum, Nesterov, RMSprop

__all__ = [
    "SGD",
    "AdaGrad",
    "Adam",
    "AdamW",
    "Momentum",
    "Nesterov",
    "Optimizer",
    "RMSprop",
    "clip_by_global_norm",
    "fused",
]
