"""A bar, a line per epoch, or silence; and never a word on standard output."""

import io
import sys

import numpy as np
import pytest

from minigrad.progress import describe
from minigrad.training import Trainer

X = np.linspace(-1, 1, 10)


class Still:
    """A net of one number that no optimizer moves."""

    def __init__(self, w):
        self.params = {"w": w}

    def gradient(self, x, t):
        return {"w": self.params["w"]}

    def loss(self, x, t):
        return 0.25

    accuracy = loss

    def update(self, params, grads):
        pass


def trainer(progress, w=1.0):
    return Trainer(Still(w), Still(w), progress=progress)


def shown(progress, capsys, **options):
    trainer(progress).fit(X, X, **({"epochs": 10, "batch_size": 5} | options))
    out, err = capsys.readouterr()
    assert out == ""
    return err


def test_lines_are_one_per_epoch_with_its_measures(capsys):
    lines = shown("lines", capsys).splitlines()
    assert len(lines) == 10
    assert lines[0].startswith("epoch  1/10  loss ")
    assert "accuracy 0." in lines[9]


def test_lines_go_on_counting_when_fit_does(capsys):
    run = trainer("lines")
    run.fit(X, X, epochs=1)
    run.fit(X, X, epochs=2)
    starts = [text[:9] for text in capsys.readouterr().err.splitlines()]
    assert starts == ["epoch 1/1", "epoch 2/3", "epoch 3/3"]


def test_silence_is_silent(capsys):
    assert shown(False, capsys) == ""


def test_a_bar_counts_every_step_and_keeps_the_results(capsys):
    pytest.importorskip("tqdm")
    bars = shown("bar", capsys, epochs=2, batch_size=1, validation=(X, X)).split("epoch ")
    assert "10/10" in bars[-1]
    assert "val_loss" in bars[-1]


def test_auto_is_a_bar_on_a_terminal_and_lines_elsewhere(monkeypatch):
    pytest.importorskip("tqdm")

    class Terminal(io.StringIO):
        def isatty(self):
            return True

    for stream, mark in ((Terminal(), "%|"), (io.StringIO(), "\n")):
        monkeypatch.setattr(sys, "stderr", stream)
        trainer("auto").fit(X, X, epochs=1)
        assert mark in stream.getvalue()
        assert ("%|" in stream.getvalue()) == stream.isatty()


def test_without_tqdm_auto_is_lines_and_a_bar_is_an_error_with_the_remedy(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "tqdm", None)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert shown("auto", capsys).count("\n") == 10
    with pytest.raises(ImportError, match="pip install tqdm"):
        trainer("bar")


@pytest.mark.parametrize("unknown", ["lots", None, True, 3])
def test_an_unknown_progress_is_refused(unknown):
    with pytest.raises(ValueError, match="progress="):
        trainer(unknown)


def test_a_bar_is_closed_when_the_training_breaks(capsys):
    pytest.importorskip("tqdm")
    with pytest.raises(FloatingPointError) as caught:  # whose frames keep the bar alive
        trainer("bar", w=np.nan).fit(X, X, epochs=1)
    assert capsys.readouterr().err.endswith("\n")
    del caught


def test_measures_are_described_without_the_counters():
    assert describe({"epoch": 3, "step": 9, "loss": 0.25}) == "loss 0.2500"
