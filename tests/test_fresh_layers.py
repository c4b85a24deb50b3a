"""Layers that the checker had never seen: right ones that look wrong, wrong ones and why."""

from typing import ClassVar

import numpy as np
import pytest

import minigrad as mg
from minigrad.testing import check_layer, check_network, check_vjp
from minigrad.testing.anything import checked
from minigrad.testing.command import examined

RNG = np.random.default_rng(3)


def normal(*shape):
    return RNG.normal(size=shape)


# ---- right, though it looks wrong ----------------------------------------------------------------
class Recurrent:
    """The book's: the state goes on from batch to batch."""

    def __init__(self, Wh):
        self.Wh, self.h = Wh, 0.0

    def forward(self, x):
        self.before = self.h
        self.h = np.tanh(x + self.before @ self.Wh if np.ndim(self.before) else x)
        return self.h.copy()

    def backward(self, dout):
        dt = dout * (1 - self.h**2)
        self.dWh = self.before.T @ dt if np.ndim(self.before) else np.zeros_like(self.Wh)
        return dt


class Running:
    """Divides by a mean of the batches before this one."""

    def __init__(self):
        self.scale = 1.0

    def forward(self, x):
        self.used = self.scale
        self.scale = 0.9 * self.scale + 0.1 * float(np.abs(x).mean())
        return x / self.used

    def backward(self, dout):
        return dout / self.used


class Slotted:
    """Parameters behind a property, which makes its dict anew each time."""

    __slots__ = ("_W", "_dW", "_x")

    def __init__(self, W):
        self._W, self._dW = W, None

    @property
    def params(self):
        return {"W": self._W}

    @property
    def grads(self):
        return {"W": self._dW}

    def forward(self, x):
        self._x = x
        return x @ self._W

    def backward(self, dout):
        self._dW = self._x.T @ dout
        return dout @ self._W.T


class Lazy:
    """Makes its weights when it sees how wide the input is."""

    W = None

    def forward(self, x):
        if self.W is None:
            self.W = np.linspace(-1, 1, x.shape[1] * 2).reshape(-1, 2)
        self.x = x
        return x @ self.W

    def backward(self, dout):
        self.dW = self.x.T @ dout
        return dout @ self.W.T


class MaskedMean:
    def forward(self, x, mask):
        self.mask, self.n = mask, np.maximum(mask.sum(axis=1, keepdims=True), 1)
        return (x * mask[..., None]).sum(axis=1) / self.n

    def backward(self, dout):
        return self.mask[..., None] * (dout / self.n)[:, None, :]


@pytest.mark.parametrize(
    ("layer", "x"),
    [
        (Recurrent(normal(3, 3)), normal(4, 3)),
        (Running(), normal(4, 3)),
        (Slotted(normal(3, 2)), normal(4, 3)),
        (Lazy(), normal(4, 3)),
        (mg.Tanh(), normal(4, 3).astype(np.float16)),
    ],
)
def test_what_is_right_is_not_accused(layer, x):
    report = check_layer(layer, x)
    assert report.ok


def test_what_forward_carries_from_call_to_call_is_said():
    notes = check_layer(Running(), normal(4, 3)).notes
    assert "carries something from call to call" in notes[0]


def test_a_mean_that_hangs_on_this_batch_too_is_no_constant():
    class Forgets(Running):
        def forward(self, x):
            super().forward(x)
            self.used = self.scale
            return x / self.used

    report = check_layer(Forgets(), normal(4, 3), raise_exception=False)
    assert report.cause.label == "detached part"
    assert "`np.abs(x)`" in report.cause.sentence


def test_state_does_not_excuse_a_backward_that_uses_the_first_forward():
    class First(Running):
        kept = None

        def forward(self, x):
            self.kept = x if self.kept is None else self.kept
            return super().forward(x) * x

        def backward(self, dout):
            return 2 * self.kept * dout / self.used

    report = check_layer(First(), normal(4, 3), raise_exception=False)
    assert report.cause.label == "stale cache"


def test_the_weights_that_the_first_forward_makes_are_checked():
    class Halved(Lazy):
        def backward(self, dout):
            dx = super().backward(dout)
            self.dW = self.dW / 2
            return dx

    report = check_layer(Halved(), normal(4, 3), raise_exception=False)
    assert list(report.counts) == ["W"]


def test_a_made_up_mask_that_broadcasts_accuses_nobody():
    assert checked(MaskedMean(), None).verdict.name == "INCONCLUSIVE"
    assert check_layer(MaskedMean(), normal(2, 3, 4), np.array([[1, 1, 0], [0, 0, 0]])).ok


# ---- what was not looked at ----------------------------------------------------------------------
class Ignoring:
    """Cross-entropy, with −1 for what is not to be counted, divided by all."""

    def forward(self, x, t):
        e = np.exp(x - x.max(axis=1, keepdims=True))
        self.y, self.t, self.valid = e / e.sum(axis=1, keepdims=True), t, t != -1
        return -np.log(self.y[np.arange(len(t)), t])[self.valid].sum() / self.valid.sum()

    def backward(self, dout=1.0):
        dx = self.y.copy()
        dx[np.arange(len(self.t)), self.t] -= 1
        return dout * dx * self.valid[:, None] / len(self.t)


def test_labels_are_made_up_that_forward_asks_for():
    report = checked(Ignoring(), None)
    assert report.verdict.name == "FAIL"
    assert "`len(self.t)` = 5, and in the forward" in report.cause.sentence
    assert "`self.valid.sum()` = 4" in report.cause.sentence


def test_a_condition_that_came_out_alike_everywhere_is_named():
    class Clipped:
        def forward(self, x):
            self.inside = x < 3
            return np.where(self.inside, x, 3)

        def backward(self, dout):
            return dout * 1.0  # right below 3, and nobody looks above

    notes = check_layer(Clipped(), np.array([0.5, -1.0])).notes
    assert [note for note in notes if "where `x < 3` (line" in note and note.endswith("is false")]
    assert not [note for note in check_layer(mg.ReLU(), normal(4, 3)).notes if "looked at" in note]
    assert checked(Clipped(), None).verdict.name == "FAIL"  # made-up inputs go there


# ---- wrong, and why ------------------------------------------------------------------------------
class Scaled(mg.Layer):
    param_grads: ClassVar = {"gamma": "dgamma"}

    def __init__(self, n):
        self.gamma = np.linspace(0.5, 1.5, n)

    def forward(self, x):
        self.x = x
        return x * self.gamma

    def backward(self, dout):
        self.dgamma = (dout * self.x).mean(axis=0)
        return dout * self.gamma


def test_the_layer_of_a_network_that_is_to_blame_is_named_with_its_line():
    net = mg.Sequential(mg.Affine(2, 3, rng=0), Scaled(3), loss=mg.SoftmaxWithLoss())
    report = check_network(net, normal(4, 2), np.array([0, 1, 2, 2]), raise_exception=False)
    assert report.cause.sentence.startswith("Scaled: divided by the batch size once too often")
    assert "self.dgamma = " in report.where[1]


class OneAtATime(Scaled):
    """Right, but for a batch of one: that is nobody's fault here."""

    def backward(self, dout):
        self.dgamma = (dout * self.x).sum(axis=0) / (2 if len(dout) == 1 else 1)
        return dout * self.gamma


def test_a_layer_whose_slip_does_not_show_here_is_not_blamed():
    layers = mg.Affine(2, 3, rng=0), OneAtATime(3), Scaled(3)
    net = mg.Sequential(*layers, loss=mg.SoftmaxWithLoss())
    report = check_network(net, normal(4, 2), np.array([0, 1, 2, 2]), raise_exception=False)
    assert "these layers fail: Scaled" in report.notes[-1]


class Sigmoid:
    def forward(self, x):
        self.y = 1 / (1 + np.exp(-x))
        return self.y

    def backward(self, dout):
        return dout * self.y


class BookNet:
    """As in the book: a dict of layers, walked by hand."""

    def __init__(self):
        self.params = {"W": normal(3, 4)}
        self.layers = {"sigmoid": Sigmoid()}

    def loss(self, x, t):
        self.x = x
        return (t * self.layers["sigmoid"].forward(x @ self.params["W"])).sum()

    def gradient(self, x, t):
        self.loss(x, t)
        return {"W": x.T @ self.layers["sigmoid"].backward(t)}


def test_a_layer_inside_somebodys_network_is_named_too():
    report = check_network(BookNet(), normal(5, 3), normal(5, 4), raise_exception=False)
    assert "layers['sigmoid']" in report.cause.sentence
    assert "the slope of y by x is y (1 − y), and yours is y" in report.cause.sentence


class NormOfRows:
    def forward(self, x):
        self.x, self.std = x, np.sqrt(x.var(-1, keepdims=True) + 1e-5)
        self.xn = (x - x.mean(-1, keepdims=True)) / self.std
        return self.xn

    def backward(self, dy):
        return (dy - dy.mean(0) - self.xn * (dy * self.xn).mean(0)) / self.std


class Padded:
    def forward(self, x):
        return np.pad(x, ((0, 0), (1, 1)), mode="reflect")

    def backward(self, dout):
        return dout[:, 1:-1].copy()


class Mish:
    def forward(self, x):
        self.x, self.t = x, np.tanh(np.log1p(np.exp(x)))
        return x * self.t

    def backward(self, dout):
        return dout * (self.t + self.x * (1 - self.t**2))


class BookDropout:
    """The book's forward, with the backward of one that scales while training."""

    def __init__(self, dropout_ratio=0.5):
        self.dropout_ratio = dropout_ratio

    def forward(self, x):
        self.mask = np.random.mtrand.random_sample(x.shape) > self.dropout_ratio
        return x * self.mask

    def backward(self, dout):
        return dout * self.mask / (1.0 - self.dropout_ratio)


def pendulum(state, dt=0.1):
    q, p = state
    return np.array([q + dt * p, p - dt * np.sin(q)])


def pendulum_vjp(g, state, dt=0.1):
    q, _ = state
    return np.array([g[0] - g[1] * dt * np.sin(q), g[1] + g[0] * dt])


CAUSES = {
    "axes by position": (NormOfRows(), "along axis 1, with keepdims=True"),
    "reflected": (Padded(), "goes into 3 outputs, and yours counts 1 of them"),
    "softplus": (Mish(), "the derivative of `np.log1p(np.exp(x))` is left out"),
    "dropout": (BookDropout(), "divides by `1.0 - self.dropout_ratio` = 0.5, once too often"),
    "pendulum": ((pendulum, pendulum_vjp), "with `cos` in the place of `np.sin`"),
}


@pytest.mark.parametrize("name", CAUSES)
def test_the_cause_is_named(name):
    thing, words = CAUSES[name]
    given = [normal(2)] if name == "pendulum" else [normal(5, 3)]
    report = checked(thing, given)
    assert report.verdict.name == "FAIL"
    assert words in report.cause.sentence


def test_functions_of_a_loop_that_all_see_its_last_values_are_told_so(tmp_path):
    text = """
import numpy as np
def made():
    weights, kept, backs = [np.eye(3) * k + 0.1 for k in range(3)], [0.0] * 3, []
    for k, W in enumerate(weights):
        backs.append(lambda g: (g * (1 - kept[k] ** 2)) @ W.T)
    def forward(x):
        for k, W in enumerate(weights):
            x = kept[k] = np.tanh(x @ W)
        return x
    def backward(g):
        for back in reversed(backs):
            g = back(g)
        return g
    return forward, backward
pair = made()
"""
    path = tmp_path / "late.py"
    path.write_text(text, encoding="utf-8")
    report = examined(path, "pair", [normal(5, 3)])
    assert "the 3 functions in `backs` are one and the same" in report.cause.sentence


@pytest.mark.parametrize(
    ("function", "slope", "words"),
    [
        (np.tanh, lambda x: (1 - np.tanh(x)) ** 2, "is 1 − y², and yours is (1 − y)²"),
        (np.exp, lambda x: x, "is y, and yours is x"),
        (np.square, lambda x: 2 * x**2, "is 2 x, and yours is 2 y"),
        (np.log1p, np.cos, "yours is cos x, and that is not the slope here"),
    ],
)
def test_slopes_are_told_by_their_formula_where_no_source_is_read(function, slope, words):
    x = np.array([0.3, -0.6, 0.8])
    report = check_vjp(function, lambda dout: dout * slope(x), x, raise_exception=False)
    assert words in report.cause.sentence


def test_a_gradient_that_is_off_by_its_output_is_told_so():
    x = normal(4, 3)
    n = np.linalg.norm(x, axis=1)
    slope = x / n[:, None] ** 2
    report = check_vjp(
        lambda x: np.sqrt((x * x).sum(axis=1)),
        lambda dout: dout[:, None] * slope,
        x,
        raise_exception=False,
    )
    assert "each output y's share of dx is 1 / y × what it should be" in report.cause.sentence
