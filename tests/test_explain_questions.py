"""Questions to an explanation: one entry, paths, finite differences, health, failures."""

import re
from itertools import pairwise, product

import numpy as np
import pytest
import seed_notebook
from hypothesis import example, given
from hypothesis import strategies as st
from test_explain import (
    Affine,
    Recurrent,
    T,
    X,
    apples,
    apples_and_oranges,
    by_hand,
    two_layers,
    wired,
)

import minigrad as mg
from minigrad.explain.data import again
from minigrad.explain.data.located import located
from minigrad.explain.questions.activations import activation


@pytest.fixture(autouse=True)
def _same_masks():
    """The notes' Dropout draws from NumPy's global state."""
    vars(np.random)["seed"](0)


NETS = [(two_layers, T), (by_hand, T), (Recurrent, X), (wired, T)]
each_net = pytest.mark.parametrize(
    ("make", "t"), NETS, ids=["mlp", "by hand", "recurrent", "wired"]
)


# ---- one entry -----------------------------------------------------------------------------------
def test_one_entry_of_a_weight_is_a_sum_over_the_batch():
    e = mg.explain(two_layers(), X, T)
    entry = e.at("W1", 0, 2)
    (part,) = entry.sums
    assert part.formula == "Σₙ x[n, 0] · daffine1[n, 2]"
    assert [term.factor for term in part.terms] == [f"x[{n}, 0]" for n in range(4)]
    assert entry.value == e.gradients["W1"][0, 2]
    assert str(entry).startswith(
        "dW1[0, 2] = Σₙ x[n, 0] · daffine1[n, 2]\n          = 0.1257·0.06841 + "
    )


def test_the_gradients_name_asks_for_the_same_and_at_can_be_asked_at_once():
    net = two_layers()
    e = mg.explain(net, X, T)
    assert str(e.at("dW1", 1, -1)) == str(e.at("W1", 1, 2))
    assert str(mg.explain(net, X, T, at=("W1", 1, 2))) == str(e.at("W1", 1, 2))


@each_net
def test_the_terms_of_every_entry_add_up_to_it(make, t):
    e = mg.explain(make(), X, t)
    for line in e.lines:
        if line.gradient is not None:
            for index in np.ndindex(line.value.shape):
                entry = e.at(line.name, *index)
                total = sum(term.value for part in entry.sums for term in part.terms)
                assert all(part.adds_up for part in entry.sums)
                if entry.sums:
                    assert total == pytest.approx(entry.value, rel=1e-9, abs=1e-15)


FORMULAS = [
    (lambda a, b: a * b, "b[1, 2] · dz[1, 2]"),
    (lambda a, b: a + b, "dz[1, 2]"),
    (lambda a, b: b - a, "−dz[1, 2]"),
    (lambda a, b: a * 3.0, "3 · dz[1, 2]"),
    (lambda a, b: np.exp(a), "z[1, 2] · dz[1, 2]"),
    (lambda a, b: a @ b.T, "Σₙ v1[2, n] · dz[1, n]"),
    (lambda a, b: b.T @ a, "Σₙ v1[n, 1] · dz[n, 2]"),
    (lambda a, b: np.sum(a, axis=0), "dz[2]"),
]


NUMBERS = {
    "normal": np.random.default_rng(0).normal(size=(2, 3, 3)),
    "ones": np.ones((2, 3, 3)),
    "equal": np.array([np.arange(9.0).reshape(3, 3)] * 2),
    "identity": np.array([np.eye(3)] * 2),
    "zeros": np.zeros((2, 3, 3)),
}


@pytest.mark.parametrize("numbers", NUMBERS.values(), ids=NUMBERS)
@pytest.mark.parametrize(("call", "formula"), FORMULAS)
def test_the_formula_names_where_the_factors_stand_whatever_the_numbers_are(call, formula, numbers):
    a, b = map(mg.Tensor, numbers)
    z = call(a, b)
    found = mg.explain(z).at("a", 1, 2).sums[0]
    assert found.formula == formula
    assert found.adds_up


def test_an_entry_that_several_paths_lead_to_says_each():
    x = mg.Tensor([1.0, 2.0])
    y = np.sum(x * x)
    text = str(mg.explain(y).at("x", 1))
    assert "dx[1] = x[1] · dv1[1]   # path 1 of 2" in text
    assert "dx[1] += x[1] · dv1[1]   # path 2 of 2" in text
    assert text.endswith("dx[1] = 2 + 2 = 4")


def test_of_many_terms_the_largest_are_shown():
    x = mg.Tensor(np.arange(20.0))
    k = mg.Tensor(2.0)
    y = np.sum(x * k)
    text = str(mg.explain(y).at("k"))
    assert "dk = Σₙ x[n] · dv1[n]   # 20 terms, the largest first" in text
    assert "= 19·1 + 18·1 + 17·1 + 16·1 + 15·1 + 14·1 + 13·1 + 12·1" in text
    assert " + 12 smaller, together 66" in text
    assert text.endswith("= 190")


@given(st.integers(9, 200), st.integers(60, 120), st.integers(0, 99))
def test_a_sum_of_many_terms_fits_the_terminal_and_nothing_of_it_is_lost(batch, width, seed):
    rng = np.random.default_rng(seed)
    x, W = rng.normal(size=(batch, 2)), mg.Tensor(rng.normal(size=(2, 3)), name="weights.of.it")
    entry = mg.explain(np.sum(np.tanh(x @ W)), names={"x": x}).at("weights.of.it", 1, 2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", str(width))
        told = str(entry)
    assert max(map(len, told.splitlines())) <= width
    assert f"# {batch} terms, the largest first" in told
    added = " ".join(told.split(" = ")[2].split())
    *shown, rest = added.split(" + ")
    count, together = re.fullmatch(r"(\d+) smaller, together (.*)", rest).groups()
    assert len(shown) + int(count) == batch
    products = [eval(term.replace("·", "*")) for term in shown]
    assert [abs(p) for p in products] == sorted((abs(p) for p in products), reverse=True) or (
        min(abs(a / b) for a, b in pairwise(products)) > 0.99  # they are written with four digits
    )
    assert sum(products) + float(together) == pytest.approx(entry.value, abs=0.02)


POSITIVE = (np.log, np.sqrt, np.log1p, np.cbrt, np.reciprocal)
BY_ENTRY = (np.exp, np.tanh, np.sin, np.cos, np.arctan, np.square, np.abs, np.expm1, np.sinh)
ONE = (*BY_ENTRY, *POSITIVE, mg.sigmoid, mg.relu, mg.leaky_relu, mg.softplus, mg.elu)
TWO = (np.multiply, np.divide, np.power, np.hypot, np.arctan2, np.maximum, np.logaddexp)


@given(
    st.sampled_from([(f, 1) for f in ONE] + [(f, 2) for f in TWO]),
    st.sampled_from([((2, 3), (2, 3)), ((2, 3), (3,)), ((2, 1), (2, 3)), ((), (2, 3)), ((3,), ())]),
    st.integers(0, 999),
)
@example((np.maximum, 2), ((2, 3), (2, 3)), 0)
@example((np.maximum, 2), ((), (2, 3)), 0)  # those that it picks have no rows and columns
def test_the_formula_of_an_entry_is_the_rule_there_and_its_numbers_are_the_gradient(
    function, shapes, seed
):
    rng = np.random.default_rng(seed)
    call, count = function
    x, k = (mg.Tensor(rng.uniform(0.2, 1.8, shape)) for shape in shapes)
    y = call(*(x, k)[:count])
    e = mg.explain(np.sum(y * rng.normal(size=y.shape)), names={"x": x, "k": k, "y": y})
    arrays = {line.name: line.value for line in e.lines}
    arrays |= {line.d: line.gradient for line in e.lines if line.gradient is not None}
    env = {**arrays, "np": np, "sigmoid": mg.sigmoid}
    for name in ("x", "k")[:count]:
        index = tuple(int(rng.integers(n)) for n in e.line(name).value.shape)
        entry = e.at(name, *index)
        (part,) = entry.sums
        formula = part.formula.replace("·", "*").replace("−", "-")
        letters = re.findall(r"(?<=Σ)[ₙₘₖ]", formula)
        formula = re.sub(r"^(Σ.)+ ", "", formula)
        ranges = re.search(r"(?: \([nm] = [^()]*\))?$", formula)[0]
        formula = formula.removesuffix(ranges)
        assert "∂" not in formula
        assert part.rule == ""
        axes = {}
        for letter in "nm"[: len(letters)]:  # the axis that it stands for, by its place in dy's
            place = re.search(r"dy\[([^\]]*)\]", formula)[1].split(", ").index(letter)
            axes[letter] = range(y.shape[place])
            for first, more in re.findall(rf"{letter} = (\d+)( … \d+|(?:, \d+)*)", ranges):
                numbers = [int(first), *map(int, re.findall(r"\d+", more))]
                axes[letter] = range(numbers[0], numbers[1] + 1) if "…" in more else numbers
        places = product(*axes.values())
        total = sum(eval(formula, env, dict(zip(axes, at, strict=True))) for at in places)
        assert total == pytest.approx(entry.value, rel=1e-9)
        if part.numbers:
            numbers = part.numbers.replace("·", "*").replace("−", "-")
            assert eval(numbers, env) == pytest.approx(entry.value, rel=5e-3, abs=5e-3)
            assert f"= {part.numbers}\n" in str(entry)


def spread(x):
    return x * np.size(x)


def test_a_rule_that_looks_at_more_than_its_entry_is_named_and_not_written_by_entries():
    wide = mg.primitive(lambda g, y, x: g * spread(x))(lambda x: x**2 * np.size(x) / 2)
    x = mg.Tensor([0.5, 0.25, 2.0])
    entry = mg.explain(np.sum(wide(x)), names={"x": x}).at("x", 1)
    assert entry.sums[0].formula == "0.75 · dv1[1]"
    assert entry.sums[0].rule == "dx = dv1 * spread(x)"
    assert "# by dx = dv1 * spread(x)" in str(entry)


def test_names_in_a_formula_by_entries_are_those_of_the_explanation_whatever_they_are():
    names = ("a_g_b", "params['W']", "sin", "重み")
    for name in names:
        x = mg.Tensor([0.5, -0.25])
        y = np.sin(x)
        part = mg.explain(np.sum(y), names={name: x, "y": y}).at(name, 1).sums[0]
        assert part.formula == f"np.cos({name}[1]) · dy[1]"
        assert part.numbers == "np.cos((-0.25)) · 1"


def test_an_entry_that_a_relu_stopped_says_why():
    x = mg.Tensor([0.5, -0.25])
    h = mg.relu(x)
    told = str(mg.explain(np.sum(h), names={"x": x, "h": h}).at("x", 1))
    assert told.splitlines()[:2] == ["dx[1] = (h[1] > 0) · dh[1]", "      = (0 > 0) · 1"]


def test_an_entry_that_is_none_is_refused():
    e = mg.explain(two_layers(), X, T)
    with pytest.raises(
        IndexError, match=r"W1 has shape \(2, 3\), and one entry of it has 2 indices"
    ):
        e.at("W1", 0)
    with pytest.raises(IndexError, match=r"W1 has shape \(2, 3\), and no entry \[2, 0\]"):
        e.at("W1", 2, 0)
    with pytest.raises(ValueError, match="no gradient reaches x: it is data"):
        e.at("x", 0, 0)
    assert "the walk back begins here" in str(e.at("loss"))


# ---- paths ---------------------------------------------------------------------------------------
def test_the_product_along_a_path_of_numbers():
    price, names = apples()
    text = str(mg.explain(price, names=names).why("apple"))
    assert text.splitlines() == [
        "1 path from price to apple",
        "  1  price → apple_price → apple",
        "     1.1 · 2 = 2.2",
        "dapple = 2.2",
    ]


@each_net
def test_a_gradient_is_the_sum_over_its_paths(make, t):
    e = mg.explain(make(), X, t)
    for line in e.leaves:
        found = e.why(line.name)
        assert len(found.paths) == found.count
        total = sum(path.share for path in found.paths)
        assert np.allclose(total, line.gradient, rtol=1e-9, atol=1e-15)


@given(st.lists(st.integers(0, 1), min_size=1, max_size=6))
def test_paths_are_counted_without_walking_them(uses):
    x = mg.Tensor(1.0)
    y, count = x, 1
    for doubled in uses:
        y, count = (y + y, 2 * count) if doubled else (y * 3.0, count)
    found = mg.explain(y).why("x", most=4)
    assert found.count == count
    assert len(found.paths) == min(4, count)


def test_many_paths_are_counted_and_some_are_shown():
    x = mg.Tensor(1.0)
    y = x
    for _ in range(60):
        y = y + y
    text = str(mg.explain(y).why("x", most=3))
    assert "1,152,921,504,606,846,976 paths from y to x" in text
    assert "and 1,152,921,504,606,846,973 more" in text


def test_a_value_without_a_path_is_refused():
    with pytest.raises(ValueError, match="no path from the output leads to it"):
        mg.explain(two_layers(), X, T).why("x")


# ---- finite differences --------------------------------------------------------------------------
@each_net
def test_differences_agree_and_the_nudge_comes_true(make, t):
    e = mg.explain(make(), X, t)
    found = e.check()
    assert found.ok, str(found)
    assert {v.name for v in found.verdicts} == set(e.gradients)
    for verdict in found.verdicts:
        nudge = verdict.nudge
        assert nudge.actual == pytest.approx(nudge.predicted, rel=0.05, abs=1e-6)
    assert "agree on 1 entry" in str(mg.explain(*apples()[:1]).check())


def test_check_leaves_the_network_and_its_generators_as_they_were():
    net = by_hand()
    e = mg.explain(net, X, T)
    before = {name: p.copy() for name, p in net.params.items()}
    state = vars(np.random)["get_state"]()[1].copy()
    e.check()
    assert all(np.array_equal(net.params[name], p) for name, p in before.items())
    assert np.array_equal(vars(np.random)["get_state"]()[1], state)


def test_a_wrong_derivative_is_found():
    square = mg.primitive(lambda g, y, x: g * x)(lambda x: x * x)
    x = mg.Tensor([1.0, 2.0])
    found = mg.explain(np.sum(square(x))).check()
    assert not found.ok
    assert "✗ dx  DIFFER on 2 entries: largest difference 2, largest gradient 2" in str(found)
    assert "is to change by 0.002, and changes by 0.004" in str(found)


@pytest.mark.parametrize("function", [np.log, np.sqrt])
@pytest.mark.parametrize("x", [-1.0, 0.0])
def test_where_nothing_is_finite_nothing_agrees(function, x):
    with np.errstate(all="ignore"):
        found = mg.explain(function(mg.Tensor(x))).check()
    assert not found.ok
    assert "✗ dv1  not compared: the output is not finite there or a step away" in str(found)
    assert "is to change by" not in str(found)


def test_an_entry_beside_the_end_of_a_domain_is_left_out_and_said():
    x = mg.Tensor([1e-7, 1.0])
    found = mg.explain(np.sum(np.sqrt(x))).check()
    assert found.ok
    assert "✓ dx  agree on 2 entries, 1 without a finite slope left out" in str(found)


def test_a_gradient_that_is_not_finite_where_the_slope_is_differs():
    lost = mg.primitive(lambda g, y, x: g * np.nan)(lambda x: 2 * x)
    found = mg.explain(lost(mg.Tensor(1.0))).check()
    assert not found.ok
    assert "DIFFER on 1 entry: largest difference nan, largest gradient nan" in str(found)


def test_every_answer_calls_a_gradient_by_one_name():
    net, x = mg.Sequential(mg.Affine(2, 1, rng=0)), np.arange(6.0).reshape(3, 2)

    def of_the_net():
        return np.sum(net(x))

    e = mg.explain(of_the_net(), names={"net": net, "x": x})
    (W,) = (line for line in e.lines if line.name.endswith("W1"))
    assert W.d == f"d({W.name})"
    assert f"✓ {W.d}  agree on 2 entries" in str(e.check())
    assert f"     {W.d}: x.T @ " in str(e.why(W.name))
    assert f"\n{W.d} = (2, 1) [[6] [9]]" in str(e.why(W.name))


def test_a_kink_is_left_out_and_said():
    x = mg.Tensor([0.0, 1.0])
    found = mg.explain(np.sum(mg.relu(x))).check()
    assert found.ok
    assert "1 at a kink left out" in str(found)


def test_where_all_entries_are_at_kinks_nothing_is_said_to_agree():
    found = mg.explain(np.sum(mg.relu(mg.Tensor([0.0, 0.0])))).check()
    assert not found.ok
    (line,) = (line for line in str(found).splitlines() if "dx" in line or "dv1" in line)
    assert line.strip() == "– dv1  at a kink, not checked: the slopes on its two sides differ"


@pytest.mark.parametrize("f", [np.square, lambda x: np.exp(300 * x), np.cos])
def test_where_a_function_only_bends_there_is_no_kink(f):
    (verdict,) = mg.explain(f(mg.Tensor(0.0))).check().verdicts
    assert verdict.ok
    assert verdict.at_kinks == 0


def test_a_slope_that_rounding_hides_is_neither_said_to_agree_nor_to_differ():
    x = mg.Tensor([1.0, 2.0, 4.0])
    found = mg.explain(np.sum(1e-9 * x) + 1e3).check()
    assert not found.ok
    assert found.verdicts[0].mark == "–"
    assert "too coarse to tell" in str(found)
    assert mg.explain(np.sum(1e-4 * x) + 1e3).check().ok  # a longer step tells it
    assert not mg.explain(np.sum(wrong_square(x)) + 1e3).check().ok


wrong_square = mg.primitive(lambda g, y, x: g * x)(lambda x: x * x)


def test_several_outputs_are_run_again():
    A = mg.Tensor([[2.0, 0.3, 0.1], [0.3, 1.0, 0.2], [0.1, 0.2, 0.5]])
    w, V = np.linalg.eigh(A)
    u, s, vh = np.linalg.svd(A + w)
    q, r = np.linalg.qr(A)
    loss = np.sum(V[:, 0] ** 4) + np.sum(s * (u @ vh)) + np.sum(q * r) + np.linalg.slogdet(A)[1]
    assert mg.explain(loss).check().ok


# ---- complex numbers -----------------------------------------------------------------------------
def of_complex_numbers():
    """Each kind of rule: a product, a conjugate, a real operand, a real output."""
    z, r = mg.Tensor([1 + 2j, 3]), mg.Tensor(2.0)
    h = z * r
    energy = np.sum(np.abs(h) ** 2) + np.sum(np.real(np.conj(z) * h))
    return mg.explain(energy)


def test_an_entry_of_complex_numbers_is_taken_apart():
    e = of_complex_numbers()
    assert all(part.adds_up for name in ("z", "h") for part in e.at(name, 0).sums)
    assert "dr = Re(Σₙ z[n] · dh[n])\n   = Re((1+2j)·" in str(e.at("r"))
    assert "dz[0] = conj(dv" in str(e.at("z", 0))
    assert e.at("z", 0).value == e.gradients["z"][0]


def test_paths_of_complex_numbers_add_up():
    e = of_complex_numbers()
    for line in e.leaves:
        total = sum(path.share for path in e.why(line.name).paths)
        assert np.allclose(total, line.gradient)


def test_differences_of_complex_numbers_go_in_two_directions():
    found = of_complex_numbers().check()
    assert found.ok, str(found)
    half = mg.primitive()(lambda z: 2.0 * z)
    mg.defvjp(half, lambda g, y, z: 2.0 * np.real(g), complex=True)  # wrong along i alone
    z = mg.Tensor([1 + 2j])
    assert not mg.explain(np.sum(np.abs(half(z)))).check().ok


def test_health_sees_complex_numbers():
    with np.errstate(all="ignore"):
        found = mg.explain(np.sum(np.abs(np.exp(mg.Tensor([1j, 800 + 1j]))))).health()
    assert "is the first value that is not finite (1 infinite of 2)" in str(found)


# ---- calls that cannot be run again --------------------------------------------------------------
def test_a_call_that_cannot_be_run_again_is_named():
    drop = mg.wrap(seed_notebook.Dropout(0.5))
    x = mg.Tensor(np.ones(4))
    found = mg.explain(np.sum(drop(x, train_flag=True))).check()
    assert not found.ok
    assert str(found).startswith("not compared: Dropout.forward(x)")


def test_a_call_that_gives_other_numbers_each_time_is_named():
    noise = mg.primitive(lambda g, y, x: g)(lambda x: x + np.random.default_rng().normal(size=3))
    x = mg.Tensor(np.ones(3))
    assert str(mg.explain(np.sum(noise(x))).check()).startswith("not compared: ")


def test_questions_that_run_a_rule_again_refuse_parameters_that_were_written():
    net = two_layers()
    e = mg.explain(net, X, T)
    net.params["W2"] = 0 * net.params["W2"]
    with pytest.raises(RuntimeError, match="W2 was written after this was explained"):
        e.at("dropout1", 0, 0)
    with pytest.raises(RuntimeError, match="W2 was written after this was explained"):
        e.why("W1")


# ---- health --------------------------------------------------------------------------------------
def test_a_healthy_net_is_said_to_be():
    found = mg.explain(mg.mlp([2, 8, 2], rng=0), X, T).health()
    assert found.ok
    assert "✗" not in str(found)


def test_dead_relus_are_counted():
    net = mg.mlp([2, 8, 2], rng=0)
    net.params["b1"][:6] = -100
    found = mg.explain(net, X, T).health()
    assert not found.ok
    assert "✗ relu1 (net[1] ReLU()): 6 of 8 ReLU units are 0 in all 4 rows" in str(found)


def relu_of_a_mask(z):
    return z * (z.data > 0)


def logistic(z):
    return 1 / (1 + np.exp(-z))


ACTIVATIONS = [
    (relu_of_a_mask, "ReLU"),
    (lambda z: np.where(z > 0, z, 0.0), "ReLU"),
    (lambda z: mg.wrap(HandWrittenRelu())(z), "ReLU"),
    (logistic, "sigmoid"),
    (np.tanh, "tanh"),
    (mg.relu, "ReLU"),
    (lambda z: z * 2.0, ""),
    (lambda z: np.abs(z) * 1.0, ""),  # what a ReLU would make of it, too
    (lambda z: np.where(z > 0, z, 0.1 * z), ""),
    (lambda z: 1 / (2 + np.exp(-z)), ""),
]


class HandWrittenRelu:
    """As the book writes it."""

    def forward(self, x):
        self.mask = x <= 0
        out = x.copy()
        out[self.mask] = 0
        return out

    def backward(self, dout):
        dout[self.mask] = 0
        return dout


@pytest.mark.parametrize(("f", "kind"), ACTIVATIONS)
def test_activations_are_known_however_they_are_written(f, kind):
    z = np.array([[1.0, 2.0], [-1.0, 3.0]]) @ mg.Tensor([[1.0, -2.0], [0.5, 0.1]])
    h = f(z)
    e = mg.explain(h)
    assert activation(e, e.line("h")) == kind


def test_dead_units_of_a_relu_by_hand_are_counted():
    z = X @ mg.Tensor(np.zeros((2, 3))) + mg.Tensor([1.0, -1.0, -2.0])
    h = mg.wrap(HandWrittenRelu())(z)
    loss = np.sum(h * h)
    text = str(mg.explain(loss).health())
    assert "✗ h (" in text or "✗ h:" in text
    assert "2 of 3 ReLU units are 0 in all 4 rows" in text


def test_of_images_the_channels_are_counted():
    x = np.ones((3, 2, 4, 5)) * np.array([-1.0, 1.0])[:, None, None]
    h = mg.relu(x * mg.Tensor(1.0))
    found = mg.explain(np.sum(h)).health()
    assert "h: 1 of 2 ReLU channels are 0 in all 60 pixels" in str(found)


def test_a_derivative_that_stands_nowhere_is_written_as_one():
    x = mg.Tensor([[1.0, 2.0], [3.0, 5.0]])
    told = str(mg.explain(np.sum(mg.softmax(x) ** 2), names={"x": x}).at("x", 1, 0))
    assert "Σₙ ∂v1[1, n]/∂x[1, 0] · dv1[1, n]" in told


def test_a_transposed_weight_is_a_weight():
    W, V = mg.Tensor(np.ones((3, 2))), mg.Tensor(np.ones((3, 1)))
    h = np.tanh(X @ W.T)
    y = h @ V
    found = [f for f in mg.explain(y).health().findings if f.kind == "gradients"]
    assert len(found) == 1
    assert "dy is of size 1 " in found[0].words


@pytest.mark.parametrize("activation", ["sigmoid", "tanh"])
def test_saturation_is_measured(activation):
    net = mg.mlp([2, 8, 2], activation=activation, rng=0)
    net.params["b1"][:] = 50
    assert "100 % of the entries are saturated" in str(mg.explain(net, X, T).health())


@pytest.mark.parametrize(("scale", "word"), [(0.01, "vanish"), (10.0, "explode")])
def test_gradients_that_vanish_or_explode_are_compared_between_layers(scale, word):
    net = mg.mlp([2, 8, 8, 8, 8, 2], activation="tanh", init=0.3, rng=0)
    linear = mg.Sequential(
        *[layer for layer in net if isinstance(layer, mg.Affine)], loss=mg.SoftmaxWithLoss()
    )
    for name in linear.params:
        linear.params[name] *= scale
    found = mg.explain(linear, X, T).health()
    assert f"gradients {word} on the way back" in str(found)
    linear.params["W3"] *= scale  # and here more than elsewhere
    told = str(mg.explain(linear, X, T).health())
    assert "; most between daffine3 and daffine2, times " in told


def test_the_first_value_that_is_not_finite_its_call_and_its_line():
    p = mg.Tensor([0.5, 0.0])
    with np.errstate(all="ignore"):
        shares = p * 2
        entropy = -np.sum(shares * np.log(shares))
    text = str(mg.explain(entropy).health())
    assert "✗ v1 = np.log(shares) is the first value that is not finite (1 infinite of 2)" in text
    assert "shares[1] is 0, and so v1[1] is -inf" in text
    assert f"{__file__}:" in text
    assert "(entropy = -np.sum(shares * np.log(shares)))" in text


def entropy_of(shares):
    whole = np.sum(shares)
    return -np.sum(shares * np.arctanh(shares / whole))


def test_a_line_of_a_function_that_has_returned_is_a_guess_and_said_to_be():
    with np.errstate(all="ignore"):
        entropy = entropy_of(mg.Tensor([0.0, 1.0]) * 2)
    text = str(mg.explain(entropy).health())
    assert f"probably at {__file__}:" in text
    assert "(return -np.sum(shares * np.arctanh(shares / whole)))" in text


def silu_of(values):
    return mg.silu(values)


def test_the_line_of_a_function_of_ours_is_found_and_no_other_is_taken_for_it():
    z = mg.Tensor([1.0, 2.0])
    out = mg.gelu(z)
    e = mg.explain(out)
    place = located(e, e.line("out"), __file__)
    assert (place.code, place.sure) == ("out = mg.gelu(z)", True)
    e = mg.explain(silu_of(z) * 2)
    place = located(e, e.lines[1], __file__)
    assert (place.code, place.sure) == ("return mg.silu(values)", False)


def test_the_line_is_found_for_methods_too():
    z = mg.Tensor([-1.0, 4.0])
    with np.errstate(all="ignore"):
        total = (z**0.5).sum()
    assert "(total = (z**0.5).sum())" in str(mg.explain(total).health())


def test_the_line_is_found_where_a_method_made_the_number():
    z = mg.Tensor([1e308, 1e308])
    with np.errstate(all="ignore"):
        total = z.sum()
    assert "(total = z.sum())" in str(mg.explain(total).health())


def test_of_two_lines_that_read_the_same_none_is_claimed():
    p = mg.Tensor([0.5, 0.0])
    with np.errstate(all="ignore"):
        y = np.sum(np.log10(p))
        y = np.sum(np.log10(p))
    text = str(mg.explain(y).health())
    assert "v1 = np.log10(p) is the first value that is not finite" in text
    assert __file__ not in text


def test_a_gradient_that_is_not_finite_behind_finite_values_is_found():
    z = mg.Tensor([4.0, 0.0])
    y = np.sum(np.sqrt(z))
    text = str(mg.explain(y).health())
    assert (
        "dz is the first gradient that is not finite (1 infinite of 2): dz = dv1 / (2 * v1)" in text
    )
    assert "on the way back through v1 = np.sqrt(z)" in text


def test_a_parameter_that_is_not_finite_is_named_with_nothing_before_it():
    net = two_layers()
    net.params["W2"][0, 0] = np.nan
    text = str(mg.explain(net, X, T).health())
    assert "W2 itself is not finite (1 nan of 6), before anything is computed" in text


def test_in_a_network_the_layer_and_the_line_of_its_code_are_named():
    class Logarithm(mg.Layer):
        def __call__(self, x):
            return np.log(x)

    net = mg.Sequential(mg.Affine(2, 3, rng=0), Logarithm(), loss=mg.SoftmaxWithLoss())
    with np.errstate(all="ignore"):
        text = str(mg.explain(net, X, T).health())
    assert "logarithm1 = np.log(affine1) is the first value that is not finite" in text
    assert "in net[1] Logarithm()" in text
    assert "(return np.log(x))" in text


# ---- failures ------------------------------------------------------------------------------------
def test_a_net_that_does_not_fit_its_batch_is_explained_up_to_the_failing_call():
    net = mg.Sequential(
        mg.Affine(2, 3, rng=0), mg.ReLU(), mg.Affine(4, 2, rng=1), loss=mg.SoftmaxWithLoss()
    )
    e = mg.explain(net, X, T)
    failure = e.failure
    assert [line.call for line in e.lines if line.call] == ["x @ W1 + b1", "relu(affine1)"]
    assert failure.call == "relu1 @ W2 + b2"
    assert failure.operands == [("relu1", (4, 3)), ("W2", (4, 2)), ("b2", (2,))]
    assert failure.layer == "net[2] Affine(4, 2)"
    assert failure.fix == "make a layer of 3 features in: Affine(3, 2)"
    assert (e.output, e.steps, e.gradients) == (None, [], {})
    assert "✗ Here the forward pass stopped" in e.text(80)
    assert "Likely fix: make a layer of 3 features in" in e._repr_mimebundle_()["text/html"]
    assert '"failure": {' in e.to_json(indent=1)


def test_images_that_were_not_flattened():
    net = mg.Sequential(mg.Affine(784, 10, rng=0), loss=mg.SoftmaxWithLoss())
    e = mg.explain(net, np.zeros((5, 28, 28)), np.zeros(5, int))
    assert "mg.Flatten()" in e.failure.fix


def test_targets_that_do_not_fit_show_the_loss_with_both_shapes():
    e = mg.explain(mg.mlp([2, 3], rng=0), X, T[:, None])
    assert e.failure.layer == "net.loss_layer SoftmaxWithLoss()"
    assert e.failure.call == "softmax_cross_entropy(affine1, t)"
    assert e.failure.operands == [("affine1", (4, 3)), ("t", (4, 1))]
    assert "t.ravel() drops the axis" in e.text(80).replace("\n    ", " ")


def test_an_error_of_ones_own_code_is_explained_after_the_fact():
    x, W = np.ones((4, 2)), mg.Tensor(np.ones((3, 2)))
    h = np.tanh(W)
    try:
        x @ h
    except ValueError as error:
        e = mg.explain(error)
    assert [line.call for line in e.lines if line.call] == ["np.tanh(W)"]
    assert e.failure.call == "x @ h"
    assert e.failure.operands == [("x", (4, 2)), ("h", (3, 2))]
    assert e.failure.fix == "x @ h.T: h has 2 as its last axis"
    assert e.failure.code == "x @ h"
    assert e.failure.source[0] == __file__


FIXES = [
    ((4, 3), (4,), lambda a, b: a * b, "b[:, None], if each of its 4 entries belongs to one row"),
    ((4, 3), (3, 4), lambda a, b: a + b, "b.T has the shape of the other"),
    ((4, 3), (4, 2), lambda a, b: a @ b, "a.T @ b: a has 4 as its first axis"),
    (
        (4, 3),
        (2,),
        lambda a, b: a @ b,
        "the last axis of a (3) must be as long as the first of b (2)",
    ),
    ((2, 3), (5, 7), lambda a, b: a - b, "shapes are compared from the last axis on"),
    ((3, 4), (3, 2), lambda a, b: np.concatenate([a, b]), "axis=1: they differ along that axis"),
    ((3, 4), (4,), lambda a, b: np.concatenate([a, b]), "the arrays must have equally many axes"),
    ((3, 4), (5, 2), lambda a, b: np.concatenate([a, b]), "arrays are joined along one axis"),
]


@pytest.mark.parametrize(("left", "right", "call", "fix"), FIXES)
def test_the_likely_fix(left, right, call, fix):
    def f(a, b):
        return call(a, b)

    e = mg.explain(f, np.ones(left), np.ones(right))
    assert e.failure.operands == [("a", left), ("b", right)]
    assert e.failure.fix.startswith(fix)


@pytest.mark.parametrize(
    ("shape", "fix"),
    [
        ((5, 3), "a.reshape(-1, 3): a has 12 entries, so that -1 is 4"),
        ((3, 5), "a.reshape(3, -1): a has 12 entries, so that -1 is 4"),
        ((5, 7), "a has 12 entries, and the lengths must multiply to that"),
    ],
)
def test_the_likely_fix_of_a_reshape(shape, fix):
    assert mg.explain(lambda a: np.reshape(a, shape), np.ones(12)).failure.fix == fix


@pytest.mark.parametrize(
    ("label", "fix"),
    [(2, "t - 1, if t begins at 1"), (7, "8 outputs, or mend t"), (-1, "rows of -1")],
)
def test_the_likely_fix_of_a_class_that_there_is_not(label, fix):
    rest = [1] * (len(X) - 2) if label > 0 else [0] * (len(X) - 2)
    e = mg.explain(two_layers(), X, np.array([1, label, *rest]))
    assert fix in e.failure.fix


def test_the_likely_fix_of_batches_that_differ():
    assert "same rows of both" in mg.explain(two_layers(), X, T[:-1]).failure.fix


def test_an_error_outside_of_any_call_shows_what_there_is():
    def broken(x):
        y = np.exp(x)
        raise RuntimeError(f"no more after {y.shape}")

    e = mg.explain(broken, np.ones(2))
    assert [line.name for line in e.lines] == ["x", "y"]
    assert (e.failure.kind, e.failure.call) == ("RuntimeError", None)
    assert "raise RuntimeError" in e.text(80)


def test_a_failure_inside_a_layer_written_by_hand_names_it():
    net = mg.Sequential(Affine(np.ones((3, 2)), np.zeros(2)), loss=mg.SoftmaxWithLoss())
    e = mg.explain(net, X, T)
    assert e.failure.layer == "net[0] Affine()"
    assert e.failure.code == "return x @ self.W + self.b"


class Halved(mg.Layer):
    """Its backward is wrong, in a way that is chosen."""

    def __init__(self, wrong):
        self.wrong = wrong

    def forward(self, x):
        self.mask = x > 0
        return x * self.mask

    def backward(self, dout):
        if self.wrong == "name":
            return dout * self.maks
        return dout.sum(axis=0)


def halved(wrong):
    layers = mg.Affine(2, 3, rng=0), Halved(wrong), mg.Affine(3, 2, rng=1)
    return mg.Sequential(*layers, loss=mg.SoftmaxWithLoss())


def test_a_backward_by_hand_that_raises_is_named_with_its_layer_and_line():
    e = mg.explain(halved("name"), X, T)
    failure = e.failure
    assert (failure.phase, failure.kind) == ("backward", "AttributeError")
    assert (failure.call, failure.layer) == ("Halved.backward(dhalved1)", "net[1] Halved()")
    assert failure.code == "return dout * self.maks"
    assert failure.source[0] == __file__
    assert failure.operands == [("dhalved1", (4, 3)), ("self.mask", (4, 3))]
    assert failure.fix == "backward asks for self.maks, and the layer has self.wrong, self.mask"
    assert [line.name for line in e.lines][-1] == "loss"
    assert (e.output, e.steps, e.gradients) == (None, [], {})


@pytest.mark.parametrize("wrong", ["name", "shape"])
def test_every_view_shows_a_way_back_that_failed(wrong, tmp_path):
    e = mg.explain(halved(wrong), X, T)
    assert "Here the backward pass stopped" in e.text(80)
    assert "Here the backward pass stopped" in e._repr_mimebundle_()["text/html"]
    assert "✗ Halved.b" in e.to_svg()
    assert '"phase": "backward"' in e.to_json()
    assert str(e.check()) == "not compared: the backward pass failed"
    e.save(tmp_path / "page.html")
    assert "The backward pass failed" in (tmp_path / "page.html").read_text()


def test_a_gradient_of_the_wrong_shape_shows_where_the_backward_is():
    failure = mg.explain(halved("shape"), X, T).failure
    assert failure.code == "def backward(self, dout):"
    assert "Halved.backward made a gradient of shape (3,) for input 0" in failure.message


def test_a_rule_that_raises_is_named_by_its_call():
    half = mg.primitive(lambda g, y, x: g / x.lost)(lambda x: x / 2)
    x = mg.Tensor(3.0)
    y = half(x)
    failure = mg.explain(y).failure
    assert failure.call.startswith("the way back through y = ")
    assert (failure.kind, failure.operands) == ("AttributeError", [("dy", ())])


def test_a_walk_that_is_refused_is_refused_here_too():
    net = two_layers()
    loss = net.objective(X, T)
    net.params["W1"] = 0 * net.params["W1"]
    with pytest.raises(RuntimeError, match="W1 was written"):
        mg.explain(loss)


def test_an_unrelated_error_of_a_notebook_shows_nothing_of_what_else_is_there():
    """In a notebook all Tensors are variables of the one module."""
    variables = {"mg": mg, "np": np, "x": mg.Tensor(2.0)}
    with pytest.raises(KeyError) as raised:
        exec("y = np.exp(x)\n{}['unrelated']", variables)
    e = mg.explain(raised.value)
    assert (e.lines, e.failure.kind, e.failure.call) == ([], "KeyError", None)
    assert "no recorded call leads to this error" in str(e)


def test_questions_about_a_failed_pass_say_that_it_failed():
    e = mg.explain(mg.mlp([3, 2], rng=0), X, T)
    assert str(e.check()) == "not compared: the forward pass failed"
    assert not e.health().ok
    assert str(e.health()).startswith("✗ the forward pass failed at x @ W1 + b1: what follows")
    for ask in (lambda: e.at("W1", 0, 0), lambda: e.why("W1")):
        with pytest.raises(ValueError, match="no gradient reaches W1: the forward pass failed"):
            ask()
    with pytest.raises(ValueError, match="nothing to ask here: the forward pass failed"):
        e.quiz()


def wrong_questions():
    """Questions with an argument that is none, and what the error says."""
    W = mg.Tensor(np.ones((2, 3)))
    e = mg.explain(np.sum(W * W), names={"W": W})
    quiz = e.quiz()
    return [
        (lambda: e.at("w", 0, 0), KeyError, "no value is called 'w'; did you mean 'W'"),
        (lambda: e.at("W[0, 1]"), KeyError, "asked for by indices: 'W', 0, 1"),
        (lambda: e.at(W, 0, 0), TypeError, "by its name, 'W', not by Tensor"),
        (lambda: e.why(W), TypeError, "by its name, 'W', not by Tensor"),
        (lambda: e.at("W", 0), IndexError, r"has 2 indices, not 1: at\('W', 0, 0\) is one"),
        (lambda: e.at("W", 0, 3), IndexError, r"no entry \[0, 3\]: at\('W', 0, 0\) is one"),
        (lambda: e.at("W", 0.0, 1), TypeError, "whole numbers for indices, not 0.0"),
        (lambda: e.at("W", "0", 1), TypeError, "whole numbers for indices, not '0'"),
        (lambda: e.at("W", True, 1), TypeError, "whole numbers for indices, not True"),
        (lambda: e.why("W", most=0), ValueError, "most is one at least, and here 0"),
        (lambda: e.check(rng="a"), TypeError, "rng is a whole number from 0 up, or a np.random"),
        (lambda: e.check(rng=-1), ValueError, "rng is a whole number from 0 up"),
        (lambda: e.quiz(seed=-1), ValueError, "the seed of a quiz is a whole number from 0 up"),
        (lambda: e.quiz(questions=2.5), TypeError, "the number of questions is a whole number"),
        (lambda: quiz.check(2.2, 1), TypeError, "the number of a question is a whole number"),
        (lambda: quiz.run(tries=0), ValueError, "tries is one at least"),
        (lambda: mg.explain(W, at=W), TypeError, "at is a name and the indices of one entry"),
        (lambda: mg.explain(W, at=()), TypeError, "at is a name and the indices of one entry"),
        (lambda: mg.explain(W, names=["W"]), TypeError, "names are variables by name"),
        (lambda: mg.explain(lambda a: a, 3), TypeError, r"the result is int.*\(3.0, not 3\)"),
        (lambda: mg.explain(lambda a: None, 3.0), TypeError, "does it lack a return"),
        (lambda: mg.explain(lambda a: (a, a), 3.0), TypeError, "a tuple; return the one Tensor"),
    ]


@pytest.mark.parametrize("k", range(len(wrong_questions())))
def test_a_wrong_question_is_refused_with_the_right_one(k):
    ask, error, words = wrong_questions()[k]
    with pytest.raises(error, match=words):
        ask()


def test_one_entry_may_be_asked_for_by_a_tuple_and_by_numpys_integers():
    W = mg.Tensor(np.arange(6.0).reshape(2, 3))
    e = mg.explain(np.sum(W * W), names={"W": W})
    assert str(e.at("W", (1, 2))) == str(e.at("W", np.int64(1), -1)) == str(e.at("dW", 1, 2))
    assert e.at("W", (1, 2)).value == 10


def test_apples_and_oranges_agree_with_differences():
    price, names = apples_and_oranges()
    assert mg.explain(price, names=names).check().ok


# ---- whose backward it is ------------------------------------------------------------------------
class Sigmoid(mg.Layer):
    def forward(self, x):
        self.out = 1 / (1 + np.exp(-x))
        return self.out

    def backward(self, dout):
        return dout * self.out  # and not times 1 - out


class RightSigmoid(Sigmoid):
    def backward(self, dout):
        return dout * self.out * (1 - self.out)


@pytest.mark.parametrize(
    ("layers", "hint"),
    [
        ((RightSigmoid, Sigmoid), "Sigmoid.backward (net[3])"),
        ((Sigmoid, RightSigmoid), "Sigmoid.backward (net[1])"),
        ((RightSigmoid, RightSigmoid), ""),
    ],
)
def test_a_wrong_backward_is_found_by_what_came_back_through_it(layers, hint):
    rng = np.random.default_rng(0)
    first, second = (layer() for layer in layers)
    net = mg.Sequential(
        mg.Affine(2, 3, rng=rng),
        first,
        mg.Affine(3, 3, rng=rng),
        second,
        mg.Affine(3, 2, rng=rng),
        loss=mg.SoftmaxWithLoss(),
    )
    found = mg.explain(net, X, T).check()
    assert found.ok == (hint == "")
    assert found.hint.startswith(f"What differs came back through {hint};" if hint else "")
    assert bool(found.hint) == bool(hint)
    assert found.hint in str(found)


def test_a_wrong_rule_of_a_function_of_ones_own_is_named():
    cube = mg.primitive(lambda g, y, x: g * 2 * x)(lambda x: x**3)
    x, w = mg.Tensor(2.0), mg.Tensor(3.0)
    found = mg.explain(cube(x) * w, names={"x": x, "w": w}).check()
    assert "the rule of " in found.hint
    assert "np.multiply" not in found.hint


def test_of_a_deep_graph_fewer_entries_are_compared_and_the_count_is_told(monkeypatch):
    W = mg.Tensor(np.eye(3))
    y = np.ones(3)
    for _ in range(5):
        y = np.tanh(y @ W)
    e = mg.explain(np.sum(y), names={"W": W})
    assert "✓ dW  agree on 9 entries" in str(e.check())
    monkeypatch.setattr("minigrad.explain.questions.checking.CALLS", 11 * 3 * 4)
    assert "✓ dW  agree on 4 of 9 entries" in str(e.check())
    monkeypatch.setattr("minigrad.explain.questions.checking.CALLS", 0)
    assert "✓ dW  agree on 1 of 9 entries" in str(e.check())


class LogByHand(mg.Layer):
    def forward(self, x):
        self.x = x
        return np.log(x)

    def backward(self, dout):
        return dout / (self.x - 1.0)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_what_is_not_finite_in_a_layer_written_by_hand_is_told_with_its_line():
    net = mg.Sequential(mg.Affine(2, 2, rng=0), LogByHand(), loss=mg.SoftmaxWithLoss())
    net.params["W1"][...] = np.eye(2)
    text = str(mg.explain(net, np.array([[-1.0, 2.0]]), np.array([1])).health())
    assert re.search(r"value that is not finite .*questions.py:\d+ \(return np.log", text)
    text = str(mg.explain(net, np.array([[1.0, 2.0]]), np.array([1])).health())
    assert re.search(r"gradient that is not finite .*questions.py:\d+ \(return dout / ", text)


# ---- finite differences in deep nets -------------------------------------------------------------
def very_deep(layers=40):
    """Activations so small that a kink of some ReLU is nearer than the first step of a slope."""
    net = mg.mlp([6, *[12] * layers, 3], rng=3)
    rng = np.random.default_rng(0)
    return mg.explain(net, rng.normal(size=(8, 6)), rng.integers(0, 3, 8))


def test_in_a_deep_net_every_leaf_is_compared_and_none_is_accused(monkeypatch):
    monkeypatch.setattr("minigrad.explain.questions.checking.CALLS", 0)  # an entry of each
    found = very_deep().check()
    assert [v.mark for v in found.verdicts] == ["✓"] * 82
    assert {v.compared for v in found.verdicts} <= {1, 2, 3}


@pytest.mark.parametrize(
    ("error", "runs"), [(0.0, 4), (0.5, 6)], ids=["right, by one step", "wrong, by two"]
)
def test_an_entry_is_run_twice_for_a_step_and_twice_for_the_nudge(error, runs, monkeypatch):
    monkeypatch.setattr("minigrad.explain.questions.checking.CALLS", 0)
    monkeypatch.setattr("minigrad.explain.questions.checking.suspects", lambda *_: [])
    ran = []
    first = again.Call.run

    def counted(call, *arguments):
        ran.append(call)
        return first(call, *arguments)

    monkeypatch.setattr(again.Call, "run", counted)
    sin = mg.primitive(lambda g, y, x: g * np.cos(x) * (1 + error))(np.sin)
    x = mg.Tensor([0.5, 0.25])
    assert mg.explain(np.sum(sin(x)), names={"x": x}).check().ok == (not error)
    assert len(ran) == 2 * (1 + runs)  # two calls; once to see that they can be run again


@pytest.mark.parametrize("k", [3e-6, 3e-7, 3e-8])
@pytest.mark.parametrize("bends", ["to one side", "to both"])
def test_kinks_beside_an_entry_accuse_nobody_and_do_not_hide_it(k, bends):
    """To both sides the slope is 1 up to the kinks; a long step sees 0, on the left and right."""
    x = mg.Tensor([0.0, 1.0])
    y = np.clip(x, -k, k) if bends == "to both" else mg.relu(x + k)
    (verdict,) = mg.explain(np.sum(y), names={"x": x}).check().verdicts
    assert verdict.ok
    assert verdict.at_kinks == 0


@pytest.mark.parametrize("error", [0.01, 1e-4])
def test_a_rule_that_is_hardly_wrong_is_found_however_deep_it_lies(error):
    slightly = mg.primitive(lambda g, y, x: g * np.cos(x) * (1 + error))(np.sin)
    x, w = mg.Tensor([0.3, -0.2]), mg.Tensor([1.5, 0.5])
    y = slightly(x) * w
    for _ in range(30):
        y = y + 0.1 * np.tanh(y)
    found = mg.explain(np.sum(y), names={"x": x, "w": w}).check()
    assert [(v.name, v.mark) for v in found.verdicts] == [("x", "✗"), ("w", "✓")]


def test_where_all_entries_that_were_drawn_are_at_kinks_a_few_others_are_tried(monkeypatch):
    monkeypatch.setattr("minigrad.explain.questions.checking.CALLS", 0)
    x = mg.Tensor(np.where(np.arange(12) % 2, 0.0, 1.0))
    steep = np.where(x.data, 1.0, 10.0)  # the largest gradient is at a kink
    e = mg.explain(np.sum(np.maximum(x, 0.0) * steep), names={"x": x})
    marks = [e.check(rng=seed).verdicts[0] for seed in range(8)]
    assert sum(v.ok for v in marks) >= 6  # one of five is at none
    assert max(v.compared for v in marks) > 1
