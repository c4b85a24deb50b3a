"""The sides: one module for each library, with a function for each kind of case it takes part in.

A function takes the settings of a point and returns a `Trial`. Its name is the kind of the case;
a module without it does not take part.
"""

from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any

OURS = "minigrad"
FUSED = "minigrad, fused"  # with the extra `fast`


@dataclass(frozen=True)
class Side:
    """A competitor: the module that drives it, the packages it needs, and options for it."""

    module: str
    packages: tuple[str, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)

    def missing(self) -> list[str]:
        """The packages that are not installed here."""
        return [package for package in self.packages if find_spec(package) is None]


SIDES = {
    "NumPy by hand": Side("by_hand"),
    OURS: Side("ours", ("minigrad",)),
    FUSED: Side("ours", ("minigrad", "numba"), {"fused": True}),
    "the book": Side("book"),
    "PyTorch": Side("pytorch", ("torch",), {"fused": False}),
    "PyTorch foreach": Side("pytorch", ("torch",), {"foreach": True}),
    "PyTorch fused": Side("pytorch", ("torch",), {"fused": True}),
    "jax.jit": Side("jax_jit", ("jax", "jaxlib")),
    "jax.jit, NumPy batches": Side("jax_jit", ("jax", "jaxlib"), {"numpy batches": True}),
    "jax.jit, compiled before": Side("jax_jit", ("jax", "jaxlib"), {"compiled": True}),
    "autograd": Side("hips_autograd", ("autograd",)),
    "MyGrad": Side("rsokl_mygrad", ("mygrad",)),
    "scikit-learn": Side("scikit_learn", ("sklearn",)),
    "micrograd": Side("karpathy_micrograd", ("micrograd",)),
}
