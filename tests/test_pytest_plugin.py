"""The pytest plugin: its fixture, its option, what a failure looks like, what it costs unused."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]
TOP = Path(__file__).parents[1]
LAYERS = """
import numpy as np

class Affine:
    def __init__(self, W, b):
        self.W, self.b = W, b
    def forward(self, x):
        self.x = x
        return x @ self.W + self.b
    def backward(self, dout):
        self.dW, self.db = self.x.T @ dout, dout.sum(axis=0)
        return dout @ self.W.T

class Averaged(Affine):
    def backward(self, dout):
        dx = super().backward(dout)
        self.dW /= len(dout)
        return dx
"""


@pytest.fixture(name="run")
def running(pytester, monkeypatch):
    """Run pytest on a test file, with this plugin and no other."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    pytester.makepyfile(mine=LAYERS)
    pytester.syspathinsert()

    def run(test, *options):
        pytester.makepyfile(test_mine=test)
        return pytester.runpytest_inprocess("-p", "minigrad_hooks.for_pytest", *options)

    return run


WRONG = """
from mine import Affine, Averaged
from minigrad.testing import assert_gradients

def test_averaged():
    assert_gradients(Averaged)
"""


# ---- failures ------------------------------------------------------------------------------------
def test_a_failure_is_the_report_and_the_line_of_the_test(run):
    result = run(WRONG)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "*_ test_averaged _*",
            ">   assert_gradients(Averaged)",
            "FAIL  Averaged: wrong gradient, dW in 12 of 12 entries",
            "  mine.py:*",
            "  W[[]*]*yours*numerical*",
            "test_mine.py:5: GradientError",
            "FAILED test_mine.py::test_averaged - GradientError: Averaged: wrong*",
        ]
    )
    assert "Traceback" not in result.stdout.str()
    assert "anything.py" not in result.stdout.str()


def test_other_styles_of_traceback_are_left_alone(run):
    assert "Traceback" in run(WRONG, "--tb=native").stdout.str()
    assert "FAIL  Averaged" not in run(WRONG, "--tb=no", "-rN").stdout.str()


def test_other_failures_are_left_alone(run):
    result = run("def test_sum():\n    assert 1 + 1 == 3\n")
    result.stdout.fnmatch_lines([">       assert 1 + 1 == 3", "E       assert (1 + 1) == 3"])


def test_a_failed_gradtest_shows_its_example(run):
    result = run(
        """
        import numpy as np
        from minigrad.testing import gradtest, strategies as mgst

        test_tanh = gradtest((np.tanh, lambda dout, x: 2 * dout), mgst.arrays())
        """
    )
    result.stdout.fnmatch_lines(["FAIL  tanh: *", "*test_tanh(", "test_mine.py: GradientError"])
    assert "Explanation" not in result.stdout.str()


def test_a_check_that_should_fail_is_an_xfail(run):
    run(WRONG.replace("def test", "import pytest\n@pytest.mark.xfail\ndef test")).assert_outcomes(
        xfailed=1
    )


# ---- the fixture ---------------------------------------------------------------------------------
FIXTURE = """
from mine import Affine, Averaged
import numpy as np

def test_right(gradcheck):
    assert gradcheck(Affine(np.ones((3, 2)), np.zeros(2)), np.ones((4, 3)), contracts=False).ok

def test_wrong(gradcheck):
    gradcheck(Averaged)
"""


def test_the_fixture_checks_and_shows_where(run):
    result = run(FIXTURE)
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines([">   gradcheck(Averaged)", "FAIL  Averaged: *"])


def test_the_report_of_what_is_right_is_among_what_the_test_captured(run):
    result = run(FIXTURE, "-rP")
    result.stdout.fnmatch_lines(["*_ test_right _*", "*gradcheck*", "PASS  Affine"])


# ---- the option ----------------------------------------------------------------------------------
PROFILE = """
import os
from minigrad.testing import profiles

def test_profile():
    assert profiles.chosen() == profiles.PROFILES.get({!r}, profiles.DEFAULT)
"""


@pytest.mark.parametrize("profile", ["dev", "ci", "thorough"])
def test_the_option_chooses_a_profile_for_this_run(profile, run):
    run(PROFILE.format(profile), f"--gradcheck-profile={profile}").assert_outcomes(passed=1)
    assert "MINIGRAD_GRADCHECK_PROFILE" not in os.environ


def test_without_the_option_there_is_no_profile(run):
    run(PROFILE.format("")).assert_outcomes(passed=1)


def test_an_unknown_profile_is_refused_with_those_there_are(run):
    result = run("", "--gradcheck-profile=fast")
    result.stderr.fnmatch_lines(["*--gradcheck-profile: invalid choice: 'fast'*dev*ci*thorough*"])
    assert result.ret == pytest.ExitCode.USAGE_ERROR


def test_the_hooks_know_the_profiles_that_there_are():
    from minigrad.testing import profiles
    from minigrad_hooks import for_pytest

    assert tuple(profiles.PROFILES) == for_pytest.PROFILES
    assert profiles.VARIABLE == for_pytest.VARIABLE


# ---- installed -----------------------------------------------------------------------------------
@pytest.fixture
def installed(tmp_path):
    """The environment of a process in which minigrad is installed, with its entry points."""
    project = tomllib.loads((TOP / "pyproject.toml").read_text("utf-8"))["project"]
    info = tmp_path / "site" / "minigrad-9.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: minigrad\nVersion: 9\n")
    points = [
        line
        for group, named in project["entry-points"].items()
        for line in (f"[{group}]", *(f"{name} = {value}" for name, value in named.items()))
    ]
    (info / "entry_points.txt").write_text("\n".join(points))
    (tmp_path / "test_it.py").write_text("def test_it(): pass\n")
    return {**os.environ, "PYTHONPATH": f"{info.parent}{os.pathsep}{TOP}"}


def out_of(program, environment, folder):
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
    )
    return done.stdout + done.stderr


def test_unused_the_plugin_loads_neither_numpy_nor_minigrad(installed, tmp_path):
    program = """
import sys, pytest
status = pytest.main(["-q", "-p", "no:cacheprovider", "test_it.py", "--gradcheck-profile=dev"])
print(int(status), sorted({"numpy", "minigrad", "minigrad_hooks"} & set(sys.modules)))
"""
    assert out_of(program, installed, tmp_path).endswith("0 ['minigrad_hooks']\n")


def test_hypothesis_finds_its_entry_point(installed, tmp_path):
    program = """
import minigrad, sys
assert "hypothesis" not in sys.modules
from hypothesis import find, strategies as st
print(find(st.from_type(minigrad.Affine), lambda layer: True))
"""
    assert out_of(program, installed, tmp_path) == "Affine(1, 1)\n"
