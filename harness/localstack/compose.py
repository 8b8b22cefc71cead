"""LocalStack in a container, by the top-level docker-compose.yml and the Docker engine's API."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from harness.errors import UserError
from harness.localstack import IMAGE, PORT, Running, Say
from harness.localstack.health import (
    docker_explained,
    engine_explained,
    exit_explained,
    health,
    holder_of,
    local,
    wait_until_dynamodb_answers,
    wait_until_healthy,
)

CONTAINER = "harness-localstack"
FUNCTIONS = f"{CONTAINER}-lambda-"  # how LocalStack's names for the containers of functions begin
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


def find_container() -> Container | None:
    """The container; None where it does not exist, and where no engine runs."""
    with suppress(NoEngine), engine() as client:
        for each in _named(client, CONTAINER):
            state, bound = each.attrs["State"], (each.attrs["HostConfig"]["PortBindings"] or {}).get(INNER_PORT)
            return Container(state["Status"], state["ExitCode"], int(bound[0]["HostPort"]) if bound else PORT)
    return None


def container_log() -> str:
    """The end of what it printed."""
    with engine() as client:
        return "".join(each.logs(tail=LOG_LINES).decode(errors="replace") for each in _named(client, CONTAINER))


def kill_container() -> None:
    """SIGKILL to all its processes."""
    with engine() as client:
        client.containers.get(CONTAINER).kill()


def start_container() -> None:
    """After its end; it is the same container, with the files that it had written."""
    with engine() as client:
        client.containers.get(CONTAINER).start()


def pause_container() -> None:
    """Freeze all its processes until `resume`."""
    with engine() as client:
        client.containers.get(CONTAINER).pause()


def resume_container() -> None:
    """Undo `pause`; without one this does nothing."""
    with engine() as client:
        container = client.containers.get(CONTAINER)
        if container.status == "paused":
            container.unpause()


def kill_functions(name: str) -> int:
    """SIGKILL to the containers of a function, by LocalStack's name for it; returns how many there were."""
    with engine() as client:
        containers = client.containers.list(filters={"name": f"{FUNCTIONS}{name.lower()}-"})
        for each in containers:
            each.kill()
        return len(containers)


def remove_containers() -> None:
    """Remove it, and the containers of functions that a killed LocalStack leaves."""
    with engine() as client:
        functions = client.containers.list(all=True, filters={"name": FUNCTIONS}, ignore_removed=True)
        for each in (*functions, *_named(client, CONTAINER)):
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


PROJECT = "harness"
# Beside this file in an installed package, at the top of the repository otherwise.
FILES = (Path(__file__).with_name("docker-compose.yml"), Path(__file__).parents[2] / "docker-compose.yml")
START_SECONDS = 1800  # a start may fetch the image
GONE = f"the container {CONTAINER} is gone"
NO_DOCKER = "Docker is not installed: install it, or use `python -m harness up --runtime host`, which needs none"
NO_COMPOSE = (
    "Docker is here, but neither `docker compose` nor `docker-compose`: install the Compose plugin, or use "
    "`python -m harness up --runtime host`"
)


class Compose:
    """One container on this machine, with the containers that LocalStack starts for functions."""

    name: ClassVar[str] = "compose"

    def up(self, port: int, say: Say) -> Running:
        command = compose_command()
        state = find_container()
        running = _running(state)
        if running and running.healthy and running.port == port:
            return running
        if state and state.status == "paused":
            resume_container()  # Compose takes a paused container for a running one
        image = os.environ.get("LOCALSTACK_IMAGE") or IMAGE
        say(f"starting {image} with Docker Compose (the first time fetches it)")
        done = _compose(command, "up", "--detach", port=port, seconds=START_SECONDS)
        if done.returncode:
            problem = docker_explained(done.stderr + done.stdout, image, holder_of(port))
            if state is None:  # what ran before is not ours to end
                _compose(command, "down", "--volumes", port=port, seconds=ASK_SECONDS)
            raise UserError(problem)
        return _when_ready(port, say)

    def down(self, port: int | None, say: Say) -> list[str]:
        state = find_container()
        if state is None or port not in (None, state.port):
            return []
        say("ending LocalStack's containers")
        _compose(compose_command(), "down", "--volumes", "--timeout", "5", port=state.port, seconds=ASK_SECONDS)
        remove_containers()
        return [f"compose: container {CONTAINER}"]

    def status(self) -> list[Running]:
        running = _running(find_container())
        return [running] if running else []

    def kill(self, port: int) -> None:
        """End it as a crash does: at once, with all that it holds in memory."""
        _require(port)
        kill_container()

    def start(self, port: int, say: Say) -> Running:
        """Start it again after its end, and wait as `up` does."""
        _require(port)
        start_container()
        return _when_ready(port, say)

    def pause(self, port: int) -> None:
        """Freeze it: it keeps what it holds, and answers no request until `resume`."""
        _require(port)
        pause_container()

    def resume(self, port: int) -> None:
        """Undo `pause`; without one this does nothing."""
        _require(port)
        resume_container()

    def kill_function(self, port: int, name: str) -> int:
        """With the Docker socket LocalStack gives each execution environment a container; else they are in its own."""
        _require(port)
        return kill_functions(name)


def compose_command() -> list[str]:
    """`docker compose`, else `docker-compose`. Raises UserError when there is neither."""
    if _has_compose_plugin():
        return ["docker", "compose"]
    if shutil.which("docker-compose"):
        return ["docker-compose"]
    raise UserError(NO_COMPOSE if shutil.which("docker") else NO_DOCKER)


def _has_compose_plugin() -> bool:
    if shutil.which("docker") is None:
        return False
    version = subprocess.run(["docker", "compose", "version"], capture_output=True, timeout=ASK_SECONDS)
    return version.returncode == 0


def _compose(command: list[str], *words: str, port: int, seconds: float) -> subprocess.CompletedProcess[str]:
    file = next((path for path in FILES if path.exists()), FILES[-1])
    try:
        return subprocess.run(
            [*command, "--project-name", PROJECT, "--file", str(file), *words],
            env={**os.environ, "LOCALSTACK_PORT": str(port)},
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=seconds,
        )
    except subprocess.TimeoutExpired as error:
        raise UserError(f"`{' '.join(command)} {words[0]}` did not end in {seconds} s") from error


def _require(port: int) -> None:
    state = find_container()
    if state is None or state.port != port:
        raise UserError(f"no container of `python -m harness up` is published on port {port}")


def _when_ready(port: int, say: Say) -> Running:
    """Waits until LocalStack answers, and DynamoDB Local too."""
    wait_until_healthy(port, _ended, say)
    wait_until_dynamodb_answers(port, say)
    running = _running(find_container())
    if running is None:
        raise UserError(GONE)
    return running


def _running(state: Container | None) -> Running | None:
    if state is None:
        return None
    answer = health(local(state.port)) if state.status == "running" else None
    version, services = (answer.version, answer.services) if answer else ("", ())
    return Running(Compose.name, f"container {CONTAINER}", state.port, version, services, healthy=answer is not None)


def _ended() -> str | None:
    state = find_container()
    if state is None:
        return GONE
    return exit_explained(state.exit_code, container_log()) if state.status in ("exited", "dead") else None
