"""python -m benchmarks.false_alarms N: right functions, composed at random, none of them accused.

Hypothesis composes functions of the whole derivative table, and draws arrays for them; each is
judged by `gradcheck`, or as a pair of callables by `check_vjp`, some also in order 2, some also for
its conduct. An accusation is a false alarm, or a bug in the table, and worth the same attention.

Functions come in portions of 250, each from a seed of its own, by as many processes as `--workers`.
What is done stands in results/false_alarms.json, and the next run goes on from there; `--fresh`
begins anew.
"""

import argparse
import json
import multiprocessing
import pkgutil
import platform
import statistics
import sys
import time
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import HealthCheck, Phase, assume, given, seed, settings
from hypothesis import strategies as st

import minigrad
from benchmarks.machine import ROOT, commit, processor, version
from minigrad.testing import Report, Verdict, check_vjp, gradcheck

sys.path.insert(0, str(ROOT / "tests"))
composing = import_module("composing")
# Hypothesis draws numbers that it finds in the modules of the project that are loaded by then: so
# that a portion is the same wherever it runs, all are loaded before.
for found in pkgutil.walk_packages(minigrad.__path__, "minigrad."):
    if ".plot" not in found.name and not found.name.endswith("__main__"):
        import_module(found.name)

RESULTS = Path(__file__).parent / "results"
PORTION = 250
WAYS = ("gradcheck", "check_vjp", "order 2", "conduct")
FUNCTION = st.one_of(composing.expressions(), composing.compositions())
WAY = st.sampled_from([*["gradcheck"] * 4, *["check_vjp"] * 4, "order 2", "conduct"])


def check(expression: Any, way: str) -> Report:
    """The report on one function."""
    about = {"raise_exception": False, "diagnose": False, "contracts": way == "conduct"}
    if way in ("check_vjp", "conduct"):
        return check_vjp(*composing.by_hand(expression), *expression.arrays, **about)
    return gradcheck(expression, *expression.arrays, order=1 + (way == "order 2"), **about)


def portion(number: int, count: int = PORTION) -> dict[str, Any]:
    """Compose and check so many, always the same for the same number."""
    began = time.perf_counter()
    verdicts: Counter[str] = Counter()
    evaluations: Counter[int] = Counter()
    named: list[dict[str, str]] = []

    @seed(number)
    @settings(
        max_examples=count,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(FUNCTION, WAY)
    def one(expression: Any, way: str) -> None:
        assume(composing.is_checkable(expression))
        try:
            report = check(expression, way)
        except Exception as error:
            report = Report("", Verdict.FAIL, reason=f"{type(error).__name__}: {error}")
        verdicts[f"{way}: {report.verdict.name}"] += 1
        evaluations[report.evaluations] += 1
        if not report.ok:
            open_ = [one for one in report.checks if one.verdict.name != "PASS"]
            why = report.reason or "; ".join(f"{one.name}: {one.sentence}" for one in open_)
            about = {"verdict": report.verdict.name, "way": way, "why": why}
            named.append(about | {"function": str(expression), "portion": str(number)})

    with warnings.catch_warnings(action="ignore"), np.errstate(all="ignore"):
        one()
    seconds = time.perf_counter() - began
    return {
        "number": number,
        "count": count,
        "verdicts": dict(verdicts),
        "evaluations": dict(evaluations),
        "named": named,
        "seconds": round(seconds, 2),
        "commit": commit(),
    }


def portions(count: int, done: set[int]) -> Iterator[tuple[int, int]]:
    """The portions that are not done yet: number and size."""
    sizes = [PORTION] * (count // PORTION) + [count % PORTION] * (count % PORTION > 0)
    yield from ((i, n) for i, n in enumerate(sizes) if i not in done)


def summary(done: list[dict[str, Any]]) -> dict[str, Any]:
    """The figures of all portions together."""
    verdicts: Counter[str] = Counter()
    counts: Counter[int] = Counter()
    for one in done:
        verdicts.update(one["verdicts"])
        counts.update({int(k): n for k, n in one["evaluations"].items()})
    total, seconds = sum(verdicts.values()), sum(one["seconds"] for one in done)
    of = {name: sum(n for k, n in verdicts.items() if k.endswith(name)) for name in NAMES}
    return {
        "functions": total,
        "accused": of["FAIL"],
        "inconclusive": of["INCONCLUSIVE"],
        "ways": {way: sum(n for k, n in verdicts.items() if k.startswith(way)) for way in WAYS},
        "median evaluations": statistics.median_low(counts.elements()) if counts else 0,
        "evaluations": sum(k * n for k, n in counts.items()),
        "seconds": round(seconds, 1),
        "functions per second and process": round(total / seconds, 1) if seconds else 0.0,
        "table": len(composing.TABLE),
        "processor": processor(),
        "python": platform.python_version(),
        "versions": {name: version(name) for name in ("minigrad", "numpy", "hypothesis")},
        "commits": sorted({one["commit"] for one in done}),
    }


NAMES = ("PASS", "FAIL", "INCONCLUSIVE")


def page(found: dict[str, Any]) -> str:
    """The results in Markdown."""
    ways = ", ".join(f"{n:,} by {way}" for way, n in found["ways"].items())
    versions = ", ".join(f"{name} {number}" for name, number in found["versions"].items())
    return (
        f"| functions | accused | inconclusive | median evaluations | seconds | a second |\n"
        f"|---|---|---|---|---|---|\n"
        f"| {found['functions']:,} | {found['accused']} | {found['inconclusive']} "
        f"| {found['median evaluations']} | {found['seconds']:,.0f} "
        f"| {found['functions per second and process']} |\n\n"
        f"Correct functions, composed at random of all {found['table']} of the derivative table: "
        f"{ways}. Seconds are those of all processes together. Python {found['python']}, {versions}"
        f", {found['processor']}; at {', '.join(found['commits'])}.\n"
    )


def written(path: Path, done: list[dict[str, Any]]) -> dict[str, Any]:
    """Write what is done so far, and its summary."""
    found = summary(done)
    text = {"summary": found, "portions": sorted(done, key=lambda one: int(one["number"]))}
    path.write_text(json.dumps(text, indent=1), encoding="utf-8")
    path.with_suffix(".md").write_text(page(found), encoding="utf-8")
    return found


def processes(workers: int) -> Any:
    """So many processes, each with modules of its own."""
    return multiprocessing.get_context("spawn").Pool(workers)


def ended(job: tuple[int, int]) -> dict[str, Any]:
    """One portion, in a process of its own."""
    return portion(*job)


def main(arguments: list[str] | None = None) -> int:
    """Do what is not done yet; the exit status is 1 if a function was accused."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.false_alarms", description=__doc__)
    parser.add_argument("count", type=int, nargs="?", default=100_000)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=float("inf"), help="stop after so long")
    parser.add_argument("--fresh", action="store_true", help="forget what was done before")
    parser.add_argument("--out", type=Path, default=RESULTS, metavar="DIR")
    chosen = parser.parse_args(arguments)
    chosen.out.mkdir(parents=True, exist_ok=True)
    path = chosen.out / "false_alarms.json"
    done: list[dict[str, Any]] = []
    if path.exists() and not chosen.fresh:
        done = json.loads(path.read_text(encoding="utf-8"))["portions"]
    left = portions(chosen.count, {one["number"] for one in done if one["count"] == PORTION})
    end = time.monotonic() + chosen.seconds
    with suppress(KeyboardInterrupt), processes(chosen.workers) as pool:
        for found in pool.imap_unordered(ended, left):
            done = [one for one in done if one["number"] != found["number"]] + [found]
            so_far = written(path, done)
            for one in found["named"]:
                print(one["verdict"], one["function"], one["way"], one["why"], flush=True)
            print(f"{so_far['functions']:,}, {so_far['accused']} accused", flush=True)
            if time.monotonic() > end:
                break
    print(page(summary(done)))
    return int(any(one["verdict"] == "FAIL" for part in done for one in part["named"]))


if __name__ == "__main__":
    sys.exit(main())
