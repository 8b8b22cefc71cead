"""`python -m harness doctor`: what this machine has, what answers where, and which scenarios it could play."""

from __future__ import annotations

import platform
import socket
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import click

from harness import __version__
from harness.errors import UserError
from harness.jobs import jobs_of
from harness.localstack import ours
from harness.localstack.base import PORT, Running
from harness.localstack.compose import compose_command
from harness.localstack.container import engine
from harness.localstack.health import emulator_at, local
from harness.localstack.interpreters import find_java_home, find_python
from harness.platforms import LOCALSTACK
from harness.platforms.target import EMBEDDED_TARGET, Target

AWS_EMULATOR_PORT = 9297  # where AWS's own emulator listens
_WIDTH = 22


@click.command()
@click.argument("scenarios", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
def doctor(scenarios: Sequence[Path]) -> int:
    """Say what this machine has, what answers where, and which SCENARIOS it could play.

    \b
    Example: python -m harness doctor scenarios/crash.yaml
    """
    mine = ours()
    for name, what in (*_programs(), *_answering(mine), *_playable(scenarios, mine)):
        click.echo(f"{name:<{_WIDTH}} {what}")
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
