"""`python -m harness run|try|check`: from scenario files, a template alone, or stored runs, to verdicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from harness.cli.options import (
    TemplateChoice,
    json_option,
    overrides,
    processes_option,
    runs_option,
    scenarios_argument,
    set_option,
    target_options,
    tell,
)
from harness.documents import load_template, parse
from harness.errors import NotImitated, Problem, UserError, one_line, printable, shown
from harness.history import Operation
from harness.jobs import Job, jobs_of
from harness.platforms import AWS, PLATFORMS
from harness.platforms.target import choose_target
from harness.reports import ExitCode, exit_code, to_json
from harness.reports import text as text_report
from harness.reports.progress import Progress, coloured, has_colours, terminal_width
from harness.run_folder import StoredHistory
from harness.verdict import RunResult


@click.command()
@scenarios_argument
@click.option("--seed", type=int, help="Run with this seed alone.")
@click.option("--seeds", metavar="0..49", help="Run with each of these seeds.")
@click.option("--variant", "variants", multiple=True, metavar="NAME", help="Run the variants that match (a glob).")
@set_option
@target_options([*PLATFORMS], "Where the pipeline lives: a LocalStack of `up` if one runs, else embedded.")
@processes_option("runs")
@click.option("--logs", is_flag=True, help="Also show on the terminal what functions print, with the run's time.")
@json_option
@runs_option
@click.pass_context
def run(
    context: click.Context,
    scenarios: Sequence[Path],
    seed: int | None,
    seeds: str | None,
    variants: Sequence[str],
    settings: Sequence[str],
    json_to: str | None,
    runs: Path,
    platform: str | None,
    endpoint: str | None,
    account: str | None,
    profile: str | None,
    region: str | None,
    processes: int | None,
    logs: bool,
) -> int:
    """Run scenarios, and say of each variant whether it is valid, invalid or unknown.

    \b
    Example: python -m harness run scenarios/crash.yaml --variant '*naive*' --seeds 0..9
    """
    if seed is not None and seeds is not None:
        if context.get_parameter_source("seeds") is ParameterSource.COMMANDLINE:
            raise UserError("--seed and --seeds: give one of them")
        seeds = None
    if json_to and (problem := _no_file(json_to)):
        raise UserError(f"--json {json_to}: {problem}")
    target = choose_target(platform, endpoint, account, profile, region, hint=tell)
    from harness.runner import results as results_of  # not for --help

    chosen = seeds if seed is None else seed
    jobs = jobs_of(scenarios, overrides(settings), seeds=chosen, variants=variants, target=target)
    click.echo(f"platform: {target}", err=True)
    if target.platform == AWS:
        _tell_created(jobs)
    accepted = [replace(job, shows_logs=logs) for job in jobs if not job.refused]
    results: dict[int, RunResult] = {}
    problems: dict[int, UserError | NotImitated] = {}
    with Progress(len(accepted)) as progress:
        for order, result in results_of(accepted, runs, processes or target.side_by_side):
            if not isinstance(result, RunResult):
                problems[order] = result
                progress.end(f"{_name(accepted[order])}   refused")
                continue
            results[order] = result
            met = "as expected" if result.expectation_met else "NOT AS EXPECTED"
            name = f"{result.scenario} / {result.variant}"
            progress.end(f"{name}   seed {result.seed}   {result.verdict.verdict}, {met}")
    code = _report([results[order] for order in sorted(results)], json_to) if results or not problems else 0
    _tell_refused(jobs)
    for order, error in sorted(problems.items()):
        what = "not imitated: " if isinstance(error, NotImitated) else ""
        click.echo(printable(f"refused: {_name(accepted[order])}: {what}{error}"), err=True)
    return ExitCode.USER_MISTAKE if problems else code


@click.command()
@click.argument("folders", nargs=-1, required=True, metavar="RUN...", type=click.Path(path_type=Path))
@json_option
def check(folders: Sequence[Path], json_to: str | None) -> int:
    """Judge stored runs again, from their histories, without running anything.

    \b
    Example: python -m harness check runs/duplicate-put/latest
    """
    from harness.runner import check as check_run

    results, problems = [], []
    for folder in folders:
        try:
            results.append(check_run(folder))
        except UserError as error:
            problems += error.problems
    code = _report(results, json_to) if results else ExitCode.MET
    if problems:
        raise UserError(problems)
    return code


def _name(job: Job) -> str:
    return f"{job.scenario.scenario} / {job.variant.name}   seed {job.seed}"


def _no_file(name: str) -> str:
    """Why no file of that name can be written, as far as it can be seen beforehand; "" where it can."""
    path = Path(name)
    if name == "-":
        return ""
    return "is a folder" if path.is_dir() else "" if path.parent.is_dir() else f"there is no folder {path.parent}"


def _tell_created(jobs: Sequence[Job]) -> None:
    """Lists what the runs will create in the user's account."""
    from harness.platforms.deployed.run_stack import names

    for job in jobs:
        if not job.refused:
            click.echo(f"{job.scenario.scenario} / {job.variant.name} creates, tags and deletes again:", err=True)
            click.echo("".join(f"  {name}\n" for name in names(job.stack)), err=True, nl=False)


def _tell_refused(jobs: Sequence[Job]) -> None:
    """Lists each variant that was not run, with the scenario's reason."""
    refused: dict[tuple[str, str, str], list[str]] = {}
    for job in jobs:
        if job.refused and job.difference:
            variants = refused.setdefault((job.target.platform, job.scenario.scenario, job.difference.why), [])
            variants += [job.variant.name] if job.variant.name not in variants else []
    for (platform, scenario, why), variants in refused.items():
        click.echo(one_line(f"not run on {platform}: {scenario} / {', '.join(variants)}: {why.strip()}"), err=True)


def _report(results: Sequence[RunResult], json_to: str | None) -> int:
    def history_of(result: RunResult) -> Sequence[Operation]:
        try:
            return StoredHistory(Path(result.run_folder))
        except UserError:  # the verdict says so
            return []

    if json_to != "-":
        report = text_report.render(results, history_of, terminal_width())
        click.echo(coloured(report) if has_colours() else report, nl=False, color=has_colours())
    if json_to:
        try:
            with click.open_file(json_to, "w", encoding="utf-8", errors="backslashreplace") as file:
                file.write(to_json(results))
        except OSError as error:
            if json_to == "-":
                raise  # whoever reads it has gone
            raise UserError(f"--json {json_to}: cannot be written: {error.strerror}") from None
    return exit_code(results)


_PATH = click.Path(path_type=Path)


@click.command(name="try")
@click.argument("template", required=False, type=_PATH)
@click.option("--data", type=_PATH, metavar="FILE", help="Items of your own: a list of them, YAML or JSON.")
@click.option("--function", metavar="ID", help="Only this one, where several have a stream.")
@click.option(
    "--parameter", "parameters", multiple=True, metavar="NAME=VALUE", help="Of the template; else its default."
)
@click.option("--code", type=_PATH, metavar="FOLDER", help="Where the code is, if the template names it in S3.")
@click.option("--save", type=_PATH, metavar="FILE", help="Write the finding that matters most as a scenario.")
def try_template(
    template: Path | None,
    data: Path | None,
    function: str | None,
    parameters: Sequence[str],
    code: Path | None,
    save: Path | None,
) -> int:
    """Try a template's stream functions with made-up items: without faults, and then with each of a short list.

    What the pipeline leaves without faults is what it must leave with them.

    \b
    Example: python -m harness try template.yaml
    """
    from harness.pipeline.template import stream_functions
    from harness.trying import Player, report

    file = TemplateChoice(_in(template), None, (), None).template
    values = _with_made_up(file, overrides(parameters))
    items = _items(data) if data else None
    trials = []
    for name in [function] if function else stream_functions(file, values):
        trials.append(Player(file, name, values, items, code).play())
        click.echo(printable(report.text(trials[-1])))
    found = [(trial, trial.worst) for trial in trials if trial.worst]
    if save and found:
        trial, worst = found[0]
        verdict = report.save(trial, worst, save) if worst else ""
        click.echo(f"wrote {save}, which is {verdict}: python -m harness run {save}")
    return report.exit_code(trials)


def _in(template: Path | None) -> Path | None:
    """A folder stands for the template in it."""
    from harness.documents import TEMPLATES

    if template is None or not template.is_dir():
        return template
    found = next((template / name for name in TEMPLATES if (template / name).is_file()), None)
    if found is None:
        raise UserError([Problem(f"holds none of {', '.join(TEMPLATES)}", file=str(template))])
    return found


def _items(file: Path) -> list[Mapping[str, Any]]:
    try:
        items = parse(file.read_bytes(), str(file)).value
    except OSError as error:
        raise UserError([Problem(f"cannot be read: {error.strerror}", file=str(file))]) from error
    if not isinstance(items, list) or not items or not all(isinstance(item, dict) and item for item in items):
        message = f"holds {shown(items)}; expected a list of items, each with attributes"
        raise UserError([Problem(message, file=str(file))])
    return items


def _with_made_up(template: Path, given: Mapping[str, str]) -> dict[str, str]:
    """The parameters, with values for those that have none: their names, or what their type allows."""
    declared = load_template(template).at(("Parameters",))
    values = dict(given)
    for name, parameter in declared.items() if isinstance(declared, dict) else ():
        if name not in values and isinstance(parameter, dict) and "Default" not in parameter:
            allowed = parameter.get("AllowedValues")
            number = parameter.get("Type") == "Number"
            value = allowed[0] if isinstance(allowed, list) and allowed else 1 if number else f"made-up-{name.lower()}"
            values[name] = str(value)
            click.echo(f"parameter {name} has no default: it is {values[name]!r} here", err=True)
    return values
