"""`python -m harness init|lint|list|schema`: to write a scenario, and to see what is wrong with it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from harness.cli.options import overrides, scenarios_argument, set_option
from harness.errors import one_line
from harness.reports import ExitCode
from harness.scenario import SCHEMA_FILE


@click.command()
@click.argument("folder", default=".", type=click.Path(path_type=Path, file_okay=False))
def init(folder: Path) -> int:
    """Write a scenario for the template in FOLDER, or a small pipeline with one.

    \b
    Example: python -m harness init my-pipeline
    """
    from harness.workflow.init import ITEMS, SCENARIO, init_files  # jinja2: not for linting

    files = init_files(folder)
    for file, text in files.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        click.echo(f"wrote {file}")
    scenario = folder / SCENARIO
    click.echo("\nNext:")
    if folder / ITEMS in files:
        click.echo(
            f"  say in {scenario}, under `sinks`, where effects land, and where a row says which intent it is of"
        )
        click.echo(f"  give the items in {folder / ITEMS} the attributes that your function reads")
        click.echo(f"  python -m harness lint {scenario}")
    click.echo(f"  python -m harness run {scenario}")
    return ExitCode.MET


@click.command()
@scenarios_argument
@set_option
def lint(scenarios: Sequence[Path], settings: Sequence[str]) -> int:
    """Say everything that is wrong with scenarios, and run nothing.

    \b
    Example: python -m harness lint scenarios/*.yaml
    """
    from harness.jobs import jobs_of

    jobs = jobs_of(scenarios, overrides(settings), seeds=0)  # what is wrong with a variant does not depend on its seed
    variants = {(job.scenario.scenario, job.variant.name) for job in jobs}
    click.echo(f"no problems in {len(scenarios)} scenario file(s) with {len(variants)} variant(s)")
    return ExitCode.MET


@click.command(name="list")
@click.argument("scenarios", nargs=-1, type=click.Path(path_type=Path))
def list_scenarios(scenarios: Sequence[Path]) -> int:
    """List scenarios, with their questions and variants.

    Those in scenarios/ are listed unless files are named.

    \b
    Example: python -m harness list
    """
    from harness.jobs import jobs_of

    variants: dict[tuple[str, str], list[str]] = {}
    for job in jobs_of(scenarios or sorted(Path("scenarios").glob("*.yaml")), seeds=0):
        names = variants.setdefault((job.scenario.scenario, job.scenario.question), [])
        names += [job.variant.name] if job.variant.name not in names else []
    for (scenario, question), names in variants.items():
        click.echo(f"{scenario}: {one_line(question.strip())}\n    {one_line(', '.join(names))}")
    if not variants:
        click.echo("no scenario is in scenarios/: name its file", err=True)
    return ExitCode.MET


@click.command()
def schema() -> int:
    """Print the JSON Schema of a scenario file.

    \b
    Example: python -m harness schema > scenario.schema.json
    """
    click.echo(SCHEMA_FILE.read_text("utf-8"), nl=False)
    return ExitCode.MET
