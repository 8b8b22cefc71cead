"""The benchmark that needs a LocalStack runs, and prints a ratio. How large it is, is not a test's business."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from bench import localstack as benchmark
from harness.localstack import Running

ROOT = Path(__file__).parents[2]


def test_it_prints_a_ratio(localstack: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run and the bare script end at the LocalStack that is named, and each has a time."""
    monkeypatch.chdir(ROOT)
    said = benchmark.measure(rounds=1, endpoint=localstack.endpoint)
    assert re.search(r"takes \d+\.\d\dx as long as a bare\n +boto3 script .* \(\d+\.\d\d s and \d+\.\d\d s;", said)


def test_a_benchmark_that_is_not_there_is_refused() -> None:
    """Before any other runs."""
    command = [sys.executable, "-m", "bench", "localstack", "localstak"]
    done = subprocess.run(command, cwd=ROOT, env=dict(os.environ), capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (1, "")
    assert re.search(r"called localstak\. Known: startup, lint, .*\blocalstack\n", done.stderr)
