"""The command `matrix`, whole: what it prints and saves, how it exits, and that what was committed comes out again."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from concurrent.futures import Executor
from pathlib import Path
from typing import Any

import pytest
from play import ROOT

from harness.matrix.cells import consumers, parse_cell
from harness.matrix.player import CellTask, play, used_sinks
from harness.matrix.report import entry
from harness.platforms.target import EMBEDDED_TARGET

MARKER_FIRST = ("--writer", "put", "--consumer", "marker_first", "--consumer", "naive", "--fault", "crash_*_effect")
WITNESS = "put/marker_first/crash_before_effect/table"
SAVED = json.loads((ROOT / "docs" / "matrix.json").read_text("utf-8"))


@pytest.fixture(autouse=True)
def _handlers(tmp_path: Path) -> None:
    (tmp_path / "lambda").symlink_to(ROOT / "lambda")


def saved(runs: Path = Path("runs")) -> Any:
    return json.loads((runs / "matrix" / "latest" / "matrix.json").read_text("utf-8"))


def test_some_cells_are_printed_and_saved(harness: Any) -> None:
    """The two handlers differ as their docstrings say; three files are in one folder, and progress is told."""
    said = harness("matrix", *MARKER_FIRST)
    assert said.code == 0, said.err
    classes = {cell["cell"]: (cell["class"], cell["runs"]) for cell in saved()["cells"]}
    assert classes == {
        "put/marker_first/crash_before_effect/table": ("at-most-once", 5),
        "put/marker_first/crash_after_effect/table": ("exactly-once", 20),
        "put/naive/crash_before_effect/table": ("at-least-once", 5),
        "put/naive/crash_after_effect/table": ("at-least-once", 5),
    }
    assert "| `marker_first` | table | ≤1 | =1 |" in said.out
    assert "| `naive` | table | ≥1 | ≥1 |" in said.out
    assert {file.name for file in Path("runs/matrix/latest").iterdir()} == {"matrix.json", "matrix.md", "matrix.html"}
    assert said.err.splitlines()[-1].startswith("4/4 put/naive/crash_after_effect/table")


def test_the_same_cells_give_the_same_document(harness: Any) -> None:
    """However many processes there are."""
    documents = []
    for processes in (1, 2):
        assert harness("matrix", *MARKER_FIRST, "--processes", processes).code == 0
        documents.append(Path("runs/matrix/latest/matrix.json").read_bytes())
    assert documents[0] == documents[1]


def test_on_few_runs_nothing_is_called_exactly_once(harness: Any) -> None:
    """It is left open, and the command ends with 2."""
    said = harness("matrix", "--writer", "put", "--consumer", "idempotent", "--fault", "redelivered", "--seeds", 3)
    assert (said.code, saved()["cells"][0]["class"]) == (2, "open")
    assert saved()["cells"][0]["reason"] == "3 runs are fewer than 20"


def test_what_cannot_be_has_its_reason(harness: Any) -> None:
    """What the platform refuses, and what no call could be harmed by; the command ends with 0: it is known."""
    some = ("--consumer", "topic", "--consumer", "naive", "--fault", "left_unprocessed", "--fault", "platform_killed")
    said = harness("matrix", "--writer", "put", "--writer", "expiring_put", *some)
    assert said.code == 0, said.err
    cells = {cell["cell"]: cell for cell in saved()["cells"]}
    assert cells["put/naive/left_unprocessed/table"]["class"] == "not reached"
    assert "leave_unprocessed never fired; 0 points" in cells["put/naive/left_unprocessed/table"]["reason"]
    refused = cells["put/naive/platform_killed/table"]
    assert (refused["class"], refused["command"]) == ("refused", None)
    assert "this very process" in refused["reason"]
    assert "has no TimeToLiveSpecification" in cells["expiring_put/topic/left_unprocessed/topic"]["reason"]
    assert all(f"`{name}`" in said.out for name in cells)


def test_a_cell_shows_the_run_of_a_seed(harness: Any) -> None:
    """The command that is saved with a witness prints its whole finding, and ends with 1."""
    assert harness("matrix", *MARKER_FIRST).code == 0
    (cell,) = (cell for cell in saved()["cells"] if cell["cell"] == WITNESS)
    witness = cell["witnesses"][0]
    said = harness(*witness["command"].split()[3:])
    assert said.code == 1
    assert f"{witness['kind']}: {witness['why']}\n      blame: {witness['blame']}\n" in said.out
    assert witness["summary"] in said.out
    assert f"run again     {witness['command']}" in said.out
    assert harness("check", "runs/matrix/latest").code == 254
    assert harness("check", "runs/matrix-cell/latest").code == 1


def test_a_cell_is_played_as_often_as_is_wanted(harness: Any) -> None:
    """With every seed, in parts: 0 for exactly-once, 1 with the witness in full for what is not, 2 for too few runs."""
    said = harness("matrix", "--cell", "put/idempotent/redelivered/table", "--seeds", 25)
    assert (said.code, said.out.splitlines()[0]) == (0, "put/idempotent/redelivered/table: exactly-once")
    assert " of 25 runs count" in said.out
    said = harness("matrix", "--cell", WITNESS, "--seeds", 25)
    assert (said.code, said.out.splitlines()[0]) == (1, f"{WITNESS}: at-most-once")
    assert said.out.count("INVALID") == 1
    assert harness("matrix", "--cell", "put/idempotent/redelivered/table", "--seeds", 2).code == 2
    assert not Path("runs").exists()


def test_a_cell_is_a_scenario_that_can_be_kept(harness: Any, tmp_path: Path) -> None:
    """Printed, saved and run, it finds the same."""
    said = harness("matrix", "--cell", WITNESS, "--scenario")
    assert said.code == 0
    (tmp_path / "kept.yaml").write_text(said.out)
    ran = harness("run", "kept.yaml", "--seed", 0, "--json", "-").json
    shown = harness("matrix", "--cell", WITNESS, "--seed", 0)
    first, *more = ran[0]["anomalies"]
    assert f"  {first['kind']}: {first['why']}\n" in shown.out
    assert first["summary"] in shown.out
    assert all(anomaly["subject"] in shown.out for anomaly in more)


@pytest.mark.parametrize(
    "arguments, told",
    [
        (["--consumer", "navie"], "--consumer: no consumer is called 'navie'. Did you mean 'naive'?"),
        (["--fault", "crash_befor_effect"], "Did you mean 'crash_before_effect'?"),
        (["--writer", "putt", "--sink", "tabel"], "--sink: no sink is called 'tabel'. Did you mean 'table'?"),
        (["--consumer", "naive", "--sink", "topic"], "no cell is left: naive writes to table"),
        (["--cell", "put/naive/redelivered"], "expected writer/consumer/fault/sink, such as put/naive/redelivered/tab"),
        (["--cell", "put/naive/redeliverd/table"], "--cell: no fault is called 'redeliverd'. Did you mean 'redeliver"),
        (["--cell", "put/naive/redelivered/topic"], "naive writes to no topic. naive writes to table"),
        (["--cell", "put/naive/redelivered/table", "--sink", "table"], "it goes without --writer"),
        (["--seed", "1"], "go with --cell"),
        (["--cell", "put/naive/redelivered/table", "--seed", "1", "--seeds", "2"], "give one of them"),
        (["--endpoint", "http://127.0.0.1:1"], "no LocalStack answers at http://127.0.0.1:1"),
        (["--platform", "embedded", "--endpoint", "http://127.0.0.1:1"], "--endpoint goes with --platform localstack"),
    ],
)
def test_a_mistake_gets_one_clear_error(arguments: list[str], told: str, harness: Any) -> None:
    """254, the nearest valid word, and nothing was run."""
    said = harness("matrix", *arguments)
    assert said.code == 254
    assert told in said.err
    assert "Traceback" not in said.err
    assert not Path("runs").exists()


def test_outside_the_project_it_says_where_it_looked(harness: Any, tmp_path: Path) -> None:
    """The handlers are those of the folder lambda/."""
    (tmp_path / "lambda").unlink()
    said = harness("matrix")
    assert (said.code, "no handler lies in lambda/*/" in said.err) == (254, True)


def test_a_handler_that_cannot_be_played_is_left_out_with_the_reason(harness: Any, tmp_path: Path) -> None:
    """One whose effects land nowhere, and one whose pipeline is none; the others are played."""
    (tmp_path / "lambda").unlink()
    template = (ROOT / "lambda" / "ledger" / "template.yaml").read_text()
    for name, text in (("idle", template), ("bare", "Resources: {}\n")):
        folder = tmp_path / "lambda" / name
        folder.mkdir(parents=True)
        (folder / f"{name}.py").write_text("def handler(event, context): ...\n")
        (folder / "template.yaml").write_text(text)
    shutil.copytree(ROOT / "lambda" / "ledger", tmp_path / "lambda" / "ledger")
    few = ("--writer", "put", "--fault", "crash_after_effect", "--seeds", "2")
    said = harness("matrix", *few, "--consumer", "idle", "--consumer", "bare", "--consumer", "naive")
    assert said.code == 0, said.err
    assert "- consumer idle: no effect landed at any sink in a run without faults" in said.out
    assert "- consumer bare: " in said.out
    assert [cell["cell"] for cell in saved()["cells"]] == ["put/naive/crash_after_effect/table"]


def test_two_handlers_of_one_name_are_refused(harness: Any, tmp_path: Path) -> None:
    """A cell would not say which of them it is about."""
    (tmp_path / "lambda").unlink()
    for folder in ("one", "other"):
        shutil.copytree(ROOT / "lambda" / "sinks", tmp_path / "lambda" / folder)
    said = harness("matrix", "--consumer", "topic")
    assert (said.code, "lambda/one/bucket.py and lambda/other/bucket.py" in said.err) == (254, True)


def test_ctrl_c_saves_nothing(tmp_path: Path) -> None:
    """130, and no half of a matrix."""
    command = [sys.executable, "-m", "harness", "matrix", "--processes", "1", "--consumer", "idempotent"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True) as running:
        assert running.stderr
        assert any("put/idempotent/" in line for line in running.stderr)
        running.send_signal(signal.SIGINT)
        _, told = running.communicate(timeout=60)
    assert running.returncode == 130
    assert "interrupted" in told
    assert not (tmp_path / "runs").exists()


def sample() -> list[str]:
    """Of each consumer at each of its sinks one cell, so that writers and faults take turns."""
    cells: dict[tuple[str, str], list[str]] = {}
    for cell in SAVED["cells"]:
        _, consumer, _, sink = cell["cell"].split("/")
        cells.setdefault((consumer, sink), []).append(cell["cell"])
    return [names[place * 5 % len(names)] for place, names in enumerate(cells.values())]


def played_again(name: str) -> dict[str, Any]:
    """For another process."""
    os.chdir(ROOT)
    by_name = consumers()
    cell = parse_cell(name, by_name)
    task = CellTask(cell, by_name[cell.consumer], EMBEDDED_TARGET, SAVED["runs"])
    return entry(task, play(task))


def sinks_again(consumer: str) -> list[str]:
    os.chdir(ROOT)
    return used_sinks(consumers()[consumer])[0]


def test_what_is_committed_comes_out_again(processes: Executor) -> None:
    """A sample of docs/matrix.json, played again, is the same in every word; so is where effects land."""
    committed = {cell["cell"]: cell for cell in SAVED["cells"]}
    playing = {name: processes.submit(played_again, name) for name in sample()}
    assert {name: future.result() for name, future in playing.items()} == {name: committed[name] for name in playing}
    used = {name: processes.submit(sinks_again, name) for name in SAVED["sinks"]}
    assert {name: future.result() for name, future in used.items()} == SAVED["sinks"]
