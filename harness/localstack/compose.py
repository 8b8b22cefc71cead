"""LocalStack in a container, by the top-level docker-compose.yml."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import ClassVar

from harness.errors import UserError
from harness.localstack import container
from harness.localstack.base import IMAGE, Running, Say
from harness.localstack.container import ASK_SECONDS, Container
from harness.localstack.health import (
    docker_explained,
    exit_explained,
    health,
    local,
    wait_until_dynamodb_answers,
    wait_until_healthy,
)
from harness.localstack.os_process import holder_of

PROJECT = "harness"
# Beside this file in an installed package, at the top of the repository otherwise.
FILES = (Path(__file__).with_name("docker-compose.yml"), Path(__file__).parents[2] / "docker-compose.yml")
START_SECONDS = 1800  # a start may fetch the image
GONE = f"the container {container.NAME} is gone"
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
        state = container.find()
        running = _running(state)
        if running and running.healthy and running.port == port:
            return running
        if state and state.status == "paused":
            container.resume()  # Compose takes a paused container for a running one
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
        state = container.find()
        if state is None or port not in (None, state.port):
            return []
        say("ending LocalStack's containers")
        _compose(compose_command(), "down", "--volumes", "--timeout", "5", port=state.port, seconds=ASK_SECONDS)
        container.remove()
        return [f"compose: container {container.NAME}"]

    def status(self) -> list[Running]:
        running = _running(container.find())
        return [running] if running else []

    def kill(self, port: int) -> None:
        """End it as a crash does: at once, with all that it holds in memory."""
        _require(port)
        container.kill()

    def start(self, port: int, say: Say) -> Running:
        """Start it again after its end, and wait as `up` does."""
        _require(port)
        container.start()
        return _when_ready(port, say)

    def pause(self, port: int) -> None:
        """Freeze it: it keeps what it holds, and answers no request until `resume`."""
        _require(port)
        container.pause()

    def resume(self, port: int) -> None:
        """Undo `pause`; without one this does nothing."""
        _require(port)
        container.resume()

    def kill_function(self, port: int, name: str) -> int:
        """With the Docker socket LocalStack gives each execution environment a container; else they are in its own."""
        _require(port)
        return container.kill_functions(name)


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
    state = container.find()
    if state is None or state.port != port:
        raise UserError(f"no container of `python -m harness up` is published on port {port}")


def _when_ready(port: int, say: Say) -> Running:
    """Waits until LocalStack answers, and DynamoDB Local too."""
    wait_until_healthy(port, _ended, say)
    wait_until_dynamodb_answers(port, say)
    running = _running(container.find())
    if running is None:
        raise UserError(GONE)
    return running


def _running(state: Container | None) -> Running | None:
    if state is None:
        return None
    answer = health(local(state.port)) if state.status == "running" else None
    version, services = (answer.version, answer.services) if answer else ("", ())
    return Running(
        Compose.name, f"container {container.NAME}", state.port, version, services, healthy=answer is not None
    )


def _ended() -> str | None:
    state = container.find()
    if state is None:
        return GONE
    return exit_explained(state.exit_code, container.log()) if state.status in ("exited", "dead") else None
