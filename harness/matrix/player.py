"""Plays cells: the runs of each in one process, seed after seed, until what may be claimed of it is certain enough."""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from harness.errors import NotImitated, UserError
from harness.history import Operation
from harness.jobs import Job, prepare
from harness.matrix.cells import AIMS, Cell, Consumer, scenario_of, sinks_of
from harness.platforms.target import EMBEDDED_TARGET, OUTAGES, Target
from harness.reports import text
from harness.runner import in_processes, run_unkept
from harness.scenario.load import load_values
from harness.verdict import UNKNOWN as UNKNOWN_VERDICT
from harness.verdict import Anomaly, RunResult, Verdict

EXACTLY_ONCE, AT_LEAST_ONCE, AT_MOST_ONCE, NEITHER = "exactly-once", "at-least-once", "at-most-once", "neither"
OPEN, NOT_REACHED, REFUSED, UNKNOWN = "open", "not reached", "refused", "unknown"
BROKEN = (AT_LEAST_ONCE, AT_MOST_ONCE, NEITHER)
CLASSES = (EXACTLY_ONCE, *BROKEN, OPEN, NOT_REACHED, REFUSED, UNKNOWN)

FEWEST_FOR_EXACTLY_ONCE = 20
ENOUGH_WITH_ANOMALY = 5  # runs without an anomaly of the other kind, once one of a kind was found
_TRIES_WITHOUT_REACHING = 10
_TRIES_FOR_EACH = 4  # a fault that fires at one point in two, where there is one point, fires in half of the runs

_TWICE, _LOST = frozenset({"duplicated"}), frozenset({"lost", "dead_lettered"})


@dataclass(frozen=True, slots=True)
class CellRun:
    """One run of a cell. reached: every fault fired. reasons: why the verdict is unknown; empty unless it is."""

    seed: int
    reached: bool
    anomalies: tuple[Anomaly, ...] = ()
    reasons: tuple[str, ...] = ()

    @staticmethod
    def of(seed: int, verdict: Verdict, faults: Iterable[dict[str, int]]) -> CellRun:
        reached = all(fault["fired"] for fault in faults)
        reasons = verdict.reasons if verdict.verdict == UNKNOWN_VERDICT else ()
        return CellRun(seed, reached, verdict.anomalies, reasons)

    @property
    def kinds(self) -> frozenset[str]:
        return frozenset(anomaly.kind for anomaly in self.anomalies)

    @property
    def counts(self) -> bool:
        """Whether the run says something about the cell: one in which the fault never fired does not."""
        return bool(self.anomalies) or self.reached


@dataclass(frozen=True, slots=True)
class Claim:
    """What may be said of a cell.

    runs: how many count, of `tried`. kinds: in how many of them each kind of anomaly was found.
    witnesses: the first run that has each kind.
    """

    name: str
    runs: int
    tried: int
    kinds: dict[str, int]
    witnesses: tuple[CellRun, ...] = ()
    reason: str = ""


def claim(runs: Sequence[CellRun]) -> Claim:
    """What may be said of a cell after these runs."""
    counted = [run for run in runs if run.counts]
    kinds = Counter(kind for run in counted for kind in run.kinds)
    name, reason = _name(set(kinds), runs, counted)
    return Claim(name, len(counted), len(runs), dict(sorted(kinds.items())), tuple(_witnesses(counted)), reason)


def _witnesses(runs: Iterable[CellRun]) -> Iterator[CellRun]:
    """The runs that have a kind of anomaly which none before them had."""
    kinds: frozenset[str] = frozenset()
    for run in runs:
        if run.kinds - kinds:
            kinds |= run.kinds
            yield run


def enough(runs: Sequence[CellRun], wanted: int) -> bool:
    """Whether no more runs are needed: `wanted` count and show no anomaly, or fewer show one."""
    counted = [run for run in runs if run.counts]
    kinds = {kind for run in counted for kind in run.kinds}
    if _class_of(kinds) == NEITHER or len(runs) >= _TRIES_FOR_EACH * wanted:
        return True
    if not counted:
        return len(runs) >= min(_TRIES_WITHOUT_REACHING, _TRIES_FOR_EACH * wanted)
    return len(counted) >= (min(ENOUGH_WITH_ANOMALY, wanted) if kinds else wanted)


def _name(kinds: set[str], runs: Sequence[CellRun], counted: Sequence[CellRun]) -> tuple[str, str]:
    if _class_of(kinds) == NEITHER:
        return NEITHER, ""
    if not counted:
        return NOT_REACHED, runs[0].reasons[0] if runs and runs[0].reasons else "it was not played"
    unsettled = [run for run in counted if run.reasons and not run.anomalies]
    if unsettled:
        return UNKNOWN, f"seed {unsettled[0].seed}: {unsettled[0].reasons[0]}"
    if kinds:
        return _class_of(kinds), ""
    if len(counted) < FEWEST_FOR_EXACTLY_ONCE:
        return OPEN, f"{len(counted)} runs are fewer than {FEWEST_FOR_EXACTLY_ONCE}"
    return EXACTLY_ONCE, ""


def _class_of(kinds: set[str]) -> str:
    """The class that these kinds of anomaly make, however many runs there were."""
    if not kinds:
        return EXACTLY_ONCE
    if kinds <= _TWICE:
        return AT_LEAST_ONCE
    return AT_MOST_ONCE if kinds <= _LOST else NEITHER


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
