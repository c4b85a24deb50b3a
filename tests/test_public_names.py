"""Every public name has an example that runs, and so does every example of the package."""

import doctest
import importlib
import inspect
import pkgutil
import types

import numpy as np
import pytest

import minigrad as mg

ROOMS = ("minigrad.layers", "minigrad.testing", "minigrad.testing.strategies")
PACKAGES = [*(mg, mg.datasets, mg.functions), *map(importlib.import_module, ROOMS)]
PUBLIC = [(package, name) for package in PACKAGES for name in package.__all__]
MODULES = [mg] + [
    importlib.import_module(found.name)
    for found in pkgutil.walk_packages(mg.__path__, "minigrad.")
    if found.name != "minigrad.__main__"
]
EXAMPLES = [
    test
    for module in MODULES
    for test in doctest.DocTestFinder(exclude_empty=True).find(module)
    if test.examples
]


def named(pair):
    package, name = pair
    return f"{package.__name__}.{name}"


@pytest.mark.parametrize("pair", PUBLIC, ids=named)
def test_a_public_name_has_a_docstring_with_an_example(pair):
    package, name = pair
    value = getattr(package, name)
    documented = value.__doc__ or ""
    assert documented
    if not isinstance(value, types.ModuleType):
        assert ">>> " in documented


def draws(example):
    """Whether an example needs matplotlib, which is an extra."""
    return ".plot" in example.name


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda test: test.name)
def test_an_example_prints_what_it_says(example):
    if draws(example):
        pytest.importorskip("matplotlib")
    example.globs.update(np=np)
    runner, report = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS), []
    runner.run(example, out=report.append, clear_globs=False)
    assert runner.failures == 0, "".join(report)


def test_the_contract_is_public():
    contract = """Tensor primitive defvjp gradients unbroadcast Layer wrap Affine ReLU Sigmoid Tanh
    Dropout SoftmaxWithLoss SigmoidWithLoss MeanSquaredError Network Sequential mlp SGD Momentum
    Nesterov AdaGrad RMSprop Adam AdamW clip_by_global_norm batches datasets Trainer History"""
    assert set(contract.split()) <= set(mg.__all__)


@pytest.mark.parametrize("package", PACKAGES, ids=lambda p: p.__name__)
def test_all_is_sorted_complete_and_without_repeats(package):
    names = package.__all__
    assert len(names) == len(set(names))
    assert all(hasattr(package, name) for name in names)
    public = {
        name
        for name, value in vars(package).items()
        if not name.startswith("_") and not isinstance(value, types.ModuleType)
    }
    assert public <= set(names)


def test_public_signatures_use_the_names_of_the_field():
    synonyms = {"seed", "random_state", "training", "learning_rate", "p", "rate", "is_training"}
    for package, name in PUBLIC:
        value = getattr(package, name)
        function = vars(value).get("__init__") if inspect.isclass(value) else value
        if inspect.isfunction(function):
            assert not synonyms & set(inspect.signature(function).parameters), name


def test_no_module_takes_the_name_of_a_value_that_is_imported_on_first_use():
    for package in map(importlib.import_module, ("minigrad", "minigrad.testing")):
        modules = {found.name for found in pkgutil.iter_modules(package.__path__)}
        names = {n for n in package.__all__ if not inspect.ismodule(getattr(package, n))}
        assert modules & names == set()
