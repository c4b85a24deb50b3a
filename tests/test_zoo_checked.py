"""The checker kills the zoo, names the causes, and accuses no twin.

By default every 5th wrong value is checked, every 19th slip diagnosed, every 5th twin checked; with
HYPOTHESIS_PROFILE=ci or thorough all of them are, which takes some minutes. `python -m
benchmarks.zoo` does the same and writes a table. Broken contracts are in test_contracts.py.
"""

import pytest
from zoo import TWINS, VALUES, ZOO
from zoo_checked import checked, is_named, spread

from benchmarks import zoo as benchmark
from minigrad.testing import Verdict, checking


@pytest.fixture
def undiagnosed(monkeypatch):
    """Verdicts alone: looking for causes is what takes time."""
    monkeypatch.setattr(checking.diagnosis, "diagnose", lambda evidence, findings: None)


def test_wrong_values_are_killed(undiagnosed):
    slips = spread([one for one in ZOO if one.wrong in VALUES], 5)
    reports = {one.name: checked(one, contracts=False) for one in slips}
    assert [name for name, one in reports.items() if one.verdict is not Verdict.FAIL] == []


def test_nine_causes_in_ten_are_named():
    slips = spread(ZOO, 19)
    named = [one.name for one in slips if is_named(checked(one), one)]
    assert len(named) >= 0.9 * len(slips), {one.name for one in slips} - set(named)


def test_no_twin_is_accused():
    found = {one.name: checked(one) for one in spread(TWINS, 5)}
    assert {name: str(report) for name, report in found.items() if not report.ok} == {}


def test_the_benchmark_counts_what_is_killed_named_and_accused():
    found = benchmark.run_side("minigrad", slice(None, None, 90))
    assert found["killed"] == found["wrong"] == len(ZOO[::90])
    assert found["false alarms"] == 0
    assert found["named"] + found["named alike"] >= 1
    head, _, line = benchmark.table({"minigrad": found}).splitlines()
    assert head.count("|") == line.count("|")
    assert "0 of 2" in line
