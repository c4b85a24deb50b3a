"""minigrad: an autodiff mini-framework on NumPy."""

from minigrad import derivatives as _derivatives
from minigrad.graph import defvjp, gradients, unbroadcast
from minigrad.tensor import Tensor, primitive

__all__ = ["Tensor", "defvjp", "gradients", "primitive", "unbroadcast"]
