"""`minigrad check FILE.py::NAME`: the checker for people who write layers, and for autograders."""

from __future__ import annotations

import argparse
import ast
import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from minigrad.testing import loading, waiting
from minigrad.testing.anything import checked
from minigrad.testing.likeness import likeness
from minigrad.testing.report import Report, Verdict
from minigrad.testing.reports.findings import Finding
from minigrad.testing.subjects import trials

ABOUT = "check the gradients of a layer, a function or a network in a file"
EPILOG = """\
NAME is a class or an instance with forward and backward (or loss and gradient), a function, or two
functions: `forward,backward`, or one whose name says forward beside one whose name says backward.
A function without arguments is called: it returns what to check, or (net, x, t) with what to try
it on, as for `minigrad explain`.
Without --input, inputs are made up from the names of the arguments until forward runs.

exit status: 0 all right, 1 something is wrong, 2 inconclusive, 64 the command was not understood
"""
STATUS = {Verdict.PASS: 0, Verdict.FAIL: 1, Verdict.INCONCLUSIVE: 2}
MISUSE = 64  # as sysexits.h has it
REMEDY = "--input 8,3 says what forward is given, --kwargs 'n_in=3' what the constructor is"
POLL = 0.3  # seconds


def add(parser: argparse.ArgumentParser) -> None:
    """Give a parser the arguments of `minigrad check`."""
    parser.set_defaults(run=run, parser=parser)
    parser.epilog, parser.formatter_class = EPILOG, argparse.RawDescriptionHelpFormatter
    vars(parser)["misuse"] = MISUSE
    add_argument = parser.add_argument
    add_argument("what", metavar="FILE.py::NAME", help="what to check")
    add_argument(
        "--input",
        action="append",
        type=_array,
        metavar="SHAPE",
        help="of an argument of forward, such as 8,3; 8:10 means 8 integers below 10, for labels; "
        "once for each argument",
    )
    add_argument(
        "--kwargs",
        type=_keywords,
        default={},
        metavar="NAME=VALUE,…",
        help="arguments of the constructor or of forward: 'n_in=3, W=normal(3, 4)', or JSON",
    )
    add_argument(
        "--param-grads",
        type=_pairs,
        metavar="W=dW,…",
        help="which attributes are parameters, and where backward leaves their gradients",
    )
    add_argument(
        "--like",
        type=_named,
        metavar="FILE.py::NAME",
        help="one whose forward is right: the outputs are compared too, for graders",
    )
    add_argument(
        "--order", type=int, choices=(1, 2), help="2: second derivatives of a function too"
    )
    add_argument("--seed", type=int, default=0, metavar="N", help="of the numbers (default: 0)")
    add_argument("--json", action="store_true", help="print JSON, with a score from 0 to 1")
    add_argument("--watch", action="store_true", help="check again whenever the file changes")


def run(args: argparse.Namespace) -> int:
    """Check as `args` say, print what was found, and return the exit status."""
    path, name = _divided(args)
    if not args.watch:
        return _once(args, path, name)
    status = 0
    try:
        for number, _ in enumerate(_changes(path)):
            print(f"{'' if number == 0 else chr(10)}──── {time.strftime('%H:%M:%S')} {path}")
            status = _once(args, path, name)
            print("(waiting for the next change; Ctrl-C ends)", flush=True)
    except KeyboardInterrupt:
        print()
    return status


# ---- one check -----------------------------------------------------------------------------------
def _once(args: argparse.Namespace, path: Path, name: str) -> int:
    inputs = args.input and [made(shape, args.seed + i) for i, shape in enumerate(args.input)]
    about = {"seed": args.seed, "options": _options(args), "like": _reference(args)}
    with waiting.shown():
        report = examined(path, name, inputs, **about)
    if args.json:
        _print(json.dumps(graded(report, path, name), indent=2, ensure_ascii=False))
    else:
        _print(str(report).replace(f"{os.getcwd()}{os.sep}", ""))
    return STATUS[report.verdict]


def examined(
    path: Path,
    name: str,
    inputs: list[Any] | None = None,
    seed: int = 0,
    options: dict[str, Any] | None = None,
    like: Any = None,
) -> Report:
    """Check what a name in a file stands for; whatever goes wrong is in the report.

    Args:
        path: the file.
        name: of the class, instance, function or pair in it.
        inputs: of forward; None to make some up.
        seed: of the numbers.
        options: as in `minigrad.testing.assert_gradients`.
        like: the same with a right forward, whose outputs are compared too.
    """
    try:
        thing = loading.find(loading.load(path), name)
        with trials.quiet():
            report = checked(thing, inputs, seed, options)
            if like is not None:
                _add(report, likeness(thing, like, inputs, seed, options))
        if report.verdict is Verdict.INCONCLUSIVE and inputs is None:
            report.notes = [*report.notes, REMEDY]
        return report
    except loading.UnreadableError as error:
        return Report(name, Verdict.FAIL, reason=str(error), where=error.where)
    except TypeError as error:  # nothing that can be checked
        return Report(name, Verdict.FAIL, reason=str(error))


def graded(report: Report, path: Path, name: str) -> dict[str, Any]:
    """What an autograder wants to know: the report, its parts, and a score.

    Each gradient is a part (dx, dW, db), and good conduct is one, which all contracts together
    make. The score is the share of the gradients that are right, from 0 to 1; bad conduct counts
    for one more that is wrong. Where the forward is compared and is another, the score is 0.
    """
    forwards = [found for found in report.checks if found.name == "forward"]
    values = [found for found in report.checks if found.order and found not in forwards]
    gradients = {found.name: found.verdict is Verdict.PASS for found in values}
    contracts = [found.verdict for found in report.checks if not found.order]
    parts = gradients | ({"conduct": Verdict.FAIL not in contracts} if contracts else {})
    right, slips = sum(gradients.values()), Verdict.FAIL in contracts
    slips = slips or (not report.ok and right == len(gradients))  # something else went wrong
    score = right / (len(gradients) + slips) if gradients else 0.0
    if forwards:
        parts = {"forward": forwards[0].verdict is Verdict.PASS} | parts
        score *= forwards[0].verdict is not Verdict.FAIL
    about: dict[str, Any] = {
        "file": str(path),
        "name": name,
        "score": round(score, 4),
        "parts": parts,
    }
    found: dict[str, Any] = json.loads(report.to_json())
    found.pop("name")
    return {**about, **found, "text": str(report)}


def _add(report: Report, found: Finding) -> None:
    """Put a finding before the others; what is wrong is wrong, whatever else is right."""
    report.checks = [found, *report.checks]
    if found.verdict is Verdict.FAIL and report.verdict is not Verdict.FAIL:
        report.verdict, report.reason = Verdict.FAIL, ""


def _reference(args: argparse.Namespace) -> Any:
    """Load what `--like` names; a reference that cannot be loaded is an error of usage."""
    if args.like is None:
        return None
    path, name = args.like
    try:
        return loading.find(loading.load(path), name)
    except loading.UnreadableError as error:
        args.parser.error(f"--like {path}::{name}: {error}")


def _options(args: argparse.Namespace) -> dict[str, Any]:
    extra = {"param_grads": args.param_grads, "order": args.order}
    options: dict[str, Any] = dict(args.kwargs)
    return options | {k: v for k, v in extra.items() if v is not None}


def _print(text: str) -> None:
    """Print, also where the terminal's encoding lacks a character."""
    encoding = sys.stdout.encoding or "utf-8"
    try:
        print(text.encode(encoding, "replace").decode(encoding), flush=True)
    except BrokenPipeError:  # `| head` has seen enough; what Python flushes at its end goes nowhere
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


# ---- the command line ----------------------------------------------------------------------------
def _divided(args: argparse.Namespace) -> tuple[Path, str]:
    """Take FILE.py::NAME apart; what makes no sense is an error of usage."""
    file, _, name = args.what.partition("::")
    path = Path(file)
    if not path.is_file():
        args.parser.error(f"there is no file {file}")
    if name:
        return path, name
    try:
        names = loading.names_in(loading.load(path))
    except loading.UnreadableError as error:
        args.parser.error(f"say what to check, {file}::NAME; and {error}")
    listed = ", ".join(f"{file}::{n}" for n in names) or f"and {file} has nothing that can be"
    args.parser.error(f"say what to check: {listed}")
    raise AssertionError("error does not return")


def _named(text: str) -> tuple[Path, str]:
    """Read FILE.py::NAME."""
    file, _, name = text.partition("::")
    if not name or not Path(file).is_file():
        raise argparse.ArgumentTypeError(f"{text!r} is not FILE.py::NAME of a file that is there")
    return Path(file), name


def _array(text: str) -> tuple[tuple[int, ...], int | None]:
    """Read a shape, 8,3, or the shape of integers below a number, 8:10."""
    shape, _, below = text.partition(":")
    try:
        sizes = tuple(int(n) for n in shape.strip("()").split(",") if n.strip())
        top = int(below) if below else None
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a shape such as 8,3, nor 8:10 for 8 integers below 10"
        ) from None
    if any(n < 0 for n in sizes) or (top is not None and top < 1):
        raise argparse.ArgumentTypeError(f"{text!r} has a size that is not positive")
    return sizes, top


def made(described: tuple[tuple[int, ...], int | None], seed: int) -> Any:
    """Draw an array as `--input` describes it: normal floats, or integers below a number."""
    shape, below = described
    rng = np.random.default_rng(seed)
    return rng.normal(size=shape) if below is None else rng.integers(0, below, size=shape)


def _keywords(text: str) -> dict[str, Any]:
    """Read keyword arguments: JSON, or as Python spells them, with normal(3, 4) for an array."""
    if text.lstrip().startswith("{"):
        try:
            return {name: _value(value) for name, value in json.loads(text).items()}
        except ValueError as error:
            raise argparse.ArgumentTypeError(f"{text!r} is not JSON: {error}") from None
    try:
        call = ast.parse(f"f({text})", mode="eval").body
    except SyntaxError:
        call = None
    if not isinstance(call, ast.Call) or call.args or any(k.arg is None for k in call.keywords):
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form name=value, name=value")
    return {str(k.arg): _literal(k.value, text, i) for i, k in enumerate(call.keywords)}


def _literal(node: ast.expr, text: str, seed: int) -> Any:
    try:
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "normal":
            return made((tuple(map(ast.literal_eval, node.args)), None), seed)
        return _value(ast.literal_eval(node))
    except (ValueError, TypeError):
        raise argparse.ArgumentTypeError(
            f"{ast.unparse(node)!r} in {text!r} is no number, text, list or normal(shape)"
        ) from None


def _value(value: Any) -> Any:
    """Make an array of a list of numbers."""
    array = np.asarray(value) if isinstance(value, list) else None
    return value if array is None or array.dtype.kind not in "fi" else array * 1.0


def _pairs(text: str) -> dict[str, str]:
    pairs = [pair.partition("=") for pair in text.split(",")]
    if not all(name.strip() and grad.strip() for name, _, grad in pairs):
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form W=dW, b=db")
    return {name.strip(): grad.strip() for name, _, grad in pairs}


# ---- watching ------------------------------------------------------------------------------------
def _changes(path: Path) -> Iterator[float]:
    """Yield now, and each time that a Python file of the folder has been written since."""
    latest = -1.0
    while True:
        newest = max((_written(file) for file in path.parent.glob("*.py")), default=0.0)
        if newest != latest:
            latest = newest
            yield latest
        time.sleep(POLL)


def _written(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except OSError:  # it is being replaced
        return 0.0
