"""Processes of the operating system: which belong to a LocalStack of ours, and which holds a port."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import psutil

from harness.waiting import until_nothing

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


def holder_of(port: int) -> str:
    """Who listens on a port: `process 12 (nginx -g …)`, or "another process" where that can't be seen."""
    try:
        for connection in psutil.net_connections("tcp"):
            if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port and connection.pid:
                command = " ".join(psutil.Process(connection.pid).cmdline())
                return f"process {connection.pid} ({command[:80]})"
    except psutil.Error:
        return "another process"
    return "a process of another user"
