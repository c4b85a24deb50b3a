"""Whole trainings, by the clock on the wall."""

from benchmarks.case import Case, of
from benchmarks.peers import OURS

DIGITS = {"data": "digits", "sizes": [64, 50, 10], "batch": 50, "lr": 3e-3, "accuracy": 0.97}
MNIST = {"data": "mnist", "sizes": [784, 50, 10], "batch": 100, "lr": 1e-3, "accuracy": 0.97}

CASES = [
    Case(
        name=f"training-{settings['data']}",
        title=title,
        kind="training",
        points={str(settings["data"]): settings | {"optimizer": "Adam", "epochs": 40}},
        sides=of(OURS, "the book", "PyTorch", "PyTorch fused", "jax.jit", "scikit-learn"),
        unit="s",
        scale=1,
        tolerance=0.01,
        looser={"scikit-learn": 1.0},
        notes=(
            "Tested after every epoch, which the time includes; reading the data is not in it. "
            "The first weights are the same, and the batches too but for scikit-learn, which "
            "shuffles by itself (an epoch is one partial_fit). jax.jit compiles in each training.",
        ),
    )
    for settings, title in (
        (DIGITS, "Training on the digits inside the package, 64-50-10, Adam, to 97 % in the test"),
        (MNIST, "Training on MNIST, 784-50-10, batch 100, Adam, to 97 % in the test"),
    )
]
