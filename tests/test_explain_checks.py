"""What `e.check()` says of float32 and of several wrong rules at once, and how it is told."""

from types import MappingProxyType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg


@pytest.fixture(autouse=True)
def _few_entries(monkeypatch):
    """Compare three entries of a leaf: the wrong ones here are wrong in all of them."""
    monkeypatch.setattr("minigrad.explain.questions.checking.ENTRIES", 3)


class Affine(mg.Layer):
    """A layer by hand of which some gradients are wrong by a share: of dx, dW and db."""

    param_grads = MappingProxyType({"W": "dW", "b": "db"})

    def __init__(self, n, rng, wrong=(), share=0.02, dtype=np.float64):
        self.W = (rng.normal(size=(n, n)) / np.sqrt(n)).astype(dtype)
        self.b = rng.normal(size=n).astype(dtype) / 4
        self.off = {name: 1 + share * (name in wrong) for name in ("dx", "dW", "db")}

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, dout):
        self.dW = self.x.T @ dout * self.off["dW"]
        self.db = dout.sum(axis=0) * self.off["db"]
        return dout @ self.W.T * self.off["dx"]


class Sloppy(Affine):
    """Makes float32 of everything, whatever it is given."""

    def forward(self, x):
        return super().forward(x.astype(np.float32))


def net_of(wrong, layers, dtype=np.float64, kind=Affine, activation=mg.Tanh, share=0.02):
    """Make a net whose layers by hand are wrong as `wrong` says: {layer: names}."""
    rng = np.random.default_rng(layers)
    inner = [
        layer
        for k in range(layers)
        for layer in (kind(4, rng, wrong.get(k, ()), share, dtype), activation())
    ]
    first, last = (mg.Affine(4, n, rng=n, dtype=dtype) for n in (4, 3))
    return mg.Sequential(first, *inner, last, loss=mg.SoftmaxWithLoss())


def explained(net, dtype=np.float64):
    rng = np.random.default_rng(7)
    return mg.explain(net, rng.normal(size=(5, 4)).astype(dtype), rng.integers(0, 3, 5))


def wrong_of(wrong, layers):
    """List the leaves that differ, and what each wrong layer makes wrong, by what was planted."""
    leaves, made = set(), {}
    for k, names in wrong.items():
        own, before = str(k + 2), [str(i) for i in range(1, k + 2)]
        leaves |= {f"d{kind}{own}" for kind in "Wb" if f"d{kind}" in names}
        if "dx" in names:
            leaves |= {f"d{kind}{i}" for kind in "Wb" for i in before}
        made[f"net[{1 + 2 * k}]"] = {
            {"dW": f"dW{own}", "db": f"db{own}"}.get(name, "dx") for name in names
        }
    return leaves, made


@settings(max_examples=6)
@given(st.data())
def test_of_several_wrong_rules_exactly_these_are_named(data):
    layers = data.draw(st.integers(1, 3))
    dtype = data.draw(st.sampled_from([np.float64, np.float32]))
    places = data.draw(st.sets(st.integers(0, layers - 1), min_size=1))
    wrong = {k: {data.draw(st.sampled_from(["dx", "dW", "db"]))} for k in places}
    e = explained(net_of(wrong, layers, dtype), dtype)
    found = e.check()
    leaves, made = wrong_of(wrong, layers)
    assert {v.d for v in found.verdicts if v.mark == "✗"} == leaves
    named = {
        s.layer: {d if d in e.gradients or d[1:] in e.gradients else "dx" for d in s.makes}
        for s in found.suspects
    }
    assert named == made
    assert all(s.sure for s in found.suspects)
    assert {d for s in found.suspects for d in s.leaves} == leaves


def test_a_float32_net_is_compared_in_float64():
    right = explained(net_of({}, 4, np.float32), np.float32).check()
    assert right.ok, right
    assert max(v.worst / v.scale for v in right.verdicts) < 1e-5
    off = explained(net_of({3: {"dx"}}, 4, np.float32, share=0.005), np.float32).check()
    assert [v.mark for v in off.verdicts] == ["✗"] * 8 + ["✓"] * 4


class Centred(mg.Layer):
    """Takes off the mean of the rows: the gradient of a bias before it is zero."""

    def forward(self, x):
        return x - x.mean(axis=0)

    def backward(self, dout):
        return dout - dout.mean(axis=0)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_gradient_of_zero_agrees_though_backprop_rounds_it(dtype):
    layers = [mg.Affine(4, 4, rng=0, dtype=dtype), Centred(), mg.Affine(4, 3, rng=1, dtype=dtype)]
    found = explained(mg.Sequential(*layers, loss=mg.SoftmaxWithLoss()), dtype).check()
    assert found.ok, found
    assert found.verdicts[1].scale < 1e-6


def test_where_rounding_hides_the_slope_there_is_no_tick():
    """A layer that computes in float32, in whatever it is called, stays as coarse as that."""
    net = net_of({0: {"dx"}}, 1, kind=Sloppy)
    net.params["W3"][...] *= 1e-3
    found = explained(net).check()
    assert not found.ok
    marks = {v.d: v.mark for v in found.verdicts}
    assert marks["dW1"] == marks["db1"] == "–"
    assert "too coarse to tell" in str(found)


def test_the_numbers_of_the_pass_are_compared_also_where_masks_are_drawn():
    net = mg.Sequential(
        Affine(4, np.random.default_rng(0)),
        mg.Dropout(0.5, rng=3),
        mg.Affine(4, 3, rng=1, dtype=np.float32),
        loss=mg.SoftmaxWithLoss(),
    )
    x, t = np.random.default_rng(1).normal(size=(5, 4)).astype(np.float32), np.arange(5) % 3
    for _ in range(2):
        e = mg.explain(net, x, t)
        assert e.check().ok
        net.gradient(x, t)  # the generator goes on
        assert e.check().ok


def test_the_verdict_comes_first_and_what_agrees_is_counted_where_it_is_much():
    found = explained(net_of({4: {"dW"}}, 6)).check()
    lines = str(found).splitlines()
    assert lines[0] == "Backprop and finite differences: 1 of 16 leaves differs"
    assert lines[1].startswith("What differs came back through Affine.backward (net[9]); ")
    assert lines[2].startswith("  ✗ dW6")
    assert lines[3] == "  ✓ 15 other leaves agree"
    assert [line.split("[")[0].strip() for line in lines[5:]] == ["W6"]
    assert str(explained(net_of({}, 6)).check()).splitlines() == [
        "Backprop and finite differences: all 16 leaves agree",
        "  ✓ 16 leaves agree",
    ]


def test_a_check_that_does_not_agree_raises_with_all_that_it_says():
    found = explained(net_of({0: {"db"}}, 1)).check()
    with pytest.raises(AssertionError) as error:
        found.raise_exception()
    assert str(error.value) == str(found)
    explained(net_of({}, 1)).check().raise_exception()


@pytest.mark.parametrize("k", [3e-4, 3e-6])
def test_a_small_step_is_one_that_crosses_no_kink(k):
    x = mg.Tensor([0.0, 1.0])
    (verdict,) = mg.explain(np.sum(np.clip(x, -2, k) * [5, 1]), names={"x": x}).check().verdicts
    nudge = verdict.nudge
    assert 0 < nudge.step < k
    assert nudge.actual == pytest.approx(nudge.predicted, rel=0.005)
    assert not nudge.kink


def test_a_small_step_at_a_kink_says_so():
    x = mg.Tensor(0.0)
    found = mg.explain(np.maximum(3.0 * x, x), names={"x": x}).check()
    assert found.verdicts[0].nudge.kink
    assert "the step crosses a kink, however small" in str(found)


def test_a_small_step_contradicts_a_wrong_gradient():
    cube = mg.primitive(lambda g, y, x: g * 2 * x)(lambda x: x**3)
    (verdict,) = mg.explain(cube(mg.Tensor(2.0))).check().verdicts
    assert verdict.nudge.actual == pytest.approx(3 * verdict.nudge.predicted, rel=0.05)
    assert not verdict.nudge.kink


# ---- health --------------------------------------------------------------------------------------
def test_some_dead_units_have_no_tick_and_are_no_problem():
    net = mg.mlp([2, 8, 2], rng=0)
    net.params["b1"][:] = [-100] * 3 + [5] * 5
    x = np.random.default_rng(0).uniform(0.5, 1, (4, 2))
    found = mg.explain(net, x, np.array([0, 1, 0, 1])).health()
    assert found.ok
    assert "– relu1 (net[1] ReLU()): 3 of 8 ReLU units are 0 in all 4 rows" in str(found)


@pytest.mark.parametrize("steps", [10, 40])
def test_a_gradient_that_vanishes_over_time_is_told_by_step(steps):
    W, h = mg.Tensor(0.3 * np.eye(2), name="W"), np.ones((1, 2))
    for _ in range(steps):
        h = h @ W
    told = str(mg.explain(np.sum(h), names={"W": W}).health())
    assert f"by about a factor of 0.3 at each of the {steps} uses of W: " in told


def test_a_gradient_that_vanishes_over_layers_is_told_by_layer():
    layers = [mg.Affine(4, 4, init=lambda shape, rng: np.eye(4) * 0.1) for _ in range(9)]
    net = mg.Sequential(*layers, loss=mg.MeanSquaredError())
    told = str(mg.explain(net, np.ones((2, 4)), np.ones((2, 4))).health())
    assert "by about a factor of 0.1 at each layer: " in told


def test_what_is_not_finite_is_named_by_its_entry_and_by_print():
    x = mg.Tensor([[1.0, 2.0], [np.nan, 0.0]])
    y = x * 2.0
    e = mg.explain(np.sum(y), names={"x": x, "y": y})
    assert "before anything is computed; x[1, 0] is nan" in str(e.health())
    assert str(e).splitlines()[-1] == "not finite: x; e.health() tells more"
    p = mg.Tensor([0.0, 1.0])
    with np.errstate(all="ignore"):
        q = np.log(p)
        e = mg.explain(np.sum(q), names={"p": p, "q": q})
        root = np.sqrt(p)
        back = mg.explain(np.sum(root), names={"p": p, "root": root})
    assert str(e).splitlines()[-1] == "not finite: q, made by np.log(p); e.health() tells more"
    assert str(back).splitlines()[-1].startswith("not finite: dp, made by ")
    assert "not finite" not in str(mg.explain(np.sum(mg.Tensor([1.0, 2.0]) * 2.0)))


# ---- paths ---------------------------------------------------------------------------------------
def residual(blocks, seed=0):
    """x + tanh(x W), again and again: each block doubles the paths."""
    rng = np.random.default_rng(seed)
    x = mg.Tensor(rng.normal(size=(2, 2)))
    h, leaves = x, [mg.Tensor(rng.normal(size=(2, 2))) for _ in range(blocks)]
    for W in leaves:
        h = h + np.tanh(h @ W)
    return mg.explain(np.sum(h**2), names={"x": x})


@pytest.mark.parametrize("blocks", [1, 4, 7])
def test_paths_are_listed_the_largest_first_and_a_dozen_are_printed(blocks):
    e = residual(blocks)
    found = e.why("x")
    assert found.count == len(found.paths) == 2**blocks
    sizes = [np.linalg.norm(path.share) for path in found.paths]
    assert sizes == sorted(sizes, reverse=True)
    assert np.allclose(sum(path.share for path in found.paths), e.gradients["x"])
    assert len({(*path.names,) for path in found.paths}) == 2**blocks
    lines = str(found).splitlines()
    assert len(lines) <= 2 + 2 * 12 + 1
    if blocks > 3:
        rest = sum(path.share for path in found.paths[12:])
        assert f"… and {2**blocks - 12} more, together (2, 2) [[" in lines[-2]
        told = [
            float(x) for x in lines[-2].split("[[")[1].replace("]", "").replace("[", "").split()
        ]
        assert np.allclose(told, rest.ravel(), rtol=1e-3)


def test_of_very_many_paths_the_largest_are_followed():
    x = y = mg.Tensor(1.0)
    for _ in range(40):
        y = y * 0.9 + y * 0.1
    found = mg.explain(y, names={"x": x}).why("x")
    assert found.count == 2**40
    assert found.paths[0].share == pytest.approx(0.9**40)
    assert len(str(found).splitlines()) == 1 + 2 * 12 + 2
