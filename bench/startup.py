"""How long the main job takes, against importing boto3 and moto alone."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence

from bench.rounds import by_turns

ROUNDS = 5
IMPORTS = ("-c", "import boto3, moto.dynamodb.models")
MAIN_JOB = ("-m", "harness", "run", "scenarios/duplicate_put.yaml", "--platform", "embedded")


def measure(rounds: int = ROUNDS, job: Sequence[str] = MAIN_JOB) -> str:
    with tempfile.TemporaryDirectory() as runs:
        pair = by_turns(lambda: _seconds((*job, "--runs", runs)), lambda: _seconds(IMPORTS), rounds)
    return (
        f"startup    `make run`'s command takes {pair.ratio:.2f}x as long as importing boto3 and moto alone\n"
        f"           ({pair.subject:.2f} s and {pair.reference:.2f} s; medians of {rounds} rounds)"
    )


def _seconds(arguments: Sequence[str]) -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
    return time.perf_counter() - began
