"""Checks on made-up inputs: a guess accuses nobody; and layers in both of their modes."""

import numpy as np
import pytest
from zoo import TWINS, Pair
from zoo_checked import spread

import minigrad as mg
from minigrad.testing import GradientError, Verdict, assert_gradients, check_layer
from minigrad.testing.anything import checked

X = np.random.default_rng(0).normal(size=(4, 3))
ACCUSED_BEFORE = {
    *("batch matmul", "weight-norm", "language loss", "distillation", "rnn over time"),
    *("additive scores", "weighted mean", "outer sum", "blend"),
}


def guessed(specimen):
    layer = specimen.layer(np.random.default_rng(0))
    thing = tuple(layer) if isinstance(layer, Pair) else specimen.kind
    return checked(thing, None, 0, {"diagnose": False})


def test_no_right_layer_is_accused_on_inputs_that_were_made_up():
    some = [one for one in TWINS if one.name in ACCUSED_BEFORE]
    assert len(some) == len(ACCUSED_BEFORE)
    found = {one.name: guessed(one) for one in [*some, *spread(TWINS, 9)]}
    assert {name: str(r) for name, r in found.items() if r.verdict is Verdict.FAIL} == {}


def test_what_raises_on_a_guess_says_that_the_inputs_were_made_up():
    class Gathered:
        def forward(self, x, y):
            self.shape = x.shape
            return x * y

        def backward(self, dout):
            return np.reshape(dout, (-1, 17)), np.reshape(dout, (-1, 17))

    report = checked(Gathered, None)
    assert report.verdict is Verdict.INCONCLUSIVE
    assert "these inputs were made up: say what it is made for" in report.reason


def test_a_gradient_tells_the_shape_that_a_guess_should_have_had():
    class PReLU:  # a slope for each feature; a number is guessed for it
        def __init__(self, alpha):
            self.alpha = alpha

        def forward(self, x):
            self.x = x
            return np.where(x > 0, x, self.alpha * x)

        def backward(self, dout):
            self.dalpha = (dout * np.minimum(self.x, 0)).sum(axis=0)
            return dout * np.where(self.x > 0, 1, self.alpha)

    class Mean(PReLU):
        def backward(self, dout):
            dx = super().backward(dout)
            self.dalpha = self.dalpha / len(dx)
            return dx

    report = checked(PReLU, None)
    assert report.verdict is Verdict.INCONCLUSIVE
    assert "PReLU(alpha (3,))" in report.reason
    assert check_layer(PReLU(np.full(3, 0.2)), X).ok
    with pytest.raises(GradientError, match="dalpha in 3 of 3 entries"):
        check_layer(Mean(np.full(3, 0.2)), X)
    with pytest.raises(GradientError, match="dalpha: has shape"):  # a number is not left out
        check_layer(PReLU(0.2), X)


def test_a_number_beside_a_constant_step_is_no_parameter():
    class Step:
        def __init__(self):
            self.t, self.dt = 1.0, 0.1

        def forward(self, x):
            return x * self.t

        def backward(self, dout):
            return dout * self.t

    report = check_layer(Step(), X)
    assert [found.name for found in report.checks if found.order] == ["dx"]


class Drop:
    """Dropout whose backward knows its mode."""

    def __init__(self):
        self.rng = np.random.default_rng(0)

    def forward(self, x, train_flag=True):
        self.factor = self.rng.random(x.shape) > 0.5 if train_flag else 0.5
        return x * self.factor

    def backward(self, dout):
        return dout * self.factor


class Forgets(Drop):
    """Its backward follows the rule of training in testing too."""

    def forward(self, x, train_flag=True):
        y = super().forward(x, train_flag)
        self.factor = self.factor if train_flag else 1.0
        return y


def test_both_modes_are_looked_at_and_named():
    report = check_layer(Drop(), X)
    gradients = [found.name for found in report.checks if found.order]
    assert gradients == ["dx, train_flag=True", "dx, train_flag=False"]
    assert report.notes[-1] == "looked at with train_flag=True and with train_flag=False"
    assert check_layer(Forgets(), X, train_flag=True).ok
    with pytest.raises(GradientError, match="Forgets with train_flag=False: wrong gradient, dx in"):
        check_layer(Forgets(), X)


def test_the_mode_that_is_given_is_the_only_one():
    for report in (check_layer(Drop(), X, train_flag=False), check_layer(Drop(), X, True)):
        assert [found.name for found in report.checks if found.order] == ["dx"]


def test_a_layer_that_must_see_a_batch_before_it_is_tested_sees_one():
    class Centred:
        mean = None

        def forward(self, x, training=True):
            self.training = training
            if training:
                self.mean = x.mean(axis=0)
                return x - x.mean(axis=0)
            return x - self.mean[None]

        def backward(self, dout):
            return dout - dout.mean(axis=0) if self.training else dout.copy()

    report = check_layer(Centred(), X)
    assert "dx, training=False" in [found.name for found in report.checks]


def test_random_numbers_that_nobody_can_draw_again_are_no_failure_in_either_mode():
    class Unseeded(Drop):
        def forward(self, x, train_flag=True):
            self.factor = np.random.default_rng().random(x.shape) > 0.5 if train_flag else 0.5
            return x * self.factor

    report = check_layer(Unseeded(), X, raise_exception=False)
    assert report.verdict is Verdict.INCONCLUSIVE
    assert "Unseeded with train_flag=True: forward gives other numbers each time" in str(report)


def test_our_dropout_passes_in_both():
    assert assert_gradients(mg.Dropout(0.4, rng=0), X).ok


class Solved:
    """x = A⁻¹ b, of one right-hand side, or of several."""

    def __init__(self):
        self.sign = -1

    def forward(self, A, b):
        self.A, self.x = A, np.linalg.solve(A, b)
        return self.x

    def backward(self, dx):
        db = np.linalg.solve(self.A.T, dx)
        return self.sign * np.outer(db, self.x), db


class SolvedColumns(Solved):
    def backward(self, dx):
        db = np.linalg.solve(self.A.T, dx)
        return self.sign * db @ self.x.T, db


@pytest.mark.parametrize(("kind", "b"), [(Solved, "b (4,)"), (SolvedColumns, "b (4, 3)")])
def test_equations_are_tried_with_a_vector_and_with_columns(kind, b):
    right = checked(kind, None)
    assert right.verdict is Verdict.PASS
    assert right.notes[0] == f"tried on A (4, 4), {b}"

    class Wrong(kind):
        def __init__(self):
            self.sign = 1

    wrong = checked(Wrong, None)
    assert wrong.verdict is Verdict.FAIL
    assert "wrong sign" in str(wrong)
