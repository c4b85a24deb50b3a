"""Functions to functions: grad, value_and_grad, vjp, jvp, jacobian, hessian and hvp.

A transform makes Tensors of the arguments that it differentiates by, calls the function, and asks
`gradients`. Arguments may be arrays, numbers, or dicts, lists and tuples of them, nested at will;
derivatives come back in the same structure.

They nest. A transform returns arrays, unless an argument is a Tensor or the result still hangs on
the argument of a transform around it: then Tensors, which that one goes on to differentiate. Other
Tensors that the function uses, such as the parameters of layers, do not count.

Source: the transforms of JAX (Frostig, Johnson and Leary, SysML 2018), on a tape.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from minigrad.kinds import is_complex
from minigrad.lifting import Lifted, name_of
from minigrad.tensor import Tensor

Function = Callable[..., Any]


# ---- the transforms ------------------------------------------------------------------------------
def grad(f: Function, argnums: int | Sequence[int] = 0, has_aux: bool = False) -> Function:
    """Differentiate a scalar function: `grad(f)(*args)` is the gradient by the first argument.

    Args:
        f: a function of arrays that returns a scalar, or `(scalar, aux)` with `has_aux`.
        argnums: which positional argument; or several, for a tuple of gradients.
        has_aux: whether f returns something else besides, which is handed through.

    Returns:
        A function of the same arguments: the gradient, with `has_aux` `(gradient, aux)`.

    Raises:
        ValueError: when f returns no scalar, or there is no such argument.
        TypeError: when the argument holds integers or what is no array, or f returns a complex
            number.

    >>> grad(lambda x: np.sum(x**3))(np.array([1.0, 2.0]))
    array([ 3., 12.])
    >>> grad(lambda p: p["a"] * p["b"])({"a": 2.0, "b": 3.0})
    {'a': array(3.), 'b': array(2.)}
    >>> grad(lambda x: grad(lambda y: x * y * y)(3.0))(2.0)
    array(6.)
    """
    both = value_and_grad(f, argnums, has_aux)

    @functools.wraps(f, updated=())
    def gradient(*args: Any, **kwargs: Any) -> Any:
        value, found = both(*args, **kwargs)
        return (found, value[1]) if has_aux else found

    return gradient


def value_and_grad(
    f: Function, argnums: int | Sequence[int] = 0, has_aux: bool = False
) -> Function:
    """Compute a scalar function and its gradient together: see `grad`.

    Returns:
        A function of the same arguments: `(value, gradient)`, or `((value, aux), gradient)`.

    >>> value_and_grad(lambda x: np.sum(x**2))(np.array([1.0, 2.0]))
    (array(5.), array([2., 4.]))
    """

    @functools.wraps(f, updated=())
    def both(*args: Any, **kwargs: Any) -> Any:
        call = Lifted(f, args, kwargs, argnums, has_aux)
        _check_scalar(call.output, name_of(f))
        value, found = call.value(), call.gradient()
        return (value, call.aux) if has_aux else value, found

    return both


def _check_scalar(y: Any, name: str) -> None:
    """Refuse what has no gradient but a Jacobian."""
    if isinstance(y, (Mapping, list, tuple)):
        raise ValueError(
            f"grad needs a function that returns one scalar, and {name} returned a "
            f"{type(y).__name__}: has_aux=True is for (scalar, something else)"
        )
    shape = y.shape if isinstance(y, Tensor) else np.shape(y)
    if math.prod(shape) != 1:
        raise ValueError(
            f"grad differentiates scalar functions, and {name} returned shape {shape}: use "
            "jacobian, or vjp with a cotangent"
        )
    if is_complex(y):
        raise TypeError(
            f"grad differentiates real functions, and {name} returned a complex number: return its "
            "np.real, np.imag or np.abs, or use vjp with a cotangent"
        )


def vjp(f: Function, *args: Any, has_aux: bool = False) -> Any:
    """Compute f at `args`, and the function that pulls cotangents back: `(y, pullback)`.

    Args:
        f: a function that returns an array, or several in a dict, list or tuple.
        args: where; f is differentiated by all of them.
        has_aux: whether f returns `(y, aux)`.

    Returns:
        `(y, pullback)`, or `(y, pullback, aux)`. `pullback(g)` is g times the Jacobian, for a g
        like y: the gradient by the argument, or a tuple of them for several arguments. It may be
        called again and again.

    >>> y, pullback = vjp(lambda x, w: x * w, np.array([1.0, 2.0]), 3.0)
    >>> pullback(np.array([1.0, 1.0]))
    (array([3., 3.]), array(3.))
    """
    call = Lifted(f, args, {}, range(len(args)) if len(args) != 1 else 0, has_aux)
    if has_aux:
        return call.value(), call.pull, call.aux
    return call.value(), call.pull


def jvp(f: Function, args: Any, tangents: Any, has_aux: bool = False) -> Any:
    """Compute f at `args`, and its derivative along `tangents`: `(y, dy)`, in forward mode.

    The pullback is linear in its cotangent; pulling back through it pushes forward. So the same
    rules serve (the transpose of the transpose), at the cost of two backward passes.

    Args:
        f: a function that returns an array, or several in a dict, list or tuple.
        args: a tuple of the arguments, or the only one.
        tangents: directions, of the structure and shapes of `args`.
        has_aux: whether f returns `(y, aux)`; then the result is `(y, dy, aux)`.

    Raises:
        ValueError: when a tangent has another shape than its argument.

    >>> jvp(lambda x: x**2, np.array([1.0, 2.0]), np.array([1.0, 0.0]))
    (array([1., 4.]), array([2., 0.]))
    """
    if not isinstance(args, tuple) or hasattr(args, "_fields"):  # a namedtuple is one argument
        args, tangents = (args,), (tangents,)
    call = Lifted(f, args, {}, range(len(args)), has_aux)
    found = call.value(), call.push(tangents)
    return (*found, call.aux) if has_aux else found


def jacobian(f: Function, argnums: int | Sequence[int] = 0, has_aux: bool = False) -> Function:
    """Differentiate an array by an array: entry [i…, j…] is ∂yᵢ/∂xⱼ, of shape y.shape + x.shape.

    One backward pass for each entry of y; where x is much smaller, one for each entry of x. For
    complex y and x it is the complex derivative, if there is one. With `has_aux`, f returns
    `(y, aux)` and the result is `(jacobian, aux)`.

    Raises:
        TypeError: when x and y are complex, and f is not holomorphic at x.

    >>> jacobian(lambda x: x**2)(np.array([1.0, 2.0]))
    array([[2., 0.],
           [0., 4.]])
    """

    @functools.wraps(f, updated=())
    def rows(*args: Any, **kwargs: Any) -> Any:
        call = Lifted(f, args, kwargs, argnums, has_aux)
        return (call.jacobian(), call.aux) if has_aux else call.jacobian()

    return rows


def hessian(f: Function, argnums: int | Sequence[int] = 0, has_aux: bool = False) -> Function:
    """Differentiate a scalar function twice: entry [i…, j…] is ∂²f/∂xᵢ∂xⱼ.

    For a dict of arguments it is a dict of dicts: `hessian(f)(p)["a"]["b"]`. With `has_aux`, f
    returns `(y, aux)` and the result is `(hessian, aux)`.

    >>> hessian(lambda x: x[0] ** 2 * x[1])(np.array([3.0, 5.0]))
    array([[10.,  6.],
           [ 6.,  0.]])
    """
    return jacobian(grad(f, argnums, has_aux), argnums, has_aux)


def hvp(f: Function, argnums: int | Sequence[int] = 0, has_aux: bool = False) -> Function:
    """Multiply the Hessian of a scalar function by a vector, without making it.

    Returns:
        A function of the same arguments and a vector behind them, of the structure and shapes of
        the argument: H v, at the cost of about three gradients (after Pearlmutter 1994). With
        `has_aux`, f returns `(y, aux)` and the result is `(H v, aux)`.

    >>> hvp(lambda x: x[0] ** 2 * x[1])(np.array([3.0, 5.0]), np.array([1.0, 0.0]))
    array([10.,  6.])
    """
    slopes = grad(f, argnums, has_aux)

    @functools.wraps(f, updated=())
    def product(*args: Any, **kwargs: Any) -> Any:
        if len(args) < 2:
            raise TypeError(f"hvp: {name_of(f)} needs its arguments, and a vector behind them")
        *given, v = args
        call = Lifted(slopes, given, kwargs, argnums, has_aux)
        along = call.pull(v, "v")  # vᵀH, and H is symmetric
        return (along, call.aux) if has_aux else along

    return product
