"""What the checker says to those who called it oddly, and what it takes apart."""

import subprocess
import sys

import numpy as np
import pytest
from zoo.affine import Affine

import minigrad as mg
from minigrad.testing import GradientError, check_layer, check_vjp, gradcheck

X = np.random.default_rng(0).normal(size=(4, 3))


def test_a_layer_without_inputs_is_told_what_to_give():
    words = r"say what Affine is tried on: check_layer\(layer, x\)"
    for layer in (mg.Affine(3, 2, rng=0), Affine(np.ones((3, 2)), np.zeros(2))):
        with pytest.raises(TypeError, match=words):
            check_layer(layer)
    with pytest.raises(TypeError, match=r"SoftmaxWithLoss is tried on: check_layer\(layer, \w+, t"):
        check_layer(mg.SoftmaxWithLoss(), X)


def test_a_forward_that_reads_another_variable_is_told_so():
    report = check_vjp(lambda a: np.sin(X), lambda dout: dout * np.cos(X), X, raise_exception=False)
    assert "forward gives the same whatever a is" in report.cause.sentence
    quiet = gradcheck(lambda a, b: b * X, X, X)  # right, and worth a note
    assert quiet.notes == ["forward gives the same whatever a is, as far as these inputs show"]


def test_an_axis_counted_from_the_end_is_exchanged_for_another():
    class Softmax:
        def forward(self, x):
            e = np.exp(x - x.max(axis=-2, keepdims=True))
            self.y = e / e.sum(axis=-2, keepdims=True)
            return self.y

        def backward(self, dout):
            return self.y * (dout - (dout * self.y).sum(axis=-1, keepdims=True))

    report = check_layer(Softmax(), np.stack([X, X + 1]), raise_exception=False)
    assert "with axis `-1` exchanged for axis -2" in report.cause.sentence


def test_nested_arguments_are_taken_apart():
    nest = {"W": [X, X + 1], "b": (X[0], 2), "t": np.array([1, 0])}

    def f(p, scale):
        y = np.tanh(p["W"][0] * p["W"][1] + p["b"][0]) ** p["b"][1]
        return {"y": y[p["t"]] * scale}

    report = gradcheck(f, nest, 3.0, order=2)
    gradients = [one.at[0] for one in report.checks if one.name.startswith("the gradient of")]
    assert gradients == ["p['W'][0]", "p['W'][1]", "p['b'][0]"]

    @mg.primitive(lambda g, y, x: 2 * g)
    def identity(x):
        return 1.0 * x

    with pytest.raises(GradientError, match=r"p\['W'\]\[1\]\[\d, \d\]: yours|p\['W'\]\[1\]"):
        gradcheck(lambda p: p["W"][0] + identity(p["W"][1]), nest)


def test_a_closed_pipe_is_no_error(tmp_path):
    (tmp_path / "mine.py").write_text("import numpy as np\ndef f(x): return np.tanh(x)\n")
    command = f"{sys.executable} -m minigrad check mine.py::f | true"
    done = subprocess.run(command, shell=True, cwd=tmp_path, capture_output=True, text=True)
    assert done.stderr == ""


def test_a_large_array_gets_a_cause_too():
    class Averaged(Affine):
        def backward(self, dout):
            dx = super().backward(dout)
            self.dW = self.dW / len(dout)
            return dx

    rng = np.random.default_rng(0)
    layer = Averaged(rng.normal(size=(60, 20)), np.zeros(20))
    report = check_layer(layer, rng.normal(size=(8, 60)), raise_exception=False)
    assert "dW in at least" in str(report)
    assert report.cause.label == "divided by the batch size once too often"
    assert "8 rows" in report.cause.sentence
