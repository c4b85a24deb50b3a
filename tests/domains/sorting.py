"""Sorting, and quantiles."""

import hypothesis.extra.numpy as hnp
import numpy as np
from hypothesis import strategies as st

from domains.reductions import with_nan
from domains.samples import FLIP, SEED, axes, calls, distinct, one
from minigrad.derivatives import sorting

METHODS = [
    *("linear", "lower", "higher", "midpoint", "nearest"),
    *("inverted_cdf", "averaged_inverted_cdf", "closest_observation"),
    *("interpolated_inverted_cdf", "hazen", "weibull", "median_unbiased", "normal_unbiased"),
]
QUANTILES = [0.5, 0.13, 0, 1.0, [0.77], [0.25, 0.5, 0.13], [[0.0, 0.77], [1.0, 0.5]], []]


def sorted_along(draw, shape):
    axis = draw(axes(len(shape), one_only=True)) if shape else None
    some = [{}, {"kind": "quicksort"}, {"stable": True}, {"kind": "heapsort"}]
    options = draw(st.sampled_from(some))
    return ((axis,), options) if draw(FLIP) else ((), options | {"axis": axis})


@st.composite
def partition_calls(draw):
    (shape,) = draw(one(0, 1))
    axis = draw(axes(len(shape), one_only=True)) if shape else None
    n = int(np.prod(shape)) if axis is None else shape[axis]
    place = st.integers(-n, n - 1)
    kth = draw(st.one_of(place, st.lists(place, min_size=1, max_size=3)))
    return draw(calls(lambda x: np.partition(x, kth, axis), distinct, shapes=st.just([shape])))


@st.composite
def ordering_calls(draw, function):
    (shape,) = draw(one(1))
    axis = draw(st.integers(-len(shape), len(shape) - 1))
    order = np.argsort(np.random.default_rng(draw(SEED)).uniform(size=shape), axis=axis)
    return draw(calls(lambda x: function(x, order, axis), distinct, shapes=st.just([shape])))


# ---- quantiles -----------------------------------------------------------------------------------
def reduced(draw, shape, min_axes=0):
    axis, keepdims = draw(axes(len(shape), min_axes)), draw(FLIP)
    return {"axis": axis, "keepdims": keepdims}


def median_calls(function, numbers, *limits):
    def options(draw, shape):
        return (), reduced(draw, shape, *limits[2:])

    return calls(function, numbers, shapes=one(*limits[:2]), options=options)


@st.composite
def quantile_calls(draw, function, percent, numbers, min_dims=0, min_side=1, min_axes=0):
    (shape,) = draw(one(min_dims, min_side))
    options = reduced(draw, shape, min_axes)
    several = function in (np.nanquantile, np.nanpercentile)  # NumPy turns the axes of q
    q = draw(st.sampled_from([q for q in QUANTILES if np.ndim(q) < 2 or not several]))
    q = q if np.ndim(q) == 0 else np.array(q)
    method = draw(st.sampled_from(METHODS))
    if shape and draw(st.integers(0, 2)) == 0:
        method = "inverted_cdf"
        options["weights"] = draw(hnp.arrays(int, shape, elements=st.integers(1, 3)))
    elif draw(FLIP):
        options["method"] = method
    if "weights" in options:
        options["method"] = method

    def quantile(x):
        return function(x, q * 100 if percent else q, **options)

    return draw(calls(quantile, numbers, shapes=st.just([shape])))


DOMAINS = {
    np.sort: calls(np.sort, distinct, shapes=one(), options=sorted_along),
    np.partition: partition_calls(),
    sorting.taken: ordering_calls(sorting.taken),
    sorting.put_back: ordering_calls(sorting.put_back),
    np.median: median_calls(np.median, distinct, 0, 1, 0),
    np.nanmedian: median_calls(np.nanmedian, with_nan(distinct), 1, 2, 1),
    np.quantile: quantile_calls(np.quantile, False, distinct),
    np.percentile: quantile_calls(np.percentile, True, distinct),
    np.nanquantile: quantile_calls(np.nanquantile, False, with_nan(distinct), 1, 2, 1),
    np.nanpercentile: quantile_calls(np.nanpercentile, True, with_nan(distinct), 1, 2, 1),
}
