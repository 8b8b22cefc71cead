"""Modules of the user's own lie beside the scenario: every command finds them there, wherever it is given."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from play import document, yaml_file

from harness.api import run

# Imports another one beside it. Both folders have modules of these names, with other contents.
MINE = """\
from dataclasses import dataclass

from mine_too import COUNT

from harness.checkers.base import Cause, Checker
from harness.faults.actions import Delay
from harness.faults.base import Fault
from harness.workload.writers import Put


class Writer(Put):
    OPERATION = f"put_{COUNT}"


@dataclass(frozen=True)
class Nothing(Fault):
    NAME = "nothing"
    PLACES = (("acknowledge", "before"),)

    def decide(self, point):
        return Delay(0.0)


class Counted(Checker):
    def check(self, index):
        return self.finding(
            self.anomaly(str(number), f"{number} of {COUNT}", Cause("function", "it counts"), index.records[:1])
            for number in range(COUNT)
        )
"""


@pytest.fixture
def two(tmp_path: Path) -> list[Path]:
    """Two scenarios, whose checkers find 2 and 3 anomalies."""
    scenarios = []
    for count in (2, 3):
        folder = tmp_path / f"with_{count}"
        folder.mkdir()
        (folder / "mine.py").write_text(MINE)
        (folder / "mine_too.py").write_text(f"COUNT = {count}\n")
        values = document(
            workload={"writer": "mine:Writer"},
            checkers=["mine:Counted"],
            expect={"invalid": {"mine:Counted": count}},
            faults=["noop", "mine:Nothing"],
            scenario=f"with-{count}",
        )
        scenarios.append(yaml_file(folder / "question.yaml", values))
    return scenarios


@pytest.mark.parametrize("processes", [1, 2])
def test_each_scenario_has_the_modules_beside_it(harness: Any, two: list[Path], processes: int) -> None:
    """Also where two are called alike, in one process and in several; and `check` finds them again."""
    path = list(sys.path)
    assert harness("lint", *two).code == 0
    assert harness("run", *two, "--processes", processes).code == 0
    for count in (2, 3):
        assert harness("check", f"runs/with-{count}/latest").code == 0
        assert f'"put_{count}"' in Path(f"runs/with-{count}/latest/history.jsonl").read_text()
    assert [place for place in sys.path[: len(path)] if place in path] == path


def test_a_fault_that_acts_nowhere_is_refused(harness: Any, two: list[Path]) -> None:
    """With the line, as any other word that is no fault."""
    module = two[0].parent / "mine.py"
    module.write_text(MINE.replace("    PLACES", "    # PLACES"))
    said = harness("lint", two[0])
    assert said.code == 254
    assert "'mine:Nothing' is not a fault: it has no PLACES" in said.err


@pytest.mark.parametrize(
    "decision, told",
    [
        ("1 / 0", "mine.py:21: the fault nothing raised ZeroDivisionError: division by zero"),
        ("'crash'", "the fault nothing decided 'crash'; expected an action of harness.faults.actions, or None"),
    ],
)
def test_what_a_fault_of_ones_own_does_wrong_is_no_error_of_the_function(
    harness: Any, two: list[Path], decision: str, told: str
) -> None:
    """It ends the run, with the line, although the fault acts inside the handler's execution."""
    (two[0].parent / "mine.py").write_text(MINE.replace("Delay(0.0)", decision))
    said = harness("run", two[0])
    assert said.code == 254
    assert told in said.err


def test_python_finds_them_too(two: list[Path], tmp_path: Path) -> None:
    """`from harness import run`, and what another module is called stays that."""
    (two[0].parent / "json.py").write_text("raise RuntimeError('not the one of the library')")
    import json

    assert [len(run(scenario, tmp_path / "runs").anomalies) for scenario in two] == [2, 3]
    assert sys.modules["json"] is json
