"""The benchmarks run from their one command, compare before they time, and say what is missing."""

import contextlib
import json
import re
import subprocess
import sys
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import pytest

from benchmarks import explaining, false_alarms, picture, report, targets
from benchmarks.cases import CASES
from benchmarks.peers import SIDES, Side
from benchmarks.runner import QUICK, SideError, apart, run_case

ROOT = Path(__file__).parent.parent
TINY = CASES["step-tiny-float32"]
ALONE = {name: SIDES[name] for name in ("NumPy by hand", "minigrad")}


def quietly(case, sides):
    return run_case(case, sides, QUICK, lambda _: None)


def test_one_command_writes_json_and_markdown(tmp_path):
    command = [sys.executable, "-m", "benchmarks", "--quick", "--only", TINY.name, "--out"]
    sides = ["--sides", "minigrad", "NumPy by hand", "the book"]
    subprocess.run([*command, str(tmp_path), *sides], cwd=ROOT, check=True, capture_output=True)
    run = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    (case,) = run["cases"]
    assert set(case["points"]["tiny"]["sides"]) == {"minigrad", "NumPy by hand", "the book"}
    for side in case["points"]["tiny"]["sides"].values():
        low, high = side["quartiles"]
        assert 0 < low <= side["median"] <= high
    text = (tmp_path / "results.md").read_text(encoding="utf-8")
    assert text == report.markdown(run)
    assert TINY.title in text
    assert f"numpy {run['machine']['versions']['numpy']}" in text
    assert "tiny: target ≤ 2.0 × NumPy by hand: " in text


def test_a_peer_that_is_not_installed_is_a_sentence():
    found = quietly(TINY, ALONE | {"Nobody": Side("nobody", ("no_such_package",))})
    assert set(found["points"]["tiny"]["sides"]) == set(ALONE)
    assert "Nobody is not here: no_such_package not installed" in report.section(found)


def test_a_peer_that_fails_is_a_sentence():
    found = quietly(TINY, ALONE | {"Nobody": Side("no_such_module")})
    assert "tiny: Nobody failed: ModuleNotFoundError" in report.section(found)


def test_a_side_with_other_results_is_not_timed():
    found = quietly(replace(TINY, looser={"NumPy by hand": -1.0}), ALONE)
    assert "NumPy by hand" not in found["points"]["tiny"]["sides"]
    assert "away, and it was not timed" in report.section(found)


def test_minigrad_with_other_results_ends_the_run():
    with pytest.raises(SideError, match="minigrad: its results are"):
        quietly(replace(TINY, looser={"minigrad": -1.0}), ALONE)


def test_distance_is_relative_and_nan_is_far():
    assert apart({"W": [1.0, 2.0]}, {"W": [1.0, 1.0]}) == pytest.approx(2**-0.5)
    assert apart({"W": [float("nan")]}, {"W": [1.0]}) == float("inf")
    with pytest.raises(SideError, match="no result"):
        apart({}, {"W": [1.0]})


def test_data_that_are_not_here_are_a_sentence(monkeypatch):
    monkeypatch.delenv("MINIGRAD_DATA", raising=False)
    found = quietly(CASES["training-mnist"], {})
    assert found["points"] == {}
    assert "MINIGRAD_DATA does not name a folder" in report.section(found)


def made_up(case, **medians):
    sides = {name: {"median": value} for name, value in medians.items()}
    return {"name": case.name, "points": {label: {"sides": sides} for label in case.points}}


def test_targets_are_judged_by_the_medians():
    strict, floor = targets.verdicts(TINY, made_up(TINY, minigrad=3.0, MyGrad=4.0, autograd=9.0))
    assert str(strict) == "tiny: target ≤ 1.0 × the fastest peer (MyGrad): 0.75, met"
    assert str(floor) == "tiny: target ≤ 2.0 × NumPy by hand: not measured"
    missed, _ = targets.verdicts(TINY, made_up(TINY, minigrad=3.0, MyGrad=2.0))
    assert str(missed).endswith("1.50, MISSED")


def test_depth_is_judged_between_its_ends():
    case = CASES["depth-both"]
    found = made_up(case, minigrad=2.0)
    found["points"]["10⁶"]["sides"] = {"minigrad": {"median": 5.0}}
    (verdict,) = targets.verdicts(case, found)
    assert str(verdict) == "10⁶: target ≤ 1.5 × that of 10³: 2.50, MISSED"


def test_minigrad_takes_part_in_every_case():
    for case in CASES.values():
        module = import_module(f"benchmarks.peers.{case.sides['minigrad'].module}")
        assert callable(getattr(module, case.kind))


def test_the_picture_shows_cases_that_exist():
    assert set(picture.ROWS) <= set(CASES)
    assert set(picture.POINTS) <= set(picture.ROWS)
    for name, points in picture.POINTS.items():
        assert set(points) <= set(CASES[name].points)


# ---- what the README quotes ----------------------------------------------------------------------
README = (ROOT / "README.md").read_text(encoding="utf-8")
RESULTS = ROOT / "benchmarks" / "results"


def test_the_readme_shows_the_steps_of_the_committed_run():
    run = json.loads((RESULTS / "results.json").read_text(encoding="utf-8"))
    assert report.steps(run) in README


def test_the_readme_shows_the_committed_run_of_the_zoo():
    for line in (RESULTS / "zoo.md").read_text(encoding="utf-8").splitlines()[2:]:
        cells = [" ".join(cell.split()) for cell in line.split("|")[1:-1]]
        assert f"| {' | '.join(cells)} |\n" in README


def test_the_readme_counts_functions_as_their_page_does():
    page = (ROOT / "docs" / "functions.md").read_text(encoding="utf-8")
    counts = (
        r"(\d+) functions have derivatives, (\d+) of",
        r"(\d+) take\s",
        r"([\d,]+) (?:samples|Hypothesis examples)\s",
    )
    for count in counts:
        assert re.findall(count, page)[:1] == re.findall(count, README)[:1] != []


# ---- random functions ----------------------------------------------------------------------------
def test_the_run_of_random_functions_counts_names_and_goes_on_where_it_was_stopped(
    tmp_path, monkeypatch, capsys
):
    made = []

    def portion(number, count=false_alarms.PORTION):
        made.append((number, count))
        named = [{"verdict": "FAIL", "way": "check_vjp", "why": "w", "function": "f"}]
        return {
            "number": number,
            "count": count,
            "verdicts": {"check_vjp: FAIL": 1, "order 2: PASS": count - 1},
            "evaluations": {"40": count},
            "named": named,
            "seconds": 2.0,
            "commit": "abc",
        }

    monkeypatch.setattr(false_alarms, "portion", portion)
    monkeypatch.setattr(false_alarms, "processes", lambda workers: contextlib.nullcontext(Here()))
    assert false_alarms.main(["260", "--out", str(tmp_path)]) == 1
    assert made == [(0, 250), (1, 10)]
    false_alarms.main(["500", "--out", str(tmp_path)])
    assert made[2:] == [(1, 250)]
    found = json.loads((tmp_path / "false_alarms.json").read_text(encoding="utf-8"))["summary"]
    assert (found["functions"], found["accused"], found["median evaluations"]) == (500, 2, 40)
    assert "| 500 | 2 | 0 | 40 |" in (tmp_path / "false_alarms.md").read_text(encoding="utf-8")
    assert "FAIL f check_vjp w" in capsys.readouterr().out


class Here:
    """A pool of no processes."""

    imap_unordered = staticmethod(map)


def test_a_portion_of_random_functions_is_the_same_each_time_and_accuses_nobody():
    found = false_alarms.portion(3, 6)
    assert sum(found["verdicts"].values()) == 6
    assert not found["named"]
    assert false_alarms.portion(3, 6)["evaluations"] == found["evaluations"]


def test_explanations_keep_their_limits_in_the_committed_run():
    run = json.loads((RESULTS / "explaining.json").read_text(encoding="utf-8"))
    assert run["cases"].keys() == explaining.LIMITS.keys()
    for name, (seconds, size) in explaining.LIMITS.items():
        assert run["cases"][name]["seconds"] <= seconds
        assert size is None or run["cases"][name]["bytes"] <= size
    assert (RESULTS / "explaining.md").read_text(encoding="utf-8") == explaining.table(run)


def test_the_readme_tells_of_the_committed_run_of_random_functions():
    found = json.loads((RESULTS / "false_alarms.json").read_text(encoding="utf-8"))["summary"]
    said = re.findall(r"Of ([\d,]+) right functions .*?, (\d+) were accused and (\d+) left", README)
    figures = f"{found['functions']:,}", str(found["accused"]), str(found["inconclusive"])
    assert said == [figures]
