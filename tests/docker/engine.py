"""A Docker engine for the tests: the one that answers here, else one of their own while they last.

Their own listens on a Unix socket in its temporary folder, and sets no firewall rule and no setting of the kernel. It
lives in a mount namespace of its own, so its mounts end with its last process. One of them is the memory where it keeps
images and containers: tens of thousands of files are written and removed there in no time.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import docker

from harness.errors import UserError
from harness.localstack import compose
from harness.localstack.compose import compose_command

# The socket's path may have 107 characters at most, so it is not below pytest's own folders.
PREFIX = "harness-engine-"
# An engine whose test session was killed ends too.
START = 'mount -t tmpfs -o size=4g harness "$0" && exec setpriv --pdeathsig TERM dockerd --data-root "$0" "$@"'
PRIVATE = ["unshare", "--mount", "--propagation", "private", "sh", "-c", START]
NO_TRACES = ["--iptables=false", "--ip6tables=false", "--ip-forward=false", "--bridge=none"]
NO_TRACES += ["--exec-opt", "native.cgroupdriver=cgroupfs"]  # systemd would keep units of its own
CGROUPS = Path("/sys/fs/cgroup")
START_SECONDS, END_SECONDS, APT_SECONDS = 30, 30, 240
POLL_SECONDS = 0.1


class Missing(Exception):
    """What cannot be had on this machine, in a sentence."""


def answers() -> bool:
    try:
        with compose.engine() as client:
            return bool(client.ping())
    except UserError:
        return False


def require_programs(packages: dict[str, str]) -> None:
    """Programs and the Debian packages that bring them. Raises Missing."""
    lacking = sorted({package for program, package in packages.items() if shutil.which(program) is None})
    if not lacking:
        return
    names = ", ".join(lacking)
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise Missing(f"not installed here, and only root could install it with apt-get: {names}")
    for words in (["update", "-qq"], ["install", "-qq", "--no-install-recommends", *lacking]):
        done = subprocess.run(
            ["apt-get", *words, "--yes"],
            env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=APT_SECONDS,
        )
        if done.returncode:
            raise Missing(f"Debian's {names} cannot be had: {done.stdout.strip()[-500:]}")


def require_compose() -> None:
    """`docker compose` or `docker-compose`. Raises Missing."""
    try:
        compose_command()
    except UserError:
        require_programs({"docker-compose": "docker-compose"})


@contextmanager
def own_engine() -> Iterator[Path]:
    """Its socket. Everything of it is gone afterwards. Raises Missing."""
    if os.geteuid() != 0:
        raise Missing("no Docker engine runs here, and only root can start one")
    require_programs({"dockerd": "docker.io", "unshare": "util-linux", "setpriv": "util-linux"})
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    data, socket = folder / "data", folder / "socket"
    data.mkdir()
    places = ["--exec-root", folder / "exec", "--pidfile", folder / "pid", "--cgroup-parent", f"/{folder.name}"]
    command = [*PRIVATE, data, *places, "--host", f"unix://{socket}", *NO_TRACES]
    try:
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [str(word) for word in command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # an interrupt from the keyboard is for the tests alone
            )
        try:
            _wait(process, socket, folder / "log")
            yield socket
            _empty(socket)
        finally:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(END_SECONDS)
            _kill_left(folder)
            process.wait()
            for cgroup in (*CGROUPS.glob(folder.name), *CGROUPS.glob(f"*/{folder.name}")):
                cgroup.rmdir()
    finally:
        shutil.rmtree(folder)


def _wait(process: subprocess.Popen[bytes], socket: Path, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        if socket.exists():
            with suppress(docker.errors.DockerException), closing(_client(socket)) as client:
                client.ping()
                return
        time.sleep(POLL_SECONDS)
    last = log.read_text(errors="replace").strip()[-500:]
    raise Missing(f"a Docker engine can't be started here: {last}")


def _empty(socket: Path) -> None:
    """Networks would outlive the engine as network devices of this machine."""
    with closing(_client(socket)) as client:
        for one in client.containers.list(all=True):
            one.remove(force=True, v=True)
        client.networks.prune()


def _client(socket: Path) -> docker.DockerClient:
    return docker.DockerClient(base_url=f"unix://{socket}", timeout=END_SECONDS)


def _kill_left(folder: Path) -> None:
    """What names the folder, which nobody else knows, in its command line: the engine's containerd and its shims."""
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if os.fsencode(folder) in (entry / "cmdline").read_bytes():
                os.kill(int(entry.name), signal.SIGKILL)
