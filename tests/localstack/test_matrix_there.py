"""The command `matrix` on the real LocalStack: what is filtered, and nothing without a filter."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from harness.localstack import Running

ROOT = Path(__file__).parents[2]


def matrix(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "harness", "matrix", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=200)


def test_a_filtered_matrix_is_played_there(localstack: Running, tmp_path: Path) -> None:
    """A crash tells the two handlers apart, as on the embedded platform; what this mapping cannot do is refused with
    the reason; two runs are too few for exactly-once; and the witness comes with a command that shows it there."""
    (tmp_path / "lambda").symlink_to(ROOT / "lambda")
    there = ("--platform", "localstack", "--endpoint", localstack.endpoint)
    chosen = ("--writer", "put", "--consumer", "naive", "--consumer", "idempotent")
    faults = ("--fault", "crash_after_effect", "--fault", "redelivered_late")
    done = matrix(tmp_path, *there, *chosen, *faults, "--seeds", "2")
    assert done.returncode == 2, done.stderr
    saved = json.loads((tmp_path / "runs/matrix/latest/matrix.json").read_text())
    cells = {cell["cell"]: cell for cell in saved["cells"]}
    assert {name: cell["class"] for name, cell in cells.items()} == {
        "put/idempotent/crash_after_effect/table": "open",
        "put/idempotent/redelivered_late/table": "refused",
        "put/naive/crash_after_effect/table": "at-least-once",
        "put/naive/redelivered_late/table": "refused",
    }
    assert "the platform's own mapping delivers" in cells["put/naive/redelivered_late/table"]["reason"]
    (witness, *_) = cells["put/naive/crash_after_effect/table"]["witnesses"]
    assert witness["command"].endswith(" ".join(there))
    shown = matrix(tmp_path, *witness["command"].split()[4:])
    assert (shown.returncode, "INVALID" in shown.stdout) == (1, True), shown.stdout + shown.stderr


def test_all_of_it_would_take_hours(localstack: Running, tmp_path: Path) -> None:
    """So it is refused, with about how long, and with what to choose by."""
    (tmp_path / "lambda").symlink_to(ROOT / "lambda")
    done = matrix(tmp_path, "--platform", "localstack", "--endpoint", localstack.endpoint)
    assert done.returncode == 254
    assert "minutes: choose some with --writer" in done.stderr
