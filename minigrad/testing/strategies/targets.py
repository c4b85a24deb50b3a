"""What goes beside an array: indices into it, class labels, batches with their targets."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from minigrad.graph import Array
from minigrad.layers import MeanSquaredError, SigmoidWithLoss, SoftmaxWithLoss
from minigrad.testing.strategies.numbers import Shape, arrays, smooth_floats
from minigrad.testing.with_hypothesis import hnp, st

SIZES = st.integers(1, 4)
FORMS = ("indices", "one-hot", "probabilities")


def indices(shape: Shape, *, advanced: bool = True) -> st.SearchStrategy[Any]:
    """Draw an index that fits an array of this shape, of every kind that NumPy knows.

    Args:
        shape: of the array that is indexed.
        advanced: integer arrays (with repeats and negatives), lists, masks, and their mixtures with
            slices and None; otherwise integers, slices, None and `...` alone.

    Repeated indices are what a backward with `dx[i] += dout` gets wrong.

    >>> from hypothesis import find
    >>> find(indices((3,)), lambda i: isinstance(i, list) and len(i) > len(set(i)))
    [0, 0]
    """
    kinds: list[Any] = [hnp.basic_indices(shape, allow_newaxis=True)]
    if advanced and shape and 0 not in shape:
        n = shape[0]
        some = st.lists(st.integers(0, n - 1) | st.integers(-n, -1), max_size=4)
        last = st.lists(st.integers(-1, 0), min_size=1, max_size=3)
        kinds += [
            some,
            some.map(lambda places: np.array(places, int)),
            hnp.integer_array_indices(shape),
            st.lists(st.booleans(), min_size=n, max_size=n).map(np.array),
            st.tuples(st.just(...), last),
            st.tuples(some, st.just(None), st.just(...)),
        ]
    if advanced:
        kinds.append(hnp.arrays(bool, shape))
    return st.one_of(kinds)


def labels(rows: int, classes: int, *, form: str = "indices") -> st.SearchStrategy[Array]:
    """Draw the classes of a batch.

    Args:
        rows: N.
        classes: K.
        form: "indices" (N,) of integers, "one-hot" rows (N, K), rows (N, K) of "probabilities",
            or "any" of these.

    Raises:
        ValueError: for another form.

    >>> from hypothesis import find
    >>> find(labels(3, 2), lambda t: t.sum() > 1)
    array([0, 1, 1])
    >>> find(labels(2, 3, form="one-hot"), lambda t: True)
    array([[1., 0., 0.],
           [1., 0., 0.]])
    """
    if form == "any":
        return st.one_of([labels(rows, classes, form=each) for each in FORMS])
    if form == "probabilities":
        weights = arrays((rows, classes), elements=st.floats(0.125, 1.0))
        return weights.map(lambda w: w / w.sum(axis=1, keepdims=True))
    if form not in FORMS:
        raise ValueError(f"labels: form must be any or one of {', '.join(FORMS)}, not {form!r}")
    places = hnp.arrays(int, rows, elements=st.integers(0, classes - 1), fill=st.nothing())
    return places.map(lambda t: np.eye(classes)[t]) if form == "one-hot" else places


@st.composite
def batches(
    draw: st.DrawFn,
    n_in: int | st.SearchStrategy[int] = SIZES,
    n_out: int | st.SearchStrategy[int] = SIZES,
    *,
    rows: int | st.SearchStrategy[int] = SIZES,
    loss: Any = None,
    dtype: DTypeLike = np.float64,
) -> tuple[Array, Array]:
    """Draw a batch and its targets, `x` (N, D) and `t`, for a network from D features to K outputs.

    Args:
        n_in: D, or a strategy of it.
        n_out: K, or a strategy of it.
        rows: N, or a strategy of it.
        loss: what the targets are for. SoftmaxWithLoss, also for None: classes (N,) or one-hot rows
            (N, K); SigmoidWithLoss: 0 and 1 (N, K); MeanSquaredError: floats (N, K).
        dtype: of x, and of targets that are floats.

    Raises:
        TypeError: for another loss, whose targets only its author knows.

    >>> from hypothesis import find
    >>> find(batches(2, 3), lambda batch: len(batch[0]) == 2 and batch[1].ndim == 1)
    (array([[1., 1.],
           [1., 1.]]), array([0, 0]))
    """
    d, k, n = (draw(s) if isinstance(s, st.SearchStrategy) else s for s in (n_in, n_out, rows))
    x = draw(arrays((operator.index(n), d), elements=smooth_floats(dtype=dtype), dtype=dtype))
    if loss is None or isinstance(loss, SoftmaxWithLoss):
        t = draw(labels(n, k) | labels(n, k, form="one-hot"))
        return x, t if t.ndim == 1 else t.astype(dtype)
    if isinstance(loss, SigmoidWithLoss):
        return x, draw(hnp.arrays(int, (n, k), elements=st.integers(0, 1), fill=st.nothing()))
    if isinstance(loss, MeanSquaredError):
        return x, draw(arrays((n, k), dtype=dtype))
    raise TypeError(f"batches does not know the targets of {loss!r}: draw x and t by `arrays`")
