"""PyTorch, eager, on the CPU. `fused` and `foreach` choose its kernels for the optimizers."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from benchmarks import problems, whole
from benchmarks.problems import Array, Problem, Settings
from benchmarks.trial import Trial

RULES: dict[str, Callable[..., Any]] = {
    "SGD": torch.optim.SGD,
    "Momentum": lambda params, **o: torch.optim.SGD(params, momentum=0.9, **o),
    "Nesterov": lambda params, **o: torch.optim.SGD(params, momentum=0.9, nesterov=True, **o),
    "AdaGrad": lambda params, **o: torch.optim.Adagrad(params, eps=1e-7, **o),
    "RMSprop": lambda params, **o: torch.optim.RMSprop(params, eps=1e-7, **o),
    "Adam": torch.optim.Adam,
    "AdamW": torch.optim.AdamW,
}
WITHOUT_FUSED = {"RMSprop"}


def rule(settings: Settings, params: list[Any]) -> Any:
    """The optimizer of a point, with PyTorch's defaults or the kernels that are asked for."""
    chosen = {name: True for name in ("fused", "foreach") if settings.get(name)}
    return RULES[settings["optimizer"]](params, lr=settings["lr"], **chosen)


def threads(settings: Settings) -> None:
    """Use as many threads as every other side."""
    torch.set_num_threads(settings["threads"])


def build(problem: Problem) -> tuple[Any, Any, Any]:
    """The net with the given weights, and the batch."""
    layers: list[Any] = []
    for W, b in zip(problem.weights[::2], problem.weights[1::2], strict=True):
        linear = torch.nn.Linear(*W.shape, dtype=torch.from_numpy(W).dtype)
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(W.T))
            linear.bias.copy_(torch.from_numpy(b))
        layers += [linear, torch.nn.ReLU()]
    return (
        torch.nn.Sequential(*layers[:-1]),
        torch.from_numpy(problem.x),
        torch.from_numpy(problem.t),
    )


def weights(model: Any) -> list[Array]:
    """W1 b1 W2 b2 … as the other sides have them."""
    return [p.detach().numpy().T for p in model.parameters()]


def training_step(settings: Settings) -> Trial:
    """Zero the gradients, loss, backward, step."""
    threads(settings)
    problem = problems.net(settings)
    model, x, t = build(problem)
    optimizer = rule(settings, list(model.parameters()))
    loss = torch.nn.functional.cross_entropy

    def step() -> None:
        optimizer.zero_grad()
        loss(model(x), t).backward()
        optimizer.step()

    return Trial(step, lambda: problems.changes(problem, weights(model), loss(model(x), t).item()))


def forward(settings: Settings) -> Trial:
    """The loss, recorded."""
    threads(settings)
    model, x, t = build(problems.net(settings))
    loss = torch.nn.functional.cross_entropy
    return Trial(lambda: loss(model(x), t), lambda: {"loss": loss(model(x), t).detach().numpy()})


def predict(settings: Settings) -> Trial:
    """The logits, in inference mode."""
    threads(settings)
    model, x, _ = build(problems.net(settings))
    model.eval()

    def step() -> Any:
        with torch.inference_mode():
            return model(x)

    return Trial(step, lambda: {"logits": step().numpy()})


def optimizer(settings: Settings) -> Trial | None:
    """One update."""
    if settings.get("fused") and settings["optimizer"] in WITHOUT_FUSED:
        return None
    threads(settings)
    params = []
    for W, g in zip(*problems.parameters(settings), strict=True):
        params.append(torch.nn.Parameter(torch.from_numpy(W)))
        params[-1].grad = torch.from_numpy(g)
    optimizer = rule(settings, params)
    return Trial(
        optimizer.step, lambda: problems.moved(settings, [p.detach().numpy() for p in params])
    )


def chain(settings: Settings) -> Trial:
    """The chain, recorded, and back to the leaves."""
    threads(settings)
    operands = [torch.from_numpy(array) for array in problems.operands(settings)]
    leaves = [operand.requires_grad_() for operand in operands[: settings["leaves"]]]
    ones = torch.ones_like(operands[0])
    results: dict[str, Any] = {}

    def step() -> None:
        y = problems.chain(settings, torch, *operands)
        results["y"] = y.detach()
        if settings["backward"]:
            results.update(zip("xwb", torch.autograd.grad(y, leaves, ones), strict=False))

    return Trial(step, lambda: {name: np.array(value) for name, value in results.items()})


def training(settings: Settings) -> Trial:
    """Until the test accuracy is reached."""
    threads(settings)
    loss = torch.nn.functional.cross_entropy

    def start(problem: Problem) -> whole.Loop:
        model, _, _ = build(problem)
        optimizer = rule(settings, list(model.parameters()))

        def step(x: Array, t: Array) -> None:
            optimizer.zero_grad()
            loss(model(torch.from_numpy(x)), torch.from_numpy(t)).backward()
            optimizer.step()

        def predict(x: Array) -> Array:
            with torch.inference_mode():
                y: Array = model(torch.from_numpy(x)).numpy()
            return y

        return whole.Loop(step, predict)

    return whole.training(settings, start)
