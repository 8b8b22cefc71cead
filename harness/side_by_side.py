"""Runs side by side: some processes, each with one run at a time, because a run owns the AWS calls of its process."""

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
    """Each result with the place of its job, in their order; but what harms the whole platform comes last, alone."""
    together = [place for place, job in enumerate(jobs) if not _harms_all(job)]
    if processes == 1 or len(together) < 2:
        together = []
    yield from in_processes(partial(run, runs=runs), {place: jobs[place] for place in together}, processes)
    for place, job in enumerate(jobs):
        if place not in together:
            yield place, run(job, runs)


def in_processes(do: Callable[[W], R], work: Mapping[int, W], processes: int) -> Iterator[tuple[int, R]]:
    """What `do` makes of each piece of work, with its number, in their order."""
    if not work:
        return
    workers = min(processes, len(work))
    pool = ProcessPoolExecutor(workers, get_context(_START), initializer=_begin, initargs=(os.getpid(),))
    try:
        running = {place: pool.submit(do, each) for place, each in work.items()}
        for place, future in running.items():
            yield place, future.result()
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
    """What is loaded by now stays, and a run leaves little: to look at it again and again costs a fifth of a run."""
    gc.freeze()
    gc.set_threshold(20_000)


def _harms_all(job: Job) -> bool:
    return any(fault.NAME in OUTAGES for fault in job.scenario.faults)
