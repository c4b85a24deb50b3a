"""Four nets: whole training steps, forward passes, predictions."""

from typing import Any

from benchmarks.case import FLOOR, Case, Target, of
from benchmarks.peers import FUSED, OURS

NETS: dict[str, dict[str, Any]] = {
    "two_layer": {"sizes": [784, 50, 10], "batch": 100, "optimizer": "SGD", "lr": 0.01},
    "deep": {"sizes": [784, *[100] * 5, 10], "batch": 100, "optimizer": "Adam", "lr": 1e-4},
    "wide": {"sizes": [784, 512, 512, 10], "batch": 256, "optimizer": "Adam", "lr": 1e-4},
    "tiny": {"sizes": [2, 8, 8, 2], "batch": 16, "optimizer": "SGD", "lr": 0.01},
}
PEERS = (
    "the book",
    "PyTorch",
    "PyTorch fused",
    "jax.jit",
    "jax.jit, NumPy batches",
    "autograd",
    "MyGrad",
    "scikit-learn",
)
TOLERANCE = {  # Adam makes whole steps of gradients that are rounding errors
    ("float32", "SGD"): 1e-4,
    ("float32", "Adam"): 0.03,
    ("float64", "SGD"): 1e-6,
    ("float64", "Adam"): 1e-6,
}
TIMES_THE_FLOOR = {"two_layer": 1.2, "deep": 1.15, "wide": 1.15, "tiny": 2.0}
NOTES = {
    "two_layer": ("scikit-learn's step is MLPClassifier.partial_fit.",),
    "deep": (
        "scikit-learn's step is MLPClassifier.partial_fit. Its ε joins √v before the correction, "
        "so that its weights may be 5 % of a step away from the others'.",
    ),
    "tiny": ("scikit-learn takes no part: with two classes its net has one output.",),
}
NOTES["wide"] = NOTES["deep"]


def shape(name: str) -> str:
    """784-50-10, batch 100."""
    return f"{'-'.join(map(str, NETS[name]['sizes']))}, batch {NETS[name]['batch']}"


def training_step(name: str, dtype: str) -> Case:
    """Gradient and update."""
    net = NETS[name]
    targets = [Target(1.0, PEERS), Target(TIMES_THE_FLOOR[name], (FLOOR,))]
    ours = [OURS]
    if net["optimizer"] == "Adam":
        ours.append(FUSED)
        targets.append(Target(1.0, PEERS, FUSED))
    return Case(
        name=f"step-{name}-{dtype}",
        title=f"Training step {name}: {shape(name)}, {net['optimizer']}, {dtype}",
        kind="training_step",
        points={name: net | {"dtype": dtype}},
        sides=of(FLOOR, *ours, *PEERS),
        check_steps=5,
        tolerance=TOLERANCE[dtype, net["optimizer"]],
        looser={"scikit-learn": 0.05} if net["optimizer"] == "Adam" else {},
        targets=tuple(targets) if dtype == "float32" else (),
        notes=NOTES[name],
    )


def forward_or_predict(kind: str, title: str, note: str) -> Case:
    """The four nets without backward and update."""
    return Case(
        name=kind,
        title=f"{title}, float32",
        kind=kind,
        points={name: net | {"dtype": "float32"} for name, net in NETS.items()},
        sides=of(FLOOR, OURS, "the book", "PyTorch", "jax.jit", "autograd", "MyGrad"),
        notes=(note,),
    )


CASES = [
    *(training_step(name, dtype) for dtype in ("float32", "float64") for name in NETS),
    forward_or_predict(
        "forward",
        "Forward in training, with the loss and all that a backward pass needs",
        "jax.jit keeps nothing for a backward pass here, and so does less than the others.",
    ),
    forward_or_predict(
        "predict",
        "predict: the logits",
        "PyTorch in inference_mode, MyGrad under no_autodiff; minigrad hands out an array of its "
        "own, NumPy by hand the same one each time.",
    ),
]
