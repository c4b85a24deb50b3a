"""Peak memory of a training step, beside the sum of the values that it has to hold."""

from benchmarks.case import Case, Target
from benchmarks.cases.nets import NETS
from benchmarks.peers import OURS, SIDES, Side

NEEDED = "sum of values"
LARGE = {"sizes": [784, 2048, 2048, 10], "batch": 512, "optimizer": "Adam", "lr": 1e-4}
TRACED = (OURS, "the book", "autograd", "MyGrad", "scikit-learn")
RESIDENT = (OURS, "the book", "PyTorch", "PyTorch fused", "jax.jit", "autograd", "MyGrad")
SUM = "The sum: the output of each Affine and ReLU, softmax, parameters, gradients, Adam's states."


def sides(names: tuple[str, ...]) -> dict[str, Side]:
    """The sides, driven by the module of this kind of case."""
    found = {NEEDED: Side("memory", (), {"of": None})}
    for name in names:
        side = SIDES[name]
        found[name] = Side("memory", side.packages, side.options | {"of": side.module})
    return found


CASES = [
    Case(
        name="memory-traced",
        title="Peak memory of a training step, as tracemalloc sees it, float32",
        kind="traced",
        points={
            name: net | {"dtype": "float32"}
            for name, net in {**NETS, "large": LARGE}.items()
            if name != "tiny"
        },
        sides=sides(TRACED),
        unit="MB",
        scale=1e-6,
        least=3,
        targets=(Target(1.2, (NEEDED,)),),
        notes=(SUM, "Without the batch. PyTorch and JAX allocate where tracemalloc does not see."),
    ),
    Case(
        name="memory-resident",
        title="Peak memory of a training step, as the kernel sees it, float32",
        kind="resident",
        points={"large": LARGE | {"dtype": "float32"}},
        sides=sides(RESIDENT),
        unit="MB",
        scale=1e-6,
        least=3,
        notes=(
            "784-2048-2048-10, batch 512, Adam: the largest resident set in a step, less the one "
            "before the net was built. It counts what allocators and BLAS keep in reserve.",
        ),
    ),
]
