"""How often the error bar of a numerical derivative holds the true error.

    python -m tests.measure_bars 500

Every function of the derivative table is drawn at random points of its domain, and differentiated
by every entry of one operand. The true derivative is the table's own, in extended precision where
the function has that; it was tested against other methods. With 500 samples of each function it
takes about two minutes.
"""

import sys
import time
import warnings
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
from hypothesis import HealthCheck, Phase, given, seed, settings

sys.path.insert(0, str(Path(__file__).parent))

from domains import DOMAINS

from minigrad import Tensor, gradients
from minigrad.kinds import called
from minigrad.table import open_further
from minigrad.testing import numerical_derivative

OF_FLOAT64 = 1e-13  # what the table's own derivative may be off by, where it is in float64


def jacobian(sample, k, dtype):
    """The table's derivative by operand k, one output at a time."""
    xs = [Tensor(leaf.astype(dtype)) for leaf in sample.leaves]
    y = sample.call(*xs)
    rows = []
    for i in range(y.size):
        g = np.zeros(y.size, y.dtype)
        g[i] = 1
        rows.append(gradients(y, xs[k], g.reshape(y.shape)))
    return np.array(rows, y.dtype).reshape(y.shape + xs[k].shape)


def exact(sample, k):
    """The true derivative, and by how much it may be off."""
    try:
        found = jacobian(sample, k, np.longdouble)
        wide = sample.call(*(leaf.astype(np.longdouble) for leaf in sample.leaves))
        same = np.allclose(wide.astype(float), sample.call(*sample.leaves), 1e-12)  # one algorithm
        if found.dtype == np.longdouble and same:
            return found, 1e-15 * np.abs(found).astype(float)
    except (TypeError, ValueError):  # LAPACK and others have no extended precision
        pass
    found = jacobian(sample, k, np.float64)
    return found, OF_FLOAT64 * (np.max(np.abs(found), initial=0) + np.abs(found))


def measure(function, samples, complex_step, counts, worst):
    """Count the entries of derivatives inside their bars, of one function."""

    @seed(0)
    @settings(
        max_examples=samples,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(DOMAINS[function])
    def one(sample):
        k = int(sample.rng.integers(len(sample.leaves)))
        x = sample.leaves[k]
        if x.size == 0 or np.iscomplexobj(sample.call(*sample.leaves)):
            return

        def of_one(v):
            return sample.call(*sample.leaves[:k], v, *sample.leaves[k + 1 :])

        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            found = numerical_derivative(of_one, x, complex_step=complex_step)
            true, allowed = exact(sample, k)
        error = np.abs(found.value - true).astype(float)
        known = np.isfinite(found.bar) & ~found.kinks
        inside = error <= found.bar + allowed
        counts["entries"] += int(inside.size)
        counts["unknown"] += int(np.sum(~known))
        counts["inside"] += int(np.sum(inside & known))
        counts["sharp"] += int(np.sum(known & (found.bar <= 1e-6 * (np.abs(found.value) + 1))))
        worst[called(function)] += int(np.sum(~inside & known))

    one()


def main(samples):
    """Print the figures."""
    open_further()
    for complex_step in (True, False):
        began = time.perf_counter()
        counts, worst = Counter(), defaultdict(int)
        for function in DOMAINS:
            measure(function, samples, complex_step, counts, worst)
        known = counts["entries"] - counts["unknown"]
        print(
            f"{'with' if complex_step else 'without'} complex step: {len(DOMAINS)} functions, "
            f"{counts['entries']:,} derivatives; the bar holds the true error in "
            f"{counts['inside']:,} of {known:,} ({counts['inside'] / known:.4%}); "
            f"unknown {counts['unknown']:,}; known to 1e-6 {counts['sharp'] / known:.2%}; "
            f"{time.perf_counter() - began:.0f} s"
        )
        print("outside:", {name: n for name, n in worst.items() if n})


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 500)
