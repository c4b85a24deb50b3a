"""An independent judge of values: central differences, in float64.

Nothing here imports minigrad. Every run is a fresh layer from a seed, and every forward begins with
the same random state, so that weights and masks are the same at every evaluation.
"""

import inspect
from dataclasses import replace
from functools import cache, cached_property

import numpy as np
from zoo import TWINS

H = 1e-5
LEGACY = np.random.mtrand  # the generator behind NumPy's global random functions
DRAWING = np.random.default_rng()


@cache
def _state(seed):
    return np.random.default_rng(seed).bit_generator.state


def generator(seed):
    """A generator that begins with the seed: always the same object, which saves time."""
    DRAWING.bit_generator.state = _state(seed)
    return DRAWING


class Run:
    """One fresh layer after a forward; `xs` and `params` take the place of what is drawn."""

    def __init__(self, specimen, seed, xs=None, params=None, cast=None):
        self.specimen, self.seed = specimen, seed
        self.rng = generator(seed)
        drawn = specimen.arguments(self.rng)
        if any(a is self.rng for a in drawn):  # the layer keeps it: a generator of its own, then
            self.rng = np.random.default_rng(seed)
            drawn = specimen.arguments(self.rng)
        self.layer = specimen.kind(*(as_floats(a, cast) for a in drawn))
        if xs is None:
            xs = specimen.inputs(generator(seed + 1000))
        self.xs = [as_floats(x, cast) for x in xs]
        self.given = [x.copy() for x in self.xs]
        self.set(params or {})
        self.ys = self.forward(*self.xs)

    def set(self, params):
        """Replace parameters, by name."""
        for name, value in params.items():
            setattr(self.layer, name, value.copy())

    def forward(self, *xs, **options):
        """The outputs, as a list, with the random state that the layer began with."""
        LEGACY.seed(self.seed)
        self.rng.bit_generator.state = _state(self.seed)
        y = self.layer.forward(*xs, **(self.specimen.options | options))
        return [np.asarray(one) for one in (y if isinstance(y, tuple) else (y,))]

    def again(self):
        """Another forward of the same inputs."""
        return self.forward(*(x.copy() for x in self.given))

    @cached_property
    def douts(self):
        """Random cotangents for the outputs."""
        return self.cotangents(0)

    def cotangents(self, which):
        """Random cotangents, others for each `which`."""
        rng = generator(self.seed + 2000 + which)
        return [np.asarray(rng.normal(size=y.shape), y.dtype) for y in self.ys]

    @property
    def params(self):
        """The parameters by name."""
        return {name: getattr(self.layer, name) for name in self.specimen.param_grads}

    @property
    def operands(self):
        """What is differentiated, by the names of the gradients."""
        pairs = zip(self.specimen.names, self.xs, strict=True)
        found = {f"d{name}": x for name, x in pairs if name not in self.specimen.fixed}
        params = self.params
        return found | {grad: params[name] for name, grad in self.specimen.param_grads.items()}

    def raw(self, *douts):
        """What backward hands out, by name; a gradient that is not there at all has no name."""
        dxs = self.layer.backward(*(douts or self.douts))
        every, fixed = self.specimen.names, self.specimen.fixed
        names = [f"d{name}" for name in every if name not in fixed]
        dxs = list(dxs) if isinstance(dxs, (tuple, list)) else [dxs]
        if len(dxs) == len(every) > len(names):
            dxs = [dx for name, dx in zip(every, dxs, strict=True) if name not in fixed]
        grads = [g for g in self.specimen.param_grads.values() if hasattr(self.layer, g)]
        return dict(zip(names, dxs, strict=False)) | {g: getattr(self.layer, g) for g in grads}

    def gradients(self, *douts):
        """Copies of what backward hands out; None where there is nothing."""
        raw = self.raw(*(douts or [d.copy() for d in self.douts]))
        found = {name: None if g is None else np.array(g) for name, g in raw.items()}
        return dict.fromkeys(self.operands) | found

    def called(self, method):
        """What a method of the layer calls its arguments."""
        return list(inspect.signature(getattr(self.layer, method)).parameters)


def as_floats(value, cast):
    """Floating arrays in another floating type; everything else as it is."""
    floating = isinstance(value, np.ndarray) and value.dtype.kind == "f"
    return value.astype(cast) if cast and floating and value.dtype != cast else value


TWIN = {one.name: one for one in TWINS}
KNOWN = {}


def right(specimen):
    """The twin itself, with the weights and inputs of the specimen."""
    return replace(specimen, kind=TWIN[specimen.twin or specimen.name].kind)


def numerical(specimen, seed, rows=None):
    """What the gradients should be, and the size that errors are held to; computed once."""
    options = tuple(specimen.options.items())
    key = specimen.twin or specimen.name, specimen.inputs, specimen.arguments, options, seed, rows
    if key not in KNOWN:
        KNOWN[key] = differences(right(specimen), seed, cut(specimen, seed, rows))
    return KNOWN[key]


def cut(specimen, seed, rows):
    """Inputs of which only the first rows are kept; None for all of them, as they are drawn."""
    if rows is None:
        return None
    xs = zip(specimen.names, Run(specimen, seed).given, strict=True)
    return [x[:rows] if name in specimen.rows else x for name, x in xs]


def differences(specimen, seed, xs):
    """Central differences for every operand, in float64; and the size of the result."""
    base = Run(specimen, seed, xs, cast=np.float64)
    moved, tuned = [x.copy() for x in base.xs], {k: p.copy() for k, p in base.params.items()}
    operands = dict(zip((f"d{name}" for name in specimen.names), moved, strict=True))
    operands |= {grad: tuned[name] for name, grad in specimen.param_grads.items()}

    def inner():
        base.set(tuned)
        ys = base.forward(*moved)
        return sum(np.sum(d * y) for d, y in zip(base.douts, ys, strict=True))

    found = {}
    for name, x in base.operands.items():
        found[name] = np.empty(x.shape)
        for index in np.ndindex(x.shape):
            at = x[index]
            operands[name][index] = at + H
            above = inner()
            operands[name][index] = at - H
            found[name][index] = (above - inner()) / (2 * H)
            operands[name][index] = at
    size = sum(np.sum(np.abs(d * y)) for d, y in zip(base.douts, base.ys, strict=True))
    return found, size


def errors(specimen, seed, cast=np.float64):
    """The largest error in each gradient, relative to the gradient; inf where the shape differs."""
    expected, size = numerical(specimen, seed)
    got = Run(specimen, seed, cast=cast).gradients()
    return {name: distance(got[name], value, 1e-4 * size) for name, value in expected.items()}


def distance(a, b, least=0.0):
    """The largest difference relative to the largest value."""
    if a is None or b is None:
        return 0.0 if a is b else np.inf
    if np.shape(a) != np.shape(b) or not np.all(np.isfinite(a)):
        return np.inf
    a, b = np.asarray(a, float), np.asarray(b, float)
    scale = max(np.max(np.abs(a), initial=0), np.max(np.abs(b), initial=0), least)
    return np.max(np.abs(a - b), initial=0) / scale if scale else 0.0
