"""The zoo as `minigrad.testing` sees it: a report for each specimen, and whether it is right."""

import os

import numpy as np
from zoo import ZOO, Pair

from minigrad.testing import check_layer, check_vjp
from minigrad.testing.reports.causes import PROMOTES
from minigrad.testing.subjects.subjects import of_layer, of_pair

SLIPS = {one.name: one for one in ZOO}
ALL = os.environ.get("HYPOTHESIS_PROFILE") in {"ci", "thorough"}


STRICT = {PROMOTES: True}  # what is but a note to most people is held against the zoo


def checked(specimen, contracts=STRICT):
    """The report on one specimen, with all contracts and no mercy."""
    layer = specimen.layer(np.random.default_rng(0))
    inputs = specimen.inputs(np.random.default_rng(1000))
    about = {"fixed": specimen.fixed, "contracts": contracts, "raise_exception": False}
    if isinstance(layer, Pair):
        return check_vjp(*layer, *inputs, **about)
    about |= {"rows": specimen.rows, "fewest": specimen.fewest}
    about |= {"param_grads": specimen.param_grads}
    return check_layer(layer, *inputs, **about, **specimen.options)


def subject_of(specimen):
    """What the contracts look at."""
    layer = specimen.layer(np.random.default_rng(0))
    inputs = specimen.inputs(np.random.default_rng(1000))
    if isinstance(layer, Pair):
        subject = of_pair(*layer, *inputs, fixed=specimen.fixed)
    else:
        about = {"fixed": specimen.fixed, "options": specimen.options}
        subject = of_layer(layer, *inputs, param_grads=specimen.param_grads, **about)
    subject.set_rows(specimen.rows, specimen.fewest)
    return subject


def label(report):
    """The cause that a report names."""
    return report.cause.label if report.cause else None


def is_named(report, specimen):
    """Whether the cause is the zoo's, or one that the zoo calls alike."""
    return label(report) in {specimen.wrong, *specimen.alike}


def spread(specimens, step):
    """All of them under the heavier profiles, and every so-and-so-many-th by default."""
    return specimens if ALL else specimens[::step]
