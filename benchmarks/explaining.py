"""python -m benchmarks.explaining: how long explanations take, and how large their pages are.

Seconds are those of the processor, the median of five, from the net to the text, the notebook's
HTML or the saved page. It writes results/explaining.json and results/explaining.md.
"""

import argparse
import json
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import minigrad as mg
from benchmarks.machine import commit, processor
from minigrad.explain import Explanation

RESULTS = Path(__file__).parent / "results"
REPEATS = 5
LIMITS = {  # (seconds, bytes or none)
    "page of two layers, 784-50-10, a batch of 100": (1.0, 150_000),
    "text and notebook of 10,000 nodes in 5,000 layers": (5.0, None),
    "page of 10,000 nodes in 5,000 layers": (5.0, None),
    "page of 10,000 nodes without layers": (5.0, None),
}


def two_layers() -> Explanation:
    """The book's net on random digits."""
    rng = np.random.default_rng(0)
    net = mg.mlp([784, 50, 10], rng=0)
    return mg.explain(net, rng.random((100, 784)), rng.integers(10, size=100))


def many_layers() -> Explanation:
    """One call a layer, and the loss."""
    layers = [layer for i in range(2500) for layer in (mg.Affine(2, 2, rng=i), mg.Tanh())]
    net = mg.Sequential(*layers, loss=mg.SoftmaxWithLoss())
    return mg.explain(net, np.ones((4, 2)), np.array([0, 1, 0, 1]))


def no_layers() -> Explanation:
    """A chain of ten thousand calls, and its leaf."""
    x = mg.Tensor(0.5)
    y: Any = x
    for _ in range(5000):
        y = np.sin(y) + x
    return mg.explain(y, names={"x": x})


def page(e: Explanation) -> str:
    """The page as `save` writes it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "page.html"
        e.save(path)
        return path.read_text(encoding="utf-8")


def text_and_notebook(e: Explanation) -> str:
    """What `print` and a notebook show."""
    return e.text(100) + e._repr_mimebundle_()["text/html"]


MAKERS: list[tuple[Callable[[], Explanation], Callable[[Explanation], str]]] = [
    (two_layers, page),
    (many_layers, text_and_notebook),
    (many_layers, page),
    (no_layers, page),
]


def measured(make: Callable[[], Explanation], view: Callable[[Explanation], str]) -> Any:
    """Median seconds of the processor, quartiles, bytes and nodes."""
    seconds = []
    for _ in range(REPEATS):
        start = time.process_time()
        e = make()
        text = view(e)
        seconds.append(time.process_time() - start)
    return {
        "nodes": len(e.lines),
        "seconds": statistics.median(seconds),
        "quartiles": statistics.quantiles(seconds, n=4)[::2],
        "bytes": len(text.encode()),
    }


def table(run: dict[str, Any]) -> str:
    """The figures as Markdown."""
    lines = ["| what | nodes | seconds | limit | kB | limit |", "|---|---:|---:|---:|---:|---:|"]
    for name, found in run["cases"].items():
        seconds, size = LIMITS[name]
        lines.append(
            f"| {name} | {found['nodes']:,} | {found['seconds']:.2f} | {seconds:.0f} "
            f"| {found['bytes'] / 1000:,.0f} | {f'{size / 1000:.0f}' if size else '—'} |"
        )
    made = f"{run['processor']}, Python {run['python']}, NumPy {run['numpy']}, at {run['commit']}"
    return "\n".join(lines) + f"\n\nSeconds of the processor, medians of {REPEATS}; {made}.\n"


def main(arguments: list[str] | None = None) -> None:
    """Measure, and write explaining.json and explaining.md."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.explaining", description=__doc__)
    parser.add_argument("--out", type=Path, default=RESULTS, metavar="DIR")
    out = parser.parse_args(arguments).out
    out.mkdir(parents=True, exist_ok=True)
    cases = {name: measured(*pair) for name, pair in zip(LIMITS, MAKERS, strict=True)}
    run = {
        "processor": processor(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "commit": commit(),
        "cases": cases,
    }
    (out / "explaining.json").write_text(json.dumps(run, indent=1), encoding="utf-8")
    (out / "explaining.md").write_text(table(run), encoding="utf-8")
    print(table(run))


if __name__ == "__main__":
    main()
