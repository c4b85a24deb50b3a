"""The way of the book (Saitoh, Deep Learning from Scratch): layers that keep what they need.

Written afresh in its manner: a forward and a backward in each layer, gradients in a dict of fresh
arrays, optimizers that loop over the keys. Weights are in the dtype of the case; the book's own
are float64.
"""

import numpy as np

from benchmarks import problems, whole
from benchmarks.problems import Array, Problem, Settings
from benchmarks.trial import Trial

Arrays = dict[str, Array]


class Affine:
    """y = x W + b."""

    def __init__(self, W: Array, b: Array) -> None:
        self.W, self.b = W, b

    def forward(self, x: Array) -> Array:
        """Keep x."""
        self.x = x
        return np.dot(x, self.W) + self.b

    def backward(self, dout: Array) -> Array:
        """Keep dW and db, and return dx, of the first layer too."""
        self.dW = np.dot(self.x.T, dout)
        self.db = np.sum(dout, axis=0)
        return np.dot(dout, self.W.T)


class Relu:
    """y = max(x, 0)."""

    def forward(self, x: Array) -> Array:
        """Keep where x was not positive."""
        self.mask = x <= 0
        y = x.copy()
        y[self.mask] = 0
        return y

    def backward(self, dout: Array) -> Array:
        """Nothing passes there."""
        dx = dout.copy()
        dx[self.mask] = 0
        return dx


class SoftmaxWithLoss:
    """Cross-entropy of the softmax, for targets that are classes."""

    def forward(self, x: Array, t: Array) -> float:
        """Keep the probabilities."""
        self.t = t
        exp = np.exp(x - np.max(x, axis=1, keepdims=True))
        self.y = exp / np.sum(exp, axis=1, keepdims=True)
        return float(-np.sum(np.log(self.y[np.arange(len(t)), t] + 1e-7)) / len(t))

    def backward(self) -> Array:
        """(y − t) / N."""
        dx = self.y.copy()
        dx[np.arange(len(self.t)), self.t] -= 1
        return dx / len(self.t)


class Network:
    """Affine, Relu, …, Affine."""

    def __init__(self, problem: Problem) -> None:
        weights = [W.copy() for W in problem.weights]
        self.params: Arrays = dict(zip(problems.names(weights), weights, strict=True))
        self.affines = [
            Affine(self.params[f"W{i}"], self.params[f"b{i}"]) for i in range(1, problem.layers + 1)
        ]
        self.layers: list[Affine | Relu] = []
        for affine in self.affines:
            self.layers += [affine, Relu()]
        self.layers.pop()
        self.last = SoftmaxWithLoss()

    def predict(self, x: Array) -> Array:
        """The logits."""
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def loss(self, x: Array, t: Array) -> float:
        """The loss."""
        return self.last.forward(self.predict(x), t)

    def gradient(self, x: Array, t: Array) -> Arrays:
        """Forward and backward."""
        self.loss(x, t)
        dout = self.last.backward()
        for layer in reversed(self.layers):
            dout = layer.backward(dout)
        grads = {}
        for i, affine in enumerate(self.affines, 1):
            grads |= {f"W{i}": affine.dW, f"b{i}": affine.db}
        return grads


class SGD:
    """W ← W − η g."""

    def __init__(self, lr: float) -> None:
        self.lr = lr

    def update(self, params: Arrays, grads: Arrays) -> None:
        """In place."""
        for key in params:
            params[key] -= self.lr * grads[key]


class Momentum:
    """v ← a v − η g;  W ← W + v."""

    def __init__(self, lr: float, momentum: float = 0.9) -> None:
        self.lr, self.momentum = lr, momentum
        self.v: Arrays | None = None

    def update(self, params: Arrays, grads: Arrays) -> None:
        """In place, with a new v."""
        if self.v is None:
            self.v = {key: np.zeros_like(W) for key, W in params.items()}
        for key in params:
            self.v[key] = self.momentum * self.v[key] - self.lr * grads[key]
            params[key] += self.v[key]


class AdaGrad:
    """h ← h + g²;  W ← W − η g / (√h + ε)."""

    decay, fresh = 1.0, 1.0

    def __init__(self, lr: float, eps: float = 1e-7) -> None:
        self.lr, self.eps = lr, eps
        self.h: Arrays | None = None

    def update(self, params: Arrays, grads: Arrays) -> None:
        """In place."""
        if self.h is None:
            self.h = {key: np.zeros_like(W) for key, W in params.items()}
        for key in params:
            self.h[key] *= self.decay
            self.h[key] += self.fresh * grads[key] * grads[key]
            params[key] -= self.lr * grads[key] / (np.sqrt(self.h[key]) + self.eps)


class RMSprop(AdaGrad):
    """h ← ρ h + (1 − ρ) g²;  W ← W − η g / (√h + ε)."""

    decay, fresh = 0.99, 0.01


class Adam:
    """Its corrections folded into the rate, as in the book, and into ε, so that all sides agree."""

    def __init__(self, lr: float, beta1: float = 0.9, beta2: float = 0.999) -> None:
        self.lr, self.beta1, self.beta2 = lr, beta1, beta2
        self.t = 0
        self.m: Arrays | None = None
        self.v: Arrays = {}

    def update(self, params: Arrays, grads: Arrays) -> None:
        """In place."""
        if self.m is None:
            self.m = {key: np.zeros_like(W) for key, W in params.items()}
            self.v = {key: np.zeros_like(W) for key, W in params.items()}
        self.t += 1
        root = float(np.sqrt(1 - self.beta2**self.t))
        rate, eps = self.lr * root / (1 - self.beta1**self.t), 1e-8 * root
        for key in params:
            self.m[key] += (1 - self.beta1) * (grads[key] - self.m[key])
            self.v[key] += (1 - self.beta2) * (grads[key] ** 2 - self.v[key])
            params[key] -= rate * self.m[key] / (np.sqrt(self.v[key]) + eps)


RULES = {rule.__name__: rule for rule in (SGD, Momentum, AdaGrad, RMSprop, Adam)}


def training_step(settings: Settings) -> Trial:
    """Gradient and update; the loss is computed as well."""
    problem = problems.net(settings)
    net, x, t = Network(problem), problem.x, problem.t
    optimizer = RULES[settings["optimizer"]](settings["lr"])
    return Trial(
        lambda: optimizer.update(net.params, net.gradient(x, t)),
        lambda: problems.changes(problem, list(net.params.values()), net.loss(x, t)),
    )


def forward(settings: Settings) -> Trial:
    """The loss, with all that a backward pass needs."""
    problem = problems.net(settings)
    net, x, t = Network(problem), problem.x, problem.t
    return Trial(lambda: net.loss(x, t), lambda: {"loss": np.array(net.loss(x, t))})


def predict(settings: Settings) -> Trial:
    """The logits."""
    problem = problems.net(settings)
    net, x = Network(problem), problem.x
    return Trial(lambda: net.predict(x), lambda: {"logits": net.predict(x)})


def optimizer(settings: Settings) -> Trial | None:
    """One update, of the rules above."""
    if settings["optimizer"] not in RULES:
        return None
    params, grads = (
        {str(i): array for i, array in enumerate(arrays)}
        for arrays in problems.parameters(settings)
    )
    rule = RULES[settings["optimizer"]](settings["lr"])

    def moved() -> Arrays:
        return problems.moved(settings, params.values())

    return Trial(lambda: rule.update(params, grads), moved)


def training(settings: Settings) -> Trial:
    """Until the test accuracy is reached."""

    def start(problem: Problem) -> whole.Loop:
        net, optimizer = Network(problem), Adam(settings["lr"])
        return whole.Loop(
            lambda x, t: optimizer.update(net.params, net.gradient(x, t)), net.predict
        )

    return whole.training(settings, start)
