"""minigrad, by its public names, as the README writes it."""

import numpy as np

import minigrad as mg
from benchmarks import problems, whole
from benchmarks.problems import Array, Problem, Settings
from benchmarks.trial import Trial


def build(problem: Problem) -> mg.Sequential:
    """The net with the given weights."""
    net = mg.mlp(problem.sizes, dtype=problem.x.dtype, rng=0)
    for name, W in zip(net.params, problem.weights, strict=True):
        net.params[name][...] = W
    return net


def chosen(settings: Settings) -> mg.Optimizer:
    """The optimizer, by its name."""
    optimizer: mg.Optimizer = getattr(mg, settings["optimizer"])(lr=settings["lr"])
    return mg.fused(optimizer) if settings.get("fused") else optimizer


def training_step(settings: Settings) -> Trial:
    """Gradient and update."""
    problem = problems.net(settings)
    net, x, t = build(problem), problem.x, problem.t
    optimizer = chosen(settings)

    def step() -> None:
        optimizer.update(net.params, net.gradient(x, t))

    return Trial(step, lambda: problems.changes(problem, list(net.params.values()), net.loss(x, t)))


def forward(settings: Settings) -> Trial:
    """The loss, recorded."""
    problem = problems.net(settings)
    net, x, t = build(problem), problem.x, problem.t
    return Trial(lambda: net.objective(x, t), lambda: {"loss": np.array(net.loss(x, t))})


def predict(settings: Settings) -> Trial:
    """The logits."""
    problem = problems.net(settings)
    net, x = build(problem), problem.x
    return Trial(lambda: net.predict(x), lambda: {"logits": net.predict(x)})


def optimizer(settings: Settings) -> Trial:
    """One update."""
    params, grads = (
        {str(i): array for i, array in enumerate(arrays)}
        for arrays in problems.parameters(settings)
    )
    rule = chosen(settings)

    def moved() -> dict[str, Array]:
        return problems.moved(settings, params.values())

    return Trial(lambda: rule.update(params, grads), moved)


def chain(settings: Settings) -> Trial:
    """The chain, recorded, and back to the leaves."""
    arrays = problems.operands(settings)
    leaves = [mg.Tensor(array) for array in arrays[: settings["leaves"]]]
    operands = [*leaves, *arrays[settings["leaves"] :]]
    ones = np.ones_like(arrays[0])
    results: dict[str, Array] = {}

    def step() -> None:
        y = problems.chain(settings, np, *operands)
        results["y"] = y.data
        if settings["backward"]:
            results.update(zip("xwb", mg.gradients(y, leaves, ones), strict=False))

    return Trial(step, lambda: results)


def training(settings: Settings) -> Trial:
    """Until the test accuracy is reached."""

    def start(problem: Problem) -> whole.Loop:
        net, optimizer = build(problem), chosen(settings)

        def step(x: Array, t: Array) -> None:
            optimizer.update(net.params, net.gradient(x, t))

        return whole.Loop(step, net.predict)

    return whole.training(settings, start)
