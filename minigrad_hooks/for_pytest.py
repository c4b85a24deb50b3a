"""pytest's entry point: the fixture `gradcheck`, `--gradcheck-profile`, failures that read well.

A failed check shows its report and the line of the test, and no traceback through the checker.
"""

import os
from collections.abc import Callable, Generator
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest

PROFILES = ("dev", "ci", "thorough")  # as minigrad.testing.profiles has them, which is not loaded
VARIABLE = "MINIGRAD_GRADCHECK_PROFILE"
UNCHOSEN = pytest.StashKey[str | None]()  # what the variable was before


# ---- the option ----------------------------------------------------------------------------------
def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--gradcheck-profile`."""
    parser.getgroup("minigrad").addoption(
        "--gradcheck-profile",
        choices=PROFILES,
        help="how thoroughly gradients are checked: gradtest draws 10, 100 or 1000 examples, and "
        "assert_gradients makes up 1, 3 or 20 inputs",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Pass the choice on to minigrad, in every process of the run."""
    chosen = config.getoption("--gradcheck-profile", None)
    config.stash[UNCHOSEN] = os.environ.get(VARIABLE)
    if chosen:
        os.environ[VARIABLE] = chosen


def pytest_unconfigure(config: pytest.Config) -> None:
    """Leave the environment as it was."""
    before = config.stash.get(UNCHOSEN, None)
    if before is None:
        os.environ.pop(VARIABLE, None)
    else:
        os.environ[VARIABLE] = before


# ---- the fixture ---------------------------------------------------------------------------------
@pytest.fixture
def gradcheck(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """Check the gradients of a layer, a network, a function or a pair (forward, backward).

    `gradcheck(layer, x)` is `minigrad.testing.assert_gradients(layer, x)`. The reports are also
    among the captured output of the test: `pytest -rP` shows what was checked where all is right.
    """

    def check(thing: Any, *inputs: Any, **options: Any) -> Any:
        __tracebackhide__ = True
        report = import_module("minigrad.testing").assert_gradients(thing, *inputs, **options)
        request.node.add_report_section("call", "gradcheck", str(report))
        return report

    return check


# ---- failures ------------------------------------------------------------------------------------
class Shown:
    """A failed check, as pytest prints it: where, what Hypothesis says, and the report."""

    def __init__(self, excinfo: pytest.ExceptionInfo[Any], item: pytest.Item) -> None:
        error = excinfo.value
        entries = [entry for entry in excinfo.traceback if entry.path == item.path]
        entry = entries[-1] if entries else None  # none in what gradtest has made
        number = entry.lineno + 1 if entry else 0
        self.head, *self.lines = str(error).replace(f"{os.getcwd()}{os.sep}", "").splitlines()
        self.source = str(entry.statement).strip() if entry else ""
        file = os.path.relpath(item.path)
        self.place = f"{file}:{number}" if number else file
        self.notes = getattr(error, "__notes__", [])
        message = f"GradientError: {self.head.removeprefix(error.report.verdict.name).strip()}"
        self.reprcrash = SimpleNamespace(path=str(item.path), lineno=number, message=message)

    def toterminal(self, tw: Any) -> None:
        """Write it."""
        if self.source:
            tw.line(f">   {self.source}")
            tw.line()
        tw.line(self.head, red=True, bold=True)
        for line in self.lines:
            tw.line(line, red="✗" in line[:4])
        for note in filter(None, self.notes):
            tw.line()
            for line in note.splitlines():
                tw.line(f"  {line}")
        tw.line()
        tw.line(f"{self.place}: GradientError")

    def __str__(self) -> str:
        return "\n".join([self.head, *self.lines, *self.notes, f"{self.place}: GradientError"])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[Any]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the report of a failed check, unless another style of traceback was asked for."""
    report = yield
    style = item.config.getoption("tbstyle", "auto")
    if call.excinfo is None or style not in ("auto", "long", "short"):
        return report
    if report.outcome == "failed" and _is_gradient_error(call.excinfo.value):
        shown: Any = Shown(call.excinfo, item)
        report.longrepr = shown
    return report


def _is_gradient_error(error: BaseException) -> bool:
    """Tell by name, which loads nothing."""
    names = {f"{cls.__module__}.{cls.__qualname__}" for cls in type(error).__mro__}
    return "minigrad.testing.report.GradientError" in names
