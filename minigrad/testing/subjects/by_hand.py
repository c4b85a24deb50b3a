"""Subjects whose backward somebody wrote: two callables, or a layer of other people."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MethodType
from typing import Any

import numpy as np

from minigrad.testing.subjects.attributes import assign, lookup, matching_gradients
from minigrad.testing.subjects.naming import called, copied, listed, named, parameters_of
from minigrad.testing.subjects.randomness import Rewind, restore
from minigrad.testing.subjects.subject import Run, Subject, as_floats, is_float

TARGETS = {"t", "y_true", "target", "targets", "label", "labels", "mask", "weights", "train_flag"}


class ByHandSubject(Subject):
    """What has a backward that somebody wrote: gradients come back by position."""

    options: Mapping[str, Any] = {}

    def settle(self, fixed: Iterable[str] | None) -> None:
        """Find out, by one run, which inputs have gradients."""
        if fixed is not None:
            self.fixed |= frozenset(fixed)
            return
        found = self.tried()
        if found is None:
            return
        count = len(listed(found[1]))
        free = [k for k in self.inputs if k not in self.fixed]
        if len(free) > count:
            left_out = [k for k in free if k.lower() in TARGETS]
            self.fixed |= frozenset(left_out)
            self.notes += [f"{k} was taken for a constant: it got no gradient" for k in left_out]

    def tried(self) -> tuple[Run, Any] | None:
        """Run forward and backward once: the run, and what backward returned."""
        states = self.rewind.now()
        try:
            with warnings.catch_warnings(action="ignore"):
                run = self.start()
                douts = run.cotangents(np.random.default_rng(0))
                return run, self.pulled_back(run.thing, douts)
        except Exception:  # the check itself will say so
            return None
        finally:
            restore(states)

    def forward(self, thing: Any, inputs: Mapping[str, Any]) -> tuple[Any, ...]:
        """Call forward; several outputs come as a tuple or a list."""
        y = self.forward_of(thing)(*inputs.values(), **self.options)
        return tuple(y) if isinstance(y, (tuple, list)) else (y,)

    def backward(self, thing: Any, douts: tuple[Any, ...]) -> dict[str, Any]:
        """Call backward, and put names to what comes back."""
        dxs = listed(self.pulled_back(thing, douts))
        free = [k for k in self.inputs if k not in self.fixed]
        if len(dxs) == len(self.inputs) > len(free):
            dxs = [d for k, d in zip(self.inputs, dxs, strict=True) if k not in self.fixed]
        if len(dxs) > len(free) and any(d is not None for d in dxs[len(free) :]):
            raise ValueError(
                f"backward returned {len(dxs)} gradients for {len(free)} inputs that have one "
                f"({', '.join(free) or 'none'})"
            )
        return dict(zip(free, dxs, strict=False)) | self.grads_of(thing)

    def forward_of(self, thing: Any) -> Any:
        """Find the forward of a copy."""
        raise NotImplementedError

    def pulled_back(self, thing: Any, douts: Sequence[Any]) -> Any:
        """Call the backward of a copy: what it returns."""
        raise NotImplementedError

    def grads_of(self, thing: Any) -> dict[str, Any]:
        """Find the gradients of parameters, by operand, after a backward."""
        return {}

    def arguments_of_backward(self) -> list[str]:
        """What backward calls its arguments."""
        return parameters_of(self.written.get("backward")) or ["dout"]


class PairSubject(ByHandSubject):
    """Two callables."""

    kind = "pair"

    def __init__(
        self,
        forward: Callable[..., Any],
        backward: Callable[..., Any],
        inputs: Sequence[Any],
        fixed: Iterable[str] | None,
        name: str | None,
    ) -> None:
        for what, f in (("forward", forward), ("backward", backward)):
            if not callable(f):
                raise TypeError(f"check_vjp needs a {what} to call, not {f!r:.60}")
        super().__init__(name or called(forward), named(forward, inputs))
        self.pair = forward, backward
        self.takes_cache = parameters_of(backward)[1:2] == ["cache"]
        self.written = {"forward": forward, "backward": backward}
        self.rewind = Rewind([forward, backward])
        self.settle(fixed)

    def fresh(self, params: Mapping[str, Any], cast: Any) -> Any:
        """Copy the objects whose methods the two are; functions stay themselves."""
        forward, backward = copied(self.pair)
        return {"forward": forward, "backward": backward}

    @property
    def is_copied(self) -> bool:
        """Whether both are methods: a function is the same in a copy, and so is its closure."""
        return all(isinstance(f, MethodType) for f in self.pair)

    def holders(self, thing: Any) -> tuple[Any, ...]:
        """The two."""
        return thing["forward"], thing["backward"]

    def forward_of(self, thing: Any) -> Any:
        """Find the forward; a cache that it returns is put aside."""
        if not self.takes_cache:
            return thing["forward"]

        def without_cache(*inputs: Any) -> Any:
            y, thing["cache"] = thing["forward"](*inputs)
            return y

        return without_cache

    def pulled_back(self, thing: Any, douts: Sequence[Any]) -> Any:
        """Call backward, with the cache if it wants one."""
        return thing["backward"](*douts, *([thing["cache"]] if self.takes_cache else []))


class ForeignSubject(ByHandSubject):
    """An object with forward and backward, and arrays for parameters."""

    kind = "layer"

    def __init__(
        self,
        layer: Any,
        inputs: Sequence[Any],
        param_grads: Mapping[str, str] | None,
        fixed: Iterable[str] | None,
        options: Mapping[str, Any],
        name: str | None,
    ) -> None:
        forward = _method(layer, "forward")
        super().__init__(name or type(layer).__name__, named(forward, inputs))
        self.layer = layer
        self.options = options
        self.written = {"forward": forward, "backward": _method(layer, "backward")}
        self.rewind = Rewind([layer])
        self.param_grads: dict[str, str] = dict(param_grads or {})
        if param_grads is None:
            self.param_grads = self._found()
        self.params = {k: np.array(lookup(self.layer, k)) for k in self.param_grads}
        self.settle(fixed)

    def _found(self) -> dict[str, str]:
        """Find parameters beside gradients, after one backward."""
        declared = getattr(self.layer, "param_grads", None)
        if isinstance(declared, Mapping):
            return dict(declared)
        tried = self.tried()
        found = matching_gradients(self.layer, tried[0].thing if tried else self.layer)
        if tried and not found:
            found = self._made_by_forward(tried[0].thing)
        if found:
            pairs = ", ".join(f"{p} with {g}" for p, g in found.items())
            self.notes.append(f"parameters were found by their names: {pairs}")
        return found

    def _made_by_forward(self, after: Any) -> dict[str, str]:
        """Find parameters that the first forward makes: what stays, whatever the inputs are."""
        held = getattr(self.layer, "__dict__", {})
        late = {k: g for k, g in matching_gradients(after, after).items() if held.get(k) is None}
        if not late:
            return {}
        states, warm = self.rewind.now(), self.start()
        first = {k: np.array(lookup(warm.thing, k)) for k in late}
        try:
            warm.forward({k: np.flip(x) if is_float(x) else x for k, x in warm.given.items()})
        except Exception:  # it is not made for these: then nothing is known of what stays
            return {}
        finally:
            restore(states)
        found = {k: g for k, g in late.items() if np.array_equal(lookup(warm.thing, k), first[k])}
        if found:
            self.layer = warm.thing
            self.notes.append("the first forward makes its parameters: looked at after one")
        return found

    @property
    def is_copied(self) -> bool:
        """Whether forward is a method: an attribute that is a function is the same in a copy."""
        return isinstance(self.layer.forward, MethodType)

    def fresh(self, params: Mapping[str, Any], cast: Any) -> Any:
        """Copy the layer as it was given."""
        thing = copied(self.layer)
        self.set_params(
            thing, {k: as_floats(v, cast) for k, v in {**self.params, **params}.items()}
        )
        return thing

    def forward_of(self, thing: Any) -> Any:
        """Find the forward."""
        return thing.forward

    def pulled_back(self, thing: Any, douts: Sequence[Any]) -> Any:
        """Call the backward."""
        return thing.backward(*douts)

    def grads_of(self, thing: Any) -> dict[str, Any]:
        """Look the gradients up where they were said to be."""
        found = {}
        for param, grad in self.param_grads.items():
            try:
                found[self.parameter(param)] = lookup(thing, grad)
            except (AttributeError, LookupError):
                continue
        return found

    def params_of(self, thing: Any) -> dict[str, Any]:
        """Look the parameters up."""
        return {name: lookup(thing, name) for name in self.param_grads}

    def set_params(self, thing: Any, values: Mapping[str, Any]) -> None:
        """Put other arrays there."""
        for name, value in values.items():
            assign(thing, name, np.array(value, order="K"))


def _method(layer: Any, name: str) -> Any:
    """Find forward or backward, or say what is needed."""
    method = getattr(layer, name, None)
    if not callable(method) or isinstance(layer, type):
        what = f"the class {layer.__name__}" if isinstance(layer, type) else repr(layer)
        raise TypeError(
            f"a layer needs forward and backward, and {what} has no {name} to call"
            + (": make an instance" if isinstance(layer, type) else "")
        )
    return method
