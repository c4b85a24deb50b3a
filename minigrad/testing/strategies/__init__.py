"""Hypothesis strategies for arrays, matrices, targets, layers and networks.

They shrink to what a person reads at a glance: `array([1.])`, the identity matrix,
`Sequential(Affine(1, 1, rng=0))`. Every entry of an array is drawn by itself, since equal entries
would hide a transposed or reordered gradient; keep shapes small.
"""

from minigrad.testing.strategies.matrices import invertible, spd
from minigrad.testing.strategies.models import Branches, Residual, layers, networks
from minigrad.testing.strategies.numbers import (
    arrays,
    broadcastable,
    cotangents,
    shapes,
    smooth_floats,
    well_separated,
)
from minigrad.testing.strategies.targets import batches, indices, labels

__all__ = [
    "Branches",
    "Residual",
    "arrays",
    "batches",
    "broadcastable",
    "cotangents",
    "indices",
    "invertible",
    "labels",
    "layers",
    "networks",
    "shapes",
    "smooth_floats",
    "spd",
    "well_separated",
]
