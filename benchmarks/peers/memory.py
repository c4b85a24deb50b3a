"""Peak memory of a training step: how many bytes the peer `of` holds at most.

`traced` counts what Python and NumPy allocate, from before the net is built (tracemalloc; the batch
is not in it). `resident` reads the process's largest resident set, which the kernel keeps, less
what was resident before the net was built: for libraries that allocate behind Python's back. It
counts what allocators keep in reserve, and works on Linux alone.
"""

import tracemalloc
from importlib import import_module
from io import BytesIO
from pathlib import Path

import numpy as np

from benchmarks import problems
from benchmarks.problems import Settings
from benchmarks.trial import Reading, Trial

STATUS = Path("/proc/self/status")
RESET = Path("/proc/self/clear_refs")
STATES = {"SGD": 0, "Adam": 2}  # arrays like the parameters
SMALL = {"sizes": [2, 8, 3], "batch": 4}


def needed(settings: Settings) -> Reading:
    """The sum of recorded values, parameters, gradients and the optimizer's states.

    Recorded are the output of each Affine and each ReLU, and the softmax.
    """
    problem = problems.net(settings)
    parameters = sum(W.size for W in problem.weights)
    recorded = 2 * len(problem.x) * sum(problem.sizes[1:])
    values = recorded + (2 + STATES[settings["optimizer"]]) * parameters
    return Reading(lambda: float(values * problem.x.itemsize), dict)


def build(settings: Settings) -> Trial:
    """The training step of the peer."""
    trial: Trial = import_module(f"benchmarks.peers.{settings['of']}").training_step(settings)
    return trial


def traced(settings: Settings) -> Reading:
    """Bytes at the peak of a step, as Python's tracemalloc sees them."""
    if settings["of"] is None:
        return needed(settings)
    tracemalloc.stop()  # the latest net's, or this batch would count
    build(settings | SMALL).run(3)  # what is loaded and kept at first use does not count
    problems.net(settings)
    np.savez(BytesIO())  # as the worker will: what that loads is not the step's
    tracemalloc.start()
    trial = build(settings)

    def step() -> float:
        trial.run(3)
        tracemalloc.reset_peak()
        trial.run(1)
        return float(tracemalloc.get_traced_memory()[1])

    return Reading(step, dict)


def kilobytes(name: str) -> int:
    """A line of the process's status."""
    lines = STATUS.read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))


def resident(settings: Settings) -> Reading | None:
    """Bytes at the peak of a step, as the kernel sees them."""
    if settings["of"] is None:
        return needed(settings)
    if not RESET.exists():
        return None
    build(settings | SMALL).run(3)
    problems.net(settings)
    before = kilobytes("VmRSS")
    trial = build(settings)

    def step() -> float:
        trial.run(3)
        RESET.write_text("5", encoding="ascii")
        trial.run(1)
        return 1024.0 * (kilobytes("VmHWM") - before)

    return Reading(step, dict)
