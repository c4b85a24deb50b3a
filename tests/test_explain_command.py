"""`minigrad explain`: what it takes, prints and writes, and one line for what it refuses."""

import inspect
import io
import json
import pydoc
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import minigrad as mg
from minigrad.cli import main
from minigrad.explain.command import explained
from minigrad.explain.examples import EXAMPLES

TEACHING = Path(__file__).parents[1] / "docs" / "teaching.md"
NET = """
import numpy as np
import minigrad as mg
from beside import classes

def build():
    net = mg.mlp([2, 3, classes], rng=0)
    return net, np.ones((4, 2)), np.array([0, 1, 1, 0])

def loss():
    w = mg.Tensor(2.0, name="w")
    return w * w

def with_names():
    k = mg.Tensor(3.0)
    return k**2, {"k": k}

def nothing():
    pass

def broken():
    return np.ones(3) @ np.ones(4)

def does_not_fit():
    x, W = mg.Tensor(np.ones((2, 3))), mg.Tensor(np.ones((2, 4)))
    h = np.tanh(x)
    return np.sum(h @ W)

def net_does_not_fit():
    return mg.mlp([2, 3, 2], rng=0), np.ones((4, 5)), np.array([0, 1, 1, 0])

def interrupted():
    deeper()

def deeper():
    raise RuntimeError("mine")

def named_by_its_variables():
    batch, W = np.ones((4, 2)), mg.Tensor(np.ones((2, 3)))
    h = squashed(batch, W)
    return np.mean(h**2)

def squashed(batch, W):
    z = batch @ W
    return np.tanh(z)

def vector():
    x = mg.Tensor([1.0, 2.0])
    return np.exp(x)
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "net.py").write_text(NET)
    (tmp_path / "beside.py").write_text("classes = 2\n")
    (tmp_path / "typo.py").write_text("x = 1\ny = x +\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "modules", dict(sys.modules))
    return tmp_path


def shown(capsys, *argv):
    """Run it, and return what it prints."""
    assert main(["explain", *map(str, argv)]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    return out


def refused(capsys, status, *argv):
    """Run it, and return the one line that it says instead."""
    try:
        found = main(["explain", *map(str, argv)])
    except SystemExit as stopped:
        found = stopped.code
    out, err = capsys.readouterr()
    assert (found, out) == (status, "")
    assert err.startswith("minigrad explain: error: ")
    assert len(err.splitlines()) == 1
    return err


# ---- what it takes -------------------------------------------------------------------------------
def test_an_expression_with_values(capsys):
    out = shown(capsys, "(a*b + c)**2", "a=2", "b=3", "c=1")
    for number in ("49", "14", "42", "28"):  # the value, and 2(ab + c) times 1, b and a
        assert number in out


def test_matrices_are_values_too(capsys):
    out = shown(capsys, "sum(x @ W)", "x=[[1, 2]]", "W=[[3], [4]]")
    assert "dW" in out
    assert "x.T" in out


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_example_is_explained(name, capsys):
    out = shown(capsys, name)
    assert all(f"d{leaf.name}" in out for leaf in explained(EXAMPLES[name]()).leaves)


@pytest.mark.parametrize(
    ("function", "leaves"), [("build", "W1 b1 W2 b2"), ("loss", "w"), ("with_names", "k")]
)
def test_a_function_of_a_file(function, leaves, folder, capsys):
    out = shown(capsys, f"net.py::{function}")
    assert all(f"d{name}" in out for name in leaves.split())
    assert "result" not in out  # a variable of the command's own


def test_a_loss_alone_is_told_in_the_names_of_the_functions_variables(folder, capsys):
    out = shown(capsys, "net.py::named_by_its_variables")
    said = " ".join(out.split())
    for told in ("z = batch @ W", "h = np.tanh(z)", "dW = batch.T @ dz"):
        assert told in said


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "cp437", "utf-8"])
def test_every_answer_can_be_printed_where_letters_are_missing(encoding, monkeypatch):
    e = mg.explain(mg.mlp([2, 30, 2], rng=0), np.ones((3, 2)), np.array([0, 1, 0]))
    broken = mg.explain(mg.mlp([3, 2], rng=0), np.ones((3, 2)), np.array([0, 1, 0]))
    out = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    monkeypatch.setattr(sys, "stdout", out)
    print(e, e.at("b2", 0), e.why("W1"), e.check(), e.health(), broken, sep="\n")
    out.flush()
    said = out.buffer.getvalue().decode(encoding)
    monkeypatch.undo()
    assert "\n" in said
    assert "?" not in said  # nothing was lost
    assert "n daffine2[n, 0]" in said or encoding == "utf-8"
    assert ("✓" in said) == (encoding == "utf-8")


def test_an_output_of_several_numbers_is_summed_and_said_to_be(folder, capsys):
    out = shown(capsys, "net.py::vector")
    assert "the walk back begins with ones: these are the gradients of the sum" in out
    assert "dx" in out


def test_it_is_a_command(folder):
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "minigrad", "explain", "a * b", "a=2", "b=3"],
        env={"PYTHONPATH": str(Path(mg.__file__).parents[1])},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "da = dy * b" in done.stdout


@pytest.mark.parametrize(
    "command", re.findall(r"^minigrad (explain .*)$", TEACHING.read_text("utf-8"), re.MULTILINE)
)
def test_the_commands_of_the_documents_work(command, folder, capsys, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    assert main(shlex.split(command)) == 0
    out, err = capsys.readouterr()
    assert out
    assert err == ""


def test_the_documents_list_the_examples():
    listed = re.search(r"\*\*An example\*\*: (.*?)\.", TEACHING.read_text("utf-8"), re.DOTALL)
    assert re.findall(r"`([\w-]+)`", listed[1]) == list(EXAMPLES)


# ---- the examples --------------------------------------------------------------------------------
def rounded(gradients):
    return {name: round(float(g), 9) for name, g in gradients.items()}


def test_the_apples_are_those_of_the_book():
    e = explained(EXAMPLES["apples"]())
    assert float(e.lines[e.output].value) == pytest.approx(220)
    assert rounded(e.gradients) == {"apple": 2.2, "count": 110, "tax": 200}
    e = explained(EXAMPLES["apples-and-oranges"]())
    assert float(e.lines[e.output].value) == pytest.approx(715)
    assert rounded(e.gradients) == {
        "apple": 2.2, "apples": 110, "orange": 3.3, "oranges": 165, "tax": 650,
    }  # fmt: skip


@pytest.mark.parametrize("name", ["two-layer", "dropout"])
def test_the_nets_have_the_gradients_that_nudges_find(name):
    net, x, t = EXAMPLES[name]()
    numerical, e = net.numerical_gradient(x, t), explained((net, x, t))
    for parameter, gradient in e.gradients.items():
        np.testing.assert_allclose(gradient, numerical[parameter], atol=1e-9)


@pytest.mark.parametrize("name", ["softmax", "batchnorm", "attention"])
def test_the_other_examples_have_the_gradients_that_nudges_find(name):
    """Computed again in plain NumPy, apart from minigrad."""
    computed = {"softmax": softmax_loss, "batchnorm": batchnorm_loss, "attention": attention_loss}
    leaves = {line.name: line.value for line in explained(EXAMPLES[name]()).leaves}
    gradients = explained(EXAMPLES[name]()).gradients
    assert gradients.keys() == leaves.keys()
    for leaf, value in leaves.items():
        for place in np.ndindex(value.shape):
            nudge = np.zeros(value.shape)
            nudge[place] = 1e-5
            high, low = (
                computed[name](**leaves | {leaf: value + sign * nudge}) for sign in (1, -1)
            )
            assert gradients[leaf][place] == pytest.approx((high - low) / 2e-5, abs=1e-6)


def plain_softmax(scores):
    powers = np.exp(scores)
    return powers / powers.sum(axis=-1, keepdims=True)


def softmax_loss(scores):
    return -np.log(plain_softmax(scores))[1]


def batchnorm_loss(x, gamma, beta):
    normal = (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + 1e-7)
    weights = [[1, -1], [2, 0.5], [-1, 1], [0.5, 3]]
    return np.sum((gamma * normal + beta) ** 2 * weights)


def attention_loss(q, k, v):
    return np.sum((plain_softmax(q @ k.T / np.sqrt(2)) @ v) ** 2)


# ---- what it writes ------------------------------------------------------------------------------
def test_a_page_a_picture_and_the_data_are_written(folder, capsys):
    out = shown(capsys, "apples", "--html", "a.html", "--svg", "a.svg", "--json", "a.json")
    assert out.split() == ["a.html", "a.svg", "a.json"]
    assert Path("a.html").read_text("utf-8").lower().startswith("<!doctype html>")
    assert "<svg" in Path("a.svg").read_text("utf-8")
    assert json.loads(Path("a.json").read_text("utf-8"))["schema"] == "minigrad.explanation/1"


def test_one_entry_is_shown_with_every_term_of_its_sum(capsys):
    out = shown(capsys, "sum(x @ W)", "x=[[1, 2], [3, 4]]", "W=[[5], [6]]", "--at", "W,1,0")
    assert "dW[1, 0]" in out.replace("[1,0]", "[1, 0]")
    assert "6" in out  # 2 + 4


def test_a_quiz_in_the_terminal_leaves_its_result(folder, capsys, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO("1.1\n200\n2.2\n7\n\n"))
    out = shown(capsys, "apples", "--quiz", "--json", "result.json")
    assert "3 of 4 are right." in out
    result = json.loads(Path("result.json").read_text("utf-8"))
    assert (result["right"], result["asked"]) == (3, 4)


def test_a_quiz_as_a_page(folder, capsys):
    shown(capsys, "apples", "--quiz", "--questions", "2", "--seed", "3", "--html", "quiz.html")
    assert Path("quiz.html").read_text("utf-8").count("<form") == 2


def test_the_help_promises_of_a_quiz_what_there_is(capsys):
    with pytest.raises(SystemExit):
        main(["explain", "--help"])
    told = " ".join(capsys.readouterr().out.split())
    assert "with --quiz, one that asks" in told
    assert "with --quiz, and without --html, the result" in told


def test_what_a_failed_pass_was_given_stands_in_the_order_it_was_given(capsys):
    assert main(["explain", "x @ W", "x=[1, 2]", "W=[1, 2, 3]"]) == 1
    out = capsys.readouterr().out
    assert out.index("  x  ") < out.index("  W  ")


# ---- what it refuses -----------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["a * b", "a=2"], "b has no value: add b=…"),
        (["appels"], "did you mean the example apples? (examples: apples, apples-and-oranges"),
        (["apples", "--at", "aple"], "no value is called 'aple'; did you mean 'apple'?"),
        (["a", "a=2", "z=1"], "z stands nowhere"),
        (["a +", "a=2"], "is no expression"),
        (["a", "a=two"], "neither a number nor a list"),
        (["a", "a"], "is no value: write name=number"),
        (["1 + 2"], "has no names"),
        (["x * 2", "x=[1, 2]"], "sum(x * 2) is one"),
        (["open(a)", "a=1"], "open is no function"),
        (["aples"], "apples, apples-and-oranges, used-twice"),
        (["apples", "a=2"], "belong to an expression"),
        (["net.py"], "Say net.py::build"),
        (["none.py::build"], "there is no file none.py"),
        (["net.py::bild"], "no function 'bild'; it has build, loss"),
        (["net.py::nothing"], "returned None"),
        (["beside.py::classes"], "no function 'classes'; it has none"),
        (["apples", "--at", "nobody"], "nobody"),
        (["apples", "--at", "apple,7"], "apple"),
        (["sum(x)", "x=[1, 2]", "--at", "x,one"], "'one' is no index: write --at W,0,1"),
        (["exp * 2", "exp=3"], "exp has a meaning of its own here: choose another name"),
        (["e * a", "e=2", "a=3"], "e has a meaning of its own here: choose another name"),
        (["a * b", "a=2", "a=3", "b=1"], "a has two values"),
        (["9**9**9"], "9**9**9: a number too large for a float"),
        ([], "required: what (see"),
        (["apples", "--seed", "-1"], "not an integer of 0 or more"),
        (["apples", "--quiz", "--questions", "0"], "not an integer of 1 or more"),
        (["apples", "--quiz", "--html", "q.html", "--json", "q.json"], "a page shows its own"),
        (["apples", "--htm", "x"], "unrecognized"),
    ],
)
def test_what_makes_no_sense_is_one_line_and_status_2(argv, words, folder, capsys):
    assert words in refused(capsys, 2, *argv)


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("net.py::broken", "net.py:22: ValueError: matmul"),
        ("net.py::interrupted", "net.py:36: RuntimeError: mine"),
        ("typo.py::build", "typo.py"),
    ],
)
def test_an_error_of_the_learners_code_is_told_by_its_line_and_status_1(
    what, words, folder, capsys
):
    assert words in refused(capsys, 1, what)


@pytest.mark.parametrize(
    ("argv", "shapes"),
    [
        (["net.py::does_not_fit"], ["(2, 3)", "(2, 4)"]),
        (["net.py::net_does_not_fit"], ["(4, 5)", "(2, 3)", "net[0] Affine(2, 3)"]),
        (["sum(exp(x) @ W)", "x=[1, 2]", "W=[1, 2, 3]"], ["(2,)", "(3,)", "np.exp(x)"]),
    ],
)
def test_a_forward_pass_that_fails_is_shown_as_far_as_it_came(argv, shapes, folder, capsys):
    assert main(["explain", *argv]) == 1
    out, err = capsys.readouterr()
    assert "✗ Here the forward pass stopped" in out
    assert all(shape in out for shape in shapes)
    assert err == ""
    assert main(["explain", *argv, "--html", "failed.html"]) == 1
    assert Path("failed.html").exists()


def test_a_place_that_cannot_be_written_is_one_line_and_status_1(folder, capsys):
    assert "no" in refused(capsys, 1, "apples", "--html", "not/there.html")


# ---- examples, help, and a minus -----------------------------------------------------------------
def test_examples_have_gradients_that_are_no_rounding():
    for name, example in EXAMPLES.items():
        for gradient in explained(example()).gradients.values():
            assert np.max(np.abs(gradient)) > 1e-2, name


def test_no_automatic_name_stands_beside_a_letter_of_the_examples():
    for name in EXAMPLES:
        lines = explained(EXAMPLES[name]()).lines
        if "v" in {line.name for line in lines}:
            assert all(line.named for line in lines), name


def test_help_begins_with_the_call():
    told = pydoc.render_doc(mg.explain, renderer=pydoc.plaintext)
    arguments = ", ".join(
        str(p.replace(annotation=p.empty)).replace(" ", "")
        for p in inspect.signature(mg.explain).parameters.values()
    )
    assert f"mg.explain({arguments})" in told
    assert told.index("mg.explain(") < told.index("what: one of") < told.index("CLASSES")


def test_an_expression_that_begins_with_a_minus(capsys):
    with pytest.raises(SystemExit):
        main(["explain", "-a", "a=2"])
    assert '-- "-a", or "(-a)"' in capsys.readouterr().err
    for words in (["--", "-a", "a=2"], ["(-a)", "a=2"]):
        assert main(["explain", *words]) == 0
        assert "da = -dy" in capsys.readouterr().out
