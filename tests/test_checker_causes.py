"""What a beginner slips on first, and what the headline says of it."""

import numpy as np
import pytest

from minigrad.testing import check_layer, check_vjp

RNG = np.random.default_rng(0)


class Mul:
    def forward(self, a, b):
        self.a, self.b = a, b
        return a * b

    def backward(self, dy):
        return self.b, self.a


class Add:
    def forward(self, a, b):
        return a + b

    def backward(self, dy):
        return 1, 1


class Swapped(Mul):
    def backward(self, dy):
        return dy * self.a, dy * self.b


def said_of(layer, *inputs):
    return check_vjp(layer.forward, layer.backward, *inputs, raise_exception=False)


@pytest.mark.parametrize("kind", [Mul, Add])
def test_who_ignores_dout_is_told_that_and_not_what_he_returns_instead(kind):
    report = said_of(kind(), 3.0, 4.0)
    assert report.cause.label == "ignores dout"
    assert report.cause.remedy.endswith("multiply each of them by dy")


def test_entries_say_for_which_dout():
    shown = [" ".join(line.split()) for line in str(said_of(Swapped(), 3.0, 4.0)).splitlines()]
    assert "for dy = 1:" in shown
    assert any(line.startswith("a yours 3 numerical 4 ±") for line in shown)
    shown = [" ".join(line.split()) for line in str(said_of(Mul(), 3.0, 4.0)).splitlines()]
    assert "for dy = 2:" in shown
    assert any(line.startswith("a yours 4 numerical 8 ±") for line in shown)
    assert "for a dy of 6 random numbers:" in str(said_of(Swapped(), *np.ones((2, 6)) * [[2], [3]]))


class Loss:
    """Mean cross-entropy of softmax; labels come from outside, or as rows of probabilities."""

    def __init__(self, t, subtracts):
        self.t, self.subtracts = t, subtracts

    def forward(self, x):
        powers = np.exp(x - x.max(axis=1, keepdims=True))
        self.p = powers / powers.sum(axis=1, keepdims=True)
        return -np.sum(self.t * np.log(self.p)) / len(x)

    def backward(self, dout):
        return dout * (self.p - self.t * self.subtracts) / len(self.t)


@pytest.mark.parametrize(
    ("t", "words"),
    [
        (np.eye(3)[[1, 2, 0, 1]], "subtract 1 at the right class of each row"),
        (RNG.dirichlet(np.ones(3), 4), "subtract t"),
    ],
    ids=["labels", "probabilities"],
)
def test_targets_that_are_not_subtracted_are_named(t, words):
    x = RNG.normal(size=(4, 3))
    assert check_layer(Loss(t, 1), x, contracts=False).ok
    report = check_layer(Loss(t, 0), x, contracts=False, raise_exception=False)
    assert report.cause.label == "missing term"
    assert "the subtraction of the targets is missing" in report.cause.sentence
    assert words in report.cause.sentence


# ---- the forward is the wrong one ----------------------------------------------------------------
def sigmoid(x):
    return 1 / (1 + np.exp(-x))


class Swish:
    def forward(self, x):
        self.x, self.s = x, 1 / 1 + np.exp(-x)
        return x * self.s

    def backward(self, dout):
        return dout * (self.s + self.x * self.s * (1 - self.s))


class Cubed:
    """The forward is none that anybody knows, and backward is that of a known one."""

    def __init__(self, slope):
        self.slope = slope

    def forward(self, x):
        self.x = x
        return np.exp(x) * x**3

    def backward(self, dout):
        return dout * self.slope(self.x)


HINTS = {
    "parentheses": (Swish(), "forward computes `1 / 1 + np.exp(-x)`: is `1 / (1 + np.exp(-x))`"),
    "sigmoid": (Cubed(lambda x: sigmoid(x) * (1 - sigmoid(x))), "right for the sigmoid: if that"),
    "swish": (Cubed(lambda x: sigmoid(x) * (1 + x - x * sigmoid(x))), "right for swish"),
    "tanh": (Cubed(lambda x: 1 - np.tanh(x) ** 2), "right for tanh"),
    "unknown": (Cubed(lambda x: np.sin(x) + np.exp(-x) / 3), "if forward is wrong, mend that"),
}


@pytest.mark.parametrize("name", HINTS)
def test_a_wrong_forward_is_thought_of(name):
    layer, words = HINTS[name]
    text = " ".join(str(check_layer(layer, RNG.normal(size=5), raise_exception=False)).split())
    assert words in text


def test_a_simple_slip_of_backward_is_not_put_on_the_forward():
    class Halved(Swish):
        def forward(self, x):
            self.x, self.s = x, 1 / (1 + np.exp(-x))
            return x * self.s

        def backward(self, dout):
            return -super().backward(dout)

    report = check_layer(Halved(), RNG.normal(size=5), raise_exception=False)
    assert report.cause.label == "wrong sign"
    assert "forward" not in report.cause.remedy
    assert not any("forward is wrong" in note for note in report.notes)
