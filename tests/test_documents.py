"""Every block of the README and of docs/ is executed; what it shows is what comes out."""

import doctest
import re
import shlex
import subprocess
import sys
import textwrap
from importlib.util import find_spec
from pathlib import Path

import pytest

TOP = Path(__file__).parent.parent
PAGES = [TOP / "README.md", *sorted((TOP / "docs").rglob("*.md"))]
PEERS = ("jax", "torch")  # which a page may show beside minigrad, and need not be installed
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)

BLANK = re.compile(r"^\n(?!>>> )", re.MULTILINE)  # inside of what a block shows, not before code


@pytest.fixture(autouse=True)
def wide_terminal(monkeypatch):
    """Outputs fit so many columns, whatever the terminal that the tests run in."""
    monkeypatch.setenv("COLUMNS", "100")


def blocks(page: Path, language: str) -> list[str]:
    return [text for lang, text in BLOCK.findall(page.read_text("utf-8")) if lang == language]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_python_blocks_print_what_they_show(page):
    parser, runner = doctest.DocTestParser(), doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    missing = set()
    for block in blocks(page, "python"):  # each by itself, as it is pasted
        shown = BLANK.sub("<BLANKLINE>\n", block)
        test = parser.get_doctest(shown, {}, page.name, str(page), 0)
        assert test.examples, f"{page.name} has a Python block that shows no result"
        missing |= (
            lacks := {name for name in PEERS if f"import {name}" in block and lacking(name)}
        )
        if not lacks:
            runner.run(test)
    assert runner.summarize(verbose=False).failed == 0
    if missing:
        pytest.skip(f"blocks of {page.name} need {' and '.join(sorted(missing))}, not installed")


def lacking(name):
    return find_spec(name) is None


def test_readme_blocks_have_at_most_ten_lines_to_paste():
    for block in blocks(TOP / "README.md", "python"):
        assert sum(line.startswith((">>>", "...")) for line in block.splitlines()) <= 10
        assert len(block.splitlines()) <= 15


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_block_is_of_a_kind_that_is_executed(page):
    languages = {language for language, _ in BLOCK.findall(page.read_text("utf-8"))}
    assert languages <= {"python", "sh"}


SHOWN = re.compile(  # a command, and its output, indented, where three dots stand for anything
    r"^```sh\n(minigrad [^\n]*)\n```\n\n((?: {4}[^\n]*\n|\n(?= {4}))+)", re.MULTILINE
)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_print_what_stands_below_them(page):
    for command, below in SHOWN.findall(page.read_text("utf-8")):
        words = [sys.executable, "-m", *shlex.split(command)]
        run = subprocess.run(words, cwd=TOP, capture_output=True, encoding="utf-8")
        wanted = re.escape(textwrap.dedent(below).strip())
        assert re.fullmatch(wanted.replace("…", ".*"), run.stdout.strip(), re.DOTALL), run.stdout


def test_readme_has_two_commands_that_set_everything_up():
    main, tests = (block.strip() for block in blocks(TOP / "README.md", "sh"))
    for command in (main, tests):
        assert command.startswith("python3 -m venv .venv && .venv/bin/pip install")
    assert main.endswith(".venv/bin/minigrad train")
    assert tests.endswith(".venv/bin/pytest -n auto")


def test_the_main_job_of_the_readme_reports_97_percent():
    run = subprocess.run(
        [sys.executable, "-m", "minigrad", "train"], capture_output=True, text=True, check=True
    )
    found = re.search(r"test accuracy\D*([\d.]+)", run.stdout, re.IGNORECASE)
    assert found, run.stdout
    assert float(found[1]) >= (97.0 if float(found[1]) > 1 else 0.97)


def test_links_in_the_documents_lead_to_files():
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text("utf-8")):
            assert "://" in target or (page.parent / target).exists(), f"{page.name}: {target}"
