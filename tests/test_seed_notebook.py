"""The classes of the notes, word for word, in our networks: the same numbers, step by step."""

import copy
from pathlib import Path

import numpy as np
import pytest
import seed_notebook
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad.testing.strategies import Residual

X = np.random.default_rng(0).normal(size=(20, 4))
T = np.random.default_rng(1).integers(3, size=20)

OPTIMIZERS = [
    (mg.SGD(lr=0.1), seed_notebook.SGD(lr=0.1)),
    (mg.Momentum(lr=0.05, momentum=0.9), seed_notebook.Momentum(lr=0.05, momentum=0.9)),
    (mg.AdaGrad(lr=0.1), seed_notebook.AdaGrad(lr=0.1)),
]
both_optimizers = pytest.mark.parametrize(
    ("ours", "theirs"), OPTIMIZERS, ids=["SGD", "M", "AdaGrad"]
)


class SameNumbers:
    """A generator of random numbers that draws what NumPy's global one draws."""

    def random(self, shape):
        return vars(np.random)["rand"](*shape)


def seed_global(seed):
    vars(np.random)["seed"](seed)


def plain():
    return mg.mlp([4, 8, 3], rng=0)


def wired():
    layers = [mg.Affine(4, 4, rng=0), Residual(mg.mlp([4, 5, 4], rng=1)), mg.Affine(4, 3, rng=2)]
    return mg.Sequential(*layers, loss=mg.SoftmaxWithLoss())


def with_dropout(kind):
    """A net with two Dropouts of `kind`, ours or the notes'."""
    layers = [mg.Affine(4, 8, rng=0), mg.ReLU(), kind(0.3), mg.Affine(8, 3, rng=1), kind(0.1)]
    return mg.Sequential(*layers, loss=mg.SoftmaxWithLoss())


def our_dropout(ratio):
    drop = mg.Dropout(ratio)
    drop.rng = SameNumbers()
    return drop


def bits(arrays):
    return {name: (a.dtype, a.tobytes()) for name, a in arrays.items()}


def train(net, optimizer, steps=200):
    """The loop of the notes; yields the loss of each step."""
    for i in range(steps):
        rows = np.arange(5 * i, 5 * i + 5) % len(X)
        grads = net.gradient(X[rows], T[rows])
        optimizer.update(net.params, grads)
        yield net.loss(X, T)


def test_the_notes_are_here_word_for_word():
    notes = Path(__file__).parents[2] / "shared" / "seed-notebook.txt"
    if not notes.exists():
        pytest.skip("the notes themselves are beside the checkout of the project's sessions only")
    lines = {line.rstrip() for line in notes.read_text(encoding="utf-8").splitlines()}
    assert set(seed_notebook.NOTES.splitlines()) <= lines


@both_optimizers
@pytest.mark.parametrize("make", [plain, wired])
def test_the_notes_optimizers_train_our_networks_to_the_same_bits(ours, theirs, make):
    ours, theirs = copy.deepcopy(ours), copy.deepcopy(theirs)
    nets = make(), make()
    runs = train(nets[0], ours), train(nets[1], theirs)
    losses = []
    for a, b in zip(*runs, strict=True):
        assert a == b
        assert bits(nets[0].params) == bits(nets[1].params)
        losses.append(a)
    assert losses[-1] < losses[0] / 2


@both_optimizers
def test_their_states_are_the_same_too(ours, theirs):
    ours, theirs = copy.deepcopy(ours), copy.deepcopy(theirs)
    for optimizer in (ours, theirs):
        list(train(plain(), optimizer, steps=20))
    for name in {"v", "h"} & vars(theirs).keys():
        assert bits(getattr(ours, name)) == bits(getattr(theirs, name))


@given(st.integers(0, 2**32 - 1), st.floats(0.0, 0.9), st.booleans())
def test_the_notes_dropout_is_ours_given_the_same_numbers(seed, ratio, train_flag):
    x, dout = np.random.default_rng(seed).normal(size=(2, 3, 4))
    found = []
    for drop in (our_dropout(ratio), seed_notebook.Dropout(ratio)):
        seed_global(seed)
        found.append(drop.forward(x, train_flag=train_flag))
        if train_flag:
            found.append(drop.backward(dout))
    for a, b in zip(found[: len(found) // 2], found[len(found) // 2 :], strict=True):
        assert np.array_equal(a, b)


def test_the_notes_dropout_stands_in_our_graph_even_twice():
    found = []
    for drop in (our_dropout(0.4), mg.wrap(seed_notebook.Dropout(0.4))):
        seed_global(3)
        x = mg.Tensor(X)
        y = np.sum(drop(drop(np.tanh(x), train_flag=True) + x, train_flag=True) ** 2)
        found.append((y.item(), mg.gradients(y, x).tobytes()))
    assert found[0] == found[1]


def test_the_notes_dropout_scales_in_our_graph_when_testing():
    drop, x = mg.wrap(seed_notebook.Dropout(0.4)), mg.Tensor(X)
    assert np.array_equal(drop(x, train_flag=False).data, X * 0.6)


@both_optimizers
def test_200_steps_with_the_notes_dropout_have_the_same_bits(ours, theirs):
    runs = []
    for kind, optimizer in ((our_dropout, ours), (seed_notebook.Dropout, theirs)):
        net = with_dropout(kind)
        seed_global(11)
        losses = list(train(net, copy.deepcopy(optimizer)))
        runs.append((losses, bits(net.params)))
    assert runs[0] == runs[1]


def test_the_notes_dropout_draws_from_the_global_state_as_the_notes_do():
    seed_global(0)
    mask = vars(np.random)["rand"](20, 8) > 0.3
    seed_global(0)
    drop = seed_notebook.Dropout(0.3)
    net = mg.Sequential(mg.Affine(4, 8, rng=0), drop, loss=mg.SoftmaxWithLoss())
    net.gradient(X, T)
    assert np.array_equal(drop.mask, mask)
