"""The layer: parameters as attributes, a call, and the book's forward and backward.

A layer is written in one of two ways, and this class adds the other half:

- `__call__(self, x)` in NumPy, with Tensors for parameters: `forward` and `backward` come from
  here, `backward` being the pullback of the latest `forward`;
- `forward(self, x)` and `backward(self, dout)` by hand, on arrays: `__call__` comes from here, and
  records one call whose rule is that `backward`. `param_grads` says which attributes are parameters
  and which hold their gradients.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from operator import is_
from types import MappingProxyType
from typing import Any, ClassVar
from weakref import WeakValueDictionary

import numpy as np

from minigrad.backward import gradients
from minigrad.functions.activations import real_numbers
from minigrad.graph import Array, Node, input_node, leaf
from minigrad.habits import OF_NETWORKS, Sign
from minigrad.kinds import check_arithmetic
from minigrad.layers.by_hand import of_data, record_by_hand, spells_train_flg, takes_train_flag
from minigrad.layers.inside import attributes, reached
from minigrad.layers.located import answering
from minigrad.layers.modes import check_train_flag
from minigrad.layers.params import Params
from minigrad.layers.structure import Part, Structure
from minigrad.recording import Recordings
from minigrad.tensor import SHARE_TENSORS, Tensor

# The Tensors over arrays of layers written by hand, by the id of the array, which they keep alive.
_LEAVES: WeakValueDictionary[int, Tensor] = WeakValueDictionary()


class _Memory:
    """What a layer remembers beside the attributes of its author; copies leave it out."""

    def __init__(self) -> None:
        self.latest: tuple[Any, tuple[Any, ...], dict[str, Tensor]] | None = None
        # ^ of `forward`: the output, the inputs and the parameters
        self.forwards = 0  # when that was, by the count of all
        self.grads: dict[str, Array] = {}  # of the latest `backward`
        self.leaves: dict[str, Tensor] = {}  # over the parameter arrays of a layer written by hand
        self.structure: Structure | None = None
        self.recordings = Recordings()


class Layer(Part):
    """A step of a network: call it on Tensors or arrays, or use the book's forward and backward.

    Attributes that are Tensors, layers, or lists, tuples and dicts of them, are its parameters and
    parts. A subclass is written in one of the two ways above. Arrays that training changes without
    a gradient, such as running means, are saved with a network when `buffers` names them.

    Raises:
        TypeError: when a subclass is made that defines forward without backward, backward without
            forward, both ways in one class, or neither.

    >>> class Scale(Layer):
    ...     def __init__(self):
    ...         self.k = Tensor(3.0)
    ...     def __call__(self, x):
    ...         return self.k * x
    >>> layer = Scale()
    >>> layer.forward(np.array([1.0, 2.0]))
    array([3., 6.])
    >>> layer.backward(np.array([1.0, 1.0])), layer.grads["k"]
    (array([3., 3.]), array(3.))
    """

    param_grads: Mapping[str, str] = MappingProxyType({})  # of a layer written by hand
    buffers: Sequence[str] | None = None  # attributes that are saved with the parameters
    _definition: ClassVar[Any] = None  # the nearest __call__ that a person wrote
    takes_train_flag: ClassVar[bool] = False  # read from the signature, once

    def __init_subclass__(cls, *, abstract: bool = False, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "is_static" not in vars(cls):
            cls.is_static = False  # what its base class promises may not hold for it
        if abstract:
            return
        own = _written_in(cls)
        if "__call__" in own and len(own) > 1:
            raise TypeError(
                f"{cls.__name__} defines __call__ and {' and '.join(sorted(own - {'__call__'}))}: "
                "write a layer one way, __call__ in NumPy or forward and backward by hand"
            )
        lineage = [c for c in cls.__mro__[: cls.__mro__.index(Layer)] if _written_in(c)]
        nearest = _written_in(lineage[0]) if lineage else set()
        inherited = next((_written_in(c) for c in lineage[1:]), set())
        if "__call__" in nearest:
            cls._definition = answering(vars(lineage[0])["__call__"])
            _install(cls, __call__=cls._definition, forward=Layer.forward, backward=Layer.backward)
        elif len(nearest | (inherited - {"__call__"})) == 2:
            _install(cls, __call__=_call_by_hand)
        elif nearest == {"backward"} and inherited:
            _install(cls, __call__=_call_by_hand, forward=Layer.forward)
        elif nearest:
            missing = "backward" if "forward" in nearest else "forward"
            raise TypeError(
                f"{cls.__name__} defines {next(iter(nearest))} and no {missing}: write both by "
                "hand, or __call__ in NumPy alone"
            )
        else:
            raise TypeError(
                f"{cls.__name__} says nowhere what it computes: define __call__(self, x) in NumPy, "
                "or forward(self, x) and backward(self, dout) by hand"
            )
        written = cls._definition if cls.forward is Layer.forward else cls.forward
        cls.takes_train_flag = takes_train_flag(written)
        if spells_train_flg(written):
            raise TypeError(f"{cls.__name__}: the argument is called train_flag, not train_flg")

    def __call__(self, *inputs: Any, **options: Any) -> Any:
        """Compute the output; recorded when a Tensor takes part."""
        raise NotImplementedError(
            f"{type(self).__name__} says nowhere what it computes: make a subclass with __call__"
        )

    @property
    def latest(self) -> int:
        """When `forward` was called the latest time, by the count of all; 0 for never."""
        return self._memory.forwards

    def heeds_train_flag(self) -> bool:
        """Tell whether it makes a difference to this layer that it is training."""
        return self.takes_train_flag

    @classmethod
    def is_by_hand(cls) -> bool:
        """Tell whether backward is written by hand, and not the pullback of __call__."""
        return cls.__call__ is _call_by_hand

    # ---- the book's protocol, on arrays --------------------------------------------------------
    def forward(self, *inputs: Any, **options: Any) -> Array:
        """Compute the output of arrays, and remember the call for `backward`.

        Raises:
            TypeError: when an input is a Tensor: call the layer itself for those.
        """
        if any(isinstance(x, Node) for x in inputs):
            raise TypeError(f"{self!r}.forward takes arrays: for Tensors call the layer itself")
        given = self._given(inputs)
        output = type(self)._definition(self, *given, **options)
        memory = self._memory
        memory.latest = (output, given, self.tensors())
        Part.forwards = memory.forwards = Part.forwards + 1
        return np.array(output._array if isinstance(output, Node) else output)

    def backward(self, dout: Any = None) -> Any:
        """Pull the gradient `dout` of the latest output back: the gradient of the input.

        Fills `grads` with the gradients of the parameters.

        Args:
            dout: of the output's shape; may be left out when the output is a scalar (then 1).

        Returns:
            The gradient of the input; a tuple for several inputs of floats, None for none.

        Raises:
            RuntimeError: when no forward came before, or a parameter was written since.
            ValueError: when `dout` has another shape than the output.
        """
        if self._memory.latest is None:
            raise RuntimeError(f"{self!r}.backward needs a forward before it")
        output, inputs, tensors = self._memory.latest
        if not isinstance(output, Node):
            raise RuntimeError(f"nothing in the latest forward of {self!r} can be differentiated")
        if dout is not None and np.shape(dout) != output._array.shape:
            raise ValueError(
                f"{self!r}.backward: dout has shape {np.shape(dout)}, but the output of the latest "
                f"forward has {output._array.shape}, and its gradient must too"
            )
        wrt = [x for x in inputs if isinstance(x, Tensor)]
        for name, tensor in self.structure().tensors.items():
            if tensor is not tensors.get(name):
                raise RuntimeError(
                    f"{self!r}.backward: another {name} has taken its place since the latest "
                    "forward: run forward again"
                )
        found = gradients(output, [*wrt, *tensors.values()], dout)
        self._memory.grads = dict(zip(tensors, found[len(wrt) :], strict=True))
        return tuple(found[: len(wrt)]) if len(wrt) > 1 else found[0] if wrt else None

    def _given(self, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
        """Make Tensors of the inputs that are floats; labels and indices stay arrays."""
        return tuple(_as_input(x) for x in inputs)

    # ---- parameters and parts ------------------------------------------------------------------
    def parts(self) -> Iterator[tuple[str, Any]]:
        """Name what the layer holds: parameters, layers, and lists, tuples and dicts of them."""
        for name in self.param_grads:
            yield name, self._leaf(name)
        for name, value in vars(self).items():
            if name not in self.param_grads:
                yield name, value

    def tensors(self) -> dict[str, Tensor]:
        """Return the parameters by name as Tensors, each once, in the order they were assigned."""
        return dict(self.structure().tensors)

    def structure(self) -> Structure:
        """Return what the latest walk through the parts found, or walk if something changed."""
        memory = self._memory
        for layer in memory.structure.by_hand if memory.structure else ():
            layer.refreshed()
        self.refreshed()
        if memory.structure is None or not memory.structure.is_current():
            found = Structure(self)
            check_train_flag((self, *found.inner))
            memory.structure = found
        return memory.structure

    @property
    def params(self) -> Params:
        """The parameters by name, as the arrays that the layer computes with."""
        return self.structure().params

    @property
    def grads(self) -> dict[str, Any]:
        """The gradients of the parameters, of the latest `backward`."""
        structure = self.structure()
        found: dict[int, Any] = {}
        for layer in structure.inner if type(self).backward is not Layer.backward else ():
            grads = layer.grads
            for name, tensor in layer.structure().tensors.items():
                if grads.get(name) is not None:
                    found[id(tensor)] = grads[name]
        inner = {k: found[id(t)] for k, t in structure.tensors.items() if id(t) in found}
        own = {k: reached(self._owner, grad, None) for k, grad in self.param_grads.items()}
        return {**inner, **self._memory.grads, **own}

    def refreshed(self) -> None:
        """Give arrays that were replaced in a layer written by hand to their Tensors."""
        for name in self.param_grads:
            self._leaf(name)

    def _leaf(self, name: str) -> Tensor:
        """Give an array of a layer written by hand a Tensor, which stays the same."""
        try:
            value = reached(self._owner, name)
        except AttributeError:
            known = [key for key in attributes(self._owner) if key != "_Layer__memory"]
            raise TypeError(
                f"param_grads of {type(self._owner).__name__} names {name!r}, and there is none: "
                f"its attributes are {', '.join(known)}"
            ) from None
        if isinstance(value, Tensor):
            return value
        if not isinstance(value, np.ndarray) or value.dtype.kind != "f":
            raise TypeError(
                f"param_grads of {type(self._owner).__name__} names {name!r}, which must be an "
                f"array of floats, but it is {value!r:.60}"
            )
        leaves = self._memory.leaves
        if name not in leaves or leaves[name]._array is not value:
            over = _LEAVES.get(id(value))  # an array in two layers is one parameter
            leaves[name] = leaf(Tensor, value) if over is None else over
            _LEAVES[id(value)] = leaves[name]
            Part.changes += 1
        return leaves[name]

    @property
    def _owner(self) -> Any:
        """What holds the arrays that `param_grads` names."""
        return self

    @property
    def _memory(self) -> _Memory:
        memory: _Memory | None = self.__dict__.get("_Layer__memory")
        if memory is None:
            memory = self.__dict__["_Layer__memory"] = _Memory()
        return memory

    def __dir__(self) -> list[str]:
        return [
            name for name in super().__dir__() if name not in OF_NETWORKS or hasattr(self, name)
        ]

    def __deepcopy__(self, memo: dict[Any, Any]) -> Any:
        twin = memo[id(self)] = object.__new__(type(self))
        shared = SHARE_TENSORS in memo
        for name, value in (vars(self) if shared else self.__getstate__()).items():
            if name != "_Layer__memory":
                vars(twin)[name] = copy.deepcopy(value, memo)
        if shared:
            vars(twin)["_Layer__memory"] = memory = copy.copy(self._memory)
            memory.structure = None
        return twin

    def __getstate__(self) -> dict[str, Any]:
        items = vars(self).items()
        return {name: _detached(value) for name, value in items if name != "_Layer__memory"}

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


for _name, _told in OF_NETWORKS.items():
    setattr(Layer, _name, Sign(_name, f"layers and networks have no .{_name}: {_told}"))


def _written_in(cls: type) -> set[str]:
    """Tell which of the three methods a person wrote in this very class."""
    ours = (_call_by_hand, Layer.forward, Layer.backward)
    found = {name: vars(cls).get(name) for name in ("__call__", "forward", "backward")}
    return {name for name, method in found.items() if method and method not in ours}


def _install(cls: type, **methods: Any) -> None:
    """Define methods in a class, where it would inherit others."""
    for name, method in methods.items():
        if getattr(cls, name) is not method:
            type.__setattr__(cls, name, method)


def _call_by_hand(self: Layer, *inputs: Any, **options: Any) -> Any:
    """Run forward; record it, with backward for its rule, when a Tensor takes part."""
    tensors = self.structure().tensors
    if not tensors and not any(isinstance(x, Node) for x in inputs):
        return of_data(self, inputs, options)
    return record_by_hand(self, inputs, options, tensors, lambda layer: layer.grads)


def _detached(value: Any) -> Any:
    """Put arrays in place of Tensors with a history, which a copy of a layer leaves behind."""
    if isinstance(value, Tensor):
        return value if value._function is None else value._array.copy()
    if type(value) in (list, tuple):
        items = list(map(_detached, value))
        return value if all(map(is_, items, value)) else type(value)(items)
    if type(value) is dict:
        items = list(map(_detached, value.values()))
        return (
            value if all(map(is_, items, value.values())) else dict(zip(value, items, strict=True))
        )
    return value


def _as_input(x: Any) -> Any:
    """Make a Tensor of floats, copied; leave labels and indices an array."""
    check_arithmetic(x)
    array = np.array(x)
    if array.dtype.kind == "f":
        return input_node(Tensor, array)
    array = real_numbers(array)
    return array if isinstance(x, (np.ndarray, np.generic)) else input_node(Tensor, array * 1.0)
