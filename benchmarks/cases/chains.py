"""Chains of operations: the cost of one on few elements, on many, and at any depth."""

from benchmarks.case import FLOOR, Case, Growth, Target, of
from benchmarks.peers import OURS

CHAIN = {
    "through": "operators",
    "length": 100,
    "size": 10,
    "dtype": "float64",
    "leaves": 3,
    "backward": True,
}
FUNCTIONS = CHAIN | {"through": "functions"}
WHAT = (
    "operators: y ← y w + b; functions: y ← sin(tanh(y w + b)) by the library's functions of these "
    "names. With constants, only x is differentiated by; with all leaves, w and b too, whose "
    "gradients add up along the chain."
)

LARGE = {"size": 10**6, "length": 20, "dtype": "float32"}
DEPTHS = {"10³": 10**3, "10⁴": 10**4, "10⁵": 10**5, "10⁶": 10**6}


def depth(name: str, title: str, backward: bool) -> Case:
    """One operation in chains of 10³ to 10⁶."""
    return Case(
        name=f"depth-{name}",
        title=f"One operation on 10 elements in chains of 10³ to 10⁶, {title}",
        kind="chain",
        points={k: CHAIN | {"length": n, "backward": backward} for k, n in DEPTHS.items()},
        sides=of(FLOOR, OURS, "PyTorch", "autograd", "MyGrad", "micrograd"),
        per=("length",),
        least=3,
        targets=(Growth(1.5, "10³", "10⁶"),),
        notes=("The time includes giving the graph back.",),
    )


CASES = [
    Case(
        name="operations",
        title="One operation on 10 elements, forward and backward, in a chain of 100",
        kind="chain",
        points={
            "operators, constants": CHAIN | {"leaves": 1},
            "operators, all leaves": CHAIN,
            "functions, constants": FUNCTIONS | {"leaves": 1},
            "functions, all leaves": FUNCTIONS,
        },
        sides=of(FLOOR, OURS, "PyTorch", "autograd", "MyGrad", "micrograd"),
        per=("length",),
        targets=(Target(0.5, ("PyTorch",)), Target(0.25, ("autograd",)), Target(0.25, ("MyGrad",))),
        notes=(WHAT, "micrograd works on single numbers: one here, where the others have ten."),
    ),
    Case(
        name="elementwise",
        title="One operation on 10⁶ elements, forward and backward, in a chain of 20, float32",
        kind="chain",
        points={"operators": CHAIN | LARGE, "functions": FUNCTIONS | LARGE},
        sides=of(FLOOR, OURS, "PyTorch", "jax.jit", "autograd", "MyGrad"),
        unit="ns per element",
        scale=1e9,
        per=("length", "size"),
        notes=("All leaves. jax.jit fuses the chain and writes no intermediate result.",),
    ),
    depth("forward", "forward", backward=False),
    depth("both", "forward and backward", backward=True),
]
