"""The time of `import`, which everybody pays before anything else."""

from benchmarks.case import Case, Target
from benchmarks.peers import OURS, Side

SIDES = {
    name: Side("importing", packages, {"package": packages[0] if packages else "numpy"})
    for name, packages in {
        "NumPy": (),
        OURS: ("minigrad",),
        "PyTorch": ("torch",),
        "JAX": ("jax", "jaxlib"),
        "autograd": ("autograd",),
        "MyGrad": ("mygrad",),
        "scikit-learn": ("sklearn",),
    }.items()
}
CASES = [
    Case(
        name="import",
        title="import, in a fresh interpreter",
        kind="imports",
        points={"import": {}},
        sides=SIDES,
        unit="ms",
        scale=1e3,
        least=15,
        targets=(Target(1.25, ("NumPy",)),),
        notes=(
            "The statement alone, without the start of the interpreter; all but scikit-learn's "
            "import NumPy too. scikit-learn's is `import sklearn`, without its neural networks.",
        ),
    )
]
