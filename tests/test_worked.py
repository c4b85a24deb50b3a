"""An entry of a call worked out: its formula and its numbers come to what NumPy made."""

import html
import re
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad.explain.data.entries import path_sum
from minigrad.explain.data.lettering import bracketed, lettered
from minigrad.explain.data.walk import read_by
from minigrad.explain.data.worked import Workings, added_of, made_of, products

SIGNS = {"ₙ": "n", "ₘ": "m", "ₖ": "k", "ⱼ": "j", "ᵢ": "i", "ₕ": "h", "ₐ": "a"}
FUNCTIONS = {name: getattr(mg.functions, name) for name in mg.functions.__all__}
NAMES = {**FUNCTIONS, "np": np, "exp": np.exp, "log": np.log}


def numbers_come_to(text):
    """Compute what stands in numbers."""
    text = text.replace("·", "*").replace("−", "-")
    text = text.replace("²", "**2")
    text = re.sub(r"(?<![\w.])(\d+\.?\d*(?:e[+-]?\d+)?)", r"F(\1)", text)
    return float(eval(text, {**NAMES, "F": np.float64}))


def formula_comes_to(text, arrays):
    """Compute a formula: Σₖ x[0, k] · W[k, 1] + b[1]; sums reach to the end of their product."""
    text = text.replace("·", "*").replace("−", "-").replace("²", "**2")
    end = r"(?=\)$)" if "log(Σ" in text else r"(?= \+ |$| / \d)"
    text = re.sub(rf"((?:Σ.)+) (.*?){end}", lambda found: _sum(*found.groups(), arrays), text)
    return float(eval(text, {**NAMES, **arrays}))


def _sum(signs, text, arrays):
    text, _, ranges = text.partition(" (")
    loops = ""
    for letter in (SIGNS[sign] for sign in signs[1::2]):
        told = re.search(rf"\b{letter} = ([\d, …]+)", ranges)
        if told and "…" in told[1]:
            first, last = map(int, re.findall(r"\d+", told[1]))
            over = [*range(first, last + 1)]
        elif told:
            over = [int(n) for n in re.findall(r"\d+", told[1])]
        else:
            name, index = re.search(rf"(\w+)\[([^\]]*\b{letter}\b[^\]]*)\]", text).groups()
            over = [*range(arrays[name].shape[index.split(", ").index(letter)])]
        loops += f" for {letter} in {over}"
    return f"sum([{text}{loops}])"


x, y, W, b, v = (("x", (3, 4)), ("y", (3, 4)), ("W", (4, 2)), ("b", (2,)), ("v", (4,)))
c, q, r = (("c", (3, 1)), ("q", (3, 3)), ("r", (3, 3)))
CALLS = {
    "exp": (np.exp, x),
    "tanh": (np.tanh, x),
    "relu": (mg.functions.relu, x),
    "sigmoid": (mg.functions.sigmoid, x),
    "abs": (np.abs, x),
    "negative": (np.negative, x),
    "add": (np.add, x, y),
    "broadcast": (np.multiply, x, v),
    "divide": (np.divide, x, y),
    "power": (lambda a: a**3, x),
    "maximum": (np.maximum, x, y),
    "number": (lambda a: 2.5 * a, x),
    "where": (lambda a, c: np.where(np.arange(4) > 1, a, c), x, y),
    "clip": (lambda a: np.clip(a, -0.5, 0.5), x),
    "column": (np.subtract, x, c),
    "square": (np.dot, q, r),
    "matmul": (np.matmul, x, W),
    "dot": (np.dot, x, W),
    "matvec": (np.matmul, x, v),
    "vecmat": (np.matmul, v, W),
    "inner": (lambda a: np.dot(a, a), v),
    "twice": (lambda a: a @ a.T, x),
    "affine": (mg.functions.affine, x, W, b),
    "einsum": (lambda a, c: np.einsum("ij,jk->ki", a, c), x, W),
    "outer": (np.outer, v, b),
    "kron": (np.kron, b, v),
    "tensordot": (lambda a, c: np.tensordot(a, c, 2), x, y),
    "sum": (np.sum, x),
    "sum rows": (lambda a: np.sum(a, axis=0), x),
    "mean": (lambda a: np.mean(a, axis=1), x),
    "kept": (lambda a: np.sum(a, axis=1, keepdims=True), x),
    "cumsum": (lambda a: np.cumsum(a, axis=1), x),
    "trace": (np.trace, x),
    "diff": (np.diff, x),
    "max": (lambda a: np.max(a, axis=0), x),
    "sort": (np.sort, x),
    "reshape": (lambda a: a.reshape(2, 6), x),
    "transpose": (np.transpose, x),
    "ravel": (np.ravel, x),
    "slice": (lambda a: a[1:, ::2], x),
    "fancy": (lambda a: a[[2, 0, 2]], x),
    "flip": (np.flip, x),
    "concatenate": (lambda a, c: np.concatenate([a, c], axis=1), x, y),
    "stack": (lambda a, c: np.stack([a, c]), x, y),
    "tile": (lambda a: np.tile(a, (2, 1)), x),
    "roll": (lambda a: np.roll(a, 1, axis=1), x),
    "convolve": (np.convolve, v, b),
    "softmax": (mg.functions.softmax, x),
    "log softmax": (mg.functions.log_softmax, x),
    "squares": (mg.functions.mean_squared_error, x, y),
    "turned": (np.transpose, q),
    "prod": (lambda a: np.prod(a, axis=0), x),
    "norm": (lambda a: np.linalg.norm(a, axis=1), x),
    "norm of all": (np.linalg.norm, x),
    "var": (lambda a: np.var(a, axis=1, ddof=1), x),
    "std": (lambda a: np.std(a, axis=0, keepdims=True), x),
    "logsumexp": (lambda a: mg.functions.logsumexp(a, axis=1), x),
}
UNKNOWN = {
    "inv": (lambda a: np.linalg.inv(a[:, :3]), x),
    "cumprod": (lambda a: np.cumprod(a, axis=1), x),
    "softmax of columns": (lambda a: mg.functions.softmax(a, axis=0), x),
    "prod of many": (lambda a: np.prod(np.concatenate([a, a])), x),
}
KINDS = {
    "drawn": lambda rng, shape: rng.normal(size=shape),
    "ones": lambda rng, shape: np.ones(shape),
    "eye": lambda rng, shape: np.eye(*shape[-2:]) if len(shape) > 1 else np.ones(shape),
    "zeros": lambda rng, shape: np.zeros(shape),
}


def explained(call, kind, dtype=np.float64):
    function, *operands = call
    rng = np.random.default_rng(0)
    values = {name: mg.Tensor(KINDS[kind](rng, shape).astype(dtype)) for name, shape in operands}
    with np.errstate(all="ignore"):
        result = function(*values.values())
        return mg.explain(result, names={**values, "result": result})


def steps_of(e):
    return {step.line: step for step in e.steps}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", CALLS)
def test_what_is_written_comes_to_what_was_made(name, kind):
    e = explained(CALLS[name], kind)
    arrays = {line.name: line.value for line in e.lines}
    line = e.lines[-1]
    workings = Workings(e, line, steps_of(e).get(line.id))
    for at in np.ndindex(line.value.shape):
        told = workings.at(at)
        assert told is not None
        expected = pytest.approx(float(line.value[at]), rel=2e-3, abs=2e-3, nan_ok=True)
        formula, *numbers = told.rsplit(" = ", 1)
        with np.errstate(all="ignore"):
            assert formula_comes_to(formula, arrays) == expected, told
            assert not numbers or numbers_come_to(numbers[0]) == expected, told


# Which entry is the largest hangs on them; no index says where the factors of convolve stand.
@pytest.mark.parametrize("kind", ["ones", "eye"])
@pytest.mark.parametrize(
    "name", sorted(CALLS.keys() - {"max", "sort", "where", "kron", "convolve"})
)
def test_the_formula_does_not_hang_on_the_numbers(name, kind):
    written = []
    for e in (explained(CALLS[name], "drawn"), explained(CALLS[name], kind)):
        workings = Workings(e, e.lines[-1], steps_of(e).get(e.lines[-1].id))
        entries = np.ndindex(e.lines[-1].value.shape)
        written.append([workings.at(at).rsplit(" = ", 1)[0] for at in entries])
    assert written[0] == written[1]


@pytest.mark.parametrize("name", sorted(CALLS.keys() - {"kron", "convolve"}))
def test_the_formula_is_the_same_in_float32(name):
    wide, narrow = (explained(CALLS[name], "drawn", dtype) for dtype in (float, np.float32))
    assert narrow.lines[-1].value.dtype == np.float32
    at = tuple(n - 1 for n in wide.lines[-1].value.shape)
    told = [
        Workings(e, e.lines[-1], steps_of(e).get(e.lines[-1].id)).at(at) for e in (wide, narrow)
    ]
    assert told[0].rsplit(" = ", 1)[0] == told[1].rsplit(" = ", 1)[0]


def test_factors_stand_as_in_the_call():
    for name, formula in {
        "matmul": "Σₖ x[2, k] · W[k, 1]",
        "affine": "Σₖ x[2, k] · W[k, 1] + b[1]",
        "mean": "Σₖ x[2, k] / 4",
        "prod": "np.prod(x[:, 2])",
        "turned": "q[1, 2]",
        "cumsum": "Σₖ x[2, k] (k = 0, 1)",
        "diff": "(-1) · x[2, 1] + x[2, 2]",
        "column": "x[2, 1] - c[2, 0]",
    }.items():
        e = explained(CALLS[name], "drawn")
        at = (2, 1)[: e.lines[-1].value.ndim]
        told = Workings(e, e.lines[-1], steps_of(e)[e.lines[-1].id]).at(at)
        assert told.startswith(f"{formula} = "), told


@pytest.mark.parametrize("name", UNKNOWN)
def test_what_is_no_sum_and_goes_not_entry_by_entry_is_not_worked_out(name):
    e = explained(UNKNOWN[name], "drawn")
    line = e.lines[-1]
    workings = Workings(e, line, steps_of(e).get(line.id))
    assert workings.at(tuple(n - 1 for n in line.value.shape)) is None


def test_a_net_is_worked_out_from_its_first_product_to_its_loss():
    rng = np.random.default_rng(0)
    net = mg.mlp([3, 4, 3], rng=0)
    e = mg.explain(net, rng.normal(size=(5, 3)), np.array([0, 2, 1, 1, 0]))
    arrays = {line.name: line.value for line in e.lines}
    for line in e.lines:
        at = (1, 2) if line.value.ndim == 2 else ()
        if line.kind == "call":
            told = Workings(e, line, steps_of(e).get(line.id)).at(at)
            formula, numbers = told.rsplit(" = ", 1)
            if line.value.ndim:
                assert formula_comes_to(formula, arrays) == pytest.approx(line.value[at], rel=1e-3)
            assert numbers_come_to(numbers) == pytest.approx(float(line.value[at]), rel=1e-3)
    assert formula == "−Σₙ log(p[n, t[n]]) / 5"


READ = {
    "product": (lambda x, y: x * y, [[1], [0]]),
    "sum": (lambda x, y: x + y, [[], []]),
    "quotient": (lambda x, y: x / y, [[1], [2, 1]]),
    "square": (lambda x, y: (x**2, y)[0], [[0]]),
    "tanh": (lambda x, y: np.tanh(y), [[1]]),
    "dot": (lambda x, y: x @ y, [[1], [0]]),
}


@pytest.mark.parametrize("names", ["xy", ("2", "1"), ("", " "), ("dy", "np")])
@pytest.mark.parametrize("call", READ)
def test_which_arrays_a_rule_reads_is_told_whatever_they_are_called(call, names):
    function, expected = READ[call]
    x, y = (mg.Tensor([1.0, 2.0], name=name) for name in names)
    e = mg.explain(function(x, y), names={})
    assert [read_by(e, e.steps[0], c) for c in e.steps[0].contributions] == expected


def test_the_notebook_works_an_entry_out_too():
    net = mg.mlp([3, 4, 3], rng=0)
    e = mg.explain(net, np.random.default_rng(0).normal(size=(5, 3)), np.array([0, 2, 1, 1, 0]))
    text = html.unescape(e._repr_mimebundle_()["text/html"])
    assert f"<code>{made_of(e, e.line('affine1'), e.steps[-1], (0, 0))}</code>" in text
    step = e.steps[-1]
    assert f"<code>{added_of(e, step, step.contributions[0], (0, 0))}</code>" in text


def test_a_sum_of_many_products_says_how_many_there_are():
    v = mg.Tensor(np.arange(30.0))
    e = mg.explain(np.sum(v), names={"v": v})
    told = Workings(e, e.lines[-1], e.steps[0]).at(())
    assert told.startswith("Σₖ v[k] = 0 + 1 + 2 + ")
    assert told.endswith(" + 11 + … 18 more")
    e = mg.explain(np.convolve(v, np.arange(1.0, 40.0)), names={"v": v})
    workings = Workings(e, e.lines[-1], e.steps[0])
    assert (workings.at((0,)), workings.at((34,))) == ("c[0] · v[0] = 1·0", None)


@given(st.integers(0, 2), st.integers(0, 1))
def test_what_a_path_adds_is_worked_out_in_the_same_form(i, j):
    e = explained(CALLS["matmul"], "drawn")
    told = products(path_sum(e, e.steps[-1], e.steps[-1].contributions[1], (i, j)))
    step = e.steps[-1]
    arrays = {line.name: line.value for line in e.lines} | {"dresult": step.gradient}
    formula, numbers = told.rsplit(" = ", 1)
    expected = pytest.approx(float(step.contributions[1].share[i, j]), rel=2e-3)
    assert formula_comes_to(formula, arrays) == expected
    assert numbers_come_to(numbers) == expected


@given(st.sets(st.tuples(st.integers(0, 3), st.integers(0, 2)), min_size=1).map(sorted))
def test_letters_stand_for_the_entries_and_no_others(places):
    found = lettered(places, (4, 3), "km")
    axes = [sorted({place[axis] for place in places}) for axis in (0, 1)]
    if found is None:
        assert [*product(*axes)] != places
        return
    array = np.zeros((4, 3))
    numbers = np.random.default_rng(0).normal(size=len(places))
    array[tuple(zip(*places, strict=True))] = numbers
    formula = found.sum(f"a{bracketed(found.place)}")
    assert [*product(*axes)] == places
    outside = np.where(array == 0, np.nan, array)  # who reads another entry finds it
    assert formula_comes_to(formula, {"a": outside}) == pytest.approx(numbers.sum())
