"""What a person does wrong, and what they are told."""

import pickle

import numpy as np
import pytest

import minigrad as mg

X, T = np.ones((6, 4)), np.array([0, 1, 2, 0, 1, 2])


class Forwards(mg.Network):
    """Calls its layers as the book's networks do."""

    def __init__(self):
        super().__init__(loss=mg.SoftmaxWithLoss())
        self.a, self.b = mg.Affine(4, 5, rng=0), mg.Affine(5, 3, rng=1)

    def __call__(self, x):
        return self.b(np.maximum(self.a.forward(x), 0))


def test_a_layer_called_by_forward_inside_a_network_is_refused_by_name():
    with pytest.raises(TypeError, match=r"net\.a Affine\(4, 5\).*layer\(x\)"):
        Forwards().gradient(X, T)


def test_a_loss_that_depends_on_nothing_says_that_nothing_was_recorded():
    class Detached(Forwards):
        def __call__(self, x):
            return np.ones((len(x), 3))

    with pytest.raises(TypeError, match="depend on any parameter"):
        Detached().gradient(X, T)


def test_a_network_whose_arrays_are_no_tensors_names_them():
    class Plain(mg.Network):
        def __init__(self):
            super().__init__(loss=mg.SoftmaxWithLoss())
            self.p = {"W1": np.ones((4, 3))}

        def __call__(self, x):
            return x @ self.p["W1"]

    with pytest.raises(TypeError, match=r"no parameters.*p\['W1'\].*mg\.Tensor"):
        Plain().gradient(X, T)


def test_the_books_later_spelling_of_the_flag_is_understood_in_foreign_layers():
    class BookDropout:
        def forward(self, x, train_flg=True):
            self.training = train_flg
            return x * 1.0

        def backward(self, dout):
            return dout

    drop = BookDropout()
    net = mg.Sequential(drop, mg.Affine(4, 3, rng=0), loss=mg.SoftmaxWithLoss())
    net.predict(X)
    assert drop.training is False
    net.gradient(X, T)
    assert drop.training is True


def test_the_books_later_spelling_of_the_flag_is_refused_in_our_layers():
    with pytest.raises(TypeError, match="train_flag, not train_flg"):

        class Misspelt(mg.Layer):
            def __call__(self, x, train_flg=True):
                return x


@pytest.mark.parametrize("t", [-np.eye(3)[T], 7 * np.eye(3)[T], np.full((6, 3), np.nan)])
def test_targets_that_are_no_probabilities_are_refused(t):
    with pytest.raises(ValueError, match="rows of probabilities"):
        mg.mlp([4, 3], rng=0).loss(X, t)


def test_labels_in_a_column_of_a_single_score_are_refused():
    with pytest.raises(ValueError, match="SigmoidWithLoss"):
        mg.mlp([4, 1], rng=0).loss(X, np.full((6, 1), 5))


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("np.matmul", lambda t: t @ mg.Tensor(np.ones((4, 3)))),
        ("np.add", lambda t: t + mg.Tensor(np.ones((4, 3)))),
        ("np.add", lambda t: np.ones((4, 3)) + t),
        ("np.concatenate", lambda t: np.concatenate([t, np.ones((4, 3))], axis=0)),
    ],
)
def test_numpys_own_misfits_name_function_and_shapes(name, call):
    with pytest.raises(ValueError, match=rf"{name} of shapes .*\(6, 5\).*: ") as found:
        call(mg.Tensor(np.ones((6, 5))))
    assert "(4, 3)" in str(found.value)


def test_the_rows_of_a_summary_add_up_to_its_total():
    class Gated(mg.Network):
        def __init__(self):
            super().__init__(loss=mg.SoftmaxWithLoss())
            self.gate = mg.Tensor(np.ones(3))
            self.inner = mg.mlp([4, 5, 3], rng=0)
            self.tied = self.inner[0]

        def __call__(self, x):
            return self.gate * self.inner(x)

    rows = [line.split() for line in Gated().summary(X).splitlines()[1:]]
    counts = [int(row[-1].replace(",", "")) for row in rows]
    assert sum(counts[:-1]) == counts[-1] == 3 + 25 + 18


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda net, x: net.params["b1"].__setitem__(0, np.nan), "parameter b1 has 1 of 5"),
        (lambda net, x: x.__setitem__((0, 0), np.inf), "x has 1 of 24"),
        (lambda net, x: net.params["W1"].fill(1e308), "the output"),
    ],
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_report_on_request_names_what_is_not_finite(spoil, told):
    net, x = mg.mlp([4, 5, 3], rng=0), X.copy()
    net.check_finite(x, T)
    spoil(net, x)
    with pytest.raises(FloatingPointError, match=told):
        net.check_finite(x, T)


def test_a_pickle_in_place_of_a_file_of_parameters_gets_no_advice_to_unpickle(tmp_path):
    path = tmp_path / "net.npz"
    path.write_bytes(pickle.dumps({"W1": np.ones((4, 3))}))
    with pytest.raises(ValueError, match=r"net\.npz is not an \.npz file") as found:
        mg.mlp([4, 3]).load(path)
    assert "allow_pickle" not in str(found.value)


@pytest.mark.parametrize(
    ("mistake", "told"),
    [
        (lambda: mg.Affine(np.ones((2, 3)), np.ones(3)), "mg.wrap"),
        (lambda: mg.Dropout("a"), r"dropout_ratio must be in \[0, 1\)"),
        (lambda: mg.Layer()(X), "says nowhere what it computes"),
        (lambda: mg.SGD().update({"W": np.ones(1)}, {}), r"grads lacks \['W'\]:"),
    ],
)
def test_a_mistake_is_told_with_its_mend(mistake, told):
    kinds = (TypeError, ValueError, KeyError, NotImplementedError)
    with pytest.raises(kinds, match=told):
        mistake()
