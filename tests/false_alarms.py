"""How many correct functions, composed at random, the checker accuses: it should be none.

python -m tests.false_alarms 100000
"""

import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))

from composing import expressions

from minigrad import vjp
from minigrad.testing import check_vjp, gradcheck


def by_hand(expression):
    """The same function as a pair of callables that knows nothing of a graph."""
    kept = {}

    def forward(*xs):
        kept["y"], kept["pullback"] = vjp(expression, *xs)
        return np.array(kept["y"])

    return forward, lambda dout: kept["pullback"](dout)


def check(expression, as_a_pair, order=1):
    """The report of one."""
    options = {"raise_exception": False, "contracts": False}
    if as_a_pair:
        return check_vjp(*by_hand(expression), *expression.arrays, **options)
    return gradcheck(expression, *expression.arrays, order=order, **options)


def main(count, start=0):
    """Check so many, half of them as pairs of callables, and print the figures."""
    began, verdicts, evaluations = time.perf_counter(), Counter(), 0

    @seed(start)
    @settings(
        max_examples=count,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(expressions(), st.booleans())
    def one(expression, as_a_pair):
        nonlocal evaluations
        report = check(expression, as_a_pair)
        verdicts[report.verdict.name] += 1
        evaluations += report.evaluations
        if report.verdict.name == "FAIL":
            print(expression, as_a_pair, report, sep="\n", flush=True)
        elif report.verdict.name == "INCONCLUSIVE":
            print("INCONCLUSIVE", expression, as_a_pair, report.reason, flush=True)

    one()
    print(
        f"{sum(verdicts.values()):,} correct functions: {dict(verdicts)}; "
        f"{evaluations:,} evaluations, {time.perf_counter() - began:.0f} s"
    )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
