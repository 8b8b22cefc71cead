"""START HERE. One run: one variant of a scenario, with one seed, on one platform, from deploy to destroy.

    deploy      the template's tables, function and mapping
    drive       faults on: the writers make their changes, the pipeline answers
    heal        faults off
    drain       until nothing is in flight, within a bound
    read back   the stream and every sink, as they really are
    refer       the same without faults says what each sink is owed
    check       the history, and nothing else, gives the verdict
    report      into the run's folder
    destroy     the end of the platform's context, however the run ended

Each operation is appended to the history at once, so a run that is killed leaves its history so far.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from multiprocessing import active_children, get_context
from pathlib import Path
from time import perf_counter
from typing import Any, TypeVar

from harness import checkers
from harness.environment.copies import die_with
from harness.errors import NotImitated, PlatformLost, UserError, of_the_disk, printable
from harness.faults.points import Seed
from harness.history import FAIL, INFO, OK, History, Operation, Value
from harness.jobs import Job
from harness.observer import Observer
from harness.pipeline.package import folders
from harness.pipeline.resources import RETENTION_SECONDS
from harness.platforms import PLATFORMS, clients
from harness.platforms.base import Plan, Platform
from harness.platforms.target import OUTAGES
from harness.reference import reference
from harness.reports import ExitCode
from harness.reports import text as text_report
from harness.run_folder import (
    REPORT,
    RUN,
    SCHEDULE,
    VERDICT,
    DamagedHistory,
    NoFolder,
    RunFolder,
    has_verdict,
    read_history,
    read_run,
)
from harness.scenario import expectation
from harness.scenario.fields import checker_class
from harness.verdict import UNKNOWN, RunResult, Verdict
from harness.waiting import SIGNALS, signals_interrupt
from harness.workload.base import Writer
from harness.workload.client import Client
from harness.workload.items import Change

_OBSERVE_EVERY_SECONDS = RETENTION_SECONDS / 2  # the observer reads each record before it leaves the stream


def run(job: Job, runs: Path) -> RunResult:
    """Plays the job and leaves a folder under `runs`.

    Raises UserError or NotImitated for a job that cannot be run, UserError also for a run that cannot be kept.
    """
    return _run(job, RunFolder(runs, job.scenario.scenario, job.variant.name, job.seed))[0]


def run_unkept(job: Job) -> tuple[RunResult, Sequence[Operation]]:
    """Plays the job without a folder, for callers that run thousands; returns the history with the result."""
    return _run(job, NoFolder())


def _run(job: Job, folder: RunFolder | NoFolder) -> tuple[RunResult, Sequence[Operation]]:
    began = perf_counter()
    history = History(folder.append, folder.rewrite)
    folder.write(RUN, job.question())
    try:
        _play(job, history, folder)
    finally:
        folder.close()
    result = _conclude(job.question(), history.operations, folder.path, perf_counter() - began)
    if folder.path:
        folder.write(VERDICT, result.to_dict())
        folder.write(REPORT, text_report.finding(result, history.operations))
    folder.check()
    return result, history.operations


@contextmanager
def _uncollected() -> Iterator[None]:
    """Keeps the garbage collector from looking, again and again, through a long history that is all in use.

    As a decorator: when it ends, so has the function that held the history.
    """
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


@_uncollected()
def check(folder: Path) -> RunResult:
    """Judges a stored run again, from its history alone. A run that was killed is never valid.

    A history with a damaged line is unknown. Raises UserError for a folder that holds no run, and for checkers that
    cannot be imported.
    """
    began = perf_counter()
    question = read_run(folder)
    try:
        operations, damage = read_history(folder), None
    except DamagedHistory as error:
        operations, damage = [], Verdict(UNKNOWN, reasons=(str(error),))
    return _conclude(question, operations, folder, perf_counter() - began, has_verdict(folder), damage)


def _play(job: Job, history: History, folder: RunFolder | NoFolder) -> None:
    scenario, function = job.scenario, job.stack.function
    plan = Plan(
        stack=job.stack,
        folders=folders(function),
        faults=scenario.faults,
        seed=Seed(job.seed),
        history=history,
        shards=scenario.pipeline.shards,
        max_steps=scenario.limits.steps,
        spin_seconds=scenario.limits.spin,
        log=_shown(folder.log) if job.shows_logs else folder.log,
        target=job.target,
    )
    begun = ""  # the last phase
    platform = PLATFORMS[job.target.platform](plan)

    def phase(name: str, **value: object) -> None:
        nonlocal begun
        begun = name
        history.append(platform.time(), "harness", INFO, "phase", {"phase": name, **value})

    try:
        with platform:
            _live(job, platform, history, phase)
            folder.write(SCHEDULE, {"seed": job.seed, "decisions": [asdict(d) for d in platform.nemesis.decisions]})
    except PlatformLost as error:
        history.append(platform.time(), "platform", FAIL, "lost", {"phase": begun}, str(error))
        return
    if facts := reference(job, _play_alone):
        history.append(platform.time(), "harness", INFO, "reference", facts)
    phase("destroy")


def _shown(log: Callable[[str], object]) -> Callable[[str], object]:
    """Also writes it to the terminal. On the embedded platform `sys.stderr` is the function's own during a run."""

    def log_and_show(text: str) -> None:
        log(text)
        print(printable(text), end="", file=sys.__stderr__)

    return log_and_show


def _live(job: Job, platform: Platform, history: History, phase: Callable[..., None]) -> None:
    """The life of the pipeline, phase by phase."""
    scenario, limits = job.scenario, job.scenario.limits
    declared = {"leaves_out": scenario.pipeline.leaves_out, "share": scenario.workload.share}
    said = {name: True for name, each in declared.items() if each}
    phase("deploy", faults=[fault.NAME for fault in scenario.faults], **job.stack.described, **said)
    platform.deploy()
    observer = Observer(
        platform.client,
        job.stack,
        lambda f, value: history.append(platform.time(), "observer", OK, f, value),
        platform.source,
        platform.dead_letters,
        platform.arrival_seconds,
        platform.applied,
    )
    phase("drive")
    _start_writers(job, platform)
    _rest(platform, observer, limits.drive)
    platform.heal()
    phase("heal", matched=platform.tickets.matched())
    phase("drain")
    busy = _rest(platform, observer, limits.drain)
    reason = f"at the end of limits.drain ({limits.drain:g} s), {busy}" if busy else ""
    phase("drain", quiet=not busy, reason=reason)
    phase("read_back")
    observer.read_back()
    phase("read_back", complete=True)


def _play_alone(job: Job) -> Sequence[Operation]:
    """The history of a job, for another run to be compared with."""
    history = History()
    _play(job, history, NoFolder())
    return history.operations


def _start_writers(job: Job, platform: Platform) -> None:
    workload = job.scenario.workload
    source, folders = job.stack.source, job.variant.folders

    def writer() -> Writer:
        client = platform.writer_client(workload.sdk.retry_mode, workload.sdk.max_attempts)
        made: Writer = workload.writer_class(source.service, folders)(client, source.name)
        return made

    def write(work: Sequence[Change]) -> None:
        Client(writer, platform.writers).run(work)

    for work in job.changes():
        platform.writers.start_writer(partial(write, work))


def _rest(platform: Platform, observer: Observer, seconds: float) -> str:
    """Waits until the pipeline is quiet or the bound is reached. Returns what kept it busy, or "".

    Meanwhile the observer reads the stream before its records expire.
    """
    left, observed = platform.bound(seconds), 0
    while True:
        if platform.time() - observed >= _OBSERVE_EVERY_SECONDS * 1e6:
            observer.catch_up()
            observed = platform.time()
        busy = platform.rest(min(left, _OBSERVE_EVERY_SECONDS))
        left -= _OBSERVE_EVERY_SECONDS
        if not busy or left <= 0:
            return busy


def _conclude(
    question: Value,
    operations: Sequence[Operation],
    folder: Path | str,
    wall_seconds: float,
    ended: bool = True,
    damage: Verdict | None = None,
) -> RunResult:
    """damage: the verdict where the history holds none."""
    try:
        around = Path(question.get("folder", "."))  # an older run names none
        own = {word: checker_class(word, (around, *around.parents)) for word in question.get("checkers", ())}
    except ValueError as error:
        raise UserError(f"{folder}: {error}") from error
    try:
        expected = expectation.parse(question["expect"])
    except ValueError as error:
        raise UserError(f"{Path(folder) / RUN}: expect: {error}") from error
    verdict = damage or checkers.judge(operations, ended, own)
    met, reason = expectation.met(expected, verdict)
    return RunResult(
        scenario=question["scenario"],
        question=question["question"],
        variant=question["variant"],
        platform=question["platform"],
        seed=question["seed"],
        verdict=verdict,
        expectation_met=met,
        expectation_reason=reason,
        faults=tuple(checkers.faults(operations)),
        run_folder=folder,
        wall_seconds=wall_seconds,
        again=question["again"],
        difference=question.get("difference"),
        emulator=question.get("emulator"),
    )


# A fork has everything imported; on systems other than Linux a fork of a process with threads is not safe.
_START = "fork" if sys.platform == "linux" else "spawn"
W = TypeVar("W")
R = TypeVar("R")


Ended = RunResult | UserError | NotImitated


def results(jobs: Sequence[Job], runs: Path, processes: int) -> Iterator[tuple[int, Ended]]:
    """Each result, or why there is none, with the index of its job, in order.

    Jobs that disrupt a whole platform run last, one at a time.
    """
    parallel = [index for index, job in enumerate(jobs) if not _disrupts_platform(job)]
    if processes == 1 or len(parallel) < 2:
        parallel = []
    yield from in_processes(partial(_ended, runs=runs), {index: jobs[index] for index in parallel}, processes)
    for index, job in enumerate(jobs):
        if index not in parallel:
            yield index, _ended(job, runs)


def _ended(job: Job, runs: Path) -> Ended:
    try:
        return run(job, runs)
    except (UserError, NotImitated) as error:
        return error
    except OSError as error:
        if problem := of_the_disk(error):
            return problem
        raise


def in_processes(do: Callable[[W], R], work: Mapping[int, W], processes: int) -> Iterator[tuple[int, R]]:
    """The result of `do` for each piece of work, with its index, in order."""
    if not work:
        return
    workers = min(processes, len(work))
    # A fork inherits the work as it is: what a fault of the user's own is made of need not be found again by its name.
    pool = ProcessPoolExecutor(workers, get_context(_START), initializer=_begin, initargs=(os.getpid(), work))
    try:
        running = {index: pool.submit(_worked, do, index) for index in work}
        for index, future in running.items():
            yield index, future.result()
    except KeyboardInterrupt:  # a signal may have come to this process alone
        for process in active_children():
            process.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _worked(do: Callable[[W], R], index: int) -> R:
    """In a process of the pool. One that is interrupted cleans up, and takes no more work."""
    try:
        with signals_interrupt():
            return do(_work[index])
    except KeyboardInterrupt:
        os._exit(ExitCode.INTERRUPTED)


_work: Mapping[int, Any] = {}  # in a process of the pool


def _begin(parent: int, work: Mapping[int, Any]) -> None:
    global _work
    _work = work
    for number in SIGNALS:  # of the parent's own handlers none is of use between two pieces of work
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, lambda *_: os._exit(ExitCode.INTERRUPTED))
    die_with(parent)
    clients.harness_client.cache_clear()  # their connections are the parent's
    collect_seldom()


def collect_seldom() -> None:
    """Tunes the garbage collector: a run leaves little garbage, and collecting often costs a fifth of its time."""
    gc.freeze()
    gc.set_threshold(20_000)


def _disrupts_platform(job: Job) -> bool:
    return any(fault.NAME in OUTAGES for fault in job.scenario.faults)
