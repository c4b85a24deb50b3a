"""Where the time of a training step goes, part by part, and how a step grows.

    OPENBLAS_NUM_THREADS=1 python -m benchmarks.profile

Each part is repeated in turns with the others, in float32; the figure is the least
processor time of its blocks, in µs. Parts are timed alone, so that their sum misses what one does
to the caches of the next.
"""

import time
from collections.abc import Callable
from typing import Any

import numpy as np

import minigrad as mg
from benchmarks import problems
from benchmarks.cases.nets import NETS
from benchmarks.peers import ours
from minigrad.networks import Network

BLOCKS, SECONDS = 25, 0.01


def products(problem: problems.Problem) -> Callable[[], None]:
    """The matrix products that no implementation can leave out, into ready arrays."""
    weights = problem.weights[::2]
    inputs = [problem.x, *[np.ones((len(problem.x), W.shape[1]), W.dtype) for W in weights]]
    outputs, slopes = [np.empty_like(h) for h in inputs], [np.empty_like(W) for W in weights]

    def run() -> None:
        for i, W in enumerate(weights):
            np.matmul(inputs[i], W, out=outputs[i + 1])
        for i in reversed(range(len(weights))):
            np.matmul(inputs[i].T, outputs[i + 1], out=slopes[i])
            if i:
                np.matmul(outputs[i + 1], weights[i].T, out=outputs[i])

    return run


def parts(settings: dict[str, Any]) -> dict[str, Callable[[], object]]:
    """The parts of a step."""
    problem = problems.net(settings)
    net, x, t = ours.build(problem), problem.x, problem.t
    optimizer = getattr(mg, settings["optimizer"])(lr=settings["lr"])
    grads = net.gradient(x, t)
    other = ours.build(problem)  # whose parameters nobody writes while its graph is kept
    kept, tensors = other.objective(x, t), list(other.tensors().values())
    return {
        "the products alone": products(problem),
        "forward, recorded": lambda: net.objective(x, t),
        "the walk back": lambda: mg.gradients(kept, tensors),
        "gradient by the walk": lambda: Network.gradient(net, x, t),
        "gradient by the recording": lambda: net.gradient(x, t),
        "update": lambda: optimizer.update(net.params, grads),
    }


def least(functions: dict[str, Callable[[], object]]) -> dict[str, float]:
    """µs per call of each function: the least of its blocks, which take turns."""
    counts, found = {}, dict.fromkeys(functions, float("inf"))
    for name, function in functions.items():
        function()
        start = time.process_time()
        function()
        counts[name] = max(1, int(SECONDS / max(time.process_time() - start, 1e-6)))
    for _ in range(BLOCKS):
        for name, function in functions.items():
            start = time.process_time()
            for _ in range(counts[name]):
                function()
            spent = (time.process_time() - start) / counts[name]
            found[name] = min(found[name], spent * 1e6)
    return found


GROWTH: dict[str, dict[str, dict[str, Any]]] = {
    "width": {f"784-{n}-10": {"sizes": [784, n, 10]} for n in (25, 50, 100, 200, 400, 800)},
    "depth": {f"784-100×{n}-10": {"sizes": [784, *[100] * n, 10]} for n in (1, 2, 4, 8, 16, 32)},
    "batch": {f"{n} rows": {"batch": n} for n in (1, 10, 100, 1000)},
}
COMMON = {"sizes": [784, 100, 10], "batch": 100, "optimizer": "Adam", "lr": 1e-4}


def growth(settings: dict[str, Any]) -> dict[str, Callable[[], object]]:
    """A whole step, and the products in it."""
    problem = problems.net(settings)
    return {
        "step": ours.training_step(settings).step,
        "the products alone": products(problem),
    }


def show(what: str, table: dict[str, dict[str, float]]) -> None:
    """Print a table."""
    print(f"| {what}, µs |", " | ".join(table), "|")
    print("| --- |", " | ".join("---:" for _ in table), "|")
    for part in next(iter(table.values())):
        print(f"| {part} |", " | ".join(f"{figures[part]:,.0f}" for figures in table.values()), "|")
    print()


def main() -> None:
    """Print the parts of a step, and how a step grows."""
    float32 = {"dtype": "float32"}
    show("part", {name: least(parts(net | float32)) for name, net in NETS.items()})
    for what, points in GROWTH.items():
        show(what, {k: least(growth(COMMON | own | float32)) for k, own in points.items()})


if __name__ == "__main__":
    main()
