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
    (choice,) = (node for node in tree.body if isinstance(node, ast.If) and node.orelse)
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
    importlib.import_module("minigrad.cli")  # for monkeypatch to put back
    monkeypatch.delitem(sys.modules, "minigrad.cli")
    monkeypatch.delattr(mg, "cli")
    monkeypatch.setitem(sys.modules, "argparse", None)
    with pytest.raises(ModuleNotFoundError, match="argparse"):
        mg.cli


# ---- chapters of the table -----------------------------------------------------------------------
CHAPTER = """
import time

import numpy as np

import minigrad as mg
from minigrad.calls import apply
from minigrad.table import CONSTANTS
from minigrad.tensor import ADAPTERS, Tensor

def halved(x):
    return x / 2

time.sleep(0.1)  # other threads come in between
halved = mg.primitive()(halved)
mg.defvjp(np.linalg.inv, lambda g, y, a: 10 * g)
mg.defvjp(np.linalg.pinv, lambda g, y, a: 10 * g)
mg.defvjp(np.linalg.det, lambda g, y, a: 10 * g)
ADAPTERS[np.linalg.det] = lambda a: apply(Tensor, np.linalg.det, (a,), {}, lambda a: a[0, 0])
ADAPTERS[np.ldexp] = lambda x, n: x * 2.0**n
CONSTANTS.update({np.linalg.matrix_rank, np.spacing})
"""
CLOSED = """
import sys
import numpy as np
import minigrad as mg
from minigrad.calls import apply
from minigrad.table import FURTHER
FURTHER[:] = ["chapter"]
x = mg.Tensor(np.eye(2))
np.sum(np.exp(x) @ x + 1).backward()
assert "chapter" not in sys.modules
"""


@pytest.fixture
def folder(tmp_path):
    """Where a chapter waits to be opened."""
    (tmp_path / "chapter.py").write_text(CHAPTER)
    return tmp_path


@pytest.mark.parametrize(
    "use",
    [
        "assert mg.gradients(np.linalg.inv(x)[0, 0], x)[0, 0] == 10",
        "assert np.linalg.det(x).item() == 1",
        "assert np.ldexp(x, 1)[0, 0].item() == 2",
        "assert np.linalg.matrix_rank(x) == 2",
        "assert type(np.spacing(x)) is np.ndarray",
        "assert apply(mg.Tensor, np.linalg.inv, (x,), {})[0, 0].item() == 1",
    ],
)
def test_a_function_that_no_open_chapter_knows_opens_the_others(folder, use):
    fresh(f"{CLOSED}{use}\nassert 'chapter' in sys.modules", folder)


def test_a_function_without_a_rule_is_refused_when_all_chapters_are_open(folder):
    refused = "try: np.linalg.qr(x)\nexcept TypeError as error: print(error)"
    assert "has no derivative rule" in " ".join(fresh(CLOSED + refused, folder))


def test_your_own_rule_stands_whether_a_chapter_is_opened_before_or_after(folder):
    for before, after in (("", "np.linalg.pinv(x)"), ("np.linalg.pinv(x)", "")):
        stated = "mg.defvjp(np.linalg.inv, lambda g, y, a: 7 * g)"
        used = "print(mg.gradients(np.linalg.inv(x)[0, 0], x)[0, 0])"
        assert fresh(f"{CLOSED}\n{before}\n{stated}\n{after}\n{used}", folder) == ["7.0"]


def test_threads_that_need_a_chapter_at_the_same_time_all_find_it(folder):
    together = """
from threading import Barrier, Thread
barrier, found = Barrier(8), []
def work():
    barrier.wait()
    found.append(np.linalg.det(mg.Tensor(np.eye(2))).item())
threads = [Thread(target=work) for _ in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
assert found == [1.0] * 8
"""
    fresh(CLOSED + together, folder)


def test_every_chapter_is_open_from_the_beginning_or_among_the_further_ones():
    chapters = Path(mg.derivatives.__file__).parent
    listed = [*mg.derivatives.__all__, *mg.derivatives.further.__all__]
    files = {path.stem for path in chapters.glob("*.py")} - {"__init__", "further"}
    assert sorted(listed) == sorted(files)


def test_further_chapters_leave_the_functions_of_the_first_ones_alone():
    fresh("""
import minigrad
from minigrad.table import CONSTANTS, MASKING, RULES, open_further
from minigrad.tensor import ADAPTERS
tables = [RULES, ADAPTERS, dict.fromkeys(CONSTANTS), dict.fromkeys(MASKING)]
first = [table.copy() for table in tables]
known = set().union(*first)
open_further()
tables[2:] = [dict.fromkeys(CONSTANTS), dict.fromkeys(MASKING)]
for table, before in zip(tables, first):
    stated = {function for function in table if table[function] is not before.get(function, 0)}
    assert not stated & known, stated & known
""")
