"""Asks for LocalStack's health, waits until it is healthy, and explains in a sentence why it or Docker failed."""

from __future__ import annotations

import http.client
import json
import signal
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psutil

from harness.errors import UserError
from harness.localstack import IMAGE, NO_TOKEN, Say
from harness.waiting import until

ASK_SECONDS = 5
READY_SECONDS = 120
# Requests to 127.0.0.1 use no proxy, whatever is configured.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True, slots=True)
class Health:
    """What /_localstack/health says: the version, and the services that are not disabled."""

    version: str
    services: tuple[str, ...]


def local(port: int) -> str:
    return f"http://127.0.0.1:{port}"


def health(endpoint: str) -> Health | None:
    """LocalStack's health report; None when nothing gives one at the endpoint. Other emulators give one too."""
    report = _report(endpoint, "localstack")
    try:
        services = sorted(name for name, state in report["services"].items() if state != "disabled")
        return Health(str(report["version"]), tuple(services))
    except (KeyError, AttributeError, TypeError):
        return None


LOCALSTACK = "LocalStack"
# They answer LocalStack's health path; each has one of its own besides, by which it is told apart.
OTHERS = {"ministack": "MiniStack", "floci": "Floci", "robotocore": "robotocore"}
_EDITIONS = {"light": "MiniStack"}


@dataclass(frozen=True, slots=True)
class Emulator:
    """What imitates AWS at an endpoint."""

    name: str
    version: str

    def __str__(self) -> str:
        return f"{self.name} {self.version}".strip()


def emulator_at(endpoint: str) -> Emulator | None:
    """Who answers LocalStack's health path at the endpoint; None when nobody does."""
    report = _report(endpoint, "localstack")
    if not isinstance(report, dict) or "services" not in report:
        return None
    version = str(report.get("version", ""))
    for path, name in OTHERS.items():
        own = _report(endpoint, path)
        if isinstance(own, dict):
            return Emulator(name, str(own.get("version", version)))
    return Emulator(_EDITIONS.get(str(report.get("edition")), LOCALSTACK), version)


def _report(endpoint: str, of: str) -> Any:
    """A health report, whatever JSON it is; None where there is none."""
    try:
        with _OPENER.open(f"{endpoint.rstrip('/')}/_{of}/health", timeout=ASK_SECONDS) as answer:
            return json.load(answer)
    except (OSError, ValueError, http.client.HTTPException):
        return None


def wait_until_healthy(port: int, ended: Callable[[], str | None], say: Say) -> Health:
    """Polls for at most READY_SECONDS. `ended` says why LocalStack has ended, if it has. Raises UserError."""
    say(f"waiting for LocalStack at 127.0.0.1:{port}")
    answer = until(lambda: health(local(port)) or ended(), READY_SECONDS)
    if isinstance(answer, Health):
        return answer
    raise UserError(answer or f"LocalStack did not answer at 127.0.0.1:{port} in {READY_SECONDS} s")


def wait_until_dynamodb_answers(port: int, say: Say) -> None:
    """The first request waits until DynamoDB Local has started; reporting its failure now is better than in a run."""
    say("waiting for DynamoDB Local")
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/",
        data=b"{}",
        headers={
            "Content-Type": "application/x-amz-json-1.0",
            "X-Amz-Target": "DynamoDB_20120810.ListTables",
            "Authorization": "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/dynamodb/aws4_request, "
            "SignedHeaders=host, Signature=0",
        },
    )
    try:
        with _OPENER.open(request, timeout=READY_SECONDS) as answer:
            answer.read()
    except OSError as error:
        raise UserError(f"LocalStack is up, but DynamoDB Local did not start: {error}") from error


LOG_LINES = 12
# Parts of Docker's messages, in lower case, and what they mean. The first match counts.
DOCKER_SAYS = (
    (("read timed out",), "the Docker engine does not answer: start it again"),
    (("no such container",), "LocalStack's container is gone: start it with `python -m harness up`"),
    (
        ("permission denied",),
        "this user may not talk to the Docker engine: add it to the group docker, or run as root",
    ),
    (
        (
            "cannot connect to the docker daemon",
            "couldn't connect to docker daemon",
            "connection aborted",
            "error while fetching server api version",
        ),
        "no Docker engine is running: start Docker, or use `python -m harness up --runtime host`, which needs none",
    ),
    (
        ("port is already allocated", "address already in use", "ports are not available"),
        "the port is taken by {holder}: stop that, or choose another with --port",
    ),
    (
        ("manifest unknown", "not found: manifest", "pull access denied", "no such image", "repository does not exist"),
        "the image {image} does not exist: correct LOCALSTACK_IMAGE, or leave it unset for " + IMAGE,
    ),
    (
        ("no such host", "i/o timeout", "connection refused", "failed to resolve", "tls handshake timeout", "net/http"),
        "the registry of {image} cannot be reached: set LOCALSTACK_IMAGE to an image that is here, or use "
        "`python -m harness up --runtime host`",
    ),
    (("no space left",), "no space is left on the disk for the image {image}"),
)


def exit_explained(code: int | None, log: str) -> str:
    """Why LocalStack ended: exit code (negative: signal; None: unknown) and its log, whose last lines are shown."""
    shown = _last_lines(log)
    return _reason(code, log) + (f". The last lines of its log:{shown}" if shown else ", and logged nothing")


def _reason(code: int | None, log: str) -> str:
    if code == NO_TOKEN:
        return (
            f"LocalStack ended with exit code {NO_TOKEN}: versions after 4.14 need an account token. Use {IMAGE}, "
            "or set LOCALSTACK_AUTH_TOKEN"
        )
    if "Address already in use" in log:
        return "LocalStack ended because its port was taken while it started"
    if code is None:
        return "LocalStack ended"
    if code < 0:
        return f"LocalStack was ended by signal {-code} ({signal.strsignal(-code)})"
    return f"LocalStack ended with exit code {code}"


def docker_explained(output: str, image: str, holder: str) -> str:
    """What Docker Compose's complaint means; its own last lines where no meaning is known."""
    return (
        _meaning(output, image, holder) or f"Docker Compose could not start LocalStack. It says:{_last_lines(output)}"
    )


def engine_explained(message: str) -> str:
    """What the Docker engine's complaint means, or the complaint."""
    return _meaning(message, IMAGE, "another process") or f"the Docker engine says:{_last_lines(message)}"


def _meaning(output: str, image: str, holder: str) -> str:
    lower = output.lower()
    meanings = (meaning for signs, meaning in DOCKER_SAYS if any(sign in lower for sign in signs))
    return next(meanings, "").format(image=image, holder=holder)


def _last_lines(text: str) -> str:
    return "".join(f"\n  {line}" for line in text.strip().splitlines()[-LOG_LINES:])


def holder_of(port: int) -> str:
    """Who listens on a port: `process 12 (nginx -g …)`, or "another process" where that can't be seen."""
    try:
        for connection in psutil.net_connections("tcp"):
            if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port and connection.pid:
                command = " ".join(psutil.Process(connection.pid).cmdline())
                return f"process {connection.pid} ({command[:80]})"
    except psutil.Error:
        return "another process"
    return "a process of another user"
