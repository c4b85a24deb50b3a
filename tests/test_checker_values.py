"""The checker on the zoo: every mistake of calculus is found where it is, and no twin is accused.

By default every fourth specimen of each family; in the profiles ci and thorough, all of them.
Contracts and causes have tests of their own.
"""

import os

import numpy as np
import pytest
import zoo
from zoo import FAMILIES, TWINS, VALUES

from minigrad.testing import check_layer

ALL = os.environ.get("HYPOTHESIS_PROFILE", "default") in ("ci", "thorough")
EVERY = 1 if ALL else 4


def some(specimens):
    return specimens[::EVERY]


def values_of(specimen):
    """The report on numbers alone."""
    return check_layer(
        specimen.layer(np.random.default_rng(0)),
        *specimen.inputs(np.random.default_rng(1000)),
        param_grads=specimen.param_grads,
        fixed=specimen.fixed,
        contracts=False,
        diagnose=False,
        raise_exception=False,
        **specimen.options,
    )


@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
def test_wrong_values_are_found_exactly_where_they_are(family):
    for specimen in some([one for one in family.WRONG if one.wrong in VALUES]):
        report = values_of(specimen)
        found = {f"d{name.removeprefix('self.')}" for name in report.counts}
        assert (report.verdict.name, found) == ("FAIL", set(specimen.at)), specimen.name
        assert report.worst_ratio > 1


def test_no_twin_is_accused():
    verdicts = {one.name: values_of(one).verdict.name for one in some(TWINS)}
    assert set(verdicts.values()) == {"PASS"}, verdicts


def test_a_check_of_an_affine_layer_takes_a_moment():
    (affine,) = [one for one in zoo.TWINS if one.name == "affine"]
    report = values_of(affine)
    assert report.evaluations < 400
