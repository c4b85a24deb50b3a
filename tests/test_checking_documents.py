"""The autograder gives the grades that the page on grading shows."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from minigrad.cli import main

TOP = Path(__file__).parents[1]
GRADING = TOP / "examples" / "grading"
PAGE = TOP / "docs" / "grade-students.md"


# ---- the autograder ------------------------------------------------------------------------------
@pytest.fixture
def grade(monkeypatch):
    """The script as a module."""
    spec = importlib.util.spec_from_file_location("grade", GRADING / "grade.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_everybody_gets_the_grade_that_the_pages_show(grade, capsys, monkeypatch, tmp_path):
    def run(command, **options):
        """The command in this process; what never ends is not begun."""
        if "cleo.py::SoftmaxWithLoss" in command[4]:
            raise subprocess.TimeoutExpired(command, options["timeout"])
        main(command[3:])
        return subprocess.CompletedProcess(command, 0, capsys.readouterr().out, "")

    monkeypatch.setattr(grade.subprocess, "run", run)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(sys, "modules", sys.modules.copy())
    monkeypatch.setattr(sys, "argv", ["grade.py", str(GRADING / "submissions"), "--out", "grades"])
    monkeypatch.chdir(tmp_path)
    grade.main()
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    shown = [line[4:] for line in grade.__doc__.splitlines() if line.startswith("    ")]
    assert lines == shown[1:]
    page = PAGE.read_text()
    assert all(f"    {line}\n" in page for line in lines)
    csv = (tmp_path / "grades" / "grades.csv").read_text().splitlines()
    assert csv[2] == "ben,2.7,0.0,0.0,2.7"
    feedback = (tmp_path / "grades" / "cleo.txt").read_text()
    assert "it did not end within 20 seconds" in feedback
    assert "did you mean Sigmod?" in feedback


def test_each_exercise_is_checked_in_a_process_of_its_own(grade, tmp_path):
    (tmp_path / "eve.py").write_text("import os\nos._exit(3)\n")
    found = grade.check(tmp_path / "eve.py", "Affine", [], seconds=60)
    assert found == {"score": 0.0, "text": "FAIL  Affine: the checker was stopped: nothing"}
    assert "did not end" in grade.check(GRADING / "handout.py", "Affine", [], 0.001)["text"]


def test_the_handout_is_worth_nothing_yet(capsys, monkeypatch):
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(sys, "modules", sys.modules.copy())
    for name in ("Affine", "Sigmoid", "SoftmaxWithLoss"):
        assert main(["check", f"{GRADING / 'handout.py'}::{name}"]) == 1
        assert "NotImplementedError: your line" in capsys.readouterr().out
