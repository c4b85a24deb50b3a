"""The time of an import statement, in a fresh interpreter for each reading."""

import os
import subprocess
import sys

from benchmarks.problems import Settings
from benchmarks.trial import Reading

CLOCKS = {"wall": "perf_counter", "processor": "process_time"}
STATEMENT = "import time; start = time.{1}(); import {0}; print(time.{1}() - start)"


def imports(settings: Settings) -> Reading:
    """Seconds that `import package` takes; the start of the interpreter is not in them.

    One import that is not counted leaves compiled modules behind, even where Python is told not to
    keep them: installed packages have theirs.
    """
    command = [
        sys.executable,
        "-c",
        STATEMENT.format(settings["package"], CLOCKS[settings["clock"]]),
    ]

    env = {k: value for k, value in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}

    def step() -> float:
        run = subprocess.run(command, check=True, capture_output=True, text=True, env=env)
        return float(run.stdout)

    step()
    return Reading(step, dict)
