"""The table of derivatives: one line per NumPy function, filed by NumPy's own chapters.

In a rule, `g` is the gradient of the output, then come the output `y` and the operands. Rules are
calculus alone: the engine sums over broadcast axes and restores dtypes.

These chapters are open from the beginning. Those of `further.py` are opened when a function arrives
that no open chapter knows.
"""

from minigrad.derivatives import elementwise, indexing, products, reductions, shaping
from minigrad.first_use import on_first_use as _on_first_use
from minigrad.table import FURTHER as _FURTHER

__all__ = ["elementwise", "indexing", "products", "reductions", "shaping"]

_FURTHER.append("minigrad.derivatives.further")
__getattr__, __dir__ = _on_first_use(__name__, {})
