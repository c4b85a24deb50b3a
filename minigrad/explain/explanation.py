"""The explanation: the data, its views, and the questions that it answers."""

from __future__ import annotations

from typing import Any

from minigrad.explain import entries, paths
from minigrad.explain.model import Trace
from minigrad.explain.text import text


class Explanation(Trace):
    """A forward pass and the backward pass through it: data that explain themselves.

    Made by `mg.explain`. `print(e)` and a notebook show it; the methods answer questions.

    >>> import minigrad as mg
    >>> apple, count = mg.Tensor(100.0), mg.Tensor(2.0)
    >>> price = apple * count
    >>> e = mg.explain(price)
    >>> e.gradients
    {'apple': array(2.), 'count': array(100.)}
    """

    def text(self, width: int | None = None, colour: bool | None = None) -> str:
        """Write it for a terminal of this width; see `minigrad.explain.text.text`."""
        return text(self, width, colour)

    def __str__(self) -> str:
        return self.text()

    def at(self, name: str, *index: int) -> entries.Entry:
        """Take one entry of a gradient apart: every term of its sum.

        Args:
            name: of the value, W1, or of its gradient, dW1.
            index: of the entry; none for a single number.

        Raises:
            KeyError: when nothing has the name.
            IndexError: when the index does not name one entry.
            ValueError: when no gradient reaches it.

        >>> import minigrad as mg
        >>> x, w = mg.Tensor([[1.0, 2.0], [3.0, 4.0]]), mg.Tensor([0.5, -1.0])
        >>> y = np.sum(x @ w)
        >>> print(mg.explain(y).at("w", 1))
        dw[1] = Σₙ x[n, 1] · dv1[n]
              = 2·1 + 4·1
              = 6
        """
        return entries.entry_at(self, name, index)

    def why(self, name: str, most: int = 20) -> paths.Why:
        """List the paths that a gradient comes by, with the product along each.

        Args:
            name: of the value.
            most: how many paths to list.

        Raises:
            KeyError: when nothing has the name.
            ValueError: when no gradient reaches it.

        >>> import minigrad as mg
        >>> x = mg.Tensor(3.0)
        >>> y = x * x + x
        >>> print(mg.explain(y).why("x"))
        3 paths from y to x
          1  y → x
             1 = 1
          2  y → v1 → x
             1 · 3 = 3
          3  y → v1 → x
             1 · 3 = 3
        dx = 7, the sum over the paths
        """
        return paths.why(self, name, most)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        """What a notebook shows."""
        return {"text/plain": text(self, 100, False)}
