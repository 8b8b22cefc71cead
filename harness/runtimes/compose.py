"""LocalStack in a container, by the top-level docker-compose.yml."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any, ClassVar

from harness.errors import UserError
from harness.runtimes.base import Running, Say
from harness.runtimes.explain import docker_explained, exit_explained
from harness.runtimes.health import health, local, wait_until_dynamodb_answers, wait_until_healthy
from harness.runtimes.localstack import IMAGE, PORT
from harness.runtimes.os_process import holder_of

PROJECT = "harness"
CONTAINER = "harness-localstack"
# Beside this file in an installed package, at the top of the repository otherwise.
FILES = (Path(__file__).with_name("docker-compose.yml"), Path(__file__).parents[2] / "docker-compose.yml")
START_SECONDS, ASK_SECONDS = 1800, 60  # a start may fetch the image
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
        state = _container()
        running = _running(state)
        if running and running.healthy and running.port == port:
            return running
        image = os.environ.get("LOCALSTACK_IMAGE") or IMAGE
        say(f"starting {image} with Docker Compose (the first time fetches it)")
        done = _compose(command, "up", "--detach", port=port, seconds=START_SECONDS)
        if done.returncode:
            problem = docker_explained(done.stderr + done.stdout, image, holder_of(port))
            _compose(command, "down", "--volumes", port=port, seconds=ASK_SECONDS)
            raise UserError(problem)
        wait_until_healthy(port, _ended, say)
        wait_until_dynamodb_answers(port, say)
        running = _running(_container())
        if running is None:
            raise UserError(f"the container {CONTAINER} is gone")
        return running

    def down(self, port: int | None, say: Say) -> list[str]:
        state = _container()
        if state is None or port not in (None, _port(state)):
            return []
        say("ending LocalStack's containers")
        functions = _docker("ps", "--all", "--quiet", "--filter", f"name={CONTAINER}-lambda-").split()
        _compose(compose_command(), "down", "--volumes", "--timeout", "5", port=_port(state), seconds=ASK_SECONDS)
        # A LocalStack that was killed leaves the containers of its functions.
        functions += _docker("ps", "--all", "--quiet", "--filter", f"name={CONTAINER}-lambda-").split()
        for container in [*dict.fromkeys(functions), CONTAINER]:
            _docker("rm", "--force", "--volumes", container)
        return [f"compose: container {CONTAINER}"]

    def kill(self, port: int) -> None:
        _docker("kill", CONTAINER)

    def start(self, port: int, say: Say) -> Running:
        return self.up(port, say)

    def pause(self, port: int) -> None:
        _docker("pause", CONTAINER)

    def resume(self, port: int) -> None:
        _docker("unpause", CONTAINER)

    def kill_function(self, port: int, name: str) -> int:
        own = _docker("ps", "--quiet", "--filter", f"name={CONTAINER}-lambda-{name.lower()}").split()
        for container in own:
            _docker("kill", container)
        return len(own)

    def status(self) -> list[Running]:
        running = _running(_container())
        return [running] if running else []


def compose_command() -> list[str]:
    """`docker compose`, else `docker-compose`. Raises UserError when there is neither."""
    if _docker("compose", "version"):
        return ["docker", "compose"]
    if shutil.which("docker-compose"):
        return ["docker-compose"]
    raise UserError(NO_COMPOSE if shutil.which("docker") else NO_DOCKER)


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


def _docker(*words: str, stderr: int = subprocess.DEVNULL) -> str:
    """What it answers; nothing where there is no Docker, no engine or no such container."""
    if shutil.which("docker") is None:
        return ""
    try:
        done = subprocess.run(["docker", *words], stdout=subprocess.PIPE, stderr=stderr, text=True, timeout=ASK_SECONDS)
    except subprocess.TimeoutExpired as error:
        raise UserError(f"the Docker engine did not answer in {ASK_SECONDS} s: start it again") from error
    return done.stdout if done.returncode == 0 else ""


def _container() -> dict[str, Any] | None:
    told = _docker("container", "inspect", CONTAINER)
    found: list[dict[str, Any]] = json.loads(told) if told else []
    return found[0] if found else None


def _port(state: dict[str, Any]) -> int:
    bindings = state["HostConfig"]["PortBindings"].get("4566/tcp") or []
    return int(bindings[0]["HostPort"]) if bindings else PORT


def _running(state: dict[str, Any] | None) -> Running | None:
    if state is None:
        return None
    port = _port(state)
    well = health(local(port)) if state["State"]["Running"] else None
    version, services = (well.version, well.services) if well else ("", ())
    return Running(Compose.name, f"container {CONTAINER}", port, version, services, healthy=well is not None)


def _ended() -> str | None:
    state = _container()
    if state is None:
        return f"the container {CONTAINER} is gone"
    if state["State"]["Status"] not in ("exited", "dead"):
        return None
    return exit_explained(
        state["State"]["ExitCode"], _docker("logs", "--tail", "50", CONTAINER, stderr=subprocess.STDOUT)
    )
