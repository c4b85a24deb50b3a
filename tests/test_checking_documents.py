"""The pages on checking show what the commands print; the autograder gives the grades it shows."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

from minigrad.cli import main

TOP = Path(__file__).parents[1]
GRADING = TOP / "examples" / "grading"
NUMBER = r"(?<![\w.])-?\d+(?:\.\d+)?(?:e[-+]?\d+)?"
SHOWN = re.compile(r"^```sh\nminigrad (check .*)\n```\n\n((?:    .*\n|\n)+)", re.MULTILINE)
PAGES = [TOP / "docs" / name for name in ("check-your-layer.md", "grade-students.md")]
COMMANDS = [
    (*found.groups(), page.stem) for page in PAGES for found in SHOWN.finditer(page.read_text())
]


def pattern(shown):
    """What is shown, as a pattern: … stands for anything, and numbers are not compared."""
    text = re.sub(r"^    ", "", shown, flags=re.MULTILINE).strip()
    parts = [r"\S+".join(map(re.escape, re.split(NUMBER, part))) for part in text.split("…")]
    return r"(?:.|\n)*?".join(parts) + r"\s*"


@pytest.mark.parametrize(("command", "shown", "page"), COMMANDS)
def test_a_command_prints_what_the_page_shows(command, shown, page, capsys, monkeypatch):
    monkeypatch.chdir(TOP)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(sys, "modules", sys.modules.copy())
    status = main(command.split())
    out = capsys.readouterr().out
    assert re.fullmatch(pattern(shown), out), out
    assert status == (0 if shown.strip().startswith("PASS") else 1)


def test_both_pages_show_commands():
    assert {page for _, _, page in COMMANDS} == {page.stem for page in PAGES}


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
    page = PAGES[1].read_text()
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
