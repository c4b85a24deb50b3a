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
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minigrad.optimizers.base import Optimizer
from minigrad.schedules import Schedule, number

Array = NDArray[Any]


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
