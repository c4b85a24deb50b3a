"""docs/pitfalls.md: each row names tests that exist; and those that had no other place."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import minigrad as mg
from minigrad import Tensor, gradients

TESTS = Path(__file__).parent
ROWS = [
    line.strip("| ").split(" | ")
    for line in (TESTS.parent / "docs" / "pitfalls.md").read_text("utf-8").splitlines()
    if line.startswith("| ") and not line.startswith("| pitfall")
]


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_each_pitfall_has_tests(row):
    named = re.findall(r"`((?:test_)?\w+\.py)::(\w+)`", row[3])
    assert len(named) == row[3].count("`") // 2 > 0
    for file, test in named:
        tree = ast.parse((TESTS / file).read_text("utf-8"))
        assert test.startswith("test_") or file == "theorems.py"
        assert test in {n.name for n in tree.body if isinstance(n, ast.FunctionDef)}


def test_all_31_pitfalls_are_listed():
    assert len(ROWS) == 31


# ---- higher orders at hard points ----------------------------------------------------------------
def derivatives(f, at, orders):
    """The first, second … derivative of the sum of f, each summed with weights 1 … 2."""
    x = Tensor(at)
    weights = np.linspace(1, 2, x.size).reshape(x.shape)
    y, found = np.sum(f(x)), []
    for _ in range(orders):
        g = gradients(y, x, create_graph=True)
        found.append(g.data)
        y = np.sum(g * weights)
    return found


POINTS = {
    "a tie of max": (np.max, [1.0, 1.0]),
    "a tie of min": (np.min, [1.0, 1.0]),
    "a tie of the median": (np.median, [1.0, 1.0, 2.0]),
    "a tie of a quantile": (lambda x: np.quantile(x, 0.3), [1.0, 1.0]),
    "a tie of maximum": (lambda x: np.maximum(x, 1.0) ** 3, [1.0, 2.0]),
    "relu": (lambda x: mg.relu(x) ** 3, [0.0, 1.0]),
    "leaky_relu": (mg.leaky_relu, [0.0]),
    "abs": (lambda x: np.abs(x) ** 3, [0.0, 1.0]),
    "clip": (lambda x: np.clip(x, 0, 1) ** 2, [0.0, 1.0]),
    "std of a constant": (np.std, [2.0, 2.0]),
    "var of a constant": (np.var, [2.0, 2.0]),
    "sinc": (np.sinc, [0.0, 1e-9]),
    "the 1-norm": (lambda x: np.linalg.norm(x, 1), [0.0, 0.0]),
    "the largest norm": (lambda x: np.linalg.norm(x, np.inf), [1.0, 1.0]),
    "x**0": (lambda x: x**0, [0.0]),
    "x**1": (lambda x: x**1, [0.0]),
    "x**2": (lambda x: x**2, [0.0]),
    "x**3": (lambda x: x**3, [0.0, -1.0]),
    "0**y": (lambda y: 0.0**y, [2.0, 0.0]),
    "(-2)**y": (lambda y: np.power(-2.0, y), [2.0]),
    "a zero in a product": (np.prod, [0.0, 2.0, 3.0]),
    "zeros in a product": (np.prod, [0.0, 0.0, 3.0]),
    "zeros in a running product": (np.cumprod, [0.0, 2.0, 0.0]),
    "softmax": (mg.softmax, [1e3, -1e3]),
    "log_softmax": (mg.log_softmax, [1e3, -1e3]),
    "cross-entropy": (lambda x: mg.softmax_cross_entropy(x, np.array([0])), [[800.0, -800.0]]),
    "sigmoid": (mg.sigmoid, [800.0, -800.0, 0.0]),
    "softplus": (mg.softplus, [800.0, -800.0, 0.0]),
    "gelu": (mg.gelu, [50.0, -50.0, 0.0]),
    "logsumexp": (mg.logsumexp, [800.0, -800.0]),
    "logaddexp": (lambda x: np.logaddexp(x, x[::-1]), [800.0, -800.0]),
    "repeated indices": (lambda x: x[[0, 0, -1]] ** 2, [0.0, 2.0]),
    "the angle of the origin": (lambda x: np.arctan2(x, 0.0), [0.0]),
    "a singular determinant": (lambda x: np.linalg.det(np.reshape(x, (2, 2))), [0.0] * 4),
    "equal entries sorted": (lambda x: np.sort(x) ** 2, [1.0, 1.0]),
    "a point of interp": (lambda x: np.interp(x, [0.0, 1.0, 2.0], [0.0, 1.0, 4.0]), [1.0]),
    "NaN passed over": (lambda x: np.nansum(x**2), [np.nan, 1.0]),
}


@pytest.mark.parametrize("name", POINTS)
def test_orders_two_and_three_are_finite_at_hard_points(name):
    for derivative in derivatives(*POINTS[name], 3):
        assert np.all(np.isfinite(derivative))


BRANCHES = {  # (function, where it has no derivative)
    "log": (np.log, 0.0),
    "log1p": (np.log1p, -1.0),
    "sqrt": (np.sqrt, 0.0),
    "cbrt": (np.cbrt, 0.0),
    "reciprocal": (np.reciprocal, 0.0),
    "quotient": (lambda x: 1 / x, 0.0),
    "power": (lambda x: x**0.5, 0.0),
    "arcsin": (np.arcsin, 1.0),
    "arctanh": (np.arctanh, 1.0),
    "arccosh": (np.arccosh, 1.0),
    "arctan2": (lambda x: np.arctan2(x, 0 * x), 0.0),
    "hypot": (lambda x: np.hypot(x, 0 * x), 0.0),
    "norm": (lambda x: np.linalg.norm(x[..., None], axis=-1), 0.0),
    "entropy": (lambda x: x * np.log(x), 0.0),
    "direction": (lambda x: x / np.abs(x), 0.0),
    "exp of a quotient": (lambda x: np.exp(1 / x), 0.0),
    "a bump": (lambda x: np.exp(-1 / x), 0.0),
    "sin(x) / x": (lambda x: np.sin(x) / x, 0.0),
    "log(x) / log(x)": (lambda x: x * np.log(x) / np.log(x), 0.0),
    "log of log": (lambda x: np.log(-np.log(x)), 0.0),
    "a root in a quotient": (lambda x: x**4 / np.sqrt(x * x), 0.0),
    "sigmoid of a quotient": (lambda x: mg.sigmoid(1 / x), 0.0),
    "gelu of a quotient": (lambda x: mg.gelu(1 / x), 0.0),
    "a sum of powers in a logarithm": (lambda x: np.logaddexp(np.log(x), 1 / x), 0.0),
}


@pytest.mark.parametrize("name", BRANCHES)
def test_no_order_leaks_out_of_a_branch_that_is_not_taken(name):
    f, bad = BRANCHES[name]
    good = 2.0 if name == "arccosh" else 0.4
    with np.errstate(all="ignore"):
        for taken in (
            lambda x: np.where(np.array([False, True]), f(x), 0.0),
            lambda x: f(x)[1:],
        ):
            alone = derivatives(f, [good], 3)
            for k, found in enumerate(derivatives(taken, [bad, good], 3)):
                assert found[0] == 0
                np.testing.assert_allclose(found[1], alone[k][0] * 2**k, 1e-12)
            v = jvp(mg.grad(lambda x, f=taken: np.sum(f(x))), np.array([bad, good]))[1]
            np.testing.assert_allclose(v, [0.0, alone[1][0]], 1e-12)


def jvp(f, at):
    """f and its derivative along ones, forward."""
    return mg.jvp(f, at, np.ones(at.shape))


@pytest.mark.parametrize("function", [np.sqrt, np.log, np.reciprocal])
def test_what_is_infinite_in_the_branch_that_is_taken_is_so_in_both_modes(function):
    at = np.array([0.0, 0.5])
    with np.errstate(all="ignore"):
        forward = jvp(lambda x: np.where(x >= 0, function(x), 0.0), at)[1]
        backward = mg.grad(lambda x: np.sum(np.where(x >= 0, function(x), 0.0)))(at)
    assert np.array_equal(forward, backward)
    assert np.isinf(forward[0])


def test_a_smooth_function_of_infinity_that_is_not_taken_does_not_leak():
    x = Tensor([0.0, 2.0])
    for f in (mg.gelu, mg.silu, mg.softplus, mg.sigmoid, np.sinc, np.i0):
        with np.errstate(all="ignore"):
            g = gradients(np.sum(np.where(x.data > 0, f(1 / x), 0.0)), x)
        assert g[0] == 0
        assert np.isfinite(g[1])


# ---- what had no test of its own -----------------------------------------------------------------
def test_a_numeric_derivative_takes_no_integers():
    with pytest.raises(TypeError, match=r"int64, and cannot take a small step: use x\.astype"):
        mg.numerical_gradient(lambda x: np.sum(x**2), np.array([3, 4]))
    assert mg.numerical_gradient(lambda x: np.sum(x**2), [3, 4]).round(6).tolist() == [6, 8]


def test_the_order_of_parameters_does_not_depend_on_hashes():
    ask = "import minigrad as mg; print(*mg.mlp([2, 3, 4, 2], rng=0).params)"
    for seed in ("1", "2"):
        environment = os.environ | {"PYTHONHASHSEED": seed}
        run = [sys.executable, "-c", ask]
        found = subprocess.run(run, env=environment, capture_output=True, text=True, check=True)
        assert found.stdout.split() == ["W1", "b1", "W2", "b2", "W3", "b3"]


def test_benchmarks_pin_the_threads_of_blas():
    sources = [path.read_text("utf-8") for path in (TESTS.parent / "benchmarks").glob("*.py")]
    assert any("NUM_THREADS" in source for source in sources)
