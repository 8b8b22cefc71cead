"""The container that Docker Compose starts, through the Docker engine's API."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from harness.errors import UserError
from harness.localstack.base import PORT
from harness.localstack.health import engine_explained

NAME = "harness-localstack"
FUNCTIONS = f"{NAME}-lambda-"  # how LocalStack's names for the containers of functions begin
INNER_PORT = "4566/tcp"
ASK_SECONDS = 60
LOG_LINES = 50


class NoEngine(UserError):
    """No Docker engine answers."""


@dataclass(frozen=True, slots=True)
class Container:
    """How the container was when the engine was asked; `status` is Docker's word: running, paused, exited, …"""

    status: str
    exit_code: int
    port: int


def find() -> Container | None:
    """The container; None where it does not exist, and where no engine runs."""
    with suppress(NoEngine), engine() as client:
        for each in _named(client, NAME):
            state, bound = each.attrs["State"], (each.attrs["HostConfig"]["PortBindings"] or {}).get(INNER_PORT)
            return Container(state["Status"], state["ExitCode"], int(bound[0]["HostPort"]) if bound else PORT)
    return None


def log() -> str:
    """The end of what it printed."""
    with engine() as client:
        return "".join(each.logs(tail=LOG_LINES).decode(errors="replace") for each in _named(client, NAME))


def kill() -> None:
    """SIGKILL to all its processes."""
    with engine() as client:
        client.containers.get(NAME).kill()


def start() -> None:
    """After its end; it is the same container, with the files that it had written."""
    with engine() as client:
        client.containers.get(NAME).start()


def pause() -> None:
    """Freeze all its processes until `resume`."""
    with engine() as client:
        client.containers.get(NAME).pause()


def resume() -> None:
    """Undo `pause`; without one this does nothing."""
    with engine() as client:
        container = client.containers.get(NAME)
        if container.status == "paused":
            container.unpause()


def kill_functions(name: str) -> int:
    """SIGKILL to the containers of a function, by LocalStack's name for it; returns how many there were."""
    with engine() as client:
        containers = client.containers.list(filters={"name": f"{FUNCTIONS}{name.lower()}-"})
        for each in containers:
            each.kill()
        return len(containers)


def remove() -> None:
    """Remove it, and the containers of functions that a killed LocalStack leaves."""
    with engine() as client:
        functions = client.containers.list(all=True, filters={"name": FUNCTIONS}, ignore_removed=True)
        for each in (*functions, *_named(client, NAME)):
            _remove(each)


@contextmanager
def engine() -> Iterator[Any]:
    """A client of the engine that Docker's own program talks to. Errors in the block become a UserError."""
    import docker  # takes 0.1 s, and most commands need none

    try:
        client = docker.from_env(timeout=ASK_SECONDS)
    except docker.errors.DockerException as error:
        kind = UserError if "timed out" in str(error) else NoEngine  # an engine that times out exists
        raise kind(engine_explained(str(error))) from error
    try:
        yield client
    except (docker.errors.DockerException, OSError) as error:  # errors of requests are OSErrors
        raise UserError(engine_explained(getattr(error, "explanation", None) or str(error))) from error
    finally:
        client.close()


def _named(client: Any, name: str) -> Iterator[Any]:
    """The container of that name, if it exists."""
    import docker

    with suppress(docker.errors.NotFound):
        yield client.containers.get(name)


def _remove(container: Any) -> None:
    import docker

    try:
        container.remove(force=True, v=True)
    except docker.errors.APIError as error:
        if error.status_code not in (404, 409):  # it is removed, or is being removed
            raise
