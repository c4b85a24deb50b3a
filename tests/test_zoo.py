"""The zoo is what it says: twins are right, and each wrong one is wrong as declared, no further.

The judges are independent of minigrad: central differences (`zoo_judge`) and one demonstration per
contract (`zoo_contracts`).
"""

import ast
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
import zoo
import zoo_contracts
from zoo import CAUSES, CONTRACTS, FAMILIES, TWINS, VALUES, WRONG_VALUE, ZOO
from zoo_judge import TWIN, Run, distance, errors, right

SEEDS = (0, 1, 2)
RIGHT, WRONG = 1e-6, 1e-3
SOURCES = sorted(Path(zoo.__file__).parent.glob("*.py"))
WRONG_VALUES = [one for one in ZOO if one.wrong in VALUES]
WRONG_CONDUCT = [one for one in ZOO if one.wrong in CONTRACTS]

each_family = pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)


def each(specimens):
    return pytest.mark.parametrize("specimen", specimens, ids=lambda specimen: specimen.name)


def shown(specimen, demonstrations):
    """What is broken, and by which names."""
    found = {label: demonstrate(specimen) for label, demonstrate in demonstrations.items()}
    return {label: names for label, names in found.items() if names}


# ---- the collection ------------------------------------------------------------------------------
def test_there_are_enough_of_them():
    assert len(WRONG_VALUES) >= 120
    assert len(WRONG_CONDUCT) >= 30
    assert len(TWINS) >= 35


def test_names_are_unique_and_twins_exist():
    assert len({one.name for one in TWINS + ZOO}) == len(TWINS + ZOO)
    assert {one.twin for one in ZOO} <= set(TWIN)
    assert {(one.wrong, one.twin, one.at, one.also) for one in TWINS} == {(None, None, (), ())}


def test_the_list_of_causes_is_closed_and_every_cause_occurs():
    assert {one.wrong for one in ZOO} == set(CAUSES)
    labels = {label for one in TWINS + ZOO for label in (*one.also, *one.excused)}
    assert labels <= set(CONTRACTS) | {WRONG_VALUE}


def test_every_cause_and_every_specimen_is_explained_in_a_sentence():
    notes = [*CAUSES.values(), *(one.note for one in ZOO)]
    assert [note for note in notes if not note.endswith(".") or len(note.split()) < 5] == []
    assert len(set(notes)) == len(notes)


def test_the_zoo_imports_nothing_of_minigrad():
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in SOURCES]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    names = {a.name for node in nodes if isinstance(node, ast.Import) for a in node.names}
    names |= {node.module for node in nodes if isinstance(node, ast.ImportFrom)}
    assert "minigrad" not in {name.split(".")[0] for name in names}


def test_every_family_is_read_at_one_sitting():
    assert {path.stem for path in SOURCES} >= set(FAMILIES)
    assert max(len(path.read_text(encoding="utf-8").splitlines()) for path in SOURCES) <= 450


@each_family
def test_no_slip_stands_twice(family):
    def alike(a, b):
        same = a.twin == b.twin and a.inputs is b.inputs
        return same and all(distance(found[a][name], g) < RIGHT for name, g in found[b].items())

    mine = [one for one in family.WRONG if one.wrong in VALUES]
    found = {one: Run(one, SEEDS[0]).gradients() for one in mine}
    assert [(a.name, b.name) for a, b in combinations(mine, 2) if alike(a, b)] == []


# ---- numbers -------------------------------------------------------------------------------------
@each(TWINS)
def test_twins_are_right(specimen):
    for seed in SEEDS:
        found = errors(specimen, seed)
        assert max(found.values(), default=0.0) < RIGHT


@each([one for one in TWINS if "float32" in one.name])
def test_twins_in_float32_are_as_right_as_float32_can_be(specimen):
    for seed in SEEDS:
        assert max(errors(specimen, seed, cast=None).values()) < 1e-5


@each(WRONG_VALUES)
def test_wrong_values_are_wrong_where_they_say_and_nowhere_else(specimen):
    for seed in SEEDS:
        found = errors(specimen, seed)
        assert {name for name, error in found.items() if error > WRONG} == set(specimen.at)
        assert {name for name, error in found.items() if error > RIGHT} == set(specimen.at)


@each_family
def test_nothing_but_the_slip_differs_from_the_twin(family):
    for specimen in family.WRONG:
        twin, own = right(specimen), TWIN[specimen.twin]
        if (twin.inputs, twin.arguments) != (own.inputs, own.arguments):  # not tested as a twin
            assert max(max(errors(twin, seed).values()) for seed in SEEDS) < RIGHT
        for seed in SEEDS:
            for y, expected in zip(Run(specimen, seed).ys, Run(twin, seed).ys, strict=True):
                np.testing.assert_array_equal(y, expected, specimen.name)


# ---- contracts -----------------------------------------------------------------------------------
@each(TWINS)
def test_twins_keep_every_contract_but_those_they_are_excused_from(specimen):
    every = zoo_contracts.CONDUCT | zoo_contracts.OTHERWISE_RIGHT
    assert set(shown(specimen, every)) == set(specimen.excused)


@each(WRONG_CONDUCT)
def test_contracts_break_exactly_as_named(specimen):
    found = shown(specimen, zoo_contracts.CONDUCT | zoo_contracts.OTHERWISE_RIGHT)
    assert set(found) == {specimen.wrong, *specimen.also}
    assert found[specimen.wrong] == set(specimen.at)


@each_family
def test_wrong_values_keep_the_contracts(family):
    mine = [one for one in family.WRONG if one.wrong in VALUES]
    found = {one.name: set(shown(one, zoo_contracts.CONDUCT)) for one in mine}
    assert found == {one.name: set(one.also) for one in mine}


def test_every_contract_has_its_demonstration():
    every = zoo_contracts.CONDUCT | zoo_contracts.OTHERWISE_RIGHT
    assert set(every) == set(CONTRACTS) | {WRONG_VALUE}
