"""How the source is built: imports run one way, the core needs NumPy alone, files stay readable."""

import ast
import sys
from pathlib import Path

import minigrad

PACKAGE = Path(minigrad.__file__).parent
ROOMS = [  # a module imports from rooms above its own, or inside its own room
    ["habits"],
    ["first_use"],
    ["kinds"],
    ["updates"],
    ["methods"],
    ["graph"],
    ["guards"],
    ["table"],
    ["constants"],
    ["calls"],
    ["shares"],
    ["pieces"],
    ["backward"],
    ["recording"],
    ["tensor"],
    ["derivatives"],
    ["trees"],
    ["lifting"],
    ["transforms"],
    ["functions"],
    ["differences"],
    ["initializers"],
    ["layers"],
    ["summary", "storage"],
    ["networks"],
    ["sequential"],
    ["schedules"],
    ["optimizers"],
    ["datasets"],
    ["plot"],
    ["history", "progress", "training"],
    ["testing"],
    ["explain"],
    ["minigrad"],  # the names that people import
    ["cli"],
    ["__main__"],
]
FLOOR = {room: floor for floor, rooms in enumerate(ROOMS) for room in rooms}
NUMPY_ALONE = {
    "kinds",
    "methods",
    "trees",
    "updates",
    "graph",
    "initializers",
    "schedules",
    "optimizers",
    "datasets",
}  # and nothing of ours
OPTIONAL = {"tqdm", "matplotlib", "numba", "hypothesis", "pytest"}  # the extras
SELDOM = {"csv", "difflib", "gzip", "importlib", "pathlib", "zipfile", "zlib"}  # files and errors
LONGEST = 450
SOURCES = sorted(PACKAGE.rglob("*.py"))


def module(path):
    """minigrad.layers.base for minigrad/layers/base.py."""
    parts = ("minigrad", *path.relative_to(PACKAGE).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module(path): path for path in SOURCES}


def room(name):
    """The room that a module stands in: layers for minigrad.layers.base."""
    return name.split(".")[1] if "." in name else name


def imports(tree):
    """All modules that a tree imports; of `from minigrad import tensor`, minigrad.tensor."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            inner = [f"{node.module}.{alias.name}" for alias in node.names]
            found += [name if name in MODULES else node.module for name in inner]
    return found


def parsed(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def is_for_types(statement):
    """Whether a type checker alone runs it."""
    return isinstance(statement, ast.If) and ast.unparse(statement.test).endswith("TYPE_CHECKING")


OURS = {
    name: {other for other in imports(parsed(path)) if other.split(".")[0] == "minigrad"}
    for name, path in MODULES.items()
}


def test_every_module_has_its_room():
    assert {room(name) for name in MODULES} == set(FLOOR)


def test_imports_run_one_way():
    backwards = [
        f"{name} imports {other}"
        for name, others in OURS.items()
        for other in others
        if FLOOR[room(other)] > FLOOR[room(name)]
    ]
    assert backwards == []


def test_no_module_imports_itself_by_way_of_others():
    def reached(name, seen):
        for other in OURS[name] - seen:
            seen.add(other)
            reached(other, seen)
        return seen

    assert [name for name in MODULES if name in reached(name, set())] == []


FOLDERS = [  # inside a room, as FLOOR is for rooms: each imports from those before it
    ["testing.numeric", "testing.reports", "testing.subjects"],
    ["testing.evidence"],
    ["testing.contracts"],
    ["testing.diagnosis"],
    ["explain.assets", "explain.data"],
    ["explain.drawing"],
    ["explain.page"],
    ["explain.questions"],
]
HEIGHT = {folder: height for height, folders in enumerate(FOLDERS) for folder in folders}


def test_folders_inside_a_room_import_one_way():
    folder = {name: ".".join(name.split(".")[1:3]) for name in MODULES}
    backwards = [
        f"{name} imports {other}"
        for name, others in OURS.items()
        for other in others
        if folder[other] in HEIGHT
        and HEIGHT[folder[other]] > HEIGHT.get(folder[name], len(FOLDERS))
    ]
    assert backwards == []


def test_rooms_beside_the_engine_know_nothing_of_it():
    beside = {
        f"{name} imports {other}"
        for name, others in OURS.items()
        if room(name) in NUMPY_ALONE
        for other in others
        if room(other) != room(name)
    }
    allowed = {
        "minigrad.methods imports minigrad.updates",
        "minigrad.methods imports minigrad.habits",
        "minigrad.updates imports minigrad.kinds",
        "minigrad.graph imports minigrad.kinds",
        "minigrad.optimizers.base imports minigrad.schedules",
        "minigrad.optimizers.clipping imports minigrad.schedules",
        "minigrad.optimizers.rules imports minigrad.schedules",
    }
    assert beside - allowed == set()


def test_the_core_needs_the_standard_library_and_numpy_alone():
    for path in SOURCES:
        roots = {name.split(".")[0] for name in imports(parsed(path))}
        assert roots - set(sys.stdlib_module_names) <= {"numpy", "minigrad"} | OPTIONAL, path


def test_imports_are_at_the_top_but_for_the_extras_and_what_is_seldom_needed():
    for path in SOURCES:
        tree = parsed(path)
        later = [
            name
            for statement in tree.body
            if not isinstance(statement, (ast.Import, ast.ImportFrom))
            and not is_for_types(statement)
            for name in imports(statement)
        ]
        assert {name.split(".")[0] for name in later} <= OPTIONAL | SELDOM, path
        at_top = [s for s in tree.body if isinstance(s, (ast.Import, ast.ImportFrom))]
        assert not {name.split(".")[0] for s in at_top for name in imports(s)} & OPTIONAL, path


def test_imports_stand_before_everything_else():
    for path in SOURCES:
        body = [s for s in parsed(path).body if not isinstance(s, ast.Expr)]
        kinds = [isinstance(s, (ast.Import, ast.ImportFrom)) for s in body]
        assert kinds == sorted(kinds, reverse=True), path


def test_no_linter_and_no_type_checker_is_muted():
    for path in SOURCES:
        text = path.read_text(encoding="utf-8")
        assert not [
            word for word in ("noqa", "type: ignore", "pragma:", "fmt: off") if word in text
        ], path


def test_a_file_is_read_at_one_sitting():
    for path in SOURCES:
        lines = path.read_text(encoding="utf-8").splitlines()
        assert len(lines) <= LONGEST, path
        assert max(map(len, lines), default=0) <= 100, path


def test_every_module_says_what_it_is_for():
    for path in SOURCES:
        assert path.name == "__main__.py" or ast.get_docstring(parsed(path)), path
