"""The hard points of linear algebra: singular matrices, values that coincide, zeros, gauge."""

import itertools

import numpy as np
import oracle
import pytest
from domains import linalg
from hypothesis import given
from hypothesis import strategies as st
from test_derivatives import name_of

from minigrad import Tensor, gradients


@pytest.mark.parametrize("function", linalg.DOMAINS, ids=name_of)
@given(data=st.data())
def test_what_is_recorded_is_what_numpy_computes(function, data):
    s = data.draw(linalg.DOMAINS[function])
    assert np.array_equal(s.call(*s.tensors()).data, s.call(*s.leaves))
