"""Run a page of the course: as a script, or as a notebook of your own.

    python docs/learn/run.py 2
    python docs/learn/run.py 2 --notebook two-apples.ipynb

The first prints the page with what its code prints now. The second writes the page as a notebook:
text stays text, code becomes cells. `--refresh` puts what comes out now into the page itself, and
draws its pictures again, for whoever changes what minigrad prints.
"""

import argparse
import base64
import contextlib
import doctest
import io
import json
import os
import re
import sys
from pathlib import Path

FOLDER = Path(__file__).parent
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PICTURE = re.compile(r"\]\((pictures/[\w-]+\.svg)\)")
SOLUTION = re.compile(r"(<details>.*?</details>)", re.DOTALL)
PAGE = re.compile(r"\[([^\]]+)\]\((?!https?:|data:)[^)]+\)")  # a link to another file
PAGES = {path.name.split("-")[0]: path for path in sorted(FOLDER.glob("[0-9]*.md"))}


def executed(block, names=None):
    """Run a block of examples, and return it with what comes out; its variables go into `names`."""
    names, lines = {} if names is None else names, []
    names["__name__"] = "__main__"
    for example in doctest.DocTestParser().get_examples(block):
        source = example.source.splitlines()
        lines += [f">>> {source[0]}", *(f"... {line}".rstrip() for line in source[1:])]
        with contextlib.redirect_stdout(io.StringIO()) as out:
            exec(compile(example.source, "<page>", "single"), names)
        lines += [line.rstrip() for line in out.getvalue().splitlines()]
    return "\n".join(lines)


def refreshed(page):
    """The text of a page with what its code prints now."""
    return BLOCK.sub(lambda found: f"```python\n{executed(found[1])}\n```", page.read_text("utf-8"))


def pictures(page):
    """The pictures of a page, each with the code above it that explains what it shows."""
    text = page.read_text("utf-8")
    for link in PICTURE.finditer(text):
        blocks = [block[1] for block in BLOCK.finditer(text) if block.end() < link.start()]
        yield FOLDER / link[1], blocks[-1]


def drawn(block):
    """Draw the explanation that a block of examples makes: it is called e there."""
    names = {}
    executed(block, names)
    return names["e"].to_svg()


def notebook(page):
    """The page as the JSON of a notebook: a cell for each stretch of text and each result.

    Solutions stay folded: their code is text there. Pictures are inside, and other pages are named,
    so that the notebook can stand anywhere.
    """
    cells = []
    for i, part in enumerate(SOLUTION.split(page.read_text("utf-8"))):
        if i % 2:
            cells.append(_text_cell(BLOCK.sub(_shown, part)))
            continue
        for k, piece in enumerate(BLOCK.split(part)):
            cells += map(_code_cell, _pieces(piece)) if k % 2 else [_text_cell(piece)]
    filled = [cell for cell in cells if cell["source"]]
    return {"cells": filled, "metadata": {}, "nbformat": 4, "nbformat_minor": 4}


def _text_cell(text):
    """Make a cell of text, with its pictures inside and without links to other files."""
    embedded = PICTURE.sub(lambda found: f"](data:image/svg+xml;base64,{_encoded(found[1])})", text)
    plain = PAGE.sub(r"\1", embedded)
    return {"cell_type": "markdown", "metadata": {}, "source": plain.strip()}


def _encoded(path):
    return base64.b64encode((FOLDER / path).read_bytes()).decode()


def _shown(found):
    """The code of a block of examples as text, without what comes out."""
    examples = doctest.DocTestParser().get_examples(found[1])
    return f"```python\n{''.join(example.source for example in examples)}```"


def _pieces(block):
    """Split a block behind each result: a notebook shows the last one of a cell alone."""
    lines = []
    for example in doctest.DocTestParser().get_examples(block):
        lines.append(example.source)
        if example.want:
            yield "".join(lines).rstrip()
            lines = []
    yield "".join(lines).rstrip()


def _code_cell(source):
    empty = {"metadata": {}, "outputs": [], "execution_count": None}
    return {"cell_type": "code", "source": source} | empty


def main():
    """Do what the options say."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("page", choices=[*PAGES, "all"], help="its number")
    options.add_argument("--notebook", metavar="FILE", help="write a notebook instead")
    options.add_argument("--refresh", action="store_true", help="write the outputs into the page")
    args = options.parse_args()
    os.environ["COLUMNS"] = "100"  # what is printed fits these pages
    sys.path.insert(0, str(FOLDER.parents[1]))  # minigrad beside these pages, when not installed
    for page in PAGES.values() if args.page == "all" else [PAGES[args.page]]:
        if args.notebook:
            Path(args.notebook).write_text(json.dumps(notebook(page), indent=1), "utf-8")
        elif args.refresh:
            page.write_text(refreshed(page), "utf-8")
            for path, block in pictures(page):
                path.write_text(drawn(block), "utf-8")
        else:
            print(refreshed(page))


if __name__ == "__main__":
    main()
