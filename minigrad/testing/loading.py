"""Finding what `FILE.py::NAME` names; whatever is wrong with the file is a sentence and a line."""

from __future__ import annotations

import difflib
import importlib.util
import sys
import traceback
from pathlib import Path
from types import ModuleType
from typing import Any

from minigrad.testing.anything import kind_of
from minigrad.testing.subjects.trials import quiet


class UnreadableError(Exception):
    """Something is wrong with the file: a sentence, and the place with its text."""

    def __init__(self, sentence: str, where: list[str] | None = None) -> None:
        super().__init__(sentence)
        self.where = where or []


def load(path: Path) -> ModuleType:
    """Run a file and return its module, fresh each time, as `python FILE.py` would find it.

    Modules beside the file that were loaded before are loaded again: they may have changed.

    Raises:
        UnreadableError: when the file cannot be run.
    """
    folder = str(path.resolve().parent)
    _forget_modules_of(folder)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    name = path.stem if path.stem not in sys.modules else f"checked_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise UnreadableError(f"{path.name} is no Python file")
    sys.modules[name] = module = importlib.util.module_from_spec(spec)
    importlib.invalidate_caches()
    written, sys.dont_write_bytecode = sys.dont_write_bytecode, True  # a second may be too short
    try:
        with quiet():
            spec.loader.exec_module(module)
    except SyntaxError as error:
        sentence = f"{path.name} is no valid Python: {error.msg}"
        raise UnreadableError(sentence, _syntax(error)) from error
    except (Exception, SystemExit) as error:
        told = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        sentence = f"{path.name} cannot be imported: {told}"
        raise UnreadableError(sentence, _frame(error, folder)) from error
    finally:
        sys.dont_write_bytecode = written
    return module


def find(module: ModuleType, name: str) -> Any:
    """Find what a name, perhaps with dots, stands for; `f,g` is a pair, and so is `forward` alone.

    A function whose name says forward stands for itself and its backward: `forward` beside
    `backward`, `affine_forward` beside `affine_backward`.

    Raises:
        UnreadableError: when there is no such name, with the nearest there is.
    """
    if "," in name:
        forward, backward = (_one(module, part.strip()) for part in name.split(",", 1))
        return forward, backward
    found = _one(module, name)
    other = name.replace("forward", "backward")
    if other != name and callable(found) and callable(getattr(module, other, None)):
        return found, getattr(module, other)
    return found


def names_in(module: ModuleType) -> list[str]:
    """List what a person could ask for: classes, functions and instances of the file's own."""
    own = []
    for name, value in vars(module).items():
        home = getattr(value, "__module__", module.__name__)
        if not name.startswith("_") and home == module.__name__ and _can_be_checked(value):
            own.append(name)
    return own


def _can_be_checked(value: Any) -> bool:
    if isinstance(value, ModuleType):
        return False
    try:
        kind_of(value)
    except TypeError:
        return False
    return True


def _one(module: ModuleType, name: str) -> Any:
    value: Any = module
    for part in name.split("."):
        if not hasattr(value, part):
            raise UnreadableError(_missing(module, value, part))
        value = getattr(value, part)
    return value


def _missing(module: ModuleType, holder: Any, name: str) -> str:
    file = Path(str(module.__file__)).name
    there = names_in(module) if holder is module else [n for n in dir(holder) if n[0] != "_"]
    close = difflib.get_close_matches(name, there, n=1, cutoff=0.5)
    close = close or [n for n in there if n.lower() == name.lower()]
    if close:
        return f"{file} has no {name}: did you mean {close[0]}?"
    return f"{file} has no {name}: it has {', '.join(there) or 'nothing that can be checked'}"


def _forget_modules_of(folder: str) -> None:
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if file and name != "__main__" and str(Path(file).resolve().parent) == folder:
            del sys.modules[name]


def _syntax(error: SyntaxError) -> list[str]:
    if error.filename is None or error.lineno is None:  # null bytes: it is no text at all
        return []
    line = (error.text or "").rstrip()
    return [f"{error.filename}:{error.lineno}"] + ([f"    {line.strip()}"] if line else [])


def _frame(error: BaseException, folder: str) -> list[str]:
    """Name the innermost line of the person's own files."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [f for f in frames if str(Path(f.filename).resolve().parent) == folder]
    return [f"{own[-1].filename}:{own[-1].lineno}", f"    {own[-1].line}"] if own else []
