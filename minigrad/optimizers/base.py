"""What all optimizers share: `update` checks everything, then runs a rule on each parameter."""

import math
from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from minigrad.optimizers.blocks import Job, Plan
from minigrad.optimizers.checks import by_state, finished, matched, raise_all, state_faults
from minigrad.optimizers.fusion import as_loop
from minigrad.schedules import Schedule, number

Array = NDArray[Any]


class Optimizer:
    """What the optimizers share: `update` checks everything, then calls `rule` once per parameter.

    `step` counts the updates, `t[key]` those of one parameter: one that is added later begins at
    its own t = 1. To write an optimizer, name its states and write its rule, in place. Say
    `elementwise = True` beside a rule that treats each entry alone, and it may be handed several
    arrays end to end, or a block of one, which is much faster:

    >>> class SignDescent(Optimizer):
    ...     elementwise = True
    ...     def rule(self, W, g, lr, t):
    ...         W -= lr * np.sign(g)
    >>> W = np.array([1.0, 2.0])
    >>> SignDescent(lr=0.5).update({"W": W}, {"W": np.array([3.0, -0.1])})
    >>> W
    array([0.5, 2.5])
    """

    states: ClassVar[tuple[str, ...]] = ()
    elementwise: ClassVar[bool] = False
    fused = False  # see `minigrad.fused`

    def __init_subclass__(cls) -> None:
        if "rule" in vars(cls) and "elementwise" not in vars(cls):
            cls.elementwise = False  # what is said of an inherited rule does not hold for this one

    def __init__(self, lr: float | Schedule = 0.01) -> None:
        self.lr = lr if callable(lr) else number("lr", lr, "[0, inf)")
        self.step = 0
        self.t: dict[str, int] = {}
        self._plan: Plan | None = None
        for name in self.states:
            setattr(self, name, {})

    def rule(self, W: Array, g: Array, lr: float, t: int, *states: Any, **never: Any) -> None:
        """Change W and its states in place, given its gradient g."""
        raise NotImplementedError(f"{type(self).__name__} has no rule(W, g, lr, t, *states)")

    @property
    def rate(self) -> float:
        """The learning rate of the next update."""
        lr = self.lr
        if type(lr) is float and 0.0 <= lr < math.inf:
            return lr
        name, value = (f"lr({self.step})", lr(self.step)) if callable(lr) else ("lr", lr)
        return number(name, value, "[0, inf)")

    def update(self, params: MutableMapping[str, Any], grads: Mapping[str, Any]) -> None:
        """Move every parameter one step, in place, then store it again: `params[key] = p`.

        `params` and `grads` map the same names to arrays of the same shapes, and are checked before
        anything is written: KeyError for names without a partner; TypeError for what is not a
        floating-point array; ValueError for shapes that differ, a read-only parameter, or one whose
        shape is not that of its state. A parameter may be a number too, and is then rebound to one.
        The arithmetic is done in the parameter's dtype, float16 excepted, which is done in float32.

        >>> import minigrad as mg
        >>> params = {"x": -7.0, "y": 2.0}
        >>> mg.SGD(lr=0.5).update(params, {"x": -0.7, "y": 4.0})
        >>> params
        {'x': -6.65, 'y': 0.0}
        """
        lr = self.rate
        plan = self._plan
        slopes = plan.slopes(params, grads) if plan is not None and self._follows(plan) else None
        if plan is None or slopes is None:
            plan, slopes, values = self._planned(params, grads)
        else:
            values = plan.arrays
        self.step += 1
        t = self.t
        for key in plan.keys:
            t[key] = t.get(key, 0) + 1
        plan.t = t.copy()
        if self.fused:
            plan.run(as_loop(self.rule), lr, slopes, t, whole=True)
        else:
            plan.run(self.rule, lr, slopes, t)
        for key, p, W in zip(plan.keys, values, plan.arrays, strict=True):
            params[key] = p if p is W else finished(p, W)

    def _planned(self, params: Any, grads: Any) -> tuple[Plan, list[Array], list[Any]]:
        """Check an update, and plan it: the plan, the gradients, and the parameters as given."""
        moves = matched(params, grads)
        jobs = {
            key: Job(W, g, self.t.get(key, 0) + 1, self._states(key, W)) for key, _, W, g in moves
        }
        plan = self._plan = Plan(jobs, self.elementwise)
        for i, name in enumerate(self.states):
            getattr(self, name).update({key: own[i] for key, own in plan.states.items()})
        return plan, [g for *_, g in moves], [p for _, p, _, _ in moves]

    def _follows(self, plan: Plan) -> bool:
        """Tell whether counts and states are what the latest update left."""
        if self.t != plan.t:
            return False
        for i, name in enumerate(self.states):
            own = getattr(self, name)
            if any(own.get(key) is not states[i] for key, states in plan.states.items()):
                return False
        return True

    def _states(self, key: str, W: Array) -> Sequence[Array]:
        """The states of one parameter: zeros at first, and always in its dtype."""
        if not self.states:
            return ()
        if key not in self.t:
            return [np.zeros_like(W) for _ in self.states]
        states = [getattr(self, name)[key] for name in self.states]
        for name, state in zip(self.states, states, strict=True):
            if state.shape != W.shape:
                raise ValueError(
                    f"the parameter {key!r} has shape {W.shape}, but {type(self).__name__}.{name} "
                    f"holds {state.shape} for it: use a new optimizer for a new network"
                )
        return [state.astype(W.dtype, copy=False) for state in states]

    def state_dict(self) -> dict[str, Array]:
        """Return copies of all that the next updates depend on, by name, ready for `np.savez`.

        `step`, and for each parameter its count and its states: `t.W1`, `v.W1` and so on.

        >>> import minigrad as mg
        >>> optimizer = mg.Momentum()
        >>> optimizer.update({"W1": np.zeros(2)}, {"W1": np.ones(2)})
        >>> optimizer.state_dict()
        {'step': array(1), 't.W1': array(1), 'v.W1': array([-0.01, -0.01])}
        """
        found = {"step": np.array(self.step)}
        for name in ("t", *self.states):
            found |= {f"{name}.{key}": np.array(s) for key, s in getattr(self, name).items()}
        return found

    def load_state_dict(self, entries: Mapping[str, Any]) -> None:
        """Take up the state of an optimizer of the same kind, so that a run goes on exactly.

        Raises KeyError for missing or unexpected entries, TypeError or ValueError for entries that
        cannot be states, naming them all; then nothing is changed.

        >>> import minigrad as mg
        >>> resumed = mg.Momentum()
        >>> resumed.load_state_dict({"step": 1, "t.W1": 1, "v.W1": np.array([-0.01, -0.01])})
        >>> resumed
        Momentum(lr=0.01, momentum=0.9)
        """
        states = by_state(entries, ("t", *self.states))
        step, t = entries["step"], states.pop("t")
        raise_all(state_faults(step, t, states))
        self.step = int(step)
        self.t = {key: int(count) for key, count in t.items()}
        for name, by_key in states.items():
            setattr(self, name, by_key)

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_plan": None}  # it holds on to the arrays themselves

    def __repr__(self) -> str:
        hidden = {"step", "t", "_plan", *self.states}
        settings = [f"{name}={value!r}" for name, value in vars(self).items() if name not in hidden]
        return f"{type(self).__name__}({', '.join(settings)})"
