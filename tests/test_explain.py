"""Explanations: what they say is what the engine computed."""

import base64
import itertools
import json
import re
from types import MappingProxyType

import numpy as np
import pytest
import seed_notebook
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad.explain import Explanation
from minigrad.explain.data.model import array_summary

X = np.random.default_rng(0).normal(size=(4, 2))
T = np.array([0, 1, 0, 1])


class Affine(mg.Layer):
    """The book's layer, as a student writes it."""

    param_grads = MappingProxyType({"W": "dW", "b": "db"})

    def __init__(self, W, b):
        self.W, self.b = W, b

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, dout):
        self.dW = self.x.T @ dout
        self.db = np.sum(dout, axis=0)
        return dout @ self.W.T


class Residual(mg.Layer):
    """A layer around a network: x + scale * inner(x)."""

    def __init__(self, inner):
        self.inner = inner
        self.scale = mg.Tensor(0.5)

    def __call__(self, x):
        return x + self.scale * self.inner(x)


def apples():
    apple, apple_num, tax = mg.Tensor(100.0), mg.Tensor(2.0), mg.Tensor(1.1)
    apple_price = apple * apple_num
    price = apple_price * tax
    return price, locals()


def apples_and_oranges():
    apple, apple_num, tax = mg.Tensor(100.0), mg.Tensor(2.0), mg.Tensor(1.1)
    orange, orange_num = mg.Tensor(150.0), mg.Tensor(3.0)
    price = (apple * apple_num + orange * orange_num) * tax
    return price, locals()


def two_layers():
    return mg.mlp([2, 3, 2], dropout=0.5, rng=0)


def by_hand():
    """The notes' Dropout, a student's Affine, and ours."""
    rng = np.random.default_rng(3)
    return mg.Sequential(
        Affine(rng.normal(size=(2, 3)), np.zeros(3)),
        mg.Sigmoid(),
        seed_notebook.Dropout(0.3),
        mg.Affine(3, 2, rng=0),
        loss=mg.SoftmaxWithLoss(),
    )


class Recurrent(mg.Network):
    """One layer three times, and a skip."""

    def __init__(self):
        super().__init__(loss=mg.MeanSquaredError())
        self.cell = mg.Affine(2, 2, rng=0)

    def __call__(self, x):
        h = x
        for _ in range(3):
            h = np.tanh(self.cell(h)) + h
        return h


def wired():
    layers = [mg.Affine(2, 2, rng=0), Residual(mg.mlp([2, 5, 2], rng=1)), mg.Affine(2, 2, rng=2)]
    return mg.Sequential(*layers, loss=mg.SoftmaxWithLoss())


def rules(e):
    """All contributions as they are printed: dW += x.T @ dz."""
    return [f"{e.lines[c.to].d} {c.sign} {c.rule}" for step in e.steps for c in step.contributions]


def bits(arrays):
    return {name: (a.dtype, a.shape, a.tobytes()) for name, a in arrays.items()}


# ---- the book ------------------------------------------------------------------------------------
def test_the_books_apples():
    price, names = apples()
    e = mg.explain(price, names=names)
    assert round(e.line("price").value.item(), 9) == 220
    assert {k: round(g.item(), 9) for k, g in e.gradients.items()} == {
        "apple": 2.2,
        "apple_num": 110,
        "tax": 200,
    }
    assert [line.call for line in e.lines if line.call] == [
        "apple * apple_num",
        "apple_price * tax",
    ]
    assert rules(e) == [
        "dapple_price = dprice * tax",
        "dtax = dprice * apple_price",
        "dapple = dapple_price * apple_num",
        "dapple_num = dapple_price * apple",
    ]
    assert "dapple_num = dapple_price * apple = 1.1 * 100 = 110" in e.text(80)


def test_the_books_apples_and_oranges():
    price, names = apples_and_oranges()
    e = mg.explain(price, names=names)
    found = {name: round(g.item(), 9) for name, g in e.gradients.items()}
    assert round(e.line("price").value.item(), 9) == 715
    expected = {"apple": 2.2, "apple_num": 110, "orange": 3.3, "orange_num": 165, "tax": 650}
    assert found == expected
    assert "   650" in str(e.text(80)) or "= 650" in e.text(80)


def test_a_two_layer_net_with_dropout_and_softmax_reads_as_in_the_book():
    e = mg.explain(two_layers(), X, T)
    assert [line.call for line in e.lines if line.call] == [
        "x @ W1 + b1",
        "relu(affine1)",
        "relu1 * mask",
        "dropout1 @ W2 + b2",
        "softmax(affine2)",
        "softmax_cross_entropy(affine2, t)",
    ]
    assert rules(e) == [
        "daffine2 = (p - one_hot(t, 2)) * (dloss / 4)",
        "ddropout1 = daffine2 @ W2.T",
        "dW2 = dropout1.T @ daffine2",
        "db2 = daffine2.sum(axis=0)",
        "drelu1 = ddropout1 * mask",
        "daffine1 = drelu1 * (relu1 > 0)",
        "dW1 = x.T @ daffine1",
        "db1 = daffine1.sum(axis=0)",
    ]
    paths = [e.layers[line.layer].path for line in e.lines if line.call]
    assert paths == ["net[0]", "net[1]", "net[2]", "net[3]", "net.loss_layer", "net.loss_layer"]
    (note,) = {c.note for s in e.steps for c in s.contributions if e.lines[c.to].name == "b1"}
    assert note.startswith("b1 was broadcast over the batch")


def test_one_hot_targets_read_p_minus_t():
    e = mg.explain(two_layers(), X, np.eye(2)[T])
    assert rules(e)[0] == "daffine2 = (p - t) * (dloss / 4)"


def test_a_text_that_depends_on_numbers_is_not_remembered_for_others():
    net = two_layers()
    soft = mg.explain(net, X, np.full((4, 2), 0.4999))  # rows that do not quite sum to one
    assert rules(soft)[0].startswith("daffine2 = (p * np.sum(t, axis=-1, keepdims=True) - t) *")
    assert rules(mg.explain(net, X, np.eye(2)[T]))[0] == "daffine2 = (p - t) * (dloss / 4)"
    assert rules(mg.explain(net, X, T))[0] == "daffine2 = (p - one_hot(t, 2)) * (dloss / 4)"


# ---- the engine ----------------------------------------------------------------------------------
@pytest.mark.parametrize("make", [two_layers, by_hand, Recurrent, wired])
def test_the_gradients_of_a_network_are_those_of_its_next_gradient(make):
    net, twin = make(), make()
    t = X if make is Recurrent else T
    vars(np.random)["seed"](5)
    e = mg.explain(net, X, t)
    vars(np.random)["seed"](5)
    assert bits(e.gradients) == bits(twin.gradient(X, t))
    vars(np.random)["seed"](5)
    assert bits(net.gradient(X, t)) == bits(e.gradients)  # explaining drew no numbers


CALLS = [
    lambda a, b: a * b,
    lambda a, b: np.tanh(a) + b,
    lambda a, b: a @ b.T @ a,
    lambda a, b: np.maximum(a, b) - a,
    lambda a, b: np.exp(-a) / (1 + b**2),
    lambda a, b: a - np.mean(b, axis=0),
    lambda a, b: np.where(a.data > 0, a, b[:1]),
]


@given(
    st.lists(st.tuples(st.sampled_from(CALLS), st.integers(0, 9), st.integers(0, 9)), min_size=1)
)
def test_every_number_is_the_engines_and_every_sum_adds_up(program):
    values = [mg.Tensor(a) for a in np.random.default_rng(0).normal(size=(3, 2, 3))]
    leaves = list(values)
    for call, i, j in program:
        values.append(call(values[i % len(values)], values[j % len(values)]))
    y = np.sum(values[-1])
    e = mg.explain(y, names={f"x{i}": x for i, x in enumerate(leaves)})
    reached = {line.name: line.gradient for line in e.leaves}
    for name, g in zip(["x0", "x1", "x2"], mg.gradients(y, leaves), strict=True):
        assert np.array_equal(reached.get(name, np.zeros((2, 3))), g, equal_nan=True)
    for line in e.lines:
        coming = e.contributions_to(line.id)
        for k, (_, c) in enumerate(coming):
            total = sum((c.share for _, c in coming[1 : k + 1]), start=coming[0][1].share)
            assert (c.path, c.paths) == (k + 1, len(coming))
            assert np.array_equal(c.running, total, equal_nan=True)
            assert c.share.shape == line.value.shape
        if coming:
            assert np.array_equal(line.gradient, coming[-1][1].running, equal_nan=True)
    order = [step.line for step in e.steps]
    assert order == sorted(order, reverse=True)
    assert all(i is None or i < line.id for line in e.lines for i in line.operands)


def test_a_fan_out_says_path_k_of_n_and_the_sum_so_far():
    x = mg.Tensor([1.0, 2.0])
    y = np.sum(x * x * x)
    e = mg.explain(y)
    to_x = [c for _, c in e.contributions_to(e.line("x").id)]
    assert [(c.sign, c.path, c.paths) for c in to_x] == [("=", 1, 3), ("+=", 2, 3), ("+=", 3, 3)]
    assert to_x[1].running.tolist() == [2, 8]
    text = e.text(80)
    assert "path 1 of 3: x is used 3 times" in text
    assert "path 2 of 3; the sum so far: [2 8]" in text
    assert "path 3 of 3; the sum: [3 12]" in text


@pytest.mark.parametrize(
    ("shape", "rule", "words"),
    [
        ((3,), "dz.sum(axis=0)", "b was broadcast over the batch"),
        ((4, 1), "dz.sum(axis=1, keepdims=True)", "b was broadcast along axis 1"),
        ((1, 1), "dz.sum(axis=(0, 1), keepdims=True)", "b was broadcast along axes 0 and 1"),
        ((1,), "dz.sum(axis=(0, 1)).reshape((1,))", "b was broadcast along axes 0 and 1"),
        ((), "dz.sum()", "b is one number, and was used for every entry of z"),
        ((4, 3), "dz", ""),
    ],
)
def test_broadcasting_is_undone_in_words_and_as_code(shape, rule, words):
    x, b = mg.Tensor(np.ones((4, 3))), mg.Tensor(np.ones(shape))
    z = x + b
    e = mg.explain(z)
    (c,) = (c for c in e.steps[0].contributions if e.lines[c.to].name == "b")
    assert c.rule == rule
    assert c.note.startswith(words)
    assert np.array_equal(eval(rule, {"dz": np.ones((4, 3))}), c.share)


def test_what_is_joined_taken_and_turned_around_reads_as_numpy():
    x, z = mg.Tensor(np.ones((2, 2))), mg.Tensor(np.ones((2, 1)))
    y = np.concatenate([x.T, z], axis=1)[0]
    e = mg.explain(y)
    calls = [line.call for line in e.lines if line.call]
    assert calls == ["x.T", "np.concatenate([v1, z], axis=1)", "v2[0]"]
    assert rules(e) == [
        "dv2 = scatter(dy, 0, v2.shape)",
        "dv1 = np.split(dv2, np.cumsum([2, 1])[:-1], axis=1)[0]",
        "dz = np.split(dv2, np.cumsum([2, 1])[:-1], axis=1)[1]",
        "dx = dv1.T",
    ]
    note = e.steps[0].contributions[0].note
    assert note == "zeros of v2's shape, with dy put back where v2[0] took it"


def test_a_change_of_dtype_is_said():
    x = mg.Tensor(np.ones(2, np.float32))
    e = mg.explain(np.sum(x * np.sqrt(2.0)))
    notes = [c.note for s in e.steps for c in s.contributions]
    assert "converted back from float64 to float32" in notes


# ---- names ---------------------------------------------------------------------------------------
def test_a_value_called_dx_is_told_from_the_gradient_of_x():
    x, dx, dout = mg.Tensor(2.0), mg.Tensor(5.0), mg.Tensor(3.0)
    out = x * dx * dout
    e = mg.explain(out)
    names = [line.name for line in e.lines] + [line.d for line in e.lines]
    assert len(set(names)) == len(names)
    assert "dv1   = d(out) * dout = 1 * 3 = 3" in e.text(80).replace("dv1    ", "dv1   ")
    assert "d(x) = dv1 * dx = 3 * 5 = 15" in e.text(80)
    assert str(e.why("x")).endswith("d(x) = 15")
    assert json.loads(e.to_json())["lines"][0]["d"] == "d(x)"


def test_one_number_alone_is_written_once(tmp_path):
    x = mg.Tensor(-2.0)
    y = -(x + 1.0)
    e = mg.explain(y * 3.0)
    assert "(-3) = -3" not in e.text(80)
    assert "dx = dv1 = -3\n" in e.text(80)
    e.save(tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text("utf-8")
    assert '<p class="mono">= <b class="share">-3</b></p>' in page


def test_a_long_sum_of_numbers_begins_with_its_sign():
    a, b = mg.Tensor(2.0), mg.Tensor(0.5)
    row = "         = 1 * (1.414 * np.log(np.where(2 > 0, 2, 1.0))) = 0.9803\n"
    assert row in mg.explain(a**b).text(80)


@pytest.mark.parametrize(
    ("x", "W", "dx", "dW"),
    [
        ([1.0, 2.0], [3.0, 4.0], "dy * W", "dy * x"),
        ([1.0, 2.0], [[3.0], [4.0]], "W @ dy", "np.outer(x, dy)"),
        ([[1.0, 2.0]], [3.0, 4.0], "np.outer(dy, W)", "x.T @ dy"),
    ],
)
def test_a_dot_of_vectors_reads_as_a_teacher_writes_it(x, W, dx, dW):
    x, W = mg.Tensor(x), mg.Tensor(W)
    step = mg.explain(np.dot(x, W)).steps[0]
    assert [c.rule for c in step.contributions] == [dx, dW]


def test_names_are_the_callers_when_none_are_given():
    weight = mg.Tensor(2.0)
    area = weight * 3.0
    assert [line.name for line in mg.explain(area).lines] == ["weight", "area"]


def test_data_has_the_name_of_the_array_that_it_is_a_copy_of():
    batch = np.ones((2, 2))
    W = mg.Tensor(np.eye(2))
    z = batch @ W
    e = mg.explain(z)
    batch[:] = 7  # the graph keeps what it saw, and so does its explanation
    assert e.lines[-1].call == "batch @ W"
    assert e.line("batch").kind == "data"
    assert e.line("batch").value.tolist() == [[1, 1], [1, 1]]


def test_data_with_numbers_missing_is_found_too():
    batch = np.array([[1.0, np.nan]])
    W = mg.Tensor([[0.0], [1.0]])
    assert mg.explain(batch @ W).lines[-1].call == "batch @ W"


def test_names_of_variables_in_a_function_and_in_a_networks_call():
    def two_steps(a, b):
        hidden = np.tanh(a * b)
        return hidden + a

    e = mg.explain(two_steps, 1.0, np.ones(2))
    assert [line.name for line in e.lines] == ["a", "b", "v1", "hidden", "two_steps"]
    names = [line.name for line in mg.explain(Recurrent(), X, X).lines if line.call]
    assert names[:-1] == ["affine1", "v1", "h", "affine2", "v2", "h2", "affine3", "v3", "h3"]


def test_a_layer_that_is_called_again_is_counted():
    e = mg.explain(Recurrent(), X, X)
    cells = [group for group in e.layers if group.path == "net.cell"]
    assert [(g.call, g.calls) for g in cells] == [(1, 3), (2, 3), (3, 3)]
    to_W = [c for _, c in e.contributions_to(e.line("cell.W").id)]
    assert [c.sign for c in to_W] == ["=", "+=", "+="]


def test_layers_inside_layers_know_their_parents():
    e = mg.explain(wired(), X, T)
    inner = [g for g in e.layers if g.parent is not None]
    assert inner
    assert all(g.path.startswith(e.layers[g.parent].path) for g in inner)


def test_no_two_lines_have_one_name():
    for make, t in ((two_layers, T), (by_hand, T), (Recurrent, X), (wired, T)):
        names = [line.name for line in mg.explain(make(), X, t).lines]
        assert len(names) == len(set(names))


def test_a_name_such_as_script_is_text_everywhere():
    x = mg.Tensor([1.0, 2.0], name="<script>alert(1)</script>")
    e = mg.explain(np.sum(x * x))
    bundle = e._repr_mimebundle_()
    assert "<script>alert(1)</script>" in bundle["text/plain"]
    assert "<script" not in bundle["text/html"]
    assert "&lt;script&gt;" in bundle["text/html"]


# ---- layers written by hand, rules without source ------------------------------------------------
def test_a_layer_written_by_hand_shows_its_own_backward():
    e = mg.explain(by_hand(), X, T)
    step = next(s for s in e.steps if (e.lines[s.line].call or "").startswith("Affine.forward"))
    assert "self.dW = self.x.T @ dout" in step.backward
    assert "self.dW = self.x.T @ dout" in str(e.text(100))
    assert set(step.caches) == {"x"}
    told = [c.rule for c in step.contributions]
    assert told == [f"Affine.backward(daffine1), kept as {kept}" for kept in ("dW", "db")]


def test_the_notes_dropout_shows_its_mask_and_says_that_it_has_no_source():
    e = mg.explain(by_hand(), X, T)
    step = next(s for s in e.steps if (e.lines[s.line].call or "").startswith("Dropout.forward"))
    assert step.caches["mask"].shape == (4, 3)
    assert step.backward is None
    assert "Dropout.backward is written by hand, and its source is not to be had" in step.note


def test_a_rule_without_a_source_says_so():
    home = {"mg": mg}
    exec("cube = mg.primitive(lambda g, y, x: g * 3 * x * x)(lambda x: x * x * x)", home)
    x = mg.Tensor(2.0)
    e = mg.explain(home["cube"](x))
    assert "not to be had" in e.steps[0].note
    assert e.gradients["x"] == 12


def test_a_rule_of_ones_own_is_read_from_the_file_it_is_in():
    @mg.primitive(
        lambda g, y, a, b: g * a / y,
        lambda g, y, a, b: g * b / y,
    )
    def length(a, b):
        return np.sqrt(a**2 + b**2)

    a, b = mg.Tensor(3.0), mg.Tensor(4.0)
    y = length(a, b)
    e = mg.explain(y)
    assert rules(e) == ["da = dy * a / y", "db = dy * b / y"]
    assert e.steps[0].contributions[0].rule_source.startswith(__file__)


# ---- data ----------------------------------------------------------------------------------------
def test_json_is_strict_complete_and_says_its_schema():
    e = mg.explain(two_layers(), X, T)
    data = json.loads(e.to_json())
    assert data["schema"] == "minigrad.explanation/1"
    assert len(data["lines"]) == len(e.lines)
    assert data["lines"][data["output"]]["name"] == "loss"
    first = data["steps"][0]["contributions"][0]
    assert first["rule"] == "(p - one_hot(t, 2)) * (dloss / 4)"
    assert first["share"]["values"] == e.steps[0].contributions[0].share.tolist()
    assert [i["id"] for i in data["layers"]] == list(range(len(e.layers)))


def test_json_of_numbers_that_are_none_is_strict_too():
    p = mg.Tensor([0.0, 1.0])
    with np.errstate(all="ignore"):
        y = np.sum(1 / p)

    def refuse(word):
        raise AssertionError(word)

    data = json.loads(mg.explain(y).to_json(), parse_constant=refuse)
    (v1,) = (line for line in data["lines"] if line["name"] == "v1")
    assert v1["value"]["values"] == ["inf", 1.0]
    assert v1["value"]["not_finite"] == 1


def test_large_arrays_are_summarised_in_json_and_kept_whole_in_the_object():
    x = mg.Tensor(np.arange(1000.0))
    e = mg.explain(np.sum(x))
    data = json.loads(e.to_json())
    assert data["lines"][0]["value"] == {
        "shape": [1000],
        "dtype": "float64",
        "min": 0.0,
        "max": 999.0,
        "not_finite": 0,
        "values": None,
    }
    assert e.line("x").value.size == 1000
    assert array_summary(np.zeros((0, 2)), 10)["min"] is None


def test_an_explanation_keeps_its_numbers_when_training_goes_on():
    net = two_layers()
    e = mg.explain(net, X, T)
    before = e.line("W1").value.copy()
    text = str(e)
    mg.SGD(lr=1.0).update(net.params, net.gradient(X, T))
    assert np.array_equal(e.line("W1").value, before)
    assert str(e) == text
    with pytest.raises(RuntimeError, match="was written after this was explained"):
        e.check()


# ---- views ---------------------------------------------------------------------------------------
@pytest.mark.parametrize("make", [two_layers, by_hand, wired])
@pytest.mark.parametrize("width", [60, 80, 120])
def test_the_text_fits_the_width(make, width):
    lines = mg.explain(make(), X, T).text(width).splitlines()
    assert [x for x in lines if len(x) > width] == []


def test_colour_is_for_terminals_and_can_be_refused(monkeypatch):
    price, names = apples()
    e = mg.explain(price, names=names)
    assert "\033" not in str(e)  # the output of a test is no terminal
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\033" in e.text()
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\033" not in e.text()
    plain, coloured = e.text(80, colour=False), e.text(80, colour=True)
    for code in ("0", "1", "2", "33", "35", "36", "1;31"):
        coloured = coloured.replace(f"\033[{code}m", "")
    assert coloured == plain


def test_the_notebook_shows_every_step_without_a_script():
    e = mg.explain(by_hand(), X, T)
    html = e._repr_mimebundle_()["text/html"]
    before, image, after = re.split(r'src="data:image/svg\+xml;base64,([^"]+)"', html)
    assert base64.b64decode(image).decode() == e.to_svg()
    html = before + after
    assert html.count("<details") == len(e.steps) + 2
    assert not any(word in html for word in ("<script", "<style", "onclick", "http"))
    for tag in ("details", "summary", "table", "tr", "td", "div", "code", "pre", "p", "b", "i"):
        opened = sum(html.count(f"<{tag}{end}") for end in (">", " "))
        assert opened == html.count(f"</{tag}>"), tag
    assert "path 1 of 3" in mg.explain(Recurrent(), X, X)._repr_mimebundle_()["text/html"]


def test_ten_thousand_nodes_are_explained_collapsed():
    layers = [kind for i in range(2500) for kind in (mg.Affine(2, 2, rng=i), mg.Tanh())]
    net = mg.Sequential(*layers, loss=mg.SoftmaxWithLoss())
    e = mg.explain(net, X, T)
    text = str(e)
    assert len(e._repr_mimebundle_()["text/html"]) < 2_000_000
    assert len(e.lines) > 10_000
    assert "net[0] Affine(2, 2): 1 call, to affine1 (4, 2)" in text
    assert len(text.splitlines()) < 120


def test_a_deep_chain_without_layers_is_explained_too():
    x = mg.Tensor(0.5)
    y = x
    for _ in range(3000):
        y = np.sin(y) + x
    e = mg.explain(y)
    assert np.array_equal(e.gradients["x"], mg.gradients(y, x))
    assert len(e.text(80).splitlines()) < 120
    assert len(e.text(80, whole=True).splitlines()) > 6000


# ---- the door ------------------------------------------------------------------------------------
def test_explain_can_be_called_however_it_is_imported():
    import minigrad.explain as package
    from minigrad.explain import explain

    x = mg.Tensor(2.0)
    for door in (mg.explain, package, explain):
        assert isinstance(door(x * x), Explanation)


def test_a_layer_can_be_explained_by_itself():
    e = mg.explain(mg.Affine(2, 3, rng=0), X)
    assert [line.name for line in e.lines] == ["x", "W", "b", "y"]
    assert [(g.path, g.title) for g in e.layers] == [("layer", "Affine(2, 3)")]
    assert rules(e) == ["dx = dy @ W.T", "dW = x.T @ dy", "db = dy.sum(axis=0)"]


def test_what_cannot_be_explained_is_refused():
    with pytest.raises(TypeError, match="an array remembers no calls"):
        mg.explain(np.ones(2))
    with pytest.raises(TypeError, match=r"explain takes a Tensor, .* not 3"):
        mg.explain(3)
    with pytest.raises(TypeError, match=r"mg.explain\(net, x, t\)"):
        mg.explain(two_layers(), X)
    with pytest.raises(TypeError, match="a Tensor takes nothing more, but 2 more came"):
        mg.explain(mg.Tensor(1.0) * 2.0, X, T)
    with pytest.raises(TypeError, match="an exception takes nothing more, but 1 more came"):
        mg.explain(ValueError("no"), X)
    with pytest.raises(TypeError, match="nothing was recorded"):
        mg.explain(lambda: 3.0)
    with pytest.raises(KeyError, match="no value is called 'W9'"):
        mg.explain(two_layers(), X, T).line("W9")


def test_explaining_leaves_no_hook_behind():
    import sys

    mg.explain(two_layers(), X, T)
    assert sys.getprofile() is None
    mg.explain(two_layers(), X[:, :1], T)
    assert sys.getprofile() is None


def test_leaves_that_nothing_reaches_have_no_gradient():
    x, w = mg.Tensor([1.0, 2.0]), mg.Tensor(2.0)
    y = np.sum(np.copysign(w, x))
    e = mg.explain(y)
    assert e.line("x").gradient is None
    assert "no gradient" in e.text(80)
    assert list(itertools.chain(e.gradients)) == ["w"]


def test_a_graph_that_is_there_already_finds_the_layers_by_their_parameters():
    net = two_layers()
    loss = net.objective(X, T)
    e = mg.explain(loss, names={"net": net, "loss": loss, "batch": X})
    assert [(g.path, g.title) for g in e.layers] == [
        ("net[0]", "Affine(2, 3)"),
        ("net[3]", "Affine(3, 2)"),
    ]
    calls = [line.call for line in e.lines if line.call]
    assert calls[0] == "batch @ net.W1 + net.b1"
    assert calls[2] == "v2 * net[2].mask"


def test_what_is_typed_into_a_session_is_readable():
    e = mg.explain(two_layers(), X, T)
    assert repr(e) == "<Explanation of 6 calls and 5 steps back: print it>"
    assert repr(e.at("b1", 0)) == str(e.at("b1", 0))
    assert repr(e.why("b1")).startswith("1 path from loss to b1")


def test_parameters_in_a_dict_are_differentiated_by_too():
    def model(params, x):
        hidden = np.tanh(x @ params["W"])
        return np.sum(hidden * params["scale"])

    e = mg.explain(model, {"W": np.eye(2), "scale": 2.0}, X)
    assert [line.name for line in e.leaves] == ["x", "params['W']", "params['scale']"]
    assert next(iter(rules(e)[1:])).startswith("dhidden = dv2 * params['scale']")


def test_an_input_that_is_a_tensor_has_a_gradient():
    x = mg.Tensor(X)
    e = mg.explain(two_layers(), x, T)
    assert e.line("x").kind == "leaf"
    assert e.gradients["x"].shape == X.shape


def test_a_name_cannot_command_the_terminal():
    x = mg.Tensor(2.0, name="a\x1b]0;title\x07\u202eb")
    e = mg.explain(x * x, names={})
    for told in (e.text(60, colour=True), str(e.at(x.name)), str(e.why(x.name)), str(e.check())):
        assert not {"\x07", "\u202e"} & {*told}
        assert "\x1b]" not in told
    assert "\x1b" not in e.text(60, colour=False)


# ---- as the learner wrote it ---------------------------------------------------------------------
def test_relu_and_maximum_are_called_by_their_names_and_keep_their_rules_at_zero():
    x = mg.Tensor([-1.0, 0.0, 2.0])
    h, m = mg.relu(x), np.maximum(x, 0)
    e = mg.explain(np.sum(h) + np.sum(m), names={"x": x, "h": h, "m": m})
    assert (e.line("h").call, e.line("m").call) == ("relu(x)", "np.maximum(x, 0)")
    by_call = {e.lines[s.line].call: s.contributions[0] for s in e.steps}
    assert by_call["relu(x)"].rule == "dh * (h > 0)"
    assert by_call["relu(x)"].share.tolist() == [0, 0, 1]
    assert by_call["np.maximum(x, 0)"].share.tolist() == [0, 0.5, 1]


def test_indices_and_axes_in_a_rule_are_written_as_a_person_writes_them():
    x = mg.Tensor(np.arange(24.0).reshape(2, 3, 4))
    rows = np.array([0, 2])
    part = x[:, rows, 1:]
    turned = np.transpose(part, (2, 0, 1))
    flat = np.reshape(turned, (-1,))
    e = mg.explain(np.sum(flat))
    assert [c.rule for step in e.steps for c in step.contributions][1:] == [
        "np.reshape(dflat, turned.shape)",
        "np.transpose(dturned, (1, 2, 0))",
        "scatter(dpart, np.s_[:, rows, 1:], x.shape)",
    ]


def test_a_step_of_time_is_named_as_a_part_of_its_array():
    xs = np.random.default_rng(0).normal(size=(2, 4, 3))
    W, h = mg.Tensor(np.eye(3)), np.zeros((2, 3))
    for t in range(4):
        h = np.tanh(xs[:, t] @ W + h)
    e = mg.explain(np.sum(h))
    calls = [line.call for line in e.lines if line.function == "np.matmul"]
    assert calls == [f"xs[:, {t}] @ W" for t in range(4)]
    data = [line for line in e.lines if line.kind == "data"]
    assert [line.name for line in data if "xs" not in line.name] == ["c"]  # zeros: could be any
    for line in data:
        if "xs" in line.name:
            assert np.array_equal(eval(line.name), line.value)


def test_a_row_that_comes_twice_is_not_called_one_of_the_two():
    xs = np.array([[1.0, 2.0], [1.0, 2.0], [3.0, 1.0]])
    w = mg.Tensor([1.0, 1.0])
    e = mg.explain(np.sum(w * xs[0]) + np.sum(w * xs[2]), names={"w": w, "xs": xs})
    assert [line.name for line in e.lines if line.kind == "data"] == ["c", "xs[2]"]


@pytest.mark.parametrize("width", [60, 80, 140])
def test_a_call_of_the_forward_pass_is_shown_whole_at_any_width(width):
    x = mg.Tensor(np.ones((2, 3, 4)))
    weights_of_a_layer = mg.Tensor(np.ones((4, 2)))
    turned = np.transpose(x, (1, 0, 2))
    scores_of_a_layer = np.reshape(turned, (6, -1)) @ weights_of_a_layer
    e = mg.explain(np.sum(mg.softmax(scores_of_a_layer)))
    rows = e.text(width, colour=False).splitlines()
    told = rows[: rows.index("")]
    assert all(len(row) <= width for row in told)
    forward = " ".join(told) + " "
    for line in e.lines:
        if line.kind == "call":
            assert f"= {line.call} " in forward, line.call


class Steep(mg.Layer):
    def forward(self, x):
        self.root = np.sqrt(x * x + 1.0)
        self.x = x
        return x / self.root

    def backward(self, dout):
        cubes = self.root * self.root * self.root
        slopes = 1.0 / self.root - self.x * self.x / cubes  # as  it  was  written
        return dout * slopes + np.zeros_like(self.x) * np.sum(cubes) + np.zeros_like(self.x)


def test_rules_and_code_are_shown_whole_at_sixty_columns():
    x = mg.Tensor(np.ones((2, 3)))
    probabilities = mg.softmax(mg.wrap(Steep())(x))
    e = mg.explain(np.sum(probabilities * probabilities))
    rows = e.text(60, colour=False).splitlines()
    assert max(map(len, rows)) <= 60
    told = "".join("".join(rows).split())
    shown = [c.rule for step in e.steps for c in step.contributions]
    shown += [step.backward for step in e.steps if step.backward]
    assert any("probabilities * (d" in rule for rule in shown)
    for text in shown:
        assert "".join(text.split()) in told
    narrow, wide = "\n".join(rows), e.text(100, colour=False)
    assert "as  it  was  written" in wide
    assert "slopes = 1.0" in narrow


def test_a_factor_that_a_layer_kept_is_called_what_it_is_called_there():
    """With gamma 1 and beta 0 its output has the same numbers."""
    layer = Normal()
    e = mg.explain(mg.Sequential(layer, loss=mg.MeanSquaredError()), X, X * X)
    assert "Σₙ xn[n, 0] · d" in str(e.at("gamma1", 0))


class Normal(mg.Layer):
    param_grads = MappingProxyType({"gamma": "dgamma"})

    def __init__(self):
        self.gamma = np.ones(2)

    def forward(self, x):
        self.xn = x / np.sqrt(np.mean(x * x, axis=0))
        return self.gamma * self.xn

    def backward(self, dout):
        self.dgamma = np.sum(dout * self.xn, axis=0)
        return dout * 0.0
