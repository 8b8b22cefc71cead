"""Kinesis Mock, the server that LocalStack has for Kinesis."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from npm_server import LAUNCHER, fetched, free_port, program, started

from harness.localstack.install import KINESIS_MOCK


@contextmanager
def running() -> Iterator[str]:
    """The endpoint of a server on a free port; it ends with the block. Raises Missing."""
    node = program("node", "Kinesis Mock needs it")
    folder = fetched(KINESIS_MOCK)
    command = [sys.executable, str(LAUNCHER), "kinesis_mock", str(os.getpid()), node, "main.js"]

    def variables(port: int) -> dict[str, str]:
        return {
            "KINESIS_MOCK_PLAIN_PORT": str(port),
            "KINESIS_MOCK_TLS_PORT": str(free_port()),
            "KINESIS_MOCK_CERT_PATH": str(folder / "server.json"),
            "CREATE_STREAM_DURATION": "0ms",
            "AWS_ACCOUNT_ID": "123456789012",
        }

    yield from started(lambda port: command, folder, variables)
