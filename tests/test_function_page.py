"""docs/functions.md says what the table says, and the conventions in it are what comes out."""

import function_page
import numpy as np
import pytest
from conventions import CONVENTIONS

from minigrad import Tensor, gradients
from minigrad.kinds import called


@pytest.mark.skipif(not hasattr(np, "matvec"), reason="the page lists what newer NumPy has")
def test_the_page_of_functions_is_as_it_is_made():
    assert function_page.PAGE.read_text("utf-8") == function_page.page(), (
        "docs/functions.md is out of date: python tests/function_page.py makes it anew"
    )


@pytest.mark.parametrize(
    ("words", "call", "at", "gradient"),
    [line[1:] for line in CONVENTIONS],
    ids=[f"{called(f)}: {words}" for f, words, *_ in CONVENTIONS],
)
def test_a_convention_is_what_comes_out(words, call, at, gradient):
    x = Tensor(at)
    with np.errstate(all="ignore"):
        y = call(x)
    np.testing.assert_array_equal(gradients(y, x, np.ones(np.shape(y))), gradient)
