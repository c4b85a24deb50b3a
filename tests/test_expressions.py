"""Expressions that a person types: arithmetic is Python's, and nothing else gets through."""

import contextlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad.explain.data.expressions import (
    DEEPEST,
    FUNCTIONS,
    LONGEST,
    ExpressionError,
    evaluate,
    names_in,
    read_value,
)

VALUES = {"a": 2.0, "b": -3.0, "c": 0.5}
texts = st.recursive(
    st.sampled_from(["a", "b", "c", "1", "2.5", "pi"]),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from("+-*"), inner).map(" ".join).map("({})".format),
        st.tuples(st.sampled_from(["-", "+"]), inner).map("".join),
        inner.map("({}) ** 2".format),
        inner.map("sin({})".format),
        inner.map("np.tanh({})".format),
    ),
    max_leaves=8,
)  # fmt: skip


@given(text=texts)
def test_an_expression_is_what_python_makes_of_it(text):
    expected = eval(text, {"np": np, "sin": np.sin, "pi": np.pi, **VALUES})
    assert evaluate(text, VALUES) == pytest.approx(expected, rel=1e-12)
    recorded = evaluate(text, {name: mg.Tensor(value) for name, value in VALUES.items()})
    np.testing.assert_allclose(getattr(recorded, "data", recorded), expected)


@given(text=texts)
def test_names_are_those_that_python_looks_up(text):
    names = set(compile(text, "", "eval").co_names) - {"np", "sin", "tanh", "pi"}
    assert set(names_in(text)) == names


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_allowed_function_can_be_called(name):
    x = mg.Tensor([[0.2, 0.4], [0.6, 0.8]])
    of_two = ("dot", "hypot", "logaddexp", "maximum", "minimum", "outer")
    calls = {
        **dict.fromkeys(of_two, f"{name}(x, x)"),
        "reshape": "reshape(x, (4, 1))",
        "sum": "sum(x, axis=0, keepdims=1)",
    }  # fmt: skip
    assert isinstance(evaluate(calls.get(name, f"{name}(x)"), {"x": x}), mg.Tensor)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("__import__('os').system('ls')", "no function"),
        ("open('x')", "no function"),
        ("().__class__", "cannot stand in an expression"),
        ("a.__class__", "cannot stand in an expression"),
        ("a.data", "cannot stand in an expression"),
        ("np.load('x')", "np.load is no function"),
        ("np.__builtins__", "cannot stand"),
        ("os.exp(a)", "os.exp is no function"),
        ("sum.__globals__", "cannot stand"),
        ("[x for x in a]", "cannot stand"),
        ("(lambda: a)()", "no function"),
        ("a if a else b", "cannot stand"),
        ("(a := 3)", "cannot stand"),
        ("f'{a}'", "cannot stand"),
        ("'a' * 10**9", "only real numbers"),
        ("True + a", "only real numbers"),
        ("1j * a", "only real numbers"),
        ("a // b", "cannot stand"),
        ("exp(a, out=b)", "axis and keepdims"),
        ("exp(*a)", "cannot stand"),
        ("sum(a, **b)", "axis and keepdims"),
        ("exp", "is a function: call it"),
        ("d + 1", "d has no value: add d="),
        ("a +", "is no expression"),
        ("", "is no expression"),
        ("a = 3", "is no expression"),
        ("a; b", "is no expression"),
        ("import os", "is no expression"),
        ("9 ** 9 ** 9", "9 \\*\\* 9 \\*\\* 9"),
        ("1 / 0", "division"),
        ("a" * (LONGEST + 1), "characters, more than"),
        ("-" * (DEEPEST + 2) + "a", "inside each other"),
        ("(" * 300 + "a" + ")" * 300, "is no expression"),
        ("\x00", "is no expression"),
    ],
)
def test_everything_else_is_refused_in_words(text, words):
    with pytest.raises(ExpressionError, match=words):
        evaluate(text, VALUES)


@given(text=st.text(max_size=40))
def test_any_text_is_computed_or_refused(text):
    with contextlib.suppress(ExpressionError):
        evaluate(text, VALUES)


def test_shapes_that_do_not_fit_are_told_with_the_expression():
    with pytest.raises(ExpressionError, match=r"x @ y: .*\(2,\).*\(3,\)"):
        evaluate("x @ y", {"x": mg.Tensor(np.ones(2)), "y": mg.Tensor(np.ones(3))})


def test_values_are_numbers_and_lists_of_numbers():
    assert read_value("a=2") == ("a", 2.0)
    name, value = read_value("W = [[1, -2.5], [3e2, 4]]")
    assert name == "W"
    np.testing.assert_array_equal(value, [[1, -2.5], [300, 4]])
    for text in ("a", "a=", "a=b", "a=[1, [2]]", "a=open('x')", "1=2", "a='x'", "=2"):
        with pytest.raises(ExpressionError):
            read_value(text)
