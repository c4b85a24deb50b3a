"""Names in an explanation are right, or absent: never those of another thing."""

import linecache

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import minigrad as mg

VARIABLES = ("a", "b", "keep", "target")
NUMBERS = {
    "ones": [1.0, 1.0, 1.0],
    "steps": [0.0, 1.0, 2.0],
    "others": [0.3, -1.5, 2.25],
}
TEMPORARY = ("a.copy()", "(b * 1)", "np.array({numbers})", "np.abs(target)")
SHAPES = ("w * {0}", "w**2 * {0}", "w * {0} - {1}", "{1} + w * {0}", "np.maximum(w * {0}, {1})")
programs = st.lists(
    st.tuples(
        st.sampled_from(SHAPES),
        st.tuples(*[st.sampled_from((*VARIABLES, *TEMPORARY))] * 2),
    ),
    min_size=1,
    max_size=3,
)


def written(lines, numbers):
    """The source of a function f(w) whose arrays all have the same numbers; it sums the lines."""
    parts = [shape.format(*operands) for shape, operands in lines]
    made = [f"    {name} = np.array({numbers})" for name in VARIABLES]
    steps = [f"    s{i} = {part}" for i, part in enumerate(parts)]
    total = " + ".join(f"np.sum(s{i})" for i in range(len(parts)))
    answer = [f"    y = {total}", "    return explain(y)"]
    text = "\n".join(["def f(w, explain):", *made, *steps, *answer])
    return text.replace("{numbers}", str(numbers))


def of_data(e):
    """The operands of each call that are data, as they are named, in the order of the calls."""
    return [
        tuple(e.lines[i].name for i in line.operands if i is not None and e.lines[i].kind == "data")
        for line in e.lines
        if line.kind == "call"
    ]


def expected(lines):
    """What the program says there: a variable's name, or None for something without one."""
    asked = [operands[k] for shape, operands in lines for k in (0, 1) if f"{{{k}}}" in shape]
    return [name if name in VARIABLES else None for name in asked]


@settings(max_examples=25)
@given(programs, st.sampled_from(sorted(NUMBERS)), st.booleans())
@example([("w * {0} - {1}", ("a", "target"))], "others", False)
@example([("w * {0} - {1}", ("a", "a.copy()"))], "others", True)
def test_arrays_with_equal_numbers_are_not_taken_for_each_other(lines, kind, watched):
    source = written(lines, NUMBERS[kind])
    file = f"<program {hash(source)}>"
    linecache.cache[file] = (len(source), None, source.splitlines(True), file)
    space = {"np": np}
    exec(compile(source, file, "exec"), space)
    w = np.array([1.5, -2.0, 0.7])
    if watched:
        e = mg.explain(lambda w: space["f"](w, lambda y: y), w)
    else:
        e = space["f"](mg.Tensor(w), mg.explain)
    told = [name for names in of_data(e) for name in names]
    assert len(told) == len(expected(lines))
    for name, right in zip(told, expected(lines), strict=True):
        if watched and right:
            assert name == right
        else:
            assert name == right or name not in VARIABLES, source


@pytest.mark.parametrize("t", [np.array([0, 1]), np.array([1, 0])], ids=str)
def test_an_index_is_called_by_its_own_name(t):
    def picked(s):
        return -np.mean(np.log(mg.softmax(s)[np.arange(len(t)), t]))

    e = mg.explain(picked, np.array([[1.0, 2.0], [3.0, 0.5]]))
    assert e.lines[2].call == "v1[np.array([0, 1]), t]"


def test_one_row_of_an_array_is_the_row_that_was_taken():
    def total(w, xs):
        same = xs[1].copy()
        return np.sum(w * xs[1] + w**2 * xs[0] + w**3 * same)

    xs = np.array([[1.0, 2.0], [1.0, 2.0]])
    e = mg.explain(lambda w: total(w, xs), np.ones(2))
    assert [pair[0] for pair in of_data(e) if pair] == ["xs[1]", "xs[0]", "same"]


def test_the_learners_file_says_which_of_two_it_was():
    w, x, target = mg.Tensor([2.0, 3.0]), np.array([4.0, 5.0]), np.array([4.0, 5.0])
    y = np.sum((w * x - target) ** 2)
    assert [line.call for line in mg.explain(y).lines if line.call][:2] == ["w * x", "v1 - target"]


def test_an_array_that_was_written_into_is_two():
    def twice(w):
        x = np.array([1.0, 2.0])
        first = np.sum(w * x)
        x[0] = 7.0
        return first + np.sum(w**2 * x)

    e = mg.explain(twice, np.ones(2))
    assert [line.value.tolist() for line in e.lines if line.kind == "data"] == [[1, 2], [7, 2]]


# ---- objects that hold Tensors ------------------------------------------------------------------
class Net:
    """A learner's class: Tensors in an attribute, and in a dict."""

    def __init__(self, seed=0):
        rng = np.random.default_rng(seed)
        self.W1 = mg.Tensor(rng.normal(size=(2, 3)))
        self.params = {"W2": mg.Tensor(rng.normal(size=(3, 1)))}

    def loss(self, x, t):
        return np.mean((np.tanh(x @ self.W1) @ self.params["W2"] - t) ** 2)


BATCH, GOAL = np.array([[1.0, 2.0], [0.5, -1.0]]), np.array([[0.3], [0.7]])


def test_tensors_in_objects_are_called_as_in_the_object():
    net = Net()
    for e in (
        mg.explain(net.loss(BATCH, GOAL)),
        mg.explain(net.loss, BATCH, GOAL),
        mg.explain(net, BATCH, GOAL),
    ):
        assert {"W1", "W2"} <= e.gradients.keys()
        assert e.line("W1").value.shape == (2, 3)


def test_where_two_objects_clash_names_are_whole():
    net, other = Net(), Net(1)
    e = mg.explain(net.loss(BATCH, GOAL) + other.loss(BATCH, GOAL))
    whole = ["net.W1", "net.params['W2']", "other.W1", "other.params['W2']"]
    assert sorted(e.gradients) == whole
    assert sorted(mg.explain(other.loss, BATCH, GOAL).gradients)[:2] == ["W1", "W2"]


def test_names_of_parameters_take_no_other_names_away():
    net = Net()
    loss = net.loss(BATCH, GOAL)
    e = mg.explain(loss, names={"first": net.W1, **net.params})
    assert [line.name for line in e.lines if line.kind != "call"][:3] == ["first", "W2", "BATCH"]


def test_unnamed_data_takes_no_name_of_the_learners():
    def cell(w):
        c = np.tanh(w)
        return np.sum(c * np.array([0.25, 4.0]))

    e = mg.explain(cell, np.ones(2))
    assert [line.name for line in e.lines if line.kind == "data"] == ["const"]
    assert e.line("c").call == "np.tanh(w)"
