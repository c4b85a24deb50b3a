"""python -m benchmarks: run the cases, and write results.json, results.md and results.svg."""

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path

from benchmarks import machine, picture, report
from benchmarks.case import Case
from benchmarks.cases import CASES
from benchmarks.peers import SIDES
from benchmarks.runner import QUICK, Plan, SideError, run_case

RESULTS = Path(__file__).parent / "results"


def options(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--only", nargs="+", metavar="CASE", help="cases whose names begin so: step operations …"
    )
    parser.add_argument(
        "--sides", nargs="+", metavar="SIDE", help=f"these sides alone, of {', '.join(SIDES)}"
    )
    parser.add_argument("--quick", action="store_true", help="few short blocks, small sizes")
    parser.add_argument("--threads", type=int, default=1, help="of each side (default 1)")
    parser.add_argument(
        "--clock",
        choices=("wall", "processor"),
        default="wall",
        help="processor time, on one thread, where other programs disturb (default wall)",
    )
    parser.add_argument("--out", type=Path, default=RESULTS, metavar="DIR", help="where to write")
    parser.add_argument("--list", action="store_true", help="print the names of all cases")
    return parser.parse_args(arguments)


def chosen(only: list[str] | None) -> list[Case]:
    """The cases whose names begin with one of `only`."""
    found = [case for case in CASES.values() if only is None or case.name.startswith(tuple(only))]
    if not found:
        raise SystemExit(f"no case begins with {' or '.join(only or [])}; try --list")
    return found


def main() -> None:
    """Run and write."""
    asked = options()
    cases = chosen(asked.only)
    if asked.list:
        print("\n".join(f"{case.name:<24}{case.title}" for case in cases))
        return
    if asked.clock == "processor" and asked.threads > 1:
        raise SystemExit("processor time adds up over threads: --clock processor needs --threads 1")
    plan = replace(QUICK if asked.quick else Plan(), threads=asked.threads, clock=asked.clock)
    run: report.Run = {"machine": machine.describe(asked.threads, asked.clock), "cases": []}
    asked.out.mkdir(parents=True, exist_ok=True)
    for case in cases:
        sides = {k: s for k, s in case.sides.items() if asked.sides is None or k in asked.sides}
        try:
            run["cases"].append(run_case(case, sides, plan, print))
        except SideError as failure:
            sys.exit(str(failure))
        write(run, asked.out)
    print(picture.draw(run, asked.out / "results.svg") or "drawn")
    print(report.summary(run))
    print(f"written to {asked.out}")


def write(run: report.Run, folder: Path) -> None:
    """Write what there is so far."""
    text = json.dumps(run, indent=1, ensure_ascii=False)
    (folder / "results.json").write_text(text, encoding="utf-8")
    (folder / "results.md").write_text(report.markdown(run), encoding="utf-8")


if __name__ == "__main__":
    main()
