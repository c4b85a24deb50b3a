"""What is counted, recorded and shown while a net learns; the nets here are small stand-ins."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad.training import Trainer

sizes = st.integers(1, 30)


class Line:
    """y = w x with the squared error; remembers the batches that it saw."""

    def __init__(self, w=0.0):
        self.params = {"w": np.array([w])}
        self.batches = []

    def gradient(self, x, t):
        self.batches.append(x)
        return {"w": np.array([2 * np.mean((self.params["w"] * x - t) * x)])}

    def loss(self, x, t):
        return np.mean((self.params["w"] * x - t) ** 2)

    def accuracy(self, x, t):
        return np.mean(np.round(self.params["w"] * x) == t)


class Descent:
    """W ← W − lr · g."""

    def __init__(self, lr=0.01):
        self.lr = lr

    def update(self, params, grads):
        for key in params:
            params[key] -= self.lr * grads[key]


def trainer(net=None, lr=0.01, **options):
    return Trainer(net or Line(), Descent(lr), **({"progress": False} | options))


def line(n=10):
    x = np.linspace(-1, 1, n)
    return x, 3 * x


# ---- counting -------------------------------------------------------------------------------


@given(n=sizes, size=sizes, epochs=st.integers(1, 4))
def test_an_epoch_trains_on_every_row_once_and_counts_ceil_n_over_size_steps(n, size, epochs):
    net, x = Line(), np.arange(n) / n
    run = trainer(net)
    history = run.fit(x, x, epochs=epochs, batch_size=size)
    per_epoch = -(-n // size)
    assert history["epoch"] == list(range(1, epochs + 1))
    assert history["step"] == [per_epoch * epoch for epoch in range(1, epochs + 1)]
    for epoch in range(epochs):
        seen = np.concatenate(net.batches[epoch * per_epoch : (epoch + 1) * per_epoch])
        assert np.array_equal(np.sort(seen), x)


@given(n=sizes, size=sizes, steps=st.integers(1, 50))
def test_steps_are_counted_exactly_and_the_last_epoch_may_be_cut(n, size, steps):
    net = Line()
    history = trainer(net).fit(*line(n), steps=steps, batch_size=size)
    assert len(net.batches) == steps == history["step"][-1]
    assert history["epoch"][-1] == -(-steps // -(-n // size))


def test_the_books_1000_rows_in_batches_of_30_make_10_epochs():
    net = Line()
    history = trainer(net).fit(*line(1000), epochs=10, batch_size=30)
    assert len(history["epoch"]) == 10
    assert sum(map(len, net.batches)) == 10_000


def test_a_batch_larger_than_the_data_is_all_the_data():
    net = Line()
    trainer(net).fit(*line(5), epochs=2, batch_size=100)
    assert [len(batch) for batch in net.batches] == [5, 5]


def test_fit_goes_on_where_it_stopped():
    once, twice = trainer(), trainer()
    once.fit(*line(), epochs=5, batch_size=3)
    twice.fit(*line(), epochs=2, batch_size=3)
    twice.fit(*line(), epochs=3, batch_size=3)
    assert once.history == twice.history
    assert twice.history["epoch"] == [1, 2, 3, 4, 5]
    assert (twice.epoch, twice.step) == (5, 20)


def test_equal_seeds_train_equally_and_each_epoch_has_its_own_order():
    nets = [Line(), Line(), Line()]
    for net, seed in zip(nets, (7, 7, 8), strict=True):
        trainer(net, rng=seed).fit(*line(), epochs=2, batch_size=10)
    first, again, other = (np.concatenate(net.batches) for net in nets)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert not np.array_equal(first[:10], first[10:])


def test_without_rng_the_rows_keep_their_order():
    net, (x, t) = Line(), line()
    trainer(net, rng=None).fit(x, t, epochs=1, batch_size=4)
    assert np.array_equal(np.concatenate(net.batches), x)


# ---- measuring ------------------------------------------------------------------------------


def test_a_row_holds_the_measures_of_the_net_as_it_is_after_the_epoch():
    net, (x, t) = Line(), line()
    x_val, t_val = np.array([0.5, 2.0]), np.array([1.5, 7.0])
    history = trainer(net, lr=0.5).fit(x, t, epochs=3, batch_size=4, validation=(x_val, t_val))
    assert list(history) == ["epoch", "step", "loss", "accuracy", "val_loss", "val_accuracy"]
    assert history["loss"][-1] == net.loss(x, t)
    assert history["accuracy"][-1] == net.accuracy(x, t)
    assert history["val_loss"][-1] == net.loss(x_val, t_val)
    assert history["val_accuracy"][-1] == net.accuracy(x_val, t_val)


def test_measuring_counts_every_row_of_data_too_long_for_one_pass():
    class Constant(Line):
        def loss(self, x, t):
            assert len(x) <= 1000
            return np.mean(x)

        def accuracy(self, x, t):
            return np.mean(x > 1500)

    x = np.arange(2345.0)
    history = trainer(Constant(), lr=0.0).fit(x, x, epochs=1, batch_size=2345)
    assert history["loss"] == [pytest.approx(1172.0, rel=1e-14)]
    assert history["accuracy"] == [pytest.approx(844 / 2345, rel=1e-14)]


def test_without_validation_there_are_no_columns_for_it():
    assert list(trainer().fit(*line(), epochs=1)) == ["epoch", "step", "loss", "accuracy"]


def test_regression_leaves_accuracy_out():
    class Regression(Line):
        accuracy = None

    history = trainer(Regression()).fit(*line(), epochs=2, validation=line(3), accuracy=False)
    assert list(history) == ["epoch", "step", "loss", "val_loss"]


def test_a_net_without_accuracy_is_told_how_to_train_without_it():
    class Regression(Line):
        def accuracy(self, x, t):
            raise TypeError("a regression has no classes")

    net = Regression()
    with pytest.raises(TypeError, match="no classes") as caught:
        trainer(net).fit(*line(), epochs=1)
    assert "accuracy=False" in caught.value.__notes__[0]
    assert net.batches == []


def test_a_network_of_ours_learns_a_curve():
    x = np.linspace(-1, 1, 40)[:, None]
    net = mg.mlp([1, 16, 1], activation="tanh", loss=mg.MeanSquaredError(), rng=0)
    run = Trainer(net, mg.Adam(lr=0.03), progress=False)
    with pytest.raises(TypeError, match="accuracy"):
        run.fit(x, x**2, epochs=1)
    history = run.fit(x, x**2, epochs=100, batch_size=10, accuracy=False)
    assert history["loss"][-1] < 0.01 < history["loss"][0]


def test_the_loss_of_a_line_falls_to_zero():
    net = Line()
    history = trainer(net, lr=0.5).fit(*line(), epochs=60, batch_size=5)
    assert history["loss"][-1] < 1e-12 < history["loss"][0]
    np.testing.assert_allclose(net.params["w"], [3.0])


def test_an_unsuitable_validation_set_is_told_before_the_training():
    class Strict(Line):
        def loss(self, x, t):
            if (np.asarray(t) < 0).any():
                raise ValueError("label -1")
            return super().loss(x, t)

    net, x = Strict(), np.ones(4)
    with pytest.raises(ValueError, match="label -1"):
        trainer(net).fit(x, x, epochs=1, validation=(x, -x))
    assert net.batches == []


# ---- callbacks and interruption -------------------------------------------------------------


def test_a_callback_sees_each_row_when_it_is_in_the_history():
    seen = []

    def callback(run, row):
        seen.append((row["epoch"], run.history["loss"][-1] == row["loss"]))

    trainer(callbacks=[callback]).fit(*line(), epochs=3)
    assert seen == [(1, True), (2, True), (3, True)]


def test_a_callback_that_returns_true_ends_the_training_and_all_are_heard():
    heard = []
    run = trainer(callbacks=[lambda run, row: row["epoch"] == 2, lambda *_: heard.append(1)])
    assert run.fit(*line(), epochs=9)["epoch"] == [1, 2]
    assert len(heard) == 2


def test_what_a_callback_adds_to_the_row_becomes_a_column():
    def rate(run, row):
        row["lr"] = run.optimizer.lr / row["epoch"]

    history = trainer(lr=0.5, callbacks=[rate]).fit(*line(), epochs=2)
    assert history["lr"] == [0.5, 0.25]


def test_ctrl_c_keeps_what_was_learned_and_fit_can_go_on():
    class Interrupted(Descent):
        def update(self, params, grads):
            super().update(params, grads)
            if run.step == 5:
                raise KeyboardInterrupt

    net = Line()
    run = Trainer(net, Interrupted(), progress=False)
    with pytest.raises(KeyboardInterrupt):
        run.fit(*line(), epochs=9, batch_size=5)
    assert run.history["epoch"] == [1, 2]
    assert net.params["w"] > 0
    run.optimizer = Descent()
    assert run.fit(*line(), epochs=1, batch_size=5)["epoch"] == [1, 2, 4]


# ---- what is not finite ---------------------------------------------------------------------


def test_nan_in_the_data_is_named_and_reaches_no_parameter():
    net, (x, t) = Line(0.5), line()
    x[7] = np.nan
    run = trainer(net, rng=None)
    with pytest.raises(FloatingPointError, match=r"step 2: .* gradient of w .*in x \(1 of 5\)"):
        run.fit(x, t, epochs=1, batch_size=5, accuracy=False)
    assert np.isfinite(net.params["w"]).all()
    assert run.step == 1


def test_nan_in_a_target_is_told_from_nan_in_a_parameter():
    x, t = line()
    with pytest.raises(FloatingPointError, match=r"batch already has it in t \(10 of 10\)"):
        trainer().fit(x, t * np.nan, epochs=1)
    with pytest.raises(FloatingPointError, match=r"parameters already have it in w \(1 of 1\)"):
        trainer(Line(np.nan)).fit(x, t, epochs=1)


def test_a_gradient_that_is_infinite_by_itself_suggests_a_smaller_rate():
    class Steep(Line):
        def gradient(self, x, t):
            return {"w": np.array([np.inf, 1.0]), "v": np.array([np.nan])}

    with pytest.raises(FloatingPointError, match=r"gradient of w \(1 of 2\); a smaller lr"):
        trainer(Steep()).fit(*line(), epochs=1)


def test_a_last_step_into_infinity_is_reported_and_recorded():
    run = trainer(lr=np.inf)
    with pytest.raises(FloatingPointError, match=r"step 1: loss is .* in the parameter w"):
        run.fit(*line(), steps=1)
    assert run.history["step"] == [1]


def test_nan_in_the_validation_data_is_reported():
    x, t = line()
    with pytest.raises(FloatingPointError, match="val_loss is nan; every parameter is finite"):
        trainer().fit(x, t, epochs=1, validation=(x, t * np.nan))


def test_nan_is_recorded_without_a_word_when_checking_is_off():
    x, t = line()
    history = trainer(check_finite=False).fit(x, t * np.nan, epochs=2)
    assert np.isnan(history["loss"]).all()


# ---- bad input ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "epochs= or steps="),
        ({"epochs": 1, "steps": 1}, "epochs= or steps="),
        ({"epochs": 0}, "epochs=0"),
        ({"steps": -1}, "steps=-1"),
        ({"epochs": 1, "batch_size": 0}, "batch_size=0"),
        ({"epochs": 1, "validation": line()[0]}, "pair"),
        ({"epochs": 1, "validation": (1, 2, 3)}, "pair"),
        ({"epochs": 1, "validation": (np.ones(3), np.ones(4))}, "x_val has 3 rows and t_val has 4"),
        ({"epochs": 1, "validation": (np.ones(0), np.ones(0))}, "x_val .* no rows"),
    ],
)
def test_a_fit_that_makes_no_sense_is_refused_before_it_starts(options, message):
    net = Line()
    with pytest.raises(ValueError, match=message):
        trainer(net).fit(*line(), **options)
    assert net.batches == []


def test_x_and_t_of_different_lengths_are_refused():
    with pytest.raises(ValueError, match="x has 3 rows and t has 4"):
        trainer().fit(np.ones(3), np.ones(4), epochs=1)


def test_unknown_arguments_and_swapped_ones_are_refused():
    with pytest.raises(TypeError, match="epoch"):
        trainer().fit(*line(), epoch=3)
    with pytest.raises(TypeError, match="the first is a net"):
        Trainer(Descent(), Line())
    with pytest.raises(TypeError):
        trainer().fit(*line(), epochs=1.5)
