"""What is measured: a case names a kind of work, the points at which it is done, and the sides.

The targets are those that the project has set itself; the report says which of them are met.
"""

from dataclasses import dataclass, field
from typing import Any

from benchmarks.peers import OURS, SIDES, Side

TORCH = ("PyTorch", "PyTorch foreach", "PyTorch fused")
FLOOR = "NumPy by hand"


@dataclass(frozen=True)
class Target:
    """At most `limit` times the fastest of the sides `against`, at every point in `points`."""

    limit: float
    against: tuple[str, ...]
    points: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Case:
    """One table of the report.

    kind: the name of the function in the modules of peers that builds it.
    points: settings by name; each is built, checked and measured on its own.
    per: the setting that counts operations or parameters in a step, which the time is divided by.
    scale, unit: how a table shows a value.
    tolerance: how far results may be apart after `check_steps`, relative to their Euclidean norm.
    looser: the tolerance of sides that compute something a little different; `notes` say what.
    least: how many blocks there must be, however long they take.
    """

    name: str
    title: str
    kind: str
    points: dict[str, dict[str, Any]]
    sides: dict[str, Side]
    unit: str = "µs"
    scale: float = 1e6
    per: str | None = None
    tolerance: float = 1e-3
    looser: dict[str, float] = field(default_factory=dict)
    check_steps: int = 1
    least: int = 5
    targets: tuple[Target, ...] = ()
    notes: tuple[str, ...] = field(default=())


def of(*names: str) -> dict[str, Side]:
    """Sides by their names."""
    return {name: SIDES[name] for name in names}


NETS = {
    "two_layer": {"sizes": [784, 50, 10], "batch": 100, "optimizer": "SGD", "lr": 0.01},
    "deep": {"sizes": [784, *[100] * 5, 10], "batch": 100, "optimizer": "Adam", "lr": 1e-4},
    "wide": {"sizes": [784, 512, 512, 10], "batch": 256, "optimizer": "Adam", "lr": 1e-4},
    "tiny": {"sizes": [2, 8, 8, 2], "batch": 16, "optimizer": "SGD", "lr": 0.01},
}
STEP_PEERS = (
    "the book", "PyTorch", "PyTorch fused", "jax.jit", "autograd", "MyGrad", "scikit-learn",
)  # fmt: skip
STEP_FLOOR = {"two_layer": 1.2, "deep": 1.15, "wide": 1.15, "tiny": 2.0}


STEP_NOTES = {
    "SGD": (
        "scikit-learn's step is MLPClassifier.partial_fit; it takes no part with two classes.",
    ),
    "Adam": (
        "scikit-learn's step is MLPClassifier.partial_fit. Its ε is added before the correction of "
        "√v, so that its weights may be 5 % of a step away from the others'.",
    ),
}


def shape(name: str) -> str:
    """784-50-10, batch 100, SGD."""
    net = NETS[name]
    return f"{'-'.join(map(str, net['sizes']))}, batch {net['batch']}, {net['optimizer']}"


def training_steps(dtype: str) -> list[Case]:
    """Gradient and update of the four nets."""
    goals = {
        name: (Target(1.0, STEP_PEERS), Target(limit, (FLOOR,)))
        for name, limit in STEP_FLOOR.items()
    }
    return [
        Case(
            name=f"step-{name}-{dtype}",
            title=f"Training step {name}: {shape(name)}, {dtype}",
            kind="training_step",
            points={name: net | {"dtype": dtype}},
            sides=of(FLOOR, OURS, *STEP_PEERS),
            check_steps=5,
            looser={"scikit-learn": 0.05} if net["optimizer"] == "Adam" else {},
            notes=STEP_NOTES[net["optimizer"]],
            targets=goals[name] if dtype == "float32" else (),
        )
        for name, net in NETS.items()
    ]


def passes(kind: str, title: str, notes: tuple[str, ...] = ()) -> Case:
    """The nets without backward and update."""
    return Case(
        name=kind,
        title=title,
        kind=kind,
        points={name: net | {"dtype": "float32"} for name, net in NETS.items()},
        sides=of(FLOOR, OURS, "the book", "PyTorch", "jax.jit", "MyGrad"),
        notes=notes,
    )


PER_OPERATION = (Target(0.5, ("PyTorch",)), Target(0.25, ("autograd",)), Target(0.25, ("MyGrad",)))
OPERATIONS = {
    "through": "operators", "length": 100, "size": 10, "dtype": "float64",
    "leaves": 1, "backward": True,
}  # fmt: skip

PER_OPERATION_CASES = [
    Case(
        name="operations",
        title="One operation on 10 elements, forward and backward, in a chain of 100",
        kind="chain",
        points={
            "operators, constants": OPERATIONS,
            "operators, all leaves": OPERATIONS | {"leaves": 3},
            "functions, constants": OPERATIONS | {"through": "functions"},
            "functions, all leaves": OPERATIONS | {"through": "functions", "leaves": 3},
        },
        sides=of(FLOOR, OURS, "PyTorch", "autograd", "MyGrad", "micrograd"),
        per="length",
        targets=PER_OPERATION,
        notes=(
            "operators: y ← y w + b; functions: y ← sin(tanh(y w + b)), by the library's functions "
            "of these names. With constants, only x is differentiated by; with all leaves, w and b "
            "too, whose gradients add up along the chain.",
            "micrograd works on single numbers: one here, where the others have ten.",
        ),
    )
]

OPTIMIZERS = ("SGD", "Momentum", "Nesterov", "AdaGrad", "RMSprop", "Adam", "AdamW")
SIZES = {"10⁴": 10**4, "10⁵": 10**5, "10⁶": 10**6, "10⁷": 10**7}
OPTIMIZER_CASES = [
    Case(
        name=f"optimizer-{name}",
        title=f"{name} alone, float32",
        kind="optimizer",
        points={
            f"{label} in {arrays}": {
                "optimizer": name, "lr": 1e-3, "size": size, "arrays": arrays, "dtype": "float32",
            }
            for label, size in SIZES.items()
            for arrays in (1, 20)
        },
        sides=of(FLOOR, OURS, "the book", *TORCH),
        unit="ns per parameter",
        scale=1e9,
        per="size",
        check_steps=5,
        targets=(Target(0.5, ("PyTorch",)),),
    )
    for name in OPTIMIZERS
]  # fmt: skip

IMPORTED = {
    "numpy": (), OURS: ("minigrad",), "PyTorch": ("torch",), "jax": ("jax", "jaxlib"),
    "autograd": ("autograd",), "MyGrad": ("mygrad",), "scikit-learn": ("sklearn",),
}  # fmt: skip
IMPORT_CASE = Case(
    name="import",
    title="import, in a fresh interpreter",
    kind="imports",
    points={"import": {}},
    sides={
        name: Side("importing", packages, {"package": packages[0] if packages else "numpy"})
        for name, packages in IMPORTED.items()
    },
    unit="ms",
    scale=1e3,
    least=15,
    targets=(Target(1.25, ("numpy",)),),
    notes=("scikit-learn is `import sklearn` alone, without its neural networks.",),
)

CASES = {
    case.name: case
    for case in [
        *training_steps("float32"),
        *training_steps("float64"),
        *PER_OPERATION_CASES,
        *OPTIMIZER_CASES,
        IMPORT_CASE,
    ]
}
