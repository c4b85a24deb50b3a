"""The text of a rule is what the engine computes: every rule of the table is written, and run."""

import importlib
import math
import pkgutil

import numpy as np
import pytest
from domains import DOMAINS
from hypothesis import given, settings
from hypothesis import strategies as st
from test_derivatives import name_of

import minigrad as mg
from minigrad.explain.readings import one_hot

HELPERS = {
    name.removeprefix("_"): value
    for package in ("minigrad.derivatives", "minigrad.functions")
    for found in pkgutil.iter_modules(importlib.import_module(package).__path__, f"{package}.")
    for name, value in vars(importlib.import_module(found.name)).items()
    if not name.startswith("__")
}
HELPERS |= {f"_{name}": value for name, value in HELPERS.items()}
HELPERS |= {"np": np, "math": math, "one_hot": one_hot}


UNWRITTEN = ("factors", "array)", "array,")  # what a large constant, or a decomposition, is called


def variables(e):
    """What stands in the text of a rule: values and gradients by name."""
    values = {line.name: line.value for line in e.lines}
    return HELPERS | values | {line.d: line.gradient for line in e.lines}


def run(text, names):
    with np.errstate(all="ignore"):
        return eval(text, {}, names)


@pytest.mark.parametrize("function", DOMAINS, ids=name_of)
@settings(max_examples=5)
@given(data=st.data())
def test_the_text_of_a_rule_computes_what_the_rule_computes(function, data):
    s = data.draw(DOMAINS[function])
    xs = s.tensors()
    y = s.call(*xs)
    e = mg.explain(y, names={f"x{i}": x for i, x in enumerate(xs)} | {"y": y})
    names = variables(e)
    for step in e.steps:
        assert step.note == ""
        for c in step.contributions:
            if not any(word in c.local for word in UNWRITTEN):
                computed = run(c.local, names)
                assert np.shape(computed) == c.made.shape, c.local
                assert np.allclose(computed, c.made, rtol=1e-9, equal_nan=True), c.local
                assert np.allclose(run(c.rule, names), c.share, equal_nan=True), c.rule
