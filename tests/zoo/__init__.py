"""A zoo of wrong backward passes, and of right ones that look suspicious.

ZOO holds the wrong ones, each a realistic slip with its cause, TWINS the right ones. They are plain
NumPy, as a student writes layers, and import nothing of minigrad: whatever judges gradients can be
judged by them.
"""

from zoo import (
    activations,
    affine,
    arithmetic,
    arrays,
    attention,
    batch_norm,
    blocks,
    calls,
    contracts,
    convolution,
    distances,
    indexing,
    losses,
    normalisation,
    pooling,
    products,
    recurrent,
    reductions,
    scans,
    shaping,
    softmaxes,
    unusual,
)
from zoo.causes import CAUSES, CONTRACTS, VALUES, WRONG_VALUE
from zoo.specimen import Pair, Specimen

FAMILIES = {
    "affine": affine,
    "products": products,
    "blocks": blocks,
    "convolution": convolution,
    "pooling": pooling,
    "batch_norm": batch_norm,
    "normalisation": normalisation,
    "activations": activations,
    "softmaxes": softmaxes,
    "losses": losses,
    "distances": distances,
    "recurrent": recurrent,
    "attention": attention,
    "indexing": indexing,
    "reductions": reductions,
    "scans": scans,
    "arithmetic": arithmetic,
    "shaping": shaping,
    "unusual": unusual,
    "contracts": contracts,
    "calls": calls,
    "arrays": arrays,
}
TWINS = [one for family in FAMILIES.values() for one in family.TWINS]
ZOO = [one for family in FAMILIES.values() for one in family.WRONG]

__all__ = [
    "CAUSES",
    "CONTRACTS",
    "FAMILIES",
    "TWINS",
    "VALUES",
    "WRONG_VALUE",
    "ZOO",
    "Pair",
    "Specimen",
]
