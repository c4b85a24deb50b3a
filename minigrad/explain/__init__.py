"""Explanations of a backward pass: `mg.explain(loss)`, `mg.explain(net, x, t)`.

The package can be called: `mg.explain(…)` is `explain` of `minigrad.explain.entry`, whose docstring
says what can be explained.

>>> import minigrad as mg
>>> x = mg.Tensor(3.0)
>>> y = x * x
>>> mg.explain(y).gradients
{'x': array(6.)}
"""

import inspect
import sys
import types
import typing

from minigrad.explain import entry
from minigrad.explain.data.model import Contribution, Failure, Group, Line, Step, Trace
from minigrad.explain.entry import explain
from minigrad.explain.explanation import Explanation

__all__ = ["Contribution", "Explanation", "Failure", "Group", "Line", "Step", "Trace", "explain"]


class _CallablePackage(types.ModuleType):
    """An import of this package puts it where `mg.explain` is, and so it must be the function."""

    __call__ = staticmethod(entry.explain)
    __signature__ = inspect.signature(entry.explain)

    @property
    def explain(self) -> typing.Any:
        return self


# What help(mg.explain) shows first: the call, and then what else is in here.
__doc__ = f"mg.explain(what, *args, names=None, at=None)\n\n{inspect.getdoc(entry.explain)}"
sys.modules[__name__].__class__ = _CallablePackage
