"""How long commands take, against importing what they need: the main job, and linting a scenario.

Python's compiled files are kept in a temporary folder: the first round writes them, and does not count.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from functools import partial

from bench.rounds import by_turns

ROUNDS = 5
SDK = ("-c", "import boto3, moto")
MAIN_JOB = ("-m", "harness", "run", "scenarios/duplicate_put.yaml", "--platform", "embedded")
# Of the harness nothing loads pydantic: SAM's translator brings it, and the bound was set when models were pydantic's.
PARSERS = ("-c", "from pydantic import BaseModel, TypeAdapter; import click, yaml")
LINT = ("-m", "harness", "lint", "scenarios/crash.yaml")


def measure(rounds: int = ROUNDS, job: Sequence[str] = MAIN_JOB) -> str:
    with tempfile.TemporaryDirectory() as folder:
        seconds = partial(_seconds, compiled=folder)
        pair = by_turns(lambda: seconds((*job, "--runs", f"{folder}/runs")), lambda: seconds(SDK), rounds)
    return (
        f"startup    `make run`'s command takes {pair.ratio:.2f}x as long as importing boto3 and moto alone\n"
        f"           ({pair.subject:.2f} s and {pair.reference:.2f} s; medians of {rounds} rounds)"
    )


def measure_lint(rounds: int = ROUNDS) -> str:
    with tempfile.TemporaryDirectory() as folder:
        seconds = partial(_processor_seconds, compiled=folder)
        pair = by_turns(lambda: seconds(LINT), lambda: seconds(PARSERS), rounds)
    return (
        f"lint       takes {pair.ratio:.2f}x the processor's time of importing pydantic, click and PyYAML alone\n"
        f"           ({pair.subject * 1000:.0f} ms and {pair.reference * 1000:.0f} ms; medians of {rounds} rounds)"
    )


def _seconds(arguments: Sequence[str], compiled: str) -> float:
    began = time.perf_counter()
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPYCACHEPREFIX"] = compiled
    subprocess.run([sys.executable, *arguments], check=True, capture_output=True, env=environment)
    return time.perf_counter() - began


def _processor_seconds(arguments: Sequence[str], compiled: str) -> float:
    began = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    _seconds(arguments, compiled)
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - began
