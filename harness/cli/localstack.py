"""`python -m harness up|down|status`: LocalStack on this machine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import click
from rich.console import Console

from harness.cli.options import target_options
from harness.localstack import RUNTIMES
from harness.localstack.base import PORT, Say
from harness.platforms import AWS, LOCALSTACK
from harness.platforms.deployed.leftovers import Leftovers
from harness.platforms.target import choose_target

NOTHING = "no LocalStack runs that harness started"
_RUNTIME = click.Choice(sorted(RUNTIMES))
_SOME_PORT = click.IntRange(1, 65535)


@click.command()
@click.option("--runtime", type=_RUNTIME, default="compose", show_default=True, help="With Docker Compose or without.")
@click.option("--port", type=_SOME_PORT, default=PORT, show_default=True, help="Its port on 127.0.0.1.")
def up(runtime: str, port: int) -> int:
    """Start LocalStack and wait until it answers.

    \b
    Example: python -m harness up --runtime host
    """
    with _progress() as say:
        running = RUNTIMES[runtime]().up(port, say)
    click.echo(str(running))
    return 0


@click.command()
@click.option("--port", type=_SOME_PORT, help="End the one on this port only.")
@click.option("--stacks", is_flag=True, help="Leave LocalStack running, and remove the stacks that runs left in it.")
@target_options([LOCALSTACK, AWS], "What --stacks looks in.", LOCALSTACK)
def down(port: int | None, stacks: bool, **options: str | None) -> int:
    """End what `up` started, even if it does not answer any more.

    \b
    Example: python -m harness down
    """
    if stacks:
        return _remove_stacks(options)
    with _progress() as say:
        ended = [line for runtime in RUNTIMES.values() for line in runtime().down(port, say)]
    click.echo("\n".join(f"ended {line}" for line in ended) or NOTHING)
    return 0


@click.command()
def status() -> int:
    """Say which LocalStack runs, and where.

    \b
    Example: python -m harness status
    """
    instances = [running for runtime in RUNTIMES.values() for running in runtime().status()]
    click.echo("\n".join(map(str, instances)) or NOTHING)
    return 0


def _remove_stacks(options: Mapping[str, Any]) -> int:
    target = choose_target(**options)
    leftovers = Leftovers(target)
    removable = leftovers.removable
    if target.platform == AWS and removable:
        click.echo(f"{target} has of runs that ended:\n" + "".join(f"  {each}\n" for each in removable), nl=False)
        if not click.confirm("Remove all of it?"):
            click.echo("nothing was removed")
            return 0
    for each in leftovers.remove(removable):
        click.echo(f"removed {each}")
    if not removable:
        click.echo(f"no run left anything at {target.endpoint or target}")
    for each in leftovers.going_on:
        click.echo(f"kept {each}: its run goes on (process {each.process})")
    for name in leftovers.kept_stacks:
        click.echo(f"kept stack {name}, which `harness deploy` made: `harness destroy --stack {name}` removes it")
    return 0


@contextmanager
def _progress() -> Iterator[Say]:
    """One line that changes on a terminal, a plain line for each step elsewhere; on standard error."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda doing: click.echo(doing, err=True)
        return
    with console.status("") as line:
        yield lambda doing: line.update(doing)
