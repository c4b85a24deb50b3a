"""autograd (HIPS). It has no optimizers for a step of one's own: the book's are used."""

from typing import Any

import autograd.numpy as np
from autograd import make_vjp, value_and_grad
from autograd.scipy.special import logsumexp

from benchmarks import problems
from benchmarks.peers.book import RULES
from benchmarks.problems import Array, Settings
from benchmarks.trial import Trial


def logits(params: list[Any], x: Any) -> Any:
    """The net."""
    for i in range(0, len(params), 2):
        x = np.dot(x, params[i]) + params[i + 1]
        if i < len(params) - 2:
            x = x * (x > 0)  # the rule of its maximum would make float64 of float32
    return x


def loss(params: list[Any], x: Any, one_hot: Any) -> Any:
    """Softmax cross-entropy; with one-hot rows, which autograd handles faster than indices."""
    y = logits(params, x)
    return (np.sum(logsumexp(y, axis=1)) - np.sum(one_hot * y)) / len(x)


def training_step(settings: Settings) -> Trial:
    """Value, gradient and update."""
    problem = problems.net(settings)
    params = [W.copy() for W in problem.weights]
    x, t = problem.x, problem.one_hot()
    run = value_and_grad(loss)
    rule = RULES[settings["optimizer"]](settings["lr"])
    by_name = dict(zip(problems.names(params), params, strict=True))

    def step() -> None:
        _, grads = run(params, x, t)
        rule.update(by_name, dict(zip(by_name, grads, strict=True)))

    return Trial(step, lambda: problems.changes(problem, params, loss(params, x, t)))


def forward(settings: Settings) -> Trial:
    """The loss, recorded."""
    problem = problems.net(settings)
    run, t = make_vjp(loss), problem.one_hot()

    def step() -> Any:
        return run(problem.weights, problem.x, t)[1]

    return Trial(step, lambda: {"loss": np.array(step())})


def predict(settings: Settings) -> Trial:
    """The logits: on plain arrays nothing is recorded."""
    problem = problems.net(settings)
    params, x = problem.weights, problem.x
    return Trial(lambda: logits(params, x), lambda: {"logits": logits(params, x)})


def chain(settings: Settings) -> Trial:
    """The chain, recorded, and back to the leaves."""
    operands = problems.operands(settings)
    count = settings["leaves"]
    ones = np.ones_like(operands[0])
    results: dict[str, Array] = {}

    def value(leaves: Any) -> Any:
        leaves = leaves if count > 1 else (leaves,)
        return problems.chain(settings, np, *leaves, *operands[count:])

    run = make_vjp(value)

    def step() -> None:
        back, results["y"] = run(operands if count > 1 else operands[0])
        if settings["backward"]:
            grads = back(ones)
            results.update(zip("xwb", grads if count > 1 else (grads,), strict=False))

    return Trial(step, lambda: results)
