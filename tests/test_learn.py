"""The course: its pages are fresh, hang together, and run as scripts and as notebooks.

That each block of a page prints what it shows is tested with all documents, in test_documents.py.
"""

import importlib.util
import itertools
import json
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

FOLDER = Path(__file__).parents[1] / "docs" / "learn"
PAGES = sorted(FOLDER.glob("[0-9]*.md"))
TEXT = "{http://www.w3.org/2000/svg}text"
each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)


@pytest.fixture(autouse=True)
def wide_terminal(monkeypatch):
    """Outputs fit so many columns, whatever the terminal that the tests run in."""
    monkeypatch.setenv("COLUMNS", "100")


def tool():
    spec = importlib.util.spec_from_file_location("run", FOLDER / "run.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def numbers(text):
    return re.findall(r"-?\d+(?:\.\d+)?", text)


@each_page
def test_a_page_shows_what_its_code_prints_now(page):
    assert tool().refreshed(page) == page.read_text("utf-8")


@each_page
def test_a_picture_shows_the_words_and_numbers_of_today(page):
    def words(svg):
        return sorted("".join(text.itertext()) for text in ElementTree.fromstring(svg).iter(TEXT))

    for path, name in tool().pictures(page):
        assert words(path.read_text("utf-8")) == words(tool().drawn(name))


@each_page
def test_a_page_is_a_notebook_too(page, tmp_path, capsys):
    cells = json.loads(json.dumps(tool().notebook(page)))["cells"]
    names = {}
    for cell in cells:
        if cell["cell_type"] == "code":
            exec(compile(cell["source"], page.name, "exec"), names)
        else:
            assert ">>>" not in cell["source"]
    assert cells[0]["source"].startswith("# ")
    assert "Backward: " in capsys.readouterr().out


def test_a_cell_of_a_notebook_ends_where_something_is_shown():
    cells = tool().notebook(FOLDER / "1-one-multiplication.md")["cells"]
    first = [cell["source"].splitlines()[-1] for cell in cells if cell["cell_type"] == "code"][:2]
    assert all(line.startswith("round(") for line in first)


def test_the_command_runs_a_page_and_writes_a_notebook(tmp_path):
    run = [sys.executable, FOLDER / "run.py", "2"]
    done = subprocess.run(run, capture_output=True, encoding="utf-8", check=True)
    assert "price = bag * tax" in done.stdout
    subprocess.run([*run, "--notebook", tmp_path / "2.ipynb"], check=True)
    written = json.loads((tmp_path / "2.ipynb").read_text("utf-8"))
    assert (written["nbformat"], written["cells"][0]["cell_type"]) == (4, "markdown")


def test_each_page_leads_to_the_next_and_the_contents_list_them_all():
    assert [page.name[0] for page in PAGES] == [str(i + 1) for i in range(len(PAGES))]
    for page, following in itertools.pairwise(PAGES):
        assert re.findall(r"^Next: .*\((.*)\)$", page.read_text("utf-8"), re.M) == [following.name]
    contents = re.findall(r"^\d\. .*\((.*)\)", (FOLDER / "README.md").read_text("utf-8"), re.M)
    assert contents == [page.name for page in PAGES]


@each_page
def test_each_page_has_an_explanation_and_an_exercise_that_is_checked(page):
    text = page.read_text("utf-8")
    assert "mg.explain(" in text
    assert "## Your turn" in text
    assert re.search(r"check_(vjp|layer|network)|quiz\.check", text.split("## Your turn")[1])


@pytest.mark.parametrize(
    ("start", "gradients"),
    [
        ("2-", {"price": "220", "apple": "2.2", "count": "110", "tax": "200"}),
        ("3-", {"price": "715", "apple": "2.2", "apples": "110", "orange": "3.3",
                "oranges": "165", "tax": "650"}),
    ],
)  # fmt: skip
def test_the_numbers_of_the_book_stand_on_its_pages(start, gradients):
    (page,) = (page for page in PAGES if page.name.startswith(start))
    lines = page.read_text("utf-8").splitlines()
    for name, number in gradients.items():
        prefix = name if name == "price" else f"d{name}"
        told = [line for line in lines if re.match(rf"\W*(\d+\W+)?{prefix} ", line)]
        assert any(number in numbers(line) for line in told), (name, told)


@each_page
def test_sentences_are_short(page):
    """For a reader who learns in a second language: 13 words on average, and never above 40."""
    text = re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.S)
    text = re.sub(r"^(    |#|>).*$", "", text, flags=re.M)
    sentences = [s.split() for s in re.split(r"(?<=[.?!:])\s+", text) if len(s.split()) > 1]
    assert max(map(len, sentences)) <= 40
    assert sum(map(len, sentences)) / len(sentences) <= 13
