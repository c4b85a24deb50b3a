"""`gradtest` and `assert_gradients`: tests in one line, for whatever has a gradient."""

import os
import pkgutil
import re

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad import testing
from minigrad.testing import GradientError, anything, assert_gradients, gradtest, profiles
from minigrad.testing import strategies as mgst

X = np.array([0.5, 1.0])


class Cube:
    """A layer by hand, wrong for large x alone."""

    def __init__(self, largest=np.inf):
        self.largest = largest

    def forward(self, x):
        self.x = x
        return x**3

    def backward(self, dout):
        return dout * np.where(self.x < self.largest, 3 * self.x**2, 0.0)


class Affine:
    def __init__(self, W, b):
        self.W, self.b = W, b

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, dout):
        self.dW, self.db = self.x.T @ dout, dout.sum(axis=0)
        return dout @ self.W.T


class Unsummed(Affine):
    def backward(self, dout):
        dx = super().backward(dout)
        self.db = dout.copy()
        return dx


# ---- gradtest ------------------------------------------------------------------------------------
ROWS = mgst.arrays(mgst.shapes(2, 2, max_side=2))
test_of_a_function = gradtest(np.tanh, mgst.arrays())
test_of_two_arguments = gradtest(np.logaddexp, ROWS, ROWS.map(lambda x: x[:1, :1]), contracts=False)
test_of_a_layer = gradtest(Cube(), mgst.arrays(2), contracts=False)
test_of_a_pair = gradtest((np.sin, lambda dout, x: dout * np.cos(x)), ROWS, contracts=False)
test_of_a_network = gradtest(
    mg.mlp([2, 2], rng=0),
    mgst.arrays((3, 2)),
    mgst.labels(3, 2),
    contracts=False,
)


@gradtest(mgst.layers(3, 2), mgst.arrays((2, 3)), contracts=False)
def test_of_the_function_below_where_what_is_no_array_is_constant(layer, x):
    return layer(x)


CLAIMED = []


@gradtest(np.tanh, mgst.arrays(2), contracts=False)
def test_of_a_claim_beside_the_gradient(x):
    CLAIMED.append(x)
    assert np.all(np.abs(np.tanh(x)) < 1)


def test_the_claim_was_looked_at_with_the_name_and_the_words_of_the_function():
    test_of_a_claim_beside_the_gradient()
    assert CLAIMED
    assert test_of_a_claim_beside_the_gradient.__name__ == "test_of_a_claim_beside_the_gradient"


def failure(test):
    """What a person is told: the report, and the example below it."""
    with pytest.raises(AssertionError) as caught:
        test()
    return str(caught.value), re.sub(r"#.*|\s", "", "".join(caught.value.__notes__))


def test_a_function_without_a_name_is_tested_too():
    few = settings(max_examples=3, deadline=None)
    test = gradtest(lambda x: x**2, mgst.arrays(1), settings=few)
    test()
    assert test.__name__.isidentifier()


def test_a_wrong_gradient_is_found_and_its_example_is_small():
    many = settings(max_examples=300, deadline=None)  # so that a number above 1.5 is among them
    test = gradtest(Cube(largest=1.5), mgst.arrays(), contracts=False, settings=many)
    report, example = failure(test)
    assert report.startswith("FAIL  Cube: wrong gradient, dx in 1 of 1 entries")
    assert "test_Cube(x=array(2.),)" in example or "test_Cube(x=array(1.5" in example


def test_a_false_claim_is_found():
    @gradtest(np.tanh, mgst.arrays(), contracts=False)
    def test(x):
        assert np.all(x > 0)

    assert "x=array(-1.)" in failure(test)[1]


def test_hypothesis_climbs_to_the_largest_error_over_its_bar(monkeypatch):
    seen = []
    monkeypatch.setattr("hypothesis.target", lambda ratio, label: seen.append((ratio, label)))
    gradtest(np.tanh, mgst.arrays(2), contracts=False)()
    assert {label for _, label in seen} == {"error over bar"}
    assert all(np.isfinite(ratio) and ratio < 1 for ratio, _ in seen)


def test_points_of_which_nothing_is_known_are_drawn_again():
    @gradtest(st.sampled_from([np.array([1.0]), np.array([-1.0])]), contracts=False)
    def test(x):
        return np.log(x)  # not finite, which is inconclusive

    test()


def test_settings_are_hypothesis_own():
    drawn = []

    @gradtest(np.tanh, mgst.arrays(1), settings=settings(max_examples=3, deadline=None))
    def test(x):
        drawn.append(x)

    test()
    assert len(drawn) <= 3


@pytest.mark.parametrize("arguments", [(), (np.tanh,), (mgst.arrays(), np.tanh), (np.tanh, np.sin)])
def test_what_makes_no_test_is_refused(arguments):
    with pytest.raises(TypeError, match="a strategy for each of its arguments"):
        gradtest(*arguments)


# ---- assert_gradients ----------------------------------------------------------------------------
@pytest.mark.parametrize(
    "thing",
    [
        mg.Affine(3, 2, rng=0),
        mg.Affine,
        mg.Dropout(0.5, rng=0),
        mg.wrap(Affine(np.ones((6, 2)), np.zeros(2)), {"W": "dW", "b": "db"}),
        mg.SoftmaxWithLoss(),
        mg.mlp([4, 3, 2], activation="tanh", rng=0),
        Affine,
        Affine(np.ones((6, 2)), np.zeros(2)),
        np.exp,
        (np.exp, lambda dout, y: dout * y),
    ],
    ids=lambda thing: getattr(thing, "__name__", type(thing).__name__),
)
def test_one_line_is_a_test(thing):
    assert assert_gradients(thing, contracts=False).ok


class BookNet:
    """A net as in the book: loss, gradient, and params in a dict."""

    def __init__(self, input_size, output_size):
        rng = np.random.default_rng(0)
        self.params = {"W": rng.normal(size=(input_size, output_size)), "b": np.zeros(output_size)}

    def probabilities(self, x):
        e = np.exp(x @ self.params["W"] + self.params["b"])
        return e / e.sum(axis=1, keepdims=True)

    def loss(self, x, t):
        return -np.mean(np.log(self.probabilities(x)[np.arange(len(t)), t]))

    def gradient(self, x, t):
        d = (self.probabilities(x) - np.eye(len(self.params["b"]))[t]) / len(t)
        return {"W": x.T @ d, "b": d.sum(axis=0)}


class TwiceTheBias(BookNet):
    def gradient(self, x, t):
        grads = super().gradient(x, t)
        return grads | {"b": 2 * grads["b"]}


def test_a_net_of_the_book_is_right_and_its_mistake_is_found():
    report = assert_gradients(BookNet, contracts={"overflows for large inputs": False})
    assert [found.name for found in report.checks if found.order] == ["dW", "db"]
    with pytest.raises(GradientError, match="wrong gradient, db in 4 of 4"):
        assert_gradients(TwiceTheBias)


def test_what_is_wrong_raises_the_report():
    with pytest.raises(GradientError, match="FAIL  Unsummed") as caught:
        assert_gradients(Unsummed)
    assert caught.value.report.notes[0] == "tried on Unsummed(W (3, 4), b (4,)), x (5, 3)"


def test_inputs_and_options_are_handed_on():
    x = np.linspace(0.1, 1, 6)
    report = assert_gradients(Cube(), x, contracts=False, rtol=1e-4)
    assert report.evidence.inputs["x"].shape == (6,)
    assert not any("tried on" in note for note in report.notes)
    assert assert_gradients(mg.Dropout(0.5, rng=0), x, train_flag=False).ok


def test_backward_is_given_what_it_asks_for_by_name():
    def forward(x, w):
        return x * w

    def by_inputs(dout, x, w):
        return dout * w, dout * x

    def by_output(dout, y, w):
        return dout * w, dout * y / w

    def by_context(dout, ctx):
        return dout * ctx[1], dout * ctx[0]

    for backward in (by_inputs, by_output):
        assert assert_gradients((forward, backward), X, 3 * X, contracts=False).ok
    with_context = (lambda x, w: (x * w, (x, w))), by_context
    assert assert_gradients(with_context, X, 3 * X, contracts=False).ok


def test_a_guess_that_may_be_wrong_accuses_nobody():
    class LearnedScale:  # s is one number: of any other shape, its gradient would be wrong
        def __init__(self, s):
            self.s = s

        def forward(self, x):
            self.x = x
            return self.s * x

        def backward(self, dout):
            self.ds = np.sum(dout * self.x)
            return dout * self.s

    with pytest.raises(GradientError) as caught:
        assert_gradients(LearnedScale)
    assert caught.value.report.verdict.name == "INCONCLUSIVE"
    assert "say which it is made for" in str(caught.value)
    assert assert_gradients(LearnedScale, s=np.array(2.0)).ok


def test_an_input_on_which_backward_raises_was_perhaps_a_wrong_guess():
    class Image:
        def forward(self, x):
            return x.sum(axis=(-1, -2))

        def backward(self, dout):
            return np.broadcast_to(dout[:, :, None, None], (2, 3, 6, 5)).copy()

    report = assert_gradients(Image, contracts=False)
    assert report.notes[0] == "tried on x (2, 3, 6, 5)"
    assert "on x (5, 3) its backward raised IndexError" in report.notes[-1]


@pytest.mark.parametrize(
    ("thing", "words"),
    [
        (3, "int cannot be checked: it has no forward and backward"),
        (type("Half", (), {"forward": lambda self, x: x}), "Half has a forward and no backward"),
        (type("Back", (), {"backward": lambda self, g: g})(), "Back has a backward and no forward"),
    ],
)
def test_what_cannot_be_checked_is_a_type_error(thing, words):
    with pytest.raises(TypeError, match=words):
        assert_gradients(thing)


# ---- profiles ------------------------------------------------------------------------------------
@pytest.mark.parametrize(("profile", "inputs"), [("dev", 1), ("ci", 3), ("thorough", 20)])
def test_a_profile_says_how_many_inputs_and_examples(profile, inputs, monkeypatch):
    monkeypatch.setenv(profiles.VARIABLE, profile)
    seeds, examples = [], []
    checked = anything.checked
    monkeypatch.setattr(
        anything, "checked", lambda *given: seeds.append(given[2]) or checked(*given)
    )
    assert_gradients(np.tanh, contracts=False)
    assert seeds == list(range(inputs))
    if profile == "dev":
        gradtest(np.tanh, mgst.arrays().map(lambda x: examples.append(x) or x), contracts=False)()
        assert len(examples) <= 20


def test_an_unknown_profile_is_refused(monkeypatch):
    monkeypatch.setenv(profiles.VARIABLE, "fast")
    with pytest.raises(ValueError, match="must be one of dev, ci, thorough, not 'fast'"):
        profiles.chosen()


def test_without_a_profile_nothing_is_changed():
    assert os.environ.get(profiles.VARIABLE) is None
    assert profiles.chosen() == profiles.DEFAULT


def test_no_public_name_is_a_module_of_the_same_name():
    names = set(testing.__all__) - {"strategies"}
    assert not names & {found.name for found in pkgutil.iter_modules(testing.__path__)}
