"""`python -m harness init`: a scenario to begin with."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("folder", default=".", type=click.Path(path_type=Path, file_okay=False))
def init(folder: Path) -> int:
    """Write a scenario for the template in FOLDER; where there is none, a small pipeline with it."""
    from harness.starter import ITEMS, SCENARIO, starter

    files = starter(folder)
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
    return 0
