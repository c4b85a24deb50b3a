"""The numbers of a run: as columns, as a file, as a table and as a picture."""

import csv
import pickle
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad.history import History

values = st.floats(allow_nan=False)
histories = st.lists(st.tuples(values, values), min_size=1, max_size=20).map(
    lambda rows: History(
        epoch=list(range(1, len(rows) + 1)),
        loss=[r[0] for r in rows],
        accuracy=[r[1] for r in rows],
    )
)


@given(history=histories)
def test_a_csv_file_keeps_every_bit(history, tmp_path_factory):
    file = tmp_path_factory.mktemp("csv") / "history.csv"
    history.to_csv(file)
    with open(file, newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert {name: [float(row[name]) for row in rows] for name in rows[0]} == history


@given(history=histories)
def test_a_history_is_a_dict_that_copies_and_pickles(history):
    assert pickle.loads(pickle.dumps(history)) == history == dict(history)
    assert all(len(text) == len(repr(history).split("\n")[0]) for text in repr(history).split("\n"))


def test_a_column_measured_later_starts_with_nan():
    history = History()
    history.append({"loss": 1.0})
    history.append({"loss": 0.5, "val_loss": 0.7})
    history.append({"loss": 0.4})
    assert history["loss"] == [1.0, 0.5, 0.4]
    assert np.isnan(history["val_loss"]).tolist() == [True, False, True]


def test_a_long_history_shows_its_beginning_and_its_end():
    history = History(epoch=list(range(1, 101)), loss=[1 / n for n in range(1, 101)])
    lines = repr(history).splitlines()
    assert [text.split()[0] for text in lines] == [
        "epoch", "1", "2", "…", "95", "96", "97", "98", "99", "100",
    ]  # fmt: skip
    assert repr(History()) == "History: no epochs yet"


def test_a_plot_draws_the_numbers_without_pyplot(tmp_path):
    pytest.importorskip("matplotlib")
    history = History(epoch=[1, 2], loss=[3.0, 1.0], accuracy=[0.5, 0.9], val_loss=[4.0, 2.0])
    figure = history.plot(tmp_path / "curves.png")
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")
    drawn = {
        (axes.get_ylabel(), curve.get_label()): curve.get_ydata().tolist()
        for axes in figure.axes
        for curve in axes.lines
    }
    assert drawn == {
        ("loss", "training"): history["loss"],
        ("loss", "validation"): history["val_loss"],
        ("accuracy", "training"): history["accuracy"],
    }


def test_a_plot_of_nothing_is_refused():
    with pytest.raises(ValueError, match="nothing to plot"):
        History().plot()


def test_without_matplotlib_a_plot_is_an_error_with_the_remedy(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match="pip install matplotlib"):
        History(loss=[1.0]).plot()
