"""LocalStack on this machine: with Docker Compose, or natively from PyPI and npm.

Here are the settings and the contract; `compose` and `native` are the two ways. `install` fetches what the native one
needs, and `executor` is the plugin that runs functions there as child processes.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import ClassVar, Protocol
from urllib.parse import urlsplit

from harness.errors import UserError
from harness.lazy_table import LazyTable

VERSION = "4.14.0"  # the last one that runs without an account token
IMAGE = f"localstack/localstack:{VERSION}"
PORT = 4566
SERVICES = "cloudformation,cloudwatch,dynamodb,dynamodbstreams,iam,kinesis,lambda,logs,s3,sns,sqs,ssm,sts"
SETTINGS = {
    "SERVICES": SERVICES,
    # Only this provider's stream records are those of DynamoDB Local; the other loses and doubles some (G-20...G-25).
    "PROVIDER_OVERRIDE_DYNAMODB": "v2",
    "DYNAMODB_IN_MEMORY": "1",
    "LAMBDA_EVENT_SOURCE_MAPPING_POLL_INTERVAL_SEC": "0.03",
    "LAMBDA_EVENT_SOURCE_MAPPING_MAX_BACKOFF_ON_EMPTY_POLL_SEC": "0.2",
    # CloudFormation asks so often whether a function is ready before it asks once a second only.
    "CFN_NO_WAIT_ITERATIONS": "100",
    # Otherwise each message that is received or looked for is a metric: a second request.
    "SQS_DISABLE_CLOUDWATCH_METRICS": "1",
    "DISABLE_EVENTS": "1",
    "KINESIS_LATENCY": "0",  # of making and deleting a stream, in milliseconds
}
NO_TOKEN = 55  # the exit code of later versions when LOCALSTACK_AUTH_TOKEN is missing


Say = Callable[[str], None]  # called with what is being done now, in a few words


@dataclass(frozen=True, slots=True)
class Running:
    """A LocalStack that a runtime started. `place` names its process or container."""

    runtime: str
    place: str
    port: int
    version: str
    services: tuple[str, ...] = ()
    healthy: bool = True

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __str__(self) -> str:
        if not self.healthy:
            return (
                f"{self.runtime}: {self.place} does not answer at {self.endpoint}; `python -m harness down` removes it"
            )
        services = ", ".join(self.services)
        return f"{self.runtime}: LocalStack {self.version} at {self.endpoint}, {self.place}, services {services}"


class Runtime(Protocol):
    """Every method raises UserError when this machine lacks something, and says what and how to get it."""

    name: ClassVar[str]

    def up(self, port: int, say: Say) -> Running:
        """Start LocalStack on 127.0.0.1 and wait until it answers; what already runs there is left alone."""

    def down(self, port: int | None, say: Say) -> list[str]:
        """End what `up` started, on that port or on all, in whatever state. Returns what was ended, in words."""

    def status(self) -> list[Running]:
        """What `up` started and `down` has not ended."""

    def kill(self, port: int) -> None:
        """End it at once, as a crash of its machine would; `start` starts it again."""

    def start(self, port: int, say: Say) -> Running:
        """Start what was killed, and wait until it answers."""

    def pause(self, port: int) -> None:
        """Freeze it, and all that it started."""

    def resume(self, port: int) -> None:
        """Undo `pause`; without one this does nothing."""

    def kill_function(self, port: int, name: str) -> int:
        """Kill the processes, or containers, of a function; returns how many there were."""


LOOPBACK = ("127.0.0.1", "localhost", "localhost.localstack.cloud")
RUNTIMES: LazyTable[type[Runtime]] = LazyTable(
    {"compose": "harness.localstack.compose:Compose", "host": "harness.localstack.native:NativeLocalStack"}
)


def ours() -> list[Running]:
    """What `harness up` or its Compose file started and answers, the one on the usual port first.

    Docker is asked only where something listens on the port that its container would have.
    """
    host, compose = RUNTIMES["host"](), RUNTIMES["compose"]()
    running = host.status()
    port = os.environ.get("LOCALSTACK_PORT", "")
    if any(_listens(each) for each in {PORT, int(port) if port.isdecimal() else PORT}):
        with suppress(UserError):  # an engine that does not answer has started nothing that does
            running += compose.status()
    return sorted((each for each in running if each.healthy), key=lambda each: (each.port != PORT, each.port))


def _listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def runtime_at(endpoint: str | None) -> tuple[Runtime, int] | None:
    """The runtime that started the LocalStack at an endpoint, and its port; None where `harness up` did not."""
    address = urlsplit(endpoint or "")
    if address.hostname not in LOOPBACK:
        return None
    for runtime in (runtime_class() for runtime_class in RUNTIMES.values()):
        if any(running.port == address.port for running in runtime.status()):
            return runtime, address.port or 0
    return None
