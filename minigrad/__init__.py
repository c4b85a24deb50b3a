"""minigrad: an autodiff mini-framework on NumPy."""

from minigrad import derivatives as _derivatives
from minigrad.backward import gradients, unbroadcast
from minigrad.graph import defvjp
from minigrad.tensor import Tensor, primitive

__version__ = "0.1.0"

__all__ = ["Tensor", "defvjp", "gradients", "primitive", "unbroadcast"]
