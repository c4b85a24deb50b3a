"""Every contract by its name: broken by whom it should be, kept by every twin, and switchable."""

import numpy as np
import pytest
from zoo import CONTRACTS, TWINS, ZOO
from zoo_checked import spread, subject_of

import minigrad as mg
from minigrad.testing import Verdict, check_layer, check_vjp
from minigrad.testing.contracts import contracts

WRONG_CONDUCT = [one for one in ZOO if one.wrong in CONTRACTS]


def broken(specimen, skip=()):
    found = contracts.run(subject_of(specimen), None, skip)
    return {one.name: one for one in found if one.verdict is Verdict.FAIL}


def test_the_contracts_are_those_of_the_zoo():
    assert set(contracts.CONTRACTS) == set(CONTRACTS)


@pytest.mark.parametrize("specimen", WRONG_CONDUCT, ids=lambda one: one.name)
def test_a_broken_contract_is_reported_first_under_its_name_with_its_place(specimen):
    found = broken(specimen)
    assert next(iter(found)) == specimen.wrong
    places = {name.removeprefix("d") for name in specimen.at} | set(specimen.at)
    assert set(found[specimen.wrong].at) & places
    assert len(found[specimen.wrong].sentence.split()) >= 4


@pytest.mark.parametrize("specimen", spread(TWINS, 3), ids=lambda one: one.name)
def test_a_twin_keeps_every_contract(specimen):
    assert broken(specimen) == {}


@pytest.mark.parametrize("specimen", WRONG_CONDUCT[::9], ids=lambda one: one.name)
def test_each_contract_can_be_left_out_by_name(specimen):
    assert specimen.wrong not in broken(specimen, skip=[specimen.wrong])


def test_a_check_leaves_contracts_out_by_name():
    class Passes:
        def forward(self, x):
            return 1 * x

        def backward(self, dout):
            return dout

    def fails(contracts):
        found = check_layer(Passes(), np.ones((2, 3)), contracts=contracts, raise_exception=False)
        return not found.ok

    assert fails(True)
    assert fails(["returns dout itself"])
    assert not fails({"returns dout itself": False})
    assert not fails(["changes dout"])
    assert not fails(False)


@pytest.mark.parametrize("contracts", [{"return dout itself": False}, ["return dout itself"]])
def test_the_name_of_no_contract_is_refused_with_the_nearest(contracts):
    with pytest.raises(ValueError, match="did you mean 'returns dout itself'"):
        check_layer(MaxOfRows(), np.ones((2, 3)), contracts=contracts)


def test_a_gradient_that_promotes_is_a_note_unless_it_is_asked_for():
    class Leaky:
        def forward(self, x):
            self.x = x
            return np.where(x > 0, x, 0.5 * x)

        def backward(self, dout):
            return dout * np.where(self.x > 0, 1, 0.5)

    class Mended(Leaky):
        def backward(self, dout):
            return dout * np.where(self.x > 0, 1, 0.5).astype(dout.dtype)

    x, strict = np.array([[0.5, -1.0], [2.0, -0.3]]), {"promotes to float64": True}
    for given in (x, x.astype(np.float32)):
        report = check_layer(Leaky(), given)
        assert "promotes to float64" in report.notes[-1]
        assert ".astype(dout.dtype)" in report.notes[-1]
        for asked in (strict, ["promotes to float64"]):
            report = check_layer(Leaky(), given, contracts=asked, raise_exception=False)
            assert [f.name for f in report.checks if f.verdict.name == "FAIL"] == list(strict)
        assert check_layer(Mended(), given, contracts=strict).ok


def test_a_gradient_that_loses_digits_fails():
    class Rounded:
        def forward(self, x):
            return 3.0 * x

        def backward(self, dout):
            return (3 * dout).astype(np.float32)

    report = check_layer(Rounded(), np.ones((2, 3)), raise_exception=False)
    assert report.cause.label == "wrong dtype"
    assert "its gradient is float32" in report.cause.sentence


def test_a_contract_that_is_kept_says_its_promise():
    found = contracts.run(subject_of(TWINS[0]), None)
    assert {one.verdict for one in found} == {Verdict.PASS}
    assert all(one.sentence.endswith(".") and len(one.sentence.split()) > 4 for one in found)


def test_looking_at_contracts_leaves_the_layer_as_it_was():
    specimen = next(one for one in ZOO if one.name == "affine: learns in backward")
    layer = specimen.layer(np.random.default_rng(0))
    before = layer.W.copy()
    x = np.random.default_rng(1).normal(size=(5, 3))
    check_layer(layer, x, param_grads=specimen.param_grads, raise_exception=False)
    np.testing.assert_array_equal(layer.W, before)
    assert not hasattr(layer, "x")


def test_a_layer_that_cannot_take_an_empty_batch_or_one_row_is_not_accused():
    class Spread:
        def forward(self, x):
            if len(x) < 2:
                raise ValueError("two rows at least")
            self.x, self.n = x, len(x)
            return x.std(axis=0, ddof=1)

        def backward(self, dout):
            xc = self.x - self.x.mean(axis=0)
            return dout * xc / (self.n - 1) / self.x.std(axis=0, ddof=1)

    x = np.random.default_rng(0).normal(size=(4, 3))
    about = {"not finite at zero": False}
    assert check_layer(Spread(), x, contracts=about, raise_exception=False).ok


@pytest.mark.parametrize(
    "x", [[[0.0, 0.0]], [[0.0, 1.0], [0.0, 2.0]], [[0.0, 0.0], [1.0, 2.0]]], ids=str
)
def test_a_kink_in_the_first_row_is_no_wrong_batch_of_one(x):
    assert check_layer(mg.ReLU(), np.array(x)).ok


class MaxOfRows:
    """The largest of each row; at a tie the first of them gets the gradient."""

    def forward(self, x):
        self.x = x
        return x.max(axis=1)

    def backward(self, dout):
        dx = np.zeros_like(self.x)
        dx[np.arange(len(self.x)), self.x.argmax(axis=1)] = dout
        return dx


class MaxOfOneRow(MaxOfRows):
    def backward(self, dout):
        dx = super().backward(dout)
        return 2 * dx if len(dx) == 1 else dx


def test_a_single_row_that_sits_at_a_kink_is_not_accused():
    x = np.array([[1.0, 1.0, 0.5], [2.0, 1.0, -3.0]])
    assert check_layer(MaxOfRows(), x, raise_exception=False).ok
    report = check_layer(MaxOfOneRow(), x[::-1].copy(), raise_exception=False)
    assert [f.name for f in report.checks if f.verdict is Verdict.FAIL] == [
        "wrong for a batch of one"
    ]


def apart(x):
    return x - np.mean(x)


PAIR = np.array([0.6, 1.9])
FLAT_IN_ONE_ROW = {
    "constant but for rounding": lambda x: apart(np.log(2 + np.abs(apart(PAIR + np.sin(x))))),
    "corner of a square": lambda x: np.sort(np.cumprod(x - x[:1] + [0.0, 0.0, -1.1])) ** 2,
}


@pytest.mark.parametrize(("name", "size"), list(zip(FLAT_IN_ONE_ROW, (2, 3), strict=True)))
def test_a_single_row_without_a_slope_is_not_accused(name, size):
    f, kept = FLAT_IN_ONE_ROW[name], {}

    def forward(x):
        y, kept["pullback"] = mg.vjp(f, x)
        return y

    for seed in range(20):
        x = np.random.default_rng(seed).normal(size=size)
        report = check_vjp(forward, lambda dout: kept["pullback"](dout), x, raise_exception=False)
        assert not [f for f in report.checks if f.verdict is Verdict.FAIL], report


def test_a_backward_that_always_raises_is_not_said_to_fail_for_one_row():
    class Raises(MaxOfRows):
        def backward(self, dout):
            raise ValueError("whatever the batch")

    report = check_layer(Raises(), np.ones((2, 3)), raise_exception=False)
    assert "backward raised ValueError" in report.reason
    assert "wrong for a batch of one" not in [f.name for f in report.checks]
    assert report.cause is None


@pytest.mark.parametrize("size", [1e-8, 1e-4, 1.0, 1e8])
def test_a_single_row_of_small_numbers_is_judged_by_small_steps(size):
    class Direction:
        def __init__(self, factor_of_one=1.0):
            self.factor_of_one = factor_of_one

        def forward(self, x):
            self.x, self.length = x, np.sqrt((x**2).sum(axis=1, keepdims=True))
            return x / self.length

        def backward(self, dout):
            y = self.x / self.length
            dx = (dout - y * (dout * y).sum(axis=1, keepdims=True)) / self.length
            return dx * self.factor_of_one if len(dx) == 1 else dx

    x = size * np.random.default_rng(1).normal(size=(4, 3))
    assert check_layer(Direction(), x, raise_exception=False).ok
    if size <= 1:
        report = check_layer(Direction(2.0), x, raise_exception=False)
        assert "wrong for a batch of one" in str(report.cause)
