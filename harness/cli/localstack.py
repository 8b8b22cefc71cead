"""`python -m harness up|down|status|doctor`: LocalStack on this machine, and what else it has."""

from __future__ import annotations

import platform
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from textwrap import TextWrapper
from typing import Any

import click
from rich.console import Console

from harness import __version__
from harness.cli.options import target_options
from harness.errors import UserError
from harness.jobs import jobs_of
from harness.localstack import PORT, RUNTIMES, Running, Say, ours
from harness.localstack.compose import compose_command, engine
from harness.localstack.health import emulator_at, local
from harness.localstack.install import find_java_home, find_python
from harness.platforms import AWS, LOCALSTACK
from harness.platforms.deployed.cloudformation import Leftovers
from harness.platforms.target import EMBEDDED_TARGET, Target, choose_target
from harness.reports.progress import terminal_width

NOTHING = "no LocalStack runs that harness started"
_RUNTIME = click.Choice(sorted(RUNTIMES))
_SOME_PORT = click.IntRange(1, 65535)
AWS_EMULATOR_PORT = 9297  # where AWS's own emulator listens
_WIDTH = 22  # of the names that `doctor` prints
COLUMNS = 80  # of its lines, where there is no terminal


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


@click.command()
@click.argument("scenarios", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
def doctor(scenarios: Sequence[Path]) -> int:
    """Say what this machine has, what answers where, and which SCENARIOS it could play.

    \b
    Example: python -m harness doctor scenarios/crash.yaml
    """
    mine = ours()
    column = TextWrapper(break_long_words=False, break_on_hyphens=False, subsequent_indent=" " * (_WIDTH + 1))
    column.width = terminal_width() or COLUMNS
    for name, what in (*_programs(), *_answering(mine), *_playable(scenarios, mine)):
        click.echo(column.fill(f"{name:<{_WIDTH}} {what}"))
    return 0


def _programs() -> Iterator[tuple[str, str]]:
    yield "harness", f"{__version__} on Python {platform.python_version()}, {platform.system()} {platform.machine()}"
    yield "embedded platform", "always there"
    try:
        yield "Python for `up`", str(find_python())
    except UserError:
        yield "Python for `up`", "none of 3.13 or newer: `harness up --runtime host` needs one"
    yield "Java", str(find_java_home() or "none of 17 or newer: `harness up --runtime host` gets one from PyPI")
    try:
        with engine() as client:
            yield "Docker", f"engine {client.version()['Version']}"
        yield "Compose", " ".join(compose_command())
    except UserError as error:
        yield "Docker", str(error).splitlines()[0]


def _answering(mine: Sequence[Running]) -> Iterator[tuple[str, str]]:
    for running in mine:
        yield f"port {running.port}", f"{running}, started by harness"
    if not any(running.port == PORT for running in mine):
        other = emulator_at(local(PORT))
        left_alone = f"{other}, which harness did not start: it is left alone unless --endpoint names it"
        yield f"port {PORT}", left_alone if other else "no emulator of AWS answers"
    with suppress(OSError), socket.create_connection(("127.0.0.1", AWS_EMULATOR_PORT), timeout=1):
        yield f"port {AWS_EMULATOR_PORT}", "something listens, as AWS's own emulator does: runs do not use it"


def _playable(scenarios: Sequence[Path], mine: Sequence[Running]) -> Iterator[tuple[str, str]]:
    """For each file and platform, how many variants it could play, or the first reason why it could not."""
    endpoint = next((running.endpoint for running in mine), local(PORT))
    for scenario in scenarios:
        for target in (EMBEDDED_TARGET, Target(LOCALSTACK, endpoint)):
            try:
                jobs = jobs_of([scenario], seeds=0, target=target)
            except UserError as error:
                yield scenario.name, f"{target.platform}: {str(error).splitlines()[0]}"
                continue
            playable = sum(not job.refused for job in jobs)
            yield scenario.name, f"{target.platform}: {playable} of {len(jobs)} variants"
