"""The time of an import statement, in a fresh interpreter for each reading."""

import subprocess
import sys

from benchmarks.problems import Settings
from benchmarks.trial import Reading

CLOCKS = {"wall": "perf_counter", "processor": "process_time"}
STATEMENT = "import time; start = time.{1}(); import {0}; print(time.{1}() - start)"


def imports(settings: Settings) -> Reading:
    """Seconds that `import package` takes; the start of the interpreter is not in them."""
    command = [
        sys.executable,
        "-c",
        STATEMENT.format(settings["package"], CLOCKS[settings["clock"]]),
    ]

    def step() -> float:
        return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)

    return Reading(step, dict)
