"""What many runs in one process leave in its memory."""

from __future__ import annotations

import gc
from dataclasses import replace
from pathlib import Path

import psutil

from harness.jobs import jobs_of
from harness.runner import run_unkept

FIRST, RUNS = 100, 1_000
SCENARIO = Path("scenarios/crash.yaml")


def measure(first: int = FIRST, runs: int = RUNS) -> str:
    job = jobs_of([SCENARIO])[0]

    def bytes_after(begin: int, end: int) -> int:
        for seed in range(begin, end):
            run_unkept(replace(job, seed=seed))
        gc.collect()
        return int(psutil.Process().memory_info().rss)

    before = bytes_after(0, first)
    after = bytes_after(first, runs)
    return (
        f"memory     after {runs} runs of {SCENARIO} a process has {after / before:.2f}x the memory that it has after\n"
        f"           {first} ({after / 1e6:.0f} MB and {before / 1e6:.0f} MB; goal: at most 1.2x)"
    )
