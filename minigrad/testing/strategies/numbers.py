"""Shapes, and arrays of floats at which functions are smooth."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import DTypeLike

from minigrad.graph import Array
from minigrad.tensor import Tensor
from minigrad.testing.with_hypothesis import hnp, st

Shape: TypeAlias = tuple[int, ...]
Shapes: TypeAlias = "int | Shape | st.SearchStrategy[Shape]"
Floats: TypeAlias = "st.SearchStrategy[float]"


def shapes(
    min_dims: int = 0, max_dims: int = 3, *, min_side: int = 1, max_side: int = 3
) -> st.SearchStrategy[Shape]:
    """Draw the shape of an array.

    Args:
        min_dims: fewest axes.
        max_dims: most axes.
        min_side: shortest length of an axis. With 0, one axis in ten is empty: were it one in
            four, as lengths are drawn evenly, most arrays would be empty and test nothing.
        max_side: longest length of an axis.

    Shrinks to few axes of length 1.

    >>> from hypothesis import find
    >>> find(shapes(), lambda shape: len(shape) == 2)
    (1, 1)
    >>> find(shapes(min_side=0), lambda shape: 0 in shape)
    (0,)
    """
    sides = [*range(max(min_side, 1), max_side + 1)]
    empty = [0] if min_side == 0 else []
    often = 9 // max(len(sides), 1) if empty else 1
    each = st.sampled_from(sides * often + empty)
    return st.lists(each, min_size=min_dims, max_size=max_dims).map(tuple)


def smooth_floats(
    min_value: float = -2.0,
    max_value: float = 2.0,
    *,
    kinks: Sequence[float] = (0.0,),
    margin: float = 0.125,
    dtype: DTypeLike = np.float64,
) -> Floats:
    """Draw a float at which a function is smooth: finite, of moderate size, and far from kinks.

    Args:
        min_value: smallest.
        max_value: largest.
        kinks: where the function bends, jumps or is infinite; 0 for relu, abs, log, division.
        margin: least distance from each of them.
        dtype: a float dtype; every number that is drawn is one of its numbers.

    Raises:
        ValueError: when nothing is left between the kinks.

    Shrinks to 1.0, or the simplest number there is.

    >>> from hypothesis import find
    >>> find(smooth_floats(), lambda x: True)
    1.0
    >>> find(smooth_floats(kinks=[-1, 1]), lambda x: abs(x) < 1)
    0.0
    """
    dtype = np.dtype(dtype)
    ends = [-np.inf, *sorted(kinks), np.inf]
    pieces = [
        _inside(max(min_value, left + margin), min(max_value, right - margin), dtype)
        for left, right in itertools.pairwise(ends)
    ]
    width: Any = 8 * dtype.itemsize
    drawn = [
        st.floats(low, high, width=width, allow_subnormal=False if low <= 0 <= high else None)
        for low, high in reversed(pieces)  # people prefer positive numbers
        if low <= high
    ]
    if not drawn:
        raise ValueError(
            f"smooth_floats: no number from {min_value} to {max_value} keeps a distance of "
            f"{margin} from {list(kinks)}"
        )
    return st.one_of(drawn)


def arrays(
    shape: Shapes | None = None,
    *,
    elements: Floats | None = None,
    dtype: DTypeLike = np.float64,
    layout: str = "C",
) -> st.SearchStrategy[Array]:
    """Draw an array of floats, every entry by itself.

    Args:
        shape: a shape, a length, or a strategy of shapes; `shapes()` when None.
        elements: draws an entry; `smooth_floats()` when None.
        dtype: of the array.
        layout: how it lies in memory: "C", "F", "reversed" or "strided" (both along the first
            axis), or "any" of these.

    Raises:
        ValueError: for another layout.

    >>> from hypothesis import find
    >>> find(arrays((2, 2)), lambda x: x[0, 1] < 0)
    array([[ 1., -1.],
           [ 1.,  1.]])
    """
    if layout != "any" and layout not in LAYOUTS:
        raise ValueError(f"arrays: layout must be any or one of {', '.join(LAYOUTS)}: {layout!r}")
    elements = smooth_floats(dtype=dtype) if elements is None else elements
    of_any_shape: Any = shapes() if shape is None else shape
    drawn = hnp.arrays(np.dtype(dtype), of_any_shape, elements=elements, fill=st.nothing())
    if layout == "C":
        return drawn
    laid = st.sampled_from([*LAYOUTS]) if layout == "any" else st.just(layout)
    return st.tuples(laid, drawn).map(lambda pair: LAYOUTS[pair[0]](pair[1]))


def broadcastable(
    n: int = 2,
    *,
    elements: Floats | Sequence[Floats] | None = None,
    dtype: DTypeLike = np.float64,
    max_dims: int = 3,
    max_side: int = 3,
) -> st.SearchStrategy[tuple[Array, ...]]:
    """Draw n arrays whose shapes broadcast together: axes are missing, or of length 1.

    Args:
        n: how many.
        elements: draws the entries of all, or a strategy for each; `smooth_floats()` when None.
        dtype: of all.
        max_dims: most axes.
        max_side: longest length of an axis.

    >>> from hypothesis import find
    >>> find(broadcastable(), lambda pair: pair[0].ndim > pair[1].ndim)
    (array([1.]), array(1.))
    """
    each: list[Any] = [elements] * n
    if isinstance(elements, Sequence):
        each = list(elements)
    together = hnp.mutually_broadcastable_shapes(
        num_shapes=n, max_dims=max_dims, min_side=1, max_side=max_side
    )
    return together.flatmap(
        lambda those: st.tuples(
            *(
                arrays(shape, elements=draws, dtype=dtype)
                for shape, draws in zip(those.input_shapes, each, strict=True)
            )
        )
    )


def cotangents(like: Any, *, dtype: DTypeLike | None = None) -> st.SearchStrategy[Array]:
    """Draw what a backward pass begins with: an array of the output's shape, none of its entries 0.

    Args:
        like: the output (an array or a Tensor), or its shape.
        dtype: the output's when None; float64 for a shape.

    Ones are what they shrink to, and seldom what they begin with: a cotangent of ones is in the
    null space of a softmax, and hides any mistake in its backward.

    >>> from hypothesis import find
    >>> find(cotangents(np.zeros((2, 1), "f")), lambda dout: dout.min() < 0)
    array([[ 1.],
           [-1.]], dtype=float32)
    """
    if isinstance(like, (tuple, list)):
        shape, own = tuple(like), np.dtype(np.float64)
    else:
        output = like.data if isinstance(like, Tensor) else np.asarray(like)
        shape, own = output.shape, output.dtype
    return arrays(shape, dtype=own if dtype is None else dtype)


def well_separated(
    shape: Shapes | None = None,
    *,
    gap: float = 0.25,
    min_value: float | None = None,
    dtype: DTypeLike = np.float64,
) -> st.SearchStrategy[Array]:
    """Draw an array no two of whose entries are closer than `gap`: no ties for max, sort, pooling.

    Args:
        shape: a shape, a length, or a strategy of shapes; `shapes()` when None.
        gap: least distance between two entries.
        min_value: the smallest entry; they stand around 0 when None.
        dtype: of the array.

    Shrinks to equal distances, in rising order.

    >>> from hypothesis import find
    >>> find(well_separated(3), lambda x: True)
    array([-0.25,  0.  ,  0.25])
    >>> find(well_separated(2, min_value=1.0), lambda x: np.argmax(x) == 0)
    array([1.25, 1.  ])
    """
    of_any_shape: Any = shapes() if shape is None else shape
    if not isinstance(of_any_shape, st.SearchStrategy):
        of_any_shape = st.just(of_any_shape)
    drawn: st.SearchStrategy[Array] = of_any_shape.flatmap(
        lambda found: _separated(found, gap, min_value, np.dtype(dtype))
    )
    return drawn


@st.composite
def _separated(
    draw: st.DrawFn, shape: int | Shape, gap: float, least: float | None, dtype: np.dtype[Any]
) -> Array:
    size = int(np.prod(shape))
    order = draw(st.permutations(range(size)))
    steps = draw(arrays(size, elements=st.floats(1.0, 2.0)))
    rising = gap * np.cumsum(steps)
    rising -= rising[size // 2] if least is None and size else 0
    rising += 0 if least is None or not size else least - rising[0]
    return rising[list(order)].reshape(shape).astype(dtype)


def _inside(low: float, high: float, dtype: np.dtype[Any]) -> tuple[float, float]:
    """Round both ends of an interval to numbers of the dtype that are inside it."""
    ends = []
    for end, inwards in ((low, high), (high, low)):
        rounded = float(dtype.type(end))
        outside = rounded < end if end == low else rounded > end
        further = np.nextafter(dtype.type(end), dtype.type(inwards))
        ends.append(float(further) if outside else rounded)
    return ends[0], ends[1]


LAYOUTS: dict[str, Callable[[Array], Array]] = {  # the same numbers, lying differently in memory
    "C": lambda x: x,
    "F": np.asfortranarray,
    "reversed": lambda x: x[::-1].copy()[::-1] if x.ndim else x,
    "strided": lambda x: np.repeat(x, 2, axis=0)[::2] if x.ndim else x,
}
