"""Where and with what a run was made."""

import datetime
import os
import platform
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).parent.parent
PACKAGES = (
    "minigrad", "numpy", "torch", "jax", "jaxlib", "autograd", "mygrad", "scikit-learn", "numba",
    "micrograd",
)  # fmt: skip


def version(package: str) -> str | None:
    """The version of an installed package."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def processor() -> str:
    """The name of the processor, where the system tells."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    named = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor() or platform.machine()


def blas() -> str:
    """The library of NumPy's products, and the instructions that NumPy has found."""
    config: Any = np.show_config(mode="dicts")
    library = config["Build Dependencies"]["blas"]
    found = config.get("SIMD Extensions", {}).get("found", [])
    return (
        f"{library['name']} {library['version']}, SIMD up to {found[-1] if found else 'baseline'}"
    )


def commit() -> str:
    """The commit of this checkout, with a plus where it is changed; empty where it is none."""
    try:
        run = [
            subprocess.run(["git", *words], cwd=ROOT, check=True, capture_output=True, text=True)
            for words in (["rev-parse", "--short", "HEAD"], ["status", "--porcelain", "minigrad"])
        ]
    except (OSError, subprocess.CalledProcessError):
        return ""
    return run[0].stdout.strip() + ("+" if run[1].stdout else "")


def describe(threads: int, clock: str) -> dict[str, Any]:
    """All that a reader needs to judge the figures."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "command": " ".join(["python -m benchmarks", *sys.argv[1:]]),
        "commit": commit(),
        "system": f"{platform.system()} {platform.machine()}",
        "processor": processor(),
        "processors": f"{os.cpu_count()}, of which this run may use {usable}",
        "threads": threads,
        "clock": clock,
        "python": platform.python_version(),
        "blas": blas(),
        "versions": {name: version(name) or "not installed" for name in PACKAGES},
    }
