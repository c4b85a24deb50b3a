"""Whole trainings, by the clock on the wall."""

from benchmarks.case import Case, of
from benchmarks.peers import FUSED, OURS

COMMON = {"optimizer": "Adam", "dtype": "float32", "epochs": 40, "accuracy": 0.97}
DIGITS = {"data": "digits", "sizes": [64, 50, 10], "batch": 50, "lr": 5e-3}
MNIST = {"data": "mnist", "sizes": [784, 100, 10], "batch": 100, "lr": 1e-3}

CASES = [
    Case(
        name=f"training-{settings['data']}",
        title=title,
        kind="training",
        points={str(settings["data"]): settings | COMMON},
        sides=of(
            OURS,
            FUSED,
            "the book",
            "PyTorch",
            "PyTorch fused",
            "jax.jit",
            "jax.jit, compiled before",
            "scikit-learn",
        ),
        unit="s",
        scale=1,
        tolerance=0.01,
        looser={"scikit-learn": 1.0},
        notes=(
            "Tested after every epoch, which the time includes; reading the data is not in it. "
            "The first weights are the same, and the batches too but for scikit-learn, which "
            "shuffles by itself (an epoch is one partial_fit). jax.jit compiles in each training, "
            "unless compiled before.",
        ),
    )
    for settings, title in (
        (DIGITS, "The digits in the package, 64-50-10, batch 50, Adam, to 97 % in the test"),
        (MNIST, "MNIST, 784-100-10, batch 100, Adam, to 97 % in the test"),
    )
]
