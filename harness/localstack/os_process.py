"""Processes of the operating system: which are ours, which holds a port, and how to signal one and no other.

Reads /proc (proc(5)), so it works on Linux only.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
MARK = "HARNESS_HOST_RUNTIME"  # the environment variable that our processes inherit; its value is a state folder
LISTENING = "0A"  # of a socket's state in /proc/net/tcp
END_SECONDS = 10
POLL_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class OsProcess:
    """One process. Its number may be used again after its end; number and start time (clock ticks) may not."""

    number: int
    start: int

    @property
    def alive(self) -> bool:
        """Does it run? One that ended and was not yet asked for by its parent does not."""
        found = _stat(self.number)
        return found is not None and found == (self.start, False)

    def signal(self, what: signal.Signals) -> None:
        """Send a signal to this process, never to another one that got its number."""
        with suppress(ProcessLookupError):
            handle = os.pidfd_open(self.number)
            try:
                if self.alive:
                    signal.pidfd_send_signal(handle, what)
            finally:
                os.close(handle)


def process(number: int) -> OsProcess | None:
    """The process that has this number now."""
    found = _stat(number)
    return None if found is None else OsProcess(number, found[0])


def marked(folder: Path) -> list[OsProcess]:
    """All processes that belong to a runtime with its state in this folder or below it."""
    # Compared as bytes: the folder's name may be in any encoding.
    mark = f"{MARK}={folder}".encode()
    found = []
    for number in _numbers():
        with suppress(OSError):  # ended, or another user's
            variables = (PROC / str(number) / "environ").read_bytes().split(b"\0")
            if any(variable == mark or variable.startswith(mark + b"/") for variable in variables):
                found.append(process(number))
    return [one for one in found if one is not None]


def output_of(one: OsProcess) -> Path:
    """The file that its standard output goes to; an empty path where there is no such process any more."""
    with suppress(OSError):
        return (PROC / str(one.number) / "fd" / "1").readlink()
    return Path()


def kill_marked(folder: Path) -> int:
    """End them all, also those that start while this goes on. Says how many there were. Raises TimeoutError."""
    killed: set[OsProcess] = set()
    deadline = time.monotonic() + END_SECONDS
    # A process that is ending has no environment any more, and so no mark, a moment before it is gone.
    while remaining := {*marked(folder), *(one for one in killed if one.alive)}:
        if time.monotonic() > deadline:
            numbers = ", ".join(sorted(str(one.number) for one in remaining))
            raise TimeoutError(f"processes {numbers} did not end in {END_SECONDS} s after SIGKILL")
        for one in remaining:
            one.signal(signal.SIGKILL)
        killed.update(remaining)
        time.sleep(POLL_SECONDS)
    return len(killed)


def holder_of(port: int) -> str:
    """Who listens on a port: `process 12 (nginx -g …)`, or "another process" where that can't be seen."""
    if not PROC.exists():
        return "another process"
    sockets = {f"socket:[{inode}]" for inode in _listening(port)}
    for number in _numbers():
        with suppress(OSError):
            folder = PROC / str(number)
            if any(os.readlink(entry) in sockets for entry in (folder / "fd").iterdir()):
                command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
                return f"process {number} ({command[:80]})"
    return "a process of another user"


def _listening(port: int) -> Iterator[str]:
    for table in ("tcp", "tcp6"):
        with suppress(OSError):
            for line in (PROC / "net" / table).read_text().splitlines()[1:]:
                words = line.split()
                if words[3] == LISTENING and int(words[1].rpartition(":")[2], 16) == port:
                    yield words[9]


def _numbers() -> list[int]:
    return sorted(int(entry.name) for entry in PROC.iterdir() if entry.name.isdigit())


def _stat(number: int) -> tuple[int, bool] | None:
    """Start time, and whether it has ended; None when there is none."""
    try:
        text = (PROC / str(number) / "stat").read_text(errors="replace")
    except OSError:
        return None
    # The name in parentheses may hold anything; the state is the third field, the start time the 22nd.
    fields = text[text.rindex(")") + 2 :].split()
    return int(fields[19]), fields[0] in "ZX"
