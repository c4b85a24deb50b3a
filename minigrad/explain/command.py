"""`minigrad explain`: an expression, a function of a file, or an example, explained.

    minigrad explain "(a*b + c)**2" a=2 b=3 c=1
    minigrad explain net.py::build --html backward.html
    minigrad explain dropout --quiz

Exit status: 0 done; 1 the forward pass, the file's code or the writing failed; 2 what was asked for
makes no sense. A forward pass that fails is shown as far as it came.
"""

from __future__ import annotations

import argparse
import contextlib
import difflib
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from minigrad.explain.data.expressions import ExpressionError, evaluate, names_in, read_value
from minigrad.explain.data.watching import Locals
from minigrad.explain.entry import explain
from minigrad.explain.examples import EXAMPLES
from minigrad.explain.letters import printable
from minigrad.tensor import Tensor

ABOUT = "show the backward pass of an expression, a net or an example, step by step"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what `minigrad explain` takes."""
    parser.set_defaults(run=run, parser=parser, hint=_hint)
    add = parser.add_argument
    examples = ", ".join(EXAMPLES)
    add(
        "what",
        help=f'an expression like "(a*b + c)**2", FILE.py::FUNCTION, or one of {examples}; the '
        "function returns a loss, (loss, names) with names such as locals(), or (net, x, t)",
    )
    add(
        "values",
        nargs="*",
        default=[],  # without one, argparse says that they are required
        metavar="NAME=VALUE",
        help="right behind an expression: a=2 x=[[1,2],[3,4]]",
    )
    add("--at", metavar="NAME,I,J", help="one entry of a gradient: every term of its sum")
    add("--html", metavar="FILE", help="write a page to step through (with --quiz, one that asks)")
    add("--svg", metavar="FILE", help="write the graph as a picture")
    add(
        "--json",
        metavar="FILE",
        help="write all of it as data (with --quiz, and without --html, the result)",
    )
    add("--quiz", action="store_true", help="hide contributions, and ask for them")
    add("--seed", type=_seed, default=0, metavar="N", help="which questions (default: 0)")
    add("--questions", type=_count, default=5, metavar="N", help="how many (default: 5)")


def _hint(unknown: list[str]) -> str:
    """Say how an expression is given that begins with a minus.

    >>> _hint(["-a"])
    '; an expression that begins with - stands behind -- or in brackets: -- "-a", or "(-a)"'
    """
    text = unknown[0]
    if text.startswith("--") or not names_in(text):
        return ""
    told = "an expression that begins with - stands behind -- or in brackets"
    return f'; {told}: -- "{text}", or "({text})"'


def run(args: argparse.Namespace) -> int:
    """Explain what the arguments name, and return the exit status."""
    try:
        subject = _subject(args.what, args.values)
    except UsageError as error:
        args.parser.error(str(error))
    except BuildError as error:
        print(f"{args.parser.prog}: error: {error}", file=sys.stderr)
        return 1
    try:
        explanation = subject()
    except (TypeError, ValueError) as error:
        args.parser.error(f"{args.what}: {error}")
    return _ask(explanation, args) if args.quiz else _show(explanation, args)


def _show(explanation: Any, args: argparse.Namespace) -> int:
    if args.html:
        explanation.save(args.html)
        print(args.html)
    if args.svg:
        _write(args.svg, explanation.to_svg())
    if args.json:
        _write(args.json, explanation.to_json())
    if args.at:
        try:
            print(explanation.at(*_place(args.at)))
        except (KeyError, IndexError, ValueError) as error:
            args.parser.error(f"--at {args.at}: {error.args[0] if error.args else error}")
    elif not (args.html or args.svg or args.json):
        print(explanation)
    return 0 if explanation.failure is None else 1


def _ask(explanation: Any, args: argparse.Namespace) -> int:
    try:
        quiz = explanation.quiz(seed=args.seed, questions=args.questions)
    except ValueError as error:
        args.parser.error(f"--quiz: {error}")
    if args.html and args.json:
        args.parser.error("--json is the result of a quiz in the terminal; a page shows its own")
    if args.html:
        _write(args.html, quiz.to_html())
        return 0
    quiz.run(say=lambda words: print(printable(words)))
    if args.json:
        _write(args.json, quiz.to_json(indent=2))
    return 0


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="utf-8") as file:
        file.write(text + "\n")
    print(path)


# ---- what is explained ---------------------------------------------------------------------------
class UsageError(Exception):
    """What was asked for makes no sense."""


class BuildError(Exception):
    """The code of a file failed."""


def _subject(what: str, values: list[str]) -> Callable[[], Any]:
    """Return what explains the thing that `what` names."""
    if what in EXAMPLES or "::" in what:
        if values:
            raise UsageError(f"values such as {values[0]} belong to an expression, not to {what}")
        return (lambda: explained(EXAMPLES[what]())) if what in EXAMPLES else _of_file(what)
    if what.endswith(".py"):
        raise UsageError(f"which function of {what} builds it? Say {what}::build")
    return _of_expression(what, values)


def explained(result: Any, names: Mapping[str, Any] = MappingProxyType({})) -> Any:
    """Explain what an example or a function of a file returned.

    Args:
        result: a loss, (loss, names), or (net, x, t).
        names: variables by name, for a loss that comes without.

    >>> explained(EXAMPLES["apples"]()).gradients["count"]
    array(110.)
    """
    if isinstance(result, tuple) and len(result) == 2 and isinstance(result[1], dict):
        return explain(result[0], names=result[1])
    args = result if isinstance(result, tuple) else (result,)
    return explain(*args, names=names)


def _of_expression(text: str, values: list[str]) -> Callable[[], Any]:
    tensors: dict[str, Tensor] = {}
    try:
        for name, value in map(read_value, values):
            if name in tensors:
                raise ExpressionError(f"{name} has two values")
            tensors[name] = Tensor(value)
        result = evaluate(text, tensors)
    except ExpressionError as error:
        if stopped := _as_far_as_it_came(error.__cause__, tensors):
            return lambda: stopped
        raise UsageError(f"{error}{_examples(text)}") from error
    unused = [name for name in tensors if name not in names_in(text)]
    if unused:
        raise UsageError(f"{', '.join(unused)} stands nowhere in {text!r}")
    if not isinstance(result, Tensor):
        raise UsageError(f"{text!r} has no names, so there is nothing to differentiate by")
    if result.size != 1:
        raise UsageError(
            f"{text!r} has shape {result.shape}, and a backward pass begins with one number: "
            f"sum({text}) is one"
        )
    return lambda: explain(result, names=tensors)


def _examples(text: str) -> str:
    """List the examples, and the nearest, for what may be meant as the name of one."""
    if names_in(text) not in ([], [text]):
        return ""
    close = difflib.get_close_matches(text, EXAMPLES, n=1)
    meant = f"; did you mean the example {close[0]}?" if close else ""
    return f"{meant} (examples: {', '.join(EXAMPLES)})"


def _of_file(what: str) -> Callable[[], Any]:
    path, _, function = what.partition("::")
    build = _function(path, function)
    seen = Locals(path)
    try:
        with _code_of_the_learner(path), seen:
            result = build()
    except BuildError as error:
        if stopped := _as_far_as_it_came(error.__cause__):
            return lambda: stopped
        raise
    if result is None:
        raise UsageError(f"{what} returned None: return a loss, (loss, names) or (net, x, t)")
    return lambda: explained(result, seen.names())


def _function(path: str, name: str) -> Callable[[], Any]:
    import importlib.util
    from pathlib import Path

    file = Path(path)
    if not file.is_file():
        raise UsageError(f"there is no file {path}")
    own_name = f"explained_{file.stem}"  # a file may be called random.py
    spec = importlib.util.spec_from_file_location(own_name, file)
    if spec is None or spec.loader is None:
        raise UsageError(f"{path} is no Python file: its name ends in .py")
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(file.resolve().parent))  # for the modules beside it
    sys.modules[spec.name] = module  # for its own classes: pickle, dataclasses
    with _code_of_the_learner(path):
        spec.loader.exec_module(module)
    found: Any = getattr(module, name, None)
    if not callable(found):
        own = [k for k, v in vars(module).items() if getattr(v, "__module__", "") == spec.name]
        raise UsageError(f"{path} has no function {name!r}; it has {', '.join(own) or 'none'}")
    build: Callable[[], Any] = found
    return build


@contextlib.contextmanager
def _code_of_the_learner(path: str) -> Iterator[None]:
    """Tell an error of a file by the line of that file, not by ours."""
    try:
        yield
    except (Exception, SystemExit) as error:
        lines = [f for f in traceback.extract_tb(error.__traceback__) if f.filename.endswith(path)]
        place = f"{path}:{lines[-1].lineno}" if lines else path
        raise BuildError(f"{place}: {type(error).__name__}: {error}") from error


def _as_far_as_it_came(error: BaseException | None, names: Any = None) -> Any:
    """Explain an error of a call that arrays went into; None for all others."""
    found = explain(error, names=names or {}) if isinstance(error, Exception) else None
    return found if found and found.lines and found.failure and found.failure.call else None


# ---- options -------------------------------------------------------------------------------------
def _place(text: str) -> tuple[Any, ...]:
    name, *indices = text.split(",")
    return name, *map(_index, indices)


def _index(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValueError(f"{text!r} is no index: write --at W,0,1") from None


def _seed(text: str) -> int:
    return _integer(text, least=0)


def _count(text: str) -> int:
    return _integer(text, least=1)


def _integer(text: str, least: int) -> int:
    try:
        number = int(text)
    except ValueError:
        number = least - 1
    if number < least:
        raise argparse.ArgumentTypeError(f"{text!r} is not an integer of {least} or more")
    return number
