"""The command: what it reaches, what it writes, and one line for everything it refuses."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import minigrad
from minigrad import cli
from minigrad.cli import main
from minigrad.training import Trainer

QUICK = ["train", "--dataset", "moons", "--epochs", "2"]


def results(out):
    """The result lines by name: {'test accuracy': 0.98, …}."""
    lines = [re.split(r"\s{2,}", text) for text in out.splitlines()]
    return {line[0]: line[1] for line in lines if len(line) > 1}


def reached(out):
    return float(results(out)["test accuracy"])


# ---- what it reaches ------------------------------------------------------------------------


def test_the_default_run_reads_97_of_100_unseen_digits(capsys):
    assert main(["train"]) == 0
    out, err = capsys.readouterr()
    assert reached(out) >= 0.97
    assert len(err.splitlines()) == cli.SETUPS["digits"].epochs
    assert re.fullmatch(
        r"digits: 1,438 rows to train on, 359 to test on; .* net, dropout 0.2, float64; "
        r"adam, lr 0.001, seed 0\n"
        r"train accuracy  [01]\.\d{4}  \(1,4\d\d of 1,438\)\n"
        r"test accuracy   0\.\d{4}  \(3\d\d of 359\)\n"
        r"time            \d+\.\d s, 4,320 steps\n"
        r"parameters      [\d,]+\n",
        out,
    )


@pytest.mark.parametrize("optimizer", cli.OPTIMIZERS)
def test_every_optimizer_learns_digits_with_its_default_rate(optimizer, capsys):
    main(["train", "--optimizer", optimizer, "--layers", "50", "--epochs", "8", "--quiet"])
    assert reached(capsys.readouterr().out) > 0.9


@pytest.mark.parametrize("dataset", ["spiral", "moons"])
def test_points_in_the_plane_are_learned(dataset, capsys):
    main(["train", "--dataset", dataset, "--quiet"])
    assert reached(capsys.readouterr().out) > 0.9


@pytest.mark.skipif(
    not os.environ.get("MINIGRAD_DATA"), reason="MINIGRAD_DATA does not say where MNIST is"
)
def test_mnist_is_learned_in_a_twentieth_of_its_steps(capsys):
    main(["train", "--dataset", "mnist", "--steps", "500", "--quiet"])
    assert reached(capsys.readouterr().out) > 0.9


# ---- options --------------------------------------------------------------------------------


def test_layers_make_the_net_and_its_parameters_are_counted(capsys):
    main([*QUICK, "--layers", "7,5", "--dropout", "0.5", "--dtype", "float32"])
    out = capsys.readouterr().out
    assert "2-7-5-2 net, dropout 0.5, float32" in out
    assert results(out)["parameters"] == str(2 * 7 + 7 + 7 * 5 + 5 + 5 * 2 + 2)


def test_steps_replace_epochs(capsys):
    main(["train", "--dataset", "moons", "--steps", "13"])
    out, err = capsys.readouterr()
    assert results(out)["time"].endswith(" s, 13 steps")
    assert len(err.splitlines()) == 2  # 160 rows in batches of 16, and three batches more


def test_a_batch_size_cuts_the_160_rows_into_steps(capsys):
    main([*QUICK, "--batch-size", "30"])
    assert results(capsys.readouterr().out)["time"].endswith(" s, 12 steps")


def test_the_seed_reaches_the_order_of_the_rows(monkeypatch):
    seeds = []

    def spy(*args, rng, **options):
        seeds.append(rng)
        return Trainer(*args, rng=rng, **options)

    monkeypatch.setattr(cli, "Trainer", spy)
    main([*QUICK, "--seed", "3"])
    assert seeds == [3]


def test_equal_seeds_repeat_every_number_and_other_seeds_do_not(capsys):
    def shown(seed):
        main([*QUICK, "--seed", seed])
        return capsys.readouterr().err

    assert shown("3") == shown("3") != shown("4")


def test_quiet_prints_the_result_alone(capsys):
    main([*QUICK, "--quiet"])
    out, err = capsys.readouterr()
    assert err == ""
    assert list(results(out)) == ["train accuracy", "test accuracy", "time", "parameters"]


def test_a_plot_and_the_parameters_are_written(tmp_path, capsys):
    pytest.importorskip("matplotlib")
    plot, saved = tmp_path / "curves.svg", tmp_path / "net.npz"
    assert main([*QUICK, "--layers", "6", "--plot", str(plot), "--save", str(saved)]) == 0
    assert results(capsys.readouterr().out)["curves"] == str(plot)
    assert "<svg" in plot.read_text(encoding="utf-8")
    with np.load(saved, allow_pickle=False) as parameters:
        shapes = sorted(parameters[name].shape for name in parameters)
    assert {(2, 6), (6,), (6, 2), (2,)} <= set(shapes)


# ---- what it refuses ------------------------------------------------------------------------


@pytest.fixture(name="refused")
def refusing(monkeypatch, capsys):
    """Run a command that must be refused before it trains; return its line on stderr."""

    def never(*args, **options):
        raise AssertionError("this should have been refused before the training")

    monkeypatch.setattr(Trainer, "fit", never)

    def refused(*argv):
        with pytest.raises(SystemExit) as caught:
            main([str(word) for word in argv])
        assert caught.value.code == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert err.startswith("minigrad")
        assert err.count("\n") == 1
        return err

    return refused


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["fly"], "fly"),
        (["--colour"], "--colour"),
        (["train", "--colour", "red"], "--colour red"),
        (["train", "--epoch", "3"], "--epoch"),
        (["train", "extra"], "extra"),
        (["train", "--dataset", "cifar"], "'cifar'"),
        (["train", "--optimizer", "Adam"], "'Adam'"),
        (["train", "--dtype", "float16"], "'float16'"),
        (["train", "--layers", "50,x"], "'x' is not an integer of 1 or more"),
        (["train", "--layers", "50,0"], "'0' is not an integer"),
        (["train", "--layers", ""], "'' is not an integer"),
        (["train", "--layers"], "--layers"),
        (["train", "--dropout", "1"], "'1' is not a number from 0 to below 1"),
        (["train", "--dropout", "half"], "'half'"),
        (["train", "--lr", "0"], "'0' is not a finite number above 0"),
        (["train", "--lr", "nan"], "'nan'"),
        (["train", "--lr", "inf"], "'inf'"),
        (["train", "--epochs", "0"], "'0' is not an integer of 1 or more"),
        (["train", "--epochs", "2.5"], "'2.5'"),
        (["train", "--steps", "-3"], "'-3'"),
        (["train", "--epochs", "3", "--steps", "9"], "--epochs"),
        (["train", "--batch-size", "0"], "'0'"),
        (["train", "--seed", "-1"], "'-1' is not an integer of 0 or more"),
        (["train", "--data", "."], "--data"),
        (["train", "--dataset", "mnist", "--data", "nowhere"], "no MNIST files in nowhere"),
    ],
)
def test_a_bad_word_is_one_line_and_status_2(argv, words, refused):
    assert words in refused(*argv)


def test_mnist_without_a_place_is_refused(refused, monkeypatch):
    monkeypatch.delenv("MINIGRAD_DATA", raising=False)
    assert "MINIGRAD_DATA" in refused("train", "--dataset", "mnist")


def test_a_truncated_mnist_file_is_refused(refused, tmp_path):
    for part in ("train", "t10k"):
        for kind in ("images-idx3", "labels-idx1"):
            (tmp_path / f"{part}-{kind}-ubyte").write_bytes(b"\0\0\x08\3\0\0")
    assert "truncated" in refused("train", "--dataset", "mnist", "--data", tmp_path)


@pytest.mark.parametrize("option", ["--plot net.png", "--save net.npz"])
def test_an_output_that_cannot_be_written_is_refused_before_the_training(option, refused, tmp_path):
    option, name = option.split()
    if option == "--plot":
        pytest.importorskip("matplotlib")
    assert "no folder" in refused("train", option, tmp_path / "nowhere" / name)
    (tmp_path / name).mkdir()
    assert "cannot be written" in refused("train", option, tmp_path / name)
    assert "ends in ." in refused("train", option, tmp_path / "net.xyz")
    assert "ends in ." in refused("train", option, tmp_path / "net")
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="needs a folder nobody can write")
def test_a_folder_that_cannot_be_written_is_refused(refused):
    assert "the folder /proc cannot be written" in refused("train", "--save", "/proc/net.npz")


def test_a_plot_without_matplotlib_is_refused_with_the_remedy(refused, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert "pip install matplotlib" in refused("train", "--plot", tmp_path / "curves.png")


# ---- what goes wrong later, and the rest ----------------------------------------------------


def test_a_training_that_diverges_is_one_line_and_status_1(capsys):
    assert main([*QUICK, "--optimizer", "sgd", "--lr", "1e300", "--quiet"]) == 1
    out, err = capsys.readouterr()
    assert re.fullmatch(r"minigrad train: error: step \d+: .*\n", err)
    assert out == ""


def test_ctrl_c_is_one_line_and_status_130(monkeypatch, capsys):
    def interrupted(*args, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(Trainer, "fit", interrupted)
    assert main([*QUICK, "--quiet"]) == 130
    assert capsys.readouterr().err == "minigrad train: interrupted\n"


def test_alone_it_prints_its_help(capsys):
    assert main([]) == 0
    assert "train" in capsys.readouterr().out


def test_python_dash_m_minigrad_is_the_same_command():
    done = subprocess.run(
        [sys.executable, "-m", "minigrad", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"minigrad {minigrad.__version__}\n"
