"""Runs side by side: what each of them finds and leaves does not depend on how many there are at a time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from play import ROOT

from harness.jobs import jobs_of
from harness.run_folder import HISTORY
from harness.runner import results

SCENARIO = ROOT / "scenarios" / "crash.yaml"
BOUND_SECONDS = 60


def histories(runs: Path, processes: int) -> dict[int, bytes]:
    jobs = jobs_of([SCENARIO], seeds="0..1")
    return {place: Path(each.run_folder, HISTORY).read_bytes() for place, each in results(jobs, runs, processes)}


def test_each_run_is_the_same_to_the_byte_alone_and_beside_others(tmp_path: Path) -> None:
    """Every job has its result, at its place."""
    alone, beside = histories(tmp_path / "alone", 1), histories(tmp_path / "beside", 3)
    assert len(alone) == 24
    assert alone == beside


def test_no_process_outlives_a_killed_command(tmp_path: Path) -> None:
    """`kill -9` of the command ends what runs beside it too."""
    command = [sys.executable, "-m", "harness", "run", str(SCENARIO), "--platform", "embedded", "--processes", "3"]
    process = subprocess.Popen(
        [*command, "--seeds", "0..40", "--runs", str(tmp_path)],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    children: list[str] = []
    deadline = time.monotonic() + BOUND_SECONDS
    while len(children) < 3 and time.monotonic() < deadline:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    assert len(children) == 3
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    while any(alive(child) for child in children) and time.monotonic() < deadline:
        pass
    assert [child for child in children if alive(child)] == []


def alive(child: str) -> bool:
    try:
        return Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False
