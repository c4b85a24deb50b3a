"""The course: its pages are fresh, hang together, and run as scripts and as notebooks.

That each block of a page prints what it shows is tested with all documents, in test_documents.py.
"""

import doctest
import importlib.util
import itertools
import json
import linecache
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

    pictures = list(tool().pictures(page))
    assert pictures
    for path, block in pictures:
        assert words(path.read_text("utf-8")) == words(tool().drawn(block))


def test_every_picture_is_on_a_page():
    shown = {path for page in PAGES for path, _ in tool().pictures(page)}
    assert shown == {*(FOLDER / "pictures").iterdir()}


@each_page
def test_a_page_is_a_notebook_too(page, tmp_path, capsys):
    cells = json.loads(json.dumps(tool().notebook(page)))["cells"]
    names = {}
    for cell in cells:
        if cell["cell_type"] == "code":
            exec(compile(cell["source"], page.name, "exec"), names)
        else:
            text = cell["source"]
            assert ">>>" not in text
            assert text.count("<details>") == text.count("</details>") <= 1
            assert all(link.startswith("data:") for link in re.findall(r"\]\(([^)]*)", text))
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


SIGMOID = "dout * self.out * (1 - self.out)"
SLIPS = [  # in the solution of a page's exercise: what is written, what instead, what is said of it
    (1, "dy * self.b, dy * self.a", "dy * self.a, dy * self.b", "gradients swapped"),
    (1, "dy * self.b, dy * self.a", "dy * self.b, dy * self.b", "at b = 4 it is 3"),
    (3, "dy * 1, dy * 1", "dy, dy", "returns dout itself"),
    (3, "dy * 1, -dy", "dy * 1, dy * 1", "wrong sign"),
    (4, "dx += dy", "dx = dy", r"what flows through `x \* x` \(line \d+\) is left out"),
    (5, "np.where(self.stopped, 0.0, dout)", "np.where(self.stopped, dout, 0.0)", "wrong branch"),
    (5, SIGMOID, "dout * self.out * self.out", "missing chain factor"),
    (5, SIGMOID, f"-{SIGMOID}", "wrong sign"),
    (6, "self.x.T @ dout", "dout.T @ self.x", "transposed"),
    (6, "dout.sum(axis=0)", "dout", "missing batch sum"),
    (7, "return dout * dscores / len(t)", "return dout * dscores", "not divided by the batch size"),
    (
        7,
        "dscores[np.arange(len(t)), t] -= 1",
        "dscores[np.arange(len(t)), t] += 1",
        "wrong constant",
    ),
    (8, "dout * self.mask", "dout", "missing mask"),
]


def solutions(number):
    """The code in the answers of a page, without what comes out."""
    (page,) = (page for page in PAGES if page.name.startswith(f"{number}-"))
    turn = page.read_text("utf-8").split("## Your turn")[1]
    answers = "".join(re.findall(r"<details>.*?</details>", turn, re.S))
    blocks = tool().BLOCK.findall(answers)
    return [[x.source for x in doctest.DocTestParser().get_examples(block)] for block in blocks]


@pytest.mark.parametrize(("page", "right", "wrong", "word"), SLIPS)
def test_a_slip_in_an_exercise_is_answered_with_a_helpful_word(page, right, wrong, word, tmp_path):
    (code,) = ("".join(s) for s in solutions(page) if right in "".join(s) and "report" not in s[-1])
    for text in (code, code.replace(right, wrong)):
        path = tmp_path / "mine.py"
        path.write_text(text, "utf-8")
        linecache.checkcache()
        run = compile(text, str(path), "exec")
        if text == code:
            exec(run, {"__name__": "mine"})
        else:
            with pytest.raises(AssertionError, match=word):
                exec(run, {"__name__": "mine"})


def test_at_the_corner_of_relu_the_checker_takes_both_answers():
    (code,) = ("".join(s) for s in solutions(5) if "class Relu" in "".join(s))
    names = {"__name__": "mine"}
    exec(code.replace("x <= 0", "x < 0").replace("[-2.0, 3.0]", "[0.0, 3.0]"), names)
    assert 0.0 in names["x"]


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
