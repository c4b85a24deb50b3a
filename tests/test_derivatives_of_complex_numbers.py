"""Every function that takes complex numbers, by the same theorems; every other one refuses them."""

import numpy as np
import pytest
import theorems
from domains import COMPLEX_DOMAINS, DOMAINS
from domains.complex import REAL_TO_COMPLEX, complexified
from hypothesis import given, settings
from hypothesis import strategies as st

from minigrad.kinds import COMPLEX, MET
from minigrad.kinds import called as name_of
from minigrad.updates import maximum_at, minimum_at

TAKING = set(COMPLEX)  # as it is imported, before tests and examples add functions of their own
every_function = pytest.mark.parametrize("function", COMPLEX_DOMAINS, ids=name_of)
# The engine treats both kinds alike: a fifth of the examples, but for the profiles that take time.


def fewer(examples):
    return max(5, examples // 5)


few = settings(max_examples=fewer(settings().max_examples))
a_sample = given(data=st.data())


def test_every_function_of_complex_numbers_has_a_property_test():
    assert set(COMPLEX_DOMAINS) | REAL_TO_COMPLEX == TAKING


REFUSAL = "real numbers|supported for the input types|complex|is not recorded"
REAL = [f for f in DOMAINS if f not in COMPLEX_DOMAINS]
REAL.remove(np.clip)  # its line draws bounds that it does not use; test_complex.py has it
RECORDED = [f for f in REAL if f not in (maximum_at, minimum_at)]  # those are called by x.at


@pytest.mark.parametrize("function", REAL, ids=name_of)
@few
@a_sample
def test_a_function_of_real_numbers_refuses_complex_ones(function, data):
    s = data.draw(complexified(DOMAINS[function], first=True, constants=False))
    with pytest.raises(TypeError, match=REFUSAL):
        s.call(*s.tensors())


@pytest.mark.parametrize("function", RECORDED, ids=name_of)
@few
@a_sample
def test_it_refuses_a_complex_constant_beside_real_tensors_as_the_first_one_met(function, data):
    s = data.draw(DOMAINS[function])
    if len(s.leaves) > 1:
        xs, i = s.tensors(), data.draw(st.integers(0, len(s.leaves) - 1))
        xs[i] = s.leaves[i] + 0.5j
        MET.clear()
        with pytest.raises(TypeError, match=REFUSAL):
            s.call(*xs)


def the_value_is_numpys(s):
    expected, found = np.asarray(s.call(*s.leaves)), s.call(*s.tensors())
    assert (found.shape, found.dtype) == (expected.shape, expected.dtype)
    np.testing.assert_allclose(found.data, expected, 1e-12, 1e-12)
    half = s.in_float32()
    assert half.call(*half.tensors()).dtype == np.result_type(half.call(*half.leaves))


THEOREMS = [the_value_is_numpys, *theorems.THEOREMS]


@every_function
@few
@a_sample
def test_the_theorems_of_real_numbers_hold_for_complex_ones(function, data):
    s = data.draw(COMPLEX_DOMAINS[function])
    for theorem in THEOREMS:
        theorem(s)
