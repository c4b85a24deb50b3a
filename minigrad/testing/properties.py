"""A property test of a gradient in one line: Hypothesis draws the arguments, the checker judges."""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable
from typing import Any

from minigrad.testing import profiles
from minigrad.testing.anything import OF_THE_CHECK, called, checked, kind_of
from minigrad.testing.report import GradientError, Verdict
from minigrad.testing.subjects.trials import parameters
from minigrad.testing.with_hypothesis import hypothesis, st

LARGEST = 1e300  # Hypothesis climbs towards finite numbers
PHASES = [phase for phase in hypothesis.Phase if phase is not hypothesis.Phase.explain]
# ^ Hypothesis would explain a failure by lines of the checker
QUIET = [hypothesis.HealthCheck.too_slow, hypothesis.HealthCheck.data_too_large]


def gradtest(*arguments: Any, **options: Any) -> Any:
    """Make a test that checks gradients at arguments that Hypothesis draws.

    In one line, of a function, a layer, or a pair (forward, backward) of functions, with a strategy
    for each argument:

        test_softplus = gradtest(softplus, arrays())

    or above a function, which is then the one that is checked, with strategies alone:

        @gradtest(arrays((2, 3)), arrays(3))
        def test_rows_times_vector(x, v): return x @ v

    or both: then what stands in the function below is claimed beside the gradient.

        @gradtest(softplus, arrays())
        def test_softplus(x): assert np.all(softplus(x) > 0)

    Args:
        arguments: what is checked, and the strategies.
        options: of the check: `order=2`, `rtol`, `contracts`, `param_grads` …; `settings`, a
            `hypothesis.settings`; otherwise keyword arguments of forward: `train_flag=True`.

    Arguments that are not arrays of floats are constants. Hypothesis climbs towards the largest
    error over its bar, and shrinks what fails to the smallest example. How many examples it draws
    is its own setting, or that of `pytest --gradcheck-profile`. Where nothing can be concluded,
    others are drawn.

    Raises:
        TypeError: when there is no strategy.
        GradientError: by the test, when a gradient is wrong; its message is the report.

    >>> from minigrad.testing import strategies as mgst
    >>> test_tanh = gradtest(np.tanh, mgst.arrays((2,)))
    >>> test_tanh()
    """
    subjects = [a for a in arguments if not isinstance(a, st.SearchStrategy)]
    strategies = [a for a in arguments if isinstance(a, st.SearchStrategy)]
    if not strategies or len(subjects) > 1 or arguments[: len(subjects)] != tuple(subjects):
        raise TypeError(
            "gradtest takes what is to be checked, and then a strategy for each of its arguments: "
            "gradtest(np.tanh, arrays())"
        )
    if not subjects:
        return lambda function: _test(function, strategies, options, named_like=function)
    test = _test(subjects[0], strategies, options)

    @functools.wraps(test)
    def test_or_decorate(*claim: Callable[..., Any]) -> Any:
        if not claim:
            return test()
        return _test(subjects[0], strategies, options, named_like=claim[0], claim=claim[0])

    return test_or_decorate


def _test(
    subject: Any,
    strategies: list[Any],
    options: dict[str, Any],
    named_like: Any = None,
    claim: Callable[..., Any] | None = None,
) -> Any:
    """Make the test, with arguments named as the subject has them."""
    of_the_check = {k: v for k, v in options.items() if k != "settings"}
    names = _names(subject, len(strategies))

    def test(**drawn: Any) -> None:
        __tracebackhide__ = True
        given = [drawn[name] for name in names]
        report = checked(subject, given, of_the_check.get("rng", 0), of_the_check)
        hypothesis.target(min(float(report.worst_ratio), LARGEST), label="error over bar")
        if report.verdict is Verdict.INCONCLUSIVE:
            hypothesis.reject()
        if not report.ok:
            raise GradientError(report)
        if claim is not None:
            claim(*given)

    what = subject[0] if isinstance(subject, tuple) else subject
    name = f"test_{called(what)}" if named_like is None else named_like.__name__
    name = re.sub(r"\W+", "_", name).rstrip("_")  # Hypothesis makes code of it; a lambda's has < >
    test.__name__ = test.__qualname__ = name
    test.__module__ = getattr(named_like, "__module__", None) or __name__
    test.__doc__ = getattr(named_like, "__doc__", None)
    drawn = hypothesis.given(**dict(zip(names, strategies, strict=True)))(test)
    return _settings(options)(drawn)


def _settings(options: dict[str, Any]) -> Any:
    chosen = options.get("settings") or hypothesis.settings(
        deadline=None, suppress_health_check=QUIET, phases=PHASES
    )
    examples = profiles.chosen().examples
    return chosen if examples is None else hypothesis.settings(chosen, max_examples=examples)


def _names(subject: Any, count: int) -> list[str]:
    """What the arguments are called: as forward has them, or x, x1, x2 …"""
    kind = kind_of(subject)
    forward = {"layer": "forward", "network": "loss"}.get(kind)
    f = getattr(subject, forward) if forward else subject[0] if kind == "pair" else subject
    known = [p.name for p in parameters(f) if p.name not in ("self", *OF_THE_CHECK)]
    known = [] if inspect.isclass(subject) else known[:count]
    return known + [f"x{i}" if count > 1 else "x" for i in range(len(known), count)]
