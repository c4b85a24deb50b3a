"""Which strategy Hypothesis takes for a type of ours: `@given(net=...)`, `st.from_type(Affine)`.

`import minigrad` calls `register` where Hypothesis is loaded already, and Hypothesis calls it by
its entry point where minigrad is (`minigrad_hooks`): neither loads the other.
"""

from typing import Any

from minigrad import layers
from minigrad.networks import Network
from minigrad.sequential import Sequential
from minigrad.tensor import Tensor
from minigrad.testing.strategies import arrays, models
from minigrad.testing.with_hypothesis import st


def register() -> None:
    """Tell Hypothesis how Tensors, layers and networks are drawn.

    >>> register()
    >>> from hypothesis import find
    >>> find(st.from_type(layers.Affine), lambda layer: layer.W.shape == (1, 2))
    Affine(1, 2)
    """
    drawn: dict[Any, Any] = {
        Tensor: st.builds(Tensor, arrays()),
        layers.Affine: models.affines(),
        layers.Dropout: models.dropouts(),
        layers.Layer: models.layers(),
        layers.Loss: models.losses(),
        Sequential: models.networks(),
        Network: models.networks(),
    }
    drawn |= {kind: st.builds(kind) for kind in (*models.ACTIVATIONS, layers.Flatten)}
    for kind, strategy in drawn.items():
        st.register_type_strategy(kind, strategy)
