"""Every function of the table against numeric differentiation, at random points of its domain."""

import numpy as np
import oracle
import pytest
import theorems
from domains import DOMAINS
from domains.complex import INSTEAD
from hypothesis import given
from hypothesis import strategies as st

from minigrad import functions, gradients
from minigrad.derivatives.refusals import REFUSALS
from minigrad.kinds import called
from minigrad.table import RULES
from minigrad.tensor import ADAPTERS

name_of = called  # np.exp, np.fft.fft, relu: also what mutate_rules.py asks for


every_function = pytest.mark.parametrize("function", DOMAINS, ids=name_of)
a_sample = given(data=st.data())


TABLE = set(RULES)  # as it is imported, before tests and examples add functions of their own


def test_every_differentiable_function_has_a_property_test():
    table = {f for f in TABLE if name_of(f).startswith("np.") or f.__module__ in _OURS}
    public = {getattr(functions, n) for n in functions.__all__ if not n.startswith("check_")}
    tested = set(DOMAINS) | set(INSTEAD)  # np.sign has a derivative for complex numbers alone
    assert (table | set(ADAPTERS) | public) - set(REFUSALS) == tested


_OURS = {f.__module__ for f in DOMAINS if not name_of(f).startswith("np.")}


@every_function
@a_sample
def test_the_theorems_hold(function, data):
    s = data.draw(DOMAINS[function])
    for theorem in theorems.THEOREMS:
        theorem(s)


ANALYTIC = [
    np.add,
    np.subtract,
    np.multiply,
    np.divide,
    np.negative,
    np.positive,
    np.reciprocal,
    np.square,
    np.exp,
    np.exp2,
    np.expm1,
    np.log,
    np.log2,
    np.log10,
    np.log1p,
    np.sqrt,
    np.sin,
    np.cos,
    np.tan,
    np.arcsin,
    np.arccos,
    np.arctan,
    np.sinh,
    np.cosh,
    np.tanh,
    np.arcsinh,
    np.arccosh,
    np.arctanh,
    np.matmul,
    np.dot,
    np.sum,
    np.mean,
    np.prod,
    np.reshape,
    np.transpose,
]


@pytest.mark.parametrize("function", ANALYTIC, ids=name_of)
@a_sample
def test_vjp_of_an_analytic_function_is_exact_by_the_complex_step(function, data):
    s = data.draw(DOMAINS[function])
    xs, us = s.tensors(), [s.noise(x) for x in s.leaves]
    y = s.call(*xs)
    v = s.noise(y.data)
    exact = sum(map(oracle.inner, us, gradients(y, xs, v)))
    step = oracle.inner(v, oracle.complex_along(s.call, s.leaves, us))
    assert abs(exact - step) <= 1e-12 * (1 + abs(step))
