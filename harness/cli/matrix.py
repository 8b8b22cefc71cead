"""`python -m harness matrix`: which writer, consumer, fault and sink together are exactly-once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import click
import yaml

from harness.cli.options import processes_option, tell
from harness.errors import UserError
from harness.matrix import cells as matrix_cells
from harness.matrix import report
from harness.matrix.cells import AIMS, Cell, Consumer, Filters, consumers, parse_cell, scenario_of
from harness.matrix.player import (
    BROKEN,
    EXACTLY_ONCE,
    OPEN,
    UNKNOWN,
    CellTask,
    Played,
    job_of,
    merged,
    play_all,
    used_sinks,
)
from harness.matrix.report import save
from harness.platforms import EMBEDDED, LOCALSTACK
from harness.platforms.target import Target, choose_target
from harness.reports import ExitCode, exit_code
from harness.reports.progress import Progress
from harness.reports.text import finding
from harness.run_folder import read_history
from harness.runner import run

F = TypeVar("F", bound=Callable[..., Any])
_DEFAULT_RUNS = 20
_RUNS_IN_A_PART = 20  # of one cell, that one process plays
_LINES = 40  # that progress writes where there is no terminal
_LOCALSTACK_SECONDS = 7  # of one run there, measured


def _globs(axis: str) -> Callable[[F], F]:
    return click.option(f"--{axis}", multiple=True, metavar="GLOB", help=f"Only {axis}s that match, of all there are.")


@click.command()
@_globs("writer")
@_globs("consumer")
@_globs("fault")
@_globs("sink")
@click.option("--cell", metavar="WRITER/CONSUMER/FAULT/SINK", help="Play one cell, with all of the seeds.")
@click.option("--seeds", type=click.IntRange(1, 100_000), help="Runs that count, for each cell; 20 unless given.")
@click.option("--seed", type=click.IntRange(0), help="With --cell: show the run with this seed.")
@click.option("--scenario", is_flag=True, help="With --cell: print it as a scenario file, and run nothing.")
@click.option(
    "--platform",
    type=click.Choice([EMBEDDED, LOCALSTACK]),
    help="A LocalStack of `up` if one runs, else embedded.",
)
@click.option("--endpoint", metavar="URL", help="Of LocalStack; AWS_ENDPOINT_URL unless given.")
@processes_option("cells")
@click.option("--runs", type=click.Path(path_type=Path), default=Path("runs"), show_default=True, help="Where it goes.")
def matrix(
    cell: str | None,
    seeds: int | None,
    seed: int | None,
    scenario: bool,
    platform: str | None,
    endpoint: str | None,
    processes: int | None,
    runs: Path,
    **globs: tuple[str, ...],
) -> int:
    """Say which writers, consumers, faults and sinks together are exactly-once.

    The matrix is saved as JSON, Markdown and HTML.

    \b
    Example: python -m harness matrix --writer put --fault 'crash_*'

    Exit codes: 0 every cell is decided, 2 some are not. With --cell: 0 exactly-once, 1 not, 2 unknown.
    """
    filters = Filters(**globs)
    if cell is None and (seed is not None or scenario):
        raise UserError("--seed and --scenario go with --cell")
    if cell and filters:
        raise UserError("--cell is one cell already: it goes without --writer, --consumer, --fault and --sink")
    if seed is not None and seeds is not None:
        raise UserError("--seed and --seeds: give one of them")
    target = choose_target(platform, endpoint, hint=tell)
    processes = processes or target.side_by_side
    if cell is None:
        return _matrix(filters, target, seeds or _DEFAULT_RUNS, processes, runs)
    return _cell(cell, target, seeds or _DEFAULT_RUNS, seed, scenario, processes, runs)


def _matrix(filters: Any, target: Target, runs: int, processes: int, folder: Path) -> int:
    by_name = consumers()
    axes = matrix_cells.axes(filters, by_name)
    used = {name: used_sinks(by_name[name]) for name in axes.consumer}
    sinks = {name: words for name, (words, _) in used.items()}
    nowhere = {name: reason for name, (words, reason) in used.items() if not words}
    cells = matrix_cells.cells(axes, filters, by_name, sinks)
    if not cells:
        raise UserError(f"no cell is left: {_used(sinks, nowhere)}")
    if target.platform == LOCALSTACK and not filters:
        minutes = len(cells) * runs * _LOCALSTACK_SECONDS // 60 // processes
        raise UserError(
            f"all {len(cells)} cells would take LocalStack about {minutes} minutes: choose some with --writer, "
            "--consumer, --fault and --sink, or --platform embedded"
        )
    tasks = [CellTask(cell, by_name[cell.consumer], target, runs) for cell in cells]
    played = _played(tasks, processes)
    made = report.document(tasks, played, axes, filters, by_name, sinks, nowhere)
    saved = save(made, played, folder)
    click.echo("\n\n".join(filter(None, (report.summary(made), report.missing(made), ""))))
    click.echo(f"saved in {saved}: " + ", ".join(sorted(file.name for file in saved.iterdir())))
    return ExitCode.NOT_KNOWN if any(each.claim.name in (OPEN, UNKNOWN) for each in played) else ExitCode.MET


def _used(sinks: dict[str, list[str]], nowhere: dict[str, str]) -> str:
    return "; ".join(
        f"{name} writes to {' and '.join(used)}" if used else f"{name}: {nowhere[name]}" for name, used in sinks.items()
    )


def _cell(text: str, target: Target, runs: int, seed: int | None, scenario: bool, processes: int, folder: Path) -> int:
    by_name = consumers()
    cell = parse_cell(text, by_name)
    consumer = by_name[cell.consumer]
    used, reason = used_sinks(consumer)
    if cell.sink not in used:
        hint = _used({cell.consumer: used}, {cell.consumer: reason})
        raise UserError(f"--cell: {cell.consumer} writes to no {cell.sink}. {hint}")
    task = CellTask(cell, consumer, target, runs)
    if scenario:
        return _print_scenario(cell, consumer)
    return _one_run(task, seed, folder) if seed is not None else _every_run(task, runs, processes)


def _print_scenario(cell: Cell, consumer: Consumer) -> int:
    values = scenario_of(cell, consumer, AIMS[cell.fault])
    click.echo(yaml.safe_dump(values, sort_keys=False, width=120), nl=False)
    return ExitCode.MET


def _one_run(task: CellTask, seed: int, folder: Path) -> int:
    result = run(job_of(task, seed), folder)
    click.echo(finding(result, read_history(Path(result.run_folder))), nl=False)
    return exit_code([result])


def _every_run(task: CellTask, runs: int, processes: int) -> int:
    parts = range(0, runs, _RUNS_IN_A_PART)
    tasks = [replace(task, first=first, runs=min(_RUNS_IN_A_PART, runs - first), every=True) for first in parts]
    played = merged(_played(tasks, processes))
    claim = played.claim
    kinds = "".join(f", {runs} of them with {kind}" for kind, runs in claim.kinds.items())
    click.echo(f"{played.cell}: {claim.name}{f' ({claim.reason})' if claim.reason else ''}")
    click.echo(f"  {claim.runs} of {claim.tried} runs count{kinds}")
    for text in played.findings.values():
        click.echo(f"\n{text}", nl=False)
    if claim.name == EXACTLY_ONCE:
        return ExitCode.MET
    return ExitCode.VIOLATED if claim.name in BROKEN else ExitCode.NOT_KNOWN


def _played(tasks: Sequence[CellTask], processes: int) -> list[Played]:
    with Progress(len(tasks), every=max(1, len(tasks) // _LINES)) as progress:
        return play_all(tasks, processes, lambda played: progress.end(_ended(played)))


def _ended(played: Played) -> str:
    """The class; but a part of a cell may have too few runs for one."""
    claim = played.claim
    return f"{played.cell}   " + (f"{claim.runs} runs, nothing found" if claim.name == OPEN else claim.name)
