"""Networks: layers wired together, with a loss, and parameters that an optimizer can reach."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from minigrad import storage
from minigrad.backward import gradients, leaves
from minigrad.constants import borrowed, freeze
from minigrad.differences import numerical_gradient
from minigrad.functions.activations import real_numbers
from minigrad.graph import Array, now
from minigrad.kinds import check_arithmetic, plain
from minigrad.layers import (
    Layer,
    Loss,
    as_layer,
    buffers,
)
from minigrad.layers.by_hand import arrays_in
from minigrad.layers.inside import reached, replaced
from minigrad.layers.located import Located, watched
from minigrad.layers.params import lay_end_to_end
from minigrad.layers.randomness import Replay
from minigrad.layers.structure import HELD, Part, Structure, layers_by_path
from minigrad.layers.untrained import calls_inside, constants_in, forgotten
from minigrad.summary import summary
from minigrad.tensor import Tensor


class Network(Layer, abstract=True):
    """Any wiring of layers: hold them as attributes, and say in `__call__` how data flows.

    Layers and Tensors may stand in attributes, lists, tuples and dicts, nested as you like; their
    names join with dots: `encoder.0.W`. A network is a layer too and may stand in another.

    Args:
        loss: the layer that compares the output with the targets.

    Inputs of floats are converted to the dtype of the parameters. Errors raised inside name the
    layer by its path: `net.encoder[0] Affine(3, 2)`.

    >>> import minigrad as mg
    >>> class Skip(mg.Network):
    ...     def __init__(self):
    ...         super().__init__(loss=mg.SoftmaxWithLoss())
    ...         self.hidden = [mg.Affine(4, 4, rng=i) for i in range(2)]
    ...         self.out = mg.Affine(4, 3, rng=2)
    ...     def __call__(self, x, train_flag=False):
    ...         for layer in self.hidden:
    ...             x = x + np.tanh(layer(x))
    ...         return self.out(x)
    >>> net = Skip()
    >>> list(net.params)
    ['hidden.0.W', 'hidden.0.b', 'hidden.1.W', 'hidden.1.b', 'out.W', 'out.b']
    >>> x, t = np.ones((2, 4)), np.array([0, 2])
    >>> net.gradient(x, t)["out.b"].shape
    (3,)
    """

    loss_layer: Layer | None = None

    def __init_subclass__(cls, *, abstract: bool = False, **options: Any) -> None:
        super().__init_subclass__(abstract=abstract, **options)
        if "__call__" in vars(cls) and not abstract and not cls.is_by_hand():
            cls._definition = watched(cls._definition)
            type.__setattr__(cls, "__call__", cls._definition)

    def __init__(self, loss: Any = None) -> None:
        self.loss_layer = None if loss is None else as_layer(loss)

    def structure(self) -> Structure:
        """Return what the latest walk through the parts found; after a new one, lay them out."""
        before = self._memory.structure
        found = super().structure()
        if found is not before:
            lay_end_to_end(found.tensors.values())
        return found

    # ---- running it ----------------------------------------------------------------------------
    def objective(self, x: Any, t: Any, train_flag: bool = True) -> Tensor:
        """Compute the scalar Tensor behind `loss` and `gradient`; override to add a penalty.

        Args:
            x: a batch of inputs, one in each row.
            t: targets, as the loss takes them.
            train_flag: whether Dropout and its kin are training.
        """
        if self.loss_layer is None:
            raise TypeError(
                f"{type(self).__name__} has no loss: pass one, super().__init__(loss="
                "mg.SoftmaxWithLoss()) in your class or Sequential(..., loss=...)"
            )
        x, t = freeze(self._batch(x)), freeze(t if isinstance(t, Tensor) else plain(t))
        self._check_rows(x, t)
        with Located(self):
            loss: Tensor = self.loss_layer(self._run(x, train_flag), t)
        return loss

    def gradient(self, x: Any, t: Any) -> dict[str, Array]:
        """Differentiate the loss by every parameter, in training: {name: array}, yours to keep.

        Warns:
            UserWarning: the first time, of layers that hold arrays where Tensors are expected.
        """
        tensors = self.structure().tensors
        if not tensors:
            self.objective(x, t)
            self._check_without_parameters()
            return {}
        x, t = borrowed(self._batch(x)), borrowed(plain(t))
        # No name holds the graph here: the walk back lets go of each node that it has passed.
        found = gradients(self._trainable(x, t), list(tensors.values()))
        return dict(zip(tensors, found, strict=True))

    def _trainable(self, x: Any, t: Any) -> Tensor:
        """Compute the objective, and refuse what parameters would not learn from."""
        forwards, structure, start = Part.forwards, self.structure(), now()
        constants = {} if structure.is_trained else constants_in(self)
        loss = self.objective(x, t)
        if Part.forwards != forwards:
            self._check_forwards(forwards)
        if not isinstance(loss, Tensor):
            raise TypeError(
                "the loss does not depend on any parameter: call layers as layer(x), and do not "
                "turn Tensors into arrays on the way"
            )
        if not structure.is_trained:
            self._check_leaves(loss, x, start)
            for warning in forgotten(self, constants):
                warnings.warn(warning, stacklevel=calls_inside())
            structure.is_trained = True
        return loss

    def _check_leaves(self, loss: Tensor, x: Any, start: int) -> None:
        """Refuse Tensors behind the loss that would not be trained: those of hidden layers.

        A Tensor that the objective itself makes is an input, for derivatives by it, if no layer
        holds it.
        """
        known = {*map(id, self.structure().tensors.values())}
        known.update(id(leaf) for leaf in (leaves(x) if isinstance(x, Tensor) else ()))
        for leaf in leaves(loss):
            if id(leaf) not in known and (leaf._birth < start or HELD.get(id(leaf)) is leaf):
                name, shape = type(self).__name__, leaf._array.shape
                raise TypeError(
                    f"a Tensor of shape {shape} takes part in the loss and is no parameter of "
                    f"{name}, so that it would not be trained: put it, or its layer, in an "
                    f"attribute, list or dict of the net; make a constant an array, tensor.data; "
                    "to train a part of what a loss depends on, use mg.gradients(net.objective(x, "
                    "t), [...])"
                )

    def _check_forwards(self, earlier: int) -> None:
        """Refuse a layer that was called by `forward`, which hides it from the graph."""
        inner = self.structure().inner
        blocks = [layer for layer in (self, *inner) if layer.is_by_hand()]
        inside = {id(x) for block in blocks for x in (block, *block.structure().inner)}
        for layer in inner:
            hidden = layer.latest > earlier and id(layer) not in inside
            if hidden and layer.structure().tensors:
                path = next(path for path, found in layers_by_path(self) if found is layer)
                raise TypeError(
                    f"{path} {layer!r} was called by its forward, which takes and returns arrays, "
                    "and would not be trained: call the layer itself, layer(x)"
                )

    def _check_without_parameters(self) -> None:
        """Tell a network that has nothing to train from one whose arrays are overlooked."""
        held = [path for path in arrays_in(self) if "_Layer__memory" not in path]
        if held:
            raise TypeError(
                f"{type(self).__name__} has no parameters, and holds the arrays "
                f"{', '.join(held)}: make Tensors of those to be trained, mg.Tensor(array), or use "
                "mg.wrap for layers of other people"
            )

    def predict(self, x: Any) -> Array:
        """Compute the output for a batch of inputs, as an array; train_flag=False."""
        with Located(self):
            y = self._run(borrowed(self._batch(x)), train_flag=False)
        if isinstance(y, (tuple, list, dict)):
            raise TypeError(
                f"{type(self).__name__} has {len(y)} outputs, and predict returns one array: for "
                "several call the net itself, net(x), and take the .data of each"
            )
        return np.array(y._array if isinstance(y, Tensor) else y)

    def loss(self, x: Any, t: Any) -> float:
        """Compute the loss of a batch, as a number; train_flag=False."""
        loss = self.objective(borrowed(self._batch(x)), borrowed(plain(t)), train_flag=False)
        return float(loss.item())

    def accuracy(self, x: Any, t: Any) -> float:
        """Compute the share of rows whose class is predicted rightly; every row counts.

        Raises:
            TypeError: when the loss is not one of classes.
        """
        if not isinstance(self.loss_layer, Loss):
            raise TypeError(
                f"accuracy needs a loss of classes, such as mg.SoftmaxWithLoss(), and this "
                f"network's is {self.loss_layer!r}"
            )
        self._check_rows(np.asarray(x), np.asarray(t))
        return float(np.mean(self.loss_layer.correct(self.predict(x), t)))

    def numerical_gradient(self, x: Any, t: Any, h: float = 1e-5) -> dict[str, Array]:
        """Differentiate the loss by every parameter, by central differences in float64.

        Random layers draw the same masks at every evaluation, those that the next `gradient` will
        draw, and everything is left as it was. Costs two losses for each single parameter.

        >>> import minigrad as mg
        >>> net = mg.mlp([2, 3, 2], dropout=0.5, rng=0)
        >>> x, t = np.ones((4, 2)), np.array([0, 1, 0, 1])
        >>> numerical = net.numerical_gradient(x, t)
        >>> bool(np.allclose(net.gradient(x, t)["W1"], numerical["W1"]))
        True
        """
        twin = self.astype(np.float64)
        x = twin._batch(x)
        with Replay(twin) as replay:

            def loss(_: Array) -> float:
                replay.rewind()
                return float(twin.objective(x, t).item())

            return {name: numerical_gradient(loss, p, h) for name, p in twin.params.items()}

    def check_finite(self, x: Any = None, t: Any = None) -> None:
        """Report where NaN or infinity is: in parameters, data, the output, the loss or gradients.

        Raises:
            FloatingPointError: that names the first of these, and how many entries are bad.

        >>> import minigrad as mg
        >>> net = mg.mlp([2, 3, 2], rng=0)
        >>> net.params["b1"][0] = np.nan
        >>> net.check_finite()
        Traceback (most recent call last):
        FloatingPointError: parameter b1 has 1 of 3 entries that are not finite
        """
        named: dict[str, Any] = {f"parameter {name}": p for name, p in self.params.items()}
        _refuse_infinite(named | {"x": x, "t": t})
        if x is not None:
            _refuse_infinite({"the output": self.predict(x)})
        if x is not None and t is not None:
            _refuse_infinite({"the loss": self.loss(x, t)})
            grads = self.gradient(x, t)
            _refuse_infinite({f"the gradient of {name}": g for name, g in grads.items()})

    def _run(self, x: Any, train_flag: bool) -> Any:
        return self(x, train_flag=train_flag) if self.takes_train_flag else self(x)

    def _batch(self, x: Any) -> Any:
        """Convert floats to the dtype of the parameters."""
        if isinstance(x, Tensor):
            return real_numbers(x)
        check_arithmetic(x)
        if not isinstance(x, np.ndarray):
            x = real_numbers(_one_array(x))
            x = x if x.dtype.kind not in "iu" else x.astype(np.float64)  # numbers in lists
        for tensor in self.structure().tensors.values():
            dtype = tensor._array.dtype
            if x.dtype == dtype:
                return x
            return x.astype(dtype) if x.dtype.kind == "f" else real_numbers(x)
        return real_numbers(x)

    def _check_rows(self, x: Any, t: Any) -> None:
        rows, targets = x.shape[:1], t.shape[:1]
        if rows != targets:
            raise ValueError(
                f"x of shape {np.shape(x)} and t of shape {np.shape(t)} need equally many rows"
            )
        if rows == (0,):
            raise ValueError(f"the batch is empty: x has shape {np.shape(x)}")

    # ---- keeping it ----------------------------------------------------------------------------
    def state_dict(self) -> dict[str, Array]:
        """Copy all parameters, and the buffers that layers name: {name: array}."""
        return {name: p.copy() for name, p in self.params.items()} | buffers.state(self)

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Put arrays in place of all parameters and buffers.

        Raises:
            ValueError: naming all missing, unexpected and unfit entries; nothing is loaded then.
        """
        places, own = buffers.found_in(self), state
        if places and isinstance(state, Mapping):
            own = {name: value for name, value in state.items() if name not in places}
        values = storage.fitted(self.params, own)
        kept = buffers.fitted(self, state)
        for name, value in values.items():
            self.params[name] = value
        for name, value in kept.items():
            setattr(*places[name], value)

    def save(self, path: Any) -> None:
        """Write all parameters and buffers to an .npz file, without pickle.

        Warns:
            UserWarning: naming arrays that may be buffers, in layers that do not say: see
                `Layer.buffers`. They are not saved.
        """
        for warning in buffers.undeclared(self):
            warnings.warn(warning, stacklevel=2)
        storage.save(path, self.state_dict())

    def load(self, path: Any) -> None:
        """Read the parameters and buffers that `save` wrote.

        Raises:
            FileNotFoundError: when there is no such file.
            ValueError: when it is no .npz of arrays, or its entries do not fit; nothing is loaded.
        """
        self.load_state_dict(storage.load(path))

    def astype(self, dtype: DTypeLike) -> Any:
        """Copy the network, with parameters of another float dtype."""
        if np.dtype(dtype).kind != "f":
            raise TypeError(f"parameters are floats, and {np.dtype(dtype)} is no float dtype")
        twin = copy.deepcopy(self)
        converted: dict[int, tuple[Array, Array]] = {}  # an array in two layers stays one
        for _, layer in layers_by_path(twin):
            for name in layer.param_grads:
                value = reached(layer._owner, name)
                if isinstance(value, np.ndarray):
                    converted.setdefault(id(value), (value, value.astype(dtype)))
                    replaced(layer._owner, name, converted[id(value)][1])
        for tensor in twin.tensors().values():
            tensor._array = tensor._array.astype(dtype, copy=False)
        lay_end_to_end(twin.tensors().values())
        return twin

    def summary(self, x: Any = None) -> str:
        """Tabulate layers, output shapes and parameters, with their total.

        Args:
            x: a batch to find the shapes with; a row of zeros when the first layer is an Affine.
        """
        return summary(self, x)

    def __repr__(self) -> str:
        lines = [f"{name}={value!r}" for name, value in vars(self).items() if _is_part(value)]
        inner = "".join("  " + line.replace("\n", "\n  ") + ",\n" for line in lines)
        return f"{type(self).__name__}(\n{inner})"


def _one_array(x: Any) -> Array:
    """Make an array of a batch given as lists; refuse several inputs."""
    several = isinstance(x, dict)
    try:
        array = np.asarray(None if several else x)
    except ValueError:  # arrays, but of different shapes
        several = True
    if several:
        raise TypeError(
            "a batch is one array, with a row for each example: join several inputs, "
            "np.concatenate([x, z], axis=1), and take them apart in __call__, x[:, :n] and x[:, n:]"
        )
    return array


def _refuse_infinite(named: Mapping[str, Any]) -> None:
    for name, value in named.items():
        bad = 0 if value is None else int(np.sum(~np.isfinite(value)))
        if bad:
            raise FloatingPointError(
                f"{name} has {bad} of {np.size(value)} entries that are not finite"
            )


def _is_part(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return bool(value) and all(map(_is_part, value))
    if isinstance(value, dict):
        return bool(value) and all(map(_is_part, value.values()))
    return isinstance(value, (Layer, Tensor))
