"""Right layers that look wrong to a careless checker, and a few slips that hide from one."""

import numpy as np
from seed_notebook import Dropout as NotebookDropout

from zoo.activations import Relu, Sigmoid
from zoo.affine import Affine, TanhDense
from zoo.arithmetic import LearnedScale
from zoo.causes import (
    ACCUMULATES,
    ALIASES_DOUT,
    CONSTANT,
    FACTOR,
    MISSED,
    SECOND_BACKWARD,
    SIGN,
)
from zoo.losses import SoftmaxWithLoss
from zoo.normalisation import LayerNorm
from zoo.shaping import Join
from zoo.specimen import normal, slip, twin

AFFINES = {
    "inputs": normal((5, 3)),
    "arguments": normal((3, 4), (4,)),
    "param_grads": {"W": "dW", "b": "db"},
    "rows": ("x",),
}


# ---- where numbers are hard to judge -------------------------------------------------------------
def beside_the_kink(rng):
    """A thousandth away from 0, on both sides."""
    return (rng.permutation([1e-3, -1e-3, 2e-3, -2e-3, 3e-3, -5e-3]).reshape(3, 2),)


class ReluBesideItsKink(Relu):
    """relu at points that are near the kink and not on it."""


class SaturatedSigmoid(Sigmoid):
    """A sigmoid, some of whose slopes are below a millionth of the others."""


def far_out(rng):
    """From the middle to far outside."""
    return (rng.permutation([-19.0, -6.0, 0.5, 2.0, 9.0, 18.0]).reshape(3, 2),)


class LossOfLargeScores(SoftmaxWithLoss):
    """Softmax with loss of scores around 1000."""


def large_scores(rng):
    """Scores that overflow if they are exponentiated as they are."""
    return 1000 + rng.normal(size=(4, 3)), rng.integers(0, 3, 4)


class Wave:
    """sin(40 x): many turns within a short distance."""

    def forward(self, x):
        self.x = x
        return np.sin(40 * x)

    def backward(self, dout):
        return 40 * dout * np.cos(40 * self.x)


class Steps:
    """The sign of x, which is flat wherever it has a derivative."""

    def forward(self, x):
        return np.sign(x)

    def backward(self, dout):
        return np.zeros_like(dout)


class AffineThenCentred(Affine):
    """An affine layer whose outputs are centred: the bias has no effect, and db is rounding."""

    def forward(self, x):
        y = super().forward(x)
        return y - y.mean(axis=0)

    def backward(self, dout):
        return super().backward(dout - dout.mean(axis=0))


class TinyPenalty:
    """λ/2 times the sum of squares, with λ of a billionth."""

    def __init__(self, W, lam=1e-9):
        self.W, self.lam = W, lam

    def forward(self):
        return 0.5 * self.lam * (self.W**2).sum()

    def backward(self, dout=1.0):
        self.dW = dout * self.lam * self.W


class TinyPenaltyDoubled(TinyPenalty):
    """The half of the penalty is forgotten; everything is below 1e-8."""

    def backward(self, dout=1.0):
        self.dW = 2 * dout * self.lam * self.W


class TinyPenaltySubtracted(TinyPenalty):
    """The penalty has the wrong sign, below 1e-8."""

    def backward(self, dout=1.0):
        self.dW = -dout * self.lam * self.W


class Fade:
    """A sequence that grows louder, from a half to the whole."""

    def ramp(self, steps):
        return np.linspace(0.5, 1, steps)

    def forward(self, x):
        return x * self.ramp(x.shape[1]).astype(x.dtype)

    def backward(self, dout):
        return dout * self.ramp(dout.shape[1]).astype(dout.dtype)


class EndOfTheRampExcluded(Fade):
    """The ramp of the backward stops one step short of 1: off by less than one percent."""

    def backward(self, dout):
        steps = dout.shape[1]
        return dout * np.linspace(0.5, 1, steps, endpoint=False).astype(dout.dtype)


class LastStepDropped(Fade):
    """One entry of sixty, the last, receives nothing."""

    def backward(self, dout):
        dx = super().backward(dout)
        dx[:, -1:] = 0
        return dx


# ---- memory that looks suspicious ----------------------------------------------------------------
class OwnWorkspace(Affine):
    """relu(x W + b), computed in place in a workspace that is kept; a copy is handed out."""

    work = None

    def forward(self, x):
        self.x = x
        if self.work is None or self.work.shape[0] != len(x) or self.work.dtype != x.dtype:
            self.work = np.empty((len(x), self.W.shape[1]), x.dtype)
        np.matmul(x, self.W, out=self.work)
        self.work += self.b
        np.maximum(self.work, 0, out=self.work)
        return self.work.copy()

    def backward(self, dout):
        return super().backward(dout * (self.work > 0))


class GradientInPlace(Affine):
    """dW and db are arrays that stay, and are written into: self.dW[...] = …"""

    def __init__(self, W, b):
        super().__init__(W, b)
        self.dW, self.db = np.zeros_like(W), np.zeros_like(b)

    def backward(self, dout):
        np.matmul(self.x.T, dout, out=self.dW)
        self.db[...] = dout.sum(axis=0)
        return dout @ self.W.T


class Accumulating(Affine):
    """Gradients add up until zero_grad() is called, as in PyTorch."""

    def __init__(self, W, b):
        super().__init__(W, b)
        self.zero_grad()

    def zero_grad(self):
        self.dW, self.db = np.zeros_like(self.W), np.zeros_like(self.b)

    def backward(self, dout):
        self.dW += self.x.T @ dout
        self.db += dout.sum(axis=0)
        return dout @ self.W.T


class Stacked(Affine):
    """One cache per call, the last first: forward may be called several times, then backward."""

    def __init__(self, W, b):
        super().__init__(W, b)
        self.caches = []

    def forward(self, x):
        self.caches.append(x)
        return x @ self.W + self.b

    def backward(self, dout):
        self.x = self.caches.pop()
        return super().backward(dout)


class Flatten:
    """Every image as one row; both ways are views of what comes in."""

    def forward(self, x):
        self.shape = x.shape
        return x.reshape(len(x), x[:1].size if len(x) else int(np.prod(x.shape[1:])))

    def backward(self, dout):
        return dout.reshape(self.shape)


class DisjointViews(Join):
    """The gradients are a list of views of one new array, side by side, none overlapping."""

    def backward(self, dout):
        return np.split(dout.copy(), np.cumsum(self.widths)[:-1], axis=1)


class ReadOnlyView:
    """The mean of every row; its gradient is a read-only view of a new array, stretched."""

    def forward(self, x):
        self.shape = x.shape
        return x.mean(axis=1)

    def backward(self, dout):
        return np.broadcast_to((dout / self.shape[1])[:, None], self.shape)


class ByColumns(Affine):
    """An affine layer whose weight is kept in Fortran's order, and dW with it."""

    def __init__(self, W, b):
        super().__init__(np.asfortranarray(W), b)

    def backward(self, dout):
        dx = super().backward(dout)
        self.dW = np.asfortranarray(self.dW)
        return dx


# ---- conduct that looks suspicious ---------------------------------------------------------------
class Recomputing(TanhDense):
    """Nothing but the input is kept; the backward runs the forward again."""

    def forward(self, x):
        y = super().forward(x)
        self.y = self.z = None
        return y

    def backward(self, dout):
        TanhDense.forward(self, self.x)
        return super().backward(dout)


class Remembering(TanhDense):
    """The output is computed anew only when input or parameters have changed."""

    seen = None

    def forward(self, x):
        now = [x.copy(), self.W.copy(), self.b.copy()]
        if self.seen is None or not all(map(np.array_equal, now, self.seen)):
            super().forward(x)
            self.seen = now
        return self.y.copy()


class NoneForLabels(SoftmaxWithLoss):
    """The gradients of both inputs are returned, None for the labels, as PyTorch wants it."""

    def backward(self, dout=1.0):
        return super().backward(dout), None


class Double(Affine):
    """An affine layer that returns its output twice, as a tuple; each has its own dout."""

    def forward(self, x):
        y = super().forward(x)
        return y, 2 * y

    def backward(self, dout, doubled):
        return super().backward(dout + 2 * doubled)


class OneNumber(LearnedScale):
    """The gradient of a single learned number is a NumPy number, not an array."""

    def backward(self, dout):
        dx = super().backward(dout)
        self.ds = self.ds[()]
        return dx


def floats(*shapes):
    """Normal numbers of type float32."""
    draw = normal(*shapes)
    return lambda rng: tuple(x.astype(np.float32) for x in draw(rng))


class Single(Affine):
    """An affine layer in float32."""


class SingleLayerNorm(LayerNorm):
    """Layer normalisation in float32."""


NOTEBOOK = twin(
    "notebook dropout",
    NotebookDropout,
    normal((6, 5)),
    note="Dropout that draws its mask from NumPy's global generator.",
    rows=("x",),
)
TINY = twin(
    "tiny penalty", TinyPenalty, normal(), arguments=normal((3, 2)), param_grads={"W": "dW"}
)
FADE = twin("fade", Fade, normal((2, 60)), rows=("x",))
FLATTEN = twin("flatten", Flatten, normal((3, 2, 2)), rows=("x",), excused=(ALIASES_DOUT,))
TWINS = [
    twin("relu beside its kink", ReluBesideItsKink, beside_the_kink, rows=("x",)),
    twin("saturated sigmoid", SaturatedSigmoid, far_out, rows=("x",)),
    twin(
        "loss of large scores",
        LossOfLargeScores,
        large_scores,
        fixed=("t",),
        rows=("x", "t"),
        fewest=1,
    ),
    twin("wave", Wave, normal((3, 2)), rows=("x",)),
    twin("steps", Steps, normal((3, 2)), rows=("x",)),
    twin("affine then centred", AffineThenCentred, fewest=2, **AFFINES),
    TINY,
    FADE,
    twin("own workspace", OwnWorkspace, **AFFINES),
    twin("gradient in place", GradientInPlace, **AFFINES),
    twin("accumulating", Accumulating, excused=(SECOND_BACKWARD, ACCUMULATES), **AFFINES),
    twin("stacked caches", Stacked, excused=(SECOND_BACKWARD,), **AFFINES),
    FLATTEN,
    twin("disjoint views", DisjointViews, normal((3, 2), (3, 4), (3, 1)), rows=("a", "b", "c")),
    twin("read-only view", ReadOnlyView, normal((3, 4)), rows=("x",)),
    twin("weight by columns", ByColumns, **AFFINES),
    twin("recomputing", Recomputing, **AFFINES),
    twin("remembering", Remembering, **AFFINES),
    twin(
        "none for labels",
        NoneForLabels,
        lambda rng: (rng.normal(size=(4, 3)), rng.integers(0, 3, 4)),
        fixed=("t",),
        rows=("x", "t"),
        fewest=1,
    ),
    twin("two outputs", Double, **AFFINES),
    twin(
        "one number",
        OneNumber,
        normal((3, 2)),
        arguments=lambda rng: (np.asarray(rng.normal()),),
        param_grads={"s": "ds"},
        rows=("x",),
    ),
    NOTEBOOK,
    twin(
        "affine in float32",
        Single,
        **AFFINES | {"inputs": floats((5, 3)), "arguments": floats((3, 4), (4,))},
    ),
    twin(
        "layer-norm in float32",
        SingleLayerNorm,
        floats((4, 3)),
        arguments=floats((3,), (3,)),
        param_grads={"gamma": "dgamma", "beta": "dbeta"},
        rows=("x",),
    ),
]
WRONG = [
    slip(TINY, TinyPenaltyDoubled, FACTOR, "dW"),
    slip(TINY, TinyPenaltySubtracted, SIGN, "dW"),
    slip(FADE, EndOfTheRampExcluded, CONSTANT, "dx"),
    slip(FADE, LastStepDropped, MISSED, "dx"),
]
