"""Each cause by its name, beside one that looks like it; and no cause rather than a wrong one."""

import numpy as np
import pytest
from zoo import VALUES
from zoo_checked import SLIPS, checked, is_named, label

from minigrad.testing import check_layer, check_vjp
from minigrad.testing.diagnosis.probes import Spy, instrumented
from minigrad.testing.reports import causes

NAMED = [  # a specimen that has the cause, and one that has not, although it looks like it
    ("affine: bias of every row", "affine: mean for bias"),
    ("outer sum: not summed", "affine: bias of first row"),
    ("embedding: buffered addition", "weight of a sequence: weight per sequence"),
    ("softmax with loss: batch size forgotten", "mean pooling: sum of the window"),
    ("affine: mean for bias", "log-softmax: mean for sum"),
    ("mean pooling: side for area", "distillation: square of the temperature"),
    ("affine: bias over features", "affine: product turned round"),
    ("ridge: penalty without its half", "mean squared error: divided by rows"),
    ("leaky relu: slope by default", "elu: alpha forgotten"),
    ("batch-norm: epsilon forgotten", "batch-norm: variance as constant"),
    ("ridge: penalty subtracted", "ridge: penalty forgotten"),
    ("tanh: square forgotten", "tanh dense: input before activation"),
    ("tanh dense: weight before activation", "tanh: one minus input squared"),
    ("softmax with loss: softmax twice", "softmax: inner sum added"),
    ("residual block: no skip", "residual block: scale forgotten"),
    ("layer-norm: spread as constant", "swish: sigmoid as constant"),
    ("softmax: diagonal only", "relu: straight"),
    ("tanh: sigmoids derivative", "tanh: square forgotten"),
    ("tanh: one minus input squared", "two layers: second weight from input"),
    ("two layers: second weight from input", "two layers: second weight from preactivation"),
    ("affine: weight not transposed", "affine of images: channels not moved back"),
    ("bilinear: sides swapped", "bilinear: form transposed"),
    ("cumsum: summed forwards", "sort: sorted again"),
    ("dropout while testing: testing like identity", "dropout: nothing dropped"),
    ("relu: straight", "relu: only above one"),
    ("two layers: mask of the input", "two layers: no mask"),
    ("leaky relu: leak on the wrong side", "leaky relu: slope of the sign"),
    ("sort: sorted again", "moved axes: same order again"),
    ("differences: ends missed", "differences: sides exchanged"),
    ("affine of images: channels not moved back", "batch matmul: all axes reversed"),
]


def test_every_cause_of_wrong_values_is_among_them():
    assert [SLIPS[name].wrong for name, _ in NAMED] == list(VALUES)


def test_the_causes_are_those_of_the_zoo():
    ours = {value for name, value in vars(causes).items() if name.isupper()}
    assert ours >= set(VALUES) | {SLIPS[name].wrong for name in SLIPS}


@pytest.mark.parametrize(("name", "other"), NAMED)
def test_a_cause_is_named_where_it_is_and_nowhere_else(name, other):
    report, elsewhere = checked(SLIPS[name], False), checked(SLIPS[other], False)
    assert is_named(report, SLIPS[name])
    assert label(elsewhere) != SLIPS[name].wrong


def test_the_sentence_has_the_numbers():
    class Mean:
        def forward(self, x):
            self.x = x
            return (x**2).mean()

        def backward(self, dout):
            return 2 * dout * self.x

    x = np.random.default_rng(0).normal(size=(8,))
    cause = check_layer(Mean(), x, raise_exception=False).cause
    assert cause.label == causes.NOT_DIVIDED
    assert cause.certain
    assert "every entry of dx is 8 × the numerical one" in cause.sentence
    assert "8 rows" in cause.sentence


def test_the_place_is_named_where_the_source_can_be_read():
    sentence = checked(SLIPS["affine: weight not transposed"], False).cause.sentence
    assert "`self.W`" in sentence


def test_a_broken_contract_that_entails_wrong_numbers_is_the_cause():
    assert label(checked(SLIPS["softmax with loss: loss is last"])) == causes.IGNORES_DOUT
    assert label(checked(SLIPS["dropout: mask drawn again"])) == causes.RANDOM_BACKWARD
    assert label(checked(SLIPS["affine: bias as row"])) == causes.WRONG_SHAPE


def test_nonsense_gets_no_certain_cause():
    numbers = np.random.default_rng(3).normal(size=(6, 4))
    x = np.random.default_rng(4).normal(size=(2, 3))
    report = check_vjp(
        lambda x: np.tanh(x @ np.ones((3, 2))),
        lambda dout: (numbers @ dout.ravel()).reshape(2, 3),
        x,
        contracts=False,
        raise_exception=False,
    )
    assert not report.ok
    assert report.cause is None or not report.cause.certain


def test_code_without_a_source_is_judged_by_its_numbers():
    source = "def backward(dout):\n    return -dout * 2\n"
    names = {}
    exec(compile(source, "<nowhere>", "exec"), names)
    report = check_vjp(lambda x: 2 * x, names["backward"], np.ones((2, 3)), raise_exception=False)
    assert label(report) == causes.SIGN


# ---- the code under the glass --------------------------------------------------------------------
def offset(by):
    def walk(rows, *, scale=2.0):
        total = 0.0
        for i, row in enumerate(rows[1:]):
            total += scale * row[i] - by
        return [total, -total if total > 0 else abs(total)]

    return walk


def test_watching_changes_nothing():
    rows = np.random.default_rng(0).normal(size=(4, 5))
    spy = Spy(watching=True)
    watched = instrumented(offset(0.25), spy)
    assert watched(rows) == offset(0.25)(rows)
    assert watched(rows, scale=3.0) == offset(0.25)(rows, scale=3.0)
    texts = {spy.sites[k].text: values for k, values in spy.seen.items()}
    assert texts["by"][0] == 0.25
    assert len(texts["row[i]"]) == 6


def test_a_change_reaches_the_value_at_its_place_alone():
    rows = np.ones((3, 3))
    spy = Spy()
    watched = instrumented(offset(0.0), spy)
    (k,) = [k for k, site in enumerate(spy.sites) if site.text == "row[i]"]
    spy.begin({k: lambda v, hit: v + hit})
    assert watched(rows)[0] == 2 * 1 + 2 * 2
    spy.begin({})
    assert watched(rows)[0] == 4


def test_a_loop_that_a_change_makes_endless_ends(capsys):
    class Doubling:
        def forward(self, x):
            self.n = 3
            return 8 * x

        def backward(self, dout):
            print("backward")
            done, dx = 0, dout.copy()
            while done != self.n:
                done, dx = done + 1, 2 * dx
            return -dx

    report = check_layer(Doubling(), np.ones((2, 2)), contracts=False, raise_exception=False)
    assert label(report) == causes.SIGN
    assert capsys.readouterr().out.count("backward") < 50


def test_what_has_no_source_is_left_alone():
    assert instrumented(eval("lambda x: x"), Spy()) is None
