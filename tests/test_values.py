"""A recorded call has NumPy's own value, in each of its forms; and the complex step agrees."""

import inspect

import numpy as np
import oracle
import pytest
import variations
from domains import DOMAINS
from hypothesis import given
from hypothesis import strategies as st
from test_derivatives import name_of

from minigrad import Tensor, gradients
from minigrad.table import RULES
from minigrad.tensor import ADAPTERS

NUMPYS = [function for function in DOMAINS if name_of(function).startswith("np.")]
ROUNDED = {  # put together from others, in another order
    np.einsum,  # of three, pair by pair
    np.gradient,  # at places that are Tensors and happen to be even
    np.logspace,  # with a base for each pair of ends
    *(np.nanvar, np.nanstd),  # with a mean that is given
}
ANALYTIC = [
    *(np.cumsum, np.cumprod, np.diff, np.trapezoid, np.average, np.sinc),
    *(np.polyval, np.polyder, np.polyint, np.polyadd, np.polysub),
]


def dtype_of(y):
    """NumPy's dtype; float64 where it counts the weights of no entries with integers."""
    return np.result_type(y, np.float16)


@pytest.mark.parametrize("function", NUMPYS, ids=name_of)
@given(data=st.data())
def test_a_recorded_call_has_numpys_value(function, data):
    s = data.draw(DOMAINS[function])
    y = s.call(*s.leaves)
    recorded, call = variations.caught(function, s)
    assert type(recorded) is Tensor
    assert (recorded.shape, recorded.dtype) == (np.shape(y), dtype_of(y))
    if function in ROUNDED:
        np.testing.assert_allclose(recorded.data, y, rtol=1e-13, atol=1e-13)
    else:
        assert np.array_equal(recorded.data, y, equal_nan=True)
    half = s.in_float32()
    assert half.call(*half.tensors()).dtype == dtype_of(half.call(*half.leaves))
    if call is not None:
        variations.hold(function, call, s.rng)


def options(function):
    """The options of its rules, and of what reads NumPy's arguments for them."""
    rules = RULES.get(function, ())
    rules = list(filter(None, rules if isinstance(rules, tuple) else [rules]))
    for reader in [*rules, *filter(inspect.isfunction, [ADAPTERS.get(function)])]:
        for option in inspect.signature(reader).parameters.values():
            if option.default is not option.empty:
                yield option


def test_options_that_are_left_out_are_what_numpy_takes_them_for():
    for function in NUMPYS:
        theirs = inspect.signature(function).parameters
        for option in options(function):
            default = theirs[option.name].default if option.name in theirs else np._NoValue
            assert default in (option.default, np._NoValue, inspect.Parameter.empty), function


@pytest.mark.parametrize("function", ANALYTIC, ids=name_of)
@given(data=st.data())
def test_vjp_is_exact_by_the_complex_step(function, data):
    s = data.draw(DOMAINS[function])
    xs, us = s.tensors(), [s.noise(x) for x in s.leaves]
    y = s.call(*xs)
    v = s.noise(y.data)
    exact = sum(map(oracle.inner, us, gradients(y, xs, v)))
    step = oracle.inner(v, oracle.complex_along(s.call, s.leaves, us))
    assert abs(exact - step) <= 1e-12 * (1 + abs(step))
