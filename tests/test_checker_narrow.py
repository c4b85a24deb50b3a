"""Right layers in float32 and float16 are not accused, by any door; wrong ones are."""

import numpy as np
import pytest
from zoo import TWINS, Pair

import minigrad as mg
from minigrad.testing import check_layer, check_network, check_vjp
from minigrad.testing.anything import checked
from minigrad.testing.command import examined

NARROW = [np.float32, np.float16]
ROUNDING = {"affine then centred", "focal loss", "gelu", "gradient in place"}  # once accused


@pytest.mark.parametrize(("seed", "dtype"), list(enumerate(NARROW)))
def test_a_right_network_is_right_by_every_door(seed, dtype, tmp_path):
    rng = np.random.default_rng(seed)
    x, t = rng.normal(size=(5, 3)).astype(dtype), rng.integers(0, 2, 5)
    net = mg.mlp([3, 4, 2], rng=seed, dtype=dtype)
    affine = mg.Affine(3, 2, rng=seed, dtype=dtype)
    (tmp_path / "own.py").write_text(
        "import numpy as np, minigrad as mg\n"
        f"net = mg.mlp([3, 4, 2], rng={seed}, dtype=np.{dtype.__name__})\n"
    )
    reports = [
        checked(net, None, seed),
        checked(affine, None, seed),
        check_layer(affine, x, raise_exception=False),
        check_network(net, x, t, raise_exception=False),
        examined(tmp_path / "own.py", "net", seed=seed),
        examined(tmp_path / "own.py", "net", [rng.normal(size=(5, 3)), t]),
    ]
    assert [str(report) for report in reports if not report.ok] == []


@pytest.mark.parametrize("dtype", NARROW)
@pytest.mark.parametrize("twin", [t for t in TWINS if t.name in ROUNDING], ids=lambda t: t.name)
def test_a_right_layer_is_not_accused_of_rounding(twin, dtype):
    """Where large terms cancel, where float16 ends, and where gradients are kept in float16."""
    layer = twin.layer(np.random.default_rng(4))
    inputs = [narrowed(a, dtype) for a in twin.inputs(np.random.default_rng(1004))]
    about = {"fixed": twin.fixed, "raise_exception": False}
    if isinstance(layer, Pair):
        report = check_vjp(*layer, *inputs, **about)
    else:
        vars(layer).update({k: narrowed(v, dtype) for k, v in vars(layer).items()})
        about |= {"rows": twin.rows, "fewest": twin.fewest, "param_grads": twin.param_grads}
        report = check_layer(layer, *inputs, **about, **twin.options)
    assert report.ok, str(report)


def narrowed(value, dtype):
    is_float = isinstance(value, np.ndarray) and value.dtype.kind == "f"
    return value.astype(dtype) if is_float else value


def test_rows_of_probabilities_in_float32_sum_to_one_as_far_as_float32_goes():
    twin = next(t for t in TWINS if t.name == "distillation")
    for seed in (20, 21):
        x, t = (a.astype(np.float32) for a in twin.inputs(np.random.default_rng(seed)))
        layer = twin.layer(np.random.default_rng(0))
        check_layer(layer, x, t, fixed=("t",), contracts=False, diagnose=False)


class Stale:
    """Keeps the weights that it was made with, and a slip for a single row."""

    def __init__(self, W):
        self.W, self.kept = W, W.copy()

    def forward(self, x):
        self.x = x
        return x @ self.W

    def backward(self, dout):
        self.dW = self.x.T @ dout * (1 + (len(dout) == 1))
        return dout @ self.kept.T


@pytest.mark.parametrize("dtype", [np.float64, *NARROW])
def test_the_slips_that_were_seen_in_rounding_are_still_seen_where_they_are(dtype):
    rng = np.random.default_rng(0)
    layer, x = Stale(rng.normal(size=(3, 2)).astype(dtype)), rng.normal(size=(5, 3)).astype(dtype)
    report = check_layer(layer, x, raise_exception=False)
    broken = {found.name: found.at for found in report.checks if found.verdict.name == "FAIL"}
    assert broken["wrong for a batch of one"] == ("W",)
    assert broken["stale parameter"] == ("x",)
