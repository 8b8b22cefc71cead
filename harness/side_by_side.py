"""Runs in parallel: a pool of processes, each with one run at a time, as a run owns the AWS calls of its process."""

from __future__ import annotations

import ctypes
import gc
import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar

from harness.jobs import Job
from harness.platforms import hook
from harness.platforms.capabilities import OUTAGES
from harness.reports import RunResult
from harness.runner import run

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
# A copy of this process has everything imported; on other systems copying one that has threads is not safe.
_START = "fork" if sys.platform == "linux" else "spawn"
W = TypeVar("W")
R = TypeVar("R")


def results(jobs: Sequence[Job], runs: Path, processes: int) -> Iterator[tuple[int, RunResult]]:
    """Each result with the index of its job, in order; jobs that harm the whole platform come last, one at a time."""
    together = [index for index, job in enumerate(jobs) if not _harms_all(job)]
    if processes == 1 or len(together) < 2:
        together = []
    yield from in_processes(partial(run, runs=runs), {index: jobs[index] for index in together}, processes)
    for index, job in enumerate(jobs):
        if index not in together:
            yield index, run(job, runs)


def in_processes(do: Callable[[W], R], work: Mapping[int, W], processes: int) -> Iterator[tuple[int, R]]:
    """The result of `do` for each piece of work, with its number, in order."""
    if not work:
        return
    workers = min(processes, len(work))
    pool = ProcessPoolExecutor(workers, get_context(_START), initializer=_begin, initargs=(os.getpid(),))
    try:
        running = {index: pool.submit(do, each) for index, each in work.items()}
        for index, future in running.items():
            yield index, future.result()
    finally:
        pool.shutdown(cancel_futures=True)


def _begin(parent: int) -> None:
    if sys.platform == "linux":
        _die_with(parent)
    hook.own_client.cache_clear()  # their connections are the parent's
    collect_seldom()


def _die_with(parent: int) -> None:
    """Has the kernel kill this process when its parent ends, however it ends (prctl(2))."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # the parent ended before the call
        os._exit(1)


def collect_seldom() -> None:
    """Tunes the garbage collector: a run leaves little garbage, and collecting often costs a fifth of its time."""
    gc.freeze()
    gc.set_threshold(20_000)


def _harms_all(job: Job) -> bool:
    return any(fault.NAME in OUTAGES for fault in job.scenario.faults)
