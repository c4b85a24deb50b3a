"""Runs a case: a process for each side, results compared first, then blocks of steps in turns."""

import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import whole
from benchmarks.case import Case
from benchmarks.peers import OURS, Side

ROOT = Path(__file__).parent.parent
Array = np.ndarray[Any, Any]
Report = dict[str, Any]


@dataclass(frozen=True)
class Plan:
    """How long to measure.

    threads: of each library; processes are held to as many processors where the system allows.
    clock: wall or processor; the latter stands still while another process has the processor, and
        is for one thread on a machine that is not ours alone.
    rounds: blocks of each side; fewer, but at least what the case asks for, where they would take
        longer than `patience` seconds.
    block: seconds of one block of steps.
    longest: seconds of the steps that are compared; sides that take longer are not timed.
    largest: points with a larger `size` or `length` are left out.
    """

    threads: int = 1
    clock: str = "wall"
    rounds: int = 11
    block: float = 0.1
    patience: float = 30.0
    longest: float = 15.0
    largest: int | None = None

    def includes(self, settings: dict[str, Any]) -> bool:
        """Whether a point is small enough."""
        sizes = [settings.get(name, 0) for name in ("size", "length")]
        return self.largest is None or max(sizes) <= self.largest


QUICK = Plan(rounds=3, block=0.01, patience=1.0, largest=10**5)


ATTEMPTS, UNDISTURBED, REST = 4, 0.95, 2.0  # blocks


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
        self.busy: list[float] = []
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
        options = {"threads": self.plan.threads, "clock": self.plan.clock} | self.side.options
        return bool(self.order(build=kind, settings=settings | options)["takes part"])

    def results(self, steps: int) -> dict[str, Array]:
        """What came out after so many steps."""
        with tempfile.TemporaryDirectory() as folder:
            path = str(Path(folder) / "results.npz")
            self.order(check=steps, path=path)
            with np.load(path, allow_pickle=False) as stored:
                return dict(stored)

    def measure(self, steps: int) -> float:
        """The value of a step, over a block of steps, after a few that are not counted.

        A block of several steps in which other work had the processor is taken again, a few times.
        """
        found = []
        for _ in range(ATTEMPTS):
            warm = (steps + 9) // 10 if steps > 1 else 0
            answer = self.order(measure=steps, warm=warm, clock=self.plan.clock)
            found.append((answer["busy"], answer["value"]))
            if steps == 1 or answer["busy"] > UNDISTURBED or self.plan.clock == "processor":
                break
            time.sleep(REST * self.plan.block)
        self.busy.append(max(found)[0])
        return float(max(found)[1])

    def alive(self) -> "Process":
        """This process, or a new one where it has died."""
        if self.process.poll() is None:
            return self
        self.close()
        return Process(self.name, self.side, self.plan)

    def close(self) -> None:
        """End the process."""
        self.process.kill()
        self.process.communicate()


def apart(results: dict[str, Array], reference: dict[str, Array]) -> float:
    """The largest distance of any array from the reference, relative to its norm.

    Where one has fewer elements (micrograd has one), those are compared.
    """
    if reference and not results.keys() & reference.keys():
        raise SideError("it has no result to compare")
    worst = 0.0
    for name in results.keys() & reference.keys():
        a, b = (np.asarray(found[name], np.float64).ravel() for found in (results, reference))
        size = min(a.size, b.size)
        scale = max(float(np.linalg.norm(b[:size])), 1e-30)
        distance = float(np.linalg.norm(a[:size] - b[:size])) / scale
        worst = max(worst, distance if math.isfinite(distance) else math.inf)
    return worst


def each(
    processes: list[Process], point: Report, order: Callable[[Process], bool]
) -> list[Process]:
    """Give each side an order; return those for which it holds, and note those that fail."""
    found = []
    for process in processes:
        try:
            if order(process):
                found.append(process)
        except SideError as error:
            point["failed"][process.name] = str(error)
    return found


def compare(processes: list[Process], case: Case, plan: Plan, point: Report) -> list[Process]:
    """Check each side against the first; return those that agree."""
    reference: dict[str, Array] = {}

    def agrees(process: Process) -> bool:
        start = time.perf_counter()
        results = process.results(case.check_steps)
        took = time.perf_counter() - start
        reference.update({} if reference else results)
        point["results"][process.name] = {
            name: array.item() for name, array in results.items() if array.size == 1
        }
        distance = point["apart"][process.name] = apart(results, reference)
        if distance > case.looser.get(process.name, case.tolerance):
            raise SideError(f"its results are {distance:.1e} away, and it was not timed")
        if took > plan.longest and process.name != OURS:
            raise SideError(f"a first run took {took:.0f} s, and it was not timed")
        return True

    return each(processes, point, agrees)


def block_of(process: Process, plan: Plan) -> int:
    """How many steps make a block."""
    start = time.perf_counter()
    process.measure(1)
    if time.perf_counter() - start > plan.block:
        return 1
    return max(1, int(plan.block / max(min(process.measure(1) for _ in range(3)), 1e-7)))


def time_in_turns(processes: list[Process], case: Case, plan: Plan, point: Report) -> None:
    """Measure the sides, a block each, with another one first in each round."""
    per = math.prod(point["settings"][name] for name in case.per)
    steps: dict[str, int] = {}
    values: dict[str, list[float]] = {process.name: [] for process in processes}

    def calibrate(process: Process) -> bool:
        steps[process.name] = block_of(process, plan)
        return True

    def measure(process: Process) -> bool:
        values[process.name].append(process.measure(steps[process.name]) / per)
        return True

    processes = each(processes, point, calibrate)
    for process in processes:
        process.busy.clear()
    start, turn = time.perf_counter(), 0
    while turn < min(case.least, plan.rounds) or (
        turn < plan.rounds and time.perf_counter() - start < plan.patience
    ):
        shift = turn % max(len(processes), 1)
        processes = each(processes[shift:] + processes[:shift], point, measure)
        turn += 1
    for process in sorted(processes, key=lambda process: list(values).index(process.name)):
        found = values[process.name]
        low, median, high = np.quantile(found, [0.25, 0.5, 0.75]).tolist()
        point["sides"][process.name] = {
            "median": median,
            "quartiles": [low, high],
            "steps": steps[process.name],
            "busy": float(np.median(process.busy)),
            "values": found,
        }


def run_point(processes: list[Process], case: Case, settings: dict[str, Any], plan: Plan) -> Report:
    """Build, compare and time one point."""
    point: Report = {"settings": settings}
    point |= {name: {} for name in ("sides", "results", "apart", "failed")}
    built = each(processes, point, lambda process: process.build(case.kind, settings))
    agreed = compare(built, case, plan, point)
    if OURS in point["failed"]:
        raise SideError(f"{case.name}: {OURS}: {point['failed'][OURS]}")
    time_in_turns(agreed, case, plan, point)
    return point


def run_case(case: Case, sides: dict[str, Side], plan: Plan, say: Callable[[str], None]) -> Report:
    """Run all points of a case, and report."""
    missing = {name: side.missing() for name, side in sides.items() if side.missing()}
    report: Report = {"name": case.name, "missing": missing, "skipped": {}, "points": {}}
    processes = [Process(name, side, plan) for name, side in sides.items() if name not in missing]
    try:
        for label, settings in case.points.items():
            if lacking := whole.lacking(settings):
                report["skipped"][label] = lacking
            elif not plan.includes(settings):
                report["skipped"][label] = f"left out, larger than {plan.largest:,}"
            else:
                say(f"{case.name}: {label}")
                report["points"][label] = run_point(processes, case, settings, plan)
            processes = [process.alive() for process in processes]
    finally:
        for process in processes:
            process.close()
    return report
