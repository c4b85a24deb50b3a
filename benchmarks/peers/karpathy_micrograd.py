"""micrograd: single numbers, so that one of its operations does a tenth of what the others' do."""

import numpy as np
from micrograd.engine import Value

from benchmarks import problems
from benchmarks.problems import Settings
from benchmarks.trial import Trial


def chain(settings: Settings) -> Trial | None:
    """The chain on the first element of each operand; only operators."""
    if settings["through"] != "operators":
        return None
    operands = [float(array[0]) for array in problems.operands(settings)]
    count = settings["leaves"]
    results: dict[str, float] = {}

    def step() -> None:
        leaves = [Value(number) for number in operands[:count]]  # a second backward would add up
        y = problems.chain(settings, None, *leaves, *operands[count:])
        results["y"] = y.data
        if settings["backward"]:
            y.backward()
            results.update((name, leaf.grad) for name, leaf in zip("xwb", leaves, strict=False))

    return Trial(step, lambda: {name: np.array([value]) for name, value in results.items()})
