"""The container that Docker Compose starts, seen and handled through the Docker engine's own API."""

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
    """Nobody answers where the engine should be."""


@dataclass(frozen=True, slots=True)
class Container:
    """How the container was when the engine was asked; `status` is Docker's word: running, paused, exited, …"""

    status: str
    exit_code: int
    port: int


def found() -> Container | None:
    """None where there is no such container, and where there is no engine."""
    with suppress(NoEngine), engine() as client:
        for one in _named(client, NAME):
            state, bound = one.attrs["State"], (one.attrs["HostConfig"]["PortBindings"] or {}).get(INNER_PORT)
            return Container(state["Status"], state["ExitCode"], int(bound[0]["HostPort"]) if bound else PORT)
    return None


def log() -> str:
    """The end of what it printed."""
    with engine() as client:
        return "".join(one.logs(tail=LOG_LINES).decode(errors="replace") for one in _named(client, NAME))


def kill() -> None:
    """SIGKILL to all its processes."""
    with engine() as client:
        client.containers.get(NAME).kill()


def start() -> None:
    """After its end; it is the same container, with the files that it had written."""
    with engine() as client:
        client.containers.get(NAME).start()


def pause() -> None:
    """All its processes stand still until `resume`."""
    with engine() as client:
        client.containers.get(NAME).pause()


def resume() -> None:
    """After `pause`; one that is not paused goes on as it did."""
    with engine() as client:
        one = client.containers.get(NAME)
        if one.status == "paused":
            one.unpause()


def kill_functions(name: str) -> int:
    """SIGKILL to the containers of a function, by LocalStack's name for it; says how many there were."""
    with engine() as client:
        own = client.containers.list(filters={"name": f"{FUNCTIONS}{name.lower()}-"})
        for one in own:
            one.kill()
        return len(own)


def remove() -> None:
    """It, and the containers of functions, which a LocalStack that was killed leaves."""
    with engine() as client:
        functions = client.containers.list(all=True, filters={"name": FUNCTIONS}, ignore_removed=True)
        for one in (*functions, *_named(client, NAME)):
            _remove(one)


@contextmanager
def engine() -> Iterator[Any]:
    """A client of the engine that Docker's own program would talk to. What goes wrong in the block is a UserError."""
    import docker  # takes 0.1 s, and most commands need none

    try:
        client = docker.from_env(timeout=ASK_SECONDS)
    except docker.errors.DockerException as error:
        kind = UserError if "timed out" in str(error) else NoEngine  # one that is stuck is there
        raise kind(engine_explained(str(error))) from error
    try:
        yield client
    except (docker.errors.DockerException, OSError) as error:  # what requests raises is an OSError
        raise UserError(engine_explained(getattr(error, "explanation", None) or str(error))) from error
    finally:
        client.close()


def _named(client: Any, name: str) -> Iterator[Any]:
    """One or none."""
    import docker

    with suppress(docker.errors.NotFound):
        yield client.containers.get(name)


def _remove(one: Any) -> None:
    import docker

    try:
        one.remove(force=True, v=True)
    except docker.errors.APIError as error:
        if error.status_code not in (404, 409):  # gone, or going
            raise
