"""The explanation: the data, and the views and questions that it answers."""

from __future__ import annotations

from minigrad.explain.model import Trace


class Explanation(Trace):
    """A forward pass and the backward pass through it, as data that explain themselves; made by
    `mg.explain`.

    >>> import minigrad as mg
    >>> apple, count = mg.Tensor(100.0), mg.Tensor(2.0)
    >>> e = mg.explain(apple * count, names={"apple": apple, "count": count})
    >>> e.gradients
    {'apple': array(2.), 'count': array(100.)}
    """
