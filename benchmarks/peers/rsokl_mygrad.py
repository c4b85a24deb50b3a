"""MyGrad, without its guard of memory, as its own page on speed advises. It has no optimizers."""

from typing import Any

import mygrad
import numpy as np
from mygrad.nnet.activations import relu
from mygrad.nnet.losses import softmax_crossentropy

from benchmarks import problems
from benchmarks.peers.book import RULES
from benchmarks.problems import Array, Settings
from benchmarks.trial import Trial

mygrad.turn_memory_guarding_off()


def logits(params: list[Any], x: Any) -> Any:
    """The net."""
    for i in range(0, len(params), 2):
        x = mygrad.matmul(x, params[i]) + params[i + 1]
        if i < len(params) - 2:
            x = relu(x)
    return x


def training_step(settings: Settings) -> Trial:
    """Loss, backward, and an update of the tensors' data."""
    problem = problems.net(settings)
    params = [mygrad.tensor(W) for W in problem.weights]
    x, t = problem.x, problem.t
    rule = RULES[settings["optimizer"]](settings["lr"])
    data = {name: p.data for name, p in zip(problems.names(params), params, strict=True)}

    def step() -> None:
        softmax_crossentropy(logits(params, x), t).backward()
        grads = {name: p.grad for name, p in zip(data, params, strict=True)}
        rule.update(data, grads)

    def results() -> dict[str, Array]:
        value = softmax_crossentropy(logits(params, x), t).item()
        return problems.changes(problem, [p.data for p in params], value)

    return Trial(step, results)


def forward(settings: Settings) -> Trial:
    """The loss, recorded."""
    problem = problems.net(settings)
    params = [mygrad.tensor(W) for W in problem.weights]

    def step() -> Any:
        return softmax_crossentropy(logits(params, problem.x), problem.t)

    return Trial(step, lambda: {"loss": np.array(step().item())})


def predict(settings: Settings) -> Trial:
    """The logits, not recorded."""
    problem = problems.net(settings)
    params = [mygrad.tensor(W) for W in problem.weights]

    def step() -> Any:
        with mygrad.no_autodiff:
            return logits(params, problem.x).data

    return Trial(step, lambda: {"logits": step()})


def chain(settings: Settings) -> Trial:
    """The chain, recorded, and back to the leaves."""
    arrays = problems.operands(settings)
    leaves = [mygrad.tensor(array) for array in arrays[: settings["leaves"]]]
    operands = [*leaves, *arrays[settings["leaves"] :]]
    ones = np.ones_like(arrays[0])
    results: dict[str, Array] = {}

    def step() -> None:
        y = problems.chain(settings, mygrad, *operands)
        results["y"] = y.data
        if settings["backward"]:
            y.backward(ones)
            results.update((name, leaf.grad) for name, leaf in zip("xwb", leaves, strict=False))

    return Trial(step, lambda: results)
