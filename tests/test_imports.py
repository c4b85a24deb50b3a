"""What `import minigrad` loads, and what is loaded when it is first used."""

import ast
import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

import minigrad as mg

LIBRARY = {"csv", "dataclasses", "difflib", "gzip", "hashlib", "importlib.resources", "pathlib"}
LIBRARY |= {"importlib.util", "numpy.random", "zipfile"}
OURS = {"cli", "datasets", "functions", "initializers", "layers", "networks", "optimizers"}
OURS |= {"recording", "sequential", "storage", "training"}


def fresh(program, folder=None):
    """What a program prints in a new process, word by word."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(Path(mg.__file__).parents[1])},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def loaded(program):
    """The modules that a program loads and NumPy does not."""
    listed = "import sys, numpy; before = set(sys.modules)\n{}\nprint(*set(sys.modules) - before)"
    return set(fresh(listed.format(program)))


# ---- importing -----------------------------------------------------------------------------------
def test_importing_minigrad_loads_the_engine_and_nothing_heavy():
    modules = loaded("import minigrad")
    assert {"minigrad.graph", "minigrad.backward", "minigrad.derivatives"} <= modules
    assert modules & (LIBRARY | {f"minigrad.{name}" for name in OURS}) == set()


def test_a_tensor_from_its_own_module_finds_the_table():
    assert "minigrad.derivatives.elementwise" in loaded("from minigrad.tensor import Tensor")


def test_layers_without_random_weights_load_neither_generators_nor_files():
    modules = loaded("import minigrad as mg; mg.ReLU(), mg.SGD(0.1), mg.Network, mg.Trainer")
    seldom = {"csv", "difflib", "gzip", "importlib.resources", "numpy.random", "zipfile"}
    assert modules & seldom == set()


# ---- names ---------------------------------------------------------------------------------------
def lists():
    """The names in `__init__.py` that are imported at once, for editors, and on first use."""
    tree = ast.parse(Path(mg.__file__).read_text(encoding="utf-8"))
    (choice,) = (node for node in tree.body if isinstance(node, ast.If))
    table = next(node for node in ast.walk(choice.orelse[0]) if isinstance(node, ast.Dict))
    modules = ast.literal_eval(table).items()
    later = {name: f"minigrad.{module}" for module, names in modules for name in names.split()}
    return imported(tree.body), imported(choice.body), later


def imported(statements):
    return {
        alias.asname or alias.name: node.module
        for node in statements
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


def test_editors_and_python_find_the_same_names_in_the_same_modules():
    at_once, for_editors, later = lists()
    rooms = {name: module for name, module in for_editors.items() if module == "minigrad"}
    assert for_editors == later | rooms
    assert at_once.keys() | for_editors.keys() == {*mg.__all__, "_on_first_use"}
    assert not at_once.keys() & for_editors.keys()


def test_a_name_is_the_same_thing_wherever_it_is_imported_from():
    for name, module in lists()[2].items():
        assert getattr(mg, name) is getattr(importlib.import_module(module), name)


def test_every_way_to_import_works_first():
    for program in (
        "from minigrad import Sequential, functions, storage; Sequential, functions.relu, storage",
        "import minigrad.layers; minigrad.layers.Affine",
        "import minigrad as mg; mg.layers.Affine, mg.summary.summary, mg.derivatives.elementwise",
        "import minigrad as mg; mg.datasets.digits()",
        "from minigrad import *; Affine, Trainer, datasets.digits, relu",
        "import pydoc, minigrad; assert 'class Trainer' in pydoc.plain(pydoc.render_doc(minigrad))",
        "import minigrad; assert {*minigrad.__all__, '__version__'} <= {*dir(minigrad)}",
    ):
        fresh(program)


def test_a_pickled_network_is_read_by_a_process_that_has_imported_nothing(tmp_path):
    written = "import minigrad as mg, pickle; net = mg.mlp([2, 3, 1], loss=mg.MeanSquaredError())\n"
    fresh(written + "pickle.dump(net, open('net', 'wb'))", tmp_path)
    read = "import pickle; print(*pickle.load(open('net', 'rb')).params)"
    assert fresh(read, tmp_path) == ["W1", "b1", "W2", "b2"]


def test_an_unknown_name_is_refused_with_the_one_that_was_meant():
    with pytest.raises(AttributeError, match=r"'minigrad' has no attribute 'Afine': .* Affine\?"):
        mg.Afine
    with pytest.raises(AttributeError, match=r"'minigrad' has no attribute 'zzz'$"):
        mg.zzz
    with pytest.raises(ImportError, match="cannot import name 'Afine'"):
        exec("from minigrad import Afine")
    assert not hasattr(mg, "__main__")


def test_a_module_that_cannot_be_imported_says_why(monkeypatch):
    monkeypatch.setitem(sys.modules, "argparse", None)
    monkeypatch.delitem(sys.modules, "minigrad.cli", raising=False)
    monkeypatch.delattr(mg, "cli", raising=False)
    with pytest.raises(ModuleNotFoundError, match="argparse"):
        mg.cli
