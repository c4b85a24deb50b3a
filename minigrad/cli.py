"""The `minigrad` command: each subcommand is a function of its parsed arguments."""

import argparse
import math
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple, NoReturn, TypeVar

import numpy as np

import minigrad
from minigrad import datasets
from minigrad.explain import command as explain_command
from minigrad.optimizers import SGD, AdaGrad, Adam, AdamW, Momentum, Nesterov, Optimizer, RMSprop
from minigrad.sequential import Sequential, mlp
from minigrad.testing import command as check
from minigrad.training import History, Trainer

__all__ = ["main"]

Number = TypeVar("Number", int, float)

OPTIMIZERS: dict[str, Callable[[float], Optimizer]] = {
    "sgd": SGD,
    "momentum": Momentum,
    "nesterov": Nesterov,
    "adagrad": AdaGrad,
    "rmsprop": RMSprop,
    "adam": Adam,
    "adamw": AdamW,
}
LEARNING_RATES = {"sgd": 0.1, "momentum": 0.02, "nesterov": 0.02, "adagrad": 0.02}
OTHER_LEARNING_RATES = 0.001


class Setup(NamedTuple):
    """What a dataset is trained with unless the options say otherwise."""

    layers: list[int]
    dropout: float
    batch_size: int
    epochs: int | None = None
    steps: int | None = None
    dtype: str = "float64"


SETUPS = {
    "digits": Setup([200], dropout=0.2, batch_size=20, epochs=60),
    "mnist": Setup([50], dropout=0.0, batch_size=100, steps=10_000, dtype="float32"),
    "spiral": Setup([100, 100], dropout=0.0, batch_size=16, epochs=100),
    "moons": Setup([50, 50], dropout=0.0, batch_size=16, epochs=100),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line `argv` (sys.argv's by default) and return the exit status.

    0: done; 1: the training or the writing failed; 130: interrupted. Bad arguments raise
    SystemExit(2), as argparse does, after one line on stderr.

    >>> main(["train", "--dataset", "moons", "--epochs", "2", "--quiet"])  # doctest: +ELLIPSIS
    train accuracy  0...
    0
    """
    parser = _parser()
    args, unknown = parser.parse_known_args(argv)
    if unknown:
        hint = getattr(args, "hint", lambda unknown: "")(unknown)
        told = f"unrecognized arguments: {' '.join(unknown)}{hint}"
        getattr(args, "parser", parser).error(told)
    if args.command is None:
        parser.print_help()
        return 0
    try:
        return int(args.run(args))
    except (FloatingPointError, MemoryError, OSError) as error:
        print(f"{args.parser.prog}: error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"{args.parser.prog}: interrupted", file=sys.stderr)
        return 130


def train(args: argparse.Namespace) -> int:
    """Train an MLP as `args` say, and print what it reaches."""
    setup = SETUPS[args.dataset]
    dtype = args.dtype or setup.dtype
    try:
        data = _read(args, dtype)
        _check_outputs(args.plot, args.save)
    except (ImportError, OSError, ValueError) as error:
        args.parser.error(str(error))
    net, optimizer = _build(args, setup, data, dtype)
    trainer = Trainer(net, optimizer, rng=args.seed, progress=False if args.quiet else "auto")
    chosen = args if args.epochs or args.steps else setup
    start = time.perf_counter()
    with np.errstate(all="ignore"):  # the trainer reports what is not finite, with its step
        history = trainer.fit(
            data.x_train,
            data.t_train,
            epochs=chosen.epochs,
            steps=chosen.steps,
            batch_size=args.batch_size or setup.batch_size,
            validation=(data.x_test, data.t_test),
        )
    _report(history, data, net, time.perf_counter() - start)
    if args.plot:
        history.plot(args.plot)
        print(f"curves          {args.plot}")
    if args.save:
        net.save(args.save)
        print(f"saved           {args.save}")
    return 0


def _read(args: argparse.Namespace, dtype: str) -> datasets.Dataset:
    if args.data is not None and args.dataset != "mnist":
        raise ValueError(f"--data is the folder of mnist; {args.dataset} needs none")
    if args.dataset == "mnist":
        return datasets.mnist(args.data, dtype=dtype)
    if args.dataset == "digits":
        return datasets.digits(rng=args.seed, dtype=dtype)
    draw = datasets.spiral if args.dataset == "spiral" else datasets.moons
    x, t = draw(rng=args.seed, dtype=dtype)
    return datasets.split(x, t, rng=args.seed)


def _build(
    args: argparse.Namespace, setup: Setup, data: datasets.Dataset, dtype: str
) -> tuple[Sequential, Optimizer]:
    """Return the net from the width of the data to its number of classes, and its optimizer."""
    widths = [data.x_train.shape[1], *(args.layers or setup.layers), int(data.t_train.max()) + 1]
    dropout = setup.dropout if args.dropout is None else args.dropout
    net = mlp(widths, dropout=dropout, rng=args.seed, dtype=dtype)
    lr = args.lr or LEARNING_RATES.get(args.optimizer, OTHER_LEARNING_RATES)
    if not args.quiet:
        print(
            f"{args.dataset}: {len(data.x_train):,} rows to train on, {len(data.x_test):,} to test "
            f"on; {'-'.join(map(str, widths))} net, dropout {dropout:g}, {dtype}; "
            f"{args.optimizer}, lr {lr:g}, seed {args.seed}",
            flush=True,
        )
    return net, OPTIMIZERS[args.optimizer](lr)


def _report(history: History, data: datasets.Dataset, net: Sequential, seconds: float) -> None:
    train, test = history["accuracy"][-1], history["val_accuracy"][-1]
    print(f"train accuracy  {_share(train, len(data.t_train))}")
    print(f"test accuracy   {_share(test, len(data.t_test))}")
    print(f"time            {seconds:.1f} s, {history['step'][-1]:,} steps")
    print(f"parameters      {sum(W.size for W in net.params.values()):,}")


def _share(accuracy: float, rows: int) -> str:
    return f"{accuracy:.4f}  ({round(accuracy * rows):,} of {rows:,})"


def _check_outputs(plot: Path | None, save: Path | None) -> None:
    """Raise, before any training, what writing the files would raise after it."""
    if plot is not None:
        if not find_spec("matplotlib"):
            raise ImportError(
                "--plot needs matplotlib: pip install matplotlib, or minigrad's extra `plot`"
            )
        from matplotlib.backend_bases import FigureCanvasBase

        _check_writable("--plot", plot, FigureCanvasBase.get_supported_filetypes())
    if save is not None:
        _check_writable("--save", save, ["npz"])


def _check_writable(option: str, path: Path, endings: Iterable[str]) -> None:
    if path.suffix.lower().removeprefix(".") not in endings:
        raise ValueError(f"{option} {path}: its name ends in .{', .'.join(sorted(endings))}")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"{option} {path}: there is no folder {path.parent}")
    if path.is_dir() or (path.exists() and not os.access(path, os.W_OK)):
        raise PermissionError(f"{option} {path}: this file cannot be written")
    try:
        tempfile.TemporaryFile(dir=path.parent).close()
    except OSError as error:
        raise PermissionError(
            f"{option} {path}: the folder {path.parent} cannot be written ({error.strerror})"
        ) from error


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, without the usage in front."""

    misuse = 2  # the exit status

    def error(self, message: str) -> NoReturn:
        self.exit(self.misuse, f"{self.prog}: error: {message} (see {self.prog} --help)\n")


def _parser() -> _Parser:
    parser = _Parser(prog="minigrad", description=minigrad.__doc__, allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"minigrad {minigrad.__version__}")
    commands = parser.add_subparsers(dest="command", metavar="command", title="commands")
    about = "train an MLP and report its accuracy on rows it has not seen"
    _add_train(commands.add_parser("train", help=about, description=about, allow_abbrev=False))
    about = explain_command.ABOUT
    explain_command.add_arguments(
        commands.add_parser("explain", help=about, description=about, allow_abbrev=False)
    )
    about = check.ABOUT
    check.add(commands.add_parser("check", help=about, description=about, allow_abbrev=False))
    return parser


def _add_train(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(run=train, parser=parser)
    add = parser.add_argument
    add("--dataset", choices=SETUPS, default="digits", help="what to learn (default: digits)")
    add("--data", type=Path, metavar="FOLDER", help="of MNIST's files (default: $MINIGRAD_DATA)")
    add("--layers", type=_widths, metavar="N,N", help="hidden widths, such as 50 or 128,64")
    add("--dropout", type=_ratio, metavar="P", help="ratio of dropped units")
    rates = "sgd 0.1, momentum, nesterov and adagrad 0.02, the others 0.001"
    add("--optimizer", choices=OPTIMIZERS, default="adam", help="(default: adam)")
    add("--lr", type=_rate, metavar="LR", help=f"learning rate (default: {rates})")
    duration = parser.add_mutually_exclusive_group()
    duration.add_argument("--epochs", type=_count, metavar="N", help="passes over the data")
    duration.add_argument("--steps", type=_count, metavar="N", help="mini-batches, not epochs")
    add("--batch-size", type=_count, metavar="N", help="rows in a mini-batch")
    add("--seed", type=_seed, default=0, metavar="N", help="of every random choice (default: 0)")
    add("--dtype", choices=("float32", "float64"), help="(default: float64; mnist float32)")
    add("--plot", type=Path, metavar="FILE", help="draw loss and accuracy: .png, .svg, .pdf …")
    add("--save", type=Path, metavar="FILE.npz", help="save the trained parameters")
    add("--quiet", action="store_true", help="print the result alone")


def _ratio(text: str) -> float:
    return _number(text, float, "a number from 0 to below 1", lambda ratio: 0 <= ratio < 1)


def _rate(text: str) -> float:
    return _number(text, float, "a finite number above 0", lambda lr: 0 < lr < math.inf)


def _count(text: str) -> int:
    return _number(text, int, "an integer of 1 or more", lambda n: n >= 1)


def _seed(text: str) -> int:
    return _number(text, int, "an integer of 0 or more", lambda n: n >= 0)


def _widths(text: str) -> list[int]:
    return [_count(width) for width in text.split(",")]


def _number(text: str, kind: type[Number], wanted: str, suits: Callable[[Number], bool]) -> Number:
    try:
        number = kind(text)
    except ValueError:
        number = None
    if number is None or not suits(number):
        raise argparse.ArgumentTypeError(f"{text!r} is not {wanted}")
    return number
