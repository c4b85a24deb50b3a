"""The text of a rule is what the engine computes: every rule of the table is written, and run."""

import ast
import importlib
import json
import math
import pkgutil
import re

import numpy as np
import pytest
from domains import COMPLEX_DOMAINS, DOMAINS
from hypothesis import given, settings
from hypothesis import strategies as st
from test_derivatives import name_of

import minigrad as mg
from minigrad.explain.data import rules
from minigrad.explain.data.readings import READINGS, one_hot
from minigrad.pieces import rows_of

HELPERS = {
    name.removeprefix("_"): value
    for package in ("minigrad.derivatives", "minigrad.functions")
    for found in pkgutil.iter_modules(importlib.import_module(package).__path__, f"{package}.")
    for name, value in vars(importlib.import_module(found.name)).items()
    if not name.startswith("__")
}
HELPERS |= {f"_{name}": value for name, value in HELPERS.items()}
HELPERS |= {"np": np, "math": math, "one_hot": one_hot, "rows_of": rows_of}


EXAMPLES = max(2, settings.default.max_examples // 12)  # two by default, more in thorough profiles
UNWRITTEN = re.compile(r"factors|\barray\b(?!\()")  # a decomposition, a large constant


def variables(e):
    """What stands in the text of a rule: values and gradients by name."""
    values = {line.name: line.value for line in e.lines}
    return HELPERS | values | {line.d: line.gradient for line in e.lines}


def run(text, names):
    with np.errstate(all="ignore"):
        return eval(text, {}, names)


def left_open(text):
    """Private names in the text of a rule, and conditions that constants alone decide."""
    found = []
    for node in ast.walk(ast.parse(text, mode="eval")):
        if isinstance(node, ast.Name) and re.match("_[^_]", node.id):
            found.append(node.id)
        tests = [node.test] if isinstance(node, ast.IfExp) else []
        tests += node.values if isinstance(node, ast.BoolOp) else []
        found += [ast.unparse(test) for test in tests if isinstance(test, ast.Constant)]
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Dict):
            found.append(ast.unparse(node))
    return found


@pytest.mark.parametrize("function", DOMAINS, ids=name_of)
@settings(max_examples=EXAMPLES)
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
            assert left_open(c.local) == []
            if not UNWRITTEN.search(c.local):
                computed = run(c.local, names)
                assert np.shape(computed) == c.made.shape, c.local
                assert np.allclose(computed, c.made, rtol=1e-9, equal_nan=True), c.local
                assert np.allclose(run(c.rule, names), c.share, equal_nan=True), c.rule
    json.loads(e.to_json())
    e.text(80)
    if all(np.all(np.abs(line.value) < 1e100) for line in e.lines):  # else no difference is seen
        found = e.check()  # every call is run again
        assert found.ok, str(found)
    for line in e.leaves:
        if line.gradient is not None and line.value.size:
            place = np.unravel_index(line.value.size // 2, line.value.shape)
            assert all(part.adds_up for part in e.at(line.name, *place).sums)


@pytest.mark.parametrize("function", COMPLEX_DOMAINS, ids=name_of)
@settings(max_examples=EXAMPLES // 2)
@given(data=st.data())
def test_every_question_takes_complex_numbers(function, data):
    s = data.draw(COMPLEX_DOMAINS[function])
    e = mg.explain(s.call(*s.tensors()), names={})
    found = e.check()
    assert found.ok, str(found)
    for line in e.leaves:
        if line.gradient is not None and line.value.size:
            place = np.unravel_index(line.value.size // 2, line.value.shape)
            assert all(part.adds_up for part in e.at(line.name, *place).sums)
            ways = e.why(line.name, most=100)
            if ways.count == len(ways.paths):
                assert np.allclose(sum(path.share for path in ways.paths), line.gradient)


@pytest.mark.parametrize("function", DOMAINS, ids=name_of)
@settings(max_examples=1)
@given(data=st.data())
def test_every_view_is_made_in_float32_too(function, data):
    s = data.draw(DOMAINS[function]).in_float32()
    e = mg.explain(s.call(*s.tensors()), names={})
    assert all(line.value.shape == np.shape(line.gradient) for line in e.lines if line.on_path)
    assert len(json.loads(e.to_json())["lines"]) == len(e.lines)
    assert e.text(60)
    assert e._repr_mimebundle_()["text/html"]
    assert e.health().findings


RNG = np.random.default_rng(0)
A, B = RNG.normal(size=(2, 4, 3))
LABELS = np.array([0, 2, 1, 1])
ONE_HOT = np.eye(3)[LABELS]
SOFT = np.full((4, 3), 0.25)
GIVEN = {  # arguments that a helper with a reading is called with, in each of its forms
    "times": [(A, B)],
    "over": [(A, B)],
    "over_squares": [(A, A, B)],
    "kept": [(A, B > 0)],
    "product": [(A, B.T), (A[0], B.T)],
    "dot": [(A, B.T), (A[0], B[0]), (A, B[0])],
    "mT": [(A,), (RNG.normal(size=(2, 3, 4)),)],
    "matmul_left": [(A[:, 0], A, B[0]), (A[:, 0], B[0], B.T), (2.0, A[0], B[0])],
    "matmul_right": [(A[:, 0], A, B[0]), (A[:, 0], B[0], B.T), (2.0, A[0], B[0])],
    "dot_left": [(A[:, 0], A, B[0]), (A[:, 0], B[0], B.T), (2.0, A[0], B[0]), (A, B[0, 0], A)],
    "dot_right": [(A[:, 0], A, B[0]), (A[:, 0], B[0], B.T), (2.0, A[0], B[0]), (A, A, B[0, 0])],
    "to_extremes": [(A[:, 0], A.max(1), A, 1, False, None, True)],
    "others": [(A, 1, True), (A, None, True), (A, (0, 1), True), (np.where(A > 0, A, 0), 1, True)],
    "_share": [(A,), (A[0],)],
    "_less_one_hot": [(A, LABELS, 0.25), (A[0], np.array(2), 1.0)],
    "_weighted_difference": [(A, LABELS, 0.5), (A, ONE_HOT, 0.5), (A, SOFT, 0.5)],
}


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda x: x**0.5, "dy * (0.5 * x ** (-0.5))"),
        (lambda x: np.prod(x, axis=0), " * (np.prod(x, axis=0, keepdims=True) / x)"),
        (lambda x: np.cumprod(x), "product_back(dy, y, np.reshape(x, y.shape), 0)"),
    ],
)
def test_conditions_of_options_are_decided(call, text):
    assert text in mg.explain(call, np.array([1.0, 2.0])).steps[0].contributions[0].rule


def test_a_constant_of_a_module_is_written_as_it_is_stated():
    rule = mg.explain(mg.gelu, np.array([1.0, 2.0])).steps[0].contributions[0].rule
    assert "np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x ** 3))" in rule


def test_every_reading_has_arguments_to_be_compared_on():
    assert {helper.__name__ for helper in READINGS} == set(GIVEN)


@pytest.mark.parametrize("helper", READINGS, ids=lambda helper: helper.__name__)
def test_a_reading_computes_what_its_helper_computes(helper):
    for arguments in GIVEN[helper.__name__]:
        read, computed = READINGS[helper](*arguments), helper(*arguments)
        assert np.shape(read) == np.shape(computed)
        assert np.allclose(read, computed, rtol=1e-12)


def test_of_two_lambdas_on_one_line_the_right_one_is_read():
    f = mg.primitive(lambda g, y, a, b: g * b, lambda g, y, a, b: g * a)(lambda a, b: a * b)
    h = mg.primitive(lambda g, y, a, b: g * a * b, lambda g, y, a, b: (lambda k: g * k)(a))(f)
    a, b = mg.Tensor(2.0), mg.Tensor(3.0)
    assert mg.explain(f(a, b)).steps[0].contributions[0].rule.endswith(" * b")
    first, second = mg.explain(h(a, b)).steps[0].contributions
    assert first.rule.endswith(" * a * b")
    assert second.rule.startswith("rule(d")


def test_a_rule_of_several_statements_is_shown_as_a_call_of_it():
    def slope(g, y, x):
        total = 0.0
        for factor in (g, 2.0, x):
            total = factor if total == 0.0 else total * factor
        return total

    square = mg.primitive(slope)(lambda x: x * x)
    x = mg.Tensor(3.0)
    y = square(x)
    (c,) = mg.explain(y).steps[0].contributions
    assert c.rule == "slope(dy, y, x)"
    assert c.rule_source.startswith(__file__)


def test_the_text_of_a_rule_is_read_once_for_calls_of_the_same_shapes(monkeypatch):
    read = []
    template = rules._template
    monkeypatch.setattr(rules, "_TEMPLATES", {})
    monkeypatch.setattr(rules, "_template", lambda *a: read.append(a[0]) or template(*a))
    y = mg.Tensor(np.ones((2, 3, 4)))
    for _ in range(6):
        y = np.transpose(np.transpose(y - np.mean(y, axis=0), (1, 0, 2)), (1, 0, 2))
    e = mg.explain(np.sum(y))
    assert len(e.steps) > 24
    assert len(read) <= 8


def above(x):
    return int(np.sum(x > 0))


above.__module__ = "minigrad.derivatives"  # as a helper of a rule of the table


@mg.primitive(lambda g, y, x: g * above(x))
def times_above(x):
    return x * above(x)


def test_a_number_that_hangs_on_the_entries_is_read_for_each_call():
    x, z = mg.Tensor([1.0, -1.0]), mg.Tensor([1.0, 2.0])
    e = mg.explain(np.sum(times_above(x)) + np.sum(times_above(z)), names={"x": x, "z": z})
    told = {e.lines[c.to].d: c.rule for step in e.steps for c in step.contributions}
    assert "*" not in told["dx"]  # times 1
    assert told["dz"].endswith(" * 2")
