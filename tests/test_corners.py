"""Ties and corners accuse nobody, and what is wrong beside them is found."""

import numpy as np
import pytest
from composing import by_hand

from minigrad import functions as fn
from minigrad.testing import Verdict, check_layer, check_vjp, gradcheck

TIES = [
    [1.0, 1.0, 1.0, 0.3],
    [0.0, 0.0, 0.0, 0.0],
    [1.0, 1 + 1e-9, 1 + 2e-9, 0.0],
]
DECIDING = {
    "sort": np.sort,
    "argsort": lambda x: x[np.argsort(getattr(x, "data", x))],
    "partition": lambda x: np.partition(x, 1),
    "max": np.max,
    "median": np.median,
    "percentile": lambda x: np.percentile(x, 30),
    "maximum of maximum": lambda x: np.maximum(np.maximum(x[0], x[1]), x[2]),
    "sorted squares": lambda x: np.sort(x * x) * x,
    "sum of sorted": lambda x: np.sum(np.sort(x) * np.arange(4)),
    "relu of relus": lambda x: fn.relu(fn.relu(x) - fn.relu(-x)),
}


class Expression:
    """A function with arrays, as `by_hand` wants one."""

    def __init__(self, f, *arrays):
        self.f, self.arrays = f, arrays

    def __call__(self, *xs):
        return self.f(*xs)


@pytest.mark.parametrize("name", DECIDING)
def test_a_tie_of_three_accuses_nobody(name):
    for tie in map(np.array, TIES):
        about = {"raise_exception": False, "contracts": False}
        ours = gradcheck(DECIDING[name], tie, **about)
        pair = check_vjp(*by_hand(Expression(DECIDING[name], tie)), tie, **about)
        assert Verdict.FAIL not in (ours.verdict, pair.verdict), (tie, str(ours), str(pair))


def test_a_cube_at_zero_is_right_for_one_row_too():
    kept = {}

    def forward(x):
        kept["x"] = x
        return x**3

    x = np.array([[0.0, 0.0], [1.0, -0.5]])
    assert check_vjp(forward, lambda dout: 3 * dout * kept["x"] ** 2, x).ok


class SortedRows:
    """The rows in order, each entry times a weight."""

    def __init__(self):
        self.W = np.array([1.0, 2.0, 3.0])

    def forward(self, x):
        self.order = np.argsort(x, axis=1, kind="stable")
        self.sorted = np.take_along_axis(x, self.order, 1)
        return self.sorted * self.W

    def backward(self, dout):
        self.dW = (dout * self.sorted).sum(axis=0)
        dx = np.empty_like(dout)
        np.put_along_axis(dx, self.order, dout * self.W, 1)
        return dx


TIED_ROW = np.array([[1.0, 1.0, 1.0], [0.4, -1.0, 2.0], [0.1, 0.7, -0.2]])


def test_the_outputs_without_a_tie_are_judged():
    class Unsorted(SortedRows):
        def backward(self, dout):
            super().backward(dout)
            return dout * self.W

    assert check_layer(SortedRows(), TIED_ROW, raise_exception=False).verdict.name == "INCONCLUSIVE"
    report = check_layer(Unsorted(), TIED_ROW, raise_exception=False)
    assert report.verdict is Verdict.FAIL
    assert all(entry.index[0] != 0 for entry in report.worst)  # the tied row is nobody's fault


def test_an_error_far_larger_than_the_corner_is_no_corner():
    class Tenfold(SortedRows):
        def backward(self, dout):
            return 10 * super().backward(dout)

    assert check_layer(Tenfold(), TIED_ROW[:1], raise_exception=False).verdict is Verdict.FAIL


def test_numbers_of_very_different_sizes_are_no_corner():
    x = np.array([1e-7, 1.0, 3e-4])
    report = check_vjp(np.square, lambda dout: dout * x, x, raise_exception=False)
    assert report.verdict is Verdict.FAIL
