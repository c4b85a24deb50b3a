"""The real digits: what the book reaches with its net and steps, and what a wider net does."""

import os
import re

import pytest

from minigrad.cli import main

pytestmark = pytest.mark.skipif(
    not os.environ.get("MINIGRAD_DATA"), reason="MINIGRAD_DATA does not say where MNIST is"
)


def reached(capsys, *options):
    main(["train", "--dataset", "mnist", "--steps", "10000", "--quiet", *options])
    return float(re.search(r"test accuracy\s+([\d.]+)", capsys.readouterr().out)[1])


def test_the_net_of_the_book_reaches_the_figure_of_the_book(capsys):
    assert reached(capsys, "--optimizer", "sgd", "--lr", "0.1") >= 0.969


@pytest.mark.skipif(
    not os.environ.get("MINIGRAD_SLOW"), reason="half a minute: MINIGRAD_SLOW=1 asks for it"
)
def test_a_wider_net_reaches_98_percent(capsys):
    assert reached(capsys, "--layers", "256") >= 0.98
