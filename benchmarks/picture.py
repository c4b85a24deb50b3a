"""The picture: every side as a multiple of minigrad, drawn by matplotlib where it is installed."""

from pathlib import Path
from typing import Any

from benchmarks.cases import CASES
from benchmarks.peers import OURS
from benchmarks.targets import medians

ROWS = {
    "step-two_layer-float32": "step 784-50-10",
    "step-deep-float32": "step 784-100×5-10",
    "step-wide-float32": "step 784-512-512-10",
    "step-tiny-float32": "step 2-8-8-2",
    "operations": "one operation",
    "elementwise": "on 10⁶ elements",
    "optimizer-SGD": "SGD",
    "optimizer-Adam": "Adam",
    "memory-resident": "peak memory",
    "import": "import",
    "training-digits": "digits to 97 %",
    "training-mnist": "MNIST to 97 %",
}
POINTS = {
    "operations": ["operators, all leaves", "functions, all leaves"],
    "optimizer-SGD": ["10⁴ in 1", "10⁶ in 1"],
    "optimizer-Adam": ["10⁴ in 1", "10⁶ in 1"],
}
SAME = {"sum of values": "NumPy by hand", "NumPy": "NumPy by hand", "JAX": "jax.jit"}
STYLES = {
    "NumPy by hand": ("#888888", "|"),
    "minigrad, fused": ("#000000", "_"),
    "the book": ("#999933", "P"),
    "PyTorch": ("#cc3311", "o"),
    "PyTorch fused": ("#ee7733", "v"),
    "jax.jit": ("#0077bb", "s"),
    "autograd": ("#009988", "^"),
    "MyGrad": ("#aa4499", "D"),
    "scikit-learn": ("#33bbee", "X"),
    "micrograd": ("#000000", "*"),
}


def rows(run: dict[str, Any]) -> list[tuple[str, dict[str, float]]]:
    """A label and the multiples of minigrad's median, for each line of the picture."""
    found = []
    for report in run["cases"]:
        name = report["name"]
        if name not in ROWS:
            continue
        for label, point in report["points"].items():
            median = medians(point)
            if OURS not in median or label not in POINTS.get(name, [label]):
                continue
            several = len(CASES[name].points) > 1
            text = f"{ROWS[name]}, {label.removesuffix(', all leaves')}" if several else ROWS[name]
            text = text.removesuffix(" in 1")
            multiples = {SAME.get(k, k): v / median[OURS] for k, v in median.items()}
            found.append((text, multiples))
    return found


def draw(run: dict[str, Any], path: Path) -> str | None:
    """Write the picture; or return the sentence why not."""
    try:
        import matplotlib
    except ModuleNotFoundError:
        return "no picture: matplotlib is not installed"
    lines = rows(run)
    if not lines:
        return "no picture: none of its cases were run"
    matplotlib.use("svg")
    matplotlib.rcParams |= {"svg.hashsalt": "minigrad", "svg.fonttype": "none", "font.size": 9}
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(8, 1.4 + 0.3 * len(lines)), layout="constrained")
    for name, (colour, marker) in STYLES.items():
        at = [(m[name], line) for line, (_, m) in enumerate(lines) if name in m]
        if at:
            x, y = zip(*at, strict=True)
            axes.scatter(x, y, s=36, c=colour, marker=marker, label=name)
    axes.axvline(1, color="black", linewidth=1)
    axes.set_xscale("log")
    ticks = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20]
    axes.set_xticks(ticks, [f"{tick:g}×" for tick in ticks])
    axes.minorticks_off()
    axes.set_yticks(range(len(lines)), [text for text, _ in lines])
    axes.invert_yaxis()
    axes.grid(color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.set_xlabel(
        "time, or memory, as a multiple of minigrad's: left of the line is less, right of it more"
    )
    figure.legend(loc="outside upper center", ncols=6, frameon=False)
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)
    return None
