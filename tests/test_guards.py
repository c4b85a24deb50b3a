"""Derivatives of one's own: mistakes that would make a wrong gradient are refused instead."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import Tensor, defvjp, gradients, primitive
from minigrad.guards import THEIRS
from minigrad.table import CONSTANTS, RULES


def doubled(rule):
    return primitive(rule)(lambda x: x * 2)


def plain(x):
    return np.round(x)


# ---- when it is stated ---------------------------------------------------------------------------
def test_a_rule_for_a_python_function_would_never_run():
    with pytest.raises(TypeError, match=r"f = mg\.primitive\(rule\)\(plain\)"):
        defvjp(plain, lambda g, y, x: g)
    straight_through = primitive(lambda g, y, x: g)(plain)
    assert mg.grad(straight_through)(1.2) == 1.0


@pytest.mark.parametrize("rules", [(), (None,), (None, None)])
def test_no_rule_is_no_derivative(rules):
    with pytest.raises(TypeError, match=r"np\.unique got no rule"):
        defvjp(np.unique, *rules)
    assert np.unique not in RULES


def test_only_functions_have_derivatives():
    with pytest.raises(TypeError, match="the derivative of a function, not of 3"):
        defvjp(3, lambda g, y, x: g)


def test_a_rule_has_the_defaults_of_its_function():
    def scaled(x, *, k=2.0):
        return x * k

    with pytest.raises(TypeError, match=r"scaled has k=2\.0, and a VJP rule of it k=1"):
        primitive(lambda g, y, x, k=1: g * k)(scaled)
    late = primitive()(lambda x, axis=None: np.sort(x, axis))
    with pytest.raises(TypeError, match="has axis=None, and a VJP rule of it axis=0"):
        defvjp(late, lambda g, y, x, axis=0: g)
    f = primitive(lambda g, y, x, k=2: g * k)(scaled)  # 2 is 2.0
    assert mg.grad(f)(1.0) == 2.0


@pytest.mark.parametrize("function", [np.round, np.floor_divide])
def test_a_rule_for_a_constant_makes_it_one_no_longer(function):
    try:
        defvjp(function, lambda g, y, x, *more: g * 3, lambda g, y, x, *more: g * 5)
        f = {np.round: lambda x: np.round(x) + x.round(), np.floor_divide: lambda x: x // x * 0.75}
        assert mg.grad(f[function])(1.25) == 6.0
    finally:
        CONSTANTS.add(function)
        THEIRS.discard(function)
        del RULES[function]


# ---- when it is called ---------------------------------------------------------------------------
def test_none_is_for_what_came_of_the_other_arguments():
    power = primitive(None, lambda g, y, n, x: g * n * x ** (n - 1))(lambda n, x: x**n)
    assert mg.grad(power, argnums=1)(3, 2.0) == 12.0
    for n, x in ((Tensor(3.0), 2.0), (Tensor(3.0), Tensor(2.0)), (+Tensor(3.0), 2.0)):
        with pytest.raises(TypeError, match=r"argument 0 of .* rule None.* would be lost"):
            power(n, x)
    with pytest.raises(TypeError, match="rule None"):
        mg.grad(power)(3.0, 2.0)


def test_a_function_cannot_write_into_what_a_tensor_holds():
    def in_place(x):
        x[x < 0] = 0
        return x

    relu, x = primitive(lambda g, y, x: g * (y > 0))(in_place), Tensor([-1.0, 2.0])
    with pytest.raises(ValueError, match="in_place writes into its argument"):
        relu(x)
    assert x.tolist() == [-1.0, 2.0]


def test_another_error_of_values_is_the_functions_own():
    refusing = primitive(lambda g, y, x: g)(lambda x: int("x"))
    with pytest.raises(ValueError, match="invalid literal"):
        refusing(Tensor(1.0))


def test_a_function_that_returns_nothing_is_told_so():
    with pytest.raises(TypeError, match="returned None: is a return missing"):
        primitive(lambda g, y, x: g)(lambda x: None)(Tensor(1.0))


# ---- when it is differentiated -------------------------------------------------------------------
def test_a_rule_cannot_write_into_the_gradient_of_another():
    def rule(g, y, x):
        g[x < 0] = 0
        return g

    relu = primitive(rule)(lambda x: np.maximum(x, 0.0))
    a, b = Tensor([-1.0, 2.0]), Tensor([3.0, -4.0])
    with pytest.raises(ValueError, match="read-only"):
        gradients(np.sum((relu(a) + relu(b)) * [5.0, 7.0]), [a, b])


@pytest.mark.parametrize("x", [1.0, np.ones(2)])
def test_a_rule_that_returns_nothing_is_told_so(x):
    with pytest.raises(TypeError, match=r"a VJP rule of .* returned None"):
        mg.grad(lambda x: np.sum(doubled(lambda g, y, x: None)(x)))(x)


@pytest.mark.parametrize("n", [1, 3])
def test_a_joint_rule_returns_one_gradient_for_each_argument(n):
    total = primitive(joint=lambda g, y, *xs: [g] * n)(lambda a, b: a + b)
    with pytest.raises(ValueError, match=f"returned {n} gradients for 2 arguments"):
        mg.grad(total, argnums=(0, 1))(1.0, 2.0)


def test_a_rule_leaves_the_sum_over_copies_to_the_engine():
    rules = (lambda g, y, a, b: g * b, lambda g, y, a, b: g * a)
    inner = primitive(*rules)(lambda a, b: np.sum(a * b))
    assert mg.grad(inner)(2.0, np.array([3.0, 4.0])) == 7.0  # one axis more than y and a have


def test_a_rule_that_drops_the_history_has_no_second_derivative():
    square = primitive(lambda g, y, x: g * 2 * getattr(x, "_array", x))(lambda x: x * x)
    cut = primitive(lambda g, y, x: getattr(g, "_array", g) * 2)(lambda x: x * 2)
    assert mg.grad(cut)(3.0) == 2.0
    assert mg.grad(square)(3.0) == 6.0
    with pytest.raises(TypeError, match="returned an array: something in it drops the history"):
        mg.grad(mg.grad(cut))(3.0)
    zero = primitive(lambda g, y, x: np.zeros(x.shape))(np.sign)
    assert mg.grad(mg.grad(lambda x: x * zero(x)))(3.0) == 0.0
