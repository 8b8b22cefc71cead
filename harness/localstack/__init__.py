"""Ways to run LocalStack here."""

from urllib.parse import urlsplit

from harness.localstack.base import Runtime
from harness.localstack.compose import Compose
from harness.localstack.native import NativeLocalStack

LOOPBACK = ("127.0.0.1", "localhost", "localhost.localstack.cloud")
RUNTIMES: dict[str, type[Runtime]] = {"compose": Compose, "host": NativeLocalStack}


def runtime_at(endpoint: str | None) -> tuple[Runtime, int] | None:
    """Who started the LocalStack at an endpoint of this machine, and its port; None where `harness up` did not."""
    found = urlsplit(endpoint or "")
    if found.hostname not in LOOPBACK:
        return None
    for runtime in (runtime_class() for runtime_class in RUNTIMES.values()):
        if any(running.port == found.port for running in runtime.status()):
            return runtime, found.port or 0
    return None
