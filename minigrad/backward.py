"""Reverse-mode differentiation: the walk back through a graph of recorded calls.

`gradients` visits the calls from the youngest to the oldest. At each it knows the gradient `g` of
the output, runs the rules of the function and adds each operand's share to that operand's total:
where an operand was used twice, its gradient is the sum over both uses (the chain rule).

Source: A. Griewank and A. Walther, *Evaluating Derivatives*, 2nd ed., SIAM 2008, chapter 3.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NoReturn, TypeAlias, overload

import numpy as np

from minigrad.graph import Node, each, leaf, operands
from minigrad.guards import THEIRS, check_history, read_only
from minigrad.kinds import called, plain
from minigrad.pieces import Pieces, added_in_place, collected, put_together
from minigrad.shares import cleared_shares, complete, fitted, is_entrywise, zero_wins
from minigrad.table import MASKING, PLACES

_pairs = zip  # up to the shorter; to say so by strict=False costs a tenth of a step of the walk
# What an explanation watches the walk with. It is told the call, the operand, the gradient of the
# output, and the operand's share: as the rule made it, and as it is added up.
Watch: TypeAlias = Callable[[Node, Node, Any, Any, Any], None]


@overload
def gradients(
    output: Node,
    wrt: Node,
    grad: Any = None,
    create_graph: bool = False,
    *,
    watch: Watch | None = None,
) -> Any: ...
@overload
def gradients(
    output: Node,
    wrt: Sequence[Node],
    grad: Any = None,
    create_graph: bool = False,
    *,
    watch: Watch | None = None,
) -> list[Any]: ...
def gradients(
    output: Node,
    wrt: Node | Sequence[Node],
    grad: Any = None,
    create_graph: bool = False,
    *,
    watch: Watch | None = None,
) -> Any:
    """Differentiate `output` with respect to each Tensor of `wrt`. Pure: no `.grad` is touched.

    Args:
        output: a Tensor; a scalar, unless `grad` is given.
        wrt: Tensors, leaves or interior nodes; or one Tensor.
        grad: the cotangent, of the output's shape: what comes back is it times the Jacobian.
        create_graph: run the rules on Tensors, so that the result can be differentiated again.
        watch: called for each operand on the way as watch(call, operand, g, made, share): what its
            rule made of g, and what of it was added. `minigrad.explain` looks on with it.

    Of a real output, the gradient by a complex z = x + iy is ∂/∂x − i ∂/∂y; a complex output needs
    a cotangent (see docs/complex.md).

    Returns:
        One gradient for each of `wrt`, of its shape and dtype (just one, not a list, for one
        Tensor): arrays of your own, or Tensors with `create_graph`. Zero where the output does not
        depend on it.

    Raises:
        TypeError: when `output` or an entry of `wrt` is not a Tensor; when `grad` is complex and
            the output real, or missing and the output complex.
        ValueError: when `grad` is missing for an output that is no scalar, or has another shape.
        RuntimeError: when a parameter was written after the graph was recorded.

    >>> import minigrad as mg
    >>> x = mg.Tensor([1.0, 2.0])
    >>> mg.gradients(np.sum(x**3), [x])
    [array([ 3., 12.])]
    """
    single = isinstance(wrt, Node)
    wrt = [wrt] if isinstance(wrt, Node) else list(wrt)
    for node in (output, *wrt):
        if not isinstance(node, Node):
            raise TypeError(
                f"gradients differentiates Tensors, not {type(node).__name__}: an array remembers "
                "no calls; make a mg.Tensor of what you differentiate by, before the computation"
            )
    kind = type(output)
    seed = _cotangent(output, grad, create_graph)
    targets = {node._birth for node in wrt}
    path, births = between(output, targets)
    totals: dict[int, Any] = {output._birth: seed}
    del output, node  # from here on the path alone holds the graph, and lets go of it node by node
    with np.errstate(all="ignore"):  # an infinite derivative is an answer, not an accident
        seeded = create_graph and np.all(seed != 0)
        _walk(path, births, targets, totals, create_graph, watch, seeded)
    shared = {id(seed)}
    found = [delivered(kind, n, totals.get(n._birth), shared, create_graph) for n in wrt]
    return found[0] if single else found


def _cotangent(output: Node, grad: Any, create_graph: bool) -> Any:
    """Check or make the gradient that the walk starts with."""
    array = output._array
    if grad is None:
        if array.size != 1:
            raise ValueError(
                f"an output of shape {array.shape} needs a cotangent of that shape: pass grad=, or "
                "reduce the output to a scalar, for example by np.sum"
            )
        if array.dtype.kind == "c":
            raise TypeError(
                "a complex output has no gradient without a cotangent: make a real number of it, "
                "by np.real or np.abs(...)**2, or pass grad="
            )
        grad = np.ones(array.shape, array.dtype)
    elif array.dtype.kind != "c" and np.iscomplexobj(getattr(grad, "_array", grad)):
        raise TypeError("the cotangent grad= of a real output must be real")
    elif isinstance(grad, Node):
        if not create_graph:
            raise TypeError("a Tensor as grad= needs create_graph=True; or pass its .data")
    else:
        grad = plain(grad).astype(array.dtype, copy=False)
    if np.shape(grad) != array.shape:
        raise ValueError(f"grad has shape {np.shape(grad)}, but the output has {array.shape}")
    if create_graph and not isinstance(grad, Node):
        return leaf(type(output), np.array(grad))
    return grad


def between(output: Node, targets: set[int]) -> tuple[list[Node], set[int]]:
    """Collect the calls that lead from `output` to a target, oldest first.

    Also the births of these and of the targets: all that gradients flow to.
    """
    oldest = min(targets, default=output._birth + 1)
    kind = type(output)
    found: dict[int, Node] = {}
    stack = [output] if output._function is not None else []
    all_lead = True
    while stack:
        node = stack.pop()
        birth = node._birth
        if birth in found:
            continue
        found[birth] = node
        leads = False
        rules = node._rules if type(node._rules) is tuple else each(node._rules)
        for parent, rule in _pairs(node._arguments, rules):
            if rule is None or type(parent) is not kind:
                continue
            if parent._written > birth:
                _stale(parent, node)
            if parent._birth < oldest:
                if parent._array.base is not None:
                    _check_views(parent)
            elif parent._function is not None:
                stack.append(parent)
                leads = True
            elif parent._birth in targets:
                leads = True
        all_lead = all_lead and leads
    path = [found[birth] for birth in sorted(found)]
    return (path, targets | found.keys()) if all_lead else _leading(path, targets)


def _leading(nodes: list[Node], targets: set[int]) -> tuple[list[Node], set[int]]:
    """Leave out the nodes that lead to no target."""
    births = set(targets)
    path = []
    for node in nodes:
        if any(parent._birth in births for parent in operands(node)):
            births.add(node._birth)
            path.append(node)
    return path, births


def _check_views(node: Node) -> None:
    """Look for a parameter behind a view of it, such as W.T, that is older than the walk."""
    while node._array.base is not None and (parents := operands(node)):
        if parents[0]._written > node._birth:
            _stale(parents[0], node)
        node = parents[0]


def _walk(
    path: list[Node],
    births: set[int],
    targets: set[int],
    totals: dict[int, Any],
    create_graph: bool,
    watch: Watch | None,
    seeded: Any,
) -> None:
    """Visit the path from the youngest node to the oldest, adding up gradients in `totals`.

    `seeded` says that no entry of the first of them is zero.
    """
    kind = type(path[-1]) if path else Node
    own: set[int] = set()  # sums made here, which may be added to in place
    pieces: Pieces = {}
    careful = False
    while path:
        node = path.pop()  # and nothing but the caller's own references holds it from here on
        birth = node._birth
        if birth in pieces:
            put_together(type(node), {birth: pieces.pop(birth)}, totals)
        g = totals.get(birth) if birth in targets else totals.pop(birth, None)
        if g is None:
            continue
        function, rules, keywords = node._function, node._rules, node._keywords
        if function in MASKING:
            careful = True
            if (
                function in PLACES
                and not watch
                and (
                    collected(node, function, g, pieces)
                    if create_graph
                    else added_in_place(node, function, g, totals, own)
                )
            ):
                continue
        clear = careful and is_entrywise(function)
        given = (g, node, *node._arguments) if create_graph else (g, node._array, *node._values)
        theirs = function in THEIRS
        if theirs:
            given = tuple(map(read_only, given))
        is_joint = type(rules) is not tuple
        shares = complete(rules(*given, **keywords), node) if is_joint else rules
        if clear and create_graph and not is_joint:
            shares, is_joint, clear = cleared_shares(node, g, seeded), True, False
        for parent, share in _pairs(node._arguments, shares):
            if share is None or type(parent) is not kind:
                continue
            key = parent._birth
            if key not in births:
                continue
            if not is_joint:
                share = share(*given, **keywords) if keywords else share(*given)
            if theirs and create_graph:
                check_history(share, function)
            if clear:
                share = zero_wins(g, share)
            x = parent._array
            made = share
            if (
                type(share) is not np.ndarray
                or share.shape != x.shape
                or share.dtype is not x.dtype
            ):
                share = fitted(share, x, function)
            if watch is not None:
                watch(node, parent, g, made, share)
            total = totals.get(key)
            if total is None:
                totals[key] = share
            elif key in own:
                totals[key] += share
            else:
                totals[key] = total + share
                own.add(key)
    put_together(kind, pieces, totals)


def delivered(
    kind: type[Node], node: Node, total: Any, shared: set[int], create_graph: bool
) -> Any:
    """Hand a gradient over as the caller's own: it shares memory with nothing."""
    if total is None:
        total = np.zeros_like(node._array)
    if create_graph:
        return total if isinstance(total, Node) else leaf(kind, np.asarray(total))
    if type(total) is not np.ndarray:
        total = np.asarray(total)
    if total.base is not None or id(total) in shared:
        total = total.copy()
    shared.add(id(total))
    return total


def _stale(parent: Node, node: Node) -> NoReturn:
    """Refuse to run backward through values that have been replaced."""
    function = "a call" if node._function is None else called(node._function)
    raise RuntimeError(
        f"parameter {parent.name or 'of shape ' + str(parent._array.shape)} was written after "
        f"{function} used it, so this graph no longer holds its value: run the forward pass again "
        "before the backward pass, and write parameters after it"
    )


def leaves(output: Node) -> list[Node]:
    """List the leaves that `output` was computed from, oldest first."""
    found: dict[int, Node] = {}
    stack = [output]
    while stack:
        node = stack.pop()
        if node._birth not in found:
            found[node._birth] = node
            stack += operands(node)
    return [found[birth] for birth in sorted(found) if found[birth]._function is None]
