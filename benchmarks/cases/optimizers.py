"""Optimizers alone: one update of many parameters, in one array or in twenty."""

from benchmarks.case import FLOOR, Case, Target, of
from benchmarks.peers import FUSED, OURS

NAMES = ("SGD", "Momentum", "Nesterov", "AdaGrad", "RMSprop", "Adam", "AdamW")
SIZES = {"10⁴": 10**4, "10⁵": 10**5, "10⁶": 10**6, "10⁷": 10**7}
NOTES = {
    "RMSprop": ("PyTorch has no fused RMSprop.",),
    "SGD": ("NumPy by hand: two passes, η g and W − η g, and a scratch as large as W.",),
}


def alone(name: str) -> Case:
    """One optimizer at all sizes."""
    point = {"optimizer": name, "lr": 1e-3, "dtype": "float32"}
    return Case(
        name=f"optimizer-{name}",
        title=f"{name} alone, float32",
        kind="optimizer",
        points={
            f"{label} in {arrays}": point | {"size": size, "arrays": arrays}
            for arrays in (1, 20)
            for label, size in SIZES.items()
        },
        sides=of(FLOOR, OURS, FUSED, "the book", "PyTorch", "PyTorch foreach", "PyTorch fused"),
        unit="ns per parameter",
        scale=1e9,
        per=("size",),
        check_steps=5,
        targets=(Target(0.5, ("PyTorch",)), Target(0.5, ("PyTorch",), FUSED)),
        notes=NOTES.get(name, ()),
    )


CASES = [alone(name) for name in NAMES]
