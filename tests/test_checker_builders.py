"""A function without arguments builds what is checked, as for `minigrad explain`."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.testing import assert_gradients
from minigrad.testing.anything import checked


class Doubles:
    def forward(self, x):
        return 2 * x

    def backward(self, dout):
        return 3 * dout


def network(width=4):
    return mg.mlp([3, width, 2], rng=0)


def with_batch():
    return network(), np.ones((2, 3)), np.array([0, 1])


def test_what_a_builder_returns_is_checked():
    assert assert_gradients(network).name == "Sequential"
    assert "dW1: all 15 entries right" in str(assert_gradients(network, width=5))
    assert "note: tried on" not in str(assert_gradients(with_batch))
    assert checked(lambda: Doubles, None).name == "Doubles"
    assert checked(Doubles, None).verdict is checked(lambda: Doubles(), None).verdict
    assert checked(network, [np.ones((2, 3)), np.array([0, 1])]).ok


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda: "words", "returned 'words', and a layer, a network"),
        (lambda: mg.Tensor([1.0]), "returned numbers, and takes none"),
        (lambda: None, "returned None, and a layer"),
        (lambda x: {"no": "numbers"}, "returned {'no': 'numbers'}, which is no array of numbers"),
    ],
    ids=["text", "tensor", "none", "dict"],
)
def test_what_cannot_be_checked_accuses_nobody(function, words):
    report = checked(function, None)
    assert report.verdict.name == "INCONCLUSIVE"
    assert words in report.reason


def test_a_builder_that_raises_is_a_mistake_with_its_line():
    def broken():
        return mg.Affine("three", 2)

    report = checked(broken, None)
    assert report.verdict.name == "FAIL"
    assert report.reason.startswith("broken() raised ValueError")
    assert any('mg.Affine("three", 2)' in line for line in report.where)
