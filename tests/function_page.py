"""Write docs/functions.md from the table of derivatives: `python tests/function_page.py`.

Rules are shown as they are written, domains as the tests draw them (`tests/domains/`), conventions
as `tests/conventions.py` checks them. A test compares the page with what this makes.
"""

import ast
import inspect
import re
import sys
import textwrap
from functools import partial
from pathlib import Path

import conftest
import test_derivatives_of_complex_numbers
from conventions import CONVENTIONS
from domains import CHAPTERS, COMPLEX_DOMAINS, DOMAINS
from theorems import THEOREMS

import minigrad
from minigrad.derivatives.refusals import REFUSALS
from minigrad.kinds import COMPLEX, called, real_alone
from minigrad.table import CONSTANTS, RULES
from minigrad.tensor import ADAPTERS

TESTS = Path(__file__).resolve().parent
ROOT = TESTS.parent
PAGE = ROOT / "docs" / "functions.md"
PACKAGE = ROOT / "minigrad"
TABLE = {f for f in {*RULES, *ADAPTERS} if called(f).startswith("np.") or f in DOMAINS}
RULED = {called(f): f for f in TABLE}

HEAD = """# Functions and their derivatives

*Made by `python tests/function_page.py` from the table of derivatives; do not edit it by hand.*

{rules} functions have derivatives, {numpys} of them NumPy's and {own} our own, {inner} of which
rules use on the way; {complex} take complex numbers ([which means what](complex.md)). {constants}
functions of NumPy are constants, {refused} are refused with what to write instead, and every
other one says by name that it has no rule.

Each derivative is tested at random points of its domain, and each of these samples is put to
{theorems} theorems (`tests/theorems.py`): orders 1 and 2, both modes, float32 and float64, all
layouts, real and complex. That is {default} samples in the profile that runs by default, {ci} in
`ci`, {thorough} in `thorough` (`HYPOTHESIS_PROFILE=thorough`). Rules broken on purpose, one slip
at a time (`python tests/mutate_rules.py`): {mutants}

## How to read a rule

`g` is the gradient of the output, `y` the output, then come the operands and NumPy's options: the
rule returns the gradient of one operand, in the order of the operands. `None` marks an operand
that is a constant, or an intermediate which the other rules use. The engine sums over the axes
that were broadcast and restores the dtype. `times(g, a)` is g · a and `over(g, a)` is g / a, but
0 where g is 0, whatever a is. *Options* are the ones a call may have; any other is a TypeError
that names it, `np.sum with out= has no derivative rule for a Tensor`. A function that is not
*complex too* refuses complex numbers: `TypeError: np.hypot has a derivative for real numbers
alone, and here is a complex one`. The *domain* is how the tests draw a call, in the words of
`tests/domains/samples.py`.

## Conventions

What the derivative is where it does not exist, or where a formula would give NaN. The cotangent
is 1.



| function | convention | for example | gradient |
|---|---|---|---|
{conventions}
"""
CONSTANT = """## Constants

Their derivative is zero wherever it exists, or they give no numbers: plain arrays come back.

{}
"""
REFUSED = """## Refused, with what to write instead

Each is a TypeError at the call.
"""
# Written down when mutants are run: all of them take hours.
MUTANTS = """2,264 of 2,339 mutants were killed in the last full run,
on 23 November 2026. The table has grown since, to some 10,400 mutants, of which some 140 are listed
as changing nothing, each with its reason. Of the last sample (`--sample 120 --seed 301`), as far as
it ran, 94 of 100 that were not on the list were killed; of the other 6, two are killed by tests
that were written for them, and four change nothing and are on the list now."""


# ---- rules as they are written -------------------------------------------------------------------
class Sources:
    """The lambdas of the package, by file and line."""

    def __init__(self):
        self.texts, self.lambdas = {}, {}

    def read(self, path):
        if path not in self.texts:
            self.texts[path] = text = Path(path).read_text("utf-8")
            found = [n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Lambda)]
            self.lambdas[path] = found
        return self.texts[path], self.lambdas[path]

    def of(self, rule):
        """The text of a lambda, in one line; the name and purpose of a function."""
        if rule is None:
            return "`None`"
        if rule.__name__ != "<lambda>":
            operands = ", ".join(inspect.signature(rule).parameters)
            return f"`{rule.__name__}({operands})`: {purpose(rule)}"
        text, lambdas = self.read(rule.__code__.co_filename)
        start = rule.__code__.co_firstlineno
        here = [n for n in lambdas if n.lineno == start]
        if len(here) > 1:  # several on one line: the places of its instructions tell them apart
            column = max(place[2] or 0 for place in rule.__code__.co_positions())
            here = [n for n in here if n.body.col_offset <= column < n.body.end_col_offset]
        [found] = here
        return f"`{in_one_line(ast.get_source_segment(text, found))}`"


def covers(node, line, column):
    """Whether a node of the source reaches over a place in it."""
    return (
        (node.lineno, node.col_offset) <= (line, column) <= (node.end_lineno, node.end_col_offset)
    )


def in_one_line(text):
    """Undo the line breaks of a formatter."""
    text = re.sub(r"\s+", " ", text)
    return re.sub(r",? ([)\]}])", r"\1", re.sub(r"([(\[{]) ", r"\1", text))


def purpose(function):
    """The first sentence of its docstring."""
    doc = inspect.getdoc(getattr(function, "func", function)) or ""
    return doc.split("\n")[0]


SOURCES = Sources()


# ---- domains as they are written -----------------------------------------------------------------
def lines_of_domains():
    """{np.exp: text} for the functions that stand as keys in the dicts of tests/domains/."""
    found = {}
    for path in sorted((TESTS / "domains").glob("*.py")):
        text = path.read_text("utf-8")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Dict) and path.stem != "complex":
                for key, value in zip(node.keys, node.values, strict=True):
                    if isinstance(key, ast.Attribute | ast.Name):
                        name = re.sub(r"^(?!np\.).*\.", "", ast.unparse(key))
                        found.setdefault(name, in_one_line(ast.get_source_segment(text, value)))
    return found


LINES = lines_of_domains()


def domain_of(function):
    """How the tests draw a call; the file that says so, where it says it of several at once."""
    if line := LINES.get(called(function)):
        return f"`{line}`"
    stem = next((c.__name__ for c in CHAPTERS if function in c.DOMAINS), "domains.complex")
    return f"in `tests/{stem.replace('.', '/')}.py`"


# ---- the page ------------------------------------------------------------------------------------
def chapter_of(function):
    """The file that the derivative of a function stands in."""
    known = RULES.get(function) or ADAPTERS[function]
    if not isinstance(known, tuple) and known in RULES:  # another name of that one
        return chapter_of(known)
    rule = next(r for r in known if r) if isinstance(known, tuple) else known
    rule = rule.func if isinstance(rule, partial) else rule
    own = function.__module__ if str(function.__module__).startswith("minigrad") else None
    return own or rule.__module__


def options_of(function):
    """The options that a call with a Tensor may have."""
    known = ADAPTERS.get(function)
    if known in RULES:
        return []
    if known is None:
        rules = RULES[function]
        rule = next(r for r in rules if r) if isinstance(rules, tuple) else rules
        names = list(inspect.signature(rule).parameters.values())[2:]
    else:
        names = list(inspect.signature(known).parameters.values())
    taken = [p.name for p in names if p.default is not p.empty and p.name != "out"]
    return taken + [f"**{p.name}" for p in names if p.kind is p.VAR_KEYWORD]


def refusals_of(function):
    """The words of the TypeErrors that its adapter raises."""
    adapter = ADAPTERS.get(function)
    if not inspect.isfunction(adapter) or adapter.__name__ == "<lambda>":
        return []
    nodes = ast.walk(ast.parse(textwrap.dedent(inspect.getsource(adapter))))
    raised = [n.exc for n in nodes if isinstance(n, ast.Raise) and isinstance(n.exc, ast.Call)]
    told = [sentence(e.args[0]) for e in raised if ast.unparse(e.func) == "TypeError"]
    return [text.replace("{called(function)}", called(function)) for text in told]


def sentence(node):
    """The words of an error; what is filled in stands in braces."""
    if isinstance(node, ast.JoinedStr):
        return "".join(map(sentence, node.values))
    if isinstance(node, ast.FormattedValue):
        return f"{{{ast.unparse(node.value)}}}"
    if isinstance(node, ast.Call):  # real_alone(np.fft.rfft)
        return real_alone(RULED[ast.unparse(node.args[0])])
    return node.value


def entry(function):
    """A function in a few lines."""
    words = ["complex too"] if function in COMPLEX else []
    if options := options_of(function):
        words.append("options " + ", ".join(f"`{name}`" for name in options))
    words.append(f"domain {domain_of(function)}")
    told = sorted({w for f, w, *_ in CONVENTIONS if f is function})
    lines = [f"- **{called(function)}**" + (": " + "; ".join(words) if words else "")]
    rules = RULES.get(function)
    if rules is not None:
        written = rules if isinstance(rules, tuple) else (rules,)
        lines += [f"    - {SOURCES.of(rule)}" for rule in written]
    elif ADAPTERS[function] in RULES:
        lines.append(f"    - the same as {called(ADAPTERS[function])}")
    elif text := purpose(ADAPTERS[function]):
        lines.append(f"    - put together from others: {text}")
    lines += [f"    - convention: {text}" for text in told]
    lines += [f"    - refused: TypeError: {text}" for text in refusals_of(function)]
    return "\n".join(lines)


def chapters():
    """{file: its functions}, as the files are called."""
    found = {}
    for function in TABLE - set(REFUSALS):
        found.setdefault(chapter_of(function), []).append(function)
    return dict(sorted(found.items()))


def introduction(module):
    """The docstring of a chapter."""
    path = Path(sys.modules[module].__file__)
    doc = inspect.getdoc(sys.modules[module])
    return f"## {path.relative_to(PACKAGE).as_posix()}\n\n{doc}\n"


def convention_row(function, words, call, at, gradient):
    """A line of the table of conventions."""
    how = called(function)
    if getattr(call, "__name__", "") == "<lambda>":
        how = SOURCES.of(call).strip("`")
    row = (f"`{called(function)}`", words, f"`{how}` at {at}", str(gradient))
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |"


def figures():
    """What the head of the page counts."""
    names = {f: called(f).startswith("np.") for f in TABLE - set(REFUSALS)}
    inner = [f for f in names if not names[f] and f.__name__ not in minigrad.__all__]
    counts = {}
    for name in ("default", "ci", "thorough"):
        n = conftest.EXAMPLES[name]
        few = test_derivatives_of_complex_numbers.fewer(n)
        counts[name] = f"{len(DOMAINS) * n + len(COMPLEX_DOMAINS) * few:,}"
    return {
        "rules": len(names),
        "numpys": sum(names.values()),
        "own": len(names) - sum(names.values()),
        "inner": len(inner),
        "complex": len(set(COMPLEX) & set(names)),
        "constants": len(CONSTANTS),
        "refused": len(REFUSALS),
        "theorems": len(THEOREMS),
        "mutants": MUTANTS,
        "conventions": "\n".join(convention_row(*c) for c in CONVENTIONS),
        **counts,
    }


def page():
    """All of docs/functions.md."""
    parts = [HEAD.format(**figures())]
    for module, functions in chapters().items():
        parts.append(introduction(module))
        parts += [entry(f) for f in sorted(functions, key=called)]
        parts.append("")
    constants = ", ".join(f"`{name}`" for name in sorted(map(called, CONSTANTS)))
    refused = [f"- **{called(f)}** of a Tensor {REFUSALS[f]}" for f in sorted(REFUSALS, key=called)]
    parts += [CONSTANT.format(constants), REFUSED, *refused]
    return "\n".join(parts) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
    print(f"{PAGE.relative_to(ROOT)}: {len(PAGE.read_text('utf-8').splitlines())} lines")
