"""Names of a package that are imported when they are first used, not with the package."""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from minigrad.habits import OF_MINIGRAD


def on_first_use(
    package: str, names: Mapping[str, str]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Make the `__getattr__` and the `__dir__` of a package (PEP 562).

    `names` says for each module of the package, by its name without the package's, which names of
    it are the package's too, between spaces. The modules themselves need no mention.

    >>> getattribute, directory = on_first_use("minigrad", {"functions": "relu tanh"})
    >>> getattribute("relu")(-1.0)
    np.float64(0.0)
    >>> getattribute("layers")
    <module 'minigrad.layers' from ...>
    >>> getattribute("tanhh")
    Traceback (most recent call last):
    AttributeError: module 'minigrad' has no attribute 'tanhh': did you mean tanh?
    """
    homes = {name: module for module, line in names.items() for name in line.split()}

    def getattribute(name: str) -> Any:
        if name in homes:
            value = getattr(import_module(f"{package}.{homes[name]}"), name)
            setattr(import_module(package), name, value)  # and it is asked for no more
            return value
        if name.isidentifier() and not name.startswith("_"):
            try:
                return import_module(f"{package}.{name}")
            except ModuleNotFoundError as error:
                if error.name != f"{package}.{name}":
                    raise
        raise AttributeError(_unknown(package, name), name=name)

    def directory() -> list[str]:
        found = vars(import_module(package))
        public = {*found["__all__"], *homes}
        return sorted(public.union(name for name in found if name.startswith("__")))

    return getattribute, directory


def _unknown(package: str, name: str) -> str:
    """Say that a package has no such name, and which one was perhaps meant."""
    if name.startswith("_"):  # programs ask for these, people do not
        return f"module {package!r} has no attribute {name!r}"
    import difflib

    names = vars(import_module(package))["__all__"]
    if folded := [known for known in names if known.casefold() == name.casefold()]:
        hint = f": did you mean {folded[0]}?"
    elif package == "minigrad" and name.casefold() in OF_MINIGRAD:
        hint = f": {OF_MINIGRAD[name.casefold()]}"
    elif package == "minigrad" and callable(getattr(import_module("numpy"), name, None)):
        hint = f": it is NumPy's own, np.{name}, which takes Tensors where it has a derivative"
    else:
        close = difflib.get_close_matches(name, names, n=1)
        hint = f": did you mean {close[0]}?" if close else ""
    return f"module {package!r} has no attribute {name!r}{hint}"
