"""One host runtime for all the tests of this folder, on a port and with a state of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pipeline import free_port

from harness.localstack import Running
from harness.localstack.native import NativeLocalStack


@pytest.fixture(scope="session")
def localstack() -> Iterator[Running]:
    """LocalStack 4.14.0 without Docker, up for the session."""
    host, port = NativeLocalStack(), free_port()
    try:
        yield host.up(port, print)
    finally:
        host.down(port, print)
