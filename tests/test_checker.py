"""The checker: right gradients pass, wrong ones are found, and what cannot be judged is not."""

import json

import numpy as np
import pytest
from composing import by_hand, expressions
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad.testing import (
    GradientError,
    Verdict,
    check_layer,
    check_network,
    check_vjp,
    gradcheck,
)

RNG = np.random.default_rng(0)
X, W, B = RNG.normal(size=(5, 3)), RNG.normal(size=(3, 4)), RNG.normal(size=4)
VALUES = {"contracts": False, "diagnose": False, "raise_exception": False}


class Affine:
    """The book's."""

    def __init__(self, W=W, b=B):
        self.W, self.b = W.copy(), b.copy()

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, dout):
        self.dW = self.x.T @ dout
        self.db = dout.sum(axis=0)
        return dout @ self.W.T


def wrong_at(index, amount):
    class Wrong(Affine):
        def backward(self, dout):
            dx = super().backward(dout)
            self.dW[index] += amount * self.dW[index]
            return dx

    return Wrong()


# ---- right and wrong -----------------------------------------------------------------------------
def test_the_books_affine_passes_and_the_report_says_what_was_looked_at():
    report = check_layer(Affine(), X)
    assert report.ok
    assert report.verdict is Verdict.PASS
    text = str(report)
    assert text.startswith("PASS  Affine")
    for said in (
        "dx: all 15 entries right",
        "dW: all 12",
        "db: all 4",
        "W with dW",
        "changes dout",
    ):
        assert said in text
    assert report.worst == []
    assert 0 <= report.worst_ratio < 1


@pytest.mark.parametrize("amount", [1.0, -2.0, 1e-2, 1e-5])
@given(row=st.integers(0, 2), column=st.integers(0, 3))
def test_one_wrong_entry_is_found_and_named(amount, row, column):
    report = check_layer(wrong_at((row, column), amount), X, **VALUES)
    assert report.verdict is Verdict.FAIL
    assert {(one.name, one.index) for one in report.worst} == {("W", (row, column))}
    worst = report.worst[0]
    assert worst.yours == pytest.approx((1 + amount) * worst.numerical)
    assert worst.bar < 1e-9
    assert f"W[{row}, {column}]" in str(report)


def test_the_line_of_the_gradient_is_shown():
    class TwiceTheBias(Affine):
        def backward(self, dout):
            dx = super().backward(dout)
            self.db = 2 * dout.sum(axis=0)
            return dx

    report = check_layer(TwiceTheBias(), X, **VALUES)
    assert "test_checker.py:" in report.where[0]
    assert report.where[1].strip() == "self.db = 2 * dout.sum(axis=0)"


def test_a_failure_is_an_assertion_error_whose_message_is_the_report():
    with pytest.raises(AssertionError, match=r"wrong gradient, dW in 1 of 12 entries") as caught:
        check_layer(wrong_at((1, 2), 0.5), X, diagnose=False)
    assert isinstance(caught.value, GradientError)
    assert str(caught.value) == str(caught.value.report)


def test_a_gradient_of_a_billionth_is_judged_by_its_own_size():
    for factor, verdict in ((1.0, Verdict.PASS), (-5.0, Verdict.FAIL), (1.01, Verdict.FAIL)):

        def backward(dout, factor=factor):
            return factor * 1e-9 * dout

        assert check_vjp(lambda x: 1e-9 * x, backward, X, **VALUES).verdict is verdict


def test_a_softmax_without_derivative_does_not_hide_behind_ones():
    def softmax(x):
        e = np.exp(x - x.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True)

    assert check_vjp(softmax, np.zeros_like, X, **VALUES).verdict is Verdict.FAIL


def test_a_missing_gradient_and_a_wrong_shape_are_failures():
    class NoBias(Affine):
        def backward(self, dout):
            self.dW = self.x.T @ dout
            return dout @ self.W.T

    report = check_layer(NoBias(), X, param_grads={"W": "dW", "b": "db"}, **VALUES)
    assert report.verdict is Verdict.FAIL
    assert "db: backward made none" in str(report)

    class BiasOfEveryRow(NoBias):
        def backward(self, dout):
            self.db = dout.copy()
            return super().backward(dout)

    report = check_layer(BiasOfEveryRow(), X, **VALUES)
    assert "db: has shape (5, 4), and b has (4,)" in str(report)


# ---- subjects of every kind ----------------------------------------------------------------------
def test_functions_in_both_modes_and_orders():
    report = gradcheck(lambda x, w: np.tanh(x @ w), X, W, order=3, contracts=False)
    names = [found.name for found in report.checks]
    assert names[:3] == ["dx", "dw", "forward mode"]
    assert names[3:] == [f"derivative {n} by {x}" for n in (2, 3) for x in "xw"]


def test_a_wrong_second_derivative_is_found_though_the_first_is_right():
    @mg.primitive(lambda g, y, x: g * np.cos(x.data if isinstance(x, mg.Tensor) else x))
    def sine(x):
        return np.sin(x)

    assert gradcheck(sine, X, **VALUES).ok
    report = gradcheck(sine, X, order=2, **VALUES)
    assert [f.name for f in report.checks if f.verdict is Verdict.FAIL] == ["derivative 2 by x"]


def test_wrong_rules_are_wrong_in_both_modes():
    report = gradcheck(mg.primitive(lambda g, y, x: 2 * g)(lambda x: x * 1.0), X, **VALUES)
    assert {f.name for f in report.checks if f.verdict is Verdict.FAIL} == {"dx", "forward mode"}


def test_layers_of_ours_and_their_parameters():
    layers = [mg.Affine(3, 2, rng=0), mg.ReLU(), mg.Softmax(), mg.Dropout(0.4, rng=1)]
    for layer in layers:
        assert check_layer(layer, X, contracts=False).ok
    report = check_layer(mg.SoftmaxWithLoss(), X, np.array([0, 1, 2, 0, 1]), contracts=False)
    assert [f.name for f in report.checks] == ["dx"]


def test_networks_ours_and_the_books():
    t = np.array([0, 1, 1, 0, 1])
    assert check_network(mg.mlp([3, 4, 2], dropout=0.3, rng=0), X, t, contracts=False).ok

    class TwoLayerNet:
        def __init__(self, factor):
            self.params = {"W1": W.copy(), "b1": B.copy()}
            self.factor = factor

        def loss(self, x, t):
            return 0.5 * np.sum((x @ self.params["W1"] + self.params["b1"] - t) ** 2)

        def gradient(self, x, t):
            error = x @ self.params["W1"] + self.params["b1"] - t
            return {"W1": self.factor * x.T @ error, "b1": error.sum(axis=0)}

    targets = RNG.normal(size=(5, 4))
    assert check_network(TwoLayerNet(1.0), X, targets, contracts=False).ok
    report = check_network(TwoLayerNet(0.5), X, targets, **VALUES)
    assert list(report.counts) == ["W1"]


def test_parameters_are_found_in_lists_too():
    class Book2:
        def __init__(self):
            self.params, self.grads = [W.copy(), B.copy()], [np.zeros_like(W), np.zeros_like(B)]

        def forward(self, x):
            self.x = x
            return x @ self.params[0] + self.params[1]

        def backward(self, dout):
            self.grads[0][...] = self.x.T @ dout
            self.grads[1][...] = dout.sum(axis=1)[:4]
            return dout @ self.params[0].T

    report = check_layer(Book2(), X, **VALUES)
    assert list(report.counts) == ["params[1]"]


@pytest.mark.parametrize("number", [float, np.float64])
def test_a_parameter_that_is_one_number_is_found_where_its_gradient_is_one(number):
    class Slope:
        def __init__(self, alpha, factor=1.0):
            self.alpha, self.factor, self.x = alpha, factor, 0.5

        def forward(self, x):
            self.x = x
            return np.where(x > 0, x, self.alpha * x)

        def backward(self, dout):
            self.dalpha = self.factor * np.sum(dout * np.minimum(self.x, 0.0))
            self.dx = dout * np.where(self.x > 0, 1.0, self.alpha)
            return self.dx

    report = check_layer(Slope(number(0.25)), X, **VALUES)
    assert report.ok
    assert [f.name for f in report.checks] == ["dx", "dalpha"]
    wrong = check_layer(Slope(number(0.25), 2.0), X, **VALUES)
    assert wrong.counts == {"alpha": (1, 1)}


def test_a_cache_that_is_handed_from_forward_to_backward():
    def forward(x, w):
        return x @ w, (x, w)

    def backward(dout, cache):
        x, w = cache
        return dout @ w.T, x.T @ dout

    assert check_vjp(forward, backward, X, W, contracts=False).ok


def test_several_outputs_have_a_cotangent_each():
    class Both:
        def forward(self, x):
            self.x = x
            return np.sin(x), x**2

        def backward(self, d1, d2):
            return d1 * np.cos(self.x) + 2 * d2 * self.x

    assert check_layer(Both(), X, contracts=False).ok


# ---- randomness ----------------------------------------------------------------------------------
class Dropout:
    def __init__(self, draw):
        self.draw = draw

    def forward(self, x):
        self.mask = self.draw(x.shape) > 0.5
        return x * self.mask

    def backward(self, dout):
        return dout * self.mask


def test_random_layers_draw_the_same_numbers_and_nothing_outside_moves():
    generator = np.random.default_rng(1)
    before = generator.bit_generator.state
    legacy = np.random.mtrand
    position = legacy.get_state()[2]
    for draw in (generator.random, lambda shape: generator.random(shape), legacy.random_sample):
        assert check_layer(Dropout(draw), X, contracts=False).ok
    assert generator.bit_generator.state == before
    assert legacy.get_state()[2] == position


def test_randomness_that_nobody_can_repeat_is_said_to_be_the_reason():
    report = check_layer(Dropout(lambda shape: np.random.default_rng().random(shape)), X, **VALUES)
    assert report.verdict is Verdict.INCONCLUSIVE
    assert "forward gives other numbers each time" in report.reason


def test_the_callers_layer_is_not_touched():
    layer = Affine()
    before = {k: v.copy() for k, v in vars(layer).items()}
    check_layer(layer, X, contracts=False)
    assert vars(layer).keys() == before.keys()
    assert all(np.array_equal(vars(layer)[k], v) for k, v in before.items())


# ---- corners -------------------------------------------------------------------------------------
def test_at_a_kink_any_slope_between_is_right_and_none_beyond():
    x = np.array([0.0, 0.0, 1.0, -1.0])

    def with_slope(slope):
        return lambda dout: dout * np.where(x > 0, 1.0, np.where(x == 0, slope, 0.0))

    for slope, ok in ((0.0, True), (0.5, True), (1.0, True), (1.1, False), (-0.1, False)):
        report = check_vjp(lambda x: np.maximum(x, 0), with_slope(slope), x, **VALUES)
        assert report.ok == ok
    assert any("2 of 4 entries of x sit at a kink" in note for note in report.notes)


def test_our_own_graph_names_the_corner_and_its_distance():
    report = gradcheck(lambda x: np.abs(x - 1), np.array([1 + 1e-9, 3.0]), contracts=False)
    assert report.ok
    assert any(
        note.startswith("at a kink: x[0]: np.absolute, entry [0], 1e-09") for note in report.notes
    )


def test_where_several_corners_meet_it_says_so_and_accuses_nobody():
    relu = mg.functions.relu
    report = gradcheck(lambda x: relu(x) - relu(-x), np.zeros(2), **VALUES)
    assert report.verdict is Verdict.INCONCLUSIVE
    assert "sit at a corner of the function" in report.reason


def test_a_jump_is_no_kink():
    report = gradcheck(lambda x: np.where(x > 0.3, x, 0.1 * x), np.array([0.3, 1.0]), **VALUES)
    assert report.verdict is Verdict.INCONCLUSIVE
    assert "1 of 2 entries cannot be judged" in report.reason


def test_points_without_a_derivative_are_inconclusive():
    for f, x in ((np.sqrt, np.zeros(3)), (np.log, np.array([1.0, -1.0]))):
        report = check_vjp(f, lambda dout: dout, x, **VALUES)
        assert report.verdict is Verdict.INCONCLUSIVE


# ---- precision and size --------------------------------------------------------------------------
def test_float32_is_held_to_what_float32_can_do():
    narrow = [a.astype(np.float32) for a in (W, B, X)]
    report = check_layer(Affine(*narrow[:2]), narrow[2], contracts=False)
    assert "dW in float32: right, as far as float32 goes" in str(report)

    class Wrong(Affine):
        def backward(self, dout):
            return super().backward(dout) * (1.001 if dout.dtype == np.float32 else 1)

    report = check_layer(Wrong(*narrow[:2]), narrow[2], **VALUES)
    assert [f.name for f in report.checks if f.verdict is Verdict.FAIL] == ["dx in float32"]


@pytest.mark.parametrize("amount", [1.0, 0.01])
def test_one_wrong_entry_among_many_thousands_is_found(amount):
    place = (7, 31)

    class Large(Affine):
        def backward(self, dout):
            dx = super().backward(dout)
            self.dW[place] *= 1 + amount
            return dx

    layer = Large(RNG.normal(size=(100, 50)), np.zeros(50))
    report = check_layer(layer, RNG.normal(size=(8, 100)), **VALUES)
    assert [(one.name, one.index) for one in report.worst] == [("W", place)]
    assert "at least 1 of 5000" in str(report)


# ---- readable findings, not tracebacks -----------------------------------------------------------
def test_a_layer_that_raises_is_a_finding_with_its_line():
    class Broken(Affine):
        def backward(self, dout):
            return dout @ self.W

    report = check_layer(Broken(), X, **VALUES)
    assert report.verdict is Verdict.FAIL
    assert report.reason.startswith("backward raised ValueError: matmul")
    assert report.where[1].strip() == "return dout @ self.W"
    report = check_layer(Affine(), np.ones((5, 2)), **VALUES)
    assert report.reason.startswith("forward raised ValueError")


def test_what_has_no_derivative_is_said_to_have_none():
    report = check_vjp(lambda x: x > 0, lambda dout: dout, X, **VALUES)
    assert "forward returned an array of bool" in report.reason
    report = check_layer(Affine(), np.ones((2, 3), int), **VALUES)
    assert [f.name for f in report.checks] == ["dW", "db"]
    assert check_vjp(lambda t: 1.0 * t, lambda dout: dout, np.arange(3), **VALUES).verdict is (
        Verdict.INCONCLUSIVE
    )
    with pytest.raises(TypeError, match=r"the class Affine has no forward to call: make an inst"):
        check_layer(Affine, X)


# ---- the report ----------------------------------------------------------------------------------
def test_the_report_is_json_text_and_html():
    report = check_layer(wrong_at((1, 2), 0.5), X, **VALUES)
    found = json.loads(report.to_json())
    assert (found["verdict"], found["ok"]) == ("FAIL", False)
    assert found["worst"][0]["index"] == [1, 2]
    assert found["wrong"] == {"W": {"entries": 1, "of": 12}}
    assert "····\n    ··▓·\n    ····" in str(report)
    html = report._repr_html_()
    assert html.count("<div") == html.count("</div>")
    assert "W[1, 2]" in html


def test_html_is_escaped():
    def forward(x):
        raise ValueError("<script>alert(1)</script>")

    report = check_vjp(forward, lambda dout: dout, X, **VALUES)
    assert "<script>" not in report._repr_html_()
    assert "&lt;script&gt;" in report._repr_html_()


def test_json_has_no_numbers_that_json_does_not_know():
    report = check_layer(Affine(), X, param_grads={"W": "dV", "b": "db"}, **VALUES)
    assert json.loads(report.to_json())["worst_ratio"] == "inf"


# ---- false alarms --------------------------------------------------------------------------------
@given(expression=expressions(), as_a_pair=st.booleans())
def test_no_correct_function_is_accused(expression, as_a_pair):
    if as_a_pair:
        report = check_vjp(*by_hand(expression), *expression.arrays, **VALUES)
    else:
        report = gradcheck(expression, *expression.arrays, **VALUES)
    assert report.ok, report


@given(expression=expressions(at_corners=True))
def test_no_correct_function_is_accused_at_its_corners(expression):
    assert gradcheck(expression, *expression.arrays, **VALUES).verdict is not Verdict.FAIL


def test_what_is_constant_but_for_rounding_is_right_in_both_modes():
    def nothing(x):
        z = np.fft.ifftn(np.sin(x), [2, 4, 4], [-1, -1, -1])
        y = np.real(z) + np.imag(z)
        return y - np.mean(y)

    report = gradcheck(nothing, np.array([0.64758974, 0.47694813, 0.01190742]))
    assert report.verdict is Verdict.PASS


@given(st.integers(0, 2**32 - 1))
def test_the_second_derivative_of_a_constant_accuses_nobody(seed):
    def nothing(x):
        a = x / (1 + np.abs(x))
        return (a - a) / (1 + np.abs(a))

    x = np.random.default_rng(seed).normal(size=3)
    assert gradcheck(nothing, x, order=2, **VALUES).verdict is not Verdict.FAIL


UNITS = st.sampled_from([1e-12, 1e-6, 1e-3, 0.1, 1.0, 100.0, 1e6, 1e12])


@given(st.integers(0, 2**32 - 1), st.integers(2, 5), UNITS)
def test_slopes_of_zero_that_rounding_leaves_something_of_accuse_nobody(seed, n, unit):
    rng = np.random.default_rng(seed)
    u, v = rng.uniform(0.5, 2, (2, n))
    a = unit * np.outer(u, v)  # all its cofactors cancel, from n = 3 on
    report = gradcheck(np.linalg.det, a, contracts=False, diagnose=False, raise_exception=False)
    assert report.verdict is not Verdict.FAIL


@pytest.mark.parametrize("unit", [1.0, 1e-8, 1e-20, 1e12])
def test_no_unit_is_so_small_that_a_wrong_slope_is_put_down_to_rounding(unit):
    def backward(dout):
        return 2 * 100 * unit * dout

    report = check_vjp(lambda x: unit * np.exp(100 * x), backward, np.zeros(()), **VALUES)
    assert report.verdict is Verdict.FAIL
