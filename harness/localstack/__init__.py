"""LocalStack on this machine: with Docker Compose, or natively from PyPI and npm.

`base` is the contract and the settings, `compose` and `native` are the two ways; `install` fetches what the native one
needs, and `executor` is the plugin that runs functions there as child processes.
"""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from harness.errors import UserError
from harness.lazy_table import LazyTable

if TYPE_CHECKING:
    from harness.localstack.base import Running, Runtime

LOOPBACK = ("127.0.0.1", "localhost", "localhost.localstack.cloud")
RUNTIMES: LazyTable[type[Runtime]] = LazyTable(
    {"compose": "harness.localstack.compose:Compose", "host": "harness.localstack.native:NativeLocalStack"}
)


def ours() -> list[Running]:
    """What `harness up` or its Compose file started and answers, the one on the usual port first.

    Docker is asked only where something listens on the port that its container would have.
    """
    from harness.localstack.base import PORT

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
