"""Optimizers, in order of increasing complexity. They know two mappings of arrays and nothing else.

`optimizer.update(params, grads)` changes the arrays of `params` in place. Each class is one rule,
`rule(W, g, lr, t, *states)`, which is its paper's equations for one parameter W with gradient g:
lr is the learning rate η, t counts the updates of this parameter from 1, and the states are arrays
like W that begin at zero. Operations are elementwise: ⊙ for products, and roots and quotients too.
Their code keeps the order of the equations, but for what spares a pass over the arrays: numbers are
multiplied together first, and `step` is used again for what comes next.

The learning rate is a number or a function of the step (see `minigrad.schedules`). It may be 0,
which leaves the parameters as they are, since schedules arrive there.
"""

import math
from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from minigrad.fusion import as_loop
from minigrad.optimizer_blocks import Job, Plan
from minigrad.optimizer_checks import (
    by_state,
    finished,
    matched,
    raise_all,
    state_faults,
)
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

        >>> params = {"x": -7.0, "y": 2.0}
        >>> SGD(lr=0.5).update(params, {"x": -0.7, "y": 4.0})
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

        >>> optimizer = Momentum()
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

        >>> resumed = Momentum()
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


# ---- the optimizers ------------------------------------------------------------------------------


class SGD(Optimizer):
    """Stochastic gradient descent (Robbins and Monro 1951).

    W ← W − η g

    >>> W = np.array([1.0, 2.0])
    >>> SGD(lr=0.1).update({"W": W}, {"W": np.array([1.0, -1.0])})
    >>> W
    array([0.9, 2.1])
    """

    elementwise = True

    def rule(self, W: Array, g: Array, lr: float, t: int) -> None:
        """W ← W − η g."""
        W -= lr * g


class Momentum(Optimizer):
    """Gradient descent with a velocity (Polyak 1964), as in the book.

    v ← a v − η g
    W ← W + v

    PyTorch keeps b ← a b + g and W ← W − η b: the same path as long as η stays the same. When η
    changes, theirs rescales the whole velocity and this one only what is added from then on.

    >>> W = np.array([1.0])
    >>> optimizer = Momentum(lr=0.1, momentum=0.5)
    >>> for _ in range(2):
    ...     optimizer.update({"W": W}, {"W": np.array([1.0])})
    >>> W, optimizer.v
    (array([0.75]), {'W': array([-0.15])})
    """

    states = ("v",)
    elementwise = True
    v: dict[str, Array]

    def __init__(self, lr: float | Schedule = 0.01, momentum: float = 0.9) -> None:
        super().__init__(lr)
        self.momentum = number("momentum", momentum, "[0, 1)")

    def rule(self, W: Array, g: Array, lr: float, t: int, v: Array) -> None:
        """v ← a v − η g;  W ← W + v."""
        v *= self.momentum
        v -= lr * g
        W += v


class Nesterov(Momentum):
    """Nesterov's accelerated gradient, in the variables of Bengio et al. (2012, arXiv 1212.0901).

    v ← a v − η g
    W ← W + a v − η g

    g is taken at W, which already looks one momentum step ahead. This is PyTorch's `nesterov=True`
    as long as η stays the same. In the old velocity the step reads a² v − (1 + a) η g; the book's
    code puts the new velocity there, and so takes other steps.

    >>> W = np.array([1.0])
    >>> Nesterov(lr=0.1, momentum=0.5).update({"W": W}, {"W": np.array([1.0])})
    >>> W
    array([0.85])
    """

    elementwise = True

    def rule(self, W: Array, g: Array, lr: float, t: int, v: Array) -> None:
        """v ← a v − η g;  W ← W + a v − η g."""
        step = lr * g
        v *= self.momentum
        v -= step
        W -= step
        np.multiply(self.momentum, v, out=step)
        W += step


class AdaGrad(Optimizer):
    """A rate for each weight, smaller the more it has moved (Duchi, Hazan and Singer 2011).

    h ← h + g ⊙ g
    W ← W − η g / (√h + ε)

    As in the book: ε = 1e-7, outside the root (its notes print a plus before η; their code
    subtracts). PyTorch's default is ε = 1e-10, in the same place.

    >>> W = np.array([1.0, 1.0])
    >>> AdaGrad(lr=0.1).update({"W": W}, {"W": np.array([1.0, 100.0])})
    >>> W.round(6)
    array([0.9, 0.9])
    """

    states = ("h",)
    elementwise = True
    h: dict[str, Array]

    def __init__(self, lr: float | Schedule = 0.01, eps: float = 1e-7) -> None:
        super().__init__(lr)
        self.eps = number("eps", eps, "(0, inf)")

    def rule(self, W: Array, g: Array, lr: float, t: int, h: Array) -> None:
        """h ← h + g ⊙ g;  W ← W − η g / (√h + ε)."""
        step = g * g
        h += step
        _divide(lr, g, h, self.eps, step)
        W -= step


class RMSprop(Optimizer):
    """AdaGrad that forgets (Tieleman and Hinton 2012, Coursera lecture 6.5).

    h ← ρ h + (1 − ρ) g ⊙ g
    W ← W − η g / (√h + ε)

    As in the book: ρ = 0.99, ε = 1e-7 outside the root. PyTorch differs only in ε = 1e-8; Keras
    has ρ = 0.9 and ε inside the root.

    >>> W = np.array([1.0])
    >>> RMSprop(lr=0.01).update({"W": W}, {"W": np.array([5.0])})
    >>> W.round(6)
    array([0.9])
    """

    states = ("h",)
    elementwise = True
    h: dict[str, Array]

    def __init__(
        self, lr: float | Schedule = 0.01, decay_rate: float = 0.99, eps: float = 1e-7
    ) -> None:
        super().__init__(lr)
        self.decay_rate = number("decay_rate", decay_rate, "[0, 1)")
        self.eps = number("eps", eps, "(0, inf)")

    def rule(self, W: Array, g: Array, lr: float, t: int, h: Array) -> None:
        """h ← ρ h + (1 − ρ) g ⊙ g;  W ← W − η g / (√h + ε)."""
        step = (1 - self.decay_rate) * g
        step *= g
        h *= self.decay_rate
        h += step
        _divide(lr, g, h, self.eps, step)
        W -= step


class Adam(Optimizer):
    """Momentum and RMSprop, both freed from the bias of beginning at zero (Kingma and Ba 2015).

    m ← β₁ m + (1 − β₁) g              m̂ = m / (1 − β₁ᵗ)
    v ← β₂ v + (1 − β₂) g ⊙ g          v̂ = v / (1 − β₂ᵗ)
    W ← W − η m̂ / (√v̂ + ε)

    Algorithm 1 of the paper, as in PyTorch: ε = 1e-8 is added to √v̂. The book folds both
    corrections into its rate lr_t and adds 1e-7 to √v, which for small t is a larger ε.

    >>> W = np.array([1.0, 1.0])
    >>> Adam(lr=0.1).update({"W": W}, {"W": np.array([0.01, -100.0])})
    >>> W.round(6)
    array([0.9, 1.1])
    """

    states = ("m", "v")
    elementwise = True
    m: dict[str, Array]
    v: dict[str, Array]

    def __init__(
        self,
        lr: float | Schedule = 0.001,
        beta1: float = 0.9,
        beta2: float = 0.999,
        eps: float = 1e-8,
    ) -> None:
        super().__init__(lr)
        self.beta1 = number("beta1", beta1, "[0, 1)")
        self.beta2 = number("beta2", beta2, "[0, 1)")
        self.eps = number("eps", eps, "(0, inf)")

    def rule(self, W: Array, g: Array, lr: float, t: int, m: Array, v: Array) -> None:
        """W ← W − η m̂ / (√v̂ + ε)."""
        W -= self._step(g, lr, t, m, v)

    def _step(self, g: Array, lr: float, t: int, m: Array, v: Array) -> Array:
        """η m̂ / (√v̂ + ε), after m and v have taken in g."""
        step = (1 - self.beta1) * g
        m *= self.beta1
        m += step
        np.multiply(1 - self.beta2, g, out=step)
        step *= g
        v *= self.beta2
        v += step
        root = math.sqrt(1 - self.beta2**t)  # of v̂'s correction; above and below the line
        _divide(lr * root / (1 - self.beta1**t), m, v, self.eps * root, step)
        return step


class AdamW(Adam):
    """Adam with weight decay beside the gradient, not inside it (Loshchilov and Hutter 2019).

    m̂ and v̂ as in Adam
    W ← W − η (m̂ / (√v̂ + ε) + λ W)

    The decay is multiplied by η, as in PyTorch, so that one schedule moves both: the paper's λ is
    ours times its base rate α. All parameters decay, the biases too.

    >>> W = np.array([1.0])
    >>> AdamW(lr=0.1, weight_decay=0.5).update({"W": W}, {"W": np.array([0.0])})
    >>> W
    array([0.95])
    """

    def __init__(
        self,
        lr: float | Schedule = 0.001,
        beta1: float = 0.9,
        beta2: float = 0.999,
        eps: float = 1e-8,
        weight_decay: float = 0.01,
    ) -> None:
        super().__init__(lr, beta1, beta2, eps)
        self.weight_decay = number("weight_decay", weight_decay, "[0, inf)")

    elementwise = True

    def rule(self, W: Array, g: Array, lr: float, t: int, m: Array, v: Array) -> None:
        """W ← W − η (m̂ / (√v̂ + ε) + λ W)."""
        step = self._step(g, lr, t, m, v)
        W *= 1 - lr * self.weight_decay
        W -= step


def _divide(rate: float, g: Array, h: Array, eps: float, out: Array) -> None:
    """out ← rate g / (√h + ε)."""
    np.sqrt(h, out=out)
    out += eps
    np.divide(rate * g, out, out=out)
