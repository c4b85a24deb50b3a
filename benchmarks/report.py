"""The report in Markdown: for each case a table of medians and of ratios, and its targets."""

from collections.abc import Iterable
from typing import Any

from benchmarks.case import Case
from benchmarks.cases import CASES
from benchmarks.peers import OURS, SIDES
from benchmarks.targets import medians, verdicts

Run = dict[str, Any]
HEAD = """# minigrad beside its peers

{command}, {date}, minigrad at commit {commit}

- {system}, {processor}; processors: {processors}; threads of each side: {threads}; clock: {clock}
- Python {python}; NumPy with {blas}
- {versions}

Each side ran in a process of its own, in turns with the others, block by block. A figure is the
median over the blocks, with the quartiles in brackets; a ratio below 1 means that minigrad is
faster. Before anything was timed the results of all sides were compared.
{busy}
"""


def number(value: float) -> str:
    """Three digits that matter."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}" if value >= 0.1 else f"{value:.3f}"


def row(cells: Iterable[str]) -> str:
    """A row of a table."""
    return f"| {' | '.join(cells)} |\n"


def cell(case: Case, side: dict[str, Any] | None) -> str:
    """The median and its quartiles."""
    if side is None:
        return "—"
    low, high = (number(value * case.scale) for value in side["quartiles"])
    return f"{number(side['median'] * case.scale)} ({low}–{high})"


def table(case: Case, points: dict[str, Any]) -> str:
    """Sides in rows, points in columns, each with minigrad's ratio to the side."""
    used = [name for name in case.sides if any(name in p["sides"] for p in points.values())]
    heads = [head for label in points for head in (f"{label}, {case.unit}", f"{OURS} ÷ this")]
    text = row(["side", *heads]) + row(["---"] + ["---:"] * len(heads))
    for name in used:
        cells = []
        for point in points.values():
            median = medians(point)
            both = name in median and OURS in median
            ratio = f"{median[OURS] / median[name]:.2f}" if both else "—"
            cells += [cell(case, point["sides"].get(name)), ratio]
        text += row([f"**{name}**" if name == OURS else name, *cells])
    return text


def section(report: Run) -> str:
    """One case."""
    case = CASES[report["name"]]
    text = f"\n## {case.title}\n\n`--only {case.name}`\n\n"
    points = list(report["points"].items())
    for start in range(0, len(points), 4):
        text += table(case, dict(points[start : start + 4])) + "\n"
    lines = [str(verdict) for verdict in verdicts(case, report)]
    lines += [
        f"{label}: {name} failed: {why}"
        for label, point in points
        for name, why in point["failed"].items()
    ]
    lines += [
        f"{label}: {name}: {', '.join(f'{key} {value:.4g}' for key, value in results.items())}"
        for label, point in points
        for name, results in point["results"].items()
        if case.kind == "training"
    ]
    lines += [f"{label}: {why}" for label, why in report["skipped"].items()]
    lines += [missing(name, packages) for name, packages in report["missing"].items()]
    lines += case.notes
    return text + "".join(f"- {line}\n" for line in lines)


def steps(run: Run) -> str:
    """The table of the README: a training step of each net, float32, µs."""
    points = {
        case["name"].split("-")[1]: point
        for case in run["cases"]
        if case["name"].startswith("step-") and case["name"].endswith("-float32")
        for point in case["points"].values()
    }
    names = [name for name in SIDES if any(name in point["sides"] for point in points.values())]
    text = row(["one training step, µs", *points]) + row(["---"] + ["---:"] * len(points))
    for name in names:
        found = [medians(point).get(name) for point in points.values()]
        cells = ["—" if value is None else number(value * 1e6) for value in found]
        bold = "**" if name == OURS else ""
        text += row(f"{bold}{each}{bold}" for each in (name, *cells))
    return text


def missing(name: str, packages: list[str]) -> str:
    """The sentence for a side that cannot take part."""
    return (
        f"{name} is not here: {' and '.join(packages)} not installed; "
        "`pip install -r benchmarks/requirements.txt` brings all peers"
    )


def summary(run: Run) -> str:
    """How many targets are met, and which are not."""
    found = [(r, v) for r in run["cases"] for v in verdicts(CASES[r["name"]], r)]
    judged = [(r, v) for r, v in found if v.met is not None]
    missed = [f"- {CASES[r['name']].title}: {v}\n" for r, v in judged if not v.met]
    text = f"\n{len(judged) - len(missed)} of {len(judged)} targets met"
    text += f", {len(found) - len(judged)} not measured" if len(found) > len(judged) else ""
    return text + (".\n" if not missed else "; missed are:\n\n" + "".join(missed))


def disturbance(run: Run) -> str:
    """How much of the time the sides had their processor."""
    points = [point for case in run["cases"] for point in case["points"].values()]
    shares = [side["busy"] for point in points for side in point["sides"].values()]
    if not shares:
        return ""
    low = f"in half of its blocks a side had it for {min(shares):.0%} of the time or more, at worst"
    if run["machine"]["clock"] == "processor":
        return f"Time is what the processor spent on it: the machine did other work too, {low}."
    return f"Blocks in which other work had the processor were taken again; {low}."


def markdown(run: Run) -> str:
    """The whole report."""
    machine = dict(run["machine"])
    packages = machine["versions"].items()
    machine["versions"] = ", ".join(f"{name} {version}" for name, version in packages)
    machine["commit"] = machine["commit"] or "unknown"
    machine["command"] = f"`{machine['command']}`"
    machine["busy"] = disturbance(run)
    return HEAD.format(**machine) + summary(run) + "".join(map(section, run["cases"]))
