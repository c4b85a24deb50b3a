"""Every example prints what its docstring says, and draws a picture where it says."""

import ast
import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"
SHARED = {"pictures"}
NUMBER = r"(?<![\w.])-?\d+(?:\.\d+)?(?:e-?\d+)?"
# by how much a printed number may differ from the docstring's: training on another machine rounds
# differently, and a few test digits then fall on the other side
TOLERANCE = {
    "backprop_by_hand": 1e-12,
    "check_my_layer": 0,
    "custom_layer": 0.02,
    "custom_net": 0.05,
    "initial_weights": 1e-3,
    "misclassified": 0.02,
    "newton": 0.01,
    "optimizer_paths": 1e-3,
    "overfit_dropout": 0.02,
    "pinn": 0.01,
    "train_digits": 0.02,
}
DRAWING = {  # each with options for a quick run
    "custom_net": ["--epochs", "1"],
    "initial_weights": [],
    "misclassified": [],
    "optimizer_paths": [],
    "overfit_dropout": ["--epochs", "2"],
}

ENVIRONMENT = {"PYTHONIOENCODING": "utf-8", "OPENBLAS_NUM_THREADS": "1"}  # tiny matrices

needs_matplotlib = pytest.mark.skipif(
    not find_spec("matplotlib"), reason="pictures need matplotlib, which is not installed"
)


def run(example, *options, cwd, **environment):
    return subprocess.run(
        [sys.executable, "-W", "error", EXAMPLES / f"{example}.py", *map(str, options)],
        cwd=cwd,
        env={**os.environ, **ENVIRONMENT, **environment},
        capture_output=True,
        encoding="utf-8",
        timeout=300,
    )


def docstring(example):
    return ast.get_docstring(ast.parse((EXAMPLES / f"{example}.py").read_text("utf-8")))


def said(example):
    """The lines that are indented in the docstring after the word `prints`."""
    _, after = docstring(example).split("prints")
    return [line[4:] for line in after.splitlines() if line.startswith("    ")]


def printed(done):
    """The lines of the output, without those that are blank and the one that names the picture."""
    return [line for line in done.stdout.splitlines() if line and not line.startswith("picture: ")]


def assert_same(lines, expected, tolerance):
    """Texts are equal and numbers close; a line of three dots stands for any lines."""
    if "..." in expected:
        dots = expected.index("...")
        after = len(expected) - dots - 1
        lines = [*lines[:dots], "...", *lines[len(lines) - after :]]
    assert len(lines) == len(expected)
    for line, wanted in zip(lines, expected, strict=True):
        assert re.sub(NUMBER, "#", line) == re.sub(NUMBER, "#", wanted)
        assert numbers(line) == pytest.approx(numbers(wanted), abs=tolerance)


def numbers(line):
    return [float(number) for number in re.findall(NUMBER, line)]


@pytest.fixture(scope="module")
def full_run(tmp_path_factory):
    """Run an example as its docstring tells, once, in an empty folder: (process, folder)."""
    runs = {}

    def once(example):
        if example not in runs:
            folder = tmp_path_factory.mktemp(example)
            runs[example] = run(example, cwd=folder), folder
        return runs[example]

    return once


# ---- what they print -----------------------------------------------------------------------------
SLOW = pytest.mark.skipif(
    not os.environ.get("MINIGRAD_SLOW"), reason="it trains for seconds: MINIGRAD_SLOW=1 asks for it"
)
LONG = {"overfit_dropout", "pinn", "custom_net", "initial_weights"}


@pytest.mark.parametrize(
    "example", [pytest.param(name, marks=SLOW) if name in LONG else name for name in TOLERANCE]
)
def test_an_example_prints_what_its_docstring_says(example, full_run):
    done, _ = full_run(example)
    assert done.returncode == 0, done.stderr
    assert_same(printed(done), said(example), TOLERANCE[example])


def test_every_example_has_a_test():
    assert {path.stem for path in EXAMPLES.glob("*.py")} - SHARED == set(TOLERANCE)
    drawing = {name for name in TOLERANCE if "pictures" in (EXAMPLES / f"{name}.py").read_text()}
    assert drawing == set(DRAWING)


def test_the_students_layer_is_told_what_is_wrong_where_and_why(full_run):
    done, _ = full_run("check_my_layer")
    assert "yours" in done.stdout
    assert "self.dW = np.dot(self.x.T, dz) / batch_size" in done.stdout
    assert "divided by" in done.stdout.partition("check_my_layer.py")[0]


def test_97_of_100_unseen_digits_are_read(full_run):
    _, _, test_accuracy = numbers(printed(full_run("train_digits")[0])[-1])
    assert test_accuracy >= 0.97


def test_the_net_of_two_branches_agrees_with_its_numerical_gradient(full_run):
    _, difference, *_ = printed(full_run("custom_net")[0])
    assert numbers(difference)[0] < 1e-8


def test_the_three_ways_to_write_a_layer_print_the_same_numbers(full_run):
    _, *ways = printed(full_run("custom_layer")[0])[:5]
    forward_only, by_hand, primitive, numerical = map(numbers, ways)
    assert forward_only == by_hand == primitive == numbers(said("custom_layer")[1])
    assert numerical == pytest.approx(forward_only[1:], abs=1e-7)


def test_dropout_closes_a_part_of_the_gap(full_run):
    _, without, with_dropout = printed(full_run("overfit_dropout")[0])
    assert numbers(with_dropout)[-1] < numbers(without)[-1]


def test_newton_arrives_where_gradient_descent_is_still_on_its_way(full_run):
    lines = printed(full_run("newton")[0])
    descent, newton = (
        [numbers(line)[-1] for line in lines if line.startswith(method)]
        for method in ("gradient descent", "Newton")
    )
    assert newton[-1] < 1e-15 < 1e-6 < descent[-1]
    steps = [numbers(line) for line in lines[lines.index("step  loss      gradient") + 1 : -2]]
    assert steps[-1][2] < 1e-8
    assert len(steps) < 10


def test_a_net_solves_the_equation_of_the_spring(full_run):
    before, after, _ = numbers(printed(full_run("pinn")[0])[-1])
    assert after < 0.005 < before


@pytest.mark.parametrize("example", TOLERANCE)
def test_help_is_the_docstring(example, tmp_path):
    done = run(example, "--help", cwd=tmp_path)
    assert done.returncode == 0
    assert docstring(example) in done.stdout
    assert not list(tmp_path.iterdir())


# ---- what they draw ------------------------------------------------------------------------------
def assert_is_a_drawing(path):
    """A PNG file, wide enough for a README, with more on it than a frame."""
    from matplotlib.image import imread

    assert path.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    height, width, _ = (picture := imread(path)).shape
    assert 700 <= width <= 1600
    assert 500 <= height <= 1200
    ink = (picture[..., :3].min(axis=2) < 0.9).mean()
    assert 0.02 < ink < 0.95


@needs_matplotlib
@pytest.mark.parametrize("example", DRAWING)
def test_the_picture_is_in_the_folder_out_unless_told_otherwise(example, full_run):
    done, folder = full_run(example)
    assert f"FOLDER/{example}.png" in docstring(example)
    assert done.stdout.splitlines()[-1] == f"picture: {Path('out', f'{example}.png')}"
    assert [path.name for path in folder.rglob("*.*")] == [f"{example}.png"]
    assert_is_a_drawing(folder / "out" / f"{example}.png")


@needs_matplotlib
@pytest.mark.parametrize(("example", "options"), DRAWING.items())
def test_the_picture_lands_where_out_says(example, options, tmp_path):
    folder = tmp_path / "not there" / "yet"
    done = run(example, "--out", folder, *options, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert_is_a_drawing(folder / f"{example}.png")


@pytest.mark.parametrize(("example", "options"), DRAWING.items())
def test_without_matplotlib_the_text_is_there_and_a_word_what_to_install(
    example, options, tmp_path
):
    (tmp_path / "matplotlib.py").write_text("raise ImportError")
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    done = run(example, *options, cwd=tmp_path, PYTHONPATH=path)
    assert done.returncode == 0
    assert len(printed(done)) == len(said(example))
    assert done.stderr == "no picture: that needs matplotlib (pip install matplotlib)\n"


# ---- what they refuse ----------------------------------------------------------------------------
def assert_refused(done, words):
    assert done.returncode == 2
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("example", DRAWING)
def test_a_place_that_cannot_be_written_is_told_before_the_work(example, tmp_path):
    (tmp_path / "file").touch()
    for place in ("file", "file/folder"):
        done = run(example, "--out", place, cwd=tmp_path)
        assert_refused(done, f"{place} cannot be written")
        assert done.stdout == ""


@needs_matplotlib
def test_a_folder_in_the_place_of_the_picture_is_one_line(tmp_path):
    (tmp_path / "out" / "optimizer_paths.png").mkdir(parents=True)
    assert_refused(run("optimizer_paths", cwd=tmp_path), "optimizer_paths.png cannot be written")


@pytest.mark.parametrize(
    "option", [("--epochs", "0"), ("--epochs", "ten"), ("--seed", "-1"), ("--sed", "1")]
)
def test_an_option_that_makes_no_sense_is_one_line(option, tmp_path):
    assert_refused(run("overfit_dropout", *option, cwd=tmp_path), option[0])
