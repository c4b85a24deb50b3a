"""scikit-learn: MLPClassifier.partial_fit on one batch, which is one step of its solver.

That is its public way to take a step; it checks its input and binarizes the targets each time.
"""

from typing import Any

import numpy as np
from sklearn.neural_network import MLPClassifier

from benchmarks import problems, whole
from benchmarks.problems import Problem, Settings
from benchmarks.trial import Trial


def build(problem: Problem, settings: Settings) -> Any:
    """A classifier with the given weights, without penalty, momentum or shuffling."""
    model = MLPClassifier(
        problem.sizes[1:-1],
        solver=settings["optimizer"].lower(),
        alpha=0,
        batch_size=len(problem.x),
        learning_rate_init=settings["lr"],
        momentum=0,
        nesterovs_momentum=False,
        shuffle=False,
    )
    model.partial_fit(problem.x, problem.t, classes=np.arange(problem.sizes[-1]))
    del model._optimizer  # that step was only to make the arrays
    for held, W in zip(model.coefs_ + model.intercepts_, ordered(problem.weights), strict=True):
        held[...] = W
    return model


def ordered(weights: list[Any]) -> list[Any]:
    """W1 W2 … b1 b2 …, as scikit-learn has them."""
    return weights[::2] + weights[1::2]


def weights(model: Any) -> list[Any]:
    """W1 b1 W2 b2 …"""
    pairs = zip(model.coefs_, model.intercepts_, strict=True)
    return [array for pair in pairs for array in pair]


def training_step(settings: Settings) -> Trial | None:
    """One partial_fit; for two classes its net has a single output, which is another net."""
    if settings["sizes"][-1] == 2:
        return None
    problem = problems.net(settings)
    model = build(problem, settings)
    return Trial(
        lambda: model.partial_fit(problem.x, problem.t),
        lambda: problems.changes(problem, weights(model)),
    )


def training(settings: Settings) -> Trial:
    """An epoch is one partial_fit on all the data, in an order of its own."""

    def start(problem: Problem) -> whole.Loop:
        model = build(problem, settings)
        model.shuffle = True
        return whole.Loop(model.partial_fit, model.predict_proba, epochs=True)

    return whole.training(settings, start)
