"""Forward passes that fail: the call is marked, its operands are there, the likely fix holds."""

import itertools
import linecache
import re
import xml.etree.ElementTree as ET
from types import MappingProxyType
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad.explain.page.page import page

X, T = np.arange(12.0).reshape(4, 3) / 7 - 0.5, np.array([0, 1, 0, 1])
few = settings(max_examples=12)
sides = st.integers(1, 4)


def seq(*layers, loss=None):
    return mg.Sequential(*layers, loss=loss or mg.SoftmaxWithLoss())


def affine(n_in, n_out):
    return mg.Affine(n_in, n_out, rng=0)


class ByHand(mg.Layer):
    """A layer of the book whose forward is a function that a test writes."""

    def __init__(self, run, **attributes):
        self.run = run
        for name, value in attributes.items():
            setattr(self, name, value)

    param_grads = MappingProxyType({})

    def forward(self, x):
        return self.run(self, x)

    def backward(self, dout):
        return dout


def shown_everywhere(e):
    """All views of a failure tell of the call, of all shapes and of the fix; give the text."""
    failure, text = e.failure, e.text(100)
    svg, markup, note = e.to_svg(), page(e), e._repr_mimebundle_()["text/html"]
    named = {line.name for line in e.lines}
    assert all(0 <= i < len(e.lines) for i in failure.lines)
    assert named.issuperset(re.findall(r'n\d+\["(\w+)"\]', e.to_mermaid()))
    assert e.to_mermaid().count("-.->") >= len(failure.lines)  # lines into the box that failed
    assert e.to_dot().count("->") == e.to_mermaid().count("-.->")
    ET.fromstring(svg)
    for view in (text, markup, note):
        for name, shape in (*failure.operands, *failure.within):
            if "'" not in name and "<" not in name:
                assert name in view
            assert shape is None or str(shape) in view
    told = " ".join(text.split())
    assert failure.fix in told
    assert "minigrad/" not in text
    assert "✗" in svg
    e.to_json()
    return text


# ---- a likely fix that is code -------------------------------------------------------------------
OPERATIONS = {
    "product": lambda a, b: a @ b,
    "sum": lambda a, b: a + b,
    "joint": lambda a, b: np.concatenate([a, b]),
    "pile": lambda a, b: np.stack([a, b]),
}


def mended(fix, name, a, b):
    """Apply a fix that is code; None for one that is words."""
    code = re.split(r": |, if | has the", fix)[0]
    if "swapaxes(…" in fix:
        return a @ np.swapaxes(b.T, -1, -2)  # where b is k.T
    if name == "joint" and code.startswith("axis="):
        return np.concatenate([a, b], axis=int(code[5:]))
    if name == "sum" and code[0] in "ab" and fix != code:
        return eval(f"{code} + {'b' if code[0] == 'a' else 'a'}", {"a": a, "b": b})
    is_code = name == "product" and (".T" in code or "swapaxes(b" in code)
    return eval(code, {"a": a, "b": b, "np": np}) if is_code else None


@pytest.mark.parametrize("name", OPERATIONS)
@settings(max_examples=12)
@given(data=st.data())
def test_a_likely_fix_that_is_code_runs(name, data):
    shapes = st.lists(st.integers(1, 3), min_size=1, max_size=3).map(tuple)
    a, b = np.ones(data.draw(shapes)), np.ones(data.draw(shapes))
    for recorded in (True, False):

        def f(a, b, name=name, recorded=recorded):
            return OPERATIONS[name](*((a, b) if recorded else (a.data, b.data)))

        try:
            e = mg.explain(f, a, b)
        except TypeError:  # it fits, and nothing was recorded
            return
        if e.failure is None:
            return
        shapes = [shape for _, shape in e.failure.operands]
        assert shapes == [a.shape, b.shape]
        fix = e.failure.fix
        result = mended(fix, name, a, b)
        assert (result is None) == (not re.search(r"\.T|None\], if|axis=\d|swapaxes", fix))


@few
@given(
    widths=st.lists(sides, min_size=3, max_size=5), at=st.integers(0, 9), wrong=st.integers(5, 7)
)
def test_the_width_that_is_told_mends_the_net(widths, at, wrong):
    at %= len(widths) - 1
    layers = [affine(*pair) for pair in itertools.pairwise(widths)]
    layers[at] = affine(wrong, widths[at + 1])
    data = np.ones((4, widths[0])), np.zeros(4, int)
    e = mg.explain(seq(*layers), *data)
    failure = e.failure
    assert failure.layer == f"net[{at}] {layers[at]!r}"
    name, shape = failure.operands[0]
    assert shape == (4, widths[at])
    assert e.lines[failure.lines[0]].name == name == (f"affine{at}" if at else "x")
    assert [line.kind for line in e.lines if line.id in failure.lines] == ["leaf"] * 2 + [
        "call" if at else "data"
    ]
    n_in, n_out = map(int, re.findall(r"\d+", failure.fix.partition("Affine")[2]))
    layers[at] = affine(n_in, n_out)
    assert mg.explain(seq(*layers), *data).failure is None


# ---- the first call ------------------------------------------------------------------------------
@pytest.mark.parametrize("data", [X, X.astype(np.float32), X[:1]])
def test_the_operands_of_a_first_call_that_fails_are_lines(data):
    e = mg.explain(mg.mlp([2, 3, 2], rng=0), data, T[: len(data)])
    assert {line.name: (line.kind, line.value.shape) for line in e.lines} == {
        "W1": ("leaf", (2, 3)),
        "b1": ("leaf", (3,)),
        "x": ("data", data.shape),
    }
    assert np.array_equal(e.line("x").value, data)
    assert [e.lines[i].name for i in e.failure.lines] == ["x", "W1", "b1"]
    shown_everywhere(e)
    assert e.to_mermaid().count("-.->") == 3
    assert "<img" in e._repr_mimebundle_()["text/html"]


def test_the_operands_of_a_function_that_fails_at_once_are_lines():
    def f(x, i):
        return x @ i

    e = mg.explain(f, X, np.arange(4))
    assert [(line.name, line.kind) for line in e.lines] == [("x", "leaf"), ("i", "data")]
    shown_everywhere(e)


# ---- a layer written by hand ---------------------------------------------------------------------
def failing_in(net, x=X):
    """Explain a net whose layer by hand fails, in three ways that must tell the same."""
    e = mg.explain(net, x, T)
    shown_everywhere(e)
    try:
        net.gradient(x, T)
    except Exception as error:
        after = mg.explain(error)
    assert "✗ Here the forward pass stopped" in after.text(80)
    for told in ("kind", "layer", "code", "fix", "within", "source", "mark"):
        assert getattr(after.failure, told) == getattr(e.failure, told), told
    return e.failure


@pytest.mark.parametrize("place", ["first", "middle", "last"])
def test_a_forward_by_hand_that_fails_is_the_call_that_failed(place):
    layer = ByHand(lambda self, x: x @ self.W, W=np.ones((5, 5)))
    layers = {
        "first": (layer, affine(3, 2)),
        "middle": (affine(3, 3), layer, affine(3, 2)),
        "last": (affine(3, 2), mg.ReLU(), layer),
    }[place]
    given, width = {"first": ("x", 3), "middle": ("affine1", 3), "last": ("relu1", 2)}[place]
    e = mg.explain(seq(*layers), X, T)
    failure = e.failure
    assert failure.call == f"ByHand.forward({given})"
    assert failure.operands == [(given, (4, width)), ("self.W", (5, 5))]
    assert [e.lines[i].name for i in failure.lines] == [given]
    assert failure.layer == f"net[{layers.index(layer)}] ByHand()"
    within = [] if place == "first" else [("x", (4, width)), ("self.W", (5, 5))]
    assert failure.within == within  # where it says more than the operands
    assert "lambda self, x: x @ self.W" in failure.code
    assert failure.code[slice(*failure.mark)] == "x @ self.W"
    assert failure.fix == (
        f"the last axis of x ({width}) must be as long as the first of self.W (5)"
    )
    failing_in(seq(*layers))
    text = shown_everywhere(e)
    assert "^" * len("x @ self.W") in text
    assert "<u>x @ self.W</u>" in page(e)


def helper(a, rows):
    return np.concatenate([a.T, rows])


def same(x):
    return x


def unpacked(x):
    n, c, h, w = x.shape
    return x.reshape(n, c * h * w)


class Book:
    """The book's Affine, with its parameters."""

    def __init__(self, W):
        self.W, self.dW = W, None

    def forward(self, x):
        self.x = x
        return np.dot(x, self.W)

    def backward(self, dout):
        self.dW = self.x.T @ dout
        return dout @ self.W.T


HAND = [  # forward, attributes; what failed, and what the fix says
    (lambda self, x: x * self.mask, {"mask": np.ones((2, 2))}, "x * self.mask", "last axis on"),
    (lambda self, x: (y := x) @ self.W + y, {"W": np.ones((5, 2))}, "(y := x) @ self.W", "(5)"),
    (lambda self, x: same(x) @ np.ones((2, 2)), {}, "same(x) @ np.ones((2, 2))", ""),
    (lambda self, x: x * x[:, :2].repeat(5, 1), {}, "x * x[:, :2].repeat(5, 1)", ""),
    (lambda self, x: x - x.mean(axis=1), {}, "x - x.mean(axis=1)", "x.mean(axis=1)[:, None]"),
    (lambda self, x: x.reshape(5, 2), {}, "x.reshape(5, 2)", "x.reshape(-1, 2)"),
    (lambda self, x: x.reshape(5, -1), {}, "x.reshape(5, -1)", "5 does not divide that"),
    (lambda self, x: helper(x, np.ones((2, 2))), {}, "np.concatenate([a.T, rows])", "joined along"),
    (lambda self, x: unpacked(x), {}, "n, c, h, w", "x has 2 axes here, and 4 are expected"),
    (
        lambda self, x: x * self.maks,
        {"mask": X > 0},
        "self.maks",
        "the layer has self.run, self.mask",
    ),
    (lambda self, x: self.p["W3"] * x, {"p": {"W1": X}}, "self.p['W3']", "there are 'W1'"),
    (lambda self, x: np.sqaure(x), {}, "np.sqaure", "did you mean .square?"),
    (lambda self, x: x / (1 // len(self.l)), {"l": []}, "1 // len(self.l)", ""),
    (lambda self, x: sum(x[:, t] for t in range(4)), {}, "x[:, t]", "indices are 0 to 2"),
    (lambda self, x: x[:, np.ones(2)], {}, "x[:, np.ones(2)]", "i.astype(int)"),
    (lambda self, x: x if x > 0 else -x, {}, "x > 0", "np.where(condition, a, b)"),
    (lambda self, x: x @ self.W, {"W": None}, "x @ self.W", "self.W is None here"),
    (lambda self, x: [1.5] * x.sum(), {}, None, None),
    (lambda self, x: None, {}, None, "end forward with a return"),
    (lambda self, x: (x, x > 0), {}, None, "return one array"),
    (lambda self, x: np.sum(x, axis=2), {}, "np.sum(x, axis=2)", "x has 2 axes, 0 to 1"),
    (lambda self, x: np.stack([x, x.T]), {}, "np.stack([x, x.T])", "have one shape"),
]


@pytest.mark.parametrize(("run", "attributes", "marked", "fix"), HAND)
@pytest.mark.parametrize("first", [True, False])
def test_what_failed_in_a_forward_by_hand(run, attributes, marked, fix, first):
    layers = (ByHand(run, **attributes), affine(3, 2))
    net = seq(*layers) if first else seq(affine(3, 3), *layers)
    if fix is None:  # NumPy makes an array of it; the next layer fails, or nothing does
        shown_everywhere(mg.explain(net, X, T))
        return
    failure = failing_in(net)
    assert failure.call == ("ByHand.forward(x)" if first else "ByHand.forward(affine1)")
    found = failure.mark and failure.code[slice(*failure.mark)].replace('"', "'")
    if marked is not None:
        assert found == marked
    assert fix in failure.fix
    assert bool(fix) == bool(failure.fix)


def test_the_parameters_of_a_layer_by_hand_are_operands_of_its_call():
    net = seq(affine(3, 3), mg.wrap(Book(np.ones((2, 5))), {"W": "dW"}), affine(5, 2))
    e = mg.explain(net, X, T)
    assert e.failure.call == "Book.forward(affine1, W2)"
    assert e.failure.operands == [("affine1", (4, 3)), ("W2", (2, 5)), ("self.x", (4, 3))]
    assert [e.lines[i].name for i in e.failure.lines] == ["affine1", "W2"]
    assert e.failure.within == [("x", (4, 3)), ("self.W", (2, 5))]
    shown_everywhere(e)


def test_a_function_in_plain_numpy_that_fails_is_the_call():
    def f(x, W):
        h = np.tanh(x)
        return np.sum(projected(h.data, W.data))

    def projected(a, P):
        return (2 * a) @ P

    e = mg.explain(f, X, np.ones((4, 2)))
    assert e.failure.call == "2 * h @ W"  # a and P are what these are called there
    assert e.failure.operands == [("2 * h", (4, 3)), ("W", (4, 2))]
    assert [e.lines[i].name for i in e.failure.lines] == ["h", "W"]
    assert e.failure.fix.startswith("(2 * a).T @ P")
    assert e.failure.code[slice(*e.failure.mark)] == "(2 * a) @ P"
    shown_everywhere(e)


def test_an_array_of_ones_own_function_is_a_line():
    def f(x, W):
        a, W = x.data + 1, W.data * 1
        return [a @ each for each in (W.T, W)]

    e = mg.explain(f, X, np.ones((4, 3)))
    assert e.failure.call == "a @ W"
    assert [e.lines[i].name for i in e.failure.lines] == ["a", "W"]


# ---- expressions of all kinds --------------------------------------------------------------------
GIVEN = {
    "self.W": np.ones((3, 2)),
    "self.V": np.ones((5, 5)),
    "self.b": np.ones(4),
    "self.n": None,
    "self.k": 2,
    "self.half": 0.5,
    "self.l": [1.0, 2.0],
    "self.d": {"W": np.ones((2, 3))},
}
atoms = st.sampled_from(["x", *GIVEN, "self.d['W']", "np.ones((2, 3))", "gone", "self.gone"])
infix = st.sampled_from(["@", "+", "-", "*", "/", ">"])
forms = st.sampled_from(
    ["{}.T", "{}.reshape(6, 2)", "{}[5]", "{}[:, 0]", "np.sum({}, axis=1)", "-{}", "same({})"]
)


def joined(inner):
    pair = st.tuples(inner, infix, inner).map(lambda parts: "({} {} {})".format(*parts))
    listed = st.tuples(inner, inner).map(lambda parts: "np.concatenate([{}, {}])".format(*parts))
    return pair | listed | st.tuples(forms, inner).map(lambda parts: parts[0].format(parts[1]))


def expressions():
    return st.recursive(atoms, joined, max_leaves=5)


def raised_by(code, variables):
    with np.errstate(all="ignore"):
        try:
            eval(code, variables)
        except Exception as error:
            return error


@settings(max_examples=30)
@given(code=expressions(), first=st.booleans(), several=st.booleans())
def test_what_is_told_of_an_expression_is_true_of_it(code, first, several):
    """The part that is marked fails in the same way by itself; shapes are those of its parts."""
    name = f"<learner {code}>"
    source = f"def forward(self, x):\n    return {code}\n"
    if several:
        source = f"def forward(self, x):\n    y = 0\n    return (\n        {code}\n    )\n"
    linecache.cache[name] = (len(source), None, source.splitlines(True), name)
    variables = {"np": np, "same": lambda a: a}
    exec(compile(source, name, "exec"), variables)
    attributes = {key.removeprefix("self."): value for key, value in GIVEN.items()}
    layer = ByHand(variables["forward"], **attributes)
    with np.errstate(all="ignore"):
        e = mg.explain(seq(layer, affine(3, 2)) if first else seq(affine(3, 3), layer), X, T)
    assert e.failure is not None or e.steps
    if e.failure is None:
        return
    text = e.text(100)
    assert e.failure.fix in " ".join(text.split())
    if e.failure.mark is None:
        return
    frame = {**variables, "self": layer, "x": X}
    marked = e.failure.code[slice(*e.failure.mark)]
    again = raised_by(marked, frame)
    assert e.failure.kind in [kind.__name__ for kind in type(again).__mro__]
    assert str(again) == e.failure.message
    for part, shape in (*e.failure.within, *e.failure.operands):
        if part not in ("affine1", "W1", "b1"):
            value = eval(part, frame)
            numbers = not isinstance(value, (dict, type(None)))
            assert shape == (np.shape(value) if numbers else None)
    code = e.failure.fix.partition(": ")[0].partition(", if ")[0].partition(" has the")[0]
    if ".T @" in code or ("@" in code and code.endswith(".T")):
        eval(code, frame)


# ---- all other ways to fail ----------------------------------------------------------------------
class Ends(mg.Layer):
    """A layer as a __call__, with an end that a test writes."""

    def __init__(self, end):
        self.W, self.end = mg.Tensor(np.eye(3)), end

    def __call__(self, x):
        return self.end(self, x)


class Forgets(mg.Layer):
    def __init__(self):
        self.W = mg.Tensor(np.eye(3))

    def __call__(self, x):
        x @ self.W


def ends(end):
    return seq(affine(3, 3), Ends(end), affine(3, 2))


def mse(width):
    return seq(affine(3, width), loss=mg.MeanSquaredError())


one_layer, twice = seq(affine(3, 2)), Ends(lambda self, x: self.layer(self.layer(x)))
twice.layer = affine(3, 4)
half = mg.primitive(lambda g, y, x: g / 2)(lambda x: x @ np.ones((5, 5)))

NETS = [  # the net, its targets; the call and the fix
    (one_layer, np.array([1, 2, 1, 2]), "softmax_cross_entropy(affine1, t)", "t - 1"),
    (one_layer, T[:3], "net.loss(x, t)", "take the same rows of both"),
    (one_layer, np.eye(3)[T], "softmax_cross_entropy(affine1, t)", "have 3 outputs"),
    (one_layer, T[:, None], "softmax_cross_entropy(affine1, t)", "t.ravel()"),
    (one_layer, T * 1.0, "softmax_cross_entropy(affine1, t)", ""),
    (one_layer, np.array(list("abab")), "softmax_cross_entropy(affine1, t)", ""),
    (one_layer, np.array([0, None, 1, 0], object), "softmax_cross_entropy(affine1, t)", ""),
    (mse(2), T * 1.0, "mean_squared_error(affine1, t)", "the last layer have 1 output"),
    (mse(1), T * 1.0, "mean_squared_error(affine1, t)", "t[:, None]"),
    (seq(Forgets(), affine(3, 2)), T, "Forgets.__call__(x)", "end __call__ with a return"),
    (ends(lambda self, x: (x, 1)), T, "(affine1, 1) @ W3 + b3", "a tuple of 2 came in"),
    (ends(lambda self, x: [x, x]), T, "[affine1, affine1] @ W3 + b3", "a list of 2 came in"),
    (ends(lambda self, x: x @ self.Wx), T, "Ends.__call__(affine1)", "the layer has self."),
    (ends(lambda self, x: x @ np.ones((2, 3))), T, "affine1 @ c", "affine1 @ c.T: c has 3"),
    (ends(lambda self, x: x + (x @ self.W)[:2]), T, "affine1 + v2", "shapes are compared"),
    (ends(lambda self, x: x.data @ np.ones((2, 2)) + self.W), T, None, "the last axis of x.data"),
    (ends(lambda self, x: np.sum(x, axis=2)), T, "np.sum(affine1, axis=2)", "0 to 1"),
    (ends(lambda self, x: x[:, 5]), T, "affine1[:, 5]", "indices are 0 to 2"),
    (ends(lambda self, x: np.stack([x, x.T])), T, "np.stack([affine1, v1])", "one shape"),
    (
        seq(affine(3, 3), mg.Sequential(mg.ReLU(), mg.Sequential(affine(5, 2)))),
        T,
        None,
        "Affine(3, 2)",
    ),
    (seq(twice, affine(4, 2)), T, None, "this layer ran before, on 3 features"),
]


@pytest.mark.parametrize("case", NETS, ids=lambda case: str(case[2]))
def test_a_net_that_fails_in_any_way_shows_the_call_and_the_fix(case):
    net, t, call, fix = case
    e = mg.explain(net, X, t)
    assert e.failure.call == call or (call is None and e.failure.call)
    assert fix in e.failure.fix
    assert bool(fix) == bool(e.failure.fix)
    shown_everywhere(e)


def attention(q, k):
    return np.sum(q @ k.T)


FUNCTIONS = [  # a function, its arguments; the call and the fix
    (lambda x: x @ 2.0, (X,), "x @ 2.0", "write x * 2.0"),
    (lambda x, b=None: x * b, (X,), "x * None", "b is None here"),
    (lambda x: x * [1.0, 2.0], (X,), "x * c", "shapes are compared"),
    (lambda x: half(np.tanh(x)), (X,), None, "the last axis of x (3)"),
    (lambda x: np.tanh(x).summ(), (X,), None, "did you mean .sum?"),
    (lambda x: x[np.array([0, 9])], (X,), "x[np.array([0, 9])]", "indices are 0 to 3"),
    (lambda x: np.matmul(x, np.full((5, 5), 7.0), dtype=float), (X,), "x @ c", ""),
    (attention, (np.ones((2, 3, 4)), np.ones((2, 5, 4))), "q @ v1", "np.swapaxes(…, -1, -2)"),
    (np.matmul, (np.ones((2, 3, 4)), np.ones((5, 4, 3))), None, "(2,) and (5,) do not agree"),
    (lambda x, W: sum(x @ w for w in W), (X, [X.T, X]), "x @ W[1]", "x @ W[1].T"),
    (lambda x: np.where(x > 0, x, np.zeros((2, 2))), (X,), None, "shapes are compared"),
    (lambda x, p: p["W"] * x, (X, {}), None, "nothing is in it yet"),
]


@pytest.mark.parametrize("case", FUNCTIONS, ids=lambda case: str(case[2]))
def test_a_function_that_fails_in_any_way_shows_the_call_and_the_fix(case):
    function, arguments, call, fix = case
    e = mg.explain(function, *arguments)
    assert e.failure.call == call or call is None
    assert fix in e.failure.fix
    assert bool(fix) == bool(e.failure.fix)
    shown_everywhere(e)


def test_no_call_is_recorded_to_tell_shapes():
    failure = mg.explain(lambda x: np.tanh(x).summ(), X).failure
    assert failure.operands == [("x", (4, 3))]  # and not np.tanh(x), which would be a new Tensor


def run_cell(source, name):
    """Run a cell as a notebook does, and explain its error there."""
    linecache.cache[name] = (len(source), None, source.splitlines(True), name)
    try:
        exec(compile(source, name, "exec"), {"np": np, "mg": mg})
    except Exception as error:
        return mg.explain(error)


@pytest.mark.parametrize(
    ("last", "call", "fix"),
    [
        ("y = h @ W", "h @ W", "h.T @ W"),
        ("y = (2 * h.data) @ W", "2 * h.data @ W", "(2 * h.data).T @ W"),
        ("y = h * hleper", None, "did you mean helper?"),
        ("y = helper(W)", None, "x has 2 axes here, and 4 are expected"),
        ("assert h.shape == (2, 2)", None, ""),
        ("raise ValueError('do not fit')", None, ""),
    ],
)
def test_a_cell_of_a_notebook_that_fails(last, call, fix):
    cell = (
        "def helper(x):\n    n, c, h, w = x.shape\n"
        f"W = np.ones((2, 4))\nh = np.tanh(mg.Tensor(np.ones((2, 3))))\n{last}\n"
    )
    e = run_cell(cell, f"<ipython-input-{len(last)}>")
    if call is not None:
        assert e.failure.call == call
        assert [e.lines[i].name for i in e.failure.lines] == ["h", "W"]
    assert fix in e.failure.fix
    assert bool(fix) == bool(e.failure.fix)
    shown_everywhere(e)


def test_code_without_a_source_is_told_by_its_error_alone():
    with pytest.raises(ValueError, match="matmul") as raised:
        exec("x = np.ones((2, 3)); y = x @ x", {"np": np})
    e = mg.explain(raised.value)
    assert (e.failure.call, e.failure.fix, e.failure.mark) == (None, "", None)
    shown_everywhere(e)


def test_nothing_of_the_learners_is_run_again_to_tell_shapes():
    runs = []

    class Odd(mg.Layer):
        @property
        def W(self):
            runs.append("W")
            return np.ones((5, 5))

        def made(self, x):
            runs.append("made")
            return x

        def forward(self, x):
            return self.made(x) @ self.W

        def backward(self, dout):
            return dout

    e = mg.explain(seq(Odd(), affine(3, 2)), X, T)
    assert runs == ["made", "W"]
    assert e.failure.call == "Odd.forward(x)"
    shown_everywhere(e)
    assert runs == ["made", "W"]


# ---- layers of data alone ------------------------------------------------------------------------
class Scaled(mg.Layer):
    def forward(self, x):
        return x * 0.5

    def backward(self, dout):
        return dout * 0.5


@pytest.mark.parametrize(
    "layers",
    [
        [Scaled()],
        [Scaled(), Scaled()],
        [mg.wrap(ByHand(lambda self, x: x + 1.0))],
        [mg.Flatten()],
        [mg.Dropout(0.0, rng=0), mg.ReLU()],
        [mg.Sequential(mg.ReLU(), Scaled())],
    ],
    ids=repr,
)
def test_first_layers_that_are_given_data_are_calls_without_a_gradient(layers):
    net = seq(*layers, affine(3, 2))
    e = mg.explain(net, X, T)
    is_layer = re.compile(r"\w+\.forward\(|(flatten|dropout|relu)\(").match
    plain = [line for line in e.lines if is_layer(line.call or "")]
    first = plain[0]
    assert first.call.endswith("(x)")
    assert len(plain) == len([each for layer in layers for each in flat(layer)])
    (product,) = (line for line in e.lines if "@" in (line.call or ""))
    assert product.operands[0] == plain[-1].id
    assert all((line.kind, line.gradient, line.paths) == ("call", None, 0) for line in plain)
    assert e.lines[first.operands[0]].name == "x"
    assert [e.layers[line.layer].kind for line in plain]
    found = net.gradient(X, T)
    assert all(np.array_equal(found[name], dW) for name, dW in e.gradients.items())
    for view in (str(e), page(e), e._repr_mimebundle_()["text/html"]):
        assert f"{first.call}" in view
    assert e.to_mermaid().count("-.->") >= len(plain)
    assert e.check().ok
    assert f"{plain[-1].name}[n, 0]" in str(e.at("W1", 0, 0))
    assert e.health().ok


def flat(layer):
    return layer if isinstance(layer, mg.Sequential) else [layer]


def test_a_net_inside_a_function_is_checked_with_its_layers_of_data():
    net = seq(mg.Flatten(), affine(3, 2))
    e = mg.explain(lambda: net.objective(X, T))
    assert e.line("flatten1").call == "flatten(X)"
    assert e.check().ok


def test_a_forward_by_hand_of_data_that_returns_several_things_is_refused():
    for told in (None, (X, X)):
        with pytest.raises(TypeError, match=r"ByHand.forward must return an array of floats"):
            seq(ByHand(lambda self, x, told=told: told), affine(3, 2)).predict(X)


@pytest.mark.parametrize(
    ("function", "arguments", "said"),
    [
        (lambda q, k: q @ k, [(2, 3, 4), (2, 5, 4)], "q @ np.swapaxes(k, -1, -2): k has 4"),
        (lambda q, k: q @ k, [(2, 3, 4), (2, 5, 6)], "must be as long as the last but one of k"),
        (lambda q, k: q @ k, [(1, 2), (1, 3)], "the last axis of q (2) must be as long"),
        (lambda x: mg.mlp([3, 2], rng=0).objective(x, np.array([0, 2])), [(2, 3)], "3 outputs"),
        (lambda x: mg.mlp([3, 2], rng=0).objective(x, np.array([0, 1])), [(3,)], "a batch of one"),
    ],
)
def test_a_fix_is_said_of_the_axis_and_the_labels_that_are_there(function, arguments, said):
    failure = mg.explain(function, *map(np.ones, arguments)).failure
    assert said in failure.fix


def test_a_transposition_that_failed_is_an_operand():
    e = mg.explain(lambda a, b: np.einsum("ij,jk->ik", a.T, b), np.ones((2, 3)), np.ones((3, 2)))
    assert e.failure.operands == [("a.T", (3, 2)), ("b", (3, 2))]


class WrongBack(mg.Layer):
    param_grads: ClassVar = {}

    def forward(self, x):
        self.x = x
        return x[:, :2]

    def backward(self, dout):
        return dout @ self.x


def test_a_backward_that_fails_tells_the_shapes_of_the_expression_and_the_fix():
    net = seq(affine(3, 4), WrongBack(), affine(2, 2))
    failure = mg.explain(net, np.ones((5, 3)), np.zeros(5, int)).failure
    assert failure.phase == "backward"
    assert failure.within == [("dout", (5, 2)), ("self.x", (5, 4))]
    assert failure.fix == "dout.T @ self.x: dout has 5 as its first axis"
