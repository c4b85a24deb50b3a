"""The process of one side: reads orders from stdin, one JSON object a line, and answers on stdout.

    {"build": kind, "settings": {...}}   build the trial          -> {"takes part": true}
    {"check": steps, "path": "x.npz"}    take steps, keep results -> {}
    {"measure": steps, "warm": steps, "clock": "wall"}
                                         take steps, timed        -> {"value": …, "busy": …}

The value is seconds per step, and `busy` for how much of the block's time the process had a
processor. An error is answered with {"error": "..."}; the process goes on.
"""

import json
import os
import sys
import time
from importlib import import_module
from typing import Any

import numpy as np

from benchmarks.trial import Reading, Trial

CLOCKS = {"wall": time.perf_counter, "processor": time.process_time}


class Worker:
    """The state of one side between orders."""

    def __init__(self, module: str) -> None:
        self.module = module
        self.trial: Trial | None = None

    def obey(self, order: dict[str, Any]) -> dict[str, Any]:
        """Do what one order says."""
        if "build" in order:
            self.trial = None  # the trial before gives its memory back
            peer = import_module(f"benchmarks.peers.{self.module}")
            self.trial = getattr(peer, order["build"])(order["settings"])
            return {"takes part": self.trial is not None}
        if self.trial is None:
            raise RuntimeError("nothing is built yet")
        if "check" in order:
            self.trial.run(order["check"])
            results: dict[str, Any] = dict(self.trial.results())
            np.savez(order["path"], **results)
            return {}
        self.trial.run(order["warm"])
        wall, processor = time.perf_counter(), time.process_time()
        value = self.trial.measure(order["measure"], CLOCKS[order["clock"]])
        busy = (time.process_time() - processor) / (time.perf_counter() - wall)
        return {"value": value, "busy": 1.0 if isinstance(self.trial, Reading) else busy}


def main() -> None:
    """Serve until stdin ends."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints must not look like an answer
    worker = Worker(sys.argv[1])
    for line in sys.stdin:
        try:
            answer = worker.obey(json.loads(line))
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"[:300]}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
