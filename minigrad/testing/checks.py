"""The four doors of the checker: a function, a layer, a network, a pair of callables."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from minigrad.testing import both_modes, inner_layers
from minigrad.testing.checking import Check
from minigrad.testing.report import GradientError, Report, Verdict
from minigrad.testing.subjects import subjects


def gradcheck(
    f: Callable[..., Any],
    *arrays: Any,
    order: int = 1,
    raise_exception: bool = True,
    rtol: float = 1e-6,
    contracts: bool | Collection[str] | Mapping[str, bool] = True,
    diagnose: bool = True,
    rng: Any = 0,
) -> Report:
    """Check the derivatives of a function of Tensors, in reverse and in forward mode.

    Args:
        f: takes arrays or Tensors, returns one, or several in a list, tuple or dict.
        arrays: where; those of floats are differentiated by, the others are constants. Dicts, lists
            and tuples of arrays are taken apart.
        order: 2 to check second derivatives too.
        raise_exception: False to get the report of a failure instead of an exception.
        rtol: the relative error that is called wrong, beyond the error bar.
        contracts: False for none, or the names of those to check, or {name: False} to leave out.
        diagnose: False to spare the search for the cause of a failure.
        rng: a seed or a Generator for the random cotangents.

    Raises:
        GradientError: when a derivative is wrong, or cannot be judged; its message is the report.

    >>> gradcheck(lambda x, w: np.tanh(x @ w), np.ones((2, 3)), np.ones((3, 2))).ok
    True
    """
    subject = subjects.of_function(f, *arrays)
    return _finished(
        Check(subject, rtol, contracts, diagnose, rng, order).report(), raise_exception
    )


def check_layer(
    layer: Any,
    *inputs: Any,
    param_grads: Mapping[str, str] | None = None,
    fixed: Iterable[str] | None = None,
    rows: Iterable[str] | None = None,
    fewest: int | None = None,
    raise_exception: bool = True,
    rtol: float = 1e-6,
    contracts: bool | Collection[str] | Mapping[str, bool] = True,
    diagnose: bool = True,
    rng: Any = 0,
    **options: Any,
) -> Report:
    """Check a layer's backward, for inputs and parameters: ours, the book's, a student's.

    Args:
        layer: an object with `forward(*inputs)` and `backward(dout)`; it is not changed.
        inputs: what to try it on: labels and indices as integers.
        param_grads: which attributes are parameters, and where backward leaves their gradients:
            {"W": "dW"}. Left out, they are found by these names, or in `params` and `grads`.
        fixed: names of inputs that have no gradient, although they are floats.
        rows: names of inputs whose first axis is the batch; left out, all of the first's length.
        fewest: the fewest rows that the layer is made for.
        options: keyword arguments of forward, such as train_flag=True. A layer that takes that is
            checked in both modes where it is left out.
        raise_exception, rtol, contracts, diagnose, rng: as for `gradcheck`.

    Raises:
        GradientError: when a gradient is wrong, or cannot be judged; its message is the report.
        TypeError: when inputs are missing.

    >>> import minigrad as mg
    >>> check_layer(mg.Affine(3, 2, rng=0), np.ones((4, 3))).ok
    True
    """
    both_modes.must_be_given(layer, inputs, options)

    def check(layer: Any, more: Mapping[str, Any]) -> Report:
        subject = subjects.of_layer(
            layer, *inputs, param_grads=param_grads, fixed=fixed, options={**options, **more}
        )
        subject.set_rows(rows, fewest)
        if not subject.is_network:
            return Check(subject, rtol, contracts, diagnose, rng).report()
        checking = Check(subject, rtol, contracts, False, rng)
        blamed = partial(inner_layers.blamed_in_layer, options={**options, **more})
        return _diagnosed(checking, diagnose, partial(blamed, layer=layer, inputs=inputs), rng)

    flag = both_modes.open_flag(layer, inputs, options)
    report = check(layer, {}) if flag is None else both_modes.checked(layer, inputs, flag, check)
    return _finished(report, raise_exception)


def check_network(
    net: Any,
    x: Any,
    t: Any,
    raise_exception: bool = True,
    rtol: float = 1e-6,
    contracts: bool | Collection[str] | Mapping[str, bool] = True,
    diagnose: bool = True,
    rng: Any = 0,
) -> Report:
    """Check `net.gradient(x, t)` against `net.loss(x, t)`, for every parameter.

    Args:
        net: a Network, or any object with these two and `params`, a mapping of arrays; it is not
            changed. Ours are run as in training, with the same random masks each time.
        x: a batch.
        t: its targets.
        raise_exception, rtol, contracts, diagnose, rng: as for `gradcheck`.

    Raises:
        GradientError: when a gradient is wrong, or cannot be judged; its message is the report.

    >>> import minigrad as mg
    >>> net = mg.mlp([2, 3, 2], dropout=0.5, rng=0)
    >>> check_network(net, np.ones((4, 2)), np.array([0, 1, 0, 1])).ok
    True
    """
    subject = subjects.of_network(net, x, t)
    subject.set_rows(None, 1)
    check = Check(subject, rtol, contracts, False, rng)
    blamed = partial(inner_layers.blamed, net=net, x=x, t=t)
    return _finished(_diagnosed(check, diagnose, blamed, rng), raise_exception)


def check_vjp(
    forward: Callable[..., Any],
    backward: Callable[..., Any],
    *arrays: Any,
    fixed: Iterable[str] | None = None,
    raise_exception: bool = True,
    rtol: float = 1e-6,
    contracts: bool | Collection[str] | Mapping[str, bool] = True,
    diagnose: bool = True,
    rng: Any = 0,
) -> Report:
    """Check any pair of callables on arrays, whoever computes them: PyTorch, JAX, you.

    Args:
        forward: `forward(*arrays) -> y`, or several in a tuple.
        backward: `backward(dout)`, for the latest forward: the gradient, or a tuple of gradients.
            With `forward -> (y, cache)` also `backward(dout, cache)`.
        arrays: where.
        fixed: names of arguments that have no gradient, although they are floats.
        raise_exception, rtol, contracts, diagnose, rng: as for `gradcheck`.

    Raises:
        GradientError: when a gradient is wrong, or cannot be judged; its message is the report.

    >>> check_vjp(np.sin, lambda dout: 1.0 * dout, np.zeros(3)).ok
    True
    """
    subject = subjects.of_pair(forward, backward, *arrays, fixed=fixed)
    subject.set_rows(None, None)
    return _finished(Check(subject, rtol, contracts, diagnose, rng).report(), raise_exception)


def _diagnosed(
    check: Check, diagnose: bool, blamed: Callable[..., Report | None], rng: Any
) -> Report:
    """Report on a network; where it fails, on the layer to blame rather than on the whole."""
    report = check.report()
    if not diagnose or report.verdict is not Verdict.FAIL:
        return report
    found = blamed(report, check=partial(check_layer, raise_exception=False, rng=rng))
    return replace(report, cause=check.cause()) if found is None else found


def _finished(report: Report, raise_exception: bool) -> Report:
    if raise_exception and not report.ok:
        raise GradientError(report)
    return report
