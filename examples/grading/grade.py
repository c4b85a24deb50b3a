"""Grade a folder of submissions: a score and a page of feedback for each student.

Every file in the folder is one student's. Each exercise is checked in a process of its own, by
`minigrad check FILE.py::NAME --json`, so that a file that does not import, never ends, or calls
sys.exit costs its own points and nobody else's. Grades go to grades.csv, feedback to a text file
for each student. Those are what the checker printed: a verdict, the line, the cause. A forward
that computes something else than the one in solution.py is worth nothing, whatever its backward.

    python examples/grading/grade.py examples/grading/submissions --out grades

prints

    student  Affine/4  Sigmoid/2  SoftmaxWithLoss/4  total/10
    ada             4          2                  4        10
    ben           2.7          0                  0       2.7
    cleo            0          0                  0         0
    dana            0          0                  0         0
    eve             4          0                  0         4
    feedback: grades/ada.txt …

It runs what students wrote: do that in a container, or as a user who owns nothing.
"""

import argparse
import csv
import json
import subprocess
import sys
from pathlib import Path

EXERCISES = {  # the points, and what the checker is told beside the name
    "Affine": (4, ["--input", "8,3", "--kwargs", "W=normal(3, 5), b=normal(5)"]),
    "Sigmoid": (2, ["--input", "8,3"]),
    "SoftmaxWithLoss": (4, ["--input", "8,3", "--input", "8:3"]),
}
SOLUTION = Path(__file__).parent / "solution.py"
SECONDS = 20  # for one exercise of one student


def check(path, name, options, seconds):
    """What the checker found: its JSON, or the same fields for a process that gave none."""
    command = [sys.executable, "-m", "minigrad", "check", f"{path}::{name}", "--json", *options]
    command += ["--like", f"{SOLUTION}::{name}"]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, encoding="utf-8", timeout=seconds
        )
        return json.loads(done.stdout)
    except subprocess.TimeoutExpired:
        return {"score": 0.0, "text": f"FAIL  {name}: it did not end within {seconds} seconds"}
    except json.JSONDecodeError:
        words = done.stderr.strip().splitlines() or ["nothing"]
        return {"score": 0.0, "text": f"FAIL  {name}: the checker was stopped: {words[-1]}"}


def grade(path, seconds):
    """The points of each exercise, and the feedback."""
    points, pages = {}, []
    for name, (worth, options) in EXERCISES.items():
        found = check(path, name, options, seconds)
        points[name] = round(worth * found["score"], 1)
        pages.append(f"{name}: {points[name]:g} of {worth} points\n\n{found['text']}\n")
    return points, "\n\n".join(pages)


def table(grades):
    """The grades as lines of text."""
    worth = {name: points for name, (points, _) in EXERCISES.items()}
    heads = [f"{name}/{points}" for name, points in worth.items()]
    heads.append(f"total/{sum(worth.values())}")
    wide = max(len("student"), *map(len, grades))
    yield "  ".join([f"{'student':{wide}}", *heads])
    for student, points in grades.items():
        numbers = [*points.values(), sum(points.values())]
        cells = [f"{n:{len(h)}g}" for n, h in zip(numbers, heads, strict=True)]
        yield "  ".join([f"{student:{wide}}", *cells])


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="one .py file for each student")
    parser.add_argument("--out", type=Path, default=Path("grades"), help="(default: grades)")
    parser.add_argument("--seconds", type=float, default=SECONDS, help=f"(default: {SECONDS})")
    args = parser.parse_args()
    submissions = sorted(args.folder.glob("*.py"))
    if not submissions:
        parser.error(f"there is no .py file in {args.folder}")
    args.out.mkdir(parents=True, exist_ok=True)
    grades = {}
    for path in submissions:
        grades[path.stem], feedback = grade(path, args.seconds)
        (args.out / f"{path.stem}.txt").write_text(feedback, encoding="utf-8")
    with open(args.out / "grades.csv", "w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["student", *EXERCISES, "total"])
        rows.writerows([s, *p.values(), round(sum(p.values()), 1)] for s, p in grades.items())
    print("\n".join(table(grades)))
    print(f"feedback: {args.out / submissions[0].stem}.txt …")


if __name__ == "__main__":
    main()
