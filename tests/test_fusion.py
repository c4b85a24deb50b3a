"""A fused optimizer takes the same steps, to the last bit."""

import copy
import pickle
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad.optimizers import fusion

EACH = [mg.SGD, mg.Momentum, mg.Nesterov, mg.AdaGrad, mg.RMSprop, mg.Adam, mg.AdamW]


class Lion(mg.Optimizer):
    """Somebody's own, with a few more operations."""

    states = ("m",)
    elementwise = True

    def rule(self, W, g, lr, t, m):
        c = 0.9 * m + (1 - 0.9) * g
        W -= lr * c / np.abs(-c + 1e-3 / t)
        m *= 0.99
        m += 0.01 * np.square(g)


def numba():
    return pytest.importorskip("numba", reason="numba, the extra `fast`, is not installed")


@pytest.fixture
def _no_array_is_short(monkeypatch):
    monkeypatch.setattr(fusion, "SHORT", -1)


shapes = st.lists(st.integers(0, 3), max_size=3).map(tuple)
numbers = st.floats(-3, 3, width=32) | st.sampled_from([0.0, -0.0, 1e-30, 1e30, np.inf, np.nan])


@pytest.mark.parametrize("make", [*EACH, Lion], ids=lambda make: make.__name__)
@pytest.mark.usefixtures("_no_array_is_short")
@given(
    st.data(), st.lists(shapes, min_size=1, max_size=3), st.sampled_from([np.float32, np.float64])
)
def test_the_loop_has_the_bits_of_the_rule(make, data, sizes, dtype):
    numba()

    def drawn():
        return {
            f"p{i}": np.array(
                [data.draw(numbers) for _ in range(int(np.prod(shape)))], dtype
            ).reshape(shape)
            for i, shape in enumerate(sizes)
        }

    params, plain, loop = drawn(), make(0.1), mg.fused(make(0.1))
    expected = copy.deepcopy(params)
    with np.errstate(all="ignore"):
        for _ in range(3):
            grads = drawn()
            plain.update(expected, grads)
            loop.update(params, grads)
    for key, p in params.items():
        assert np.array_equal(p, expected[key], equal_nan=True)
        for name in plain.states:
            assert np.array_equal(
                getattr(loop, name)[key], getattr(plain, name)[key], equal_nan=True
            )


def test_long_arrays_run_in_the_loop_and_short_ones_in_numpy(monkeypatch):
    numba()
    sizes, compiled = [], fusion._compiled

    def counted(source):
        def loop(W, *rest):
            sizes.append(W.size)
            compiled(source)(W, *rest)

        return loop

    monkeypatch.setattr(fusion, "_compiled", counted)
    params = {"long": np.zeros(100_000), "short": np.zeros(10), "half": np.zeros(10**5, np.float16)}
    mg.fused(mg.SGD(1.0)).update(params, {key: np.ones_like(p) for key, p in params.items()})
    assert sizes == [100_000, 100_000]  # float16 is worked on in float32
    assert all((p == -1).all() for p in params.values())


@pytest.mark.parametrize("twin", [copy.deepcopy, lambda o: pickle.loads(pickle.dumps(o))])
def test_a_copy_is_fused_too(twin):
    numba()
    optimizer = twin(mg.fused(mg.Adam(0.1)))
    assert repr(optimizer) == "Adam(lr=0.1, beta1=0.9, beta2=0.999, eps=1e-08, fused=True)"


# ---- refusals ------------------------------------------------------------------------------------
def exponential(self, W, g, lr, t):
    W -= lr * np.exp(g)


def branching(self, W, g, lr, t):
    W -= lr * g if W else g


def comparing(self, W, g, lr, t):
    W -= lr * g * (g > 0)


def summing(self, W, g, lr, t):
    W -= lr * np.add.reduce(g)


def with_an_array(self, W, g, lr, t):
    W -= np.arange(5.0) * g


def rounding(self, W, g, lr, t):
    W -= np.float32(lr) * g


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        (exponential, "not np.exp"),
        (branching, "decide by an entry"),
        (comparing, "not np.greater"),
        (summing, "np.add in this form"),
        (with_an_array, "Python's numbers, not with array"),
        (rounding, "Python's numbers, not with np.float32"),
    ],
)
def test_what_cannot_be_written_for_one_entry_is_refused(rule, reason):
    numba()
    own = type("Own", (mg.Optimizer,), {"rule": rule, "elementwise": True})
    with pytest.raises(TypeError, match=reason):
        mg.fused(own(0.1))


def test_a_rule_of_whole_arrays_is_refused():
    class Normalized(mg.SGD):
        def rule(self, W, g, lr, t):
            W -= lr * g / np.linalg.norm(g)

    with pytest.raises(TypeError, match="elementwise = True, and Normalized does not"):
        mg.fused(Normalized())


def test_without_numba_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "numba", None)
    with pytest.raises(ImportError, match="extra `fast`"):
        mg.fused(mg.SGD())


def test_numba_is_not_imported_unasked():
    code = "import sys, minigrad; minigrad.Adam().update({'W': 1.0}, {'W': 1.0})"
    code += "; print('numba' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "False\n"
