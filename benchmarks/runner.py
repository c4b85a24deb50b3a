"""Runs a case: a process for each side, results compared first, then blocks of steps in turns."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.cases import Case
from benchmarks.peers import OURS, Side

ROOT = Path(__file__).parent.parent
Array = np.ndarray[Any, Any]
Report = dict[str, Any]


@dataclass(frozen=True)
class Plan:
    """How long to measure.

    threads: of each library; processes are held to as many processors where the system allows.
    rounds: blocks of each side; fewer, but at least what the case asks for, where they would take
        longer than `patience` seconds.
    block: seconds of one block of steps.
    largest: points with a larger `size` or `length` are left out.
    """

    threads: int = 1
    rounds: int = 21
    block: float = 0.1
    patience: float = 40.0
    largest: int | None = None

    def includes(self, settings: dict[str, Any]) -> bool:
        """Whether a point is small enough."""
        sizes = [settings.get(name, 0) for name in ("size", "length")]
        return self.largest is None or max(sizes) <= self.largest


QUICK = Plan(rounds=3, block=0.01, patience=1.0, largest=10**5)


class SideError(Exception):
    """A side cannot go on."""


def environment(threads: int) -> dict[str, str]:
    """The variables of a side's process: as many threads for each library."""
    n = str(threads)
    one = "" if threads > 1 else "--xla_cpu_multi_thread_eigen=false"
    return os.environ | {
        "OPENBLAS_NUM_THREADS": n,
        "OMP_NUM_THREADS": n,
        "MKL_NUM_THREADS": n,
        "VECLIB_MAXIMUM_THREADS": n,
        "NUMBA_NUM_THREADS": n,
        "NPROC": n,
        "XLA_FLAGS": f"{one} intra_op_parallelism_threads={n}".strip(),
        "JAX_PLATFORMS": "cpu",
    }


class Process:
    """The process of one side, and its orders."""

    def __init__(self, name: str, side: Side, plan: Plan) -> None:
        self.name, self.side, self.plan = name, side, plan
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.worker", side.module],
            cwd=ROOT,
            env=environment(plan.threads),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        if hasattr(os, "sched_setaffinity"):
            processors = sorted(os.sched_getaffinity(0))[: plan.threads]
            os.sched_setaffinity(self.process.pid, processors)

    def order(self, **order: Any) -> Report:
        """Send an order, wait for the answer."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        try:
            self.process.stdin.write(json.dumps(order) + "\n")
            self.process.stdin.flush()
        except BrokenPipeError as error:
            raise SideError("its process has died") from error
        line = self.process.stdout.readline()
        if not line:
            raise SideError(f"its process died with exit status {self.process.wait()}")
        answer: Report = json.loads(line)
        if "error" in answer:
            raise SideError(answer["error"])
        return answer

    def build(self, kind: str, settings: dict[str, Any]) -> bool:
        """Whether the side takes part in this point."""
        options = {"threads": self.plan.threads} | self.side.options
        return bool(self.order(build=kind, settings=settings | options)["takes part"])

    def results(self, steps: int) -> dict[str, Array]:
        """What came out after so many steps."""
        with tempfile.TemporaryDirectory() as folder:
            path = str(Path(folder) / "results.npz")
            self.order(check=steps, path=path)
            with np.load(path, allow_pickle=False) as stored:
                return dict(stored)

    def measure(self, steps: int) -> float:
        """The value of a step, over a block of steps, after a few that are not counted."""
        return float(self.order(measure=steps, warm=(steps + 9) // 10 if steps > 1 else 0)["value"])

    def close(self) -> None:
        """End the process."""
        if self.process.stdin is not None:
            self.process.stdin.close()
        if self.process.stdout is not None:
            self.process.stdout.close()
        self.process.wait()


def apart(results: dict[str, Array], reference: dict[str, Array]) -> float:
    """The largest distance of any array from the reference, relative to its norm.

    Where one has fewer elements (micrograd has one), those are compared.
    """
    worst = 0.0
    for name in results.keys() & reference.keys():
        a, b = (np.asarray(found[name], np.float64).ravel() for found in (results, reference))
        size = min(a.size, b.size)
        distance = np.linalg.norm(a[:size] - b[:size]) / max(np.linalg.norm(b[:size]), 1e-30)
        worst = max(worst, float(distance) if np.isfinite(distance) else np.inf)
    return worst


def compared(processes: list[Process], case: Case, point: Report) -> list[Process]:
    """Check each side against the first; return those that agree, and note the others."""
    agreed: list[Process] = []
    reference: dict[str, Array] | None = None
    for process in processes:
        try:
            results = process.results(case.check_steps)
        except SideError as failure:
            point["failed"][process.name] = str(failure)
            continue
        reference = results if reference is None else reference
        distance = apart(results, reference)
        point["apart"][process.name] = distance
        if distance <= case.looser.get(process.name, case.tolerance):
            agreed.append(process)
        else:
            point["failed"][process.name] = f"its results are {distance:.1e} away: not timed"
    return agreed


def timed(processes: list[Process], case: Case, plan: Plan, point: Report) -> None:
    """Measure the sides in turns, a block each, with another one first in each round."""
    per = point["settings"][case.per] if case.per else 1
    steps, estimate = {}, 0.0
    for process in list(processes):
        once = process.measure(1)
        if once < plan.block:
            once = min(once, process.measure(1), process.measure(1))
        steps[process.name] = max(1, int(plan.block / max(once, 1e-7)))
        estimate += once * steps[process.name] * 1.1
    least = min(case.least, plan.rounds)
    rounds = max(least, min(plan.rounds, int(plan.patience / max(estimate, 1e-9))))
    values: dict[str, list[float]] = {process.name: [] for process in processes}
    for turn in range(rounds):
        first = turn % max(len(processes), 1)
        for process in processes[first:] + processes[:first]:
            values[process.name].append(process.measure(steps[process.name]) / per)
    for name, found in values.items():
        low, median, high = np.quantile(found, [0.25, 0.5, 0.75]).tolist()
        point["sides"][name] = {
            "median": median, "quartiles": [low, high], "steps": steps[name], "values": found,
        }  # fmt: skip


def run_point(processes: list[Process], case: Case, settings: dict[str, Any], plan: Plan) -> Report:
    """Build, compare and time one point."""
    point: Report = {"settings": settings, "sides": {}, "apart": {}, "failed": {}}
    building = []
    for process in processes:
        try:
            if process.build(case.kind, settings):
                building.append(process)
        except SideError as failure:
            point["failed"][process.name] = str(failure)
    agreed = compared(building, case, point)
    if any(p.name == OURS for p in building) and not any(p.name == OURS for p in agreed):
        raise SideError(f"{case.name}: minigrad {point['failed'][OURS]}")
    timed(agreed, case, plan, point)
    return point


def run_case(case: Case, sides: dict[str, Side], plan: Plan, say: Callable[[str], None]) -> Report:
    """Run all points of a case, and report."""
    report: Report = {
        "name": case.name,
        "missing": {name: side.missing() for name, side in sides.items() if side.missing()},
        "points": {},
    }
    processes = [
        Process(name, side, plan) for name, side in sides.items() if name not in report["missing"]
    ]
    try:
        for label, settings in case.points.items():
            if not plan.includes(settings):
                continue
            say(f"{case.name}: {label}")
            report["points"][label] = run_point(processes, case, settings, plan)
    finally:
        for process in processes:
            process.close()
    return report
