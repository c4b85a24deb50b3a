"""One door for whatever is to be checked: it is looked at, tried, and sent to the right check."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from minigrad.networks import Network
from minigrad.testing import both_modes, building, checks, made_up, profiles
from minigrad.testing.diagnosis.workbench import AROUND
from minigrad.testing.report import GradientError, Report, Verdict
from minigrad.testing.subjects.outcomes import place
from minigrad.testing.subjects.trials import NothingRunsError, Trial, required, trials

CACHES = ("cache", "ctx", "saved", "memo", "tape")
OF_THE_CHECK = ("param_grads", "fixed", "rows", "fewest", "rtol", "contracts", "diagnose", "order")


def assert_gradients(thing: Any, *inputs: Any, **options: Any) -> Report:
    """Check the gradients of anything; a test in one line.

    Args:
        thing: a layer (an object with forward and backward, or a class of those), a network (loss,
            gradient and params), a pair (forward, backward) of functions, a function of arrays, or
            a function without arguments that returns one of these, or (net, x, t).
        inputs: of its forward. Where none are given they are made up, from the names of the
            arguments and the shapes of the parameters, until forward runs. How many different ones
            are tried the profile says: `pytest --gradcheck-profile=ci`.
        options: of `check_layer`, `check_network`, `check_vjp` or `gradcheck`; of a class and a
            layer also its own, by name: `n_in=3`, `train_flag=True`.

    Returns:
        The report, of the latest input.

    Raises:
        GradientError: when a gradient is wrong, or cannot be judged; its message is the report.
        TypeError: when `thing` is nothing that can be checked.

    >>> import minigrad as mg
    >>> assert_gradients(mg.Affine(3, 2, rng=0)).ok
    True
    >>> assert_gradients((np.sin, lambda dout, x: dout * np.cos(x))).ok
    True
    """
    __tracebackhide__ = True
    count = 1 if inputs else profiles.chosen().inputs
    seed = options.pop("rng", 0)
    for i in range(count):
        report = checked(thing, inputs or None, seed + i if count > 1 else seed, options)
        if not report.ok:
            raise GradientError(report)
    return report


def checked(
    thing: Any, inputs: Sequence[Any] | None, rng: Any = 0, options: Mapping[str, Any] | None = None
) -> Report:
    """Check anything; the report, whatever it says.

    Args:
        thing, options: as in `assert_gradients`.
        inputs: of its forward; None to make some up.
        rng: a seed, or a Generator.

    >>> checked(np.tanh, None).verdict.name
    'PASS'
    """
    kind = kind_of(thing)
    options = {k: v for k, v in (options or {}).items() if k != "rng"}
    if kind == "function" and building.is_builder(thing, inputs, options):
        found = building.build(thing, called(thing), options, kind_of)
        if isinstance(found, Report):
            return found
        taken = building.taken_by(thing, options)
        rest = {k: v for k, v in options.items() if k not in taken}
        return checked(found.thing, inputs or found.inputs, rng, rest)
    own = {k: options.pop(k) for k in OF_THE_CHECK if k in options}
    name = called(thing[0] if kind == "pair" else thing)
    doors = {"layer": _layer, "network": _network, "pair": _pair, "function": _function}

    def check(found: Trial, **more: Any) -> Report:
        report = doors[kind](found.thing, found.inputs, found.options, own | {"rng": rng} | more)
        if inputs is None and found.made:
            report.notes = [f"tried on {', '.join(filter(None, found.made))}", *report.notes]
        return report

    possible = trials(thing, FORWARDS[kind], options, inputs, rng)
    try:
        first = next(possible)
    except NothingRunsError as nothing:
        if kind == "function" and nothing.cause is None:
            return Report(name, Verdict.INCONCLUSIVE, reason=str(nothing))
        return _not_run(name, nothing, inputs)
    report = check(first)
    return report if inputs is not None else made_up.judged(report, first, possible, check)


def kind_of(thing: Any) -> str:
    """Tell a "layer", a "network", a "pair" and a "function" apart.

    Raises:
        TypeError: when it is none of these, saying what is missing.

    >>> kind_of((np.sin, np.cos)), kind_of(np.sin)
    ('pair', 'function')
    """
    if isinstance(thing, tuple) and len(thing) == 2 and all(map(callable, thing)):
        return "pair"
    has = {
        m: callable(getattr(thing, m, None)) for m in ("forward", "backward", "loss", "gradient")
    }
    if has["loss"] and has["gradient"] and _has_loss(thing):
        return "network"
    if has["forward"] and has["backward"]:
        return "layer"
    if has["forward"] or has["backward"]:
        there, missing = ("forward", "backward") if has["forward"] else ("backward", "forward")
        raise TypeError(f"{called(thing)} has a {there} and no {missing}: a check compares the two")
    if callable(thing) and not isinstance(thing, type):
        return "function"
    raise TypeError(
        f"{called(thing)} cannot be checked: it has no forward and backward, no loss and "
        "gradient, and is no function"
    )


def called(thing: Any) -> str:
    """Name a thing as a person would: the class's name, or the function's."""
    return str(getattr(thing, "__name__", type(thing).__name__))


def _has_loss(thing: Any) -> bool:
    return not isinstance(thing, Network) or thing.loss_layer is not None


FORWARDS: dict[str, Callable[[Any], Any]] = {
    "layer": both_modes.written_forward,
    "network": lambda net: net.loss,
    "pair": lambda pair: pair[0],
    "function": lambda function: function,
}


def _layer(layer: Any, inputs: Any, options: dict[str, Any], own: dict[str, Any]) -> Report:
    """Check a layer; a mode that was made up is no mode, and so both are checked."""
    return checks.check_layer(layer, *inputs, **options, **own, raise_exception=False)


def _network(net: Any, inputs: Any, options: dict[str, Any], own: dict[str, Any]) -> Report:
    x, t = inputs
    return checks.check_network(net, x, t, raise_exception=False, **own)


def _function(f: Any, inputs: Any, options: dict[str, Any], own: dict[str, Any]) -> Report:
    partly = functools.partial(f, **options) if options else f
    return checks.gradcheck(partly, *inputs, **own, raise_exception=False)


def _pair(pair: Any, inputs: Any, options: dict[str, Any], own: dict[str, Any]) -> Report:
    """Bring backward to the form (dout) or (dout, cache)."""
    forward, backward = pair
    rest = required(backward, {})[1:]
    if rest and not (len(rest) == 1 and rest[0].name.lower() in CACHES):
        forward, backward = _remembering(forward, backward, [p.name for p in rest])
    elif rest and rest[0].name != "cache":
        forward, backward = forward, _of_cache(backward, lambda cache: (cache,))
    return checks.check_vjp(forward, backward, *inputs, **own, raise_exception=False)


def _remembering(forward: Any, backward: Any, wanted: list[str]) -> tuple[Any, Any]:
    """Hand to `backward(dout, x, W, y)` what it wants by name: inputs of forward, or its output."""
    names = [p.name for p in required(forward, {})]

    @functools.wraps(forward)
    def with_cache(*inputs: Any) -> tuple[Any, Any]:
        y = forward(*inputs)
        given = dict(zip(names, inputs, strict=False))
        return y, [given.get(name, y) for name in wanted]

    vars(with_cache)[AROUND] = forward, lambda f: _remembering(f, backward, wanted)[0]
    return with_cache, _of_cache(backward, lambda cache: cache)


def _of_cache(backward: Any, unpacked: Callable[[Any], Sequence[Any]]) -> Any:
    """Give a backward the signature (dout, cache)."""

    @functools.wraps(backward)
    def pulled_back(dout: Any, cache: Any) -> Any:
        return backward(dout, *unpacked(cache))

    signature = inspect.Signature(
        [inspect.Parameter(n, inspect.Parameter.POSITIONAL_OR_KEYWORD) for n in ("dout", "cache")]
    )
    vars(pulled_back)["__signature__"] = signature
    vars(pulled_back)[AROUND] = backward, lambda f: _of_cache(f, unpacked)
    return pulled_back


def _capital(sentence: object) -> str:
    text = str(sentence)
    return text[:1].upper() + text[1:]


def _not_run(name: str, nothing: NothingRunsError, inputs: Any) -> Report:
    """Report that no arguments were found, or that those given raise."""
    where = [] if nothing.cause is None else place(nothing.cause)
    if nothing.is_a_mistake:
        return Report(name, Verdict.FAIL, reason=str(nothing), where=where)
    reason = f"no input was found that it runs on: say what it is made for. {_capital(nothing)}"
    return Report(name, Verdict.INCONCLUSIVE, reason=reason, where=where)
