"""Making subjects: of a function of Tensors, a pair of callables, a layer, a network."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from minigrad.layers import Layer
from minigrad.testing.subjects.by_hand import ForeignSubject, PairSubject
from minigrad.testing.subjects.naming import called, is_nested, leaves_of, named, rebuilt
from minigrad.testing.subjects.ours import FunctionSubject, LayerSubject, NetworkSubject
from minigrad.testing.subjects.randomness import Rewind
from minigrad.testing.subjects.subject import Subject, is_float


def of_function(f: Callable[..., Any], *inputs: Any, name: str | None = None) -> Subject:
    """Make a subject of a function of Tensors, which minigrad differentiates.

    Args:
        f: takes arrays or Tensors; returns one, or several in a list, tuple or dict.
        inputs: arrays, or dicts, lists and tuples of arrays; those of floats are differentiated by,
            the rest are constants.

    >>> subject = of_function(np.sin, np.zeros(2))
    >>> subject.start().gradients([np.ones(2)])
    {'x': array([1., 1.])}
    """
    if not any(map(is_nested, inputs)):
        return FunctionSubject(f, inputs, name)
    leaves = dict(leaf for k, x in named(f, inputs).items() for leaf in leaves_of(k, x))

    def of_leaves(*given: Any) -> Any:
        arrays = iter(given)
        return f(*(rebuilt(x, arrays) for x in inputs))

    subject = FunctionSubject(of_leaves, list(leaves.values()), name or called(f))
    subject.inputs = dict(zip(leaves, subject.inputs.values(), strict=True))
    subject.fixed = frozenset(k for k, x in subject.inputs.items() if not is_float(x))
    subject.written, subject.rewind = {"forward": f}, Rewind([f])
    return subject


def of_pair(
    forward: Callable[..., Any],
    backward: Callable[..., Any],
    *inputs: Any,
    fixed: Iterable[str] | None = None,
    name: str | None = None,
) -> Subject:
    """Make a subject of two callables: `backward(dout)` belongs to the latest `forward(*inputs)`.

    `backward` returns the gradient of the input, or a tuple of gradients. The form
    `forward(*inputs) -> (out, cache)` with `backward(dout, cache)` is understood too.

    >>> of_pair(np.exp, lambda dout: dout, np.zeros(2)).inputs
    {'x': array([0., 0.])}
    """
    return PairSubject(forward, backward, inputs, fixed, name)


def of_layer(
    layer: Any,
    *inputs: Any,
    param_grads: Mapping[str, str] | None = None,
    fixed: Iterable[str] | None = None,
    options: Mapping[str, Any] | None = None,
    name: str | None = None,
) -> Subject:
    """Make a subject of an object with forward and backward: ours, the book's, a student's.

    Args:
        layer: the object, never changed: runs are made on copies.
        param_grads: parameters and where backward leaves their gradients: {"W": "dW"}. Left out,
            they are found: what `layer.param_grads` says, or W beside dW, or params beside grads.
        fixed: the inputs that have no gradient; left out, labels and the like are recognised.
        options: keyword arguments of forward, such as train_flag.

    >>> import minigrad as mg
    >>> list(of_layer(mg.Affine(3, 2, rng=0), np.ones((4, 3))).operands)
    ['x', 'W', 'b']
    """
    if isinstance(layer, Layer):
        return LayerSubject(layer, inputs, fixed, options or {}, name)
    return ForeignSubject(layer, inputs, param_grads, fixed, options or {}, name)


def of_network(net: Any, x: Any, t: Any, name: str | None = None) -> Subject:
    """Make a subject of a network with `loss(x, t)`, `gradient(x, t)` and `params`.

    >>> import minigrad as mg
    >>> net = mg.mlp([2, 2], rng=0)
    >>> list(of_network(net, np.ones((3, 2)), np.array([0, 1, 1])).operands)
    ['W1', 'b1']
    """
    return NetworkSubject(net, x, t, name)
