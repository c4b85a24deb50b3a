"""What an argument is called says what it is: W a matrix, b a bias, t labels, n_in a number.

A `World` is a set of sizes that fit together, such as a batch of rows and a matrix for it. `made`
makes the value of an argument from its name in such a world. The sizes differ from one another, so
that a forward which runs is one that was meant.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from minigrad.testing.subjects.naming import FLAG

ROWS, FEATURES, OUTPUTS = 5, 3, 4  # N, D, M
TOKENS = 7  # rows of a table to look up in
NUMBERS: dict[str, Callable[..., Any]] = {  # how floats are drawn: (rng, shape) -> array
    "normal": lambda rng, shape: rng.normal(size=shape),
    "from 0.1 to 0.9": lambda rng, shape: rng.uniform(0.1, 0.9, shape),  # for log, sqrt, arcsin
}
TARGETS = (
    "classes",
    "one-hot rows",
    "probabilities",
    "numbers",
    "two classes",
)  # what labels can be

ROLES = [  # the first pattern that fits a whole name, in small letters, says the role
    ("rng", r"rng|generator"),
    ("seed", r"seed|random_state"),
    ("train_flag", FLAG),
    ("target", r"ts?|targets?|labels?|y_true|truth|answers?|one_hot"),
    ("tokens", r"idx|ids?|index|indices|tokens?|words?|input_ids|segments?"),
    ("mask", r"\w*mask|condition|where"),
    ("Wh", r"w_?hh?|u\w?|w_?rec|weight_hh"),
    ("W2", r"w_?2"),
    ("b2", r"b_?2"),
    ("state", r"[hc]|[hc]_?(prev|0|old)|state"),
    ("table", r"table|embeddings?"),
    ("vocabulary", r"vocab\w*|num_embeddings|n_tokens|n_words"),
    ("in", r"n_?in|in_(features|channels|size|dim|planes)|input_(size|dim)|d_?in|fan_in|d"),
    ("out", r"n_?out|out_\w+|output_\w+|d_?out|fan_out|m|n_?hidden|hidden_\w+|h|num_filters"),
    ("heads", r"n_?heads?|num_heads|groups|h"),
    ("window", r"(pool|filter|kernel|window)_?(h|w|size|height|width)?|height|width|fh|fw|k"),
    ("stride", r"strides?"),
    ("pad", r"pad(ding)?"),
    ("ratio", r"\w*(ratio|prob|drop)\w*|p|rate"),
    ("eps", r"eps\w*"),
    ("number", r"alpha|slope|momentum|lr|temperature|lam|lambda_?|delta|smoothing|margin|factor"),
    ("scale", r"gamma|beta|scale|shift|gains?|g"),
    ("W", r"w\w*|weights?|filters|theta|matrix|[apqrsv]"),
    ("b", r"b\w*|bias\w*"),
    ("in", r"\w*(size|dim|features|channels|units|shape|classes)|n|c|n_\w+|num_\w+"),
]
MATRICES = "APQRSVW"  # capital letters that are no sizes
PLAIN: dict[str, Any] = {
    "seed": 0,
    "train_flag": True,
    "vocabulary": TOKENS,
    "in": FEATURES,
    "out": OUTPUTS,
    "heads": 1,
    "window": 2,
    "stride": 1,
    "pad": 0,
    "ratio": 0.4,
    "eps": 1e-5,
    "number": 0.5,
}


class World(NamedTuple):
    """Shapes that fit together.

    Attributes:
        x: of the input.
        arrays: of other arrays, by role; those that are left out have the input's.
        whole: whether the input is integers, to look up with.
        features: how many there are: `n_in` of a constructor.
    """

    x: tuple[int, ...]
    arrays: Mapping[str, tuple[int, ...]]
    whole: bool = False
    features: int = FEATURES

    @property
    def is_usual(self) -> bool:
        """Whether x has rows, W is a matrix or a filter, and sizes tell the axes apart."""
        distinct = len(set(self.x)) == len(self.x)
        return self.whole or (distinct and min(len(self.x), len(self.arrays.get("W", ()))) > 1)

    def fitted(self, shape: tuple[int, ...]) -> World:
        """The same, for an input that is given: with as many features, rows or channels."""
        features = shape[1] if len(shape) == 4 else shape[-1] if shape else 1
        sizes = {FEATURES: features, ROWS: shape[0] if shape else 1}
        arrays = {
            role: (*(sizes.get(n, n) for n in own[:2]), *own[2:])
            for role, own in self.arrays.items()
        }
        return World(shape, arrays, self.whole, features)


def _gates(n: int) -> dict[str, tuple[int, ...]]:
    """Shapes of a recurrent cell with n gates."""
    d, m = FEATURES, OUTPUTS
    return {"W": (d, n * m), "Wh": (m, n * m), "b": (n * m,), "state": (ROWS, m), "scale": (d,)}


_TWO = {"W2": (OUTPUTS, 2), "b2": (2,)}
_LOOK_UP = {"W": (TOKENS, FEATURES), "table": (TOKENS, FEATURES)}
WORLDS = [
    World((ROWS, FEATURES), _gates(1) | _TWO),
    World((ROWS, FEATURES), {"W": (OUTPUTS, FEATURES), "b": (OUTPUTS,), "scale": (FEATURES,)}),
    World((ROWS, FEATURES), {"W": (FEATURES, OUTPUTS), "b": (OUTPUTS,), "scale": (OUTPUTS,)}),
    World((ROWS, FEATURES), {"W": (FEATURES, FEATURES), "b": (FEATURES,)}),
    World((ROWS, FEATURES), {"W": (FEATURES,), "b": (FEATURES,)}),
    World((FEATURES,), {"W": (FEATURES, OUTPUTS), "b": (OUTPUTS,)}),
    World((FEATURES,), {"W": (OUTPUTS, FEATURES), "b": (OUTPUTS,)}),
    World((FEATURES, ROWS), {"W": (OUTPUTS, FEATURES), "b": (OUTPUTS, 1)}),
    World((2, FEATURES, 6, 5), {"W": (OUTPUTS, FEATURES, 3, 2), "b": (OUTPUTS,), "scale": (3,)}),
    World((2, FEATURES, 6, 5), {"W": (FEATURES, FEATURES), "b": (FEATURES,)}),
    World((2, ROWS, FEATURES), {"W": (OUTPUTS, FEATURES, 2), "b": (OUTPUTS,)}),
    World((2, FEATURES, 6), {"W": (OUTPUTS, FEATURES, 2), "b": (OUTPUTS,)}),
    World((2, ROWS, FEATURES), _gates(1) | {"state": (2, OUTPUTS)}),
    World((2, ROWS, 4), {"W": (4, 4), "b": (4,), "scale": (4,)}),
    World((2, 4, 4), {"W": (4, 4), "b": (4,)}),
    World((2, 4, 4, 4), {"W": (4, 1, 3, 3), "b": (4,), "scale": (4,)}),
    World((ROWS, FEATURES), _gates(4)),
    World((ROWS, FEATURES), _gates(3)),
    World((ROWS, FEATURES), {}),
    World((ROWS, FEATURES), {"W": (), "b": (), "scale": ()}),
    World((ROWS,), {"W": (FEATURES,), "b": ()}),
    World((4, 4), {"W": (4, 4), "b": (4,)}),
    World((4, 4), {"W": (4, 4), "b": (4, 3)}),
    World((), {}),
]
LOOKING_UP = [World((ROWS,), _LOOK_UP, whole=True), World((2, ROWS), _LOOK_UP, whole=True)]


def role_of(parameter: inspect.Parameter) -> str:
    """Say what an argument of a constructor is: "W", "in", "ratio" …; "x" where nothing tells.

    >>> role_of(inspect.Parameter("weights", inspect.Parameter.KEYWORD_ONLY))
    'W'
    """
    kinds = {int: "in", "int": "in", float: "number", "float": "number", bool: "train_flag"}
    found = _matching(parameter.name, ("state", "target", "tokens"))
    if parameter.name in MATRICES:
        found = "W"
    annotated = kinds.get(parameter.annotation)
    return annotated if annotated and found not in PLAIN else found or "x"


def roles_of(wanted: list[inspect.Parameter]) -> list[str]:
    """Say what the arguments of a forward are; the first is x, whatever it is called.

    >>> forward = inspect.signature(lambda x, W, b, t: None).parameters.values()
    >>> roles_of(list(forward))
    ['x', 'W', 'b', 'target']
    """
    names = [p.name.lower() for p in wanted]
    found = []
    for i, name in enumerate(names):
        role = _matching(name, ()) or "x"
        if len(name) == 1 and role not in ("target", "state"):
            role = name.replace("w", "W") if name in _beside([p.name for p in wanted]) else "x"
        if (i == 0 and role not in ("tokens", "mask")) or (name == "c" and "h" not in names[0:i]):
            role = "x"
        found.append(role)
    return found


def is_known(name: str) -> bool:
    """Tell whether a name alone says what an argument is; a single letter seldom does.

    >>> is_known("gamma"), is_known("b"), is_known("s")
    (True, True, False)
    """
    return _matching(name, ()) is not None and (len(name) > 1 or name.lower() in "wbthx")


def _beside(names: list[str]) -> tuple[str, ...]:
    """Which single letters are parameters among these names: b is one beside a w, or after an A."""
    has_matrix = any(name.lower().startswith(("w", "theta")) for name in names)
    return ("w", "b") if has_matrix or is_equation(names) else ()


def is_equation(names: list[str]) -> bool:
    """Tell whether a forward solves A x = b."""
    return names[:2] == ["A", "b"]


def _matching(name: str, skip: tuple[str, ...]) -> str | None:
    """Find the first role whose pattern fits a name."""
    small = name.lower().strip("_")
    fitting = (role for role, pattern in ROLES if re.fullmatch(pattern, small))
    return next((role for role in fitting if role not in skip), None)


def made(role: str, world: World, numbers: str, target: str, rng: Any) -> Any:
    """Make the value of an argument.

    Args:
        role: what `role_of` says.
        world: the shapes.
        numbers: how floats are drawn: a key of NUMBERS.
        target: which labels: one of TARGETS.
        rng: a Generator.

    >>> made("W", WORLDS[0], "normal", "classes", np.random.default_rng(0)).shape
    (3, 4)
    """
    if role in PLAIN:
        return world.features if role == "in" else PLAIN[role]
    if role == "rng":
        return np.random.default_rng(0)
    if role == "target":
        return _target(target, world.x, numbers, rng)
    if role == "mask":
        return rng.random(world.x) > 0.5
    if role == "tokens" or (role == "x" and world.whole):
        return _indices(world, rng)
    shape = world.arrays.get(role, world.arrays.get(role[:1], world.x))
    return np.asarray(NUMBERS[numbers](rng, shape))


def _indices(world: World, rng: Any) -> Any:
    """Draw indices, a 0 and a repeated one among them: what a wrong backward stumbles over."""
    below = TOKENS if world.whole else min(world.x, default=1)
    found = rng.integers(0, below, size=world.x if world.whole else world.x[:1])
    found.flat[:1] = 0
    found.flat[-1:] = found.flat[1:2]
    return found


def _target(kind: str, shape: tuple[int, ...], numbers: str, rng: Any) -> Any:
    below = 2 if kind == "two classes" or not shape else shape[-1]
    if kind == "numbers":
        return np.asarray(NUMBERS[numbers](rng, shape))
    if kind == "probabilities":
        shares = rng.uniform(0.1, 0.9, shape)
        return np.asarray(shares / np.sum(shares, axis=-1, keepdims=True))
    classes = rng.integers(0, below, size=shape[:-1])
    return np.eye(below)[classes] if kind == "one-hot rows" else classes
