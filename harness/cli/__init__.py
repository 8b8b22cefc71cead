"""The command line: `python -m harness init|run|check|matrix|lint|list|schema`."""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness import __version__
from harness.cli import localstack, workflow
from harness.cli.init import init
from harness.cli.matrix import matrix
from harness.cli.options import processes_option, where_options
from harness.errors import NotImitated, Problem, UserError
from harness.platforms import AWS, PLATFORMS
from harness.reports import ExitCode, RunResult, exit_code, to_json

if TYPE_CHECKING:  # so that --help and schema need not wait for boto3
    from harness.history import Operation
    from harness.runner import Job
    from harness.where import Where


class Commands(click.Group):
    """Turns what can go wrong into one message and an exit code (design, decision 10)."""

    def main(self, *arguments: Any, **extra: Any) -> Any:
        try:
            sys.exit(super().main(*arguments, **{**extra, "standalone_mode": False}) or 0)
        except UserError as error:
            _stop(str(error), ExitCode.USER_MISTAKE)
        except NotImitated as error:
            _stop(f"not imitated: {error}", ExitCode.USER_MISTAKE)
        except click.ClickException as error:
            error.show()
            sys.exit(ExitCode.USER_MISTAKE)
        except (click.Abort, KeyboardInterrupt):
            _stop("interrupted: what was running is unknown", ExitCode.INTERRUPTED)
        except BrokenPipeError:
            sys.exit(ExitCode.INTERRUPTED)
        except Exception:
            _stop(f"{traceback.format_exc()}this is a mistake of the harness", ExitCode.OUR_MISTAKE)


def _stop(message: str, code: int) -> None:
    click.echo(message, err=True)
    sys.exit(code)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="harness", message="%(prog)s %(version)s")
def main() -> None:
    """Measure whether a serverless pipeline is exactly-once.

    Exit codes: 0 every expectation met, 1 one violated, 2 unknown, 254 a mistake in the scenario or the arguments,
    255 a mistake of ours, 130 interrupted.
    """


_SCENARIOS = click.argument("scenarios", nargs=-1, required=True, type=click.Path(path_type=Path))
_SET = click.option("--set", "settings", multiple=True, metavar="PATH=VALUE", help="Override a field of the scenario.")
_JSON = click.option(
    "--json", "json_to", metavar="FILE", help="Write the results as JSON, to a file or - (standard output)."
)
_RUNS = click.option(
    "--runs", type=click.Path(path_type=Path), default=Path("runs"), show_default=True, help="Where run folders go."
)


@main.command()
@_SCENARIOS
@click.option("--seed", type=int, help="Run with this seed alone.")
@click.option("--seeds", metavar="0..49", help="Run with each of these seeds.")
@click.option("--variant", "variants", multiple=True, metavar="NAME", help="Run the variants that match (a glob).")
@_SET
@where_options([*PLATFORMS], "Where the pipeline lives: LocalStack if one answers, else embedded.")
@processes_option("runs")
@_JSON
@_RUNS
def run(
    scenarios: Sequence[Path],
    json_to: str | None,
    runs: Path,
    platform: str | None,
    endpoint: str | None,
    account: str | None,
    profile: str | None,
    region: str | None,
    processes: int | None,
    **choice: Any,
) -> int:
    """Run scenarios, and say of each variant whether it is valid, invalid or unknown."""
    from harness.reports.progress import Progress
    from harness.side_by_side import results as results_of
    from harness.where import where

    place = where(platform, endpoint, account, profile, region)
    jobs = _jobs(scenarios, where=place, **choice)
    click.echo(f"platform: {place}", err=True)
    if place.platform == AWS:
        _tell_created(jobs)
    accepted = [job for job in jobs if not job.refused]
    results: dict[int, RunResult] = {}
    with Progress(len(accepted)) as progress:
        for order, result in results_of(accepted, runs, processes or place.side_by_side):
            results[order] = result
            met = "as expected" if result.expectation_met else "NOT AS EXPECTED"
            name = f"{result.scenario} / {result.variant}"
            progress.end(f"{name}   seed {result.seed}   {result.verdict.verdict}, {met}")
    code = _report([results[order] for order in sorted(results)], json_to)
    _tell_refused(jobs)
    return code


@main.command()
@click.argument("folders", nargs=-1, required=True, metavar="RUN...", type=click.Path(path_type=Path))
@_JSON
def check(folders: Sequence[Path], json_to: str | None) -> int:
    """Judge stored runs again, from their histories, without running anything."""
    from harness.runner import check as check_run

    return _report([check_run(folder) for folder in folders], json_to)


@main.command()
@_SCENARIOS
@_SET
def lint(scenarios: Sequence[Path], settings: Sequence[str]) -> int:
    """Say everything that is wrong with scenarios, and run nothing."""
    variants = {(job.scenario.scenario, job.variant.name) for job in _jobs(scenarios, settings=settings)}
    click.echo(f"no problems in {len(scenarios)} scenario file(s) with {len(variants)} variant(s)")
    return ExitCode.MET


@main.command(name="list")
@click.argument("scenarios", nargs=-1, type=click.Path(path_type=Path))
def list_scenarios(scenarios: Sequence[Path]) -> int:
    """List scenarios, with their questions and variants; those in scenarios/ unless files are named."""
    variants: dict[tuple[str, str], list[str]] = {}
    for job in _jobs(scenarios or sorted(Path("scenarios").glob("*.yaml"))):
        names = variants.setdefault((job.scenario.scenario, job.scenario.question), [])
        names += [job.variant.name] if job.variant.name not in names else []
    for (scenario, question), names in variants.items():
        click.echo(f"{scenario}: {question}\n    {', '.join(names)}")
    return ExitCode.MET


@main.command()
def schema() -> int:
    """Print the JSON Schema of a scenario file."""
    from harness.scenario_schema import json_schema

    click.echo(json.dumps(json_schema(), indent=2))
    return ExitCode.MET


def _tell_created(jobs: Sequence[Job]) -> None:
    """What will be in the user's account for a while."""
    from harness.platforms.deployed.run_stack import names

    for job in jobs:
        if not job.refused:
            click.echo(f"{job.scenario.scenario} / {job.variant.name} creates, tags and deletes again:", err=True)
            click.echo("".join(f"  {name}\n" for name in names(job.stack)), err=True, nl=False)


def _tell_refused(jobs: Sequence[Job]) -> None:
    """What was not run, each variant once, and why the scenario says that it is so."""
    refused: dict[tuple[str, str, str], list[str]] = {}
    for job in jobs:
        if job.refused and job.difference:
            names = refused.setdefault((job.where.platform, job.scenario.scenario, job.difference.why), [])
            names += [job.variant.name] if job.variant.name not in names else []
    for (platform, scenario, why), names in refused.items():
        click.echo(f"not run on {platform}: {scenario} / {', '.join(names)}: {why}", err=True)


def _jobs(
    scenarios: Sequence[Path],
    settings: Sequence[str] = (),
    seed: int | None = None,
    seeds: str | None = None,
    variants: Sequence[str] = (),
    where: Where | None = None,
) -> list[Job]:
    from harness.jobs import jobs_of
    from harness.where import IN_THIS_PROCESS

    if seed is not None and seeds is not None:
        raise UserError("--seed and --seeds: give one of them")
    wrong = [setting for setting in settings if "=" not in setting]
    if wrong:
        raise UserError(Problem(f"--set {setting}: expected PATH=VALUE, as in workload.intents=5") for setting in wrong)
    given = dict(setting.split("=", 1) for setting in settings)
    chosen = seeds if seed is None else seed
    return jobs_of(scenarios, given, seeds=chosen, variants=variants, where=where or IN_THIS_PROCESS)


def _report(results: Sequence[RunResult], json_to: str | None) -> int:
    from harness.reports import text as text_report
    from harness.store import read_history

    def history_of(result: RunResult) -> list[Operation]:
        return read_history(Path(result.run_folder))

    if json_to != "-":
        click.echo(text_report.render(results, history_of), nl=False)
    if json_to:
        with click.open_file(json_to, "w", encoding="utf-8") as file:
            file.write(to_json(results))
    return exit_code(results)


for command in (init, matrix, *localstack.COMMANDS, *workflow.COMMANDS):
    main.add_command(command)
