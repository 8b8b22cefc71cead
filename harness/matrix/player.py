"""Plays cells: the runs of each in one process, seed after seed, until enough is known of it."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from harness.errors import NotImitated, UserError
from harness.history import Operation
from harness.jobs import Job, prepare
from harness.matrix.cells import AIMS, Cell, scenario_of
from harness.matrix.consumers import Consumer, sinks_of
from harness.matrix.tally import REFUSED, Claim, Seen, claim, enough
from harness.platforms.capabilities import OUTAGES
from harness.platforms.target import EMBEDDED_TARGET, Target
from harness.reports import RunResult, text
from harness.runner import run_unkept
from harness.scenario_file import load_values
from harness.side_by_side import in_processes

_CELLS_OF_A_PROCESS = 12  # each leaves about 20 MB


@dataclass(frozen=True, slots=True)
class Task:
    """A cell, played with the seeds from `first` on: until `runs` of them count, or with all of so many (`every`)."""

    cell: Cell
    consumer: Consumer
    target: Target
    runs: int
    first: int = 0
    every: bool = False

    def again(self, *, seed: int | None = None, seeds: int = 0) -> str:
        """The command that shows this run again, or so many runs."""
        words = ["python", "-m", "harness", "matrix", "--cell", str(self.cell)]
        words += ["--seeds", str(seeds)] if seed is None else ["--seed", str(seed)]
        return " ".join([*words, *(self.target.options() if self.target != EMBEDDED_TARGET else ())])


@dataclass(frozen=True, slots=True)
class Played:
    """A cell, what its runs showed, and what may be claimed; `findings` are the texts of the witnesses, by seed."""

    cell: Cell
    seen: tuple[Seen, ...]
    claim: Claim
    findings: dict[int, str]


def used_sinks(consumer: Consumer) -> tuple[list[str], str]:
    """Where the effects of a consumer land, seen in a run without faults: nobody has to write it down. Or none, and
    why: its pipeline has no such source, for one."""
    cell = Cell("put", consumer.name, "none", "")
    try:
        job = job_of(Task(cell, consumer, EMBEDDED_TARGET, runs=1), 0)
        used = sinks_of(run_unkept(job)[1], job.stack)
    except (UserError, NotImitated) as error:
        return [], _reason(error)
    return used, "" if used else "no effect landed at any sink in a run without faults"


def play(task: Task) -> Played:
    """Until enough is known. What the platform does not run at all is refused, with its reason."""
    seen: list[Seen] = []
    findings: dict[int, str] = {}
    known: set[str] = set()
    try:
        for result, operations in _results(task, seen):
            run = Seen.of(result.seed, result.verdict, result.faults)
            seen.append(run)
            if run.kinds - known:
                known |= run.kinds
                findings[run.seed] = text.finding(result, operations)
    except (UserError, NotImitated) as error:
        return Played(task.cell, (), Claim(REFUSED, 0, 0, {}, reason=_reason(error)), {})
    return Played(task.cell, tuple(seen), claim(seen), findings)


def play_all(tasks: Sequence[Task], processes: int, tell: Callable[[Played], object]) -> list[Played]:
    """Side by side, but what harms the whole platform comes last, alone. In the order of the tasks."""
    alone = {place for place, task in enumerate(tasks) if _harms_all(task)}
    together = {place: task for place, task in enumerate(tasks) if place not in alone}
    played: dict[int, Played] = {}
    for some in _in_portions(together, processes * _CELLS_OF_A_PROCESS):
        for place, result in in_processes(_play_and_leave, some, processes):
            played[place] = result
            tell(result)
    for place in sorted(alone):
        played[place] = play(tasks[place])
        tell(played[place])
    return [played[place] for place in sorted(played)]


def _in_portions(tasks: dict[int, Task], size: int) -> Iterator[dict[int, Task]]:
    places = list(tasks)
    for start in range(0, len(places), size):
        yield {place: tasks[place] for place in places[start : start + size]}


def _play_and_leave(task: Task) -> Played:
    """In a process that ends soon, and so need not clean up: Python's collector would take a sixth of the time."""
    gc.disable()
    return play(task)


def merged(parts: Sequence[Played]) -> Played:
    """One cell that was played in parts."""
    seen = tuple(run for part in parts for run in part.seen)
    if not seen:
        return parts[0]
    known = claim(seen)
    findings = {seed: told for part in parts for seed, told in part.findings.items()}
    return Played(parts[0].cell, seen, known, {run.seed: findings[run.seed] for run in known.witnesses})


def _results(task: Task, seen: Sequence[Seen]) -> Iterator[tuple[RunResult, Sequence[Operation]]]:
    job = job_of(task, task.first)
    seed = task.first
    while not (len(seen) >= task.runs if task.every else enough(seen, task.runs)):
        # Elsewhere than here each run has a stack of its own.
        job = (
            replace(job, seed=seed, again=task.again(seed=seed))
            if task.target == EMBEDDED_TARGET
            else job_of(task, seed)
        )
        yield run_unkept(job)
        seed += 1


def job_of(task: Task, seed: int) -> Job:
    """One run of a cell. Raises UserError where the platform refuses it."""
    (variant,) = load_values(scenario_of(task.cell, task.consumer, AIMS[task.cell.fault])).variants
    return prepare(replace(variant, name=str(task.cell)), seed, task.target, task.again(seed=seed))


def _reason(error: UserError | NotImitated) -> str:
    return "; ".join(part.partition(": refused on ")[2].partition(": ")[2] or part for part in str(error).split("\n"))


def _harms_all(task: Task) -> bool:
    return any(word in OUTAGES for fault in AIMS[task.cell.fault].faults for word in fault)
