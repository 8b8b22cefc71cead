"""LocalStack without Docker: its own environment from PyPI and npm, functions as child processes (Linux)."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterable, Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, ClassVar

import psutil

from harness.errors import UserError
from harness.localstack import SETTINGS, Running, Say
from harness.localstack.health import (
    exit_explained,
    health,
    holder_of,
    local,
    wait_until_dynamodb_answers,
    wait_until_healthy,
)
from harness.localstack.install import Installation, alone, install, java_home
from harness.project import cache_folder
from harness.waiting import until_nothing

EXECUTOR = Path(__file__).with_name("executor")
COPIES = Path(__file__).parents[1] / "environment" / "copies.py"
PLUGIN = "harness_executor"
# Where LocalStack 4.14 would put what it downloads.
DYNAMODB_LOCAL, JAVA, KINESIS_MOCK = "dynamodb-local/2", "java/21", "kinesis-local/0.5.2"
LOOPBACK_HOOK = "stay_on_loopback"


def lay_out_libraries(root: Path, targets: Mapping[str, Path]) -> None:
    """Links where its own downloads would be, below the folder that it takes for the root of the file system."""
    libraries = root / "var" / "lib" / "localstack" / "lib"
    for path, target in targets.items():
        link = libraries / path
        link.parent.mkdir(parents=True)
        link.symlink_to(target)


def lay_out_plugin(folder: Path, *, on_loopback: bool = True) -> None:
    """The plugin as an installed package, for a folder on Python's path. In a container only 0.0.0.0 is reachable."""
    shutil.copytree(EXECUTOR, folder / PLUGIN, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(COPIES, folder / PLUGIN)
    package = folder / f"{PLUGIN}-1.dist-info"
    package.mkdir()
    (package / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {PLUGIN}\nVersion: 1\n")
    entry_points = (folder / PLUGIN / "entry_points.txt").rename(package / "entry_points.txt")
    if not on_loopback:
        lines = entry_points.read_text().splitlines(keepends=True)
        entry_points.write_text("".join(line for line in lines if not line.startswith(LOOPBACK_HOOK)))


def function_of(output: Path) -> str:
    """The function whose process writes there; "" where that is no execution environment's log."""
    kind, _, name = [*output.parent.name.split("-", 2), "", ""][:3]
    return name if kind == "environment" else ""


# They would mislead LocalStack's own clients and interpreter.
LEFT_OUT = ("AWS_", "PYTHON", "VIRTUAL_ENV", "LD_PRELOAD")


class NativeLocalStack:
    """Keeps one folder per port: state, log and everything LocalStack writes. Ending it removes the folder.

    All its processes have the folder's name in their environment, by which they are found again.
    """

    name: ClassVar[str] = "host"

    def up(self, port: int, say: Say) -> Running:
        if sys.platform != "linux":
            raise UserError("the host runtime needs Linux: use --runtime compose here")
        folder = state_folder(port)
        with alone(_states().with_name("host.lock"), say):
            running = self._running(folder)
            if running is None or not running.healthy:
                running = self._start(folder, port, say)
            return running

    def _start(self, folder: Path, port: int, say: Say) -> Running:
        self.down(port, say)
        _refuse_taken(port)
        installation = install(say)
        _lay_out(folder, installation, java_home(installation, say))
        say("starting LocalStack")
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen(
                [str(installation.python), "-m", "localstack.runtime.main"],
                cwd=folder,
                env=environment(dict(os.environ), folder, port, installation),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        _remember(folder, port, server.pid)
        try:
            wait_until_healthy(port, lambda: _ended(server, folder), say)
            wait_until_dynamodb_answers(port, say)
        except BaseException:
            kill_marked(folder)
            server.wait()
            raise
        # LocalStack outlives this process: this silences the ResourceWarning of Popen.
        server.returncode = 0
        running = self._running(folder)
        if running is None:
            raise UserError(exit_explained(None, _log(folder)))
        return running

    def down(self, port: int | None, say: Say) -> list[str]:
        ended = []
        folders = sorted(_states().glob("*/")) if port is None else [state_folder(port)]
        for folder in folders:
            processes = kill_marked(folder)
            if folder.exists():
                say(f"ending LocalStack on port {folder.name}")
                shutil.rmtree(folder)
                ended.append(f"host: LocalStack on port {folder.name}, {processes} processes")
        return ended

    def status(self) -> list[Running]:
        return [running for folder in sorted(_states().glob("*/")) if (running := self._running(folder))]

    def processes(self, port: int) -> list[psutil.Process]:
        """LocalStack itself first, then what it started: DynamoDB Local and the functions."""
        folder = state_folder(port)
        main = _remembered(folder).get("process")
        return sorted(marked(folder), key=lambda process: (process.pid != main, process.pid))

    def kill(self, port: int) -> None:
        kill_marked(state_folder(port))

    def start(self, port: int, say: Say) -> Running:
        return self.up(port, say)

    def pause(self, port: int) -> None:
        _signal(self.processes(port), signal.SIGSTOP)

    def resume(self, port: int) -> None:
        _signal(self.processes(port), signal.SIGCONT)

    def kill_function(self, port: int, name: str) -> int:
        processes = [process for process in self.processes(port) if function_of(output_of(process)) == name]
        _signal(processes, signal.SIGKILL)
        return len(processes)

    def _running(self, folder: Path) -> Running | None:
        state = _remembered(folder)
        if not state:
            return None
        number = state["process"]
        alive = number in {process.pid for process in marked(folder)}
        answer = health(local(state["port"])) if alive else None
        place = f"process {number}" if alive else f"process {number}, which ended,"
        version, services = (answer.version, answer.services) if answer else ("", ())
        return Running(self.name, place, state["port"], version, services, healthy=answer is not None)


def environment(variables: dict[str, str], folder: Path, port: int, installation: Installation) -> dict[str, str]:
    """LocalStack's environment variables. The user's settings of LocalStack take precedence over ours."""
    kept = {name: value for name, value in variables.items() if not name.startswith(LEFT_OUT)}
    return {
        **SETTINGS,
        **kept,
        MARK: str(folder),
        "PYTHONPATH": str(folder / "plugin"),
        "TMPDIR": str(folder / "tmp"),
        "XDG_CACHE_HOME": str(folder / "cache"),
        "FILESYSTEM_ROOT": str(folder / "root"),
        "OVERRIDE_IN_DOCKER": "0",
        "GATEWAY_LISTEN": f"127.0.0.1:{port}",
        "DNS_ADDRESS": "0",
        "SKIP_SSL_CERT_DOWNLOAD": "1",
        "LAMBDA_RUNTIME_EXECUTOR": "process",
        "HARNESS_FUNCTION_PACKAGES": str(installation.function_packages),
    }


def state_folder(port: int) -> Path:
    return _states() / str(port)


def _states() -> Path:
    return cache_folder().absolute() / "host"


def _lay_out(folder: Path, installation: Installation, java: Path) -> None:
    """The folders as LocalStack expects them."""
    libraries = {DYNAMODB_LOCAL: installation.dynamodb_local, JAVA: java, KINESIS_MOCK: installation.kinesis_mock}
    lay_out_libraries(folder / "root", libraries)
    lay_out_plugin(folder / "plugin")
    (folder / "tmp").mkdir()


def _refuse_taken(port: int) -> None:
    with closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            answer = health(local(port))
            what = f" It is a LocalStack {answer.version} that harness did not start." if answer else ""
            problem = f"port {port} is taken by {holder_of(port)}.{what} Stop it, or choose another with --port"
            raise UserError(problem) from None


def _remember(folder: Path, port: int, number: int) -> None:
    draft = folder / "state.draft"
    draft.write_text(json.dumps({"port": port, "process": number}))
    draft.rename(folder / "state.json")


def _remembered(folder: Path) -> dict[str, Any]:
    try:
        state: dict[str, Any] = json.loads((folder / "state.json").read_text())
    except FileNotFoundError:
        return {}
    return state


def _signal(processes: Iterable[psutil.Process], what: signal.Signals) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(what)


def _ended(server: subprocess.Popen[bytes], folder: Path) -> str | None:
    code = server.poll()
    return None if code is None else exit_explained(code, _log(folder))


def _log(folder: Path) -> str:
    return (folder / "log").read_text(errors="replace")


MARK = "HARNESS_HOST_RUNTIME"  # the environment variable that our processes inherit; its value is a state folder
END_SECONDS = 10


def is_alive(process: psutil.Process) -> bool:
    """Whether it runs. A process that has ended, and that its parent has not waited for, does not."""
    with suppress(psutil.NoSuchProcess):
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    return False


def marked(folder: Path) -> list[psutil.Process]:
    """All processes that belong to a LocalStack with its state in this folder or below it, the lowest number first."""

    def is_marked(process: psutil.Process) -> bool:
        with suppress(psutil.Error):  # it has ended, or is another user's
            mark: str = process.environ().get(MARK, "")
            return mark == str(folder) or mark.startswith(f"{folder}/")
        return False

    return [process for process in psutil.process_iter() if is_marked(process)]


def kill_marked(folder: Path) -> int:
    """End them all, also those that start while this goes on. Says how many there were. Raises TimeoutError."""
    killed: set[psutil.Process] = set()

    def remaining() -> str:
        # A process that is ending has no environment any more, and so no mark, a moment before it is gone.
        processes = {*marked(folder), *filter(is_alive, killed)}
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        killed.update(processes)
        return ", ".join(sorted(str(process.pid) for process in processes))

    if numbers := until_nothing(remaining, END_SECONDS):
        raise TimeoutError(f"processes {numbers} did not end in {END_SECONDS} s after SIGKILL")
    return len(killed)


def output_of(process: psutil.Process) -> Path:
    """The file that its standard output goes to; an empty path where there is none, or no such process any more."""
    with suppress(psutil.Error):
        return next((Path(file.path) for file in process.open_files() if file.fd == 1), Path())
    return Path()
