"""A run that is killed or interrupted leaves what it knew, and nothing else; nobody takes that for an answer."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from play import LEDGER, ROOT, document, yaml_file

from harness.run_folder import HISTORY, REPORT, VERDICT

ENOUGH_LINES = 50
PATIENCE_SECONDS = 60


class Run:
    """`python -m harness run` of something that takes long, in a process group of its own."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.runs, self.temporary = folder / "runs", folder / "temporary"
        self.temporary.mkdir()
        work = {"intents": 10_000, "items": 5_000, "writers": 8}
        scenario = yaml_file(folder / "long.yaml", document(LEDGER / "idempotent.py", workload=work))
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "harness", "run", str(scenario)),
                *("--runs", str(self.runs), "--platform", "embedded", *arguments),
            ],
            cwd=ROOT,
            env={**os.environ, "TMPDIR": str(self.temporary)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def wait_for_history(self) -> Path:
        """The run's folder, once its history has some lines."""
        end = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < end:
            for history in self.runs.glob(f"small/*/{HISTORY}"):
                if history.read_bytes().count(b"\n") > ENOUGH_LINES:
                    return history.parent.resolve()
            assert self.process.poll() is None, self.process.communicate()
            time.sleep(0.01)  # between two looks
        raise AssertionError("the run wrote nothing")

    def is_gone(self) -> bool:
        """Whether no process of its group is left."""
        try:
            os.killpg(self.process.pid, 0)
        except ProcessLookupError:
            return True
        return False

    def goes(self) -> bool:
        """The same, a moment later: what a killed command has started hears of its end from the kernel."""
        ends = time.monotonic() + PATIENCE_SECONDS
        while not self.is_gone() and time.monotonic() < ends:
            time.sleep(0.01)  # between two looks
        return self.is_gone()


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Run]:
    run = Run(tmp_path)
    yield run
    if run.process.poll() is None:
        run.process.kill()
    run.process.communicate()


def check(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "harness", "check", str(folder), *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE_SECONDS)


def test_a_killed_run_is_unknown(running: Run) -> None:
    """`kill -9` in mid-run: the history is there, `check` calls it unknown and exits with 2, and neither a process
    nor a temporary folder is left."""
    folder = running.wait_for_history()
    running.process.kill()
    running.process.communicate()
    assert running.process.returncode == -signal.SIGKILL
    assert running.goes()
    assert list(running.temporary.iterdir()) == []
    assert not (folder / VERDICT).exists()
    checked = check(folder, "--json", "-")
    (run,) = json.loads(checked.stdout)
    assert (checked.returncode, run["verdict"], run["expectation_met"]) == (2, "unknown", False)
    assert run["counts"]["intents"] > 0
    assert any("the phases were: deploy, drive" in reason for reason in run["reasons"])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_run_is_unknown(running: Run, number: signal.Signals) -> None:
    """Ctrl-C in mid-run, and what a supervisor or a closed terminal sends: exit 130 and a line that says so; the
    history is there, and `check` calls it unknown."""
    folder = running.wait_for_history()
    running.process.send_signal(number)
    out, err = running.process.communicate(timeout=PATIENCE_SECONDS)
    assert running.process.returncode == 130
    assert (out, err.splitlines()[-1]) == ("", "interrupted: what was running is unknown")
    assert "Traceback" not in err
    assert running.is_gone()
    assert list(running.temporary.iterdir()) == []
    assert not (folder / REPORT).exists()
    assert (folder / HISTORY).read_bytes().endswith(b"}\n")
    checked = check(folder)
    assert checked.returncode == 2
    assert "UNKNOWN" in checked.stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("to_group", [False, True])
def test_runs_side_by_side_end_with_the_command(tmp_path: Path, number: signal.Signals, to_group: bool) -> None:
    """Whether the command alone gets the signal or its whole group: no process goes on, and none shows a traceback."""
    run = Run(tmp_path, "--processes", "2", "--seeds", "0..3")
    run.wait_for_history()
    (os.killpg if to_group else os.kill)(run.process.pid, number)
    out, err = run.process.communicate(timeout=PATIENCE_SECONDS)
    assert run.process.returncode == 130
    assert (out, err.splitlines()[-1]) == ("", "interrupted: what was running is unknown")
    assert "Traceback" not in err
    assert run.is_gone()
    assert list(run.temporary.iterdir()) == []


def test_a_history_that_was_cut_anywhere_is_never_valid(tmp_path: Path) -> None:
    """Whichever byte was the last one to be written: unknown, or invalid where enough of it says so."""
    from harness.api import run
    from harness.runner import check as judge_again

    values = document(workload={"intents": 3, "items": 3, "writers": 1})
    whole = run(values, tmp_path / "runs")
    assert whole.verdict == "valid"
    history = Path(whole.result.run_folder) / HISTORY
    content = history.read_bytes()
    for length in range(0, len(content) - 1, 211):
        history.write_bytes(content[:length])
        assert judge_again(Path(whole.result.run_folder)).verdict.verdict == "unknown"


@pytest.mark.parametrize("left", ["", '{"verdict": "val'])
def test_a_run_that_was_killed_before_its_verdict_is_never_valid(left: str, tmp_path: Path) -> None:
    """Its whole history is there, and no verdict, or half of one: unknown."""
    from harness.api import run
    from harness.runner import check as judge_again

    whole = run(document(workload={"intents": 3, "items": 3, "writers": 1}), tmp_path / "runs")
    folder = Path(whole.result.run_folder)
    assert judge_again(folder).verdict.verdict == "valid"
    (folder / VERDICT).write_text(left)
    again = judge_again(folder)
    assert (again.verdict.verdict, again.verdict.reasons) == ("unknown", ("the run ended before it had a verdict",))
