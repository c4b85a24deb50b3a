"""`minigrad check`: what it finds, what it exits with, a sentence for everything that is odd."""

import json
import os
import sys
import time

import numpy as np
import pytest
import zoo
from zoo import VALUES

from minigrad.cli import main
from minigrad.testing import command
from minigrad.testing.anything import checked
from minigrad.testing.diagnosis import diagnosis

LAYERS = """
import numpy as np

class Affine:
    def __init__(self, W, b):
        self.W, self.b = W, b
    def forward(self, x):
        self.x = x
        return x @ self.W + self.b
    def backward(self, dout):
        self.dW = self.x.T @ dout
        self.db = dout.sum(axis=0)
        return dout @ self.W.T

class Averaged(Affine):
    def backward(self, dout):
        dx = super().backward(dout)
        self.dW /= len(dout)
        return dx

class InPlace(Affine):
    def backward(self, dout):
        dx = super().backward(dout)
        dout *= 2
        return dx

class Sized(Affine):
    def __init__(self, n_in, n_out):
        super().__init__(np.random.randn(n_in, n_out), np.zeros(n_out))

class Pooling:
    def forward(self, x):
        N, C, H, W = x.shape
        self.shape = x.shape
        return x.mean(axis=(2, 3))
    def backward(self, dout):
        N, C, H, W = self.shape
        return np.broadcast_to(dout[:, :, None, None] / (H * W), self.shape).copy()

class Embedding:
    def __init__(self, W):
        self.W = W
    def forward(self, idx):
        self.idx = idx
        return self.W[idx]
    def backward(self, dout):
        self.dW = np.zeros_like(self.W)
        np.add.at(self.dW, self.idx, dout)

class Buffered(Embedding):
    def backward(self, dout):
        self.dW = np.zeros_like(self.W)
        self.dW[self.idx] += dout

class SoftmaxWithLoss:
    def forward(self, x, t):
        e = np.exp(x - x.max(axis=1, keepdims=True))
        self.p, self.t = e / e.sum(axis=1, keepdims=True), t
        return -np.mean(np.log(self.p[np.arange(len(t)), t]))
    def backward(self, dout=1):
        dx = self.p.copy()
        dx[np.arange(len(self.t)), self.t] -= 1
        return dout * dx / len(self.t)

class Unfinished:
    def forward(self, x):
        return x + self.bias
    def backward(self, dout):
        return dout

class Forgetful:
    def forward(self, x):
        2 * x
    def backward(self, dout):
        return 2 * dout

class Rounded(Forgetful):
    def forward(self, x):
        return x.astype(int)

class Half:
    def forward(self, x):
        return x

class Picky:
    def forward(self, x):
        if x.shape != (11, 13):
            raise ValueError("only 11 rows of 13")
        return 2 * x
    def backward(self, dout):
        return 2 * dout

def affine_forward(x, w, b):
    return x @ w + b, (x, w)

def affine_backward(dout, cache):
    x, w = cache
    return dout @ w.T, x.T @ dout, dout.sum(axis=0)

def cube(x):
    return x**3

def d_cube(dout, x):
    return dout * 3 * x**2

def d_square(dout, x):
    return dout * 2 * x

def scaled(x, factor):
    return factor * x

layer = Averaged(np.ones((6, 2)), np.zeros(2))
"""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A student's folder, and sys as it was afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(sys, "modules", sys.modules.copy())
    (tmp_path / "mine.py").write_text(LAYERS)
    return tmp_path


@pytest.fixture(name="run")
def running(capsys):
    """Run a command: (exit status, what it prints)."""

    def run(what, *options):
        try:
            status = main(["check", what, *options])
        except SystemExit as stopped:
            status = stopped.code
        out, err = capsys.readouterr()
        return status, out + err

    return run


# ---- what it finds -------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("name", "tried"),
    [
        ("Affine", "Affine(W (3, 4), b (4,)), x (5, 3)"),
        ("Sized", "Sized(n_in 3, n_out 4), x (5, 3)"),
        ("Pooling", "x (2, 3, 6, 5)"),
        ("Embedding", "Embedding(W (7, 3)), idx (5,) of integers"),
        ("SoftmaxWithLoss", "x (5, 3), t (5,) of integers"),
        ("affine_forward", "x (5, 3), w (3, 4), b (4,)"),
        ("cube,d_cube", "x (5, 3)"),
        ("cube", "x (5, 3)"),
    ],
)
def test_what_is_right_passes_on_inputs_that_are_made_up_and_told(name, tried, run):
    status, out = run(f"mine.py::{name}")
    assert (status, f"tried on {tried}\n" in out) == (0, True), out
    assert out.startswith("PASS")


@pytest.mark.parametrize("name", ["Averaged", "Buffered", "layer", "cube,d_square"])
def test_what_is_wrong_fails(name, run):
    status, out = run(f"mine.py::{name}")
    assert status == 1
    assert out.startswith("FAIL")
    assert "yours" in out


def test_the_line_of_the_file_is_shown_from_here(run):
    _, out = run("mine.py::Averaged")
    assert "\n  mine.py:" in out


def test_inputs_can_be_given_and_the_parameters_follow(run):
    assert run("mine.py::Affine", "--input", "8,6")[0] == 0
    assert run("mine.py::SoftmaxWithLoss", "--input", "4,3", "--input", "4:3")[0] == 0
    assert run("mine.py::Picky", "--input", "11,13")[0] == 0
    assert "(8 × 6)" in run("mine.py::cube,d_square", "--input", "8,6")[1]


def test_keywords_go_to_the_constructor_or_to_forward(run):
    for given in ("W=normal(6, 2), b=[0.5, 1]", '{"W": [[1, 2], [3, 5]], "b": [0, 1]}'):
        assert run("mine.py::Affine", "--kwargs", given)[0] == 0
    assert run("mine.py::Sized", "--kwargs", "n_in=2, n_out=6")[0] == 0
    assert run("mine.py::scaled", "--kwargs", "factor=3.0")[0] == 0


def test_parameters_can_be_named(run):
    assert "dW" in run("mine.py::Affine", "--param-grads", "W=dW")[1]
    assert "✓ db" not in run("mine.py::Affine", "--param-grads", "W=dW")[1]


def test_a_seed_draws_other_numbers(run):
    def worst(seed):
        return json.loads(run("mine.py::layer", "--json", "--seed", seed)[1])["worst"]

    assert worst("1") == worst("1") != worst("2")


def test_nothing_is_known_of_what_runs_on_no_input(run):
    status, out = run("mine.py::Picky")
    assert status == 2
    assert out.startswith("INCONCLUSIVE  Picky: no input was found that it runs on")
    assert "it raised ValueError: only 11 rows of 13\n" in out
    assert "mine.py:" in out
    assert "note: --input 8,3 says what forward is given" in out


def test_what_the_file_prints_is_not_shown(run, folder):
    (folder / "loud.py").write_text("print('training …')\n" + LAYERS)
    assert "training" not in run("loud.py::Affine", "--json")[1]


# ---- readable findings ---------------------------------------------------------------------------
def test_a_layer_that_raises_is_a_finding_with_its_line(run):
    status, out = run("mine.py::Unfinished")
    assert status == 1
    assert "it raised AttributeError: 'Unfinished' object has no attribute 'bias'" in out
    assert "      return x + self.bias\n" in out
    assert "Traceback" not in out


@pytest.mark.parametrize(
    ("name", "told"), [("Forgetful", "None: is a return missing?"), ("Rounded", "integers, and")]
)
def test_a_forward_that_returns_nothing_to_differentiate_is_a_finding(name, told, run):
    status, out = run(f"mine.py::{name}")
    assert (status, f"{name}: forward returned {told}" in out) == (1, True), out


def test_a_class_that_lacks_its_backward_is_a_finding(run):
    status, out = run("mine.py::Half")
    assert (status, "Half has a forward and no backward" in out) == (1, True)


def test_a_name_that_is_not_there_is_a_finding_with_the_nearest(run):
    status, out = run("mine.py::Afine")
    assert (status, "mine.py has no Afine: did you mean Affine?" in out) == (1, True)
    assert "it has Affine, Averaged," in run("mine.py::Zzz")[1]


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("import torchh\n", "cannot be imported: ModuleNotFoundError: No module named 'torchh'"),
        ("x = 1\nclass A:\n    def f(self x): pass\n", "is no valid Python: "),
        ("x = 1\nraise SystemExit(3)\n", "cannot be imported: SystemExit: 3"),
        ("import mine\nmine.layer.forward(3)\n", "cannot be imported: "),
    ],
)
def test_a_file_that_cannot_be_imported_is_a_finding_with_its_line(source, told, run, folder):
    (folder / "theirs.py").write_text(source)
    status, out = run("theirs.py::A")
    assert (status, told in out) == (1, True), out
    assert ".py:" in out
    assert "Traceback" not in out


def test_a_file_that_is_no_text_has_no_line(run, folder):
    (folder / "theirs.py").write_bytes(b"x = 1\0\n")
    status, out = run("theirs.py::A")
    assert (status, "is no valid Python: " in out, "None" in out) == (1, True, False), out


def test_a_file_is_found_with_the_modules_beside_it(run, folder):
    (folder / "more.py").write_text("from mine import Affine\nclass Mine(Affine): pass\n")
    assert run("more.py::Mine")[0] == 0
    (folder / "mine.py").write_text(LAYERS.replace("self.x.T @ dout", "2 * self.x.T @ dout"))
    assert run("more.py::Mine")[0] == 1  # what changed is loaded again


# ---- misuse --------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["nowhere.py::A"], "there is no file nowhere.py"),
        (["mine.py"], "say what to check: mine.py::Affine, mine.py::Averaged"),
        (["mine.py::Affine", "--input", "8,x"], "'8,x' is not a shape such as 8,3"),
        (["mine.py::Affine", "--input", "8,-1"], "not positive"),
        (["mine.py::Affine", "--kwargs", "3"], "'3' is not of the form name=value"),
        (["mine.py::Affine", "--kwargs", "W=open"], "'open' in 'W=open' is no number"),
        (["mine.py::Affine", "--kwargs", '{"W"'], "is not JSON"),
        (["mine.py::Affine", "--param-grads", "W"], "'W' is not of the form W=dW"),
        (["mine.py::Affine", "--loud"], "--loud"),
    ],
)
def test_misuse_is_one_line_and_status_64(words, told, run):
    status, out = run(*words)
    assert (status, out.count("\n"), told in out) == (64, 1, True), out


def test_help_tells_the_exit_statuses(run):
    status, out = run("--help")
    assert status == 0
    assert "exit status: 0 all right, 1 something is wrong, 2 inconclusive, 64" in out


# ---- for autograders -----------------------------------------------------------------------------
def test_json_has_a_score_that_says_which_parts_are_right(run):
    found = json.loads(run("mine.py::Averaged", "--json")[1])
    assert found["parts"] == {"dx": True, "dW": False, "db": True, "conduct": True}
    assert found["score"] == 0.6667
    assert (found["verdict"], found["name"], found["file"]) == ("FAIL", "Averaged", "mine.py")
    assert found["text"].startswith("FAIL  Averaged")
    for name, score in (("Affine", 1.0), ("InPlace", 0.75), ("cube,d_square", 0.0)):
        assert json.loads(run(f"mine.py::{name}", "--json")[1])["score"] == score


def test_json_is_printed_whatever_is_wrong_with_the_file(run, folder):
    (folder / "theirs.py").write_text("import torchh\n")
    for what in ("theirs.py::A", "mine.py::Afine", "mine.py::Picky"):
        found = json.loads(run(what, "--json")[1])
        assert (found["score"], found["ok"]) == (0.0, False)
        assert found["reason"]


# ---- watching ------------------------------------------------------------------------------------
def test_watch_checks_again_after_each_change_until_it_is_interrupted(run, folder, monkeypatch):
    changes = [LAYERS, None, LAYERS.replace("self.x.T @ dout", "2 * self.x.T @ dout")]

    def slept(seconds):
        if not changes:
            raise KeyboardInterrupt
        text = changes.pop(0)
        if text:
            (folder / "mine.py").write_text(text)
            later = time.time() + 10 * len(changes) + 5
            os.utime(folder / "mine.py", (later, later))

    monkeypatch.setattr(command.time, "sleep", slept)
    status, out = run("mine.py::Affine", "--watch")
    verdicts = [line.split()[0] for line in out.splitlines() if line.startswith(("PASS", "FAIL"))]
    assert verdicts == ["PASS", "PASS", "FAIL"]
    assert status == 1  # of the latest


# ---- inputs that are made up ---------------------------------------------------------------------
def judged(specimen):
    kind = specimen.kind
    thing = kind if isinstance(kind, type) else tuple(specimen.layer(np.random.default_rng(0)))
    options = {**specimen.options, "contracts": False}
    return checked(thing, None, 0, options).verdict.name


def test_made_up_inputs_serve_for_most_affine_layers_of_the_zoo(monkeypatch):
    monkeypatch.setattr(diagnosis, "diagnose", lambda *_: None)  # the verdict is all we want
    twins = [judged(one) for one in zoo.FAMILIES["affine"].TWINS]
    wrong = [judged(one) for one in zoo.FAMILIES["affine"].WRONG if one.wrong in VALUES]
    assert twins.count("PASS") >= 0.5 * len(twins)
    assert twins.count("FAIL") <= 1
    assert wrong.count("FAIL") >= 0.7 * len(wrong)


# ---- a forward that is right ---------------------------------------------------------------------
RIGHT = """
import numpy as np

class Sigmoid:
    def forward(self, x):
        return 1 / (1 + np.exp(-x))

def sigmoid(x):
    return 1 / (1 + np.exp(-x))

def wide(x):
    return np.ones((7, 7))

def raises(x):
    raise ValueError("no")
"""
TANH = """
import numpy as np

class Sigmoid:
    def forward(self, x):
        self.y = np.tanh(x)
        return self.y

    def backward(self, dout):
        return dout * (1 - self.y**2)

class Right:
    def forward(self, x):
        self.y = 1 / (1 + np.exp(-x))
        return self.y

    def backward(self, dout):
        return dout * self.y * (1 - self.y)
"""


@pytest.mark.parametrize("made_up", [True, False])
@pytest.mark.parametrize(
    ("name", "like", "status", "said"),
    [
        ("Sigmoid", "Sigmoid", 1, "forward: computes something else: y["),
        ("Right", "Sigmoid", 0, "forward: computes what it should"),
        ("Right", "sigmoid", 0, "forward: computes what it should"),
        ("Right", "wide", 1, "where (7, 7) is right"),
        ("Right", "raises", 0, "forward: was not compared"),
    ],
)
def test_a_forward_is_compared_with_the_right_one(
    name, like, status, said, made_up, tmp_path, capsys
):
    (tmp_path / "tanh.py").write_text(TANH)
    (tmp_path / "right.py").write_text(RIGHT)
    words = [] if made_up else ["--input", "4,3"]
    reference = ["--like", f"{tmp_path / 'right.py'}::{like}"]
    assert main(["check", f"{tmp_path / 'tanh.py'}::{name}", *words, *reference]) == status
    assert said in capsys.readouterr().out
    main(["check", f"{tmp_path / 'tanh.py'}::{name}", *words, *reference, "--json"])
    assert json.loads(capsys.readouterr().out)["parts"]["forward"] is ("what it" in said)


def test_a_reference_that_is_not_there_is_an_error_of_usage(tmp_path, capsys):
    (tmp_path / "tanh.py").write_text(TANH)
    for like in ("nowhere.py::Sigmoid", str(tmp_path / "tanh.py"), f"{tmp_path / 'tanh.py'}::No"):
        with pytest.raises(SystemExit) as stopped:
            main(["check", f"{tmp_path / 'tanh.py'}::Right", "--like", like])
        assert stopped.value.code == 64
        assert "--like" in capsys.readouterr().err
