"""An optimizer's rule as one compiled loop: the extra `fast`.

NumPy takes a rule operation by operation: Adam's goes through its arrays in twelve passes. Here the
same rule is run once on symbols, which write down what it does to one entry; numba compiles that to
a loop that goes through W, g and the states a single time. Same operations, same order, same
precision: the same bits.

    def loop(W, g, s0, numbers):            # Momentum
        c0, c1 = numbers
        for i in range(W.size):
            x0 = s0[i] * c0
            x1 = g[i] * c1
            …
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]
Rule: TypeAlias = Callable[..., None]
T = TypeVar("T")

SHORT = 2**14  # entries, up to which NumPy is there sooner than a trace
COMPILED = (np.dtype(np.float32), np.dtype(np.float64))
WRITTEN = {  # operations that are rounded correctly, here as in NumPy
    np.add: "{} + {}",
    np.subtract: "{} - {}",
    np.multiply: "{} * {}",
    np.divide: "{} / {}",
    np.negative: "-{}",
    np.square: "{0} * {0}",
    np.sqrt: "sqrt({})",
    np.absolute: "abs({})",
}


def fused(optimizer: T) -> T:
    """Let an optimizer run its rule as one compiled loop; it is changed, and returned.

    Updates give the same bits as before, in a half to an eighth of the time for large arrays; short
    ones go on in NumPy. The first update of a large array takes a second or so, to compile. NumPy's
    warnings of overflow and the like are not given in the loop.

    Raises:
        ImportError: without numba.
        TypeError: when the rule is not `elementwise`, or does something that cannot be written
            down for one entry.

    >>> import minigrad as mg
    >>> mg.fused(mg.Adam(lr=0.001))  # doctest: +SKIP
    Adam(lr=0.001, beta1=0.9, beta2=0.999, eps=1e-08, fused=True)
    >>> mg.fused(mg.Optimizer())
    Traceback (most recent call last):
    TypeError: fused takes an optimizer whose rule says elementwise = True, and Optimizer does not
    """
    it: Any = optimizer
    if not getattr(it, "elementwise", False):
        raise TypeError(
            "fused takes an optimizer whose rule says elementwise = True, and "
            f"{type(optimizer).__name__} does not"
        )
    _numba()
    trace = _Trace(len(it.states), np.dtype(np.float64))
    it.rule(trace.W, trace.g, it.rate, 1, *trace.states)
    it.fused = True
    return optimizer


def as_loop(rule: Rule) -> Rule:
    """Make a rule of the same signature that runs as a loop where that is worth it, for one update.

    In one update lr is one number, so that arrays with the same t and dtype share a trace.
    """
    ready: dict[Any, tuple[Callable[..., None], Array]] = {}

    def run(W: Array, g: Array, lr: float, t: int, *states: Array) -> None:
        if W.size <= SHORT or W.dtype not in COMPILED:
            rule(W, g, lr, t, *states)
            return
        if (t, W.dtype) not in ready:
            trace = _Trace(len(states), W.dtype)
            rule(trace.W, trace.g, lr, t, *trace.states)
            ready[t, W.dtype] = _compiled(trace.source()), np.array(trace.numbers, W.dtype)
        loop, numbers = ready[t, W.dtype]
        loop(W, g, *states, numbers)

    return run


@functools.cache
def _compiled(source: str) -> Callable[..., None]:
    """Compile the loop; numba makes a version for each dtype."""
    known: dict[str, Any] = {"sqrt": np.sqrt}
    exec(compile(source, "<fused rule>", "exec"), known)
    loop: Callable[..., None] = _numba().njit(known["loop"], error_model="numpy", nogil=True)
    return loop


def _numba() -> Any:
    try:
        import numba
    except ImportError as error:
        raise ImportError(
            "a fused optimizer needs numba: pip install numba, or minigrad's extra `fast`"
        ) from error
    return numba


class _Trace:
    """What a rule does to one entry, line by line."""

    def __init__(self, states: int, dtype: np.dtype[Any]) -> None:
        self.dtype = dtype
        self.lines: list[str] = []
        self.numbers: list[float] = []
        self.W, self.g = _Entry(self, "W[i]"), _Entry(self, "g[i]")
        self.states = [_Entry(self, f"s{k}[i]") for k in range(states)]

    def written(self, ufunc: np.ufunc, operands: tuple[Any, ...]) -> str:
        """Write an operation down, and name its result."""
        if ufunc not in WRITTEN:
            known = ", ".join(f"np.{each.__name__}" for each in WRITTEN)
            raise TypeError(f"a fused rule can use {known}, but not np.{ufunc.__name__}")
        name = f"x{len(self.lines)}"
        self.lines.append(f"{name} = {WRITTEN[ufunc].format(*map(self._named, operands))}")
        return name

    def _named(self, operand: Any) -> str:
        if isinstance(operand, _Entry):
            return operand.value
        is_own = isinstance(operand, np.generic) and operand.dtype == self.dtype
        if type(operand) not in (int, float) and not is_own:
            raise TypeError(
                f"a fused rule computes with its arrays and Python's numbers, not with {operand!r} "
                f"({type(operand).__name__})"
            )
        self.numbers.append(float(operand))
        return f"c{len(self.numbers) - 1}"

    def source(self) -> str:
        """Write the loop: reads first, then the operations, then what has changed."""
        cells = [("W", self.W), *((f"s{k}", s) for k, s in enumerate(self.states))]
        numbers = [f"    c{k} = numbers[{k}]" for k in range(len(self.numbers))]
        changed = [f"{name}[i] = {c.value}" for name, c in cells if c.value != f"{name}[i]"]
        body = [f"        {line}" for line in (*self.lines, *changed)]
        names = ", ".join(["W", "g", *(name for name, _ in cells[1:]), "numbers"])
        head = [f"def loop({names}):", *numbers, "    for i in range(W.size):"]
        return "\n".join([*head, *body, "        pass", ""])


class _Entry(np.lib.mixins.NDArrayOperatorsMixin):
    """Stands for one entry of an array; `value` is where it is found at this point of the rule."""

    def __init__(self, trace: _Trace, value: str) -> None:
        self.trace, self.value = trace, value

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> _Entry:
        out: _Entry | None = options.pop("out", (None,))[0]
        if method != "__call__" or options:
            raise TypeError(f"a fused rule cannot use np.{ufunc.__name__} in this form")
        value = self.trace.written(ufunc, inputs)
        if out is None:
            return _Entry(self.trace, value)
        out.value = value
        return out

    def __bool__(self) -> bool:
        raise TypeError("a fused rule cannot decide by an entry: `if`, `while`, `and` see arrays")
