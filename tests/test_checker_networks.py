"""Networks of many layers: the layer to blame in seconds, and no wrong gradient is overlooked."""

import io
from typing import ClassVar

import numpy as np

import minigrad as mg
from minigrad.testing import check_layer, check_network, waiting
from minigrad.testing.evidence.jacobian import MOST_TOGETHER
from minigrad.testing.subjects import subject


class Bad(mg.Layer):
    def forward(self, x):
        self.mask = x > 0
        return x * self.mask

    def backward(self, dout):
        return dout * self.mask * 1.02


class Dense(mg.Layer):
    """An affine layer whose db is off by a thousandth, if one wants."""

    param_grads: ClassVar = {"W": "dW", "b": "db"}

    def __init__(self, n, seed, slip=0.0):
        self.W = np.random.default_rng(seed).normal(size=(n, n)) / np.sqrt(n)
        self.b, self.slip = np.zeros(n), slip

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, dout):
        self.dW, self.db = self.x.T @ dout, dout.sum(axis=0) * (1 + self.slip)
        return dout @ self.W.T


def deep(count, width, activation=mg.ReLU, **changed):
    inner = [
        layer
        for i in range(count)
        for layer in (mg.Affine(width, width, rng=i), changed.get(f"at_{i}") or activation())
    ]
    last = mg.Affine(width, 3, rng=99)
    return mg.Sequential(*inner, last, loss=mg.SoftmaxWithLoss())


def batch(width):
    rng = np.random.default_rng(0)
    return rng.normal(size=(8, width)), rng.integers(0, 3, 8)


def test_the_layer_to_blame_in_a_deep_network_leads_a_short_report():
    net = deep(12, 6, at_9=Bad())
    report = check_network(net, *batch(6), raise_exception=False)
    head, *rest = str(report).splitlines()
    assert head.startswith("FAIL  Sequential: its layer Bad at net[19] is wrong")
    assert len(head) <= 100
    assert len(rest) <= 45
    assert "return dout * self.mask * 1.02" in str(report)
    assert report.evaluations < 1500  # entry by entry it takes 7,000
    assert report.to_dict()["culprit"] == "Bad at net[19]"


def test_a_layer_made_of_layers_is_blamed_in_the_same_way():
    report = check_layer(
        deep(4, 8, at_1=Bad()), batch(8)[0], contracts=False, raise_exception=False
    )
    assert report.culprit == "Bad at net[3]"


def test_a_small_slip_in_one_gradient_of_a_deep_network_is_seen():
    """Behind eight sigmoids the gradient is a hundred thousand times smaller than at the end."""
    right = deep(8, 6, mg.Sigmoid, at_0=Dense(6, 7))
    wrong = deep(8, 6, mg.Sigmoid, at_0=Dense(6, 7, slip=1e-3))
    x, t = batch(6)
    assert sum(p.size for p in wrong.params.values()) > MOST_TOGETHER
    assert check_network(right, x, t, contracts=False).ok
    report = check_network(wrong, x, t, contracts=False, diagnose=False, raise_exception=False)
    assert list(report.counts) == ["b2"]


class Counting(mg.Layer):
    """Its output depends on how often it ran since it was copied, but for its training."""

    def __init__(self):
        self.mean = 0.0

    def forward(self, x):
        self.scale = 1 + self.mean**2
        self.mean = 0.5 * self.mean + float(x.mean())
        return x / self.scale

    def backward(self, dout):
        return dout / self.scale


def test_a_layer_that_carries_something_from_call_to_call_is_copied_for_each():
    assert check_layer(deep(4, 8, at_1=Counting()), batch(8)[0], contracts=False).ok


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_who_waits_sees_how_far_it_is_on_a_terminal_only(monkeypatch):
    monkeypatch.setattr(waiting, "PATIENCE", 0)
    monkeypatch.setattr(waiting, "EVERY", 0)
    terminal, file = Terminal(), io.StringIO()
    for stream in (terminal, file):
        with waiting.shown(stream):
            check_layer(mg.Tanh(), np.ones(2), contracts=False)
    assert file.getvalue() == ""
    lines = terminal.getvalue().split("\r")
    assert lines[1].startswith("checking Tanh: 1 evaluations")
    assert lines[-2].strip() == lines[-1] == ""
    assert subject.WATCHERS == []
