"""LocalStack on this machine: with Docker Compose, or natively from PyPI and npm.

`base` is the contract and the settings, `compose` and `native` are the two ways; `install` fetches what the native one
needs, and `executor` is the plugin that runs functions there as child processes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from harness.lazy_table import LazyTable

if TYPE_CHECKING:
    from harness.localstack.base import Runtime

LOOPBACK = ("127.0.0.1", "localhost", "localhost.localstack.cloud")
RUNTIMES: LazyTable[type[Runtime]] = LazyTable(
    {"compose": "harness.localstack.compose:Compose", "host": "harness.localstack.native:NativeLocalStack"}
)


def runtime_at(endpoint: str | None) -> tuple[Runtime, int] | None:
    """The runtime that started the LocalStack at an endpoint, and its port; None where `harness up` did not."""
    address = urlsplit(endpoint or "")
    if address.hostname not in LOOPBACK:
        return None
    for runtime in (runtime_class() for runtime_class in RUNTIMES.values()):
        if any(running.port == address.port for running in runtime.status()):
            return runtime, address.port or 0
    return None
