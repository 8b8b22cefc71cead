"""Plays cells: the runs of each in one process, seed after seed, until its class is certain enough."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from harness.errors import NotImitated, UserError
from harness.history import Operation
from harness.jobs import Job, prepare
from harness.matrix.cells import AIMS, Cell, scenario_of
from harness.matrix.consumers import Consumer, sinks_of
from harness.matrix.tally import REFUSED, CellRun, Claim, claim, enough
from harness.platforms.capabilities import OUTAGES
from harness.platforms.target import EMBEDDED_TARGET, Target
from harness.reports import text
from harness.runner import in_processes, run_unkept
from harness.scenario.load import load_values
from harness.verdict import RunResult

_CELLS_OF_A_PROCESS = 12  # each leaves about 20 MB


@dataclass(frozen=True, slots=True)
class CellTask:
    """A cell to play, with the seeds from `first` on: until `runs` of them count or, with `every`, so many of them."""

    cell: Cell
    consumer: Consumer
    target: Target
    runs: int
    first: int = 0
    every: bool = False

    def again(self, *, seed: int | None = None, seeds: int = 0) -> str:
        """The command that shows the run with this seed again, or that many runs."""
        words = ["python", "-m", "harness", "matrix", "--cell", str(self.cell)]
        words += ["--seeds", str(seeds)] if seed is None else ["--seed", str(seed)]
        return " ".join([*words, *(self.target.options() if self.target != EMBEDDED_TARGET else ())])


@dataclass(frozen=True, slots=True)
class Played:
    """A cell, its runs, and what may be claimed of it. findings: the texts of the witnesses, by seed."""

    cell: Cell
    runs: tuple[CellRun, ...]
    claim: Claim
    findings: dict[int, str]


def used_sinks(consumer: Consumer) -> tuple[list[str], str]:
    """The words for the sinks where a run without faults leaves effects, or none and the reason for it.

    So no list of them has to be maintained. A reason is, for one, that the pipeline has another source.
    """
    cell = Cell("put", consumer.name, "none", "")
    try:
        job = job_of(CellTask(cell, consumer, EMBEDDED_TARGET, runs=1), 0)
        used = sinks_of(run_unkept(job)[1], job.stack)
    except (UserError, NotImitated) as error:
        return [], _reason(error)
    return used, "" if used else "no effect landed at any sink in a run without faults"


def play(task: CellTask) -> Played:
    """Plays the cell until enough is known. One that the platform does not run is `refused`, with the reason."""
    runs: list[CellRun] = []
    findings: dict[int, str] = {}
    kinds: set[str] = set()
    try:
        for result, operations in _results(task, runs):
            run = CellRun.of(result.seed, result.verdict, result.faults)
            runs.append(run)
            if run.kinds - kinds:
                kinds |= run.kinds
                findings[run.seed] = text.finding(result, operations)
    except (UserError, NotImitated) as error:
        return Played(task.cell, (), Claim(REFUSED, 0, 0, {}, reason=_reason(error)), {})
    return Played(task.cell, tuple(runs), claim(runs), findings)


def play_all(tasks: Sequence[CellTask], processes: int, on_end: Callable[[Played], object]) -> list[Played]:
    """Plays the cells side by side; those whose fault harms the whole platform come last, one by one.

    The results are in the order of the tasks. `on_end` gets each as soon as it is there.
    """
    alone = [position for position, task in enumerate(tasks) if _harms_all(task)]
    together = [position for position in range(len(tasks)) if position not in alone]
    played: dict[int, Played] = {}
    for positions in _in_portions(together, processes * _CELLS_OF_A_PROCESS):
        portion = {position: tasks[position] for position in positions}
        for position, result in in_processes(_play_and_leave, portion, processes):
            played[position] = result
            on_end(result)
    for position in alone:
        played[position] = play(tasks[position])
        on_end(played[position])
    return [played[position] for position in sorted(played)]


def _in_portions(positions: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    for start in range(0, len(positions), size):
        yield positions[start : start + size]


def _play_and_leave(task: CellTask) -> Played:
    """For a process that ends soon: without Python's garbage collector, which would take a sixth of the time."""
    gc.disable()
    return play(task)


def merged(parts: Sequence[Played]) -> Played:
    """One cell that was played in parts."""
    runs = tuple(run for part in parts for run in part.runs)
    if not runs:
        return parts[0]
    claimed = claim(runs)
    findings = {seed: finding for part in parts for seed, finding in part.findings.items()}
    return Played(parts[0].cell, runs, claimed, {run.seed: findings[run.seed] for run in claimed.witnesses})


def _results(task: CellTask, runs: Sequence[CellRun]) -> Iterator[tuple[RunResult, Sequence[Operation]]]:
    job = job_of(task, task.first)
    seed = task.first
    while not (len(runs) >= task.runs if task.every else enough(runs, task.runs)):
        # On a remote platform each run has a stack of its own.
        job = (
            replace(job, seed=seed, again=task.again(seed=seed))
            if task.target == EMBEDDED_TARGET
            else job_of(task, seed)
        )
        yield run_unkept(job)
        seed += 1


def job_of(task: CellTask, seed: int) -> Job:
    """One run of a cell. Raises UserError where the platform refuses it."""
    (variant,) = load_values(scenario_of(task.cell, task.consumer, AIMS[task.cell.fault])).variants
    return prepare(replace(variant, name=str(task.cell)), seed, task.target, task.again(seed=seed))


def _reason(error: UserError | NotImitated) -> str:
    return "; ".join(part.partition(": refused on ")[2].partition(": ")[2] or part for part in str(error).split("\n"))


def _harms_all(task: CellTask) -> bool:
    return any(word in OUTAGES for fault in AIMS[task.cell.fault].faults for word in fault)
