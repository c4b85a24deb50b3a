"""python -m benchmarks.false_alarms N: right functions, composed at random, none of them accused.

Hypothesis draws a short program of operations from minigrad's derivative table and arrays for it;
gradcheck differentiates the program and judges the gradients. Each failure is printed with its
program: it is a false alarm, or a bug in the table, and worth the same attention.
"""

import argparse
import time
import warnings
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad.testing import gradcheck

UNARY: dict[str, Callable[[Any], Any]] = {
    "sin": np.sin,
    "cos": np.cos,
    "tanh": np.tanh,
    "exp": lambda a: np.exp(0.3 * a),
    "expm1": lambda a: np.expm1(0.3 * a),
    "log1p": lambda a: np.log1p(a * a),
    "log": lambda a: np.log(2 + a * a),
    "sqrt": lambda a: np.sqrt(1 + a * a),
    "square": np.square,
    "reciprocal": lambda a: np.reciprocal(2 + np.tanh(a)),
    "arctan": np.arctan,
    "arcsinh": np.arcsinh,
    "sinc": np.sinc,
    "cbrt": lambda a: np.cbrt(3 + np.tanh(a)),
    "power": lambda a: (2 + np.tanh(a)) ** 2.5,
    "abs": np.abs,
    "maximum": lambda a: np.maximum(a, 0.1),
    "clip": lambda a: np.clip(a, -0.7, 0.9),
    "where": lambda a: np.where(a > 0.2, a, a * a),
    "sigmoid": mg.sigmoid,
    "softmax": mg.softmax,
    "sum": lambda a: a + np.sum(a, axis=-1, keepdims=True),
    "mean": lambda a: a - np.mean(a, axis=0),
    "var": lambda a: a * np.var(a),
    "max": lambda a: a * np.max(a, axis=-1, keepdims=True),
    "prod": lambda a: a + 0.1 * np.prod(a, axis=-1, keepdims=True),
    "cumsum": lambda a: np.cumsum(a, axis=-1),
    "sort": lambda a: np.sort(a, axis=-1),
    "flip": lambda a: np.flip(a, axis=0),
    "roll": lambda a: np.roll(a, 1, axis=-1),
    "transposed": lambda a: np.swapaxes(np.swapaxes(a, 0, -1) * 2, 0, -1),
    "reshape": lambda a: (np.reshape(a, -1) ** 2).reshape(a.shape),
    "repeat": lambda a: np.repeat(a, 2, axis=0)[::2],
    "pad": lambda a: np.pad(a, 1)[1:-1, 1:-1],
    "concatenate": lambda a: np.concatenate([a, np.sin(a)], axis=0)[: len(a)],
    "index": lambda a: a[np.arange(len(a)) // 2],
    "norm": lambda a: a / (1 + np.linalg.norm(a)),
    "einsum": lambda a: np.einsum("ij,kj->ij", a, a),
    "trapezoid": lambda a: a * np.trapezoid(a, axis=-1)[:, None],
}
BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "divide": lambda a, b: a / (2 + np.tanh(b)),
    "maximum": np.maximum,
    "hypot": lambda a, b: np.hypot(a, 1 + b * b),
    "arctan2": lambda a, b: np.arctan2(a, 2 + np.tanh(b)),
    "logaddexp": np.logaddexp,
    "matmul": lambda a, b: a @ np.swapaxes(b, 0, 1) @ b,
    "outer": lambda a, b: a * np.sum(np.outer(a, b)),
}
STEP = st.sampled_from([*((name, False) for name in UNARY), *((name, True) for name in BINARY)])
PROGRAM = st.lists(STEP, min_size=1, max_size=5)
SHAPE = st.tuples(st.integers(1, 3), st.integers(1, 3))


def composed(program: list[tuple[str, bool]]) -> Callable[[Any, Any], Any]:
    """The function of two arrays that a program describes."""

    def f(a: Any, b: Any) -> Any:
        for name, binary in program:
            a = BINARY[name](a, b) if binary else UNARY[name](a)
        return a

    return f


def main() -> None:
    """Compose, check, count."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.false_alarms", description=__doc__)
    parser.add_argument("count", type=int, nargs="?", default=100_000)
    parser.add_argument("--seconds", type=float, default=np.inf, help="stop after so long")
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    verdicts: Counter[str] = Counter()
    began = time.perf_counter()

    @seed(chosen.seed)
    @settings(
        max_examples=chosen.count,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(PROGRAM, SHAPE, st.integers(0, 2**32 - 1))
    def check(program: list[tuple[str, bool]], shape: tuple[int, int], number: int) -> None:
        if time.perf_counter() - began > chosen.seconds:
            raise KeyboardInterrupt  # the one exception that Hypothesis does not look into
        rng = np.random.default_rng(number)
        a, b = rng.normal(size=shape), rng.normal(size=shape)
        with warnings.catch_warnings(action="ignore"), np.errstate(all="ignore"):
            report = gradcheck(composed(program), a, b, raise_exception=False)
        verdicts[report.verdict.name] += 1
        if report.verdict.name == "FAIL":
            print(program, shape, number, report.reason or report.cause, flush=True)

    with suppress(KeyboardInterrupt):
        check()
    seconds = time.perf_counter() - began
    counts = ", ".join(f"{n:,} {verdict}" for verdict, n in verdicts.most_common())
    print(f"{sum(verdicts.values()):,} functions in {seconds:.0f} s: {counts}")


if __name__ == "__main__":
    main()
