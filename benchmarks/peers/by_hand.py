"""NumPy written out for one net, without any framework: the floor that a framework can approach.

Activations are preallocated, parameters and gradients are views of one flat buffer each, ufuncs
work in place, and Adam goes through the buffers in blocks that stay in cache.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks import problems
from benchmarks.problems import Array, Problem, Settings
from benchmarks.trial import Trial

BLOCK = 65536  # elements of four vectors and a scratch: they stay in the second-level cache


def views(flat: Array, like: list[Array]) -> list[Array]:
    """Cut a flat buffer into arrays of the shapes of `like`."""
    ends = np.cumsum([array.size for array in like])
    return [
        flat[end - array.size : end].reshape(array.shape)
        for end, array in zip(ends, like, strict=True)
    ]


class Net:
    """Forward and backward of Affine, ReLU, …, softmax cross-entropy, into ready buffers."""

    def __init__(self, problem: Problem) -> None:
        weights, dtype, batch = problem.weights, problem.x.dtype, len(problem.x)
        self.P = np.concatenate([W.ravel() for W in weights])
        self.G = np.empty_like(self.P)
        self.params, self.grads = views(self.P, weights), views(self.G, weights)
        self.outputs = [np.empty((batch, n), dtype) for n in problem.sizes[1:]]
        self.douts = [np.empty((batch, n), dtype) for n in problem.sizes[1:]]
        self.masks = [np.empty((batch, n), bool) for n in problem.sizes[1:-1]]
        self.columns = np.empty((problem.sizes[-1], batch), dtype)  # the logits, transposed
        self.row, self.total = np.empty(batch, dtype), np.empty(batch, dtype)
        self.ones = np.ones(problem.sizes[-1], dtype)
        self.starts = np.arange(batch) * problem.sizes[-1]

    def predict(self, x: Array) -> Array:
        """The logits."""
        last = len(self.outputs) - 1
        for i, y in enumerate(self.outputs):
            np.matmul(x, self.params[2 * i], out=y)
            y += self.params[2 * i + 1]
            if i < last:
                np.maximum(y, 0, out=y)
            x = y
        return x

    def forward(self, x: Array, t: Array) -> float:
        """The loss; softmax's numerators stay in the last output, their sums in `total`."""
        z = self.predict(x)
        np.copyto(self.columns, z.T)  # the largest of each row is found faster in columns
        np.maximum.reduce(self.columns, 0, out=self.row)
        z -= self.row[:, None]
        picked = np.add.reduce(z.reshape(-1)[self.starts + t])
        np.exp(z, out=z)
        z.dot(self.ones, out=self.total)
        np.log(self.total, out=self.row)
        return float((np.add.reduce(self.row) - picked) / len(x))

    def gradient(self, x: Array, t: Array) -> float:
        """Fill the gradients, and return the loss."""
        loss = self.forward(x, t)
        self.total *= len(x)
        dout = self.douts[-1]
        np.divide(self.outputs[-1], self.total[:, None], out=dout)
        dout.reshape(-1)[self.starts + t] -= 1 / len(x)
        for i in range(len(self.outputs) - 1, -1, -1):
            below = self.outputs[i - 1] if i else x
            np.matmul(below.T, dout, out=self.grads[2 * i])
            np.add.reduce(dout, 0, out=self.grads[2 * i + 1])
            if i:
                np.greater(below, 0, out=self.masks[i - 1])
                dx = self.douts[i - 1]
                np.matmul(dout, self.params[2 * i].T, out=dx)
                dx *= self.masks[i - 1]
                dout = dx
        return loss


def sgd(P: Array, G: Array, lr: float) -> Callable[[], None]:
    """W ← W − η g, where the gradient may be overwritten."""
    lr = P.dtype.type(lr)

    def update() -> None:
        np.multiply(G, lr, out=G)
        np.subtract(P, G, out=P)

    return update


def adam(P: Array, G: Array, lr: float, b1: float = 0.9, b2: float = 0.999) -> Callable[[], None]:
    """Adam in ten passes: m / (1 − β₁) and v / (1 − β₂) are kept, and the constants folded."""
    m, v, scratch = np.zeros_like(P), np.zeros_like(P), np.empty(BLOCK, P.dtype)
    count = 0

    def update() -> None:
        nonlocal count
        count += 1
        root = np.sqrt((1 - b2) / (1 - b2**count))
        rate = float(lr * (1 - b1) / (1 - b1**count) / root)
        eps = float(1e-8 / root)
        for start in range(0, P.size, BLOCK):
            block = slice(start, start + BLOCK)
            g, mean, square = G[block], m[block], v[block]
            step = scratch[: g.size]
            mean *= b1
            mean += g
            square *= b2
            np.multiply(g, g, out=step)
            square += step
            np.sqrt(square, out=step)
            step += eps
            np.divide(mean, step, out=step)
            step *= rate
            P[block] -= step

    return update


RULES: dict[str, Any] = {"SGD": sgd, "Adam": adam}


def training_step(settings: Settings) -> Trial:
    """Gradient and update; the loss is computed as well."""
    problem = problems.net(settings)
    net = Net(problem)
    update = RULES[settings["optimizer"]](net.P, net.G, settings["lr"])

    def step() -> None:
        net.gradient(problem.x, problem.t)
        update()

    return Trial(
        step,
        lambda: problems.changes(problem, net.params, net.forward(problem.x, problem.t)),
    )


def forward(settings: Settings) -> Trial:
    """The loss, with all that a backward pass needs."""
    problem = problems.net(settings)
    net = Net(problem)
    x, t = problem.x, problem.t
    return Trial(lambda: net.forward(x, t), lambda: {"loss": np.array(net.forward(x, t))})


def predict(settings: Settings) -> Trial:
    """The logits, alone."""
    problem = problems.net(settings)
    net, x = Net(problem), problem.x
    return Trial(lambda: net.predict(x), lambda: {"logits": net.predict(x).copy()})


def optimizer(settings: Settings) -> Trial | None:
    """One update of flat parameters; only where the rule is written above."""
    if settings["optimizer"] not in RULES or settings["arrays"] > 1:
        return None
    params, grads = problems.parameters(settings)
    scratch = grads[0].copy()
    update = RULES[settings["optimizer"]](params[0], scratch, settings["lr"])
    if settings["optimizer"] != "SGD":
        return Trial(update, lambda: problems.moved(settings, params))

    def step() -> None:
        np.multiply(grads[0], settings["lr"], out=scratch)
        np.subtract(params[0], scratch, out=params[0])

    return Trial(step, lambda: problems.moved(settings, params))


def chain(settings: Settings) -> Trial:
    """The chain and its derivatives, without a tape: NumPy's own time."""
    x, w, b = problems.operands(settings)
    results: dict[str, Array] = {}

    def operators(y: Array) -> list[tuple[Array, ...]]:
        kept = []
        for _ in range(settings["length"] // 2):
            product = y * w
            kept.append((y,))
            y = product + b
        return [*kept, (y,)]

    def functions(y: Array) -> list[tuple[Array, ...]]:
        kept = []
        for _ in range(settings["length"] // 4):
            tanh = np.tanh(y * w + b)
            kept.append((y, tanh))
            y = np.sin(tanh)
        return [*kept, (y,)]

    run = {"operators": operators, "functions": functions}[settings["through"]]

    def step() -> None:
        *kept, (y,) = run(x)
        results["y"] = y
        if not settings["backward"]:
            return
        g, dw, db = np.ones_like(y), np.zeros_like(w), np.zeros_like(b)
        for before, *tanh in reversed(kept):
            if tanh:
                g = g * np.cos(tanh[0]) * (1 - tanh[0] * tanh[0])
            if settings["leaves"] == 3:
                db += g
                dw += g * before
            g = g * w
        results["x"] = g
        if settings["leaves"] == 3:
            results.update({"w": dw, "b": db})

    return Trial(step, lambda: results)
